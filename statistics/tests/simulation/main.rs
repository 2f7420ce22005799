//! How often charts of 24 months cry wolf, and how often they miss a change: a table in `docs/statistics.md`.
//!
//! Every number of the table comes from here; `CARECOORD_BLESS=1` writes it anew.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use carecoord_statistics::spc::Direction;
use carecoord_statistics::spc::chart::{Chart, Kind, Options, Point, chart};
use carecoord_statistics::spc::rules::{RuleSet, signals};
use carecoord_statistics::spc::run::RunChart;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

const CHARTS: usize = 2_000;
const MONTHS: usize = 24;
/// First month of a shift, and how many standard deviations it is.
const SHIFT_FROM: usize = 16;
const SHIFT: f64 = 2.0;
/// How many standard deviations the outlier lies above.
const FAR: f64 = 15.0;
/// Correlation of neighbouring months.
const CORRELATION: f64 = 0.5;
const BEGIN: &str = "<!-- simulation: begin -->";
const END: &str = "<!-- simulation: end -->";

/// What happens to the months of a chart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scene {
    Steady,
    Outlier(usize),
    Shift,
    BrokenFeed,
    Correlated,
}

/// A standard normal number.
fn normal(random: &mut Pcg64) -> f64 {
    // Twelve uniform numbers: near enough for tails of three standard deviations, and the same on every machine.
    (0..12).map(|_| random.random::<f64>()).sum::<f64>() - 6.0
}

fn poisson(random: &mut Pcg64, mean: f64) -> f64 {
    let (mut left, mut count) = (mean, 0.0);
    // Sums of exponential times; a mean of some hundreds needs no better method.
    loop {
        left += random.random::<f64>().max(f64::MIN_POSITIVE).ln();
        if left < 0.0 {
            return count;
        }
        count += 1.0;
    }
}

fn binomial(random: &mut Pcg64, trials: usize, share: f64) -> f64 {
    (0..trials).filter(|_| random.random::<f64>() < share).count() as f64
}

/// How many standard deviations each month lies off the mean, before chance.
fn offsets(scene: Scene, random: &mut Pcg64) -> Vec<f64> {
    let mut before = 0.0;
    (0..MONTHS)
        .map(|month| match scene {
            Scene::Outlier(place) if month == place => FAR,
            Scene::Shift if month >= SHIFT_FROM => SHIFT,
            Scene::Correlated => {
                before = CORRELATION * before + (1.0 - CORRELATION * CORRELATION).sqrt() * normal(random);
                before
            }
            _ => 0.0,
        })
        .collect()
}

/// The points of a chart. Correlated months carry their chance in the offsets and have none besides where they are values.
fn points(kind: Kind, scene: Scene, random: &mut Pcg64) -> Vec<Point> {
    let offsets = offsets(scene, random);
    let alone = scene == Scene::Correlated;
    let noise = |random: &mut Pcg64| if alone { 0.0 } else { normal(random) };
    offsets
        .iter()
        .enumerate()
        .map(|(month, offset)| {
            if scene == Scene::BrokenFeed && month >= MONTHS - 2 {
                return Point::MISSING;
            }
            // Denominators that differ by a third from month to month.
            let size = 300.0 + 100.0 * random.random::<f64>();
            match kind {
                Kind::P | Kind::PPrime => {
                    let (share, n) = (0.2_f64, size.round());
                    let moved = share + offset * (share * (1.0 - share) / n).sqrt();
                    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few hundred")]
                    let trials = n as usize;
                    Point::ratio(binomial(random, trials, moved.clamp(0.0, 1.0)), n)
                }
                Kind::U | Kind::UPrime => {
                    let mean = 0.15 * size;
                    Point::ratio(poisson(random, (mean + offset * mean.sqrt()).max(0.0)), size)
                }
                Kind::IPrime => {
                    let value = 500.0 + (offset + noise(random)) * 400.0 / size.sqrt();
                    Point::ratio(value * size, size)
                }
                Kind::XBar | Kind::S => {
                    let spread = if kind == Kind::S { (1.0 + offset * 0.2).max(0.1) } else { 1.0 };
                    let mean = if kind == Kind::S { 0.0 } else { offset / 12.0_f64.sqrt() };
                    let values: Vec<Option<f64>> = (0..12).map(|_| Some(mean + spread * normal(random))).collect();
                    Point::subgroup(&values)
                }
                _ => Point::value(20.0 + offset + noise(random)),
            }
        })
        .collect()
}

