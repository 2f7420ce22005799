//! What is decided once for a file before a cell is read: the order of day and month, whether midnights in UTC are dates,
//! the sign before decimals. Each decision rests on what all cells of a column say, and one that nothing supports is
//! left to the user.

use std::collections::BTreeMap;

use carecoord_lake::contract::Severity;
use jiff::tz::TimeZone;

use crate::mapping::{DateOrder, FileMapping, Mapping};
use crate::numbers::Sign;
use crate::survey::Survey;
use crate::tally::{DateTally, OrderTally};

/// A check's name for a column whose order of day and month is in doubt.
pub const DATE_ORDER: &str = "date_order";
/// A check's name for a column that is midnight UTC throughout and was read as dates.
pub const MIDNIGHT_UTC: &str = "midnight_utc";
/// A check's name for years of two digits.
pub const TWO_DIGIT_YEAR: &str = "two_digit_year";

/// How the cells of a file are read.
#[derive(Debug, Clone)]
pub struct Conventions {
    /// Order of day and month where slashes or hyphens stand between the numbers.
    pub order: DateOrder,
    /// Order where dots do.
    pub dots: DateOrder,
    /// Zone of the mapping; none for UTC.
    pub zone: Option<TimeZone>,
    /// The sign before decimals, where the mapping states it.
    pub sign: Option<Sign>,
    /// Doubts about the order, by column of the file.
    pub doubts: BTreeMap<usize, Doubt>,
}

/// A doubt about a column's order of day and month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubt {
    /// What follows.
    pub severity: Severity,
    /// Dates concerned.
    pub cells: u64,
    /// What to know and what to do.
    pub reason: String,
}

fn word(order: DateOrder) -> &'static str {
    match order {
        DateOrder::Mdy => "mdy",
        DateOrder::Dmy => "dmy",
    }
}

fn other(order: DateOrder) -> DateOrder {
    match order {
        DateOrder::Mdy => DateOrder::Dmy,
        DateOrder::Dmy => DateOrder::Mdy,
    }
}

/// What the dates of all columns say about the order, and of all files read by one mapping.
#[must_use]
pub fn evidence<'a>(surveys: impl IntoIterator<Item = &'a Survey>) -> OrderTally {
    let mut all = OrderTally::default();
    for tally in surveys.into_iter().flat_map(|survey| survey.dates.values()) {
        all.add(&tally.slashes);
    }
    all
}

/// How a decision on the order came about.
enum Because {
    /// The mapping states it, or nothing else was possible.
    Told,
    /// Another reading would put days after the extract date.
    Plausible(u64),
    /// Nothing tells.
    Nothing,
}

fn decide(
    tally: &OrderTally,
    pooled: &OrderTally,
    stated: Option<DateOrder>,
    usual: DateOrder,
) -> (DateOrder, Because) {
    if let Some(stated) = stated {
        return (stated, Because::Told);
    }
    if tally.both == 0 || tally.mdy_only != tally.dmy_only {
        // Which order reads more is for the check below to say; the usual one is kept where both read the same days.
        let told = match (tally.mdy_only, tally.dmy_only) {
            (0, 0) => usual,
            (mdy, dmy) if mdy >= dmy => DateOrder::Mdy,
            // More dates are read the other way: refused below unless the usual order is that one.
            _ => usual,
        };
        return (told, Because::Told);
    }
    match (pooled.mdy_only, pooled.dmy_only) {
        (1.., 0) => return (DateOrder::Mdy, Because::Told),
        (0, 1..) => return (DateOrder::Dmy, Because::Told),
        _ => {}
    }
    match (pooled.mdy_future, pooled.dmy_future) {
        (0, future @ 1..) => (DateOrder::Mdy, Because::Plausible(future)),
        (future @ 1.., 0) => (DateOrder::Dmy, Because::Plausible(future)),
        _ => (usual, Because::Nothing),
    }
}

impl Conventions {
    /// Decides for a file. `pooled` is the evidence of all files that the mapping reads.
    ///
    /// # Errors
    /// With a sentence that names the setting, when the mapping contradicts itself.
    pub fn new(
        survey: &Survey,
        mapping: &Mapping,
        file: &FileMapping,
        pooled: &OrderTally,
    ) -> std::result::Result<Self, String> {
        let stated = file.date_order.or(mapping.date_order);
        let zone = if mapping.time_zone == "UTC" { None } else { TimeZone::get(&mapping.time_zone).ok() };
        let here = evidence([survey]);
        let mut dots = OrderTally::default();
        survey.dates.values().for_each(|tally| dots.add(&tally.dots));
        // What this file's own columns tell comes before what other files tell.
        let own = if here.mdy_only == here.dmy_only { pooled } else { &here };
        let (order, because) = decide(&here, own, stated, DateOrder::Mdy);
        let mut conventions =
            Self { order, dots: DateOrder::Dmy, zone, sign: file.decimal_sign(mapping)?, doubts: BTreeMap::new() };
        for (index, tally) in &survey.dates {
            let doubt = doubt(&tally.slashes, order, stated, &because)
                .or_else(|| more_read(&tally.dots, DateOrder::Dmy, "format = \"%m.%d.%Y\""));
            if let Some(doubt) = doubt {
                conventions.doubts.insert(*index, doubt);
            }
        }
        Ok(conventions)
    }

    /// Whether a column's midnights in UTC stand for dates.
    #[must_use]
    pub fn midnight_is_date(&self, tally: Option<&DateTally>) -> bool {
        tally.is_some_and(DateTally::is_midnight_utc)
    }

    /// The sign before decimals of a column.
    #[must_use]
    pub fn sign(&self, survey: &Survey, index: Option<usize>, money: bool) -> Sign {
        let tally = index.and_then(|index| survey.numbers.get(&index));
        self.sign.unwrap_or_else(|| tally.map_or(Sign::Dot, |tally| tally.decide(money)))
    }
}

fn doubt(tally: &OrderTally, order: DateOrder, stated: Option<DateOrder>, because: &Because) -> Option<Doubt> {
    let hint = format!("date_order = \"{}\"", word(other(order)));
    if let Some(doubt) = more_read(tally, order, &hint) {
        return Some(doubt);
    }
    if stated.is_some() || tally.both == 0 {
        return None;
    }
    match because {
        Because::Told => None,
        Because::Plausible(future) => Some(Doubt {
            severity: Severity::Warn,
            cells: tally.both,
            reason: format!(
                "both orders of day and month read every date; read as {}, because as {} {future} dates would lie after the \
                 extract date; state date_order = \"{}\" or \"{}\" in the mapping to be sure",
                word(order),
                word(other(order)),
                word(order),
                word(other(order)),
            ),
        }),
        Because::Nothing => Some(Doubt {
            severity: Severity::Fail,
            cells: tally.both,
            reason:
                "both orders of day and month read every date, and nothing says which is right; state date_order = \
                     \"mdy\" or \"dmy\" in the mapping"
                    .to_owned(),
        }),
    }
}

/// A doubt where the other order reads more dates than the one taken.
fn more_read(tally: &OrderTally, order: DateOrder, hint: &str) -> Option<Doubt> {
    let (read, others, all) = (tally.read_by(order), tally.read_by(other(order)), tally.all());
    (others > read).then(|| Doubt {
        severity: Severity::Fail,
        cells: others - read,
        reason: format!(
            "{} reads {others} of {all} dates, {} only {read} of {all}; state {hint} in the mapping",
            word(other(order)),
            word(order)
        ),
    })
}
