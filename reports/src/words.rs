//! The words of a report for codes that stand in results: families, methods, directions, states.

use crate::format;
use crate::model::{Measure, Rate, State};
use crate::release::PROTECTED;

/// Families in the order of the report; others follow by name.
const FAMILIES: [(&str, &str); 11] = [
    ("readmission", "Readmissions"),
    ("transition", "Transitions of care"),
    ("referral", "Referrals"),
    ("care_plan", "Care plans"),
    ("patient_reported", "Patient-reported coordination"),
    ("medication_adherence", "Medication adherence"),
    ("chronic_care", "Chronic care and prevention"),
    ("continuity", "Continuity"),
    ("risk", "Risk at discharge"),
    ("utilization", "Utilization"),
    ("cost", "Cost"),
];

/// Sort key of a family.
pub fn family_rank(family: &str) -> (usize, String) {
    let rank = FAMILIES.iter().position(|(name, _)| *name == family).unwrap_or(FAMILIES.len());
    (rank, family.to_owned())
}

/// Heading of a family.
pub fn family(family: &str) -> String {
    FAMILIES
        .iter()
        .find(|(name, _)| *name == family)
        .map_or_else(|| capitalised(&family.replace('_', " ")), |(_, words)| (*words).to_owned())
}

/// Why a unit is left out: a measure's own code, in words.
pub fn reason(code: &str) -> String {
    match code {
        "ama" => "left against medical advice",
        "intent" => "no order by its intent",
        "status" => "left out by its status",
        "excluded_esrd" => "end-stage renal disease",
        "follow_up_not_over" => "follow-up not over",
        other => return other.replace('_', " "),
    }
    .to_owned()
}

/// The first letter in upper case.
pub fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A sentence: a first letter in upper case, a point at the end.
pub fn sentence(text: &str) -> String {
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{}{end}", capitalised(text))
}

/// Names in a row: "a", "a and b", "a, b and c".
pub fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// Name of an interval's method, as a statistician writes it.
pub fn method(method: &str) -> String {
    match method {
        "wilson" => "Wilson".to_owned(),
        "poisson_exact" => "exact Poisson".to_owned(),
        "t_mean" => "Student’s t".to_owned(),
        "clopper_pearson" => "Clopper–Pearson".to_owned(),
        "byar" => "Byar".to_owned(),
        "composite_bound" => "normal, widest for a mean of items".to_owned(),
        "aalen_johansen_log_log" => "Aalen–Johansen, log-log".to_owned(),
        other => other.replace('_', " "),
    }
}

/// Kind of a chart, as a statistician writes it.
pub fn chart(chart: &str) -> &'static str {
    match chart {
        "p" => "P chart",
        "pp" => "P′ chart",
        "u" => "U chart",
        "up" => "U′ chart",
        "i" => "I chart",
        "ip" => "I′ chart",
        _ => "run chart",
    }
}

/// Which direction is good, as a sentence without its point.
pub fn better(better: &str) -> &'static str {
    match better {
        "lower" => "Lower is better",
        "higher" => "Higher is better",
        _ => "Neither direction is better",
    }
}

/// Heading of a stratum kind.
pub fn stratum_kind(kind: &str) -> String {
    capitalised(&kind.replace('_', " "))
}

/// A stratum or level, with the code `unknown` in words.
pub fn group(name: &str) -> String {
    if name == "unknown" { "Not recorded".to_owned() } else { name.to_owned() }
}

/// A group of patients: the data's own code, with blanks where codes have underscores.
pub fn stratum(code: &str) -> String {
    group(code).replace('_', " ")
}

