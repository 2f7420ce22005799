//! Organizations beside each other: a funnel, whose limits follow each organization's size, in place of a league table.

use std::collections::HashMap;

use carecoord_statistics::funnel::{
    Dispersion, Figure, Levels, Limits, Options, Overdispersion, ProportionLimits, RatioLimits, RatioTransform, Side,
    Signal, Site, Target, funnel,
};

use crate::definition::{Better, Kind, Measure};
use crate::rates::{ALL, Rate, State, UNKNOWN};
use crate::rows::Cell;

const LEVEL: &str = "organization";
/// Fewer organizations than this are no funnel [P].
const ENOUGH: usize = 3;
/// From so many organizations on, the spread between them is estimated and allowed for [P].
const ENOUGH_FOR_SPREAD: usize = 10;
/// Sizes at which limits are drawn.
const CURVE_POINTS: usize = 24;

/// Rows of the results tables `funnel` and `funnel_curve` for one measure.
#[derive(Debug, Default)]
pub struct FunnelRows {
    /// One row for each organization that may be shown.
    pub sites: Vec<Vec<Cell>>,
    /// One row for each size at which the limits are drawn.
    pub curve: Vec<Vec<Cell>>,
}

/// The funnel of a measure's organizations, for proportions of units and rates of whole events; empty for others, and for
/// fewer than three organizations that may be shown. They are compared with all of them together.
#[must_use]
pub fn rows(measure: &Measure, rates: &[Rate], names: &HashMap<(&'static str, String), String>) -> FunnelRows {
    made(measure, rates, names).unwrap_or_default()
}

fn made(measure: &Measure, rates: &[Rate], names: &HashMap<(&'static str, String), String>) -> Option<FunnelRows> {
    let figure = match measure.kind {
        Kind::Proportion => Figure::Proportion { limits: ProportionLimits::Wilson },
        Kind::Rate => Figure::Rate { limits: RatioLimits::PoissonExact, transform: RatioTransform::SquareRoot },
        Kind::Mean | Kind::Composite | Kind::Time => return None,
    };
    let yearly =
        |rate: &&Rate| rate.key.period_kind == "year" && rate.key.stratum_kind == ALL && rate.state == State::Shown;
    let overall = rates.iter().filter(yearly).filter(|rate| rate.key.level == ALL);
    let all = overall.max_by_key(|rate| (rate.is_final, rate.key.period))?;
    let of_year =
        |rate: &&Rate| rate.key.level == LEVEL && rate.key.period == all.key.period && rate.key.level_id != UNKNOWN;
    let shown: Vec<&Rate> = rates.iter().filter(yearly).filter(of_year).collect();
    let sites: Vec<Site> = shown.iter().map(|rate| site(rate)).collect::<Option<_>>()?;
    if sites.len() < ENOUGH {
        return None;
    }
    let overdispersion =
        if sites.len() < ENOUGH_FOR_SPREAD { Overdispersion::None } else { Overdispersion::Winsorised { share: 0.1 } };
    let target = all.sums.numerator.value() / all.sums.denominator.value();
    let options = Options { target: Target::Given(target), levels: Levels::USUAL, overdispersion };
    // Where nothing varies (no event at all, or only events) there is no funnel.
    let plot = funnel(&sites, figure, &options).ok()?;
    let multiplier = measure.multiplier;
    let widened = plot.dispersion.as_ref().and_then(|found| found.as_ref().ok()).is_some_and(Dispersion::is_adjusted);
    let cells = |limits: Limits| -> [Cell; 4] {
        [limits.alert_low, limits.alert_high, limits.alarm_low, limits.alarm_high]
            .map(|limit| (limit * multiplier).into())
    };
    let mut rows = FunnelRows::default();
    for (rate, placed) in shown.iter().zip(&plot.sites) {
        let Some(placed) = placed else { continue };
        let limits = placed.adjusted_limits.filter(|_| widened).unwrap_or(placed.limits);
        let position = match placed.verdict.signal {
            Signal::Within => "within",
            Signal::Alert => "alert",
            Signal::Alarm => "alarm",
        };
        let meaning = placed.verdict.side.map(|side| match (measure.better, side) {
            (Better::Lower, Side::Low) | (Better::Higher, Side::High) => "better",
            (Better::Lower, Side::High) | (Better::Higher, Side::Low) => "worse",
            (Better::None, Side::High) => "high",
            (Better::None, Side::Low) => "low",
        });
        let mut row: Vec<Cell> = vec![
            measure.id.clone().into(),
            LEVEL.into(),
            rate.key.level_id.clone().into(),
            names.get(&(LEVEL, rate.key.level_id.clone())).cloned().into(),
            Cell::Date(rate.key.period),
            if rate.is_final { "final" } else { "provisional" }.into(),
            rate.sums.denominator.value().into(),
            rate.value.into(),
            (target * multiplier).into(),
        ];
        row.extend(cells(limits));
        row.extend([widened.into(), position.into(), meaning.into()]);
        rows.sites.push(row);
    }
    let denominators = || sites.iter().map(|site| site.size);
    let (least, most) = (denominators().fold(f64::INFINITY, f64::min), denominators().fold(0.0, f64::max));
    // A margin on both sides; a funnel of organizations of one size is drawn around that size.
    let (from, to) = ((least * 0.8).max(1.0), most * 1.05 + 1.0);
    for point in plot.curve(from, to, CURVE_POINTS).ok()? {
        let limits = point.adjusted_limits.filter(|_| widened).unwrap_or(point.limits);
        let mut row: Vec<Cell> = vec![measure.id.clone().into(), point.size.into()];
        row.extend(cells(limits));
        rows.curve.push(row);
    }
    Some(rows)
}

/// The counts of an organization; `None` where the numerator is no count, such as a sum of money.
fn site(rate: &Rate) -> Option<Site> {
    let (observed, size) = (rate.sums.numerator.value(), rate.sums.denominator.value());
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, not negative, below 2^53")]
    let count = (observed >= 0.0 && observed.fract() == 0.0).then_some(observed as u64)?;
    Some(Site { observed: count, size })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::rates::{Exact, Key, Sums};
    use crate::span::days;

    fn rate(level: &'static str, id: &str, year: i16, events: f64, units: f64) -> Rate {
        let key = Key {
            period_kind: "year",
            level,
            stratum_kind: ALL,
            level_id: id.to_owned(),
            stratum: ALL.to_owned(),
            period: days(jiff::civil::date(year, 1, 1)),
        };
        let sums = Sums { numerator: Exact::new(events), denominator: Exact::new(units), ..Sums::default() };
        let value = Some(100.0 * events / units);
        Rate {
            key,
            sums,
            value,
            interval: None,
            waits: None,
            people: 99,
            is_final: year < 2026,
            state: State::Shown,
            hidden_beside: [false; 3],
        }
    }

    fn found(id: &str, rates: &[Rate]) -> FunnelRows {
        let measure = crate::definition::catalog().unwrap().into_iter().find(|one| one.id == id).unwrap();
        rows(&measure, rates, &HashMap::from([((LEVEL, "H1".to_owned()), "Harbor".to_owned())]))
    }

    fn cell<'a>(row: &'a [Cell], column: &str) -> &'a Cell {
        let contract = carecoord_lake::contract::result("funnel").unwrap();
        &row[contract.columns.iter().position(|one| one.name == column).unwrap()]
    }

    #[test]
    fn organizations_of_the_latest_final_year_are_beside_all_of_them() {
        let mut rates = vec![
            rate(ALL, ALL, 2025, 150.0, 1000.0),
            rate(LEVEL, "H1", 2025, 90.0, 400.0),
            rate(LEVEL, "H2", 2025, 30.0, 300.0),
            rate(LEVEL, "H3", 2025, 30.0, 300.0),
            rate(LEVEL, UNKNOWN, 2025, 30.0, 300.0),
            rate(ALL, ALL, 2026, 80.0, 400.0),
            rate(LEVEL, "H1", 2026, 40.0, 200.0),
        ];
        let funnel = found("readmission.unplanned_30", &rates);
        assert_eq!(funnel.sites.len(), 3, "of 2025, and without those that are not named");
        let first = |column| cell(&funnel.sites[0], column);
        assert_eq!((first("level_name"), first("centre")), (&Cell::from("Harbor"), &Cell::from(15.0)));
        // z = (0.225 - 0.15) / sqrt(0.15 * 0.85 / 400) = 4.2: outside 99.8 % (Wilson's limits about the target).
        assert_eq!((first("position"), first("meaning")), (&Cell::from("alarm"), &Cell::from("worse")));
        let Cell::Number(upper) = first("upper_95") else { panic!("a limit") };
        assert!((upper - 100.0 * (0.15 + 1.959_963_985 * (0.15_f64 * 0.85 / 400.0).sqrt())).abs() < 1e-6, "{upper}");
        assert_eq!(cell(&funnel.sites[1], "position"), &Cell::from("alert"));
        assert_eq!(funnel.curve.len(), CURVE_POINTS);
        rates[3].state = State::SmallCell;
        assert!(found("readmission.unplanned_30", &rates).sites.is_empty(), "two that may be shown are no funnel");
    }

    #[test]
    fn sums_of_money_and_means_have_no_funnel() {
        let rates: Vec<Rate> = [ALL, LEVEL, LEVEL, LEVEL]
            .into_iter()
            .enumerate()
            .map(|(index, level)| rate(level, &format!("H{index}"), 2025, 1000.5, 100.0))
            .collect();
        assert!(found("cost.paid_pmpm", &rates).sites.is_empty());
    }
}
