//! The site that a page belongs to, by its URL.

/// Second labels under which names are given away in most countries' domains.
const SHARED: [&str; 22] = [
    "ac", "asn", "co", "com", "edu", "gen", "go", "gob", "gov", "gouv", "gv", "id", "ltd", "mil", "ne", "net", "nhs",
    "or", "org", "plc", "re", "sch",
];

/// The registered domain of `url`, in lower case: the last two labels of its host, or three under a country's shared
/// second label (`bbc.co.uk`); a whole address. None where there is no host. Hosts of many people's pages
/// (`someone.github.io`) are one site, which parts sides a little more than needed and never too little.
pub fn site(url: &str) -> Option<String> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.trim_start_matches('/');
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = authority.rsplit('@').next()?;
    if let Some(address) = host.strip_prefix('[') {
        return address.split_once(']').map(|(address, _)| format!("[{}]", address.to_ascii_lowercase()));
    }
    let host = host.split(':').next()?.trim().trim_end_matches('.').to_lowercase();
    if host.is_empty() || host.contains(char::is_whitespace) {
        return None;
    }
    let labels: Vec<&str> = host.split('.').collect();
    if labels.iter().all(|label| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_digit())) {
        return Some(host);
    }
    let count = match labels[..] {
        [.., second, top] if top.len() == 2 && SHARED.contains(&second) => 3,
        _ => 2,
    };
    Some(labels[labels.len().saturating_sub(count)..].join("."))
}

#[cfg(test)]
mod tests {
    use super::site;

    #[test]
    fn a_site_is_what_somebody_has_registered() {
        for (url, expected) in [
            ("https://www.example.org/a/b?q=http://other.net", Some("example.org")),
            ("http://EN.m.Wikipedia.org:8080/wiki/X#y", Some("wikipedia.org")),
            ("https://user:secret@news.bbc.co.uk./x", Some("bbc.co.uk")),
            ("//cdn.example.com.au/a", Some("example.com.au")),
            ("example.com/page", Some("example.com")),
            ("https://co.uk/", Some("co.uk")),
            ("http://192.168.1.20/x", Some("192.168.1.20")),
            ("http://[2001:DB8::1]:80/x", Some("[2001:db8::1]")),
            ("https://localhost/x", Some("localhost")),
            ("http://bücher.example.de/ü", Some("example.de")),
            ("http://a..b", Some(".b")),
            ("https:///", None),
            ("http://a b/", None),
            ("http://[::1", None),
            ("", None),
        ] {
            assert_eq!(site(url).as_deref(), expected, "{url}");
        }
    }
}
