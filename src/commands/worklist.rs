//! `carecoord worklist`.

use std::process::ExitCode;

use carecoord_lake::snapshot::Store;
use carecoord_measures::workbench::{number_at, text_at};
use carecoord_measures::{MeasureError, definition, worklists};

use crate::arguments::WorklistOptions;
use crate::commands::sql;
use crate::failure::Failure;
use crate::output;

/// Prints the patients to act on, most urgent first; then, as a message, how many others were considered and why they are not
/// on the list.
pub fn run(options: &WorklistOptions) -> Result<ExitCode, Failure> {
    let known: Vec<String> = definition::worklists().into_iter().map(|(id, _)| id).collect();
    if !known.contains(&options.id) {
        return Err(MeasureError::UnknownWorklist { id: options.id.clone(), known: known.join(", ") }.into());
    }
    let project = &options.project.project;
    let lake = Store::lake(project).current()?;
    let results = Store::results(project).current()?;
    // The id is one of the known ones, so it is safe within the text.
    let text = format!(
        "select w.priority, w.patient_id, w.item_id, w.since_date, w.days, w.what, w.next_step, \
         coalesce(o.name, w.organization_id) as organization, coalesce(p.name, w.practitioner_id) as practitioner, \
         coalesce(c.name, w.coordinator_id) as coordinator \
         from results.worklist w \
         left join lake.organization o on o.organization_id = w.organization_id \
         left join lake.practitioner p on p.practitioner_id = w.practitioner_id \
         left join lake.practitioner c on c.practitioner_id = w.coordinator_id \
         where w.worklist_id = '{}' order by w.priority, w.since_date, w.item_id",
        options.id
    );
    let counts = format!(
        "select rule, rows from results.preparation where view = '{}' order by position",
        worklists::counted_as(&options.id)
    );
    let (_, batches) = sql::collect(project, Some(&lake), Some(&results), &counts)?;
    if batches.iter().all(|batch| batch.num_rows() == 0) {
        return Err(MeasureError::NoWorklist { id: options.id.clone() }.into());
    }
    let (schema, rows) = sql::collect(project, Some(&lake), Some(&results), &text)?;
    output::rows(&schema, &rows, options.format, options.output.as_deref())?;
    let said = batches.iter().flat_map(|batch| {
        (0..batch.num_rows()).filter_map(|row| {
            let rows = number_at(batch.column(1), row)?;
            Some(format!("{rows} {}", text_at(batch.column(0), row)?))
        })
    });
    let said: Vec<String> = said.collect();
    if !said.is_empty() {
        output::message(&said.join("; "));
    }
    Ok(ExitCode::SUCCESS)
}
