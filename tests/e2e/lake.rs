//! What the lake promises: physical order, row accounting, superseding, snapshots, read-only SQL.

use std::os::unix::fs::MetadataExt;

use crate::carecoord::Project;

const PATIENTS: &str = "patient_id,birth_date,sex\nP1,1950-01-01,female\nP2,1960-02-02,male\nP3,1970-03-03,female\n";

fn encounters(rows: &[&str]) -> String {
    let mut text = "encounter_id,patient_id,class,start_date,end_date,amount_paid\n".to_owned();
    for row in rows {
        text.push_str(row);
        text.push('\n');
    }
    text
}

fn small() -> Project {
    let project = Project::new();
    project.extract("patient.csv", PATIENTS);
    project.extract(
        "encounter.csv",
        encounters(&[
            "E1,P1,inpatient,2026-01-01,2026-01-05,100.10",
            "E2,P1,inpatient,2026-01-20,2026-01-25,0.20",
            "E3,P2,emergency,2026-01-03,2026-01-03,5",
        ]),
    );
    project
}

#[test]
fn the_window_over_a_patients_stays_plans_neither_a_sort_nor_a_repartition() {
    let project = small();
    project.ingest().expect(0);
    let window = "explain select patient_id, lead(start_date) over (partition by bucket, patient_id order by start_date) \
                  from lake.encounter where class = 'inpatient'";
    let plan = project.run(&["sql", "--format", "csv", window]).expect(0).out;
    assert!(plan.contains("BoundedWindowAggExec") && plan.contains("DataSourceExec"), "{plan}");
    for costly in ["SortExec", "RepartitionExec", "CoalescePartitionsExec", "SortPreservingMergeExec"] {
        assert!(!plan.contains(costly), "{costly} in {plan}");
    }
    // The same window in another order must sort, or the check above could not fail.
    let other = window.replace("order by start_date", "order by amount_paid");
    assert!(project.run(&["sql", "--format", "csv", &other]).expect(0).out.contains("SortExec"));
}

#[test]
fn the_same_file_twice_changes_nothing() {
    let project = small();
    project.ingest().expect(0);
    let before = std::fs::read_to_string(project.path().join("lake/CURRENT")).unwrap();
    let again = project.ingest().expect(0);
    assert!(again.out.contains("already loaded"), "{}", again.out);
    assert_eq!(std::fs::read_to_string(project.path().join("lake/CURRENT")).unwrap(), before);
    // Under another name it is still the same file.
    let folder = project.path().join("extracts");
    std::fs::rename(folder.join("encounter.csv"), folder.join("encounter.txt")).unwrap();
    project.ingest().expect(0);
    assert_eq!(std::fs::read_to_string(project.path().join("lake/CURRENT")).unwrap(), before);
}

#[test]
fn a_later_row_supersedes_an_earlier_one_and_every_row_stays_accounted_for() {
    let project = small();
    project.ingest().expect(0);
    let first = std::fs::read_to_string(project.path().join("lake/CURRENT")).unwrap().trim().to_owned();
    // E1 corrected, E2 unchanged, E4 new; E4 stands twice.
    project.extract(
        "encounter.csv",
        encounters(&[
            "E1,P1,inpatient,2026-01-01,2026-01-07,100.10",
            "E2,P1,inpatient,2026-01-20,2026-01-25,0.20",
            "E4,P3,inpatient,2026-02-01,,1",
            "E4,P3,inpatient,2026-02-01,,1",
        ]),
    );
    project.ingest().expect(0);
    assert_eq!(
        project.sql("select encounter_id, end_date from lake.encounter order by 1"),
        ["E1,2026-01-07", "E2,2026-01-25", "E3,2026-01-03", "E4,"]
    );
    project.run(&["compute", "--month", "2026-02", "--months", "2"]).expect(0);
    assert_eq!(
        project.sql("select rows_read, rows_accepted, rows_duplicate, rows_superseded from results.quality where table_name = 'encounter' order by extract_id"),
        ["3,2,0,1", "4,2,2,0"]
    );
    assert_eq!(
        project.value("select count(*) from results.quality where rows_read <> rows_filtered + rows_accepted + rows_quarantined + rows_duplicate + rows_superseded + rows_combined + rows_withdrawn"),
        "0"
    );
    // Accepted rows are those that the lake holds of the file.
    assert_eq!(project.sql("select _extract, count(*) from lake.encounter group by 1 order by 1"), ["2,2", "3,2"]);
    // The old snapshot still says what it said.
    let old = [
        "sql",
        "--format",
        "csv",
        "--lake-snapshot",
        first.as_str(),
        "select end_date from lake.encounter where encounter_id = 'E1'",
    ];
    assert_eq!(project.run(&old).expect(0).out, "end_date\n2026-01-05\n");
}

