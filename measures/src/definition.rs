//! Definitions: a measure is a folder with `measure.toml`, `units.sql` (or `rule.sql`, see [`crate::rule`]) and decks.
//!
//! The catalogue is compiled in; a user's own folders are read from disk and may replace a built-in measure of the
//! same id. A broken definition fails with the measure's name, the file and the reason.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use include_dir::{Dir, include_dir};
use serde::Deserialize;

use crate::codes::{self, Code};
use crate::error::{MeasureError, Result};
use crate::rule;

static CATALOG: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/catalog");
static PREPARED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/prepared");
static WORKLISTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/worklists");

/// How a value is made from units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Numerator units over denominator units; Wilson interval.
    Proportion,
    /// Events over exposure; exact Poisson interval.
    Rate,
    /// A sum over units; t interval of the mean.
    Mean,
    /// The unweighted mean of components' means.
    Composite,
    /// Days until an event: the day by which half of the units have had it, with those still waiting censored and other
    /// ends competing (Aalen–Johansen).
    Time,
}

impl Kind {
    /// The word in results.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Proportion => "proportion",
            Self::Rate => "rate",
            Self::Mean => "mean",
            Self::Composite => "composite",
            Self::Time => "time",
        }
    }
}

/// Which direction is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// Lower values are better.
    Lower,
    /// Higher values are better.
    Higher,
    /// Neither.
    None,
}

impl Better {
    /// The word in results.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Lower => "lower",
            Self::Higher => "higher",
            Self::None => "none",
        }
    }
}

/// The feed that carries a measure's follow-up event: how long its rows take to come in (`measures.md` 0.4, [P]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feed {
    /// Electronic health record or admission messages: 3 days.
    Ehr,
    /// Pharmacy claims: 30 days.
    Pharmacy,
    /// Professional and facility claims: 90 days.
    Claims,
}

impl Feed {
    /// Run-out R in days.
    #[must_use]
    pub fn runout_days(self) -> i64 {
        match self {
            Self::Ehr => 3,
            Self::Pharmacy => 30,
            Self::Claims => 90,
        }
    }
}

/// Which units are kept row by row in results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreUnits {
    /// All of them.
    #[default]
    All,
    /// Those with something in the numerator; the others are rows of `prepared.person_month`.
    WithEvents,
}

/// A parameter bound to a measure's SQL.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Param {
    /// A whole number.
    Integer(i64),
    /// A text, for example the name of a code set.
    Text(String),
}

impl std::fmt::Display for Param {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Integer(number) => write!(out, "{number}"),
            Self::Text(text) => out.write_str(text),
        }
    }
}

/// Something that a reader must know of a run's way of computing a measure.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Caveat {
    /// The caveat holds unless the lake holds these rows.
    pub unless_rows: Option<NeededRows>,
    /// The caveat holds only where the lake holds these rows.
    pub if_rows: Option<NeededRows>,
    /// What to know.
    pub text: String,
}

/// A subgroup whose groups have units of their own: the measure's SQL reads another view for it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Apart {
    /// Number of the subgroup, from 1.
    pub subgroup: usize,
    /// The prepared view that the SQL reads.
    pub read: String,
    /// The one that it reads for this subgroup: the same columns and other units.
    pub instead: String,
}

/// Rows that the lake must hold for a measure to mean something.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NeededRows {
    /// Table of the lake.
    pub table: String,
    /// SQL condition on its rows.
    #[serde(rename = "where")]
    pub condition: String,
    /// What they are, in words, for the refusal.
    #[serde(default)]
    pub what: String,
}

/// The composite of a survey instrument that a measure scores.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstrumentUse {
    /// Key of the instrument.
    pub key: String,
    /// Its version; any where there is none.
    pub version: Option<String>,
    /// Key of the composite; none for measures of the whole instrument.
    pub composite: Option<String>,
}

impl InstrumentUse {
    /// The answers that the lake must hold.
    #[must_use]
    pub fn rows(&self) -> NeededRows {
        let quoted = |text: &str| text.replace('\'', "''");
        let version = self.version.as_deref().map(|version| {
            let version = quoted(version);
            format!(" and (version_key(version) = version_key('{version}') or version is null)")
        });
        NeededRows {
            table: "survey_response".to_owned(),
            condition: format!("lower(trim(instrument)) = '{}'{}", quoted(&self.key), version.unwrap_or_default()),
            what: format!("answers to {} {}", self.key, self.version.as_deref().unwrap_or_default())
                .trim_end()
                .to_owned(),
        }
    }
}

