//! Running the program in a temporary project.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A project in a temporary folder.
pub struct Project {
    pub folder: tempfile::TempDir,
}

/// What a run of the program printed.
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let ran =
            Self { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) };
        assert!(!ran.err.contains("panicked"), "a panic: {}", ran.err);
        ran
    }
}

impl Ran {
    /// Asserts the exit code.
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.out, self.err);
        self
    }
}

/// The program with arguments, not yet run.
pub fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_carecoord"));
    command.args(arguments);
    command
}

impl Project {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes an extract.
    pub fn extract(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let folder = self.path().join("extracts");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), bytes).unwrap();
        folder
    }

    /// Runs a subcommand with `--project`.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        program(arguments).arg("--project").arg(self.path()).output().unwrap().into()
    }

    /// Ingests the project's extracts in carecoord's own format.
    pub fn ingest(&self) -> Ran {
        self.ingest_from("carecoord", &self.path().join("extracts"))
    }

    /// Ingests a folder.
    pub fn ingest_from(&self, source: &str, extracts: &Path) -> Ran {
        self.run(&["ingest", "--source", source, "--extracts", extracts.to_str().unwrap()])
    }

    /// The rows of a query, without the header, fields joined by commas.
    pub fn sql(&self, query: &str) -> Vec<String> {
        let ran = self.run(&["sql", "--format", "csv", query]).expect(0);
        ran.out.lines().skip(1).map(str::to_owned).collect()
    }

    /// A query's only value.
    pub fn value(&self, query: &str) -> String {
        let rows = self.sql(query);
        assert_eq!(rows.len(), 1, "{query}: {rows:?}");
        rows[0].clone()
    }
}

/// Where other people's data lie; nothing where they do not, which fails when they are required.
pub fn shared(part: &str) -> Option<PathBuf> {
    let root = std::env::var_os("CARECOORD_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    let path = root.join(part);
    if path.exists() {
        return Some(path);
    }
    let required = std::env::var("CARECOORD_REQUIRE_SHARED").is_ok_and(|value| value == "1");
    assert!(!required, "{} is missing", path.display());
    eprintln!("skipped: no shared data ({})", path.display());
    None
}
