//! A client of language-model servers.
