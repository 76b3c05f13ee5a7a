use super::*;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// A port of the system's choice.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number").port()
}

fn at(rank: usize, world: usize, port: u16) -> Rendezvous {
    Rendezvous { rank, world, address: "127.0.0.1".to_owned(), port }
}

fn connect(rank: usize, world: usize, port: u16) -> Result<Ranks, TrainError> {
    Ranks::connect(&at(rank, world, port), Patience::default(), &Arc::default())
}

/// Runs `work` on `world` threads as ranks.
fn together<T: Send>(world: usize, work: impl Fn(&Ranks) -> T + Sync) -> Vec<T> {
    let port = free_port();
    std::thread::scope(|scope| {
        let start = |rank| {
            let work = &work;
            scope.spawn(move || work(&connect(rank, world, port).expect("connects")))
        };
        let threads: Vec<_> = (0..world).map(start).collect();
        threads.into_iter().map(|thread| thread.join().expect("ends")).collect()
    })
}

/// A connection to a port at which somebody will listen soon.
fn dial(port: u16) -> TcpStream {
    loop {
        match TcpStream::connect(("127.0.0.1", port)) {
            Ok(stream) => return stream,
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

fn say(stream: &mut TcpStream, text: &str) {
    stream.write_all(&greeting::framed(text)).expect("is written");
}

fn hear(stream: &mut TcpStream) -> String {
    let mut length = [0; 8];
    stream.read_exact(&mut length).expect("an answer");
    let mut text = vec![0; u64::from_le_bytes(length) as usize];
    stream.read_exact(&mut text).expect("its text");
    String::from_utf8(text).expect("is text")
}

/// Rank 0 of two as a test wants it: it greets as it should, and then does what the test says.
fn fake_leader<T>(port: u16, then: impl FnOnce(TcpStream, TcpStream) -> T) -> T {
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("listens");
    let greeted = || {
        let (mut stream, _) = listener.accept().expect("rank 1 connects");
        let hello = hear(&mut stream);
        say(&mut stream, &hello);
        stream
    };
    let messages = greeted();
    let pulse = greeted();
    then(messages, pulse)
}

#[test]
fn the_sum_is_in_the_order_of_ranks_and_the_same_everywhere() {
    // In fp32 the order shows: (1e8 + 1) - 1e8 is 0, and 1e8 - 1e8 + 1 is 1.
    let parts = [[1e8f32, 1.0], [1.0, 2.0], [-1e8, 3.0]];
    let sums = together(3, |ranks| {
        let mut mine = parts[ranks.rank()];
        ranks.sum(&mut mine).expect("sums");
        mine
    });
    assert_eq!(sums, [[0.0, 6.0]; 3]);
    let alone = Ranks::alone();
    let mut mine = [1.5];
    alone.sum_double(&mut mine).expect("sums");
    assert_eq!((mine, alone.place()), ([1.5], Rank::ALONE));
}

#[test]
fn large_sums_pass_whole() {
    let sums = together(2, |ranks| {
        let mut mine: Vec<f32> = (0..3_000_000).map(|index| (index % 97) as f32).collect();
        ranks.sum(&mut mine).expect("sums");
        mine.iter().enumerate().all(|(index, sum)| *sum == 2.0 * (index % 97) as f32)
    });
    assert_eq!(sums, [true, true]);
}

#[test]
fn shares_cover_everything_once() {
    let shares = together(3, |ranks| ranks.place().part_of(8));
    assert_eq!(shares, [0..2, 2..5, 5..8]);
}

#[test]
fn ranks_that_differ_say_so_and_none_hangs() {
    let outcomes = together(3, |ranks| {
        let recipe = if ranks.rank() == 2 { "rate 2" } else { "rate 1" };
        ranks.agree("recipe", "same").expect("all agree");
        ranks.agree("recipe", recipe).expect_err("one differs").to_string()
    });
    assert!(outcomes[2].contains("rate 2; rate 1 there"), "{outcomes:?}");
    assert!(outcomes[0].contains("another rank's recipe"), "{outcomes:?}");
}

#[test]
fn gradients_go_over_tcp_where_a_rank_has_no_gpu_or_no_nccl() {
    let summed = |able: &(dyn Fn(usize) -> Result<(), String> + Sync)| {
        together(2, |ranks| {
            ranks.join_gpus_if(Device::Cpu, able(ranks.rank())).expect("falls back");
            assert!(ranks.gpus().is_none());
            let leaf = tch::Tensor::from_slice(&[1.0f32, 2.0]).set_requires_grad(true);
            (&leaf * (1.0 + ranks.rank() as f64)).sum(tch::Kind::Float).backward();
            let parameters = [("weight".to_owned(), leaf)];
            sum_gradients(ranks, &parameters).expect("sums");
            Vec::<f32>::try_from(parameters[0].1.grad()).expect("numbers")
        })
    };
    assert_eq!(summed(&|_| Err("none".to_owned())), [[3.0, 3.0]; 2]);
    assert_eq!(summed(&|rank| if rank == 1 { Err("none".to_owned()) } else { Ok(()) }), [[3.0, 3.0]; 2]);
    let joined = together(2, |ranks| ranks.join_gpus(Device::Cpu).map(|()| ranks.gpus().is_some()).expect("tcp"));
    assert_eq!(joined, [false, false]);
}

#[test]
fn nccl_that_cannot_start_is_an_error_on_every_rank_and_none_hangs() {
    // Without the library rank 0 finds no id, and with it no rank finds a GPU on the CPU.
    let outcomes = together(2, |ranks| {
        let error = ranks.join_gpus_if(Device::Cpu, Ok(())).expect_err("there is not a GPU").to_string();
        assert!(ranks.gpus().is_none());
        error
    });
    match nccl::present() {
        Err(missing) => {
            assert_eq!(outcomes[0], missing);
            assert!(outcomes[1].contains("NCCL failed on rank 0"), "{outcomes:?}");
        }
        Ok(()) => assert!(outcomes.iter().all(|error| error.contains("is not a GPU")), "{outcomes:?}"),
    }
}

#[test]
fn a_rank_that_goes_away_is_an_error_with_its_name() {
    let outcomes = together(2, |ranks| {
        if ranks.rank() == 1 {
            return String::new();
        }
        ranks.any(true).expect_err("rank 1 has gone").to_string()
    });
    assert!(outcomes[0].contains("rank 1"), "{outcomes:?}");
}

#[test]
fn ranks_of_different_length_are_an_error_and_not_added() {
    let outcomes = together(2, |ranks| ranks.sum(&mut vec![1.0; 3 + ranks.rank()]).map_err(|e| e.to_string()));
    assert!(outcomes[0].as_ref().expect_err("lengths differ").contains("16 bytes"), "{outcomes:?}");
}

#[test]
fn idle_and_foreign_connections_are_sent_away_and_the_ranks_meet() {
    let port = free_port();
    let patience = Patience { greeting: Duration::from_millis(100), ..Patience::default() };
    std::thread::scope(|scope| {
        let leader = scope.spawn(|| Ranks::connect(&at(0, 2, port), patience, &Arc::default()).expect("connects"));
        let mut strangers = vec![dial(port), dial(port), dial(port), dial(port), dial(port)];
        strangers[1].write_all(b"GET / HTTP/1.1\r\n\r\n").expect("is written");
        strangers[2].write_all(&u64::MAX.to_le_bytes()).expect("is written");
        say(&mut strangers[3], "octo");
        say(&mut strangers[4], &greeting::Greeting::new(2, greeting::Part::Messages, 2).text());
        // Each is closed while rank 0 waits, the idle one among them; one whose bytes were not read is reset.
        for stranger in &mut strangers {
            assert_eq!(stranger.read(&mut [0]).unwrap_or(0), 0);
        }
        let rank = connect(1, 2, port).expect("connects");
        let leader = leader.join().expect("ends");
        let other = scope.spawn(move || rank.any(true).expect("votes"));
        assert!(leader.any(false).expect("votes") && other.join().expect("ends"));
    });
}

#[test]
fn a_rank_that_was_started_anew_takes_its_place() {
    let port = free_port();
    std::thread::scope(|scope| {
        let leader = scope.spawn(|| connect(0, 3, port).expect("connects"));
        drop(connect(1, 3, port).expect("connects and ends"));
        let ranks = [1, 2].map(|rank| connect(rank, 3, port).expect("connects"));
        assert_eq!(leader.join().expect("ends").leaders("here").expect("is sent"), "here");
        assert_eq!(ranks.map(|rank| rank.leaders("").expect("comes")), ["here", "here"]);
    });
}

#[test]
fn two_processes_of_one_rank_end_the_run() {
    let port = free_port();
    std::thread::scope(|scope| {
        let leader = scope.spawn(|| connect(0, 3, port).err().expect("fails").to_string());
        let first = connect(1, 3, port).expect("connects");
        let second = connect(1, 3, port).err().expect("is one too many").to_string();
        let reason = "two processes are rank 1; give each a RANK of its own";
        assert_eq!(leader.join().expect("ends"), reason);
        assert_eq!(second, format!("rank 0 refused this process: {reason}"));
        let first = first.leaders("").expect_err("rank 0 has ended").to_string();
        assert_eq!(first, "rank 0 is gone: it has ended; its own output says why");
    });
}

#[test]
fn another_world_size_or_version_ends_both_sides_with_the_same_reason() {
    let own = env!("CARGO_PKG_VERSION");
    let outcome = |world: usize| {
        let port = free_port();
        std::thread::scope(|scope| {
            let leader = scope.spawn(|| connect(0, 2, port).err().expect("fails").to_string());
            let follower = connect(1, world, port).err().expect("fails").to_string();
            (leader.join().expect("ends"), follower)
        })
    };
    let (leader, follower) = outcome(3);
    assert_eq!(follower, format!("rank 0 refused this process: {leader}"));
    let (from, rest) =
        leader.strip_prefix("rank 1 at 127.0.0.1:").and_then(|rest| rest.split_once(' ')).expect("where");
    assert!(from.parse::<u16>().is_ok(), "{leader}");
    assert_eq!(rest, "has WORLD_SIZE=3, and rank 0 has WORLD_SIZE=2; give all processes the same");

    let port = free_port();
    std::thread::scope(|scope| {
        let leader = scope.spawn(|| connect(0, 2, port).err().expect("fails").to_string());
        let mut other = dial(port);
        let from = other.local_addr().expect("its address");
        say(&mut other, "octo 0.0.9 of 2, rank 1");
        let reason = format!("rank 1 at {from} runs octo 0.0.9, and rank 0 runs octo {own}; they must be the same");
        assert_eq!(hear(&mut other), format!("no: {reason}"));
        assert_eq!(leader.join().expect("ends"), reason);
    });
}

#[test]
fn ranks_that_do_not_come_are_named() {
    let patience = Patience { start: Duration::from_millis(50), ..Patience::default() };
    let alone = |rank, world| {
        let outcome = Ranks::connect(&at(rank, world, free_port()), patience, &Arc::default());
        outcome.err().expect("nobody comes").to_string()
    };
    let why = "their own output says why they did not come";
    assert_eq!(alone(0, 2), format!("rank 0 waited 0 s for rank 1; {why}"));
    assert_eq!(alone(0, 4), format!("rank 0 waited 0 s for ranks 1, 2 and 3; {why}"));
    assert_eq!(alone(0, 65_536), format!("rank 0 waited 0 s for ranks 1, 2, 3, 4, 5, 6, 7, 8 and 65527 more; {why}"));
    let message = alone(1, 2);
    let told = message.strip_prefix("rank 1 waited 0 s for rank 0 at 127.0.0.1:").expect("whom");
    assert!(told.ends_with("Connection refused (os error 111)"), "{message}");
    let many = Ranks::connect(&at(0, 65_537, 1), patience, &Arc::default()).err().expect("too many").to_string();
    assert_eq!(many, "there is no rank 0 of 65537; there may be 65536 at most");
}

#[test]
fn what_listens_in_place_of_rank_0_is_not_believed() {
    let port = free_port();
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("listens");
    std::thread::scope(|scope| {
        let rank = scope.spawn(|| connect(1, 2, port).err().expect("fails").to_string());
        let (mut stream, _) = listener.accept().expect("it connects");
        stream.write_all(b"SSH-2.0-OpenSSH_9.6\r\n").expect("is written");
        let wanted = format!("what listens at 127.0.0.1:{port} is not rank 0 of octo");
        assert_eq!(rank.join().expect("ends"), wanted);
    });
}

#[test]
fn a_length_is_not_believed_and_takes_no_memory() {
    let answers = [
        (1u64 << 62, "rank 0 sent 4611686018427387904 bytes where at most 16777216 were due"),
        (9, "rank 0 is gone: it has ended; its own output says why"),
    ];
    for (length, wanted) in answers {
        let port = free_port();
        std::thread::scope(|scope| {
            let rank =
                scope.spawn(|| connect(1, 2, port).expect("connects").leaders("").expect_err("fails").to_string());
            fake_leader(port, |mut messages, _pulse| {
                messages.write_all(&length.to_le_bytes()).expect("is written");
                messages.write_all(b"short").expect("is written");
            });
            let said = rank.join().expect("ends");
            assert!(said.starts_with(wanted), "{said}");
        });
    }
}

#[test]
fn a_signal_ends_a_rank_that_waits_and_names_whom_it_waited_for() {
    let patience = Patience { stop: Duration::from_millis(50), ..Patience::default() };
    let stopped = |error: TrainError| match error {
        TrainError::StoppedWaiting(sentence) => sentence,
        other => panic!("{other}"),
    };
    // Before the ranks have met.
    let raised = Arc::new(AtomicBool::new(true));
    let alone = |rank| Ranks::connect(&at(rank, 3, free_port()), patience, &raised).err().expect("is stopped");
    assert_eq!(stopped(alone(0)), "rank 0: stopped while it waited for ranks 1 and 2");
    assert_eq!(stopped(alone(2)), "rank 2: stopped while it waited for rank 0");
    // Between stages at once, within one after the time for a step.
    let wait_for = |wait: fn(&Ranks) -> TrainError| {
        let (port, stop) = (free_port(), Arc::new(AtomicBool::new(false)));
        std::thread::scope(|scope| {
            let rank = scope.spawn(|| wait(&Ranks::connect(&at(1, 2, port), patience, &stop).expect("connects")));
            fake_leader(port, |_messages, _pulse| {
                stop.store(true, Ordering::Relaxed);
                stopped(rank.join().expect("ends"))
            })
        })
    };
    let whom = "rank 1: stopped while it waited for rank 0";
    assert_eq!(wait_for(|rank| rank.call("").expect_err("is stopped")), whom);
    assert_eq!(wait_for(|rank| rank.any(false).expect_err("is stopped")), whom);
    assert_eq!(wait_for(|rank| rank.leaders("").expect_err("is stopped")), whom);
    // More than the buffers of a connection take.
    assert_eq!(wait_for(|rank| rank.sum(&mut vec![0.0; 16 << 20]).expect_err("is stopped")), whom);
}

#[test]
fn a_rank_that_has_gone_when_a_signal_came_is_not_a_failure() {
    let (port, stop) = (free_port(), Arc::new(AtomicBool::new(false)));
    let said = std::thread::scope(|scope| {
        let rank = scope.spawn(|| {
            let rank = Ranks::connect(&at(1, 2, port), Patience::default(), &stop).expect("connects");
            rank.any(false).expect_err("rank 0 is gone")
        });
        fake_leader(port, |_messages, _pulse| stop.store(true, Ordering::Relaxed));
        rank.join().expect("ends")
    });
    assert!(matches!(&said, TrainError::StoppedWaiting(_)), "{said}");
    assert_eq!(said.to_string(), "rank 1: stopped; rank 0 is gone: it has ended");
}

#[test]
fn a_rank_that_hangs_within_a_stage_is_an_error_and_one_that_works_between_stages_is_not() {
    let patience = Patience { step: Duration::from_millis(300), ..Patience::default() };
    let port = free_port();
    let said = std::thread::scope(|scope| {
        let rank = scope.spawn(|| {
            let rank = Ranks::connect(&at(1, 2, port), patience, &Arc::default()).expect("connects");
            (rank.call("").expect("is called"), rank.leaders("").expect_err("hangs").to_string())
        });
        fake_leader(port, |mut messages, _pulse| {
            std::thread::sleep(patience.step * 2);
            say(&mut messages, "a stage");
            rank.join().expect("ends")
        })
    });
    let hangs = "rank 0 has sent nothing for 0 s, though its machine answers: it hangs, or its step takes longer than \
                 OCTO_RANKS_STEP_SECONDS; its own output may say more";
    assert_eq!(said, ("a stage".to_owned(), hangs.to_owned()));
}

/// Whether this process runs in a network of its own, which [`a_machine_that_vanishes_is_noticed`] has made.
const ISOLATED: &str = "OCTO_TEST_ISOLATED";

#[test]
fn a_machine_that_vanishes_is_noticed() {
    if std::env::var_os(ISOLATED).is_some() {
        return vanish();
    }
    // A network of its own, with nothing but a loopback device, which the test then takes away.
    let isolated =
        |command: &mut std::process::Command| command.env(ISOLATED, "1").output().map_err(|error| error.to_string());
    let unshare = || {
        let mut command = std::process::Command::new("unshare");
        command.args(["--map-root-user", "--net", "sh", "-ec"]);
        command
    };
    match isolated(unshare().args(["ip link set lo up && ip link set lo down"])) {
        Ok(output) if output.status.success() => {}
        _ => return octo_test_support::skip("a network of its own: `unshare --map-root-user --net` and `ip`"),
    }
    let name = "ranks::tests::a_machine_that_vanishes_is_noticed";
    let own = std::env::current_exe().expect("this test");
    let script = ["ip link set lo up; exec \"$0\" --exact \"$1\" --nocapture"];
    let output = isolated(unshare().args(script).arg(own).arg(name)).expect("starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}

fn vanish() {
    let patience = Patience { gone: Duration::from_secs(4), ..Patience::default() };
    for within in [false, true] {
        assert!(std::process::Command::new("ip").args(["link", "set", "lo", "up"]).status().expect("ip").success());
        let (port, there) = (free_port(), std::sync::Barrier::new(2));
        let said = std::thread::scope(|scope| {
            let rank = scope.spawn(|| {
                let rank = Ranks::connect(&at(1, 2, port), patience, &Arc::default()).expect("connects");
                there.wait();
                there.wait();
                let lost = if within { rank.any(true).map(|_| ()) } else { rank.call("").map(|_| ()) };
                lost.expect_err("nobody answers").to_string()
            });
            let leader = Ranks::connect(&at(0, 2, port), patience, &Arc::default()).expect("connects");
            there.wait();
            assert!(
                std::process::Command::new("ip").args(["link", "set", "lo", "down"]).status().expect("ip").success()
            );
            there.wait();
            let said = rank.join().expect("ends");
            drop(leader);
            said
        });
        assert_eq!(said, "rank 0 is gone: its machine has not answered for 4 s; its own output says why");
    }
}