/// How organizations' composites are compared after adjustment for case mix.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseMix {
    /// Lowest value of the scale.
    pub low: f64,
    /// Highest value of the scale.
    pub high: f64,
    /// Cap K of the weight of items; 1 weighs all alike.
    #[serde(default = "equal_weights")]
    pub weight_cap: u64,
    /// Whether a missing adjuster is taken as the organization's mean; else the person is left out.
    #[serde(default = "yes")]
    pub impute: bool,
    /// An organization stands out only if it differs by this share of the distance to the nearer end of the scale.
    #[serde(default)]
    pub change: f64,
    /// And by at least so much.
    #[serde(default)]
    pub least_difference: f64,
    /// Smoothing of variances; none unless stated.
    pub smoothing: Option<Smoothing>,
}

/// How far variances of organizations are drawn towards their average.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Smoothing {
    /// Weight of the average, in answers: the manual takes 25 for ratings, 20 for composites, 15 for items.
    pub weight: f64,
    /// Whose formula: the program's, or its manual's.
    pub formula: SmoothingFormula,
}

/// Whose formula of smoothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmoothingFormula {
    /// That of the program as it runs.
    Program,
    /// That of its manual.
    Manual,
}

fn yes() -> bool {
    true
}

fn equal_weights() -> u64 {
    1
}

/// One text or several.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(untagged)]
enum Several {
    /// None.
    #[default]
    None,
    /// One.
    One(String),
    /// A list.
    Many(Vec<String>),
}

