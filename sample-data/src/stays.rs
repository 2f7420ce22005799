//! Hospital stays: admissions with seasons, transfers, deaths, what follows a discharge, and readmissions.

use crate::calendar::{DAY_MINUTES, Day};
use crate::chart::{Discharge, Encounter};
use crate::codes::{ACUTE, ELECTIVE, PROCEDURES};
use crate::directory::Directory;
use crate::error::SampleError;
use crate::follow_up;
use crate::life::Life;
use crate::random::{Stream, exp, shifted, whole};

/// How a person comes to a stay.
#[derive(Debug, Clone, Copy)]
struct Admission {
    day: Day,
    hospital: usize,
    elective: bool,
    transferred: bool,
}

/// Plays a person's stays, and their death, into the chart.
pub(crate) fn play(life: &mut Life<'_>) -> Result<(), SampleError> {
    life.turn_to(Stream::Stays);
    let (setting, rates) = (life.setting, &life.setting.rates);
    // Half the squared spread is what a log-normal rate adds to its mean.
    let own = exp(rates.risk_spread * life.person.risk - rates.risk_spread * rates.risk_spread / 2.0);
    let mut free_from = setting.first;
    for month in setting.months.iter().copied() {
        let rate = rates.admissions_per_year * own * setting.season(month + 14);
        let admitted = setting.date_in(month, rate, &mut life.random);
        let dies = setting.date_in(month, rates.death_elsewhere * own, &mut life.random);
        if let Some(day) = admitted.filter(|day| *day >= free_from && life.person.lives(*day)) {
            let hospital = life.some_hospital();
            let elective = life.random.chance(rates.elective);
            free_from = episode(Admission { day, hospital, elective, transferred: false }, life)?;
        }
        if let Some(day) = dies.filter(|day| *day >= free_from && life.person.death.is_none()) {
            life.person.death = Some(day);
        }
    }
    Ok(())
}

/// Plays a stay and the stays that follow from it; returns the first day on which an unrelated one may begin.
fn episode(first: Admission, life: &mut Life<'_>) -> Result<Day, SampleError> {
    let mut admission = first;
    loop {
        let stay = admit(admission, life);
        let (Some(day), disposition) = (life.chart.encounters[stay].end_day(), life.chart.encounters[stay].disposition)
        else {
            return Ok(life.setting.extract + 1);
        };
        let index = !matches!(disposition, Some("20" | "02"));
        life.chart.discharges.push(Discharge { stay, day, index, readmission: None });
        let next = match disposition {
            Some("20") => {
                life.person.death = Some(day);
                None
            }
            Some("02") => Some(Admission {
                day: day + life.random.between(0, 1),
                hospital: Directory::other_hospital(admission.hospital, &mut life.random),
                elective: false,
                transferred: true,
            }),
            _ => after_discharge(admission.hospital, stay, day, life)?,
        };
        match next {
            Some(next) if next.day <= life.setting.extract => {
                if let (true, Some(discharge)) = (index, life.chart.discharges.last_mut()) {
                    discharge.readmission = Some(life.chart.encounters.len());
                }
                admission = next;
            }
            // Unrelated admissions wait until the days of this discharge are over: its readmissions are decided above.
            _ => return Ok(day + 31),
        }
    }
}

/// Adds a stay to the chart, with the emergency visit before it; returns its position.
fn admit(admission: Admission, life: &mut Life<'_>) -> usize {
    let Life { setting, person, random, .. } = life;
    let through_emergency =
        !admission.elective && !admission.transferred && random.chance(setting.rates.through_emergency);
    let (diagnosis, procedure) = if admission.elective {
        let (diagnosis, procedure) = random.pick(&ELECTIVE);
        (diagnosis, random.chance(0.92).then_some(procedure))
    } else {
        let weights = ACUTE.map(|(code, weight, condition)| {
            (code, if condition.is_some_and(|at| person.conditions[at]) { weight * 4.0 } else { weight })
        });
        (random.weighted(&weights), random.chance(0.14).then(|| random.pick(&PROCEDURES)))
    };
    let hour = match (admission.elective, admission.transferred) {
        (true, _) => 7 * 60 + 15 * random.between(0, 8),
        // After the last discharges of the day, which the transfer may follow.
        (_, true) => 17 * 60 + 30 + 10 * random.between(0, 18),
        _ => 8 * 60 + 10 * random.between(0, 90),
    };
    let start = admission.day * DAY_MINUTES + hour;
    let nights = random.days(if admission.elective { 2.4 } else { 3.6 }, 0.65, 0).min(40);
    let discharge = (admission.day + nights) * DAY_MINUTES + 9 * 60 + 30 * random.between(0, 16);
    // The later bound keeps an evening's admission of less than a day within its day.
    let end =
        if nights == 0 { (start + 60).max(discharge).min((admission.day + 1) * DAY_MINUTES - 1) } else { discharge };
    let left = end < (setting.extract + 1) * DAY_MINUTES;
    let organization = Some(Directory::hospital(admission.hospital));
    let mut stay = Encounter::visit("inpatient", "acute_stay", admission.day, random);
    stay.start = start;
    stay.end = left.then_some(end);
    stay.status = if left { "finished" } else { "in-progress" };
    stay.organization = organization;
    stay.practitioner = Some(setting.directory.hospitalist(admission.hospital, random));
    stay.admission_type = Some(match (admission.elective, through_emergency) {
        (true, _) => "elective",
        (false, true) => "emergency",
        (false, false) => "urgent",
    });
    stay.source = Some(if admission.transferred { "4" } else { "1" });
    stay.diagnosis = Some(diagnosis);
    stay.procedure = procedure;
    if left {
        stay.disposition = Some(disposition(&admission, life));
    }
    let position = life.chart.add(stay);
    if through_emergency {
        let mut visit = Encounter::visit("emergency", "emergency_visit", admission.day, &mut life.random);
        visit.start = start - 10 * life.random.between(9, 45);
        visit.end = Some(start);
        visit.organization = organization;
        visit.diagnosis = Some(diagnosis);
        visit.part_of = Some(position);
        life.chart.add(visit);
    }
    position
}

