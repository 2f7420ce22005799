//! Direct and indirect standardisation of rates.
