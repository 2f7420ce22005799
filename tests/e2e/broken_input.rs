//! More than twenty kinds of broken input: each gives a quarantined row or a clear error that names file, line, column
//! and value; never a panic, never something half written.

use std::io::Write;

use crate::carecoord::{Project, Ran};

const PATIENTS: &str = "patient_id,birth_date\nP1,1950-01-01\nP2,1960-02-02\n";
const HEADER: &str = "encounter_id,patient_id,class,start_date,end_date,amount_paid";
const GOOD: &str = "E1,P1,inpatient,2026-01-01,2026-01-05,100";

fn with(line: &str) -> Project {
    let project = Project::new();
    project.extract("patient.csv", PATIENTS);
    project.extract("encounter.csv", format!("{HEADER}\n{GOOD}\n{line}\n"));
    project
}

/// A row that is put aside: by which check, in which column, with which value; the good row stays.
fn quarantined(line: &str, check: &str, column: &str, value: &str) {
    let project = with(line);
    project.ingest().expect(0);
    let rows = project.sql(&format!(
        "select file, line, check_name, column_name, value = '{value}' from lake.quarantine where check_name = '{check}'"
    ));
    assert_eq!(rows, [format!("encounter.csv,3,{check},{column},true")], "{line}");
    let text = project.value(&format!("select distinct row_text = '{line}' from lake.quarantine"));
    assert_eq!(text, "true", "{line}");
    assert_eq!(project.value("select count(*) from lake.encounter"), "1");
    assert!(!project.path().join("lake/draft").exists());
}

/// A row that is kept with a warning.
fn warned(line: &str, check: &str) {
    let project = with(line);
    let ran = project.ingest().expect(0);
    assert!(ran.err.contains(check), "{line}: {}", ran.err);
    assert_eq!(project.value("select count(*) from lake.encounter"), "2");
}

/// A file or folder that cannot be used: exit code and what the message names; nothing is published.
fn refused(project: &Project, ran: Ran, code: i32, named: &[&str]) {
    let ran = ran.expect(code);
    for name in named {
        assert!(ran.err.contains(name), "{name:?} is not in {}", ran.err);
    }
    assert!(!project.path().join("lake/CURRENT").exists());
    assert!(!project.path().join("lake/draft").exists());
}

fn refused_file(bytes: &[u8], code: i32, named: &[&str]) {
    let project = Project::new();
    project.extract("patient.csv", PATIENTS);
    project.extract("encounter.csv", bytes);
    let ran = project.ingest();
    refused(&project, ran, code, named);
}

#[test]
fn rows_that_do_not_pass_are_put_aside_with_their_place() {
    quarantined("E2,P1,inpatient,2026-02-31,2026-03-05,1", "invalid_date", "start_date", "2026-02-31");
    quarantined("E2,P1,inpatient,31/02/2026,2026-03-05,1", "invalid_date", "start_date", "31/02/2026");
    quarantined("E2,P1,inpatient,N/A,2026-03-05,1", "required", "start_date", "N/A");
    quarantined("E2,P1,inpatient,2026-03-05,2026-03-01,1", "end_before_start", "end_date", "2026-03-01");
    quarantined("E2,P1,intensive,2026-03-05,2026-03-06,1", "unknown_code", "class", "intensive");
    quarantined(",P1,inpatient,2026-03-05,2026-03-06,1", "required", "encounter_id", "");
    quarantined("E2,  ,inpatient,2026-03-05,2026-03-06,1", "required", "patient_id", "");
    quarantined("E2,P1,inpatient,1066-10-14,2026-03-06,1", "implausible_date", "start_date", "1066-10-14");
    quarantined("E2,P1,inpatient", "field_count", "", "6 fields are wanted");
    quarantined("E2,P1,inpatient,2026-03-05,2026-03-06,1,more", "field_count", "", "6 fields are wanted");
    quarantined("E2,P1,inpatient,202603055,2026-03-06,1", "invalid_date", "start_date", "202603055");
    quarantined("E2,P1,inpatient,9999-12-31,,1", "dummy_date", "start_date", "9999-12-31");
    quarantined("encounter_id,patient_id,class,start_date,end_date,amount_paid", "repeated_header", "", "");
}

#[test]
fn rows_that_are_only_odd_are_kept_and_counted() {
    warned("E2,P1,inpatient,2026-03-05,2026-03-06,-5", "negative_value");
    warned("E2,P9,inpatient,2026-03-05,2026-03-06,5", "dangling_reference");
    warned("E2,P1,inpatient,2026-01-03,2026-01-09,5", "overlapping_stay");
    warned("E2,P1,inpatient,2026-01-01,2026-01-05,5", "same_stay_other_id");
    warned("E2,P1,inpatient,2026-03-05,2026-03-06,N/A", "null_marker");
    warned("E2,P1,inpatient,2026-03-05,2026-03-06,twelve", "invalid_number");
    warned("E2,P1,inpatient,2026-03-05,2026-03-06,1e999", "invalid_number");
    warned("E2,P1,inpatient,2026-03-05,31.31.2026,1", "invalid_date");
    warned("E2,P1,inpatient,2026-03-05,4700-12-31,1", "dummy_date");
    warned("E2,P1,inpatient,2026-03-05", "short_row");
}

