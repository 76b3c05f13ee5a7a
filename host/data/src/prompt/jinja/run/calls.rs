//! Calls: macros, methods, functions and loops that call themselves.

use std::cell::Cell;
use std::rc::Rc;

use super::super::call::{Given, needed, optional_text, text, whole};
use super::super::item::{Closure, Function, Item, Items, Loop, Namespace, Pairs, range_length};
use super::super::parser::{CALLER, KWARGS, VARARGS};
use super::super::printing::{shown, single};
use super::super::scope::Scope;
use super::super::syntax::{Arguments, Kind, Node};
use super::super::trouble::{Fallible, Trouble};
use super::super::{LONGEST_RANGE, clock, filters, methods};
use super::{Run, check_attribute};

impl Run<'_> {
    #[inline(never)]
    pub(super) fn call(&self, called: &Node, arguments: &Arguments, scope: &Rc<Scope>) -> Fallible<Item> {
        let target = self.eval(called, scope)?;
        let given = self.given(arguments, scope)?;
        self.call_item(&target, given, None)
    }

    /// `{% call %}`: the block is the macro's `caller`.
    pub(super) fn call_with(&self, call: &Node, caller: Item, scope: &Rc<Scope>) -> Fallible<Item> {
        let Kind::Call(called, arguments) = &call.kind else {
            return Err(Trouble::new("expected a call"));
        };
        let target = self.eval(called, scope)?;
        let given = self.given(arguments, scope)?;
        self.call_item(&target, given, Some(caller))
    }

    fn call_item(&self, target: &Item, given: Given, caller: Option<Item>) -> Fallible<Item> {
        match target {
            Item::Macro(made) => self.call_macro(made, given, caller),
            Item::Method(method) => methods::call(&self.work, &method.0, &method.1, given),
            Item::Function(function) => self.call_function(*function, given),
            Item::Loop(of) => self.call_loop(of, given),
            Item::Joiner(joiner) => {
                let used = joiner.1.replace(true);
                Ok(if used { Item::Text(joiner.0.clone()) } else { Item::text("") })
            }
            Item::Undefined(message) => Err(Trouble::new(&**message)),
            _ => Err(Trouble::new(format!("'{}' object is not callable", target.kind()))),
        }
    }

    #[inline(never)]
    fn call_macro(&self, made: &Closure, given: Given, caller: Option<Item>) -> Fallible<Item> {
        let of = &made.of;
        let scope = Scope::inside(&made.scope)?;
        let [takes_caller, takes_placed, takes_named] = of.takes;
        let mut values: Vec<Option<Item>> = of.parameters.iter().map(|_| None).collect();
        let (mut more_placed, mut more_named, mut caller) = (Vec::new(), Vec::new(), caller);
        for (place, item) in given.placed.into_iter().enumerate() {
            match values.get_mut(place) {
                Some(value) => *value = Some(item),
                None => more_placed.push(item),
            }
        }
        for (name, item) in given.named {
            match of.parameters.iter().position(|(_, known)| *known == name) {
                Some(place) => match values.get_mut(place) {
                    Some(value @ None) => *value = Some(item),
                    _ => {
                        let message = format!("macro {} got multiple values for {name:?}", single(&of.name));
                        return Err(Trouble::new(message));
                    }
                },
                None if &*name == "caller" => caller = Some(item),
                None => more_named.push((Item::Text(name), item)),
            }
        }
        if !more_placed.is_empty() && !takes_placed {
            let count = of.parameters.len();
            return Err(Trouble::new(format!("macro {} takes not more than {count} argument(s)", single(&of.name))));
        }
        if let Some((name, _)) = more_named.first().filter(|_| !takes_named) {
            let name = shown(&self.work, name)?;
            return Err(Trouble::new(format!(
                "macro {} takes no keyword argument {}",
                single(&of.name),
                single(&name)
            )));
        }
        if caller.is_some() && !takes_caller {
            return Err(Trouble::new(format!("macro {} takes no keyword argument 'caller'", single(&of.name))));
        }
        if takes_placed {
            scope.set(VARARGS, Item::Tuple(Items::new(&self.work, more_placed)?));
        }
        if takes_named {
            scope.set(KWARGS, Item::Map(Pairs::new(&self.work, more_named)?));
        }
        if takes_caller {
            scope.set(CALLER, caller.unwrap_or_else(|| Item::Undefined("No caller defined".into())));
        }
        let without = of.parameters.len() - of.defaults.len();
        for (place, ((number, name), value)) in of.parameters.iter().zip(values).enumerate() {
            let default = place.checked_sub(without).and_then(|place| of.defaults.get(place));
            let value = match (value, default) {
                (Some(value), _) => value,
                (None, Some(default)) => self.eval(default, &scope)?,
                (None, None) => Item::Undefined(format!("parameter {} was not provided", single(name)).into()),
            };
            scope.set(*number, value);
        }
        let mut out = String::new();
        self.block(&of.body, &scope, &mut out)?;
        Ok(Item::text(out))
    }

    fn call_loop(&self, of: &Loop, given: Given) -> Fallible<Item> {
        let Some((node, scope)) = &of.again else {
            return Err(Trouble::new("The loop must have the 'recursive' marker to be called recursively."));
        };
        let [items] = given.read("loop", ["iterable"])?;
        let mut out = String::new();
        self.for_each(node, &needed("loop", "iterable", items)?, scope, of.depth + 1, &mut out)?;
        Ok(Item::text(out))
    }

    #[inline(never)]
    fn call_function(&self, function: Function, given: Given) -> Fallible<Item> {
        let work = &self.work;
        match function {
            Function::Range => {
                let [first, second, third] = given.read("range", ["start", "stop", "step"])?;
                let first = whole("range", &needed("range", "stop", first)?)?;
                let (start, stop) = match second {
                    Some(stop) => (first, whole("range", &stop)?),
                    None => (0, first),
                };
                let step = super::super::call::whole_or("range", third, 1)?;
                if step == 0 {
                    return Err(Trouble::new("range() arg 3 must not be zero"));
                }
                if range_length(start, stop, step) > LONGEST_RANGE {
                    return Err(Trouble::new(format!(
                        "Range too big. The sandbox blocks ranges larger than MAX_RANGE ({LONGEST_RANGE})."
                    )));
                }
                Ok(Item::Range(start, stop, step))
            }
            Function::Dict => filters::dict(work, given),
            Function::FromKeys => {
                let [keys, value] = given.read("fromkeys", ["iterable", "value"])?;
                let value = value.unwrap_or(Item::None);
                let keys = needed("fromkeys", "iterable", keys)?.iterate(work)?;
                Pairs::new(work, keys.into_iter().map(|key| (key, value.clone()))).map(Item::Map)
            }
            Function::Namespace => {
                let Item::Map(pairs) = filters::dict(work, given)? else {
                    return Err(Trouble::new("a namespace is made of names and values"));
                };
                let namespace = Rc::new(Namespace::default());
                for (name, item) in &pairs.pairs {
                    let name = text("namespace", name)?;
                    check_attribute(&name)?;
                    namespace.values.borrow_mut().push((name, item.clone()));
                }
                work.make_places(16)?;
                work.keep_namespace(&namespace);
                Ok(Item::Namespace(namespace))
            }
            Function::Cycler => {
                if given.placed.is_empty() {
                    return Err(Trouble::new("at least one item has to be provided"));
                }
                Ok(Item::Cycler(Rc::new((Items::new(work, given.placed)?, Cell::new(0)))))
            }
            Function::Joiner => {
                let [separator] = given.read("joiner", ["sep"])?;
                let separator = optional_text("joiner", separator)?.unwrap_or_else(|| ", ".into());
                Ok(Item::Joiner(Rc::new((separator, Cell::new(false)))))
            }
            Function::RaiseException => {
                let [message] = given.read("raise_exception", ["message"])?;
                Err(Trouble::new(shown(work, &needed("raise_exception", "message", message)?)?))
            }
            Function::StrftimeNow => {
                let [format] = given.read("strftime_now", ["format"])?;
                let format = text("strftime_now", &needed("strftime_now", "format", format)?)?;
                let today = self.today.unwrap_or_default();
                Item::made(work, clock::formatted(today, &format)?)
            }
        }
    }
}
