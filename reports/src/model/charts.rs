//! Rows of the results tables behind charts: `chart`, `signal`, `annotation`, `funnel`, `funnel_curve`.

use jiff::civil::Date;

use super::table::Row;
use crate::error::Result;

/// What a measure's chart says as a whole: the contract `chart`, at level all.
#[expect(clippy::struct_field_names, reason = "fields are named after the contract's columns")]
#[derive(Debug, Clone)]
pub struct Chart {
    pub measure_id: String,
    /// run, or the kind of control chart.
    pub chart: String,
    pub why: String,
    pub rules: String,
    /// Final months that set limits.
    pub months: i64,
    pub centre: Option<f64>,
    pub lower: Option<f64>,
    pub upper: Option<f64>,
    pub target: Option<f64>,
    pub variation: String,
    pub since: Option<Date>,
    pub assurance: String,
    pub signals: String,
    pub useful: Option<i64>,
    pub longest_run: Option<i64>,
    pub longest_run_limit: Option<i64>,
    pub crossings: Option<i64>,
    pub crossings_limit: Option<i64>,
    /// How far its centre line lies from the one before, with a 95 % interval.
    pub step: Option<f64>,
    pub step_lower: Option<f64>,
    pub step_upper: Option<f64>,
    /// improvement, concern, high, low, or empty.
    pub step_meaning: String,
    /// Why nothing is assessed; empty where it is.
    pub unassessed: String,
    /// Final months whose value is suppressed.
    pub hidden: i64,
}

/// One month of a chart: the contract `signal`, at level all.
#[expect(clippy::struct_field_names, reason = "fields are named after the contract's columns")]
#[derive(Debug, Clone)]
pub struct Signal {
    pub measure_id: String,
    pub period: Date,
    pub phase: i64,
    pub centre: Option<f64>,
    pub lower: Option<f64>,
    pub upper: Option<f64>,
    /// Rules that mark the month, joined by a plus.
    pub signal: String,
    /// improvement, concern, high, low, or empty.
    pub meaning: String,
}

impl Signal {
    /// Whether this rule marks the month.
    pub fn has(&self, rule: &str) -> bool {
        self.signal.split('+').any(|fired| fired == rule)
    }

    /// Whether the month itself stands out; a rule of the whole series marks none.
    pub fn stands_out(&self) -> bool {
        !self.meaning.is_empty()
    }
}

/// What happened when: the contract `annotation`.
#[derive(Debug, Clone)]
pub struct Annotation {
    pub measure_id: String,
    pub date: Date,
    pub text: String,
    pub new_phase: bool,
}

/// Whether a year meets its target: the contract `target`.
#[expect(clippy::struct_field_names, reason = "fields are named after the contract's columns")]
#[derive(Debug, Clone)]
pub struct Target {
    pub measure_id: String,
    pub level_id: String,
    pub period: Date,
    pub target: f64,
    /// Whether it is the organization's own.
    pub own: bool,
    /// met, missed, unclear, or empty.
    pub verdict: String,
}

/// The limits of a funnel at one size.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub lower_95: f64,
    pub upper_95: f64,
    pub lower_998: f64,
    pub upper_998: f64,
}

/// One organization of a funnel: the contract `funnel`.
#[derive(Debug, Clone)]
pub struct FunnelSite {
    pub measure_id: String,
    pub level_id: String,
    pub level_name: String,
    pub period: Date,
    pub is_final: bool,
    pub size: f64,
    pub value: f64,
    pub centre: f64,
    pub limits: Limits,
    pub widened: bool,
    /// within, alert or alarm.
    pub position: String,
    /// better, worse, high, low, or empty.
    pub meaning: String,
}

/// The limits of a funnel at one size, for drawing: the contract `funnel_curve`.
#[derive(Debug, Clone)]
pub struct FunnelCurve {
    pub measure_id: String,
    pub size: f64,
    pub limits: Limits,
}

pub(super) fn target_row(row: &Row) -> Result<Target> {
    Ok(Target {
        measure_id: row.text("measure_id")?,
        level_id: row.text("level_id")?,
        period: row.date("period")?,
        target: row.required_number("target")?,
        own: row.boolean("own")?,
        verdict: row.text("verdict")?,
    })
}

pub(super) fn chart_row(row: &Row) -> Result<Option<Chart>> {
    if row.text("level")? != "all" {
        return Ok(None);
    }
    Ok(Some(Chart {
        measure_id: row.text("measure_id")?,
        chart: row.text("chart")?,
        why: row.text("why")?,
        rules: row.text("rules")?,
        months: row.required_integer("months")?,
        centre: row.number("centre")?,
        lower: row.number("lower")?,
        upper: row.number("upper")?,
        target: row.number("target")?,
        variation: row.text("variation")?,
        since: row.date_if_any("since")?,
        assurance: row.text("assurance")?,
        signals: row.text("signals")?,
        useful: row.integer("useful")?,
        longest_run: row.integer("longest_run")?,
        longest_run_limit: row.integer("longest_run_limit")?,
        crossings: row.integer("crossings")?,
        crossings_limit: row.integer("crossings_limit")?,
        step: row.number("step")?,
        step_lower: row.number("step_lower")?,
        step_upper: row.number("step_upper")?,
        step_meaning: row.text("step_meaning")?,
        unassessed: row.text("unassessed")?,
        hidden: row.required_integer("hidden")?,
    }))
}

pub(super) fn signal_row(row: &Row) -> Result<Option<Signal>> {
    if row.text("level")? != "all" {
        return Ok(None);
    }
    Ok(Some(Signal {
        measure_id: row.text("measure_id")?,
        period: row.date("period")?,
        phase: row.integer("phase")?.unwrap_or(0),
        centre: row.number("centre")?,
        lower: row.number("lower")?,
        upper: row.number("upper")?,
        signal: row.text("signal")?,
        meaning: row.text("meaning")?,
    }))
}

pub(super) fn annotation_row(row: &Row) -> Result<Annotation> {
    Ok(Annotation {
        measure_id: row.text("measure_id")?,
        date: row.date("date")?,
        text: row.text("text")?,
        new_phase: row.boolean("new_phase")?,
    })
}

pub(super) fn funnel_row(row: &Row) -> Result<FunnelSite> {
    Ok(FunnelSite {
        measure_id: row.text("measure_id")?,
        level_id: row.text("level_id")?,
        level_name: row.text("level_name")?,
        period: row.date("period")?,
        is_final: row.text("maturity")? == "final",
        size: row.number("size")?.unwrap_or(f64::NAN),
        value: row.number("value")?.unwrap_or(f64::NAN),
        centre: row.number("centre")?.unwrap_or(f64::NAN),
        limits: limits(row)?,
        widened: row.boolean("widened")?,
        position: row.text("position")?,
        meaning: row.text("meaning")?,
    })
}

pub(super) fn curve_row(row: &Row) -> Result<FunnelCurve> {
    Ok(FunnelCurve {
        measure_id: row.text("measure_id")?,
        size: row.number("size")?.unwrap_or(f64::NAN),
        limits: limits(row)?,
    })
}

fn limits(row: &Row) -> Result<Limits> {
    let number = |name| -> Result<f64> { Ok(row.number(name)?.unwrap_or(f64::NAN)) };
    Ok(Limits {
        lower_95: number("lower_95")?,
        upper_95: number("upper_95")?,
        lower_998: number("lower_998")?,
        upper_998: number("upper_998")?,
    })
}
