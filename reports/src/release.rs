//! Release profiles: what of the results may leave, and for whom.
//!
//! [`apply`] changes the results once, after they are read and before anything is drawn. Page, charts, workbook, tables and
//! FHIR bundles see what it leaves and nothing else, so they agree by construction. docs/release.md says what each profile
//! promises, and what it does not.
//!
//! - `names` puts labels in place of organizations, `groups` numbers in place of words of patients that no value is shown for;
//! - `years` leaves whole years alone, `accounting` rows without file names;
//! - `suppression` hides small counts with what would give them away, `rounding` rounds the rest;
//! - `context` says what was done, figure by figure, for the sheet that goes with a public release.

mod accounting;
pub mod context;
mod groups;
mod names;
mod rounding;
mod suppression;
mod years;

use arcstr::{ArcStr, literal};

use crate::model::{Results, State};

/// For whom a report is made: decides columns, dates, cells and names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Release {
    /// For those who may see the data: nothing is changed.
    #[default]
    Internal,
    /// A limited data set, for recipients under a data use agreement (HIPAA, 45 CFR 164.514(e)).
    Limited,
    /// No date finer than a year and no organization by name (HIPAA Safe Harbor, 45 CFR 164.514(b)(2)).
    SafeHarbor,
    /// For everyone: final years alone, rounded counts, no suppressed count that the rest gives away.
    Public,
}

/// Published counts are multiples of this [P].
pub const ROUNDED_TO: i64 = 5;
/// Counts from 1 to one below this are not published, whatever the results were computed with: those that CMS's cell-size
/// policy names, 1 to 10 [K], and 11 and 12, for which a rounded 10 would stand alone [P].
pub const PUBLIC_THRESHOLD: i64 = 13;
/// The least number of people behind the answers of a composite, which are counted when results are computed alone.
const PEOPLE: i64 = 11;
/// What stands for a fact that a release leaves out.
pub const LEFT_OUT: &str = "left out of this release";
/// Reason of every suppressed cell of a public release: which of the rules hid it would itself say something.
pub const PROTECTED: ArcStr = literal!("protected");

/// What a release left out, and why.
#[derive(Debug, Clone)]
pub struct LeftOut {
    pub what: &'static str,
    pub why: &'static str,
}

impl Release {
    /// The profile's name, as the command takes it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Limited => "limited",
            Self::SafeHarbor => "safe-harbor",
            Self::Public => "public",
        }
    }

    /// Whether the profile has no date finer than a year.
    pub fn is_yearly(self) -> bool {
        matches!(self, Self::SafeHarbor | Self::Public)
    }

    /// What the profile promises, in a sentence or two; empty for the internal one.
    pub fn promise(self) -> &'static str {
        match self {
            Self::Internal => "",
            Self::Limited => {
                "Limited data set (45 CFR 164.514(e)): organizations by name, dates as they are, small counts suppressed as \
                 computed. For recipients under a data use agreement, not for publication."
            }
            Self::SafeHarbor => {
                "Safe Harbor (45 CFR 164.514(b)(2)): whole years alone, organizations under labels, no file names; small \
                 counts suppressed as computed. What several reports give away together is not ruled out."
            }
            Self::Public => {
                "Public release: whole final years alone and organizations under labels. Counts from 1 to 12 are suppressed \
                 with what would give them away; every other count is rounded to the nearest 5, values are made from rounded \
                 counts, and intervals, which are made from exact counts, are left out because they would give these away."
            }
        }
    }
}

/// The results as a release may show them.
pub fn apply(mut results: Results, release: Release) -> Results {
    // A table that is added to the results must be looked at here: does it hold a date, a name or a count?
    let Results {
        run: _,
        measures: _,
        rates: _,
        charts: _,
        signals: _,
        annotations: _,
        targets: _,
        funnel_sites: _,
        funnel_curves: _,
        waits: _,
        wait_curves: _,
        disparities: _,
        coverage: _,
        survey_models: _,
        survey_scores: _,
        exclusions: _,
        preparations: _,
        quality: _,
        checks: _,
        feed_months: _,
        left_out: _,
    } = &results;
    results.run.release = release;
    if release == Release::Internal {
        return results;
    }
    // Nothing downstream shows these; a release does not even hold them.
    results.rates.iter_mut().filter(|rate| rate.state == State::Suppressed).for_each(suppression::empty);
    if release.is_yearly() {
        results.rates.retain(|rate| matches!(rate.level.as_str(), "all" | "organization"));
        results.left_out.push(LeftOut {
            what: "health systems, hospitals, payers and programs",
            why: "they add up in more ways than are protected, and their names tell who is meant",
        });
        names::replace(&mut results);
        years::keep(&mut results);
        accounting::merge(&mut results);
    }
    if release == Release::Public {
        publish(&mut results);
    }
    groups::replace(&mut results.rates);
    results
}

fn publish(results: &mut Results) {
    years::keep_final(results);
    // Splits within organizations add up in more ways than are protected; no engine makes any.
    results.rates.retain(|rate| rate.level == "all" || rate.stratum_kind == "all");
    let threshold = results.run.suppress_below.max(PUBLIC_THRESHOLD);
    let whole = results.run.suppress_below >= PEOPLE;
    suppression::protect(&mut results.rates, &results.measures, threshold as f64, whole);
    results.run.suppress_below = threshold;
    rounding::round(results);
    // Each of these rests on exact counts of cells that are rounded or hidden elsewhere.
    results.funnel_sites.clear();
    results.funnel_curves.clear();
    results.disparities.clear();
    results.survey_models.clear();
    results.survey_scores.clear();
    results.wait_curves.clear();
    let because = |what, why| LeftOut { what, why };
    results.left_out.extend([
        because("years that are not final", "they would change from release to release, month by month"),
        because("95 % intervals", "those made from exact counts give them back; take rounded counts for your own"),
        because("funnels", "their limits at an organization's size give the size back"),
        because("gaps between groups", "they are made from exact counts, of groups that may be hidden here too"),
        because("survey scores adjusted for case mix", "they are made from exact counts of answers"),
        because("curves of waits", "they are made from exact counts"),
        because("why a cell is suppressed", "it would tell small cells from those that protect them"),
    ]);
}
