//! The records of the contract and what makes them pleasant to use.

pub use crate::bindings::records::types::{
    Attempt, DataSource, Decision, Document, ErrorKind, Field, FinishReason, Message, Metric, Outcome, PluginError,
    Progress, Reply, Request, Reward, RewardPart, Rewritten, Role, Rollout, StepPlan, Verdict,
};

impl PluginError {
    /// An error for a config that makes no sense. The message names the key, the value and what it should be.
    pub fn invalid_config(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::InvalidConfig, message: message.into() }
    }

    /// An error for an item or a call that cannot be answered.
    pub fn invalid_input(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::InvalidInput, message: message.into() }
    }

    /// An error for a legitimate request that this plugin does not cover.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Unsupported, message: message.into() }
    }

    /// An error for a defect of the plugin, reported rather than trapped.
    pub fn internal(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Internal, message: message.into() }
    }
}

impl ErrorKind {
    /// The kind's name in the contract, such as `invalid-config`.
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorKind::InvalidConfig => "invalid-config",
            ErrorKind::InvalidInput => "invalid-input",
            ErrorKind::Unsupported => "unsupported",
            ErrorKind::Internal => "internal",
        }
    }
}

impl Attempt {
    /// The dataset column of this name, if the recipe handed it over.
    pub fn field(&self, name: &str) -> Option<&str> {
        field(&self.fields, name)
    }
}

impl Document {
    /// The field of this name, as an earlier filter or the corpus set it.
    pub fn field(&self, name: &str) -> Option<&str> {
        field(&self.fields, name)
    }
}

impl Field {
    /// A named value.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

impl Message {
    /// What the model is told before the conversation.
    pub fn system(content: impl Into<String>) -> Self {
        Self { role: Role::System, content: content.into() }
    }

    /// What the model is asked.
    pub fn user(content: impl Into<String>) -> Self {
        Self { role: Role::User, content: content.into() }
    }

    /// What the model is to have answered, as in an example.
    pub fn assistant(content: impl Into<String>) -> Self {
        Self { role: Role::Assistant, content: content.into() }
    }
}

impl Request {
    /// A request of these messages for a reply of up to `max_tokens` tokens, the most probable one at each place.
    pub fn greedy(messages: Vec<Message>, max_tokens: u32) -> Self {
        Self { messages, max_tokens, temperature: 0.0, top_p: 1.0, stop: Vec::new() }
    }
}

impl Progress {
    /// The running mean of this name (`loss`, `response_length`, ...), if the stage reports it.
    pub fn metric(&self, name: &str) -> Option<f64> {
        self.metrics.iter().find(|metric| metric.name == name).map(|metric| metric.value)
    }
}

fn field<'a>(fields: &'a [Field], name: &str) -> Option<&'a str> {
    fields.iter().find(|field| field.name == name).map(|field| field.value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_its_kind_as_the_contract_does() {
        for (error, name) in [
            (PluginError::invalid_config("weights: none given"), "invalid-config"),
            (PluginError::invalid_input("weights: none given"), "invalid-input"),
            (PluginError::unsupported("weights: none given"), "unsupported"),
            (PluginError::internal("weights: none given"), "internal"),
        ] {
            assert_eq!((error.kind.as_str(), error.message.as_str()), (name, "weights: none given"));
        }
    }

    #[test]
    fn fields_and_metrics_are_found_by_their_whole_name() {
        let attempt = Attempt {
            problem: String::new(),
            response: String::new(),
            references: vec![],
            fields: vec![Field::new("level", "5"), Field::new("levels", "6")],
        };
        assert_eq!(attempt.field("level"), Some("5"));
        assert_eq!(attempt.field("lev"), None);
        let progress = Progress {
            stage: "rl".into(),
            step: 1,
            total_steps: 2,
            tokens: 0,
            total_tokens: 0,
            metrics: vec![Metric { name: "loss".into(), value: 0.5 }],
        };
        assert_eq!(progress.metric("loss"), Some(0.5));
        assert_eq!(progress.metric("reward"), None);
    }
}
