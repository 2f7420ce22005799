//! The arithmetic of the CAHPS analysis program, version 4.1c, step by step as it runs (not as its manual says, where the
//! two differ).

use nalgebra::{DMatrix, DVector};

use crate::linear;
use crate::quantile::{f_upper, t_both_tails};
use crate::{Result, StatisticsError};

/// Half the width of the intervals that the program prints, in standard errors: 1.96, not a quantile of t.
const PRINTED: f64 = 1.96;
/// Error probability below which an entity stands out.
const SIGNIFICANT: f64 = 0.05;

/// Answers to the items of one composite, one place of every slice for each person. A rating is a composite of one item.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Responses<'a> {
    /// The entity that each person answers about, from 0.
    pub entity: &'a [usize],
    /// For each item, each person's valid answer; `None` where there is none. At least one item.
    pub items: &'a [Vec<Option<f64>>],
    /// For each case-mix adjuster, each person's value; `None` where it is missing. None for unadjusted means.
    pub adjusters: &'a [Vec<Option<f64>>],
}

/// What to do about a person whose adjuster is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Missing {
    /// Take the mean of that adjuster over all of the entity's records: `impute=1`.
    EntityMean,
    /// Leave the person out: `impute=0`.
    Drop,
}

/// How far variances of entities are drawn towards their average.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VarianceSmoothing {
    /// How much the average weighs, in answers. The manual takes 25 for ratings, 20 for composites and 15 for items.
    pub weight: f64,
    /// Which of the two formulas.
    pub formula: Smoothing,
}

/// The two formulas for smoothed variances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Smoothing {
    /// The program's: `(A S + (n - 1) V) / (A + n - 1)`, S the average of the variances of means, weighted by n - 1.
    Program,
    /// The manual's: S the average of the variances of persons, so that `A S / n` stands in its place.
    Manual,
}

/// Options of [`cahps()`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CahpsOptions {
    /// People whose adjusters are missing.
    pub missing: Missing,
    /// Cap K of an item's weight: items weigh `min(n, K)`. With 1 all items answered at all weigh the same.
    pub weight_cap: u64,
    /// Smoothing of variances; none unless asked for.
    pub smoothing: Option<VarianceSmoothing>,
    /// Lowest and highest value of the scale.
    pub scale: (f64, f64),
    /// An entity stands out only if it differs by this share of the distance from the overall mean to the nearer end of
    /// the scale.
    pub change: f64,
    /// And by at least so much.
    pub least_difference: f64,
}

impl CahpsOptions {
    /// The program's defaults for a scale: imputed adjusters, equal weights, no smoothing, any difference.
    #[must_use]
    pub fn for_scale(lowest: f64, highest: f64) -> Self {
        Self {
            missing: Missing::EntityMean,
            weight_cap: 1,
            smoothing: None,
            scale: (lowest, highest),
            change: 0.0,
            least_difference: 0.0,
        }
    }
}

/// What came of a composite.
#[derive(Debug, Clone, PartialEq)]
pub struct Cahps {
    /// One for each entity that has at least two people, in order.
    pub entities: Vec<EntityScore>,
    /// Entities with fewer, which have no variance.
    pub left_out: Vec<usize>,
    /// The model of each item; all coefficients 0 without adjusters.
    pub items: Vec<ItemModel>,
    /// People whose answers were used.
    pub people: u64,
    /// Plain mean of the entities' scores.
    pub overall_mean: f64,
    /// Mean of the entities' scores weighted by precision.
    pub grand_mean: f64,
    /// Whether entities differ at all: F, its two degrees of freedom and its error probability.
    pub f: f64,
    /// Degrees of freedom above: entities less 1.
    pub freedom: f64,
    /// Degrees of freedom below: people less entities less adjusters.
    pub freedom_below: f64,
    /// Error probability of F.
    pub p: f64,
    /// Share of the variance of entities' scores that is not chance, `1 - 1/F`; 0 where F is below 1. Poor below 0.70.
    pub reliability: f64,
}

