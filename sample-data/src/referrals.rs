//! Referrals: the orders, their steps, appointments and consults.

use crate::calendar::{DAY_MINUTES, Day, Minute, weekday};
use crate::chart::Encounter;
use crate::codes::SPECIALTIES;
use crate::directory::Directory;
use crate::error::SampleError;
use crate::layout::Table;
use crate::life::Life;
use crate::random::{Stream, exp};
use crate::referral_steps::{COMPLETED, End, SCHEDULED, STEPS, Way, draw};
use crate::value::Value;

/// What an order asks for.
struct Order {
    id: Value<'static>,
    day: Day,
    priority: &'static str,
    specialty: usize,
    specialist: u32,
}

/// Plays a person's referrals: writes their rows, and adds the consults to the chart.
pub(crate) fn play(life: &mut Life<'_>) -> Result<(), SampleError> {
    life.turn_to(Stream::Referrals);
    let setting = life.setting;
    let own = exp(0.3 * life.person.risk - 0.02);
    for day in setting.dates(&mut life.random, |_| setting.rates.referrals_per_year * own) {
        let day = weekday(day);
        if life.loaded(day) {
            refer(day, life)?;
        }
    }
    Ok(())
}

fn refer(day: Day, life: &mut Life<'_>) -> Result<(), SampleError> {
    let weights = std::array::from_fn::<_, { SPECIALTIES.len() }, _>(|at| (at, SPECIALTIES[at].1));
    let specialty = life.random.weighted(&weights);
    let (priority, urgency) = life.random.weighted(&[
        (("routine", 1.0), 76.0),
        (("urgent", 0.4), 17.0),
        (("asap", 0.25), 4.0),
        (("stat", 0.12), 3.0),
    ]);
    let order = Order {
        id: life.chart.fresh(Table::Referral, 'R'),
        day,
        priority,
        specialty,
        specialist: life.setting.directory.specialist(specialty, &mut life.random),
    };
    let mut way = draw(day, urgency, life);
    // Nothing is known of what lies after the extract or after death.
    let known = life.setting.extract.min(life.person.death.unwrap_or(Day::MAX));
    way.days.retain(|day| *day <= known);
    way.end = way.end.filter(|end| end.day() <= known);
    write_order(&order, &way, life)?;
    write_steps(&order, &way, life)?;
    appointments(&order, &way, known, life)?;
    if let Some(day) = way.day(COMPLETED) {
        let mut visit = Encounter::visit("ambulatory", "consult", day, &mut life.random);
        visit.organization = Some(Directory::hospital(life.setting.directory.hospital_of_specialist(order.specialist)));
        visit.practitioner = Some(order.specialist);
        visit.diagnosis = Some(SPECIALTIES[specialty].2);
        life.chart.add(visit);
    }
    Ok(())
}

impl End {
    fn day(self) -> Day {
        match self {
            Self::Cancelled(day) | Self::Rejected(day) | Self::Expired(day) => day,
        }
    }
}

fn write_order(order: &Order, way: &Way, life: &mut Life<'_>) -> Result<(), SampleError> {
    let (_, _, reason, question) = SPECIALTIES[order.specialty];
    // An expired order stays what it was: the clinic asked, and nobody answered.
    let (status, why) = match way.end {
        Some(End::Cancelled(_)) => ("revoked", Some("no_longer_needed")),
        Some(End::Rejected(_)) => ("revoked", Some("rejected")),
        Some(End::Expired(_)) => ("active", Some("expired")),
        None if way.days.len() > COMPLETED => ("completed", None),
        None => ("active", None),
    };
    let intent = life.random.weighted(&[("order", 96.0), ("plan", 2.5), ("proposal", 1.5)]);
    let own = life.random.chance(0.85);
    let referrer = if own {
        life.person.physician
    } else {
        life.setting.directory.physician(life.person.clinic, &mut life.random)
    };
    let in_network = life.random.weighted(&[(Some(true), 78.0), (Some(false), 12.0), (None, 10.0)]);
    let (gives_reason, asks) = (life.random.chance(0.93), life.random.chance(0.7));
    life.row(
        Table::Referral,
        &[
            order.id,
            life.patient(),
            Value::Instant(order.minute()),
            Value::Text(status),
            Value::Text(intent),
            Value::Text(order.priority),
            Value::Practitioner(referrer),
            Value::Practitioner(order.specialist),
            Value::Organization(Directory::clinic(life.person.clinic)),
            Value::Organization(Directory::hospital(life.setting.directory.hospital_of_specialist(order.specialist))),
            Value::Text(SPECIALTIES[order.specialty].0),
            Value::maybe(in_network, Value::Truth),
            Value::text(gives_reason.then_some(reason)),
            Value::text(asks.then_some(question)),
            Value::text(why),
        ],
    )
}

