//! Counts units: by month and every group that they are split by, in one pass, by code.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::Array;
use datafusion::common::HashMap;

use crate::cohort::{CohortUnit, CohortUnits};
use crate::completion::{FIRST_SUBGROUP, OUTSIDE_PERIOD, OwnTexts, SPLITS, dictionary};
use crate::definition::{Kind, Measure};
use crate::dictionary::{NONE, UNKNOWN_CODE};
use crate::outcomes::{Maturity, Outcomes};
use crate::people::{Dictionaries, People};
use crate::span::Span;
use crate::sums::{Exact, Sums};

/// Sums by what units say of their component; the empty text where they say nothing.
pub type Components = BTreeMap<String, Sums>;

/// What is counted of units.
#[derive(Debug, Clone)]
pub struct Counted {
    /// Places in [`SPLITS`].
    pub splits: Vec<usize>,
    /// Payers.
    pub payers: Payers,
    /// Programs, and the reasons why units are not in the value.
    pub programs_and_reasons: bool,
}

/// By whom units are counted as payers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payers {
    /// Nobody.
    None,
    /// Each that covers the person in the unit's month.
    OfPerson,
    /// The one that the unit names.
    OfUnit,
}

/// Sums of one group of one split, by place of the month; without an element where the group has no unit.
type Months = Box<[Cell]>;

#[derive(Debug, Clone, Default)]
struct Cell {
    /// Units that lie in the cell, whether they count or not.
    rows: u64,
    /// Sums of those that say no component.
    plain: Sums,
    /// The others, where there are any.
    by_component: Option<Box<HashMap<u32, Sums>>>,
}

impl Cell {
    fn add(&mut self, component: u32, sums: &Sums) {
        self.rows += 1;
        if component == NONE {
            self.plain.add(sums);
        } else {
            self.by_component.get_or_insert_default().entry(component).or_default().add(sums);
        }
    }

    fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        self.plain.add(&other.plain);
        for (component, sums) in other.by_component.into_iter().flat_map(|components| *components) {
            self.by_component.get_or_insert_default().entry(component).or_default().add(&sums);
        }
    }

    fn components(&self, texts: &[Arc<str>]) -> Components {
        let by_component = self.by_component.iter().flat_map(|components| components.iter());
        let named = by_component.map(|(code, sums)| (texts[*code as usize].to_string(), *sums));
        let plain = (self.plain != Sums::default() || self.by_component.is_none()).then(|| (String::new(), self.plain));
        named.chain(plain).collect()
    }
}

/// Sums of one split by code.
#[derive(Debug, Clone, Default)]
struct Split(Vec<Months>);

impl Split {
    fn cell(&mut self, code: u32, month: u32, months: usize) -> &mut Cell {
        // What the data do not say counts with what they call unknown.
        let code = if code == NONE { UNKNOWN_CODE } else { code } as usize;
        if self.0.len() <= code {
            self.0.resize(code + 1, Months::default());
        }
        if self.0[code].is_empty() {
            self.0[code] = vec![Cell::default(); months].into();
        }
        &mut self.0[code][month as usize]
    }

    fn merge(&mut self, other: Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), Months::default());
        }
        for (own, other) in self.0.iter_mut().zip(other.0) {
            if own.is_empty() {
                *own = other;
            } else {
                own.iter_mut().zip(other).for_each(|(cell, other)| cell.merge(other));
            }
        }
    }
}

/// A unit that is not in a measure's value: the place of its month, the kind of its reason, and the code of the reason.
pub type Reason = (u32, ReasonKind, u32);

/// Why a unit is not in a measure's value, in three kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReasonKind {
    /// It left the denominator.
    Excluded,
    /// It left by an exception.
    Exception,
    /// Its follow-up is not over.
    Immature,
}

/// Counts of a measure's units.
#[derive(Debug)]
pub struct Tally {
    kind: Kind,
    count_immature: bool,
    maturity: Maturity,
    months: usize,
    splits: [Split; SPLITS.len()],
    payers: Split,
    programs: Split,
    reasons: HashMap<Reason, u64>,
}

/// A group that units are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// One of [`SPLITS`].
    Split(usize),
    /// A payer.
    Payer,
    /// A program.
    Program,
}

impl Tally {
    /// An empty one for a measure.
    #[must_use]
    pub fn new(measure: &Measure, span: &Span) -> Self {
        Self {
            kind: measure.kind,
            count_immature: measure.count_immature,
            maturity: Maturity::new(measure, span),
            months: span.months().len(),
            splits: Default::default(),
            payers: Split::default(),
            programs: Split::default(),
            reasons: HashMap::new(),
        }
    }

    /// An empty one for the same measure.
    #[must_use]
    pub fn empty(&self) -> Self {
        Self {
            kind: self.kind,
            count_immature: self.count_immature,
            maturity: self.maturity,
            months: self.months,
            splits: Default::default(),
            payers: Split::default(),
            programs: Split::default(),
            reasons: HashMap::new(),
        }
    }

    /// Adds what was counted of other units of the same measure.
    pub fn merge(&mut self, other: Self) {
        self.splits.iter_mut().zip(other.splits).for_each(|(own, other)| own.merge(other));
        self.payers.merge(other.payers);
        self.programs.merge(other.programs);
        for (reason, units) in other.reasons {
            *self.reasons.entry(reason).or_default() += units;
        }
    }

