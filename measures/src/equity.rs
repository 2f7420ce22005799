//! Gaps between groups of people: every measure by group, beside a reference group.
//!
//! What is compared are the yearly rates as they are shown, so nothing is said here that the results do not say already:
//! a suppressed group is counted and compared with nobody. The reference is the least deprived fifth, else the largest
//! group [P]; people whose group is unknown are listed and not compared.

use carecoord_statistics::equity::{
    Better as Good, DisparityOptions, Group, NoEvents, Null, ReferenceGroup, Scale, SlopeLimits, SlopeOptions,
    disparity, slope_index, widest_credible_gap,
};
use carecoord_statistics::intervals::{
    Events, Interval, Moments, Part, difference_newcombe, mean_difference_welch, rate_difference_wald,
};
use carecoord_statistics::{Result as Computed, StatisticsError};

use crate::definition::{Better, Kind, Measure};
use crate::rates::{ALL, Rate, State, Sums, UNKNOWN, whole};
use crate::rows::Cell;
use crate::span::{Span, days};

const KINDS: [&str; 6] = ["age_band", "sex", "race", "ethnicity", "language", "deprivation"];
const CONFIDENCE: f64 = 0.95;
/// From this month of its year on, a year is compared while it still runs.
const MONTHS_OF_A_YEAR: i8 = 7;
/// Fewer units than this say nothing of a gap that an interval can be trusted with [P].
const FEWEST: u64 = 30;

/// Rows of the results tables `equity_group` and `disparity`.
#[derive(Default)]
pub(crate) struct EquityRows {
    /// One for each group.
    pub groups: Vec<Vec<Cell>>,
    /// One for each split.
    pub splits: Vec<Vec<Cell>>,
}

/// The groups of a measure's rates, after suppression.
pub(crate) fn equity(measure: &Measure, rates: &[Rate], span: &Span) -> EquityRows {
    let month = span.report_month;
    let year = if month.month() >= MONTHS_OF_A_YEAR { month.year() } else { month.year() - 1 };
    let year = days(jiff::civil::date(year, 1, 1));
    let mut found = EquityRows::default();
    for kind in KINDS {
        let of_kind = |rate: &&Rate| {
            rate.key.period_kind == "year"
                && rate.key.period == year
                && rate.key.level == ALL
                && rate.key.stratum_kind == kind
        };
        let split = Split { measure, kind, year, rates: rates.iter().filter(of_kind).collect() };
        if split.rates.iter().any(|rate| rate.key.stratum != UNKNOWN) {
            split.rows(&mut found);
        }
    }
    found
}

/// The groups of one split in order.
struct Split<'a> {
    measure: &'a Measure,
    kind: &'static str,
    year: i32,
    rates: Vec<&'a Rate>,
}

