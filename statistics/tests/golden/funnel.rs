//! Funnel plots against R.
