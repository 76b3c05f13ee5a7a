//! Compiles plugins in a process of their own.
//!
//! Cranelift takes what a component asks for: more than linear time and memory of its size, and wasmtime does not count
//! that as a defect. So an unknown component is compiled by a child that may use `compile_seconds` and
//! `compile_memory_bytes`, and a component that wants more costs an error. The child bounds resources. It is not a defence
//! against a defect of the compiler itself, since the host runs the code that it makes.
//!
//! The child is the host's own program, started again with [`ASKED`] set: [`compile_if_asked`] is the first line of its
//! `main`. It gets the component on its standard input and gives the code, or what is wrong, on its standard output.

use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::Builder;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal, getpid, getppid, set_parent_process_death_signal, setrlimit};
use wasmtime::Engine;

use crate::sandbox::engine::{self, EngineOptions};
use crate::sandbox::{Limits, size};
use crate::text::short;

/// The variable that is set for a program that is started as a compiler. The value is the guest's stack in bytes, the caps (seconds
/// and bytes of memory), whether debug information is kept (0 or 1), and the process that asks.
const ASKED: &str = "OCTO_COMPILE_PLUGIN";

/// First byte of the child's answer.
const CODE: u8 = b'+';
const PROBLEM: u8 = b'-';

/// The largest answer that is read: many times the code of a 64 MiB component.
const LARGEST_CODE: u64 = 2 << 30;

/// Whether this program answers when it is asked to compile.
static ANSWERS: AtomicBool = AtomicBool::new(false);

/// Makes this program one that [`Host`](crate::Host) can start again to compile a plugin; call it first in `main`. Where
/// it was started for that, it compiles and exits.
pub fn compile_if_asked() {
    ANSWERS.store(true, Ordering::Relaxed);
    let Some(asked) = std::env::var_os(ASKED) else { return };
    std::process::exit(match answer(&asked.to_string_lossy()) {
        Ok(()) => 0,
        // As Rust ends where an allocation fails: the parent says which limit that was.
        Err(error) if error.kind() == std::io::ErrorKind::OutOfMemory => std::process::abort(),
        // The parent has gone, or there was none.
        Err(_) => 1,
    });
}

/// The child's work.
fn answer(asked: &str) -> std::io::Result<()> {
    let numbers: Option<Vec<u64>> = asked.split(' ').map(|number| number.parse().ok()).collect();
    let Some(&[stack, seconds, memory, source_lines, parent]) = numbers.as_deref() else {
        return Err(std::io::Error::other("five numbers are needed"));
    };
    end_with(parent)?;
    cap(Resource::As, memory.saturating_add(own_address_space()))?;
    cap(Resource::Cpu, seconds)?;
    // Nothing here writes files, and a crash needs no report: the parent says what happened.
    cap(Resource::Core, 0)?;
    cap(Resource::Fsize, 0)?;

    let mut component = Vec::new();
    std::io::stdin().read_to_end(&mut component)?;
    let mut out = std::io::stdout();
    let options = EngineOptions { source_lines: source_lines == 1, ..EngineOptions::default() };
    match engine::compiler(size(stack), options).and_then(|engine| engine.precompile_component(&component)) {
        Ok(code) => {
            out.write_all(&[CODE])?;
            out.write_all(&code)?;
        }
        Err(error) => {
            out.write_all(&[PROBLEM])?;
            out.write_all(short(&format!("{error:#}")).as_bytes())?;
        }
    }
    out.flush()
}

/// A compiler that nobody waits for any more would work on for as long as its caps allow: it ends with its parent, however
/// that ends.
fn end_with(parent: u64) -> std::io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may be gone already, and then no signal comes.
    match u64::try_from(Pid::as_raw(getppid())) {
        Ok(process) if process == parent => Ok(()),
        _ => Err(std::io::Error::other("the process that asked is gone")),
    }
}

