//! The coordination program: what it is, what it costs, and who is assigned to it or to the comparison.
//!
//! The program runs in half of the system's clinics. People at risk are assigned by the same rule everywhere, on the
//! day on which they first fit it: those of clinics with the program to the arm `program`, the others to `comparison`.

use crate::calendar::Day;
use crate::directory::Directory;
use crate::error::SampleError;
use crate::extracts::Extracts;
use crate::layout::Table;
use crate::life::Life;
use crate::random::{Random, Stream};
use crate::setting::Setting;
use crate::value::Value;

const PROGRAM: Value<'static> = Value::Text("bridge");
const LONG_TERM: Value<'static> = Value::Text("ltss");
/// Latent risk from which people are assigned on the program's first day.
const RISK: f64 = 0.35;
/// What the program spends in a month for each thousand patients of the system, in currency units.
const COSTS: [(&str, f64); 3] = [("staff", 8_200.0), ("outreach", 900.0), ("software", 650.0)];

/// Writes the program and its costs.
pub(crate) fn write(setting: &Setting, extracts: &mut Extracts) -> Result<(), SampleError> {
    let organization = Value::Organization(Directory::SYSTEM);
    let (name, start) = (Value::Text("Bridge Home"), Value::Day(setting.program));
    extracts
        .row(Table::Program, &[PROGRAM, name, Value::Text("care_management"), organization, start, Value::Empty])?;
    let (name, kind) = (Value::Text("Home and Community Services"), Value::Text("ltss"));
    extracts.row(Table::Program, &[LONG_TERM, name, kind, organization, Value::Empty, Value::Empty])?;
    let mut random = Random::new(setting.seed, 0, Stream::Program);
    let thousands = setting.patients as f64 / 1000.0;
    // Costs of the month of the extract are not booked yet.
    let booked = setting.months.len() - 1;
    for month in setting.months[..booked].iter().copied().filter(|month| *month >= setting.program) {
        for (item, cost) in COSTS {
            let cents = random.lognormal(cost * thousands, 0.04).round() * 100.0;
            let amount = Value::Money(crate::random::whole(cents));
            extracts.row(Table::ProgramCost, &[PROGRAM, Value::Day(month), Value::Text(item), amount])?;
        }
    }
    Ok(())
}

/// The day on which a person is assigned, if they fit: by risk on the program's first day, or by their first discharge
/// after it.
pub(crate) fn assigned(life: &Life<'_>) -> Option<Day> {
    let first_day = life.setting.program;
    let at_risk = life.person.risk >= RISK && life.person.lives(first_day);
    let discharge = life.chart.discharges.iter().filter(|it| it.index && it.day >= first_day).map(|it| it.day).min();
    let start = if at_risk { Some(first_day) } else { discharge };
    start.filter(|start| *start <= life.setting.extract)
}

/// The day on which a person of 65 and over joins long-term services, for a few.
pub(crate) fn joins_long_term(life: &mut Life<'_>) -> Option<Day> {
    let day = life.setting.first + life.random.between(-200, 600);
    let joins = life.random.chance(0.04) && life.person.age(life.setting.first) >= 65;
    (joins && day <= life.setting.extract && life.person.lives(day)).then_some(day)
}

/// Writes a person's span in long-term services; one in twelve refuses to have a plan made.
pub(crate) fn write_long_term(start: Day, life: &mut Life<'_>) -> Result<bool, SampleError> {
    let id = life.chart.fresh(Table::ProgramEnrollment, 'N');
    let refused = life.random.chance(0.08).then(|| start + life.random.between(5, 60));
    let refused = refused.filter(|day| *day <= life.setting.extract && life.person.lives(*day));
    life.row(
        Table::ProgramEnrollment,
        &[
            id,
            life.patient(),
            LONG_TERM,
            Value::Empty,
            Value::Day(start),
            Value::maybe(life.person.death, Value::Day),
            Value::maybe(refused, Value::Day),
            Value::Truth(refused.is_none()),
        ],
    )?;
    Ok(refused.is_some())
}

/// Assigns a person, if they fit.
pub(crate) fn assign(life: &mut Life<'_>) -> Result<(), SampleError> {
    life.turn_to(Stream::Program);
    let Some(start) = assigned(life) else { return Ok(()) };
    let program = Directory::has_program(life.person.clinic);
    // The comparison cannot take part; in the program, seven in ten do.
    let engaged = program.then(|| life.random.chance(0.7));
    let id = life.chart.fresh(Table::ProgramEnrollment, 'N');
    life.row(
        Table::ProgramEnrollment,
        &[
            id,
            life.patient(),
            PROGRAM,
            Value::Text(if program { "program" } else { "comparison" }),
            Value::Day(start),
            Value::maybe(life.person.death, Value::Day),
            Value::Empty,
            Value::maybe(engaged, Value::Truth),
        ],
    )
}
