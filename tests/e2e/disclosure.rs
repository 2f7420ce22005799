//! Someone who has the internal tables of two months and a solver finds no count from 1 to 10.
//!
//! All that is read is `results.rate` of both runs, as anyone may who opens it. Every hidden count is an unknown of a linear program:
//! none is below 0, and parts add up to their totals (organizations, payers, practitioners and the other levels to everyone, groups
//! of a split to everyone, months to quarters to years, clinics to hospitals). What either run shows of a final cell is known.
//!
//! For a few measures the program is solved for each hidden count. For every measure of the catalogue the opposite is shown, which is
//! quick: for each hidden count from 1 to 10 a second table that agrees with everything published and holds another count there.

use std::collections::{BTreeMap, BTreeSet};

use microlp::{ComparisonOp, OptimizationDirection, Problem, SolveOutcome};

use crate::carecoord::{Project, program};

const MEASURES: [&str; 4] =
    ["readmission.unplanned_30", "referral.seen_90", "utilization.ed_visits", "transition.follow_up_14"];

/// A cell by period kind, period, level, id, split and group.
type Place = [String; 6];

/// What is published of a cell: the counts where they are shown. Excluded, exceptions and immature follow.
#[derive(Debug, Clone)]
struct Cell {
    is_final: bool,
    /// Numerator, denominator less numerator, excluded, exceptions, immature, units.
    counts: [Option<f64>; 6],
}

type Table = BTreeMap<Place, Cell>;

fn tables(project: &Project, snapshot: &str) -> BTreeMap<String, Table> {
    let query = "select measure_id, period_kind, period, level, level_id, stratum_kind, stratum, maturity, state, state_reason, n_units, \
                 numerator, denominator, excluded, exceptions, immature from results.rate";
    let ran = project.run(&["sql", "--format", "json", "--results-snapshot", snapshot, query]).expect(0);
    let rows: Vec<serde_json::Value> = serde_json::from_str(&ran.out).unwrap();
    let mut found: BTreeMap<String, Table> = BTreeMap::new();
    for row in rows {
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        // Of a month whose data did not come nothing is in any total.
        if text("state_reason") == "data_missing" {
            continue;
        }
        let place = ["period_kind", "period", "level", "level_id", "stratum_kind", "stratum"].map(text);
        let count = |name: &str| row[name].as_f64();
        let (numerator, denominator) = (count("numerator"), count("denominator"));
        let difference = numerator.zip(denominator).map(|(numerator, denominator)| denominator - numerator);
        let counts =
            [numerator, difference, count("excluded"), count("exceptions"), count("immature"), count("n_units")];
        let cell = Cell { is_final: text("maturity") == "final", counts };
        found.entry(text("measure_id")).or_default().insert(place, cell);
    }
    found
}

/// The first day of the quarter or year in which a day lies.
fn wider(kind: &str, day: &str) -> Option<(&'static str, String)> {
    let month: u32 = day[5..7].parse().unwrap();
    match kind {
        "month" => Some(("quarter", format!("{}-{:02}-01", &day[..4], (month - 1) / 3 * 3 + 1))),
        "quarter" => Some(("year", format!("{}-01-01", &day[..4]))),
        _ => None,
    }
}

