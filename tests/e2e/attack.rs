//! What must hold under damage, misuse and attack: no number from a damaged file, nothing of the user's lost, no statement that
//! does more than read, bounds that hold, and no patient where none belongs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::carecoord::{Project, Ran, program};

const MEASURE: &str = "readmission.all_cause";

/// A project of three patients with results and a report, in a folder of this name.
fn project_in(folder: &Path) {
    let extracts = folder.join("extracts");
    fs::create_dir_all(&extracts).unwrap();
    fs::write(folder.join("carecoord.toml"), "buckets = 2\nmonths = 3\nsuppress_below = 0\n").unwrap();
    fs::write(extracts.join("patient.csv"), "patient_id,birth_date\nP1,1950-01-01\nP2,1960-02-02\nP3,1970-03-03\n")
        .unwrap();
    fs::write(
        extracts.join("encounter.csv"),
        "encounter_id,patient_id,class,start_date,end_date,organization_id\n\
         E1,P1,inpatient,2026-01-01,2026-01-05,H1\nE2,P1,inpatient,2026-01-20,2026-01-25,H1\n\
         E3,P2,inpatient,2026-01-03,2026-01-09,H1\nE4,P3,inpatient,2026-01-07,2026-01-08,H2\n",
    )
    .unwrap();
    fs::write(extracts.join("extract.toml"), "extract_date = 2026-06-30\n").unwrap();
}

fn on(folder: &Path, arguments: &[&str]) -> Ran {
    program(arguments).arg("--project").arg(folder).output().unwrap().into()
}

fn ingest(folder: &Path) -> Ran {
    let extracts = folder.join("extracts");
    on(folder, &["ingest", "--source", "carecoord", "--extracts", extracts.to_str().unwrap()])
}

fn compute(folder: &Path) -> Ran {
    on(folder, &["compute", "--month", "2026-03", "--only", MEASURE])
}

/// A project with a lake and results, made once for each test.
fn whole() -> Project {
    let project = Project::new();
    project_in(project.path());
    ingest(project.path()).expect(0);
    compute(project.path()).expect(0);
    project
}

fn in_force(project: &Path, store: &str) -> PathBuf {
    let id = fs::read_to_string(project.join(store).join("CURRENT")).unwrap();
    project.join(store).join("snapshots").join(id.trim())
}

/// All plain files below a folder with their bytes.
fn files_of(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_of(&path));
        } else if path.is_file() {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

fn parquet_of(folder: &Path, table: &str) -> PathBuf {
    files_of(folder).into_keys().find(|path| path.starts_with(folder.join(table)) && is_parquet(path)).unwrap()
}

fn is_parquet(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "parquet")
}

#[test]
fn a_file_of_the_lake_that_is_missing_exchanged_or_added_ends_with_its_name() {
    let project = whole();
    let lake = in_force(project.path(), "lake");
    let part = parquet_of(&lake, "encounter");
    let bytes = fs::read(&part).unwrap();
    let foreign = fs::read(parquet_of(&lake, "patient")).unwrap();
    let all = |named: &str, why: &str| {
        for arguments in [
            &["sql", "select count(*) from lake.encounter"][..],
            &["compute", "--month", "2026-03", "--only", MEASURE],
            &["ingest", "--again", "--source", "carecoord", "--extracts", "extracts"],
        ] {
            let ran: Ran = program(arguments)
                .current_dir(project.path())
                .arg("--project")
                .arg(project.path())
                .output()
                .unwrap()
                .into();
            let ran = ran.expect(3);
            assert!(ran.err.contains(named) && ran.err.contains(why), "{arguments:?}: {}", ran.err);
        }
        let verified = on(project.path(), &["verify"]).expect(1);
        assert!(verified.err.contains(named), "{}", verified.err);
    };
    let name = part.file_name().unwrap().to_str().unwrap();
    fs::remove_file(&part).unwrap();
    all(name, "is missing");
    fs::write(&part, b"").unwrap();
    all(name, "0 bytes");
    fs::write(&part, &foreign).unwrap();
    all(name, "the manifest says");
    // As long as the right one.
    let mut noise = vec![0_u8; bytes.len()];
    noise[..4].copy_from_slice(b"PAR1");
    fs::write(&part, &noise).unwrap();
    all(name, "no whole Parquet file");
    fs::write(&part, &bytes).unwrap();
    let added = part.with_file_name("more.parquet");
    fs::write(&added, &bytes).unwrap();
    all("more.parquet", "was added");
    fs::remove_file(&added).unwrap();
    // What systems leave beside files harms nobody.
    fs::write(part.with_file_name(".DS_Store"), b"x").unwrap();
    assert_eq!(project.value("select count(*) from lake.encounter"), "4");
    on(project.path(), &["verify"]).expect(0);
}

