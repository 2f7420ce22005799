//! Who is not in a measure's value, why, and how many: the denominator flow.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Int64Type};

use crate::definition::{Kind, Measure};
use crate::error::{MeasureError, Result};
use crate::rates::Rate;
use crate::rows::Cell;
use crate::span::{date_of, period_start};
use crate::workbench::{Workbench, text_at};

/// Rows of the results table `exclusion` for a measure whose units are registered as `prepared.unit` in each of the
/// workbenches, with small counts suppressed. `rates` are those of the measure as they are shown: a total that is hidden there
/// must not be the sum of reasons that are shown here.
///
/// # Errors
/// When a query fails.
pub async fn exclusions(
    benches: &[Workbench],
    measure: &Measure,
    suppress_below: u64,
    rates: &[Rate],
) -> Result<Vec<Vec<Cell>>> {
    let Some(Workbench { span, .. }) = benches.first() else { return Ok(Vec::new()) };
    // As rates count them.
    let mature = if measure.count_immature || measure.kind == Kind::Time { "true" } else { "mature" };
    let query = format!(
        "select year, kind, reason, count(*) as units from ( \
         select cast(date_trunc('year', period) as date) as year, \
         case when not in_denominator then 'excluded' when not mature then 'immature' else 'exception' end as kind, \
         case when not in_denominator then coalesce(exclusion_reason, 'not_stated') \
         when not mature then 'follow_up_not_over' else exception_reason end as reason \
         from prepared.unit \
         where period between date '{first}' and date '{last}' \
         and (not in_denominator and coalesce(exclusion_reason, '') <> 'outside_period' or in_denominator and not mature \
         or in_denominator and {mature} and exception_reason is not null and not in_numerator)) \
         group by year, kind, reason",
        first = span.first_month,
        last = span.last_day(),
    );
    let broken = |reason: &str| MeasureError::engine("the reasons of exclusion", reason);
    let mut counts: BTreeMap<(i32, String, String), u64> = BTreeMap::new();
    for bench in benches {
        for batch in bench.collect(&query).await? {
            let column = |name: &str| batch.column_by_name(name).ok_or_else(|| broken(name));
            let years = column("year")?.as_primitive_opt::<Date32Type>().ok_or_else(|| broken("year"))?;
            let units = cast(column("units")?, &DataType::Int64).map_err(|error| broken(&error.to_string()))?;
            let units = units.as_primitive::<Int64Type>();
            for row in 0..batch.num_rows() {
                let text = |name: &str| -> Result<String> { Ok(text_at(column(name)?, row).unwrap_or_default()) };
                if years.is_null(row) || date_of(years.value(row)) < span.first_month {
                    continue;
                }
                let key = (years.value(row), text("kind")?, text("reason")?);
                *counts.entry(key).or_default() += u64::try_from(units.value(row)).unwrap_or(0);
            }
        }
    }
    let hidden = hidden(&counts, suppress_below, &hidden_totals(rates));
    Ok(counts
        .iter()
        .map(|(key @ (year, kind, reason), units)| {
            let shown = !hidden.contains(key);
            vec![
                measure.id.clone().into(),
                Cell::Date(crate::span::days(period_start("year", date_of(*year)))),
                kind.clone().into(),
                reason.clone().into(),
                shown.then_some(*units).into(),
                if shown { "shown" } else { "suppressed" }.into(),
            ]
        })
        .collect())
}

type Counted = (i32, String, String);

/// Kinds of reasons, in the order of the counts beside a value.
const KINDS: [&str; 3] = ["excluded", "exception", "immature"];

/// Years and kinds whose sum over everyone is hidden beside the year's value.
fn hidden_totals(rates: &[Rate]) -> BTreeSet<(i32, &'static str)> {
    let years = rates.iter().filter(|rate| rate.is_overall() && rate.key.period_kind == "year");
    years
        .flat_map(|rate| {
            let sides = KINDS.into_iter().zip(rate.hidden_beside).filter(|(_, hidden)| *hidden);
            sides.map(|(kind, _)| (rate.key.period, kind))
        })
        .collect()
}

/// Counts below the threshold, and where one stands alone in its year and kind the next smallest: their sum is published. Where it
/// is not, one reason at least is hidden too.
fn hidden(counts: &BTreeMap<Counted, u64>, suppress_below: u64, totals: &BTreeSet<(i32, &str)>) -> Vec<Counted> {
    let mut hidden: Vec<Counted> = Vec::new();
    let mut families: BTreeMap<(i32, &str), Vec<(&Counted, u64)>> = BTreeMap::new();
    for (key, units) in counts {
        families.entry((key.0, &key.1)).or_default().push((key, *units));
    }
    for (family_of, mut family) in families {
        family.sort_by_key(|(key, units)| (*units, (*key).clone()));
        let small = family.iter().filter(|(_, units)| *units < suppress_below).count();
        let least = usize::from(totals.contains(&family_of));
        let take = if small == 1 { 2 } else { small.max(least) };
        hidden.extend(family.iter().take(take).map(|(key, _)| (*key).clone()));
    }
    hidden
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_count_does_not_stand_alone() {
        let counts = |list: &[(&str, u64)]| -> BTreeMap<Counted, u64> {
            list.iter().map(|(reason, units)| ((0, "excluded".to_owned(), (*reason).to_owned()), *units)).collect()
        };
        let names = |list: &[(&str, u64)]| -> Vec<String> {
            hidden(&counts(list), 11, &BTreeSet::new()).into_iter().map(|(_, _, reason)| reason).collect()
        };
        assert_eq!(names(&[("died", 4), ("moved", 40), ("transferred", 90)]), ["died", "moved"]);
        assert_eq!(names(&[("died", 4), ("moved", 7), ("transferred", 90)]), ["died", "moved"]);
        assert_eq!(names(&[("died", 11), ("moved", 40)]), Vec::<String>::new());
        assert_eq!(names(&[("died", 10)]), ["died"]);
    }

    #[test]
    fn reasons_do_not_add_up_to_a_total_that_is_hidden() {
        let of = |kind: &str, reason: &str| (0, kind.to_owned(), reason.to_owned());
        let counts = BTreeMap::from([
            (of("excluded", "died"), 40),
            (of("excluded", "moved"), 90),
            (of("immature", "follow_up_not_over"), 60),
        ]);
        let totals = BTreeSet::from([(0, "excluded"), (0, "immature")]);
        assert_eq!(
            hidden(&counts, 11, &totals),
            [of("excluded", "died"), of("immature", "follow_up_not_over")],
            "a single reason is the total itself"
        );
    }
}
