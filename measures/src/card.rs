//! Cards: a measure's folder as a page for people, and the index of all pages. Nothing on a card is written twice.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::definition::{Better, Feed, InstrumentUse, Kind, Measure, NeededRows, StoreUnits};

/// A deck as a card names it: its folder's name and its first line.
pub type DeckLine = (String, String);

/// The page of one folder of the catalogue, all its variants, as Markdown. `decks` are those of the folder.
#[must_use]
pub fn card(variants: &[&Measure], decks: &[DeckLine]) -> String {
    let Some(first) = variants.first() else { return String::new() };
    let mut page = format!("# {}\n\n{}\n\n", heading(first), first.why);
    page.push_str("| id | code | title | look-forward | parameters |\n|---|---|---|---|---|\n");
    for measure in variants {
        let params: Vec<String> = measure.params.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        let days = if measure.window_days == 0 { "none".to_owned() } else { format!("{} days", measure.window_days) };
        let row =
            format!("| `{}` | {} | {} | {days} | {} |", measure.id, measure.code, measure.title, params.join(", "));
        let _ = writeln!(page, "{row}");
    }
    let _ = write!(page, "\n## Rule\n\n{}\n\n", first.rule.replace('\n', "\n\n"));
    page.push_str("## How it is counted\n\n");
    let mut fact = |name: &str, value: &str| {
        let _ = writeln!(page, "- **{name}**: {value}");
    };
    fact("Unit", &first.unit_name);
    let kinds: Vec<&str> = variants.iter().map(|measure| arithmetic(measure.kind)).collect();
    fact("Value", &distinct(&kinds).join("; "));
    fact(
        "Better",
        match first.better {
            Better::Lower => "lower",
            Better::Higher => "higher",
            Better::None => "neither: context for other measures",
        },
    );
    fact("Periods", &first.periods.join(", "));
    fact("Maturity", &maturity(first));
    fact("Levels", "all, organization, practitioner, coordinator, payer");
    fact("Stratifiers", "age band, sex, race, ethnicity, language, deprivation");
    if !first.subgroups.is_empty() {
        fact("Its own splits", &first.subgroups.join("; "));
    }
    let instruments: Vec<String> =
        variants.iter().filter_map(|measure| measure.instrument.as_ref()).map(named).collect();
    let instruments: Vec<&str> = instruments.iter().map(String::as_str).collect();
    if !instruments.is_empty() {
        fact("Instruments", &distinct(&instruments).join(", "));
    }
    if first.store_units == StoreUnits::WithEvents {
        fact("Units kept", "those with events; all others are rows of `prepared.person_month`");
    }
    let cells: Vec<&str> = variants.iter().flat_map(|measure| measure.atlas.iter().map(String::as_str)).collect();
    fact("Atlas", &if cells.is_empty() { "none".to_owned() } else { distinct(&cells).join(", ") });
    let all: Vec<&str> = variants.iter().flat_map(|measure| measure.needs.iter().map(String::as_str)).collect();
    let needs: Vec<String> = distinct(&all)
        .into_iter()
        .map(|need| {
            let everywhere = variants.iter().all(|measure| measure.needs.iter().any(|other| other == need));
            if everywhere { format!("`{need}`") } else { format!("`{need}` (some variants)") }
        })
        .collect();
    fact("Refused without", &needs.join(", "));
    let rows: Vec<&str> =
        variants.iter().flat_map(|measure| measure.needs_rows.iter().map(|needed| needed.what.as_str())).collect();
    if !rows.is_empty() {
        let everywhere =
            |what: &str| variants.iter().all(|measure| measure.needs_rows.iter().any(|needed| needed.what == what));
        let rows: Vec<String> = distinct(&rows)
            .into_iter()
            .map(|what| if everywhere(what) { what.to_owned() } else { format!("{what} (some variants)") })
            .collect();
        fact("Refused without any", &rows.join(", "));
    }
    if !first.needs_any.is_empty() {
        let any: Vec<String> = first.needs_any.iter().map(|need| format!("`{need}`")).collect();
        fact("Refused without any of", &any.join(", "));
    }
    let stewards: Vec<&str> = variants.iter().map(|measure| measure.steward.as_str()).collect();
    fact("Steward", &format!("{}; version {}", distinct(&stewards).join("; "), first.version));
    if !first.caveats.is_empty() {
        page.push_str("\n## Mind\n\n");
        for caveat in &first.caveats {
            let only = |word: &str, rows: &NeededRows| {
                let which =
                    if rows.condition == "true" { String::new() } else { format!(" where `{}`", rows.condition) };
                format!(" ({word} `{}` holds rows{which})", rows.table)
            };
            let unless = caveat.unless_rows.as_ref().map(|rows| only("unless", rows)).unwrap_or_default();
            let with = caveat.if_rows.as_ref().map(|rows| only("if", rows)).unwrap_or_default();
            let _ = writeln!(page, "- {}{unless}{with}", caveat.text);
        }
    }
    page.push_str("\n## Sources\n\n`[V]` read in a source, `[K]` general knowledge to be checked against the steward's current document, `[P]` our own\nconvention; for surveys `[S]` source read, `[M]` from memory.\n\n");
    let sources: Vec<&str> = variants.iter().flat_map(|measure| measure.sources.iter().map(String::as_str)).collect();
    for source in distinct(&sources) {
        let own = variants.iter().filter(|measure| measure.sources.iter().any(|other| other == source));
        let ids: Vec<String> = own.map(|measure| format!("`{}`", measure.id)).collect();
        let of = if ids.len() < variants.len() { format!(" ({})", ids.join(", ")) } else { String::new() };
        let _ = writeln!(page, "- {source}{of}");
    }
    page.push_str("\n## Worked examples\n\n");
    for (name, line) in decks {
        let _ = writeln!(page, "- `{name}`: {line}");
    }
    let _ = write!(page, "\n## SQL\n\n```sql\n{}\n```\n", first.sql.trim_end());
    if let Some((_, sql)) = variants.iter().find_map(|measure| measure.case_mix.as_ref()) {
        let _ = write!(page, "\n## Case mix\n\n```sql\n{}\n```\n", sql.trim_end());
    }
    page
}