#[test]
fn a_results_table_that_is_missing_is_no_empty_one_and_a_manifest_cannot_be_edited() {
    let project = whole();
    let results = in_force(project.path(), "results");
    let file = results.join("exclusion.parquet");
    let bytes = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    for arguments in [&["sql", "select count(*) from results.rate"][..], &["report"]] {
        let ran = on(project.path(), arguments).expect(3);
        assert!(ran.err.contains("exclusion.parquet is missing"), "{}", ran.err);
    }
    fs::write(&file, &bytes).unwrap();
    for (store, arguments) in [("results", &["report"][..]), ("lake", &["sql", "select 1"])] {
        let manifest = in_force(project.path(), store).join("manifest.json");
        let text = fs::read_to_string(&manifest).unwrap();
        fs::write(&manifest, text.replacen("\"rows\": ", "\"rows\": 9", 1)).unwrap();
        let ran = on(project.path(), arguments).expect(3);
        assert!(ran.err.contains("manifest.json was changed"), "{}", ran.err);
        fs::write(&manifest, text).unwrap();
    }
    // A manifest from another version, and one that is no manifest.
    let manifest = in_force(project.path(), "lake").join("manifest.json");
    for (text, said) in [("{\"format\": 1}", "another version"), ("[", "broken"), ("", "broken")] {
        fs::write(&manifest, text).unwrap();
        let ran = on(project.path(), &["sql", "select 1"]).expect(3);
        assert!(ran.err.contains(said), "{}", ran.err);
    }
}

#[test]
fn a_flipped_bit_is_named_and_never_a_panic() {
    let project = whole();
    let lake = in_force(project.path(), "lake");
    let part = parquet_of(&lake, "encounter");
    let bytes = fs::read(&part).unwrap();
    let mut told = 0;
    for place in (4..bytes.len()).step_by(bytes.len() / 40) {
        let mut damaged = bytes.clone();
        damaged[place] ^= 0x10;
        fs::write(&part, &damaged).unwrap();
        assert!(on(project.path(), &["verify"]).expect(1).err.contains("part.parquet"));
        let ran = on(project.path(), &["sql", "--format", "csv", "select * from lake.encounter order by 1"]);
        // A query need not read the damaged byte; where it fails, it names the file.
        if ran.code != 0 {
            assert!(ran.code == 3 && ran.err.contains("part.parquet"), "{place}: {}", ran.err);
            told += 1;
        }
    }
    assert!(told > 0, "no damage was ever noticed");
}

#[test]
fn a_folder_whose_name_looks_like_a_pattern_is_only_a_folder() {
    let around = tempfile::tempdir().unwrap();
    // A sibling that a pattern would match.
    for name in ["a1", "a[1]", "what? all*", "100 % [é] #?"] {
        let folder = around.path().join(name);
        project_in(&folder);
        ingest(&folder).expect(0);
        compute(&folder).expect(0);
        let ran = on(&folder, &["sql", "--format", "csv", "select count(*) from lake.encounter"]).expect(0);
        assert_eq!(ran.out, "count(*)\n4\n", "{name}");
        let ran = on(&folder, &["sql", "--format", "csv", "select count(*) > 0 from results.unit"]).expect(0);
        assert!(ran.out.ends_with("true\n"), "{name}: {}", ran.out);
        on(&folder, &["report"]).expect(0);
    }
}

