//! Charts of months, and funnels. Each is drawn once, as SVG; the PNG is that drawing rasterised, the page's copy that drawing with colour
//! classes in place of colours.

mod canvas;
mod compact;
mod events;
mod funnel;
mod header;
mod keys;
mod marks;
mod months;
mod plot;
mod raster;
mod right_labels;
mod run_chart;
mod scale;
mod svg;
mod wait_curve;

pub use events::events_within;
pub use funnel::{FunnelChart, draw as draw_funnel};
pub use raster::Rasteriser;
pub use run_chart::{Month, RunChart, draw};
pub use scale::round_ends;
pub use svg::Drawing;
pub use wait_curve::{WaitChart, WaitYear, draw as draw_waits};
