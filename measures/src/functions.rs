//! SQL functions that measures may use beside those of the engine: what SQL cannot say row by row.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanBuilder, Int64Array, ListBuilder, StructArray};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Field, FieldRef, Fields, Int32Type, Int64Type};
use datafusion::common::types::{logical_date, logical_string};
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    Coercion, ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature,
    TypeSignatureClass, Volatility,
};
use datafusion::prelude::SessionContext;

use crate::error::Result;
use crate::{day_functions, dispositions, spelled};

/// Registers every function of this module, and those of dispositions, in a session.
///
/// # Errors
/// When a shipped file is broken, which a test rules out.
pub fn register(context: &SessionContext) -> Result<()> {
    for function in dispositions::functions()? {
        context.register_udf(function);
    }
    for function in spelled::functions().into_iter().chain(day_functions::functions()) {
        context.register_udf(function);
    }
    context.register_udf(ScalarUDF::from(CoveredDays::new()));
    context.register_udf(ScalarUDF::from(Spaced::new()));
    context.register_udf(ScalarUDF::from(DateTrunc::new()));
    Ok(())
}

/// `date_trunc(part, value)` as the engine has it, but of a date it gives a date, for every date that there is.
///
/// | argument | type | what |
/// |---|---|---|
/// | `part` | text | `year`, `quarter`, `month`, `week` (from Monday), `day`, or a part of a day |
/// | `value` | date, timestamp or time | what is cut to the first instant of that part; the date itself for parts of a day |
///
/// The engine's own function takes a date by way of nanoseconds, which end in 1677 and 2262: one discharge in the year 4700
/// would end the run. Timestamps and times go to the engine's function as before.
#[derive(Debug, PartialEq, Eq, Hash)]
struct DateTrunc {
    signature: Signature,
    engine: Arc<ScalarUDF>,
}

impl DateTrunc {
    fn new() -> Self {
        let engine = datafusion::functions::datetime::date_trunc();
        let of_dates = TypeSignature::Coercible(vec![
            Coercion::new_exact(TypeSignatureClass::Native(logical_string())),
            Coercion::new_exact(TypeSignatureClass::Native(logical_date())),
        ]);
        let others = engine.signature().type_signature.clone();
        Self { signature: Signature::one_of(vec![of_dates, others], Volatility::Immutable), engine }
    }
}