/// Why a value is not shown, or whether a shown one is final.
pub fn state(rate: &Rate, suppress_below: i64) -> String {
    match rate.state {
        State::Shown if rate.is_final => "final".to_owned(),
        State::Shown => "provisional".to_owned(),
        State::Suppressed if rate.state_reason == "would_reveal" => {
            format!("suppressed (would reveal a count below {suppress_below})")
        }
        State::Suppressed if rate.state_reason == PROTECTED => {
            format!("suppressed (a count below {suppress_below}, or one that would give it away)")
        }
        State::Suppressed => format!("suppressed (count below {suppress_below})"),
        State::Undefined if rate.is_not_reached() => "not reached: fewer than half".to_owned(),
        State::Undefined if rate.is_missing() => "data missing: rows that the month rests on did not come".to_owned(),
        State::Undefined if !rate.is_final => "not counted yet".to_owned(),
        State::Undefined => "no denominator".to_owned(),
    }
}

/// What a value was made from, in words that fit the kind of measure: "62 of 484 index stays",
/// "1,608 over 43,924 member-months", "mean of 96 referrals".
pub fn fraction(measure: &Measure, currency: &str, numerator: f64, denominator: f64) -> String {
    let (over, under) = (format::amount(numerator), format::amount(denominator));
    let units = plural(&measure.unit_name);
    match measure.kind.as_str() {
        "proportion" | "time" => format!("{over} of {under} {units}"),
        "mean" => format!("mean of {under} {units}"),
        "composite" => format!("from {under} {units}"),
        _ => format!("{currency}{over} over {under} {units}"),
    }
}

/// The plural of a unit's name: of its head noun, which is the last word before "of", "due" or the like. Each person in
/// each year is a person-year.
pub fn plural(unit: &str) -> String {
    let unit = unit.replace(" and ", "-");
    let after = [" of ", " with ", " in ", " for ", " due", " home", " sampled", " not ", ", "];
    let end = after.iter().filter_map(|word| unit.find(word)).min().unwrap_or(unit.len());
    let (noun, rest) = unit.split_at(end);
    let vowel = |letter: char| "aeiou".contains(letter);
    let plural = if noun.is_empty() {
        String::new()
    } else if let Some(stem) = noun.strip_suffix('y').filter(|stem| !stem.ends_with(vowel)) {
        format!("{stem}ies")
    } else if noun.ends_with(['s', 'x']) || noun.ends_with("ch") || noun.ends_with("sh") {
        format!("{noun}es")
    } else {
        format!("{noun}s")
    };
    format!("{plural}{rest}")
}

/// A name as it sorts: without case, and with the letters of Latin scripts beside their plain forms.
pub fn sort_key(name: &str) -> String {
    name.chars()
        .flat_map(char::to_lowercase)
        .map(|letter| match letter {
            'à'..='æ' | 'ā' | 'ă' | 'ą' => 'a',
            'ç' | 'ć' | 'č' => 'c',
            'è'..='ë' | 'ē' | 'ė' | 'ę' | 'ě' => 'e',
            'ì'..='ï' | 'ī' | 'į' => 'i',
            'ł' => 'l',
            'ñ' | 'ń' | 'ň' => 'n',
            'ò'..='ö' | 'ø' | 'ō' | 'ő' | 'œ' => 'o',
            'ř' => 'r',
            'ś' | 'š' | 'ş' | 'ș' => 's',
            'ù'..='ü' | 'ū' | 'ů' | 'ű' => 'u',
            'ý' | 'ÿ' => 'y',
            'ź' | 'ż' | 'ž' => 'z',
            plain => plain,
        })
        .collect()
}

/// What follows from a check, by its severity.
pub fn severity(severity: &str) -> &'static str {
    match severity {
        "reject" => "rows put aside",
        "warn" => "rows kept and counted",
        "fail" => "the run must not be used",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_have_plurals_and_names_sort_by_letter() {
        assert_eq!(plural("index stay"), "index stays");
        assert_eq!(plural("care-plan activity"), "care-plan activities");
        assert_eq!(plural("stay of an adult"), "stays of an adult");
        assert_eq!(plural("activity not done"), "activities not done");
        assert_eq!(plural("goal due"), "goals due");
        assert_eq!(plural("discharge home"), "discharges home");
        assert_eq!(plural("person and year"), "person-years");
        assert!(sort_key("Éastside") < sort_key("Harbor"));
    }
}
