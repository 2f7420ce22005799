//! What holds for the survival statistics of any subjects: with ties, late entry and competing events.

use carecoord_statistics::survival::{
    AalenJohansen, CoxModel, CurveLimits, Event, FollowUp, IncidenceVariance, KaplanMeier, Ties, aalen_johansen, cox,
    gray, kaplan_meier, log_rank,
};
use carecoord_statistics::{Result, StatisticsError};
use proptest::prelude::*;

const LIMITS: [CurveLimits; 3] = [CurveLimits::Plain, CurveLimits::Log, CurveLimits::LogLog];
const VARIANCES: [IncidenceVariance; 2] = [IncidenceVariance::Greenwood, IncidenceVariance::Aalen];

/// Subjects with an entry before their end, in two groups and with one more characteristic.
#[derive(Debug, Clone, Default)]
struct Subjects {
    entry: Vec<f64>,
    time: Vec<f64>,
    cause: Vec<u8>,
    group: Vec<u32>,
    own: Vec<f64>,
}

impl Subjects {
    fn push(&mut self, entry: f64, time: f64, cause: u8, (group, own): (u32, f64)) {
        self.entry.push(entry);
        self.time.push(time);
        self.cause.push(cause);
        self.group.push(group);
        self.own.push(own);
    }

    fn follow_up(&self) -> FollowUp<'_> {
        FollowUp { entry: Some(&self.entry), time: &self.time, cause: &self.cause }
    }

    fn curve(&self, event: Event) -> Result<KaplanMeier> {
        kaplan_meier(&self.follow_up(), event, CurveLimits::LogLog, 0.95)
    }

    fn incidence(&self, variance: IncidenceVariance) -> Result<AalenJohansen> {
        aalen_johansen(&self.follow_up(), 2, variance, CurveLimits::Log, 0.95)
    }

    fn cox(&self, ties: Ties) -> Result<CoxModel> {
        let group: Vec<f64> = self.group.iter().map(|group| f64::from(*group)).collect();
        cox(&self.follow_up(), Event::Cause(1), &[&group, &self.own], ties)
    }

    /// At risk, and ended for each reason, at a time: straight from the definition.
    fn at(&self, time: f64) -> (f64, [f64; 3]) {
        let mut ends = [0.0; 3];
        let mut at_risk = 0.0;
        for ((entry, end), cause) in self.entry.iter().zip(&self.time).zip(&self.cause) {
            if *entry < time && time <= *end {
                at_risk += 1.0;
            }
            if end.total_cmp(&time).is_eq() {
                ends[usize::from(*cause)] += 1.0;
            }
        }
        (at_risk, ends)
    }

    /// Everybody's follow-up as two consecutive intervals.
    fn halved(&self) -> Self {
        let mut halved = Self::default();
        for subject in 0..self.time.len() {
            let (entry, time, cause) = (self.entry[subject], self.time[subject], self.cause[subject]);
            let belongs = (self.group[subject], self.own[subject]);
            let middle = entry.midpoint(time).floor();
            if middle > entry && middle >= 0.0 {
                halved.push(entry, middle, 0, belongs);
                halved.push(middle, time, cause, belongs);
            } else {
                halved.push(entry, time, cause, belongs);
            }
        }
        halved
    }

    fn reversed(&self) -> Self {
        let mut reversed = self.clone();
        reversed.entry.reverse();
        reversed.time.reverse();
        reversed.cause.reverse();
        reversed.group.reverse();
        reversed.own.reverse();
        reversed
    }

    /// Three times as long in every respect; a factor that keeps whole days exact.
    fn slower(&self) -> Self {
        let slower = |times: &[f64]| times.iter().map(|time| time * 3.0).collect();
        Self { entry: slower(&self.entry), time: slower(&self.time), ..self.clone() }
    }
}

