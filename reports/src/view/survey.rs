//! Survey composites of organizations, adjusted for who answered.

use serde::Serialize;

use super::measure::MeasureRows;
use crate::format;
use crate::model::{Results, SurveyScore};
use crate::words;

/// A reliability below this says little.
const POOR: f64 = 0.70;

/// Organizations beside their average.
#[derive(Debug, Serialize)]
pub struct Comparison {
    period: String,
    note: String,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    name: String,
    /// People, unadjusted, adjusted, difference.
    numbers: [String; 4],
    interval: String,
    standing: String,
    reliability: String,
}

impl Comparison {
    /// Nothing where the measure was not compared, or could not be.
    pub fn new(rows: &MeasureRows, results: &Results) -> Option<Self> {
        let of_measure = |id: &str| id == rows.measure.measure_id;
        let model =
            results.survey_models.iter().find(|model| of_measure(&model.measure_id) && model.state != "refused")?;
        let mut scores: Vec<&SurveyScore> =
            results.survey_scores.iter().filter(|score| of_measure(&score.measure_id)).collect();
        scores.sort_by_cached_key(|score| (score.organization_id == "unknown", words::sort_key(&name(score))));
        let mut note = vec![format!("Arithmetic of {}, AHRQ’s analysis program as it runs", model.engine)];
        note.push(match model.adjusters.as_str() {
            "" => "not adjusted".to_owned(),
            adjusters => format!("adjusted for {}", adjusters.replace('_', " ").replace(',', ", ")),
        });
        if let Some((people, p)) = model.people.zip(model.p) {
            let p = if p < 0.001 { "below 0.001".to_owned() } else { format::number(p, 3) };
            note.push(format!("{} people; p {p} that all organizations are alike", format::count(people)));
        }
        if let Some(reliability) = model.reliability {
            let weak =
                if reliability < POOR { ": low, so differences between organizations may be chance" } else { "" };
            note.push(format!("reliability between organizations {}{weak}", format::number(reliability, 2)));
        }
        if !model.reason.is_empty() {
            note.push(model.reason.clone());
        }
        Some(Self {
            period: if results.run.release.is_yearly() {
                format!("{} to {}", model.first_month.year(), model.last_month.year())
            } else {
                format!("{} to {}", format::month(model.first_month), format::month(model.last_month))
            },
            note: format!("{}. In alphabetical order, not a ranking.", note.join("; ")),
            rows: scores.into_iter().map(Row::new).collect(),
        })
    }
}

fn name(score: &SurveyScore) -> String {
    if score.organization_name.is_empty() {
        words::group(&score.organization_id)
    } else {
        score.organization_name.clone()
    }
}

impl Row {
    fn new(score: &SurveyScore) -> Self {
        let dash = || "—".to_owned();
        let number = |value: Option<f64>| value.map_or_else(dash, |value| format::number(value, 2));
        let mut standing = match score.standing.as_str() {
            "below" => "below the average",
            "above" => "above the average",
            "not_different" => "not different",
            _ => "suppressed",
        }
        .to_owned();
        if score.note.contains("few_answers") && !score.standing.is_empty() {
            standing.push_str(" (fewer than 100 people)");
        }
        Self {
            name: name(score),
            numbers: [
                score.people.map_or_else(dash, format::count),
                number(score.unadjusted),
                number(score.adjusted),
                number(score.difference),
            ],
            interval: match score.lower.zip(score.upper) {
                Some((lower, upper)) => format!("{} to {}", format::number(lower, 2), format::number(upper, 2)),
                None => dash(),
            },
            standing,
            reliability: number(score.reliability),
        }
    }
}
