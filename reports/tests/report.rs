//! A whole report from a made-up results folder: what must be in it, and what must not.

mod synthetic;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use carecoord_reports::{ReportError, ReportFiles, ReportOptions, render};
use synthetic::{HOSTILE_TITLE, MEASURES, Table, Value};

/// A results folder, a place for the report, and the report.
struct Made {
    folder: tempfile::TempDir,
    files: ReportFiles,
}

impl Made {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let results = folder.path().join("results");
        fs::create_dir(&results).expect("a folder");
        synthetic::write(&results);
        let files = render(&results, &folder.path().join("report"), &options()).expect("a report");
        Self { folder, files }
    }

    fn results(&self) -> PathBuf {
        self.folder.path().join("results")
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("report")
    }

    fn html(&self) -> String {
        fs::read_to_string(&self.files.html).expect("a page")
    }

    fn definitions(&self) -> String {
        fs::read_to_string(self.out().join("definitions.html")).expect("a page of definitions")
    }

    fn again(&self) -> Result<ReportFiles, ReportError> {
        render(&self.results(), &self.out(), &options())
    }
}

/// One report for all tests that only read it.
static SHARED: LazyLock<Made> = LazyLock::new(Made::new);

fn options() -> ReportOptions {
    ReportOptions { title: "Care coordination report <North & South>".to_owned(), ..ReportOptions::default() }
}

fn computed() -> impl Iterator<Item = &'static synthetic::Measure> {
    MEASURES.iter().filter(|made| made.family != "transition")
}

/// The part of a page between two texts.
fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let (_, rest) = text.split_once(from).unwrap_or_else(|| panic!("{from} is missing"));
    rest.split_once(to).map_or(rest, |(part, _)| part)
}

/// One measure's section of the page.
fn section<'a>(html: &'a str, measure: &str) -> &'a str {
    between(html, &format!("<article class=\"measure\" id=\"measure-{measure}\">"), "</article>")
}

/// The names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn the_page_loads_nothing_and_runs_nothing() {
    let html = SHARED.html();
    assert!(html.contains("http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';"));
    assert_eq!(html.matches("<script").count(), 1, "the page's own script");
    let script = between(&html, "<script>", "</script>");
    let hash = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        <sha2::Sha256 as sha2::Digest>::digest(script),
    );
    assert!(html.contains(&format!("script-src 'sha256-{hash}'")), "only this script may run");
    for forbidden in ["fetch(", "XMLHttp", "import(", "eval(", "innerHTML", "document.write"] {
        assert!(!script.contains(forbidden), "{forbidden}");
    }
    loads_nothing(&html.replace(script, ""), "definitions.html#d-");
}

/// A page without its script asks for nothing and links to itself, or to places on the other page.
fn loads_nothing(html: &str, other: &str) {
    let lower = html.to_lowercase();
    for forbidden in [
        "<link", "<img", "<iframe", "<object", "<embed", "<image", "@import", "url(", " src=\"", " srcset", "http://",
        "https://",
    ] {
        assert!(!lower.contains(forbidden), "{forbidden}");
    }
    for target in lower.split("href=").skip(1) {
        let target = target.trim_start_matches('"');
        let page = other.split('#').next().unwrap_or_default();
        let whole = target.strip_prefix(page).is_some_and(|rest| rest.starts_with(['"', '>']));
        assert!(
            target.starts_with('#') || target.starts_with(other) || whole,
            "a link within the report: {target:.40}"
        );
    }
    let handlers = ["onload", "onclick", "onerror"];
    for tag in lower.split('<').filter_map(|part| part.split_once('>').map(|(tag, _)| tag)) {
        assert!(handlers.iter().all(|handler| !tag.contains(&format!(" {handler}="))), "{tag}");
        let style = tag.split_once(" style=\"").map(|(_, rest)| rest.split('"').next().unwrap_or_default());
        let is_number = |part: &str| {
            part.split_once(':').is_some_and(|(name, value)| name.starts_with("--") && value.parse::<f64>().is_ok())
        };
        assert!(style.is_none_or(|style| style.split(';').all(is_number)), "only numbers of a drawing: {tag}");
    }
}

