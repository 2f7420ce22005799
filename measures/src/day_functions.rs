//! SQL functions of days: `days_between`, `add_days` and `age_at`, with one meaning in every measure.
//!
//! | function | what |
//! |---|---|
//! | `days_between(from, to)` | days from one date to another, an integer; below 0 where `to` is earlier |
//! | `add_days(day, number)` | the date so many days later, or earlier where the number is below 0; null beyond all dates |
//! | `age_at(birth, day)` | completed years from birth to a day, an integer; who was born on 29 February is a year older on 1 March |
//!
//! Each is null where an argument is.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::compute::{binary, cast};
use arrow::datatypes::{DataType, Date32Type, Int32Type, Int64Type};
use datafusion::common::DataFusionError;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

use crate::calendar;

/// The functions of this module.
pub fn functions() -> Vec<ScalarUDF> {
    [Word::DaysBetween, Word::AddDays, Word::AgeAt].map(|word| ScalarUDF::from(DayFunction::new(word))).into()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Word {
    DaysBetween,
    AddDays,
    AgeAt,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct DayFunction {
    word: Word,
    signature: Signature,
}

impl DayFunction {
    fn new(word: Word) -> Self {
        let second = if word == Word::AddDays { DataType::Int64 } else { DataType::Date32 };
        let exact = TypeSignature::Exact(vec![DataType::Date32, second]);
        Self { word, signature: Signature::new(exact, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for DayFunction {
    fn name(&self) -> &'static str {
        match self.word {
            Word::DaysBetween => "days_between",
            Word::AddDays => "add_days",
            Word::AgeAt => "age_at",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> datafusion::common::Result<DataType> {
        Ok(if self.word == Word::AddDays { DataType::Date32 } else { DataType::Int32 })
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> datafusion::common::Result<ColumnarValue> {
        let of_scalars = arguments.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let rows = if of_scalars { 1 } else { arguments.number_rows };
        let [first, second] = arguments.args.as_slice() else {
            return Err(DataFusionError::Execution(format!("{} takes two arguments", self.name())));
        };
        let first = cast(&first.to_array(rows)?, &DataType::Date32)?;
        let (first, second) = (first.as_primitive::<Date32Type>(), second.to_array(rows)?);
        let found: arrow::array::ArrayRef = match self.word {
            Word::DaysBetween => {
                let second = cast(&second, &DataType::Date32)?;
                let second = second.as_primitive::<Date32Type>();
                Arc::new(binary::<_, _, _, Int32Type>(first, second, |from, to| to.saturating_sub(from))?)
            }
            Word::AgeAt => {
                let second = cast(&second, &DataType::Date32)?;
                Arc::new(binary::<_, _, _, Int32Type>(first, second.as_primitive::<Date32Type>(), calendar::age_at)?)
            }
            Word::AddDays => {
                let second = cast(&second, &DataType::Int64)?;
                let pairs = first.iter().zip(second.as_primitive::<Int64Type>());
                let later = |(day, number): (Option<i32>, Option<i64>)| {
                    i64::from(day?).checked_add(number?).and_then(|day| i32::try_from(day).ok())
                };
                Arc::new(pairs.map(later).collect::<arrow::array::Date32Array>())
            }
        };
        if of_scalars {
            return Ok(ColumnarValue::Scalar(datafusion::common::ScalarValue::try_from_array(&found, 0)?));
        }
        Ok(ColumnarValue::Array(found))
    }
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::SessionContext;

    /// The values of a query's only row.
    fn row(query: &str) -> Vec<String> {
        let context = SessionContext::new();
        for function in super::functions() {
            context.register_udf(function);
        }
        let tokio = tokio::runtime::Builder::new_current_thread().build().expect("threads");
        let batches =
            tokio.block_on(async { context.sql(query).await.expect("a query").collect().await }).expect("rows");
        let batch = &batches[0];
        let text = |array: &arrow::array::ArrayRef| arrow::util::display::array_value_to_string(array, 0);
        batch.columns().iter().map(|array| text(array).expect("a text")).collect()
    }

    #[test]
    fn days_are_counted_from_the_first_to_the_second() {
        let dates = "date '2024-02-28' as a, date '2024-03-01' as b, cast(null as date) as n";
        let query = format!(
            "select days_between(a, b), days_between(b, a), days_between(a, n), add_days(a, 2), add_days(b, -2), \
             add_days(a, n1), add_days(a, 9999999999), days_between(date '2024-01-01', date '2024-01-31') \
             from (select {dates}, cast(null as bigint) as n1) days"
        );
        assert_eq!(row(&query), ["2", "-2", "", "2024-03-01", "2024-02-28", "", "", "30"]);
    }

    #[test]
    fn ages_are_completed_years_for_all_dates() {
        let query = "select age_at(date '2000-02-29', date '2018-02-28'), age_at(date '2000-02-29', date '2018-03-01'), \
                     age_at(date '0001-01-01', date '9999-12-31'), age_at(date '2000-01-01', null)";
        assert_eq!(row(query), ["17", "18", "9998", ""]);
    }
}
