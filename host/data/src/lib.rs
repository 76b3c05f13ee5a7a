//! Records, shards, sampling, tokenisation and packing.
