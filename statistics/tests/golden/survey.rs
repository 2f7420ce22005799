//! Survey scores: the deck of three practices, computed by an independent program, and AHRQ's own print-out.

use std::collections::BTreeMap;

use carecoord_statistics::survey::{Cahps, CahpsOptions, Missing, Responses, Smoothing, VarianceSmoothing, cahps};

use crate::case::{Row, rows, rows_of};
use crate::peers::shared;

/// Answers of the deck: practices, three items, two adjusters (age, general health).
struct Deck {
    practices: Vec<String>,
    entity: Vec<usize>,
    items: Vec<Vec<Option<f64>>>,
    adjusters: Vec<Vec<Option<f64>>>,
}

impl Deck {
    fn read() -> Self {
        let answers = rows("decks/casemix/casemix_responses.csv");
        let mut practices: Vec<String> = answers.iter().map(|row| row.text("practice").to_owned()).collect();
        practices.dedup();
        let entity =
            answers.iter().map(|row| practices.iter().position(|name| name == row.text("practice")).unwrap()).collect();
        let column = |name: &&str| answers.iter().map(|row: &Row| row.number(name)).collect();
        Self {
            entity,
            practices,
            items: ["i1", "i2", "i3"].iter().map(column).collect(),
            adjusters: ["age", "ghr"].iter().map(column).collect(),
        }
    }

    fn score(&self, options: CahpsOptions) -> Cahps {
        let responses = Responses { entity: &self.entity, items: &self.items, adjusters: &self.adjusters };
        cahps(&responses, options).unwrap()
    }
}

fn options() -> CahpsOptions {
    CahpsOptions::for_scale(1.0, 4.0)
}

#[test]
fn the_casemix_deck_agrees_with_every_variant() {
    let deck = Deck::read();
    let found = deck.score(options());
    let mut failures = Vec::new();
    let mut cases = 0;
    let mut same = |what: String, found: f64, wanted: f64, tolerance: f64| {
        cases += 1;
        if (found - wanted).abs() > tolerance {
            failures.push(format!("{what}: wanted {wanted}, found {found}"));
        }
    };
    // Eight decimals are given.
    let digits = 6e-9;
    for (row, entity) in rows("decks/casemix/casemix_expected_entities.csv").iter().zip(&found.entities) {
        let plan = row.text("plan");
        assert_eq!(deck.practices[entity.entity], plan);
        assert_eq!((entity.records, entity.people), (row.count("total"), row.count("usen")), "{plan}");
        assert_eq!(u64::from(entity.standing.stars()), row.count("stars"), "{plan}");
        for (column, value) in [
            ("una", entity.unadjusted),
            ("adj", entity.adjusted),
            ("diff", entity.difference),
            ("se", entity.standard_error),
            ("cl95", entity.half_width()),
            ("V", entity.variance),
            ("t", entity.t),
            ("p", entity.p),
        ] {
            same(format!("{plan} {column}"), value, row.real(column), digits);
        }
    }
    let wanted: BTreeMap<String, f64> = rows("decks/casemix/casemix_expected_overall.csv")
        .iter()
        .map(|row| (row.text("metric").to_owned(), row.real("value")))
        .collect();
    for (metric, value) in [
        ("overall_mean", found.overall_mean),
        ("grand_mean", found.grand_mean),
        ("F", found.f),
        ("df_num", found.freedom),
        ("df_den", found.freedom_below),
        ("reliability_1_minus_1_over_F", found.reliability),
    ] {
        same(metric.to_owned(), value, wanted[metric], digits);
    }
    // The deck prints the error probability of F as the program does: nothing below 0.0001.
    same("p".to_owned(), found.p.max(0.0001), wanted["p"], digits);
    for (number, item) in found.items.iter().enumerate() {
        let name = format!("i{}", number + 1);
        same(format!("{name} age"), item.coefficients[0], wanted[&format!("coef_{name}_age")], digits);
        same(format!("{name} ghr"), item.coefficients[1], wanted[&format!("coef_{name}_ghr")], digits);
        same(format!("{name} r2"), item.r_squared, wanted[&format!("r2_within_{name}")], digits);
    }
    let no_impute = deck.score(CahpsOptions { missing: Missing::Drop, ..options() });
    let capped = deck.score(CahpsOptions { weight_cap: 20, ..options() });
    let smoothing = VarianceSmoothing { weight: 20.0, formula: Smoothing::Program };
    let smoothed = deck.score(CahpsOptions { smoothing: Some(smoothing), ..options() });
    let unadjusted = cahps(&Responses { entity: &deck.entity, items: &deck.items, adjusters: &[] }, options()).unwrap();
    for (place, practice) in deck.practices.iter().enumerate() {
        for (metric, value) in [
            ("adj_mean_no_impute_", no_impute.entities[place].adjusted),
            ("adj_mean_K20_", capped.entities[place].adjusted),
            ("V_smoothed20_", smoothed.entities[place].variance),
            ("unadjusted_", unadjusted.entities[place].adjusted),
        ] {
            let metric = format!("{metric}{practice}");
            same(metric.clone(), value, wanted[&metric], digits);
        }
    }
    assert_eq!(failures, Vec::<String>::new(), "{} of {cases} cases", failures.len());
    assert_eq!(cases, 24 + 7 + 9 + 12);
}

