//! A few of the made-up rows: a report that can be read line by line.

use std::path::Path;

use super::tables::{Table, Value};
use super::{MEASURES, exclusions, measures, month, rates};

/// What is left of the made-up run.
pub struct Small {
    /// Identifiers of measures.
    pub measures: &'static [&'static str],
    /// Months after the first that are left, the first and the last of them.
    pub months: (i32, i32),
    /// Kinds of longer periods.
    pub longer: &'static [&'static str],
    /// Identifiers of organizations.
    pub organizations: &'static [&'static str],
    /// Splits by groups of patients.
    pub splits: &'static [&'static str],
}

impl Small {
    /// Writes these rows in place of all that [`super::write`] writes.
    pub fn write(&self, folder: &Path) {
        super::write(folder);
        let (rates, signals, charts) = rates::rows();
        let (funnel, curve) = rates::funnels();
        Table::write(folder, "rate", &kept(rates, |row| self.has_value(row)));
        Table::write(folder, "signal", &kept(signals, |row| self.has_measure(row) && self.has_month(&row[3])));
        Table::write(folder, "chart", &kept(charts, |row| self.has_measure(row)));
        let in_funnel = |row: &[Value]| self.has_measure(row) && has(self.organizations, &row[2]);
        Table::write(folder, "funnel", &kept(funnel, in_funnel));
        Table::write(folder, "funnel_curve", &kept(curve, |row| self.has_measure(row)));
        Table::write(folder, "exclusion", &kept(exclusions(), |row| self.has_measure(row)));
        let measures = MEASURES.iter().map(measures::row).collect();
        Table::write(folder, "measure", &kept(measures, |row| self.has_measure(row)));
    }

    fn has_measure(&self, row: &[Value]) -> bool {
        has(self.measures, &row[0])
    }

    fn has_month(&self, period: &Value) -> bool {
        matches!(period, Value::Date(day) if (month(self.months.0)..=month(self.months.1)).contains(day))
    }

    fn has_value(&self, row: &[Value]) -> bool {
        let [_, kind, period, level, organization, _, split, ..] = row else { return false };
        self.has_measure(row)
            && if kind.text() == Some("month") { self.has_month(period) } else { has(self.longer, kind) }
            && (level.text() == Some("all") || has(self.organizations, organization))
            && (split.text() == Some("all") || has(self.splits, split))
    }
}

fn has(names: &[&str], value: &Value) -> bool {
    value.text().is_some_and(|text| names.contains(&text))
}

fn kept(mut rows: Vec<Vec<Value>>, keep: impl Fn(&[Value]) -> bool) -> Vec<Vec<Value>> {
    rows.retain(|row| keep(row));
    rows
}