/// One entity's score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EntityScore {
    /// Which entity.
    pub entity: usize,
    /// Its records, used or not.
    pub records: u64,
    /// People whose answers were used.
    pub people: u64,
    /// The composite without adjustment.
    pub unadjusted: f64,
    /// The adjusted composite. It may leave the scale; clip it where it is shown.
    pub adjusted: f64,
    /// The adjusted composite less the overall mean.
    pub difference: f64,
    /// Standard error of that difference.
    pub standard_error: f64,
    /// Variance of the adjusted composite, smoothed where asked for.
    pub variance: f64,
    /// The difference in standard errors.
    pub t: f64,
    /// Its error probability.
    pub p: f64,
    /// Where it stands.
    pub standing: Standing,
    /// Share of its score's variance that is not chance, `b / (b + V)`, V its own variance; b is the variance between entities,
    /// `max(Σ n (m - mean)² / (N (1 - 1/D)) - v̄ D / N, 0)` with v̄ the mean variance of persons and D entities. The manual
    /// subtracts v̄ itself, which gives 0 on data of which the program says 0.94; for equal n this is what follows.
    pub reliability: f64,
}

impl EntityScore {
    /// Limits of the interval that the program prints around the difference: 1.96 standard errors.
    #[must_use]
    pub fn half_width(&self) -> f64 {
        PRINTED * self.standard_error
    }
}

/// Where an entity stands beside the average of the entities given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Below it: one star.
    Below,
    /// Not told apart from it: two stars.
    Average,
    /// Above it: three stars.
    Above,
}

impl Standing {
    /// Stars as the program prints them, 1 to 3.
    #[must_use]
    pub fn stars(self) -> u8 {
        match self {
            Self::Below => 1,
            Self::Average => 2,
            Self::Above => 3,
        }
    }
}

/// The regression of one item on the adjusters within entities.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemModel {
    /// One coefficient for each adjuster.
    pub coefficients: Vec<f64>,
    /// Share of the variance within entities that the adjusters explain; 0 without adjusters or variance.
    pub r_squared: f64,
}

/// One item among the people used.
struct Item {
    model: ItemModel,
    /// Answers, mean and adjusted mean by entity; means of entities without answers are 0.
    n: Vec<f64>,
    mean: Vec<f64>,
    adjusted: Vec<f64>,
    /// Residuals by person; 0 for those who did not answer.
    residual: Vec<f64>,
    /// Plain mean of the entities' means.
    centre: f64,
}

/// Scores of entities on a composite as the CAHPS analysis program 4.1c works them out.
///
/// Within entities, each item is regressed on the adjusters; an entity's mean of the item is moved to the average
/// case-mix of the entities. The composite is the mean of the items, each taken as the distance from its own average, so
/// that an item nobody answered at an entity does not move its score.
///
/// Source: AHRQ, CAHPS Analysis Program 4.1c and its print-out on AHRQ's test data, which this reproduces to the printed
/// digits. It differs from the manual in degrees of freedom, in the variance of small samples and in smoothing; the
/// program is followed. Stars compare with the average of the entities given and are not those of CMS.
///
/// # Errors
/// When slices differ in length, nobody answered, fewer than two entities have two people, no degrees of freedom are
/// left, adjusters are collinear, or an option is out of range.
pub fn cahps(responses: &Responses<'_>, options: CahpsOptions) -> Result<Cahps> {
    check(responses, options)?;
    let used = Used::new(responses, options.missing)?;
    let entities = used.kept.len();
    let mut items = Vec::with_capacity(responses.items.len());
    for answers in responses.items {
        let given: Vec<Option<f64>> = used.who.iter().map(|person| answers[*person]).collect();
        if given.iter().any(Option::is_some) {
            items.push(item(&given, &used.adjusters, &used.at, entities)?);
        }
    }
    let adjusters = responses.adjusters.len();
    let (people, count) = (used.who.len(), entities as f64);
    let freedom_below = people as f64 - count - adjusters as f64;
    if freedom_below < 1.0 {
        return Err(StatisticsError::TooFew {
            what: "a comparison of entities after adjustment",
            found: people as u64,
            needed: (entities + adjusters + 1) as u64,
        });
    }
    let composite = Composite::new(&items, &used.at, entities, options);
    let sizes: Vec<f64> = used.kept.iter().map(|entity| used.people[*entity] as f64).collect();
    let variance = smoothed(&composite.variance, &sizes, options.smoothing);
    if variance.iter().any(|variance| *variance <= 0.0) {
        return Err(StatisticsError::NotComputable {
            what: "the precision of entities",
            because: "all people of one entity gave the same answers",
        });
    }
    let scores = &composite.adjusted;
    let overall_mean = scores.iter().sum::<f64>() / count;
    let precision: f64 = variance.iter().map(|variance| 1.0 / variance).sum();
    let grand_mean = scores.iter().zip(&variance).map(|(score, variance)| score / variance).sum::<f64>() / precision;
    let between: f64 =
        scores.iter().zip(&variance).map(|(score, variance)| (score - grand_mean).powi(2) / variance).sum();
    let freedom = count - 1.0;
    let f = between / freedom;
    let shared = Shared {
        overall_mean,
        freedom_below,
        all_variance: variance.iter().sum(),
        true_variance: variance_between(scores, &composite.variance, &sizes),
    };
    let found = (0..entities).map(|place| score(place, &used, &composite, variance[place], &shared, options));
    Ok(Cahps {
        entities: found.collect::<Result<_>>()?,
        left_out: used.left_out(),
        items: items.into_iter().map(|item| item.model).collect(),
        people: people as u64,
        overall_mean,
        grand_mean,
        f,
        freedom,
        freedom_below,
        p: f_upper(freedom, freedom_below, f)?,
        reliability: (1.0 - 1.0 / f).max(0.0),
    })
}