#[test]
fn bytes_that_are_not_utf8_put_the_row_aside() {
    let project = Project::new();
    project.extract("patient.csv", PATIENTS);
    let mut bytes = format!("{HEADER}\n{GOOD}\nE2,P1").into_bytes();
    bytes.extend_from_slice(b"\xff\xfe,inpatient,2026-03-05,2026-03-06,\n");
    project.extract("encounter.csv", bytes);
    project.ingest().expect(0);
    assert_eq!(project.sql("select line, check_name from lake.quarantine"), ["3,not_utf8"]);
}

#[test]
fn quotes_newlines_and_blank_lines_keep_their_line_numbers() {
    let project = Project::new();
    project.extract("patient.csv", PATIENTS);
    project.extract(
        "referral.csv",
        "referral_id,patient_id,ordered_date,status,reason\nR1,P1,2026-01-01,active,\"a 5\"\" wound,\nsince May\"\n\nR2,P1,2026-02-30,active,x\n",
    );
    project.ingest().expect(0);
    assert_eq!(project.sql("select line, record from lake.quarantine"), ["5,2"]);
    let text = "select replace(reason, chr(10), '|') = 'a 5\" wound,|since May' as same from lake.referral";
    assert_eq!(project.value(text), "true");
}

#[test]
fn files_that_cannot_be_used_are_named_and_nothing_is_published() {
    refused_file(b"", 1, &["encounter.csv", "line 1"]);
    refused_file(b"encounter_id,class\nE1,inpatient\n", 1, &["encounter.csv", "line 1", "patient_id"]);
    refused_file(b"encounter_id,patient_id,class,Class\nE1,P1,x,y\n", 1, &["encounter.csv", "line 1", "Class"]);
    refused_file(b"\xff\xfee\0n\0c\0", 1, &["encounter.csv", "line 1", "encounter_id"]);
    refused_file(&[0, 159, 146, 150, 10, 1, 2, 3], 1, &["encounter.csv", "line 1"]);
}

#[test]
fn a_damaged_archive_is_named_and_nothing_is_published() {
    let project = Project::new();
    project.extract("patient.csv", PATIENTS);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(format!("{HEADER}\n{GOOD}\n").repeat(500).as_bytes()).unwrap();
    let bytes = packed.finish().unwrap();
    project.extract("encounter.csv.gz", &bytes[..bytes.len() / 2]);
    let ran = project.ingest();
    refused(&project, ran, 1, &["encounter.csv.gz", "cut off"]);
}

#[test]
fn a_quote_that_never_closes_is_named_and_nothing_is_published() {
    let project = with("E2,P1,\"inpatient,2026-03-05,2026-03-06,1\nE3,P1,inpatient,2026-03-05,2026-03-06,1");
    let ran = project.ingest();
    refused(&project, ran, 1, &["encounter.csv", "line 3", "never closed"]);
}

#[test]
fn blank_lines_at_the_end_are_nothing() {
    for end in ["\n", "\n\n\n", "\r\n\r\n"] {
        let project = Project::new();
        project.extract(
            "patient.csv",
            format!("{PATIENTS}{end}").replace('\n', if end.contains('\r') { "\r\n" } else { "\n" }),
        );
        project.ingest().expect(0);
        assert_eq!(project.value("select count(*) from lake.patient"), "2");
    }
}

#[test]
fn a_lone_carriage_return_is_named() {
    refused_file(b"encounter_id,patient_id\rE1,P1\r", 1, &["encounter.csv", "line 1", "carriage return"]);
}

#[test]
fn a_mapping_that_asks_for_what_is_not_there_is_refused() {
    let project = Project::new();
    project.extract("p.csv", "ID,Cancelled\n1,N\n2,Y\n");
    let mapping = project.path().join("m.toml");
    let write = |zone: &str, column: &str| {
        let text = format!(
            "name = 'm'\ntime_zone = '{zone}'\n[[file]]\ntable = 'patient'\nfiles = ['p.csv']\n\
             only_where = {{ column = '{column}', equals = ['N'] }}\ncolumns = {{ patient_id = 'ID' }}\n"
        );
        std::fs::write(&mapping, text).unwrap();
    };
    let extracts = project.path().join("extracts");
    write("America/NewYork", "Cancelled");
    let ran = project.ingest_from(mapping.to_str().unwrap(), &extracts);
    refused(&project, ran, 2, &["America/NewYork"]);
    write("UTC", "Canceled");
    let ran = project.ingest_from(mapping.to_str().unwrap(), &extracts);
    refused(&project, ran, 1, &["p.csv", "Canceled", "Cancelled"]);
    write("UTC", "Cancelled");
    for (note, named) in [("time_zone = 'Mars/Olympus'", "Mars/Olympus"), ("extract_date = '28.02.2026'", "28.02.2026")]
    {
        project.extract("extract.toml", note);
        let ran = project.ingest_from(mapping.to_str().unwrap(), &extracts);
        refused(&project, ran, 2, &["extract.toml", named]);
    }
    project.extract("extract.toml", "extract_date = 2026-02-28\n");
    project.ingest_from(mapping.to_str().unwrap(), &extracts).expect(0);
    assert_eq!(project.sql("select patient_id from lake.patient"), ["1"]);
}

