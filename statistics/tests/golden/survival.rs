//! Survival statistics against R: `survfit`, `survdiff` and `coxph` of the package survival, `cuminc` of cmprsk.
//!
//! One set of referrals is behind all files: days until each was closed (status 1), cancelled (2) or last seen open (0).

use std::collections::BTreeSet;

use carecoord_statistics::survival::{
    AalenJohansen, CurveLimits, Event, FollowUp, IncidenceVariance, KaplanMeier, Ties, aalen_johansen, cox, gray,
    kaplan_meier, log_rank,
};

use crate::case::{Row, Score, close, rows};

/// The estimates of `coxph` agree to this, relative to the wanted value.
const COX: f64 = 1e-6;

const CAUSES: [&str; 2] = ["closed", "cancelled"];

struct Referrals {
    specialty: Vec<String>,
    days: Vec<f64>,
    status: Vec<u8>,
}

impl Referrals {
    fn read() -> Self {
        let rows = rows("survival/closure_input.csv");
        Self {
            specialty: rows.iter().map(|row| row.text("specialty").to_owned()).collect(),
            days: rows.iter().map(|row| row.real("days")).collect(),
            status: rows.iter().map(|row| row.text("status").parse().unwrap()).collect(),
        }
    }

    /// The referrals of one specialty, or all of them.
    fn of(&self, group: &str) -> Self {
        let wanted = |index: &usize| group == "all" || self.specialty[*index] == group;
        let chosen: Vec<usize> = (0..self.days.len()).filter(wanted).collect();
        assert!(!chosen.is_empty(), "no referral of {group}");
        Self {
            specialty: chosen.iter().map(|index| self.specialty[*index].clone()).collect(),
            days: chosen.iter().map(|index| self.days[*index]).collect(),
            status: chosen.iter().map(|index| self.status[*index]).collect(),
        }
    }

    fn follow_up(&self) -> FollowUp<'_> {
        FollowUp { entry: None, time: &self.days, cause: &self.status }
    }

    fn levels(&self) -> Vec<&str> {
        self.specialty.iter().map(String::as_str).collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn codes(&self) -> Vec<u32> {
        let levels = self.levels();
        let code = |specialty: &String| levels.iter().position(|level| level == specialty).unwrap();
        self.specialty.iter().map(|specialty| u32::try_from(code(specialty)).unwrap()).collect()
    }

    /// Closure in one group; cancelled referrals count as censored, as in the golden files.
    fn curve(&self, group: &str, limits: &str) -> KaplanMeier {
        let limits = match limits {
            "plain" => CurveLimits::Plain,
            "log" => CurveLimits::Log,
            "log-log" => CurveLimits::LogLog,
            other => panic!("limits {other}"),
        };
        kaplan_meier(&self.of(group).follow_up(), Event::Cause(1), limits, 0.95).unwrap()
    }

    fn incidence(&self, group: &str, variance: IncidenceVariance) -> AalenJohansen {
        aalen_johansen(&self.of(group).follow_up(), 2, variance, CurveLimits::Log, 0.95).unwrap()
    }
}

fn cause(row: &Row) -> u8 {
    u8::try_from(CAUSES.iter().position(|cause| *cause == row.text("cause")).unwrap()).unwrap() + 1
}

/// The cases of the project's own file, or those of the file that was put in its place.
fn cases(own: usize, found: usize) -> usize {
    if std::env::var_os("CARECOORD_GOLDEN").is_some() { found } else { own }
}

/// What does not agree: name, found, wanted. What the other program left empty must be absent here.
fn disagreement(pairs: &[(&str, Option<f64>, Option<f64>)]) -> Option<String> {
    let differ: Vec<String> = pairs
        .iter()
        .filter(|(_, found, wanted)| match (found, wanted) {
            (Some(found), Some(wanted)) => !close(*found, *wanted),
            (None, None) => false,
            _ => true,
        })
        .map(|(name, found, wanted)| format!("{name} wanted {wanted:?}, found {found:?}"))
        .collect();
    (!differ.is_empty()).then(|| differ.join("; "))
}