#[test]
fn a_report_never_replaces_what_no_report_wrote() {
    let project = whole();
    let out = project.path().join("mine");
    fs::create_dir_all(out.join("data")).unwrap();
    fs::write(out.join("data/values.csv"), "years of work").unwrap();
    let arguments = ["report", "--out", out.to_str().unwrap()];
    let ran = on(project.path(), &arguments).expect(2);
    assert!(ran.err.contains("data/values.csv"), "{}", ran.err);
    assert_eq!(fs::read_to_string(out.join("data/values.csv")).unwrap(), "years of work");
    let link = project.path().join("link");
    symlink(&out, &link).unwrap();
    on(project.path(), &["report", "--out", link.to_str().unwrap()]).expect(2);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    // A report's own folder is replaced, again and again.
    fs::remove_dir_all(&out).unwrap();
    on(project.path(), &arguments).expect(0);
    let first = files_of(&out);
    on(project.path(), &arguments).expect(0);
    assert_eq!(files_of(&out), first);
    // Not while another report is being written beside it.
    let around = fs::File::open(project.path()).unwrap();
    around.lock().unwrap();
    assert!(on(project.path(), &arguments).expect(3).err.contains("another report"));
    assert_eq!(files_of(&out), first);
}

#[test]
fn results_that_cannot_be_written_are_an_error_and_a_reader_that_leaves_is_none() {
    let project = whole();
    // Work lists are made of the families that are measured; one that was not made is no empty list.
    let ran = on(project.path(), &["worklist", "referral.open"]).expect(2);
    assert!(ran.err.contains("hold no work list referral.open"), "{}", ran.err);
    let measured = ["compute", "--month", "2026-03", "--only", MEASURE, "--only", "referral.seen_90"];
    on(project.path(), &measured).expect(0);
    for arguments in [
        &["sql", "select * from lake.encounter"][..],
        &["sql", "--format", "csv", "select * from lake.encounter"],
        &["sql", "--format", "json", "select * from lake.encounter"],
        &["worklist", "referral.open"],
        &["measures", "list"],
        &["snapshots"],
        &["report"],
    ] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let ran: Ran = program(arguments).arg("--project").arg(project.path()).stdout(full).output().unwrap().into();
        let ran = ran.expect(3);
        assert!(ran.err.contains("cannot write to standard output"), "{arguments:?}: {}", ran.err);
    }
    let mut child = program(&["sql", "--format", "csv", "select * from generate_series(1, 3000000)", "--project"])
        .arg(project.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut begin = [0_u8; 10];
    child.stdout.take().unwrap().read_exact(&mut begin).unwrap();
    let ran: Ran = child.wait_with_output().unwrap().into();
    assert_eq!(ran.expect(0).err, "");
}

/// Statements that would write, reach outside, or change the session.
const HOSTILE: [&str; 60] = [
    "drop table lake.encounter",
    "drop table if exists lake.encounter",
    "drop view lake.encounter",
    "drop schema lake cascade",
    "create table x as select 1",
    "create table lake.x (a int)",
    "create or replace table lake.encounter as select 1",
    "create view x as select * from lake.encounter",
    "create or replace view lake.encounter as select 1",
    "create schema x",
    "create database x",
    "create external table x stored as csv location '/etc/passwd'",
    "create external table x stored as parquet location 'lake/'",
    "create unbounded external table x stored as csv location '/dev/stdin'",
    "create function f(int) returns int return $1 + 1",
    "drop function lower",
    "insert into lake.encounter select * from lake.encounter",
    "insert overwrite lake.encounter select * from lake.encounter",
    "insert into lake.patient values ('P9')",
    "update lake.encounter set class = 'inpatient'",
    "delete from lake.encounter",
    "truncate table lake.encounter",
    "merge into lake.patient using lake.patient on true when matched then delete",
    "copy lake.encounter to 'stolen.parquet'",
    "copy (select 1) to '/tmp/carecoord-stolen.csv' stored as csv",
    "copy lake.encounter from 'x.csv'",
    "explain analyze copy (select 1) to 'stolen.csv' stored as csv",
    "explain insert into lake.patient values ('P9')",
    "explain analyze drop table lake.encounter",
    "set datafusion.execution.batch_size = 1",
    "set datafusion.catalog.information_schema = false",
    "reset datafusion.execution.batch_size",
    "set time zone = '+10:00'",
    "begin transaction",
    "start transaction",
    "commit",
    "rollback",
    "prepare p as select 1",
    "execute p",
    "deallocate p",
    "use lake",
    "select * from 'extracts/encounter.csv'",
    "select * from '/etc/passwd'",
    "select * from \"lake/snapshots\"",
    "select * from read_csv('extracts/encounter.csv')",
    "select * from parquet_metadata('lake/x.parquet')",
    "select pg_read_file('/etc/passwd')",
    "select 1; drop table lake.encounter",
    "show create table lake.encounter; drop table lake.encounter",
    "create external table lake.encounter stored as csv location 'extracts/encounter.csv'",
    "create table stolen as select * from lake.patient",
    "alter table lake.encounter rename to gone",
    "alter table lake.encounter add column x int",
    "grant all on lake.encounter to public",
    "vacuum",
    "attach 'x.db' as x",
    "load 'x.so'",
    "call system('id')",
    "select * from lake.encounter into outfile 'x'",
    "with gone as (delete from lake.encounter returning *) select * from gone",
];

