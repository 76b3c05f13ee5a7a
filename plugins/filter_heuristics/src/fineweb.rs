//! Preset `fineweb`: datatrove 0.10.1's `FineWebQualityFilter`, with its reasons.

use crate::config::Settings;
use crate::english::{Splitter, characters};
use crate::lines::strip;
use crate::repetition::copies;

/// Why datatrove's filter would drop a text, by the first rule that fails.
///
/// # Errors
/// The reason.
pub fn judge(text: &str, settings: &Settings, splitter: &Splitter) -> Result<(), &'static str> {
    let lines = || text.split('\n').filter(|line| !strip(line).is_empty());
    let (mut count, mut ended, mut short) = (0_u64, 0_u64, 0_u64);
    for line in lines() {
        count += 1;
        let last = line.chars().next_back().map_or(0, characters::kinds);
        ended += u64::from(last & characters::ENDS != 0);
        let most = settings.short_line_characters as usize;
        short += u64::from(line.len() <= most || (line.len() <= 4 * most && line.chars().count() <= most));
    }
    if count == 0 {
        return Err("empty");
    }
    let share = |part: u64| part as f64 / count as f64;
    if share(ended) < settings.min_end_punctuation_share {
        return Err("line_punct_ratio");
    }
    if share(short) > settings.max_short_line_share {
        return Err("short_line_ratio");
    }
    let breaks = text.bytes().filter(|byte| *byte == b'\n').count();
    let characters = text.chars().count() - breaks;
    if copies(lines()).characters as f64 / characters as f64 > settings.max_duplicate_line_character_share {
        return Err("char_dup_ratio");
    }
    let mut words = 0_u64;
    splitter.words(text, |_| words += 1);
    if breaks as f64 / words.max(1) as f64 > settings.max_line_break_share {
        return Err("list_ratio");
    }
    Ok(())
}
