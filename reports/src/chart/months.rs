//! A month axis: which months get a label, and where a year is named.

use jiff::ToSpan;
use jiff::civil::Date;

use crate::format;

/// One month of the axis.
#[derive(Debug, Clone)]
pub struct Tick {
    /// Months since the first one.
    pub index: i32,
    /// Its name, where there is room for it.
    pub label: Option<String>,
    /// The year, at its first labelled month.
    pub year: Option<i16>,
}

/// The axis from one month to another, labelled so that names of `label_width` do not touch at `spacing` per month.
pub fn ticks(first: Date, last: Date, spacing: f64, label_width: f64) -> Vec<Tick> {
    let every = [1, 2, 3, 6, 12].into_iter().find(|months| spacing * f64::from(*months) >= label_width).unwrap_or(12);
    let mut ticks: Vec<Tick> = Vec::new();
    let mut named = None;
    for index in 0..=format::months_between(first, last).max(0) {
        let Ok(month) = first.checked_add(i64::from(index).months()) else { break };
        let labelled = (i32::from(month.month()) - 1) % every == 0;
        let year = (labelled && named != Some(month.year())).then_some(month.year());
        named = year.or(named);
        ticks.push(Tick { index, label: labelled.then(|| format::month_short(month)), year });
    }
    // The first label may be months before a January: two years next to each other would touch.
    let years: Vec<usize> = (0..ticks.len()).filter(|at| ticks[*at].year.is_some()).collect();
    if let [one, other, ..] = years[..]
        && f64::from(ticks[other].index - ticks[one].index) * spacing < label_width * 1.4
    {
        ticks[one].year = None;
    }
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_year_is_named_once() {
        let ticks = ticks(date(2024, 11, 1), date(2026, 10, 1), 27.0, 30.0);
        let years: Vec<_> = ticks.iter().filter_map(|tick| tick.year).collect();
        assert_eq!(ticks.len(), 24);
        assert_eq!(years, [2024, 2025, 2026]);
        assert_eq!(ticks[0].label.as_deref(), Some("Nov"));
        assert_eq!(ticks[1].label, None);
    }
}
