//! Risk models against R (`glm`, `sandwich`, `lme4::glmer`) and CMS's mock hospital-specific report.
//!
//! The model is `readmit ~ age10 + sex + comorbidity + payer + prior_admits + los`, with `age10 = (age - 65) / 10` and the
//! references F and commercial. Levels, providers and the order of terms come from the files.

use std::collections::BTreeMap;

use carecoord_statistics::risk::{
    BootstrapOptions, ClusterAdjustment, Coefficient, DesignBuilder, DesignMatrix, Groups, LogisticFit,
    LogisticOptions, MixedFit, MixedOptions, Robust, bootstrap_rates, brier, c_statistic, logistic, observed_expected,
    predict, random_intercept, ratio_from_published_intercepts, robust_covariance, standardised_ratios, tally,
};
use statrs::function::erf::erfc;

use crate::case::{Row, Score, close, rows};
use crate::glmer_determinant::Determinant;
use crate::peers::shared;

/// Coefficients of an ordinary model, relative.
const COEFFICIENT: f64 = 1e-8;
/// Standard errors and covariances of an ordinary model, relative.
const STANDARD_ERROR: f64 = 1e-6;

/// The patients of `risk_input.csv`.
struct Patients {
    matrix: DesignMatrix,
    readmitted: Vec<bool>,
    groups: Groups,
    providers: Vec<String>,
    ids: Vec<String>,
}

impl Patients {
    fn read() -> Self {
        let rows = rows("risk/risk_input.csv");
        let column = |name: &str| rows.iter().map(|row| row.real(name)).collect::<Vec<_>>();
        let labels = |name: &str| rows.iter().map(|row| row.text(name).to_owned()).collect::<Vec<_>>();
        let age10: Vec<f64> = column("age").iter().map(|age| (age - 65.0) / 10.0).collect();
        let matrix = DesignBuilder::new(rows.len())
            .intercept()
            .number("age10", &age10)
            .and_then(|design| design.factor("sex", &labels("sex"), "F"))
            .and_then(|design| design.number("comorbidity", &column("comorbidity")))
            .and_then(|design| design.factor("payer", &labels("payer"), "commercial"))
            .and_then(|design| design.number("prior_admits", &column("prior_admits")))
            .and_then(|design| design.number("los", &column("los")))
            .and_then(DesignBuilder::build)
            .unwrap();
        let (groups, providers) = Groups::from_labels(&labels("provider")).unwrap();
        let readmitted = rows.iter().map(|row| row.count("readmit") == 1).collect();
        Self { matrix, readmitted, groups, providers, ids: labels("id") }
    }

    fn glm(&self) -> LogisticFit {
        logistic(&self.matrix.design(), &self.readmitted, LogisticOptions::STRICT).unwrap()
    }

    fn glmer(&self, points: u32) -> MixedFit {
        let options = MixedOptions::adaptive(points);
        random_intercept(&self.matrix.design(), &self.readmitted, &self.groups, options).unwrap()
    }

    /// The position of a term among the columns of the design.
    fn column(&self, term: &str) -> usize {
        self.matrix.names().iter().position(|name| name == term).unwrap_or_else(|| panic!("no term {term}"))
    }

    fn provider(&self, name: &str) -> usize {
        self.providers.iter().position(|provider| provider == name).unwrap_or_else(|| panic!("no provider {name}"))
    }
}

/// How many cases there must be: in the project's own copy exactly `own`, in another as many as its file has rows.
fn cases(own: usize, found: usize) -> usize {
    if std::env::var_os("CARECOORD_GOLDEN").is_some() { found } else { own }
}

/// What is wrong among named pairs of a found and a wanted number, each with its own measure of closeness.
fn differences(pairs: &[(&str, f64, f64, bool)]) -> Option<String> {
    let wrong: Vec<String> = pairs
        .iter()
        .filter(|(.., agrees)| !agrees)
        .map(|(name, found, wanted, _)| format!("{name} wanted {wanted}, found {found} ({:e})", found - wanted))
        .collect();
    (!wrong.is_empty()).then(|| wrong.join("; "))
}

fn relative(name: &str, found: f64, wanted: f64, tolerance: f64) -> (&str, f64, f64, bool) {
    (name, found, wanted, (found - wanted).abs() <= tolerance * wanted.abs())
}