#[test]
fn statements_that_do_more_than_read_are_refused() {
    let project = whole();
    let before = files_of(project.path());
    for statement in HOSTILE {
        let ran: Ran = program(&["sql", statement, "--project"])
            .arg(project.path())
            .current_dir(project.path())
            .output()
            .unwrap()
            .into();
        let ran = ran.expect(2);
        assert!(ran.err.contains("the query was refused"), "{statement}: {}", ran.err);
    }
    assert_eq!(files_of(project.path()), before);
    assert!(!Path::new("/tmp/carecoord-stolen.csv").exists());
}

#[test]
fn the_sql_of_decks_and_measures_can_only_read_too() {
    let project = whole();
    let target = project.path().join("stolen.csv");
    let copy = format!("copy (select 1 as a) to '{}' stored as csv", target.display());
    let folder = project.path().join("own/odd");
    fs::create_dir_all(folder.join("cases/one")).unwrap();
    let definition = "family = 'own'\nkind = 'proportion'\nunit_name = 'stay'\nbetter = 'lower'\nvalue_unit = '%'\ndecimals = 1\nfeed = 'ehr'\nsteward = 'us'\nversion = '1'\nwhy = 'x'\nrule = 'y'\nsources = []\n[[variant]]\nid = 'own.odd'\ncode = 'OWN'\ntitle = 'Odd'\n";
    fs::write(folder.join("measure.toml"), definition).unwrap();
    fs::write(folder.join("units.sql"), &copy).unwrap();
    let settings = "measures = ['own']\nbuckets = 2\nmonths = 3\n";
    fs::write(project.path().join("carecoord.toml"), settings).unwrap();
    let ran = on(project.path(), &["compute", "--month", "2026-03", "--only", "own"]).expect(2);
    assert!(ran.err.contains("own.odd") && !target.exists(), "{}", ran.err);
    let units = "select encounter_id as unit_id, patient_id, start_date as index_date, true as in_denominator, cast(null as varchar) as exclusion_reason, true as in_numerator from lake.encounter";
    fs::write(folder.join("units.sql"), units).unwrap();
    fs::write(folder.join("cases/one/rows.csv"), "encounter_id,patient_id\nE1,P1\n").unwrap();
    let deck = |tables: &str, rate: &str| {
        format!(
            "[tables]\nencounter = \"\"\"{tables}\"\"\"\n[params]\nperiod_start = '2026-01-01'\nperiod_end = '2026-03-31'\n\
             data_through = '2026-06-30'\n[[expect]]\nmeasure = 'own.odd'\nrate = \"\"\"{rate}\"\"\"\n"
        )
    };
    for (tables, rate) in [("select * from rows", copy.as_str()), (copy.as_str(), "select '1' as numerator")] {
        fs::write(folder.join("cases/one/deck.toml"), deck(tables, rate)).unwrap();
        let ran = on(project.path(), &["measures", "test", "own.odd"]).expect(1);
        assert!(ran.out.contains("FAIL") && !target.exists(), "{}", ran.out);
    }
}

