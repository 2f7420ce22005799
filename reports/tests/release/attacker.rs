//! Someone who has two consecutive public releases and a solver.
//!
//! All that is read are `values.csv` and `measures.csv`. Every cell of both releases becomes two unknowns, numerator and
//! denominator. What was published, how it was rounded, which cells are suppressed and by which rule, that organizations and
//! groups add up to everyone, and that a later release differs from an earlier one by late units alone, are constraints; a
//! linear program then gives the least and the greatest that a count can be.

use std::collections::{BTreeMap, BTreeSet};

use microlp::{ComparisonOp, OptimizationDirection, Problem, SolveOutcome, Variable};

use crate::made::{Made, Row};
use crate::world::{KINDS, Key};

/// Counts from 1 to one below are suppressed.
const THRESHOLD: f64 = 13.0;

/// What the attacker read in a cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell {
    /// Numerator and denominator, each with the least and the greatest that it can be.
    Shown {
        over: (f64, f64),
        under: (f64, f64),
        equal: bool,
    },
    Suppressed,
    /// No units.
    Empty,
}

/// Cells of a measure's year by split and group, in one release.
type Year = BTreeMap<(&'static str, String), Cell>;

/// What the attacker knows of one measure.
#[derive(Debug, Clone, Default)]
pub struct Release {
    pub years: BTreeMap<(String, i16), Year>,
    kinds: BTreeMap<String, String>,
}

/// Which count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    Over,
    Under,
    Difference,
}

/// How a release was made, as its documentation says, and what is known besides.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// The most late units or events of one organization or group.
    pub late: f64,
    /// Whether cells are hidden that would give others away; else every hidden cell is a small one.
    pub complementary: bool,
}

/// The exact counts behind a published one.
fn behind(published: f64) -> (f64, f64) {
    if published == 0.0 { (0.0, 0.0) } else { (published - 2.0, published + 2.0) }
}

impl Release {
    /// Reads the files of a release. Organizations have other labels in each: they are told apart by how large they are in
    /// the first measure, over all years, which is the same from one month to the next.
    pub fn read(made: &Made) -> Self {
        let rows = made.csv("values.csv");
        let ranks = ranks(&rows);
        let mut release = Self::default();
        for row in made.csv("measures.csv") {
            release.kinds.insert(row["measure_id"].clone(), row["kind"].clone());
        }
        for row in &rows {
            let year: i16 = row["period"][..4].parse().expect("a year");
            let (split, group) = match (row["level"].as_str(), row["stratum_kind"].as_str()) {
                ("organization", _) => ("organization", ranks[&row["level_id"]].clone()),
                (_, "age_band") => ("age_band", row["stratum"].clone()),
                (_, "sex") => ("sex", row["stratum"].clone()),
                _ => ("all", "all".to_owned()),
            };
            let cells = release.years.entry((row["measure_id"].clone(), year)).or_default();
            cells.insert((split, group), cell(row));
        }
        release
    }

    /// Every cell that is suppressed.
    pub fn suppressed(&self) -> impl Iterator<Item = Key> {
        self.years.iter().flat_map(|((measure, year), cells)| {
            let hidden = cells.iter().filter(|(_, cell)| **cell == Cell::Suppressed);
            hidden.map(|((split, group), _)| Key { measure: measure.clone(), year: *year, split, group: group.clone() })
        })
    }
}

fn cell(row: &Row) -> Cell {
    let number = |column: &str| row[column].parse::<f64>().ok();
    match row["state"].as_str() {
        "shown" => {
            let (over, under) = (number("numerator").expect("a number"), number("denominator").expect("a number"));
            Cell::Shown { over: behind(over), under: behind(under), equal: over == under }
        }
        "suppressed" => Cell::Suppressed,
        _ => Cell::Empty,
    }
}

