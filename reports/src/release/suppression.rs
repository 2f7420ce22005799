//! Small counts of a public release, and what would give them away.
//!
//! Everyone's value of a year is the sum of its organizations, and again the sum of the groups of each split. Whoever knows
//! a sum and all its parts but one knows that one. So a small part is hidden with others, until one of the hidden ones is
//! not small itself: for each of the counts that add up, and whatever exact counts a reader has of the rest. Then no one can
//! tell which of them is small, and how small. Rounding ([`super::rounding`]) is for what this cannot see: other releases,
//! and other measures of the same people.

use std::collections::BTreeMap;

use arcstr::ArcStr;
use jiff::civil::Date;

use super::PROTECTED;
use super::rounding::rounded;
use crate::model::{Measure, Rate, State};

/// Sums of numbers with six decimals: what is nearer is the same.
const EPSILON: f64 = 1e-6;

/// The counts of a row that add up from parts to their total: numerator, denominator, their difference, units.
type Counts = [f64; 4];

/// Hides small counts and what would give them away. `whole` says that the results were computed with small counts of
/// people suppressed: else it is not known how many people stand behind the answers of a composite, and none is shown.
pub fn protect(rates: &mut [Rate], measures: &[Measure], threshold: f64, whole: bool) {
    let kinds: BTreeMap<&str, &str> =
        measures.iter().map(|measure| (measure.measure_id.as_str(), measure.kind.as_str())).collect();
    let kind_of = |rate: &Rate| kinds.get(rate.measure_id.as_str()).copied().unwrap_or_default();
    let exact: Vec<Option<Counts>> =
        rates.iter().map(|rate| (!is_hidden(rate)).then(|| counts(rate, kind_of(rate)))).collect();
    for (rate, exact) in rates.iter_mut().zip(&exact) {
        let unknown = !whole && kind_of(rate) == "composite";
        let small = exact.is_none_or(|counts| counts.iter().any(|count| is_small(*count, threshold)));
        if small || is_counted(rate) && (unknown || !rate.is_final) {
            hide(rate);
        }
    }
    for year in years(rates) {
        protect_year(rates, &year, &Known { counts: &exact, threshold });
    }
}

/// Takes every number away.
pub fn empty(rate: &mut Rate) {
    (rate.numerator, rate.denominator, rate.n_units) = (None, None, None);
    (rate.value, rate.lower, rate.upper) = (None, None, None);
    rate.interval_method = ArcStr::new();
}

/// Whether the row has units and shows how many.
pub fn is_counted(rate: &Rate) -> bool {
    !is_hidden(rate) && rate.denominator.is_some_and(|denominator| denominator > 0.0)
}

fn hide(rate: &mut Rate) {
    empty(rate);
    rate.state = State::Suppressed;
    rate.state_reason = PROTECTED;
}

fn is_hidden(rate: &Rate) -> bool {
    rate.state == State::Suppressed
}

/// A mean's numerator is no count, and only a proportion's or a wait's difference is one.
fn counts(rate: &Rate, kind: &str) -> Counts {
    let numerator = if kind == "mean" { 0.0 } else { rate.numerator.unwrap_or(0.0) };
    let denominator = rate.denominator.unwrap_or(0.0);
    let difference = if matches!(kind, "proportion" | "time") { denominator - numerator } else { 0.0 };
    [numerator, denominator, difference, rate.n_units.unwrap_or(0) as f64]
}

fn is_small(count: f64, threshold: f64) -> bool {
    count > EPSILON && count < threshold
}

/// What is known of the rows, hidden or not: nothing of those that were hidden when the results were computed.
struct Known<'a> {
    counts: &'a [Option<Counts>],
    threshold: f64,
}

/// A measure's year: everyone, and the parts that add up to everyone in one way or another, as places of rows.
struct Year {
    total: usize,
    families: Vec<Vec<usize>>,
}

/// The same while it is gathered, parts by level and split.
#[derive(Default)]
struct Gathered<'a> {
    total: Option<usize>,
    families: BTreeMap<(&'a str, &'a str), Vec<usize>>,
}

fn years(rates: &[Rate]) -> Vec<Year> {
    let mut found: BTreeMap<(&str, Date), Gathered> = BTreeMap::new();
    for (place, rate) in rates.iter().enumerate() {
        let year = found.entry((&rate.measure_id, rate.period)).or_default();
        if rate.is_overall() {
            year.total = Some(place);
        } else {
            year.families.entry((&rate.level, &rate.stratum_kind)).or_default().push(place);
        }
    }
    let year = |year: Gathered| Some(Year { total: year.total?, families: year.families.into_values().collect() });
    found.into_values().filter_map(year).collect()
}

