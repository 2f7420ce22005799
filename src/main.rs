//! `carecoord`: the command line. Each subcommand is a file in `commands`; what they do is in the crates.

mod arguments;
mod commands;
mod config;
mod damage;
mod failure;
mod output;
mod watch;

use std::process::ExitCode;
use std::thread;

use clap::Parser;

use crate::arguments::{Arguments, Command};

/// The system's allocator keeps the memory that threads have freed. With a million patients that was a gigabyte more than was in use.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Bytes of stack of the main thread. Planning a query goes a level deeper for each of its operators; only what is used is ever
/// taken from the machine.
const STACK: usize = 512 << 20;

fn main() -> ExitCode {
    damage::keep_panics_quiet();
    let arguments = Arguments::parse();
    output::be_verbose(arguments.verbose);
    let work = move || match watch::for_signals().and_then(|()| run(&arguments.command)) {
        Ok(code) => code,
        Err(failure) => {
            if !matches!(failure, failure::Failure::NobodyReads) {
                output::message(&format!("error: {failure}"));
            }
            failure.exit_code()
        }
    };
    match thread::Builder::new().stack_size(STACK).spawn(work).map(thread::JoinHandle::join) {
        Ok(Ok(code)) => code,
        Ok(Err(_)) => {
            output::message(&format!("error: {}", damage::of_ourselves()));
            ExitCode::from(failure::MACHINE)
        }
        Err(error) => {
            output::message(&format!("error: cannot start a thread: {error}"));
            ExitCode::from(failure::MACHINE)
        }
    }
}

fn run(command: &Command) -> Result<ExitCode, failure::Failure> {
    match command {
        Command::Demo(options) => commands::demo::run(options),
        Command::Init(options) => commands::init::run(options),
        Command::Run(options) => commands::run::run(options),
        Command::Check(options) => commands::ingest::check(options),
        Command::Ingest(options) => commands::ingest::run(options),
        Command::Compute(options) => commands::compute::run(options),
        Command::Report(options) => commands::report::run(options),
        Command::Measures(options) => commands::measures::run(options),
        Command::Worklist(options) => commands::worklist::run(options),
        Command::Sql(options) => commands::sql::run(options),
        Command::Codes(options) => commands::codes::run(options),
        Command::Snapshots(options) => commands::snapshots::run(options),
        Command::Verify(options) => commands::verify::run(options),
        Command::Generate(options) => commands::generate::run(options),
    }
}