impl Several {
    fn list(self) -> Vec<String> {
        match self {
            Self::None => Vec::new(),
            Self::One(text) => vec![text],
            Self::Many(texts) => texts,
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct MeasureFile {
    family: String,
    /// The cohort that the units are of; one of its own unless stated.
    cohort: Option<String>,
    kind: Kind,
    unit_name: String,
    better: Better,
    #[serde(default = "one")]
    multiplier: f64,
    value_unit: String,
    decimals: i64,
    feed: Feed,
    #[serde(default)]
    periods: Vec<String>,
    #[serde(default)]
    count_immature: bool,
    /// Whether earlier months are as whole as later ones; where not, no chart is judged.
    #[serde(default = "yes")]
    months_comparable: bool,
    #[serde(default)]
    store_units: StoreUnits,
    steward: String,
    version: String,
    why: String,
    rule: String,
    sources: Vec<String>,
    #[serde(default)]
    atlas: Vec<String>,
    #[serde(default)]
    needs: Vec<String>,
    #[serde(default)]
    needs_any: Vec<String>,
    #[serde(default)]
    needs_rows: Vec<NeededRows>,
    #[serde(default)]
    feeds: Vec<NeededRows>,
    #[serde(default)]
    caveats: Vec<Caveat>,
    #[serde(default)]
    subgroup: Several,
    apart: Option<Apart>,
    variant: Vec<Variant>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Variant {
    id: String,
    code: String,
    title: String,
    #[serde(default = "last")]
    position: i64,
    #[serde(default)]
    window_days: i64,
    kind: Option<Kind>,
    #[serde(default)]
    cascade: String,
    #[serde(default)]
    risk_adjusted: bool,
    case_mix: Option<CaseMix>,
    instrument: Option<InstrumentUse>,
    multiplier: Option<f64>,
    value_unit: Option<String>,
    better: Option<Better>,
    steward: Option<String>,
    #[serde(default)]
    sources: Vec<String>,
    #[serde(default)]
    atlas: Vec<String>,
    #[serde(default)]
    needs: Vec<String>,
    #[serde(default)]
    needs_rows: Vec<NeededRows>,
    #[serde(default)]
    feeds: Vec<NeededRows>,
    #[serde(default)]
    params: BTreeMap<String, Param>,
}

/// Measures that do not say their place come after those that do.
fn last() -> i64 {
    99
}

fn one() -> f64 {
    1.0
}

/// A measure: one variant of a definition, ready to run.
#[derive(Debug, Clone)]
pub struct Measure {
    /// Id, for example `readmission.unplanned_30`.
    pub id: String,
    /// Short code in the specification.
    pub code: String,
    /// Title.
    pub title: String,
    /// Family.
    pub family: String,
    /// Place within its family in lists and reports; the headline is 1.
    pub position: i64,
    /// The cohort that the units are of. Measures of one cohort share its units: these are completed and stored once.
    pub cohort: String,
    /// How the value is made.
    pub kind: Kind,
    /// What one unit is.
    pub unit_name: String,
    /// Which direction is good.
    pub better: Better,
    /// Multiplier of the displayed value.
    pub multiplier: f64,
    /// Unit of the displayed value.
    pub value_unit: String,
    /// Decimals to show.
    pub decimals: i64,
    /// Look-forward window W in days.
    pub window_days: i64,
    /// Feed of the follow-up event.
    pub feed: Feed,
    /// Lengths of period it is made for: month, quarter, year.
    pub periods: Vec<String>,
    /// Whether units that are not mature count in provisional values: only for year-to-date measures.
    pub count_immature: bool,
    /// Whether earlier months are as whole as later ones; where not, no chart is judged.
    pub months_comparable: bool,
    /// Which units are kept row by row.
    pub store_units: StoreUnits,
    /// Steward.
    pub steward: String,
    /// Version.
    pub version: String,
    /// Why it matters.
    pub why: String,
    /// The rule in words.
    pub rule: String,
    /// Sources with marks of certainty.
    pub sources: Vec<String>,
    /// Atlas cells.
    pub atlas: Vec<String>,
    /// `table.column` that the extracts must offer.
    pub needs: Vec<String>,
    /// `table.column`, at least one of which the extracts must offer.
    pub needs_any: Vec<String>,
    /// Rows that the lake must hold.
    pub needs_rows: Vec<NeededRows>,
    /// Rows that come month after month and that the value rests on: a month without them has none.
    pub feeds: Vec<NeededRows>,
    /// What a reader must know.
    pub caveats: Vec<Caveat>,
    /// Parameters bound to the SQL, beside those of every measure.
    pub params: BTreeMap<String, Param>,
    /// What the measure's own columns `subgroup`, `subgroup_2` and `subgroup_3` say, in words, in this order.
    pub subgroups: Vec<String>,
    /// The subgroup that has units of its own.
    pub apart: Option<Apart>,
    /// The cascade that it is a step of, in words; steps follow each other by `position`. Empty for none.
    pub cascade: String,
    /// The composite of a survey instrument that it scores; bound to the SQL as `$instrument`, `$instrument_version` and
    /// `$composite`.
    pub instrument: Option<InstrumentUse>,
    /// For composites that are compared between organizations after adjustment for case mix: how, and the SQL that yields
    /// people's answers and adjusters.
    pub case_mix: Option<(CaseMix, String)>,
    /// SQL that says of each unit what risk adjustment needs, for variants that are adjusted.
    pub risk_sql: Option<String>,
    /// The code sets that the measure brings.
    pub codes: Vec<Code>,
    /// The SQL that yields units.
    pub sql: String,
    /// The file that it stands in: `units.sql`, or `rule.sql` where it is a rule on the rows of a cohort.
    pub sql_file: &'static str,
    /// The SQL that yields units for each payer, where a payer's numerator is its own (what it paid). Without it a unit counts
    /// at every payer that covers the patient in its month.
    pub by_payer: Option<String>,
    /// The definition whole: `measure.toml` and its SQL.
    pub definition: String,
    /// Folder within the catalogue, or on disk.
    pub folder: String,
}

/// How the SQL of a definition joins the table of its variants: a row for each, with `variant` (its id), `window_days`, and its
/// parameters. Such a text yields the units of all variants at once, and says in its column `variant` which one a unit is of.
pub const VARIANTS: &str = "cross join variant";

impl Measure {
    /// Whether the SQL yields the units of all variants of the definition at once.
    #[must_use]
    pub fn shares_a_pass(&self) -> bool {
        !variants_joined(&self.sql).is_empty()
    }

    /// Whether a unit is one person in one month, which the unit's name says: a year's units are of fewer people.
    #[must_use]
    pub fn counts_member_months(&self) -> bool {
        self.unit_name == "member-month"
    }

    /// BLAKE3 hash of the definition with its id.
    #[must_use]
    pub fn definition_hash(&self) -> String {
        blake3::hash(format!("{}\n{}", self.id, self.definition).as_bytes()).to_hex()[..16].to_owned()
    }
}

/// The built-in catalogue, by family and id.
///
/// # Errors
/// When a built-in definition is broken, which a test rules out.
pub fn catalog() -> Result<Vec<Measure>> {
    let mut measures = Vec::new();
    for family in CATALOG.dirs() {
        for folder in family.dirs() {
            let name = folder.path().to_string_lossy().into_owned();
            let text = |file: &str| {
                let found = folder.get_file(folder.path().join(file)).and_then(include_dir::File::contents_utf8);
                found.ok_or_else(|| broken(&name, file, "is missing"))
            };
            let more = More {
                codes: text("codes.csv").ok(),
                risk: text("risk.sql").ok(),
                case_mix: text("case_mix.sql").ok(),
                by_payer: text("units_by_payer.sql").ok(),
            };
            let sql = match (text(RULE), text(UNITS)) {
                (Ok(_), Ok(_)) => return Err(broken(&name, RULE, TWO_FILES)),
                (Ok(rule), Err(_)) => Sql { file: RULE, text: rule },
                (Err(_), units) => Sql { file: UNITS, text: units? },
            };
            measures.extend(parse(&name, text("measure.toml")?, &sql, &more)?);
        }
    }
    sorted(measures)
}

/// The built-in catalogue with a user's folders laid over it: each folder holds measures' folders.
///
/// # Errors
/// When a definition is broken or a folder cannot be read.
pub fn catalog_with(folders: &[std::path::PathBuf]) -> Result<Vec<Measure>> {
    let mut measures = catalog()?;
    for root in folders {
        for folder in measure_folders(root)? {
            let name = folder.display().to_string();
            let text = |file: &str| {
                fs::read_to_string(folder.join(file)).map_err(|error| broken(&name, file, &error.to_string()))
            };
            let if_there = |file: &str| folder.join(file).is_file().then(|| text(file)).transpose();
            let (codes, risk, case_mix) = (if_there("codes.csv")?, if_there("risk.sql")?, if_there("case_mix.sql")?);
            let by_payer = if_there("units_by_payer.sql")?;
            let more = More {
                codes: codes.as_deref(),
                risk: risk.as_deref(),
                case_mix: case_mix.as_deref(),
                by_payer: by_payer.as_deref(),
            };
            let rule = if_there(RULE)?;
            if rule.is_some() && folder.join(UNITS).is_file() {
                return Err(broken(&name, RULE, TWO_FILES));
            }
            let (file, text_of_file) = match rule {
                Some(rule) => (RULE, rule),
                None => (UNITS, text(UNITS)?),
            };
            for own in parse(&name, &text("measure.toml")?, &Sql { file, text: &text_of_file }, &more)? {
                measures.retain(|other| other.id != own.id);
                measures.push(own);
            }
        }
    }
    sorted(measures)
}

fn measure_folders(root: &Path) -> Result<Vec<std::path::PathBuf>> {
    let name = root.display().to_string();
    let unreadable = |error: std::io::Error| broken(&name, "folder of measures", &error.to_string());
    let mut found = Vec::new();
    if root.join("measure.toml").is_file() {
        found.push(root.to_owned());
        return Ok(found);
    }
    let mut entries: Vec<_> =
        fs::read_dir(root).map_err(unreadable)?.collect::<std::io::Result<Vec<_>>>().map_err(unreadable)?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries.iter().filter(|entry| entry.path().is_dir() && entry.file_name() != "cases") {
        found.extend(measure_folders(&entry.path())?);
    }
    Ok(found)
}

fn sorted(mut measures: Vec<Measure>) -> Result<Vec<Measure>> {
    measures
        .sort_by(|one, other| (&one.family, one.position, &one.id).cmp(&(&other.family, other.position, &other.id)));
    let mut ids = std::collections::BTreeSet::new();
    if let Some(again) = measures.iter().find(|measure| !ids.insert(measure.id.as_str())) {
        return Err(broken(&again.id, &again.folder, "another measure has the same id"));
    }
    Ok(measures)
}

fn broken(measure: &str, file: &str, reason: &str) -> MeasureError {
    MeasureError::Definition { measure: measure.to_owned(), file: file.to_owned(), reason: reason.to_owned() }
}

/// Columns of units that a measure may split by itself.
pub const SUBGROUPS: [&str; 3] = ["subgroup", "subgroup_2", "subgroup_3"];

/// The files of which a measure has one: the SQL that yields its units, or a rule on the rows of its cohort.
const UNITS: &str = "units.sql";
const RULE: &str = "rule.sql";
const TWO_FILES: &str = "the folder has units.sql too; keep one of the two files";

/// The text of one of them.
struct Sql<'a> {
    file: &'static str,
    text: &'a str,
}

impl Sql<'_> {
    /// The query that yields the units, and the text of the definition.
    fn query(&self, cohort: &str) -> std::result::Result<(String, String), String> {
        let Self { file, text } = self;
        if *file == UNITS {
            return Ok(((*text).to_owned(), format!("\n-- {file}\n{text}")));
        }
        let of_cohort = rule::cohort_sql(cohort).ok_or_else(|| {
            format!("the rule needs a cohort; cohort = {cohort:?} is none of {}", rule::cohorts().join(", "))
        })?;
        let definition = format!("\n-- {file}\n{text}\n-- cohorts/{cohort}.sql\n{of_cohort}");
        Ok((rule::with_cohort(text, of_cohort), definition))
    }
}

/// The files that a measure may have beside those that it must have.
#[derive(Default)]
struct More<'a> {
    codes: Option<&'a str>,
    risk: Option<&'a str>,
    case_mix: Option<&'a str>,
    by_payer: Option<&'a str>,
}

/// What a definition's file says of its other files, and of the lake's columns.
fn check_file(folder: &str, file: &MeasureFile, subgroups: usize, more: &More<'_>) -> Result<()> {
    let needs = file.needs.iter().chain(&file.needs_any).chain(file.variant.iter().flat_map(|variant| &variant.needs));
    if let Some(odd) = needs.into_iter().find(|need| !names_a_column(need)) {
        return Err(broken(
            folder,
            "measure.toml",
            &format!("needs names {odd}, which is no table.column of the lake"),
        ));
    }
    if more.risk.is_none() && file.variant.iter().any(|variant| variant.risk_adjusted) {
        return Err(broken(folder, "measure.toml", "risk_adjusted needs a file risk.sql"));
    }
    if more.case_mix.is_none() && file.variant.iter().any(|variant| variant.case_mix.is_some()) {
        return Err(broken(folder, "measure.toml", "case_mix needs a file case_mix.sql"));
    }
    let scores = |used: &InstrumentUse| used.composite.is_some() && used.version.is_none();
    if file.variant.iter().filter_map(|variant| variant.instrument.as_ref()).any(scores) {
        return Err(broken(folder, "measure.toml", "instrument names a composite and no version"));
    }
    if subgroups > SUBGROUPS.len() {
        return Err(broken(folder, "measure.toml", &format!("a measure has at most {} subgroups", SUBGROUPS.len())));
    }
    if file.apart.as_ref().is_some_and(|apart| !(1..=subgroups).contains(&apart.subgroup)) {
        return Err(broken(folder, "measure.toml", "apart names a subgroup that the measure does not have"));
    }
    Ok(())
}

fn parse(folder: &str, toml_text: &str, sql: &Sql<'_>, more: &More<'_>) -> Result<Vec<Measure>> {
    let file: MeasureFile =
        toml::from_str(toml_text).map_err(|error| broken(folder, "measure.toml", &error.to_string()))?;
    let periods = if file.periods.is_empty() {
        ["month", "quarter", "year"].map(str::to_owned).to_vec()
    } else {
        file.periods.clone()
    };
    if let Some(odd) = periods.iter().find(|period| !["month", "quarter", "year"].contains(&period.as_str())) {
        return Err(broken(folder, "measure.toml", &format!("periods holds {odd}; month, quarter and year are known")));
    }
    let subgroups = file.subgroup.clone().list();
    check_file(folder, &file, subgroups.len(), more)?;
    let codes = match more.codes {
        Some(text) => codes::parse(text).map_err(|reason| broken(folder, "codes.csv", &reason))?,
        None => Vec::new(),
    };
    let named = |name: &str, text: Option<&str>| text.map(|text| format!("\n-- {name}\n{text}")).unwrap_or_default();
    let more_text = named("codes.csv", more.codes)
        + &named("risk.sql", more.risk)
        + &named("case_mix.sql", more.case_mix)
        + &named("units_by_payer.sql", more.by_payer);
    let first = file.variant.first().map(|variant| variant.id.clone()).unwrap_or_default();
    let cohort = file.cohort.clone().unwrap_or(first);
    let (query, text) = sql.query(&cohort).map_err(|reason| broken(folder, sql.file, &reason))?;
    let measures = file.variant.iter().map(|variant| Measure {
        id: variant.id.clone(),
        code: variant.code.clone(),
        title: variant.title.clone(),
        family: file.family.clone(),
        cohort: cohort.clone(),
        position: variant.position,
        kind: variant.kind.unwrap_or(file.kind),
        unit_name: file.unit_name.clone(),
        better: variant.better.unwrap_or(file.better),
        multiplier: variant.multiplier.unwrap_or(file.multiplier),
        value_unit: variant.value_unit.clone().unwrap_or_else(|| file.value_unit.clone()),
        decimals: file.decimals,
        window_days: variant.window_days,
        feed: file.feed,
        periods: periods.clone(),
        count_immature: file.count_immature,
        months_comparable: file.months_comparable,
        store_units: file.store_units,
        steward: variant.steward.clone().unwrap_or_else(|| file.steward.clone()),
        version: file.version.clone(),
        why: file.why.clone(),
        rule: file.rule.trim().to_owned(),
        sources: file.sources.iter().chain(&variant.sources).cloned().collect(),
        atlas: file.atlas.iter().chain(&variant.atlas).cloned().collect(),
        needs: file.needs.iter().chain(&variant.needs).cloned().collect(),
        needs_any: file.needs_any.clone(),
        needs_rows: file
            .needs_rows
            .iter()
            .chain(&variant.needs_rows)
            .cloned()
            .chain(variant.instrument.as_ref().map(InstrumentUse::rows))
            .collect(),
        feeds: file.feeds.iter().chain(&variant.feeds).cloned().collect(),
        caveats: file.caveats.clone(),
        params: params(variant),
        subgroups: subgroups.clone(),
        apart: file.apart.clone(),
        cascade: variant.cascade.clone(),
        instrument: variant.instrument.clone(),
        case_mix: variant.case_mix.zip(more.case_mix.map(str::to_owned)),
        risk_sql: more.risk.filter(|_| variant.risk_adjusted).map(str::to_owned),
        codes: codes.clone(),
        sql: query.clone(),
        sql_file: sql.file,
        by_payer: more.by_payer.map(str::to_owned),
        definition: format!("{toml_text}{text}{more_text}"),
        folder: folder.to_owned(),
    });
    let measures: Vec<Measure> = measures.collect();
    for measure in &measures {
        check(measure).map_err(|reason| broken(folder, "measure.toml", &reason))?;
    }
    Ok(measures)
}

/// Longest window, in days: what follows a unit lies within ten years, and a date far beyond has no meaning.
const LONGEST_WINDOW: i64 = 3_660;

/// What a definition's words and numbers may be: ids become names of files, and a number that is not finite would make every
/// value of the measure none.
fn check(measure: &Measure) -> std::result::Result<(), String> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'.';
    let id = &measure.id;
    if id.is_empty() || id.len() > 100 || !id.bytes().all(plain) || id.starts_with('.') || id.ends_with('.') {
        return Err(format!(
            "id = {id:?}: write it with small letters, digits, underscores and dots, for example \"referral.seen_30\""
        ));
    }
    let cohort = &measure.cohort;
    if cohort.is_empty()
        || cohort.len() > 100
        || !cohort.bytes().all(plain)
        || cohort.starts_with('.')
        || cohort.ends_with('.')
    {
        return Err(format!(
            "cohort = {cohort:?}: write it with small letters, digits, underscores and dots, for example \"referral\""
        ));
    }
    if !(measure.multiplier.is_finite() && measure.multiplier > 0.0) {
        return Err(format!("{id}: multiplier = {}; give a number above 0", measure.multiplier));
    }
    if !(0..=9).contains(&measure.decimals) {
        return Err(format!("{id}: decimals = {}; 0 to 9 are possible", measure.decimals));
    }
    if !(0..=LONGEST_WINDOW).contains(&measure.window_days) {
        return Err(format!("{id}: window_days = {}; 0 to {LONGEST_WINDOW} are possible", measure.window_days));
    }
    if let Some((mix, _)) = &measure.case_mix {
        let smoothing = mix.smoothing.map_or(0.0, |smoothing| smoothing.weight);
        let numbers = [mix.low, mix.high, mix.change, mix.least_difference, smoothing];
        if numbers.iter().any(|number| !number.is_finite()) || mix.low >= mix.high {
            return Err(format!("{id}: the numbers of case_mix must be finite, and low below high"));
        }
    }
    Ok(())
}

