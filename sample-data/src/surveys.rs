//! The survey of coordination: monthly invitations, and the answers of those who send it back.

use crate::calendar::{Day, weekday};
use crate::directory::Directory;
use crate::error::SampleError;
use crate::layout::Table;
use crate::life::Life;
use crate::random::{Random, Stream, shifted};
use crate::value::Value;

const INSTRUMENT: Value<'static> = Value::Text("cg-cahps");
const VERSION: Value<'static> = Value::Text("3.0");
/// Items asked on coordination, each after the item that says whether it applies.
const ITEMS: [(Option<&str>, &str); 3] = [(None, "q13"), (Some("q16"), "q17"), (Some("q19"), "q20")];

/// Plays a person's invitations and answers.
pub(crate) fn play(life: &mut Life<'_>) -> Result<(), SampleError> {
    life.turn_to(Stream::Surveys);
    let setting = life.setting;
    for day in setting.dates(&mut life.random, |_| setting.rates.survey_monthly * 12.0) {
        if !life.person.lives(day) {
            break;
        }
        let mode = life.random.weighted(&[("mail", 55.0), ("web", 35.0), ("telephone", 10.0)]);
        let invitation = life.chart.fresh(Table::SurveyInvitation, 'I');
        life.row(
            Table::SurveyInvitation,
            &[
                invitation,
                life.patient(),
                INSTRUMENT,
                VERSION,
                Value::Organization(Directory::clinic(life.person.clinic)),
                Value::Practitioner(life.person.physician),
                Value::Text(mode),
                Value::Day(day),
            ],
        )?;
        let shift = if life.person.other_language() { -0.5 } else { 0.0 };
        let answers = life.random.chance(shifted(setting.rates.survey_response, shift));
        let back = weekday(day + life.random.days(13.0, 0.6, 2));
        if answers && life.loaded(back) {
            answer(invitation, mode, day, back, life)?;
        }
    }
    Ok(())
}

fn answer(invitation: Value<'_>, mode: &str, asked: Day, back: Day, life: &mut Life<'_>) -> Result<(), SampleError> {
    let best = life.setting.rates.survey_best[life.arm(asked)];
    let response = life.chart.fresh(Table::SurveyResponse, 'S');
    let proxy = life.random.chance(if life.person.age(back) >= 85 { 0.2 } else { 0.04 });
    // One in thirty has not been to the clinic at all, which ends the questionnaire.
    let been = life.random.chance(0.967);
    let mut answers = vec![("q1", if been { "1" } else { "2" })];
    for (screener, item) in ITEMS.iter().filter(|_| been) {
        let applies = life.random.chance(0.82);
        if let Some(screener) = screener {
            answers.push((screener, if applies { "1" } else { "2" }));
        }
        let skipped = screener.is_some() && !applies;
        answers.push((item, if skipped { "S" } else { grade(best, &mut life.random) }));
    }
    if been {
        answers.extend(adjusters(back, life));
    }
    for (item, value) in answers {
        life.row(
            Table::SurveyResponse,
            &[
                response,
                invitation,
                life.patient(),
                INSTRUMENT,
                VERSION,
                Value::Text(item),
                Value::Text(value),
                Value::Organization(Directory::clinic(life.person.clinic)),
                Value::Practitioner(life.person.physician),
                Value::Text(mode),
                Value::Day(back),
                Value::Truth(proxy),
            ],
        )?;
    }
    Ok(())
}

/// What case-mix adjustment asks: general and mental health, age, education. One in forty leaves one of them out.
fn adjusters(day: Day, life: &mut Life<'_>) -> [(&'static str, &'static str); 4] {
    const CODES: [&str; 7] = ["1", "2", "3", "4", "5", "6", "7"];
    let place = |at: i64, last: usize| CODES[usize::try_from(at).unwrap_or(0).min(last)];
    let poor = crate::random::whole(2.0 + life.person.risk + 0.8 * life.random.normal());
    let low = crate::random::whole(1.5 + 0.5 * life.person.risk + 0.9 * life.random.normal());
    let age = (life.person.age(day) - 15) / 10;
    let school = life.random.between(1, 6) - (life.person.deprivation - 1) / 2;
    let mut given = [
        ("q23", place(poor.max(0), 4)),
        ("q24", place(low.max(0), 4)),
        ("q25", place(age.max(0), 6)),
        ("q27", place((school - 1).max(0), 5)),
    ];
    for (_, value) in &mut given {
        if life.random.chance(0.025) {
            *value = "M";
        }
    }
    given
}

/// An answer from 1 (never) to 4 (always), or a multiple mark or a blank.
fn grade(best: f64, random: &mut Random) -> &'static str {
    let rest = 1.0 - best;
    random.weighted(&[
        ("4", best * 0.97),
        ("3", rest * 0.60 * 0.97),
        ("2", rest * 0.28 * 0.97),
        ("1", rest * 0.12 * 0.97),
        ("H", 0.006),
        ("M", 0.024),
    ])
}