fn absolute(name: &str, found: f64, wanted: f64, tolerance: f64) -> (&str, f64, f64, bool) {
    (name, found, wanted, (found - wanted).abs() <= tolerance)
}

/// A tail probability; below 1e-290 doubles lose their digits.
fn tail(name: &str, found: f64, wanted: f64, tolerance: f64) -> (&str, f64, f64, bool) {
    (name, found, wanted, (found - wanted).abs() <= tolerance * wanted + 1e-290)
}

/// The relative change of a normal p value for a small relative change of z: about `z²` as large.
fn p_value<'a>(found: &Coefficient, wanted: &Row, error: f64) -> (&'a str, f64, f64, bool) {
    let z = wanted.real("z");
    tail("p value", found.p_value, wanted.real("p_value"), error * (2.0 + z * z))
}

#[test]
fn coefficients_and_their_standard_errors_agree_with_glm_and_sandwich() {
    let file = "risk/glm_coefficients.csv";
    let mut score = Score::of(file);
    let patients = Patients::read();
    let fit = patients.glm();
    let design = patients.matrix.design();
    let robust = |estimator| {
        robust_covariance(&design, &patients.readmitted, &fit, estimator).unwrap().covariance.standard_errors()
    };
    let cluster = |adjustment| Robust::Cluster { clusters: &patients.groups, adjustment };
    let hc1 = robust(Robust::Hc1);
    let plain = robust(cluster(ClusterAdjustment::None));
    let adjusted = robust(cluster(ClusterAdjustment::Clusters));
    let wanted = rows(file);
    assert_eq!(wanted.len(), fit.coefficients.len(), "{file} has the terms of the model");
    for row in &wanted {
        let column = patients.column(row.text("term"));
        let found = fit.coefficients[column];
        let wald = found.wald(0.95).unwrap();
        let failure = differences(&[
            relative("estimate", found.estimate, row.real("estimate"), COEFFICIENT),
            relative("standard error", found.standard_error, row.real("std_error"), STANDARD_ERROR),
            relative("z", found.z, row.real("z"), STANDARD_ERROR),
            p_value(&found, row, STANDARD_ERROR),
            absolute("lower", wald.lower, row.real("wald_lower95"), STANDARD_ERROR * found.standard_error),
            absolute("upper", wald.upper, row.real("wald_upper95"), STANDARD_ERROR * found.standard_error),
            relative("hc1", hc1[column], row.real("hc1_se"), STANDARD_ERROR),
            relative("cluster", plain[column], row.real("cluster_provider_se_hc0"), STANDARD_ERROR),
            relative("cluster adjusted", adjusted[column], row.real("cluster_provider_se_hc0_cadjust"), STANDARD_ERROR),
        ]);
        score.case(row.text("term"), failure);
    }
    score.all_passed(cases(9, wanted.len()));
}

/// One case a pair of terms.
#[test]
fn the_covariance_agrees_with_glm() {
    let file = "risk/glm_vcov.csv";
    let mut score = Score::of(file);
    let patients = Patients::read();
    let covariance = patients.glm().covariance;
    let errors = covariance.standard_errors();
    let wanted = rows(file);
    for row in &wanted {
        let at = patients.column(row.text("term"));
        for name in patients.matrix.names() {
            let beside = patients.column(name);
            let found = covariance.get(at, beside).unwrap();
            // Relative to the standard errors: a covariance may be close to 0.
            let tolerance = STANDARD_ERROR * errors[at] * errors[beside];
            let failure = differences(&[absolute("covariance", found, row.real(name), tolerance)]);
            score.case(&format!("{} and {name}", row.text("term")), failure);
        }
    }
    score.all_passed(cases(81, wanted.len() * wanted.len()));
}

