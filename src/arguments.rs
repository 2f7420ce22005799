//! What the user may say: subcommands and their flags.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

/// Measure care coordination: extracts to checked Parquet, measures, SQL and reports.
#[derive(Debug, Parser)]
#[command(name = "carecoord", version, about, propagate_version = true, after_help = EXIT_CODES)]
pub struct Arguments {
    /// Say on standard error what is being done; twice, also what each step took. No patient's data are said.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "Results go to standard output, messages to standard error.\n\
    Exit codes: 0 done, 1 the data did not pass the checks, 2 usage or configuration, 3 the machine (disk, memory, permission).";

/// Subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the bundled sample from start to finish, and say where to look.
    Demo(DemoOptions),
    /// Make a commented carecoord.toml and folders.
    Init(ProjectOptions),
    /// Ingest, compute and report.
    Run(RunOptions),
    /// Say what ingest would do with a folder of extracts; write nothing. Exit code 1 when the data do not pass.
    Check(IngestOptions),
    /// Bring extracts into the lake.
    Ingest(IngestOptions),
    /// Compute all measures.
    Compute(ComputeOptions),
    /// Render the report of the newest results.
    Report(ReportOptions),
    /// List, show or test measures.
    Measures(MeasuresOptions),
    /// Print the patients to act on, for example `carecoord worklist referral.open`.
    Worklist(WorklistOptions),
    /// Query the tables of the lake and of results, read-only.
    Sql(SqlOptions),
    /// Load value sets and crosswalks that measures ask for, or list those in force.
    Codes(CodesOptions),
    /// List snapshots, or prune old ones.
    Snapshots(SnapshotsOptions),
    /// Compare every byte of the lake and of results with what was written. Exit code 1 when a file is damaged, missing or added.
    Verify(VerifyOptions),
    /// Write invented extracts of any size.
    Generate(GenerateOptions),
}

/// Options of `verify`.
#[derive(Debug, Args)]
pub struct VerifyOptions {
    /// Project.
    #[command(flatten)]
    pub project: ProjectOptions,
}

/// Options of `demo`.
#[derive(Debug, Args)]
pub struct DemoOptions {
    /// Folder for the demo's project.
    #[arg(long, default_value = "carecoord-demo")]
    pub project: PathBuf,
}

/// The project folder.
#[derive(Debug, Args)]
pub struct ProjectOptions {
    /// Project folder; its carecoord.toml is read if there is one.
    #[arg(long, default_value = ".")]
    pub project: PathBuf,
}

/// Options of `ingest` and `check`.
#[derive(Debug, Args)]
pub struct IngestOptions {
    /// Project folder.
    #[command(flatten)]
    pub project: ProjectOptions,
    /// Mapping: carecoord, synthea, desynpuf, or the path of your own .toml.
    #[arg(long)]
    pub source: Option<String>,
    /// Folder with the extracts.
    #[arg(long)]
    pub extracts: Option<PathBuf>,
    /// Day on which the extracts were taken, YYYY-MM-DD; else extract.toml beside them, else the last date in the data.
    #[arg(long)]
    pub extract_date: Option<jiff::civil::Date>,
    /// Read files again that the lake already holds, for example after references have arrived.
    #[arg(long)]
    pub again: bool,
    /// How to print what became of each file.
    #[arg(long, value_enum, default_value_t = TextFormat::Table)]
    pub format: TextFormat,
}

/// What `compute` and `run` measure, and how.
#[derive(Debug, Clone, Default, Args)]
pub struct MeasuringOptions {
    /// Month to report, YYYY-MM; the last whole month before the extract date unless given.
    #[arg(long, value_parser = month)]
    pub month: Option<jiff::civil::Date>,
    /// Months to measure, the report month included.
    #[arg(long)]
    pub months: Option<i64>,
    /// Measure only what has this id, or an id that begins with it, such as `readmission`; may be repeated. Work lists are made of
    /// the families of these measures.
    #[arg(long, value_name = "ID")]
    pub only: Vec<String>,
    /// Buckets of patients to measure together; chosen by the lake's size unless given. The results are the same;
    /// fewer need less memory.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub buckets_at_once: Option<u32>,
    /// What is ruled out beside small counts themselves; the project's setting unless given. A release needs linear.
    #[arg(long, value_enum)]
    pub disclosure: Option<Disclosure>,
    /// Say what each step took: seconds that went by, and seconds of all processors.
    #[arg(long)]
    pub timings: bool,
}

