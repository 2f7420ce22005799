//! Causal statistics against R and statsmodels.
