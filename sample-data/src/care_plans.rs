//! Care plans: a plan a year, activities that fall due each month, goals, and the coordinator's regular calls.

use crate::calendar::{Day, weekday};
use crate::error::SampleError;
use crate::follow_up::write_contact;
use crate::layout::Table;
use crate::life::Life;
use crate::random::{Stream, shifted};
use crate::value::Value;

/// What plans are for.
const CATEGORIES: [&str; 4] = ["heart_failure", "diabetes", "copd", "complex_care"];
/// What is to be done each month.
const KINDS: [&str; 6] =
    ["medication_review", "weight_log", "blood_pressure_log", "education_session", "home_visit", "exercise_plan"];
/// Days for which a plan holds.
const PLAN_DAYS: i64 = 364;
/// Days between the due dates of an activity.
const INTERVAL: i64 = 30;

/// Plays a person's care plans.
pub(crate) fn play(life: &mut Life<'_>) -> Result<(), SampleError> {
    life.turn_to(Stream::Plans);
    let chance = shifted(life.setting.rates.care_plan, 0.9 * life.person.risk - 0.25);
    if !life.random.chance(chance) {
        return Ok(());
    }
    let category = life.random.pick(&CATEGORIES);
    let kinds = [life.random.pick(&KINDS[..3]), life.random.pick(&KINDS[3..])];
    let several = usize::from(life.random.chance(0.35)) + 1;
    let mut start = life.setting.first + life.random.between(-150, 300);
    let mut before = Value::Empty;
    while start <= life.setting.extract && life.person.lives(start) {
        let id = life.chart.fresh(Table::CarePlan, 'C');
        write_plan(id, before, category, start, life)?;
        for kind in &kinds[..several] {
            activities(id, kind, start, life)?;
        }
        goals(id, start, life)?;
        before = id;
        start += PLAN_DAYS + 1;
    }
    Ok(())
}

fn write_plan(
    id: Value<'_>,
    before: Value<'_>,
    category: &str,
    start: Day,
    life: &mut Life<'_>,
) -> Result<(), SampleError> {
    let end = start + PLAN_DAYS;
    let over = end < life.setting.extract;
    let owner = life.random.chance(0.94).then(|| life.caller());
    let age = life.random.days(75.0, 0.8, 5);
    let reviewed = weekday(end.min(life.setting.extract) - age);
    let reviewed = (reviewed > start && life.person.lives(reviewed)).then_some(reviewed);
    life.row(
        Table::CarePlan,
        &[
            id,
            life.patient(),
            Value::Text(if over { "completed" } else { "active" }),
            Value::Text(category),
            Value::Day(start),
            Value::Day(end),
            Value::maybe(owner, Value::Practitioner),
            before,
            Value::maybe(reviewed, Value::Day),
        ],
    )
}

/// Writes one row for each time that an activity falls due, up to a month after the extract.
fn activities(plan: Value<'_>, kind: &str, start: Day, life: &mut Life<'_>) -> Result<(), SampleError> {
    let mut due = start + INTERVAL;
    while due <= start + PLAN_DAYS && due <= life.setting.extract + INTERVAL {
        // Activities that fell due before the period are not in the extract.
        if due >= life.setting.first && life.person.lives(due) {
            activity(plan, kind, due, life)?;
        }
        due += INTERVAL;
    }
    Ok(())
}

/// What became of an activity.
#[derive(Default)]
struct Outcome {
    status: &'static str,
    held: Option<i64>,
    completed: Option<Day>,
    cancelled: Option<Day>,
    reason: Option<&'static str>,
}

fn activity(plan: Value<'_>, kind: &str, due: Day, life: &mut Life<'_>) -> Result<(), SampleError> {
    let outcome = outcome(due, life);
    let id = life.chart.fresh(Table::CarePlanActivity, 'T');
    let performer = life.random.chance(0.9).then(|| life.caller());
    life.row(
        Table::CarePlanActivity,
        &[
            id,
            plan,
            life.patient(),
            Value::Text(kind),
            Value::Text(outcome.status),
            Value::Day(due),
            Value::maybe(outcome.held, Value::Whole),
            Value::maybe(outcome.completed, Value::Day),
            Value::maybe(outcome.cancelled, Value::Day),
            Value::maybe(performer, Value::Practitioner),
            Value::text(outcome.reason),
        ],
    )
}

