//! Causal statistics against R (`lm`, sandwich, clubSandwich, lmtest), and against decks computed by an independent script.

use std::collections::HashMap;
use std::path::Path;

use carecoord_statistics::causal::{
    ClusterAdjustment, Constant, Estimate, GroupsAndPeriods, Panel, Permutations, Reference, Regression, Sample,
    Season, Segmented, SegmentedOptions, SlopeStart, TwoByTwo, Variance, breusch_godfrey, continuous_balance,
    durbin_watson, newey_west_bandwidth, permutation_two_by_two, segmented, two_by_two, two_way,
};
use carecoord_statistics::{Result, StatisticsError};

use crate::case::{Score, cases, close, rows};
use crate::peers::shared;

/// Labels numbered in order of appearance.
fn numbered<'a>(labels: impl Iterator<Item = &'a str>) -> Vec<usize> {
    let mut known = HashMap::new();
    labels
        .map(|label| {
            let next = known.len();
            *known.entry(label.to_owned()).or_insert(next)
        })
        .collect()
}

fn variance<'a>(name: &str, clusters: &'a [usize]) -> Variance<'a> {
    let cluster = |adjustment| Variance::Cluster { clusters, adjustment };
    match name {
        "classical" => Variance::Classical,
        "HC1" => Variance::Hc1,
        "HC3" => Variance::Hc3,
        "CL_HC0_nocadjust" => cluster(ClusterAdjustment::None),
        "CL_HC0" => cluster(ClusterAdjustment::Groups),
        "CL_HC1_stata" => cluster(ClusterAdjustment::Stata),
        "CR2" => cluster(ClusterAdjustment::Cr2),
        other => panic!("an unknown variance: {other}"),
    }
}

/// Why an estimate differs from the wanted numbers, or nothing. A p-value this side of 1e-300 has lost its digits.
fn differs(found: &Result<Estimate>, wanted: [f64; 4]) -> Option<String> {
    let agrees = found.as_ref().is_ok_and(|found| {
        close(found.value, wanted[0])
            && close(found.standard_error, wanted[1])
            && close(found.statistic, wanted[2])
            && ((found.p_value - wanted[3]).abs() <= 1e-9 * wanted[3] || wanted[3] < 1e-300)
    });
    (!agrees).then(|| format!("wanted {wanted:?}, found {found:?}"))
}

#[test]
fn differences_in_differences_agree_with_r() {
    let input = rows("causal/did_input.csv");
    let outcome: Vec<f64> = input.iter().map(|row| row.real("cost")).collect();
    let flag = |column: &str| -> Vec<bool> { input.iter().map(|row| row.text(column) == "1").collect() };
    let (treated, post) = (flag("treated"), flag("post"));
    let unit = numbered(input.iter().map(|row| row.text("unit")));
    let period: Vec<i64> = input.iter().map(|row| row.text("period").parse().unwrap()).collect();

    let data = GroupsAndPeriods { outcome: &outcome, treated: &treated, post: &post, covariates: &[], weights: None };
    let two_by_two = two_by_two(&data).unwrap();
    let panel = Panel { outcome: &outcome, unit: &unit, period: &period, covariates: &[], weights: None };
    let under: Vec<bool> = treated.iter().zip(&post).map(|(treated, post)| *treated && *post).collect();
    let two_way = two_way(&panel, &under).unwrap();

    let file = "causal/did_expected.csv";
    let (wanted_rows, mut score) = (rows(file), Score::of(file));
    for row in &wanted_rows {
        let (model, term, name) = (row.text("model"), row.text("term"), row.text("vcov"));
        let (fit, position) = match (model, term) {
            ("did_2x2", "(Intercept)") => (&two_by_two.fit, TwoByTwo::INTERCEPT),
            ("did_2x2", "treated") => (&two_by_two.fit, TwoByTwo::TREATED),
            ("did_2x2", "post") => (&two_by_two.fit, TwoByTwo::POST),
            ("did_2x2", "treated:post") => (&two_by_two.fit, TwoByTwo::EFFECT),
            ("twfe", "treated:post") => (&two_way.fit, 0),
            other => panic!("an unknown model or term: {other:?}"),
        };
        let freedom = row.real("n_clusters") - 1.0;
        let variance = variance(name, &unit);
        assert_eq!(variance.name(), name);
        let reference =
            if matches!(variance, Variance::Cluster { .. }) { Reference::TClusters } else { Reference::TOn(freedom) };
        let found = fit.uncertainty(&variance).and_then(|known| known.coefficient(position, reference, 0.95));
        let wanted = ["estimate", "std_error", "t", "p_t_g_minus_1"].map(|column| row.real(column));
        let failure = differs(&found, wanted).or_else(|| {
            let found = found.ok().and_then(|found| found.freedom);
            (found != Some(freedom)).then(|| format!("wanted {freedom} degrees of freedom, found {found:?}"))
        });
        score.case(&format!("{model} {term} {name}"), failure);
    }
    score.all_passed(cases(35, wanted_rows.len()));
}

