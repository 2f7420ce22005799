//! Equity statistics against R: healthequal for groups without order, `phe_sii` for groups in order.

use std::collections::HashMap;

use carecoord_statistics::equity::{
    Better, DisparityOptions, Group, NoEvents, Scale, SlopeIndex, SlopeLimits, SlopeOptions, disparity, slope_index,
};
use carecoord_statistics::intervals::Interval;
use carecoord_statistics::{Result, StatisticsError};

use crate::case::{Row, Score, cases, close, rows};
use crate::peers::shared;

/// Enough that the quantiles of two programs' draws differ by far less than the 5 % that they may.
const REPETITIONS: u64 = 10_000;

#[test]
fn disparities_agree_with_r() {
    let input = rows("equity/equity_input.csv");
    let file = "equity/inequality_expected.csv";
    let (wanted, mut score) = (rows(file), Score::of(file));
    for row in &wanted {
        let set = row.text("set");
        let groups: Vec<Group> = input
            .iter()
            .filter(|group| group.text("set") == set)
            .map(|group| Group::proportion(group.count("events"), group.count("n")).unwrap())
            .collect();
        let options =
            DisparityOptions { per: 100.0, better: Better::Lower, no_events: NoEvents::Exclude, confidence: 0.95 };
        let found = disparity(&groups, options).unwrap();
        let measure = row.text("measure");
        let value = match measure {
            "index_of_disparity_unweighted" => Ok(found.index_of_disparity),
            "index_of_disparity_weighted" => Ok(found.index_of_disparity_weighted),
            "between_group_variance" => Ok(found.between_group_variance),
            "between_group_sd" => Ok(found.between_group_sd),
            "theil_index" => Ok(found.theil_index_per_thousand()),
            "mean_log_deviation" => found.mean_log_deviation_per_thousand(),
            "covar" => Ok(found.coefficient_of_variation),
            "mean_diff_from_mean_unweighted" => Ok(found.mean_difference_from_mean),
            "mean_diff_from_mean_weighted" => Ok(found.mean_difference_from_mean_weighted),
            "mean_diff_from_best_unweighted" => Ok(found.mean_difference_from_best),
            "mean_diff_from_best_weighted" => Ok(found.mean_difference_from_best_weighted),
            other => panic!("an unknown measure: {other}"),
        };
        let mut agrees = value.is_ok_and(|value| close(value, row.real("estimate")));
        if let Some(error) = row.number("se") {
            let limits = found.between_group_variance_interval;
            agrees &= close(found.between_group_variance_error, error)
                && limits.is_ok_and(|found| {
                    close(found.lower, row.real("lower95")) && close(found.upper, row.real("upper95"))
                });
        }
        let failure = format!("wanted {}, found {value:?} of {found:?}", row.real("estimate"));
        score.case(&format!("{set} {measure}"), (!agrees).then_some(failure));
    }
    score.all_passed(cases(22, wanted.len()));
}

/// Whether simulated limits are within 5 % of the peer's: of the limit, or of the interval's width when the limit is near 0.
fn limits_agree(found: &Interval, lower: f64, upper: f64) -> bool {
    let width = (upper - lower).abs();
    let near = |found: f64, wanted: f64| (found - wanted).abs() <= 0.05 * wanted.abs().max(width / 2.0);
    near(found.lower, lower) && near(found.upper, upper)
}

fn options(regression: Scale, uncertainty: Scale, multiplier: f64, confidence: f64) -> SlopeOptions {
    let limits = SlopeLimits::Simulated { repetitions: REPETITIONS, seed: 5 };
    SlopeOptions { regression, uncertainty, multiplier, no_events: NoEvents::Refuse, limits, confidence }
}

/// Two cases a row: the points, and the simulated limits.
#[test]
fn slope_indices_agree_with_r() {
    let input = rows("equity/sii_input.csv");
    let file = "equity/sii_expected.csv";
    let (wanted, mut score) = (rows(file), Score::of(file));
    for row in &wanted {
        let (variant, area) = (row.text("variant"), row.text("area"));
        let multiplier = variant.split_once("multiplier_").map_or(1.0, |(_, number)| number.parse().unwrap());
        let regression = if variant.contains("transform") { Scale::Logit } else { Scale::Linear };
        let proportion = variant.starts_with("proportion");
        let group = |group: &Row| {
            let population = group.real("population");
            if proportion {
                let limits = (group.real("lower95"), group.real("upper95"));
                Group::from_limits(population, group.real("proportion"), limits, 0.95, Scale::Logit).unwrap()
            } else {
                Group { population, value: group.real("rate"), standard_error: group.real("rate_se") }
            }
        };
        let mut tenths: Vec<&Row> = input.iter().filter(|row| row.text("area") == area).collect();
        tenths.sort_by_key(|row| row.count("decile"));
        let groups: Vec<Group> = tenths.into_iter().map(group).collect();
        let uncertainty = if proportion { Scale::Logit } else { Scale::Linear };
        let found = slope_index(&groups, options(regression, uncertainty, multiplier, 0.95)).unwrap();
        let relative = found.relative_index.unwrap();
        let agrees = close(found.slope_index.value, row.real("sii"))
            && close(relative.value, row.real("rii"))
            && close(found.start, row.real("intercept"));
        score.case(&format!("{variant} {area}"), (!agrees).then(|| format!("{found:?}")));
        let agrees = limits_agree(&found.slope_index, row.real("sii_lower95"), row.real("sii_upper95"))
            && limits_agree(&relative, row.real("rii_lower95"), row.real("rii_upper95"));
        score.case(&format!("limits of {variant} {area}"), (!agrees).then(|| format!("{found:?}")));
    }
    score.all_passed(cases(24, 2 * wanted.len()));
}

