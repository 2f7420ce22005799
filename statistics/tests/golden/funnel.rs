//! Funnel plots against R: `FunnelPlotR`, and `calculate_funnel_limits` and `assign_funnel_significance`.
//!
//! Where the peer is wrong on purpose or by slip, the test says so beside the number:
//!
//! - it leaves the widened limits of square roots on the scale of the roots: they are squared here before they are
//!   compared, and `derived_cqc_od_limits_ratio_scale.csv` has them squared;
//! - it lets the sine fold a limit below 0 (or above 1) back into the plot at the largest size: here it is 0 (or 1);
//! - it draws the limits of a ratio of counts with a variance eight times too small: they are compared with the variant
//!   that is named for it.

use std::collections::BTreeMap;

use carecoord_statistics::Result;
use carecoord_statistics::funnel::{
    CountSpread, CurvePoint, Figure, Funnel, Levels, Limits, Options, Overdispersion, Position, ProportionLimits,
    RatioLimits, RatioTransform, Side, Signal, Site, Target, control_limits, funnel, ratio_limits_at_observed,
    ratio_position,
};
use carecoord_statistics::intervals::CountMethod;
use statrs::function::erf::erfc;
use statrs::function::gamma::ln_gamma;

use crate::case::{CLOSED_FORM, Row, Score, cases, close, rows, rows_of};
use crate::peers::shared;

/// The peer rounds the normal quantiles of its widened limits, and of all limits of proportions and ratios of counts.
fn rounded_levels() -> Levels {
    let confidence = |z: f64| 1.0 - erfc(z / std::f64::consts::SQRT_2);
    Levels { alert: confidence(1.959_964), alarm: confidence(3.090_232) }
}

/// Differences of two transformed figures can cancel, as can the angle behind a limit close to 0: they agree to the same
/// number of places as a figure of 0.001 does to nine digits.
fn near(found: f64, wanted: f64) -> bool {
    (found - wanted).abs() <= CLOSED_FORM * wanted.abs().max(1e-3)
}

/// What is wrong in a row, named by column.
#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    fn check(&mut self, what: &str, found: Option<f64>, wanted: Option<f64>, agree: fn(f64, f64) -> bool) {
        // The logarithm of no event is minus infinity for the peer, and no score here.
        let wanted = wanted.filter(|wanted| wanted.is_finite());
        let fine = match (found, wanted) {
            (Some(found), Some(wanted)) => agree(found, wanted),
            (found, wanted) => found.is_none() && wanted.is_none(),
        };
        if !fine {
            self.0.push(format!("{what}: wanted {wanted:?}, found {found:?}"));
        }
    }

    fn said(self) -> Option<String> {
        (!self.0.is_empty()).then(|| self.0.join("; "))
    }
}

/// One case of `FunnelPlotR`, plotted here.
struct Case {
    name: String,
    data_type: String,
    multiplier: f64,
    rounded_sizes: bool,
    providers: Vec<String>,
    /// With the exact levels, for the Poisson limits.
    exact: Funnel,
    /// With the peer's rounded levels, for all others.
    rounded: Funnel,
}

fn figure(data_type: &str, method: &str) -> Figure {
    match (data_type, method) {
        ("PR", _) => Figure::Proportion { limits: ProportionLimits::Arcsine },
        ("RC", _) => Figure::CountRatio { spread: CountSpread::QuarterDenominator },
        (_, "SHMI") => Figure::Ratio { limits: RatioLimits::PoissonExact, transform: RatioTransform::Log },
        _ => Figure::Ratio { limits: RatioLimits::PoissonExact, transform: RatioTransform::SquareRoot },
    }
}