#[test]
fn smoothing_by_the_manual_pools_variances_of_people() {
    let deck = Deck::read();
    let smooth = |formula| {
        let smoothing = Some(VarianceSmoothing { weight: 20.0, formula });
        deck.score(CahpsOptions { smoothing, ..options() }).entities[2].variance
    };
    // V = 0.03299294 of 9 people; pooled over people: (9 * 10 * 0.01901196 + 9 * 10 * 0.01187835 + 8 * 9 * 0.03299294) / 26.
    let plain: Vec<(f64, f64)> =
        deck.score(options()).entities.iter().map(|entity| (entity.variance, entity.people as f64)).collect();
    let pooled = plain.iter().map(|(v, n)| (n - 1.0) * n * v).sum::<f64>() / 26.0;
    let wanted = (20.0 * pooled / 9.0 + 8.0 * plain[2].0) / 28.0;
    assert!((smooth(Smoothing::Manual) - wanted).abs() < 1e-12);
    assert!((smooth(Smoothing::Manual) - smooth(Smoothing::Program)).abs() > 1e-4);
}

/// The records of AHRQ's test data: one column of them, where a value beyond `highest` or empty is missing.
fn column(records: &[BTreeMap<String, String>], name: &str, highest: f64) -> Vec<Option<f64>> {
    let value = |record: &BTreeMap<String, String>| record[name].parse().ok().filter(|value: &f64| *value <= highest);
    records.iter().map(value).collect()
}

/// The rating of AHRQ's test data, adjusted for general health and age, against the print-out of AHRQ's program.
#[test]
fn ahrqs_own_print_out_is_reproduced() {
    let Some(folder) = shared("data/cahps_q38") else { return };
    let file = std::fs::File::open(folder.join("cc259_test_windows.csv.gz")).unwrap();
    let mut reader = csv::Reader::from_reader(flate2::read::GzDecoder::new(file));
    let records: Vec<BTreeMap<String, String>> = reader.deserialize().map(|record| record.unwrap()).collect();
    assert_eq!(records.len(), 1975);
    // A record without a plan answers about nobody.
    let records: Vec<_> = records.into_iter().filter(|record| !record["PLANID"].is_empty()).collect();
    let plans = column(&records, "PLANID", 99.0);
    let mut ids: Vec<f64> = plans.iter().flatten().copied().collect();
    ids.sort_by(f64::total_cmp);
    ids.dedup();
    let entity: Vec<usize> = plans.iter().flatten().map(|plan| ids.iter().position(|id| id == plan).unwrap()).collect();
    let items = [column(&records, "Q38", 10.0)];
    let adjusters = [column(&records, "Q39", 5.0), column(&records, "Q40", 7.0)];
    let found =
        cahps(&Responses { entity: &entity, items: &items, adjusters: &adjusters }, CahpsOptions::for_scale(0.0, 10.0))
            .unwrap();

    let printed = |name: &str| rows_of(&folder.join(format!("control_{name}q38.csv")));
    let mut cases = 0;
    // To the last digit that floating-point numbers of two programs share, far beyond the printed ones.
    let mut same = |what: &str, found: f64, wanted: f64| {
        assert!((found - wanted).abs() <= 1e-9 * wanted.abs().max(1.0), "{what}: printed {wanted}, found {found}");
        cases += 1;
    };
    let overall = &printed("oa")[0];
    same("overall mean", found.overall_mean, overall.real("OV_MEAN"));
    same("grand mean", found.grand_mean, overall.real("GM"));
    same("F", found.f, overall.real("OVERALLF"));
    same("p", found.p, overall.real("OVERALLP"));
    same("freedom", found.freedom, overall.real("DFR"));
    same("freedom below", found.freedom_below, overall.real("DFE"));
    same("people", found.people as f64, overall.real("NTOT"));
    let plans = printed("sa");
    assert_eq!(plans.len(), found.entities.len());
    for row in &plans {
        // Plans are printed by name and found by number: the one with so many records is the same.
        let records = row.real("ALLN");
        let plan = found.entities.iter().find(|entity| entity.records as f64 == records).unwrap();
        same("people of a plan", plan.people as f64, row.real("USEN"));
        same("unadjusted mean", plan.unadjusted, row.real("UNA_MEAN"));
        same("adjusted mean", plan.adjusted, row.real("ADJ_MEAN"));
        same("standard error", plan.standard_error, row.real("SE"));
        same("half width", plan.half_width(), row.real("CL95"));
        same("difference", plan.difference, row.real("DELTA"));
        same("variance", plan.variance, row.real("VP"));
        same("stars", f64::from(plan.standing.stars()), row.real("MEANING"));
    }
    for row in &printed("c_") {
        let adjuster = ["GHR", "AGE"].iter().position(|name| *name == row.text("_NAME_")).unwrap();
        same("coefficient", found.items[0].coefficients[adjuster], row.real("Q38"));
    }
    // The printed R squared is that of the model with the entities as covariates too.
    assert!(found.items[0].r_squared > 0.0);
    assert_eq!(cases, 7 + 5 * 8 + 2);
    assert_eq!(found.left_out.len(), 1, "the plan with a single record");
}
