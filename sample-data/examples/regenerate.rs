//! Writes the bundled extracts anew: `cargo run --release -p carecoord-sample-data --example regenerate`.

use std::path::Path;

use carecoord_sample_data::{Options, SampleError, generate};

fn main() -> Result<(), SampleError> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("extracts");
    generate(&folder, &Options::default()).map(|_| ())
}
