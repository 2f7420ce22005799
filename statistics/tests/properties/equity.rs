//! Equity statistics: scale, order, symmetry, nesting, and no numbers out of nothing.

use carecoord_statistics::Result;
use carecoord_statistics::equity::{
    Better, Disparity, DisparityOptions, Group, NoEvents, Null, ReferenceGroup, Scale, SlopeIndex, SlopeLimits,
    SlopeOptions, concentration_index, disparity, population_risk, slope_index, widest_credible_gap,
};
use carecoord_statistics::intervals::Interval;
use proptest::prelude::*;

const OPTIONS: DisparityOptions =
    DisparityOptions { per: 100.0, better: Better::Lower, no_events: NoEvents::Keep, confidence: 0.95 };

fn groups() -> impl Strategy<Value = Vec<Group>> {
    proptest::collection::vec((1_u64..400, 1_u64..2000), 3..9).prop_map(|pairs| {
        pairs.into_iter().map(|(events, without)| Group::proportion(events, events + without).unwrap()).collect()
    })
}

fn slope(limits: SlopeLimits, regression: Scale, multiplier: f64) -> SlopeOptions {
    SlopeOptions {
        regression,
        uncertainty: Scale::Linear,
        multiplier,
        no_events: NoEvents::Keep,
        limits,
        confidence: 0.95,
    }
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * (1.0 + a.abs())
}

fn numbers(found: &Disparity) -> Vec<f64> {
    let mut numbers = vec![
        found.overall,
        found.best,
        found.index_of_disparity,
        found.index_of_disparity_weighted,
        found.between_group_variance,
        found.between_group_variance_error,
        found.between_group_sd,
        found.coefficient_of_variation,
        found.theil_index,
        found.mean_difference_from_mean,
        found.mean_difference_from_mean_weighted,
        found.mean_difference_from_best,
        found.mean_difference_from_best_weighted,
    ];
    numbers.extend(found.mean_log_deviation);
    numbers.extend(found.between_group_variance_interval.iter().flat_map(|found| [found.lower, found.upper]));
    numbers
}

fn is_sound(found: &Interval) -> bool {
    found.lower.is_finite() && found.upper.is_finite() && found.lower <= found.value && found.value <= found.upper
}

fn is_sound_slope(found: &SlopeIndex) -> bool {
    is_sound(&found.slope_index)
        && found.relative_index.as_ref().map_or(true, is_sound)
        && found.relative_value.is_none_or(f64::is_finite)
        && found.start.is_finite()
        && found.end.is_finite()
}