#[test]
fn the_page_of_definitions_loads_nothing_and_runs_nothing() {
    let html = SHARED.definitions();
    assert!(
        html.contains("content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\"")
    );
    assert!(!html.contains("<script"));
    loads_nothing(&html, "index.html#");
}

#[test]
fn every_measure_is_defined_whole_in_the_order_of_the_report() {
    let (html, definitions) = (SHARED.html(), SHARED.definitions());
    let ids = |html: &str, start: &str| -> Vec<String> {
        html.split(start).skip(1).map(|rest| rest.split('"').next().unwrap_or_default().to_owned()).collect()
    };
    let defined = ids(&definitions, "<article class=\"measure\" id=\"d-");
    let mut order = ids(&html, "<article class=\"measure\" id=\"measure-");
    order.push("transition.medication_reconciled".to_owned());
    assert_eq!(defined, order, "computed, then refused");
    for id in &defined {
        let links = html.matches(&format!("<a href=definitions.html#d-{id}>")).count();
        assert_eq!(links, if id.starts_with("transition") { 1 } else { 2 }, "{id}: its section and its definition");
        let one = between(&definitions, &format!("id=\"d-{id}\">"), "</article>");
        for part in [
            "A stay that follows soon after",
            "Day 0 is the day of discharge.",
            "public methodology report 2025 [V]",
            "Project, after a public specification",
            "<dd>1.0</dd>",
            "TRN-S, COM-T",
            "c0ffee5f1d0a9b77e3d1a4f6",
            &format!("<code>carecoord measures show {id}</code>"),
            &format!("<code>carecoord measures test {id}</code>"),
        ] {
            assert!(one.contains(part), "{id}: {part}");
        }
        let section = if id.starts_with("transition") { "limits".to_owned() } else { format!("measure-{id}") };
        assert!(one.contains(&format!("<a href=\"index.html#{section}\">")), "{id}: back to the report");
    }
    let refused = between(&definitions, "id=\"d-transition.medication_reconciled\">", "</article>");
    assert!(refused.contains("has no medication_reconciliation table"));

    let first = between(&definitions, "id=\"d-readmission.", "</article>");
    assert!(first.contains("<pre><code>family = &quot;readmission&quot;\nsteward = "), "the file");
    assert!(first.contains("column_39\nfrom lake.encounter\n\nwhere organization_id"), "the SQL with its empty lines");
    assert!(first.contains("<summary>units.sql, then codes.csv, each after a line with its name</summary>"));
    assert!(first.contains("-- codes.csv\nset_id,version\nown,&quot;1&quot;</code></pre>"), "to its end");
    let families = MEASURES.iter().map(|made| made.family).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(
        definitions.matches("<summary>measure.toml</summary>").count(),
        families.len(),
        "once where it is shared"
    );
    assert_eq!(definitions.matches("are those of <a href=\"#d-").count(), MEASURES.len() - families.len());
}

#[test]
fn names_from_the_data_stay_text() {
    let made = &*SHARED;
    let html = made.html();
    assert!(!html.contains(HOSTILE_TITLE));
    assert!(html.contains("Care plan &lt;script&gt;alert(&quot;x&quot;)&lt;"));
    assert!(html.contains("“Pérez”"));
    assert!(html.contains("Harbor &quot;Community&quot; &amp; Family Health"));
    assert!(html.contains("report &lt;North &amp; South&gt;"));
    assert!(html.contains("survey &lt;b&gt;wave 2"));
    let definitions = made.definitions();
    assert!(definitions.contains("Care plan &lt;script&gt;alert(&quot;x&quot;)&lt;"));
    assert!(
        definitions
            .contains("St. Brigid&#x27;s &lt;&#x2f;code&gt;&lt;&#x2f;pre&gt;&lt;&#x2f;details&gt;&lt;script&gt;")
    );
    assert!(
        definitions.contains("report &lt;North &amp; South&gt;") && definitions.contains("a &lt; b &amp;&amp; c &gt; ")
    );
    for tag in ["script", "style", "img", "b"] {
        let opened =
            definitions.matches(&format!("<{tag}>")).count() + definitions.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, usize::from(tag == "style"), "{tag}");
    }
    let svg = fs::read_to_string(made.out().join("charts/care_plan.reviewed.svg")).expect("a chart");
    assert!(!svg.contains("<script") && svg.contains("&lt;script&gt;"));
}