#[test]
fn the_fit_agrees_with_glm() {
    let file = "risk/glm_fit.csv";
    let mut score = Score::of(file);
    let patients = Patients::read();
    let fit = patients.glm();
    let wanted = rows(file);
    for row in &wanted {
        let found = match row.text("statistic") {
            "n" => fit.rows as f64,
            "events" => fit.events as f64,
            "deviance" => fit.deviance,
            "null_deviance" => fit.null_deviance,
            "log_lik" => fit.log_likelihood,
            "aic" => fit.aic,
            "bic" => fit.bic,
            "c_statistic" => c_statistic(&patients.readmitted, &fit.fitted).unwrap(),
            "brier" => brier(&patients.readmitted, &fit.fitted).unwrap(),
            other => panic!("unknown statistic {other}"),
        };
        let value = row.real("value");
        score.case(row.text("statistic"), (!close(found, value)).then(|| format!("wanted {value}, found {found}")));
    }
    score.all_passed(cases(9, wanted.len()));
}

#[test]
fn predictions_agree_with_glm() {
    let file = "risk/glm_predicted.csv";
    let mut score = Score::of(file);
    let patients = Patients::read();
    let fit = patients.glm();
    let predicted = predict(&patients.matrix.design(), &fit.estimates()).unwrap();
    let row_of: BTreeMap<&str, usize> = patients.ids.iter().enumerate().map(|(row, id)| (id.as_str(), row)).collect();
    let wanted = rows(file);
    for row in &wanted {
        let at = row_of[row.text("id")];
        let value = row.real("predicted");
        score.case(
            row.text("id"),
            differences(&[
                relative("predicted", predicted[at], value, COEFFICIENT),
                relative("fitted", fit.fitted[at], value, COEFFICIENT),
            ]),
        );
    }
    score.all_passed(cases(5000, wanted.len()));
}

#[test]
fn observed_against_expected_agrees_with_r() {
    let file = "risk/oe_expected.csv";
    let mut score = Score::of(file);
    let patients = Patients::read();
    let fit = patients.glm();
    let overall = fit.events as f64 / fit.rows as f64;
    let tallies = tally(&patients.readmitted, &fit.fitted, &patients.groups).unwrap();
    let wanted = rows(file);
    for row in &wanted {
        let name = row.text("provider");
        let tally = &tallies[patients.provider(name)];
        let found = observed_expected(tally, overall, 0.95).unwrap();
        let byar = found.byar.unwrap();
        // What rests on the coefficients is as exact as they are.
        let near = |name, found, wanted| (name, found, wanted, close(found, wanted));
        let mut failure = differences(&[
            near("expected", tally.expected, row.real("expected")),
            near("ratio", found.exact.value, row.real("oe_ratio")),
            near("exact lower", found.exact.lower, row.real("exact_lower95")),
            near("exact upper", found.exact.upper, row.real("exact_upper95")),
            near("Byar lower", byar.lower, row.real("byar_lower95")),
            near("Byar upper", byar.upper, row.real("byar_upper95")),
            near("rate", found.risk_adjusted_rate, row.real("risk_adjusted_rate")),
            absolute("z", found.z.unwrap(), row.real("z_score"), 1e-9 * (1.0 + row.real("z_score").abs())),
        ]);
        if (tally.rows, tally.observed) != (row.count("n"), row.count("observed")) {
            failure = Some(format!("counts {tally:?}"));
        }
        score.case(name, failure);
    }
    score.all_passed(cases(40, wanted.len()));
}

/// The number of points in the file, the same in each row.
fn points(wanted: &[Row]) -> u32 {
    u32::try_from(wanted[0].count("nAGQ")).unwrap()
}

/// The peer's error in Laplace's formula at its own estimates, by term; `None` for other numbers of points, where the
/// likelihood does not rest on that determinant.
fn determinant(patients: &Patients, coefficients: &[Row], fit: &[Row]) -> Option<Determinant> {
    if points(coefficients) != 1 {
        return None;
    }
    let mut estimates = vec![0.0; coefficients.len()];
    for row in coefficients {
        estimates[patients.column(row.text("term"))] = row.real("estimate");
    }
    let sd = fit.iter().find(|row| row.text("statistic") == "sd_provider").unwrap().real("value");
    Some(Determinant::at(patients.matrix.design(), &patients.readmitted, &patients.groups, &estimates, sd))
}

