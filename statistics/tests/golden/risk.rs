//! Risk models against R.
