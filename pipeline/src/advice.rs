//! What a finding means and what to do about it, in a sentence each.

/// What a check found and what mends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advice {
    /// What is wrong, as the end of a sentence that begins with the value or the column.
    pub what: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

/// The advice for each check.
const ADVICE: [(&str, Advice); 34] = [
    (
        "required",
        Advice {
            what: "is empty, and a row cannot be without it",
            remedy: "ask for the missing values, or leave such rows out with only_where = { column = …, empty = false }",
        },
    ),
    (
        "invalid_date",
        Advice { what: "cannot be read as a date", remedy: "state its pattern with format = \"…\" in the mapping" },
    ),
    (
        "invalid_timestamp",
        Advice { what: "cannot be read as a time", remedy: "state its pattern with format = \"…\" in the mapping" },
    ),
    (
        "invalid_number",
        Advice {
            what: "cannot be read as a number",
            remedy: "state decimal and thousands in the mapping, or name the word under null_values if it means no value",
        },
    ),
    (
        "invalid_boolean",
        Advice { what: "is neither yes nor no", remedy: "say what it means with map = { … } in the mapping" },
    ),
    (
        "ambiguous_number",
        Advice {
            what: "may hold decimals or thousands, and nothing in its column says which",
            remedy: "state decimal = \".\" or decimal = \",\" in the mapping",
        },
    ),
    (
        "unknown_code",
        Advice {
            what: "is none of the allowed codes",
            remedy: "say what it means with map = { … } in the mapping, or in a list of words",
        },
    ),
    ("below_minimum", Advice { what: "is below the smallest possible value", remedy: "correct it in the extract" }),
    ("above_maximum", Advice { what: "is above the largest possible value", remedy: "correct it in the extract" }),
    ("negative_value", Advice { what: "is negative", remedy: "correct it in the extract, unless it is a reversal" }),
    (
        "null_marker",
        Advice { what: "was taken as no value", remedy: "state null_values in the mapping if the text is a value" },
    ),
    (
        "not_utf8",
        Advice {
            what: "has bytes that are not UTF-8",
            remedy: "state the file's encoding in the mapping, for example encoding = \"windows-1252\"",
        },
    ),
    (
        "field_count",
        Advice {
            what: "has another number of cells than the header",
            remedy: "look for delimiters or line ends within a cell; state quote or delimiter in the mapping",
        },
    ),
    (
        "short_row",
        Advice {
            what: "lacks cells at its end, which were taken as empty",
            remedy: "make sure that nothing was cut off",
        },
    ),
    (
        "repeated_header",
        Advice { what: "is the header again", remedy: "nothing is lost; extracts may have been put together" },
    ),
    (
        "swallowed_lines",
        Advice {
            what: "has a quoted cell with line ends and delimiters",
            remedy: "make sure that the cell is one text; state quote = \"\" in the mapping if the file is never quoted",
        },
    ),
    (
        "dummy_date",
        Advice {
            what: "is a placeholder, not a date",
            remedy: "ask for empty cells instead; the cell counts as empty",
        },
    ),
    (
        "implausible_date",
        Advice {
            what: "lies before 1850 or later than the column can hold",
            remedy: "correct it in the extract, or state the extract date",
        },
    ),
    (
        "future_date",
        Advice { what: "lies after the extract date", remedy: "correct it in the extract, or state the extract date" },
    ),
    ("open_ended", Advice { what: "was taken as an open end", remedy: "nothing to do" }),
    (
        "date_order",
        Advice {
            what: "can be read in two orders of day and month",
            remedy: "state date_order = \"mdy\" or \"dmy\" in the mapping",
        },
    ),
    ("two_digit_year", Advice { what: "holds years of two digits", remedy: "ask for four digits" }),
    ("midnight_utc", Advice { what: "is midnight in UTC throughout", remedy: "ask for plain dates" }),
    (
        "scientific_notation",
        Advice {
            what: "is an identifier that a spreadsheet has rounded, so that several people become one",
            remedy: "export the column as text; state severity.scientific_notation = \"warn\" if the identifiers are really written so",
        },
    ),
    (
        "id_variants",
        Advice {
            what: "differs from another identifier only in zeros, decimals or case, so that one person may be two",
            remedy: "export the column as text in all files; state severity.id_variants = \"warn\" if they are really different",
        },
    ),
    (
        "key_with_two_patients",
        Advice {
            what: "belongs to two patients",
            remedy: "if keys are unique only within a site, put the site before them with prefix or join in the mapping; else correct one of the rows",
        },
    ),
    (
        "dangling_reference",
        Advice {
            what: "refers to a row that is not there",
            remedy: "load the other file too, or make sure that both write the identifier alike",
        },
    ),
    (
        "wrong_patient",
        Advice {
            what: "belongs to another patient than the row that refers to it",
            remedy: "correct the patient in the extract, or leave the column out of the mapping so that it is looked up",
        },
    ),
    ("before_birth", Advice { what: "lies before the patient's birth", remedy: "correct the birth date or the row" }),
    ("after_death", Advice { what: "lies after the patient's death", remedy: "correct the date of death or the row" }),
    (
        "same_person_twice",
        Advice {
            what: "has birth date, sex and postal code of another patient",
            remedy: "load the table patient_merge if they are one person",
        },
    ),
    ("single_value", Advice { what: "has one value in every row", remedy: "make sure that the column was exported" }),
    ("feed_broke_off", Advice { what: "has no recent rows", remedy: "ask for the missing months" }),
    (
        "amount_reversed",
        Advice {
            what: "reverses an amount under the same claim line, which would replace it",
            remedy: "map adjustment_type or adjustment_sequence, so that both rows count",
        },
    ),
];

/// The advice for a check; a general one for checks of a table's own.
#[must_use]
pub fn advice(check: &str) -> Advice {
    let found = ADVICE.iter().find(|(name, _)| *name == check).map(|(_, advice)| *advice);
    found.unwrap_or(match check {
        "end_before_start" | "end_instant_before_start" => {
            Advice { what: "lies before the start of the row", remedy: "correct one of the two" }
        }
        "overlapping_stay" => {
            Advice { what: "begins before an earlier stay of the patient ends", remedy: "correct the dates" }
        }
        "voided_span" => Advice {
            what: "ends before it begins, which takes the span back",
            remedy: "correct the dates if the span should count",
        },
        "same_stay_other_id" => Advice { what: "is the same stay as another row", remedy: "load one of the two feeds" },
        "same_stay_other_hospital" => Advice {
            what: "has the patient and dates of a stay in another hospital",
            remedy: "write the hospital alike in both feeds; the two count as one stay",
        },
        _ => Advice { what: "did not pass the check", remedy: "correct it in the extract" },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_has_advice_once() {
        let names: std::collections::BTreeSet<&str> = ADVICE.iter().map(|(name, _)| *name).collect();
        assert_eq!(names.len(), ADVICE.len());
        for table in carecoord_lake::contract::tables().into_iter().flatten() {
            for check in &table.checks {
                assert!(!advice(&check.name).remedy.is_empty(), "{}", check.name);
            }
        }
    }
}
