//! Standardised rates scale with their multiplier and not with the size of the standard population.

use carecoord_statistics::intervals::CountMethod;
use carecoord_statistics::standardise::{
    DirectMethod, ReferenceStratum, RepeatStratum, Stratum, direct, direct_non_independent, indirect,
};
use proptest::prelude::*;

fn strata() -> impl Strategy<Value = Vec<Stratum>> {
    let stratum = (0_u64..200, 1.0_f64..1e5, 0.0_f64..1e4).prop_map(|(events, population, standard)| Stratum {
        events,
        population,
        standard,
    });
    prop::collection::vec(stratum, 1..12)
}

fn same(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-9 * one.abs().max(other.abs()) + 1e-15
}

proptest! {
    #![proptest_config(crate::tried(64))]

    #[test]
    fn direct_rates_have_no_unit_of_the_standard(strata in strata(), factor in 0.01_f64..100.0) {
        for method in [DirectMethod::Dobson, DirectMethod::FayFeuer] {
            let larger: Vec<Stratum> =
                strata.iter().map(|it| Stratum { standard: it.standard * factor, ..*it }).collect();
            match (direct(&strata, method, 0.95, 1.0), direct(&larger, method, 0.95, 1_000.0)) {
                (Ok(found), Ok(larger)) => {
                    let (rate, other) = (found.rate, larger.rate);
                    prop_assert!(rate.lower <= rate.value && rate.value <= rate.upper, "{found:?}");
                    prop_assert!(same(rate.value * 1_000.0, other.value) && same(rate.upper * 1_000.0, other.upper));
                    let wider = direct(&strata, method, 0.99, 1.0).unwrap().rate;
                    prop_assert!(wider.lower <= rate.lower && rate.upper <= wider.upper);
                    let lowest = strata.iter().map(|it| it.events as f64 / it.population).fold(f64::MAX, f64::min);
                    let highest = strata.iter().map(|it| it.events as f64 / it.population).fold(0.0, f64::max);
                    prop_assert!(lowest * (1.0 - 1e-12) <= rate.value && rate.value <= highest * (1.0 + 1e-12), "a mean of the strata");
                }
                (found, other) => prop_assert!(found.is_err() && other.is_err()),
            }
        }
    }

    /// The same structure everywhere leaves the crude rate.
    #[test]
    fn a_group_with_the_standards_structure_keeps_its_rate(strata in strata()) {
        let alike: Vec<Stratum> = strata.iter().map(|it| Stratum { standard: it.population / 7.0, ..*it }).collect();
        if let Ok(found) = direct(&alike, DirectMethod::FayFeuer, 0.95, 100.0) {
            prop_assert!(same(found.rate.value, found.crude), "{found:?}");
        }
    }

    #[test]
    fn repeated_events_widen(people in prop::collection::vec((1_u64..6, 1_u64..50), 1..6), population in 10.0_f64..1e4) {
        let once: u64 = people.iter().map(|(each, people)| each * people).sum();
        let stratum = |people| [RepeatStratum { people, population, standard: 5.0 }];
        if let Ok(found) = direct_non_independent(&stratum(&people), 0.95, 1.0) {
            let single = direct_non_independent(&stratum(&[(1, once)]), 0.95, 1.0).unwrap();
            prop_assert!(same(found.rate.value, single.rate.value) && found.events == single.events);
            prop_assert!(found.rate.upper >= single.rate.upper * (1.0 - 1e-12));
        } else {
            prop_assert!(once < 10);
        }
    }

    #[test]
    fn indirect_ratios_and_rates_go_together(
        observed in 0_u64..500,
        strata in prop::collection::vec((0.0_f64..1e4, 0_u64..1000, 1.0_f64..1e5), 1..8),
    ) {
        let strata: Vec<ReferenceStratum> = strata
            .into_iter()
            .map(|(population, reference_events, reference_population)| ReferenceStratum {
                population,
                reference_events,
                reference_population,
            })
            .collect();
        for method in [CountMethod::Exact, CountMethod::ByarOrExact] {
            let Ok(found) = indirect(observed, &strata, method, 0.95, 100.0, 1_000.0) else { continue };
            prop_assert!(found.ratio.lower <= found.ratio.value && found.ratio.value <= found.ratio.upper);
            prop_assert!(same(found.ratio.value, observed as f64 / found.expected * 100.0));
            prop_assert!(same(found.rate.upper, found.ratio.upper / 100.0 * found.reference_rate));
        }
    }

    #[test]
    fn nothing_panics_and_nothing_is_nan(
        strata in prop::collection::vec((any::<u64>(), any::<f64>(), any::<f64>()), 0..6),
        observed in 0_u64..10_000, confidence: f64, multiplier: f64,
    ) {
        let direct_strata: Vec<Stratum> =
            strata.iter().map(|&(events, population, standard)| Stratum { events: events % 100_000, population, standard }).collect();
        let tamed: Vec<Stratum> = direct_strata
            .iter()
            .map(|it| Stratum { population: it.population.abs().clamp(1e-3, 1e9), standard: it.standard.abs(), ..*it })
            .collect();
        let reference: Vec<ReferenceStratum> = tamed
            .iter()
            .map(|it| ReferenceStratum {
                population: it.standard,
                reference_events: it.events,
                reference_population: it.population,
            })
            .collect();
        let mut found = Vec::new();
        for (confidence, multiplier) in [(confidence, multiplier), (0.95, 1_000.0)] {
            for method in [DirectMethod::Dobson, DirectMethod::FayFeuer] {
                found.push(direct(&direct_strata, method, confidence, multiplier).map(|found| found.rate));
                found.push(direct(&tamed, method, confidence, multiplier).map(|found| found.rate));
            }
            let ratio = indirect(observed, &reference, CountMethod::ByarOrExact, confidence, multiplier, multiplier);
            found.push(ratio.map(|found| found.ratio));
            found.push(ratio.map(|found| found.rate));
        }
        for rate in found.iter().flatten() {
            prop_assert!(rate.value.is_finite() && rate.lower.is_finite() && rate.upper.is_finite(), "{rate:?}");
        }
    }
}
