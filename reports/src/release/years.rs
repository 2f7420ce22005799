//! Whole years alone: no month, no quarter, no day.

use std::collections::BTreeSet;

use arcstr::ArcStr;
use jiff::civil::Date;

use super::LeftOut;
use crate::format;
use crate::model::{Results, Run};

impl Run {
    /// A month in words: "August 2026"; its year where the release has nothing finer.
    pub fn month_words(&self, month: Date) -> String {
        if self.release.is_yearly() { month.year().to_string() } else { format::month_long(month) }
    }

    /// A day in words: "21 November 2026"; its year where the release has nothing finer.
    pub fn day_words(&self, day: Date) -> String {
        if self.release.is_yearly() { day.year().to_string() } else { format::day(day) }
    }
}

/// Leaves values of whole years, and nothing that is about months or days.
pub fn keep(results: &mut Results) {
    results.rates.retain(|rate| rate.period_kind == "year");
    results.charts.clear();
    results.signals.clear();
    results.waits.clear();
    results.feed_months.clear();
    results.annotations.clear();
    results.targets.clear();
    for day in [&mut results.run.report_month, &mut results.run.first_month, &mut results.run.extract_date] {
        *day = day.first_of_year();
    }
    for model in &mut results.survey_models {
        model.first_month = model.first_month.first_of_year();
        model.last_month = model.last_month.first_of_year();
    }
    results.left_out.extend([
        LeftOut { what: "months and quarters", why: "no date is finer than a year" },
        LeftOut {
            what: "charts of months, their signals, and targets",
            why: "they are about months, or the project's own",
        },
        LeftOut { what: "waits", why: "they are told by month" },
        LeftOut { what: "rows of each table by month", why: "they are told by month" },
        LeftOut { what: "dated events", why: "they have days, and words of the project's own" },
    ]);
}

/// Leaves the years that are final for everyone.
pub fn keep_final(results: &mut Results) {
    let years: BTreeSet<(ArcStr, Date)> = results
        .rates
        .iter()
        .filter(|rate| rate.is_overall() && rate.is_final)
        .map(|rate| (rate.measure_id.clone(), rate.period))
        .collect();
    results.rates.retain(|rate| years.contains(&(rate.measure_id.clone(), rate.period)));
    results.exclusions.retain(|row| years.contains(&(row.measure_id.as_str().into(), row.year)));
}
