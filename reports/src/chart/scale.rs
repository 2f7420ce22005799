//! A value axis: a range that holds the data, and round ticks.

/// A value axis.
#[derive(Debug, Clone)]
pub struct Scale {
    /// Lowest value drawn.
    pub low: f64,
    /// Highest value drawn.
    pub high: f64,
    /// Values that get a grid line and a label, from low to high.
    pub ticks: Vec<f64>,
    /// Decimals that the ticks need.
    pub decimals: usize,
}

impl Scale {
    /// An axis for values and their intervals. Every value is inside; an interval of a month with few units may be
    /// much wider than all values together and is then cut, so that it does not flatten the rest of the picture.
    pub fn of(values: &[f64], limits: &[f64], floor: Option<f64>, ceiling: Option<f64>) -> Self {
        let (least, most) = extremes(values).unwrap_or((0.0, 1.0));
        let spread = (most - least).max(0.15 * most.abs().max(least.abs())).max(f64::MIN_POSITIVE);
        let (outer_low, outer_high) = extremes(limits).unwrap_or((least, most));
        let mut low = outer_low.max(least - 2.5 * spread).min(least);
        let mut high = outer_high.min(most + 2.5 * spread).max(most);
        if high <= low {
            high = low + low.abs().max(1.0) * 0.1;
        }
        // Where zero is near, an axis that begins there is the more honest one and costs little room.
        if low > 0.0 && low < 0.4 * high {
            low = 0.0;
        }
        let step = round_step((high - low) / 5.5);
        low = (low / step + 1e-9).floor() * step;
        high = (high / step - 1e-9).ceil() * step;
        low = floor.map_or(low, |floor| low.max(floor.min(least)));
        high = ceiling.map_or(high, |ceiling| high.min(ceiling.max(most)));
        let mut ticks = Vec::new();
        let mut index = (low / step - 1e-9).ceil();
        while index * step <= high + step * 1e-9 && ticks.len() < 20 {
            ticks.push(index * step + 0.0);
            index += 1.0;
        }
        Self { low, high, ticks, decimals: decimals_of(step) }
    }

    /// Where a value lies between low (0) and high (1), cut at both.
    pub fn share(&self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    /// Whether a value is cut.
    pub fn cuts(&self, value: f64) -> bool {
        value < self.low || value > self.high
    }
}

fn extremes(values: &[f64]) -> Option<(f64, f64)> {
    values.iter().fold(None, |found, value| {
        Some(found.map_or((*value, *value), |(least, most): (f64, f64)| (least.min(*value), most.max(*value))))
    })
}

/// Round ends of an axis that holds all from `low` to `high`, and the decimals that they need.
pub fn round_ends(low: f64, high: f64) -> (f64, f64, usize) {
    let step = round_step((high - low) / 4.0);
    ((low / step + 1e-9).floor() * step + 0.0, (high / step - 1e-9).ceil() * step + 0.0, decimals_of(step))
}

/// The next of 1, 2, 2.5, 5 times a power of ten.
fn round_step(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0].into_iter().find(|step| step * power >= rough * 0.999).unwrap_or(10.0);
    step * power
}

fn decimals_of(step: f64) -> usize {
    (0..6)
        .find(|decimals| {
            let scaled = step * 10_f64.powi(i32::try_from(*decimals).unwrap_or(0));
            (scaled - scaled.round()).abs() < 1e-6 * scaled.max(1.0)
        })
        .unwrap_or(6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_hold_the_data() {
        let scale = Scale::of(&[12.1, 16.8], &[9.0, 20.4], Some(0.0), Some(100.0));
        assert!(scale.low <= 9.0 && scale.high >= 16.8);
        assert!((4..=8).contains(&scale.ticks.len()), "{:?}", scale.ticks);
        assert_eq!(scale.decimals, 1, "steps of 2.5: {:?}", scale.ticks);
    }

    #[test]
    fn a_wide_interval_does_not_flatten_the_values() {
        let scale = Scale::of(&[60.0, 64.0], &[1.0, 99.0], Some(0.0), Some(100.0));
        assert!(scale.low >= 30.0 && scale.high <= 90.0, "{scale:?}");
    }

    #[test]
    fn a_single_value_and_zero_have_an_axis() {
        for value in [0.0, 5.0, -3.0, 1e9] {
            let scale = Scale::of(&[value], &[], None, None);
            assert!(scale.high > scale.low && scale.ticks.len() >= 2, "{scale:?}");
        }
    }
}
