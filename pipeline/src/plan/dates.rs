//! How the dates of a column are read, and why a cell gave none.

use std::sync::Arc;

use polars::prelude::*;

use super::cells::{days, instants};
use super::code;
use crate::dates::{self, Reader, Repeated};
use crate::limits::{Limits, Outside};
use crate::mapping::DateOrder;
use crate::patterns::Pattern;

/// How the dates of a column are read, and which days it can hold.
pub struct Dates {
    /// How its cells are read.
    pub how: How,
    /// The days that the column can hold.
    pub limits: Limits,
}

/// By the patterns that the mapping states, in a time zone, or by what was found in the file.
pub enum How {
    /// The patterns of the mapping and its time zone.
    Stated(Vec<Pattern>, String),
    /// What was found in the file.
    Found(Arc<Reader>),
}

impl Dates {
    /// The local date of each cell; none outside the limits.
    pub fn date(&self, text: Expr) -> Expr {
        let limits = self.limits;
        match &self.how {
            How::Found(reader) => {
                let reader = Arc::clone(reader);
                days(text, move |cell| reader.date(cell).filter(|day| limits.outside(*day).is_none()))
            }
            How::Stated(..) => {
                let read = self.stated(&text).unwrap_or_else(|| lit(NULL).cast(DataType::Date));
                read.map(
                    move |column| {
                        let dates = column.date()?.physical().clone();
                        let kept: Int32Chunked =
                            dates.iter().map(|day| day.filter(|day| limits.outside(*day).is_none())).collect();
                        Ok(kept.with_name(dates.name().clone()).into_date().into_column())
                    },
                    |_, field| Ok(field.clone()),
                )
            }
        }
    }

    fn stated(&self, text: &Expr) -> Option<Expr> {
        let How::Stated(patterns, zone) = &self.how else { return None };
        let read: Vec<Expr> = patterns.iter().map(|pattern| pattern.date(text.clone(), zone)).collect();
        Some(if read.len() == 1 { read.into_iter().next()? } else { coalesce(&read) })
    }

    /// The instant of each cell.
    pub fn instant(&self, text: Expr) -> Expr {
        match &self.how {
            How::Found(reader) => {
                let reader = Arc::clone(reader);
                instants(text, move |cell| reader.instant(cell, Repeated::First))
            }
            How::Stated(patterns, zone) => {
                let read: Vec<Expr> = patterns.iter().map(|pattern| pattern.instant(text.clone(), zone)).collect();
                coalesce(&read)
            }
        }
    }

    /// Why a cell that gave no date gave none.
    pub fn why(&self) -> impl Fn(&str) -> u32 + Send + Sync + 'static {
        let limits = self.limits;
        let reader = match &self.how {
            How::Found(reader) => Arc::clone(reader),
            // A stated pattern read none, or a day outside the limits; the usual forms tell which, where they can.
            How::Stated(..) => Arc::new(Reader {
                order: DateOrder::Mdy,
                dots: DateOrder::Dmy,
                midnight_is_date: false,
                latest: limits.last(),
                zone: None,
            }),
        };
        move |cell| {
            if matches!(dates::read(cell), Some(written) if written.day == dates::Day::Far) {
                return limits.far();
            }
            match reader.date(cell).and_then(|day| limits.outside(day)) {
                Some(Outside::Dummy) => code::DUMMY,
                Some(Outside::Implausible) => code::IMPLAUSIBLE,
                Some(Outside::OpenEnded) => code::OPEN_ENDED,
                None => code::INVALID,
            }
        }
    }
}

impl Limits {
    /// What a year of more than four digits means.
    fn far(&self) -> u32 {
        if self.is_open_end() { code::OPEN_ENDED } else { code::DUMMY }
    }
}
