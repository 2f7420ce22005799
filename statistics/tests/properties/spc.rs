use carecoord_statistics::spc::boxes::{best_box, cut_box};
use carecoord_statistics::spc::chart::{Chart, Kind, Options, Point, Variation, chart};
use carecoord_statistics::spc::rules::{RuleSet, signals};
use carecoord_statistics::spc::{Direction, Meaning, ewma, mdc, sustained};
use proptest::prelude::*;

const KINDS: [Kind; 12] = [
    Kind::I,
    Kind::Mr,
    Kind::XBar,
    Kind::S,
    Kind::T,
    Kind::G,
    Kind::C,
    Kind::U,
    Kind::UPrime,
    Kind::P,
    Kind::PPrime,
    Kind::IPrime,
];

fn series() -> impl Strategy<Value = Vec<Option<f64>>> {
    prop::collection::vec(prop::option::weighted(0.9, (0_i32..60).prop_map(f64::from)), 1..40)
}

fn pairs() -> impl Strategy<Value = Vec<(u32, u32)>> {
    prop::collection::vec((0_u32..300).prop_flat_map(|n| (0..=n, Just(n))), 1..40)
}

/// Any numbers at all, those that are none included.
fn anything() -> impl Strategy<Value = Vec<Option<f64>>> {
    prop::collection::vec(prop::option::of(any::<f64>()), 0..30)
}

fn points(values: &[Option<f64>]) -> Vec<Point> {
    values.iter().map(|value| value.map_or(Point::MISSING, Point::value)).collect()
}

fn ratios(pairs: &[(u32, u32)]) -> Vec<Point> {
    pairs.iter().map(|(x, n)| Point::ratio(f64::from(*x), f64::from(*n))).collect()
}

fn numbers(chart: &Chart) -> Vec<f64> {
    let limits = chart.points.iter().filter_map(|point| point.limits);
    let all = limits.flat_map(|l| [l.lower, l.lower_2, l.lower_1, l.upper_1, l.upper_2, l.upper]);
    all.chain(chart.points.iter().map(|point| point.centre))
        .chain(chart.points.iter().filter_map(|p| p.value))
        .collect()
}

fn near(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-9 * (1.0 + one.abs().max(other.abs()))
}

