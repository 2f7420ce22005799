//! The same options give the same bytes, and the bundled set is what they give.

use std::fs;
use std::path::Path;

use carecoord_sample_data::{Options, SampleError, generate};

fn small() -> Options {
    Options { patients: 60, gzip: false, dirty: 0.05, ..Options::default() }
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| (path.file_name().unwrap_or_default().to_string_lossy().into_owned(), fs::read(&path)))
        .map(|(name, bytes)| (name, bytes.expect("readable")))
        .collect();
    files.sort();
    files
}

fn unpacked(bytes: &[u8]) -> Vec<u8> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return bytes.to_owned();
    }
    let mut text = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(bytes), &mut text).expect("whole gzip");
    text
}

fn generated(options: &Options) -> Vec<(String, Vec<u8>)> {
    let folder = tempfile::tempdir().expect("a folder");
    generate(folder.path(), options).expect("generated");
    files(folder.path())
}

#[test]
fn the_bundled_extracts_are_what_the_default_options_give() {
    let bundled = files(Path::new("extracts"));
    let fresh = generated(&Options::default());
    let names = |files: &[(String, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&bundled), names(&fresh));
    for ((name, old), (_, new)) in bundled.iter().zip(&fresh) {
        // Packed bytes depend on which gzip the rest of the build brings along; what is packed does not.
        assert!(
            unpacked(old) == unpacked(new),
            "{name} differs: run `cargo run --release -p carecoord-sample-data --example regenerate`"
        );
    }
    assert!(bundled.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() < 4_000_000);
}

#[test]
fn same_seed_same_bytes_other_seed_other_bytes() {
    assert_eq!(generated(&small()), generated(&small()));
    assert_ne!(generated(&small()), generated(&Options { seed: 1, ..small() }));
}

#[test]
fn more_patients_leave_the_first_ones_as_they_were() {
    let few = generated(&small());
    let more = generated(&Options { patients: 90, ..small() });
    for ((name, few), (_, more)) in few.iter().zip(&more) {
        if name != "program_cost.csv" {
            assert!(more.starts_with(few), "{name}");
        }
    }
}

#[test]
fn clean_rows_do_not_depend_on_dirt() {
    let clean = generated(&Options { dirty: 0.0, ..small() });
    let dirty = generated(&small());
    let lines = |bytes: &[u8]| String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect::<Vec<_>>();
    let (mut kept, mut all) = (0, 0);
    for ((name, clean), (_, dirty)) in clean.iter().zip(&dirty).filter(|((name, _), _)| name != "extract.toml") {
        let dirty: std::collections::HashSet<_> = lines(dirty).into_iter().collect();
        let of_file = lines(clean);
        assert!(dirty.contains(&of_file[0]), "{name}");
        all += of_file.len();
        kept += of_file.iter().filter(|line| dirty.contains(*line)).count();
    }
    assert!(kept * 100 > all * 90 && kept < all, "{kept} of {all}");
}

#[test]
fn a_folder_in_use_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("patient.csv"), "mine").expect("written");
    let error = generate(folder.path(), &small()).expect_err("refused");
    assert!(matches!(error, SampleError::FolderInUse { .. }), "{error}");
    assert_eq!(fs::read(folder.path().join("patient.csv")).expect("there"), b"mine");
}

#[test]
fn an_earlier_sample_is_replaced_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    generate(folder.path(), &Options { gzip: true, ..small() }).expect("generated");
    generate(folder.path(), &small()).expect("generated again");
    let names: Vec<String> = files(folder.path()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), 30);
    assert!(names.iter().all(|name| !name.contains(".gz")), "{names:?}");
}

#[test]
fn files_are_for_the_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().expect("a folder");
    let folder = parent.path().join("fresh");
    generate(&folder, &small()).expect("generated");
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join("patient.csv")), 0o600);
}

#[test]
fn unusual_options_work_too() {
    let short = Options { patients: 1, months: 1, dirty: 0.5, ..small() };
    assert_eq!(generated(&short).len(), 30);
    let long = Options { patients: 5, first_month: jiff::civil::date(1990, 3, 1), months: 240, ..small() };
    assert_eq!(generated(&long).len(), 30);
    let without_program = Options { program_start: jiff::civil::date(2040, 1, 1), ..small() };
    let costs = generated(&without_program).into_iter().find(|(name, _)| name == "program_cost.csv");
    assert_eq!(costs.expect("a file").1, b"program_id,month,item,amount\n");
}
