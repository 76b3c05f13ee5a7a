//! What the preset for mathematics keeps, and for which reason it drops the rest.