impl Split<'_> {
    fn rows(&self, found: &mut EquityRows) {
        let shown: Vec<&Rate> = self
            .rates
            .iter()
            .filter(|rate| rate.state == State::Shown && rate.value.is_some() && rate.key.stratum != UNKNOWN)
            .copied()
            .collect();
        let groups: Vec<Group> = shown.iter().map(|rate| self.group(&rate.sums, rate.value)).collect();
        let comparisons = shown.len().saturating_sub(1).max(1) as f64;
        let gaps = |confidence: f64| {
            let compare = |group: usize, reference: usize| {
                self.difference(&shown[group].sums, &shown[reference].sums, confidence)
            };
            widest_credible_gap(&groups, self.reference(&shown), Null::Difference, compare).ok()
        };
        let (plain, strict) = (gaps(CONFIDENCE), gaps(1.0 - (1.0 - CONFIDENCE) / comparisons));
        let reference = plain.as_ref().map(|gaps| shown[gaps.reference]);
        for rate in &self.rates {
            let place = shown.iter().position(|one| std::ptr::eq(*one, *rate));
            let own = |gaps: &Option<carecoord_statistics::equity::CredibleGaps>| {
                place.and_then(|place| gaps.as_ref()?.gaps.iter().find(|gap| gap.group == place).copied())
            };
            let interval = own(&plain).and_then(|gap| gap.interval.ok());
            let credible = own(&strict).filter(|gap| gap.interval.is_ok()).map(|gap| gap.credible);
            let gap = reference
                .filter(|reference| place.is_some() && !std::ptr::eq(*reference, *rate))
                .and_then(|reference| Some(rate.value? - reference.value?));
            found.groups.push(self.group_row(rate, reference, gap, interval, credible));
        }
        found.splits.push(self.split_row(&shown, &groups, strict.as_ref(), plain.as_ref()));
    }

    /// The least deprived fifth, else the largest group.
    fn reference(&self, shown: &[&Rate]) -> ReferenceGroup {
        let least_deprived = shown.iter().position(|rate| self.kind == "deprivation" && rate.key.stratum == "1");
        least_deprived.map_or(ReferenceGroup::Largest, ReferenceGroup::At)
    }

    /// A group with its size, and its value and error before the multiplier.
    fn group(&self, sums: &Sums, value: Option<f64>) -> Group {
        let (numerator, denominator) = (sums.numerator.value(), sums.denominator.value());
        let value = value.unwrap_or_default() / self.measure.multiplier;
        let standard_error = match self.measure.kind {
            Kind::Proportion => (value * (1.0 - value) / denominator).max(0.0).sqrt(),
            Kind::Rate => numerator.max(0.0).sqrt() / denominator,
            Kind::Mean => moments(sums).map_or(0.0, |one| (one.sample_variance / one.n as f64).sqrt()),
            Kind::Composite | Kind::Time => 0.0,
        };
        let population =
            if matches!(self.measure.kind, Kind::Proportion | Kind::Rate) { denominator } else { sums.n as f64 };
        Group { population, value, standard_error }
    }

    fn difference(&self, group: &Sums, reference: &Sums, confidence: f64) -> Computed<Interval> {
        let fewest = group.n.min(reference.n);
        if fewest < FEWEST {
            return Err(StatisticsError::TooFew { what: "the interval of a gap", found: fewest, needed: FEWEST });
        }
        let found = match self.measure.kind {
            Kind::Proportion => {
                let part = |sums: &Sums| Part {
                    numerator: whole(sums.numerator.value()),
                    denominator: whole(sums.denominator.value()),
                };
                difference_newcombe(part(group), part(reference), confidence)
            }
            Kind::Rate => {
                let events =
                    |sums: &Sums| Events { count: whole(sums.numerator.value()), exposure: sums.denominator.value() };
                rate_difference_wald(events(group), events(reference), confidence)
            }
            Kind::Mean => {
                let (group, reference) = (moments(group)?, moments(reference)?);
                // Where all of a group are alike, as with a rare cost that nobody had, its error is unknown, not 0.
                if let Some(alike) = [group, reference].into_iter().find(|one| one.sample_variance <= 0.0) {
                    return Err(StatisticsError::ZeroVariance { n: alike.n });
                }
                mean_difference_welch(group, reference, confidence)
            }
            Kind::Composite | Kind::Time => Err(StatisticsError::NotComputable {
                what: "the interval of a gap",
                because: "composites and medians have none yet",
            }),
        }?;
        found.scaled(self.measure.multiplier)
    }

    fn group_row(
        &self,
        rate: &Rate,
        reference: Option<&Rate>,
        gap: Option<f64>,
        interval: Option<Interval>,
        credible: Option<bool>,
    ) -> Vec<Cell> {
        let shown = rate.state == State::Shown;
        let number = |number: f64| if shown { Cell::Number(number) } else { Cell::Null };
        let limits = rate.interval.filter(|_| shown);
        let worse = gap.filter(|gap| *gap != 0.0).and_then(|gap| match self.measure.better {
            Better::Lower => Some(gap > 0.0),
            Better::Higher => Some(gap < 0.0),
            Better::None => None,
        });
        vec![
            self.measure.id.clone().into(),
            Cell::Date(self.year),
            self.kind.into(),
            rate.key.stratum.clone().into(),
            reference.is_some_and(|reference| std::ptr::eq(reference, rate)).into(),
            number(rate.sums.numerator.value()),
            number(rate.sums.denominator.value()),
            rate.value.filter(|_| shown).into(),
            limits.and_then(|(lower, _, _)| lower).into(),
            limits.and_then(|(_, upper, _)| upper).into(),
            gap.into(),
            interval.map(|interval| interval.lower).into(),
            interval.map(|interval| interval.upper).into(),
            interval.map(|interval| interval.method.name()).into(),
            credible.into(),
            worse.into(),
            match rate.state {
                State::Shown => "shown",
                State::SmallCell | State::WouldReveal => "suppressed",
                State::Undefined | State::NotReached | State::Missing => "undefined",
            }
            .into(),
        ]
    }

    fn split_row(
        &self,
        shown: &[&Rate],
        groups: &[Group],
        strict: Option<&carecoord_statistics::equity::CredibleGaps>,
        plain: Option<&carecoord_statistics::equity::CredibleGaps>,
    ) -> Vec<Cell> {
        let hidden =
            self.rates.iter().filter(|rate| matches!(rate.state, State::SmallCell | State::WouldReveal)).count() as u64;
        let mut notes = Vec::new();
        let widest = strict.and_then(|gaps| gaps.widest).map(|gap| gap.group);
        // Which group is decided with all comparisons in mind; its interval is that of one.
        let interval = widest.and_then(|group| plain?.gaps.iter().find(|gap| gap.group == group)?.interval.ok());
        let good = if self.measure.better == Better::Lower { Good::Lower } else { Good::Higher };
        let options = DisparityOptions {
            per: self.measure.multiplier,
            better: good,
            no_events: NoEvents::Keep,
            confidence: CONFIDENCE,
        };
        let indices = disparity(groups, options);
        if let Err(error) = &indices {
            notes.push(format!("indices: {error}"));
        }
        let indices = indices.ok();
        let slope = if self.kind == "deprivation" && hidden == 0 {
            let options = SlopeOptions {
                regression: Scale::Linear,
                uncertainty: Scale::Linear,
                multiplier: self.measure.multiplier,
                no_events: NoEvents::Keep,
                limits: SlopeLimits::SamplingError,
                confidence: CONFIDENCE,
            };
            match slope_index(groups, options) {
                Ok(slope) => Some(slope),
                Err(error) => {
                    notes.push(format!("slope index: {error}"));
                    None
                }
            }
        } else {
            if self.kind == "deprivation" {
                notes.push("slope index: a group is suppressed".to_owned());
            }
            None
        };
        vec![
            self.measure.id.clone().into(),
            Cell::Date(self.year),
            if self.rates.iter().all(|rate| rate.is_final) { "final" } else { "provisional" }.into(),
            self.kind.into(),
            (shown.len() as u64).into(),
            hidden.into(),
            plain.map(|gaps| shown[gaps.reference].key.stratum.clone()).into(),
            widest.map(|group| shown[group].key.stratum.clone()).into(),
            interval.map(|interval| interval.value).into(),
            interval.map(|interval| interval.lower).into(),
            interval.map(|interval| interval.upper).into(),
            indices.map(|found| found.index_of_disparity_weighted).into(),
            indices.map(|found| found.between_group_variance).into(),
            indices.map(|found| found.theil_index_per_thousand()).into(),
            slope.as_ref().map(|slope| slope.slope_index.value).into(),
            slope.as_ref().map(|slope| slope.slope_index.lower).into(),
            slope.as_ref().map(|slope| slope.slope_index.upper).into(),
            slope.as_ref().and_then(|slope| slope.relative_value).into(),
            (!notes.is_empty()).then(|| notes.join("; ")).into(),
        ]
    }
}

