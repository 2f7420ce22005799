//! Leads and lags about the start of an intervention.

use std::ops::RangeInclusive;

use super::difference::{Panel, distinct};
use super::input::same_length;
use super::regression::LinearFit;
use super::uncertainty::{Estimate, Reference, WaldTest};
use super::variance::Variance;
use crate::{Result, StatisticsError};

/// Which periods about the start are told apart, counted from the first period under treatment, which is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventWindow {
    /// The period that the others are compared with, as a rule -1: the last one before the start.
    pub reference: i64,
    /// The earliest; rows before it are counted with it.
    pub earliest: i64,
    /// The latest; rows after it are counted with it.
    pub latest: i64,
}

/// The coefficients of an event study.
#[derive(Debug, Clone)]
pub struct EventStudy {
    /// The periods about the start that have rows, in order, without the reference; one coefficient each.
    pub times: Vec<EventTime>,
    /// The window asked for.
    pub window: EventWindow,
    /// Units that start at some time, and units that never do.
    pub treated_units: usize,
    /// Units never treated.
    pub never_treated_units: usize,
    /// Whether units start in different periods. If they do, and effects differ between them, coefficients mix the effects
    /// of several lags (Sun L, Abraham S. J Econometrics 2021;225:175–199).
    pub staggered: bool,
    /// The regression, with a coefficient per entry of `times` and then one per covariate.
    pub fit: LinearFit,
}

/// A period counted from the first one under treatment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventTime {
    /// Below 0 is a lead (before), 0 and above a lag.
    pub relative: i64,
    /// Rows of treated units there.
    pub rows: u64,
}

/// Fits fixed effects of unit and period and an effect per period about the start. `first_treated` has per row the first
/// period under treatment of the row's unit, or `None` when it is never treated.
///
/// Coefficients are differences from the reference period, in units of the outcome: those before the start should be near
/// 0 if the groups were on parallel trends.
///
/// Source: Jacobson LS, `LaLonde` RJ, Sullivan DG. Am Econ Rev 1993;83:685–709; Angrist & Pischke 2009,
/// section 5.2.
///
/// # Errors
///
/// [`StatisticsError::OutOfRange`] when the reference lies outside the window; [`StatisticsError::NotComputable`] when a
/// unit has two starts, no row lies in the reference period, or, for want of never-treated units, the leads and lags
/// follow from unit and period; otherwise as [`super::two_way`].
///
/// ```
/// # fn main() -> carecoord_statistics::Result<()> {
/// use carecoord_statistics::causal::{EventWindow, Panel, event_study};
/// let panel = Panel {
///     outcome: &[9.0, 9.5, 7.0, 8.0, 8.75, 6.5, 5.0, 5.75, 6.0, 6.0, 6.5, 6.75],
///     unit: &[1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4],
///     period: &[1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3],
///     covariates: &[],
///     weights: None,
/// };
/// let start = [Some(3); 6].into_iter().chain([None; 6]).collect::<Vec<_>>();
/// let window = EventWindow { reference: -1, earliest: -2, latest: 0 };
/// let found = event_study(&panel, &start, window)?;
/// assert_eq!(found.times.iter().map(|time| time.relative).collect::<Vec<_>>(), [-2, 0]);
/// # Ok(())
/// # }
/// ```
pub fn event_study(panel: &Panel<'_>, first_treated: &[Option<i64>], window: EventWindow) -> Result<EventStudy> {
    let rows = panel.outcome.len();
    same_length("the first treated periods", first_treated.len(), rows)?;
    same_length("the periods", panel.period.len(), rows)?;
    same_length("the units", panel.unit.len(), rows)?;
    let inside: RangeInclusive<i64> = window.earliest..=window.latest;
    if !inside.contains(&window.reference) {
        let range = "between the earliest and the latest period of the window";
        return Err(StatisticsError::OutOfRange {
            what: "the reference period",
            value: window.reference as f64,
            range,
        });
    }
    let what = "an event study";
    let units = distinct(&panel.unit.iter().copied().zip(first_treated.iter().copied()).collect::<Vec<_>>());
    if units.windows(2).any(|pair| pair[0].0 == pair[1].0) {
        return Err(StatisticsError::NotComputable { what, because: "a unit has more than one start" });
    }
    let starts = distinct(&units.iter().filter_map(|unit| unit.1).collect::<Vec<_>>());
    let treated_units = units.iter().filter(|unit| unit.1.is_some()).count();
    let relative: Vec<Option<i64>> = panel
        .period
        .iter()
        .zip(first_treated)
        .map(|(period, start)| start.map(|start| period.saturating_sub(start).clamp(window.earliest, window.latest)))
        .collect();
    let present = distinct(&relative.iter().flatten().copied().collect::<Vec<_>>());
    if !present.contains(&window.reference) {
        let because = "no row of a treated unit lies in the reference period";
        return Err(StatisticsError::NotComputable { what, because });
    }
    let of = |time: i64| relative.iter().map(move |own| *own == Some(time));
    let times: Vec<EventTime> = present
        .into_iter()
        .filter(|time| *time != window.reference)
        .map(|time| EventTime { relative: time, rows: of(time).filter(|own| *own).count() as u64 })
        .collect();
    let mut columns: Vec<Vec<f64>> =
        times.iter().map(|time| of(time.relative).map(|own| f64::from(u8::from(own))).collect()).collect();
    columns.extend_from_slice(panel.covariates);
    let told_apart = times.len();
    let (_, _, fit) = panel.fit(&columns).map_err(|error| match error {
        StatisticsError::Collinear { column } if column < told_apart => StatisticsError::NotComputable {
            what,
            because: "leads and lags follow from unit and period alone: it needs units never treated, or a narrower window",
        },
        other => other,
    })?;
    let never_treated_units = units.len() - treated_units;
    Ok(EventStudy { times, window, treated_units, never_treated_units, staggered: starts.len() > 1, fit })
}

