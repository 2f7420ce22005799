//! `carecoord init`.

use std::process::ExitCode;

use carecoord_lake::files;

use crate::arguments::ProjectOptions;
use crate::config::TEMPLATE;
use crate::failure::Failure;
use crate::output;

/// Writes a commented carecoord.toml and the folder for extracts.
pub fn run(options: &ProjectOptions) -> Result<ExitCode, Failure> {
    let path = options.project.join("carecoord.toml");
    if path.exists() {
        return Err(Failure::Usage(format!("{} is already there", path.display())));
    }
    files::create_folder(&options.project.join("extracts"))?;
    files::replace(&path, TEMPLATE.as_bytes())?;
    output::message(&format!(
        "wrote {}; put the extracts into {} and run `carecoord run`",
        path.display(),
        options.project.join("extracts").display()
    ));
    Ok(ExitCode::SUCCESS)
}
