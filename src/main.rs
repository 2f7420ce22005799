//! `carecoord`: the command line. Each subcommand is a file in `commands`; what they do is in the crates.

mod arguments;
mod commands;
mod config;
mod failure;
mod output;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command};

fn main() -> ExitCode {
    quiet_where_a_panic_becomes_an_error();
    let arguments = Arguments::parse();
    match run(&arguments.command) {
        Ok(code) => code,
        Err(failure) => {
            output::message(&format!("error: {failure}"));
            failure.exit_code()
        }
    }
}

/// The library that writes workbooks panics where it cannot write, and the report makes an error of that: the message of the
/// panic would only stand beside the error's.
fn quiet_where_a_panic_becomes_an_error() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let of_workbooks = info.location().is_some_and(|place| place.file().contains("rust_xlsxwriter"));
        if !of_workbooks {
            usual(info);
        }
    }));
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
        Command::Generate(options) => commands::generate::run(options),
    }
}
