//! Causal statistics: scale, order, nesting, and no numbers out of nothing.

use carecoord_statistics::Result;
use carecoord_statistics::causal::{
    BootstrapWeights, ClusterAdjustment, Constant, Estimate, EventWindow, GroupsAndPeriods, LinearFit, Panel,
    Permutations, Reference, Regression, Sample, Season, SegmentedOptions, SlopeStart, Variance, WildBootstrapOptions,
    breusch_godfrey, categorical_balance, continuous_balance, durbin_watson, event_study, ljung_box,
    newey_west_bandwidth, permutation_two_by_two, segmented, two_by_two, two_way, wild_cluster_bootstrap,
};
use proptest::prelude::*;

/// A panel of units with a month missing here and there: outcome, unit, period, whether the unit is treated.
fn panel() -> impl Strategy<Value = (Vec<f64>, Vec<usize>, Vec<i64>, Vec<bool>)> {
    (5_usize..9, 4_i64..7).prop_flat_map(|(units, months)| {
        let rows = units * usize::try_from(months).unwrap_or(0);
        (proptest::collection::vec(-50.0..50.0_f64, rows), proptest::collection::vec(0_u8..12, rows)).prop_map(
            move |(values, holes)| {
                let (mut outcome, mut unit, mut period, mut treated) = (vec![], vec![], vec![], vec![]);
                let cells = (0..units).flat_map(|id| (0..months).map(move |month| (id, month)));
                for (((id, month), value), hole) in cells.zip(values).zip(holes) {
                    // The first and last months stay, so that every unit has both periods.
                    if hole > 0 || month == 0 || month == months - 1 {
                        outcome.push(value);
                        unit.push(id);
                        period.push(month);
                        treated.push(id % 2 == 0);
                    }
                }
                (outcome, unit, period, treated)
            },
        )
    })
}

fn all_variances(clusters: &[usize]) -> Vec<Variance<'_>> {
    let cluster = |adjustment| Variance::Cluster { clusters, adjustment };
    vec![
        Variance::Classical,
        Variance::Hc1,
        Variance::Hc3,
        cluster(ClusterAdjustment::None),
        cluster(ClusterAdjustment::Groups),
        cluster(ClusterAdjustment::Stata),
        cluster(ClusterAdjustment::Cr2),
        Variance::NeweyWest { lag: 2, small_sample: true },
    ]
}

fn is_sound(found: &Estimate) -> bool {
    let limits = &found.interval;
    [found.value, found.standard_error, found.statistic, found.p_value, limits.lower, limits.upper]
        .iter()
        .all(|value| value.is_finite())
        && found.standard_error > 0.0
        && (0.0..=1.0).contains(&found.p_value)
        && limits.lower <= found.value
        && found.value <= limits.upper
}

fn late(period: &[i64]) -> Vec<bool> {
    period.iter().map(|month| *month >= 2).collect()
}

fn both(treated: &[bool], post: &[bool]) -> Vec<bool> {
    treated.iter().zip(post).map(|(treated, post)| *treated && *post).collect()
}

fn close(a: f64, b: f64, size: f64) -> bool {
    (a - b).abs() <= 1e-8 * size.max(a.abs())
}

