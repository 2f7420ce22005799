//! What the clinic does after a discharge: calls, a visit, reconciled medication lists.

use crate::calendar::{Day, business_days_after, weekday};
use crate::chart::Encounter;
use crate::directory::Directory;
use crate::error::SampleError;
use crate::layout::Table;
use crate::life::Life;
use crate::random::shifted;
use crate::value::Value;

/// What is planned after a discharge, unless a readmission or death comes between.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// Day of the first call, within two business days or later.
    call: Option<Day>,
    /// Day of the visit, within 14 days.
    pub visit: Option<Day>,
    /// Day on which the medication lists are reconciled.
    reconciled: Option<Day>,
}

/// Plans what follows a discharge on this day.
pub(crate) fn plan(day: Day, arm: usize, life: &mut Life<'_>) -> Plan {
    let Life { setting, person, random, .. } = life;
    let rates = &setting.rates;
    let shift = if person.other_language() { rates.follow_up_other_language } else { 0.0 };
    let call = if random.chance(rates.call[arm]) {
        Some(business_days_after(day, random.between(1, 2)))
    } else if random.chance(0.15) {
        Some(business_days_after(day, random.between(3, 6)))
    } else {
        None
    };
    let visit = random.chance(shifted(rates.follow_up[arm], shift)).then(|| weekday(day + random.between(2, 12)));
    let reconciled =
        random.chance(rates.reconciliation[arm]).then(|| visit.unwrap_or_else(|| weekday(day + random.between(1, 28))));
    Plan { call, visit, reconciled }
}

/// Plays the plan as far as it comes by `until`.
pub(crate) fn play(plan: &Plan, stay: usize, until: Day, life: &mut Life<'_>) -> Result<(), SampleError> {
    let mut call = plan.call.filter(|day| *day <= until);
    for _ in 0..3 {
        let Some(day) = call else { break };
        let outcome = life.random.weighted(&[
            ("reached", 72.0),
            ("left_message", 13.0),
            ("no_answer", 11.0),
            ("declined", 2.0),
            ("wrong_number", 2.0),
        ]);
        if life.loaded(day) {
            write_contact(day, "telephone", "post_discharge", outcome, life)?;
        }
        let again = matches!(outcome, "left_message" | "no_answer") && life.random.chance(0.7);
        call = again.then(|| weekday(day + 1)).filter(|day| *day <= until);
    }
    if let Some(day) = plan.visit.filter(|day| *day <= until) {
        let (class, kind) = life.random.weighted(&[
            (("ambulatory", "office_visit"), 78.0),
            (("virtual", "video_visit"), 15.0),
            (("home", "home_visit"), 7.0),
        ]);
        if life.loaded(day) {
            let mut visit = Encounter::visit(class, kind, day, &mut life.random);
            visit.organization = Some(Directory::clinic(life.person.clinic));
            visit.practitioner = Some(life.person.physician);
            visit.diagnosis = life.chart.encounters[stay].diagnosis;
            life.chart.add(visit);
        }
    }
    let reconciled = plan.reconciled.filter(|day| *day <= until);
    if let Some(day) = reconciled.filter(|day| life.loaded(*day)) {
        let role = life.random.weighted(&[
            ("prescriber", 50.0),
            ("clinical_pharmacist", 22.0),
            ("registered_nurse", 24.0),
            ("medical_assistant", 4.0),
        ]);
        let place = if life.random.chance(0.94) { "outpatient" } else { "inpatient" };
        let id = life.chart.fresh(Table::MedicationReconciliation, 'M');
        life.row(
            Table::MedicationReconciliation,
            &[id, life.patient(), life.chart.encounter(stay), Value::Day(day), Value::Text(role), Value::Text(place)],
        )?;
    }
    Ok(())
}

/// Writes an attempt to reach the person.
pub(crate) fn write_contact(
    day: Day,
    mode: &str,
    purpose: &str,
    outcome: &str,
    life: &mut Life<'_>,
) -> Result<(), SampleError> {
    let id = life.chart.fresh(Table::Contact, 'K');
    life.row(
        Table::Contact,
        &[
            id,
            life.patient(),
            Value::Practitioner(life.caller()),
            Value::Day(day),
            Value::Text(mode),
            Value::Text(purpose),
            Value::Text(outcome),
        ],
    )
}
