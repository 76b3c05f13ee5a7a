//! `octo-host generate`: lets a model answer problems.

use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use octo_data::field_map::FieldMap;
use octo_data::prompt::{PromptSettings, TemplateSettings};
use octo_model::{Precision, Sampling};
use octo_train::answering::Answering;
use octo_train::control::{Control, Finished};

use octo_host::arguments::GenerateArguments;
use octo_host::terminal::{self, Terminal};

use crate::prompts;

/// Answers a file, or what is typed. Exit code 1 if it was asked to stop before the end of a file.
pub fn run(arguments: GenerateArguments) -> Result<ExitCode> {
    let template = |name: String| TemplateSettings { name, ..TemplateSettings::default() };
    let prompt = match &arguments.template {
        Some(path) => PromptSettings::Template(TemplateSettings {
            text: Some(prompts::read(path)?),
            ..template(path.display().to_string())
        }),
        None if arguments.chat => PromptSettings::Template(TemplateSettings {
            message: Some(arguments.prompt),
            ..template("chat".to_owned())
        }),
        None => PromptSettings::Inline(arguments.prompt),
    };
    let answering = Answering {
        model: arguments.model,
        prompt,
        samples: arguments.samples,
        sampling: Sampling {
            temperature: arguments.temperature,
            top_k: arguments.top_k,
            top_p: arguments.top_p,
            min_p: arguments.min_p,
            stop: arguments.stop,
            ..Sampling::new(arguments.max_tokens)
        },
        seed: arguments.seed,
        batch: arguments.batch,
        threads: arguments.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)),
        device: arguments.device,
        compute: if arguments.bfloat16 { Precision::BFloat16 } else { Precision::Float32 },
    };
    let (Some(file), Some(out)) = (arguments.file, arguments.out) else {
        return typed(&answering);
    };
    let screen = Terminal::stderr();
    let gauge = screen.gauge("Answering");
    let control = Control {
        stop: terminal::stop_on_signals()?,
        report: Arc::new(move |message: &str, share: f64| gauge.set(share, message.to_owned())),
    };
    let ended = answering.file(&file, &FieldMap::new(arguments.map), &out, &control)?;
    // The gauge goes with it.
    drop(control);
    match ended {
        Finished::Done => {
            screen.say(format_args!("answers: {}", out.display()));
            Ok(ExitCode::SUCCESS)
        }
        Finished::Stopped => {
            screen.say("stopped; what is answered is kept, and the same command resumes from there");
            Ok(terminal::stopped())
        }
    }
}

/// A problem a line from standard input, until it ends.
fn typed(answering: &Answering) -> Result<ExitCode> {
    let person = std::io::stdin().is_terminal();
    let ask = move || {
        if person {
            let _ = write!(std::io::stderr(), "> ");
        }
    };
    let typed = BufReader::new(std::io::stdin()).lines();
    let problems = typed.filter(|line| !matches!(line, Ok(line) if line.trim().is_empty()));
    ask();
    let gone = AtomicBool::new(false);
    let answered = answering.one_by_one(problems, |answer| {
        let mut out = std::io::stdout().lock();
        // What a model says may not drive the terminal.
        writeln!(out, "{}", terminal::for_stdout(&answer.text)).and_then(|()| out.flush()).inspect_err(|error| {
            gone.store(error.kind() == std::io::ErrorKind::BrokenPipe, Ordering::Relaxed);
        })?;
        match answer.room {
            Some(0) => eprintln!("the problem is too long: it leaves no room for a response in the model's context"),
            Some(room) => eprintln!("cut short: the model's context had room for {room} tokens after the problem"),
            None => {}
        }
        ask();
        Ok(())
    });
    if gone.into_inner() {
        return Err(terminal::ReaderGone.into());
    }
    answered?;
    Ok(ExitCode::SUCCESS)
}
