//! Other people's synthetic data, read where they lie: counts that other programs agreed on.

use crate::carecoord::{Project, shared};
use std::fmt::Write as _;

/// Next admission 0 to 30 days after discharge, on rows as they are.
const NEXT_ADMISSION: &str = "
with followed as (
    select end_date, lead(start_date) over (
        partition by bucket, patient_id order by start_date, end_date, encounter_id) as next_start
    from lake.encounter where class = 'inpatient'
)
select sum(case when cast(next_start as int) - cast(end_date as int) between 0 and 30 then 1 else 0 end) from followed";

/// Stays merged while admission <= running latest discharge; followed up for 30 days; not ended by death.
const MERGED: &str = "
with looked_back as (
    select *, max(end_date) over (
        partition by bucket, patient_id order by start_date, end_date, encounter_id
        rows between unbounded preceding and 1 preceding) as before
    from lake.encounter where class = 'inpatient'
),
numbered as (
    select *, sum(case when before is null or start_date > before then 1 else 0 end) over (
        partition by bucket, patient_id order by start_date, end_date, encounter_id
        rows between unbounded preceding and current row) as stay
    from looked_back
),
stays as (
    select bucket, patient_id, min(start_date) as start_date, max(end_date) as end_date
    from numbered group by bucket, patient_id, stay
),
followed as (
    select *, lead(start_date) over (partition by bucket, patient_id order by start_date) as next_start from stays
)
select count(*), sum(case when cast(f.next_start as int) - cast(f.end_date as int) between 1 and 30 then 1 else 0 end)
from followed f join lake.patient p on p.patient_id = f.patient_id
where cast(f.end_date as int) + 30 <= (select max(cast(end_date as int)) from lake.encounter where class = 'inpatient')
  and not coalesce(p.deceased_date between f.start_date and f.end_date, false)";

const UNACCOUNTED: &str = "select count(*) from results.quality where rows_read <> rows_filtered + rows_accepted + rows_quarantined + rows_duplicate + rows_superseded + rows_combined + rows_withdrawn";

#[test]
fn desynpuf_gives_the_counts_that_other_programs_gave() {
    let Some(folder) = shared("data/desynpuf") else { return };
    let project = Project::new();
    project.ingest_from("desynpuf", &folder).expect(0);
    assert_eq!(project.value("select count(*) from lake.encounter"), "51727");
    assert_eq!(project.value("select count(*) from lake.patient"), "90000");
    assert_eq!(project.value(NEXT_ADMISSION), "5198");
    assert_eq!(project.value(MERGED), "49888,4962");
    project.run(&["compute", "--months", "36"]).expect(0);
    assert_eq!(project.value("select count(*) from results.quality"), "36");
    assert_eq!(project.value(UNACCOUNTED), "0");
    // Accepted rows are the rows in the lake, file by file.
    let wrong = "select count(*) from results.quality q left join (
            select _extract, count(*) as rows from lake.encounter group by _extract
            union all select _extract, count(*) from lake.patient group by _extract
        ) l on l._extract = q.extract_id where coalesce(l.rows, 0) <> q.rows_accepted";
    assert_eq!(project.value(wrong), "0");
    let severities = "select distinct severity from results.check_result where check_name in ('negative_value', 'overlapping_stay', 'same_stay_other_id')";
    assert_eq!(project.sql(severities), ["warn"]);
    // Units of a measure are the stays, each with its place.
    assert_eq!(
        project.value("select count(*) from results.unit where measure_id = 'readmission.all_cause_30' and in_denominator = (exclusion_reason is null)"),
        project.value("select count(*) from results.unit where measure_id = 'readmission.all_cause_30'")
    );
    assert_eq!(project.value("select count(*) from results.measure where status = 'refused' and refusal is null"), "0");
}

