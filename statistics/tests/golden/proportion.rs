//! Proportions against R (`phe_proportion`, `prop.test`, `binom.test`) and statsmodels.

use carecoord_statistics::Result;
use carecoord_statistics::intervals::{Interval, clopper_pearson, wilson};

use crate::case::{Score, rows};

type Compute = fn(u64, u64, f64) -> Result<Interval>;

fn compare(file: &'static str, columns: &[(&str, Compute)], expected: usize) {
    let mut score = Score::of(file);
    for row in rows(file) {
        let (x, n, confidence) = (row.count("x"), row.count("n"), row.real("confidence"));
        for (column, compute) in columns {
            let name = format!("{column} {x}/{n} at {confidence}");
            let limits = (row.number(&format!("{column}_lower")), row.number(&format!("{column}_upper")));
            score.interval(&name, &compute(x, n, confidence), x as f64 / n as f64, limits);
        }
    }
    score.all_passed(expected);
}

#[test]
fn proportions_agree_with_r() {
    let columns: [(&str, Compute); 3] =
        [("wilson_phe", wilson), ("wilson_proptest", wilson), ("clopper_pearson", clopper_pearson)];
    compare("rates/proportion_ci.csv", &columns, 162);
}

#[test]
fn proportions_agree_with_statsmodels() {
    let columns: [(&str, Compute); 2] = [("wilson", wilson), ("clopper_pearson", clopper_pearson)];
    compare("rates/proportion_ci_statsmodels.csv", &columns, 108);
}