fn fpr_cases() -> Vec<Case> {
    let (input, expected) = (rows("funnel/fpr_input.csv"), rows("funnel/fpr_expected.csv"));
    let read = |row: &Row| {
        let name = row.text("case_id");
        let rounded_sizes = row.text("round_expected_2dp") == "true";
        // Some files have a row for each patient: they add up to their provider.
        let mut sums: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
        for row in input.iter().filter(|row| row.text("case_id") == name) {
            let sum = sums.entry(row.text("provider")).or_default();
            *sum = (sum.0 + row.real("numerator"), sum.1 + row.real("denominator"));
        }
        let own = || expected.iter().filter(|row| row.text("case_id") == name);
        let sites: Vec<Site> = own()
            .map(|row| {
                let (numerator, denominator) = sums[row.text("provider")];
                assert!(numerator.fract() == 0.0 && close(numerator, row.real("numerator")), "{name}");
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                let observed = numerator as u64;
                // The peer rounds expected events before it uses them; its table holds the rounded ones.
                Site { observed, size: if rounded_sizes { row.real("denominator") } else { denominator } }
            })
            .collect();
        let (data_type, method, share) = (row.text("data_type"), row.text("sr_method"), row.real("trim_by"));
        let plot = |levels| {
            let options = Options {
                target: if data_type == "SR" { Target::Given(1.0) } else { Target::Pooled },
                levels,
                overdispersion: if method == "SHMI" {
                    Overdispersion::Trimmed { share }
                } else {
                    Overdispersion::Winsorised { share }
                },
            };
            funnel(&sites, figure(data_type, method), &options).unwrap_or_else(|reason| panic!("{name}: {reason}"))
        };
        Case {
            name: name.to_string(),
            data_type: data_type.to_string(),
            multiplier: row.real("multiplier"),
            rounded_sizes,
            providers: own().map(|row| row.text("provider").to_string()).collect(),
            exact: plot(Levels::USUAL),
            rounded: plot(rounded_levels()),
        }
    };
    rows("funnel/fpr_cases.csv").iter().map(read).collect()
}

fn case_of<'a>(found: &'a [Case], row: &Row) -> &'a Case {
    found.iter().find(|case| case.name == row.text("case_id")).unwrap()
}

fn tau_squared(plot: &Funnel) -> f64 {
    plot.dispersion.unwrap().unwrap().tau_squared
}

impl Case {
    /// The four limits of a row with their columns; `prefix` is empty or `od_`.
    fn check_limits(&self, faults: &mut Faults, row: &Row, prefix: &str, found: &Limits, size: f64) {
        let between = if prefix.is_empty() { 0.0 } else { tau_squared(&self.rounded) };
        let columns = [
            ("ll998", found.alarm_low, -3.090_232),
            ("ll95", found.alert_low, -1.959_964),
            ("ul95", found.alert_high, 1.959_964),
            ("ul998", found.alarm_high, 3.090_232),
        ];
        for (column, found, z) in columns {
            let column = format!("{prefix}{column}");
            let (found, theirs) = (found * self.multiplier, row.real(&column));
            let mut wanted = theirs;
            if self.on_root_scale(prefix) {
                wanted = self.multiplier * (theirs / self.multiplier).max(0.0).powi(2);
            }
            if self.data_type == "PR" {
                let angle = self.rounded.target.sqrt().asin() + z * (0.25 / size + between).sqrt();
                let outside = !(0.0..=std::f64::consts::FRAC_PI_2).contains(&angle);
                let folded = close(theirs, self.multiplier * angle.sin().powi(2));
                if outside && folded {
                    wanted = if angle < 0.0 { 0.0 } else { self.multiplier };
                }
            }
            faults.check(&column, Some(found), Some(wanted), near);
        }
    }

    fn on_root_scale(&self, prefix: &str) -> bool {
        let root = Figure::Ratio { limits: RatioLimits::PoissonExact, transform: RatioTransform::SquareRoot };
        prefix == "od_" && self.exact.figure == root
    }

    /// The plain limits: by exact levels for standardised ratios, by rounded ones for the others.
    fn plain(&self) -> &Funnel {
        if self.data_type == "SR" { &self.exact } else { &self.rounded }
    }
}

#[test]
fn the_spread_between_sites_agrees_with_funnelplotr() {
    let file = "funnel/fpr_cases.csv";
    let mut score = Score::of(file);
    let (found, rows) = (fpr_cases(), rows(file));
    for row in &rows {
        let plot = &case_of(&found, row).exact;
        let mut faults = Faults::default();
        let dispersion = plot.dispersion.unwrap().unwrap();
        faults.check("phi", Some(dispersion.phi), row.number("phi"), close);
        faults.check("tau2", Some(dispersion.tau_squared), row.number("tau2"), near);
        faults.check("target", Some(plot.target), row.number("target"), close);
        faults.check("n_used", Some(dispersion.used as f64), row.number("n_used"), close);
        faults.check("n_providers", Some(plot.sites.len() as f64), row.number("n_providers"), close);
        if dispersion.is_adjusted() != (row.real("tau2") > 0.0) {
            faults.0.push("whether the limits were widened".into());
        }
        score.case(row.text("case_id"), faults.said());
    }
    score.all_passed(cases(17, rows.len()));
}