proptest! {
    #![proptest_config(crate::tried(40))]

    /// Another unit and another origin of the outcome change the effect and its error by the unit only.
    #[test]
    fn effects_follow_the_unit_of_the_outcome((outcome, unit, period, treated) in panel(), scale in 0.01..100.0_f64, shift in -1e3..1e3_f64) {
        let other: Vec<f64> = outcome.iter().map(|value| value * scale + shift).collect();
        let under = both(&treated, &late(&period));
        let fit = |outcome: &[f64]| two_way(&Panel { outcome, unit: &unit, period: &period, covariates: &[], weights: None }, &under);
        let (one, two) = (fit(&outcome).unwrap(), fit(&other).unwrap());
        for variance in all_variances(&unit) {
            let effect = |fit: &LinearFit| fit.uncertainty(&variance).and_then(|known| known.coefficient(0, Reference::TResidual, 0.9));
            if let (Ok(a), Ok(b)) = (effect(&one.fit), effect(&two.fit)) {
                prop_assert!(is_sound(&a) && is_sound(&b), "{a:?} {b:?}");
                prop_assert!(close(a.value * scale, b.value, scale + shift.abs()), "{a:?} {b:?}");
                prop_assert!(close(a.standard_error * scale, b.standard_error, scale + shift.abs()), "{a:?} {b:?}");
            }
        }
    }

    /// The order of rows makes no difference, but to a series.
    #[test]
    fn rows_have_no_order((outcome, unit, period, treated) in panel(), turn in 1_usize..20) {
        let turned = |turn: usize| {
            let rows = outcome.len();
            let order: Vec<usize> = (0..rows).map(|row| (row + turn) % rows).collect();
            let pick = |values: &[usize]| -> Vec<usize> { order.iter().map(|&row| values[row]).collect() };
            let outcome: Vec<f64> = order.iter().map(|&row| outcome[row]).collect();
            let period: Vec<i64> = order.iter().map(|&row| period[row]).collect();
            let treated: Vec<bool> = order.iter().map(|&row| treated[row]).collect();
            let unit = pick(&unit);
            let under = both(&treated, &late(&period));
            let panel = Panel { outcome: &outcome, unit: &unit, period: &period, covariates: &[], weights: None };
            let found = two_way(&panel, &under).unwrap();
            let variance = Variance::Cluster { clusters: &unit, adjustment: ClusterAdjustment::Cr2 };
            found.effect(&variance, Reference::Satterthwaite, 0.95)
        };
        if let (Ok(a), Ok(b)) = (turned(0), turned(turn)) {
            prop_assert!(close(a.value, b.value, 1.0) && close(a.interval.lower, b.interval.lower, 1.0), "{a:?} {b:?}");
        }
    }

    /// Swapping treated and comparison turns the sign and nothing else.
    #[test]
    fn the_other_group_has_the_opposite_effect((outcome, unit, period, treated) in panel()) {
        let post = late(&period);
        let swapped: Vec<bool> = treated.iter().map(|treated| !treated).collect();
        let effect = |treated: &[bool]| {
            let data = GroupsAndPeriods { outcome: &outcome, treated, post: &post, covariates: &[], weights: None };
            let variance = Variance::Cluster { clusters: &unit, adjustment: ClusterAdjustment::Stata };
            two_by_two(&data).and_then(|found| found.effect(&variance, Reference::TClusters, 0.95)).unwrap()
        };
        let (one, other) = (effect(&treated), effect(&swapped));
        prop_assert!(close(one.value, -other.value, 1.0) && close(one.standard_error, other.standard_error, 1.0));
        prop_assert!(close(one.p_value, other.p_value, 1.0));
    }

    /// More confidence, wider limits; a t distribution is wider than the normal one.
    #[test]
    fn intervals_nest((outcome, unit, period, treated) in panel()) {
        let under = both(&treated, &late(&period));
        let panel = Panel { outcome: &outcome, unit: &unit, period: &period, covariates: &[], weights: None };
        let found = two_way(&panel, &under).unwrap();
        let at = |reference, confidence| found.effect(&Variance::Hc1, reference, confidence).unwrap().interval;
        let mut inner = at(Reference::Normal, 0.5);
        for confidence in [0.8, 0.95, 0.999] {
            let outer = at(Reference::Normal, confidence);
            let student = at(Reference::TResidual, confidence);
            prop_assert!(outer.lower <= inner.lower && inner.upper <= outer.upper);
            prop_assert!(student.lower <= outer.lower && outer.upper <= student.upper);
            inner = outer;
        }
    }

    /// Draws depend on the seed and not on the threads.
    #[test]
    fn draws_are_the_same_on_any_number_of_threads((outcome, unit, period, treated) in panel(), seed in any::<u64>()) {
        let post = late(&period);
        let data = GroupsAndPeriods { outcome: &outcome, treated: &treated, post: &post, covariates: &[], weights: None };
        let fit = two_by_two(&data).unwrap().fit;
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let options = Permutations { exact_up_to: 1, draws: 60, seed };
                let wild = WildBootstrapOptions { weights: BootstrapWeights::Webb, exact_up_to: 1, draws: 60, seed };
                (permutation_two_by_two(&data, &unit, options), wild_cluster_bootstrap(&fit, 3, &unit, wild))
            })
        };
        let (one, four) = (on(1), on(4));
        prop_assert_eq!(&one, &four);
        let (permuted, wild) = (one.0.unwrap(), one.1.unwrap());
        for p_value in [permuted.p_value, wild.p_value] {
            prop_assert!((1.0 / 61.0..=1.0).contains(&p_value));
        }
        prop_assert!(!permuted.exact && permuted.seed == Some(seed));
    }

    /// The fitted value, its counterfactual and the effect add up, and a later start has fewer effects.
    #[test]
    fn effects_of_a_series_add_up(series in proptest::collection::vec(-20.0..20.0_f64, 14..40), start in 4_usize..9) {
        let options = SegmentedOptions { interruptions: &[start], slope_start: SlopeStart::Zero, season: Season::None };
        let found = segmented(&series, &options).unwrap();
        let effects = found.effects(0, &Variance::NeweyWest { lag: 2, small_sample: true }, Reference::TResidual, 0.95).unwrap();
        prop_assert_eq!(effects.len(), series.len() - start);
        let counterfactual = found.counterfactual(0).unwrap();
        let mut sum = 0.0;
        for effect in &effects {
            sum += effect.effect.value;
            prop_assert!(close(counterfactual[effect.position] + effect.effect.value, found.fit.fitted[effect.position], 1.0));
            prop_assert!(close(effect.cumulative.value, sum, 1.0));
            prop_assert!(is_sound(&effect.effect) && is_sound(&effect.cumulative));
        }
        let watson = durbin_watson(&found.fit.residuals).unwrap();
        prop_assert!((0.0..=4.0).contains(&watson));
        let test = breusch_godfrey(&found.fit, 1).unwrap();
        prop_assert!((0.0..=series.len() as f64).contains(&test.statistic) && (0.0..=1.0).contains(&test.p_value));
    }

    /// Swapped groups have the opposite difference; another unit or origin has the same.
    #[test]
    fn balance_has_no_unit(
        first in proptest::collection::vec(-5.0..5.0_f64, 2..20),
        second in proptest::collection::vec(-5.0..5.0_f64, 2..20),
        scale in 0.01..100.0_f64,
        shift in -100.0..100.0_f64,
    ) {
        let of = |first: &[f64], second: &[f64]| {
            continuous_balance(&Sample { values: first, weights: None }, &Sample { values: second, weights: None })
        };
        let turn = |values: &[f64]| -> Vec<f64> { values.iter().map(|value| value * scale + shift).collect() };
        if let Ok(found) = of(&first, &second) {
            let (other, swapped) = (of(&turn(&first), &turn(&second)).unwrap(), of(&second, &first).unwrap());
            prop_assert!(close(found.standardised_difference, other.standardised_difference, 1.0 + shift.abs() / scale));
            prop_assert!(close(found.standardised_difference, -swapped.standardised_difference, 1.0));
        }
    }

    /// The distance of categories does not depend on their order, and merging nobody's category changes nothing.
    #[test]
    fn categories_have_no_order(
        counts in proptest::collection::vec((1_u32..500, 1_u32..500), 2..7),
        turn in 0_usize..6,
    ) {
        let distance = |counts: &[(u32, u32)]| {
            let first: Vec<f64> = counts.iter().map(|pair| f64::from(pair.0)).collect();
            let second: Vec<f64> = counts.iter().map(|pair| f64::from(pair.1)).collect();
            categorical_balance(&first, &second).unwrap().standardised_difference
        };
        let mut other = counts.clone();
        let size = other.len();
        other.rotate_left(turn % size);
        other.push((0, 0));
        prop_assert!((distance(&counts) - distance(&other)).abs() < 1e-9);
    }
}