/// The series of the file, as the regression that its columns describe.
fn interrupted() -> Segmented {
    let input = rows("causal/its_input.csv");
    let outcome: Vec<f64> = input.iter().map(|row| row.real("y")).collect();
    let start = input.iter().position(|row| row.real("level") > 0.0).unwrap();
    let slope_start = if input[start].real("slope") > 0.5 { SlopeStart::One } else { SlopeStart::Zero };
    segmented(&outcome, &SegmentedOptions { interruptions: &[start], slope_start, season: Season::None }).unwrap()
}

#[test]
fn newey_west_agrees_with_r() {
    let input = rows("causal/its_input.csv");
    let column = |name: &str| -> Vec<f64> { input.iter().map(|row| row.real(name)).collect() };
    let (outcome, columns) = (column("y"), [column("t"), column("level"), column("slope")]);
    let fit = Regression {
        outcome: &outcome,
        columns: &columns,
        constant: Constant::Intercept,
        nuisance: &[],
        weights: None,
    }
    .fit()
    .unwrap();
    let file = "causal/its_newey_west.csv";
    let (wanted_rows, mut score) = (rows(file), Score::of(file));
    for row in &wanted_rows {
        let (lag, small_sample) = (row.size("lag"), row.text("small_sample_adjust") == "true");
        let term = row.text("term");
        let position = ["(Intercept)", "t", "level", "slope"].iter().position(|name| *name == term).unwrap();
        let found = fit
            .uncertainty(&Variance::NeweyWest { lag, small_sample })
            .and_then(|known| known.coefficient(position, Reference::TResidual, 0.95));
        let wanted = ["estimate", "std_error", "t", "p_t"].map(|column| row.real(column));
        score.case(&format!("{term} lag {lag} {small_sample}"), differs(&found, wanted));
    }
    score.all_passed(cases(40, wanted_rows.len()));
}

#[test]
fn fitted_and_counterfactual_agree_with_r() {
    let series = interrupted();
    let counterfactual = series.counterfactual(0).unwrap();
    let file = "causal/its_fitted.csv";
    let (wanted_rows, mut score) = (rows(file), Score::of(file));
    for (point, row) in wanted_rows.iter().enumerate() {
        let agrees = close(series.fit.fitted[point], row.real("fitted"))
            && close(counterfactual[point], row.real("counterfactual"));
        let failure = format!("found {} {}", series.fit.fitted[point], counterfactual[point]);
        score.case(row.text("t"), (!agrees).then_some(failure));
    }
    score.all_passed(cases(48, wanted_rows.len()));
}

