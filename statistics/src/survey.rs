//! Scores of patient surveys that are compared between entities: practices, plans, hospitals.
//!
//! | item | question it answers |
//! |---|---|
//! | [`cahps()`] | What is each entity's mean on a composite, adjusted for its patients, and which differ from the rest? |

mod cahps;

pub use cahps::{
    Cahps, CahpsOptions, EntityScore, ItemModel, Missing, Responses, Smoothing, Standing, VarianceSmoothing, cahps,
};
