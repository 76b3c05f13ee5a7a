//! The corpus pipeline: filter plugins over shards.
