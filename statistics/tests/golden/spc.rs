//! Control charts against R.