/// What all entities' scores are compared with.
struct Shared {
    overall_mean: f64,
    freedom_below: f64,
    all_variance: f64,
    true_variance: f64,
}

fn score(
    place: usize,
    used: &Used,
    composite: &Composite,
    variance: f64,
    shared: &Shared,
    options: CahpsOptions,
) -> Result<EntityScore> {
    let count = used.kept.len() as f64;
    let entity = used.kept[place];
    let difference = composite.adjusted[place] - shared.overall_mean;
    let standard_error = (variance * (1.0 - 2.0 / count) + shared.all_variance / (count * count)).sqrt();
    let t = difference / standard_error;
    let p = t_both_tails(shared.freedom_below, t)?;
    let nearer_end = (shared.overall_mean - options.scale.0).min(options.scale.1 - shared.overall_mean);
    let least = (options.change * nearer_end).max(options.least_difference);
    let stands_out = p < SIGNIFICANT && difference.abs() >= least;
    Ok(EntityScore {
        entity,
        records: used.records[entity],
        people: used.people[entity],
        unadjusted: composite.unadjusted[place],
        adjusted: composite.adjusted[place],
        difference,
        standard_error,
        variance,
        t,
        p,
        standing: match (stands_out, difference > 0.0) {
            (false, _) => Standing::Average,
            (true, true) => Standing::Above,
            (true, false) => Standing::Below,
        },
        reliability: shared.true_variance / (shared.true_variance + composite.variance[place]),
    })
}

/// The people and entities that count.
struct Used {
    /// Entities with at least two people.
    kept: Vec<usize>,
    /// People of these entities who can be used, as places in the responses.
    who: Vec<usize>,
    /// For each of them, the place of their entity in `kept`.
    at: Vec<usize>,
    /// For each adjuster, their values.
    adjusters: Vec<Vec<f64>>,
    /// Records and people that can be used, by entity.
    records: Vec<u64>,
    people: Vec<u64>,
}

impl Used {
    fn new(responses: &Responses<'_>, missing: Missing) -> Result<Self> {
        let entities = responses.entity.iter().max().map_or(0, |last| last + 1);
        let mut records = vec![0_u64; entities];
        for entity in responses.entity {
            records[*entity] += 1;
        }
        let filled = filled(responses, entities, missing);
        let usable = |person: usize| {
            responses.items.iter().any(|item| item[person].is_some())
                && filled.iter().all(|values| values[person].is_some())
        };
        let mut people = vec![0_u64; entities];
        for person in (0..responses.entity.len()).filter(|person| usable(*person)) {
            people[responses.entity[person]] += 1;
        }
        let kept: Vec<usize> = (0..entities).filter(|entity| people[*entity] >= 2).collect();
        if kept.len() < 2 {
            return Err(StatisticsError::TooFew {
                what: "a comparison of entities with two people or more",
                found: kept.len() as u64,
                needed: 2,
            });
        }
        let mut place = vec![None; entities];
        for (position, entity) in kept.iter().enumerate() {
            place[*entity] = Some(position);
        }
        let who: Vec<usize> = (0..responses.entity.len())
            .filter(|person| usable(*person) && place[responses.entity[*person]].is_some())
            .collect();
        let at = who.iter().filter_map(|person| place[responses.entity[*person]]).collect();
        let adjusters = filled
            .iter()
            .map(|values| who.iter().map(|person| values[*person].unwrap_or_default()).collect())
            .collect();
        Ok(Self { kept, who, at, adjusters, records, people })
    }

