//! A made-up health system with many small cells, as it was and as late data changed it. The truth is known, so that a
//! test can tell what an attacker found out.

use std::collections::BTreeMap;
use std::path::Path;

use crate::synthetic::{self, MEASURES, Table, Value, day};

/// Organizations: id and name, in the order of their size.
pub const ORGANIZATIONS: [(&str, &str); 9] = [
    ("site-zq-17", "Mourning Dove Hospice"),
    ("site-zq-03", "Quillback Creek Clinic"),
    ("site-zq-88", "Zephyr Ridge Family Practice"),
    ("site-zq-41", "Gannet Oak Infirmary"),
    ("site-zq-26", "Ferrous Bend Medical Group"),
    ("site-zq-59", "Wychelm Hospital"),
    ("site-zq-64", "Saltmarsh Regional"),
    ("site-zq-12", "Umber Falls Clinic"),
    ("site-zq-75", "Kestrel Point Medical Center"),
];
pub const AGES: [&str; 6] = ["0-17", "18-44", "45-64", "65-74", "75-84", "85+"];
pub const SEXES: [&str; 3] = ["female", "male", "unknown"];
/// Years that are final; the one after them is running.
pub const YEARS: [i16; 3] = [2023, 2024, 2025];
const RUNNING: i16 = 2026;

/// A measure of the world: id, kind, units of an organization of size one, and how many of them have the event.
#[expect(clippy::struct_field_names, reason = "named after the contract's columns")]
pub struct Kind {
    pub id: &'static str,
    pub kind: &'static str,
    size: f64,
    share: f64,
}

/// The first is large enough that no organization of it is hidden; the second counts some of the third's events.
pub const KINDS: [Kind; 6] = [
    Kind { id: "access.seen", kind: "proportion", size: 260.0, share: 0.5 },
    Kind { id: "harm.rare_7", kind: "proportion", size: 90.0, share: 0.04 },
    Kind { id: "harm.rare_30", kind: "proportion", size: 90.0, share: 0.07 },
    Kind { id: "harm.rate", kind: "rate", size: 600.0, share: 0.01 },
    Kind { id: "wait.mean", kind: "mean", size: 6.0, share: 9.0 },
    Kind { id: "plan.kept", kind: "proportion", size: 30.0, share: 0.8 },
];

/// Measures made by hand, all with groups by sex alone: see [`World::by_hand`].
pub const ALONE: &str = "hand.alone";
pub const SWAP: &str = "hand.swap";
const ZERO: &str = "hand.zero";

/// What a row is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub measure: String,
    pub year: i16,
    /// organization, `age_band`, sex; all for everyone.
    pub split: &'static str,
    pub group: String,
}

/// Numerator and denominator of every row.
pub type Truth = BTreeMap<Key, (i64, i64)>;

/// Numbers that stay the same from run to run.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / 9_007_199_254_740_992.0
    }

    fn count(&mut self, units: i64, share: f64) -> i64 {
        (0..units).map(|_| i64::from(self.next() < share)).sum()
    }

    fn around(&mut self, mean: f64) -> i64 {
        // A sum of many small chances, near enough to a Poisson number.
        (0..40).map(|_| self.next() * mean / 20.0).sum::<f64>().round() as i64
    }
}

/// Measure, year, organization, age and sex, by place in their lists.
type Place = (usize, i16, usize, usize, usize);

