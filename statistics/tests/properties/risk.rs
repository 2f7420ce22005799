//! Risk models: scale, order, symmetry, nesting, and no panic or `NaN` from any slice.

use carecoord_statistics::Result;
use carecoord_statistics::risk::{
    Bootstrap, BootstrapOptions, ClusterAdjustment, Design, Groups, HosmerLemeshowSample, LogisticOptions,
    MixedOptions, Robust, Tally, bootstrap_rates, brier, c_statistic, calibration_line, hosmer_lemeshow, logistic,
    observed_expected, predict, random_intercept, ratio_from_published_intercepts, robust_covariance,
    standardised_ratios, tally,
};
use proptest::prelude::*;

/// Patients with an age, a condition, a clinic and an outcome whose risk rises with both and differs between clinics.
#[derive(Debug, Clone)]
struct Patients {
    rows: Vec<[f64; 2]>,
    clinics: Vec<usize>,
    outcome: Vec<bool>,
}

impl Patients {
    fn values(&self) -> Vec<f64> {
        self.rows.iter().flat_map(|[age, condition]| [1.0, *age, *condition]).collect()
    }

    fn groups(&self) -> Groups {
        Groups::from_labels(&self.clinics).unwrap().0
    }
}

fn patients(rows: usize) -> impl Strategy<Value = Patients> {
    prop::collection::vec((-2.0..2.0_f64, any::<bool>(), 0..6_usize, 0.0..1.0_f64), rows).prop_map(|drawn| {
        let mut patients = Patients { rows: Vec::new(), clinics: Vec::new(), outcome: Vec::new() };
        for (age, condition, clinic, chance) in drawn {
            let condition = f64::from(u8::from(condition));
            let log_odds = -1.0 + 0.5 * age + 0.7 * condition + 0.5 * (clinic as f64 - 2.5);
            patients.rows.push([age, condition]);
            patients.clinics.push(clinic);
            patients.outcome.push(chance < 1.0 / (1.0 + (-log_odds).exp()));
        }
        patients
    })
}

fn close(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance * (1.0 + a.abs().max(b.abs()))
}

fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

