//! A plugin's file of any bytes is loaded or refused, within its limits.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::{Corpus, fuzz_target};
use octo_plugin::{Host, Limits};

static HOST: LazyLock<Host> = LazyLock::new(|| Host::with_cache_folder(None).expect("a supported machine"));

fuzz_target!(|bytes: &[u8]| -> Corpus {
    if bytes.len() > 1 << 16 {
        return Corpus::Reject;
    }
    let limits = Limits { fuel_per_item: 1_000_000, memory_bytes: 4 << 20, deadline_ms: 2000, ..Limits::default() };
    let described = match HOST.inspect("guest", bytes, &limits) {
        Ok(described) => described,
        Err(error) => {
            let words = error.to_string();
            assert!(!words.contains(char::is_control), "{words:?}");
            return Corpus::Keep;
        }
    };
    assert!(!described.description.summary.contains(char::is_control));
    for name in described.imports.iter().chain(&described.exports) {
        assert!(!name.contains(char::is_control), "{name:?}");
    }
    if let Ok(plugin) = HOST.load_bytes("guest", bytes, &serde_json::json!({}), &limits) {
        assert_eq!(plugin.kind(), described.kind);
        assert_eq!(plugin.digest(), described.digest);
        assert_eq!(plugin.description(), &described.description);
    }
    Corpus::Keep
});