/// Coefficients and fit in one go: both need the peer's error.
fn mixed_model(coefficients_file: &'static str, fit_file: &'static str) {
    let patients = Patients::read();
    let (wanted_coefficients, wanted_fit) = (rows(coefficients_file), rows(fit_file));
    let fit = patients.glmer(points(&wanted_coefficients));
    let determinant = determinant(&patients, &wanted_coefficients, &wanted_fit);

    let mut score = Score::of(coefficients_file);
    assert_eq!(wanted_coefficients.len(), fit.coefficients.len(), "{coefficients_file} has the terms of the model");
    for row in &wanted_coefficients {
        let column = patients.column(row.text("term"));
        let found = fit.coefficients[column];
        // A peer that went on until nothing changed needs no correction.
        let exact = (found.standard_error / row.real("std_error") - 1.0).abs() <= 1e-4;
        let correction = match &determinant {
            Some(determinant) if !exact => determinant.standard_errors[column],
            _ => 1.0,
        };
        let error = row.real("std_error") * correction;
        let z = row.real("z") / correction;
        // z moves with the estimate, which the peer knows to 2e-4.
        let z_error = 2e-4 / found.standard_error + 1e-4 * z.abs();
        let peer = row.real("estimate") / row.real("std_error");
        let failure = differences(&[
            absolute("estimate", found.estimate, row.real("estimate"), 2e-4),
            relative("standard error", found.standard_error, error, 1e-4),
            absolute("z", found.z, z, z_error),
            // The peer's p value is that of its own z; ours is checked against its own the same way.
            relative("z of the peer", peer, row.real("z"), 1e-9),
            tail("p value", found.p_value, erfc(found.z.abs() / std::f64::consts::SQRT_2), 1e-12),
            tail("p value of the peer", erfc(peer.abs() / std::f64::consts::SQRT_2), row.real("p_value"), 1e-6),
        ]);
        score.case(row.text("term"), failure);
    }
    score.all_passed(cases(9, wanted_coefficients.len()));

    let mut score = Score::of(fit_file);
    let value = |name: &str| wanted_fit.iter().find(|row| row.text("statistic") == name).unwrap().real("value");
    let exact = (fit.log_likelihood - value("log_lik")).abs() <= 1e-6;
    let lift = determinant.filter(|_| !exact).map_or(0.0, |determinant| determinant.log_likelihood);
    for row in &wanted_fit {
        let (found, correction, tolerance) = match row.text("statistic") {
            "sd_provider" => (fit.sd, 0.0, 2e-5),
            "var_provider" => (fit.sd * fit.sd, 0.0, 2e-5),
            "log_lik" => (fit.log_likelihood, lift, 1e-6),
            "deviance" => (fit.conditional_deviance, 0.0, 1e-2),
            "aic" => (fit.aic, -2.0 * lift, 2e-6),
            "icc_latent" => (fit.icc_latent, 0.0, 2e-5),
            "median_odds_ratio" => (fit.median_odds_ratio, 0.0, 4e-5),
            "overall_rate" => (fit.overall_rate(), 0.0, 1e-12),
            // The peer's count of warnings; here a fit without convergence is an error.
            "converged_messages" => (f64::from(u8::from(fit.boundary)), 0.0, 0.0),
            other => panic!("unknown statistic {other}"),
        };
        let value = row.real("value") + correction;
        score.case(row.text("statistic"), differences(&[absolute("value", found, value, tolerance)]));
    }
    score.all_passed(cases(9, wanted_fit.len()));
}

fn mixed_providers(file: &'static str, own: usize) {
    let mut score = Score::of(file);
    let patients = Patients::read();
    let wanted = rows(file);
    let fit = patients.glmer(points(&wanted));
    let found = standardised_ratios(&patients.matrix.design(), &patients.readmitted, &patients.groups, &fit).unwrap();
    for row in &wanted {
        let name = row.text("provider");
        let provider = found[patients.provider(name)];
        let mut failure = differences(&[
            absolute("mode", provider.intercept, row.real("intercept_mode"), 5e-5),
            absolute("sd of the mode", provider.intercept_sd, row.real("intercept_cond_sd"), 5e-5),
            // A change of 2e-4 in the coefficients is one of 2e-4 in the odds, and so at most in the expected events.
            relative("predicted", provider.predicted, row.real("predicted"), 2e-4),
            relative("expected", provider.expected, row.real("expected"), 2e-4),
            relative("ratio", provider.ratio, row.real("srr"), 1e-4),
            relative("rate", provider.rate, row.real("rsrr"), 1e-4),
        ]);
        if (provider.rows, provider.observed) != (row.count("n"), row.count("observed")) {
            failure = Some(format!("counts {provider:?}"));
        }
        score.case(name, failure);
    }
    score.all_passed(cases(own, wanted.len()));
}

