//! How far a referral comes around the loop, and when it reaches each step.

use crate::calendar::{Day, weekday};
use crate::directory::Directory;
use crate::life::Life;
use crate::random::shifted;

/// The steps after the order, with the median of the days that each takes and their spread on the log scale.
pub(crate) const STEPS: [(&str, f64, f64); 8] = [
    ("sent", 0.7, 0.8),
    ("reviewed", 2.5, 0.7),
    ("scheduled", 3.0, 0.8),
    ("completed", 19.0, 0.6),
    ("report_sent", 4.0, 0.8),
    ("report_received", 0.8, 0.9),
    ("report_acknowledged", 2.5, 0.8),
    ("patient_informed", 3.0, 0.9),
];
/// Positions in [`STEPS`].
const REVIEWED: usize = 1;
/// An appointment is booked.
pub(crate) const SCHEDULED: usize = 2;
/// The consult has taken place.
pub(crate) const COMPLETED: usize = 3;

/// Days after which a referral that came to a halt is closed as expired, where somebody does.
const EXPIRES: i64 = 120;

/// How a referral ends without a consult.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Taken back by the referrer.
    Cancelled(Day),
    /// Refused by the receiving side.
    Rejected(Day),
    /// Closed because nothing happened.
    Expired(Day),
}

/// The way of one referral.
#[derive(Debug)]
pub(crate) struct Way {
    /// Days of the steps that it reaches, in the order of [`STEPS`].
    pub days: Vec<Day>,
    /// How it ends without a consult, if it does.
    pub end: Option<End>,
}

impl Way {
    /// The day of a step, if it is reached.
    pub(crate) fn day(&self, step: usize) -> Option<Day> {
        self.days.get(step).copied()
    }
}

/// Draws the way of a referral ordered on this day.
pub(crate) fn draw(ordered: Day, urgency: f64, life: &mut Life<'_>) -> Way {
    let arm = life.arm(ordered);
    let Life { setting, person, random, .. } = life;
    let rates = &setting.rates;
    let mut days = Vec::with_capacity(STEPS.len());
    let mut day = ordered;
    let pace = urgency * if arm == 1 { rates.referral_wait_program } else { 1.0 };
    if random.chance(0.035) {
        return Way { days, end: Some(End::Cancelled(weekday(ordered + random.days(6.0, 0.9, 0)))) };
    }
    for (step, (_, median, spread)) in STEPS.into_iter().enumerate() {
        let mut shift = Directory::closure(person.clinic);
        if arm == 1 {
            shift += rates.referral_program;
        }
        if person.other_language() && matches!(step, SCHEDULED | COMPLETED) {
            shift += rates.referral_other_language;
        }
        let wait = random.days(median * pace, spread, 0);
        if !random.chance(shifted(rates.referral_steps[step], shift)) {
            let end = match step {
                REVIEWED if random.chance(0.35) => Some(End::Rejected(weekday(day + wait))),
                ..=COMPLETED if random.chance(0.30) => Some(End::Expired(weekday(ordered + EXPIRES))),
                _ => None,
            };
            return Way { days, end };
        }
        day = weekday(day + wait);
        days.push(day);
    }
    Way { days, end: None }
}
