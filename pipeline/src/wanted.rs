//! What the blocks of a mapping want of one file, so that its first look knows which cells are dates and numbers.

use carecoord_lake::contract::{self, Column, ColumnType, Contract};

use crate::conditions::Condition;
use crate::error::Result;
use crate::limits::Limits;
use crate::mapping::{FileMapping, Rule};
use crate::source::Unpacking;
use crate::survey::{Wanted, WantedColumn, WantedKind};

/// What these blocks want of a file.
///
/// # Errors
/// When a block names a table that the lake does not have.
pub fn wanted(blocks: &[&FileMapping], extract_day: i32, unpacking: Unpacking) -> Result<Wanted> {
    let mut wanted = Wanted { columns: Vec::new(), extract_day, unpacking };
    for block in blocks {
        let table = contract::table(&block.table)?;
        for column in &table.columns {
            if let Some(source) = block.columns.get(&column.name) {
                wanted.columns.extend(columns(table, column, &source.rule(), block, extract_day));
            }
        }
        for condition in block.only_where.iter().chain(&block.deleted_where) {
            wanted.columns.push(of_condition(condition));
        }
    }
    Ok(wanted)
}

fn columns(table: &Contract, column: &Column, rule: &Rule, block: &FileMapping, extract_day: i32) -> Vec<WantedColumn> {
    let kind = match column.kind {
        ColumnType::Date | ColumnType::Timestamp if rule.format.is_empty() => {
            WantedKind::Dates { happened: Limits::new(table, column, extract_day).extract_day.is_some() }
        }
        ColumnType::Integer | ColumnType::Decimal | ColumnType::Number => WantedKind::Numbers,
        _ => WantedKind::Text,
    };
    // An instant stands for its date where the block has no column for the date.
    let stands_for_date = table.columns.iter().any(|other| {
        other.required
            && other.local_date_of.as_deref() == Some(&column.name)
            && !block.columns.contains_key(&other.name)
    });
    let required = column.required || stands_for_date || table.key.contains(&column.name);
    let one = |names: Vec<String>, kind| WantedColumn { names, kind, required };
    if rule.column.is_empty() {
        // A date and its time in two columns: the first part holds the date.
        return (0..)
            .zip(&rule.join)
            .map(|(part, name)| one(vec![name.clone()], if part == 0 { kind } else { WantedKind::Text }))
            .collect();
    }
    vec![one(rule.column.clone(), kind)]
}

fn of_condition(condition: &Condition) -> WantedColumn {
    let kind = if condition.has_dates() { WantedKind::Dates { happened: false } } else { WantedKind::Text };
    WantedColumn { names: vec![condition.column.clone()], kind, required: false }
}