/// A variant's parameters, with those that say which composite it scores.
fn params(variant: &Variant) -> BTreeMap<String, Param> {
    let mut params = variant.params.clone();
    if let Some(used) = &variant.instrument {
        let mut text = |name: &str, value: &Option<String>| {
            params.insert(name.to_owned(), Param::Text(value.clone().unwrap_or_default()));
        };
        text("instrument", &Some(used.key.clone()));
        text("instrument_version", &used.version);
        text("composite", &used.composite);
    }
    params
}

fn names_a_column(need: &str) -> bool {
    need.split_once('.').is_some_and(|(table, column)| {
        carecoord_lake::contract::table(table).is_ok_and(|contract| contract.column(column).is_some())
    })
}

/// A prepared view: a step that measures share, made once for a run.
#[derive(Debug, Clone)]
pub struct View {
    /// Name in schema `prepared`.
    pub name: String,
    /// The SQL that yields its rows.
    pub sql: String,
    /// SQL that yields `rule` and `rows`: how many rows each of its rules took or left; not every view counts.
    pub counts: Option<String>,
}

/// The prepared views in the order in which they are made. Each sees a group of buckets.
#[must_use]
pub fn prepared_views() -> Vec<View> {
    views_in(&PREPARED)
}

/// The views that need all patients at once, made from the prepared views of all groups of buckets. None of their rows is
/// about one patient.
#[must_use]
pub fn whole_views() -> Vec<View> {
    PREPARED.get_dir("whole").map(views_in).unwrap_or_default()
}

