//! Making Data Count charts against R.