/// The groups of rows that share the given columns, in the order of the file.
fn split<'a>(rows: &'a [Row], columns: &[&str]) -> Vec<&'a [Row]> {
    rows.chunk_by(|a, b| columns.iter().all(|column| a.text(column) == b.text(column))).collect()
}

#[test]
fn kaplan_meier_curves_agree_with_survfit() {
    let (file, referrals) = ("survival/km_expected.csv", Referrals::read());
    let (mut score, rows) = (Score::of(file), rows(file));
    for wanted in split(&rows, &["group", "conf_type"]) {
        let (group, limits) = (wanted[0].text("group"), wanted[0].text("conf_type"));
        let curve = referrals.curve(group, limits);
        assert_eq!(curve.steps.len(), wanted.len(), "steps of {group}");
        for (step, row) in curve.steps.iter().zip(wanted) {
            let failure = disagreement(&[
                ("time", Some(step.time), row.number("time")),
                ("at risk", Some(step.at_risk as f64), row.number("n_risk")),
                ("events", Some(step.events as f64), row.number("n_event")),
                ("censored", Some(step.censored as f64), row.number("n_censor")),
                ("survival", Some(step.survival), row.number("surv")),
                ("standard error", step.std_error, row.number("std_err_greenwood")),
                ("lower", step.interval.map(|interval| interval.lower), row.number("lower95")),
                ("upper", step.interval.map(|interval| interval.upper), row.number("upper95")),
            ]);
            score.case(&format!("{group} {limits} day {}", step.time), failure);
        }
    }
    score.all_passed(cases(720, rows.len()));
}

#[test]
fn quantiles_agree_with_survfit() {
    let (file, referrals) = ("survival/km_quantiles.csv", Referrals::read());
    let (mut score, rows) = (Score::of(file), rows(file));
    for row in &rows {
        let (group, limits, probability) = (row.text("group"), row.text("conf_type"), row.real("prob"));
        let found = referrals.curve(group, limits).quantile(probability).unwrap();
        let failure = disagreement(&[
            ("time", found.time, row.number("time")),
            ("lower", found.lower, row.number("lower95")),
            ("upper", found.upper, row.number("upper95")),
        ]);
        score.case(&format!("{group} {limits} {probability}"), failure);
    }
    score.all_passed(cases(60, rows.len()));
}

#[test]
fn restricted_means_agree_with_survfit() {
    let (file, referrals) = ("survival/rmst_expected.csv", Referrals::read());
    let (mut score, rows) = (Score::of(file), rows(file));
    for row in &rows {
        let (group, horizon) = (row.text("group"), row.real("tau"));
        let found = referrals.curve(group, "plain").restricted_mean(horizon).unwrap();
        let failure = disagreement(&[
            ("mean", Some(found.mean), row.number("rmst")),
            ("standard error", Some(found.std_error), row.number("se")),
        ]);
        score.case(&format!("{group} to {horizon}"), failure);
    }
    score.all_passed(cases(16, rows.len()));
}

#[test]
fn log_rank_tests_agree_with_survdiff() {
    let (file, referrals) = ("survival/logrank_expected.csv", Referrals::read());
    let (mut score, rows) = (Score::of(file), rows(file));
    for row in &rows {
        let rho = match row.text("test") {
            "logrank" => 0.0,
            "peto_peto_rho1" => 1.0,
            other => panic!("test {other}"),
        };
        let found = log_rank(&referrals.follow_up(), &referrals.codes(), Event::Cause(1), rho).unwrap().test;
        let failure = disagreement(&[
            ("statistic", Some(found.statistic), row.number("chisq")),
            ("degrees of freedom", Some(found.degrees_of_freedom as f64), row.number("df")),
            ("p", Some(found.p_value), row.number("p")),
        ]);
        score.case(row.text("test"), failure);
    }
    score.all_passed(cases(2, rows.len()));
}

