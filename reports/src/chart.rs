//! Run charts. Each is drawn once, as SVG; the PNG is that drawing rasterised, the page's copy that drawing with colour
//! classes in place of colours.

mod canvas;
mod keys;
mod marks;
mod months;
mod plot;
mod raster;
mod run_chart;
mod scale;
mod svg;

pub use raster::Rasteriser;
pub use run_chart::{RunChart, draw};
pub use scale::round_ends;
pub use svg::Drawing;