#[test]
fn empty_texts_from_maps_and_joins_are_no_keys() {
    let project = Project::new();
    project.extract("p.csv", "A,B,C\n7,,x\n,7,x\n,,x\n8,8,a\n");
    let mapping = project.path().join("m.toml");
    std::fs::write(
        &mapping,
        "name = 'm'\n[[file]]\ntable = 'patient'\nfiles = ['p.csv']\n[file.columns]\npatient_id = { join = ['A', 'B'] }\n\
         language = { column = 'C', map = { a = 'en' }, otherwise = '' }\n",
    )
    .unwrap();
    project.ingest_from(mapping.to_str().unwrap(), &project.path().join("extracts")).expect(0);
    assert_eq!(project.sql("select patient_id, language from lake.patient order by 1"), ["7|,", "8|8,en", "|7,"]);
    assert_eq!(project.sql("select line, check_name from lake.quarantine"), ["4,required"]);
}

#[test]
fn repeated_ids_are_counted_as_duplicate_or_superseded() {
    let project = with(&format!("{GOOD}\nE1,P1,inpatient,2026-01-01,2026-01-06,100"));
    project.ingest().expect(0);
    project.run(&["compute", "--month", "2026-01", "--months", "1"]).expect(0);
    // Two equal rows and a later one that differs: both earlier ones are superseded.
    let counts =
        "select rows_accepted, rows_duplicate, rows_superseded from results.quality where table_name = 'encounter'";
    assert_eq!(project.sql(counts), ["1,0,2"]);
    let project = with(GOOD);
    project.ingest().expect(0);
    project.run(&["compute", "--month", "2026-01", "--months", "1"]).expect(0);
    assert_eq!(project.sql(counts), ["1,1,0"]);
}

#[test]
fn too_many_bad_rows_fail_the_run() {
    let project = Project::new();
    project.extract("patient.csv", PATIENTS);
    project.extract("encounter.csv", format!("{HEADER}\n{GOOD}\n").replace("inpatient", "nonsense"));
    let ran = project.ingest();
    refused(&project, ran, 1, &["encounter.csv", "1 of 1 rows", "line 2", "class", "nonsense"]);
}

#[test]
fn folders_mappings_and_settings_that_cannot_be_used_are_usage_errors() {
    let project = Project::new();
    std::fs::create_dir_all(project.path().join("extracts")).unwrap();
    let ran = project.ingest();
    refused(&project, ran, 2, &["no file in", "encounter.csv"]);
    let ran = project.ingest_from("carecoord", &project.path().join("nowhere"));
    refused(&project, ran, 2, &["nowhere"]);
    let ran = project.ingest_from("epicc", &project.path().join("extracts"));
    refused(&project, ran, 2, &["epicc", "synthea"]);
    let mapping = project.path().join("bad.toml");
    std::fs::write(&mapping, "name = 'x'\n[[file]]\ntable = 'patients'\nfiles = ['p']\ncolumns = {}\n").unwrap();
    let ran = project.ingest_from(mapping.to_str().unwrap(), &project.path().join("extracts"));
    refused(&project, ran, 2, &["bad.toml", "patients"]);
    std::fs::write(project.path().join("carecoord.toml"), "sauce = 'x'\n").unwrap();
    let ran = project.ingest();
    refused(&project, ran, 2, &["carecoord.toml", "sauce"]);
}

#[test]
fn a_broken_measure_fails_with_its_name_file_and_reason() {
    let project = with("E2,P1,inpatient,2026-03-05,2026-03-06,1");
    project.ingest().expect(0);
    let folder = project.path().join("own/odd");
    std::fs::create_dir_all(&folder).unwrap();
    let definition = "family = 'own'\nkind = 'proportion'\nunit_name = 'stay'\nbetter = 'lower'\nvalue_unit = '%'\ndecimals = 1\nfeed = 'ehr'\nsteward = 'us'\nversion = '1'\nwhy = 'x'\nrule = 'y'\nsources = []\n[[variant]]\nid = 'own.odd'\ncode = 'OWN'\ntitle = 'Odd'\n";
    std::fs::write(folder.join("measure.toml"), definition).unwrap();
    std::fs::write(folder.join("units.sql"), "select encounter_id as unit_id from lake.encounters").unwrap();
    std::fs::write(project.path().join("carecoord.toml"), "measures = ['own']\n").unwrap();
    let ran = project.run(&["compute", "--month", "2026-03"]).expect(2);
    assert!(
        ran.err.contains("own.odd") && ran.err.contains("units.sql") && ran.err.contains("encounters"),
        "{}",
        ran.err
    );
    assert!(!project.path().join("results/CURRENT").exists());
}
