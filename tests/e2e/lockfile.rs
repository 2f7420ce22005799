//! One major version of Arrow and of Parquet: two of them double the build and cannot exchange batches.

use std::collections::BTreeSet;

#[test]
fn arrow_and_parquet_stand_once_in_the_lockfile() {
    let lock = std::fs::read_to_string("Cargo.lock").unwrap();
    for name in ["arrow", "arrow-array", "arrow-schema", "parquet", "datafusion", "polars"] {
        let wanted = format!("name = \"{name}\"");
        let versions: BTreeSet<&str> = lock
            .split("[[package]]")
            .filter(|package| package.lines().any(|line| line == wanted))
            .filter_map(|package| package.lines().find(|line| line.starts_with("version")))
            .collect();
        assert_eq!(versions.len(), 1, "{name}: {versions:?}");
    }
}