#[test]
fn sites_agree_with_funnelplotr() {
    let file = "funnel/fpr_expected.csv";
    let mut score = Score::of(file);
    let (found, rows) = (fpr_cases(), rows(file));
    for row in &rows {
        let case = case_of(&found, row);
        let place = case.providers.iter().position(|provider| provider == row.text("provider")).unwrap();
        let (plain, widened) = (case.plain().sites[place].unwrap(), case.rounded.sites[place].unwrap());
        let size = row.real("denominator");
        let mut faults = Faults::default();
        if !case.rounded_sizes {
            // Where the peer rounds expected events, this one column is still made of the others.
            faults.check("ratio", Some(plain.value), row.number("ratio"), close);
        }
        faults.check("y_transformed", plain.transformed, row.number("y_transformed"), near);
        faults.check("z_unadjusted", plain.z, row.number("z_unadjusted"), near);
        faults.check("z_trimmed", plain.z_used, row.number("z_trimmed"), near);
        case.check_limits(&mut faults, row, "", &plain.limits, size);
        case.check_limits(&mut faults, row, "od_", &widened.adjusted_limits.unwrap(), size);
        let flagged = if case.on_root_scale("od_") {
            // The peer compares the ratio with limits of its root: its flags are not to be followed.
            let limit = |column: &str| (row.real(column) / case.multiplier).max(0.0).powi(2);
            plain.value < limit("od_ll998") || plain.value > limit("od_ul998")
        } else {
            row.text("outlier_od_998") == "true"
        };
        if (widened.adjusted_position.unwrap().signal == Signal::Alarm) != flagged {
            faults.0.push(format!("outlier: wanted {flagged}"));
        }
        score.case(&format!("{} {}", case.name, row.text("provider")), faults.said());
    }
    score.all_passed(cases(762, rows.len()));
}

#[test]
fn curves_agree_with_funnelplotr() {
    let file = "funnel/fpr_limits_lookup.csv";
    let mut score = Score::of(file);
    let (found, rows) = (fpr_cases(), rows(file));
    for row in &rows {
        let case = case_of(&found, row);
        let size = row.real("denominator");
        let mut faults = Faults::default();
        let at = |plot: &Funnel| -> Result<CurvePoint> { plot.limits_at(size) };
        match (at(case.plain()), at(&case.rounded)) {
            (Ok(plain), Ok(widened)) => {
                case.check_limits(&mut faults, row, "", &plain.limits, size);
                case.check_limits(&mut faults, row, "od_", &widened.adjusted_limits.unwrap(), size);
            }
            found => faults.0.push(format!("{found:?}")),
        }
        score.case(&format!("{} at {size}", case.name), faults.said());
    }
    score.all_passed(cases(425, rows.len()));
}

/// The widened limits of square roots on the scale of the ratio, as they should be.
#[test]
fn limits_of_square_roots_are_brought_back() {
    let file = "funnel/derived_cqc_od_limits_ratio_scale.csv";
    let mut score = Score::of(file);
    let (found, rows) = (fpr_cases(), rows(file));
    for row in &rows {
        let case = case_of(&found, row);
        let place = case.providers.iter().position(|provider| provider == row.text("provider")).unwrap();
        let limits = case.rounded.sites[place].unwrap().adjusted_limits.unwrap();
        let mut faults = Faults::default();
        let columns = [
            ("od_ll95_ratio_scale", limits.alert_low),
            ("od_ul95_ratio_scale", limits.alert_high),
            ("od_ll998_ratio_scale", limits.alarm_low),
            ("od_ul998_ratio_scale", limits.alarm_high),
        ];
        for (column, found) in columns {
            faults.check(column, Some(found * case.multiplier), row.number(column), close);
        }
        score.case(&format!("{} {}", case.name, row.text("provider")), faults.said());
    }
    score.all_passed(cases(206, rows.len()));
}

/// The words of `assign_funnel_significance`, whose levels are one tail each.
fn words(position: Position) -> String {
    let side = |side: Option<Side>| if side == Some(Side::Low) { "Low" } else { "High" };
    match position.signal {
        Signal::Within => "Not significant".into(),
        Signal::Alert => format!("{} (0.025)", side(position.side)),
        Signal::Alarm => format!("{} (0.001)", side(position.side)),
    }
}

