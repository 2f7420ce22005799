//! The bundled extracts, carried in the program, so that the demo needs nothing else.

use std::path::Path;

use carecoord_lake::files;
use include_dir::{Dir, include_dir};

use crate::error::SampleError;

static EXTRACTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/extracts");

/// Writes the bundled extracts into a folder that exists; files of the same name are replaced.
///
/// # Errors
/// When the system refuses.
pub fn unpack(folder: &Path) -> Result<(), SampleError> {
    for file in EXTRACTS.files() {
        files::replace(&folder.join(file.path()), file.contents())?;
    }
    Ok(())
}
