//! What several sums together give away: hidden counts that follow from everything that is published of a measure.
//!
//! A reader of the published tables knows every shown count, that parts add up to their totals, and that no count is below 0. With
//! a linear program that reader finds the least and the greatest that each hidden count can be; a count is given away where both are
//! equal. Here the true counts are known, and they answer the same question without a program: a hidden count is *not* given away
//! if the hidden counts that are not 0 can be moved, some up and some down, so that every sum stays what it is and this count
//! changes. That is so exactly if the count is not the same in all solutions of the equations, which elimination tells. Counts
//! that are 0 are held at 0, which can only call more counts given away than the reader's program would.

use std::collections::{BTreeMap, BTreeSet};

/// A prime below 2^61: arithmetic modulo it is exact, and 128 bits hold every product.
const PRIME: u64 = (1 << 61) - 1;

/// One equation: the unknowns that are added and those that are subtracted, by number; their known parts do not matter.
pub type Equation = Vec<(usize, bool)>;

/// Which of so many unknowns have the same value in every solution of the equations.
#[must_use]
pub fn determined(unknowns: usize, equations: &[Equation]) -> Vec<bool> {
    let echelon = Echelon::of(unknowns, equations);
    // A direction in which solutions differ, drawn at random: an unknown that it does not move is moved by none. Two draws make
    // an accident as good as impossible.
    let (one, other) = (echelon.direction(1), echelon.direction(2));
    (0..unknowns).map(|unknown| one[unknown] == 0 && other[unknown] == 0).collect()
}

/// Equations after elimination. Each row has a pivot; no later row has the pivot of an earlier one.
struct Echelon {
    unknowns: usize,
    /// Pivot, and the row's coefficients with the pivot's own, which is 1.
    rows: Vec<(usize, BTreeMap<usize, u64>)>,
}

impl Echelon {
    fn of(unknowns: usize, equations: &[Equation]) -> Self {
        let mut uses = vec![0_usize; unknowns];
        for (unknown, _) in equations.iter().flatten() {
            uses[*unknown] += 1;
        }
        // Short equations first: they fill the others least.
        let mut order: Vec<&Equation> = equations.iter().collect();
        order.sort_by_key(|equation| equation.len());
        let mut rows: Vec<(usize, BTreeMap<usize, u64>)> = Vec::new();
        let mut row_of: Vec<Option<usize>> = vec![None; unknowns];
        for equation in order {
            let mut row: BTreeMap<usize, u64> = BTreeMap::new();
            for (unknown, added) in equation {
                add(&mut row, *unknown, if *added { 1 } else { PRIME - 1 });
            }
            // In the order in which the rows were made: a row brings in pivots of later ones only.
            let mut waiting: BTreeSet<usize> = row.keys().filter_map(|unknown| row_of[*unknown]).collect();
            while let Some(next) = waiting.pop_first() {
                let (pivot, other) = &rows[next];
                let Some(factor) = row.get(pivot).copied() else { continue };
                for (unknown, coefficient) in other {
                    add(&mut row, *unknown, multiply(PRIME - factor, *coefficient));
                    if let Some(later) = row_of[*unknown].filter(|later| *later > next) {
                        waiting.insert(later);
                    }
                }
            }
            // The unknown that fewest equations use fills the rest least.
            if let Some(pivot) = row.keys().copied().min_by_key(|unknown| (uses[*unknown], *unknown)) {
                let inverse = power(row[&pivot], PRIME - 2);
                for coefficient in row.values_mut() {
                    *coefficient = multiply(*coefficient, inverse);
                }
                row_of[pivot] = Some(rows.len());
                rows.push((pivot, row));
            }
        }
        Self { unknowns, rows }
    }

    /// A random solution of the equations with 0 on their right.
    fn direction(&self, seed: u64) -> Vec<u64> {
        let mut state = seed;
        let mut values: Vec<u64> = (0..self.unknowns).map(|_| random(&mut state)).collect();
        // From the last row on: the other unknowns of a row are free, or pivots of later rows.
        for (pivot, row) in self.rows.iter().rev() {
            let others = row.iter().filter(|(unknown, _)| *unknown != pivot);
            let sum =
                others.fold(0, |sum, (unknown, coefficient)| (sum + multiply(*coefficient, values[*unknown])) % PRIME);
            values[*pivot] = (PRIME - sum) % PRIME;
        }
        values
    }
}

