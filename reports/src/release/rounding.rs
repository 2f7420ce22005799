//! Rounded counts, and values that say no more than they do.

use arcstr::ArcStr;

use super::suppression::is_counted;
use super::{PUBLIC_THRESHOLD, ROUNDED_TO};
use crate::model::{Measure, Quality, Rate, Results};

/// A count to the nearest multiple of 5; none of whole numbers lies between two.
pub fn rounded(count: f64) -> f64 {
    let step = ROUNDED_TO as f64;
    (count / step).round() * step
}

/// A count of rows of the data, which is not suppressed: 5 stands for any from 1 to 12, 0 for none alone.
fn rows(count: i64) -> i64 {
    if (1..PUBLIC_THRESHOLD).contains(&count) {
        ROUNDED_TO
    } else {
        (count + ROUNDED_TO / 2).div_euclid(ROUNDED_TO) * ROUNDED_TO
    }
}

/// Rounds every count that is left, and makes values from what is rounded. Intervals go.
pub fn round(results: &mut Results) {
    let measures = &results.measures;
    let largest = |id: &str| {
        let values = results.rates.iter().filter(|rate| rate.measure_id == id).filter_map(Rate::shown);
        values.map(f64::abs).fold(0.0, f64::max)
    };
    let largest: Vec<f64> = measures.iter().map(|measure| largest(&measure.measure_id)).collect();
    for rate in &mut results.rates {
        (rate.lower, rate.upper) = (None, None);
        rate.interval_method = ArcStr::new();
        let Some(place) = measures.iter().position(|measure| measure.measure_id == rate.measure_id) else { continue };
        if is_counted(rate) {
            round_cell(rate, &measures[place], largest[place]);
        } else if rate.numerator.is_some_and(|numerator| numerator != 0.0) {
            // Without a denominator a numerator says nothing that may be said.
            rate.numerator = None;
        }
    }
    for row in &mut results.exclusions {
        // Their sum is not published.
        let shown = row.units.filter(|units| *units <= 0 || *units >= PUBLIC_THRESHOLD);
        row.units = shown.map(rows);
    }
    results.run.patients = rows(results.run.patients);
    results.quality.iter_mut().for_each(round_accounting);
    results.checks.iter_mut().for_each(|check| check.rows = rows(check.rows));
    results.preparations.iter_mut().for_each(|row| row.rows = rows(row.rows));
}

fn round_cell(rate: &mut Rate, measure: &Measure, largest: f64) {
    let exact = rate.numerator.zip(rate.denominator).map(|(over, under)| over / under * measure.multiplier);
    rate.numerator = rate.numerator.map(rounded);
    rate.denominator = rate.denominator.map(rounded);
    #[expect(clippy::cast_possible_truncation, reason = "a count, far below 2^53")]
    let units = |count: i64| rounded(count as f64) as i64;
    rate.n_units = rate.n_units.map(units);
    let Some((value, under)) = rate.value.zip(rate.denominator) else { return };
    let is_quotient = exact.is_some_and(|exact| (exact - value).abs() <= 1e-6 * value.abs().max(1.0));
    match measure.kind.as_str() {
        "proportion" | "rate" if is_quotient => {
            rate.value = rate.numerator.map(|over| over / under * measure.multiplier);
        }
        "mean" | "composite" => {
            let value = coarse(value, unit(measure, under, largest));
            rate.value = Some(value);
            // Made from what is published, so that it says nothing more.
            rate.numerator = rate.numerator.map(|_| decimals(value * under / measure.multiplier));
        }
        _ => rate.value = Some(coarse(value, displayed(measure))),
    }
}

/// The unit of the last decimal that the measure shows.
fn displayed(measure: &Measure) -> f64 {
    10_f64.powi(-i32::try_from(measure.decimals.clamp(0, 6)).unwrap_or(0))
}

/// To what a mean is rounded. A mean of whole numbers is a whole sum over a count; were it finer than one over the count,
/// few counts would fit it, and the rounded count beside it would be exact after all. One unit adds 1 to a mean's sum, and
/// up to the top of its scale to a composite's.
fn unit(measure: &Measure, count: f64, largest: f64) -> f64 {
    let step = if measure.kind == "mean" {
        measure.multiplier
    } else {
        [1.0, 10.0, 100.0, 1000.0].into_iter().find(|scale| largest <= *scale).unwrap_or(largest)
    };
    let wanted = (step / count).max(displayed(measure));
    let power = 10_f64.powf(wanted.log10().floor());
    let nice = [1.0, 2.0, 5.0, 10.0].into_iter().map(|times| times * power);
    nice.into_iter().find(|nice| *nice >= wanted * (1.0 - 1e-9)).unwrap_or(10.0 * power)
}

fn coarse(value: f64, unit: f64) -> f64 {
    decimals((value / unit).round() * unit)
}

/// Without the last digits of a binary fraction.
fn decimals(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

/// Parts are rounded; where a row added up before, what was read is their sum, so that it still does.
fn round_accounting(row: &mut Quality) {
    let sum = |row: &Quality| {
        row.filtered + row.accepted + row.quarantined + row.duplicate + row.superseded + row.combined + row.withdrawn
    };
    let adds_up = row.read == sum(row);
    for part in [
        &mut row.filtered,
        &mut row.accepted,
        &mut row.quarantined,
        &mut row.duplicate,
        &mut row.superseded,
        &mut row.combined,
        &mut row.withdrawn,
    ] {
        *part = rows(*part);
    }
    row.read = if adds_up { sum(row) } else { rows(row.read) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::test_rows;

    #[test]
    fn counts_are_multiples_of_five_and_zero_is_zero() {
        for (count, wanted) in [(0.0, 0.0), (13.0, 15.0), (17.0, 15.0), (1_234.0, 1_235.0)] {
            assert!((rounded(count) - wanted).abs() < 1e-9, "{count}");
        }
        for (count, wanted) in [(0, 0), (1, 5), (10, 5), (12, 5), (13, 15), (17, 15)] {
            assert_eq!(rows(count), wanted, "{count}");
        }
    }

    #[test]
    fn a_mean_is_no_finer_than_its_count_allows() {
        let measure = |kind: &str| crate::model::Measure {
            kind: kind.to_owned(),
            multiplier: 1.0,
            ..test_rows::measure("lower")
        };
        for (kind, count, largest, wanted) in [
            ("mean", 100.0, 11.4, 0.1),
            ("mean", 10.0, 11.4, 0.1),
            ("composite", 60.0, 71.0, 2.0),
            ("composite", 10.0, 71.0, 10.0),
            ("composite", 5_000.0, 71.0, 0.1),
        ] {
            assert!((unit(&measure(kind), count, largest) - wanted).abs() < 1e-9, "{kind} of {count}");
        }
        assert!((coarse(71.37, 2.0) - 72.0).abs() < 1e-9);
    }

    #[test]
    fn rows_that_add_up_still_do() {
        let mut row = Quality {
            extract_id: 0,
            file: String::new(),
            table_name: String::new(),
            file_hash: String::new(),
            read: 118,
            filtered: 0,
            accepted: 98,
            quarantined: 3,
            duplicate: 17,
            superseded: 0,
            combined: 0,
            withdrawn: 0,
        };
        round_accounting(&mut row);
        assert_eq!([row.read, row.filtered, row.accepted, row.quarantined, row.duplicate], [120, 0, 100, 5, 15]);
    }
}
