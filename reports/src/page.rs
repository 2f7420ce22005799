//! The page: content laid out by the templates, every value escaped.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, context};

use crate::error::{ReportError, Result};
use crate::theme;
use crate::view::Page;

const TEMPLATES: [(&str, &str); 8] = [
    ("page.html", include_str!("../templates/page.html")),
    ("values.html", include_str!("../templates/values.html")),
    ("tile.html", include_str!("../templates/tile.html")),
    ("measure.html", include_str!("../templates/measure.html")),
    ("accounting.html", include_str!("../templates/accounting.html")),
    ("definition.html", include_str!("../templates/definition.html")),
    ("coverage.html", include_str!("../templates/coverage.html")),
    ("glance.html", include_str!("../templates/glance.html")),
];
const STYLE: &str = include_str!("../templates/style.css");

/// Lays the page out.
///
/// # Errors
/// When a template is broken, which a test rules out for those shipped.
pub fn lay_out(page: &Page) -> Result<String> {
    let failed = |error: minijinja::Error| ReportError::Page { reason: format!("{error:#}") };
    // Names that end in .html switch escaping on.
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // A block tag on a line of its own leaves no empty line behind.
    let whitespace = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().map_err(failed)?;
    environment.set_syntax(whitespace);
    for (name, text) in TEMPLATES {
        environment.add_template(name, text).map_err(failed)?;
    }
    let style = format!("{}{STYLE}", theme::css());
    environment
        .get_template("page.html")
        .and_then(|template| template.render(context! { page => Serde(page), style }))
        .map_err(failed)
}