/// Where a stay ends: the UB-04 patient discharge status.
fn disposition(admission: &Admission, life: &mut Life<'_>) -> &'static str {
    let old = if life.person.age(admission.day) >= 78 { 2.0 } else { 1.0 };
    if !admission.elective && life.random.chance(life.setting.rates.death_in_hospital * old * 0.75) {
        return "20";
    }
    // A second transfer in a row would be rare enough to leave out.
    let transfer = if admission.elective || admission.transferred { 0.0 } else { 2.4 };
    life.random.weighted(&[
        ("02", transfer),
        ("03", 9.0 * old),
        ("62", 3.0),
        ("06", 11.0 * old),
        ("07", 1.2),
        ("50", 0.8),
        ("01", 74.0),
    ])
}

/// Plays what follows a discharge; returns the readmission, if there is one.
fn after_discharge(
    hospital: usize,
    stay: usize,
    day: Day,
    life: &mut Life<'_>,
) -> Result<Option<Admission>, SampleError> {
    let rates = &life.setting.rates;
    let arm = life.arm(day);
    let plan = follow_up::plan(day, arm, life);
    let disposition = life.chart.encounters[stay].disposition;
    let mut shift = rates.readmission_per_risk * life.person.risk + Directory::readmission(hospital);
    if life.person.age(day) >= 85 {
        shift += rates.readmission_85;
    }
    if plan.visit.is_some() {
        shift += rates.readmission_followed_up;
    }
    if disposition == Some("07") {
        shift += 0.7;
    }
    let hospice = disposition == Some("50");
    let readmitted = !hospice && life.random.chance(shifted(rates.readmission[arm], shift));
    // The product of two numbers brings most readmissions into the first two weeks.
    let wait = 1 + whole(30.0 * life.random.unit() * life.random.unit().max(0.35));
    let dies = hospice || life.random.chance(rates.death_after_discharge);
    let death_wait = life.random.between(4, 29);
    let next = if readmitted {
        let elsewhere = wait > 1 && life.random.chance(0.18);
        let elective = life.random.chance(rates.readmission_elective);
        let hospital = if elsewhere { Directory::other_hospital(hospital, &mut life.random) } else { hospital };
        Some(Admission { day: day + wait, hospital, elective, transferred: false })
    } else {
        if dies && day + death_wait <= life.setting.extract {
            life.person.death = Some(day + death_wait);
        }
        None
    };
    let until = next.map_or(life.setting.extract, |next| (next.day - 1).min(life.setting.extract));
    match disposition {
        Some("03") => facility_stay("skilled_nursing", day, 16.0, next.map(|next| next.day), life),
        Some("62") => facility_stay("rehabilitation", day, 11.0, next.map(|next| next.day), life),
        _ => {}
    }
    follow_up::play(&plan, stay, until, life)?;
    Ok(next)
}

/// Adds a stay in a nursing or rehabilitation facility, which lies outside the system and has no identifier in it; a
/// readmission ends it.
fn facility_stay(class: &'static str, day: Day, median: f64, readmission: Option<Day>, life: &mut Life<'_>) {
    let nights = life.random.days(median, 0.4, 2);
    let cut_short = readmission.filter(|readmission| *readmission <= day + nights);
    let mut stay = Encounter::visit(class, "facility_stay", day, &mut life.random);
    stay.start = day * DAY_MINUTES + 18 * 60;
    // A readmission comes the next day at the earliest: the stay ends in its first hour.
    stay.end = Some(cut_short.map_or((day + nights) * DAY_MINUTES + 10 * 60, |back| back * DAY_MINUTES + 60));
    stay.admission_type = Some("elective");
    stay.source = Some("4");
    stay.disposition = Some(if cut_short.is_some() { "02" } else { "01" });
    life.chart.add(stay);
}
