//! Control charts of ten thousand series of sixty points.
#![allow(missing_docs, clippy::unwrap_used)]

use carecoord_statistics::spc::Direction;
use carecoord_statistics::spc::chart::{Kind, Options, Point, chart};
use carecoord_statistics::spc::rules::{RuleSet, signals};
use criterion::{Criterion, criterion_group, criterion_main};

fn series() -> Vec<Vec<Point>> {
    let mut state = 7_u64;
    let mut next = |limit: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % limit
    };
    (0..10_000)
        .map(|_| {
            (0..60)
                .map(|_| {
                    let denominator = 50 + next(200);
                    Point::ratio(next(denominator) as f64, denominator as f64)
                })
                .collect()
        })
        .collect()
}

fn bench(criterion: &mut Criterion) {
    let series = series();
    let options = Options::plain();
    let mut group = criterion.benchmark_group("spc");
    group.sample_size(10);
    group.bench_function("p chart and rules, 10,000 series of 60 points", |bencher| {
        bencher.iter(|| {
            series
                .iter()
                .map(|points| {
                    let chart = chart(Kind::P, points, &options).unwrap();
                    signals(&chart, RuleSet::MakingDataCount, Direction::Decrease).len()
                })
                .sum::<usize>()
        });
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
