//! The keys of a `tokenize` stage, beside its inputs.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use octo_data::rows::TEXT_FIELDS;
use octo_data::shards::Settings;
use octo_data::shards::tokenize::SHARD_TOKENS;
use toml::Value;

use super::keys::{Keys, nearest};

/// Reads `map`, `source` (the stage's name where it is not given), `shard_tokens`, `skip_bad_rows`, and `threads`, which
/// decide nothing but the speed.
pub fn read(keys: &mut Keys<'_>, stage: &str) -> Result<(Settings, usize)> {
    let mut map = BTreeMap::new();
    for (field, column) in keys.take_table("map")?.unwrap_or_default() {
        if !TEXT_FIELDS.contains(&field.as_str()) {
            let known = TEXT_FIELDS.iter().map(|field| (*field).to_owned());
            bail!("{}: no field {field:?} of a document is trained on{}", keys.place("map"), nearest(&field, known));
        }
        let Value::String(column) = column else {
            bail!("{}: `map` gives each field the name of a column", keys.place("map"));
        };
        map.insert(field, column);
    }
    let shard_tokens = at_least_one(keys, "shard_tokens", SHARD_TOKENS)?;
    let threads = at_least_one(keys, "threads", 1)?;
    let skip_bad_rows = match keys.take("skip_bad_rows") {
        None => false,
        Some(Value::Boolean(skip)) => skip,
        Some(_) => bail!("{}: must be true or false", keys.place("skip_bad_rows")),
    };
    let source = keys.take_string("source")?.unwrap_or_else(|| stage.to_owned());
    Ok((Settings { map, source, shard_tokens, skip_bad_rows }, threads as usize))
}

fn at_least_one(keys: &mut Keys<'_>, key: &str, otherwise: u64) -> Result<u64> {
    match keys.take_unsigned(key)? {
        Some(0) => bail!("{}: must be at least 1", keys.place(key)),
        number => Ok(number.unwrap_or(otherwise)),
    }
}
