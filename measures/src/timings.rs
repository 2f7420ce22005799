//! What each step of a run took.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::rows::Cell;

/// What one step took.
#[derive(Debug, Clone)]
pub struct Timing {
    /// The step: `open`, `prepare`, `people`, `count`, `units`, `rates` or `lists`.
    pub step: &'static str,
    /// Of what: a view, or the measures of a pass.
    pub what: String,
    /// Time that went by.
    pub wall: Duration,
    /// Processor time of the whole program meanwhile, of all threads; nothing where the system does not say.
    /// Steps that run at the same time each count all of it.
    pub cpu: Option<Duration>,
    /// What was written.
    pub written: Written,
}

impl Timing {
    fn add(&mut self, other: &Self) {
        let sum = |one: Option<u64>, other: Option<u64>| one.zip(other).map(|(one, other)| one + other);
        self.wall += other.wall;
        self.cpu = self.cpu.zip(other.cpu).map(|(one, other)| one + other);
        self.written.rows = sum(self.written.rows, other.written.rows);
        self.written.bytes = sum(self.written.bytes, other.written.bytes);
    }
}

/// Rows and bytes that a step wrote; nothing where it writes none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Rows.
    pub rows: Option<u64>,
    /// Bytes.
    pub bytes: Option<u64>,
}

impl Written {
    /// Nothing so far, of a step that writes.
    #[must_use]
    pub fn none() -> Self {
        Self { rows: Some(0), bytes: Some(0) }
    }

    /// Adds a file with so many rows.
    pub fn add(&mut self, rows: u64, file: &std::path::Path) {
        let bytes = std::fs::metadata(file).map_or(0, |found| found.len());
        self.rows = Some(self.rows.unwrap_or(0) + rows);
        self.bytes = Some(self.bytes.unwrap_or(0) + bytes);
    }
}

/// What the steps of a run took, in order of their end; a step that is taken once for each group of buckets, in order of its first end.
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
    /// A step is over that writes nothing.
    pub fn end(&self, begun: Begun, step: &'static str, what: impl Into<String>) {
        self.end_written(begun, step, what, Written::default());
    }

    /// A step is over that wrote so much.
    pub fn end_written(&self, begun: Begun, step: &'static str, what: impl Into<String>, written: Written) {
        let cpu = cpu().zip(begun.cpu).map(|(now, then)| now.saturating_sub(then));
        let timing = Timing { step, what: what.into(), wall: begun.at.elapsed(), cpu, written };
        tracing::debug!(
            seconds = timing.wall.as_secs_f64(),
            cpu_seconds = cpu.map(|cpu| cpu.as_secs_f64()),
            rows = written.rows,
            bytes = written.bytes,
            "{step} {}: done",
            timing.what
        );
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match known.iter_mut().find(|known| known.step == step && known.what == timing.what) {
            Some(known) => known.add(&timing),
            None => known.push(timing),
        }
    }

    /// All steps so far.
    #[must_use]
    pub fn list(&self) -> Vec<Timing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Rows of the results table `timing`.
#[must_use]
pub fn rows(timings: &[Timing]) -> Vec<Vec<Cell>> {
    let row = |(position, timing): (i64, &Timing)| {
        vec![
            position.into(),
            timing.step.into(),
            timing.what.clone().into(),
            timing.wall.as_secs_f64().into(),
            timing.cpu.map(|cpu| cpu.as_secs_f64()).into(),
            timing.written.rows.into(),
            timing.written.bytes.into(),
        ]
    };
    (1..).zip(timings).map(row).collect()
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
