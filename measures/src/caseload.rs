//! People on each coordinator's caseload.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::organizations::Names;
use crate::rates::UNKNOWN;
use crate::rows::Cell;
use crate::workbench::{Workbench, number_at, text_at};

/// People on each coordinator's caseload on the last day of each month.
pub async fn caseload(benches: &[Workbench], names: &Names, threshold: u64) -> Result<Vec<Vec<Cell>>> {
    let mut found: BTreeMap<(String, i32), u64> = BTreeMap::new();
    for bench in benches {
        // The rule is that of prepared.attribution.
        let (coordinator, spans) = if bench.holds("attribution") {
            (
                "a.practitioner_id",
                "left join prepared.attribution a on a.patient_id = p.patient_id and a.role = 'coordinator' \
                 and m.last_day between a.valid_from and a.valid_until",
            )
        } else {
            ("p.coordinator_id", "")
        };
        let query = format!(
            "select coalesce({coordinator}, '{UNKNOWN}') as coordinator, cast(m.month as int) as month, count(*) as people \
             from prepared.person p cross join prepared.months m {spans} \
             where (p.deceased_date is null or p.deceased_date > m.last_day) \
             and (p.birth_date is null or p.birth_date <= m.last_day) group by 1, 2"
        );
        for batch in bench.collect(&query).await? {
            for row in 0..batch.num_rows() {
                let number = |column: usize| number_at(batch.column(column), row).unwrap_or_default();
                let coordinator = text_at(batch.column(0), row).unwrap_or_default();
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // A day and a count of rows.
                let (month, people) = (number(1) as i32, number(2) as u64);
                *found.entry((coordinator, month)).or_default() += people;
            }
        }
    }
    let small = |people: u64| (1..threshold).contains(&people);
    // Where one caseload of a month is hidden, the smallest other one is too: the total may be known.
    let mut with_it: BTreeMap<i32, (String, u64)> = BTreeMap::new();
    let mut hidden_of: BTreeMap<i32, u64> = BTreeMap::new();
    for ((coordinator, month), people) in &found {
        if small(*people) {
            *hidden_of.entry(*month).or_default() += 1;
        } else if with_it.get(month).is_none_or(|(_, least)| people < least) {
            with_it.insert(*month, (coordinator.clone(), *people));
        }
    }
    let rows = found.into_iter().map(|((coordinator, month), people)| {
        let alone = hidden_of.get(&month) == Some(&1);
        let hidden = small(people) || (alone && with_it.get(&month).is_some_and(|(other, _)| *other == coordinator));
        vec![
            coordinator.clone().into(),
            names.get(&("coordinator", coordinator)).cloned().into(),
            Cell::Date(month),
            if hidden { Cell::Null } else { people.into() },
            if hidden { "suppressed" } else { "shown" }.into(),
        ]
    });
    Ok(rows.collect())
}
