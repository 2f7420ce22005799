//! Random numbers that are the same on every machine.
//!
//! The generator is xoshiro256++ (Blackman and Vigna, "Scrambled Linear Pseudorandom Number Generators", ACM
//! Transactions on Mathematical Software 47(4), 2021), its state filled by splitmix64 (Steele, Lea and Flood, OOPSLA
//! 2014), as its authors advise. Distributions use only additions, multiplications and divisions, which IEEE 754 fixes
//! to the bit; the logarithms and exponentials of a system's mathematics library differ between systems.

/// What a stream of random numbers is for. Each patient has one of its own for each purpose, so that a change to, say,
/// surveys leaves everybody's stays as they were.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stream {
    Directory,
    Person,
    Coverage,
    Stays,
    Encounters,
    Visits,
    Referrals,
    Plans,
    Medication,
    Surveys,
    Program,
    Reported,
    Dirt,
    Social,
}

/// A stream of random numbers.
#[derive(Debug, Clone)]
pub(crate) struct Random {
    state: [u64; 4],
}

/// The splitmix64 step: moves the state on and returns a number.
fn splitmix64(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Random {
    /// The stream of one patient for one purpose; it depends on nothing else.
    pub(crate) fn new(seed: u64, patient: u64, stream: Stream) -> Self {
        let mut state = seed;
        // Each part goes through the mixer before the next is added, so that neighbours share no pattern.
        state = splitmix64(&mut state) ^ patient;
        state = splitmix64(&mut state) ^ (stream as u64);
        Self { state: std::array::from_fn(|_| splitmix64(&mut state)) }
    }

    /// The next 64 random bits (xoshiro256++).
    pub(crate) fn bits(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let result = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let (mut c, mut d) = (c ^ a, d ^ b);
        let (b, a) = (b ^ c, a ^ d);
        c ^= self.state[1] << 17;
        d = d.rotate_left(45);
        self.state = [a, b, c, d];
        result
    }

    /// A number from 0 up to, not including, 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with this probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A whole number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + whole(self.unit() * ((high - low + 1) as f64))
    }

    /// One of the items, each as likely.
    pub(crate) fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        let last = items.len() - 1;
        items[usize::try_from(whole(self.unit() * items.len() as f64)).unwrap_or(last).min(last)]
    }

    /// One of the items, as likely as its weight says; the last one where the weights run out.
    pub(crate) fn weighted<T: Copy>(&mut self, items: &[(T, f64)]) -> T {
        let total: f64 = items.iter().map(|(_, weight)| weight).sum();
        let mut left = self.unit() * total;
        for (item, weight) in items {
            if left < *weight {
                return *item;
            }
            left -= weight;
        }
        items[items.len() - 1].0
    }

    /// A number that is nearly standard normal: twelve uniform numbers added, less six (the Irwin–Hall sum).
    pub(crate) fn normal(&mut self) -> f64 {
        let mut sum = 0_u64;
        for _ in 0..3 {
            let bits = self.bits();
            sum += (bits & 0xffff) + ((bits >> 16) & 0xffff) + ((bits >> 32) & 0xffff) + (bits >> 48);
        }
        (sum as f64 + 6.0) / 65_536.0 - 6.0
    }

    /// A positive number with this median, spread around it by `spread` on the log scale.
    pub(crate) fn lognormal(&mut self, median: f64, spread: f64) -> f64 {
        median * exp(spread * self.normal())
    }

    /// Whole days with this median, spread by `spread` on the log scale, at least `least`.
    pub(crate) fn days(&mut self, median: f64, spread: f64, least: i64) -> i64 {
        whole(self.lognormal(median, spread) + 0.5).max(least)
    }
}

/// The whole number below or at `x`.
#[expect(clippy::cast_possible_truncation, reason = "days, cents and positions stay far inside 64 bits")]
pub(crate) fn whole(x: f64) -> i64 {
    x.floor() as i64
}

/// e to the power of x, for x within ±700: a Taylor series after the powers of two are taken out.
pub(crate) fn exp(x: f64) -> f64 {
    let halvings = whole(x / std::f64::consts::LN_2 + 0.5);
    let rest = x - halvings as f64 * std::f64::consts::LN_2;
    let series = (1..=14).rev().fold(1.0, |sum, n| 1.0 + rest / f64::from(n) * sum);
    let power = u64::try_from(halvings.clamp(-1022, 1023) + 1023).unwrap_or(0);
    series * f64::from_bits(power << 52)
}

/// The probability whose log odds are those of `probability` plus `shift`.
pub(crate) fn shifted(probability: f64, shift: f64) -> f64 {
    let odds = probability / (1.0 - probability) * exp(shift);
    odds / (1.0 + odds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitmix64_gives_the_published_numbers() {
        // The first numbers from state 1234567, as printed in the reference implementation's tests.
        let mut state = 1_234_567;
        assert_eq!(splitmix64(&mut state), 6_457_827_717_110_365_317);
        assert_eq!(splitmix64(&mut state), 3_203_168_211_198_807_973);
    }

    #[test]
    fn xoshiro_gives_the_published_numbers() {
        // The first numbers from state 1, 2, 3, 4, worked out from the authors' C code.
        let mut random = Random { state: [1, 2, 3, 4] };
        assert_eq!(random.bits(), 41_943_041);
        assert_eq!(random.bits(), 58_720_359);
        assert_eq!(random.bits(), 3_588_806_011_781_223);
    }

    #[test]
    fn exp_agrees_with_the_library() {
        for step in -100..=100 {
            let x = f64::from(step) / 7.0;
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-14, "{x}");
        }
    }

    #[test]
    fn distributions_have_their_moments() {
        let mut random = Random::new(1, 2, Stream::Person);
        let draws: Vec<f64> = (0..20_000).map(|_| random.normal()).collect();
        let mean = draws.iter().sum::<f64>() / 20_000.0;
        let variance = draws.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / 20_000.0;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
        assert!((shifted(0.5, 0.0) - 0.5).abs() < 1e-15);
        assert!((0..1000).map(|_| random.between(3, 5)).all(|n| (3..=5).contains(&n)));
    }

    #[test]
    fn streams_are_independent_of_order() {
        let first = Random::new(7, 41, Stream::Stays).bits();
        let _ = Random::new(7, 40, Stream::Stays).bits();
        assert_eq!(first, Random::new(7, 41, Stream::Stays).bits());
        assert_ne!(first, Random::new(7, 41, Stream::Visits).bits());
        assert_ne!(first, Random::new(8, 41, Stream::Stays).bits());
    }
}