proptest! {
    #![proptest_config(crate::tried(60))]

    /// Groups without order have none, and the unit changes only what has a unit.
    #[test]
    fn disparities_have_no_order(groups in groups(), turn in 0_usize..8) {
        let mut other = groups.clone();
        let size = other.len();
        other.rotate_left(turn % size);
        let (one, two) = (disparity(&groups, OPTIONS).unwrap(), disparity(&other, OPTIONS).unwrap());
        for (a, b) in numbers(&one).iter().zip(numbers(&two)) {
            prop_assert!(close(*a, b), "{one:?} {two:?}");
        }
        let plain = disparity(&groups, DisparityOptions { per: 1.0, ..OPTIONS }).unwrap();
        prop_assert!(close(plain.between_group_variance * 1e4, one.between_group_variance));
        prop_assert!(close(plain.theil_index, one.theil_index) && close(plain.index_of_disparity, one.index_of_disparity));
        prop_assert!(numbers(&one).into_iter().take(13).all(|value| value >= 0.0));
    }

    /// Splitting a group into two with the same value leaves every weighted measure as it is.
    #[test]
    fn weighted_measures_do_not_see_how_people_are_split(groups in groups()) {
        let mut split = groups.clone();
        let half = Group { population: split[0].population / 2.0, ..split[0] };
        split[0] = half;
        split.push(half);
        let (one, two) = (disparity(&groups, OPTIONS).unwrap(), disparity(&split, OPTIONS).unwrap());
        prop_assert!(close(one.between_group_variance, two.between_group_variance));
        prop_assert!(close(one.theil_index, two.theil_index) && close(one.index_of_disparity_weighted, two.index_of_disparity_weighted));
        prop_assert!(close(one.mean_log_deviation.unwrap(), two.mean_log_deviation.unwrap()));
    }

    /// The order turned round turns the sign of the slope and inverts the ratio.
    #[test]
    fn a_slope_turned_round_has_the_other_sign(groups in groups()) {
        let turned: Vec<Group> = groups.iter().rev().copied().collect();
        for regression in [Scale::Linear, Scale::Log, Scale::Logit] {
            let options = slope(SlopeLimits::SamplingError, regression, 1.0);
            let (up, down) = (slope_index(&groups, options).unwrap(), slope_index(&turned, options).unwrap());
            prop_assert!(close(up.slope_index.value, -down.slope_index.value) && close(up.slope_index.lower, -down.slope_index.upper));
            let negative = slope_index(&groups, slope(SlopeLimits::SamplingError, regression, -100.0)).unwrap();
            prop_assert!(close(negative.slope_index.value, -100.0 * up.slope_index.value));
            if let (Ok(a), Ok(b), Ok(c)) = (up.relative_index, down.relative_index, negative.relative_index) {
                prop_assert!((a.value * b.value - 1.0).abs() < 1e-9 && (a.upper * b.lower - 1.0).abs() < 1e-9);
                prop_assert!((b.value / c.value - 1.0).abs() < 1e-9);
            }
        }
        let (up, down) = (concentration_index(&groups).unwrap(), concentration_index(&turned).unwrap());
        prop_assert!(close(up, -down) && (-1.0..=1.0).contains(&up));
    }

    /// More confidence, wider limits.
    #[test]
    fn limits_nest(groups in groups()) {
        for limits in [SlopeLimits::SamplingError, SlopeLimits::Residual, SlopeLimits::Simulated { repetitions: 200, seed: 4 }] {
            let at = |confidence| slope_index(&groups, SlopeOptions { confidence, ..slope(limits, Scale::Linear, 1.0) });
            if let (Ok(inner), Ok(outer)) = (at(0.8), at(0.99)) {
                let (inner, outer) = (inner.slope_index, outer.slope_index);
                prop_assert!(outer.lower <= inner.lower && inner.upper <= outer.upper, "{inner:?} {outer:?}");
            }
        }
    }

    /// Draws depend on the seed and not on the threads.
    #[test]
    fn draws_are_the_same_on_any_number_of_threads(groups in groups(), seed in any::<u64>()) {
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| slope_index(&groups, slope(SlopeLimits::Simulated { repetitions: 150, seed }, Scale::Linear, 1.0)))
        };
        prop_assert_eq!(on(1), on(4));
    }

    /// The reference is never compared with itself, and a credible gap never holds "no gap".
    #[test]
    fn a_credible_gap_leaves_no_gap_out(groups in groups(), reference in 0_usize..3) {
        let difference = |group: usize, reference: usize| {
            let (a, b) = (groups[group], groups[reference]);
            let half = 1.96 * a.standard_error.hypot(b.standard_error);
            let value = a.value - b.value;
            let method = carecoord_statistics::intervals::Method::Wilson;
            Ok(Interval { value, lower: value - half, upper: value + half, confidence: 0.95, method })
        };
        let found = widest_credible_gap(&groups, ReferenceGroup::At(reference), Null::Difference, difference).unwrap();
        prop_assert!(found.gaps.iter().all(|gap| gap.group != reference) && found.gaps.len() == groups.len() - 1);
        if let Some(widest) = found.widest {
            let interval = widest.interval.unwrap();
            prop_assert!(interval.lower > 0.0 || interval.upper < 0.0);
        }
    }
}

/// Anything a float can be, and often nothing special.
fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![6 => 0.0..1.0_f64, 2 => (0_i8..3).prop_map(f64::from), 1 => any::<f64>()]
}

proptest! {
    #![proptest_config(crate::tried(400))]

    /// Whatever the numbers: a finite result or a reason.
    #[test]
    fn nothing_panics_and_nothing_is_nan(
        numbers_of in proptest::collection::vec((any_number(), any_number(), any_number()), 0..7),
        confidence in prop_oneof![3 => 0.5..0.99_f64, 1 => any::<f64>()],
        multiplier in prop_oneof![3 => -10.0..10.0_f64, 1 => any::<f64>()],
        seed in any::<u64>(),
    ) {
        let groups: Vec<Group> = numbers_of
            .iter()
            .map(|&(population, value, standard_error)| Group { population, value, standard_error })
            .collect();
        for no_events in [NoEvents::Keep, NoEvents::Exclude, NoEvents::Refuse] {
            let found = disparity(&groups, DisparityOptions { per: multiplier, better: Better::Higher, no_events, confidence });
            if let Ok(found) = found {
                prop_assert!(numbers(&found).iter().all(|value| value.is_finite()), "{found:?}");
            }
            for regression in [Scale::Linear, Scale::Log, Scale::Logit] {
                for uncertainty in [Scale::Linear, Scale::Log, Scale::Logit] {
                    for limits in [SlopeLimits::SamplingError, SlopeLimits::Residual, SlopeLimits::Simulated { repetitions: 100, seed }] {
                        let options = SlopeOptions { regression, uncertainty, multiplier, no_events, limits, confidence };
                        let found: Result<SlopeIndex> = slope_index(&groups, options);
                        prop_assert!(found.as_ref().map_or(true, is_sound_slope), "{found:?}");
                    }
                }
            }
        }
        let index = concentration_index(&groups);
        prop_assert!(index.map_or(true, f64::is_finite));
        for reference in [ReferenceGroup::Largest, ReferenceGroup::Best(Better::Lower), ReferenceGroup::At(5)] {
            if let Ok(found) = population_risk(&groups, reference) {
                prop_assert!(found.overall.is_finite() && found.attributable_risk.is_finite());
                prop_assert!(found.attributable_fraction.is_none_or(f64::is_finite));
            }
        }
    }
}