/// Totals with their parts, of the cells that are published. Parts that overlap are no parts: `known` shows it.
fn sums(table: &Table, known: &Table, parents: &BTreeMap<String, (String, String)>) -> Vec<(Place, Vec<Place>)> {
    let mut parts: BTreeMap<(Place, String), Vec<Place>> = BTreeMap::new();
    let all = |place: &Place| {
        let [kind, period, ..] = place.clone();
        [kind, period, "all".to_owned(), "all".to_owned(), "all".to_owned(), "all".to_owned()]
    };
    for place in table.keys() {
        let [kind, period, level, id, split, _] = place;
        // Programs overlap.
        if (level != "all" || split != "all") && level != "program" {
            parts.entry((all(place), format!("{level} {split}"))).or_default().push(place.clone());
        }
        if let Some((parent, of)) = parents.get(id).filter(|_| level == "organization") {
            let mut total = place.clone();
            (total[2], total[3]) = (of.clone(), parent.clone());
            parts.entry((total, "tree".to_owned())).or_default().push(place.clone());
        }
        if let Some((kind, period)) = wider(kind, period) {
            let mut total = place.clone();
            (total[0], total[1]) = (kind.to_owned(), period);
            parts.entry((total, "time".to_owned())).or_default().push(place.clone());
        }
    }
    parts.retain(|(total, _), _| table.contains_key(total));
    // Parts that overlap, such as payers of people with two, are seen not to add up: whoever attacks leaves such sums out.
    let adds_up = |(total, _): &(Place, String), parts: &[Place]| {
        (0..6).all(|count| {
            let parts: Option<f64> = parts.iter().map(|part| known[part].counts[count]).sum();
            parts
                .zip(known[total].counts[count])
                .is_none_or(|(parts, total)| (parts - total).abs() < 1e-6 * total.max(1.0))
        })
    };
    let overlapping: BTreeSet<String> =
        parts.iter().filter(|(key, parts)| !adds_up(key, parts)).map(|((_, by), _)| by.clone()).collect();
    let kept = parts.into_iter().filter(|((_, by), _)| !overlapping.contains(by));
    kept.map(|((total, _), parts)| (total, parts)).collect()
}

/// The least and the greatest that each unknown can be, as far as it matters: an unknown that is seen at two values is not known.
struct Program {
    unknowns: usize,
    equations: Vec<(Vec<(usize, f64)>, f64)>,
}

impl Program {
    /// The unknowns that only one value is possible for, with that value.
    fn known(&self) -> Vec<(usize, f64)> {
        let mut seen = vec![(f64::INFINITY, f64::NEG_INFINITY); self.unknowns];
        let mut state = 1_u64;
        for _ in 0..6 {
            let weights: Vec<f64> = (0..self.unknowns)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    (state >> 40) as f64 / f64::from(1 << 24) - 0.5
                })
                .collect();
            for (seen, value) in seen.iter_mut().zip(self.solve(&weights)) {
                *seen = (seen.0.min(value), seen.1.max(value));
            }
        }
        let mut known = Vec::new();
        for unknown in 0..self.unknowns {
            let (least, greatest) = seen[unknown];
            if greatest - least > 0.5 {
                continue;
            }
            let mut alone = vec![0.0; self.unknowns];
            alone[unknown] = 1.0;
            let least = self.solve(&alone)[unknown];
            alone[unknown] = -1.0;
            let greatest = self.solve(&alone)[unknown];
            if (greatest + 1e-6).floor() <= (least - 1e-6).ceil() {
                known.push((unknown, least));
            }
        }
        known
    }

    /// The unknowns where the weighted sum is least.
    fn solve(&self, weights: &[f64]) -> Vec<f64> {
        let mut problem = Problem::new(OptimizationDirection::Minimize);
        // A bound far above all counts, so that every sum has a least.
        let variables: Vec<_> = weights.iter().map(|weight| problem.add_var(*weight, (0.0, 1e6))).collect();
        for (terms, sum) in &self.equations {
            let terms: Vec<_> = terms.iter().map(|(unknown, sign)| (variables[*unknown], *sign)).collect();
            problem.add_constraint(terms.as_slice(), ComparisonOp::Eq, *sum);
        }
        match problem.solve() {
            Ok(SolveOutcome::Solution(solution)) => variables.iter().map(|variable| solution[*variable]).collect(),
            Ok(SolveOutcome::Interrupted(stopped)) => panic!("{stopped:?}"),
            Err(error) => panic!("what is published contradicts itself: {error}"),
        }
    }
}

/// Finds other tables that agree with what is published.
struct Others<'a> {
    program: &'a Program,
    truth: &'a [f64],
    /// Equations of the counts that are not 0 after elimination: a pivot, and the coefficients of all in its row.
    rows: Vec<(usize, BTreeMap<usize, f64>)>,
}