/// Organizations by label, named by their rank in the first measure.
fn ranks(rows: &[Row]) -> BTreeMap<String, String> {
    let mut sizes: BTreeMap<String, f64> = BTreeMap::new();
    for row in rows.iter().filter(|row| row["level"] == "organization" && row["measure_id"] == KINDS[0].id) {
        *sizes.entry(row["level_id"].clone()).or_default() += row["denominator"].parse::<f64>().unwrap_or(0.0);
    }
    let mut labels: Vec<(String, f64)> = sizes.into_iter().collect();
    labels.sort_by(|one, other| one.1.total_cmp(&other.1));
    labels.into_iter().enumerate().map(|(rank, (label, _))| (label, rank.to_string())).collect()
}

/// Numerator and denominator of the cells of a year in one release.
type Variables = BTreeMap<(&'static str, String), (Variable, Variable)>;

/// A linear program over a measure's year in the releases known.
struct Program {
    problem: Problem,
    cells: Vec<Variables>,
}

/// The least and the greatest that a count of a suppressed cell can be, given both releases; `which` release it is of.
/// Nothing can be less than 0; where nothing bounds it, infinity.
pub fn bounds(releases: &[&Release], which: usize, key: &Key, count: Count, rules: Rules) -> (f64, f64) {
    let small = [Count::Over, Count::Under, Count::Difference];
    let mut found = (f64::INFINITY, f64::NEG_INFINITY);
    let certain = !rules.complementary || is_certainly_small(releases, which, key, rules);
    let kind = &releases[which].kinds[&key.measure];
    for branch in
        small.into_iter().map(Some).filter(|branch| kind == "proportion" || *branch != Some(Count::Difference))
    {
        let (least, greatest) = extremes(releases, which, key, count, if certain { branch } else { None }, rules);
        found = (found.0.min(least), found.1.max(greatest));
        if !certain {
            break;
        }
    }
    // Counts are whole.
    (
        if found.0.is_finite() { (found.0 - 1e-6).ceil() } else { found.0 },
        if found.1.is_finite() { (found.1 + 1e-6).floor() } else { found.1 },
    )
}

/// Protecting cells are the smallest by rounded size: a hidden one that is larger than one that is shown is hidden for its
/// own sake.
fn is_certainly_small(releases: &[&Release], which: usize, key: &Key, rules: Rules) -> bool {
    let cells = &releases[which].years[&(key.measure.clone(), key.year)];
    let shown = cells.iter().filter(|((split, _), _)| *split == key.split);
    let smallest = shown.filter_map(|(_, cell)| match cell {
        Cell::Shown { under, .. } => Some(under.0),
        _ => None,
    });
    let smallest = smallest.fold(f64::INFINITY, f64::min);
    let (least, _) = extremes(releases, which, key, Count::Under, None, rules);
    // Rounding moves either by 2.
    least > smallest + 6.0
}

fn extremes(
    releases: &[&Release],
    which: usize,
    key: &Key,
    count: Count,
    small: Option<Count>,
    rules: Rules,
) -> (f64, f64) {
    let solve = |direction| {
        let mut program = Program::new(releases, which, key, count, small, direction);
        program.late(rules.late);
        match program.problem.solve()? {
            SolveOutcome::Solution(solution) => Ok(solution.objective()),
            SolveOutcome::Interrupted(stopped) => panic!("{key:?}: {stopped:?}"),
        }
    };
    let least = match solve(OptimizationDirection::Minimize) {
        Ok(least) => least,
        Err(microlp::Error::Infeasible) => return (f64::INFINITY, f64::NEG_INFINITY),
        Err(error) => panic!("{key:?}: {error}"),
    };
    let greatest = match solve(OptimizationDirection::Maximize) {
        Ok(greatest) => greatest,
        Err(microlp::Error::Unbounded) => f64::INFINITY,
        Err(error) => panic!("{key:?}: {error}"),
    };
    (least, greatest)
}

impl Program {
    fn new(
        releases: &[&Release],
        which: usize,
        key: &Key,
        count: Count,
        small: Option<Count>,
        direction: OptimizationDirection,
    ) -> Self {
        let mut program = Self { problem: Problem::new(direction), cells: Vec::new() };
        let place = (key.measure.clone(), key.year);
        for (number, release) in releases.iter().enumerate() {
            let year = &release.years[&place];
            let mut variables = Variables::new();
            for (name, cell) in year {
                let wanted = number == which && name.0 == key.split && name.1 == key.group;
                let (over, under) = match (wanted, count) {
                    (true, Count::Over) => (1.0, 0.0),
                    (true, Count::Under) => (0.0, 1.0),
                    (true, Count::Difference) => (-1.0, 1.0),
                    (false, _) => (0.0, 0.0),
                };
                let pair = program.cell(*cell, &release.kinds[&key.measure], (over, under));
                if let Some(small) = small.filter(|_| wanted) {
                    let terms = match small {
                        Count::Over => vec![(pair.0, 1.0)],
                        Count::Under => vec![(pair.1, 1.0)],
                        Count::Difference => vec![(pair.1, 1.0), (pair.0, -1.0)],
                    };
                    program.problem.add_constraint(terms.as_slice(), ComparisonOp::Ge, 1.0);
                    program.problem.add_constraint(terms.as_slice(), ComparisonOp::Le, THRESHOLD - 1.0);
                }
                variables.insert(name.clone(), pair);
            }
            program.add_up(&variables);
            program.cells.push(variables);
        }
        program
    }

    fn cell(&mut self, cell: Cell, kind: &str, (over, under): (f64, f64)) -> (Variable, Variable) {
        let (of_over, of_under) = match cell {
            Cell::Shown { over, under, .. } => (over, under),
            Cell::Suppressed => ((0.0, f64::INFINITY), (1.0, f64::INFINITY)),
            Cell::Empty => ((0.0, 0.0), (0.0, 0.0)),
        };
        let pair = (
            self.problem.add_var(over, if kind == "mean" { (0.0, f64::INFINITY) } else { of_over }),
            self.problem.add_var(under, of_under),
        );
        if kind == "proportion" {
            let least = match cell {
                Cell::Shown { equal: false, .. } => THRESHOLD,
                _ => 0.0,
            };
            let difference = [(pair.1, 1.0), (pair.0, -1.0)];
            self.problem.add_constraint(difference, ComparisonOp::Ge, least);
            if matches!(cell, Cell::Shown { equal: true, .. }) {
                self.problem.add_constraint(difference, ComparisonOp::Le, 0.0);
            }
        }
        pair
    }

    /// Organizations add up to everyone, and so do the groups of every split.
    fn add_up(&mut self, cells: &Variables) {
        let total = cells[&("all", "all".to_owned())];
        let splits: BTreeSet<&str> = cells.keys().map(|(split, _)| *split).filter(|split| *split != "all").collect();
        for split in splits {
            let parts: Vec<(Variable, Variable)> =
                cells.iter().filter(|(name, _)| name.0 == split).map(|(_, pair)| *pair).collect();
            let sum = |of: fn(&(Variable, Variable)) -> Variable| {
                parts.iter().map(|part| (of(part), 1.0)).chain([(of(&total), -1.0)]).collect::<Vec<_>>()
            };
            for terms in [sum(|pair| pair.0), sum(|pair| pair.1)] {
                self.problem.add_constraint(terms.as_slice(), ComparisonOp::Eq, 0.0);
            }
        }
    }

    /// The later release has a few more units and events in each cell, and never fewer.
    fn late(&mut self, most: f64) {
        let [earlier, later] = self.cells.as_slice() else { return };
        for (name, one) in earlier {
            let Some(other) = later.get(name) else { continue };
            for (one, other) in [(one.0, other.0), (one.1, other.1)] {
                let more = [(other, 1.0), (one, -1.0)];
                self.problem.add_constraint(more, ComparisonOp::Ge, 0.0);
                if name.0 != "all" {
                    self.problem.add_constraint(more, ComparisonOp::Le, most);
                }
            }
        }
    }
}