#[test]
fn an_empty_segment_of_desynpuf_is_not_segment_1_and_is_counted_as_left_out() {
    let project = Project::new();
    project.extract(
        "DE1_0_2008_Beneficiary_Summary_File_Sample_1.csv",
        "DESYNPUF_ID,BENE_BIRTH_DT,BENE_DEATH_DT,BENE_SEX_IDENT_CD,BENE_RACE_CD\nP1,19400101,,1,1\n",
    );
    let folder = project.extract(
        "DE1_0_2008_to_2010_Inpatient_Claims_Sample_1.csv",
        "DESYNPUF_ID,CLM_ID,SEGMENT,CLM_ADMSN_DT,NCH_BENE_DSCHRG_DT\n\
         P1,C1,1,20080101,20080103\nP1,C2,,20080201,20080203\nP1,C3,\"\",20080301,20080303\n\
         P1,C4,2,20080401,20080403\nP1,C5, 1 ,20080501,20080503\n",
    );
    project.ingest_from("desynpuf", &folder).expect(0);
    assert_eq!(project.sql("select encounter_id from lake.encounter order by encounter_id"), ["C1", "C5"]);
    project.run(&["compute"]).expect(0);
    let rows = "select rows_read, rows_filtered, rows_accepted from results.quality where table_name = 'encounter'";
    assert_eq!(project.value(rows), "5,3,2");
}

