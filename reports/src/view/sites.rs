//! Organizations outside the funnels, over all measures: whom to call first.

use std::collections::BTreeMap;

use serde::Serialize;

use super::measure::MeasureRows;
use crate::words;

/// Measures that are named of one organization.
const NAMED: usize = 4;

/// Organizations outside the 99.8 % limits of some measure.
#[derive(Debug, Serialize)]
pub struct Sites {
    rows: Vec<Site>,
    /// Funnels that were drawn.
    funnels: usize,
}

/// One organization.
#[derive(Debug, Serialize)]
struct Site {
    name: String,
    worse: usize,
    better: usize,
    /// Where it is worse: title, anchor and value.
    measures: Vec<(String, String, String)>,
    /// Measures beside these in which it is worse.
    more: usize,
}

impl Sites {
    /// Those with most measures for the worse first; nothing where no funnel was drawn.
    pub fn new(rows: &[MeasureRows]) -> Option<Self> {
        let funnels = rows.iter().filter(|rows| !rows.funnel.is_empty()).count();
        let mut found: BTreeMap<&str, Site> = BTreeMap::new();
        for rows in rows {
            for (name, site) in rows.funnel.iter().filter(|(_, site)| site.position == "alarm") {
                let entry = found.entry(&site.level_id).or_insert_with(|| Site {
                    name: name.clone(),
                    worse: 0,
                    better: 0,
                    measures: Vec::new(),
                    more: 0,
                });
                match site.meaning.as_str() {
                    "worse" => {
                        entry.worse += 1;
                        if entry.measures.len() < NAMED {
                            let value = rows.format.value(site.value);
                            entry.measures.push((rows.measure.title.clone(), rows.anchor(), value));
                        } else {
                            entry.more += 1;
                        }
                    }
                    "better" => entry.better += 1,
                    _ => {}
                }
            }
        }
        let mut rows: Vec<Site> = found.into_values().filter(|site| site.worse + site.better > 0).collect();
        rows.sort_by_cached_key(|site| (std::cmp::Reverse(site.worse), words::sort_key(&site.name)));
        (funnels > 0).then_some(Self { rows, funnels })
    }
}