    /// Entities with records and fewer than two people.
    fn left_out(&self) -> Vec<usize> {
        (0..self.records.len()).filter(|entity| self.records[*entity] > 0 && self.people[*entity] < 2).collect()
    }
}

fn check(responses: &Responses<'_>, options: CahpsOptions) -> Result<()> {
    let people = responses.entity.len();
    if responses.items.is_empty() || people == 0 {
        return Err(StatisticsError::Empty { what: "a composite" });
    }
    for (what, columns) in [("an item", responses.items), ("an adjuster", responses.adjusters)] {
        for column in columns {
            if column.len() != people {
                return Err(StatisticsError::LengthMismatch { what, found: column.len(), expected: people });
            }
            if let Some((index, value)) = column
                .iter()
                .enumerate()
                .find_map(|(index, value)| value.filter(|v| !v.is_finite()).map(|v| (index, v)))
            {
                return Err(StatisticsError::ValueNotFinite { index, value });
            }
        }
    }
    let in_range = |what, value: f64, good: bool, range| {
        if good { Ok(()) } else { Err(StatisticsError::OutOfRange { what, value, range }) }
    };
    let (low, high) = options.scale;
    in_range("the width of the scale", high - low, (high - low).is_finite() && high > low, "above 0")?;
    in_range("the least change", options.change, (0.0..=1.0).contains(&options.change), "between 0 and 1")?;
    let least = options.least_difference;
    in_range("the least difference", least, least.is_finite() && least >= 0.0, "0 or more")?;
    in_range("the cap of weights", options.weight_cap as f64, options.weight_cap > 0, "above 0")?;
    if let Some(smoothing) = options.smoothing {
        let weight = smoothing.weight;
        in_range("the weight of smoothing", weight, weight.is_finite() && weight > 0.0, "above 0")?;
    }
    Ok(())
}

/// The adjusters with missing ones filled in where asked for.
fn filled(responses: &Responses<'_>, entities: usize, missing: Missing) -> Vec<Vec<Option<f64>>> {
    let fill = |values: &Vec<Option<f64>>| {
        if missing == Missing::Drop {
            return values.clone();
        }
        let (mut sum, mut n) = (vec![0.0; entities], vec![0.0; entities]);
        for (entity, value) in responses.entity.iter().zip(values) {
            if let Some(value) = value {
                sum[*entity] += value;
                n[*entity] += 1.0;
            }
        }
        let mean = |entity: usize| (n[entity] > 0.0).then(|| sum[entity] / n[entity]);
        responses.entity.iter().zip(values).map(|(entity, value)| value.or_else(|| mean(*entity))).collect()
    };
    responses.adjusters.iter().map(fill).collect()
}

fn item(y: &[Option<f64>], x: &[Vec<f64>], at: &[usize], entities: usize) -> Result<Item> {
    let means = |value: &dyn Fn(usize) -> f64| {
        let (mut sum, mut n) = (vec![0.0; entities], vec![0.0; entities]);
        for (person, entity) in at.iter().enumerate().filter(|(person, _)| y[*person].is_some()) {
            sum[*entity] += value(person);
            n[*entity] += 1.0;
        }
        let mean: Vec<f64> = sum.iter().zip(&n).map(|(sum, n)| if *n > 0.0 { sum / n } else { 0.0 }).collect();
        (mean, n)
    };
    let answer = |person: usize| y[person].unwrap_or_default();
    let (mean, n) = means(&answer);
    let x_means: Vec<Vec<f64>> = x.iter().map(|values| means(&|person| values[person]).0).collect();
    let answered: Vec<usize> = (0..y.len()).filter(|person| y[*person].is_some()).collect();
    let adjusters = x.len();
    let within = |adjuster: usize, person: usize| x[adjuster][person] - x_means[adjuster][at[person]];
    let deviation = |person: usize| answer(person) - mean[at[person]];
    let coefficients = if adjusters == 0 {
        Vec::new()
    } else {
        let mut square = DMatrix::<f64>::zeros(adjusters, adjusters);
        let mut moment = DVector::<f64>::zeros(adjusters);
        for person in &answered {
            for one in 0..adjusters {
                moment[one] += within(one, *person) * deviation(*person);
                for other in 0..adjusters {
                    square[(one, other)] += within(one, *person) * within(other, *person);
                }
            }
        }
        (linear::inverse(&square)? * moment).iter().copied().collect()
    };
    let mut residual = vec![0.0; y.len()];
    let (mut whole, mut rest) = (0.0, 0.0);
    for person in answered {
        let expected: f64 = coefficients.iter().enumerate().map(|(adjuster, b)| b * within(adjuster, person)).sum();
        residual[person] = deviation(person) - expected;
        whole += deviation(person).powi(2);
        rest += residual[person].powi(2);
    }
    let answering = n.iter().filter(|n| **n > 0.0).count() as f64;
    let centre_of =
        |means: &[f64]| means.iter().zip(&n).filter(|(_, n)| **n > 0.0).map(|(mean, _)| mean).sum::<f64>() / answering;
    let x_centres: Vec<f64> = x_means.iter().map(|means| centre_of(means)).collect();
    let adjusted = (0..entities)
        .map(|entity| {
            let shift: f64 = coefficients
                .iter()
                .enumerate()
                .map(|(adjuster, b)| b * (x_means[adjuster][entity] - x_centres[adjuster]))
                .sum();
            mean[entity] - shift
        })
        .collect();
    let r_squared = if adjusters > 0 && whole > 0.0 { 1.0 - rest / whole } else { 0.0 };
    let centre = centre_of(&mean);
    Ok(Item { model: ItemModel { coefficients, r_squared }, n, mean, adjusted, residual, centre })
}

