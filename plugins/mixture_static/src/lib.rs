//! Fixed weights per data source.
