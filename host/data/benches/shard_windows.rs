//! Training windows drawn at random from token shards in the page cache: as octo-data reads them, by positioned reads,
//! against the same shards mapped into memory with `memmap2`. Tokens per second, one thread.
//!
//! `cargo bench -p octo-data --bench shard_windows`
//!
//! Both sides find the same windows, check every token against the vocabulary, and find where documents begin; they
//! take turns, and what is printed are their fastest rounds.

use memmap2::Mmap;
use octo_data::packing::Packing;
use octo_data::shards::writer::ShardWriter;
use octo_data::shards::{Counts, FORMAT, MANIFEST, Manifest, Settings, VERSION, index_path, tokens_path};
use octo_data::token_source::TokenSource;
use octo_data::tokenizer::Tokenizer;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

const SHARDS: usize = 2;
const SHARD_TOKENS: u64 = 100_000_000;
const VOCABULARY: usize = 50_000;
const SEED: u64 = 7;
const ROUNDS: usize = 5;

fn main() {
    // `cargo test --benches` only checks that it builds.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    // Beside the build's output, which lies on a disk; the system's temporary folder may be memory.
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    let folder = tempfile::tempdir_in(target).expect("a temporary folder");
    let tokenizer = Tokenizer::train(["y"], 257, &[]).expect("trains");
    write(folder.path(), &tokenizer);
    let source = TokenSource::from_shards("web", &[folder.path().to_path_buf()], &tokenizer).expect("opens");
    let mapped = Mapped::open(folder.path());
    println!("{} tokens in {SHARDS} shards, 2 bytes each", source.tokens());
    for context in [512usize, 2048, 8192] {
        let windows = 64_000_000 / context as u64;
        let (mut reads, mut maps) = (Duration::MAX, Duration::MAX);
        for _ in 0..ROUNDS {
            let (mut left, mut right) = (Vec::new(), Vec::new());
            let started = Instant::now();
            let mut starts = 0;
            for sequence in 0..windows {
                left.clear();
                starts += source.sequence(sequence, context, SEED, &mut left).expect("reads").len();
            }
            reads = reads.min(started.elapsed());
            let started = Instant::now();
            let mut other_starts = 0;
            for sequence in 0..windows {
                right.clear();
                other_starts += mapped.sequence(sequence, context, &mut right).len();
            }
            maps = maps.min(started.elapsed());
            assert!(left == right && starts == other_starts, "both sides read the same");
        }
        let speed = |time: Duration| (windows * context as u64) as f64 / 1e6 / time.as_secs_f64();
        println!(
            "context {context}: positioned reads {:.0} M tokens/s, mapped {:.0}: ratio {:.2}",
            speed(reads),
            speed(maps),
            speed(reads) / speed(maps)
        );
    }
}

/// Documents of some hundred tokens.
fn write(folder: &Path, tokenizer: &Tokenizer) {
    let mut shards = Vec::new();
    let mut state = 1u64;
    for number in 0..SHARDS {
        let mut writer = ShardWriter::create(folder, number, VOCABULARY).expect("a file");
        while writer.tokens() < SHARD_TOKENS {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let length = 50 + (state >> 33) % 1500;
            let document: Vec<u32> = (0..length).map(|at| ((state >> 20) + at * 7919) as u32 % 49_999 + 1).collect();
            writer.add(&document, 0).expect("written");
        }
        shards.push(writer.finish().expect("written"));
    }
    let sum = |of: fn(&octo_data::shards::Shard) -> u64| shards.iter().map(of).sum();
    let total =
        Counts { documents: sum(|shard| shard.documents), tokens: sum(|shard| shard.tokens), ..Counts::default() };
    let settings =
        Settings { map: BTreeMap::new(), source: "web".into(), shard_tokens: SHARD_TOKENS, skip_bad_rows: false };
    let manifest = Manifest {
        format: FORMAT.into(),
        version: VERSION,
        tokenizer: tokenizer.digest(),
        vocabulary: VOCABULARY,
        beginning: Vec::new(),
        end_of_text: 0,
        bytes_per_token: 2,
        settings,
        inputs: Vec::new(),
        total,
        sources: Vec::new(),
        shards,
    };
    std::fs::write(folder.join(MANIFEST), serde_json::to_vec(&manifest).expect("JSON")).expect("written");
}

/// Tokens and index of every shard, with the position of its first token.
struct Mapped {
    shards: Vec<(u64, Mmap, Mmap)>,
    tokens: u64,
}

#[allow(unsafe_code, reason = "a map is what is measured; nobody else writes to the bench's own files")]
fn map(path: &Path) -> Mmap {
    let file = File::open(path).expect("opens");
    // SAFETY: the file is in the bench's own temporary folder, and was written before.
    unsafe { Mmap::map(&file).expect("maps") }
}

impl Mapped {
    fn open(folder: &Path) -> Mapped {
        let (mut shards, mut tokens) = (Vec::new(), 0);
        for number in 0..SHARDS {
            let file = map(&tokens_path(folder, number));
            let length = file.len() as u64 / 2;
            shards.push((tokens, file, map(&index_path(folder, number))));
            tokens += length;
        }
        Mapped { shards, tokens }
    }

    fn sequence(&self, sequence: u64, context: usize, into: &mut Vec<u32>) -> Vec<u32> {
        let packing = Packing { tokens: self.tokens, context: context as u64 };
        let mut at = packing.start_of(sequence, SEED, "web");
        let mut starts = vec![0];
        let (mut done, wanted) = (0, context as u64 + 1);
        while done < wanted {
            let number = self.shards.partition_point(|(first, ..)| *first <= at) - 1;
            let (first, tokens, index) = &self.shards[number];
            let (from, held) = (at - first, tokens.len() as u64 / 2);
            let to = held.min(from + wanted - done);
            let before = into.len();
            let bytes = &tokens[2 * from as usize..2 * to as usize];
            into.extend(bytes.as_chunks::<2>().0.iter().map(|id| u32::from(u16::from_le_bytes(*id))));
            assert!(into[before..].iter().all(|id| (*id as usize) < VOCABULARY));
            let ends = index.as_chunks::<8>().0;
            let begin = ends.partition_point(|end| u64::from_le_bytes(*end) < from);
            let beginning = (from == 0).then_some(0);
            let within = ends[begin..].iter().map(|end| u64::from_le_bytes(*end)).take_while(|end| *end < to);
            let places = beginning.into_iter().chain(within).map(|end| end - from + done);
            starts.extend(places.filter(|place| (1..context as u64).contains(place)).map(|place| place as u32));
            done += to - from;
            at = (at + to - from) % self.tokens;
        }
        starts
    }
}
