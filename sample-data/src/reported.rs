//! Readmissions as another system reports them: nearly all of the true ones, and a few that are none.

use crate::error::SampleError;
use crate::layout::Table;
use crate::life::Life;
use crate::random::Stream;
use crate::value::Value;

/// Writes what the other system reports of a person's discharges.
pub(crate) fn write(life: &mut Life<'_>) -> Result<(), SampleError> {
    life.turn_to(Stream::Reported);
    let rates = &life.setting.rates;
    for discharge in life.chart.discharges.clone() {
        let Some(index) = discharge.index.then_some(discharge.stay) else { continue };
        let (readmission, day, planned) = match discharge.readmission {
            Some(position) if life.random.chance(rates.reported_true) => {
                let stay = &life.chart.encounters[position];
                // The other system knows the type of admission for most stays only.
                let planned = stay.admission_type == Some("elective") && life.random.chance(0.9);
                (Some(position), stay.day(), planned)
            }
            // Counted one day too far, or a visit taken for a stay.
            None if life.random.chance(rates.reported_false) => {
                (None, discharge.day + life.random.between(3, 31), false)
            }
            _ => continue,
        };
        if day > life.setting.extract || !life.person.lives(day) {
            continue;
        }
        let id = life.chart.fresh(Table::ReadmissionReported, 'Z');
        life.row(
            Table::ReadmissionReported,
            &[
                id,
                life.patient(),
                life.chart.encounter(index),
                Value::maybe(readmission, |position| life.chart.encounter(position)),
                Value::Day(discharge.day),
                Value::Day(day),
                Value::Truth(planned),
            ],
        )?;
    }
    Ok(())
}
