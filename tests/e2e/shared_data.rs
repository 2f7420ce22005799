//! Other people's synthetic data, read where they lie: counts that other programs agreed on.

use crate::carecoord::{Project, shared};

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

const UNACCOUNTED: &str = "select count(*) from results.quality where rows_read <> rows_filtered + rows_accepted + rows_quarantined + rows_duplicate + rows_superseded";

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
    assert_eq!(project.value(UNACCOUNTED), "0");
}

#[test]
fn a_synthea_export_of_the_years_between_loads() {
    let Some(folder) = shared("data/synthea_dbt27") else { return };
    let project = Project::new();
    project.ingest_from("synthea", &folder).expect(0);
    assert_eq!(project.value("select count(*) > 0 from lake.coverage"), "true");
    let ran = project.run(&["compute"]).expect(0);
    assert!(!ran.err.contains("refused readmission.unplanned"), "{}", ran.err);
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
