//! A rule-based verifier of mathematical answers.
