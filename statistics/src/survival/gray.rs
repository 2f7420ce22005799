//! Gray's test: do groups differ in the share that has an event of one cause, with others competing?

use nalgebra::{DMatrix, DVector};

use super::follow_up::{FollowUp, checked_cause};
use super::groups::checked_groups;
use super::risk_set::{Ordered, RiskSet};
use super::test::ChiSquareTest;
use crate::{Result, StatisticsError};

const TEST: &str = "Gray's test";

/// The kind of end that the test is about.
const OWN: usize = 1;
/// The kind that all other causes are put into.
const OTHER: usize = 2;

/// A test of equal cumulative incidence of one cause in all groups.
#[derive(Debug, Clone, PartialEq)]
pub struct GrayTest {
    /// The cause compared.
    pub cause: u8,
    /// The groups in the order of their codes.
    pub groups: Vec<GrayGroup>,
    /// The test; its degrees of freedom are one less than the groups.
    pub test: ChiSquareTest,
}

/// How one group stands in the test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GrayGroup {
    /// Subjects of the group.
    pub subjects: u64,
    /// Events of the cause compared.
    pub events: u64,
    /// Events of all other causes.
    pub competing: u64,
    /// Observed minus expected events of the cause: above 0 where more subjects than in the other groups have it. Zero
    /// over all groups.
    pub score: f64,
}

/// Compares the cumulative incidence of `cause` between groups, given as codes from 0 without holes.
///
/// It is a log-rank test in which those who had a competing event stay at risk of the event for ever: at each time the
/// risk set of a group is `n (1 - F) / S`, with its own cumulative incidence `F` and share without event `S` just
/// before. All event times weigh the same (`ρ = 0`). The variance is that under equal incidence, with the pooled curve;
/// tied events enter with the factor of the hypergeometric distribution, as in `cuminc` of R's package `cmprsk`.
///
/// Late entry changes only `n`; it goes beyond the source, whose subjects are all watched from the origin.
///
/// Source: Gray RJ. A class of k-sample tests for comparing the cumulative incidence of a competing risk. Ann Statist
/// 1988;16:1141–1154, sections 2 and 3.
///
/// # Errors
///
/// As [`super::kaplan_meier()`]; [`StatisticsError::NotComputable`] for one group, a code without subjects, no event of
/// the cause, a group whose early entrants all had events before others entered, or groups that are never at risk
/// together.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::survival::{FollowUp, gray};
/// let days = [3.0, 5.0, 8.0, 9.0, 14.0, 20.0, 21.0, 30.0];
/// let referrals = FollowUp { entry: None, time: &days, cause: &[1, 1, 2, 2, 1, 2, 1, 0] };
/// let closed = gray(&referrals, &[0, 0, 0, 1, 0, 1, 1, 1], 1)?;
/// assert!(closed.groups[0].score > 0.0);
/// # Ok(())
/// # }
/// ```
pub fn gray(follow_up: &FollowUp<'_>, groups: &[u32], cause: u8) -> Result<GrayTest> {
    checked_cause(cause)?;
    follow_up.check(TEST)?;
    let count = checked_groups(TEST, groups, follow_up.time.len())?;
    let kind = |found: u8| match found {
        0 => 0,
        found if found == cause => OWN,
        _ => OTHER,
    };
    let ordered = Ordered::new(follow_up, (count, |index| groups[index] as usize), (2, kind));
    let subjects = ordered.subjects().into_iter();
    let mut seen: Vec<_> =
        subjects.map(|subjects| GrayGroup { subjects, events: 0, competing: 0, score: 0.0 }).collect();

    // Once through time for the scores and for how far the influence reaches in all, …
    let mut pass = Pass::new(count);
    ordered.walk(|set| {
        let Some(now) = pass.begin(set)? else { return Ok(()) };
        for (group, found) in seen.iter_mut().enumerate() {
            found.events += set.ends(group, OWN);
            found.competing += set.ends(group, OTHER);
            found.score += set.ends(group, OWN) as f64 - now.own * (now.risk[group] / now.all_risk);
        }
        pass.end(set, &now);
        Ok(())
    })?;
    if seen.iter().all(|group| group.events == 0) {
        return Err(StatisticsError::NotComputable { what: TEST, because: "nobody had an event of the cause" });
    }
    // … and again for the variance, to which each time contributes by what is still to come after it.
    let reach = pass.influence;
    let mut pass = Pass::new(count);
    let mut variance = DMatrix::zeros(count, count);
    ordered.walk(|set| {
        let Some(now) = pass.begin(set)? else { return Ok(()) };
        pass.add_variance(set, &now, &reach, &mut variance);
        pass.end(set, &now);
        Ok(())
    })?;
    let scores: Vec<f64> = seen.iter().map(|group| group.score).collect();
    let test = ChiSquareTest::of_scores(&scores, &variance).unwrap_or(Err(StatisticsError::NotComputable {
        what: TEST,
        because: "the groups are never at risk together at a time when some have an event and others do not",
    }))?;
    Ok(GrayTest { cause, groups: seen, test })
}

