//! Intervals enclose, nest, mirror and scale; whatever is asked, the answer is a number or a reason.

use carecoord_statistics::intervals::{
    CountMethod, Events, FirstGroup, Interval, Method, Part, ScoreVariance, agresti_coull, clopper_pearson,
    difference_agresti_caffo, difference_newcombe, difference_score, difference_wald, jeffreys, median_interval,
    odds_ratio_wald, quantile_groups, quantile_interval, rate_difference_wald, rate_ratio_exact, rate_ratio_mid_p_test,
    rate_ratio_test, rate_ratio_wald, risk_ratio_score, risk_ratio_wald, risk_ratio_wald_adjusted,
    two_proportions_test, wald, wilson, wilson_continuity,
};
use carecoord_statistics::{Result, StatisticsError};
use proptest::prelude::*;

type OfProportion = fn(u64, u64, f64) -> Result<Interval>;
type OfParts = fn(Part, Part, f64) -> Result<Interval>;

const PROPORTIONS: [OfProportion; 6] = [wilson, wilson_continuity, clopper_pearson, agresti_coull, jeffreys, wald];

fn score(group: Part, reference: Part, confidence: f64) -> Result<Interval> {
    difference_score(group, reference, confidence, ScoreVariance::MiettinenNurminen)
}

fn mee(group: Part, reference: Part, confidence: f64) -> Result<Interval> {
    difference_score(group, reference, confidence, ScoreVariance::Plain)
}

fn ratio_score(group: Part, reference: Part, confidence: f64) -> Result<Interval> {
    risk_ratio_score(group, reference, confidence, ScoreVariance::MiettinenNurminen)
}

const DIFFERENCES: [OfParts; 5] = [difference_newcombe, difference_agresti_caffo, difference_wald, score, mee];
const RATIOS: [OfParts; 4] = [risk_ratio_wald, risk_ratio_wald_adjusted, odds_ratio_wald, ratio_score];

fn part() -> impl Strategy<Value = Part> {
    (1_u64..400)
        .prop_flat_map(|denominator| (0..=denominator).prop_map(move |numerator| Part { numerator, denominator }))
}

fn turned(part: Part) -> Part {
    Part { numerator: part.denominator - part.numerator, denominator: part.denominator }
}

fn events() -> impl Strategy<Value = Events> {
    (0_u64..300, 0.1_f64..1e5).prop_map(|(count, exposure)| Events { count, exposure })
}

fn is_sound(interval: &Interval) -> bool {
    [interval.value, interval.lower, interval.upper].iter().all(|number| number.is_finite())
        && interval.lower <= interval.upper
}

/// Equal but for rounding, which searches stop at.
fn same(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-9 * one.abs().max(other.abs()) + 1e-9
}

/// Whether the second lies within the first, but for rounding.
fn holds(outer: &Interval, inner: &Interval) -> bool {
    let slack = 1e-9 * (outer.upper - outer.lower).abs() + 1e-12;
    outer.lower <= inner.lower + slack && inner.upper <= outer.upper + slack
}