/// Counts of events and of units.
#[derive(Clone)]
pub struct World {
    cells: BTreeMap<Place, (i64, i64)>,
    late: bool,
    /// Whether small cells are suppressed in the results already, as they are when computed by default.
    pub computed: bool,
    pub run_id: &'static str,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        // Worlds where little is large, much is, and most is.
        let scale = [0.3, 1.0, 3.0][(seed % 3) as usize];
        let mut cells = BTreeMap::new();
        let ages = [0.05, 0.2, 0.3, 0.25, 0.15, 0.05];
        let sexes = [0.53, 0.45, 0.02];
        for (measure, kind) in KINDS.iter().enumerate() {
            for year in YEARS.into_iter().chain([RUNNING]) {
                for organization in 0..ORGANIZATIONS.len() {
                    for (age, of_age) in ages.iter().enumerate() {
                        for (sex, of_sex) in sexes.iter().enumerate() {
                            let size = if measure == 0 {
                                1.0 + organization as f64
                            } else {
                                scale * ((organization as f64).powi(2) / 9.0 + 0.4)
                            };
                            let mut under = dice.around(kind.size * size * of_age * of_sex);
                            let mut over = match kind.kind {
                                "mean" => dice.around(kind.share * under as f64),
                                _ => dice.count(under, kind.share),
                            };
                            if kind.id == "harm.rare_30" {
                                // The same stays, and every event within 7 days is one within 30.
                                let (sooner, stays) = cells[&(1, year, organization, age, sex)];
                                (over, under) = (sooner + dice.count(stays - sooner, 0.05), stays);
                            }
                            cells.insert((measure, year, organization, age, sex), (over, under));
                        }
                    }
                }
            }
        }
        Self { cells, late: false, computed: false, run_id: "5ec2e7f00d5ec2e7" }
    }

    /// The same a month later: some units came late, and some events of known ones.
    pub fn later(&self, seed: u64) -> Self {
        let mut dice = Dice::new(seed + 1_000);
        let mut world = Self { late: true, run_id: "0dd5eeded00d0dd5", ..self.clone() };
        for (key, cell) in &mut world.cells {
            let nested = key.0 == 2;
            if dice.next() < 0.04 && !nested {
                let more = 1 + dice.count(2, 0.5);
                *cell = (cell.0 + dice.count(more, 0.3), cell.1 + more);
            } else if dice.next() < 0.01 && cell.0 < cell.1 {
                cell.0 += 1;
            }
        }
        // The nested measure counts the same stays.
        let sooner: Vec<_> =
            world.cells.iter().filter(|(key, _)| key.0 == 1).map(|(key, cell)| (*key, *cell)).collect();
        for ((_, year, organization, age, sex), (over, under)) in sooner {
            let cell = world.cells.get_mut(&(2, year, organization, age, sex)).expect("a cell");
            *cell = (cell.0.max(over), under);
        }
        world
    }

    /// Three measures, in the first year alone. ALONE: a single event of one group, which rounded counts of the others and
    /// of everyone would give away, because they happen to lie at the ends of what is rounded to one number. SWAP: late units without events make another group the smallest, so
    /// that exact counts of both releases would give the hidden group away. ZERO: a zero among enough, and no one at all.
    fn by_hand(&self) -> [(&'static str, [(i64, i64); 3]); 3] {
        let late = if self.late { 6 } else { 0 };
        [
            (ALONE, [(18, 100), (23, 100), (1, 100)]),
            (SWAP, [(5, 60), (15, 102 + late), (25, 103)]),
            (ZERO, [(0, 100), (30, 100), (0, 0)]),
        ]
    }

    /// Every row's exact counts, of final years and of the running one.
    pub fn truth(&self) -> Truth {
        let mut truth = Truth::new();
        let mut add = |measure: &str, year, split, group: &str, (over, under): (i64, i64)| {
            let key = Key { measure: measure.to_owned(), year, split, group: group.to_owned() };
            let sum = truth.entry(key).or_default();
            *sum = (sum.0 + over, sum.1 + under);
        };
        for ((measure, year, organization, age, sex), cell) in &self.cells {
            let id = KINDS[*measure].id;
            add(id, *year, "all", "all", *cell);
            add(id, *year, "organization", ORGANIZATIONS[*organization].0, *cell);
            add(id, *year, "age_band", AGES[*age], *cell);
            add(id, *year, "sex", SEXES[*sex], *cell);
        }
        for (id, groups) in self.by_hand() {
            for (sex, cell) in SEXES.into_iter().zip(groups) {
                add(id, YEARS[0], "all", "all", cell);
                add(id, YEARS[0], "sex", sex, cell);
            }
        }
        truth
    }

    /// Writes the world as results.
    pub fn write(&self, folder: &Path) {
        use Value::{Boolean, Date, Integer, Text};
        synthetic::write(folder);
        let ids = KINDS.iter().map(|kind| (kind.id, kind.kind)).chain([ALONE, SWAP, ZERO].map(|id| (id, "proportion")));
        let measures: Vec<Vec<Value>> = ids
            .map(|(id, kind)| {
                let mut row = synthetic::measure_row(&MEASURES[0]);
                let mut values = vec![("measure_id", Text(id)), ("title", Text(id)), ("kind", Text(kind))];
                if kind == "mean" {
                    values.extend([("multiplier", Value::Number(1.0)), ("value_unit", Text("days"))]);
                }
                for (column, value) in values {
                    synthetic::set_measure(&mut row, column, value);
                }
                row
            })
            .collect();
        Table::write(folder, "measure", &measures);
        let truth = self.truth();
        let hidden = if self.computed { suppressed(&truth) } else { BTreeMap::new() };
        let rates: Vec<Vec<Value>> =
            truth.iter().map(|(key, cell)| rate(key, *cell, hidden.get(key).copied())).collect();
        Table::write(folder, "rate", &rates);
        for table in ["signal", "chart", "funnel", "funnel_curve"] {
            Table::empty(folder, table);
        }
        let annotation = vec![Text(KINDS[0].id), Date(day(2024, 3, 9)), Text("Gannet Oak begins calls"), Boolean(true)];
        Table::write(folder, "annotation", &[annotation]);
        let left = |year, reason, units| {
            vec![
                Text(KINDS[0].id),
                Date(day(year, 1, 1)),
                Text("excluded"),
                Text(reason),
                Integer(units),
                Text("shown"),
            ]
        };
        let left = [left(2025, "hospice", 7), left(2025, "planned", 123), left(RUNNING, "planned", 41)];
        Table::write(folder, "exclusion", &left);
        Table::write(
            folder,
            "run",
            &[vec![
                Text(self.run_id),
                Text("2026-11-05T06-12-44Z-1f9c"),
                Text("wychelm_mapping"),
                Text("0.1.0"),
                Date(day(2026, 10, 1)),
                Date(day(2026, 11, 5)),
                Boolean(true),
                Date(day(2023, 1, 1)),
                Integer(if self.computed { 11 } else { 1 }),
                Integer(48_213),
                Text("{}"),
            ]],
        );
    }
}