impl<'a> Others<'a> {
    fn new(program: &'a Program, truth: &'a [f64]) -> Self {
        let mut uses = vec![0; truth.len()];
        let mut equations: Vec<BTreeMap<usize, f64>> = Vec::new();
        for (terms, sum) in &program.equations {
            let found: f64 = terms.iter().map(|(at, sign)| sign * truth[*at]).sum();
            assert!(
                (found - sum).abs() < 1e-6 * sum.abs().max(1.0),
                "what is published is not the truth: {found}, {sum}"
            );
            let equation: BTreeMap<usize, f64> = terms.iter().copied().filter(|(at, _)| truth[*at] > 0.0).collect();
            for at in equation.keys() {
                uses[*at] += 1;
            }
            equations.push(equation);
        }
        equations.sort_by_key(BTreeMap::len);
        let mut rows: Vec<(usize, BTreeMap<usize, f64>)> = Vec::new();
        let mut row_of = vec![None; truth.len()];
        for mut row in equations {
            let mut waiting: BTreeSet<usize> = row.keys().filter_map(|at| row_of[*at]).collect();
            while let Some(next) = waiting.pop_first() {
                let (pivot, other) = &rows[next];
                let Some(factor) = row.get(pivot).copied() else { continue };
                for (at, coefficient) in other {
                    let sum = row.get(at).copied().unwrap_or(0.0) - factor * coefficient;
                    if sum.abs() < 1e-9 {
                        row.remove(at);
                    } else {
                        row.insert(*at, sum);
                    }
                    waiting.extend(row_of[*at].filter(|later| *later > next));
                }
                row.remove(pivot);
            }
            if let Some(pivot) = row.keys().copied().min_by_key(|at| (uses[*at], *at)) {
                let of_pivot = row[&pivot];
                for coefficient in row.values_mut() {
                    *coefficient /= of_pivot;
                }
                row_of[pivot] = Some(rows.len());
                rows.push((pivot, row));
            }
        }
        Self { program, truth, rows }
    }

    /// Which counts differ from the truth in some other table.
    fn differing(&self) -> Vec<bool> {
        let mut differing = vec![false; self.truth.len()];
        for seed in 1..=4 {
            let other = self.other(seed);
            for (at, (truth, other)) in self.truth.iter().zip(&other).enumerate() {
                assert!(*other >= 0.0, "no count is below 0");
                differing[at] |= (truth - other).abs() > 1e-3;
            }
            for (terms, sum) in &self.program.equations {
                let found: f64 = terms.iter().map(|(at, sign)| sign * other[*at]).sum();
                assert!((found - sum).abs() < 1e-5 * sum.abs().max(1.0), "the other table adds up: {found}, {sum}");
            }
        }
        differing
    }

    /// The truth, moved as far as no count falls below 0 in a direction that changes no sum.
    fn other(&self, seed: u64) -> Vec<f64> {
        let mut state = seed;
        let mut moves: Vec<f64> = self
            .truth
            .iter()
            .map(|count| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                if *count > 0.0 { (state >> 40) as f64 / f64::from(1 << 24) - 0.5 } else { 0.0 }
            })
            .collect();
        for (pivot, row) in self.rows.iter().rev() {
            let others = row.iter().filter(|(at, _)| *at != pivot);
            moves[*pivot] = -others.map(|(at, coefficient)| coefficient * moves[*at]).sum::<f64>();
        }
        let limits = self.truth.iter().zip(&moves).filter(|(_, by)| **by < 0.0).map(|(count, by)| count / -by);
        let far = limits.fold(1e6, f64::min);
        self.truth.iter().zip(&moves).map(|(count, by)| (count + far * by).max(0.0)).collect()
    }
}

/// The one that stands for all that an unknown is connected with.
fn find(root: &mut [usize], mut at: usize) -> usize {
    while root[at] != at {
        root[at] = root[root[at]];
        at = root[at];
    }
    at
}