proptest! {
    #![proptest_config(crate::tried(24))]

    /// Units: a column times c has its coefficient divided by c; everything else stays. Swapping yes and no turns signs.
    #[test]
    fn units_and_sides_do_not_matter(patients in patients(200), scale in 0.01..100.0_f64) {
        let values = patients.values();
        let design = Design::new(&values, 3).unwrap();
        let Ok(fit) = logistic(&design, &patients.outcome, LogisticOptions::STRICT) else { return Ok(()) };
        let scaled: Vec<f64> = values.chunks(3).flat_map(|row| [row[0], row[1] * scale, row[2]]).collect();
        let other = logistic(&Design::new(&scaled, 3).unwrap(), &patients.outcome, LogisticOptions::STRICT).unwrap();
        prop_assert!(close(other.coefficients[1].estimate * scale, fit.coefficients[1].estimate, 1e-8));
        prop_assert!(close(other.coefficients[1].z, fit.coefficients[1].z, 1e-7));
        prop_assert!(close(other.log_likelihood, fit.log_likelihood, 1e-11));
        let turned: Vec<bool> = patients.outcome.iter().map(|event| !event).collect();
        let turned = logistic(&design, &turned, LogisticOptions::STRICT).unwrap();
        for (a, b) in fit.coefficients.iter().zip(&turned.coefficients) {
            prop_assert!(close(a.estimate, -b.estimate, 1e-9) && close(a.standard_error, b.standard_error, 1e-8));
        }
    }

    /// A fitted model expects as many events as there were, and its deviance is below that of the overall rate.
    #[test]
    fn a_fit_balances(patients in patients(200)) {
        let values = patients.values();
        let design = Design::new(&values, 3).unwrap();
        let Ok(fit) = logistic(&design, &patients.outcome, LogisticOptions::STRICT) else { return Ok(()) };
        prop_assert!(close(fit.fitted.iter().sum(), fit.events as f64, 1e-8));
        prop_assert!(fit.deviance <= fit.null_deviance + 1e-9);
        prop_assert_eq!(&predict(&design, &fit.estimates()).unwrap(), &fit.fitted);
        let (inner, outer) = (fit.coefficients[1].wald(0.9).unwrap(), fit.coefficients[1].wald(0.99).unwrap());
        prop_assert!(outer.lower < inner.lower && inner.upper < outer.upper);
        // Rows that are each their own cluster are independent rows.
        let alone = Groups::from_codes((0..patients.outcome.len()).collect()).unwrap();
        let robust = |estimator| robust_covariance(&design, &patients.outcome, &fit, estimator).unwrap().covariance;
        let cluster = |adjustment| robust(Robust::Cluster { clusters: &alone, adjustment });
        for (a, b) in robust(Robust::Hc0).values().iter().zip(cluster(ClusterAdjustment::None).values()) {
            prop_assert!(close(*a, *b, 1e-10));
        }
        prop_assert!(cluster(ClusterAdjustment::Clusters).values()[0] > cluster(ClusterAdjustment::None).values()[0]);
    }

    /// The c-statistic depends on the order alone, counts as pairs one by one, and turns over with the outcome.
    #[test]
    fn discrimination_is_a_matter_of_order(
        pairs in prop::collection::vec((any::<bool>(), 0..30_u8), 2..80)
    ) {
        let outcome: Vec<bool> = pairs.iter().map(|pair| pair.0).collect();
        let predicted: Vec<f64> = pairs.iter().map(|pair| f64::from(pair.1) / 30.0).collect();
        let Ok(c) = c_statistic(&outcome, &predicted) else { return Ok(()) };
        let (mut sum, mut count) = (0.0, 0.0);
        let of = |event: bool| {
            let all = outcome.iter().zip(&predicted);
            all.filter(move |(with, _)| **with == event).map(|(_, p)| *p)
        };
        for a in of(true) {
            for b in of(false) {
                sum += if a > b { 1.0 } else if a < b { 0.0 } else { 0.5 };
                count += 1.0;
            }
        }
        prop_assert!(close(c, sum / count, 1e-14));
        let cubes: Vec<f64> = predicted.iter().map(|p| p.powi(3)).collect();
        prop_assert_eq!(c_statistic(&outcome, &cubes), Ok(c));
        let turned: Vec<bool> = outcome.iter().map(|event| !event).collect();
        prop_assert!(close(c_statistic(&turned, &predicted).unwrap(), 1.0 - c, 1e-14));
    }

    /// Every patient is in one risk group, groups follow each other, and equal predictions share a group.
    #[test]
    fn risk_groups_divide_the_patients(
        pairs in prop::collection::vec((any::<bool>(), 1..40_u8), 10..200), groups in 3..12_usize
    ) {
        let outcome: Vec<bool> = pairs.iter().map(|pair| pair.0).collect();
        let predicted: Vec<f64> = pairs.iter().map(|pair| f64::from(pair.1) / 41.0).collect();
        let Ok(table) = hosmer_lemeshow(&outcome, &predicted, groups, HosmerLemeshowSample::Development) else {
            return Ok(());
        };
        prop_assert!(table.groups.len() <= groups && (0.0..=1.0).contains(&table.p_value) && table.statistic >= 0.0);
        prop_assert_eq!(table.groups.iter().map(|group| group.rows).sum::<u64>(), outcome.len() as u64);
        prop_assert!(table.groups.windows(2).all(|pair| pair[0].highest < pair[1].lowest));
    }

    /// Observed over expected: intervals nest, hold the ratio, and do not depend on how patients are ordered.
    #[test]
    fn observed_over_expected_nests(observed in 0..400_u64, more in 0..400_u64, expected in 0.01..500.0_f64) {
        let tally = Tally { rows: observed + more + 1, observed, expected, variance: expected * 0.9 };
        let narrow = observed_expected(&tally, 0.2, 0.8).unwrap();
        let wide = observed_expected(&tally, 0.2, 0.95).unwrap();
        prop_assert!(wide.exact.lower <= narrow.exact.lower && narrow.exact.upper < wide.exact.upper);
        prop_assert!(wide.exact.lower <= wide.exact.value && wide.exact.value < wide.exact.upper);
        if let (Ok(narrow), Ok(wide)) = (narrow.byar, wide.byar) {
            prop_assert!(wide.lower <= narrow.lower && narrow.upper < wide.upper);
        }
        prop_assert!(close(wide.risk_adjusted_rate, 0.2 * wide.exact.value, 1e-14));
    }

    /// Numbers of any kind, in slices of any length: an error or finite numbers, never a panic.
    #[test]
    fn nothing_panics_or_turns_to_nan(
        values in prop::collection::vec(prop_oneof![
            4 => -3.0..3.0_f64, 2 => Just(1.0), 1 => Just(0.0), 1 => any::<f64>()
        ], 0..60),
        outcome in prop::collection::vec(any::<bool>(), 0..60),
        codes in prop::collection::vec(0..4_usize, 0..60),
        columns in 0..4_usize,
        exact in any::<bool>(),
    ) {
        let Ok(design) = Design::new(&values, columns) else { return Ok(()) };
        // Half of the time lengths that belong together, so that more than the check of lengths is tried.
        let fit_to = |length: usize| if exact { design.rows() } else { length };
        let outcome: Vec<bool> = outcome.iter().copied().cycle().take(if outcome.is_empty() { 0 } else { fit_to(outcome.len()) }).collect();
        let codes: Vec<usize> = codes.iter().copied().cycle().take(if codes.is_empty() { 0 } else { fit_to(codes.len()) }).collect();
        let groups = Groups::from_labels(&codes);
        if let Ok(fit) = logistic(&design, &outcome, LogisticOptions::STRICT) {
            let numbers = fit.coefficients.iter().flat_map(|c| [c.estimate, c.standard_error, c.z, c.p_value]);
            prop_assert!(numbers.chain(fit.fitted.iter().copied()).all(f64::is_finite));
            prop_assert!(fit.log_likelihood.is_finite() && fit.null_deviance.is_finite());
            let _ = calibration_line(&outcome, &fit.fitted, LogisticOptions::STRICT);
            if let Ok((groups, _)) = &groups {
                let cluster = Robust::Cluster { clusters: groups, adjustment: ClusterAdjustment::Clusters };
                let robust = robust_covariance(&design, &outcome, &fit, cluster);
                prop_assert!(robust.map_or(true, |robust| robust.covariance.values().iter().all(|v| v.is_finite())));
            }
        }
        if let Ok((groups, _)) = &groups
            && let Ok(fit) = random_intercept(&design, &outcome, groups, MixedOptions::LAPLACE) {
            let numbers = fit.coefficients.iter().flat_map(|c| [c.estimate, c.standard_error, c.z, c.p_value]);
            prop_assert!(numbers.chain([fit.sd, fit.log_likelihood, fit.median_odds_ratio]).all(f64::is_finite));
            let ratios = standardised_ratios(&design, &outcome, groups, &fit);
            prop_assert!(ratios.map_or(true, |ratios| ratios.iter().all(|r| r.ratio.is_finite() && r.rate.is_finite())));
        }
        prop_assert!(brier(&outcome, &values).map_or(true, f64::is_finite));
        prop_assert!(c_statistic(&outcome, &values).map_or(true, f64::is_finite));
        prop_assert!(ratio_from_published_intercepts(&values, -2.0, -1.9).map_or(true, |found| found.ratio.is_finite()));
        if let Ok((groups, _)) = &groups {
            let _ = tally(&outcome, &values, groups);
        }
    }
}

