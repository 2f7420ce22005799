//! Time to an event, with censoring and competing events.