/// Unknowns and equations of one count, apart where nothing connects them.
fn programs(table: &Table, sums: &[(Place, Vec<Place>)], count: usize) -> (usize, Vec<(Vec<Place>, Program)>) {
    let unknown: Vec<&Place> =
        table.iter().filter(|(_, cell)| cell.counts[count].is_none()).map(|(place, _)| place).collect();
    let number: BTreeMap<&Place, usize> = unknown.iter().enumerate().map(|(number, place)| (*place, number)).collect();
    let equations: Vec<(Vec<(usize, f64)>, f64)> = sums
        .iter()
        .map(|(total, parts)| {
            let mut terms = Vec::new();
            let mut sum = 0.0;
            for (place, sign) in parts.iter().map(|part| (part, 1.0)).chain([(total, -1.0)]) {
                match table[place].counts[count] {
                    Some(known) => sum -= sign * known,
                    None => terms.push((number[place], sign)),
                }
            }
            (terms, sum)
        })
        .filter(|(terms, _)| !terms.is_empty())
        .collect();
    // Connected parts by joining.
    let mut root: Vec<usize> = (0..unknown.len()).collect();
    for (terms, _) in &equations {
        for (other, _) in &terms[1..] {
            let (one, other) = (find(&mut root, terms[0].0), find(&mut root, *other));
            root[one] = other;
        }
    }
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for at in 0..unknown.len() {
        members.entry(find(&mut root, at)).or_default().push(at);
    }
    let programs = members
        .into_values()
        .map(|of| {
            let local: BTreeMap<usize, usize> = of.iter().enumerate().map(|(local, at)| (*at, local)).collect();
            let equations = equations
                .iter()
                .filter(|(terms, _)| local.contains_key(&terms[0].0))
                .map(|(terms, sum)| (terms.iter().map(|(at, sign)| (local[at], *sign)).collect(), *sum))
                .collect();
            let places = of.iter().map(|at| unknown[*at].clone()).collect();
            (places, Program { unknowns: of.len(), equations })
        })
        .collect();
    (unknown.len(), programs)
}

/// How many counts are hidden, and those from 1 to 10 that follow from the rest.
fn attack(table: &Table, sums: &[(Place, Vec<Place>)], counts: &[usize]) -> (usize, Vec<String>) {
    let (mut hidden, mut found) = (0, Vec::new());
    for count in counts {
        let (unknown, programs) = programs(table, sums, *count);
        hidden += unknown;
        for (places, program) in programs {
            let known = program.known().into_iter().filter(|(_, value)| (0.5..10.5).contains(value));
            found.extend(known.map(|(at, value)| format!("{:?}: count {count} is {value}", places[at])));
        }
    }
    (hidden, found)
}

fn compute(project: &Project, month: &str, measures: &[&str]) -> String {
    let mut arguments = vec!["compute", "--month", month];
    for measure in measures {
        arguments.extend(["--only", measure]);
    }
    project.run(&arguments).expect(0);
    std::fs::read_to_string(project.path().join("results/CURRENT")).unwrap().trim().to_owned()
}

/// The numbers of the counts of people and events in what a measure publishes.
fn people(kind: &str) -> &'static [usize] {
    match kind {
        "proportion" | "time" => &[0, 1, 2, 3, 4],
        // The denominator is time, so that the difference is no count of people.
        "rate" => &[0, 2, 3, 4],
        _ => &[2, 3, 4, 5],
    }
}

/// The sample in a lake, and the hospitals and systems that its organizations are part of.
struct Attacked {
    project: Project,
    parents: BTreeMap<String, (String, String)>,
}

impl Attacked {
    fn new() -> Self {
        let project = Project::new();
        let extracts = project.path().join("extracts");
        std::fs::create_dir(&extracts).unwrap();
        carecoord_sample_data::bundled::unpack(&extracts).unwrap();
        project.ingest().expect(0);
        let parents = project
            .sql("select o.organization_id, p.organization_id, lower(p.kind) from lake.organization o join lake.organization p on p.organization_id = o.part_of_organization_id")
            .into_iter()
            .map(|row| {
                let cells: Vec<&str> = row.split(',').collect();
                (cells[0].to_owned(), (cells[1].to_owned(), cells[2].to_owned()))
            })
            .collect();
        Self { project, parents }
    }