proptest! {
    #![proptest_config(crate::tried(6))]

    /// Random intercepts: the order of rows and the names of clinics do not matter; more points change little; the
    /// likelihood is at least that of a model without clinics.
    #[test]
    fn clinics_keep_their_intercepts(patients in patients(240), shift in 1..239_usize) {
        let values = patients.values();
        let design = Design::new(&values, 3).unwrap();
        let Ok(fit) = random_intercept(&design, &patients.outcome, &patients.groups(), MixedOptions::LAPLACE) else {
            return Ok(());
        };
        let ordinary = logistic(&design, &patients.outcome, LogisticOptions::STRICT).unwrap();
        prop_assert!(fit.log_likelihood >= ordinary.log_likelihood - 1e-9);
        prop_assert_eq!(fit.boundary, fit.sd == 0.0);

        let mut other = patients.clone();
        other.rows.rotate_left(shift);
        other.clinics.rotate_left(shift);
        other.outcome.rotate_left(shift);
        let turned = other.values();
        let again =
            random_intercept(&Design::new(&turned, 3).unwrap(), &other.outcome, &other.groups(), MixedOptions::LAPLACE);
        let again = again.unwrap();
        prop_assert!(close(again.sd, fit.sd, 1e-5) && close(again.log_likelihood, fit.log_likelihood, 1e-9));
        for (a, b) in fit.intercepts.iter().zip(&again.intercepts) {
            prop_assert!(close(a.mode, b.mode, 1e-5));
        }
        let finer = random_intercept(&design, &patients.outcome, &patients.groups(), MixedOptions::adaptive(7)).unwrap();
        prop_assert!(close(finer.log_likelihood, fit.log_likelihood, 1e-2));
    }
}

fn bootstrap(patients: &Patients, seed: u64) -> Result<Bootstrap> {
    let values = patients.values();
    let design = Design::new(&values, 3)?;
    let groups = patients.groups();
    let fit = random_intercept(&design, &patients.outcome, &groups, MixedOptions::LAPLACE)?;
    let refit = MixedOptions { tolerance: 1e-4, ..MixedOptions::LAPLACE };
    let options = BootstrapOptions { replicates: 30, seed, confidence: 0.8, refit };
    bootstrap_rates(&design, &patients.outcome, &groups, &fit, options)
}

proptest! {
    #![proptest_config(crate::tried(3))]

    /// The same seed gives the same numbers to the last digit on one thread and on four; another seed gives others.
    #[test]
    fn results_do_not_depend_on_threads(patients in patients(150), seed in any::<u64>()) {
        let (one, four) = (on_threads(1, || bootstrap(&patients, seed)), on_threads(4, || bootstrap(&patients, seed)));
        prop_assert_eq!(&one, &four);
        if let Ok(one) = one {
            prop_assert_ne!(Ok(one), bootstrap(&patients, seed.wrapping_add(1)));
        }
    }
}

/// A design of several pieces: sums are added in the order of the rows whatever the threads.
#[test]
fn a_large_fit_does_not_depend_on_threads() {
    let rows: u32 = 20_000;
    let values: Vec<f64> = (0..rows).flat_map(|i| [1.0, f64::from(i % 97) / 31.0, f64::from(i % 13) / 7.0]).collect();
    let outcome: Vec<bool> = (0..rows).map(|i| (i * 7919) % 101 < 10 + i % 97 / 4).collect();
    let fit = || logistic(&Design::new(&values, 3).unwrap(), &outcome, LogisticOptions::STRICT).unwrap();
    let (one, four) = (on_threads(1, fit), on_threads(4, fit));
    assert_eq!(one, four);
    assert!(one.iterations < 10);
}