#[test]
fn a_key_that_moves_to_another_patient_leaves_one_row_wherever_the_buckets_are() {
    let project = Project::new();
    let patients: Vec<String> = (0..40).map(|number| format!("P{number},")).collect();
    project.extract("patient.csv", format!("patient_id,language\n{}\n", patients.join("\n")));
    // Twenty stays, each first under one patient, then under another one; some pairs share a bucket and most do not.
    let rows = |shift: usize| -> Vec<String> {
        (0..20).map(|number| format!("E{number},P{},inpatient,2026-01-01,2026-01-05,{shift}", number + shift)).collect()
    };
    let write = |rows: Vec<String>| encounters(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    project.extract("encounter.csv", write(rows(0)));
    project.ingest().expect(0);
    let first = std::fs::read_to_string(project.path().join("lake/CURRENT")).unwrap().trim().to_owned();
    project.extract("encounter.csv", write(rows(20)));
    project.ingest().expect(0);
    assert_eq!(
        project
            .value("select count(*), count(distinct encounter_id), min(cast(amount_paid as int)) from lake.encounter"),
        "20,20,20"
    );
    project.run(&["compute", "--month", "2026-01", "--months", "1"]).expect(0);
    assert_eq!(
        project.sql("select rows_accepted, rows_duplicate, rows_superseded from results.quality where table_name = 'encounter' order by extract_id"),
        ["0,0,20", "20,0,0"]
    );
    let old = [
        "sql",
        "--format",
        "csv",
        "--lake-snapshot",
        first.as_str(),
        "select sum(cast(amount_paid as int)), count(*) from lake.encounter",
    ];
    assert!(project.run(&old).expect(0).out.ends_with("0,20\n"));
}

#[test]
fn a_file_is_read_again_when_asked_or_when_its_mapping_changed() {
    let project = Project::new();
    project.extract("patient.csv", PATIENTS);
    project.extract("referral_event.csv", "referral_id,step,occurred_date\nR1,scheduled,2026-01-03\n");
    project.extract("referral.csv", "referral_id,patient_id,ordered_date,status\nR0,P1,2026-01-01,active\n");
    std::fs::write(project.path().join("carecoord.toml"), "[checks]\nmax_quarantined_share = 1.0\n").unwrap();
    project.ingest().expect(0);
    assert_eq!(project.value("select count(*) from lake.referral_event"), "0");
    project.extract("referral.csv", "referral_id,patient_id,ordered_date,status\nR1,P1,2026-01-01,active\n");
    project.ingest().expect(0);
    assert_eq!(project.value("select count(*) from lake.referral_event"), "0");
    let extracts = project.path().join("extracts");
    project.run(&["ingest", "--again", "--source", "carecoord", "--extracts", extracts.to_str().unwrap()]).expect(0);
    assert_eq!(project.sql("select referral_id, patient_id from lake.referral_event"), ["R1,P1"]);
    project.run(&["compute", "--month", "2026-01", "--months", "1"]).expect(0);
    assert_eq!(project.value("select count(*) from results.quality where rows_read <> rows_filtered + rows_accepted + rows_quarantined + rows_duplicate + rows_superseded + rows_combined + rows_withdrawn"), "0");
}

#[test]
fn an_extract_date_never_goes_back_by_itself() {
    let project = small();
    project.extract("extract.toml", "extract_date = '2026-07-01'\n");
    project.ingest().expect(0);
    project.extract("extract.toml", "extract_date = '2025-07-01'\n");
    project.ingest().expect(0);
    let date = || {
        project.run(&["compute", "--months", "1"]).expect(0);
        project.value("select extract_date, extract_date_assumed from results.run")
    };
    assert_eq!(date(), "2026-07-01,false");
    // New rows and no word on the date: the last date in the data stands in, and the results say so.
    std::fs::remove_file(project.path().join("extracts/extract.toml")).unwrap();
    project.extract("encounter.csv", encounters(&["E7,P1,inpatient,2026-08-01,2026-08-02,1"]));
    project.ingest().expect(0);
    assert_eq!(date(), "2026-08-01,true");
}

#[test]
fn unchanged_files_are_linked_and_everything_is_the_owners_alone() {
    let project = small();
    project.ingest().expect(0);
    project.extract("encounter.csv", encounters(&["E9,P1,inpatient,2026-03-01,2026-03-02,1"]));
    project.ingest().expect(0);
    let snapshots = project.path().join("lake/snapshots");
    let mut names: Vec<_> = std::fs::read_dir(&snapshots).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    let inode = |snapshot: &std::path::Path, part: &str| std::fs::metadata(snapshot.join(part)).unwrap().ino();
    let bucket = std::fs::read_dir(names[0].join("patient")).unwrap().next().unwrap().unwrap().file_name();
    let part = format!("patient/{}/part.parquet", bucket.to_string_lossy());
    assert_eq!(inode(&names[0], &part), inode(&names[1], &part));
    let mut folders = vec![project.path().join("lake")];
    while let Some(folder) = folders.pop() {
        assert_eq!(std::fs::metadata(&folder).unwrap().mode() & 0o777, 0o700, "{}", folder.display());
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600, "{}", path.display());
            }
        }
    }
    let pruned = project.run(&["snapshots", "--prune", "1"]).expect(0);
    assert!(pruned.err.contains("removed lake snapshot 0001-"), "{}", pruned.err);
    assert_eq!(project.value("select count(*) from lake.encounter"), "4");
}