    /// The tables of two months of some measures, or of all: what a reader of both knows.
    fn published(&self, disclosure: &str, measures: &[&str]) -> BTreeMap<String, Table> {
        let project = &self.project;
        std::fs::write(project.path().join("carecoord.toml"), format!("disclosure = \"{disclosure}\"\n")).unwrap();
        let earlier = tables(project, &compute(project, "2026-09", measures));
        let mut later = tables(project, &compute(project, "2026-10", measures));
        assert!(later.len() >= measures.len().max(1));
        for (measure, table) in &mut later {
            for (place, cell) in table {
                let before = earlier.get(measure).and_then(|earlier| earlier.get(place));
                let Some(before) = before.filter(|before| before.is_final && cell.is_final) else { continue };
                for (now, then) in cell.counts.iter_mut().zip(before.counts).take(2) {
                    *now = now.or(then);
                }
            }
        }
        later
    }

    /// What the measures of the newest results are.
    fn kinds(&self) -> BTreeMap<String, String> {
        let rows = self.project.sql("select measure_id, kind from results.measure").into_iter();
        rows.filter_map(|row| row.split_once(',').map(|(measure, kind)| (measure.to_owned(), kind.to_owned())))
            .collect()
    }

    /// Solves for each hidden count of two months of some measures: how many are hidden, and what is found.
    fn attack(&self, disclosure: &str, measures: &[&str]) -> (usize, Vec<String>) {
        let later = self.published(disclosure, measures);
        let kinds = self.kinds();
        let (mut hidden, mut found) = (0, Vec::new());
        for (measure, table) in later {
            let (of_measure, given) = attack(&table, &sums(&table, &table, &self.parents), people(&kinds[&measure]));
            hidden += of_measure;
            found.extend(given.into_iter().map(|one| format!("{measure} {one}")));
        }
        eprintln!("{disclosure}: {hidden} hidden counts, {} given away", found.len());
        (hidden, found)
    }

    /// For each hidden count from 1 to 10 of all measures, looks for other tables that agree with what two months publish: how many such
    /// counts are hidden, and those that no other table was found for.
    fn search(&self, disclosure: &str) -> (usize, Vec<String>) {
        let later = self.published(disclosure, &[]);
        std::fs::write(self.project.path().join("carecoord.toml"), "suppress_below = 0\n").unwrap();
        let truth = tables(&self.project, &compute(&self.project, "2026-10", &[]));
        let kinds = self.kinds();
        let (mut hidden, mut found) = (0, Vec::new());
        for (measure, table) in later {
            // Whoever adds up what overlaps, such as payers of people with two, finds counts that are none.
            let sums = sums(&table, &truth[&measure], &self.parents);
            for count in people(&kinds[&measure]) {
                for (places, program) in programs(&table, &sums, *count).1 {
                    let truth: Vec<f64> =
                        places.iter().map(|place| truth[&measure][place].counts[*count].unwrap_or(0.0)).collect();
                    let differing = Others::new(&program, &truth).differing();
                    for at in (0..truth.len()).filter(|at| (0.5..10.5).contains(&truth[*at])) {
                        hidden += 1;
                        if !differing[at] {
                            found.push(format!("{measure} {:?}: count {count} is {}", places[at], truth[at]));
                        }
                    }
                }
            }
        }
        eprintln!("{disclosure}: {hidden} hidden counts from 1 to 10, {} given away", found.len());
        (hidden, found)
    }
}

#[test]
fn nobody_finds_a_small_count_in_the_tables_of_two_months() {
    let attacked = Attacked::new();
    let (hidden, found) = attacked.attack("linear", &MEASURES);
    assert!(hidden > 1_000, "{hidden} counts are hidden");
    assert_eq!(found, Vec::<String>::new());
    // The attack finds what one sum at a time overlooks: it can find something.
    let (_, found) = attacked.attack("sums", &MEASURES);
    assert!(!found.is_empty());
    let project = attacked.project.path();
    let refused = program(&["report", "--release", "limited", "--project"]).arg(project).output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "a release needs linear");
    // The sentence names the command that helps.
    let says = String::from_utf8(refused.stderr).unwrap();
    assert!(says.contains("`carecoord compute --month 2026-10 --disclosure linear`"), "{says}");
}

#[test]
fn nobody_finds_a_small_count_in_any_measure_of_two_months() {
    let attacked = Attacked::new();
    let (hidden, found) = attacked.search("linear");
    assert!(hidden > 100_000, "{hidden} counts are hidden");
    assert_eq!(found, Vec::<String>::new());
}
