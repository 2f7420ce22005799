//! Rebuilds the crate when a definition that it carries changes.

fn main() {
    for folder in ["catalog", "prepared", "worklists"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