fn moments(sums: &Sums) -> Computed<Moments> {
    if sums.n < 2 {
        return Err(StatisticsError::TooFew { what: "a difference of means", found: sums.n, needed: 2 });
    }
    let n = sums.n as f64;
    let mean = sums.numerator.value() / n;
    let sample_variance = ((sums.squares.value() - n * mean * mean) / (n - 1.0)).max(0.0);
    Ok(Moments { n: sums.n, mean, sample_variance })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::rates::{Exact, Key};

    fn rate(kind: &'static str, group: &str, numerator: u32, denominator: u32, state: State) -> Rate {
        let key = Key {
            period_kind: "year",
            level: ALL,
            stratum_kind: kind,
            level_id: ALL.to_owned(),
            stratum: group.to_owned(),
            period: days(jiff::civil::date(2025, 1, 1)),
        };
        let sums = Sums {
            numerator: Exact::new(numerator.into()),
            denominator: Exact::new(denominator.into()),
            n: denominator.into(),
            ..Sums::default()
        };
        let value = Some(100.0 * f64::from(numerator) / f64::from(denominator));
        let people = u64::from(denominator);
        let hidden_beside = [false; 3];
        Rate { key, sums, value, interval: None, waits: None, people, is_final: true, state, hidden_beside }
    }

    fn found(rates: &[Rate]) -> EquityRows {
        let catalog = crate::definition::catalog().unwrap();
        let measure = catalog.iter().find(|measure| measure.id == "readmission.all_cause_30").unwrap();
        let span = Span::new(jiff::civil::date(2026, 3, 1), 24, jiff::civil::date(2026, 5, 31), false).unwrap();
        equity(measure, rates, &span)
    }

    #[test]
    fn groups_are_compared_with_the_largest_one_and_hidden_ones_with_nobody() {
        let rows = found(&[
            rate("language", "en", 100, 1000, State::Shown),
            rate("language", "es", 60, 300, State::Shown),
            rate("language", "vi", 5, 40, State::SmallCell),
            rate("language", "unknown", 30, 200, State::Shown),
        ]);
        let gap = |row: usize| rows.groups[row][10].clone();
        assert_eq!(rows.groups.len(), 4);
        assert_eq!(rows.groups[0][4], Cell::from(true));
        assert_eq!((gap(0), gap(1), gap(2), gap(3)), (Cell::Null, Cell::Number(10.0), Cell::Null, Cell::Null));
        // Newcombe, Stat Med 1998, method 10: 0.2 of 300 against 0.1 of 1,000.
        let Cell::Number(lower) = rows.groups[1][11] else { panic!("{:?}", rows.groups[1][11]) };
        assert!(lower > 5.0 && lower < 6.0, "{lower}");
        assert_eq!(rows.groups[1][13..16], ["newcombe".into(), true.into(), true.into()]);
        // Two groups shown, one hidden; the widest gap is credible.
        let split = &rows.splits[0];
        assert_eq!(split[4..8], [2_u64.into(), 1_u64.into(), "en".into(), "es".into()]);
    }

    #[test]
    fn deprivation_has_a_slope_unless_a_fifth_is_hidden() {
        let mut fifths: Vec<Rate> = (1..=5_u32)
            .map(|fifth| rate("deprivation", &fifth.to_string(), 50 + 10 * fifth, 1000, State::Shown))
            .collect();
        let rows = found(&fifths);
        // Values 6, 7, 8, 9, 10 of equal groups: the line runs from 5.5 to 10.5.
        let Cell::Number(slope) = rows.splits[0][14] else { panic!("{:?}", rows.splits[0]) };
        assert!((slope - 5.0).abs() < 1e-9, "{slope}");
        assert_eq!(rows.splits[0][6], "1".into());
        fifths[2].state = State::SmallCell;
        let rows = found(&fifths);
        assert_eq!(rows.splits[0][14], Cell::Null);
    }
}
