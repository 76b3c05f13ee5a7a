//! `octo-host --plugin`, as a person at a terminal or a pipe sees it. Needs the plugins of `make plugins`.

mod attempts;
mod formats;
mod inputs;
mod inspecting;
mod other_kinds;
mod refusals;
mod replaying;