#[test]
fn every_computed_measure_has_its_chart_as_svg_and_png() {
    let made = &*SHARED;
    assert_eq!(made.files.charts.len(), computed().count() + 1, "and one funnel");
    for measure in computed() {
        let svg = fs::read_to_string(made.out().join(format!("charts/{}.svg", measure.id))).expect("an SVG");
        assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"820\""));
        assert!(svg.contains("role=\"img\"") && svg.contains(" chart: ") && svg.contains("<desc>"));
        let png = fs::read(made.out().join(format!("charts/{}.png", measure.id))).expect("a PNG");
        assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
        let side = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().expect("four bytes"));
        assert_eq!(side(16), 1640, "twice the width");
        assert!((700..1100).contains(&side(20)), "{} high", side(20));
        assert!(png.len() > 10_000, "not an empty picture");
    }
    assert!(!made.out().join("charts/transition.medication_reconciled.svg").exists(), "refused: no chart");
    let in_page = made.html().matches("<svg class=chart ").count();
    assert_eq!(in_page, computed().count(), "not the one without a month to show, and one funnel");
    assert!(section(&made.html(), "continuity.usual_provider").contains("No month has a value that can be shown, so"));
}

#[test]
fn a_chart_in_the_page_follows_light_and_dark_and_is_described() {
    let html = SHARED.html();
    let chart = between(section(&html, "readmission.unplanned_30"), "<svg class=chart ", "</svg>");
    assert!(!chart.contains("=\"#"), "no fixed colour");
    assert!(chart.contains("class=s-centre") && chart.contains("class=\"s-data w4\""));
    assert!(chart.contains("aria-label=\"Control chart\""));
    assert!(chart.contains("aria-describedby=r") && section(&html, "readmission.unplanned_30").contains("<p id=r"));
    assert!(chart.contains("<text") && !chart.contains("font-family"));
    assert!(html.contains("@media (prefers-color-scheme:dark)"));
}

#[test]
fn provisional_months_are_hollow_and_final_ones_filled() {
    let html = SHARED.html();
    let hollow = |measure: &str| {
        let chart = between(section(&html, measure), "<svg class=chart ", "</svg>").to_owned();
        chart.split('<').filter(|tag| tag.starts_with("circle")).count()
    };
    assert_eq!(hollow("readmission.unplanned_30"), 2);
    assert_eq!(hollow("referral.loop_closed"), 4);
    assert_eq!(hollow("patient_reported.coordination"), 0);
    let svg = fs::read_to_string(SHARED.out().join("charts/referral.loop_closed.svg")).expect("a chart");
    assert!(svg.contains("hollow: follow-up not complete"));
}

#[test]
fn the_summary_shows_the_latest_final_month_and_never_a_number_for_what_is_suppressed() {
    let html = SHARED.html();
    let row = |measure: &str| {
        let start = format!("<th><a href=\"#measure-{measure}\">");
        between(&html, &start, "<tr").to_owned()
    };
    let readmission = row("readmission.unplanned_30");
    assert!(readmission.contains("<small>Aug 2026: "), "September and October are provisional: {readmission}");
    assert!(readmission.contains("Improvement.") && readmission.contains("Lower is better."), "{readmission}");
    assert!(readmission.contains("aria-label=\"Improvement, low values\""));
    assert!(readmission.contains("target ") && readmission.contains(">?</span>"));
    assert!(
        row("referral.loop_closed").contains("Concern.") && row("referral.loop_closed").contains("Higher is better.")
    );
    let suppressed = row("continuity.usual_provider");
    assert!(suppressed.contains("<i>suppressed (") && !suppressed.contains("<b>"), "{suppressed}");
    assert!(row("cost.total_pmpm").contains("</b> per member per month"));
    let order = |measure: &str| html.find(&format!("<a href=\"#measure-{measure}\">")).expect("a row");
    assert!(
        order("referral.loop_closed") < order("readmission.unplanned_30"),
        "a concern stands before an improvement"
    );
}