/// The places at which a text joins the table of variants.
#[must_use]
pub fn variants_joined(text: &str) -> Vec<usize> {
    let whole = |place: &usize| {
        let next = text[place + VARIANTS.len()..].chars().next();
        next.is_none_or(|next| !(next.is_alphanumeric() || next == '_'))
    };
    text.match_indices(VARIANTS).map(|(place, _)| place).filter(whole).collect()
}

/// Measures in passes, in order: variants of one definition and kind whose SQL yields the units of all of them, and each of the
/// others alone.
#[must_use]
pub fn passes<T>(measures: Vec<T>, measure: impl Fn(&T) -> &Measure) -> Vec<Vec<T>> {
    let mut passes: Vec<Vec<T>> = Vec::new();
    for one in measures {
        let own = measure(&one);
        let together = |pass: &&mut Vec<T>| {
            let first = pass.first().map(&measure);
            first.is_some_and(|first| {
                own.shares_a_pass() && first.kind == own.kind && first.folder == own.folder && first.sql == own.sql
            })
        };
        match passes.iter_mut().find(together) {
            Some(pass) => pass.push(one),
            None => passes.push(vec![one]),
        }
    }
    passes
}

/// The work lists of the families of these measures: id and SQL.
#[must_use]
pub fn worklists_of(measures: &[Measure]) -> Vec<(String, String)> {
    let of_family = |id: &str| {
        let family = id.split('.').next().unwrap_or_default();
        measures.iter().any(|measure| measure.family == family)
    };
    worklists().into_iter().filter(|(id, _)| of_family(id)).collect()
}

