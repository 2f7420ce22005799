//! The measures of the made-up run.

use super::tables::Value;

/// A title that tries to become markup.
pub const HOSTILE_TITLE: &str = "Care plan <script>alert(\"x\")</script> reviewed & signed – “Pérez”";

/// A made-up measure and how its months behave.
pub struct Made {
    pub id: &'static str,
    pub title: &'static str,
    pub family: &'static str,
    pub kind: &'static str,
    pub unit_name: &'static str,
    pub better: &'static str,
    pub multiplier: f64,
    pub value_unit: &'static str,
    pub decimals: i64,
    pub window: i64,
    pub runout: i64,
    pub caveat: &'static str,
    /// Denominator of a usual month.
    pub size: f64,
    /// Usual numerator over denominator.
    pub level: f64,
    /// What the level changes by, from month `.1` on.
    pub shift: (f64, i32),
    /// Months at the end that are provisional.
    pub open: i32,
    /// Months that are suppressed.
    pub suppressed: &'static [i32],
    /// Months without a denominator.
    pub undefined: &'static [i32],
}

const USUAL: Made = Made {
    id: "",
    title: "",
    family: "",
    kind: "proportion",
    unit_name: "index stay",
    better: "lower",
    multiplier: 100.0,
    value_unit: "%",
    decimals: 1,
    window: 30,
    runout: 3,
    caveat: "",
    size: 480.0,
    level: 0.15,
    shift: (0.0, 99),
    open: 2,
    suppressed: &[],
    undefined: &[],
};

/// All of them; the last one is refused.
pub const MEASURES: [Made; 10] = [
    Made {
        id: "readmission.unplanned_30",
        title: "Unplanned readmission within 30 days",
        family: "readmission",
        shift: (-0.035, 13),
        caveat: "Planned stays are told apart by admission type alone, because the source has no procedure codes.",
        ..USUAL
    },
    Made {
        id: "readmission.heart_failure_30",
        title: "Unplanned readmission within 30 days after a stay for heart failure, COPD or pneumonia",
        family: "readmission",
        size: 46.0,
        level: 0.22,
        suppressed: &[3, 4, 11, 20],
        ..USUAL
    },
    Made {
        id: "referral.loop_closed",
        title: "Referrals with the loop closed within 90 days",
        family: "referral",
        unit_name: "referral",
        better: "higher",
        window: 90,
        open: 4,
        size: 3_120.0,
        level: 0.614,
        shift: (-0.045, 12),
        ..USUAL
    },
    Made {
        id: "referral.report_days",
        title: "Days from specialist visit to report",
        family: "referral",
        kind: "mean",
        unit_name: "referral",
        multiplier: 1.0,
        value_unit: "days",
        size: 1_870.0,
        level: 11.4,
        window: 90,
        open: 4,
        ..USUAL
    },
    Made {
        id: "care_plan.reviewed",
        title: HOSTILE_TITLE,
        family: "care_plan",
        unit_name: "person-plan",
        better: "higher",
        size: 210.0,
        level: 0.83,
        undefined: &[0, 1, 9],
        suppressed: &[2],
        ..USUAL
    },
    Made {
        id: "patient_reported.coordination",
        title: "Patient-reported care coordination score",
        family: "patient_reported",
        kind: "composite",
        unit_name: "completed survey",
        better: "higher",
        multiplier: 1.0,
        value_unit: "points of 100",
        size: 62.0,
        level: 71.0,
        window: 0,
        open: 0,
        ..USUAL
    },
    Made {
        id: "utilization.ed_visits",
        title: "Emergency department visits",
        family: "utilization",
        kind: "rate",
        unit_name: "member-month",
        multiplier: 12_000.0,
        value_unit: "per 1,000 member-years",
        decimals: 0,
        size: 41_200.0,
        level: 0.0368,
        window: 0,
        runout: 90,
        open: 3,
        ..USUAL
    },
    Made {
        id: "cost.total_pmpm",
        title: "Total cost of care",
        family: "cost",
        kind: "rate",
        unit_name: "member-month",
        multiplier: 1.0,
        value_unit: "$ per member per month",
        decimals: 2,
        size: 41_200.0,
        level: 1_184.0,
        window: 0,
        runout: 90,
        open: 3,
        ..USUAL
    },
    Made {
        id: "continuity.usual_provider",
        title: "Usual provider of care",
        family: "continuity",
        unit_name: "person",
        better: "none",
        size: 9.0,
        level: 0.5,
        suppressed: &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23],
        ..USUAL
    },
    Made {
        id: "transition.medication_reconciled",
        title: "Medications reconciled within 30 days",
        family: "transition",
        better: "higher",
        ..USUAL
    },
];

/// The files of a definition, which the measures of a family share: a user's own may name anything, and try anything.
fn definition(family: &str) -> String {
    let columns: Vec<String> = (0..40).map(|number| format!("column_{number}")).collect();
    format!(
        "family = \"{family}\"\nsteward = \"Lakeshore General\"\n\n-- units.sql\n\
         -- St. Brigid's </code></pre></details><script>alert(1)</script><style>*{{display:none}}</style>\n\
         select {}\nfrom lake.encounter\n\nwhere organization_id = 'o-4' and a < b && c > 'd' -- http://example.org\n\
         -- codes.csv\nset_id,version\nown,\"1\"\n",
        columns.join(", ")
    )
}

/// The row of the table `measure`.
pub fn row(made: &Made) -> Vec<Value> {
    use Value::{Integer, None, Number, Owned, Text};
    let refused = made.family == "transition";
    vec![
        Text(made.id),
        Text("RA-HWR30-ALLPAYER"),
        Text(made.title),
        Text(made.family),
        // Each is a cohort of its own.
        Text(made.id),
        Integer(1),
        Text(made.kind),
        Text(made.unit_name),
        Text(made.better),
        Number(made.multiplier),
        Text(made.value_unit),
        Integer(made.decimals),
        Integer(made.window),
        Integer(made.runout),
        Text("Project, after a public specification"),
        Text("1.0"),
        Text(
            "A stay that follows soon after another often means that a plan, a prescription or an appointment was missing.",
        ),
        Text(
            "Denominator: live discharges from acute care.\nExclusions: left against advice; transfers.\nNumerator: an unplanned acute stay that begins within the window.\nDay 0 is the day of discharge.",
        ),
        Text(
            "Hospital-wide readmission, public methodology report 2025 [V]\nRun-out of the feed [P]\nMethod as published [K]",
        ),
        Text("TRN-S, COM-T"),
        Text(if refused { "refused" } else { "computed" }),
        if refused {
            Text("The source `synthea` has no medication_reconciliation table; map one, or leave the measure out.")
        } else {
            None
        },
        Text(made.caveat),
        None,
        None,
        if made.family == "referral" || made.family == "care_plan" { Text("From order to plan") } else { None },
        Owned(definition(made.family)),
        Text("c0ffee5f1d0a9b77e3d1a4f6"),
    ]
}
