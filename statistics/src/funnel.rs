//! Funnel plots: sites against limits that narrow with their size.