const WILSON: Figure = Figure::Proportion { limits: ProportionLimits::Wilson };

/// Four limits of a percentage, in the columns of `calculate_funnel_limits`.
fn check_percentages(faults: &mut Faults, row: &Row, baseline: f64, agree: fn(f64, f64) -> bool) {
    let size = row.real("Population");
    let found = control_limits(WILSON, baseline, size, Levels::USUAL).and_then(|limits| limits.scaled(100.0)).unwrap();
    faults.check("lower_2s_limit", Some(found.alert_low), row.number("lower_2s_limit"), agree);
    faults.check("upper_2s_limit", Some(found.alert_high), row.number("upper_2s_limit"), agree);
    faults.check("lower_3s_limit", Some(found.alarm_low), row.number("lower_3s_limit"), agree);
    faults.check("upper_3s_limit", Some(found.alarm_high), row.number("upper_3s_limit"), agree);
    faults.check("baseline", Some(baseline * 100.0), row.number("baseline"), agree);
}

fn proportion_sites() -> (Vec<Row>, Funnel) {
    let input = rows("funnel/phe_prop_input.csv");
    let site = |row: &Row| Site { observed: row.count("numerator"), size: row.real("denominator") };
    let sites: Vec<Site> = input.iter().map(site).collect();
    let options = Options { target: Target::Pooled, levels: Levels::USUAL, overdispersion: Overdispersion::None };
    let plot = funnel(&sites, WILSON, &options).unwrap();
    (input, plot)
}

#[test]
fn limits_of_proportions_agree_with_r() {
    let file = "funnel/phe_prop_limits.csv";
    let mut score = Score::of(file);
    let (_, plot) = proportion_sites();
    let rows = rows(file);
    for row in &rows {
        let mut faults = Faults::default();
        check_percentages(&mut faults, row, plot.target, close);
        score.case(row.text("Population"), faults.said());
    }
    score.all_passed(cases(100, rows.len()));
}

#[test]
fn significance_of_proportions_agrees_with_r() {
    let file = "funnel/phe_prop_significance.csv";
    let mut score = Score::of(file);
    let (input, plot) = proportion_sites();
    let rows = rows(file);
    for row in &rows {
        let place = input.iter().position(|other| other.text("area") == row.text("area")).unwrap();
        let (found, wanted) = (words(plot.sites[place].unwrap().verdict), row.text("significance"));
        score.case(row.text("area"), (found != wanted).then(|| format!("wanted {wanted}, found {found}")));
    }
    score.all_passed(cases(40, rows.len()));
}

/// How closely the peer's bisection meets the probability that it looks for.
const BISECTION: f64 = 5e-7;

/// The peer finds expected events by bisection of a probability: they may differ from the exact ones by what its
/// precision moves them, the precision over the slope of the probability there.
fn within_bisection(shape: f64, found: f64, wanted: f64) -> bool {
    let slope = ((shape - 1.0) * found.ln() - found - ln_gamma(shape)).exp();
    (found - wanted).abs() <= BISECTION / slope
}

#[test]
fn limits_of_ratios_agree_with_r() {
    let file = "funnel/phe_ratio_limits.csv";
    let mut score = Score::of(file);
    let rows = rows(file);
    for row in &rows {
        let observed = row.count("Observed_events");
        let found = ratio_limits_at_observed(observed, Levels::USUAL).unwrap();
        let count = observed as f64;
        let mut faults = Faults::default();
        let columns = [
            ("lower_2s", count + 1.0, found.expected.alert_low, found.ratio.alert_low),
            ("upper_2s", count, found.expected.alert_high, found.ratio.alert_high),
            ("lower_3s", count + 1.0, found.expected.alarm_low, found.ratio.alarm_low),
            ("upper_3s", count, found.expected.alarm_high, found.ratio.alarm_high),
        ];
        for (column, shape, expected, ratio) in columns {
            let wanted = row.real(&format!("{column}_exp_events"));
            if !within_bisection(shape, expected, wanted) {
                faults.0.push(format!("{column}_exp_events: wanted {wanted}, found {expected}"));
            }
            // The ratio is the observed over those events, and so as precise as they are.
            let theirs = row.real(&format!("{column}_limit"));
            if !close(ratio * expected / wanted * 100.0, theirs) {
                faults.0.push(format!("{column}_limit: wanted {theirs}, found {ratio}"));
            }
        }
        score.case(row.text("Observed_events"), faults.said());
    }
    score.all_passed(cases(100, rows.len()));
}

