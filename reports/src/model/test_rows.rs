//! Rows for unit tests, plain but for what a test is about.

use arcstr::ArcStr;
use jiff::civil::Date;

use super::{Chart, Measure, Rate, Signal, State};

/// A proportion in per cent.
pub fn measure(better: &str) -> Measure {
    Measure {
        measure_id: "m".to_owned(),
        code: String::new(),
        title: "A measure".to_owned(),
        family: "referral".to_owned(),
        position: 1,
        kind: "proportion".to_owned(),
        unit_name: "referral".to_owned(),
        better: better.to_owned(),
        multiplier: 100.0,
        value_unit: "%".to_owned(),
        decimals: 1,
        window_days: 30,
        runout_days: 3,
        steward: String::new(),
        version: String::new(),
        why: String::new(),
        rule: String::new(),
        sources: String::new(),
        atlas: String::new(),
        computed: true,
        refusal: String::new(),
        caveat: String::new(),
        nothing_found: false,
        subgroup: String::new(),
        cascade: String::new(),
        definition: ArcStr::new(),
        definition_hash: String::new(),
    }
}

/// A final month with this value and an interval of five on both sides; suppressed where there is none.
pub fn month(period: Date, value: Option<f64>) -> Rate {
    Rate {
        measure_id: "m".into(),
        period_kind: "month".into(),
        period,
        level: "all".into(),
        level_id: "all".into(),
        level_name: ArcStr::new(),
        stratum_kind: "all".into(),
        stratum: "all".into(),
        numerator: value,
        denominator: value.map(|_| 100.0),
        n_units: value.map(|_| 100),
        value,
        lower: value.map(|value| value - 5.0),
        upper: value.map(|value| value + 5.0),
        interval_method: "wilson".into(),
        is_final: true,
        state: if value.is_some() { State::Shown } else { State::Suppressed },
        state_reason: ArcStr::new(),
    }
}

/// A chart of proportions with limits from 5 to 15.
pub fn chart(variation: &str) -> Chart {
    Chart {
        measure_id: "m".to_owned(),
        chart: "p".to_owned(),
        why: String::new(),
        rules: "anhoej_shewhart".to_owned(),
        months: 23,
        centre: Some(10.0),
        lower: Some(5.0),
        upper: Some(15.0),
        target: None,
        variation: variation.to_owned(),
        since: None,
        assurance: String::new(),
        signals: String::new(),
        useful: Some(20),
        longest_run: Some(8),
        longest_run_limit: Some(7),
        crossings: Some(3),
        crossings_limit: Some(6),
        step: None,
        step_lower: None,
        step_upper: None,
        step_meaning: String::new(),
        unassessed: String::new(),
        hidden: 0,
    }
}

/// A month of that chart.
pub fn signal(period: Date, rules: &str, meaning: &str) -> Signal {
    Signal {
        measure_id: "m".to_owned(),
        period,
        phase: 0,
        centre: Some(10.0),
        lower: Some(5.0),
        upper: Some(15.0),
        signal: rules.to_owned(),
        meaning: meaning.to_owned(),
    }
}
