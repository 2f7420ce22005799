//! The page: content laid out by the templates, every value escaped.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value, context};
use sha2::{Digest, Sha256};

use crate::error::{ReportError, Result};
use crate::theme;
use crate::view::{Definitions, Page};

const TEMPLATES: [(&str, &str); 11] = [
    ("board.html", include_str!("../templates/board.html")),
    ("page.html", include_str!("../templates/page.html")),
    ("values.html", include_str!("../templates/values.html")),
    ("summary.html", include_str!("../templates/summary.html")),
    ("measure.html", include_str!("../templates/measure.html")),
    ("accounting.html", include_str!("../templates/accounting.html")),
    ("definition.html", include_str!("../templates/definition.html")),
    ("definitions.html", include_str!("../templates/definitions.html")),
    ("coverage.html", include_str!("../templates/coverage.html")),
    ("sites.html", include_str!("../templates/sites.html")),
    ("glance.html", include_str!("../templates/glance.html")),
];
const STYLE: &str = include_str!("../templates/style.css");
/// The only script that the page may run: its hash stands in the page's policy.
const SCRIPT: &str = include_str!("../templates/page.js");

/// What the page of definitions needs beside it.
const DEFINITIONS_STYLE: &str = include_str!("../templates/definitions.css");

/// The pages of a report, laid out.
#[derive(Debug)]
pub struct Pages {
    /// The report itself.
    pub report: String,
    /// The sheet for the board.
    pub board: String,
    /// The definitions, whole.
    pub definitions: String,
}

/// Lays out the report's pages.
///
/// # Errors
/// When a template is broken, which a test rules out for those shipped.
pub fn lay_out(page: &Page, definitions: &Definitions) -> Result<Pages> {
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
    let script = bare(SCRIPT, "//");
    let script_hash = BASE64.encode(Sha256::digest(&script));
    let style = format!("{}{}", theme::css(), bare(STYLE, "/*"));
    let render = |name: &str, content: Value| {
        environment.get_template(name).and_then(|template| template.render(content)).map_err(failed)
    };
    let page = context! { page => Serde(page), style => &style, script => &script, script_hash => &script_hash };
    let style = format!("{style}{}", bare(DEFINITIONS_STYLE, "/*"));
    Ok(Pages {
        report: without_empty_lines(&render("page.html", page.clone())?),
        board: without_empty_lines(&render("board.html", page)?),
        // Definitions have empty lines of their own.
        definitions: render("definitions.html", context! { page => Serde(definitions), style => &style })?,
    })
}

/// A page without the empty lines that macros leave, which say nothing.
fn without_empty_lines(page: &str) -> String {
    page.lines().filter(|line| !line.is_empty()).flat_map(|line| [line, "\n"]).collect()
}

/// A text without the indentation and the lines of comment that only its authors need.
fn bare(text: &str, comment: &str) -> String {
    let lines = text.lines().map(str::trim_start).filter(|line| !line.is_empty() && !line.starts_with(comment));
    lines.flat_map(|line| [line, "\n"]).collect()
}
