use super::*;
use std::net::TcpListener;

/// Runs `work` on `world` threads as ranks; ports are the system's.
fn together<T: Send>(world: usize, work: impl Fn(&Ranks) -> T + Sync) -> Vec<T> {
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number").port();
    std::thread::scope(|scope| {
        let start = |rank| {
            let work = &work;
            scope.spawn(move || work(&Ranks::connect(rank, world, "127.0.0.1", port).expect("connects")))
        };
        let threads: Vec<_> = (0..world).map(start).collect();
        threads.into_iter().map(|thread| thread.join().expect("ends")).collect()
    })
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