    /// Counts the outcomes that are of one of the measures of a pass.
    pub fn add(&mut self, outcomes: &Outcomes, measure: u32, cohort: &CohortUnits, people: &People, counted: &Counted) {
        if outcomes.only.is_some_and(|only| only != measure) {
            return;
        }
        for row in 0..outcomes.len() {
            let unit = &cohort.units[outcomes.place[row] as usize];
            let month = unit.month;
            if month == NONE || outcomes.measure[row] != measure {
                continue;
            }
            let sums = self.sums(outcomes, row, unit);
            let component = outcomes.component.at(row);
            for split in &counted.splits {
                let code = match split.checked_sub(FIRST_SUBGROUP) {
                    Some(subgroup) => outcomes.subgroups[subgroup].at(row),
                    None => unit.splits[*split],
                };
                self.splits[*split].cell(code, month, self.months).add(component, &sums);
            }
            match counted.payers {
                Payers::None => {}
                Payers::OfUnit => self.payers.cell(unit.payer, month, self.months).add(component, &sums),
                Payers::OfPerson => {
                    for payer in people.payers(unit.person, month) {
                        self.payers.cell(payer, month, self.months).add(component, &sums);
                    }
                }
            }
            if counted.programs_and_reasons {
                let programs = unit.index_date.into_iter().flat_map(|day| people.programs(unit.person, day));
                for program in programs {
                    self.programs.cell(program, month, self.months).add(component, &sums);
                }
                self.add_reason(outcomes, row, month, &sums);
            }
        }
    }

    /// What one unit adds.
    fn sums(&self, outcomes: &Outcomes, row: usize, unit: &CohortUnit) -> Sums {
        let in_denominator = outcomes.counts(row) == Some(true);
        let (in_numerator, misses) = (outcomes.meets(row) == Some(true), outcomes.meets(row) == Some(false));
        let mature_on = match &outcomes.mature_on {
            Some(days) => days.is_valid(row).then(|| days.value(row)),
            None => self.maturity.after(unit.index_date),
        };
        let mature = self.maturity.reached(mature_on);
        // A wait that is not over is censored, not left out.
        let followed = mature || self.count_immature || self.kind == Kind::Time;
        let exception = outcomes.exception.at(row) != NONE;
        let counts = in_denominator && followed && (!exception || in_numerator);
        let mut sums = Sums {
            excluded: u64::from(outcomes.counts(row) == Some(false) && outcomes.exclusion.at(row) != OUTSIDE_PERIOD),
            exceptions: u64::from(in_denominator && followed && exception && misses),
            immature: u64::from(in_denominator && !mature),
            ..Sums::default()
        };
        if counts {
            let numerator = outcomes.numerator.exact(row, outcomes.meets(row));
            sums.n = 1;
            sums.numerator = Exact(numerator);
            sums.denominator = Exact(outcomes.exact_denominator(row));
            if matches!(self.kind, Kind::Mean | Kind::Composite) {
                sums.squares = Exact(numerator * numerator);
                let number = outcomes.numerator.number(row, outcomes.meets(row));
                sums.not_zero = u64::from(number.is_some_and(|number| number != 0.0));
            }
        }
        sums
    }

    /// Counts why a unit is not in the measure's value.
    fn add_reason(&mut self, outcomes: &Outcomes, row: usize, month: u32, sums: &Sums) {
        let (kind, reason) = if sums.excluded > 0 {
            (ReasonKind::Excluded, outcomes.exclusion.at(row))
        } else if sums.immature > 0 {
            (ReasonKind::Immature, NONE)
        } else if sums.exceptions > 0 {
            (ReasonKind::Exception, outcomes.exception.at(row))
        } else {
            return;
        };
        *self.reasons.entry((month, kind, reason)).or_default() += 1;
    }

    /// How many units are not in the measure's value, and why.
    pub fn reasons(&self) -> impl Iterator<Item = (Reason, u64)> + '_ {
        self.reasons.iter().map(|(reason, units)| (*reason, *units))
    }

    /// What was counted of each group and month that has units, in no order.
    pub fn groups<'a>(
        &'a self,
        names: &'a Dictionaries,
        own: &'a OwnTexts,
    ) -> impl Iterator<Item = (By, Arc<str>, usize, Components)> + 'a {
        let splits = self.splits.iter().enumerate();
        let splits = splits.map(move |(place, split)| (By::Split(place), split, dictionary(place, names, own)));
        let others = [(By::Payer, &self.payers, &names.payer), (By::Program, &self.programs, &names.program)];
        let components: Arc<[Arc<str>]> = own.components.texts().into();
        splits.chain(others).flat_map(move |(by, split, dictionary)| {
            let texts = dictionary.texts();
            let components = Arc::clone(&components);
            split.0.iter().enumerate().flat_map(move |(code, months)| {
                let text = Arc::clone(&texts[code]);
                let components = Arc::clone(&components);
                let cells = months.iter().enumerate().filter(|(_, cell)| cell.rows > 0);
                cells.map(move |(month, cell)| (by, Arc::clone(&text), month, cell.components(&components)))
            })
        })
    }
}