/// Options of `compute`.
#[derive(Debug, Args)]
pub struct ComputeOptions {
    /// Project folder.
    #[command(flatten)]
    pub project: ProjectOptions,
    /// What to measure.
    #[command(flatten)]
    pub measuring: MeasuringOptions,
}

/// Options of `report`.
#[derive(Debug, Args)]
pub struct ReportOptions {
    /// Project folder.
    #[command(flatten)]
    pub project: ProjectOptions,
    /// Month of the report, YYYY-MM; the newest results must be of that month.
    #[arg(long, value_parser = month)]
    pub month: Option<jiff::civil::Date>,
    /// Folder to write; unless given, reports/YYYY-MM in the project, for a release with its name: reports/YYYY-MM-public.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// For whom the report is: decides its columns, dates, cells and names.
    #[arg(long, value_enum, default_value_t = Release::Internal)]
    pub release: Release,
    /// Also write fhir/subject-lists.json, which names the patients in each measure's latest final value; with the internal release
    /// alone.
    #[arg(long)]
    pub subject_lists: bool,
}

/// Options of `run`.
#[derive(Debug, Args)]
pub struct RunOptions {
    /// Ingest options.
    #[command(flatten)]
    pub ingest: IngestOptions,
    /// What to measure.
    #[command(flatten)]
    pub measuring: MeasuringOptions,
}

/// Options of `measures`.
#[derive(Debug, Args)]
pub struct MeasuresOptions {
    /// What to do with them.
    #[command(subcommand)]
    pub command: MeasuresCommand,
}

/// What to do with measures.
#[derive(Debug, Subcommand)]
pub enum MeasuresCommand {
    /// List the catalogue.
    List {
        /// Project folder.
        #[command(flatten)]
        project: ProjectOptions,
        /// How to print.
        #[arg(long, value_enum, default_value_t = TextFormat::Table)]
        format: TextFormat,
    },
    /// Show one measure whole.
    Show {
        /// Id, for example `readmission.unplanned_30`.
        id: String,
        /// Project folder.
        #[command(flatten)]
        project: ProjectOptions,
    },
    /// Run the decks: worked examples with expected answers. Exit code 1 when one fails.
    Test {
        /// Only this measure.
        id: Option<String>,
        /// Only what lies below this folder: decks with a deck.toml, and CSV files with the names and columns of a built-in
        /// deck, which are run by its rules.
        #[arg(long)]
        deck: Option<PathBuf>,
        /// Project folder.
        #[command(flatten)]
        project: ProjectOptions,
    },
}

/// Options of `codes`.
#[derive(Debug, Args)]
pub struct CodesOptions {
    /// What to do with them.
    #[command(subcommand)]
    pub command: CodesCommand,
}