#[test]
fn organizations_outside_the_funnel_are_named_and_events_stand_in_the_chart() {
    let html = SHARED.html();
    let section = section(&html, "readmission.unplanned_30");
    assert!(section.contains("2025. Worse than chance explains: "), "{}", between(section, "id=f0", "</p>"));
    assert!(section.contains("aria-label=\"Funnel\""));
    assert!(section.contains("A 1 October 2025: Calls &lt;b&gt;begin&lt;&#x2f;b&gt;"));
    let svg = fs::read_to_string(SHARED.out().join("charts/readmission.unplanned_30.svg")).expect("a chart");
    assert!(svg.contains("Control chart: ") && svg.contains("control limits (3 SD)") && svg.contains("target "));
    assert!(SHARED.out().join("charts/readmission.unplanned_30.funnel.png").exists());
}

#[test]
fn who_is_left_out_is_told_with_numbers_that_may_be_shown() {
    let html = SHARED.html();
    let readmission = section(&html, "readmission.unplanned_30");
    assert!(readmission.contains(
        "Left out in 2026: died suppressed, left against advice suppressed, transferred out 1,204. \
         Not counted yet in 2026: follow-up not over 310."
    ));
}

#[test]
fn steps_that_follow_each_other_stand_side_by_side_in_a_month_that_is_final_for_all() {
    let html = SHARED.html();
    let steps = between(&html, "<section id=\"steps\"", "</section>");
    assert!(steps.contains("From order to plan: June 2026, the latest month that is final for all steps"), "{steps}");
    assert!(steps.matches("<td style=\"--v:").count() >= 2);
}

#[test]
fn the_sheet_for_the_board_has_concerns_first_and_a_headline_of_each_family() {
    let board = fs::read_to_string(SHARED.out().join("board.html")).expect("a sheet");
    let (changed, headlines) = board.split_once("Headline measures without a signal").expect("both parts");
    assert!(changed.find("Concern.").expect("a concern") < changed.find("Improvement.").expect("an improvement"));
    assert!(headlines.matches("<tr>").count() >= 3, "headings and headlines");
    assert!(!board.contains("<script") && !board.contains("Harbor"), "nothing runs, and no organization is named");
}

/// The page of 40 measures over 24 months and 20 sites, which must be small enough to be mailed.
#[test]
fn a_page_of_forty_measures_stays_below_half_a_megabyte() {
    let folder = tempfile::tempdir().expect("a folder");
    synthetic::write(folder.path());
    synthetic::enlarge(folder.path(), 40, 20);
    let files = render(folder.path(), &folder.path().join("report"), &options()).expect("a report");
    if let Some(copy) = std::env::var_os("CARECOORD_PAGE_TO") {
        fs::copy(&files.html, copy).expect("copied");
    }
    let size = fs::metadata(files.html).expect("a page").len();
    assert!(size < 500_000, "{size} bytes");
}

#[test]
fn payers_and_hospitals_have_tables_of_their_own_where_they_are_known() {
    let folder = tempfile::tempdir().expect("a folder");
    synthetic::write(folder.path());
    synthetic::add_levels(folder.path());
    let files = render(folder.path(), &folder.path().join("report"), &options()).expect("a report");
    let html = fs::read_to_string(files.html).expect("a page");
    let first = section(&html, MEASURES[0].id);
    let payers = between(first, "<caption>By payer, ", "</table>");
    assert!(payers.contains("<th>Blue &amp; Green") && payers.contains("<th>All") && !payers.contains("Lakeshore"));
    assert!(!first.contains("By program, "), "all that is known of programs is that nobody is in one");
    assert!(!between(first, "<caption>By organization, ", "</table>").contains("Blue &amp; Green"));
    let values = fs::read_to_string(folder.path().join("report/data/values.csv")).expect("a table");
    assert!(values.contains(",payer,p1,Blue & Green,"));
}