/// The index of all cards: path of the card below `measures/` → its variants.
#[must_use]
pub fn index(cards: &BTreeMap<String, Vec<&Measure>>) -> String {
    let mut page = String::from(
        "# Measures\n\n`carecoord measures list` prints the catalogue, `carecoord measures show ID` one measure whole. `carecoord measures\ntest` runs the worked examples. Each name below leads to the measure's card.\n\n| id | code | what | unit | better | card |\n|---|---|---|---|---|---|\n",
    );
    for (path, variants) in cards {
        for measure in variants {
            let row = format!(
                "| `{}` | {} | {} | {} | {} | [card](measures/{path}.md) |",
                measure.id,
                measure.code,
                measure.title,
                measure.unit_name,
                measure.better.word()
            );
            let _ = writeln!(page, "{row}");
        }
    }
    page
}

fn heading(measure: &Measure) -> String {
    let name = measure.folder.rsplit('/').next().unwrap_or_default().replace('_', " ");
    let family = measure.family.replace('_', " ");
    let mut letters = family.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}: {name}", letters.as_str())
}

fn named(used: &InstrumentUse) -> String {
    [Some(&used.key), used.version.as_ref(), used.composite.as_ref()]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(" ")
}

fn distinct<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let mut found: Vec<&str> = Vec::new();
    for word in words {
        if !found.contains(word) {
            found.push(word);
        }
    }
    found
}

fn arithmetic(kind: Kind) -> &'static str {
    match kind {
        Kind::Proportion => "proportion, Wilson interval",
        Kind::Rate => "events over exposure, exact Poisson interval",
        Kind::Mean => "mean over units, t interval",
        Kind::Composite => {
            "unweighted mean of the items' means, normal interval with the widest standard error that they allow"
        }
        Kind::Time => {
            "day by which half of all units have had the event (Aalen-Johansen; those still waiting are censored, other ends compete), log-log limits"
        }
    }
}

fn maturity(measure: &Measure) -> String {
    let feed = match measure.feed {
        Feed::Ehr => "3 days of run-out (EHR, admission messages)",
        Feed::Pharmacy => "30 days of run-out (pharmacy claims)",
        Feed::Claims => "90 days of run-out (claims)",
    };
    let immature = if measure.kind == Kind::Time {
        "units that are still waiting are censored"
    } else if measure.count_immature {
        "year-to-date values count units that are not mature, and are provisional"
    } else {
        "units that are not mature are in neither count"
    };
    format!("{feed}; {immature}")
}
