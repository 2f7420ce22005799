//! Rebuilds the crate when a definition that it carries changes.

fn main() {
    for folder in ["catalog", "cohorts", "prepared", "worklists"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