/// The months with a signal by the rules of reports: beyond the limits, an unusually long run, unusually few crossings.
fn signalled(chart: &Chart) -> Vec<usize> {
    let short = chart.phases[0].runs.as_ref().map_or(true, RunChart::is_short);
    let by_runs = signals(chart, RuleSet::Anhoej, Direction::Neutral);
    (0..chart.points.len())
        .filter(|month| {
            let point = &chart.points[*month];
            point.value.is_some() && (point.beyond_limits() || (!short && !by_runs[*month].rules.is_empty()))
        })
        .collect()
}

struct Counts {
    /// Charts with a signal where nothing happened.
    false_charts: f64,
    /// Months beyond the limits where nothing happened, for each hundred charts.
    false_months: f64,
    /// Charts without a signal where something happened.
    missed: f64,
}

fn count(kind: Kind, scene: &dyn Fn(&mut Pcg64) -> Scene, apart: bool) -> Counts {
    let mut random = Pcg64::seed_from_u64(20_261_129);
    let (mut false_charts, mut false_months, mut missed) = (0, 0, 0);
    for _ in 0..CHARTS {
        let scene = scene(&mut random);
        let options = Options { alone_apart: apart, screened: kind != Kind::I, ..Options::plain() };
        let made = chart(kind, &points(kind, scene, &mut random), &options).unwrap();
        let found = signalled(&made);
        let happened = |month: &usize| match scene {
            Scene::Outlier(place) => *month == place,
            Scene::Shift => true,
            _ => false,
        };
        false_charts += usize::from(found.iter().any(|month| !happened(month)));
        false_months += found.iter().filter(|month| !happened(month) && made.points[**month].beyond_limits()).count();
        missed += usize::from(match scene {
            Scene::Outlier(place) => !found.contains(&place),
            Scene::Shift => !found.iter().any(|month| *month >= SHIFT_FROM),
            _ => false,
        });
    }
    let share = |count: usize| 100.0 * count as f64 / CHARTS as f64;
    Counts { false_charts: share(false_charts), false_months: share(false_months), missed: share(missed) }
}

const KINDS: [Kind; 8] = [Kind::I, Kind::IPrime, Kind::P, Kind::PPrime, Kind::U, Kind::UPrime, Kind::XBar, Kind::S];

fn outlier(random: &mut Pcg64) -> Scene {
    Scene::Outlier(random.random_range(0..MONTHS))
}

#[test]
fn the_table_of_false_and_missed_signals_is_current() {
    let mut table = String::from(
        "| chart | steady: charts with a false signal | with one outlier: with a false signal beside it | the same with the \
         outlier in the centre line | outlier missed | shift missed | broken feed: charts with a false signal | correlated: charts \
         with a false signal |\n|---|---|---|---|---|---|---|---|\n",
    );
    for kind in KINDS {
        let steady = count(kind, &|_| Scene::Steady, true);
        let apart = count(kind, &outlier, true);
        let within = count(kind, &outlier, false);
        let shift = count(kind, &|_| Scene::Shift, true);
        let broken = count(kind, &|_| Scene::BrokenFeed, true);
        let correlated = count(kind, &|_| Scene::Correlated, true);
        let _ = writeln!(
            table,
            "| {} | {:.1} % | {:.1} % | {:.1} % | {:.1} % | {:.1} % | {:.1} % | {:.1} % |",
            kind.name(),
            steady.false_charts,
            apart.false_charts,
            within.false_charts,
            apart.missed,
            shift.missed,
            broken.false_charts,
            correlated.false_charts
        );
        let extra = apart.false_charts - steady.false_charts;
        assert!(extra <= 1.0, "{}: one outlier makes {extra:.1} false signals more in 100 charts", kind.name());
        let of_months = apart.false_months - steady.false_months;
        assert!(of_months <= 1.0, "{}: {of_months:.1} months more beyond the limits in 100 charts", kind.name());
        assert!(apart.missed <= 1.0, "{}: outliers are missed", kind.name());
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/statistics.md");
    let text = fs::read_to_string(&path).unwrap();
    let (head, rest) = text.split_once(BEGIN).expect("the place of the table");
    let (_, tail) = rest.split_once(END).expect("the end of the table");
    let wanted = format!("{head}{BEGIN}\n{table}{END}{tail}");
    if std::env::var_os("CARECOORD_BLESS").is_some() {
        fs::write(&path, wanted).unwrap();
        return;
    }
    assert!(text == wanted, "docs/statistics.md is not current: run this test with CARECOORD_BLESS=1\n{table}");
}
