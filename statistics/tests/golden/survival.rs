//! Survival statistics against R.
