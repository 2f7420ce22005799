//! Points that stand alone: jumps of the series to one or two points and back.

use super::{Kind, Point};
use crate::spc::constants::D4;

/// The mean of the distances of neighbours in units of their median, for normal values: 1.128 over 0.954.
const MEAN_OF_MEDIAN: f64 = 1.128 / 0.954;
/// Points that stand alone together at the most.
const BLOCK: usize = 2;
/// The first and the last point have one neighbour: their jump must be so many times as large.
const AT_AN_END: f64 = 1.5;
/// Of so many points one may stand alone: where more do, they are the series.
const ONE_OF: usize = 8;

/// Which points of a phase stand alone.
pub(super) fn alone(kind: Kind, points: &[Point], drawn: &[Option<f64>], base: &[bool]) -> Vec<bool> {
    let mut found = vec![false; points.len()];
    let given: Vec<usize> = (0..points.len()).filter(|place| base[*place] && drawn[*place].is_some()).collect();
    // Counts between events and moving ranges themselves have tails by nature.
    if given.len() < ONE_OF || matches!(kind, Kind::G | Kind::Mr) {
        return found;
    }
    let distance = |pair: &[usize]| -> Option<f64> {
        let (one, other) = (pair[0], pair[1]);
        let difference = drawn[other]? - drawn[one]?;
        if !kind.needs_denominator() {
            return Some(difference);
        }
        // Freed from what the denominators explain.
        Some(difference / (1.0 / points[one].denominator()? + 1.0 / points[other].denominator()?).sqrt())
    };
    let distances: Option<Vec<f64>> = given.windows(2).map(distance).collect();
    let Some(distances) = distances else { return found };
    let mut sizes: Vec<f64> = distances.iter().map(|distance| distance.abs()).collect();
    sizes.sort_by(f64::total_cmp);
    let median = sizes[(sizes.len() - 1) / 2].midpoint(sizes[sizes.len() / 2]);
    let limit = D4 * MEAN_OF_MEDIAN * median;
    if limit <= 0.0 {
        return found;
    }
    let jumps = |place: usize| distances[place].abs() > limit;
    let comes_back = |before: usize, after: usize| {
        distance(&[given[before], given[after]]).is_some_and(|distance| distance.abs() <= limit)
    };
    let mut blocks: Vec<std::ops::RangeInclusive<usize>> = Vec::new();
    let mut before = 0;
    while before < distances.len() {
        // As few points as will do, so that what lies between two of them is not taken with them.
        let length = (1..=BLOCK).find(|length| {
            let last = before + length;
            jumps(before) && last < distances.len() && jumps(last) && comes_back(before, last + 1)
        });
        if let Some(length) = length {
            blocks.push(before + 1..=before + length);
            before += length;
        } else if distances[before].abs() > AT_AN_END * limit {
            if before == 0 {
                blocks.push(0..=0);
            } else if before + 1 == distances.len() {
                blocks.push(before + 1..=before + 1);
            }
        }
        before += 1;
    }
    let together: usize = blocks.iter().map(|block| block.end() - block.start() + 1).sum();
    if together <= given.len() / ONE_OF {
        blocks.into_iter().flatten().for_each(|place| found[given[place]] = true);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(values: &[f64]) -> Vec<usize> {
        let points: Vec<Point> = values.iter().map(|value| Point::value(*value)).collect();
        let drawn: Vec<Option<f64>> = values.iter().map(|value| Some(*value)).collect();
        let alone = alone(Kind::I, &points, &drawn, &vec![true; values.len()]);
        (0..values.len()).filter(|place| alone[*place]).collect()
    }

    /// Sixteen ordinary values around 500.
    const STEADY: [f64; 16] = [
        498.0, 519.0, 480.0, 511.0, 497.0, 532.0, 473.0, 505.0, 487.0, 523.0, 484.0, 500.0, 510.0, 496.0, 507.0, 515.0,
    ];

    fn with(changes: &[(usize, f64)]) -> Vec<f64> {
        let mut values = STEADY.to_vec();
        for (place, value) in changes {
            values[*place] = *value;
        }
        values
    }

    #[test]
    fn one_or_two_points_far_from_their_neighbours_stand_alone() {
        assert_eq!(found(&STEADY), [0; 0]);
        assert_eq!(found(&with(&[(8, 3515.0)])), [8]);
        assert_eq!(found(&with(&[(8, 3515.0), (9, 3400.0)])), [8, 9]);
        assert_eq!(found(&with(&[(8, 3515.0), (9, 2400.0)])), [8, 9], "they need not be alike");
        assert_eq!(found(&with(&[(3, -2000.0), (12, 3515.0)])), [3, 12]);
        assert_eq!(found(&with(&[(15, 3515.0)])), [15]);
        assert_eq!(found(&with(&[(0, 3515.0)])), [0]);
    }

    #[test]
    fn a_level_that_holds_does_not_stand_alone() {
        let stepped: Vec<f64> = (0..16).map(|place| STEADY[place] + if place < 8 { 0.0 } else { 400.0 }).collect();
        assert_eq!(found(&stepped), [0; 0]);
        let three: Vec<f64> = with(&[(7, 3500.0), (8, 3500.0), (9, 3510.0)]);
        assert_eq!(found(&three), [0; 0]);
        // Every fourth point: they belong to the series.
        let often: Vec<f64> = (0..16).map(|place| STEADY[place] + if place % 4 == 1 { 3000.0 } else { 0.0 }).collect();
        assert_eq!(found(&often), [0; 0]);
    }

    #[test]
    fn a_small_denominator_explains_a_jump() {
        let pairs: Vec<(f64, f64)> =
            (0..16).map(|place| if place == 8 { (3.0, 4.0) } else { (STEADY[place], 1000.0) }).collect();
        let points: Vec<Point> = pairs.iter().map(|(over, under)| Point::ratio(*over, *under)).collect();
        let drawn: Vec<Option<f64>> = pairs.iter().map(|(over, under)| Some(over / under)).collect();
        assert!(!alone(Kind::PPrime, &points, &drawn, &[true; 16])[8]);
    }
}