#[test]
fn diagnostics_agree_with_r() {
    let series = interrupted();
    let fit = &series.fit;
    let file = "causal/its_diagnostics.csv";
    let (wanted_rows, mut score) = (rows(file), Score::of(file));
    for row in &wanted_rows {
        let name = row.text("statistic");
        let found = match name {
            "auto_bandwidth_bwNeweyWest" => newey_west_bandwidth(&fit.residuals, &series.columns),
            "durbin_watson" => durbin_watson(&fit.residuals),
            "r_squared" => fit.r_squared.ok_or(StatisticsError::ZeroVariance { n: 0 }),
            "residual_sd" => Ok(fit.residual_sd),
            other => {
                let order = other.strip_prefix("breusch_godfrey_").unwrap_or_else(|| panic!("unknown: {other}"));
                breusch_godfrey(fit, order.parse().unwrap()).map(|test| test.statistic)
            }
        };
        let wanted = row.real("value");
        let agrees = found.is_ok_and(|found| close(found, wanted));
        score.case(name, (!agrees).then(|| format!("wanted {wanted}, found {found:?}")));
    }
    score.all_passed(cases(5, wanted_rows.len()));
}

/// The rows of a file of someone else's, by column name.
fn deck(path: &Path) -> Vec<HashMap<String, String>> {
    csv::Reader::from_path(path).unwrap().deserialize().map(|row| row.unwrap()).collect()
}

/// A deck's numbers by name; they are rounded to eight decimals.
fn metrics(path: &Path) -> HashMap<String, f64> {
    deck(path).into_iter().map(|row| (row["metric"].clone(), row["value"].parse().unwrap())).collect()
}

fn agrees_to_eight(name: &str, found: f64, wanted: &HashMap<String, f64>) {
    assert!(
        (found - wanted[name]).abs() <= 5.1e-9 + 1e-12 * found.abs(),
        "{name}: found {found}, wanted {}",
        wanted[name]
    );
}

#[test]
fn the_deck_of_practices_agrees() {
    let Some(folder) = shared("decks/savings") else { return };
    let rows = deck(&folder.join("did_panel.csv"));
    let wanted = metrics(&folder.join("did_expected.csv"));
    let outcome: Vec<f64> = rows.iter().map(|row| row["pmpm"].parse().unwrap()).collect();
    let flag = |column: &str| -> Vec<bool> { rows.iter().map(|row| row[column] == "1").collect() };
    let (treated, post) = (flag("treated"), flag("post"));
    let practice = numbered(rows.iter().map(|row| row["practice"].as_str()));
    let data = GroupsAndPeriods { outcome: &outcome, treated: &treated, post: &post, covariates: &[], weights: None };
    let found = two_by_two(&data).unwrap();
    agrees_to_eight("mean_T_pre", found.treated_before.mean, &wanted);
    agrees_to_eight("mean_C_post", found.comparison_after.mean, &wanted);
    let cluster = Variance::Cluster { clusters: &practice, adjustment: ClusterAdjustment::Stata };
    let effect = found.effect(&cluster, Reference::TClusters, 0.95).unwrap();
    agrees_to_eight("did", effect.value, &wanted);
    agrees_to_eight("se_cluster_CR1", effect.standard_error, &wanted);
    agrees_to_eight("ci_lo_cluster_t7", effect.interval.lower, &wanted);
    agrees_to_eight("ci_hi_cluster_t7", effect.interval.upper, &wanted);
    for (name, variance) in [("se_ols", Variance::Classical), ("se_hc1", Variance::Hc1)] {
        agrees_to_eight(name, found.effect(&variance, Reference::Normal, 0.95).unwrap().standard_error, &wanted);
    }
    let period: Vec<i64> = post.iter().map(|post| i64::from(*post)).collect();
    let panel = Panel { outcome: &outcome, unit: &practice, period: &period, covariates: &[], weights: None };
    let under: Vec<bool> = treated.iter().zip(&post).map(|(treated, post)| *treated && *post).collect();
    let by_practice = two_way(&panel, &under).unwrap().effect(&cluster, Reference::TClusters, 0.95).unwrap();
    agrees_to_eight("se_cluster_practice_FE_CR1", by_practice.standard_error, &wanted);
    let options = Permutations { exact_up_to: 1_000, draws: 999, seed: 1 };
    let test = permutation_two_by_two(&data, &practice, options).unwrap();
    agrees_to_eight("randomisation_p_two_sided", test.p_value, &wanted);
    agrees_to_eight("randomisation_assignments", test.assignments as f64, &wanted);
}