#[test]
fn a_page_of_very_many_organizations_shows_those_outside_the_limits_and_the_largest() {
    let folder = tempfile::tempdir().expect("a folder");
    synthetic::write(folder.path());
    synthetic::enlarge(folder.path(), 70, 300);
    let files = render(folder.path(), &folder.path().join("report"), &options()).expect("a report");
    let html = fs::read_to_string(files.html).expect("a page");
    let first = section(&html, "readmission.copy_00");
    assert!(first.contains("285 of 300 organizations: those outside the limits, then the largest."));
    let table = between(first, "<caption>By organization, ", "</table>");
    assert_eq!(table.matches("<tr").count(), 1 + 1 + 285, "a heading, all, and these");
}

#[test]
fn a_number_that_stands_in_a_suppressed_row_is_not_shown() {
    // An engine leaves suppressed numbers empty; should one ever stand there, the report still must not show it.
    let folder = tempfile::tempdir().expect("a folder");
    synthetic::write(folder.path());
    synthetic::leak(folder.path(), 31_415.926_5);
    let out = folder.path().join("report");
    let files = render(folder.path(), &out, &options()).expect("a report");
    let mut texts = vec![fs::read_to_string(&files.html).expect("a page")];
    texts.extend(files.charts.iter().map(|chart| fs::read_to_string(chart.with_extension("svg")).expect("an SVG")));
    for text in texts {
        for leaked in ["31,415", "31415", "31,416", "31416", "31,417"] {
            assert!(!text.contains(leaked), "{leaked}");
        }
    }
}

#[test]
fn tables_name_organizations_in_alphabetical_order_after_all() {
    let html = SHARED.html();
    let table = between(section(&html, "readmission.unplanned_30"), "By organization, 2026: ", "</table>");
    let (_, table) = table.split_once("</thead>").expect("a head");
    let names: Vec<&str> = table.split("<th>").skip(1).map(|row| row.split('<').next().unwrap_or_default()).collect();
    assert_eq!(
        names,
        [
            "All",
            "Éastside &lt;img src=x onerror=alert(1)&gt; Clinic",
            "Harbor &quot;Community&quot; &amp; Family Health",
            "Lakeshore General",
            "o-5",
            "St. Brigid Medical Center"
        ]
    );
    assert!(table.contains("suppressed (count below 11)"), "the smallest one");
    assert!(section(&html, "readmission.unplanned_30").contains("By group of patients, 2026: "));
    let care_plans = between(section(&html, "care_plan.reviewed"), "By month: ", "</table>");
    let months: Vec<&str> = care_plans.split("<tr").collect();
    assert_eq!(months.len(), 1 + 1 + 13, "heading and thirteen months");
}

#[test]
fn the_summary_can_be_asked_for_an_organization_by_a_name_that_says_which() {
    let level = |html: &str| {
        html.contains("<select name=\"level\">")
            .then(|| between(html, "<select name=\"level\">", "</select>").to_owned())
    };
    assert_eq!(
        level(&SHARED.html()).expect("organizations"),
        "<option>everyone<option>Éastside &lt;img src=x onerror=alert(1)&gt; Clinic\
         <option>Harbor &quot;Community&quot; &amp; Family Health<option>Lakeshore General<option>o-5\
         <option>St. Brigid Medical Center"
    );
    let html = |change: fn(&mut [Value]) -> bool| {
        let folder = tempfile::tempdir().expect("a folder");
        synthetic::write(folder.path());
        synthetic::change_rates(folder.path(), change);
        let files = render(folder.path(), &folder.path().join("report"), &options()).expect("a report");
        fs::read_to_string(files.html).expect("a page")
    };
    let twins = html(|row| {
        match row[4].text() {
            Some("o-5") => row[5] = Value::Text("Lakeshore General"),
            Some("o-1") => row[5] = Value::Text("All"),
            Some("o-2") => row[4] = Value::Text("unknown"),
            _ => {}
        }
        true
    });
    assert_eq!(
        level(&twins).expect("organizations"),
        "<option>everyone<option>St. Brigid Medical Center<option>Éastside &lt;img src=x onerror=alert(1)&gt; Clinic",
        "neither of two names that are the same, nor everyone's; unknown last"
    );
    assert_eq!(level(&html(|row| row[3].text() != Some("organization"))), None);
}