#[test]
fn laplace_agrees_with_glmer() {
    mixed_model("risk/glmer_nagq1_coefficients.csv", "risk/glmer_nagq1_fit.csv");
}

#[test]
fn laplace_providers_agree_with_glmer() {
    mixed_providers("risk/glmer_nagq1_providers.csv", 40);
}

#[test]
fn quadrature_agrees_with_glmer() {
    mixed_model("risk/glmer_nagq9_coefficients.csv", "risk/glmer_nagq9_fit.csv");
}

#[test]
fn quadrature_providers_agree_with_glmer() {
    mixed_providers("risk/glmer_nagq9_providers.csv", 40);
}

/// The peer has no bootstrap; its rates must at least lie within ours, and the intervals be about as wide as the standard
/// deviations of the intercepts let expect.
#[test]
fn the_rates_of_glmer_lie_within_the_bootstrap_intervals() {
    let file = "risk/glmer_nagq1_providers.csv";
    let mut score = Score::of(file);
    let patients = Patients::read();
    let fit = patients.glmer(1);
    let refit = MixedOptions { tolerance: 1e-4, ..MixedOptions::LAPLACE };
    let options = BootstrapOptions { replicates: 40, seed: 20_261_121, confidence: 0.8, refit };
    let design = patients.matrix.design();
    let found = bootstrap_rates(&design, &patients.readmitted, &patients.groups, &fit, options).unwrap();
    let wanted = rows(file);
    for row in &wanted {
        let interval = found.providers[patients.provider(row.text("provider"))].rate.unwrap();
        let rate = row.real("rsrr");
        // Two normal quantiles of the log odds, moved to the rate; the average provider is known no better than σ²/G. By
        // chance of 40 replicates up to three times as wide.
        let average = fit.sd / (fit.intercepts.len() as f64).sqrt();
        let width = 2.0 * 1.28 * row.real("intercept_cond_sd").hypot(average) * rate * (1.0 - rate);
        let fits = interval.lower <= rate
            && rate <= interval.upper
            && (fit.boundary || (width / 3.0..width * 3.0).contains(&(interval.upper - interval.lower)));
        score.case(
            row.text("provider"),
            (!fits).then(|| format!("wanted about {rate} ± {width}/2, found {interval:?}")),
        );
    }
    assert_eq!(found.failed, 0);
    score.all_passed(cases(40, wanted.len()));
}

/// CMS's mock hospital-specific report: two shares and a ratio a cohort, from its coefficients and discharges.
#[test]
fn published_intercepts_reproduce_cms_mock_report() {
    let Some(folder) = shared("data/hrrp_mock_hsr_fy2025") else { return };
    let read = |file: &str| -> (csv::StringRecord, Vec<csv::StringRecord>) {
        let mut reader = csv::Reader::from_path(folder.join(file)).unwrap();
        (reader.headers().unwrap().clone(), reader.records().map(Result::unwrap).collect())
    };
    let mut score = Score::of("CMS mock hospital-specific report");
    let (names, summary) = read("expected_summary.csv");
    for row in &summary {
        let text = |name: &str| &row[names.iter().position(|column| column == name).unwrap()];
        let wanted = |name: &str| text(name).parse::<f64>().unwrap();
        let cohort = text("cohort");
        let (_, coefficients) = read(&format!("{cohort}_coefficients.csv"));
        let value: BTreeMap<&str, f64> = coefficients.iter().map(|row| (&row[0], row[1].parse().unwrap())).collect();
        let (factors, discharges) = read(&format!("{cohort}_discharges.csv"));
        let used: Vec<(usize, f64)> =
            factors.iter().enumerate().filter_map(|(at, factor)| Some((at, *value.get(factor)?))).collect();
        assert_eq!(used.len() + 2, value.len(), "{cohort}: every factor has a column; the two intercepts have none");
        let risk: Vec<f64> = discharges
            .iter()
            .map(|stay| used.iter().map(|(at, value)| stay[*at].parse::<f64>().unwrap() * value).sum())
            .collect();
        let found = ratio_from_published_intercepts(&risk, value["HOSP_EFFECT"], value["AVG_EFFECT"]).unwrap();
        score.case(
            cohort,
            differences(&[
                absolute("predicted", found.predicted_rate, wanted("predicted_rate_cms"), 1e-12),
                absolute("expected", found.expected_rate, wanted("expected_rate_cms"), 1e-12),
                absolute("ratio", found.ratio, wanted("err_cms"), 1e-12),
                absolute("patients", found.rows as f64, wanted("n"), 0.0),
            ]),
        );
    }
    score.all_passed(summary.len());
}

