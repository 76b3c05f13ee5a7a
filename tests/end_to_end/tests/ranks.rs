//! Several processes of a run as a user starts and ends them: wrong variables, ranks that never come, signals.

use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use octo_test_support::{Ended, Workdir, assert_shown, environment, octo_host_path, plugins_folder, skip};
use octo_tests::recipe_path;

/// A port of the system's choice.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number").port()
}

fn rank(workdir: &Workdir, rank: &str, world: &str, port: u16) -> Command {
    // More tokens than any test waits for.
    let mut command = workdir.command(&["run", &recipe_path("resume.toml"), "--set", "stable.tokens=1638400000"]);
    command
        .env("RANK", rank)
        .env("WORLD_SIZE", world)
        .env("MASTER_ADDR", "127.0.0.1")
        .env("MASTER_PORT", port.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn send(signal: &str, child: &Child) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill is there");
    assert!(sent.success());
}

/// Waits until `there` holds, as long as the process lives.
fn wait_until(child: &mut Child, there: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(300);
    while !there() {
        assert!(child.try_wait().expect("our own child").is_none(), "it ended on its own");
        assert!(Instant::now() < deadline, "it never came to that");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn ended(child: Child) -> Ended {
    Ended::from(child.wait_with_output().expect("our own child ends"))
}

/// Whether a process has come so far that it listens to signals, which it does before it looks for the others.
fn waits_for_others(id: u32) -> bool {
    let tasks = std::fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
    let name = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
    tasks.map(name).any(|name| name.trim() == "signals")
}

#[test]
fn a_world_that_cannot_be_meant_is_refused_before_anything_is_made_of_it() {
    let workdir = Workdir::new();
    let refused =
        |rank_number: &str, world: &str| Ended::from(rank(&workdir, rank_number, world, 1).output().expect("starts"));
    assert_shown!(refused("0", "1000000000000"), @r#"
    exit 1
    --- stderr
    error: WORLD_SIZE="1000000000000" is not a count of processes (1 to 65536)
    "#);
    assert_shown!(refused("7", "4"), @r#"
    exit 1
    --- stderr
    error: RANK="7" is not a rank of WORLD_SIZE=4 (0 to 3)
    "#);
}

#[test]
fn a_signal_ends_ranks_that_wait_for_others_to_start() {
    let workdir = Workdir::new();
    for (number, signal, code, whom) in [("1", "-TERM", 143, "rank 0"), ("0", "-INT", 130, "ranks 1 and 2")] {
        let mut child = rank(&workdir, number, "3", free_port()).spawn().expect("octo-host starts");
        let id = child.id();
        wait_until(&mut child, || waits_for_others(id));
        send(signal, &child);
        let ended = ended(child).exits_with(code);
        let said = format!("rank {number}: stopped while it waited for {whom}");
        assert_eq!(ended.stderr.lines().last(), Some(&*said), "{}", ended.shown());
    }
}

#[test]
fn a_rank_whose_leader_hangs_ends_by_a_signal_and_says_whom_it_waited_for() {
    let (workdir, port) = (Workdir::new(), free_port());
    let mut leader = rank(&workdir, "0", "2", port).spawn().expect("octo-host starts");
    let follower = rank(&workdir, "1", "2", port).env("OCTO_RANKS_STOP_SECONDS", "1").spawn().expect("starts");
    let log = workdir.path("runs/resume/stages/stable/metrics.jsonl");
    wait_until(&mut leader, || std::fs::read_to_string(&log).is_ok_and(|text| text.lines().count() > 3));
    // A process that is stopped keeps its connections, and its machine answers.
    send("-STOP", &leader);
    send("-TERM", &follower);
    let follower = ended(follower).exits_with(143);
    let said = "rank 1: stopped while it waited for rank 0";
    assert_eq!(follower.stderr.lines().last(), Some(said), "{}", follower.shown());
    leader.kill().expect("our own child");
    leader.wait().expect("our own child ends");
}

#[test]
fn ranks_that_are_all_told_to_stop_leave_a_checkpoint_and_the_signals_exit_code() {
    let (workdir, port) = (Workdir::new(), free_port());
    let mut leader = rank(&workdir, "0", "2", port).spawn().expect("octo-host starts");
    let follower = rank(&workdir, "1", "2", port).spawn().expect("starts");
    let folder = workdir.path("runs/resume/stages/stable");
    let log = folder.join("metrics.jsonl");
    wait_until(&mut leader, || std::fs::read_to_string(&log).is_ok_and(|text| text.lines().count() > 3));
    // libtorch's threads are to sleep while they wait, in every process that loads it.
    for child in [&leader, &follower] {
        let variables = std::fs::read(format!("/proc/{}/environ", child.id())).expect("its environment");
        let passive = variables.split(|byte| *byte == 0).filter(|variable| *variable == b"OMP_WAIT_POLICY=PASSIVE");
        assert_eq!(passive.count(), 1);
    }
    send("-TERM", &follower);
    send("-TERM", &leader);
    let (leader, follower) = (ended(leader).exits_with(143), ended(follower).exits_with(143));
    let said = "stopped; what is done is kept, and the same command resumes from here";
    assert_eq!(leader.stderr.lines().last(), Some(said), "{}", leader.shown());
    assert!(!follower.stderr.contains("error:"), "{}", follower.shown());
    let steps = std::fs::read_to_string(&log).expect("metrics").lines().count() - 1;
    assert!(folder.join(format!("checkpoints/step-{steps:06}")).is_dir(), "none of step {steps}");
}

#[test]
fn threads_that_the_system_refuses_are_an_error_and_not_a_panic() {
    // The limit does not hold for root, so the program runs as nobody where the test is root.
    let root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n");
    let mut command = Command::new("bash");
    command.args(["-c", "ulimit -u 1; exec \"$0\" \"$@\""]).arg(octo_host_path());
    command.args(["--plugin"]).arg(plugins_folder().join("verifier_exact.wasm")).arg("-").current_dir("/");
    environment::clear(&mut command);
    if root {
        command.uid(65_534).gid(65_534);
    }
    let readable = {
        let mut reads = Command::new("cat");
        reads.arg(octo_host_path()).stdout(Stdio::null()).stderr(Stdio::null());
        if root {
            reads.uid(65_534).gid(65_534);
        }
        reads.status().is_ok_and(|status| status.success())
    };
    if !readable {
        return skip("a user who is not root and can read the build");
    }
    let ended = Ended::from(command.stdin(Stdio::null()).output().expect("bash starts"));
    assert_shown!(ended, @r#"
    exit 1
    --- stderr
    error: could not start the threads; the limit on processes (`ulimit -u`, or that of the container) may be too low
      because: Resource temporarily unavailable (os error 11)
    "#);
}
