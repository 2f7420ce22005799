//! Targets of the years: whether everyone and each organization meet theirs, as far as the interval can tell.

use crate::definition::{Better, Measure};
use crate::rates::{ALL, Rate, State, UNKNOWN};
use crate::rows::Cell;
use crate::signals::Settings;

const LEVEL: &str = "organization";

/// Rows of the results table `target` for one measure: years of everyone and of organizations that have a target.
#[must_use]
pub fn rows(measure: &Measure, rates: &[Rate], settings: &Settings) -> Vec<Vec<Cell>> {
    let of_project = settings.targets.get(&measure.id).copied();
    let target = |rate: &Rate| -> Option<(f64, bool)> {
        let own = settings.site_targets.get(&rate.key.level_id).and_then(|targets| targets.get(&measure.id));
        match (rate.key.level, own) {
            (LEVEL, Some(own)) => Some((*own, true)),
            _ => of_project.map(|target| (target, false)),
        }
    };
    let is_told = |rate: &&Rate| {
        rate.key.period_kind == "year"
            && rate.key.stratum_kind == ALL
            && matches!(rate.key.level, ALL | LEVEL)
            && rate.key.level_id != UNKNOWN
    };
    rates
        .iter()
        .filter(is_told)
        .filter_map(|rate| {
            let (target, own) = target(rate)?;
            Some(vec![
                measure.id.clone().into(),
                rate.key.level.into(),
                rate.key.level_id.clone().into(),
                Cell::Date(rate.key.period),
                target.into(),
                own.into(),
                verdict(rate, target, measure.better).into(),
            ])
        })
        .collect()
}

/// What the interval says of the target.
fn verdict(rate: &Rate, target: f64, better: Better) -> Option<&'static str> {
    if rate.state != State::Shown {
        return None;
    }
    let (Some(lower), Some(upper), _) = rate.interval? else { return None };
    let (all_good, all_bad) = match better {
        Better::Lower => (upper <= target, lower > target),
        Better::Higher => (lower >= target, upper < target),
        Better::None => return None,
    };
    Some(match (all_good, all_bad) {
        (true, _) => "met",
        (_, true) => "missed",
        _ => "unclear",
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::rates::{Key, Sums};

    fn rate(level: &'static str, id: &str, lower: f64, upper: f64) -> Rate {
        let key = Key {
            period_kind: "year",
            level,
            stratum_kind: ALL,
            level_id: id.to_owned(),
            stratum: ALL.to_owned(),
            period: 20_454,
        };
        let interval = Some((Some(lower), Some(upper), "wilson"));
        let value = Some(f64::midpoint(lower, upper));
        Rate {
            key,
            sums: Sums::default(),
            value,
            interval,
            waits: None,
            people: 99,
            is_final: true,
            state: State::Shown,
            hidden_beside: [false; 3],
        }
    }

    #[test]
    fn an_organizations_own_target_goes_before_the_projects_and_intervals_decide() {
        let id = "readmission.unplanned_30";
        let measure = crate::definition::catalog().unwrap().into_iter().find(|one| one.id == id).unwrap();
        let own: BTreeMap<String, f64> = [(id.to_owned(), 20.0)].into();
        let settings = Settings {
            targets: [(id.to_owned(), 12.0)].into(),
            site_targets: [("H2".to_owned(), own)].into(),
            ..Settings::default()
        };
        let mut hidden = rate(LEVEL, "H4", 5.0, 9.0);
        hidden.state = State::SmallCell;
        let rates = [
            rate(ALL, ALL, 11.0, 13.0),
            rate(LEVEL, "H1", 12.1, 15.0),
            rate(LEVEL, "H2", 12.1, 15.0),
            rate(LEVEL, "H3", 9.0, 12.0),
            hidden,
            rate("practitioner", "P", 1.0, 2.0),
        ];
        let told: Vec<(Cell, Cell, Cell)> = rows(&measure, &rates, &settings)
            .into_iter()
            .map(|row| (row[2].clone(), row[4].clone(), row[6].clone()))
            .collect();
        let row = |id: &str, target: f64, verdict: Cell| (Cell::from(id), Cell::from(target), verdict);
        assert_eq!(
            told,
            [
                row(ALL, 12.0, "unclear".into()),
                row("H1", 12.0, "missed".into()),
                row("H2", 20.0, "met".into()),
                row("H3", 12.0, "met".into()),
                row("H4", 12.0, Cell::Null),
            ]
        );
        assert!(rows(&measure, &rates, &Settings::default()).is_empty());
    }
}