/// What completes every unit, whatever a measure's SQL reads.
const EVERY_UNIT: &str =
    "prepared.person prepared.member_months prepared.payer_months prepared.attribution prepared.program_members";

/// Those of `views` that these measures and work lists read, in order.
#[must_use]
pub fn views_for<'a>(
    views: &[View],
    measures: impl IntoIterator<Item = &'a Measure>,
    worklists: impl IntoIterator<Item = &'a (String, String)>,
) -> Vec<View> {
    let mut texts = vec![EVERY_UNIT.to_owned()];
    for measure in measures {
        texts.push(measure.sql.clone());
        texts.extend(measure.by_payer.iter().chain(&measure.risk_sql).cloned());
        texts.extend(measure.case_mix.iter().map(|(_, text)| text.clone()));
        texts.extend(measure.apart.iter().map(|apart| format!("prepared.{}", apart.instead)));
    }
    texts.extend(worklists.into_iter().map(|(_, text)| text.clone()));
    views_read(views, texts.iter().map(String::as_str))
}

/// Those of `views` that these texts read, and those that these views read in turn; in the order of `views`.
#[must_use]
pub fn views_read<'a>(views: &[View], texts: impl IntoIterator<Item = &'a str>) -> Vec<View> {
    let reads = |text: &str, view: &View| {
        let name = format!("prepared.{}", view.name);
        text.match_indices(&name).any(|(place, _)| {
            !text[place + name.len()..].starts_with(|next: char| next.is_alphanumeric() || next == '_')
        })
    };
    let mut read: Vec<bool> = vec![false; views.len()];
    let mut texts: Vec<String> = texts.into_iter().map(str::to_owned).collect();
    while let Some(text) = texts.pop() {
        for (place, view) in views.iter().enumerate() {
            if !read[place] && reads(&text, view) {
                read[place] = true;
                texts.push(view.sql.clone());
                texts.extend(view.counts.clone());
            }
        }
    }
    views.iter().zip(read).filter(|(_, read)| *read).map(|(view, _)| view.clone()).collect()
}

