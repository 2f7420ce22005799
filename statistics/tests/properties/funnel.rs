//! Funnels narrow with size, nest, and do not depend on the order of their sites.

use carecoord_statistics::funnel::{
    CountSpread, Figure, Levels, Limits, Options, Overdispersion, ProportionLimits, RatioLimits, RatioTransform,
    Signal, Site, Target, control_limits, funnel, ratio_limits_at_observed, ratio_position,
};
use carecoord_statistics::intervals::CountMethod;
use proptest::prelude::*;

const FIGURES: [Figure; 8] = [
    Figure::Proportion { limits: ProportionLimits::Wilson },
    Figure::Proportion { limits: ProportionLimits::Arcsine },
    Figure::Proportion { limits: ProportionLimits::BinomialExact },
    Figure::Ratio { limits: RatioLimits::PoissonExact, transform: RatioTransform::Log },
    Figure::Ratio { limits: RatioLimits::Transformed, transform: RatioTransform::SquareRoot },
    Figure::Rate { limits: RatioLimits::PoissonExact, transform: RatioTransform::SquareRoot },
    Figure::CountRatio { spread: CountSpread::BothCounts },
    Figure::CountRatio { spread: CountSpread::QuarterDenominator },
];

const METHODS: [Overdispersion; 3] =
    [Overdispersion::None, Overdispersion::Winsorised { share: 0.1 }, Overdispersion::Trimmed { share: 0.1 }];

fn sites() -> impl Strategy<Value = Vec<Site>> {
    let site = (0_u32..2_000)
        .prop_flat_map(|size| (0..=u64::from(size), Just(f64::from(size))))
        .prop_map(|(observed, size)| Site { observed, size });
    prop::collection::vec(site, 0..25)
}

fn rising(limits: &Limits) -> bool {
    let four = [limits.alarm_low, limits.alert_low, limits.alert_high, limits.alarm_high];
    four.iter().all(|limit| limit.is_finite() && *limit >= 0.0) && four.windows(2).all(|pair| pair[0] <= pair[1])
}

fn options(overdispersion: Overdispersion) -> Options {
    Options { target: Target::Pooled, levels: Levels::USUAL, overdispersion }
}

fn same(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-9 * one.abs().max(other.abs()) + 1e-12
}

