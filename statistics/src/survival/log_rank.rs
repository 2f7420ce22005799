//! The log-rank test and its weighted relatives: do groups differ in how soon the event happens?

use nalgebra::DMatrix;

use super::follow_up::{Event, FollowUp};
use super::groups::checked_groups;
use super::risk_set::Ordered;
use super::test::ChiSquareTest;
use crate::{Result, StatisticsError};

const TEST: &str = "the log-rank test";

/// A test of equal rates of the event in all groups.
#[derive(Debug, Clone, PartialEq)]
pub struct LogRankTest {
    /// What counted as the event.
    pub event: Event,
    /// The power of the pooled curve that weighs the times: 0 log-rank, 1 Peto–Peto.
    pub rho: f64,
    /// The groups in the order of their codes.
    pub groups: Vec<LogRankGroup>,
    /// The test; its degrees of freedom are one less than the groups with any event expected.
    pub test: ChiSquareTest,
}

/// What was seen in one group and what equal rates would have led to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogRankGroup {
    /// Subjects of the group.
    pub subjects: u64,
    /// Subjects with the event.
    pub events: u64,
    /// Sum of the weights of the events; the number of events when `rho` is 0.
    pub observed: f64,
    /// The same sum if the rates of all groups were equal.
    pub expected: f64,
}

/// Compares the rate of the event between groups, given as codes from 0 without holes.
///
/// At each event time the expected events of a group are its share of those at risk; differences are weighted by the
/// pooled Kaplan–Meier curve just before that time, to the power `rho`. With `rho` 0 this is the log-rank test, with
/// `rho` 1 the Peto–Peto form of Wilcoxon's test, which looks at early differences most. Ties enter the variance as in
/// the hypergeometric distribution. Late entry changes only who is at risk.
///
/// Sources: Mantel N. Evaluation of survival data and two new rank order statistics. Cancer Chemother Rep
/// 1966;50:163–170; Peto R, Peto J. J R Stat Soc A 1972;135:185–207; Harrington DP, Fleming TR. A class of rank test
/// procedures for censored survival data. Biometrika 1982;69:553–566; Klein JP, Moeschberger ML. Survival Analysis, 2nd
/// ed., 2003, section 7.3.
///
/// # Errors
///
/// As [`super::kaplan_meier()`]; [`StatisticsError::OutOfRange`] or [`StatisticsError::NotFinite`] unless `rho` is finite
/// and 0 or above; [`StatisticsError::NotComputable`] for one group, a code without subjects, no event, or groups that
/// are never at risk together.
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::survival::{Event, FollowUp, log_rank};
/// let days = [3.0, 5.0, 8.0, 9.0, 14.0, 20.0, 21.0, 30.0];
/// let referrals = FollowUp { entry: None, time: &days, cause: &[1, 1, 1, 1, 1, 0, 1, 0] };
/// let compared = log_rank(&referrals, &[0, 0, 0, 1, 0, 1, 1, 1], Event::Cause(1), 0.0)?;
/// assert_eq!(compared.test.degrees_of_freedom, 1);
/// assert!(compared.groups[0].observed > compared.groups[0].expected);
/// # Ok(())
/// # }
/// ```
pub fn log_rank(follow_up: &FollowUp<'_>, groups: &[u32], event: Event, rho: f64) -> Result<LogRankTest> {
    if !rho.is_finite() {
        return Err(StatisticsError::NotFinite { what: "rho", value: rho });
    }
    if rho < 0.0 {
        return Err(StatisticsError::OutOfRange { what: "rho", value: rho, range: "0 or above" });
    }
    event.check()?;
    follow_up.check(TEST)?;
    let count = checked_groups(TEST, groups, follow_up.time.len())?;
    let ordered = Ordered::new(follow_up, (count, |index| groups[index] as usize), (1, |c| usize::from(event.is(c))));
    let subjects = ordered.subjects().into_iter();
    let mut seen: Vec<_> =
        subjects.map(|subjects| LogRankGroup { subjects, events: 0, observed: 0.0, expected: 0.0 }).collect();
    let mut variance = DMatrix::<f64>::zeros(count, count);
    let mut pooled = 1.0_f64;
    ordered.walk(|set| {
        let at_risk: u64 = set.at_risk.iter().sum();
        let dead: u64 = (0..count).map(|group| set.events(group)).sum();
        if dead == 0 {
            return Ok(());
        }
        let (weight, all, d) = (pooled.powf(rho), at_risk as f64, dead as f64);
        for (group, found) in seen.iter_mut().enumerate() {
            found.events += set.events(group);
            found.observed += weight * set.events(group) as f64;
            found.expected += weight * d * (set.at_risk[group] as f64 / all);
        }
        if at_risk > 1 {
            // Integers until the quotient: nobody left over gives exactly 0.
            let spread = weight * weight * d * ((at_risk - dead) as f64 / (at_risk - 1) as f64);
            for i in (0..count).filter(|&i| set.at_risk[i] > 0) {
                let share = set.at_risk[i] as f64 / all;
                for j in 0..i {
                    variance[(i, j)] -= spread * share * (set.at_risk[j] as f64 / all);
                }
                variance[(i, i)] += spread * share * ((at_risk - set.at_risk[i]) as f64 / all);
            }
        }
        pooled *= (at_risk - dead) as f64 / all;
        Ok(())
    })?;
    let test = test(&seen, &variance)?;
    Ok(LogRankTest { event, rho, groups: seen, test })
}

