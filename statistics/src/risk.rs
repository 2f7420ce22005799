//! Risk adjustment: models of the expected, and observed against expected.
