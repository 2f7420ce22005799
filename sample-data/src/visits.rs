//! Visits that do not follow a discharge: to the own clinic, to the emergency department, to an observation bed.

use crate::calendar::{DAY_MINUTES, Day, weekday};
use crate::chart::Encounter;
use crate::codes::{CHECK_UP, EMERGENCY};
use crate::directory::Directory;
use crate::life::Life;
use crate::random::{Stream, exp};

/// Plays a person's visits into the chart.
pub(crate) fn play(life: &mut Life<'_>) {
    life.turn_to(Stream::Visits);
    let (setting, clinic_number) = (life.setting, life.person.clinic);
    let rates = &setting.rates;
    let own = exp(0.5 * life.person.risk - 0.125);
    let rate = |day| rates.emergency_per_year[setting.arm(clinic_number, day)] * own;
    for day in setting.dates(&mut life.random, rate) {
        if !life.chart.away(day) && life.loaded(day) {
            emergency(day, life);
        }
    }
    let own = exp(0.25 * life.person.risk);
    for day in setting.dates(&mut life.random, |_| rates.visits_per_year * own) {
        let day = weekday(day);
        if !life.chart.away(day) && life.loaded(day) {
            clinic(day, life);
        }
    }
}

fn emergency(day: Day, life: &mut Life<'_>) {
    let hospital = life.some_hospital();
    let Life { chart, random, .. } = life;
    let mut visit = Encounter::visit("emergency", "emergency_visit", day, random);
    visit.start = day * DAY_MINUTES + 10 * random.between(0, 143);
    let end = visit.start + 10 * random.between(9, 48);
    visit.end = Some(end);
    visit.organization = Some(Directory::hospital(hospital));
    visit.diagnosis = Some(random.weighted(&EMERGENCY));
    // Some stay under observation for a night or two without being admitted.
    if random.chance(0.12) {
        let mut observation = Encounter::visit("observation", "observation_stay", day, random);
        observation.start = end;
        observation.end = Some(end + 60 * random.between(10, 44));
        observation.organization = visit.organization;
        observation.diagnosis = visit.diagnosis;
        observation.disposition = Some("01");
        visit.part_of = Some(chart.add(observation));
    }
    chart.add(visit);
}

fn clinic(day: Day, life: &mut Life<'_>) {
    let Life { setting, person, chart, random, .. } = life;
    let (class, kind) = random.weighted(&[
        (("ambulatory", "office_visit"), 80.0),
        (("virtual", "video_visit"), 13.0),
        (("home", "home_visit"), 4.0),
        (("ambulatory", "annual_wellness_visit"), 3.0),
    ]);
    let mut visit = Encounter::visit(class, kind, day, random);
    let own = random.chance(0.78);
    visit.practitioner = Some(if own { person.physician } else { setting.directory.physician(person.clinic, random) });
    visit.organization = Some(Directory::clinic(person.clinic));
    visit.diagnosis = person.condition(random).or(Some(CHECK_UP));
    if random.chance(0.02) {
        visit.status = "cancelled";
    }
    chart.add(visit);
}
