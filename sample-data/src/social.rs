//! Social needs: who is asked, what they need, and what becomes of it.

use crate::calendar::{Day, weekday};
use crate::directory::Directory;
use crate::error::SampleError;
use crate::layout::Table;
use crate::life::Life;
use crate::random::Stream;
use crate::value::Value;

/// What is asked for, with how common it is beside the mean.
const DOMAINS: [(&str, f64); 5] =
    [("food", 1.3), ("housing", 1.0), ("transportation", 1.4), ("utilities", 0.8), ("safety", 0.4)];
/// Which instruments are used.
const INSTRUMENTS: [(&str, f64); 3] = [("ahc-hrsn", 70.0), ("prapare", 20.0), ("", 10.0)];

/// Plays a person's screenings: in stays, and now and then in the clinic.
pub(crate) fn play(life: &mut Life<'_>) -> Result<(), SampleError> {
    life.turn_to(Stream::Social);
    let setting = life.setting;
    let stays: Vec<(usize, Day)> = life
        .chart
        .encounters
        .iter()
        .enumerate()
        .filter(|(_, encounter)| encounter.class == "inpatient" && encounter.end.is_some())
        .map(|(position, encounter)| (position, encounter.day()))
        .collect();
    // Needs are the person's, not the day's.
    let needs: [bool; DOMAINS.len()] = DOMAINS.map(|(_, factor)| {
        let more = 1.0 + 0.7 * (life.person.deprivation - 1) as f64;
        life.random.chance(setting.rates.social_need * factor * more)
    });
    for (position, day) in stays {
        let asked = life.random.chance(setting.rates.screening[life.arm(day)]);
        if asked && life.loaded(day) {
            screen(day, Some(position), needs, life)?;
        }
    }
    for day in setting.dates(&mut life.random, |_| 0.1) {
        let day = weekday(day);
        if life.loaded(day) {
            screen(day, None, needs, life)?;
        }
    }
    Ok(())
}

fn screen(day: Day, stay: Option<usize>, needs: [bool; DOMAINS.len()], life: &mut Life<'_>) -> Result<(), SampleError> {
    let answers = life.random.weighted(&[("answers", 93.0), ("declined", 4.0), ("unable", 1.5), ("partly", 1.5)]);
    let instrument = life.random.weighted(&INSTRUMENTS);
    let clinic = Directory::clinic(life.person.clinic);
    let mut found = Vec::new();
    for ((domain, _), need) in DOMAINS.iter().zip(needs) {
        if answers == "partly" && life.random.chance(0.5) {
            continue;
        }
        // Nine in ten say what they need.
        let result = match answers {
            "declined" => "declined",
            "unable" => "unable",
            _ if need && life.random.chance(0.9) => "positive",
            _ => "negative",
        };
        let id = life.chart.fresh(Table::SocialScreening, 'K');
        life.row(
            Table::SocialScreening,
            &[
                id,
                life.patient(),
                stay.map_or(Value::Empty, |position| life.chart.encounter(position)),
                Value::Day(day),
                Value::Text(domain),
                Value::Text(result),
                if instrument.is_empty() { Value::Empty } else { Value::Text(instrument) },
                if stay.is_some() { Value::Empty } else { Value::Organization(clinic) },
                Value::Practitioner(life.person.physician),
            ],
        )?;
        if result == "positive" {
            found.push(*domain);
        }
    }
    for domain in found {
        help(domain, day, life)?;
    }
    Ok(())
}

/// What becomes of a need that was found.
fn help(domain: &str, day: Day, life: &mut Life<'_>) -> Result<(), SampleError> {
    let arm = life.arm(day);
    if life.random.chance([0.45, 0.62][arm]) {
        let on = weekday(day + life.random.days(8.0, 0.9, 1) - 1);
        if life.loaded(on) {
            let kind = life.random.weighted(&[
                ("referral", 40.0),
                ("counseling", 20.0),
                ("education", 15.0),
                ("assistance", 25.0),
            ]);
            let contact = life.random.chance(0.2);
            let id = life.chart.fresh(Table::SocialIntervention, 'V');
            let row = [
                id,
                life.patient(),
                Value::Text(domain),
                Value::Day(on),
                Value::Text(kind),
                Value::Text("completed"),
                Value::Truth(contact),
            ];
            life.row(Table::SocialIntervention, &row)?;
        }
    }
    if life.random.chance([0.5, 0.65][arm]) {
        refer(domain, weekday(day + life.random.between(0, 6)), life)?;
    }
    Ok(())
}

/// The stages of a referral to a community organization, as far as it goes.
fn refer(domain: &str, ordered: Day, life: &mut Life<'_>) -> Result<(), SampleError> {
    if !life.loaded(ordered) {
        return Ok(());
    }
    let known = life.setting.extract.min(life.person.death.unwrap_or(Day::MAX));
    let then = |chance: f64, day: Option<Day>, median: f64, life: &mut Life<'_>| {
        let next = day? + life.random.days(median, 0.8, 1) - 1;
        (life.random.chance(chance) && next <= known).then_some(next)
    };
    let consented = then(0.88, Some(ordered), 2.0, life);
    let declined = if consented.is_none() { then(0.7, Some(ordered), 3.0, life) } else { None };
    let sent = then(0.92, consented, 3.0, life);
    let accepted = then(0.78, sent, 6.0, life);
    let rejected = if accepted.is_none() { then(0.5, sent, 7.0, life) } else { None };
    let service = then(0.8, accepted, 9.0, life);
    let output = then(0.85, service, 12.0, life);
    let closed = output.map(|day| (day + 2).min(known)).or(rejected).or(declined);
    let met = then(0.6, output, 15.0, life);
    let (status, reason) = match (declined, rejected, output, service, accepted, sent) {
        (Some(_), ..) => ("cancelled", Some("patient_declined")),
        (_, Some(_), ..) => ("rejected", Some("no_capacity")),
        (_, _, Some(_), ..) => ("completed", None),
        (_, _, _, Some(_), ..) => ("in-progress", None),
        (_, _, _, _, Some(_), _) => ("accepted", None),
        (.., Some(_)) => ("received", None),
        _ => ("requested", None),
    };
    let id = life.chart.fresh(Table::CommunityReferral, 'Q');
    let day = |day| Value::maybe(day, Value::Day);
    life.row(
        Table::CommunityReferral,
        &[
            id,
            life.patient(),
            Value::Text(domain),
            Value::Text(status),
            Value::text(reason),
            Value::Day(ordered),
            day(consented),
            day(declined),
            day(sent),
            day(accepted),
            day(rejected),
            day(service),
            day(closed),
            day(output),
            day(met),
            Value::Empty,
            Value::Organization(Directory::clinic(life.person.clinic)),
            Value::Practitioner(life.person.physician),
        ],
    )
}