fn add(row: &mut BTreeMap<usize, u64>, unknown: usize, coefficient: u64) {
    let sum = (row.get(&unknown).copied().unwrap_or(0) + coefficient) % PRIME;
    if sum == 0 {
        row.remove(&unknown);
    } else {
        row.insert(unknown, sum);
    }
}

#[allow(clippy::cast_possible_truncation)] // A remainder of a number of 61 bits.
fn multiply(one: u64, other: u64) -> u64 {
    (u128::from(one) * u128::from(other) % u128::from(PRIME)) as u64
}

fn power(mut base: u64, mut exponent: u64) -> u64 {
    let mut result = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = multiply(result, base);
        }
        base = multiply(base, base);
        exponent >>= 1;
    }
    result
}

/// `SplitMix64`: the same numbers in every run.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut value = *state;
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (value ^ (value >> 31)) % PRIME
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same by exact fractions and whole reduction, on few unknowns.
    fn by_hand(unknowns: usize, equations: &[Equation]) -> Vec<bool> {
        let mut rows: Vec<Vec<f64>> = equations
            .iter()
            .map(|equation| {
                let mut row = vec![0.0; unknowns];
                for (unknown, added) in equation {
                    row[*unknown] += if *added { 1.0 } else { -1.0 };
                }
                row
            })
            .collect();
        let mut done = 0;
        for column in 0..unknowns {
            let Some(found) = (done..rows.len()).find(|row| rows[*row][column].abs() > 1e-9) else { continue };
            rows.swap(done, found);
            let pivot: Vec<f64> = rows[done].iter().map(|value| value / rows[done][column]).collect();
            rows[done] = pivot.clone();
            for (number, row) in rows.iter_mut().enumerate() {
                let factor = row[column];
                if number != done && factor.abs() > 1e-9 {
                    row.iter_mut().zip(&pivot).for_each(|(value, of_pivot)| *value -= factor * of_pivot);
                }
            }
            done += 1;
        }
        let alone = |row: &Vec<f64>, unknown: usize| {
            row.iter().enumerate().all(|(other, value)| (value.abs() > 1e-9) == (other == unknown))
        };
        (0..unknowns).map(|unknown| rows.iter().any(|row| alone(row, unknown))).collect()
    }

    #[test]
    fn a_cross_of_sums_gives_one_count_away() {
        // Two rows and two columns, whose sums are known: none of the four follows.
        let plus = |unknowns: &[usize]| unknowns.iter().map(|unknown| (*unknown, true)).collect::<Equation>();
        let square = [plus(&[0, 1]), plus(&[2, 3]), plus(&[0, 2]), plus(&[1, 3])];
        assert_eq!(determined(4, &square), [false; 4]);
        // Three sums of three pairs give all three.
        assert_eq!(determined(3, &[plus(&[0, 1]), plus(&[1, 2]), plus(&[0, 2])]), [true; 3]);
        // A hidden total and its only hidden part move together.
        assert_eq!(determined(2, &[vec![(0, true), (1, false)]]), [false; 2]);
        assert_eq!(determined(2, &[plus(&[0])]), [true, false]);
    }

    #[test]
    fn elimination_agrees_with_whole_reduction() {
        let mut state = 7;
        for _ in 0..500 {
            let unknowns = 2 + usize::try_from(random(&mut state) % 9).expect("small");
            let equations: Vec<Equation> = (0..=random(&mut state) % 9)
                .map(|_| {
                    (0..unknowns)
                        .filter(|_| random(&mut state).is_multiple_of(3))
                        .map(|unknown| (unknown, !unknown.is_multiple_of(5)))
                        .collect()
                })
                .collect();
            assert_eq!(determined(unknowns, &equations), by_hand(unknowns, &equations), "{equations:?}");
        }
    }
}
