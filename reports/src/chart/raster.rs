//! A drawing as PNG: the SVG file itself, rasterised with the embedded font.

use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

use crate::theme::{FONT_BOLD, FONT_REGULAR, PNG_SCALE};

/// Rasterises drawings; holds the fonts, so that they are parsed once.
pub struct Rasteriser {
    options: Options<'static>,
}

impl Rasteriser {
    /// With the embedded fonts only, so that a picture is the same on every machine.
    pub fn new() -> Self {
        let mut fonts = fontdb::Database::new();
        fonts.load_font_data(FONT_REGULAR.to_vec());
        fonts.load_font_data(FONT_BOLD.to_vec());
        Self { options: Options { fontdb: Arc::new(fonts), font_family: "Inter".to_owned(), ..Options::default() } }
    }

    /// The PNG of an SVG file.
    ///
    /// # Errors
    /// The reason in words, when the SVG cannot be read or the picture is too large.
    pub fn png(&self, svg: &str) -> Result<Vec<u8>, String> {
        let tree = Tree::from_str(svg, &self.options).map_err(|error| error.to_string())?;
        let size = tree.size().to_int_size().scale_by(PNG_SCALE).ok_or("the picture has no size")?;
        let mut picture = Pixmap::new(size.width(), size.height()).ok_or("the picture is too large")?;
        resvg::render(&tree, Transform::from_scale(PNG_SCALE, PNG_SCALE), &mut picture.as_mut());
        picture.encode_png().map_err(|error| error.to_string())
    }
}
