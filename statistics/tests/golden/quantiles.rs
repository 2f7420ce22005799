//! Quantile groups against R (`phe_quantile`).

use std::collections::BTreeMap;

use carecoord_statistics::intervals::{FirstGroup, quantile_groups};

use crate::case::{Row, Score, cases, rows, rows_of};
use crate::peers::shared;

/// One case for each unit of one ranking. Where R leaves every group empty, because there are fewer values than groups,
/// there must be an error.
fn compare(score: &mut Score, name: &str, ranking: &[&Row], columns: (&str, &str), groups: u32, first: FirstGroup) {
    let (value, group) = columns;
    let values: Vec<Option<f64>> = ranking.iter().map(|row| row.number(value)).collect();
    let found = quantile_groups(&values, groups, first);
    for (place, row) in ranking.iter().enumerate() {
        let wanted = row.number(group);
        let found = found.as_ref().map_or(None, |found| found[place]);
        let agrees = found.map(f64::from) == wanted;
        score.case(&format!("{name} {place}"), (!agrees).then(|| format!("wanted {wanted:?}, found {found:?}")));
    }
}

#[test]
fn quantile_groups_agree_with_r() {
    let file = "rates/quantiles.csv";
    let mut score = Score::of(file);
    let rows = rows(file);
    let mut rankings: BTreeMap<(&str, &str), Vec<&Row>> = BTreeMap::new();
    for row in &rows {
        rankings.entry((row.text("nquantiles"), row.text("invert"))).or_default().push(row);
    }
    for ((groups, invert), ranking) in rankings {
        let first = if invert == "true" { FirstGroup::Highest } else { FirstGroup::Lowest };
        let name = format!("{groups} groups, invert {invert}");
        compare(&mut score, &name, &ranking, ("score", "quantile"), groups.parse().unwrap(), first);
    }
    score.all_passed(cases(618, rows.len()));
}

/// The spreadsheets of the authors of the English indicators: tenths within indicator and region, sevenths within
/// indicator, quarters of everything together. Polarity says which end comes first, save for the last, which is ranked
/// from the highest.
#[test]
fn quantile_groups_agree_with_the_english_indicators() {
    let Some(path) = shared("golden/fixtures/PHEindicatormethods/test_quantiles_ug.csv") else { return };
    let mut score = Score::of("fixtures test_quantiles_ug.csv");
    let rows = rows_of(&path);
    let mut rankings: BTreeMap<[&str; 5], Vec<&Row>> = BTreeMap::new();
    for row in &rows {
        let (set, quantile) = (row.text("GroupSet"), row.text("QuantileNm"));
        let key = match set {
            "None" => [quantile, set, "", "", "TRUE"],
            "IndSex" => [quantile, set, row.text("IndSexRef"), "", row.text("Polarity")],
            _ => [quantile, set, row.text("IndSexRef"), row.text("ParentCode"), row.text("Polarity")],
        };
        rankings.entry(key).or_default().push(row);
    }
    for (key, ranking) in rankings {
        let groups = match key[0] {
            "Quartile" => 4,
            "Septile" => 7,
            _ => 10,
        };
        let first = if key[4] == "TRUE" { FirstGroup::Highest } else { FirstGroup::Lowest };
        compare(&mut score, &key.join(" "), &ranking, ("Value", "QuantileInGrp"), groups, first);
    }
    score.all_passed(rows.len());
}
