//! What a run says of itself: the rows of the results tables `run`, `measure`, `quality` and `check_result`, and the id of the results.

use carecoord_lake::manifest::Manifest;
use carecoord_lake::snapshot::Snapshot;

use crate::compute::Options;
use crate::definition::Measure;
use crate::rows::Cell;
use crate::span::{Span, days};

/// What makes this run what it is: equal inputs, definitions and options give an equal text.
pub fn identity(options: &Options<'_>, lake: &Snapshot, span: &Span) -> String {
    // A project's currency stands in the unit, not in the definition.
    let of_measure = |measure: &Measure| format!("{} {}", measure.definition_hash(), measure.value_unit);
    let mut definitions: Vec<String> = options.measures.iter().map(of_measure).collect();
    definitions.extend(options.instruments.iter().map(|instrument| format!("{instrument:?}")));
    let text = format!(
        "{}\n{}\n{span:?}\n{}\n{}\n{:?}\n{}",
        env!("CARGO_PKG_VERSION"),
        lake.id,
        options.suppress_below,
        options.disclosure.word(),
        options.charts,
        definitions.join("\n")
    );
    blake3::hash(text.as_bytes()).to_hex()[..16].to_owned()
}

pub fn run_row(options: &Options<'_>, manifest: &Manifest, lake: &Snapshot, span: &Span, identity: &str) -> Vec<Cell> {
    let stated = serde_json::json!({
        "months": options.months,
        "report_month": span.report_month.to_string(),
        "suppress_below": options.suppress_below,
        "disclosure": options.disclosure.word(),
        "measures": options.measures.iter().map(|measure| measure.id.as_str()).collect::<Vec<_>>(),
        "extracts": manifest.extracts.iter().map(|extract| (extract.file.as_str(), extract.hash.as_str())).collect::<Vec<_>>(),
        "seed": serde_json::Value::Null,
    });
    vec![
        identity.into(),
        lake.id.clone().into(),
        manifest.source.clone().into(),
        env!("CARGO_PKG_VERSION").into(),
        Cell::Date(days(span.report_month)),
        Cell::Date(days(span.extract_date)),
        span.extract_date_assumed.into(),
        Cell::Date(days(span.first_month)),
        options.suppress_below.into(),
        manifest.tables.get("patient").map_or(0, |entry| entry.rows).into(),
        stated.to_string().into(),
    ]
}

pub fn measure_row(measure: &Measure, refusal: Option<&str>, caveats: &[String]) -> Vec<Cell> {
    vec![
        measure.id.clone().into(),
        measure.code.clone().into(),
        measure.title.clone().into(),
        measure.family.clone().into(),
        measure.cohort.clone().into(),
        measure.position.into(),
        measure.kind.word().into(),
        measure.unit_name.clone().into(),
        measure.better.word().into(),
        measure.multiplier.into(),
        measure.value_unit.clone().into(),
        measure.decimals.into(),
        measure.window_days.into(),
        measure.feed.runout_days().into(),
        measure.steward.clone().into(),
        measure.version.clone().into(),
        measure.why.clone().into(),
        measure.rule.clone().into(),
        measure.sources.join("\n").into(),
        measure.atlas.join(",").into(),
        if refusal.is_some() { "refused" } else { "computed" }.into(),
        refusal.into(),
        (!caveats.is_empty()).then(|| caveats.join("\n")).into(),
        // Not known before the measure is computed.
        Cell::Null,
        (!measure.subgroups.is_empty()).then(|| measure.subgroups.join("\n")).into(),
        (!measure.cascade.is_empty()).then(|| measure.cascade.clone()).into(),
        measure.definition.clone().into(),
        measure.definition_hash().into(),
    ]
}

pub fn quality(manifest: &Manifest) -> Vec<Vec<Cell>> {
    let mut found = Vec::new();
    for extract in &manifest.extracts {
        for counts in &extract.tables {
            found.push(vec![
                extract.id.into(),
                extract.file.clone().into(),
                counts.table.clone().into(),
                extract.hash.clone().into(),
                counts.read.into(),
                counts.filtered.into(),
                counts.accepted.into(),
                counts.quarantined.into(),
                counts.duplicate.into(),
                counts.superseded.into(),
                counts.combined.into(),
                counts.withdrawn.into(),
            ]);
        }
    }
    found
}

pub fn check_results(manifest: &Manifest) -> Vec<Vec<Cell>> {
    let mut found = Vec::new();
    for extract in &manifest.extracts {
        for counts in &extract.tables {
            let mut findings = counts.findings.clone();
            findings.sort_by(|one, other| (&one.column, &one.check).cmp(&(&other.column, &other.check)));
            for finding in findings {
                found.push(vec![
                    extract.id.into(),
                    extract.file.clone().into(),
                    counts.table.clone().into(),
                    finding.column.into(),
                    finding.check.into(),
                    finding.severity.word().into(),
                    finding.rows.into(),
                ]);
            }
        }
    }
    found
}