fn protect_year(rates: &mut [Rate], year: &Year, known: &Known) {
    // Parts of a hidden total would give it away, and one another.
    let mut open = !is_hidden(&rates[year.total]);
    for family in &year.families {
        open = open && protect_family(rates, year.total, family, known);
    }
    if !open {
        for place in year.families.iter().flatten().chain([&year.total]) {
            if is_counted(&rates[*place]) {
                hide(&mut rates[*place]);
            }
        }
    }
}

/// Hides parts until those hidden protect one another; false where the parts are not enough.
fn protect_family(rates: &mut [Rate], total: usize, family: &[usize], known: &Known) -> bool {
    loop {
        let (hidden, shown): (Vec<usize>, Vec<usize>) = family
            .iter()
            .filter(|place| is_hidden(&rates[**place]) || is_counted(&rates[**place]))
            .partition(|place| is_hidden(&rates[**place]));
        if hidden.is_empty() || hidden.len() > 1 && known.protect_one_another(total, &hidden, &shown) {
            return true;
        }
        // The smallest loses least. By rounded size, so that one late unit seldom changes who is hidden.
        let next = shown.into_iter().min_by(|one, other| {
            let size = |place: &usize| rounded(rates[*place].denominator.unwrap_or(0.0));
            let name = |place: &usize| (&rates[*place].stratum, &rates[*place].level_id);
            size(one).total_cmp(&size(other)).then_with(|| name(one).cmp(&name(other)))
        });
        match next {
            Some(next) => hide(&mut rates[next]),
            None => return hidden.len() > 1,
        }
    }
}

impl Known<'_> {
    /// Whether in every count the hidden parts are none, or one of them at least is not small.
    fn protect_one_another(&self, total: usize, hidden: &[usize], shown: &[usize]) -> bool {
        let count = |place: usize, which: usize| self.counts[place].map(|counts| counts[which]);
        (0..4).all(|which| {
            let rest =
                count(total, which).unwrap_or(0.0) - shown.iter().filter_map(|place| count(*place, which)).sum::<f64>();
            rest <= EPSILON
                || hidden.iter().any(|place| count(*place, which).is_some_and(|count| count >= self.threshold))
                // More than small ones could add up to.
                || rest > (self.threshold - 1.0) * hidden.len() as f64
        })
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::model::test_rows;

    const MOST: [(&str, f64, f64); 4] =
        [("all", 95.0, 1_000.0), ("a", 5.0, 300.0), ("b", 40.0, 200.0), ("c", 50.0, 500.0)];

    fn row(name: &str, numerator: f64, denominator: f64) -> Rate {
        let all = name == "all";
        #[expect(clippy::cast_possible_truncation, reason = "small")]
        let units = denominator as i64;
        Rate {
            period_kind: "year".into(),
            stratum_kind: if all { "all" } else { "sex" }.into(),
            stratum: name.into(),
            numerator: Some(numerator),
            denominator: Some(denominator),
            n_units: Some(units),
            ..test_rows::month(date(2025, 1, 1), Some(numerator / denominator * 100.0))
        }
    }

    /// Names of the rows that are left.
    fn shown(rows: &[(&str, f64, f64)]) -> Vec<String> {
        let mut rates: Vec<Rate> = rows.iter().map(|(name, over, under)| row(name, *over, *under)).collect();
        protect(&mut rates, &[test_rows::measure("lower")], 13.0, true);
        assert!(rates.iter().all(|rate| is_hidden(rate) == rate.numerator.is_none()));
        rates.into_iter().filter(|rate| !is_hidden(rate)).map(|rate| rate.stratum.to_string()).collect()
    }

    #[test]
    fn a_small_part_takes_the_smallest_other_with_it() {
        assert_eq!(shown(&MOST), ["all", "c"]);
    }

    #[test]
    fn parts_that_are_all_small_take_one_that_is_not() {
        let rows =
            [("all", 112.0, 900.0), ("a", 9.0, 200.0), ("b", 3.0, 200.0), ("c", 50.0, 300.0), ("d", 50.0, 200.0)];
        assert_eq!(shown(&rows), ["all", "c"], "whoever knew that a and b are small would know them too well");
    }

    #[test]
    fn zero_is_shown_where_enough_stand_behind_it() {
        let rows = [("all", 95.0, 1_000.0), ("a", 0.0, 300.0), ("b", 45.0, 200.0), ("c", 50.0, 500.0)];
        assert_eq!(shown(&rows), ["all", "a", "b", "c"]);
        assert_eq!(shown(&[("all", 0.0, 300.0), ("a", 0.0, 9.0), ("b", 0.0, 91.0), ("c", 0.0, 200.0)]), ["all", "c"]);
    }

    #[test]
    fn nothing_of_a_year_is_shown_whose_total_is_small_or_cannot_hide_its_one_part() {
        assert!(shown(&[("all", 9.0, 1_000.0), ("a", 0.0, 500.0), ("b", 9.0, 500.0)]).is_empty());
        assert!(shown(&[("all", 95.0, 1_000.0), ("a", 5.0, 300.0)]).is_empty());
    }
}
