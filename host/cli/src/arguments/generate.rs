//! Flags of `octo-host generate`.

use std::path::PathBuf;

use clap::{Args, CommandFactory};

use super::{Arguments, field_and_column, positive};

/// `octo-host generate --model DIR [FILE --out OUT]`.
#[derive(Args, Debug)]
#[command(after_help = "\
With FILE, every row is written to OUT with the columns response, tokens, finish and sample added, in
the order of the rows; `octo-host --plugin verifier_math OUT` judges them. A response that ended
because prompt and response had used up the model's context has the column room too: the tokens that
were left for it. Where the prompt left none, response is empty and room 0. Stopped or killed, the
same command resumes after the last whole batch. Without FILE, each line of standard input is a
problem, and its answer is printed.

Exit status: 0 done; 1 failed; 2 wrong usage; 130 stopped by Ctrl-C, 143 by SIGTERM.")]
pub struct GenerateArguments {
    /// Problems: JSON Lines, one JSON array, CSV, TSV or Parquet, the text formats plain or compressed
    #[arg(value_name = "FILE", requires = "out")]
    pub file: Option<PathBuf>,

    /// Model folder in Hugging Face's layout, with its tokenizer
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,

    /// File to write to, JSON Lines
    #[arg(long, value_name = "OUT", requires = "file")]
    pub out: Option<PathBuf>,

    /// Read `problem` from COLUMN, a key or a path such as messages.-1.content
    #[arg(long, value_name = "FIELD=COLUMN", value_parser = field_and_column)]
    pub map: Vec<(String, String)>,

    /// How problems are asked: a text with {problem} in it; \n is a new line, and \\n a backslash and an n
    #[arg(long, value_name = "TEXT", default_value = "{problem}", value_parser = with_new_lines)]
    pub prompt: String,

    /// Ask with a template in Jinja's syntax, which is given `problem` and `fields`
    #[arg(long, value_name = "FILE", conflicts_with_all = ["prompt", "chat"])]
    pub template: Option<PathBuf>,

    /// Ask with the model's own chat template; --prompt is then the user's message
    #[arg(long)]
    pub chat: bool,

    /// Responses to each problem
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = positive)]
    pub samples: usize,

    /// Longest response, in tokens; less where the model's context has no more room
    #[arg(long, value_name = "N", default_value_t = 512, value_parser = positive)]
    pub max_tokens: usize,

    /// 0 takes the likeliest token each time
    #[arg(long, value_name = "T", default_value_t = 0.0)]
    pub temperature: f64,

    /// Sample among this many of the likeliest tokens; 0 is all
    #[arg(long, value_name = "K", default_value_t = 0)]
    pub top_k: usize,

    /// Sample among the likeliest tokens that together have this probability
    #[arg(long, value_name = "P", default_value_t = 1.0)]
    pub top_p: f64,

    /// Sample among tokens at least this many times as likely as the likeliest
    #[arg(long, value_name = "P", default_value_t = 0.0)]
    pub min_p: f64,

    /// Text that ends a response and is not part of it, such as a special token's name; \n is a new line [repeatable]
    #[arg(long, value_name = "TEXT", value_parser = with_new_lines)]
    pub stop: Vec<String>,

    /// Seed of the random draws; a response has the stream of its problem and its number among the samples
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,

    /// Responses under way at one time
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = positive)]
    pub batch: usize,

    /// libtorch threads [default: all cores]
    #[arg(long, value_name = "N", value_parser = positive)]
    pub threads: Option<usize>,

    /// cpu, cuda or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    pub device: String,

    /// Compute in bfloat16 instead of float32
    #[arg(long)]
    pub bfloat16: bool,
}

impl GenerateArguments {
    /// What is wrong with flags that contradict each other.
    pub fn contradiction(&self) -> Option<clap::Error> {
        if self.samples > 1 && (self.temperature == 0.0 || self.top_k == 1) {
            let message = format!(
                "--samples {} without chance gives as many equal responses; set --temperature above 0{}",
                self.samples,
                if self.top_k == 1 { " and --top-k above 1" } else { "" }
            );
            return Some(Arguments::command().error(clap::error::ErrorKind::ArgumentConflict, message));
        }
        None
    }
}

/// A text as it is typed in a shell, where a new line is hard to write: `\n` is one, and `\\n` a backslash and an n. All
/// else stays, since prompts for mathematics are full of backslashes.
fn with_new_lines(text: &str) -> Result<String, std::convert::Infallible> {
    let mut read = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(place) = rest.find('\\') {
        read.push_str(&rest[..place]);
        rest = &rest[place..];
        let (taken, meant) = match rest {
            _ if rest.starts_with("\\n") => (2, "\n"),
            _ if rest.starts_with("\\\\n") => (3, "\\n"),
            _ => (1, "\\"),
        };
        read.push_str(meant);
        rest = &rest[taken..];
    }
    read.push_str(rest);
    Ok(read)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::Command;

    #[test]
    fn a_prompt_from_a_shell_has_new_lines_and_keeps_its_latex() {
        for (typed, meant) in [
            (r"User: {problem}\nAssistant:", r"User: {problem}\nAssistant:".replace(r"\n", "\n")),
            (r"Put it in \boxed{}.\n\n", "Put it in \\boxed{}.\n\n".to_owned()),
            (r"$a \\neq b$, $\frac{1}{2}$ \\ \t", r"$a \neq b$, $\frac{1}{2}$ \\ \t".to_owned()),
            ("a\\", "a\\".to_owned()),
            ("a\nb", "a\nb".to_owned()),
        ] {
            assert_eq!(with_new_lines(typed), Ok(meant), "{typed}");
        }
    }

    #[test]
    fn several_samples_without_chance_are_wrong_usage() {
        let given = |flags: &[&str]| {
            let all = [&["octo-host", "generate", "--model", "m"][..], flags].concat();
            match Arguments::try_parse_from(all).expect("parses").command {
                Some(Command::Generate(arguments)) => arguments.contradiction().map(|error| error.to_string()),
                _ => panic!("another command"),
            }
        };
        assert_eq!(given(&["--samples", "3", "--temperature", "0.7"]), None);
        assert_eq!(given(&["--samples", "1"]), None);
        let greedy = given(&["--samples", "3"]).expect("refused");
        assert!(
            greedy.starts_with(
                "error: --samples 3 without chance gives as many equal responses; set --temperature above 0\n"
            ),
            "{greedy}"
        );
        let first = given(&["--samples", "3", "--temperature", "1", "--top-k", "1"]).expect("refused");
        assert!(first.contains("set --temperature above 0 and --top-k above 1\n"), "{first}");
        let both = Arguments::try_parse_from(["octo-host", "generate", "--model", "m", "--chat", "--template", "t"]);
        assert!(both.is_err());
    }
}
