//! What the system knows of one person: their encounters, and numbers for their rows in other tables.

use crate::calendar::{DAY_MINUTES, Day, Minute, day_at};
use crate::layout::{LAYOUTS, Table};
use crate::random::Random;
use crate::value::Value;

/// One encounter. Its identifier is its position in the chart.
#[derive(Debug, Clone)]
pub(crate) struct Encounter {
    pub class: &'static str,
    pub kind: &'static str,
    pub status: &'static str,
    pub start: Minute,
    /// Empty while the encounter is open.
    pub end: Option<Minute>,
    pub organization: Option<u32>,
    pub practitioner: Option<u32>,
    pub admission_type: Option<&'static str>,
    pub source: Option<&'static str>,
    pub disposition: Option<&'static str>,
    pub diagnosis: Option<&'static str>,
    pub procedure: Option<&'static str>,
    /// Position of the encounter that this one led to.
    pub part_of: Option<usize>,
}

impl Encounter {
    /// A visit during office hours that lasts some 15 to 40 minutes.
    pub(crate) fn visit(class: &'static str, kind: &'static str, day: Day, random: &mut Random) -> Self {
        let start = day * DAY_MINUTES + 8 * 60 + 15 * random.between(0, 34);
        Self {
            class,
            kind,
            status: "finished",
            start,
            end: Some(start + 5 * random.between(3, 8)),
            organization: None,
            practitioner: None,
            admission_type: None,
            source: None,
            disposition: None,
            diagnosis: None,
            procedure: None,
            part_of: None,
        }
    }

    /// The day on which it starts.
    pub(crate) fn day(&self) -> Day {
        day_at(self.start)
    }

    /// The day on which it ends, if it has.
    pub(crate) fn end_day(&self) -> Option<Day> {
        self.end.map(day_at)
    }
}

/// A discharge, and what followed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Discharge {
    /// Position of the stay.
    pub stay: usize,
    pub day: Day,
    /// Whether the person could be readmitted: not dead, not sent on to another hospital.
    pub index: bool,
    /// Position of the stay that began within 30 days.
    pub readmission: Option<usize>,
}

/// What the system knows of one person.
#[derive(Debug)]
pub(crate) struct Chart {
    pub patient: u64,
    pub encounters: Vec<Encounter>,
    pub discharges: Vec<Discharge>,
    used: [usize; LAYOUTS.len()],
}

impl Chart {
    pub(crate) fn new(patient: u64) -> Self {
        Self { patient, encounters: Vec::new(), discharges: Vec::new(), used: [0; LAYOUTS.len()] }
    }

    /// Adds an encounter; returns its position.
    pub(crate) fn add(&mut self, encounter: Encounter) -> usize {
        self.encounters.push(encounter);
        self.encounters.len() - 1
    }

    /// Whether the person lies in a hospital or nursing facility on this day.
    pub(crate) fn away(&self, day: Day) -> bool {
        self.encounters.iter().any(|encounter| {
            matches!(encounter.class, "inpatient" | "observation" | "skilled_nursing" | "rehabilitation")
                && encounter.day() <= day
                && encounter.end_day().is_none_or(|end| day <= end)
        })
    }

    /// The identifier of the encounter at this position.
    pub(crate) fn encounter(&self, position: usize) -> Value<'static> {
        Value::Item('E', self.patient, position)
    }

    /// A fresh identifier for a row of this table, led by this letter.
    pub(crate) fn fresh(&mut self, table: Table, letter: char) -> Value<'static> {
        let used = &mut self.used[table as usize];
        *used += 1;
        Value::Item(letter, self.patient, *used - 1)
    }
}