#[test]
fn the_decks_of_months_agree() {
    let Some(folder) = shared("decks/savings") else { return };
    for name in ["its_monthly", "its_monthly_autocorr"] {
        let rows = deck(&folder.join(format!("{name}.csv")));
        let wanted = metrics(&folder.join(format!("{name}_expected.csv")));
        let outcome: Vec<f64> = rows.iter().map(|row| row["pmpm"].parse().unwrap()).collect();
        let start = rows.iter().position(|row| row["post"] == "1").unwrap();
        let options = SegmentedOptions { interruptions: &[start], slope_start: SlopeStart::Zero, season: Season::None };
        let series = segmented(&outcome, &options).unwrap();
        agrees_to_eight("durbin_watson", durbin_watson(&series.fit.residuals).unwrap(), &wanted);
        let ols = series.fit.uncertainty(&Variance::Classical).unwrap();
        for (position, term) in ["intercept", "slope_pre", "level_change_at_month13", "slope_change"].iter().enumerate()
        {
            let found = ols.coefficient(position, Reference::TResidual, 0.95).unwrap();
            agrees_to_eight(term, found.value, &wanted);
            let name = if *term == "slope_pre" { "se_ols_slope_pre".to_owned() } else { format!("se_ols_{term}") };
            agrees_to_eight(&name, found.standard_error, &wanted);
            for (lag, small_sample, kind) in
                [(1, false, "lag1_none"), (1, true, "lag1_small"), (3, false, "lag3_none"), (3, true, "lag3_small")]
            {
                let name = format!("se_nw_{kind}_{term}");
                if position > 1 {
                    let known = series.fit.uncertainty(&Variance::NeweyWest { lag, small_sample }).unwrap();
                    let found = known.coefficient(position, Reference::TResidual, 0.95).unwrap();
                    agrees_to_eight(&name, found.standard_error, &wanted);
                }
            }
        }
        let of = |variance| series.effects(0, &variance, Reference::TResidual, 0.95).unwrap().pop().unwrap();
        let last = of(Variance::Classical);
        agrees_to_eight("effect_month24", last.effect.value, &wanted);
        agrees_to_eight("counterfactual_month24", last.counterfactual, &wanted);
        agrees_to_eight("cumulative_effect_pmpm_sum_13_24", last.cumulative.value, &wanted);
        agrees_to_eight("se_cumulative_ols", last.cumulative.standard_error, &wanted);
        let newey_west = of(Variance::NeweyWest { lag: 3, small_sample: true });
        agrees_to_eight("se_cumulative_nw3_small", newey_west.cumulative.standard_error, &wanted);
        let other = SegmentedOptions { slope_start: SlopeStart::One, ..options };
        let other = segmented(&outcome, &other).unwrap();
        agrees_to_eight("level_change_alt_param_month12", other.fit.coefficients[2], &wanted);
    }
}

#[test]
fn the_deck_of_balance_agrees() {
    let Some(folder) = shared("decks/savings") else { return };
    let rows = deck(&folder.join("balance.csv"));
    let wanted = metrics(&folder.join("balance_expected.csv"));
    let arm = |name: &str| -> Vec<f64> {
        rows.iter().filter(|row| row["arm"] == name).map(|row| row["risk_score"].parse().unwrap()).collect()
    };
    let (treated, others) = (arm("T"), arm("C"));
    let sample = |values| Sample { values, weights: None };
    let found = continuous_balance(&sample(&treated), &sample(&others)).unwrap();
    assert!((found.standardised_difference - wanted["smd"]).abs() < 5.1e-7);
    assert!((found.first_variance - wanted["var_T"]).abs() < 1e-12);
}
