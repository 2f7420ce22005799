//! Risk models at size: a logistic regression of a million stays, and random intercepts of two hundred hospitals.
#![allow(clippy::unwrap_used)]

use carecoord_statistics::risk::{
    BootstrapOptions, Design, Groups, LogisticOptions, MixedOptions, bootstrap_rates, c_statistic, logistic,
    random_intercept,
};
use criterion::{Criterion, criterion_group, criterion_main};
use rand::RngExt;
use rand_pcg::Pcg64;

const COLUMNS: usize = 20;

struct Stays {
    values: Vec<f64>,
    outcome: Vec<bool>,
    groups: Groups,
}

/// Simulates stays: an intercept, one continuous risk and 18 conditions; hospitals differ by 0.3 log odds.
fn stays(rows: usize, hospitals: usize) -> Stays {
    let mut random = Pcg64::new(20_261_121, rows as u128);
    let uniform = |random: &mut Pcg64| random.random::<f64>();
    // A sum of twelve uniforms is near enough to a normal number.
    let effects: Vec<f64> =
        (0..hospitals).map(|_| 0.3 * ((0..12).map(|_| uniform(&mut random)).sum::<f64>() - 6.0)).collect();
    let mut values = Vec::with_capacity(rows * COLUMNS);
    let (mut outcome, mut codes) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
    for row in 0..rows {
        let hospital = row % hospitals;
        let mut log_odds = -2.5 + effects[hospital];
        values.push(1.0);
        for column in 1..COLUMNS {
            let x = if column == 1 {
                4.0 * uniform(&mut random) - 2.0
            } else {
                f64::from(u8::from(uniform(&mut random) < 0.05 + 0.02 * column as f64))
            };
            log_odds += x * (0.05 * (column % 5) as f64);
            values.push(x);
        }
        outcome.push(uniform(&mut random) < 1.0 / (1.0 + (-log_odds).exp()));
        codes.push(hospital);
    }
    Stays { values, outcome, groups: Groups::from_codes(codes).unwrap() }
}

fn risk(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("risk");
    group.sample_size(10);

    let million = stays(1_000_000, 200);
    let design = Design::new(&million.values, COLUMNS).unwrap();
    let fit = logistic(&design, &million.outcome, LogisticOptions::STRICT).unwrap();
    group.bench_function("logistic, 1 M rows x 20 columns", |bench| {
        bench.iter(|| logistic(&design, &million.outcome, LogisticOptions::STRICT).unwrap());
    });
    group.bench_function("c-statistic, 1 M rows", |bench| {
        bench.iter(|| c_statistic(&million.outcome, &fit.fitted).unwrap());
    });
    drop(million);

    let stays = stays(100_000, 200);
    let design = Design::new(&stays.values, COLUMNS).unwrap();
    let mut mixed = |name: &str, options: MixedOptions| {
        group.bench_function(name, |bench| {
            bench.iter(|| random_intercept(&design, &stays.outcome, &stays.groups, options).unwrap());
        });
    };
    mixed("random intercepts (Laplace), 100 k rows x 200 groups", MixedOptions::LAPLACE);
    mixed("random intercepts (9 points), 100 k rows x 200 groups", MixedOptions::adaptive(9));
    let fit = random_intercept(&design, &stays.outcome, &stays.groups, MixedOptions::LAPLACE).unwrap();
    let refit = MixedOptions { tolerance: 1e-4, ..MixedOptions::LAPLACE };
    let options = BootstrapOptions { replicates: 20, seed: 1, confidence: 0.5, refit };
    group.bench_function("bootstrap of 20 refits, 100 k rows x 200 groups", |bench| {
        bench.iter(|| bootstrap_rates(&design, &stays.outcome, &stays.groups, &fit, options).unwrap());
    });
    group.finish();
}

criterion_group!(benches, risk);
criterion_main!(benches);