impl ScalarUDFImpl for DateTrunc {
    fn name(&self) -> &'static str {
        "date_trunc"
    }

    fn aliases(&self) -> &[String] {
        self.engine.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> datafusion::common::Result<DataType> {
        self.engine.return_type(arguments)
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> datafusion::common::Result<FieldRef> {
        match arguments.arg_fields {
            [_, value] if is_date(value.data_type()) => {
                Ok(Arc::new(Field::new(self.name(), DataType::Date32, value.is_nullable())))
            }
            _ => self.engine.return_field_from_args(arguments),
        }
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> datafusion::common::Result<ColumnarValue> {
        let [part, value] = arguments.args.as_slice() else {
            return Err(DataFusionError::Execution("date_trunc takes two arguments".to_owned()));
        };
        if !is_date(&value.data_type()) {
            return self.engine.invoke_with_args(arguments);
        }
        let part = match part {
            ColumnarValue::Scalar(part) => part.try_as_str().flatten().map(str::to_lowercase),
            ColumnarValue::Array(_) => None,
        };
        let part =
            part.ok_or_else(|| DataFusionError::Execution("date_trunc takes one text for its part".to_owned()))?;
        let first_day = first_day_of(&part).ok_or_else(|| {
            DataFusionError::Execution(format!("date_trunc knows year, quarter, month, week and day; not {part}"))
        })?;
        Ok(match value.cast_to(&DataType::Date32, None)? {
            ColumnarValue::Scalar(ScalarValue::Date32(day)) => {
                ColumnarValue::Scalar(ScalarValue::Date32(day.map(first_day)))
            }
            ColumnarValue::Scalar(other) => ColumnarValue::Scalar(other),
            ColumnarValue::Array(days) => {
                ColumnarValue::Array(Arc::new(days.as_primitive::<Date32Type>().unary::<_, Date32Type>(first_day)))
            }
        })
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> datafusion::common::Result<SortProperties> {
        self.engine.output_ordering(inputs)
    }
}

fn is_date(kind: &DataType) -> bool {
    matches!(kind, DataType::Date32 | DataType::Date64)
}

/// The function that takes a day to the first day of the part that it lies in, both as days since 1970-01-01; nothing for a
/// word that is no part. A day whose part begins before all days that can be written stays where those begin.
fn first_day_of(part: &str) -> Option<fn(i32) -> i32> {
    /// The day of a month, as days since 1970-01-01; `month` counts from 0 in January of the year 0.
    fn first_of(month: i64) -> i32 {
        // Years begin in March here, so that the day that leap years add is the last of a year.
        let (year, of_year) = ((month - 2).div_euclid(12), (month - 2).rem_euclid(12));
        let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
        let day = 365 * year + leaps + (153 * of_year + 2) / 5 - 719_468;
        i32::try_from(day).unwrap_or(if day < 0 { i32::MIN } else { i32::MAX })
    }
    /// The month that a day lies in, counted in the same way.
    fn month_of(day: i32) -> i64 {
        // Eras of 400 years, which have 146,097 days each; the year begins in March.
        let since = i64::from(day) + 719_468;
        let (era, of_era) = (since.div_euclid(146_097), since.rem_euclid(146_097));
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        12 * (400 * era + year) + (5 * of_year + 2) / 153 + 2
    }
    Some(match part {
        "year" => |day| first_of(month_of(day).div_euclid(12) * 12),
        "quarter" => |day| first_of(month_of(day).div_euclid(3) * 3),
        "month" => |day| first_of(month_of(day)),
        // 1970-01-01 was a Thursday.
        "week" => |day| {
            let first = i64::from(day) - (i64::from(day) + 3).rem_euclid(7);
            i32::try_from(first).unwrap_or(i32::MIN)
        },
        "day" | "hour" | "minute" | "second" | "millisecond" | "microsecond" => |day| day,
        _ => return None,
    })
}

/// `covered_days(filled, supply, ingredients, first, last, admitted, discharged)`: days of medication supply on hand.
///
/// | argument | type | what |
/// |---|---|---|
/// | `filled` | list of dates | days of the fills, in order |
/// | `supply` | list of integers | days supplied by each |
/// | `ingredients` | list of texts | active ingredients of each, joined by `;` or `+` |
/// | `first`, `last` | date | first and last day counted, both included |
/// | `admitted`, `discharged` | lists of dates | inpatient stays; the day of discharge is none of their days |
///
/// Returns a struct: `days`, days from first to last without those of stays; `covered`, those of them with supply. A fill
/// that shares an ingredient with earlier ones begins when their supply has run out, not before; other fills do not
/// shift. A day of supply that falls into a stay moves to the next day without supply and outside a stay. Null where the
/// lists differ in length, a number is missing, or `last` lies before `first`.
///
/// Source: `measures.md` MA-PDC, steps 1 to 4: PQA's examples for the cascade [V], CMS Stars for the stays [V], what counts
/// as a day of a stay and where its supply goes [P].
#[derive(Debug, PartialEq, Eq, Hash)]
struct CoveredDays {
    signature: Signature,
}

impl CoveredDays {
    fn new() -> Self {
        Self { signature: Signature::any(7, Volatility::Immutable) }
    }

    fn fields() -> Fields {
        Fields::from(vec![Field::new("days", DataType::Int64, true), Field::new("covered", DataType::Int64, true)])
    }
}

impl ScalarUDFImpl for CoveredDays {
    fn name(&self) -> &'static str {
        "covered_days"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> datafusion::common::Result<DataType> {
        Ok(DataType::Struct(Self::fields()))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> datafusion::common::Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let arrays = ColumnarValue::values_to_arrays(&arguments.args)?;
        let [filled, supply, ingredients, first, last, admitted, discharged] = arrays.as_slice() else {
            return Err(DataFusionError::Execution("covered_days takes seven arguments".to_owned()));
        };
        let as_list = |array: &ArrayRef, kind: DataType| -> datafusion::common::Result<ArrayRef> {
            Ok(cast(array, &DataType::List(Arc::new(Field::new_list_field(kind, true))))?)
        };
        let (filled, supply) = (as_list(filled, DataType::Int32)?, as_list(supply, DataType::Int64)?);
        let ingredients = as_list(ingredients, DataType::Utf8)?;
        let (admitted, discharged) = (as_list(admitted, DataType::Int32)?, as_list(discharged, DataType::Int32)?);
        let (first, last) = (cast(first, &DataType::Int32)?, cast(last, &DataType::Int32)?);
        let (first, last) = (first.as_primitive::<Int32Type>(), last.as_primitive::<Int32Type>());
        let days_of = |array: &ArrayRef, row: usize| -> Option<Vec<i32>> {
            let given = array.as_list::<i32>();
            if given.is_null(row) {
                return Some(Vec::new());
            }
            given.value(row).as_primitive::<Int32Type>().iter().collect()
        };
        let found: Vec<Option<(i64, i64)>> = (0..rows)
            .map(|row| {
                let supplies = supply.as_list::<i32>();
                let drugs = ingredients.as_list::<i32>();
                if supplies.is_null(row) || drugs.is_null(row) || first.is_null(row) || last.is_null(row) {
                    return None;
                }
                let days = days_of(&filled, row)?;
                let lengths: Option<Vec<i64>> = supplies.value(row).as_primitive::<Int64Type>().iter().collect();
                let names: Vec<String> = drugs
                    .value(row)
                    .as_string::<i32>()
                    .iter()
                    .map(|name| name.unwrap_or_default().to_owned())
                    .collect();
                let stays: Vec<(i32, i32)> =
                    days_of(&admitted, row)?.into_iter().zip(days_of(&discharged, row)?).collect();
                let lengths = lengths?;
                if days.len() != lengths.len() || days.len() != names.len() {
                    return None;
                }
                let fills: Vec<Fill> = days
                    .into_iter()
                    .zip(lengths)
                    .zip(&names)
                    .map(|((day, supply), ingredients)| Fill { day, supply, ingredients })
                    .collect();
                covered(&fills, &stays, first.value(row), last.value(row))
            })
            .collect();
        let column = |pick: fn(&(i64, i64)) -> i64| -> ArrayRef {
            Arc::new(found.iter().map(|found| found.as_ref().map(pick)).collect::<Int64Array>())
        };
        let present = found.iter().map(Option::is_some).collect::<NullBuffer>();
        let columns = vec![column(|found| found.0), column(|found| found.1)];
        Ok(ColumnarValue::Array(Arc::new(StructArray::try_new(Self::fields(), columns, Some(present))?)))
    }
}

/// `spaced(starts, ends, gap)`: which of a patient's events count when those too close to the last one that counted do not.
///
/// | argument | type | what |
/// |---|---|---|
/// | `starts`, `ends` | lists of dates | first and last day of each event, in order |
/// | `gap` | integer | days from the end of an event that counts within which no other counts, both ends included |
///
/// Returns a list of booleans, one for each event: the first counts; a later one counts when it starts more than `gap` days
/// after the end of the last one that counted. An event that does not count moves nothing. Null for lists of unequal length
/// or with nulls in them.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Spaced {
    signature: Signature,
}

impl Spaced {
    fn new() -> Self {
        Self { signature: Signature::any(3, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Spaced {
    fn name(&self) -> &'static str {
        "spaced"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> datafusion::common::Result<DataType> {
        Ok(DataType::List(Arc::new(Field::new_list_field(DataType::Boolean, true))))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> datafusion::common::Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&arguments.args)?;
        let [starts, ends, gap] = arrays.as_slice() else {
            return Err(DataFusionError::Execution("spaced takes three arguments".to_owned()));
        };
        let days = DataType::List(Arc::new(Field::new_list_field(DataType::Int32, true)));
        let (starts, ends, gap) = (cast(starts, &days)?, cast(ends, &days)?, cast(gap, &DataType::Int64)?);
        let gap = gap.as_primitive::<Int64Type>();
        let list = |array: &ArrayRef, row: usize| -> Option<Vec<i32>> {
            let given = array.as_list::<i32>();
            if given.is_null(row) {
                return None;
            }
            given.value(row).as_primitive::<Int32Type>().iter().collect()
        };
        let mut found = ListBuilder::new(BooleanBuilder::new());
        for row in 0..arguments.number_rows {
            let counts = match (list(&starts, row), list(&ends, row)) {
                (Some(starts), Some(ends)) if starts.len() == ends.len() && gap.is_valid(row) => {
                    Some(counted(&starts, &ends, gap.value(row)))
                }
                _ => None,
            };
            found.append_option(counts.map(|counts| counts.into_iter().map(Some)));
        }
        Ok(ColumnarValue::Array(Arc::new(found.finish())))
    }
}

/// Which events count; see [`Spaced`].
fn counted(starts: &[i32], ends: &[i32], gap: i64) -> Vec<bool> {
    let mut last = None;
    let mut counts = Vec::with_capacity(starts.len());
    for (start, end) in starts.iter().zip(ends) {
        let free = last.is_none_or(|last: i64| i64::from(*start) - last > gap);
        if free {
            last = Some(i64::from(*end));
        }
        counts.push(free);
    }
    counts
}

/// One dispensing.
struct Fill<'a> {
    day: i32,
    supply: i64,
    ingredients: &'a str,
}

/// Days counted and days covered.
fn covered(fills: &[Fill<'_>], stays: &[(i32, i32)], first: i32, last: i32) -> Option<(i64, i64)> {
    let length = usize::try_from(i64::from(last) - i64::from(first) + 1).ok()?;
    // A century is more than any measurement period; it keeps a wrong date from asking for all memory.
    if length == 0 || length > 36_600 {
        return None;
    }
    let place = |day: i64| usize::try_from(day - i64::from(first)).unwrap_or(0).min(length);
    let mut in_stay = vec![false; length];
    for (admitted, discharged) in stays {
        let (start, end) = (place((*admitted).into()), place((*discharged).into()));
        if start < end {
            in_stay[start..end].fill(true);
        }
    }
    let mut has_supply = vec![false; length];
    let mut free_from: BTreeMap<&str, i64> = BTreeMap::new();
    for fill in fills.iter().filter(|fill| fill.supply > 0) {
        let names: Vec<&str> =
            fill.ingredients.split([';', '+']).map(str::trim).filter(|name| !name.is_empty()).collect();
        let after = names.iter().filter_map(|name| free_from.get(name)).copied().max().unwrap_or(i64::MIN);
        let start = i64::from(fill.day).max(after);
        let end = start.saturating_add(fill.supply);
        for name in names {
            free_from.insert(name, end);
        }
        let (from, to) = (place(start), place(end));
        if from < to {
            has_supply[from..to].fill(true);
        }
    }
    // Supply of days in hospital moves to the next free days, in order.
    let mut waiting = 0_u32;
    for day in 0..length {
        if in_stay[day] {
            waiting += u32::from(has_supply[day]);
            has_supply[day] = false;
        } else if !has_supply[day] && waiting > 0 {
            waiting -= 1;
            has_supply[day] = true;
        }
    }
    let days = in_stay.iter().filter(|stay| !**stay).count();
    let covered = has_supply.iter().filter(|covered| **covered).count();
    Some((i64::try_from(days).ok()?, i64::try_from(covered).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fills<'a>(given: &[(i32, i64, &'a str)]) -> Vec<Fill<'a>> {
        given.iter().map(|(day, supply, ingredients)| Fill { day: *day, supply: *supply, ingredients }).collect()
    }

    #[test]
    fn the_same_ingredient_waits_and_another_does_not() {
        assert_eq!(covered(&fills(&[(0, 30, "a"), (20, 30, "a")]), &[], 0, 99), Some((100, 60)));
        assert_eq!(covered(&fills(&[(0, 30, "a"), (20, 30, "b")]), &[], 0, 99), Some((100, 50)));
        assert_eq!(covered(&fills(&[(0, 30, "a"), (20, 30, "b+a"), (50, 10, "b")]), &[], 0, 99), Some((100, 70)));
    }

    #[test]
    fn supply_in_a_stay_moves_to_the_next_free_days() {
        assert_eq!(covered(&fills(&[(0, 30, "a")]), &[(10, 15)], 0, 49), Some((45, 30)));
        // The stay lies at the end: nothing is left to move to.
        assert_eq!(covered(&fills(&[(0, 50, "a")]), &[(40, 60)], 0, 49), Some((40, 40)));
        // Stays that overlap are not counted twice.
        assert_eq!(covered(&[], &[(0, 5), (3, 8)], 0, 9), Some((2, 0)));
    }

    #[test]
    fn an_event_too_close_to_one_that_counted_does_not_count_and_hides_no_other() {
        // Day 20 is too close to day 0, and day 45 is not measured from day 20.
        assert_eq!(counted(&[0, 20, 45], &[0, 20, 45], 30), [true, false, true]);
        assert_eq!(counted(&[0, 30, 31, 61, 62], &[0, 30, 31, 61, 62], 30), [true, false, true, false, true]);
        assert_eq!(counted(&[0, 35], &[10, 40], 30), [true, false]);
        assert!(counted(&[], &[], 7).is_empty());
    }

    #[test]
    fn every_day_has_a_month_a_quarter_a_year_and_a_week() {
        use crate::span::{date_of, days, period_start};
        use jiff::civil::{Date, date};
        let first_day = |part: &str, day: i32| first_day_of(part).expect("a part")(day);
        // All days of centuries with and without a leap day, against the calendar of another library.
        let (from, to) = (days(date(1590, 1, 1)), days(date(2410, 1, 1)));
        for day in from..to {
            for part in ["month", "quarter", "year"] {
                assert_eq!(first_day(part, day), days(period_start(part, date_of(day))), "{part} of {}", date_of(day));
            }
            let monday = date_of(first_day("week", day));
            assert_eq!(monday.weekday(), jiff::civil::Weekday::Monday);
            assert!((0..7).contains(&(day - days(monday))));
        }
        for far in [Date::MIN, date(4700, 12, 31), Date::MAX] {
            assert_eq!(first_day("month", days(far)), days(far.first_of_month()));
        }
        for day in [i32::MIN, i32::MIN + 1, i32::MAX - 1, i32::MAX] {
            for part in ["week", "month", "quarter", "year"] {
                let first = first_day(part, day);
                assert!(first <= day && i64::from(day) - i64::from(first) < 366, "{part} of {day}: {first}");
            }
        }
        assert!(first_day_of("decade").is_none());
    }

    #[test]
    fn odd_input_is_no_number() {
        assert_eq!(covered(&[], &[], 5, 4), None);
        assert_eq!(covered(&[], &[], i32::MIN, i32::MAX), None);
        assert_eq!(covered(&fills(&[(0, i64::MAX, "a"), (1, i64::MAX, "a")]), &[(7, 3)], 0, 9), Some((10, 10)));
        assert_eq!(covered(&fills(&[(0, -3, "a"), (2, 3, "")]), &[], 0, 9), Some((10, 3)));
    }
}