proptest! {
    #![proptest_config(crate::tried(64))]

    #[test]
    fn proportions_nest_and_mirror(part in part(), confidence in 0.5_f64..0.999) {
        for method in PROPORTIONS {
            let found = method(part.numerator, part.denominator, confidence).unwrap();
            prop_assert!(is_sound(&found) && 0.0 <= found.lower && found.upper <= 1.0, "{found:?}");
            let edge = part.numerator == 0 || part.numerator == part.denominator;
            prop_assert!((edge && found.method == Method::Jeffreys) || (found.lower <= found.value && found.value <= found.upper));
            let wider = method(part.numerator, part.denominator, confidence.midpoint(1.0)).unwrap();
            prop_assert!(holds(&wider, &found), "{wider:?} {found:?}");
            let mirror = method(part.denominator - part.numerator, part.denominator, confidence).unwrap();
            prop_assert!(same(found.lower, 1.0 - mirror.upper) && same(found.upper, 1.0 - mirror.lower), "{found:?}");
        }
        let (plain, corrected) = (
            wilson(part.numerator, part.denominator, confidence).unwrap(),
            wilson_continuity(part.numerator, part.denominator, confidence).unwrap(),
        );
        prop_assert!(holds(&corrected, &plain), "a correction widens");
    }

    #[test]
    fn differences_nest_and_turn_their_sign(group in part(), reference in part(), confidence in 0.8_f64..0.999) {
        for method in DIFFERENCES {
            let Ok(found) = method(group, reference, confidence) else {
                // Only the simple one may refuse, when it would have no width.
                prop_assert!(difference_wald(group, reference, confidence).is_err());
                continue;
            };
            prop_assert!(is_sound(&found), "{found:?}");
            let wider = method(group, reference, confidence.midpoint(1.0)).unwrap();
            prop_assert!(holds(&wider, &found), "{wider:?} {found:?}");
            for swapped in [method(reference, group, confidence).unwrap(), method(turned(group), turned(reference), confidence).unwrap()] {
                prop_assert!(same(found.lower, -swapped.upper) && same(found.upper, -swapped.lower), "{found:?} {swapped:?}");
            }
        }
        for method in [difference_newcombe, score, mee] {
            let found = method(group, reference, confidence).unwrap();
            prop_assert!(found.lower <= found.value && found.value <= found.upper);
            prop_assert!(-1.0 <= found.lower && found.upper <= 1.0, "{found:?}");
        }
    }

    #[test]
    fn ratios_nest_and_turn_over(group in part(), reference in part(), confidence in 0.8_f64..0.999) {
        for method in RATIOS {
            let Ok(found) = method(group, reference, confidence) else { continue };
            prop_assert!(is_sound(&found) && found.lower >= 0.0, "{found:?}");
            prop_assert!(found.lower <= found.value && found.value <= found.upper);
            let wider = method(group, reference, confidence.midpoint(1.0)).unwrap();
            prop_assert!(holds(&wider, &found), "{wider:?} {found:?}");
            if found.lower > 0.0 {
                let over = method(reference, group, confidence).unwrap();
                prop_assert!(same(found.lower * over.upper, 1.0) && same(found.upper * over.lower, 1.0), "{found:?} {over:?}");
            }
        }
        let has_ratio = ratio_score(group, reference, confidence).is_ok();
        prop_assert_eq!(has_ratio, reference.numerator > 0);
    }

    /// A score interval excludes no difference just when its test would, at the same level.
    #[test]
    fn the_score_interval_without_its_factor_is_the_test_turned_inside_out(group in part(), reference in part()) {
        if let (Ok(found), Ok(test)) = (mee(group, reference, 0.95), two_proportions_test(group, reference))
            && (test.p_value - 0.05).abs() > 1e-6
        {
            prop_assert_eq!(found.lower > 0.0 || found.upper < 0.0, test.p_value < 0.05);
        }
    }

    #[test]
    fn rates_scale_with_their_exposure(group in events(), reference in events(), factor in 0.01_f64..100.0) {
        let scaled = |it: Events| Events { exposure: it.exposure * factor, ..it };
        for method in [rate_ratio_wald, rate_ratio_exact] {
            match (method(group, reference, 0.95), method(scaled(group), scaled(reference), 0.95)) {
                (Ok(found), Ok(other)) => {
                    prop_assert!(is_sound(&found) && found.lower <= found.value && found.value <= found.upper);
                    prop_assert!(same(found.lower / found.upper, other.lower / other.upper), "a ratio has no unit");
                }
                (found, other) => prop_assert!(found.is_err() && other.is_err()),
            }
        }
        if let Ok(found) = rate_difference_wald(group, reference, 0.95) {
            let other = rate_difference_wald(scaled(group), scaled(reference), 0.95).unwrap();
            prop_assert!(same(found.lower / found.upper, other.lower / other.upper), "{found:?} {other:?}");
        }
        if let Ok(test) = rate_ratio_test(group, reference) {
            let swapped = rate_ratio_test(reference, group).unwrap();
            prop_assert!((0.0..=1.0).contains(&test.p_value) && same(test.p_value, swapped.p_value));
            let mid = rate_ratio_mid_p_test(group, reference).unwrap().p_value;
            prop_assert!((0.0..=1.0).contains(&mid));
            prop_assert!(same(mid, rate_ratio_mid_p_test(reference, group).unwrap().p_value));
        }
        for method in [CountMethod::Exact, CountMethod::Byar, CountMethod::ByarOrExact] {
            if let Ok(found) = method.rate(group.count, group.exposure, 0.95) {
                prop_assert!(is_sound(&found) && found.lower <= found.value && found.value <= found.upper);
            }
        }
    }

    #[test]
    fn quantiles_lie_among_their_values(values in prop::collection::vec(-1e6_f64..1e6, 0..120), probability in 0.05_f64..0.95) {
        match quantile_interval(&values, probability, 0.9) {
            Ok(found) => {
                prop_assert!(is_sound(&found.interval) && found.coverage >= 0.9 - 1e-12, "{found:?}");
                prop_assert!(found.lower_rank <= found.upper_rank && found.upper_rank <= values.len() as u64);
                prop_assert!(values.contains(&found.interval.lower) && values.contains(&found.interval.upper));
                let mut shuffled = values.clone();
                shuffled.reverse();
                prop_assert_eq!(quantile_interval(&shuffled, probability, 0.9).unwrap(), found, "order does not matter");
                let moved: Vec<f64> = values.iter().map(|value| 3.0 * value).collect();
                let moved = quantile_interval(&moved, probability, 0.9).unwrap().interval;
                prop_assert!(same(moved.value, 3.0 * found.interval.value) && same(moved.upper, 3.0 * found.interval.upper));
            }
            Err(StatisticsError::TooFew { found, needed, .. }) => {
                prop_assert!(found < needed);
                let enough: Vec<f64> = (0..needed).map(|value| value as f64).collect();
                prop_assert!(quantile_interval(&enough, probability, 0.9).is_ok(), "as many as it said");
            }
            Err(reason) => prop_assert!(values.is_empty(), "{reason}"),
        }
    }

    #[test]
    fn groups_are_of_equal_size_and_in_order(values in prop::collection::vec(prop::option::of(-50_i32..50), 0..100), groups in 1_u32..12) {
        let values: Vec<Option<f64>> = values.into_iter().map(|value| value.map(f64::from)).collect();
        let Ok(found) = quantile_groups(&values, groups, FirstGroup::Lowest) else {
            prop_assert!(values.iter().flatten().count() < groups as usize);
            return Ok(());
        };
        for (value, group) in values.iter().zip(&found) {
            prop_assert_eq!(value.is_some(), group.is_some());
            prop_assert!(group.is_none_or(|group| (1..=groups).contains(&group)));
            for (other, its_group) in values.iter().zip(&found) {
                if let (Some(value), Some(other)) = (value, other) {
                    prop_assert!(value > other || group <= its_group, "a higher value is in no lower group");
                }
            }
        }
    }

    /// Anything at all: numbers that are not finite, counts that cannot be.
    #[test]
    fn nothing_panics_and_nothing_is_nan(
        numerator: u64, denominator: u64, other: u64, exposure: f64, confidence: f64,
        values in prop::collection::vec(any::<f64>(), 0..40),
    ) {
        // The exact methods take their time with huge counts; these are for the properties above.
        let small = |count: u64| count % 5000;
        let (group, reference) = (
            Part { numerator, denominator }, Part { numerator: small(numerator), denominator: small(other) });
        for confidence in [confidence, 0.95] {
            let mut found = Vec::new();
            for method in PROPORTIONS {
                found.push(method(reference.numerator, reference.denominator, confidence));
            }
            for method in [wilson, wilson_continuity, agresti_coull, wald] {
                found.push(method(numerator, denominator, confidence));
            }
            for method in DIFFERENCES.into_iter().chain(RATIOS) {
                found.push(method(group, reference, confidence));
                found.push(method(reference, group, confidence));
            }
            let (events, others) = (
                Events { count: small(numerator), exposure }, Events { count: small(other), exposure: exposure.abs() });
            for method in [rate_ratio_wald, rate_ratio_exact, rate_difference_wald] {
                found.push(method(events, others, confidence));
            }
            found.push(median_interval(&values, confidence).map(|found| found.interval));
            found.push(quantile_interval(&values, exposure, confidence).map(|found| found.interval));
            for interval in found.iter().flatten() {
                prop_assert!(is_sound(interval), "{interval:?}");
            }
            for test in [rate_ratio_test(events, others), two_proportions_test(group, reference)].iter().flatten() {
                prop_assert!((0.0..=1.0).contains(&test.p_value), "{test:?}");
            }
        }
    }
}
