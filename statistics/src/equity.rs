//! Gaps between groups.