/// Bytes of address space that the program has before it compiles: its code and libraries, which are not the plugin's
/// doing. With libtorch that is 450 MB.
fn own_address_space() -> u64 {
    let account = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let size = account.lines().find_map(|line| line.strip_prefix("VmSize:"));
    let kibibytes = size.and_then(|size| size.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kibibytes.unwrap_or(0).saturating_mul(1024)
}

fn cap(resource: Resource, most: u64) -> std::io::Result<()> {
    Ok(setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?)
}

/// Where plugins are compiled.
#[derive(Clone)]
pub(crate) enum Compiler {
    /// Compiles in this process, without caps.
    Here,
    /// Compiles in a child of this program.
    Child(PathBuf),
}

/// Why there is no code.
pub(crate) enum Problem {
    /// The component is not valid, or not one that this engine runs.
    Invalid(String),
    /// It takes more than the caps, or the compiler could not be run.
    Failed(String),
}

impl Compiler {
    /// This program again, where it answers; otherwise there is nobody else to ask.
    pub(crate) fn new() -> Compiler {
        match std::env::current_exe() {
            Ok(program) if ANSWERS.load(Ordering::Relaxed) => Compiler::Child(program),
            _ => Compiler::Here,
        }
    }

    /// The code of a component, for `engine` of these `options`, whose guests have the stack of `limits`.
    pub(crate) fn compile(
        &self,
        engine: &Engine,
        component: &[u8],
        limits: &Limits,
        options: EngineOptions,
    ) -> Result<Vec<u8>, Problem> {
        match self {
            Compiler::Here => {
                engine.precompile_component(component).map_err(|error| Problem::Invalid(short(&format!("{error:#}"))))
            }
            Compiler::Child(program) => in_child(program, component, limits, options),
        }
    }
}

fn in_child(program: &Path, component: &[u8], limits: &Limits, options: EngineOptions) -> Result<Vec<u8>, Problem> {
    let failed = |problem: String| Problem::Failed(problem);
    let mut child = start(program, limits, options)
        .map_err(|error| failed(format!("its compiler ({}) could not be started: {error}", program.display())))?;
    let (output, ended) = exchange(&mut child, component, limits.compile_seconds)
        .map_err(|error| failed(format!("its compiler could not be waited for: {error}")))?;
    match (output.first(), ended) {
        (Some(&CODE), Ended::Itself(status)) if status.success() => Ok(output[1..].to_vec()),
        (Some(&PROBLEM), Ended::Itself(status)) if status.success() => {
            Err(Problem::Invalid(short(&String::from_utf8_lossy(&output[1..]))))
        }
        (_, ended) => Err(failed(why(ended, limits))),
    }
}

/// How the child came to its end.
enum Ended {
    Itself(ExitStatus),
    AtDeadline,
}

/// Starts the compiler with its caps and nothing of this process's surroundings but where libraries are.
fn start(program: &Path, limits: &Limits, options: EngineOptions) -> std::io::Result<Child> {
    let mut command = Command::new(program);
    let Limits { stack_bytes, compile_seconds, compile_memory_bytes, .. } = limits;
    command.env_clear().env(
        ASKED,
        format!(
            "{stack_bytes} {compile_seconds} {compile_memory_bytes} {} {}",
            u8::from(options.source_lines),
            getpid().as_raw_nonzero()
        ),
    );
    // Every thread of rayon and of the allocator takes address space, which is what the memory cap counts.
    command.env("RAYON_NUM_THREADS", "4").env("MALLOC_ARENA_MAX", "2");
    if let Some(libraries) = std::env::var_os("LD_LIBRARY_PATH") {
        command.env("LD_LIBRARY_PATH", libraries);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()
}

/// Hands the component over and takes the answer, for as long as the wall clock allows: CPU time is capped in the child,
/// but a child that waits for something uses none.
fn exchange(child: &mut Child, component: &[u8], seconds: u64) -> std::io::Result<(Vec<u8>, Ended)> {
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(std::io::Error::other("the compiler has no pipes"));
    };
    std::thread::scope(|scope| {
        let (send, receive) = mpsc::channel();
        let take = move || {
            let mut output = Vec::new();
            let read = stdout.take(LARGEST_CODE + 1).read_to_end(&mut output);
            // Nobody listens after the deadline.
            let _ = send.send(read.map(|_| output));
        };
        // A child that ended early does not read; what it says, or how it ended, shows why.
        let started = Builder::new()
            .spawn_scoped(scope, move || stdin.write_all(component))
            .and_then(|_| Builder::new().spawn_scoped(scope, take));
        if let Err(error) = started {
            child.kill()?;
            child.wait()?;
            return Err(std::io::Error::new(error.kind(), format!("could not start a thread: {error}")));
        }
        let longest = Duration::from_secs(seconds.saturating_mul(2).saturating_add(10));
        let answer = receive.recv_timeout(longest);
        if answer.is_err() {
            // Both threads end with it, since its pipes close.
            child.kill()?;
        }
        let status = child.wait()?;
        match answer {
            Ok(output) => Ok((output?, Ended::Itself(status))),
            Err(_) => Ok((Vec::new(), Ended::AtDeadline)),
        }
    })
}

/// What a child that gave no answer came to, and what to do.
fn why(ended: Ended, limits: &Limits) -> String {
    const SIGABRT: i32 = 6;
    const SIGKILL: i32 = 9;
    const SIGXCPU: i32 = 24;
    let Limits { compile_seconds, compile_memory_bytes, .. } = limits;
    let slow = format!(
        "takes more than {compile_seconds} s to compile (`compile_seconds`); raise the limit if you trust the plugin"
    );
    match ended {
        Ended::AtDeadline => slow,
        Ended::Itself(status) => match status.signal() {
            // The kernel sends the first at the soft limit and the second at the hard one, which are the same here.
            Some(SIGXCPU | SIGKILL) => slow,
            // Rust aborts where memory cannot be had.
            Some(SIGABRT) => format!(
                "takes more than {compile_memory_bytes} bytes of memory to compile (`compile_memory_bytes`); raise the \
                 limit if you trust the plugin"
            ),
            Some(signal) => format!("crashed the compiler (signal {signal}); it is not compiled"),
            None => format!("could not be compiled: the compiler ended with {status}"),
        },
    }
}
