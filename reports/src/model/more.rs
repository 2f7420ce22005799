//! Results beside rates: waits, gaps between groups, coverage, survey comparisons.

use jiff::civil::Date;

use super::table::Row;
use crate::error::Result;

/// How long units waited in one month, everyone together: the contract `wait`.
#[derive(Debug, Clone)]
pub struct Wait {
    pub measure_id: String,
    pub period: Date,
    pub n_units: Option<i64>,
    pub median: Option<f64>,
    pub p90: Option<f64>,
    pub completed_median: Option<f64>,
    pub share: Option<f64>,
}

/// By which day a share of a year's units, everyone together, had the event: the contract `wait_curve`.
#[derive(Debug, Clone)]
pub struct WaitPoint {
    pub measure_id: String,
    pub period: Date,
    pub is_final: bool,
    /// Per cent.
    pub share: i64,
    /// Nothing where not so many had it, or where it is suppressed.
    pub days: Option<f64>,
    /// shown, `not_reached` or suppressed.
    pub state: String,
}

/// How many rows a table has in a month: the contract `feed_month`.
#[derive(Debug, Clone)]
pub struct FeedMonth {
    pub table_name: String,
    /// Class or type of the rows; empty for all of the table.
    pub part: String,
    pub month: Date,
    /// Nothing where it is suppressed.
    pub rows: Option<i64>,
    /// missing, low, or empty.
    pub note: String,
}

/// Units that are not in a year's value, for one reason: the contract `exclusion`.
#[derive(Debug, Clone)]
pub struct Exclusion {
    pub measure_id: String,
    pub year: Date,
    pub kind: String,
    pub reason: String,
    /// Nothing where it is suppressed.
    pub units: Option<i64>,
}

/// How far the groups of one split are apart: the contract `disparity`.
#[derive(Debug, Clone)]
pub struct Disparity {
    pub measure_id: String,
    pub year: Date,
    pub is_final: bool,
    pub stratum_kind: String,
    pub suppressed: i64,
    pub reference: String,
    pub widest: String,
    pub gap: Option<f64>,
    pub gap_lower: Option<f64>,
    pub gap_upper: Option<f64>,
    pub slope_index: Option<f64>,
    pub slope_lower: Option<f64>,
    pub slope_upper: Option<f64>,
}

/// One cell of the Atlas: the contract `coverage`.
#[derive(Debug, Clone)]
pub struct Coverage {
    pub row_id: String,
    pub position: i64,
    pub parent: String,
    pub label: String,
    pub perspective: String,
    pub mark: String,
    pub state: String,
    pub codes: String,
    pub reasons: String,
}

/// One organization in a comparison of survey scores: the contract `survey_score`.
#[derive(Debug, Clone)]
pub struct SurveyScore {
    pub measure_id: String,
    pub organization_id: String,
    pub organization_name: String,
    pub people: Option<i64>,
    pub unadjusted: Option<f64>,
    pub adjusted: Option<f64>,
    pub difference: Option<f64>,
    pub lower: Option<f64>,
    pub upper: Option<f64>,
    pub standing: String,
    pub reliability: Option<f64>,
    pub note: String,
}

/// The comparison as a whole: the contract `survey_model`.
#[derive(Debug, Clone)]
pub struct SurveyModel {
    pub measure_id: String,
    pub engine: String,
    pub first_month: Date,
    pub last_month: Date,
    pub people: Option<i64>,
    pub adjusters: String,
    pub p: Option<f64>,
    pub reliability: Option<f64>,
    pub state: String,
    pub reason: String,
}

/// Nothing for what is not a month of everyone.
pub fn wait_row(row: &Row) -> Result<Option<Wait>> {
    let about_everyone = row.text("level")? == "all" && row.text("stratum_kind")? == "all";
    if !about_everyone || row.text("period_kind")? != "month" {
        return Ok(None);
    }
    Ok(Some(Wait {
        measure_id: row.text("measure_id")?,
        period: row.date("period")?,
        n_units: row.integer("n_units")?,
        median: row.number("median")?,
        p90: row.number("p90")?,
        completed_median: row.number("completed_median")?,
        share: row.number("share")?,
    }))
}

pub fn wait_point_row(row: &Row) -> Result<WaitPoint> {
    Ok(WaitPoint {
        measure_id: row.text("measure_id")?,
        period: row.date("period")?,
        is_final: row.text("maturity")? == "final",
        share: row.required_integer("share")?,
        days: if row.text("state")? == "shown" { row.number("days")? } else { None },
        state: row.text("state")?,
    })
}

pub fn feed_month_row(row: &Row) -> Result<FeedMonth> {
    Ok(FeedMonth {
        table_name: row.text("table_name")?,
        part: row.text("part")?,
        month: row.date("month")?,
        rows: if row.text("state")? == "shown" { row.integer("rows")? } else { None },
        note: row.text("note")?,
    })
}

pub fn disparity_row(row: &Row) -> Result<Disparity> {
    Ok(Disparity {
        measure_id: row.text("measure_id")?,
        year: row.date("year")?,
        is_final: row.text("maturity")? == "final",
        stratum_kind: row.text("stratum_kind")?,
        suppressed: row.required_integer("suppressed")?,
        reference: row.text("reference")?,
        widest: row.text("widest")?,
        gap: row.number("gap")?,
        gap_lower: row.number("gap_lower")?,
        gap_upper: row.number("gap_upper")?,
        slope_index: row.number("slope_index")?,
        slope_lower: row.number("slope_lower")?,
        slope_upper: row.number("slope_upper")?,
    })
}

pub fn coverage_row(row: &Row) -> Result<Coverage> {
    Ok(Coverage {
        row_id: row.text("row_id")?,
        position: row.required_integer("position")?,
        parent: row.text("parent")?,
        label: row.text("label")?,
        perspective: row.text("perspective")?,
        mark: row.text("mark")?,
        state: row.text("state")?,
        codes: row.text("codes")?,
        reasons: row.text("reasons")?,
    })
}

pub fn survey_score_row(row: &Row) -> Result<SurveyScore> {
    Ok(SurveyScore {
        measure_id: row.text("measure_id")?,
        organization_id: row.text("organization_id")?,
        organization_name: row.text("organization_name")?,
        people: row.integer("people")?,
        unadjusted: row.number("unadjusted")?,
        adjusted: row.number("adjusted")?,
        difference: row.number("difference")?,
        lower: row.number("lower")?,
        upper: row.number("upper")?,
        standing: row.text("standing")?,
        reliability: row.number("reliability")?,
        note: row.text("note")?,
    })
}

pub fn survey_model_row(row: &Row) -> Result<SurveyModel> {
    Ok(SurveyModel {
        measure_id: row.text("measure_id")?,
        engine: row.text("engine")?,
        first_month: row.date("first_month")?,
        last_month: row.date("last_month")?,
        people: row.integer("people")?,
        adjusters: row.text("adjusters")?,
        p: row.number("p")?,
        reliability: row.number("reliability")?,
        state: row.text("state")?,
        reason: row.text("reason")?,
    })
}

pub fn exclusion_row(row: &Row) -> Result<Exclusion> {
    Ok(Exclusion {
        measure_id: row.text("measure_id")?,
        year: row.date("year")?,
        kind: row.text("kind")?,
        reason: row.text("reason")?,
        units: if row.text("state")? == "shown" { row.integer("units")? } else { None },
    })
}
