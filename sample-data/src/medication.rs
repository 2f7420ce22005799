//! Fills of prescriptions for those whose pharmacy claims are in the extract.

use crate::calendar::Day;
use crate::claims::{Line, bill};
use crate::codes::MEDICATION;
use crate::coverage::Coverage;
use crate::error::SampleError;
use crate::layout::Table;
use crate::life::Life;
use crate::random::{Stream, whole};
use crate::value::Value;

/// Plays a person's fills, with the pharmacy claim of each.
pub(crate) fn play(coverage: &Coverage, life: &mut Life<'_>) -> Result<(), SampleError> {
    life.turn_to(Stream::Medication);
    if !life.random.chance(life.setting.rates.medication_panel) {
        return Ok(());
    }
    for (class, ingredients, condition) in MEDICATION {
        if !life.person.conditions[condition] || !life.random.chance(0.6) {
            continue;
        }
        let mut ingredient = life.random.pick(ingredients);
        let supply = life.random.weighted(&[(90, 72.0), (30, 28.0)]);
        // Three in four refill in time; the others let weeks pass.
        let careful = life.random.chance(0.74);
        let mut day = life.setting.first + life.random.between(0, 110);
        while life.loaded(day) {
            fill(class, ingredient, day, supply, coverage, life)?;
            let delay =
                if careful { life.random.between(-6, 5) } else { life.random.days(0.35 * supply as f64, 0.6, 0) };
            day += supply + delay;
            if life.random.chance(0.02) {
                ingredient = life.random.pick(ingredients);
            }
        }
    }
    Ok(())
}

fn fill(
    class: &str,
    ingredient: &str,
    day: Day,
    supply: i64,
    coverage: &Coverage,
    life: &mut Life<'_>,
) -> Result<(), SampleError> {
    let allowed = whole(life.random.lognormal(38.0 * supply as f64, 0.5));
    let id = life.chart.fresh(Table::MedicationFill, 'F');
    life.row(
        Table::MedicationFill,
        &[
            id,
            life.patient(),
            Value::Text(class),
            Value::Text(ingredient),
            Value::Day(day),
            Value::Whole(supply),
            Value::Money(allowed * 4 / 5),
        ],
    )?;
    if let Some(payer) = coverage.payer(day) {
        let pharmacy = Line { kind: "pharmacy", code: "NDC", organization: None, practitioner: None, allowed };
        bill(&[pharmacy], None, day, payer, life)?;
    }
    Ok(())
}
