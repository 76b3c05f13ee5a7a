//! What the host offers to guests: a log and text classifiers. A guest has nothing else.

use std::sync::Arc;
use std::time::Instant;

use wasmtime::component::{Linker, WasmStr};
use wasmtime::{StoreContextMut, Trap};

use super::Guest;
use crate::classifiers::{self, NoLabels};
use crate::contract::Contract;
use crate::contract::records::classifier::Label;
use crate::contract::records::log::Level;
use crate::contract::records::types::{ErrorKind, PluginError};
use crate::text::short;

/// Fuel for a call of a service, besides that for the bytes that it handles: about what a call costs the host in the time
/// of instructions. Without it a guest that only calls would cost the host ten times what its fuel says.
const CALL_FUEL: u64 = 100;

/// Fuel for each byte of a text that a classifier reads. A classifier on word n-grams with 256 dimensions adds up some
/// 800 numbers per word of five bytes, which is the time of some 60 instructions per byte.
const TEXT_FUEL: u64 = 64;

/// Most texts that a classifier is handed at once, and bytes after which it is handed no further one.
const PORTION_TEXTS: usize = 64;
const PORTION_BYTES: usize = 1 << 20;

/// Links the services that a plugin of `contract` may import. The world a component was built for names the ones it
/// uses; those of another kind are refused before linking.
pub(crate) fn link(contract: Contract, linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.instance(&contract.interface("log"))?.func_wrap(
        "log",
        |mut store: StoreContextMut<'_, Guest>, (level, message): (Level, WasmStr)| {
            let message = message.to_str(&store)?.into_owned();
            // Reading the message is work that fuel would not see, and a guest could ask for it without end.
            charge(&mut store, message.len() as u64)?;
            store.data_mut().log.write(level, &message);
            Ok(())
        },
    )?;
    linker.instance(&contract.interface("classifier"))?.func_wrap(
        "classify",
        |mut store: StoreContextMut<'_, Guest>, (model, texts, top): (String, Vec<WasmStr>, u32)| {
            let labels = labels(&mut store, &model, &texts, top)?;
            Ok((labels.map_err(refusal),))
        },
    )?;
    Ok(())
}

/// What a classifier says about texts, in small portions: each is charged before it is worked on, so a guest whose fuel
/// or time is over pays for no more of the host's than that, and no more than a portion is held beside the answer.
fn labels(
    store: &mut StoreContextMut<'_, Guest>,
    model: &str,
    texts: &[WasmStr],
    top: u32,
) -> wasmtime::Result<Result<Vec<Vec<Label>>, NoLabels>> {
    charge(store, (model.len() + texts.len()) as u64)?;
    let classifier = match store.data().classifiers.find(model) {
        Ok(classifier) => Arc::clone(classifier),
        Err(unknown) => return Ok(Err(unknown)),
    };
    let mut answer: Vec<Vec<Label>> = Vec::new();
    let mut held = 0;
    let mut texts = texts.iter().peekable();
    while texts.peek().is_some() {
        let mut portion = Vec::new();
        let mut bytes = 0;
        while portion.len() < PORTION_TEXTS && bytes < PORTION_BYTES {
            let Some(text) = texts.next() else { break };
            let text = text.to_str(&*store)?.into_owned();
            charge(store, TEXT_FUEL.saturating_mul(text.len() as u64))?;
            bytes += text.len();
            portion.push(text);
        }
        let portion: Vec<&str> = portion.iter().map(String::as_str).collect();
        let lists = match classifiers::ask(model, classifier.as_ref(), &portion, top) {
            Ok(lists) => lists,
            Err(failed) => return Ok(Err(failed)),
        };
        // As much as it weighs in the guest: a pointer, a length and a number, and the name.
        held += lists.iter().flatten().map(|(name, _)| 12 + name.len() as u64).sum::<u64>();
        if held > store.data().hostcall_bytes {
            return Ok(Err(NoLabels::Failed(format!(
                "the labels of classifier `{}` come to more than {} bytes (`hostcall_bytes`); ask about fewer texts, or \
                 for fewer labels",
                short(model),
                store.data().hostcall_bytes
            ))));
        }
        let label = |(name, probability)| Label { name, probability };
        answer.extend(lists.into_iter().map(|labels| labels.into_iter().map(label).collect()));
    }
    // Nor does the guest go on where the classifier took what was left of its time.
    charge(store, 0)?;
    Ok(Ok(answer))
}

/// A refusal as the guest sees it: it can do without the classifier, or refuse its document.
fn refusal(reason: NoLabels) -> PluginError {
    let (kind, message) = match reason {
        NoLabels::NoneConfigured(message) => (ErrorKind::Unsupported, message),
        NoLabels::Unknown(message) => (ErrorKind::InvalidInput, message),
        NoLabels::Failed(message) => (ErrorKind::Internal, message),
    };
    PluginError { kind, message }
}

/// Takes the fuel of a call and `work` more, a unit for every byte that is only copied; with too little left, the call ends as
/// out of fuel. And since time in the host is not the guest's own, which the epoch deadline watches, it ends here where
/// the deadline has passed.
fn charge(store: &mut StoreContextMut<'_, Guest>, work: u64) -> wasmtime::Result<()> {
    if store.data().deadline.is_some_and(|deadline| Instant::now() > deadline) {
        return Err(Trap::Interrupt.into());
    }
    match store.get_fuel()?.checked_sub(CALL_FUEL.saturating_add(work)) {
        Some(left) => store.set_fuel(left),
        None => Err(Trap::OutOfFuel.into()),
    }
}
