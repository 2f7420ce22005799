//! Properties that hold for any data, checked on random cases.

mod survival;
