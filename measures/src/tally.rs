//! Counts units: by month and every group that they are split by, in one pass, by code.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::Array;
use datafusion::common::HashMap;

use crate::completion::{OUTSIDE_PERIOD, OwnTexts, SPLITS, Units, dictionary};
use crate::definition::{Kind, Measure};
use crate::dictionary::{NONE, UNKNOWN_CODE};
use crate::people::{Dictionaries, People};
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

/// Sums of one group of one split, by place of the month.
#[derive(Debug, Clone, Default)]
struct Months(Vec<Cell>);

#[derive(Debug, Clone, Default)]
struct Cell {
    /// Units that lie in the cell, whether they count or not.
    rows: u64,
    /// Sums of those that say no component.
    plain: Sums,
    by_component: HashMap<u32, Sums>,
}

impl Cell {
    fn add(&mut self, component: u32, sums: &Sums) {
        self.rows += 1;
        if component == NONE {
            self.plain.add(sums);
        } else {
            self.by_component.entry(component).or_default().add(sums);
        }
    }

    fn components(&self, texts: &[Arc<str>]) -> Components {
        let by_component = self.by_component.iter();
        let named = by_component.map(|(code, sums)| (texts[*code as usize].to_string(), *sums));
        let plain =
            (self.plain != Sums::default() || self.by_component.is_empty()).then(|| (String::new(), self.plain));
        named.chain(plain).collect()
    }
}

/// Sums of one split by code.
#[derive(Debug, Clone, Default)]
struct Split(Vec<Option<Box<Months>>>);

impl Split {
    fn cell(&mut self, code: u32, month: u32, months: usize) -> &mut Cell {
        // What the data do not say counts with what they call unknown.
        let code = if code == NONE { UNKNOWN_CODE } else { code } as usize;
        if self.0.len() <= code {
            self.0.resize(code + 1, None);
        }
        let of_code = self.0[code].get_or_insert_with(|| Box::new(Months(vec![Cell::default(); months])));
        &mut of_code.0[month as usize]
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
    /// An empty one for a measure, over so many months.
    #[must_use]
    pub fn new(measure: &Measure, months: usize) -> Self {
        Self {
            kind: measure.kind,
            count_immature: measure.count_immature,
            months,
            splits: Default::default(),
            payers: Split::default(),
            programs: Split::default(),
            reasons: HashMap::new(),
        }
    }

    /// Counts the units of some people that are of one of the measures of a pass.
    pub fn add(&mut self, units: &Units, measure: u32, people: &People, counted: &Counted) {
        for row in 0..units.len() {
            let month = units.month.value(row);
            if month == NONE || units.measure.value(row) != measure {
                continue;
            }
            let sums = self.sums(units, row);
            let component = units.component.value(row);
            for split in &counted.splits {
                let code = units.splits[*split].value(row);
                self.splits[*split].cell(code, month, self.months).add(component, &sums);
            }
            let person = units.person.value(row);
            match counted.payers {
                Payers::None => {}
                Payers::OfUnit => self.payers.cell(units.payer.value(row), month, self.months).add(component, &sums),
                Payers::OfPerson => {
                    for payer in people.payers(person, month) {
                        self.payers.cell(payer, month, self.months).add(component, &sums);
                    }
                }
            }
            if counted.programs_and_reasons {
                for program in people.programs(person, units.index_date.value(row)) {
                    self.programs.cell(program, month, self.months).add(component, &sums);
                }
                self.add_reason(units, row, month, &sums);
            }
        }
    }

    /// What one unit adds.
    fn sums(&self, units: &Units, row: usize) -> Sums {
        let is = |flags: &arrow::array::BooleanArray| flags.is_valid(row) && flags.value(row);
        let in_denominator = is(&units.in_denominator);
        let in_numerator = is(&units.in_numerator);
        let not_in_numerator = units.in_numerator.is_valid(row) && !in_numerator;
        let mature = units.mature.value(row);
        // A wait that is not over is censored, not left out.
        let followed = mature || self.count_immature || self.kind == Kind::Time;
        let exception = units.exception.value(row) != NONE;
        let counts = in_denominator && followed && (!exception || in_numerator);
        let mut sums = Sums {
            excluded: u64::from(
                units.in_denominator.is_valid(row) && !in_denominator && units.exclusion.value(row) != OUTSIDE_PERIOD,
            ),
            exceptions: u64::from(in_denominator && followed && exception && not_in_numerator),
            immature: u64::from(in_denominator && !mature),
            ..Sums::default()
        };
        if counts {
            let exact =
                |numbers: &arrow::array::Decimal128Array| if numbers.is_valid(row) { numbers.value(row) } else { 0 };
            let numerator = exact(&units.exact_numerator);
            sums.n = 1;
            sums.numerator = Exact(numerator);
            sums.denominator = Exact(exact(&units.exact_denominator));
            if matches!(self.kind, Kind::Mean | Kind::Composite) {
                sums.squares = Exact(numerator * numerator);
                let not_zero = units.numerator.is_valid(row) && units.numerator.value(row) != 0.0;
                sums.not_zero = u64::from(not_zero);
            }
        }
        sums
    }

    /// Counts why a unit is not in the measure's value.
    fn add_reason(&mut self, units: &Units, row: usize, month: u32, sums: &Sums) {
        let (kind, reason) = if sums.excluded > 0 {
            (ReasonKind::Excluded, units.exclusion.value(row))
        } else if sums.immature > 0 {
            (ReasonKind::Immature, NONE)
        } else if sums.exceptions > 0 {
            (ReasonKind::Exception, units.exception.value(row))
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
            let of_code = split.0.iter().enumerate().filter_map(|(code, months)| Some((code, months.as_ref()?)));
            of_code.flat_map(move |(code, months)| {
                let text = Arc::clone(&texts[code]);
                let components = Arc::clone(&components);
                let cells = months.0.iter().enumerate().filter(|(_, cell)| cell.rows > 0);
                cells.map(move |(month, cell)| (by, Arc::clone(&text), month, cell.components(&components)))
            })
        })
    }
}