/// The estimates just before the current time, while passing through time.
struct Pass {
    /// Per group, the share without any event.
    rest: Vec<f64>,
    /// Per group, the cumulative incidence of the cause.
    incidence: Vec<f64>,
    /// The cumulative incidence of the cause if the groups were equal.
    pooled: f64,
    /// How strongly an error of the incidence of group `k` (column) up to now moves the score of group `i` (row).
    influence: DMatrix<f64>,
}

/// What holds at one time with events.
struct Now {
    /// Events of the cause in all groups.
    own: f64,
    /// The sum over the groups of `n / S`: how many subjects there would be if nobody had had an event.
    all_size: f64,
    /// Per group, `n (1 - F) / S`: those at risk of the cause.
    risk: Vec<f64>,
    all_risk: f64,
    /// How strongly the jump of the incidence of group `k` (column) at this time moves the score of group `i` (row).
    jump: DMatrix<f64>,
    /// The influence, with this time included.
    influence: DMatrix<f64>,
    /// The pooled incidence, with this time included.
    pooled: f64,
    /// Per group, the share without any event after this time.
    rest: Vec<f64>,
}

impl Pass {
    fn new(groups: usize) -> Self {
        let influence = DMatrix::zeros(groups, groups);
        Self { rest: vec![1.0; groups], incidence: vec![0.0; groups], pooled: 0.0, influence }
    }

    /// Works out what holds at a time; `None` when it has no event.
    fn begin(&self, set: &RiskSet<'_>) -> Result<Option<Now>> {
        let groups = self.rest.len();
        let own: u64 = (0..groups).map(|group| set.ends(group, OWN)).sum();
        if own == 0 && (0..groups).all(|group| set.ends(group, OTHER) == 0) {
            return Ok(None);
        }
        let mut size = vec![0.0; groups];
        let mut rest = self.rest.clone();
        for group in (0..groups).filter(|&group| set.at_risk[group] > 0) {
            if self.rest[group] <= 0.0 {
                let because = "all early entrants of a group had events before its other subjects entered";
                return Err(StatisticsError::NotComputable { what: TEST, because });
            }
            let at_risk = set.at_risk[group];
            size[group] = at_risk as f64 / self.rest[group];
            rest[group] *= (at_risk - set.events(group)) as f64 / at_risk as f64;
        }
        let risk: Vec<f64> =
            size.iter().zip(&self.incidence).map(|(size, incidence)| size * (1.0 - incidence)).collect();
        let (all_size, all_risk): (f64, f64) = (size.iter().sum(), risk.iter().sum());
        let own = own as f64;
        if own > 0.0 && (all_risk <= 0.0 || self.pooled >= 1.0) {
            let because = "the pooled incidence reaches 1 before the last event";
            return Err(StatisticsError::NotComputable { what: TEST, because });
        }
        let jump = DMatrix::from_fn(groups, groups, |row, column| {
            let of_own = if row == column { size[row] } else { 0.0 };
            of_own - size[row] * (size[column] / all_size)
        });
        let increase = own / all_size;
        let mut influence = self.influence.clone();
        if own > 0.0 {
            influence += &jump * (increase / (1.0 - self.pooled));
        }
        Ok(Some(Now { own, all_size, risk, all_risk, jump, influence, pooled: self.pooled + increase, rest }))
    }

