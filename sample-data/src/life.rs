//! One person's life as it is played: who they are, what has been recorded so far, and where it goes.

use crate::calendar::Day;
use crate::chart::Chart;
use crate::directory::Directory;
use crate::error::SampleError;
use crate::extracts::Extracts;
use crate::layout::Table;
use crate::person::Person;
use crate::random::{Random, Stream};
use crate::setting::Setting;
use crate::value::Value;

/// One person's life as it is played.
pub(crate) struct Life<'a> {
    pub setting: &'a Setting,
    pub extracts: &'a mut Extracts,
    pub person: Person,
    pub chart: Chart,
    pub random: Random,
}

impl<'a> Life<'a> {
    /// The life of the person of this number, before anything has happened.
    pub(crate) fn new(number: u64, setting: &'a Setting, extracts: &'a mut Extracts) -> Self {
        Self {
            setting,
            extracts,
            person: Person::new(number, setting),
            chart: Chart::new(number),
            random: Random::new(setting.seed, number, Stream::Person),
        }
    }

    /// Goes on with the random numbers of another purpose.
    pub(crate) fn turn_to(&mut self, stream: Stream) {
        self.random = Random::new(self.setting.seed, self.person.number, stream);
    }

    /// Writes one row.
    pub(crate) fn row(&mut self, table: Table, values: &[Value<'_>]) -> Result<(), SampleError> {
        self.extracts.row(table, values)
    }

    /// The person's identifier.
    pub(crate) fn patient(&self) -> Value<'static> {
        Value::Patient(self.person.number)
    }

    /// Which of a pair of rates `[usual, program]` holds for the person on a day.
    pub(crate) fn arm(&self, day: Day) -> usize {
        self.setting.arm(self.person.clinic, day)
    }

    /// Whether what happened to the person on this day has reached the extract; nothing happens after death.
    pub(crate) fn loaded(&mut self, day: Day) -> bool {
        self.person.lives(day) && self.setting.loaded(day, &mut self.random)
    }

    /// The hospital of the person's clinic, or, for one in five, another one.
    pub(crate) fn some_hospital(&mut self) -> usize {
        let home = Directory::hospital_of(self.person.clinic);
        if self.random.chance(0.8) { home } else { Directory::other_hospital(home, &mut self.random) }
    }

    /// The coordinator who calls the person: their own, or the clinic's.
    pub(crate) fn caller(&self) -> u32 {
        self.person.coordinator.unwrap_or_else(|| self.setting.directory.coordinator(self.person.clinic))
    }
}
