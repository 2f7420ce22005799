//! Other people's test data, read where they lie and never copied.

use std::path::PathBuf;

/// The folder with other people's files, `CARECOORD_SHARED` or the one beside the project; `None`, and a line that says
/// so, where there is none. With `CARECOORD_REQUIRE_SHARED=1` that is a failure.
#[allow(clippy::print_stderr)] // A skipped test says so.
pub fn shared(inner: &str) -> Option<PathBuf> {
    // Tests run in the crate's folder; the variable is relative to the project's.
    let folder = std::env::var_os("CARECOORD_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    let path = PathBuf::from("..").join(folder).join(inner);
    if path.exists() {
        return Some(path);
    }
    let required = std::env::var_os("CARECOORD_REQUIRE_SHARED").is_some_and(|value| value == "1");
    assert!(!required, "{} is missing and CARECOORD_REQUIRE_SHARED=1", path.display());
    eprintln!("skipped: no shared data");
    None
}
