//! Counts and durations as people read them, the same in every message.

use std::time::Duration;

use indicatif::HumanCount;

/// `12345` as `12,345`.
pub fn human_count(number: u64) -> String {
    HumanCount(number).to_string()
}

/// Bytes in the unit that suits them: `0 B`, `812 B`, `3.4 KiB`, `1.2 GiB`.
pub fn human_bytes(bytes: f64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let (mut size, mut unit) = (bytes.max(0.0), 0);
    // What would be rounded to 1024 is the next unit's 1.
    while size >= 1023.95 && unit + 1 < units.len() {
        size /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{size:.0} B") } else { format!("{size:.1} {}", units[unit]) }
}

/// A duration as a person would say it: `85ms`, `3.21s`, `4m 05s`, `2h 07m`, `3d 04h`.
pub fn human_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{}ms", duration.as_millis()),
        1..60 => format!("{:.2}s", duration.as_secs_f64()),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        3600..172_800 => format!("{}h {:02}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d {:02}h", seconds / 86_400, seconds / 3600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_the_unit_that_suits_them() {
        let bytes = [0.0, 812.0, 1024.0, 3_500.0, 1_048_575.0, 1.5e9, 2e18];
        let shown = ["0 B", "812 B", "1.0 KiB", "3.4 KiB", "1.0 MiB", "1.4 GiB", "1776.4 PiB"];
        assert_eq!(bytes.map(human_bytes), shown);
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!(
            [0, 7, 999, 1000, 12_345, 1_234_567].map(human_count),
            ["0", "7", "999", "1,000", "12,345", "1,234,567"]
        );
    }

    #[test]
    fn durations_change_unit_with_size() {
        let written = [85, 3_210, 245_000, 7_620_000, 273_600_000].map(|ms| human_duration(Duration::from_millis(ms)));
        assert_eq!(written, ["85ms", "3.21s", "4m 05s", "2h 07m", "3d 04h"]);
    }
}