fn views_in(folder: &Dir<'_>) -> Vec<View> {
    let stem = |file: &include_dir::File<'_>| {
        file.path()
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.strip_suffix(".sql"))
            .map(str::to_owned)
    };
    let text = |file: &include_dir::File<'_>| file.contents_utf8().unwrap_or_default().to_owned();
    let mut files: Vec<_> = folder.files().filter_map(|file| Some((stem(file)?, text(file)))).collect();
    files.sort();
    let counts: BTreeMap<String, String> = files
        .iter()
        .filter_map(|(stem, text)| Some((stem.strip_suffix(".counts")?.to_owned(), text.clone())))
        .collect();
    let views = files.into_iter().filter(|(stem, _)| !stem.ends_with(".counts"));
    views
        .map(|(stem, sql)| View {
            name: stem.split_once('_').map_or_else(|| stem.clone(), |(_, name)| name.to_owned()),
            sql,
            counts: counts.get(&stem).cloned(),
        })
        .collect()
}

/// The code sets that come with the prepared views.
///
/// # Errors
/// When one is broken, which a test rules out.
pub fn prepared_codes() -> Result<Vec<Code>> {
    let mut found = Vec::new();
    for file in PREPARED.get_dir("codes").into_iter().flat_map(Dir::files) {
        let name = file.path().to_string_lossy().into_owned();
        let codes = codes::parse(file.contents_utf8().unwrap_or_default());
        found.extend(codes.map_err(|reason| broken("prepared views", &name, &reason))?);
    }
    Ok(found)
}