#[test]
fn significance_of_ratios_agrees_with_r() {
    let file = "funnel/phe_ratio_significance.csv";
    let mut score = Score::of(file);
    let rows = rows(file);
    for row in &rows {
        let (observed, expected) = (row.count("observed"), row.real("expected"));
        let found = ratio_position(observed, expected, Levels::USUAL, CountMethod::ByarOrExact).map(words);
        let wanted = row.text("significance");
        let agrees = found.as_deref() == Ok(wanted);
        score.case(row.text("area"), (!agrees).then(|| format!("wanted {wanted}, found {found:?}")));
    }
    score.all_passed(cases(35, rows.len()));
}

/// The spreadsheets of the authors of the English indicators. Their numerators were estimated and are not whole, so that
/// the limits are asked for by themselves; their limits have six decimals.
#[test]
fn proportions_agree_with_the_english_indicators() {
    let folder = "golden/fixtures/PHEindicatormethods";
    let files = ["test_funnel_inputs.csv", "test_funnel_outputs.csv"];
    let [Some(inputs), Some(outputs)] = files.map(|file| shared(&format!("{folder}/{file}"))) else { return };
    let (inputs, outputs) = (rows_of(&inputs), rows_of(&outputs));
    let sum = |column: &str| inputs.iter().map(|row| row.real(column)).sum::<f64>();
    let baseline = sum("numerator") / sum("denominator");

    let mut score = Score::of("fixtures test_funnel_outputs.csv");
    for row in &outputs {
        let mut faults = Faults::default();
        check_percentages(&mut faults, row, baseline, |found, wanted| (found - wanted).abs() < 1e-6);
        score.case(row.text("Population"), faults.said());
    }
    score.all_passed(outputs.len());

    let mut score = Score::of("fixtures test_funnel_inputs.csv");
    for row in &inputs {
        let size = row.real("denominator");
        let limits = control_limits(WILSON, baseline, size, Levels::USUAL).unwrap();
        let (found, wanted) = (words(limits.position(row.real("numerator") / size)), row.text("significance"));
        score.case(row.text("Area"), (found != wanted).then(|| format!("wanted {wanted}, found {found}")));
    }
    score.all_passed(inputs.len());
}

/// The peer's own test data; what it must give is written in the notes beside the golden files.
#[test]
fn the_peers_own_example_agrees() {
    let Some(input) = shared("golden/fixtures/FunnelPlotR/test_funnel_plot_input.csv") else { return };
    let Some(notes) = shared("golden/README.md") else { return };
    let notes = std::fs::read_to_string(notes).unwrap();
    let (_, notes) = notes.split_once("phi must round to ").unwrap();
    let numbers: Vec<f64> = notes
        .split(['\n', ' ', ',', ';', ':'])
        .take_while(|word| *word != "runcharter")
        .filter_map(|word| word.trim_end_matches('.').parse().ok())
        .collect();
    let [phi, _, _, _, limits @ ..] = &numbers[..] else { panic!("{numbers:?}") };
    let expected = &numbers[1..4];
    let site = |row: &Row| Site { observed: row.count("num"), size: row.real("denom") };
    let sites: Vec<Site> = rows_of(&input).iter().map(site).collect();
    let log = figure("SR", "SHMI");
    let options = Options {
        target: Target::Given(1.0),
        levels: Levels::USUAL,
        overdispersion: Overdispersion::Trimmed { share: 0.1 },
    };
    let found = funnel(&sites, log, &options).unwrap();
    let dispersion = found.dispersion.unwrap().unwrap();
    assert!((dispersion.phi - phi).abs() < 5e-7, "{dispersion:?}");

    let mut score = Score::of("notes on fixtures/FunnelPlotR");
    for (place, &size) in expected.iter().enumerate() {
        let found = control_limits(log, 1.0, size, Levels::USUAL).unwrap();
        let columns = [found.alert_low, found.alert_high, found.alarm_low, found.alarm_high];
        for (column, found) in columns.into_iter().enumerate() {
            let wanted = limits[3 * column + place];
            let agrees = (found - wanted).abs() <= 5e-7 * wanted.max(1.0) * 10.0;
            score.case(&format!("{size} {column}"), (!agrees).then(|| format!("wanted {wanted}, found {found}")));
        }
    }
    score.all_passed(4 * expected.len());
}
