//! What the host offers to guests: a log and text classifiers. A guest has nothing else.

use std::time::Instant;

use wasmtime::component::{Linker, WasmStr};
use wasmtime::{StoreContextMut, Trap};

use super::Guest;
use crate::contract::Contract;
use crate::contract::records::classifier::Label;
use crate::contract::records::log::Level;
use crate::contract::records::types::{ErrorKind, PluginError};
use crate::text::short;

/// Fuel for a call of a service, besides that for the bytes that it handles: about what a call costs the host in the time
/// of instructions. Without it a guest that only calls would cost the host ten times what its fuel says.
const CALL_FUEL: u64 = 100;

/// Links the services that a plugin of `contract` may import. The world a component was built for names the ones it
/// uses; those of another kind are refused before linking.
pub(crate) fn link(contract: Contract, linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.instance(&contract.interface("log"))?.func_wrap(
        "log",
        |mut store: StoreContextMut<'_, Guest>, (level, message): (Level, WasmStr)| {
            let message = message.to_str(&store)?.into_owned();
            // Reading the message is work that fuel would not see, and a guest could ask for it without end.
            charge(&mut store, message.len())?;
            store.data_mut().log.write(level, &message);
            Ok(())
        },
    )?;
    linker.instance(&contract.interface("classifier"))?.func_wrap(
        "classify",
        |mut store: StoreContextMut<'_, Guest>, (model, texts, _top): (String, Vec<WasmStr>, u32)| {
            charge(&mut store, model.len() + texts.len())?;
            Ok((no_classifier(&model),))
        },
    )?;
    Ok(())
}

/// Recipes of this version cannot name classifiers, so there is none of any name, and a filter that asks gets this error:
/// it can do without, or refuse its document.
fn no_classifier(model: &str) -> Result<Vec<Vec<Label>>, PluginError> {
    Err(PluginError {
        kind: ErrorKind::Unsupported,
        message: format!("no classifier named `{}` is configured on this host", short(model)),
    })
}

/// Takes the fuel of a call and a unit for every byte that the service handles; with too little left, the call ends as
/// out of fuel. And since time in the host is not the guest's own, which the epoch deadline watches, it ends here where
/// the deadline has passed.
fn charge(store: &mut StoreContextMut<'_, Guest>, bytes: usize) -> wasmtime::Result<()> {
    if store.data().deadline.is_some_and(|deadline| Instant::now() > deadline) {
        return Err(Trap::Interrupt.into());
    }
    match store.get_fuel()?.checked_sub(CALL_FUEL.saturating_add(bytes as u64)) {
        Some(left) => store.set_fuel(left),
        None => Err(Trap::OutOfFuel.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_classifier_is_named_without_its_control_characters() {
        let error = no_classifier("a\u{1b}[2Jb").expect_err("none is configured");
        assert!(error.message.contains("`a[2Jb`"), "{}", error.message);
    }
}