fn outcome(due: Day, life: &mut Life<'_>) -> Outcome {
    let arm = life.arm(due);
    // Nothing is known of what lies after the extract or after death.
    let extract = life.setting.extract.min(life.person.death.unwrap_or(Day::MAX));
    let random = &mut life.random;
    let held = random.chance(0.04).then(|| random.between(5, 20));
    let due_after_hold = due + held.unwrap_or(0);
    let on_time = random.chance(life.setting.rates.activity_on_time[arm]);
    let done = if on_time { due_after_hold - random.between(0, 9) } else { due_after_hold + random.days(9.0, 0.7, 1) };
    let open = Outcome { status: "not-started", held, ..Outcome::default() };
    let completed = Outcome { status: "completed", completed: Some(done), held, ..Outcome::default() };
    if due > extract {
        let early = on_time && done <= extract;
        return if early { completed } else { Outcome { status: "scheduled", ..open } };
    }
    // A few activities leave the usual way: their status says that they are no failure, or that nobody knows.
    match random.weighted(&[("", 89.0), ("cancelled", 5.0), ("unknown", 3.0), ("on-hold", 3.0)]) {
        "cancelled" => {
            let cancelled = due + if random.chance(0.6) { -random.between(1, 12) } else { random.between(1, 12) };
            let reason = random.pick(&["plan_changed", "hospital_stay", "duplicate_order"]);
            let cancelled = Some(cancelled.min(extract));
            return Outcome { status: "cancelled", cancelled, reason: Some(reason), ..Outcome::default() };
        }
        "unknown" => return Outcome { status: "unknown", ..Outcome::default() },
        "on-hold" => {
            return Outcome { status: "on-hold", held: Some(random.between(10, 40)), ..Outcome::default() };
        }
        _ => {}
    }
    if on_time && done <= extract {
        return completed;
    }
    match random.weighted(&[("late", 38.0), ("declined", 14.0), ("in-progress", 12.0), ("open", 36.0)]) {
        "late" if done <= extract => completed,
        "declined" => Outcome {
            status: "stopped",
            cancelled: Some((due + random.between(0, 6)).min(extract)),
            reason: Some("patient_declined"),
            held,
            ..Outcome::default()
        },
        "in-progress" => Outcome { status: "in-progress", ..open },
        _ => Outcome { reason: random.chance(0.3).then_some("not_reached"), ..open },
    }
}

fn goals(plan: Value<'_>, start: Day, life: &mut Life<'_>) -> Result<(), SampleError> {
    for nth in 1..=2 {
        let due = start + 90 * (nth + life.random.between(0, 1));
        let met = life.random.chance([0.48, 0.60][life.arm(due)]);
        let on_time = life.random.chance(0.85);
        let achieved = if on_time { due - life.random.between(0, 25) } else { due + life.random.between(3, 40) };
        let known = achieved <= life.setting.extract && life.person.lives(achieved);
        let (lifecycle, achievement, achieved) = if met && known {
            ("completed", life.random.weighted(&[("achieved", 80.0), ("sustaining", 20.0)]), Some(achieved))
        } else if due < life.setting.extract {
            ("active", life.random.pick(&["not-achieved", "no-progress", "improving", "worsening"]), None)
        } else {
            ("active", "in-progress", None)
        };
        let id = life.chart.fresh(Table::Goal, 'G');
        life.row(
            Table::Goal,
            &[
                id,
                life.patient(),
                plan,
                Value::Text(lifecycle),
                Value::Text(achievement),
                Value::Day(due),
                Value::maybe(achieved, Value::Day),
            ],
        )?;
        let call = weekday(due - 30);
        if call >= life.setting.first && life.loaded(call) {
            let outcome = life.random.weighted(&[("reached", 70.0), ("left_message", 20.0), ("no_answer", 10.0)]);
            let mode = life.random.pick(&["telephone", "message", "video"]);
            write_contact(call, mode, "care_plan", outcome, life)?;
        }
    }
    Ok(())
}
