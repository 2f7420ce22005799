//! Rules: what a measure says of the rows of its cohort. A folder with `rule.sql` in place of `units.sql` reads the table `cohort`, whose
//! SQL is a file of `measures/cohorts`, and hands the column `unit` on, which says who the unit is.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions, StringViewArray};
use arrow::compute::nullif;
use arrow::datatypes::{DataType, Field, Schema};
use include_dir::{Dir, include_dir};

use crate::error::{MeasureError, Result};
use crate::people::texts;

static COHORTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/cohorts");

/// The column of a cohort and of its rules that says who a unit is: a struct of the columns that a unit can have, and of
/// `exclusion_reason`, why none of the cohort's measures counts it.
pub const UNIT: &str = "unit";

/// The SQL of a cohort of this name.
#[must_use]
pub fn cohort_sql(cohort: &str) -> Option<&'static str> {
    COHORTS.get_file(format!("{cohort}.sql")).and_then(include_dir::File::contents_utf8)
}

/// The names of all cohorts that have SQL.
#[must_use]
pub fn cohorts() -> Vec<String> {
    let stem = |file: &include_dir::File<'_>| Some(file.path().file_stem()?.to_str()?.to_owned());
    let mut names: Vec<String> = COHORTS.files().filter_map(stem).collect();
    names.sort();
    names
}

/// The text of a rule with the table `cohort` that it reads, as one query.
#[must_use]
pub fn with_cohort(rule: &str, cohort: &str) -> String {
    let table = format!("with cohort as (\n{}\n)", cohort.trim_end());
    // Comments before the query stay before it.
    let mut start = 0;
    for line in rule.split_inclusive('\n') {
        if !line.trim().is_empty() && !line.trim_start().starts_with("--") {
            break;
        }
        start += line.len();
    }
    let (before, query) = rule.split_at(start);
    let word = query.get(..5).unwrap_or_default();
    if word.eq_ignore_ascii_case("with ") || word.eq_ignore_ascii_case("with\n") {
        format!("{before}{table},\n{}", &query[5..])
    } else {
        format!("{before}{table}\n{query}")
    }
}

/// The columns of a rule, those of the unit among them.
#[must_use]
pub fn columns(schema: &Schema) -> Vec<String> {
    let mut names = Vec::new();
    for field in schema.fields() {
        match field.data_type() {
            DataType::Struct(of_unit) if field.name() == UNIT => {
                names.extend(of_unit.iter().map(|field| field.name().clone()));
                names.push(COUNTS.to_owned());
            }
            _ => names.push(field.name().clone()),
        }
    }
    names.sort();
    names.dedup();
    names
}

const REASON: &str = "exclusion_reason";
const COUNTS: &str = "in_denominator";
/// What a unit that does not count has none of.
const OUTCOMES: [&str; 2] = ["in_numerator", "numerator"];