/// The worked deck of eight discharges and two hospitals: O/E and P/E from given coefficients.
#[test]
fn the_worked_deck_of_two_hospitals() {
    let value: BTreeMap<String, f64> = rows("decks/oe_rsrr/coefficients.csv")
        .iter()
        .map(|row| (row.text("factor").to_owned(), row.real("value")))
        .collect();
    let factors = ["age_over_65", "male", "heart_failure", "renal_failure", "prior_admission"];
    let discharges = rows("decks/oe_rsrr/discharges.csv");
    let wanted = rows("decks/oe_rsrr/expected_discharges.csv");
    let risk: Vec<f64> =
        discharges.iter().map(|row| factors.iter().map(|name| row.real(name) * value[*name]).sum()).collect();
    let average = value["avg_intercept"];
    let mut score = Score::of("decks/oe_rsrr");
    for ((discharge, risk), wanted) in discharges.iter().zip(&risk).zip(&wanted) {
        let own = value[&format!("hosp_intercept_{}", discharge.text("hospital"))];
        let one = ratio_from_published_intercepts(&[*risk], own, average).unwrap();
        score.case(
            wanted.text("discharge_id"),
            differences(&[
                absolute("risk", *risk, wanted.real("linear_predictor"), 1e-12),
                absolute("expected", one.expected, wanted.real("expected_prob"), 5e-9),
                absolute("predicted", one.predicted, wanted.real("predicted_prob"), 5e-9),
            ]),
        );
    }
    let outcome: Vec<bool> = discharges.iter().map(|row| row.count("readmitted") == 1).collect();
    let expected: Vec<f64> = risk.iter().map(|risk| 1.0 / (1.0 + (-(average + risk)).exp())).collect();
    let hospitals: Vec<&str> = discharges.iter().map(|row| row.text("hospital")).collect();
    let (groups, _) = Groups::from_labels(&hospitals).unwrap();
    let tallies = tally(&outcome, &expected, &groups).unwrap();
    let overall = outcome.iter().filter(|event| **event).count() as f64 / outcome.len() as f64;
    let wanted = rows("decks/oe_rsrr/expected_hospitals.csv");
    for (wanted, tally) in wanted.iter().zip(&tallies) {
        let hospital = wanted.text("hospital");
        let own: Vec<f64> =
            risk.iter().zip(&hospitals).filter(|(_, at)| **at == hospital).map(|(risk, _)| *risk).collect();
        let indirect = observed_expected(tally, overall, 0.95).unwrap();
        let published =
            ratio_from_published_intercepts(&own, value[&format!("hosp_intercept_{hospital}")], average).unwrap();
        score.case(
            hospital,
            differences(&[
                absolute("n", tally.rows as f64, wanted.real("n"), 0.0),
                absolute("observed", tally.observed as f64, wanted.real("observed"), 0.0),
                absolute("expected", tally.expected, wanted.real("expected_sum"), 5e-9),
                absolute("predicted", published.predicted, wanted.real("predicted_sum"), 5e-9),
                absolute("O/E", indirect.exact.value, wanted.real("o_to_e"), 5e-7),
                absolute("P/E", published.ratio, wanted.real("p_to_e"), 5e-7),
                absolute("O/E rate", indirect.risk_adjusted_rate, wanted.real("o_e_standardised_rate"), 5e-7),
                absolute("RSRR", published.ratio * overall, wanted.real("rsrr"), 5e-7),
            ]),
        );
    }
    score.all_passed(wanted.len() + discharges.len());
}
