//! Who is who in the lake: patients whose numbers were merged, identifiers that stand for one another, and one person
//! under two numbers.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::identifiers;
use crate::merge::hash_of;

/// What is known of the people in the lake so far.
#[derive(Debug, Default)]
pub struct People {
    merged: Arc<HashMap<String, String>>,
    /// Hash of what is left of a patient's number without case, zeros and decimals → hash of the number.
    bare: HashMap<u64, u64>,
    /// Hashes of all numbers.
    numbers: Arc<HashSet<u64>>,
    /// Whether the numbers are those of the table of patients.
    whole: bool,
}

/// A chain of merges that ends where it began.
#[derive(Debug, PartialEq, Eq)]
pub struct Circle(pub String);

impl People {
    /// Patients whose numbers have been merged into another's: old number → number that stays.
    #[must_use]
    pub fn merged(&self) -> Arc<HashMap<String, String>> {
        Arc::clone(&self.merged)
    }

    /// Takes the table of merges: old number → next number.
    ///
    /// # Errors
    /// When a chain of merges ends where it began.
    pub fn merge(&mut self, steps: &BTreeMap<String, String>) -> Result<(), Circle> {
        let mut merged = HashMap::with_capacity(steps.len());
        for old in steps.keys() {
            let mut last = old;
            let mut length = 0;
            while let Some(next) = steps.get(last) {
                last = next;
                length += 1;
                if length > steps.len() {
                    return Err(Circle(old.clone()));
                }
            }
            merged.insert(old.clone(), last.clone());
        }
        self.merged = Arc::new(merged);
        Ok(())
    }

    /// Notes that the table of patients is in the lake, so that other tables' numbers are compared with its own.
    pub fn table_is_loaded(&mut self) {
        self.whole = true;
    }

    /// Hashes of the numbers in the table of patients; none where it is not in the lake.
    #[must_use]
    pub fn numbers(&self) -> Option<Arc<HashSet<u64>>> {
        self.whole.then(|| Arc::clone(&self.numbers))
    }

    /// Whether the table of patients is in the lake.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// Whether no number is known yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// Takes a patient's number, and says whether another one differs from it only in what programs lose.
    pub fn meet(&mut self, id: &str) -> bool {
        let number = hash_of(id.as_bytes());
        Arc::make_mut(&mut self.numbers).insert(number);
        *self.bare.entry(hash_of(identifiers::bare(id).as_bytes())).or_insert(number) != number
    }

    /// Whether the lake knows a number that differs from this one only in what programs lose.
    #[must_use]
    pub fn knows_variant(&self, id: &str) -> bool {
        let number = hash_of(id.as_bytes());
        self.bare.get(&hash_of(identifiers::bare(id).as_bytes())).is_some_and(|known| *known != number)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn chains_of_merges_end_at_the_number_that_stays() {
        let steps = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(old, new)| ((*old).to_owned(), (*new).to_owned())).collect::<BTreeMap<_, _>>()
        };
        let mut people = People::default();
        people.merge(&steps(&[("A", "B"), ("B", "C"), ("X", "C")])).unwrap();
        assert_eq!(["A", "B", "X"].map(|id| people.merged()[id].clone()), ["C", "C", "C"]);
        assert_eq!(people.merge(&steps(&[("A", "B"), ("B", "A")])), Err(Circle("A".to_owned())));
    }

    #[test]
    fn numbers_that_differ_in_zeros_decimals_or_case_are_noticed() {
        let mut people = People::default();
        assert!(!people.meet("101") && !people.meet("P2") && !people.meet("101"));
        assert!(people.meet("00101") && people.knows_variant("101.0") && people.knows_variant("p2"));
        assert!(!people.knows_variant("101") && !people.knows_variant("102"));
    }
}