/// The rows of a rule as those of a measure with SQL of its own: the columns of the unit stand beside the others, the cohort's reason to
/// leave a unit out comes before the rule's, units without a reason are in the denominator, and the others have no outcome.
///
/// # Errors
/// When a column does not have the type that it must have.
pub fn unpacked(rows: RecordBatch) -> Result<RecordBatch> {
    let Some(unit) = rows.column_by_name(UNIT).and_then(|unit| unit.as_struct_opt().cloned()) else { return Ok(rows) };
    let failed = |error| MeasureError::engine("the column unit of a rule", error);
    let of_unit = |name: &str| unit.column_by_name(name).cloned();
    let reason: ArrayRef = match (of_unit(REASON), rows.column_by_name(REASON)) {
        (Some(cohort), None) => cohort,
        (Some(_), Some(_)) => {
            let of_cohort = RecordBatch::from(unit.clone());
            let (cohort, own) = (texts(&of_cohort, REASON)?, texts(&rows, REASON)?);
            let first = cohort.iter().zip(&own).map(|(cohort, own)| cohort.or(own));
            Arc::new(first.collect::<StringViewArray>())
        }
        (None, _) => texts(&rows, REASON).map(Arc::new)?,
    };
    let excluded: BooleanArray = (0..reason.len()).map(|row| Some(reason.is_valid(row))).collect();
    let mut found: Vec<(String, ArrayRef)> = vec![(REASON.to_owned(), reason)];
    if rows.column_by_name(COUNTS).is_none() {
        found.push((COUNTS.to_owned(), Arc::new(arrow::compute::not(&excluded).map_err(failed)?)));
    }
    for (field, column) in rows.schema().fields().iter().zip(rows.columns()) {
        let name = field.name();
        if OUTCOMES.contains(&name.as_str()) {
            found.push((name.clone(), nullif(column, &excluded).map_err(failed)?));
        } else if name != UNIT && name != REASON {
            found.push((name.clone(), Arc::clone(column)));
        }
    }
    for (field, column) in unit.fields().iter().zip(unit.columns()) {
        // What the rule says itself is not taken from the cohort.
        if field.name() != REASON && rows.column_by_name(field.name()).is_none() {
            found.push((field.name().clone(), Arc::clone(column)));
        }
    }
    let fields: Vec<Field> =
        found.iter().map(|(name, column)| Field::new(name, column.data_type().clone(), true)).collect();
    let columns = found.into_iter().map(|(_, column)| column).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_reads_its_cohort_before_its_own_tables() {
        let plain = "-- One row.\n\nselect unit from cohort\n";
        assert_eq!(
            with_cohort(plain, "select 1\n"),
            "-- One row.\n\nwith cohort as (\nselect 1\n)\nselect unit from cohort\n"
        );
        let own = "-- With a table of its own.\nwith a as (select 2)\nselect unit from cohort cross join a";
        assert_eq!(
            with_cohort(own, "select 1"),
            "-- With a table of its own.\nwith cohort as (\nselect 1\n),\na as (select 2)\nselect unit from cohort cross join a"
        );
        assert_eq!(
            with_cohort("WITH\na as (select 2) select 3", "select 1"),
            "with cohort as (\nselect 1\n),\na as (select 2) select 3"
        );
    }

    #[test]
    fn what_a_unit_is_stands_beside_what_the_rule_says() {
        let text = |values: &[Option<&str>]| Arc::new(values.iter().copied().collect::<StringViewArray>()) as ArrayRef;
        let unit = arrow::array::StructArray::from(vec![
            (
                Arc::new(Field::new("unit_id", DataType::Utf8View, true)),
                text(&[Some("a"), Some("b"), Some("c"), Some("d")]),
            ),
            (Arc::new(Field::new(REASON, DataType::Utf8View, true)), text(&[None, Some("died"), Some("died"), None])),
        ]);
        let met: ArrayRef = Arc::new(BooleanArray::from(vec![Some(true), Some(true), None, Some(false)]));
        let fields = vec![
            Field::new(UNIT, unit.data_type().clone(), true),
            Field::new(REASON, DataType::Utf8View, true),
            Field::new("in_numerator", DataType::Boolean, true),
        ];
        let own = text(&[None, Some("under_age"), None, Some("under_age")]);
        let rows = RecordBatch::try_new(Arc::new(Schema::new(fields)), vec![Arc::new(unit), own, met]).expect("rows");
        assert_eq!(columns(&rows.schema()), [REASON, COUNTS, "in_numerator", "unit_id"]);
        let rows = unpacked(rows).expect("rows");
        let shown = arrow::util::pretty::pretty_format_batches(&[rows]).expect("text").to_string();
        let lines: Vec<String> = shown
            .lines()
            .filter(|line| line.starts_with('|'))
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(
            lines,
            [
                "| exclusion_reason | in_denominator | in_numerator | unit_id |",
                "| | true | true | a |",
                "| died | false | | b |",
                "| died | false | | c |",
                "| under_age | false | | d |",
            ]
        );
    }

    #[test]
    fn every_cohort_says_who_its_units_are() {
        assert!(cohorts().contains(&"stay".to_owned()), "{:?}", cohorts());
        for name in cohorts() {
            let text = cohort_sql(&name).expect("its SQL");
            assert!(text.starts_with("-- ") && text.contains("as unit"), "{name}");
            for column in ["'unit_id'", "'patient_id'", "'index_date'", "'exclusion_reason'"] {
                assert!(text.contains(column), "{name}: {column}");
            }
        }
    }
}
