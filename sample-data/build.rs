//! Rebuilds the crate when the bundled extracts change.

fn main() {
    println!("cargo::rerun-if-changed=extracts");
}