/// Days with many ties; a third of the subjects is watched from the origin.
fn subjects() -> impl Strategy<Value = Subjects> {
    let subject = (0..3_u8, 0..12_i32, 1..9_i32, 0..3_u8, 0..2_u32, -2..3_i32);
    prop::collection::vec(subject, 4..40).prop_map(|rows| {
        let mut subjects = Subjects::default();
        // One of each group is there from the start until the end.
        subjects.push(-1.0, 25.0, 0, (0, 0.5));
        subjects.push(-1.0, 25.0, 0, (1, -0.5));
        for (early, entry, length, cause, group, own) in rows {
            let entry = if early == 0 { -1 } else { entry };
            subjects.push(f64::from(entry), f64::from(entry + length), cause, (group, f64::from(own)));
        }
        subjects
    })
}

fn near(found: f64, wanted: f64) -> bool {
    (found - wanted).abs() <= 1e-9 * wanted.abs() + 1e-12
}

fn near_all(found: &[f64], wanted: &[f64]) -> bool {
    found.len() == wanted.len() && found.iter().zip(wanted).all(|(found, wanted)| near(*found, *wanted))
}

/// The numbers of a Cox model.
fn numbers(model: &CoxModel) -> Vec<f64> {
    let terms = model.terms.iter().flat_map(|term| [term.coefficient, term.std_error]);
    terms.chain([model.log_likelihood, model.log_likelihood_null, model.score.statistic]).collect()
}

/// Two fits of what should be one model agree, or both are refused.
fn same_model(found: &Result<CoxModel>, wanted: &Result<CoxModel>) -> bool {
    match (found, wanted) {
        (Ok(found), Ok(wanted)) => {
            let pairs = numbers(found).into_iter().zip(numbers(wanted));
            pairs.into_iter().all(|(found, wanted)| (found - wanted).abs() <= 1e-6 * (1.0 + wanted.abs()))
        }
        (Err(_), Err(_)) => true,
        _ => false,
    }
}