#[test]
fn ids_and_numbers_of_a_definition_are_checked() {
    let project = whole();
    let folder = project.path().join("own/odd");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("units.sql"), "select 1").unwrap();
    fs::write(project.path().join("carecoord.toml"), "measures = ['own']\nbuckets = 2\n").unwrap();
    for (id, more, named) in [
        ("../../etc/passwd", "", "small letters"),
        ("Own.Odd", "", "small letters"),
        ("own.o'dd", "", "small letters"),
        ("own.odd", "multiplier = nan\n", "multiplier"),
        ("own.odd", "multiplier = inf\n", "multiplier"),
        ("own.odd", "window_days = 99999999\n", "window_days"),
    ] {
        let definition = format!(
            "family = 'own'\nkind = 'proportion'\nunit_name = 'stay'\nbetter = 'lower'\nvalue_unit = '%'\ndecimals = 1\nfeed = 'ehr'\nsteward = 'us'\nversion = '1'\nwhy = 'x'\nrule = 'y'\nsources = []\n[[variant]]\nid = {id:?}\ncode = 'OWN'\ntitle = 'Odd'\n{more}"
        );
        fs::write(folder.join("measure.toml"), definition).unwrap();
        let ran = on(project.path(), &["measures", "list"]).expect(2);
        assert!(ran.err.contains(named), "{id} {more}: {}", ran.err);
    }
}

#[test]
fn a_query_that_asks_too_much_ends_with_a_sentence() {
    let project = whole();
    let chain = |word: &str, times: usize| format!("select 1{}", word.repeat(times));
    let deep = |times: usize| format!("select {}1{}", "(".repeat(times), ")".repeat(times));
    for (query, named) in [
        (chain(" + 1", 60_000), "operators"),
        (format!("select true{}", " and true".repeat(60_000)), "operators"),
        (chain(" union all select 1", 30_000), "operators"),
        (format!("select '{}'", "x".repeat(2 << 20)), "bytes"),
        (deep(20_000), "operators"),
    ] {
        // Too long for an argument: the shell's limit is 128 kB.
        if query.len() > 120_000 {
            continue;
        }
        let ran = on(project.path(), &["sql", &query]).expect(3);
        assert!(ran.err.contains(named), "{}", ran.err);
    }
    // Long, and within bounds: each is planned and run, or refused with a sentence.
    for query in [
        chain(" + 1", 3_000),
        format!("select true{}", " and true".repeat(2_000)),
        chain(" union all select 1", 2_000),
        deep(2_000),
        format!("select {}1", "- ".repeat(2_000)),
        format!("select {}true", "not ".repeat(2_000)),
        format!("select {}1{}", "case when true then ".repeat(800), " end".repeat(800)),
        "select 1 limit 9223372036854775807 offset 9223372036854775807".to_owned(),
    ] {
        let ran = on(project.path(), &["sql", &query]);
        assert!((0..=3).contains(&ran.code), "code {}: {}", ran.code, ran.err);
        assert!(ran.code == 0 || ran.err.starts_with("error: "), "{}", ran.err);
    }
    for (query, named) in [
        ("select length(repeat('x', 1000000000))", "--memory"),
        ("select count(*) from (select unnest(range(0, 1000000000)))", "--memory"),
    ] {
        let ran = on(project.path(), &["sql", "--memory", "256", query]).expect(3);
        assert!(ran.err.contains(named), "{query}: {}", ran.err);
    }
    let begun = Instant::now();
    let slow = "select count(*) from generate_series(1, 1000000) a, generate_series(1, 1000000) b where a.value % 7 = b.value % 11";
    let ran = on(project.path(), &["sql", "--timeout", "1.5", slow]).expect(3);
    assert!(ran.err.contains("--timeout") && begun.elapsed() < Duration::from_secs(30), "{}", ran.err);
    on(project.path(), &["sql", "--timeout", "-1", "select 1"]).expect(2);
}

