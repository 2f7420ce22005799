//! Who is at risk when: the subjects in order of time, and the pass over the distinct times.

use super::follow_up::{FollowUp, Gap};
use crate::Result;

/// The subjects of one or more groups in order of time.
///
/// Times are kept as the bits of numbers that are not negative, which sort like the numbers and faster.
pub(super) struct Ordered {
    /// How many kinds of end are told apart, besides censoring.
    kinds: usize,
    /// Subjects of each group that are at risk from the origin.
    from_origin: Vec<u64>,
    /// Time and group of those who enter later.
    entries: Vec<(u64, usize)>,
    /// Time of every end, with `group * (kinds + 1) + kind`; kind 0 is censoring.
    ends: Vec<(u64, usize)>,
}

/// What happens at one time: those at risk just before it, and how many of them end there.
pub(super) struct RiskSet<'a> {
    pub time: f64,
    /// Subjects at risk, per group.
    pub at_risk: &'a [u64],
    kinds: usize,
    counts: &'a [u64],
}

impl RiskSet<'_> {
    /// Subjects of `group` whose follow-up ends at this time; kind 0 is censoring.
    pub fn ends(&self, group: usize, kind: usize) -> u64 {
        self.counts[group * (self.kinds + 1) + kind]
    }

    /// Subjects of `group` with an event of any kind at this time.
    pub fn events(&self, group: usize) -> u64 {
        (1..=self.kinds).map(|kind| self.ends(group, kind)).sum()
    }
}

impl Ordered {
    /// Sorts the subjects of a follow-up that has been checked. `group` gives the group of the subject at a position,
    /// below `groups`; `kind` turns a cause into a kind of end from 0 (censored) to `kinds`.
    pub fn new(
        follow_up: &FollowUp<'_>,
        (groups, group): (usize, impl Fn(usize) -> usize),
        (kinds, kind): (usize, impl Fn(u8) -> usize),
    ) -> Self {
        // Adding zero turns -0.0 into 0.0, whose bits sort first.
        let bits = |time: f64| (time + 0.0).to_bits();
        let ends = follow_up.time.iter().zip(follow_up.cause).enumerate();
        let mut ends: Vec<_> =
            ends.map(|(index, (&time, &cause))| (bits(time), group(index) * (kinds + 1) + kind(cause))).collect();
        ends.sort_unstable();
        let mut from_origin = vec![0; groups];
        let mut entries = Vec::new();
        for index in 0..follow_up.time.len() {
            match follow_up.entry.map(|entry| entry[index]) {
                Some(entry) if entry >= 0.0 => entries.push((bits(entry), group(index))),
                _ => from_origin[group(index)] += 1,
            }
        }
        entries.sort_unstable();
        Self { kinds, from_origin, entries, ends }
    }

    /// Visits every distinct time at which somebody's follow-up ends, in order.
    pub fn walk(&self, mut visit: impl FnMut(&RiskSet<'_>) -> Result<()>) -> Result<()> {
        let width = self.kinds + 1;
        let mut at_risk = self.from_origin.clone();
        let mut counts = vec![0; at_risk.len() * width];
        let mut entries = self.entries.iter().peekable();
        for tied in self.ends.chunk_by(|a, b| a.0 == b.0) {
            let now = tied[0].0;
            // Who enters at this very time is at risk after it only.
            while let Some(&(_, group)) = entries.next_if(|entry| entry.0 < now) {
                at_risk[group] += 1;
            }
            for &(_, end) in tied {
                counts[end] += 1;
            }
            let time = f64::from_bits(now);
            visit(&RiskSet { time, at_risk: &at_risk, kinds: self.kinds, counts: &counts })?;
            for &(_, end) in tied {
                counts[end] = 0;
                at_risk[end / width] -= 1;
            }
        }
        Ok(())
    }

    /// The stretches in which nobody of any group is at risk although somebody is later.
    pub fn gaps(&self) -> Vec<Gap> {
        let mut gaps = Vec::new();
        let mut entries = self.entries.iter().peekable();
        let mut at_risk: u64 = self.from_origin.iter().sum();
        if let Some(&&(first, _)) = entries.peek()
            && at_risk == 0
            && first > 0
        {
            gaps.push(Gap { from: 0.0, to: f64::from_bits(first) });
        }
        for tied in self.ends.chunk_by(|a, b| a.0 == b.0) {
            let now = tied[0].0;
            while entries.next_if(|entry| entry.0 <= now).is_some() {
                at_risk += 1;
            }
            at_risk -= tied.len() as u64;
            if let Some(&&(next, _)) = entries.peek()
                && at_risk == 0
            {
                gaps.push(Gap { from: f64::from_bits(now), to: f64::from_bits(next) });
            }
        }
        gaps
    }

    /// Subjects of each group.
    pub fn subjects(&self) -> Vec<u64> {
        let mut subjects = self.from_origin.clone();
        for &(_, group) in &self.entries {
            subjects[group] += 1;
        }
        subjects
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Seen = (f64, u64, u64, u64);

    fn seen(entry: Option<&[f64]>, time: &[f64], cause: &[u8]) -> Result<(Vec<Seen>, Vec<Gap>)> {
        let ordered = Ordered::new(&FollowUp { entry, time, cause }, (1, |_| 0), (1, usize::from));
        let mut seen = Vec::new();
        ordered.walk(|set| {
            seen.push((set.time, set.at_risk[0], set.events(0), set.ends(0, 0)));
            Ok(())
        })?;
        Ok((seen, ordered.gaps()))
    }

    #[test]
    fn events_come_before_censorings_at_the_same_time() -> Result<()> {
        let (seen, gaps) = seen(None, &[2.0, 2.0, -0.0, 0.0, 5.0], &[0, 1, 1, 0, 1])?;
        assert_eq!(seen, [(0.0, 5, 1, 1), (2.0, 3, 1, 1), (5.0, 1, 1, 0)]);
        assert!(gaps.is_empty());
        Ok(())
    }

    #[test]
    fn who_enters_late_is_at_risk_only_afterwards() -> Result<()> {
        // By hand: (0, 4], (1, 3], (3, 6] and (4, 5]; at 3 only the first two, at 4 the first and the third.
        let (seen, gaps) = seen(Some(&[0.0, 1.0, 3.0, 4.0]), &[4.0, 3.0, 6.0, 5.0], &[1, 1, 0, 1])?;
        assert_eq!(seen, [(3.0, 2, 1, 0), (4.0, 2, 1, 0), (5.0, 2, 1, 0), (6.0, 1, 0, 1)]);
        assert!(gaps.is_empty());
        Ok(())
    }

    #[test]
    fn gaps_are_found_at_the_start_and_in_the_middle() -> Result<()> {
        let (seen, gaps) = seen(Some(&[1.0, 1.0, 6.0]), &[2.0, 3.0, 8.0], &[1, 0, 1])?;
        assert_eq!(seen, [(2.0, 2, 1, 0), (3.0, 1, 0, 1), (8.0, 1, 1, 0)]);
        assert_eq!(gaps, [Gap { from: 0.0, to: 1.0 }, Gap { from: 3.0, to: 6.0 }]);
        Ok(())
    }

    #[test]
    fn one_who_enters_as_the_last_one_leaves_closes_the_gap() -> Result<()> {
        let (_, gaps) = seen(Some(&[0.0, 3.0, -1.0]), &[3.0, 8.0, 1.0], &[1, 1, 1])?;
        assert!(gaps.is_empty(), "{gaps:?}");
        Ok(())
    }
}