proptest! {
    #![proptest_config(crate::tried(64))]

    #[test]
    fn whatever_comes_in_no_chart_panics_or_holds_what_is_no_number(
        values in anything(),
        others in anything(),
        phase in 0_usize..40,
        baseline in prop::option::of(0_usize..40),
        centre in prop::option::of(any::<f64>()),
        multiplier in any::<f64>(),
    ) {
        let options = Options {
            phases: if phase < 20 { vec![phase] } else { Vec::new() },
            baseline,
            excluded: vec![phase / 2],
            centre,
            screened: phase % 2 == 0,
            alone_apart: phase % 3 == 0,
            variation: if phase % 3 == 0 { Variation::MovingRange } else { Variation::StandardDeviation },
            negative_lower: phase % 5 == 0,
            multiplier,
        };
        let ratios: Vec<Point> = values.iter().zip(&others).map(|pair| Point::sum(&[(*pair.0, *pair.1)])).collect();
        let groups: Vec<Point> = values.chunks(3).map(Point::subgroup).collect();
        for kind in KINDS {
            for data in [points(&values), ratios.clone(), groups.clone()] {
                for options in [options.clone(), Options::plain()] {
                    if let Ok(chart) = chart(kind, &data, &options) {
                        prop_assert!(numbers(&chart).iter().all(|number| number.is_finite()), "{chart:?}");
                        for rules in [RuleSet::Shewhart, RuleSet::Anhoej, RuleSet::MakingDataCount, RuleSet::Nelson] {
                            prop_assert_eq!(signals(&chart, rules, Direction::Neutral).len(), data.len());
                        }
                    }
                }
            }
        }
        let _ = ewma::chart(&values, &ewma::Options { weight: 0.2, width: 3.0, centre, sigma: None });
        let _ = sustained::sustained(&values, phase, 7, None);
    }

    #[test]
    fn limits_hold_the_centre_between_them(values in series(), pairs in pairs()) {
        for kind in KINDS {
            let data = if kind.needs_denominator() { ratios(&pairs) } else { points(&values) };
            let Ok(chart) = chart(kind, &data, &Options::plain()) else { continue };
            for point in &chart.points {
                if let Some(l) = point.limits {
                    let rising = [l.lower, l.lower_2, l.lower_1, point.centre, l.upper_1, l.upper_2, l.upper];
                    // The line of a g chart is the median, its limits follow from the mean; 1 standard deviation of a
                    // moving range is below its mean.
                    let plain = !matches!(kind, Kind::G | Kind::Mr);
                    let sorted = rising.windows(2).all(|pair| pair[0] <= pair[1] + 1e-12);
                    prop_assert!(!plain || sorted, "{kind:?} {rising:?}");
                    prop_assert!(l.lower <= point.centre && point.centre <= l.upper, "{kind:?} {rising:?}");
                }
            }
        }
    }

    #[test]
    fn phases_are_charts_of_their_own(values in series(), split in 1_usize..39) {
        prop_assume!(values.len() > 1);
        let split = 1 + split % (values.len() - 1);
        for kind in [Kind::I, Kind::G, Kind::C] {
            let whole = chart(kind, &points(&values), &Options { phases: vec![split], ..Options::plain() });
            let first = chart(kind, &points(&values[..split]), &Options::plain());
            let second = chart(kind, &points(&values[split..]), &Options::plain());
            match (whole, first, second) {
                (Ok(whole), Ok(first), Ok(second)) => {
                    for (one, other) in whole.points.iter().zip(first.points.iter().chain(&second.points)) {
                        prop_assert_eq!((one.value, one.centre, one.limits), (other.value, other.centre, other.limits));
                    }
                }
                (whole, first, second) => prop_assert!(whole.is_err() && (first.is_err() || second.is_err())),
            }
        }
    }

    #[test]
    fn units_of_measurement_change_nothing_but_the_unit(values in series(), factor in 0.01_f64..1000.0) {
        let scaled: Vec<Option<f64>> = values.iter().map(|value| value.map(|value| value * factor)).collect();
        let (one, other) = (chart(Kind::I, &points(&values), &Options::plain()), chart(Kind::I, &points(&scaled), &Options::plain()));
        if let (Ok(one), Ok(other)) = (one, other) {
            for (one, other) in numbers(&one).iter().zip(numbers(&other)) {
                prop_assert!(near(one * factor, other), "{one} {other}");
            }
        }
    }

    #[test]
    fn the_chart_of_those_without_the_event_is_the_mirror_image(pairs in pairs()) {
        let without: Vec<(u32, u32)> = pairs.iter().map(|(x, n)| (n - x, *n)).collect();
        for kind in [Kind::P, Kind::PPrime] {
            let (Ok(with), Ok(without)) = (chart(kind, &ratios(&pairs), &Options::plain()), chart(kind, &ratios(&without), &Options::plain()))
            else { continue };
            for (one, other) in with.points.iter().zip(&without.points) {
                prop_assert!(near(one.centre, 1.0 - other.centre));
                if let (Some(one), Some(other)) = (one.limits, other.limits) {
                    prop_assert!(near(one.lower, 1.0 - other.upper) && near(one.upper, 1.0 - other.lower), "{one:?} {other:?}");
                }
            }
        }
    }

    #[test]
    fn what_improves_one_way_is_of_concern_the_other(values in series(), target in 0.0_f64..60.0) {
        let make = |direction| mdc::chart(&values, &mdc::Options {
            direction, target: Some(target), phases: Vec::new(), fixed_after: None, screened: true, pattern: 7,
        });
        let (Ok(up), Ok(down)) = (make(Direction::Increase), make(Direction::Decrease)) else { return Ok(()) };
        for (one, other) in up.points.iter().zip(&down.points) {
            prop_assert_eq!(one.cause, other.cause);
            prop_assert_eq!(one.meaning == Some(Meaning::Improvement), other.meaning == Some(Meaning::Concern));
        }
        prop_assert_eq!(up.assurance == Some(mdc::Assurance::Pass), down.assurance == Some(mdc::Assurance::Fail));
    }

    #[test]
    fn a_moving_average_of_full_weight_is_the_series(values in series()) {
        let options = ewma::Options { weight: 1.0, width: 3.0, centre: None, sigma: Some(2.0) };
        let Ok(chart) = ewma::chart(&values, &options) else { return Ok(()) };
        let mut before = chart.centre;
        for (step, value) in chart.steps.iter().zip(&values) {
            before = value.unwrap_or(before);
            prop_assert_eq!(step.average, before);
        }
    }

    #[test]
    fn stretches_follow_each_other(values in series(), baseline in 1_usize..10, length in 2_usize..9) {
        let Ok(found) = sustained::sustained(&values, baseline, length, None) else { return Ok(()) };
        for pair in found.windows(2) {
            prop_assert!(pair[0].last < pair[1].first && pair[0].until == pair[1].first && pair[0].median != pair[1].median);
        }
    }
}

#[test]
fn boxes_grow_with_the_series() {
    for useful in (10..60).step_by(7) {
        let (now, next) = (best_box(useful).unwrap(), best_box(useful + 1).unwrap());
        assert!(now.crossings_limit <= next.crossings_limit + 1);
        assert!(cut_box(useful).unwrap().longest_run_at_fewest <= now.longest_run_limit);
    }
}
