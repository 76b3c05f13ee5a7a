//! Drops pages that are too short, repetitive or not prose.
