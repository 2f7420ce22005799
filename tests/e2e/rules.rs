//! A measure of a user's own that is a rule on the rows of a cohort.

use std::fs;

use crate::carecoord::Project;

/// The example of `docs/own-measure.md`.
fn example() -> String {
    let page = fs::read_to_string("docs/own-measure.md").unwrap();
    let section = page.split_once("## rule.sql").unwrap().1;
    section.split("```").nth(1).unwrap().strip_prefix("sql\n").unwrap().to_owned()
}

#[test]
fn the_documented_rule_measures_what_it_says() {
    let project = Project::new();
    project.extract(
        "patient.csv",
        "patient_id,birth_date,sex\nP1,1950-01-01,female\nP2,2000-01-01,male\nP3,1940-01-01,male\n",
    );
    // P1 comes back after four days, P2 is 26 years old, P3 dies in hospital: disposition 20.
    project.extract(
        "encounter.csv",
        "encounter_id,patient_id,class,start_date,end_date,discharge_disposition\n\
         E1,P1,inpatient,2026-01-01,2026-01-05,01\n\
         E2,P1,inpatient,2026-01-09,2026-01-12,01\n\
         E3,P2,inpatient,2026-01-03,2026-01-04,01\n\
         E4,P3,inpatient,2026-01-06,2026-01-07,20\n\
         E5,P1,inpatient,2026-06-01,2026-06-02,01\n",
    );
    project.ingest().expect(0);
    let folder = project.path().join("own/back");
    fs::create_dir_all(&folder).unwrap();
    let definition = "family = 'own'\ncohort = 'stay'\nkind = 'proportion'\nunit_name = 'stay'\nbetter = 'lower'\nvalue_unit = '%'\n\
                      decimals = 1\nfeed = 'ehr'\nsteward = 'us'\nversion = '1'\nwhy = 'x'\nrule = 'y'\nsources = []\n\
                      [[variant]]\nid = 'own.all'\ncode = 'OWN'\ntitle = 'All'\nwindow_days = 30\nparams = { min_age = 18 }\n\
                      [[variant]]\nid = 'own.old'\ncode = 'OWN'\ntitle = 'Old'\nwindow_days = 3\nparams = { min_age = 65 }\n";
    fs::write(folder.join("measure.toml"), definition).unwrap();
    fs::write(folder.join("rule.sql"), example()).unwrap();
    fs::write(project.path().join("carecoord.toml"), "measures = ['own']\nsuppress_below = 0\nmonths = 3\n").unwrap();
    project.run(&["compute", "--month", "2026-01", "--only", "own"]).expect(0);
    let units = "select measure_id, unit_id, in_denominator, coalesce(exclusion_reason, '-'), coalesce(cast(in_numerator as varchar), '-') \
                 from results.unit where unit_id <> 'E5' order by 1, 2";
    assert_eq!(
        project.sql(units),
        [
            "own.all,E1,true,-,true",
            "own.all,E2,true,-,false",
            "own.all,E3,true,-,false",
            "own.all,E4,false,died_in_hospital,-",
            "own.old,E1,true,-,false",
            "own.old,E2,true,-,false",
            "own.old,E3,false,under_age,-",
            "own.old,E4,false,died_in_hospital,-",
        ]
    );
    // The units stand once for both measures.
    assert_eq!(
        project.value("select count(*) from results.cohort_unit where cohort = 'stay' and unit_id <> 'E5'"),
        "4"
    );

    // A cohort that there is not, and two files where one belongs, are named.
    fs::write(folder.join("measure.toml"), definition.replace("'stay'\nkind", "'visit'\nkind")).unwrap();
    let ran = project.run(&["compute", "--month", "2026-01", "--only", "own"]).expect(2);
    assert!(
        ran.err.contains("rule.sql") && ran.err.contains("visit") && ran.err.contains("member_month"),
        "{}",
        ran.err
    );
    fs::write(folder.join("measure.toml"), definition).unwrap();
    fs::write(folder.join("units.sql"), "select 1").unwrap();
    let ran = project.run(&["compute", "--month", "2026-01", "--only", "own"]).expect(2);
    assert!(ran.err.contains("keep one of the two files"), "{}", ran.err);
}
