//! `octo-host run --dry-run`: the plan as a table.

use octo_run::PlannedRun;
use octo_run::store::Standing;

/// Every stage in the order in which it would run, with what it waits for; plugins, inputs, and what is missing.
pub fn table(run: &PlannedRun) -> String {
    let PlannedRun { recipe, plan, .. } = run;
    let width = recipe.stages.iter().map(|stage| stage.name.len()).max().unwrap_or(5).max(5);
    let kinds = recipe.stages.iter().map(|stage| stage.kind.len()).max().unwrap_or(9).max(9);
    let mut text = format!("{:<width$}  {:<kinds$}  {:<9}  {:<24}  inputs\n", "stage", "kind", "state", "key");
    for (index, planned) in plan.stages.iter().enumerate() {
        let stage = &recipe.stages[planned.index];
        let standing = match run.standing(index) {
            Standing::Done => "done",
            Standing::Begun => "begun",
            Standing::ToDo => "to do",
        };
        let after: Vec<&str> =
            planned.after.iter().map(|before| recipe.stages[plan.stages[*before].index].name.as_str()).collect();
        let inputs = if after.is_empty() { "-".to_owned() } else { after.join(", ") };
        text +=
            &format!("{:<width$}  {:<kinds$}  {standing:<9}  {:<24}  {inputs}\n", stage.name, stage.kind, planned.key);
    }
    text += "\n";
    for (role, plugin) in &plan.plugins {
        text += &format!("plugin {role} = {} {} ({})\n", plugin.name, plugin.version, plugin.digest);
    }
    for (file, digest) in &plan.files {
        text += &format!("input {file} ({digest})\n");
    }
    let missing = plan.missing();
    if !missing.is_empty() {
        let count = match missing.len() {
            1 => "1 input is".to_owned(),
            more => format!("{more} inputs are"),
        };
        text += &format!("\n{count} missing, so nothing can run yet, and keys above are provisional:\n");
        for (path, wanted) in missing {
            text += &format!("missing {} ({})\n", path.display(), wanted.join(", "));
        }
    }
    text
}