#[test]
fn rows_stream_and_are_never_all_held() {
    let project = whole();
    let file = project.path().join("many.csv");
    let query = "select value, 'as long as a line of text may well be' as note from generate_series(1, 2000000)";
    // The rows are 80 MB as text and more in memory.
    let arguments = ["sql", "--memory", "400", "--format", "csv", "--output", file.to_str().unwrap(), query];
    on(project.path(), &arguments).expect(0);
    assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 2_000_001);
    let ran = on(project.path(), &["sql", "select value from generate_series(1, 20000)"]).expect(0);
    assert!(ran.err.contains("only the first 10000 rows are shown"));
    assert!(ran.out.contains(" 10000 ") && !ran.out.contains(" 10001 "));
}

#[test]
fn output_goes_to_a_plain_file_and_leaves_nothing_else() {
    let project = whole();
    let query = "select 1 as a";
    let here = project.path();
    let victim = here.join("victim");
    fs::write(&victim, "precious").unwrap();
    symlink(&victim, here.join("link")).unwrap();
    symlink(here.join("nowhere"), here.join("dangling")).unwrap();
    fs::create_dir(here.join("folder")).unwrap();
    assert!(Command::new("mkfifo").arg(here.join("pipe")).status().unwrap().success());
    let names = || {
        let mut names: Vec<_> = fs::read_dir(here).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = names();
    for name in ["link", "dangling", "folder", "pipe", "missing/out.csv"] {
        let path = here.join(name);
        let ran = on(here, &["sql", "--format", "csv", "--output", path.to_str().unwrap(), query]);
        assert!(ran.code == 2 || name.starts_with("missing") && ran.code == 3, "{name}: {}", ran.err);
        assert!(ran.err.contains(name), "{}", ran.err);
    }
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    assert_eq!(names(), before);
    let out = here.join("out.csv");
    // A query that fails on its way leaves the old file.
    fs::write(&out, "old").unwrap();
    let failing = "select 1 / (3 - value) from generate_series(1, 5)";
    on(here, &["sql", "--format", "csv", "--output", out.to_str().unwrap(), failing]).expect(3);
    assert_eq!(fs::read_to_string(&out).unwrap(), "old");
    on(here, &["sql", "--format", "csv", "--output", out.to_str().unwrap(), query]).expect(0);
    assert_eq!(fs::read_to_string(&out).unwrap(), "a\n1\n");
    assert_eq!(fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600);
    // The same of the lake's own files.
    let lock = here.join("lake/lock");
    fs::remove_file(&lock).unwrap();
    symlink(&victim, &lock).unwrap();
    assert!(ingest(here).code != 0);
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
}

#[test]
fn strange_files_among_extracts_do_no_harm() {
    let project = Project::new();
    project_in(project.path());
    let extracts = project.path().join("extracts");
    fs::write(extracts.join(".DS_Store"), [0_u8, 1, 2]).unwrap();
    fs::write(extracts.join("._encounter.csv"), [0_u8, 5, 22, 7]).unwrap();
    fs::write(extracts.join(std::ffi::OsStr::from_bytes(b"caf\xe9.csv")), "x").unwrap();
    fs::create_dir(extracts.join("referral.csv")).unwrap();
    let ran = ingest(project.path()).expect(0);
    assert!(ran.err.contains("files not used: caf"), "{}", ran.err);
    assert_eq!(project.value("select count(*) from lake.encounter"), "4");
    assert!(Command::new("mkfifo").arg(extracts.join("appointment.csv")).status().unwrap().success());
    let ran = ingest(project.path()).expect(1);
    assert!(ran.err.contains("appointment.csv") && ran.err.contains("no plain file"), "{}", ran.err);
    fs::remove_file(extracts.join("appointment.csv")).unwrap();
    // In the place of the store's own files.
    fs::write(project.path().join("lake/snapshots/.DS_Store"), b"x").unwrap();
    on(project.path(), &["snapshots"]).expect(0);
    fs::remove_file(project.path().join("lake/CURRENT")).unwrap();
    assert!(Command::new("mkfifo").arg(project.path().join("lake/CURRENT")).status().unwrap().success());
    let ran = on(project.path(), &["sql", "select 1"]);
    assert!(ran.code > 0 && ran.err.contains("CURRENT"), "{}", ran.err);
}

#[test]
fn no_row_stays_in_a_temporary_folder() {
    let project = whole();
    let scratch = project.path().join(".scratch");
    let elsewhere = tempfile::tempdir().unwrap();
    let slow = "select count(*) from generate_series(1, 1000000) a, generate_series(1, 1000000) b where a.value % 7 = b.value % 11";
    for signal in ["-INT", "-TERM", "-KILL"] {
        let mut child = program(&["sql", slow, "--project"])
            .arg(project.path())
            .env("TMPDIR", elsewhere.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while fs::read_dir(&scratch).map_or(0, Iterator::count) == 0 {
            assert!(begun.elapsed() < Duration::from_mins(1), "no folder was made");
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(fs::metadata(&scratch).unwrap().permissions().mode() & 0o777, 0o700);
        std::thread::sleep(Duration::from_millis(300));
        assert!(Command::new("kill").arg(signal).arg(child.id().to_string()).status().unwrap().success());
        child.wait().unwrap();
        // A kill cannot be answered: the next command sweeps.
        assert_eq!(fs::read_dir(&scratch).map_or(0, Iterator::count), usize::from(signal == "-KILL"), "{signal}");
        on(project.path(), &["sql", "select 1"]).expect(0);
        assert_eq!(fs::read_dir(&scratch).map_or(0, Iterator::count), 0, "{signal}");
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0, "{signal}");
    }
}

#[test]
fn messages_show_little_of_a_cell_and_nothing_of_a_file_without_a_header() {
    let project = Project::new();
    let patient = "Canary Jane Doe,1967-06-13,female,SSN 078-05-1120,555-0100,jane@x.org,3,00329,,D1,\n";
    project.extract("patient.csv", format!("{patient}P1,1967-06-13,male,white,not_hispanic,en,3,00329,,D1,\n"));
    for command in ["ingest", "check"] {
        let extracts = project.path().join("extracts");
        let ran = project.run(&[command, "--source", "carecoord", "--extracts", extracts.to_str().unwrap()]).expect(1);
        let said = format!("{}{}", ran.out, ran.err);
        for part in ["Canary", "078-05", "555-0100", "jane@x.org", "1967"] {
            assert!(!said.contains(part), "{part} is in {said}");
        }
        assert!(said.contains("patient.csv") && said.contains("header"), "{said}");
    }
    let note = format!("{} Canary Jane Doe", "a long story of this patient, ".repeat(10));
    project.extract("patient.csv", format!("patient_id,birth_date\nP1,{note}\nP2,1950-01-01\n"));
    let extracts = project.path().join("extracts");
    for format in ["table", "json"] {
        let arguments =
            ["check", "--format", format, "--source", "carecoord", "--extracts", extracts.to_str().unwrap()];
        let ran = project.run(&arguments);
        let said = format!("{}{}", ran.out, ran.err);
        assert!(!said.contains("Canary"), "{said}");
    }
}

#[test]
fn extremes_of_months_are_told() {
    let project = whole();
    for (month, months, code) in [
        ("2026-03", "0", 2),
        ("2026-03", "-5", 2),
        ("2026-03", "9223372036854775807", 2),
        ("2026-03", "99999999", 2),
        ("9999-12", "3", 0),
        ("0001-01", "3", 0),
        ("2026-13", "3", 2),
    ] {
        let ran = on(project.path(), &["compute", "--only", MEASURE, "--month", month, "--months", months]);
        assert!(ran.code == code || ran.code == 2, "{month} {months}: {} {}", ran.code, ran.err);
        assert!(ran.code == 0 || ran.err.contains("error: "), "{}", ran.err);
    }
}

#[test]
fn a_clock_that_jumps_changes_nothing_or_is_told() {
    // 1990, 2100, 2026: each command of a project has another day.
    let ran = |folder: &Path, day: &str, arguments: &[&str]| -> Ran {
        program(arguments).env("SOURCE_DATE_EPOCH", day).arg("--project").arg(folder).output().unwrap().into()
    };
    let (past, future, now) = ("631152000", "4102444800", "1795000000");
    let load = |project: &Project, day: &str| {
        let extracts = project.path().join("extracts");
        ran(project.path(), day, &["ingest", "--source", "carecoord", "--extracts", extracts.to_str().unwrap()])
    };
    let mut results = BTreeSet::new();
    for days in [[now; 3], [past, future, now], [future, past, past]] {
        let project = Project::new();
        project_in(project.path());
        load(&project, days[0]).expect(0);
        // Nothing new: the lake stays as it is, whatever the day.
        load(&project, days[1]).expect(0);
        ran(project.path(), days[2], &["compute", "--month", "2026-03", "--only", MEASURE]).expect(0);
        ran(project.path(), days[1], &["report"]).expect(0);
        let snapshot = in_force(project.path(), "results");
        results.insert((snapshot.file_name().unwrap().to_owned(), fs::read(snapshot.join("rate.parquet")).unwrap()));
    }
    assert_eq!(results.len(), 1, "the extract date is stated, so the clock decides nothing");
    // Where it is not stated, today is the last day on which anything can have happened: a clock that stands in 1990 is told.
    let project = Project::new();
    project_in(project.path());
    fs::remove_file(project.path().join("extracts/extract.toml")).unwrap();
    let refused = load(&project, past).expect(1);
    assert!(refused.err.contains("implausible_date (reject) in 4 rows"), "{}", refused.err);
    assert!(!project.path().join("lake/CURRENT").exists());
}

#[test]
fn malformed_instruments_and_looping_organizations_end_with_a_sentence_or_well() {
    let project = whole();
    let folder = project.path().join("own");
    fs::create_dir(&folder).unwrap();
    fs::write(
        project.path().join("carecoord.toml"),
        "instruments = ['own']\nbuckets = 2\nmonths = 3\nsuppress_below = 0\n",
    )
    .unwrap();
    for text in [
        "",
        "[",
        "key = 7\n",
        "key = 'x'\nname = 'y'\n",
        "\u{feff}key = 'x'",
        "key = 'x'\n[[version]]\nversion = 1.5\n",
    ] {
        fs::write(folder.join("odd.toml"), text).unwrap();
        let ran = on(project.path(), &["compute", "--month", "2026-03", "--only", MEASURE]).expect(2);
        assert!(ran.err.contains("odd.toml"), "{text:?}: {}", ran.err);
    }
    fs::remove_file(folder.join("odd.toml")).unwrap();
    // H1 is part of H2, which is part of H1; H3 is part of itself; H4 of one that is not there.
    fs::write(
        project.path().join("extracts/organization.csv"),
        "organization_id,name,kind,part_of_organization_id\nH1,One,hospital,H2\nH2,Two,system,H1\nH3,Three,clinic,H3\nH4,Four,clinic,H9\n",
    )
    .unwrap();
    ingest(project.path());
    compute(project.path()).expect(0);
    on(project.path(), &["report"]).expect(0);
    assert_eq!(
        project.value(
            "select count(*) from results.rate where level = 'all' and period_kind = 'month' and stratum_kind = 'all'"
        ),
        "3"
    );
}

#[test]
fn few_files_and_little_memory_end_with_a_sentence() {
    let project = whole();
    let before = fs::read_to_string(project.path().join("results/CURRENT")).unwrap();
    for limit in ["-n 12", "-n 24", "-n 48", "-v 400000", "-v 900000"] {
        let line = format!(
            "ulimit {limit}; exec '{}' compute --month 2026-02 --only {MEASURE} --project '{}'",
            env!("CARGO_BIN_EXE_carecoord"),
            project.path().display()
        );
        let output = Command::new("bash").args(["-c", &line]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        match output.status.code() {
            Some(0) => break,
            Some(3) => assert!(said.contains("error: "), "{limit}: {said}"),
            // Where the system gives no memory at all, no program can say so; what was in force stays.
            other => assert!(limit.starts_with("-v"), "{limit}: {other:?} {said}"),
        }
        assert_eq!(fs::read_to_string(project.path().join("results/CURRENT")).unwrap(), before, "{limit}");
    }
    on(project.path(), &["verify"]).expect(0);
}
