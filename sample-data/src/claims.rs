//! Claims: what encounters and fills cost, when they were paid, and what was taken back.

use crate::calendar::Day;
use crate::chart::Encounter;
use crate::error::SampleError;
use crate::layout::Table;
use crate::life::Life;
use crate::random::{Random, whole};
use crate::value::Value;

/// One line before it is paid.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    /// Kind of claim.
    pub kind: &'static str,
    pub code: &'static str,
    pub organization: Option<u32>,
    pub practitioner: Option<u32>,
    /// Allowed amount, in cents.
    pub allowed: i64,
}

/// Share of the allowed amount that the payer pays, in hundredths.
const PAID_PERCENT: i64 = 80;

/// What an encounter is billed at: the median of the allowed amount in currency units, its spread on the log scale,
/// the kind of claim, and an invented service code.
fn price(class: &str) -> (f64, f64, &'static str, &'static str) {
    match class {
        "inpatient" => (9_800.0, 0.6, "inpatient", "ROOM"),
        "skilled_nursing" => (6_200.0, 0.4, "inpatient", "SNF"),
        "rehabilitation" => (9_000.0, 0.3, "inpatient", "REHAB"),
        "observation" => (2_300.0, 0.4, "outpatient", "OBS"),
        "emergency" => (760.0, 0.55, "outpatient", "ED"),
        "virtual" => (90.0, 0.25, "professional", "VIDEO"),
        "home" => (150.0, 0.3, "professional", "HOME"),
        _ => (160.0, 0.4, "professional", "VISIT"),
    }
}

/// The lines of an encounter: one, and for a stay a second one for the attending physician.
pub(crate) fn lines(encounter: &Encounter, random: &mut Random) -> Vec<Line> {
    let (median, spread, kind, code) = price(encounter.class);
    let (organization, practitioner) = (encounter.organization, encounter.practitioner);
    let allowed = whole(random.lognormal(median * 100.0, spread));
    let mut lines = vec![Line { kind, code, organization, practitioner, allowed }];
    if encounter.class == "inpatient" {
        let allowed = whole(random.lognormal(70_000.0, 0.5));
        lines.push(Line { kind: "professional", code: "ATTEND", organization, practitioner, allowed });
    }
    lines
}

/// Writes the claim of some lines, if it is paid by the extract; returns what was allowed and paid in all.
pub(crate) fn bill(
    lines: &[Line],
    encounter: Option<usize>,
    service: Day,
    payer: &str,
    life: &mut Life<'_>,
) -> Result<Option<(i64, i64)>, SampleError> {
    let pharmacy = lines.iter().all(|line| line.kind == "pharmacy");
    let median = if pharmacy { 4.0 } else { life.setting.rates.payment_days };
    let paid_on = service + life.random.days(median, 0.55, 1);
    let reversed = life.random.chance(life.setting.rates.reversal);
    let reversed_on = paid_on + life.random.days(20.0, 0.5, 3);
    let id = life.chart.fresh(Table::ClaimLine, 'L');
    if paid_on > life.setting.extract {
        return Ok(None);
    }
    for (nth, line) in lines.iter().enumerate() {
        write(id, nth + 1, line, 1, encounter, service, paid_on, payer, life)?;
    }
    if reversed && reversed_on <= life.setting.extract {
        for (nth, line) in lines.iter().enumerate() {
            write(id, lines.len() + nth + 1, line, -1, encounter, service, reversed_on, payer, life)?;
        }
    }
    let allowed = lines.iter().map(|line| line.allowed).sum();
    let paid = lines.iter().map(|line| line.allowed * PAID_PERCENT / 100).sum();
    Ok(Some((allowed, paid)))
}

#[expect(clippy::too_many_arguments, reason = "the columns of one row")]
fn write(
    claim: Value<'_>,
    number: usize,
    item: &Line,
    sign: i64,
    encounter: Option<usize>,
    service: Day,
    paid_on: Day,
    payer: &str,
    life: &mut Life<'_>,
) -> Result<(), SampleError> {
    life.row(
        Table::ClaimLine,
        &[
            claim,
            Value::Whole(i64::try_from(number).unwrap_or(i64::MAX)),
            life.patient(),
            Value::maybe(encounter, |position| life.chart.encounter(position)),
            Value::Text(payer),
            Value::Text(item.kind),
            Value::Day(service),
            Value::Day(paid_on),
            Value::maybe(item.organization, Value::Organization),
            Value::maybe(item.practitioner, Value::Practitioner),
            Value::Text(item.code),
            Value::Money(sign * item.allowed),
            Value::Money(sign * (item.allowed * PAID_PERCENT / 100)),
        ],
    )
}
