//! The stages that need libtorch: `midtrain`, `rl` and `eval`.

use anyhow::{Result, anyhow, bail};
use octo_train::eval::EvalConfig;
use octo_train::midtrain::MidtrainConfig;
use octo_train::rl::RlConfig;
use serde_json::json;

use super::keys::Keys;
use super::prompts;
use super::rewards::Rewards;
use super::source::Source;
use super::stage::{Architecture, Problems, Wired, Wiring, Work};
use super::text::RecipeText;

/// Mid-training: also pre-training, where the model starts from an architecture.
pub struct Midtrain {
    /// `None` where the model comes from the input `initial`.
    pub architecture: Option<Architecture>,
    /// Data source name → the slots of its files.
    pub sources: Vec<(String, Vec<String>)>,
    /// Slots of the documents to measure the loss on.
    pub held_out: Vec<String>,
    pub config: MidtrainConfig,
}

/// Reinforcement learning with verifiable rewards.
pub struct Rl {
    pub problems: Problems,
    /// Sets to measure on, with their names where the recipe gives them.
    pub held_out: Vec<(Option<String>, Problems)>,
    pub rewards: Rewards,
    pub config: RlConfig,
}

/// Accuracy on problems.
pub struct Eval {
    pub problems: Problems,
    pub config: EvalConfig,
}

type Parts = (Work, serde_json::Value, Vec<(String, Source)>, Vec<(&'static str, String)>);

/// Reads the rest of a stage of a kind that trains.
pub fn read(text: &RecipeText, name: &str, kind: &str, threads: &mut usize, mut wiring: Wiring<'_>) -> Result<Parts> {
    let table = format!("stages.{name}");
    match kind {
        "midtrain" => {
            let architecture = match wiring.keys.take_table("architecture")? {
                None => None,
                Some(inner) => {
                    Some(Keys::new(text, &format!("{table}.architecture"), inner).into_config::<Architecture>()?)
                }
            };
            match (&architecture, wiring.keys.take_string("initial")?) {
                (None, Some(initial)) => {
                    wiring.input("initial", &initial)?;
                }
                (Some(_), None) => {
                    let tokenizer = wiring.keys.require_string("tokenizer")?;
                    wiring.input("tokenizer", &tokenizer)?;
                }
                (None, None) => bail!(
                    "{}: needs `initial = \"@STAGE/model\"`, or `architecture` and `tokenizer` to start from scratch",
                    wiring.keys.place("")
                ),
                (Some(_), Some(_)) => bail!(
                    "{}: has both `initial` and `architecture`; a model is either continued or started",
                    wiring.keys.place("initial")
                ),
            }
            let sources = wiring.grouped_inputs("sources")?;
            let mut held_out = Vec::new();
            for (index, path) in wiring.keys.take_strings("held_out")?.iter().enumerate() {
                let slot = format!("held_out.{index}");
                wiring.input(&slot, path)?;
                held_out.push(slot);
            }
            wiring.role("mixture")?;
            let Wired { keys, inputs, roles } = Wired::from(wiring);
            let config: MidtrainConfig = keys.into_config()?;
            *threads = config.threads;
            let names: Vec<&String> = sources.iter().map(|(name, _)| name).collect();
            let json = json!({ "architecture": architecture, "sources": names, "loop": config });
            Ok((Work::Midtrain(Box::new(Midtrain { architecture, sources, held_out, config })), json, inputs, roles))
        }
        "rl" => {
            let model = wiring.keys.require_string("model")?;
            wiring.input("model", &model)?;
            let problems = Problems::take(&mut wiring, text, name, "problems")?;
            let held_out = Problems::take_sets(&mut wiring, text, name, "held_out")?;
            wiring.role("verifier")?;
            let rewards = Rewards::take(&mut wiring, text, name)?;
            wiring.role("schedule")?;
            let folder = wiring.folder;
            prompts::resolve(&mut wiring, text, name, folder)?;
            let Wired { keys, inputs, roles } = Wired::from(wiring);
            let config: RlConfig = keys.into_config()?;
            *threads = config.threads;
            config.check().map_err(|error| anyhow!("{}: {error}", text.place("stages", name)))?;
            let sets = held_out.iter().map(|(name, set)| (name.as_deref().unwrap_or("").to_owned(), set.config()));
            let mut json = json!({ "problems": problems.config(), "rewards": rewards.config(), "loop": config });
            json["held_out"] = sets.collect::<serde_json::Map<_, _>>().into();
            // Alarms change nothing of what is computed: a run that one has ended goes on with others.
            if let Some(config) = json["loop"].as_object_mut() {
                config.remove("alarms");
            }
            Ok((Work::Rl(Box::new(Rl { problems, held_out, rewards, config })), json, inputs, roles))
        }
        _ => {
            let model = wiring.keys.require_string("model")?;
            wiring.input("model", &model)?;
            let problems = Problems::take(&mut wiring, text, name, "problems")?;
            wiring.role("verifier")?;
            let folder = wiring.folder;
            prompts::resolve(&mut wiring, text, name, folder)?;
            let Wired { keys, inputs, roles } = Wired::from(wiring);
            let config: EvalConfig = keys.into_config()?;
            *threads = config.threads;
            let json = json!({ "problems": problems.config(), "loop": config });
            Ok((Work::Eval(Box::new(Eval { problems, config })), json, inputs, roles))
        }
    }
}
