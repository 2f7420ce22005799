//! Equity statistics against R.
