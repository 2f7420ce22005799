//! What each step of a run took.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What one step took.
#[derive(Debug, Clone)]
pub struct Timing {
    /// The step: `open`, `prepare`, `people`, `count`, `rates`, `lists` or `write`.
    pub step: &'static str,
    /// Of what: a view, or the measures of a pass.
    pub what: String,
    /// Time that went by.
    pub wall: Duration,
    /// Processor time of the whole program meanwhile, of all threads; nothing where the system does not say.
    /// Steps that run at the same time each count all of it.
    pub cpu: Option<Duration>,
}

/// What the steps of a run took, in order of their end.
#[derive(Debug, Default)]
pub struct Timings(Mutex<Vec<Timing>>);

/// When a step began.
#[derive(Debug, Clone, Copy)]
pub struct Begun {
    at: Instant,
    cpu: Option<Duration>,
}

/// A step begins.
#[must_use]
pub fn begin() -> Begun {
    Begun { at: Instant::now(), cpu: cpu() }
}

impl Timings {
    /// A step is over.
    pub fn end(&self, begun: Begun, step: &'static str, what: impl Into<String>) {
        let cpu = cpu().zip(begun.cpu).map(|(now, then)| now.saturating_sub(then));
        let timing = Timing { step, what: what.into(), wall: begun.at.elapsed(), cpu };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(timing);
    }

    /// All steps so far.
    #[must_use]
    pub fn list(&self) -> Vec<Timing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Processor time of this program so far, which Linux counts in hundredths of a second.
fn cpu() -> Option<Duration> {
    let status = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program, which may hold blanks, ends with the last bracket; user and system time are the 12th and 13th field
    // after it.
    let mut fields = status.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(Duration::from_millis((next()? + next()?) * 10))
}