#[test]
fn refusals_caveats_rows_and_definitions_are_told() {
    let html = SHARED.html();
    let limits = between(&html, "<section id=\"limits\"", "</section>");
    assert!(limits.contains("has no medication_reconciliation table"));
    assert!(html.contains("Planned stays are told apart") && limits.contains("Stated with their charts:"));
    let rows = between(&html, "<section id=\"rows\"", "</section>");
    assert!(rows.contains("1,204,332") && rows.contains("no: 4 unaccounted for"));
    assert!(rows.contains("At least one file does not add up."));
    let hash = synthetic::file_hash(synthetic::FILES[0]);
    assert!(rows.contains(&format!("{}<small><code>{}</code>", synthetic::FILES[0], &hash[..12])));
    assert!(!html.contains(&hash[..13]), "no more of it than the eye compares");
    assert!(html.contains("<dt>Files loaded</dt><dd>4, with their hashes"));
    assert!(rows.contains("Invalid date") && rows.contains("reject"));
    assert!(rows.contains("Stay rows") && rows.contains("51,727") && rows.contains("copy of &lt;another&gt; row"));
    let definitions = between(&html, "<section id=\"definitions\"", "</section>");
    assert!(definitions.contains("Day 0 is the day of discharge.") && definitions.contains("TRN-S, COM-T"));
    assert!(definitions.contains("c0ffee5f1d0a9b77e3d1a4f6"));
    assert!(html.contains("Extract date assumed."));
}

#[test]
fn the_same_results_give_the_same_bytes_and_a_folder_for_the_owner_alone() {
    let made = Made::new();
    let read = |made: &Made| -> Vec<Vec<u8>> {
        let charts = made.out().join("charts");
        let charts = names(&charts).into_iter().map(|name| charts.join(name));
        let pages = ["index.html", "board.html", "definitions.html"].map(|name| made.out().join(name));
        charts.chain(pages).map(|path| fs::read(path).expect("a file")).collect()
    };
    let first = read(&made);
    made.again().expect("rendered over the old report");
    assert!(first == read(&made), "equal to the byte");
    assert_eq!(names(made.folder.path()), ["report", "results"], "nothing is left beside the report");
    let permissions = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(permissions(&made.out()), 0o700);
    assert_eq!(permissions(&made.files.html), 0o600);
    assert_eq!(permissions(&made.out().join("definitions.html")), 0o600);
}

#[test]
fn a_render_that_fails_leaves_the_old_report() {
    let made = Made::new();
    let before = made.html();
    fs::write(made.results().join("rate.parquet"), b"not parquet").expect("written");
    assert!(matches!(made.again(), Err(ReportError::Lake(_))));
    fs::remove_file(made.results().join("rate.parquet")).expect("removed");
    assert!(matches!(made.again(), Err(ReportError::Lake(_))));
    assert_eq!(made.html(), before);
    assert_eq!(names(made.folder.path()), ["report", "results"]);
}

#[test]
fn a_folder_with_other_files_is_not_replaced() {
    let made = Made::new();
    fs::write(made.out().join("thesis.docx"), b"years of work").expect("written");
    let error = made.again().expect_err("refused");
    assert!(matches!(&error, ReportError::NotAReport { found, .. } if found.contains("thesis.docx")), "{error}");
    assert!(made.out().join("thesis.docx").exists());
    let error = render(&made.results(), Path::new(".."), &options()).expect_err("refused");
    assert!(matches!(error, ReportError::OutputName { .. }));
}

