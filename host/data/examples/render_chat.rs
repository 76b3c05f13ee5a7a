//! Renders chat templates for `tests/templates/compare.py`. Each line of standard input is a job,
//! `{"name": …, "template": …, "given": {…}, "today": …}`, and each line of standard output its `{"text": …}` or
//! `{"error": …}`. `--time N` renders each job N times and prints the microseconds of one rendering instead.

use std::io::{BufRead, Write};

use octo_data::prompt::{ChatTemplate, Data};
use serde_json::json;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let times: Option<u32> = match (arguments.next().as_deref(), arguments.next()) {
        (Some("--time"), Some(times)) => Some(times.parse()?),
        _ => None,
    };
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let Data::Map(mut job) = serde_json::from_str(&line?)? else {
            return Err("a job is an object".into());
        };
        let mut take = |wanted: &str| {
            let place = job.iter().position(|(name, _)| name == wanted);
            place.map_or(Data::None, |place| job.swap_remove(place).1)
        };
        let (Data::Text(name), Data::Text(template), Data::Map(given)) =
            (take("name"), take("template"), take("given"))
        else {
            return Err("a job has a name, a template and what it is given".into());
        };
        let today = match take("today") {
            Data::Text(today) => Some(today),
            _ => None,
        };
        let compiled = ChatTemplate::new(&name, &template, today.as_deref());
        let answer = match (compiled, times) {
            (Err(error), _) => json!({ "error": error.to_string() }),
            (Ok(template), None) => match template.render(&given) {
                Ok(text) => json!({ "text": text }),
                Err(error) => json!({ "error": error.to_string() }),
            },
            (Ok(template), Some(times)) => {
                let began = std::time::Instant::now();
                for _ in 0..times {
                    // A template that refuses the conversation has its time as well.
                    let _ = std::hint::black_box(template.render(&given));
                }
                json!({ "microseconds": began.elapsed().as_secs_f64() * 1e6 / f64::from(times.max(1)) })
            }
        };
        writeln!(out, "{answer}")?;
    }
    Ok(())
}
