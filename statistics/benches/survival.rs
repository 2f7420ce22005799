//! The curves of a million subjects in whole days.
#![allow(missing_docs, clippy::unwrap_used)] // Criterion's macros make the functions public.

use std::hint::black_box;

use carecoord_statistics::survival::{CurveLimits, Event, FollowUp, IncidenceVariance, aalen_johansen, kaplan_meier};
use criterion::{Criterion, criterion_group, criterion_main};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

const SUBJECTS: usize = 1_000_000;

fn curves(criterion: &mut Criterion) {
    let mut random = Pcg64::seed_from_u64(1);
    let time: Vec<f64> = (0..SUBJECTS).map(|_| f64::from(random.random_range(1..730_u16))).collect();
    let cause: Vec<u8> = (0..SUBJECTS).map(|_| random.random_range(0..3)).collect();
    let entry: Vec<f64> = time.iter().map(|time| (random.random::<f64>() * time).floor() - 1.0).collect();
    for (name, entry) in [("from the origin", None), ("late entry", Some(entry.as_slice()))] {
        let follow_up = FollowUp { entry, time: &time, cause: &cause };
        criterion.bench_function(&format!("kaplan_meier 1M {name}"), |bencher| {
            bencher.iter(|| kaplan_meier(black_box(&follow_up), Event::Cause(1), CurveLimits::LogLog, 0.95).unwrap());
        });
        criterion.bench_function(&format!("aalen_johansen 1M {name}"), |bencher| {
            let variance = IncidenceVariance::Greenwood;
            bencher.iter(|| aalen_johansen(black_box(&follow_up), 2, variance, CurveLimits::Log, 0.95).unwrap());
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = curves
}
criterion_main!(benches);