/// The test data of the PHE package, which its authors took from their Excel tools. Each set's first row has the wanted
/// numbers. Sets that its own tests expect to be refused have none, and are refused here when their numbers are impossible.
#[test]
fn the_slope_indices_of_the_phe_package_agree() {
    let Some(path) = shared("golden/fixtures/PHEindicatormethods/SII_test_data.csv") else { return };
    let mut sets: Vec<Vec<HashMap<String, String>>> = Vec::new();
    for row in csv::Reader::from_path(path).unwrap().deserialize::<HashMap<String, String>>() {
        let row = row.unwrap();
        let same = |other: &HashMap<String, String>| {
            ["TestDescription", "Area", "Grouping1", "Grouping2"].iter().all(|column| other[*column] == row[*column])
        };
        match sets.last_mut() {
            Some(set) if same(&set[0]) => set.push(row),
            _ => sets.push(vec![row]),
        }
    }
    let (mut compared, mut refused) = (0, 0);
    for set in &sets {
        let first = &set[0];
        let title = first["TestDescription"].as_str();
        if title.starts_with("error handling") {
            refused += usize::from(phe_slope(set, 0.95).is_err());
            continue;
        }
        if first["sii"].is_empty() {
            continue;
        }
        let number = |column: &str| -> Option<f64> { first[column].parse().ok() };
        // The limits of one title are at 98 %, which its column of confidence does not say.
        let only_98 = title.contains("98%") && !title.contains("95");
        let confidence = if only_98 { 0.98 } else { first["Confidence"].parse::<f64>().unwrap_or(95.0) / 100.0 };
        let found = phe_slope(set, confidence).unwrap();
        let near = |found: f64, wanted: Option<f64>| wanted.is_none_or(|wanted| close(found, wanted));
        assert!(near(found.slope_index.value, number("sii")), "{title}: {found:?}");
        assert!(near(found.relative_value.unwrap(), number("rii")), "{title}: {found:?}");
        assert!(near(found.start, number("Intercept")), "{title}: {found:?}");
        if let (Some(lower), Some(upper)) = (number("sii_lowercl_1"), number("sii_uppercl_1")) {
            assert!(limits_agree(&found.slope_index, lower, upper), "{title}: {found:?}");
        }
        if let (Some(lower), Some(upper)) = (number("rii_lowercl_1"), number("rii_uppercl_1")) {
            assert!(limits_agree(&found.relative_index.unwrap(), lower, upper), "{title}: {found:?}");
        }
        compared += 1;
    }
    assert!(compared >= 30 && refused >= 3, "{compared} compared, {refused} refused");
}

fn phe_slope(set: &[HashMap<String, String>], confidence: f64) -> Result<SlopeIndex> {
    let title = set[0]["TestDescription"].as_str();
    let uncertainty = match set[0]["ValueType"].as_str() {
        "1" => Scale::Log,
        "2" => Scale::Logit,
        _ => Scale::Linear,
    };
    let regression = if title.contains("transform") { uncertainty } else { Scale::Linear };
    let multiplier = if title.contains("negative multiplier") {
        -1.0
    } else {
        title.split_once("(x ").map_or(1.0, |(_, rest)| rest.trim_end_matches(')').parse().unwrap())
    };
    let missing = StatisticsError::Empty { what: "a column" };
    let number = |row: &HashMap<String, String>, column: &str| row[column].parse::<f64>().map_err(|_| missing);
    let groups: Vec<Group> = set
        .iter()
        .map(|row| {
            let limits = (number(row, "LowerCL"), number(row, "UpperCL"));
            let (population, value) = (number(row, "Population")?, number(row, "Value")?);
            match (number(row, "StandardError"), limits) {
                (Ok(standard_error), _) => Ok(Group { population, value, standard_error }),
                (_, (Ok(lower), Ok(upper))) => Group::from_limits(population, value, (lower, upper), 0.95, uncertainty),
                (Err(error), _) => Err(error),
            }
        })
        .collect::<Result<_>>()?;
    slope_index(&groups, options(regression, uncertainty, multiplier, confidence))
}