#[test]
fn a_run_without_measures_is_still_a_report() {
    let folder = tempfile::tempdir().expect("a folder");
    synthetic::write(folder.path());
    for table in ["measure", "rate", "signal", "chart", "quality", "check_result", "preparation"] {
        Table::empty(folder.path(), table);
    }
    let files = render(folder.path(), &folder.path().join("report"), &options()).expect("a report");
    assert!(files.charts.is_empty());
    assert!(fs::read_to_string(files.html).expect("a page").contains("No measure was computed."));
    let definitions = fs::read_to_string(folder.path().join("report/definitions.html")).expect("a page");
    assert!(definitions.contains("No measure was computed.") && definitions.contains("No measure was refused."));
    Table::empty(folder.path(), "run");
    let error = render(folder.path(), &folder.path().join("report"), &options()).expect_err("nothing was measured");
    assert!(matches!(error, ReportError::NoRun));
}

#[test]
fn a_measure_of_which_nothing_was_found_asks_to_check_the_data() {
    let results = tempfile::tempdir().expect("a folder");
    synthetic::write(results.path());
    let mut measures: Vec<_> = MEASURES.iter().map(synthetic::measure_row).collect();
    synthetic::set_measure(&mut measures[0], "nothing_found", synthetic::Value::Boolean(true));
    Table::write(results.path(), "measure", &measures);
    let files = render(results.path(), &results.path().join("report"), &options()).expect("a report");
    let html = fs::read_to_string(&files.html).expect("a page");
    assert!(section(&html, MEASURES[0].id).contains("Check the data."));
    assert!(between(&html, "class=\"summary\"", "</p>").contains("In 1 measure nothing was found: check the data."));
    assert!(!section(&html, MEASURES[1].id).contains("Check the data."));
}

#[test]
fn waits_have_a_curve_for_each_year_and_feeds_say_where_they_broke_off() {
    let results = tempfile::tempdir().expect("a folder");
    synthetic::write(results.path());
    synthetic::more::write(results.path());
    let out = results.path().join("report");
    let files = render(results.path(), &out, &options()).expect("a report");
    let html = fs::read_to_string(&files.html).expect("a page");
    let waits = section(&html, "referral.report_days");
    let said = "2026 so far: half had it within 14 days, nine in ten within 42 days. \
                2025: half had it within 17 days, fewer than nine in ten had it.";
    assert!(waits.contains(said), "{}", between(waits, "<h4>Waits</h4>", "</p>"));
    assert!(out.join("charts/referral.report_days.waits.svg").is_file());
    assert!(!section(&html, MEASURES[0].id).contains("<h4>Waits</h4>"));
    let sites = between(section(&html, MEASURES[0].id), "<caption>By organization, ", "</table>");
    for said in ["<th>Target<", "<td>12.0%: not met<", "<td>10.0% (own): within the interval<", "<td>12.0%<"] {
        assert!(sites.contains(said), "{said}: {sites}");
    }
    assert_eq!(html.matches("<th>Target<").count(), 1, "where there is one");
    let feeds = between(&html, "<h3 id=\"feeds\">", "</table>");
    assert!(feeds.contains("A feed has odd months."));
    assert!(feeds.contains("no rows in Oct 2026; less than half the usual in Sep 2026"));
    assert_eq!(feeds.matches("class=\"alarm\"").count(), 2, "the referrals are as usual");
    for table in ["feed_month", "wait_curve"] {
        fs::remove_file(results.path().join(format!("{table}.parquet"))).expect("removed");
    }
    render(results.path(), &out, &options()).expect("results of an earlier version have neither");
    let html = fs::read_to_string(&files.html).expect("a page");
    assert!(!html.contains("<h4>Waits</h4>") && !html.contains("id=\"feeds\""));
}

/// Writes a report to look at: `CARECOORD_REPORT_TO=folder cargo test -p carecoord-reports --test report`.
#[test]
fn a_report_to_look_at() {
    let Some(folder) = std::env::var_os("CARECOORD_REPORT_TO") else { return };
    let results = tempfile::tempdir().expect("a folder");
    synthetic::write(results.path());
    synthetic::more::write(results.path());
    render(results.path(), Path::new(&folder), &ReportOptions::default()).expect("a report");
}
