//! Nothing that a profile leaves out stands in any of its files, in any way.

use carecoord_reports::Release;

use crate::made::Made;
use crate::synthetic::{FILES, file_hash};
use crate::world::{ORGANIZATIONS, World};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

fn assert_nowhere(made: &Made, secrets: &[String]) {
    for (name, bytes) in made.contents() {
        for secret in secrets {
            let at = bytes.windows(secret.len()).position(|part| part == secret.as_bytes());
            let around = at.map(|at| {
                String::from_utf8_lossy(&bytes[at.saturating_sub(60)..(at + 60).min(bytes.len())]).into_owned()
            });
            assert!(at.is_none() && !name.contains(secret.as_str()), "{secret} stands in {name}: {around:?}");
        }
    }
}

/// Days other than the first and the last of a year, and months by name or number: in texts, where a picture's bytes
/// cannot look like one.
fn assert_no_date_finer_than_a_year(made: &Made) {
    for (name, bytes) in made.contents() {
        let Ok(text) = String::from_utf8(bytes) else { continue };
        // The workbook's theme and styles are the writer's own.
        if name.contains("theme") {
            continue;
        }
        for (at, _) in text.match_indices('-') {
            let day = at.checked_sub(4).and_then(|from| text.get(from..at + 6)).unwrap_or_default();
            let parts: Vec<&str> = day.split('-').collect();
            let digits = day.bytes().filter(u8::is_ascii_digit).count();
            if parts.len() == 3 && digits == 8 && (day.starts_with("20") || day.starts_with("19")) {
                assert!(["01-01", "12-31"].contains(&&day[5..]), "{day} stands in {name}");
            }
        }
        for year in 2022..=2027 {
            for month in MONTHS {
                for written in [format!("{month} {year}"), format!("{} {year}", &month[..3])] {
                    assert!(!text.contains(&written), "{written} stands in {name}");
                }
            }
            for quarter in 1..=4 {
                assert!(!text.contains(&format!("Q{quarter} {year}")), "a quarter stands in {name}");
            }
        }
    }
}

#[test]
fn releases_without_names_hold_no_name_file_or_day_of_the_world() {
    let world = World::new(3);
    let mut secrets: Vec<String> = [
        "Gannet Oak begins",
        "wychelm",
        "encounters_2026",
        "referrals_2026",
        "survey <b>",
        "claims.csv",
        "06-12-44",
        "1f9c",
    ]
    .map(str::to_owned)
    .to_vec();
    secrets.push(world.run_id.to_owned());
    for (id, name) in ORGANIZATIONS {
        secrets.extend([id.to_owned(), name.to_owned(), name.split(' ').next().unwrap_or_default().to_owned()]);
    }
    for release in [Release::SafeHarbor, Release::Public] {
        let made = Made::of_world(&world, release);
        assert_nowhere(&made, &secrets);
        assert_no_date_finer_than_a_year(&made);
    }
    let open = Made::of_world(&world, Release::Internal);
    let page = open.html();
    assert!(secrets.iter().filter(|secret| page.contains(secret.as_str())).count() > 20, "the search can find them");
}

#[test]
fn funnels_and_files_of_a_whole_run_are_without_names_too() {
    let secrets = [
        "St. Brigid",
        "column_39",
        "from lake.encounter",
        "Éastside",
        "Harbor \"",
        "Harbor &",
        "Lakeshore",
        "Calls ",
        "Calls&",
        "encounters_2026",
        "survey &lt;b",
        "survey <b",
        "claims.csv",
        "b3e1f0a94c27d58e",
        "06-12-44",
        "synthea",
        "31415.9",
        "31,416",
        "31,417",
        ",31417,",
        ">31417<",
        ":31417,",
    ]
    .map(str::to_owned);
    for release in [Release::SafeHarbor, Release::Public] {
        let made = Made::synthetic(release);
        assert_nowhere(&made, &secrets);
        assert_no_date_finer_than_a_year(&made);
        let definitions = made.definitions();
        assert!(
            definitions.contains("are left out of this release") && definitions.contains("c0ffee5f1d0a9b77e3d1a4f6")
        );
        assert!(definitions.contains("Day 0 is the day of discharge.") && !definitions.contains("<pre>"));
        let charts: Vec<_> = made.files.charts.iter().filter_map(|chart| chart.file_name()).collect();
        if release == Release::SafeHarbor {
            let whole_years = ["readmission.unplanned_30.funnel.png", "referral.report_days.waits.png"];
            assert_eq!(charts, whole_years, "one year by organization, and waits by year");
        } else {
            assert!(charts.is_empty(), "its limits at a size give the size back");
        }
    }
}

#[test]
fn the_hash_of_a_file_stands_in_no_release_without_its_name() {
    let hashes = FILES.map(file_hash);
    // So few digits would tell a file as well as the whole does.
    let secrets: Vec<String> =
        hashes.iter().flat_map(|hash| [hash[..8].to_owned(), hash[..8].to_uppercase()]).collect();
    for release in [Release::SafeHarbor, Release::Public] {
        for made in [Made::synthetic(release), Made::of_world(&World::new(3), release)] {
            assert_nowhere(&made, &secrets);
            assert!(!made.html().contains("hash of its bytes") && !made.html().contains("<dt>Files loaded</dt>"));
            assert!(made.sheet("Data quality").iter().all(|row| !row.contains_key("File hash (BLAKE3)")));
        }
    }
    for release in [Release::Internal, Release::Limited] {
        let made = Made::synthetic(release);
        let sheet = made.sheet("Data quality");
        for (hash, file) in hashes.iter().zip(FILES) {
            assert!(made.html().contains(&hash[..12]), "the search can find it");
            let row = sheet.iter().find(|row| row["File"] == file).expect("a file");
            assert_eq!(row["File hash (BLAKE3)"], *hash);
        }
    }
}

#[test]
fn the_files_of_definitions_stay_where_names_do() {
    for release in [Release::Internal, Release::Limited] {
        let definitions = Made::synthetic(release).definitions();
        assert!(definitions.contains("Lakeshore General") && definitions.contains("from lake.encounter"));
    }
}

#[test]
fn labels_say_nothing_of_names_ids_or_sizes_and_change_with_the_run() {
    let order = |run_id: &'static str| {
        let mut world = World::new(3);
        world.run_id = run_id;
        let made = Made::of_world(&world, Release::SafeHarbor);
        let mut rows: Vec<(f64, String)> = made
            .csv("values.csv")
            .into_iter()
            .filter(|row| {
                row["measure_id"] == "access.seen" && row["level"] == "organization" && row["period"] == "2025-01-01"
            })
            .map(|row| (row["denominator"].parse().expect("shown"), row["level_name"].clone()))
            .collect();
        rows.sort_by(|one, other| one.0.total_cmp(&other.0));
        rows.into_iter().map(|(_, label)| label).collect::<Vec<_>>()
    };
    let (first, again, other) = (order("5ec2e7f00d5ec2e7"), order("5ec2e7f00d5ec2e7"), order("0dd5eeded00d0dd5"));
    assert_eq!(first, again);
    assert_ne!(first, other);
    let mut labels = first.clone();
    labels.sort();
    assert_eq!(labels, (1..=9).map(|number| format!("Organization {number}")).collect::<Vec<_>>());
    assert_ne!(first, labels, "not by size");
}
