//! Code tables: loaded with version and source, replaced, listed, and used by what asks for them.

use crate::carecoord::{Project, Ran, program, shared};

const HEADER: &str = "set_id,version,code_system,code,target,display,source\n";

fn import(project: &Project, folder: &std::path::Path, version: &str) -> Ran {
    program(&["codes", "import", "--set-version", version, "--source", "an invented table", "--project"])
        .arg(project.path())
        .arg(folder)
        .output()
        .unwrap()
        .into()
}

#[test]
fn tables_are_told_by_name_and_the_version_loaded_last_is_in_force() {
    let project = Project::new();
    let folder = project
        .extract("icd_10_cm_to_ccs.csv", "icd_10_cm,description,ccs_diagnosis_category\nA100,One,1\nA101,Two,2\n");
    project.extract("specialty_cohort.csv", "ccs,description,specialty_cohort,procedure_or_diagnosis\n1,x,Medicine,Diagnosis\n1,y,Surgery/Gynecology,Procedure\n");
    project.extract("code_set.csv", format!("{HEADER}holidays,2026,iso-8601,2026-07-03,,Founders' day,our calendar\n"));
    import(&project, &folder, "2021").expect(0);
    let listed = |project: &Project| -> Vec<String> {
        let ran = project.run(&["codes", "list", "--format", "csv"]).expect(0);
        ran.out.lines().skip(1).filter(|line| !line.contains(",shipped,")).map(str::to_owned).collect()
    };
    assert_eq!(
        listed(&project),
        [
            "holidays,2026,1,loaded,our calendar",
            "icd_10_cm_to_ccs,2021,2,loaded,an invented table",
            "specialty_cohort,2021,2,loaded,an invented table",
        ]
    );
    // The same label in two systems is two codes.
    assert_eq!(
        project.value("select count(distinct code_system) from lake.code_set where set_id = 'specialty_cohort'"),
        "2"
    );
    // A newer version takes over; the older rows stay in the lake.
    project.extract("icd_10_cm_to_ccs.csv", "icd_10_cm,description,ccs_diagnosis_category\nA100,One,7\n");
    import(&project, &folder, "2024").expect(0);
    assert!(listed(&project).contains(&"icd_10_cm_to_ccs,2024,1,loaded,an invented table".to_owned()));
    assert_eq!(project.value("select count(*) from lake.code_set where set_id = 'icd_10_cm_to_ccs'"), "3");
    // Loading again what is loaded changes nothing.
    assert!(import(&project, &folder, "2024").expect(0).err.contains("nothing new"));
    // Loaded last is in force, whatever its name: a table of 2019 that is loaded today was meant.
    project.extract("icd_10_cm_to_ccs.csv", "icd_10_cm,description,ccs_diagnosis_category\nA100,One,3\n");
    import(&project, &folder, "2019").expect(0);
    assert!(listed(&project).contains(&"icd_10_cm_to_ccs,2019,1,loaded,an invented table".to_owned()));
}

#[test]
fn a_loaded_set_takes_the_place_of_a_shipped_one_and_code_tables_leave_dates_and_source_alone() {
    let project = Project::new();
    let shipped = project.run(&["codes", "list", "--format", "csv"]).expect(0).out;
    assert!(shipped.contains("readmission_cohort_principal,1,") && shipped.contains(",shipped,"), "{shipped}");
    project.extract("patient.csv", "patient_id,birth_date,sex\nP1,1950-01-01,female\n");
    project.extract(
        "encounter.csv",
        "encounter_id,patient_id,class,start_date,end_date\nE1,P1,inpatient,2026-03-01,2026-03-05\n",
    );
    let extracts = project.path().join("extracts").to_string_lossy().into_owned();
    let ingest = ["ingest", "--source", "carecoord", "--extract-date", "2026-05-01", "--extracts", extracts.as_str()];
    project.run(&ingest).expect(0);
    let tables = tempfile::tempdir().unwrap();
    std::fs::write(
        tables.path().join("code_set.csv"),
        format!("{HEADER}readmission_cohort_principal,ours,icd-10-cm,I50*,HF,,us\nbroken,,icd-10-cm,X1,,,us\n"),
    )
    .unwrap();
    // A row without its version is put aside, as in any extract.
    let ran = import(&project, tables.path(), "1").expect(0);
    assert!(ran.err.contains("version required 1"), "{}", ran.err);
    let listed = project.run(&["codes", "list", "--format", "csv"]).expect(0).out;
    assert!(listed.contains("readmission_cohort_principal,ours,1,loaded,us"), "{listed}");
    project.run(&["compute"]).expect(0);
    assert_eq!(project.value("select source from results.run"), "carecoord");
    assert_eq!(project.value("select extract_date from results.run"), "2026-05-01");
}

#[test]
fn folders_without_code_tables_are_usage_errors() {
    let project = Project::new();
    let empty = tempfile::tempdir().unwrap();
    let ran = import(&project, empty.path(), "1").expect(2);
    assert!(ran.err.contains("icd_10_cm_to_ccs.csv"), "{}", ran.err);
    import(&project, &project.path().join("nowhere"), "1").expect(2);
}

#[test]
fn the_planned_readmission_tables_load_whole() {
    let Some(folder) = shared("valuesets") else { return };
    let project = Project::new();
    import(&project, &folder, "2021").expect(0);
    let rows = project.sql("select set_id, count(*) from lake.code_set group by set_id order by set_id");
    for wanted in [
        "acute_diagnosis_icd_10_cm,12333",
        "always_planned_ccs_diagnosis_category,2",
        "always_planned_ccs_procedure_category,3",
        "exclusion_ccs_diagnosis_category,47",
        "icd_10_cm_to_ccs,72446",
        "icd_10_pcs_to_ccs,80492",
        "potentially_planned_icd_10_pcs,2521",
        "specialty_cohort,276",
        "surgery_gynecology_cohort,1676",
    ] {
        assert!(rows.iter().any(|row| row == wanted), "{wanted}: {rows:?}");
    }
}
