//! `octo-host --plugin`, as a person at a terminal or a pipe sees it. Needs the plugins of `make plugins`.

mod attempts;
mod comparing;
mod formats;
mod inputs;
mod inspecting;
mod other_kinds;
mod out_files;
mod refusals;
mod replaying;
mod several_attempts;
mod stopping;
mod summaries;
