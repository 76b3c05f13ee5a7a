//! Data filters: one decision a document.

use crate::batch;
use crate::bindings::FilterWorld;
use crate::bindings::types::{Decision, Document};
use crate::blueprint::Blueprint;
use crate::case::Record;
use crate::contract::Contract;
use crate::describe::Description;
use crate::failure::Failure;
use crate::limits::{Limits, size};
use crate::returned;

/// A loaded data filter. Stateless: each batch starts from a fresh instance.
pub struct DataFilter {
    pub(crate) plugin: Blueprint<FilterWorld>,
}

impl DataFilter {
    pub(crate) fn new(plugin: Blueprint<FilterWorld>) -> DataFilter {
        DataFilter { plugin }
    }

    /// What the plugin says about itself.
    pub fn description(&self) -> &Description {
        &self.plugin.description
    }

    /// SHA-256 of the component's bytes, as `sha256:` and hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.plugin.digest
    }

    /// The version of the contract that it was built for.
    pub fn contract(&self) -> Contract {
        self.plugin.contract
    }

    /// Decides on documents on rayon's current pool: one decision or failure each, in their order. The same for any
    /// number of threads, any `batch_items`, and any neighbours.
    pub fn filter(&self, documents: &[Document]) -> Vec<Result<Decision, Failure>> {
        let limits = &self.plugin.limits;
        let _log = self.plugin.log.for_a_call();
        let units = batch::single(documents.len());
        let decisions = batch::run(documents, &units, size(limits.batch_items), |documents, fuel_items| {
            self.plugin.answers(
                fuel_items,
                |world, store| world.filter(store, documents),
                |decision| check(limits, &decision).map(|()| decision),
            )
        });
        self.plugin.told.of_items(&decisions, |index| Record::Filter(documents[index].clone()));
        decisions
    }
}

/// Reasons are names to count by; fields are bounded. A rewritten text was bounded on its way by `hostcall_bytes`.
fn check(limits: &Limits, decision: &Decision) -> Result<(), Failure> {
    match decision {
        Decision::Keep => Ok(()),
        Decision::Drop(reason) => returned::label("a drop's reason", reason),
        Decision::Annotate(fields) => returned::fields(limits, fields),
        Decision::Rewrite(rewritten) => returned::fields(limits, &rewritten.fields),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::types::{Field, Rewritten};

    fn field(name: &str, value: &str) -> Field {
        Field { name: name.to_owned(), value: value.to_owned() }
    }

    #[test]
    fn a_drop_needs_a_reason_that_can_be_counted() {
        let limits = Limits::default();
        assert_eq!(check(&limits, &Decision::Drop("too-short".to_owned())), Ok(()));
        for reason in ["", " ", "two\nlines", &"long".repeat(100)] {
            assert!(check(&limits, &Decision::Drop(reason.to_owned())).is_err(), "{reason:?}");
        }
    }

    #[test]
    fn fields_are_bounded_and_named_once() {
        let limits = Limits { returned_string_bytes: 10, returned_list_items: 2, ..Limits::default() };
        let annotate = |fields: &[Field]| check(&limits, &Decision::Annotate(fields.to_vec()));
        assert_eq!(annotate(&[field("a", "1"), field("b", "2")]), Ok(()));
        assert!(annotate(&[field("a", "1"), field("a", "2")]).is_err(), "a name twice");
        assert!(annotate(&[field("a", "1"), field("b", "2"), field("c", "3")]).is_err(), "too many");
        assert!(annotate(&[field("a", "12345678901")]).is_err(), "too long");
        let text = "a text may be longer than other strings".to_owned();
        assert_eq!(check(&limits, &Decision::Rewrite(Rewritten { text, fields: Vec::new() })), Ok(()));
    }
}
