//! Identifiers in every text column of every patient's rows, through the whole program: none reaches a byte of a report, of a
//! release, or of what computing and reporting print.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use carecoord_lake::contract::{self, Column, ColumnType, Contract};
use carecoord_lake::parquet_file;

use crate::carecoord::{Project, Ran, program};

const CANARY: &str = "CANARY";
/// The kinds of identifiers that HIPAA names, invented.
const IDENTIFIERS: &str = "CANARY Jane Q. Doe, 12 Old Mill Lane, 1967-06-13, +1-555-0100, fax +1-555-0101, jane@example.org, SSN 078-05-1120, \
     MRN 4711, plan 12-AB, account 99-1, licence D123, plate XY-99, device 0A:1B, http://x.example/p/1, 203.0.113.9, finger 7, photo 3, id 42";

/// How a column of a patient's table is filled with identifiers.
enum Fill {
    /// Each key and each reference to another such key, alike, so that rows still belong together.
    Key,
    /// A third of the rows.
    Text,
}

fn fill(table: &Contract, column: &Column) -> Option<Fill> {
    let is_text = column.kind == ColumnType::Text && column.allowed.is_empty();
    let of_patients = |name: &str| contract::table(name).is_ok_and(|table| table.bucket_by.is_some());
    let reference = column.references.as_deref().and_then(|reference| reference.split_once('.'));
    match reference {
        _ if !is_text => None,
        Some((table, _)) => of_patients(table).then_some(Fill::Key),
        None if table.key.contains(&column.name) => Some(Fill::Key),
        None => Some(Fill::Text),
    }
}

fn with_canaries(path: &Path) {
    let name = path.file_stem().unwrap().to_str().unwrap();
    let Some(table) = contract::tables().unwrap().iter().find(|table| table.name == name && table.bucket_by.is_some())
    else {
        return;
    };
    let mut reader = csv::Reader::from_path(path).unwrap();
    let header = reader.headers().unwrap().clone();
    let fills: Vec<Option<Fill>> =
        header.iter().map(|name| table.column(name).and_then(|column| fill(table, column))).collect();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let mut writer = csv::Writer::from_path(path).unwrap();
    writer.write_record(&header).unwrap();
    for (number, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(&fills).map(|(cell, fill)| match fill {
            Some(Fill::Key) if !cell.is_empty() => format!("{CANARY}-{cell}"),
            Some(Fill::Text) if number % 3 == 0 => IDENTIFIERS.to_owned(),
            _ => cell.to_owned(),
        });
        writer.write_record(cells).unwrap();
    }
    writer.flush().unwrap();
}

/// All text of a file, unpacked.
fn text_of(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("xlsx") => {
            let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
            let mut all = Vec::new();
            for number in 0..archive.len() {
                archive.by_index(number).unwrap().read_to_end(&mut all).unwrap();
            }
            all
        }
        Some("parquet") => {
            let batches = parquet_file::read(path).unwrap();
            arrow::util::pretty::pretty_format_batches(&batches).unwrap().to_string().into_bytes()
        }
        _ => bytes,
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// Where the word stands, with what is around it.
fn around(text: &[u8]) -> Option<String> {
    let place = text.windows(CANARY.len()).position(|window| window == CANARY.as_bytes())?;
    let (from, to) = (place.saturating_sub(120), (place + 60).min(text.len()));
    Some(String::from_utf8_lossy(&text[from..to]).into_owned())
}

#[test]
fn no_identifier_reaches_a_report_or_a_release() {
    let project = Project::new();
    let extracts = project.path().join("extracts");
    let ran: Ran = program(&["generate", "--patients", "250", "--months", "14", "--dirty", "0", "--out"])
        .arg(&extracts)
        .output()
        .unwrap()
        .into();
    ran.expect(0);
    for path in files(&extracts) {
        with_canaries(&path);
    }
    let settings =
        "[checks]\nmax_quarantined_share = 1.0\n[checks.max_share]\nunknown_code = 1.0\ndangling_reference = 1.0\n";
    fs::write(project.path().join("carecoord.toml"), settings).unwrap();
    project.ingest().expect(0);
    let kept = project.value("select count(*) from lake.patient where patient_id like 'CANARY%'");
    assert!(kept.parse::<u64>().unwrap() > 200, "{kept}");
    // One family or more for each table of patients' rows.
    let mut compute = vec!["compute", "--months", "12", "--disclosure", "linear"];
    for family in [
        "readmission.unplanned_30",
        "referral.seen_90",
        "care_plan",
        "patient_reported",
        "medication_adherence",
        "cost",
    ] {
        compute.extend(["--only", family]);
    }
    let mut said = BTreeMap::new();
    said.insert("compute".to_owned(), project.run(&compute).expect(0));
    for release in ["internal", "limited", "safe-harbor", "public"] {
        let out = project.path().join(release);
        let ran = project.run(&["report", "--release", release, "--out", out.to_str().unwrap()]).expect(0);
        said.insert(release.to_owned(), ran);
        let found: Vec<(PathBuf, String)> =
            files(&out).into_iter().filter_map(|path| Some((path.clone(), around(&text_of(&path))?))).collect();
        assert!(found.is_empty(), "{release}: {found:#?}");
    }
    for (command, ran) in said {
        assert_eq!(around(format!("{}{}", ran.out, ran.err).as_bytes()), None, "{command}");
    }
}
