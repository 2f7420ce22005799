//! Units behind the made-up values: those that the latest final month of each measure counts, and some that it does not.

use std::fs;
use std::path::Path;

use super::measures::MEASURES;
use super::tables::{Table, Value};
use super::{MONTHS, month, rates};

/// What every made-up patient's identifier begins with.
pub const PATIENT: &str = "zq-patient-";
/// What some are called besides.
pub const HOSTILE: [&str; 3] = ["zq-patient-<script>alert(1)</script>", " zq-patient-\u{202e}1", ""];
/// Patients whose units do not count.
pub const OTHERS: [&str; 5] =
    ["zq-other-excluded", "zq-other-excepted", "zq-other-before", "zq-other-after", "zq-other-measure"];

/// A unit: its measure and patient, its month, why it does not count, and what it adds.
struct Unit<'a> {
    measure: &'a str,
    patient: &'a str,
    period: i32,
    excluded: Option<&'static str>,
    exception: Option<&'static str>,
    numerator: f64,
    in_numerator: bool,
}

impl Unit<'_> {
    /// The row of `cohort_unit`.
    fn of_cohort(&self, number: usize) -> Vec<Value> {
        use Value::{Date, Integer, None, Owned};
        let mut row = vec![
            Owned(self.measure.to_owned()),
            Integer(i64::try_from(number).expect("few")),
            Owned(format!("unit-{number}")),
            if self.patient.is_empty() { None } else { Owned(self.patient.to_owned()) },
            Date(self.period + 3),
            Date(self.period),
        ];
        row.extend(std::iter::repeat_n(None, 10));
        row
    }

    /// The row of `measure_unit`.
    fn of_measure(&self, number: usize) -> Vec<Value> {
        use Value::{Boolean, Date, Integer, None, Number, Owned, Text};
        let reason = |reason: Option<&'static str>| reason.map_or(None, Text);
        let mut row = vec![
            Owned(self.measure.to_owned()),
            Integer(i64::try_from(number).expect("few")),
            Boolean(self.excluded.is_none()),
            reason(self.excluded),
            if self.excluded.is_some() { None } else { Boolean(self.in_numerator) },
            reason(self.exception),
            Number(self.numerator),
            Number(1.0),
            None,
            Boolean(true),
            Date(self.period + 40),
        ];
        row.extend(std::iter::repeat_n(None, 4));
        row
    }
}

/// Writes `measure_unit/<measure>-NN.parquet` of every computed measure, and the units of its cohort, which is its own. Of rates only
/// units with an event, as engines do for member-months; one patient in ten has two units.
pub fn write(folder: &Path) {
    for table in ["cohort_unit", "measure_unit"] {
        fs::create_dir(folder.join(table)).expect("a folder");
    }
    let (values, _, _) = rates::rows();
    for made in MEASURES.iter().filter(|made| made.family != "transition") {
        let latest = month(MONTHS - 1 - made.open);
        let is_latest = |row: &&Vec<Value>| {
            row[0].text() == Some(made.id)
                && row[1].text() == Some("month")
                && matches!(row[2], Value::Date(day) if day == latest)
        };
        let value = values.iter().find(is_latest).expect("a latest final month");
        let sum = |place: usize| if let Value::Number(sum) = value[place] { sum } else { 40.0 };
        let (numerator, denominator) = (sum(8), sum(9));
        let usual = Unit {
            measure: made.id,
            patient: "",
            period: latest,
            excluded: None,
            exception: None,
            numerator: 0.0,
            in_numerator: false,
        };
        // Money is the one sum of events that is no number of them.
        let events = if made.family == "cost" { 50.0 } else { numerator };
        let counted = if made.kind == "rate" { events } else { denominator };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few thousand")]
        let (events, counted) = (events as usize, counted as usize);
        let name = |place: usize| {
            HOSTILE
                .get(place)
                .map_or_else(|| format!("{PATIENT}{}", place % (counted * 9 / 10).max(1)), |name| (*name).to_owned())
        };
        let names: Vec<String> = (0..counted).map(name).collect();
        let mut units: Vec<Unit<'_>> = (0..counted)
            .map(|place| {
                let in_numerator = place < events;
                let numerator = match made.kind {
                    "rate" => numerator / events as f64,
                    "proportion" => f64::from(u8::from(in_numerator)),
                    _ => 11.4,
                };
                Unit { patient: &names[place], numerator, in_numerator, ..usual }
            })
            .collect();
        let [excluded, excepted, before, after, other] = OTHERS;
        let event = |patient, period| Unit { patient, period, numerator: 1.0, in_numerator: true, ..usual };
        let others = [
            Unit { excluded: Some("died"), ..event(excluded, latest) },
            Unit { exception: Some("declined"), in_numerator: false, ..event(excepted, latest) },
            event(before, latest - 1),
            event(after, month(MONTHS - made.open)),
            Unit { measure: "another.measure", ..event(other, latest) },
        ];
        units.extend(others);
        let (one, two) = units.split_at(units.len() / 2);
        for (group, units) in [one, two].into_iter().enumerate() {
            let each = || units.iter().enumerate();
            let of_cohort: Vec<_> = each().map(|(place, unit)| unit.of_cohort(place)).collect();
            let of_measure: Vec<_> = each().map(|(place, unit)| unit.of_measure(place)).collect();
            for (table, rows) in [("cohort_unit", of_cohort), ("measure_unit", of_measure)] {
                Table::write_file(&folder.join(format!("{table}/{}-{group:02}.parquet", made.id)), table, &rows);
            }
        }
    }
}
