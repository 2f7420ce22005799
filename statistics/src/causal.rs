//! What changed because of an intervention: difference-in-differences, segmented regression, balance.
