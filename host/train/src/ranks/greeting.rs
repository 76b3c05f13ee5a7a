//! What two processes say to each other first, so that ranks of one run find each other and nobody else gets in.

use std::io::{ErrorKind, Read};

/// Most bytes of a greeting, and of the answer to one.
const LONGEST: usize = 512;
/// What an answer begins with that turns a process away; the reason comes after it.
const NO: &str = "no: ";

/// What one connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The messages of a rank.
    Messages,
    /// Nothing is sent here; that the other machine answers is all that matters.
    Pulse,
}

/// The first message of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Greeting {
    pub(super) version: String,
    pub(super) world: usize,
    pub(super) part: Part,
    pub(super) rank: usize,
}

impl Greeting {
    /// That of this version's rank `rank`.
    pub(super) fn new(world: usize, part: Part, rank: usize) -> Greeting {
        Greeting { version: env!("CARGO_PKG_VERSION").to_owned(), world, part, rank }
    }

    pub(super) fn text(&self) -> String {
        let part = match self.part {
            Part::Messages => "rank",
            Part::Pulse => "pulse of rank",
        };
        format!("octo {} of {}, {part} {}", self.version, self.world, self.rank)
    }

    /// `None` where the text is not the greeting of any version.
    pub(super) fn parse(text: &str) -> Option<Greeting> {
        let (version, rest) = text.strip_prefix("octo ")?.split_once(" of ")?;
        let (world, rest) = rest.split_once(", ")?;
        let (part, rank) = match rest.strip_prefix("pulse of ") {
            Some(rest) => (Part::Pulse, rest),
            None => (Part::Messages, rest),
        };
        let rank = rank.strip_prefix("rank ")?.parse().ok()?;
        let plain = !version.is_empty() && version.len() < 64 && version.bytes().all(|byte| byte.is_ascii_graphic());
        plain.then(|| world.parse().ok())?.map(|world| Greeting { version: version.to_owned(), world, part, rank })
    }

    /// What keeps a process from being a rank of a run of `world` ranks, as a sentence for both sides.
    pub(super) fn contradiction(&self, world: usize, from: &str) -> Option<String> {
        let own = env!("CARGO_PKG_VERSION");
        let Greeting { version, rank, .. } = self;
        if version != own {
            Some(format!(
                "rank {rank} at {from} runs octo {version}, and rank 0 runs octo {own}; they must be the same"
            ))
        } else if self.world != world {
            Some(format!(
                "rank {rank} at {from} has WORLD_SIZE={}, and rank 0 has WORLD_SIZE={world}; give all processes the same",
                self.world
            ))
        } else {
            None
        }
    }
}

/// The answer that turns a process away.
pub(super) fn refusal(reason: &str) -> String {
    let mut text = format!("{NO}{reason}");
    while text.len() > LONGEST {
        text.pop();
    }
    text
}

/// The reason of such an answer.
pub(super) fn refused(answer: &str) -> Option<&str> {
    answer.strip_prefix(NO)
}

/// A greeting or an answer as it travels: with its length in front.
pub(super) fn framed(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
}

/// A greeting or an answer, as far as it has come.
#[derive(Default)]
pub(super) struct Incoming(Vec<u8>);

/// What has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// All of it.
    Text(String),
    /// Not all yet.
    NotYet,
    /// The connection was closed before it was whole.
    Ended,
    /// What cannot become a greeting.
    OtherProtocol,
}

impl Incoming {
    /// Reads what there is, and no byte more than the greeting has.
    pub(super) fn hear(&mut self, from: &mut impl Read) -> std::io::Result<Heard> {
        let Incoming(bytes) = self;
        loop {
            let wanted = match bytes.first_chunk() {
                None => size_of::<u64>(),
                Some(length) => match usize::try_from(u64::from_le_bytes(*length)) {
                    Ok(length) if (1..=LONGEST).contains(&length) => size_of::<u64>() + length,
                    _ => return Ok(Heard::OtherProtocol),
                },
            };
            let have = bytes.len();
            if have == wanted {
                return Ok(Heard::Text(String::from_utf8_lossy(&bytes[size_of::<u64>()..]).into_owned()));
            }
            bytes.resize(wanted, 0);
            let read = from.read(&mut bytes[have..]);
            bytes.truncate(have + read.as_ref().map_or(0, |read| *read));
            match read {
                Ok(0) => return Ok(Heard::Ended),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Heard::NotYet),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greetings_pass_as_text_and_nothing_else_is_one() {
        for part in [Part::Messages, Part::Pulse] {
            let greeting = Greeting::new(8, part, 3);
            assert_eq!(Greeting::parse(&greeting.text()), Some(greeting));
        }
        let text = Greeting::new(8, Part::Pulse, 3).text();
        assert_eq!(text, format!("octo {} of 8, pulse of rank 3", env!("CARGO_PKG_VERSION")));
        for other in [
            "",
            "GET / HTTP/1.1",
            "octo 0.1.0",
            "octo  of 8, rank 3",
            "octo 0.1.0 of 8, rank",
            "octo 0.1.0 of 8, rank -1",
            "octo 0.1.0 of 8, rank 3 ",
            "octo 0.1\u{1b} of 8, rank 3",
            "octo 0.1.0 of x, rank 3",
        ] {
            assert_eq!(Greeting::parse(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_greeting_may_come_in_pieces_and_what_comes_after_it_is_left_where_it_is() {
        let bytes = [&framed("octo"), &b"rest"[..]].concat();
        let mut incoming = Incoming::default();
        for end in 1..12 {
            // A reader that ends is a connection that was closed.
            assert_eq!(incoming.hear(&mut &bytes[end - 1..end]).expect("reads"), Heard::Ended);
        }
        let mut last = &bytes[11..];
        assert_eq!(incoming.hear(&mut last).expect("reads"), Heard::Text("octo".to_owned()));
        assert_eq!(last, b"rest");
        for other in [&b"GET / HTTP/1.1\r\n"[..], &[0; 8], &[255; 8]] {
            assert_eq!(Incoming::default().hear(&mut &*other).expect("reads"), Heard::OtherProtocol);
        }
    }

    #[test]
    fn an_answer_turns_away_with_its_reason_and_never_grows() {
        assert_eq!(refused(&refusal("because")), Some("because"));
        assert_eq!(refused(&Greeting::new(2, Part::Messages, 1).text()), None);
        assert_eq!(refusal(&"ä".repeat(600)).len(), LONGEST);
    }
}