    /// Moves on past a time.
    fn end(&mut self, set: &RiskSet<'_>, now: &Now) {
        for group in (0..self.rest.len()).filter(|&group| set.at_risk[group] > 0) {
            self.incidence[group] += self.rest[group] * (set.ends(group, OWN) as f64 / set.at_risk[group] as f64);
        }
        self.rest.clone_from(&now.rest);
        self.pooled = now.pooled;
        self.influence.clone_from(&now.influence);
    }

    /// Adds the variance that the events of one time bring into the scores.
    ///
    /// An event of the cause raises the incidence now and takes subjects from its later rise; a competing event only
    /// takes. Integrated by parts, the later rise weighs `(1 - F) / S` times the influence still to come.
    fn add_variance(&self, set: &RiskSet<'_>, now: &Now, reach: &DMatrix<f64>, variance: &mut DMatrix<f64>) {
        for group in (0..self.rest.len()).filter(|&group| set.at_risk[group] > 0) {
            let (rest, at_risk) = (self.rest[group], set.at_risk[group] as f64);
            let to_come: DVector<f64> = reach.column(group) - now.influence.column(group);
            // A group in which nobody is left has no later rise.
            let later = if now.rest[group] > 0.0 { (1.0 - now.pooled) / now.rest[group] } else { 0.0 };
            if now.own > 0.0 {
                let weight = now.jump.column(group) + &to_come * (1.0 - later);
                // The group's hazard under equal incidence is the pooled rise over its own share without event.
                let spread = (rest / at_risk) * (now.own / now.all_size) * untied(now.own, now.all_size * rest);
                variance.ger(spread, &weight, &weight, 1.0);
            }
            let competing = set.ends(group, OTHER) as f64;
            if competing > 0.0 {
                let hazard_spread = competing / at_risk * untied(competing, at_risk) / at_risk;
                variance.ger(rest * rest * later * later * hazard_spread, &to_come, &to_come, 1.0);
            }
        }
    }
}

/// The factor by which `tied` events among `at_risk` vary less than as many events at different times.
fn untied(tied: f64, at_risk: f64) -> f64 {
    if tied > 1.0 { 1.0 - (tied - 1.0) / (at_risk - 1.0) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::super::{Event, log_rank};
    use super::*;

    /// Without competing events those at risk are those at risk: the scores are those of the log-rank test.
    #[test]
    fn without_competitors_the_scores_are_those_of_the_log_rank_test() -> Result<()> {
        let time: Vec<f64> = (0..60).map(|i| f64::from((i * 37) % 23)).collect();
        let cause: Vec<u8> = (0..60).map(|i| u8::from(i % 5 != 0)).collect();
        let groups: Vec<u32> = (0..60).map(|i| (i * i) % 3).map(|group| group % 2).collect();
        let follow_up = FollowUp { entry: None, time: &time, cause: &cause };
        let (gray, log_rank) = (gray(&follow_up, &groups, 1)?, log_rank(&follow_up, &groups, Event::Any, 0.0)?);
        for (gray, log_rank) in gray.groups.iter().zip(&log_rank.groups) {
            assert!((gray.score - (log_rank.observed - log_rank.expected)).abs() < 1e-12);
        }
        // The variances are different estimates of the same thing.
        assert!((gray.test.statistic / log_rank.test.statistic - 1.0).abs() < 0.2, "{gray:?} {log_rank:?}");
        Ok(())
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        let refused = |entry: Option<&[f64]>, time: &[f64], cause: &[u8], groups: &[u32]| {
            let follow_up = FollowUp { entry, time, cause };
            matches!(gray(&follow_up, groups, 1), Err(StatisticsError::NotComputable { .. }))
        };
        assert!(refused(None, &[1.0, 2.0], &[1, 1], &[0, 0]), "one group");
        assert!(refused(None, &[1.0, 2.0], &[2, 2], &[0, 1]), "no event of the cause");
        let entry = [0.0, 3.0, 0.0, 0.0];
        assert!(refused(Some(&entry), &[2.0, 5.0, 4.0, 6.0], &[1, 1, 1, 0], &[0, 0, 1, 1]), "zero too early");
        let follow_up = FollowUp { entry: None, time: &[1.0, 2.0], cause: &[1, 1] };
        assert!(matches!(gray(&follow_up, &[0, 1], 0), Err(StatisticsError::OutOfRange { .. })));
    }
}