#[test]
fn sql_is_read_only() {
    let project = small();
    project.ingest().expect(0);
    for query in [
        "drop table lake.encounter",
        "create table x as select 1",
        "insert into lake.encounter select * from lake.encounter",
        "copy lake.encounter to 'stolen.parquet'",
        "create external table x stored as csv location '/etc/passwd'",
        "set datafusion.execution.batch_size = 1",
        "select * from 'extracts/encounter.csv'",
    ] {
        let refused = project.run(&["sql", query]).expect(2);
        assert!(refused.err.contains("the query was refused"), "{query}: {}", refused.err);
    }
}

#[test]
fn formats_hold_the_same_rows() {
    let project = small();
    project.ingest().expect(0);
    let query = "select encounter_id, amount_paid from lake.encounter where patient_id = 'P1' order by 1";
    assert_eq!(
        project.run(&["sql", "--format", "csv", query]).expect(0).out,
        "encounter_id,amount_paid\nE1,100.10\nE2,0.20\n"
    );
    let json = project.run(&["sql", "--format", "json", query]).expect(0).out;
    let rows: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(rows[1]["encounter_id"], "E2");
    let file = project.path().join("out.parquet");
    project.run(&["sql", "--format", "parquet", "--output", file.to_str().unwrap(), query]).expect(0);
    assert!(std::fs::read(&file).unwrap().starts_with(b"PAR1"));
    let bare = crate::carecoord::program(&["sql", "--format", "csv", "--output", "bare.csv", query, "--project", "."])
        .current_dir(project.path())
        .output()
        .unwrap();
    assert!(bare.status.success() && project.path().join("bare.csv").exists());
    project.run(&["sql", "--format", "parquet", query]).expect(2);
    assert!(project.run(&["sql", query]).expect(0).out.contains("E2"));
}

#[test]
fn a_step_without_its_patient_gets_it_from_the_referral() {
    let project = Project::new();
    project.extract("patient.csv", PATIENTS);
    project.extract(
        "referral.csv",
        "referral_id,patient_id,ordered_date,status\nR1,P1,2026-01-01,active\nR2,P2,2026-01-02,active\n",
    );
    project.extract(
        "referral_event.csv",
        "referral_id,step,occurred_date\nR1,scheduled,2026-01-03\nR2,completed,2026-01-09\nR9,completed,2026-01-09\n",
    );
    project.ingest().expect(0);
    assert_eq!(project.sql("select referral_id, patient_id from lake.referral_event order by 1"), ["R1,P1", "R2,P2"]);
    assert_eq!(
        project.sql("select line, check_name, column_name, row_text from lake.quarantine"),
        ["4,dangling_reference,patient_id,\"R9,completed,2026-01-09\""]
    );
}