/// The test over the groups in which events were to be expected at all; `variance` holds its lower half.
fn test(groups: &[LogRankGroup], variance: &DMatrix<f64>) -> Result<ChiSquareTest> {
    let refused = |because| StatisticsError::NotComputable { what: TEST, because };
    if groups.iter().all(|group| group.events == 0) {
        return Err(refused("nobody had the event"));
    }
    let used: Vec<usize> = (0..groups.len()).filter(|&group| groups[group].expected > 0.0).collect();
    let scores: Vec<f64> = used.iter().map(|&group| groups[group].observed - groups[group].expected).collect();
    let used_variance = DMatrix::from_fn(used.len(), used.len(), |row, column| {
        variance[(used[row].max(used[column]), used[row].min(used[column]))]
    });
    ChiSquareTest::of_scores(&scores, &used_variance).unwrap_or(Err(refused(
        "the groups are never at risk together at a time when some have the event and others do not",
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand, for group 0 at times 1, 2, 3, 4: expected 2/4, 1/3, 1/2 and 0 with variance 1/4, 2/9, 1/4 and 0.
    #[test]
    fn a_small_case_by_hand() -> Result<()> {
        let follow_up = FollowUp { entry: None, time: &[1.0, 2.0, 3.0, 4.0], cause: &[1, 1, 1, 1] };
        let compared = log_rank(&follow_up, &[0, 1, 0, 1], Event::Any, 0.0)?;
        let expected = 0.5 + 1.0 / 3.0 + 0.5;
        let variance = 0.25 + 2.0 / 9.0 + 0.25;
        assert!((compared.groups[0].expected - expected).abs() < 1e-15);
        assert!((compared.test.statistic - (2.0 - expected).powi(2) / variance).abs() < 1e-14);
        Ok(())
    }

    /// The same with the second of group 1 entering at 2.5: expected 2/3, 1/2, 1/2 and 0.
    #[test]
    fn late_entry_by_hand() -> Result<()> {
        let entry = [0.0, 0.0, 0.0, 2.5];
        let follow_up = FollowUp { entry: Some(&entry), time: &[1.0, 2.0, 3.0, 4.0], cause: &[1, 1, 1, 1] };
        let compared = log_rank(&follow_up, &[0, 1, 0, 1], Event::Any, 0.0)?;
        let expected = 2.0 / 3.0 + 0.5 + 0.5;
        let variance = 2.0 / 9.0 + 0.25 + 0.25;
        assert!((compared.groups[0].expected - expected).abs() < 1e-15);
        assert!((compared.test.statistic - (2.0 - expected).powi(2) / variance).abs() < 1e-14);
        Ok(())
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        let refused = |entry: Option<&[f64]>, time: &[f64], cause: &[u8], groups: &[u32]| {
            let follow_up = FollowUp { entry, time, cause };
            matches!(log_rank(&follow_up, groups, Event::Any, 0.0), Err(StatisticsError::NotComputable { .. }))
        };
        assert!(refused(None, &[1.0, 2.0], &[1, 1], &[0, 0]), "one group");
        assert!(refused(None, &[1.0, 2.0], &[0, 0], &[0, 1]), "no event");
        assert!(refused(None, &[1.0, 1.0], &[1, 1], &[0, 1]), "all at once");
        assert!(refused(Some(&[0.0, 1.0]), &[1.0, 2.0], &[1, 1], &[0, 1]), "never together");
        let follow_up = FollowUp { entry: None, time: &[1.0, 2.0], cause: &[1, 1] };
        for rho in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(log_rank(&follow_up, &[0, 1], Event::Any, rho).is_err());
        }
    }

    /// A group that has left before the first event has nothing to tell.
    #[test]
    fn a_group_without_expectation_costs_no_degree_of_freedom() -> Result<()> {
        let follow_up = FollowUp { entry: None, time: &[1.0, 2.0, 3.0, 4.0], cause: &[0, 1, 1, 1] };
        let compared = log_rank(&follow_up, &[2, 0, 1, 0], Event::Any, 0.0)?;
        assert_eq!(compared.test.degrees_of_freedom, 1);
        Ok(())
    }
}
