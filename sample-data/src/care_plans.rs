//! Care plans: a plan a year, activities that fall due each month, goals, and the coordinator's regular calls.

use crate::calendar::{Day, weekday};
use crate::directory::Directory;
use crate::error::SampleError;
use crate::follow_up::write_contact;
use crate::layout::Table;
use crate::life::Life;
use crate::program;
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
    long_term(life)?;
    // People in the coordination program have a plan made soon after they are assigned; others have one of their own.
    let assigned = program::assigned(life).filter(|_| Directory::has_program(life.person.clinic));
    let chance = match assigned {
        Some(_) => life.setting.rates.care_plan_program,
        None => shifted(life.setting.rates.care_plan, 0.9 * life.person.risk - 0.25),
    };
    if !life.random.chance(chance) {
        return Ok(());
    }
    let category = life.random.pick(&CATEGORIES);
    let kinds = [life.random.pick(&KINDS[..3]), life.random.pick(&KINDS[3..])];
    let several = usize::from(life.random.chance(0.35)) + 1;
    let own = life.setting.first + life.random.between(-150, 300);
    let soon = life.random.days(16.0, 0.6, 1);
    let mut start = assigned.map_or(own, |day| weekday(day + soon));
    // The history of statuses is kept for some plans only, as some systems keep it.
    let kept = life.random.chance(0.2);
    let mut before = Value::Empty;
    while start <= life.setting.extract && life.person.lives(start) {
        let id = life.chart.fresh(Table::CarePlan, 'C');
        write_plan(id, before, category, start, life)?;
        for kind in &kinds[..several] {
            activities(id, kind, start, kept, life)?;
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
    let signed =
        life.random.chance(if category == "ltss" { 0.88 } else { 0.4 }).then(|| start + life.random.between(0, 10));
    let signed = signed.filter(|day| *day <= life.setting.extract && life.person.lives(*day));
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
            Value::maybe(signed, Value::Day),
            Value::maybe(reviewed, Value::Day),
        ],
    )
}

/// Writes one row for each time that an activity falls due, up to a month after the extract.
fn activities(plan: Value<'_>, kind: &str, start: Day, kept: bool, life: &mut Life<'_>) -> Result<(), SampleError> {
    let mut due = start + INTERVAL;
    while due <= start + PLAN_DAYS && due <= life.setting.extract + INTERVAL {
        // Activities that fell due before the period are not in the extract.
        if due >= life.setting.first && life.person.lives(due) {
            activity(plan, kind, due, kept, life)?;
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

fn activity(plan: Value<'_>, kind: &str, due: Day, kept: bool, life: &mut Life<'_>) -> Result<(), SampleError> {
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
    )?;
    if kept { history(id, due, &outcome, life) } else { Ok(()) }
}

/// Writes the changes of an activity's status that led to its outcome.
fn history(id: Value<'_>, due: Day, outcome: &Outcome, life: &mut Life<'_>) -> Result<(), SampleError> {
    let extract = life.setting.extract;
    let mut changes = vec![(due - INTERVAL, "scheduled")];
    if let Some(held) = outcome.held {
        changes.push((due - held, "on-hold"));
        if outcome.status != "on-hold" {
            changes.push((due, "in-progress"));
        }
    }
    let day = match outcome.status {
        "completed" => outcome.completed,
        "cancelled" | "stopped" => outcome.cancelled,
        "unknown" | "not-started" | "in-progress" => Some(due),
        _ => None,
    };
    // A day on which two things happened keeps the last of them.
    if let Some(day) = day {
        changes.retain(|(other, _)| *other < day);
        changes.push((day, outcome.status));
    }
    for (day, status) in changes.into_iter().filter(|(day, _)| *day <= extract) {
        let row = [id, life.patient(), Value::Text(status), Value::Day(day)];
        life.row(Table::CarePlanActivityStatus, &row)?;
    }
    Ok(())
}

/// What a comprehensive plan of long-term services documents: nine core elements, then others.
const ELEMENTS: [&str; 16] = [
    "goal",
    "medical_needs",
    "functional_needs",
    "cognitive_needs",
    "services",
    "monitoring",
    "caregiver",
    "emergency_plan",
    "agreement",
    "mental_health_needs",
    "community_needs",
    "service_duration",
    "provider_contacts",
    "progress",
    "barriers",
    "first_contact",
];
/// Days between reviews of a plan of long-term services.
const LONG_TERM_DAYS: i64 = 330;

/// Plays a person's long-term services, for a few: the attempts to reach them, and their plans.
fn long_term(life: &mut Life<'_>) -> Result<(), SampleError> {
    let Some(joined) = program::joins_long_term(life) else { return Ok(()) };
    let refused = program::write_long_term(joined, life)?;
    let reached = life.random.chance(0.93);
    for attempt in 0..life.random.between(1, 4) {
        let day = weekday(joined + 4 + 9 * attempt);
        if day < life.setting.first || !life.loaded(day) {
            continue;
        }
        let outcome =
            if reached { "reached" } else { life.random.pick(&["no_answer", "left_message", "wrong_number"]) };
        write_contact(day, "telephone", "ltss", outcome, life)?;
    }
    if refused || !reached {
        return Ok(());
    }
    let mut start = weekday(joined + life.random.days(45.0, 0.6, 1));
    let mut before = Value::Empty;
    while start <= life.setting.extract && life.person.lives(start) {
        let id = life.chart.fresh(Table::CarePlan, 'C');
        write_plan(id, before, "ltss", start, life)?;
        for (position, element) in ELEMENTS.iter().enumerate() {
            let day = start + life.random.between(0, 12);
            let documented = life.random.chance(if position < 9 { 0.985 } else { 0.7 });
            if documented && day <= life.setting.extract {
                let row = [id, life.patient(), Value::Text(element), Value::Day(day)];
                life.row(Table::CarePlanElement, &row)?;
            }
        }
        before = id;
        start += LONG_TERM_DAYS;
    }
    Ok(())
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
