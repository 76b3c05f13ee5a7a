//! Compiles plugins for a program that embeds `octo-plugin` and cannot be started a second time for it; see
//! `Host::compiling_with`.

fn main() {
    octo_plugin::compile_if_asked();
    eprintln!("octo-compile: started by hand; it is for `octo_plugin::Host::compiling_with` alone");
    std::process::exit(2);
}