#[test]
fn hazard_ratios_agree_with_coxph() {
    let (file, referrals) = ("survival/cox_expected.csv", Referrals::read());
    let (mut score, rows) = (Score::of(file), rows(file));
    for wanted in split(&rows, &["ties"]) {
        let ties = match wanted[0].text("ties") {
            "efron" => Ties::Efron,
            "breslow" => Ties::Breslow,
            other => panic!("ties {other}"),
        };
        // A term is the name of the column with the level behind it; the level without a term is the reference.
        let indicator = |row: &Row| -> Vec<f64> {
            let level = row.text("term").strip_prefix("specialty").unwrap();
            assert!(referrals.levels().contains(&level), "no referral of {level}");
            referrals.specialty.iter().map(|specialty| f64::from(u8::from(specialty == level))).collect()
        };
        let covariates: Vec<Vec<f64>> = wanted.iter().map(indicator).collect();
        let covariates: Vec<&[f64]> = covariates.iter().map(Vec::as_slice).collect();
        let model = cox(&referrals.follow_up(), Event::Cause(1), &covariates, ties).unwrap();
        for (term, row) in model.terms.iter().zip(wanted) {
            let (estimate, error) = (row.real("estimate"), row.real("std_error"));
            let agrees = (term.coefficient - estimate).abs() <= COX * estimate.abs()
                && (term.std_error - error).abs() <= COX * error;
            let failure = (!agrees).then(|| format!("wanted {estimate} ({error}), found {term:?}"));
            score.case(&format!("{ties:?} {}", row.text("term")), failure);
        }
    }
    score.all_passed(cases(4, rows.len()));
}

#[test]
fn cumulative_incidence_agrees_with_survfit() {
    let (file, referrals) = ("survival/aj_expected.csv", Referrals::read());
    let (mut score, rows) = (Score::of(file), rows(file));
    for wanted in split(&rows, &["group", "cause"]) {
        let group = wanted[0].text("group");
        let curves = referrals.incidence(group, IncidenceVariance::Greenwood);
        let curve = curves.cause(cause(&wanted[0])).unwrap();
        assert_eq!(curve.steps.len(), wanted.len(), "steps of {group}");
        for (step, row) in curve.steps.iter().zip(wanted) {
            let failure = disagreement(&[
                ("time", Some(step.time), row.number("time")),
                ("at risk", Some(step.at_risk as f64), row.number("n_risk")),
                ("events", Some(step.events as f64), row.number("n_event")),
                ("incidence", Some(step.incidence), row.number("cif")),
                ("standard error", Some(step.std_error), row.number("std_err")),
                ("lower", step.interval.map(|interval| interval.lower), row.number("lower95")),
                ("upper", step.interval.map(|interval| interval.upper), row.number("upper95")),
            ]);
            score.case(&format!("{group} {} day {}", row.text("cause"), step.time), failure);
        }
    }
    score.all_passed(cases(480, rows.len()));
}

#[test]
fn cumulative_incidence_agrees_with_cuminc() {
    let (file, referrals) = ("survival/aj_cmprsk_timepoints.csv", Referrals::read());
    let (mut score, rows) = (Score::of(file), rows(file));
    for row in &rows {
        let (group, time) = (row.text("group"), row.real("time"));
        let curves = referrals.incidence(group, IncidenceVariance::Aalen);
        let curve = curves.cause(cause(row)).unwrap();
        let incidence = curve.incidence_at(time);
        let variance = incidence.map(|_| curve.step_at(time).map_or(0.0, |step| step.std_error.powi(2)));
        let failure = disagreement(&[
            ("incidence", incidence, row.number("cif")),
            ("variance", variance, row.number("var_cmprsk_aalen")),
        ]);
        score.case(&format!("{group} {} day {time}", row.text("cause")), failure);
    }
    score.all_passed(cases(40, rows.len()));
}

#[test]
fn grays_test_agrees_with_cuminc() {
    let (file, referrals) = ("survival/gray_test.csv", Referrals::read());
    let (mut score, rows) = (Score::of(file), rows(file));
    for row in &rows {
        let found = gray(&referrals.follow_up(), &referrals.codes(), cause(row)).unwrap().test;
        let failure = disagreement(&[
            ("statistic", Some(found.statistic), row.number("stat")),
            ("degrees of freedom", Some(found.degrees_of_freedom as f64), row.number("df")),
            ("p", Some(found.p_value), row.number("p")),
        ]);
        score.case(row.text("cause"), failure);
    }
    score.all_passed(cases(2, rows.len()));
}
