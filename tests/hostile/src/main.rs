//! Compiles the hostile plugins for their suite, within caps of its own.

fn main() {
    octo_plugin::compile_if_asked();
}
