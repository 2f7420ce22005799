//! Who pays for a person, and when: spans of whole months with starts, ends, switches at New Year and gaps.

use jiff::civil::date;

use crate::calendar::{Day, civil, day_of};
use crate::error::SampleError;
use crate::extracts::Extracts;
use crate::layout::Table;
use crate::person::Person;
use crate::random::{Random, Stream};
use crate::setting::Setting;
use crate::value::Value;

/// Payers of people below and from 65, with their weights.
const PAYERS: [[(&str, f64); 4]; 2] = [
    [("Medicare", 10.0), ("Medicare Advantage", 5.0), ("Medicaid", 30.0), ("Commercial", 55.0)],
    [("Medicare", 50.0), ("Medicare Advantage", 38.0), ("Medicaid", 7.0), ("Commercial", 5.0)],
];

/// One unbroken span.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    payer: &'static str,
    start: Day,
    end: Option<Day>,
}

/// All spans of a person.
#[derive(Debug)]
pub(crate) struct Coverage {
    spans: Vec<Span>,
}

impl Coverage {
    /// The spans of a person; the last one ends with their death.
    pub(crate) fn new(person: &Person, setting: &Setting) -> Self {
        let mut random = Random::new(setting.seed, person.number, Stream::Coverage);
        let payers = &PAYERS[usize::from(person.age(setting.first) >= 65)];
        let mut payer = random.weighted(payers);
        // Most were covered before the period begins, on the first of some January; some join during it.
        let joins = random.chance(0.06);
        let mut start = if joins { random.pick(&setting.months) } else { january(setting.first, random.between(1, 6)) };
        let mut spans = Vec::new();
        for month in setting.months.iter().copied().filter(|month| *month > setting.first) {
            let new_year = civil(month).1 == 1;
            let (switches, lapses) = (new_year && random.chance(0.09), random.chance(0.003));
            if month > start && (switches || lapses) {
                spans.push(Span { payer, start, end: Some(month - 1) });
                start = if lapses { month + random.pick(&[31, 62, 92]) } else { month };
                start -= civil(start).2 - 1;
                payer = random.weighted(payers);
            }
        }
        spans.push(Span { payer, start, end: None });
        spans.retain(|span| span.start <= setting.extract && person.lives(span.start));
        if let Some(death) = person.death {
            for span in &mut spans {
                span.end = Some(span.end.map_or(death, |end| end.min(death)));
            }
        }
        Self { spans }
    }

    /// Who covers the person on this day.
    pub(crate) fn payer(&self, day: Day) -> Option<&'static str> {
        self.spans.iter().find(|span| span.start <= day && span.end.is_none_or(|end| day <= end)).map(|span| span.payer)
    }

    /// Writes the spans.
    pub(crate) fn write(&self, person: &Person, extracts: &mut Extracts) -> Result<(), SampleError> {
        for (nth, span) in self.spans.iter().enumerate() {
            extracts.row(
                Table::Coverage,
                &[
                    Value::Item('V', person.number, nth),
                    Value::Patient(person.number),
                    Value::Text(span.payer),
                    Value::Text(if span.payer == "Commercial" { "PPO" } else { "standard" }),
                    Value::Day(span.start),
                    Value::maybe(span.end, Value::Day),
                ],
            )?;
        }
        Ok(())
    }
}

/// The first of January that lies this many New Years before a day.
fn january(day: Day, years: i64) -> Day {
    let year = i16::try_from(civil(day).0 - years + 1).unwrap_or(1970);
    day_of(date(year, 1, 1))
}