/// A mapping that makes code sets of what Synthea's conditions are called, as a user would load them: `[set, description]`.
fn sets_of_conditions(project: &Project, sets: &[[&str; 2]]) -> String {
    let mut mapping = "name = \"sets\"\nreference = true\n".to_owned();
    for [set, description] in sets {
        let _ = write!(
            mapping,
            "[[file]]\ntable = \"code_set\"\nfiles = [\"conditions.csv\"]\n\
             only_where = {{ column = \"DESCRIPTION\", equals = [\"{description}\"] }}\n\
             [file.columns]\nset_id = {{ constant = \"{set}\" }}\nversion = {{ constant = \"1\" }}\n\
             code_system = {{ constant = \"SNOMEDCT\" }}\ncode = \"CODE\"\n"
        );
    }
    let path = project.path().join("sets.toml");
    std::fs::write(&path, mapping).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Why a measure refused; "none" where it did not.
fn refusal(project: &Project, measure: &str) -> String {
    project.value(&format!("select coalesce(refusal, 'none') from results.measure where measure_id = '{measure}'"))
}

#[test]
fn synthea_california_gives_the_counts_that_other_programs_gave() {
    let Some(folder) = shared("data/synthea_california/csv") else { return };
    let project = Project::new();
    project.ingest_from("synthea", &folder).expect(0);
    assert_eq!(project.value("select count(*) from lake.encounter where class = 'inpatient'"), "86");
    assert_eq!(project.value(NEXT_ADMISSION), "13");
    assert_eq!(project.value(MERGED), "81,10");
    project.run(&["compute"]).expect(0);
    let page = project.run(&["report"]).expect(0).out;
    assert!(std::fs::read_to_string(page.trim()).unwrap().contains("Care coordination report"));
    // 3,709 rows of medications.csv; twice a row of no length and the one that follows it are one drug, encounter and day.
    assert_eq!(project.value("select count(*) from lake.medication_fill"), "3707");
    assert_eq!(project.value(UNACCOUNTED), "0");
}

#[test]
fn an_old_synthea_export_without_class_and_stop_makes_measures_refuse() {
    let Some(folder) = shared("data/synthea_2017_schema") else { return };
    let project = Project::new();
    project.ingest_from("synthea", &folder).expect(0);
    let ran = project.run(&["compute"]).expect(0);
    assert!(
        ran.err.contains(
            "refused readmission.unplanned_30: the extracts do not offer encounter.class, encounter.end_date"
        ),
        "{}",
        ran.err
    );
    assert_eq!(project.value("select count(*) from results.rate"), "0");
    assert_eq!(project.value("select count(*) from lake.medication_fill"), "6048");
    assert_eq!(project.value(UNACCOUNTED), "0");
}

#[test]
fn observations_of_a_synthea_export_of_2017_have_no_type_and_their_unit_tells_numbers_from_words() {
    let project = Project::new();
    project.extract("patients.csv", "ID,BIRTHDATE,GENDER\nP1,1970-05-05,F\n");
    let folder = project.extract(
        "observations.csv",
        "DATE,PATIENT,ENCOUNTER,CODE,DESCRIPTION,VALUE,UNITS\n\
         2017-03-01,P1,E1,8480-6,Systolic Blood Pressure,121.5,mmHg\n\
         2017-03-01,P1,E1,72166-2,Tobacco smoking status,Never smoker,\n\
         2017-03-01,P1,E1,32624-9,An answer,One, {Nominal} \n\
         2017-03-01,P1,E1,32624-9,An answer,Two,{nominal}\n\
         2017-03-01,P1,,QALY,QALY,47.0,a\n",
    );
    project.ingest_from("synthea", &folder).expect(0);
    assert_eq!(
        project.sql(
            "select code_system, code, value_number, value_text, unit from lake.observation order by code, value_text"
        ),
        [
            "loinc,32624-9,,One,",
            "loinc,32624-9,,Two,",
            "loinc,72166-2,,Never smoker,",
            "loinc,8480-6,121.5,,mmHg",
            "synthea,QALY,47.0,,a",
        ]
    );
    project.run(&["compute"]).expect(0);
    let unread = "select count(*) from results.check_result where column_name like 'value_%'";
    assert_eq!(project.value(unread), "0");
    assert_eq!(project.value(UNACCOUNTED), "0");
}

#[test]
fn open_ended_coverage_of_a_synthea_export_has_no_end() {
    let project = Project::new();
    project.extract("patients.csv", "Id,BIRTHDATE,GENDER\nP1,1970-05-05,F\n");
    let folder = project.extract(
        "payer_transitions.csv",
        "PATIENT,MEMBERID,START_DATE,END_DATE,PAYER,SECONDARY_PAYER,PLAN_OWNERSHIP,OWNER_NAME\n\
         P1,M1,2024-01-01T03:04:05Z,2025-01-01T03:04:05Z,A,,Self,X\n\
         P1,M2,2025-01-01T03:04:05Z,292278994-08-17T07:12:55Z,B,,Self,X\n",
    );
    project.ingest_from("synthea", &folder).expect(0);
    let spans = "select payer_id, start_date, end_date from lake.coverage order by payer_id";
    assert_eq!(project.sql(spans), ["A,2024-01-01,2025-01-01", "B,2025-01-01,"]);
    assert_eq!(project.value("select count(*) from lake.quarantine"), "0");
}

#[test]
fn a_synthea_export_of_the_years_between_loads() {
    let Some(folder) = shared("data/synthea_dbt27") else { return };
    let project = Project::new();
    project.ingest_from("synthea", &folder).expect(0);
    assert_eq!(project.value("select count(*) > 0 from lake.coverage"), "true");
    let ran = project.run(&["compute"]).expect(0);
    assert!(!ran.err.contains("refused readmission.unplanned"), "{}", ran.err);
    assert_eq!(project.value(UNACCOUNTED), "0");
}

#[test]
fn observations_and_medications_of_a_synthea_export_are_read_and_what_they_lack_is_named() {
    let Some(folder) = shared("data/synthea_dbt27") else { return };
    let project = Project::new();
    project.ingest_from("synthea", &folder).expect(0);
    // Counted in the files: 990 observations, 373 of them without a unit, 75 with Synthea's own codes; 663 prescriptions, two of
    // which are one drug, encounter and day.
    let observations = "select count(*), count(value_number), count(value_text), \
        count(*) filter (where code_system = 'loinc'), count(distinct patient_id) from lake.observation";
    assert_eq!(project.value(observations), "990,617,373,915,27");
    let readings = "select count(*) filter (where code = '4548-4'), count(*) filter (where code = '8480-6'), \
        count(*) filter (where code = '8462-4') from lake.observation where value_number is not null";
    assert_eq!(project.value(readings), "7,27,27");
    assert_eq!(
        project.value("select count(*), count(filled_date), count(days_supply) from lake.medication_fill"),
        "662,662,0"
    );
    let left = "select count(*) from lake.quarantine where table_name in ('observation', 'medication_fill')";
    assert_eq!(project.value(left), "0");

    project.run(&["compute"]).expect(0);
    let rows = "select table_name, sum(rows_read), sum(rows_filtered), sum(rows_accepted), sum(rows_duplicate), \
        sum(rows_quarantined) from results.quality where table_name in ('observation', 'medication_fill') \
        group by table_name order by table_name";
    // Each of the three blocks of observations reads all rows.
    assert_eq!(project.sql(rows), ["medication_fill,663,0,662,1,0", "observation,2970,1980,990,0,0"]);
    assert_eq!(project.value(UNACCOUNTED), "0");
    for (measure, why) in [
        ("chronic_care.blood_pressure_control", "diagnoses in a code system of the set hypertension"),
        ("chronic_care.a1c_poor_control", "diagnoses in a code system of the set diabetes"),
        ("medication_adherence.pdc_statin", "medication_fill.days_supply"),
    ] {
        assert!(refusal(&project, measure).contains(why), "{measure}: {}", refusal(&project, measure));
    }

    // With the sets loaded, under VSAC's name for SNOMED CT, both compute. Nobody here has diabetes: prediabetes stands in for it.
    let sets = sets_of_conditions(&project, &[["hypertension", "Hypertension"], ["diabetes", "Prediabetes"]]);
    project.ingest_from(&sets, &folder).expect(0);
    project.run(&["compute"]).expect(0);
    // Counted in the files: of six patients with hypertension five have a visit in 2023, and four of these are controlled; five
    // with prediabetes have a visit and a result, none above 9 %.
    let year = "select measure_id, count(*) filter (where in_denominator), count(*) filter (where in_numerator) \
        from results.unit where measure_id in ('chronic_care.a1c_poor_control', 'chronic_care.blood_pressure_control') \
        and unit_id like '%|2023' group by measure_id order by measure_id";
    assert_eq!(project.sql(year), ["chronic_care.a1c_poor_control,5,0", "chronic_care.blood_pressure_control,5,4"]);
    assert_eq!(refusal(&project, "chronic_care.blood_pressure_control"), "none");
    // The sets of exclusions are still those of ICD-10-CM, and the result says so.
    let caveats = "select count(*) from results.measure where measure_id = 'chronic_care.blood_pressure_control' \
        and caveat like '%kidney_failure does not name%' and caveat like '%pregnancy does not name%' \
        and caveat not like '%hypertension does not name%'";
    assert_eq!(project.value(caveats), "1");
}

#[test]
fn referrals_without_a_key_are_closed_by_the_first_visit_to_the_specialty() {
    let Some(folder) = shared("data/referrals_appointments") else { return };
    let project = Project::new();
    let mapping = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/referrals_appointments.toml");
    // Three days after the last row, so that all rows are followed up.
    let extracts = folder.to_str().unwrap();
    let given = ["ingest", "--source", mapping, "--extracts", extracts, "--extract-date", "2025-07-03"];
    project.run(&given).expect(0);
    assert_eq!(project.value("select count(*) from lake.referral"), "800");
    assert_eq!(project.value("select count(*) from lake.appointment"), "2600");
    project.run(&["compute", "--months", "12", "--only", "referral"]).expect(0);
    assert_eq!(project.value(UNACCOUNTED), "0");
    let year = "select n_units, events, completed_median from results.wait where level = 'all' and stratum_kind = 'all' \
                and measure_id = 'referral.days_to_matched_visit' and period_kind = 'year'";
    assert_eq!(project.value(year), "800,245,38.0");
}