#[test]
fn check_writes_nothing_and_says_what_would_happen() {
    let project = small();
    let extracts = project.path().join("extracts");
    let check = ["check", "--source", "carecoord", "--extracts", extracts.to_str().unwrap()];
    let checked = project.run(&check).expect(0);
    assert!(checked.out.contains("encounter.csv"), "{}", checked.out);
    assert!(!project.path().join("lake").exists());
    std::fs::write(project.path().join("carecoord.toml"), "[checks.max_share]\ndangling_reference = 0.1\n").unwrap();
    project.extract("encounter.csv", encounters(&["E1,P9,inpatient,2026-01-01,2026-01-05,1"]));
    let failed = project.run(&check).expect(1);
    assert!(failed.err.contains("max_share = 0.1"), "{}", failed.err);
    project.ingest().expect(1);
    project.run(&["sql", "select 1"]).expect(2);
}

#[test]
fn a_users_own_mapping_and_delimiters_and_offsets_work() {
    let project = Project::new();
    project.extract("PAT_2026.txt", "\u{feff}MRN | Born |Gender\r\n0017|02/03/1950|F\r\n0018|12/31/1960|x\r\n");
    project.extract("ADT.tsv", "csn\tmrn\tin\tout\tkind\n1\t0017\t2026-03-01T23:30:00-05:00\t2026-03-04T10:00:00-05:00\tIP\n2\t0018\t2026-03-02T01:00:00-05:00\t\t\"ED\nhall\"\n");
    let mapping = project.path().join("ehr.toml");
    std::fs::write(
        &mapping,
        "name = 'ehr'\ntime_zone = 'America/New_York'\n\
         [[file]]\ntable = 'patient'\nfiles = ['pat_*.txt']\n[file.columns]\npatient_id = 'MRN'\nbirth_date = 'Born'\n\
         sex = { column = 'GENDER', map = { f = 'female', m = 'male' }, otherwise = 'unknown' }\n\
         [[file]]\ntable = 'encounter'\nfiles = ['adt.tsv']\n[file.columns]\nencounter_id = 'CSN'\npatient_id = 'MRN'\nstarted_at = 'IN'\nended_at = 'OUT'\n\
         class = { column = 'KIND', map = { ip = 'inpatient' }, otherwise = 'emergency' }\n",
    )
    .unwrap();
    project.ingest_from(mapping.to_str().unwrap(), &project.path().join("extracts")).expect(0);
    assert_eq!(
        project.sql("select patient_id, birth_date, sex from lake.patient order by 1"),
        ["0017,1950-02-03,female", "0018,1960-12-31,unknown"]
    );
    assert_eq!(
        project.sql("select encounter_id, class, started_at, start_date, end_date from lake.encounter order by 1"),
        ["1,inpatient,2026-03-02T04:30:00Z,2026-03-01,2026-03-04", "2,emergency,2026-03-02T06:00:00Z,2026-03-02,"]
    );
}

#[test]
fn packed_files_are_read_whatever_their_name_says() {
    let project = Project::new();
    project.extract("patient.csv.zst", zstd::encode_all(PATIENTS.as_bytes(), 1).unwrap());
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, encounters(&["E1,P1,inpatient,2026-01-01,2026-01-05,1"]).as_bytes())
        .unwrap();
    project.extract("encounter.csv.gz", packed.finish().unwrap());
    project.ingest().expect(0);
    assert_eq!(project.value("select (select count(*) from lake.patient) * 10 + count(*) from lake.encounter"), "31");
}

#[test]
fn the_worked_example_of_a_mapping_does_what_the_docs_say() {
    let project = Project::new();
    let folder = std::path::Path::new("docs/examples/ehr");
    let mapping = folder.join("ehr.toml");
    project.ingest_from(mapping.to_str().unwrap(), &folder.join("extracts")).expect(0);
    assert_eq!(
        project.sql("select encounter_id, class, start_date, end_date from lake.encounter order by 1"),
        ["S1|1,inpatient,2026-03-01,2026-03-04", "S1|2,emergency,2026-03-02,"]
    );
    assert_eq!(
        project.sql("select referral_id, ordered_date, status, intent from lake.referral"),
        ["77,2026-03-04,active,order"]
    );
    assert_eq!(
        project.sql("select file, line, check_name, value from lake.quarantine"),
        ["referrals.csv,3,invalid_date,31-02-2026"]
    );
    project.run(&["compute"]).expect(0);
    assert_eq!(
        project.value("select rows_read - rows_filtered - rows_accepted from results.quality where file = 'ADT.tsv'"),
        "0"
    );
    assert_eq!(project.sql("select extract_date, extract_date_assumed from results.run"), ["2026-04-20,false"]);
}
