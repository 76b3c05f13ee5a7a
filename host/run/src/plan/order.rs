//! The order of stages: every one after its inputs.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use crate::nearest;
use crate::recipe::Recipe;
use crate::recipe::source::Source;

/// Depth first, in the file's order; a cycle is named stage by stage.
pub(super) fn sort(recipe: &Recipe) -> Result<Vec<usize>> {
    let by_name: BTreeMap<&str, usize> =
        recipe.stages.iter().enumerate().map(|(index, stage)| (stage.name.as_str(), index)).collect();
    let mut order = Vec::new();
    let mut done = vec![false; recipe.stages.len()];
    let mut trail: Vec<usize> = Vec::new();
    // An explicit stack: (stage, next input to look at).
    for start in 0..recipe.stages.len() {
        let mut stack = vec![(start, 0)];
        while let Some((index, next)) = stack.pop() {
            if done[index] {
                continue;
            }
            let stage = &recipe.stages[index];
            if next == 0 {
                trail.push(index);
            }
            let Some((slot, source)) = stage.inputs.get(next) else {
                done[index] = true;
                trail.retain(|other| *other != index);
                order.push(index);
                continue;
            };
            stack.push((index, next + 1));
            if let Source::Stage { stage: name, .. } = source {
                let Some(before) = by_name.get(name.as_str()).copied() else {
                    let known = by_name.keys().map(|name| name.to_string());
                    bail!(
                        "stage {:?}: {slot} refers to @{name}, but there is no stage {name:?}{}",
                        stage.name,
                        nearest(name, known)
                    );
                };
                if let Some(from) = trail.iter().position(|other| *other == before) {
                    let names: Vec<&str> =
                        trail[from..].iter().map(|index| recipe.stages[*index].name.as_str()).collect();
                    bail!("the stages form a cycle: {} -> {name}; a stage can't be its own input", names.join(" -> "));
                }
                if !done[before] {
                    stack.push((before, 0));
                }
            }
        }
    }
    Ok(order)
}
