//! The chart's encounters as rows, with the diagnoses, procedures and results that they recorded and their claims.

use crate::calendar::{DAY_MINUTES, Day};
use crate::chart::Encounter;
use crate::claims::{bill, lines};
use crate::codes::{DIABETES, LABORATORY};
use crate::coverage::Coverage;
use crate::directory::Directory;
use crate::error::SampleError;
use crate::layout::Table;
use crate::life::Life;
use crate::random::Stream;
use crate::value::Value;

/// Writes the encounters of the chart.
pub(crate) fn write(coverage: &Coverage, life: &mut Life<'_>) -> Result<(), SampleError> {
    life.turn_to(Stream::Encounters);
    for position in 0..life.chart.encounters.len() {
        close(position, life);
        let encounter = life.chart.encounters[position].clone();
        let mut amounts = None;
        let took_place = matches!(encounter.status, "finished" | "in-progress");
        if let (true, Some(payer), Some(end)) = (took_place, coverage.payer(encounter.day()), encounter.end_day()) {
            let lines = lines(&encounter, &mut life.random);
            amounts = bill(&lines, Some(position), end, payer, life)?;
        }
        write_encounter(position, &encounter, amounts, life)?;
        if took_place {
            diagnoses(position, &encounter, life)?;
            procedure(position, &encounter, life)?;
            results(position, &encounter, life)?;
        }
    }
    Ok(())
}

/// Ends an encounter with the person's death, or leaves it open if it goes on after the extract.
fn close(position: usize, life: &mut Life<'_>) {
    let encounter = &mut life.chart.encounters[position];
    if let (Some(death), Some(end)) = (life.person.death, encounter.end) {
        encounter.end = Some(end.min((death + 1) * DAY_MINUTES - 1).max(encounter.start));
    }
    if encounter.end_day().is_some_and(|end| end > life.setting.extract) {
        encounter.end = None;
        encounter.status = "in-progress";
        encounter.disposition = None;
    }
}

fn write_encounter(
    position: usize,
    encounter: &Encounter,
    amounts: Option<(i64, i64)>,
    life: &mut Life<'_>,
) -> Result<(), SampleError> {
    life.row(
        Table::Encounter,
        &[
            life.chart.encounter(position),
            life.patient(),
            Value::Text(encounter.class),
            Value::Text(encounter.status),
            Value::Text(encounter.kind),
            Value::Instant(encounter.start),
            Value::maybe(encounter.end, Value::Instant),
            Value::maybe(encounter.organization, Value::Organization),
            Value::maybe(encounter.practitioner, Value::Practitioner),
            Value::text(encounter.admission_type),
            Value::text(encounter.source),
            Value::text(encounter.disposition),
            Value::text(encounter.diagnosis),
            Value::maybe(encounter.part_of, |position| life.chart.encounter(position)),
            Value::maybe(amounts.map(|(allowed, _)| allowed), Value::Money),
            Value::maybe(amounts.map(|(_, paid)| paid), Value::Money),
        ],
    )
}

/// Writes the principal diagnosis, and chronic conditions after it: up to four on a stay, sometimes one elsewhere.
fn diagnoses(position: usize, encounter: &Encounter, life: &mut Life<'_>) -> Result<(), SampleError> {
    let Some(principal) = encounter.diagnosis else { return Ok(()) };
    let others = match encounter.class {
        "inpatient" => 4,
        "emergency" | "observation" => 1,
        // Office visits repeat what is known: half of them are enough to know the conditions by.
        _ if life.random.chance(0.5) => return Ok(()),
        _ => 0,
    };
    let secondary: Vec<&str> = life.person.condition_codes().filter(|code| *code != principal).take(others).collect();
    for (rank, code) in std::iter::once(principal).chain(secondary).enumerate() {
        let id = life.chart.fresh(Table::Diagnosis, 'X');
        life.row(
            Table::Diagnosis,
            &[
                id,
                life.patient(),
                life.chart.encounter(position),
                Value::Text("icd-10-cm"),
                Value::Text(code),
                Value::Whole(i64::try_from(rank + 1).unwrap_or(1)),
                Value::Day(encounter.day()),
            ],
        )?;
    }
    Ok(())
}

fn procedure(position: usize, encounter: &Encounter, life: &mut Life<'_>) -> Result<(), SampleError> {
    let Some(code) = encounter.procedure else { return Ok(()) };
    let id = life.chart.fresh(Table::Procedure, 'U');
    life.row(
        Table::Procedure,
        &[
            id,
            life.patient(),
            life.chart.encounter(position),
            Value::Text("icd-10-pcs"),
            Value::Text(code),
            Value::Day(encounter.day()),
        ],
    )
}

/// Writes laboratory results: haemoglobin and sodium at discharge, glycated haemoglobin of people with diabetes.
fn results(position: usize, encounter: &Encounter, life: &mut Life<'_>) -> Result<(), SampleError> {
    let [hba1c, haemoglobin, sodium] = LABORATORY;
    if let ("inpatient", Some(day)) = (encounter.class, encounter.end_day()) {
        let value = 118 + life.random.days(6.0, 0.6, 0) - life.random.days(10.0, 0.6, 0);
        observe(haemoglobin, "g/dL", value, day, Some(position), encounter.organization, life)?;
        let value = 1385 + 10 * life.random.between(-6, 4);
        observe(sodium, "mmol/L", value, day, Some(position), encounter.organization, life)?;
    }
    let tested = matches!(encounter.class, "ambulatory") && life.random.chance(0.55);
    if life.person.conditions[DIABETES] && tested {
        let value = life.random.days(72.0, 0.18, 48);
        observe(hba1c, "%", value, encounter.day(), Some(position), encounter.organization, life)?;
        // Now and then another organization orders the same test again within weeks.
        let again = encounter.day() + life.random.between(7, 80);
        if life.random.chance(0.09) && life.loaded(again) {
            let other = Directory::hospital(Directory::hospital_of((life.person.clinic + 3) % Directory::CLINICS));
            observe(hba1c, "%", value + life.random.between(-3, 3), again, None, Some(other), life)?;
        }
    }
    Ok(())
}

fn observe(
    code: &str,
    unit: &str,
    tenths: i64,
    day: Day,
    encounter: Option<usize>,
    organization: Option<u32>,
    life: &mut Life<'_>,
) -> Result<(), SampleError> {
    let id = life.chart.fresh(Table::Observation, 'B');
    life.row(
        Table::Observation,
        &[
            id,
            life.patient(),
            Value::maybe(encounter, |position| life.chart.encounter(position)),
            Value::Text("loinc"),
            Value::Text(code),
            Value::Day(day),
            Value::Tenths(tenths),
            Value::Text(unit),
            Value::maybe(organization, Value::Organization),
        ],
    )
}
