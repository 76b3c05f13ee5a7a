//! Data filters: one decision per document.

use wasmtime::Store;

use super::{PluginKind, returned};
use crate::cases::{Answer, Record};
use crate::contract::records::types::{Decision, Document};
use crate::contract::v0_1::whole;
use crate::contract::world::{BatchResult, world};
use crate::failure::Failure;
use crate::sandbox::{Blueprint, Guest, Limits};

world!(
    /// A data filter of any version of the contract.
    FilterWorld { FilterReady, "octo:plugin/filter-plugin", FilterPlugin, FilterPluginPre }
    in V0_1 = v0_1, V0_2 = v0_2, V0_3 = v0_3
);

impl FilterWorld {
    fn filter(&self, store: &mut Store<Guest>, documents: &[Document]) -> BatchResult<Decision> {
        match self {
            Self::V0_1(world) => whole(world.octo_plugin_data_filter().call_filter(store, documents)),
            Self::V0_2(world) => world.octo_plugin_data_filter().call_filter(store, documents).map(Ok),
            Self::V0_3(world) => world.octo_plugin_data_filter().call_filter(store, documents).map(Ok),
        }
    }
}

/// A loaded data filter. Stateless: each batch starts from a fresh instance.
pub struct DataFilter {
    plugin: Blueprint<FilterWorld>,
}

impl DataFilter {
    /// Decides on documents on rayon's current pool: one decision or failure each, in their order. The same for any
    /// number of threads, any `batch_items`, and any neighbours.
    pub fn filter(&self, documents: &[Document]) -> Vec<Result<Decision, Failure>> {
        self.plugin.run_items(
            documents,
            FilterWorld::filter,
            |decision| check(&self.plugin.limits, &decision).map(|()| decision),
            |document| Record::Filter(document.clone()),
        )
    }
}

impl PluginKind for DataFilter {
    type World = FilterWorld;
    const INTERFACE: &'static str = "data-filter";
    const SERVICES: &'static [&'static str] = &["classifier"];

    fn new(plugin: Blueprint<FilterWorld>) -> DataFilter {
        DataFilter { plugin }
    }

    fn blueprint(&self) -> &Blueprint<FilterWorld> {
        &self.plugin
    }

    fn blueprint_mut(&mut self) -> &mut Blueprint<FilterWorld> {
        &mut self.plugin
    }

    fn answer(self, record: &Record) -> Option<Result<Answer, Failure>> {
        let Record::Filter(document) = record else { return None };
        self.filter(std::slice::from_ref(document)).pop().map(|decision| decision.map(Answer::Decision))
    }
}

/// Reasons are names to count by; fields are bounded. A rewritten text was bounded on its way by `hostcall_bytes`.
pub(super) fn check(limits: &Limits, decision: &Decision) -> Result<(), Failure> {
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
    use crate::contract::records::types::{Field, Rewritten};

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