impl EventStudy {
    /// Returns the coefficient of each period about the start.
    ///
    /// # Errors
    ///
    /// As [`LinearFit::uncertainty`] and [`super::Uncertainty::coefficient`].
    pub fn coefficients(
        &self,
        variance: &Variance<'_>,
        reference: Reference,
        confidence: f64,
    ) -> Result<Vec<(EventTime, Estimate)>> {
        let known = self.fit.uncertainty(variance)?;
        self.times
            .iter()
            .enumerate()
            .map(|(position, time)| Ok((*time, known.coefficient(position, reference, confidence)?)))
            .collect()
    }

    /// Tests whether all leads (periods before the start) are 0 together: a small p-value speaks against parallel trends.
    /// A large one does not prove them.
    ///
    /// # Errors
    ///
    /// [`StatisticsError::Empty`] when the window has no lead but the reference; otherwise as
    /// [`super::Uncertainty::joint_test`].
    pub fn parallel_trends(&self, variance: &Variance<'_>, reference: Reference) -> Result<WaldTest> {
        let leads: Vec<usize> = (0..self.times.len()).filter(|&position| self.times[position].relative < 0).collect();
        self.fit.uncertainty(variance)?.joint_test(&leads, reference)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel() -> (Vec<f64>, Vec<usize>, Vec<i64>, Vec<Option<i64>>) {
        let (mut outcome, mut unit, mut period, mut start) = (vec![], vec![], vec![], vec![]);
        for id in 0..12_usize {
            for month in 1..=8_i64 {
                let treated = id % 2 == 0;
                let noise =
                    f64::from(u32::try_from((id * 31 + usize::try_from(month).unwrap_or(0) * 17) % 7).unwrap_or(0));
                let jump = if treated && month >= 5 { -20.0 } else { 0.0 };
                outcome.push(100.0 + 3.0 * month as f64 + jump + noise);
                unit.push(id);
                period.push(month);
                start.push(treated.then_some(5));
            }
        }
        (outcome, unit, period, start)
    }

    #[test]
    fn leads_are_small_and_lags_show_the_effect() -> Result<()> {
        let (outcome, unit, period, start) = panel();
        let panel = Panel { outcome: &outcome, unit: &unit, period: &period, covariates: &[], weights: None };
        let window = EventWindow { reference: -1, earliest: -4, latest: 3 };
        let found = event_study(&panel, &start, window)?;
        assert_eq!((found.treated_units, found.never_treated_units, found.staggered), (6, 6, false));
        for (time, estimate) in found.coefficients(&Variance::Hc1, Reference::TResidual, 0.95)? {
            let wanted = if time.relative < 0 { 0.0 } else { -20.0 };
            assert!((estimate.value - wanted).abs() < 5.0, "{time:?} {estimate:?}");
        }
        let test = found.parallel_trends(&Variance::Hc1, Reference::TResidual)?;
        assert!(test.p_value > 0.01 && test.tested == 3, "{test:?}");
        Ok(())
    }

    #[test]
    fn what_cannot_be_told_apart_is_refused() {
        let (outcome, unit, period, _) = panel();
        let panel = Panel { outcome: &outcome, unit: &unit, period: &period, covariates: &[], weights: None };
        let all: Vec<_> = vec![Some(5); outcome.len()];
        let window = EventWindow { reference: -1, earliest: -4, latest: 3 };
        assert!(matches!(event_study(&panel, &all, window), Err(StatisticsError::NotComputable { .. })));
        let outside = EventWindow { reference: 4, ..window };
        assert!(matches!(event_study(&panel, &all, outside), Err(StatisticsError::OutOfRange { .. })));
    }
}
