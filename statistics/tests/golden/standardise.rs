//! Standardised rates and ratios against R.