fn kind_of(measure: &str) -> &'static str {
    KINDS.iter().find(|kind| kind.id == measure).map_or("proportion", |kind| kind.kind)
}

/// Whether a row has a count that is not published.
pub fn is_small(measure: &str, (over, under): (i64, i64), below: i64) -> bool {
    let (kind, small) = (kind_of(measure), |count: i64| (1..below).contains(&count));
    small(under) || kind != "mean" && small(over) || kind == "proportion" && small(under - over)
}

/// Rows that are suppressed when results are computed, and why: small cells, and where a single part of a year is hidden
/// the smallest other one.
fn suppressed(truth: &Truth) -> BTreeMap<Key, &'static str> {
    let mut hidden: BTreeMap<Key, &'static str> = BTreeMap::new();
    let small = truth.iter().filter(|(key, cell)| is_small(&key.measure, **cell, 11));
    hidden.extend(small.map(|(key, _)| (key.clone(), "small_cell")));
    let mut families: BTreeMap<(&str, i16, &str), Vec<&Key>> = BTreeMap::new();
    for key in truth.keys().filter(|key| key.split != "all") {
        families.entry((&key.measure, key.year, key.split)).or_default().push(key);
    }
    for family in families.into_values() {
        if family.iter().filter(|key| hidden.contains_key(**key)).count() == 1 {
            let others = family.into_iter().filter(|key| !hidden.contains_key(*key) && truth[*key].1 > 0);
            if let Some(next) = others.min_by_key(|key| truth[*key].1) {
                hidden.insert(next.clone(), "would_reveal");
            }
        }
    }
    hidden
}

fn rate(key: &Key, (over, under): (i64, i64), hidden: Option<&'static str>) -> Vec<Value> {
    use Value::{Date, Integer, None, Number, Owned, Text};
    let multiplier = if kind_of(&key.measure) == "mean" { 1.0 } else { 100.0 };
    let organization = ORGANIZATIONS.iter().find(|(id, _)| *id == key.group);
    let (level, level_id, name) = organization.map_or(("all", "all", ""), |(id, name)| ("organization", id, name));
    let (kind, stratum) =
        if matches!(key.split, "all" | "organization") { ("all", "all") } else { (key.split, key.group.as_str()) };
    let value = over as f64 / under as f64 * multiplier;
    let shown = under > 0 && hidden.is_none();
    let count = |value: Value| if hidden.is_some() { None } else { value };
    let number = |number: f64| if shown { Number(number) } else { None };
    vec![
        Owned(key.measure.clone()),
        Text("year"),
        Date(day(key.year, 1, 1)),
        Text(level),
        Text(level_id),
        Text(name),
        Text(kind),
        Owned(stratum.to_owned()),
        count(Number(over as f64)),
        count(Number(under as f64)),
        count(Integer(under)),
        None,
        None,
        None,
        number(value),
        number(value * 0.9),
        number(value * 1.1),
        if shown { Text("wilson") } else { None },
        Text(if key.year == RUNNING { "provisional" } else { "final" }),
        Text(if shown { "shown" } else { hidden.map_or("undefined", |_| "suppressed") }),
        if shown { None } else { Text(hidden.unwrap_or("no_denominator")) },
    ]
}