impl Order {
    /// The minute of the order: some time of the working day that the day itself decides.
    fn minute(&self) -> Minute {
        self.day * DAY_MINUTES + 8 * 60 + self.day * 37 % 480
    }
}

fn write_steps(order: &Order, way: &Way, life: &mut Life<'_>) -> Result<(), SampleError> {
    let mut minute = order.minute();
    write_step("ordered", minute, "completed", order, life)?;
    for (day, (step, ..)) in way.days.iter().zip(STEPS) {
        // Steps of one day follow each other by half an hour; the first of a later day comes in the morning.
        minute = (minute + 30).max(day * DAY_MINUTES + 8 * 60 + 30 * life.random.between(0, 8));
        if step == "report_received" && life.random.chance(0.025) {
            write_step(step, minute, "failed", order, life)?;
            minute += 60;
        }
        write_step(step, minute, "completed", order, life)?;
    }
    if let Some(end) = way.end {
        let step = match end {
            End::Cancelled(_) => "cancelled",
            End::Rejected(_) => "rejected",
            End::Expired(_) => "expired",
        };
        write_step(step, (minute + 30).max(end.day() * DAY_MINUTES + 9 * 60), "completed", order, life)?;
    }
    Ok(())
}

fn write_step(step: &str, minute: Minute, status: &str, order: &Order, life: &mut Life<'_>) -> Result<(), SampleError> {
    life.row(
        Table::ReferralEvent,
        &[order.id, life.patient(), Value::Text(step), Value::Instant(minute), Value::Text(status)],
    )
}

/// Writes the appointments that answer an order: the kept one, and those that were missed or cancelled before it.
fn appointments(order: &Order, way: &Way, known: Day, life: &mut Life<'_>) -> Result<(), SampleError> {
    let Some(booked) = way.day(SCHEDULED) else { return Ok(()) };
    let kept = way.day(COMPLETED);
    let last = kept.unwrap_or_else(|| weekday(booked + life.random.days(16.0, 0.5, 1)));
    // A first attempt that came to nothing lies halfway between booking and the visit.
    let first = weekday(i64::midpoint(booked, last));
    if kept.is_some() && first > booked && first < last && life.random.chance(0.12) {
        let noshow = life.random.chance(0.5);
        appointment(order, booked, first, if noshow { "noshow" } else { "cancelled" }, life)?;
    }
    let status = match kept {
        Some(_) => "fulfilled",
        None if last > known => "booked",
        None => life.random.weighted(&[("noshow", 60.0), ("cancelled", 40.0)]),
    };
    appointment(order, booked, last, status, life)
}

fn appointment(order: &Order, booked: Day, day: Day, status: &str, life: &mut Life<'_>) -> Result<(), SampleError> {
    let id = life.chart.fresh(Table::Appointment, 'A');
    let hospital = life.setting.directory.hospital_of_specialist(order.specialist);
    let notice = life.random.between(0, 4);
    let cancelled = (status == "cancelled").then(|| (day - notice).max(booked));
    life.row(
        Table::Appointment,
        &[
            id,
            life.patient(),
            order.id,
            Value::Practitioner(order.specialist),
            Value::Organization(Directory::hospital(hospital)),
            Value::Text(SPECIALTIES[order.specialty].0),
            Value::Day(booked),
            Value::Day(day),
            Value::Text(status),
            Value::maybe(cancelled, Value::Day),
        ],
    )
}