/// Scores and variances by entity.
struct Composite {
    unadjusted: Vec<f64>,
    adjusted: Vec<f64>,
    variance: Vec<f64>,
}

impl Composite {
    fn new(items: &[Item], at: &[usize], entities: usize, options: CahpsOptions) -> Self {
        let cap = options.weight_cap as f64;
        let weights: Vec<Vec<f64>> = (0..entities)
            .map(|entity| {
                let capped: Vec<f64> = items.iter().map(|item| item.n[entity].min(cap)).collect();
                let all: f64 = capped.iter().sum();
                capped.into_iter().map(|n| n / all).collect()
            })
            .collect();
        let centre = items.iter().map(|item| item.centre).sum::<f64>() / items.len() as f64;
        let score = |entity: usize, value: &dyn Fn(&Item) -> f64| {
            let parts = items.iter().zip(&weights[entity]).filter(|(_, weight)| **weight > 0.0);
            centre + parts.map(|(item, weight)| weight * (value(item) - item.centre)).sum::<f64>()
        };
        let mut variance = vec![0.0; entities];
        for (person, entity) in at.iter().enumerate() {
            let parts = items.iter().zip(&weights[*entity]).filter(|(_, weight)| **weight > 0.0);
            let part: f64 = parts.map(|(item, weight)| weight * item.residual[person] / item.n[*entity]).sum();
            variance[*entity] += part * part;
        }
        Self {
            unadjusted: (0..entities).map(|entity| score(entity, &|item| item.mean[entity])).collect(),
            adjusted: (0..entities).map(|entity| score(entity, &|item| item.adjusted[entity])).collect(),
            variance,
        }
    }
}

fn smoothed(variance: &[f64], n: &[f64], smoothing: Option<VarianceSmoothing>) -> Vec<f64> {
    let Some(VarianceSmoothing { weight, formula }) = smoothing else { return variance.to_vec() };
    let of_people = |variance: f64, n: f64| match formula {
        Smoothing::Program => variance,
        Smoothing::Manual => variance * n,
    };
    let freedom: f64 = n.iter().map(|n| n - 1.0).sum();
    let pooled =
        variance.iter().zip(n).map(|(variance, n)| (n - 1.0) * of_people(*variance, *n)).sum::<f64>() / freedom;
    variance
        .iter()
        .zip(n)
        .map(|(variance, n)| {
            let pooled = match formula {
                Smoothing::Program => pooled,
                Smoothing::Manual => pooled / n,
            };
            (weight * pooled + (n - 1.0) * variance) / (weight + n - 1.0)
        })
        .collect()
}

/// The variance between entities that is not chance.
fn variance_between(scores: &[f64], variance: &[f64], n: &[f64]) -> f64 {
    let (entities, all): (f64, f64) = (scores.len() as f64, n.iter().sum());
    let mean = scores.iter().zip(n).map(|(score, n)| score * n).sum::<f64>() / all;
    let spread =
        scores.iter().zip(n).map(|(score, n)| n * (score - mean).powi(2)).sum::<f64>() / (all * (1.0 - 1.0 / entities));
    let of_people = variance.iter().zip(n).map(|(variance, n)| variance * n).sum::<f64>() / entities;
    (spread - of_people * entities / all).max(0.0)
}
