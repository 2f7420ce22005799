//! The best box and the cut box.