proptest! {
    #![proptest_config(crate::tried(128))]

    #[test]
    fn curves_agree_with_their_definitions(subjects in subjects()) {
        let curve = subjects.curve(Event::Any)?;
        let incidence = subjects.incidence(IncidenceVariance::Greenwood)?;
        let (mut survival, mut log_variance, mut shares) = (1.0, 0.0, [0.0, 0.0]);
        for (index, step) in curve.steps.iter().enumerate() {
            let (at_risk, [censored, first, second]) = subjects.at(step.time);
            let dead = first + second;
            shares[0] += survival * first / at_risk;
            shares[1] += survival * second / at_risk;
            survival *= 1.0 - dead / at_risk;
            log_variance += dead / (at_risk * (at_risk - dead));
            prop_assert!(near_all(&[step.at_risk as f64, step.censored as f64], &[at_risk, censored]));
            prop_assert!(near(step.survival, survival));
            prop_assert!(step.std_error.is_none_or(|error| near(error, survival * log_variance.sqrt())));
            for (curve, share) in incidence.causes.iter().zip(shares) {
                prop_assert!(near(curve.steps[index].incidence, share));
            }
        }
    }

    #[test]
    fn two_consecutive_intervals_are_as_good_as_one(subjects in subjects()) {
        let halved = subjects.halved();
        let (one, two) = (subjects.curve(Event::Cause(1))?, halved.curve(Event::Cause(1))?);
        for step in &one.steps {
            let same = two.step_at(step.time);
            prop_assert_eq!(same.map(|same| (same.at_risk, same.survival, same.std_error)),
                Some((step.at_risk, step.survival, step.std_error)));
        }
        prop_assert_eq!(&one.gaps, &two.gaps);
        for probability in [0.1, 0.5, 0.75] {
            prop_assert_eq!(one.quantile(probability)?, two.quantile(probability)?);
        }
        let (short, long) = (one.restricted_mean(12.0)?, two.restricted_mean(12.0)?);
        prop_assert!(near_all(&[short.mean, short.std_error, short.unobserved], &[long.mean, long.std_error, long.unobserved]));
        for variance in VARIANCES {
            let (one, two) = (subjects.incidence(variance)?, halved.incidence(variance)?);
            for (one, two) in one.causes.iter().zip(&two.causes) {
                for step in &one.steps {
                    prop_assert_eq!(two.step_at(step.time).map(|same| (same.incidence, same.std_error)),
                        Some((step.incidence, step.std_error)));
                }
            }
        }
        for rho in [0.0, 1.0] {
            let test = |subjects: &Subjects| {
                log_rank(&subjects.follow_up(), &subjects.group, Event::Cause(1), rho).map(|found| found.test)
            };
            prop_assert_eq!(test(&subjects), test(&halved));
        }
        let test = |subjects: &Subjects| gray(&subjects.follow_up(), &subjects.group, 1).map(|found| found.test);
        prop_assert_eq!(test(&subjects), test(&halved));
        for ties in [Ties::Efron, Ties::Breslow] {
            // The average of the characteristics moves with the number of rows, the model must not.
            let (one, two) = (subjects.cox(ties), halved.cox(ties));
            prop_assert!(same_model(&one, &two), "{:?} {:?}", one, two);
        }
    }

    #[test]
    fn entry_before_the_origin_is_no_late_entry(subjects in subjects()) {
        let origin = Subjects { entry: vec![-1.0; subjects.time.len()], ..subjects };
        let plain = FollowUp { entry: None, ..origin.follow_up() };
        prop_assert_eq!(origin.curve(Event::Any)?, kaplan_meier(&plain, Event::Any, CurveLimits::LogLog, 0.95)?);
        prop_assert_eq!(gray(&origin.follow_up(), &origin.group, 1), gray(&plain, &origin.group, 1));
        let fit = |follow_up: &FollowUp<'_>| cox(follow_up, Event::Any, &[&origin.own], Ties::Efron);
        prop_assert!(same_model(&fit(&origin.follow_up()), &fit(&plain)));
    }

    #[test]
    fn neither_the_order_nor_the_unit_of_time_matters(subjects in subjects()) {
        let (reversed, slower) = (subjects.reversed(), subjects.slower());
        let curve = subjects.curve(Event::Any)?;
        prop_assert_eq!(&curve, &reversed.curve(Event::Any)?);
        let slow = slower.curve(Event::Any)?;
        let (median, slow_median) = (curve.median(), slow.median());
        prop_assert_eq!(median.time.map(|time| time * 3.0), slow_median.time);
        prop_assert_eq!(median.upper.map(|time| time * 3.0), slow_median.upper);
        let (mean, slow_mean) = (curve.restricted_mean(10.0)?, slow.restricted_mean(30.0)?);
        prop_assert!(near_all(&[3.0 * mean.mean, 3.0 * mean.std_error], &[slow_mean.mean, slow_mean.std_error]));
        prop_assert_eq!(subjects.incidence(IncidenceVariance::Aalen), reversed.incidence(IncidenceVariance::Aalen));
        for other in [&reversed, &slower] {
            let test = |subjects: &Subjects| gray(&subjects.follow_up(), &subjects.group, 2);
            prop_assert_eq!(test(&subjects), test(other));
            let test = |subjects: &Subjects| log_rank(&subjects.follow_up(), &subjects.group, Event::Any, 1.0);
            prop_assert_eq!(test(&subjects), test(other));
            prop_assert!(same_model(&subjects.cox(Ties::Efron), &other.cox(Ties::Efron)));
        }
    }

    #[test]
    fn curves_fall_and_their_limits_enclose_them(subjects in subjects()) {
        for limits in LIMITS {
            let curves = [0.5, 0.9, 0.95, 0.999]
                .map(|confidence| kaplan_meier(&subjects.follow_up(), Event::Any, limits, confidence));
            let mut before: Option<KaplanMeier> = None;
            for curve in curves {
                let curve = curve?;
                let (mut last, mut last_time) = (1.0, -1.0);
                for (index, step) in curve.steps.iter().enumerate() {
                    prop_assert!(step.survival <= last && step.survival >= 0.0 && step.time > last_time);
                    (last, last_time) = (step.survival, step.time);
                    prop_assert!(step.events + step.censored <= step.at_risk);
                    let Some(outer) = step.interval else { continue };
                    prop_assert!(0.0 <= outer.lower && outer.lower <= outer.value && outer.value <= outer.upper);
                    prop_assert!(outer.upper <= 1.0);
                    if let Some(inner) = before.as_ref().and_then(|before| before.steps[index].interval) {
                        prop_assert!(outer.lower <= inner.lower && inner.upper <= outer.upper);
                    }
                }
                let mut earlier = 0.0;
                for probability in [0.05, 0.25, 0.5, 0.8, 1.0] {
                    let found = curve.quantile(probability)?;
                    let Some(time) = found.time else { continue };
                    prop_assert!(time >= earlier);
                    earlier = time;
                    prop_assert!(found.lower.is_none_or(|lower| lower <= time));
                    prop_assert!(found.upper.is_none_or(|upper| upper >= time));
                }
                before = Some(curve);
            }
        }
    }

    #[test]
    fn the_shares_of_all_ends_add_up(subjects in subjects()) {
        let curve = subjects.curve(Event::Any)?;
        for variance in VARIANCES {
            let shares = subjects.incidence(variance)?;
            for step in &curve.steps {
                let ended: f64 = shares.causes.iter().filter_map(|cause| cause.incidence_at(step.time)).sum();
                prop_assert!(near(ended + step.survival, 1.0));
            }
            for step in shares.causes.iter().flat_map(|cause| &cause.steps) {
                prop_assert!((0.0..=1.0).contains(&step.incidence) && step.std_error >= 0.0);
                prop_assert!(step.std_error.is_finite());
            }
        }
        // With one kind of end there is nothing else to compete: one minus Kaplan–Meier, with the same error.
        let cause: Vec<u8> = subjects.cause.iter().map(|cause| u8::from(*cause > 0)).collect();
        let alone = FollowUp { cause: &cause, ..subjects.follow_up() };
        let alone = aalen_johansen(&alone, 1, IncidenceVariance::Greenwood, CurveLimits::Plain, 0.95)?;
        for (share, step) in alone.causes[0].steps.iter().zip(&curve.steps) {
            prop_assert!(near(1.0 - share.incidence, step.survival));
            prop_assert!(step.std_error.is_none_or(|error| near(share.std_error, error)));
        }
    }

    #[test]
    fn the_names_of_groups_and_causes_do_not_matter(subjects in subjects()) {
        let swapped: Vec<u32> = subjects.group.iter().map(|group| 1 - group).collect();
        let test = |groups: &[u32]| log_rank(&subjects.follow_up(), groups, Event::Any, 0.0).map(|found| found.test);
        let (one, two) = (test(&subjects.group), test(&swapped));
        prop_assert_eq!(one.is_ok(), two.is_ok());
        if let (Ok(one), Ok(two)) = (one, two) {
            prop_assert!((one.statistic - two.statistic).abs() <= 1e-9 * (1.0 + one.statistic));
            prop_assert!((0.0..=1.0).contains(&one.p_value));
        }
        let renamed: Vec<u8> = subjects.cause.iter().map(|cause| (3 - cause) % 3).collect();
        let renamed = FollowUp { cause: &renamed, ..subjects.follow_up() };
        prop_assert_eq!(gray(&subjects.follow_up(), &subjects.group, 1).map(|found| found.test),
            gray(&renamed, &subjects.group, 2).map(|found| found.test));
        if let Ok(found) = gray(&subjects.follow_up(), &subjects.group, 1) {
            let total: f64 = found.groups.iter().map(|group| group.score).sum();
            prop_assert!(total.abs() < 1e-9, "{:?}", found);
        }
    }

    #[test]
    fn the_unit_and_the_origin_of_a_covariate_do_not_matter(subjects in subjects()) {
        let mut moved = subjects.clone();
        moved.own.iter_mut().for_each(|value| *value = 1e6 - 250.0 * *value);
        for ties in [Ties::Efron, Ties::Breslow] {
            let moved = moved.cox(ties).map(|mut model| {
                model.terms[1].coefficient *= -250.0;
                model.terms[1].std_error *= 250.0;
                model
            });
            let model = subjects.cox(ties);
            prop_assert!(same_model(&model, &moved), "{:?} {:?}", model, moved);
            if let Ok(model) = model {
                prop_assert!(model.likelihood_ratio.statistic >= 0.0);
                prop_assert!(model.log_likelihood >= model.log_likelihood_null - 1e-9);
            }
        }
    }

    #[test]
    fn without_ties_the_score_test_is_the_log_rank_test(
        rows in prop::collection::vec((0.0..5.0_f64, 0.001..9.0_f64, 0..2_u8, 0..2_u32), 4..40)
    ) {
        let mut subjects = Subjects::default();
        for (entry, length, cause, group) in rows {
            subjects.push(entry, entry + length, cause, (group, 0.0));
        }
        let group: Vec<f64> = subjects.group.iter().map(|group| f64::from(*group)).collect();
        let fit = |ties| cox(&subjects.follow_up(), Event::Any, &[&group], ties);
        let (efron, breslow) = (fit(Ties::Efron), fit(Ties::Breslow));
        prop_assert!(same_model(&efron, &breslow));
        if let (Ok(model), Ok(compared)) =
            (efron, log_rank(&subjects.follow_up(), &subjects.group, Event::Any, 0.0))
        {
            let (score, log_rank) = (model.score.statistic, compared.test.statistic);
            prop_assert!((score - log_rank).abs() <= 1e-9 * (1.0 + score), "{} {}", score, log_rank);
        }
    }

    /// Whatever the slices hold, the answer is numbers or a reason.
    #[test]
    fn anything_gives_numbers_or_a_reason(
        entry in prop::option::of(prop::collection::vec(strange(), 0..6)),
        time in prop::collection::vec(strange(), 0..6),
        cause in prop::collection::vec(0..4_u8, 0..6),
        group in prop::collection::vec(prop_oneof![0..3_u32, Just(u32::MAX)], 0..6),
        value in prop::collection::vec(strange(), 0..6),
        level in prop_oneof![Just(0.95), strange()],
    ) {
        let follow_up = FollowUp { entry: entry.as_deref(), time: &time, cause: &cause };
        for limits in LIMITS {
            if let Ok(curve) = kaplan_meier(&follow_up, Event::Any, limits, level) {
                prop_assert!(curve.steps.iter().all(|step| step.survival.is_finite()));
                prop_assert!(curve.steps.iter().filter_map(|step| step.std_error).all(f64::is_finite));
                for at in [level, value.first().copied().unwrap_or(0.0)] {
                    prop_assert!(curve.survival_at(at).is_none_or(f64::is_finite));
                    if let Ok(found) = curve.quantile(at) {
                        let times = [found.time, found.lower, found.upper];
                        prop_assert!(times.into_iter().flatten().all(f64::is_finite));
                    }
                    if let Ok(found) = curve.restricted_mean(at) {
                        prop_assert!(found.mean.is_finite() && found.std_error.is_finite() && found.unobserved.is_finite());
                    }
                }
            }
            for variance in VARIANCES {
                if let Ok(found) = aalen_johansen(&follow_up, 3, variance, limits, level) {
                    for step in found.causes.iter().flat_map(|cause| &cause.steps) {
                        prop_assert!(step.incidence.is_finite() && step.std_error.is_finite());
                    }
                }
            }
        }
        for found in [log_rank(&follow_up, &group, Event::Any, level).map(|found| found.test),
            gray(&follow_up, &group, 1).map(|found| found.test)].into_iter().flatten() {
            prop_assert!(found.statistic.is_finite() && found.p_value.is_finite());
        }
        for ties in [Ties::Efron, Ties::Breslow] {
            match cox(&follow_up, Event::Any, &[&value], ties) {
                Ok(model) => prop_assert!(numbers(&model).into_iter().all(f64::is_finite)),
                Err(StatisticsError::NotConverged { .. }) => prop_assert!(false, "five subjects always settle"),
                Err(_) => {}
            }
        }
    }
}

fn strange() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => (0..6_i32).prop_map(f64::from),
        1 => prop::num::f64::ANY,
        1 => prop::sample::select(vec![-0.0, -1.0, f64::MAX, f64::MIN_POSITIVE, 1e-320, f64::NAN, f64::INFINITY]),
    ]
}