/// The work lists: id and SQL.
#[must_use]
pub fn worklists() -> Vec<(String, String)> {
    let mut lists: Vec<_> = WORKLISTS
        .files()
        .filter(|file| file.path().extension().is_some_and(|end| end == "sql"))
        .map(|file| {
            let id = file.path().file_stem().unwrap_or_default().to_string_lossy().into_owned();
            (id, file.contents_utf8().unwrap_or_default().to_owned())
        })
        .collect();
    lists.sort();
    lists
}

/// Writes the decks of the built-in catalogue, of the prepared views and of the work lists into a folder, so that they can be run
/// from anywhere.
///
/// # Errors
/// When the folder cannot be written.
pub fn unpack_decks(folder: &Path) -> std::io::Result<()> {
    CATALOG.extract(folder)?;
    for (name, of) in [("prepared", &PREPARED), ("worklists", &WORKLISTS)] {
        if let Some(cases) = of.get_dir("cases") {
            let place = folder.join(name);
            std::fs::create_dir_all(place.join("cases"))?;
            cases.extract(place)?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_parses() {
        let measures = catalog().unwrap();
        assert!(measures.len() >= 15, "{}", measures.len());
        assert!(prepared_views().iter().any(|view| view.name == "person"));
        assert!(worklists().iter().any(|(name, _)| name == "referral.open"));
    }

    #[test]
    fn a_broken_definition_fails_with_name_file_and_reason() {
        let error = parse("my/measure", "family = 3", &Sql { file: UNITS, text: "select 1" }, &More::default())
            .unwrap_err()
            .to_string();
        assert!(error.contains("my/measure") && error.contains("measure.toml") && error.contains("family"), "{error}");
    }
}