/// What to do with code tables.
#[derive(Debug, Subcommand)]
pub enum CodesCommand {
    /// Load the code tables of a folder: CSV files named after their sets, such as `icd_10_cm_to_ccs.csv`, or `code_set.csv` with
    /// the lake's own columns. Of each set the version loaded last is in force.
    Import {
        /// Folder with the CSV files.
        folder: PathBuf,
        /// Version of these tables, for example 2021; `code_set.csv` states its own.
        #[arg(long, value_name = "TEXT", default_value = "unstated")]
        set_version: String,
        /// Where they come from; kept with every code.
        #[arg(long, value_name = "TEXT", default_value = "unstated")]
        source: String,
        /// Project folder.
        #[command(flatten)]
        project: ProjectOptions,
        /// How to print what became of each file.
        #[arg(long, value_enum, default_value_t = TextFormat::Table)]
        format: TextFormat,
    },
    /// List the code sets in force: loaded ones, and shipped ones that nobody replaced.
    List {
        /// Project folder.
        #[command(flatten)]
        project: ProjectOptions,
        /// How to print.
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
}

/// Options of `worklist`.
#[derive(Debug, Args)]
pub struct WorklistOptions {
    /// The list, for example `referral.open`.
    pub id: String,
    /// Project folder.
    #[command(flatten)]
    pub project: ProjectOptions,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// File to write instead of standard output; needed for parquet.
    #[arg(long)]
    pub output: Option<PathBuf>,
}

/// Options of `sql`.
#[derive(Debug, Args)]
pub struct SqlOptions {
    /// The query, over schemas lake, prepared and results; `show tables` lists them.
    pub query: String,
    /// Project folder.
    #[command(flatten)]
    pub project: ProjectOptions,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// File to write instead of standard output; needed for parquet.
    #[arg(long)]
    pub output: Option<PathBuf>,
    /// Snapshot of the lake to open instead of the one in force.
    #[arg(long)]
    pub lake_snapshot: Option<String>,
    /// Snapshot of results to open instead of the one in force.
    #[arg(long)]
    pub results_snapshot: Option<String>,
    /// Seconds after which the query is ended.
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<f64>,
    /// Megabytes of memory beyond which the query is ended; sorts, joins and groups use the disk long before.
    #[arg(long, value_name = "MB", default_value_t = 3_072, value_parser = clap::value_parser!(u64).range(64..=1_048_576))]
    pub memory: u64,
}

/// Options of `snapshots`.
#[derive(Debug, Args)]
pub struct SnapshotsOptions {
    /// Project folder.
    #[command(flatten)]
    pub project: ProjectOptions,
    /// Remove all but the newest N of the lake and of results; the one in force always stays.
    #[arg(long, value_name = "N")]
    pub prune: Option<usize>,
}

/// Options of `generate`.
#[derive(Debug, Args)]
pub struct GenerateOptions {
    /// Folder to write.
    #[arg(long)]
    pub out: PathBuf,
    /// Patients.
    #[arg(long, default_value_t = 4_500)]
    pub patients: u64,
    /// Seed: equal seeds give equal files.
    #[arg(long, default_value_t = 5)]
    pub seed: u64,
    /// Months.
    #[arg(long, default_value_t = 24)]
    pub months: u32,
    /// Share of dirty rows.
    #[arg(long, default_value_t = 0.002)]
    pub dirty: f64,
    /// Compress with gzip.
    #[arg(long)]
    pub gzip: bool,
}

/// What is ruled out beside small counts themselves (docs/security.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Disclosure {
    /// A small count that one sum gives back.
    Sums,
    /// A small count that follows from all sums of a measure's tables, of this month and the one released before.
    Linear,
}

/// For whom a report is. What each promises, and what not, stands in docs/release.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Release {
    /// For those who may see the data: nothing is changed.
    Internal,
    /// A limited data set, for recipients under a data use agreement: names of organizations and dates stay.
    Limited,
    /// HIPAA Safe Harbor: whole years alone, organizations under labels, no file names.
    SafeHarbor,
    /// For everyone: final years alone, rounded counts, and no suppressed count that the rest gives away.
    Public,
}

/// How to print rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table for people.
    Table,
    /// CSV with a header line.
    Csv,
    /// A JSON array of objects.
    Json,
    /// A Parquet file; needs --output.
    Parquet,
}

/// How to print messages that scripts may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TextFormat {
    /// A table for people.
    Table,
    /// JSON.
    Json,
}

fn month(text: &str) -> Result<jiff::civil::Date, String> {
    format!("{text}-01").parse().map_err(|_| format!("{text} is no month; write it like 2026-10"))
}
