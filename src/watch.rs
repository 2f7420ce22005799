//! Bounds that hold: a watch over time and memory, and what is left behind when the process is told to end.
//!
//! The engine bounds what its sorts, joins and groups hold, but not one function's result (`repeat('x', 1000000000)`) nor what a
//! step without a pause takes. A thread of its own looks at the process and ends it, with a sentence, before the machine suffers.

use std::time::{Duration, Instant};
use std::{fs, process, thread};

use carecoord_lake::files;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::failure::{Failure, MACHINE};
use crate::output;

/// How often the watch looks.
const EVERY: Duration = Duration::from_millis(10);

/// Ends the process when it has taken longer than `timeout` or holds more than `memory` bytes.
pub fn over(timeout: Option<Duration>, memory: u64) -> Result<(), Failure> {
    let began = Instant::now();
    let watch = move || {
        loop {
            thread::sleep(EVERY);
            if let Some(limit) = timeout.filter(|limit| began.elapsed() > *limit) {
                let seconds = limit.as_secs_f64();
                end(&format!(
                    "the query took longer than {seconds} seconds; ask for less, or allow more with --timeout"
                ));
            }
            if resident().is_some_and(|held| held > memory) {
                let most = memory >> 20;
                end(&format!(
                    "the query needs more than {most} MB of memory; ask for less, or allow more with --memory"
                ));
            }
        }
    };
    thread::Builder::new().name("watch".to_owned()).spawn(watch).map(|_| ()).map_err(|error| no_thread(&error))
}

fn end(reason: &str) -> ! {
    output::message(&format!("error: {reason}"));
    files::remove_temporary();
    process::exit(i32::from(MACHINE));
}

/// Bytes of memory that the process holds; unknown where the system does not say.
fn resident() -> Option<u64> {
    let pages = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = pages.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

/// Removes what is temporary when the process is interrupted or told to end.
pub fn for_signals() -> Result<(), Failure> {
    let failed = |error| Failure::Machine(format!("cannot watch for signals: {error}"));
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(failed)?;
    let wait = move || {
        if let Some(signal) = signals.forever().next() {
            files::remove_temporary();
            // As shells say of a process that a signal ended.
            process::exit(128 + signal);
        }
    };
    thread::Builder::new().name("signals".to_owned()).spawn(wait).map(|_| ()).map_err(|error| no_thread(&error))
}

fn no_thread(error: &std::io::Error) -> Failure {
    Failure::Machine(format!("cannot start a thread: {error}"))
}