/// Anything a float can be, and often nothing special.
fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => (-3_i8..4).prop_map(f64::from),
        4 => -1e3..1e3_f64,
        2 => any::<f64>(),
    ]
}

proptest! {
    #![proptest_config(crate::tried(150))]

    /// Whatever the numbers: a finite result or a reason.
    #[test]
    fn nothing_panics_and_nothing_is_nan(
        outcome in proptest::collection::vec(any_number(), 0..24),
        column in proptest::collection::vec(any_number(), 0..24),
        weights in proptest::collection::vec(prop_oneof![4 => 0.1..5.0_f64, 1 => any_number()], 0..24),
        labels in proptest::collection::vec(0_usize..5, 24),
        months in proptest::collection::vec(prop_oneof![9 => 0_i64..5, 1 => any::<i64>()], 24),
        flags in proptest::collection::vec(any::<(bool, bool)>(), 24),
        lag in 0_usize..30,
        confidence in prop_oneof![3 => 0.5..0.99_f64, 1 => any_number()],
        same_length in 0_u8..5,
    ) {
        let rows = outcome.len();
        // Most of the time lengths agree, or little would ever be computed.
        let fitted = |mut values: Vec<f64>| { if same_length > 0 { values.resize(rows, 1.0); } values };
        let (columns, weights) = (vec![fitted(column)], fitted(weights));
        let (labels, months) = (&labels[..rows], &months[..rows]);
        let (treated, post): (Vec<bool>, Vec<bool>) = flags[..rows].iter().copied().unzip();
        let mut found: Vec<Result<Estimate>> = Vec::new();
        let mut fits: Vec<LinearFit> = Vec::new();
        for weights in [None, Some(weights.as_slice())] {
            for constant in [Constant::None, Constant::Intercept, Constant::PerUnit(labels)] {
                fits.extend(Regression { outcome: &outcome, columns: &columns, constant, nuisance: &[], weights }.fit());
            }
            let panel = Panel { outcome: &outcome, unit: labels, period: months, covariates: &columns, weights };
            fits.extend(two_way(&panel, &treated).map(|found| found.fit));
            let starts: Vec<Option<i64>> = labels.iter().map(|label| (label % 2 == 0).then_some(2)).collect();
            let window = EventWindow { reference: -1, earliest: -3, latest: 2 };
            if let Ok(study) = event_study(&panel, &starts, window) {
                if let Ok(test) = study.parallel_trends(&Variance::Hc1, Reference::TResidual) {
                    prop_assert!((0.0..=1.0).contains(&test.p_value), "{test:?}");
                }
                fits.push(study.fit);
            }
            let data = GroupsAndPeriods { outcome: &outcome, treated: &treated, post: &post, covariates: &[], weights };
            fits.extend(two_by_two(&data).map(|found| found.fit));
            let options = Permutations { exact_up_to: 100, draws: 20, seed: 1 };
            if let Ok(test) = permutation_two_by_two(&data, labels, options) {
                prop_assert!((0.0..=1.0).contains(&test.p_value) && test.effect.is_finite(), "{test:?}");
            }
        }
        let season = if lag % 2 == 0 { Season::None } else { Season::CalendarMonths { first: 3 } };
        let series = SegmentedOptions { interruptions: &[lag / 2, lag], slope_start: SlopeStart::One, season };
        if let Ok(series) = segmented(&outcome, &series) {
            for effect in series.effects(0, &Variance::NeweyWest { lag: 1, small_sample: false }, Reference::TResidual, 0.95).into_iter().flatten() {
                found.extend([Ok(effect.effect), Ok(effect.cumulative)]);
            }
            fits.push(series.fit);
        }
        for fit in &fits {
            let numbers = fit.coefficients.iter().chain(&fit.fitted).chain(&fit.residuals).chain(&fit.r_squared);
            prop_assert!(numbers.chain([&fit.residual_sd]).all(|value| value.is_finite()), "{fit:?}");
            let mut variances = all_variances(labels);
            variances.push(Variance::NeweyWest { lag, small_sample: false });
            for variance in variances {
                let Ok(known) = fit.uncertainty(&variance) else { continue };
                for position in 0..=fit.coefficients.len() {
                    for reference in [Reference::Normal, Reference::TResidual, Reference::TClusters, Reference::Satterthwaite] {
                        found.push(known.coefficient(position, reference, confidence));
                    }
                }
            }
            for weights in [BootstrapWeights::Rademacher, BootstrapWeights::Webb] {
                let options = WildBootstrapOptions { weights, exact_up_to: 40, draws: 10, seed: 1 };
                if let Ok(test) = wild_cluster_bootstrap(fit, 0, labels, options) {
                    prop_assert!((0.0..=1.0).contains(&test.p_value) && test.statistic.is_finite(), "{test:?}");
                }
            }
            for number in [durbin_watson(&fit.residuals), newey_west_bandwidth(&fit.residuals, &columns)].into_iter().flatten() {
                prop_assert!(number.is_finite());
            }
            for test in [breusch_godfrey(fit, lag), ljung_box(&fit.residuals, lag, 0)].into_iter().flatten() {
                prop_assert!(test.statistic.is_finite() && (0.0..=1.0).contains(&test.p_value), "{test:?}");
            }
        }
        for estimate in found.iter().flatten() {
            prop_assert!(is_sound(estimate), "{estimate:?}");
        }
        for balance in [
            continuous_balance(&Sample { values: &outcome, weights: None }, &Sample { values: &columns[0], weights: None }),
            continuous_balance(&Sample { values: &outcome, weights: Some(&weights) }, &Sample { values: &columns[0], weights: None }),
        ].into_iter().flatten() {
            prop_assert!(balance.standardised_difference.is_finite() && balance.variance_ratio.is_none_or(f64::is_finite));
        }
        if let Ok(balance) = categorical_balance(&outcome, &columns[0]) {
            prop_assert!(balance.standardised_difference.is_finite());
        }
    }
}
