//! Figures that the forecasts of several kinds have in common.

use std::time::Duration;

use octo_model::{ModelConfig, Precision};
use octo_run::PlannedRun;
use octo_run::figures::{human_count, human_duration};
use octo_run::recipe::problems::Problems;
use octo_run::recipe::stage::Stage;

/// A count of weights: `823k`, `135M`, `3.21B`.
pub fn parameters(count: u64) -> String {
    match count as f64 {
        few if few < 1e6 => format!("{:.0}k", few / 1e3),
        some if some < 1e9 => format!("{:.0}M", some / 1e6),
        many => format!("{:.2}B", many / 1e9),
    }
}

/// Seconds for people; a rate near zero makes them more than a duration holds.
pub fn in_words(seconds: f64) -> String {
    human_duration(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

/// The count of a stage's problems: what the recipe takes of the file, or all that is in it.
pub fn problems(run: &PlannedRun, stage: &Stage, problems: Option<&Problems>) -> String {
    let count = problems.and_then(|problems| match &problems.rows {
        Some(rows) => Some(rows.len()),
        None => problems.known(run, stage)?.ok().map(|known| known.len()),
    });
    count.map_or_else(|| "?".to_owned(), |count| human_count(count as u64))
}

/// What generation keeps of the sequences under way.
pub struct KeyValueCache {
    /// Sequences under way at most.
    pub slots: usize,
    /// Tokens of a sequence at most.
    pub tokens: usize,
    /// GiB that the recipe allows.
    pub gib: f64,
    /// Number format of the passes.
    pub precision: Precision,
}

impl KeyValueCache {
    /// Its bytes at most.
    pub fn bytes(&self, shape: &ModelConfig) -> f64 {
        let number = if self.precision == Precision::Float32 { 4.0 } else { 2.0 };
        let token = 2.0 * number * (shape.num_hidden_layers * shape.num_key_value_heads * shape.head_size()) as f64;
        let tokens = self.tokens.min(shape.max_position_embeddings) as f64;
        (self.slots as f64 * tokens * token).min(self.gib * f64::from(1 << 30))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_no_duration_holds_is_still_said() {
        assert_eq!(in_words(90.0), "1m 30s");
        // Of a speed of nothing: seconds without end, and none that are no number.
        assert_eq!(in_words(f64::INFINITY), human_duration(Duration::MAX));
        assert_eq!(in_words(f64::NAN), human_duration(Duration::MAX));
    }

    #[test]
    fn the_cache_is_what_fits_and_at_most_what_is_allowed() {
        let shape = ModelConfig {
            hidden_size: 64,
            num_hidden_layers: 2,
            num_attention_heads: 4,
            num_key_value_heads: 2,
            max_position_embeddings: 100,
            ..ModelConfig::default()
        };
        let cache = |slots, tokens, gib, precision| KeyValueCache { slots, tokens, gib, precision }.bytes(&shape);
        // Keys and values of 2 layers with 2 heads of 16 numbers.
        assert_eq!(cache(3, 10, 1.0, Precision::Float32), 3.0 * 10.0 * 512.0);
        assert_eq!(cache(3, 1000, 1.0, Precision::BFloat16), 3.0 * 100.0 * 256.0);
        assert_eq!(cache(1 << 30, 1000, 0.5, Precision::Float32), f64::from(1 << 29));
    }

    #[test]
    fn weights_are_counted_in_words() {
        assert_eq!([823_400, 134_515_008, 3_212_749_824].map(parameters), ["823k", "135M", "3.21B"]);
    }
}
