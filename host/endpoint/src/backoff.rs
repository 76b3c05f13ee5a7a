//! How long to wait before the next try.

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::request::Key;

/// Waits between tries: they double, up to a longest one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Before the second try.
    pub first: Duration,
    /// The longest, whatever a server asks for.
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Backoff {
        Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(120) }
    }
}

impl Backoff {
    /// The wait after try number `tries` of the request of `key`: `first` × 2^(tries − 1), shortened by a share of up to a
    /// half that is drawn from the key, so that many callers do not return at once and each waits the same each time. What
    /// the server asks for (`retry_after`) is the least.
    pub fn wait(&self, key: &Key, tries: u32, retry_after: Option<Duration>) -> Duration {
        let doubled = self.first.saturating_mul(1 << tries.saturating_sub(1).min(30)).min(self.longest);
        let mut sum = Sha256::new();
        sum.update(key.0);
        sum.update(tries.to_le_bytes());
        let drawn: [u8; 32] = sum.finalize().into();
        let share = f64::from(u16::from_le_bytes([drawn[0], drawn[1]])) / 65_536.0;
        let wait = doubled.mul_f64(1.0 - share / 2.0);
        wait.max(retry_after.unwrap_or_default()).min(self.longest)
    }
}

/// How long a `Retry-After` header asks to wait: seconds, or a date that is compared with `now`, seconds since 1970.
pub(crate) fn retry_after(header: &str, now: u64) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse::<f64>() {
        return (0.0..1e9).contains(&seconds).then(|| Duration::from_secs_f64(seconds));
    }
    // `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that is still to be sent.
    let mut words = header.split_once(", ")?.1.split(' ');
    let day: u64 = words.next()?.parse().ok()?;
    let month = words.next()?;
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = months.iter().position(|name| *name == month)? as u64 + 1;
    let year: u64 = words.next()?.parse().ok()?;
    let mut time = words.next()?.split(':').map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    if words.next() != Some("GMT") || !(1970..10_000).contains(&year) || day > 31 || hour > 23 || minute > 59 {
        return None;
    }
    // Days since 1970 by the calendar that begins in March, so that leap days come last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    let seconds = (days.checked_sub(719_468)?) * 86_400 + hour * 3600 + minute * 60 + second;
    Some(Duration::from_secs(seconds.saturating_sub(now)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_within_their_jitter_and_are_the_same_each_time() {
        let backoff = Backoff { first: Duration::from_millis(100), longest: Duration::from_secs(1) };
        let key = Key([7; 32]);
        for (tries, most) in [(1, 100), (2, 200), (3, 400), (4, 800), (5, 1000), (60, 1000)] {
            let wait = backoff.wait(&key, tries, None);
            assert_eq!(wait, backoff.wait(&key, tries, None));
            assert!(wait <= Duration::from_millis(most) && wait * 2 > Duration::from_millis(most), "{tries} {wait:?}");
        }
        assert_ne!(backoff.wait(&key, 1, None), backoff.wait(&Key([8; 32]), 1, None));
        assert_eq!(backoff.wait(&key, 1, Some(Duration::from_millis(700))), Duration::from_millis(700));
        assert_eq!(backoff.wait(&key, 1, Some(Duration::from_secs(3600))), Duration::from_secs(1));
    }

    #[test]
    fn servers_ask_to_wait_for_seconds_or_until_a_date() {
        let wait = |header: &str| retry_after(header, 784_111_770).map(|wait| wait.as_millis());
        assert_eq!(wait("7"), Some(7000));
        assert_eq!(wait(" 0.25 "), Some(250));
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT"), Some(7000));
        assert_eq!(wait("Sun, 06 Nov 1993 08:49:37 GMT"), Some(0), "a date that has passed");
        assert_eq!(retry_after("Thu, 29 Feb 2024 00:00:00 GMT", 1_709_164_799), Some(Duration::from_secs(1)));
        for header in
            ["", "-1", "soon", "nan", "inf", "1e300", "Sun, 06 Nov 1994 08:49 GMT", "Sun, 06 Foo 1994 08:49:37 GMT"]
        {
            assert_eq!(wait(header), None, "{header}");
        }
    }
}