proptest! {
    #![proptest_config(crate::tried(32))]

    #[test]
    fn funnels_are_sound(sites in sites()) {
        for (figure, method) in FIGURES.into_iter().flat_map(|figure| METHODS.map(|method| (figure, method))) {
            let Ok(plot) = funnel(&sites, figure, &options(method)) else { continue };
            prop_assert_eq!(plot.sites.len(), sites.len());
            prop_assert_eq!(plot.sites.iter().filter(|site| site.is_none()).count(), plot.without_size);
            let widened = plot.dispersion.is_some_and(|found| found.is_ok_and(|found| found.is_adjusted()));
            for site in plot.sites.iter().flatten() {
                prop_assert!(rising(&site.limits) && site.adjusted_limits.is_none_or(|limits| rising(&limits)), "{site:?}");
                prop_assert_eq!(Some(site.verdict), if widened { site.adjusted_position } else { Some(site.position) });
                prop_assert!([site.transformed, site.z, site.z_used, site.z_adjusted].iter().flatten().all(|it| it.is_finite()));
                if let (Some(plain), Some(adjusted)) = (site.z, site.z_adjusted) {
                    prop_assert!(adjusted.abs() <= plain.abs() * (1.0 + 1e-12), "allowing for more spread brings no site further out");
                }
            }
            if let Some(Ok(found)) = plot.dispersion {
                prop_assert!(found.phi >= 0.0 && found.tau_squared >= 0.0 && found.used <= found.scored);
            }
        }
    }

    #[test]
    fn the_order_of_the_sites_does_not_matter(sites in sites()) {
        let mut turned = sites.clone();
        turned.reverse();
        for figure in FIGURES {
            let method = options(METHODS[1]);
            if let (Ok(one), Ok(other)) = (funnel(&sites, figure, &method), funnel(&turned, figure, &method)) {
                if let (Some(Ok(one)), Some(Ok(other))) = (one.dispersion, other.dispersion) {
                    prop_assert!(same(one.phi, other.phi) && (one.tau_squared - other.tau_squared).abs() < 1e-9);
                }
                for (one, other) in one.sites.iter().zip(other.sites.iter().rev()) {
                    prop_assert_eq!(one.map(|it| it.limits), other.map(|it| it.limits));
                }
            }
        }
    }

    /// Spread between sites can only widen the limits, more level can only widen them, more size only narrow them.
    #[test]
    fn limits_nest(target in 0.02_f64..0.98, size in 1_u32..3_000) {
        for figure in FIGURES {
            let size = f64::from(size);
            let usual = control_limits(figure, target, size, Levels::USUAL).unwrap();
            let strict = control_limits(figure, target, size, Levels { alert: 0.998, alarm: 0.9999 }).unwrap();
            prop_assert!(rising(&usual) && rising(&strict));
            prop_assert!(same(usual.alarm_low, strict.alert_low) && same(usual.alarm_high, strict.alert_high));
            prop_assert!(usual.alert_low <= target * (1.0 + 1e-9) && target <= usual.alert_high * (1.0 + 1e-9), "{figure:?} {usual:?}");
            if figure != FIGURES[2] {
                // Whole counts make exact limits of proportions a little uneven.
                let larger = control_limits(figure, target, size * 4.0, Levels::USUAL).unwrap();
                prop_assert!(usual.alert_low <= larger.alert_low + 1e-12 && larger.alarm_high <= usual.alarm_high + 1e-12);
            }
        }
    }

    #[test]
    fn exact_limits_of_proportions_mirror(target in 0.02_f64..0.98, size in 1_u32..2_000) {
        let exact = |target| control_limits(FIGURES[2], target, f64::from(size), Levels::USUAL).unwrap();
        let (one, other) = (exact(target), exact(1.0 - target));
        prop_assert!(same(one.alert_low, 1.0 - other.alert_high) && same(one.alarm_high, 1.0 - other.alarm_low));
    }

    #[test]
    fn rates_per_another_unit_are_the_same_funnel(sites in sites(), factor in 0.001_f64..1_000.0) {
        let scaled: Vec<Site> = sites.iter().map(|it| Site { size: it.size * factor, ..*it }).collect();
        for transform in [RatioTransform::Log, RatioTransform::SquareRoot] {
            let figure = Figure::Rate { limits: RatioLimits::PoissonExact, transform };
            if let (Ok(one), Ok(other)) = (funnel(&sites, figure, &options(METHODS[0])), funnel(&scaled, figure, &options(METHODS[0]))) {
                for (one, other) in one.sites.iter().flatten().zip(other.sites.iter().flatten()) {
                    prop_assert!(same(one.limits.alarm_high, other.limits.alarm_high * factor), "{one:?} {other:?}");
                    prop_assert!((one.z.unwrap_or(0.0) - other.z.unwrap_or(0.0)).abs() < 1e-6);
                }
            }
        }
    }

    /// A ratio lies outside by its own interval just when it lies outside the curve through its observed events.
    #[test]
    fn the_contour_divides_within_from_without(observed in 1_u64..2_000, expected in 0.5_f64..2_000.0) {
        let contour = ratio_limits_at_observed(observed, Levels::USUAL).unwrap();
        prop_assert!(rising(&contour.ratio));
        let position = ratio_position(observed, expected, Levels::USUAL, CountMethod::Exact).unwrap();
        let outside = expected > contour.expected.alert_low || expected < contour.expected.alert_high;
        prop_assert_eq!(position.signal != Signal::Within, outside);
    }

    #[test]
    fn nothing_panics_and_nothing_is_nan(
        given in prop::collection::vec((any::<u64>(), any::<f64>()), 0..8), target: f64, alert: f64, alarm: f64, share: f64,
        from: f64, to: f64,
    ) {
        let wild: Vec<Site> = given.iter().map(|&(observed, size)| Site { observed, size }).collect();
        let tamed: Vec<Site> =
            given.iter().map(|&(observed, size)| Site { observed: observed % 100, size: (size.abs() % 1e6).floor() }).collect();
        for figure in FIGURES {
            for levels in [Levels::USUAL, Levels { alert, alarm }] {
                for overdispersion in [Overdispersion::Winsorised { share }, METHODS[2]] {
                    for target in [Target::Pooled, Target::Given(target)] {
                        let options = Options { target, levels, overdispersion };
                        for sites in [&wild, &tamed] {
                            let Ok(plot) = funnel(sites, figure, &options) else { continue };
                            prop_assert!(plot.sites.iter().flatten().all(|site| rising(&site.limits)), "{plot:?}");
                            if let Ok(curve) = plot.curve(from, to, 3).or_else(|_| plot.curve(1.0, 50.0, 5)) {
                                prop_assert!(curve.iter().all(|point| rising(&point.limits)), "{curve:?}");
                            }
                        }
                    }
                }
            }
        }
    }
}
