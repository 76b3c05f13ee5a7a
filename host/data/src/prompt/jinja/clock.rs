//! `strftime_now`: what chat templates print of a date, on a day that the recipe fixed.

/// Year, month and day of `2025-01-31`.
pub(in super::super) fn date(text: &str) -> Result<(u32, usize, u32), String> {
    let parts: Vec<u32> = text.split('-').filter_map(|part| part.parse().ok()).collect();
    match parts.as_slice() {
        [year, month @ 1..=12, day @ 1..=31] if text.len() == 10 => Ok((*year, *month as usize, *day)),
        _ => Err(format!("variables.today is {text:?}; write a date such as \"2025-01-31\"")),
    }
}

const MONTHS: [(&str, u32); 12] = [
    ("January", 31),
    ("February", 28),
    ("March", 31),
    ("April", 30),
    ("May", 31),
    ("June", 30),
    ("July", 31),
    ("August", 31),
    ("September", 30),
    ("October", 31),
    ("November", 30),
    ("December", 31),
];
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Python's `strftime` of a day, at midnight.
pub(super) fn formatted(today: &str, format: &str) -> Result<String, String> {
    let (year, month, day) = date(today)?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let before: u32 = MONTHS.iter().take(month - 1).map(|(_, days)| days).sum();
    let of_year = before + day + u32::from(leap && month > 2);
    let years = year.saturating_sub(1);
    let weekday = (365 * years + years / 4 - years / 100 + years / 400 + of_year + 6) % 7;
    let weekday_name = DAYS.get(weekday as usize).copied().unwrap_or_default();
    let month_name = MONTHS.get(month - 1).map_or("", |(name, _)| name);
    let short = |name: &'static str| name.get(..3).unwrap_or(name);
    let mut text = String::new();
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            text.push(character);
            continue;
        }
        let mut directive = characters.next();
        let bare = directive == Some('-');
        if bare {
            directive = characters.next();
        }
        let padded = |number: u32, width: usize| if bare { number.to_string() } else { format!("{number:0width$}") };
        match directive {
            Some('Y') => text.push_str(&year.to_string()),
            Some('y') => text.push_str(&padded(year % 100, 2)),
            Some('m') => text.push_str(&padded(month as u32, 2)),
            Some('d') => text.push_str(&padded(day, 2)),
            Some('e') => text.push_str(&format!("{day:>2}")),
            Some('j') => text.push_str(&padded(of_year, 3)),
            Some('B') => text.push_str(month_name),
            Some('b' | 'h') => text.push_str(short(month_name)),
            Some('A') => text.push_str(weekday_name),
            Some('a') => text.push_str(short(weekday_name)),
            Some('F') => text.push_str(&format!("{year}-{month:02}-{day:02}")),
            Some('%') => text.push('%'),
            other => {
                let other = other.map(String::from).unwrap_or_default();
                return Err(format!(
                    "strftime_now: %{other} is not known here, where there is a day but no time; known are %Y %y %m %d %e %j \
                     %B %b %A %a %F"
                ));
            }
        }
    }
    Ok(text)
}
