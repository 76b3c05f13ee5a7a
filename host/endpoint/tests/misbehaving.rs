//! Servers that misbehave in every way: what is tried again, what is named, and what is never repeated.

#[path = "misbehaving/server.rs"]
mod server;

use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use octo_endpoint::{
    Answer, ApiKey, Backoff, Budget, Cache, Desk, Endpoint, Finish, Halt, LanguageModel, Message, NoAnswer, Prices,
    Prompt, Rates, Request, Role, Sampling, Settings, Spending, Tally, Timeouts, Usage,
};
use server::{Server, answer, good, raw, reply, silence};

/// Small waits, so that a test is done in no time.
fn settings(url: &str) -> Settings {
    let millis = Duration::from_millis;
    Settings {
        timeouts: Timeouts { connect: millis(20_000), first_byte: millis(20_000), whole: millis(20_000) },
        retries: 2,
        backoff: Backoff { first: millis(2), longest: millis(50) },
        largest_reply: 100_000,
        give_up_after: 0,
        concurrency: 4,
        grace: millis(0),
        ..Settings::new(url, "m")
    }
}

/// With little time for an answer, for servers that take too long.
fn hurried(url: &str) -> Settings {
    let millis = Duration::from_millis;
    Settings {
        timeouts: Timeouts { connect: millis(20_000), first_byte: millis(300), whole: millis(600) },
        ..settings(url)
    }
}

fn endpoint(settings: Settings) -> Endpoint {
    Endpoint::new(settings, Spending::default()).unwrap()
}

fn request(text: &str) -> Request {
    let message = Message { role: Role::User, content: text.to_owned() };
    let sampling = Sampling { max_tokens: 20, ..Sampling::default() };
    Request { prompt: Prompt::Chat(vec![message]), sampling }
}

fn requests(texts: impl IntoIterator<Item = impl ToString>) -> Vec<Request> {
    texts.into_iter().map(|text| request(&text.to_string())).collect()
}

/// What came of requests, in their order; none where nothing was delivered.
type Delivered = Vec<Option<Result<Answer, NoAnswer>>>;

fn ask(model: &dyn LanguageModel, requests: &[Request]) -> (Delivered, Result<(), Halt>) {
    let done = Mutex::new(vec![None; requests.len()]);
    let deliver = |index: usize, result| {
        done.lock().unwrap()[index] = Some(result);
        Ok(())
    };
    let ended = model.answer(requests, &AtomicBool::new(false), &deliver);
    (done.into_inner().unwrap(), ended)
}

/// Asks one request of a server that behaves so, and tells what came of it and how many calls it took.
fn one(server: &Server, settings: Settings) -> (Result<String, String>, usize) {
    let (results, ended) = ask(&endpoint(settings), &requests(["hello"]));
    let result = match (ended, results.into_iter().next().flatten()) {
        (Ok(()), Some(result)) => result.map(|answer| answer.text).map_err(|none| none.to_string()),
        (Err(halt), _) => Err(format!("halt: {halt}").replace(&server.url, "URL")),
        (Ok(()), None) => Err("nothing was delivered".to_owned()),
    };
    (result, server.calls())
}

type Misbehaviour = fn(&mut std::net::TcpStream);

#[test]
fn what_may_pass_is_tried_again_and_named_where_it_does_not() {
    let cases: &[(&str, Misbehaviour)] = &[
        ("it answered with status 429: slow down", |stream| {
            reply(stream, 429, "retry-after: 0.001\r\n", r#"{"error":{"message":"slow down"}}"#);
        }),
        ("it answered with status 503: a page of HTML", |stream| reply(stream, 503, "", "<html>Busy</html>")),
        ("it answered with status 500", |stream| reply(stream, 500, "", "")),
        ("it began no answer within 300ms", silence),
        ("it did not finish its answer within 600ms", |stream| {
            raw(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"choices\"");
            silence(stream);
        }),
        ("it closed the connection before the end of its answer", |_| {}),
        ("it closed the connection before the end of its answer", |stream| {
            raw(stream, b"HTTP/1.1 200 OK\r\ncontent-le");
        }),
        ("it closed the connection before the end of its answer", |stream| {
            let body = answer("hello");
            raw(stream, format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len() + 1).as_bytes());
        }),
        ("it closed the connection before the end of its answer", |stream| {
            raw(stream, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"cho\r\n");
        }),
        ("its answer is cut off in the middle", |stream| {
            let body = answer("hello");
            raw(stream, format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len() - 1).as_bytes());
        }),
        ("its answer is cut off in the middle", |stream| {
            raw(stream, b"HTTP/1.1 200 OK\r\n\r\n{\"choices\":[{\"message\":{\"content\":\"hel");
        }),
        ("it answered with HTML instead of JSON", |stream| {
            reply(stream, 200, "content-type: text/html\r\n", "<!DOCTYPE html><p>Log in</p>");
        }),
        ("its answer is not UTF-8", |stream| {
            raw(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{\"a\":\"\xff\xfe\"} ");
        }),
        ("its answer has no choices", |stream| reply(stream, 200, "", "{\"choices\":[]}")),
        ("its answer has no text", |stream| {
            reply(stream, 200, "", r#"{"choices":[{"message":{"content":null},"finish_reason":"tool_calls"}]}"#);
        }),
        ("it answered with an error: out of memory", |stream| {
            reply(stream, 200, "", r#"{"error":{"message":"out of memory"}}"#);
        }),
    ];
    let check = |index: usize, words: &str, misbehave: Misbehaviour| {
        let always = Server::start(move |_, _, stream| misbehave(stream));
        let settings = |url: &str| if words.contains("within") { hurried(url) } else { settings(url) };
        let (result, calls) = one(&always, settings(&always.url));
        assert_eq!(result, Err(format!("the model gave no answer in 3 tries: {words}")), "case {index}");
        assert_eq!(calls, 3, "case {index}");
        let twice = Server::start(move |request, earlier, stream| match earlier {
            0 | 1 => misbehave(stream),
            _ => good(request, stream),
        });
        assert_eq!(one(&twice, settings(&twice.url)), (Ok("HELLO".to_owned()), 3), "case {index}");
    };
    std::thread::scope(|scope| {
        for (index, (words, misbehave)) in cases.iter().enumerate() {
            scope.spawn(move || check(index, words, *misbehave));
        }
    });
}

#[test]
fn what_does_not_speak_http_is_tried_again_and_named() {
    for head in [&b"SSH-2.0-OpenSSH_9.2\r\n\r\n"[..], &[b"HTTP/1.1 200 OK\r\nx: ", &[b'y'; 200_000][..]].concat()] {
        let bytes = head.to_vec();
        let server = Server::start(move |_, _, stream| raw(stream, &bytes));
        let (result, calls) = one(&server, settings(&server.url));
        let words = result.unwrap_err();
        assert!(words.starts_with("the model gave no answer in 3 tries: it "), "{words}");
        assert_eq!(calls, 3);
    }
}

#[test]
fn what_would_be_the_same_again_is_not_tried_again() {
    let server = Server::start(|_, _, stream| {
        reply(stream, 400, "", r#"{"error":{"message":"the prompt is\ntoo long","code":"context_length_exceeded"}}"#);
    });
    let words = "the model gave no answer in 1 try: it answered with status 400: the prompt is too long \
        (context_length_exceeded)";
    assert_eq!(one(&server, settings(&server.url)), (Err(words.to_owned()), 1));
}

#[test]
fn a_reply_of_gigabytes_is_not_read() {
    let words = "the model gave no answer in 1 try: its answer is larger than 100000 bytes";
    let announced = Server::start(|_, _, stream| {
        raw(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 2147483648\r\n\r\n{");
        silence(stream);
    });
    assert_eq!(one(&announced, settings(&announced.url)), (Err(words.to_owned()), 1));
    // Without a length, and endless.
    let endless = Server::start(|_, _, stream| {
        use std::io::Write;
        raw(stream, b"HTTP/1.1 200 OK\r\n\r\n{\"choices\":[{\"text\":\"");
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    assert_eq!(one(&endless, settings(&endless.url)), (Err(words.to_owned()), 1));
}

#[test]
fn an_answer_in_drops_ends_with_the_time_that_it_has() {
    let server = Server::start(|_, _, stream| {
        use std::io::Write;
        raw(stream, b"HTTP/1.1 200 OK\r\n\r\n");
        while stream.write_all(b" ").is_ok() {
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    let words = "the model gave no answer in 1 try: it did not finish its answer within 600ms";
    let once = Settings { retries: 0, ..hurried(&server.url) };
    assert_eq!(one(&server, once), (Err(words.to_owned()), 1));
}

#[test]
fn what_no_request_would_survive_halts_with_the_reason() {
    for (status, body, words) in [
        (401, r#"{"error":{"message":"wrong key"}}"#, "it answered with status 401: wrong key"),
        (403, "not for you", "it answered with status 403: not for you"),
        (404, r#"{"detail":"no model of that name"}"#, "it answered with status 404: no model of that name"),
        (
            429,
            r#"{"error":{"message":"pay first","code":"insufficient_quota"}}"#,
            "it answered with status 429: pay first (insufficient_quota)",
        ),
    ] {
        let server = Server::start(move |_, _, stream| reply(stream, status, "", body));
        assert_eq!(one(&server, settings(&server.url)), (Err(format!("halt: URL refuses requests: {words}")), 1));
    }
}

#[test]
fn a_redirect_is_named_and_never_followed() {
    let elsewhere = Server::good();
    let to = elsewhere.url.clone();
    let server = Server::start(move |_, _, stream| reply(stream, 307, &format!("location: {to}/x\r\n"), ""));
    let api_key = Some(ApiKey::new("sk-a-secret-that-stays").unwrap());
    let (result, calls) = one(&server, Settings { api_key, ..settings(&server.url) });
    let words = format!("it redirects to \"{}/x\"; set `url` to where the API is", elsewhere.url);
    assert_eq!((result, calls), (Err(format!("halt: URL refuses requests: {words}")), 1));
    assert_eq!(elsewhere.calls(), 0);
}

#[test]
fn a_server_that_is_not_there_is_tried_again_and_a_restarted_one_answers() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", free.local_addr().unwrap());
    drop(free);
    let (results, ended) = ask(&endpoint(settings(&url)), &requests(["a"]));
    let words = results[0].clone().unwrap().unwrap_err().to_string();
    assert!(words.starts_with("the model gave no answer in 3 tries: it could not be reached: "), "{words}");
    assert!(ended.is_ok());
    // Where many in a row have no answer, it is gone.
    let gone = Settings { give_up_after: 3, retries: 1, concurrency: 1, ..settings(&url) };
    let (results, ended) = ask(&endpoint(gone), &requests(0..10));
    assert_eq!(results.iter().flatten().count(), 2, "the third, which tells, is asked again another time");
    let words = ended.unwrap_err().to_string();
    let begin = format!("{url} seems to be gone: 3 requests in a row had no answer, and of the last one it could not");
    assert!(words.starts_with(&begin), "{words}");
}

#[test]
fn answers_do_not_depend_on_concurrency_and_no_more_calls_are_under_way_than_allowed() {
    let expected: Vec<String> = (0..40).map(|number| format!("QUESTION {number}")).collect();
    let asked = requests((0..40).map(|number| format!("question {number}")));
    for concurrency in [1, 3, 16] {
        let server = Server::start(|request, earlier, stream| {
            // Every third fails at first, so that order and tries mix.
            let number: usize = request.text().rsplit(' ').next().unwrap().parse().unwrap();
            std::thread::sleep(Duration::from_millis(number as u64 % 4));
            if number.is_multiple_of(3) && earlier == 0 { reply(stream, 502, "", "") } else { good(request, stream) }
        });
        let endpoint = endpoint(Settings { concurrency, ..settings(&server.url) });
        let (results, ended) = ask(&endpoint, &asked);
        assert!(ended.is_ok());
        let texts: Vec<String> = results.into_iter().map(|result| result.unwrap().unwrap().text).collect();
        assert_eq!(texts, expected);
        assert_eq!(server.calls(), 54, "14 are asked twice");
        assert!(server.most_at_once() <= concurrency, "{} at once", server.most_at_once());
        let spent = Spending { calls: 54, prompt_tokens: 400, answer_tokens: 200 };
        assert_eq!(endpoint.tally(), Tally { calls: 54, answered: 40, retried: 14, failed: 0, spent });
    }
}

#[test]
fn a_request_is_as_servers_read_it_and_the_key_is_in_its_header_alone() {
    let server = Server::start(|request, _, stream| {
        let echo = format!("{} and {}", request.headers["authorization"], request.text());
        reply(stream, 200, "", &answer(&echo));
    });
    let secret = "sk-0123456789-a-secret";
    let api_key = Some(ApiKey::new(secret).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), "test").unwrap();
    let endpoint = endpoint(Settings { api_key, ..settings(&server.url) });
    let mut asked = request("hello");
    asked.sampling =
        Sampling { max_tokens: 7, seed: Some(3), stop: vec!["\n".into()], temperature: 0.5, ..Sampling::default() };
    let answers = Desk::new(&endpoint, &cache).answers(&[asked.clone()], &AtomicBool::new(false)).unwrap();
    assert_eq!(answers[0].as_ref().unwrap().text, "Bearer [API key] and hello");
    let seen = &server.requests()[0];
    assert_eq!(
        (seen.path.as_str(), seen.headers["content-type"].as_str()),
        ("/v1/chat/completions", "application/json")
    );
    assert_eq!(seen.headers["authorization"], format!("Bearer {secret}"));
    assert_eq!(seen.body.to_string(), asked.body("m").unwrap());
    drop(cache);
    let files = std::fs::read_to_string(folder.path().join("answers-00000.jsonl")).unwrap();
    assert!(files.contains("[API key]") && !files.contains(secret));
    let refuses = Server::start(|request, _, stream| {
        let key = request.headers["authorization"].replace("Bearer ", "");
        reply(stream, 401, "", &format!("{{\"error\":{{\"message\":\"no such key: {key}\"}}}}"));
    });
    let api_key = Some(ApiKey::new(secret).unwrap());
    let (result, _) = one(&refuses, Settings { api_key, ..settings(&refuses.url) });
    let words = "halt: URL refuses requests: it answered with status 401: no such key: [API key]";
    assert_eq!(result, Err(words.to_owned()));
}

#[test]
fn texts_are_completed_and_cut_answers_say_so() {
    let server = Server::start(|request, _, stream| {
        assert_eq!(request.path, "/v1/completions");
        reply(stream, 200, "", r#"{"choices":[{"text":" world","finish_reason":"length"}]}"#);
    });
    let asked = Request { prompt: Prompt::Text("hello".into()), ..request("") };
    let endpoint = endpoint(settings(&server.url));
    let (results, _) = ask(&endpoint, std::slice::from_ref(&asked));
    let answer = results[0].clone().unwrap().unwrap();
    assert_eq!((answer.text.as_str(), &answer.finish, answer.usage), (" world", &Finish::Length, None));
    // Without a count the most is counted: bytes of the prompt with its template, bytes of the answer.
    assert_eq!(answer.counted(&asked), Usage { prompt_tokens: 69, answer_tokens: 6 });
    assert_eq!(endpoint.tally().spent, Spending { calls: 1, prompt_tokens: 69, answer_tokens: 6 });
}

#[test]
fn a_budget_stops_before_it_is_exceeded_and_what_was_answered_is_kept() {
    let texts: Vec<String> = (0..30).map(|number| format!("{number:02}")).collect();
    let prices = Prices { input: 100_000.0, output: 200_000.0 };
    for (budget, calls, words) in [
        (Budget { calls: Some(7), ..Budget::default() }, 7, "the budget of 7 calls is spent".to_owned()),
        (
            // A call takes 15 tokens, and could take 66 of the prompt and 20 of the answer.
            Budget { tokens: Some(200), ..Budget::default() },
            8,
            "the budget of 200 tokens has no room for the next call: 120 are spent, and it could take 86".to_owned(),
        ),
        (
            // A call costs 2, and could cost 10.6.
            Budget { money: Some(20.0), ..Budget::default() },
            5,
            "the budget of 20 has no room for the next call: 10.0000 are spent, and it could cost 10.6000".to_owned(),
        ),
    ] {
        for concurrency in [1, 5] {
            let server = Server::good();
            let folder = tempfile::tempdir().unwrap();
            let cache = Cache::open(folder.path(), "test").unwrap();
            let settings = Settings { budget, prices, concurrency, ..settings(&server.url) };
            let endpoint = Endpoint::new(settings.clone(), cache.spent()).unwrap();
            let stop = AtomicBool::new(false);
            let halt = Desk::new(&endpoint, &cache).answers(&requests(&texts), &stop).unwrap_err();
            assert!(matches!(halt, Halt::Budget(_)));
            assert_eq!((halt.to_string(), server.calls(), cache.len()), (words.clone(), calls, calls));
            drop(cache);
            // The next process knows what this one has spent: it asks nothing more.
            let cache = Cache::open(folder.path(), "test").unwrap();
            let again = Endpoint::new(settings.clone(), cache.spent()).unwrap();
            let halt = Desk::new(&again, &cache).answers(&requests(&texts), &stop).unwrap_err();
            assert_eq!((halt.to_string(), server.calls()), (words.clone(), calls));
            // With more to spend, it asks what is left.
            let rich = Settings { budget: Budget::default(), ..settings };
            let endpoint = Endpoint::new(rich, cache.spent()).unwrap();
            let answers = Desk::new(&endpoint, &cache).answers(&requests(&texts), &stop).unwrap();
            let read: Vec<String> = answers.into_iter().map(|answer| answer.unwrap().text).collect();
            assert_eq!((read, server.texts()), (texts.clone(), texts.clone()), "each was asked once");
        }
    }
}

#[test]
fn tries_that_a_server_may_charge_for_count_with_the_most_that_they_can_cost() {
    let server = Server::start(|request, earlier, stream| match earlier {
        0 => {}
        1 => reply(stream, 503, "", ""),
        _ => good(request, stream),
    });
    let endpoint = endpoint(settings(&server.url));
    assert!(ask(&endpoint, &requests(["hello"])).1.is_ok());
    // 5 + 64 and 20 for the closed connection, nothing for the refusal, 10 and 5 for the answer.
    assert_eq!(endpoint.tally().spent, Spending { calls: 3, prompt_tokens: 79, answer_tokens: 25 });
}

#[test]
fn a_killed_run_repeats_no_finished_call() {
    let server = Server::good();
    let folder = tempfile::tempdir().unwrap();
    let texts: Vec<String> = (0..20).map(|number| format!("{number:02}")).collect();
    let stop = AtomicBool::new(false);
    let cache = Cache::open(folder.path(), "test").unwrap();
    let first = endpoint(settings(&server.url));
    Desk::new(&first, &cache).answers(&requests(&texts[..12]), &stop).unwrap();
    // Killed while it wrote: the last line is cut, so that answer never was.
    std::mem::forget(cache);
    let path = folder.path().join("answers-00000.jsonl");
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 5]).unwrap();

    let cache = Cache::open(folder.path(), "test").unwrap();
    assert_eq!(cache.len(), 11);
    let second = endpoint(settings(&server.url));
    let desk = Desk::new(&second, &cache);
    let answers = desk.answers(&requests(&texts), &stop).unwrap();
    let read: Vec<String> = answers.into_iter().map(|answer| answer.unwrap().text).collect();
    assert_eq!(read, texts);
    assert_eq!((desk.from_cache(), second.tally().calls, server.calls()), (11, 9, 21));
    // Another model, or another question of the same text, is another request.
    let other = endpoint(Settings { model: "n".into(), ..settings(&server.url) });
    Desk::new(&other, &cache).answers(&requests(["00"]), &stop).unwrap();
    assert_eq!(server.calls(), 22);
}

#[test]
fn a_failed_request_is_never_kept_and_is_asked_again() {
    let server = Server::start(|request, earlier, stream| {
        if request.text() == "bad" && earlier < 3 { reply(stream, 500, "", "") } else { good(request, stream) }
    });
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), "test").unwrap();
    let endpoint = endpoint(settings(&server.url));
    let desk = Desk::new(&endpoint, &cache);
    let stop = AtomicBool::new(false);
    let asked = requests(["a", "bad", "b"]);
    let answers = desk.answers(&asked, &stop).unwrap();
    assert_eq!(answers.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(answers[1], Err(NoAnswer { why: "it answered with status 500".into(), tries: 3 }));
    assert!(desk.answers(&asked, &stop).unwrap().iter().all(Result::is_ok));
    assert_eq!(server.texts(), ["a", "b", "bad", "bad", "bad", "bad"]);
}

#[test]
fn equal_requests_are_asked_once_also_by_several_threads() {
    let server = Server::start(|request, _, stream| {
        std::thread::sleep(Duration::from_millis(20));
        good(request, stream);
    });
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), "test").unwrap();
    let endpoint = endpoint(settings(&server.url));
    let desk = Desk::new(&endpoint, &cache);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let asked = requests(["a", "b", "a", "c", "b"]);
                let answers = desk.answers(&asked, &AtomicBool::new(false)).unwrap();
                let texts: Vec<String> = answers.into_iter().map(|answer| answer.unwrap().text).collect();
                assert_eq!(texts, ["A", "B", "A", "C", "B"]);
            });
        }
    });
    assert_eq!(server.texts(), ["a", "b", "c"]);
}

#[test]
fn a_stop_begins_nothing_and_closes_what_does_not_end() {
    let server = Server::start(|request, _, stream| match request.text().as_str() {
        "0" | "1" => good(request, stream),
        _ => silence(stream),
    });
    let timeouts =
        Timeouts { first_byte: Duration::from_secs(3600), whole: Duration::from_secs(3600), ..Timeouts::default() };
    let endpoint = endpoint(Settings { concurrency: 2, timeouts, ..settings(&server.url) });
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), "test").unwrap();
    let stop = AtomicBool::new(false);
    // Whoever waited for the silent server would wait for an hour.
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| Desk::new(&endpoint, &cache).answers(&requests(0..9), &stop));
        while server.calls() < 4 {
            std::thread::sleep(Duration::from_millis(2));
        }
        stop.store(true, Ordering::Relaxed);
        assert!(matches!(asking.join().unwrap(), Err(Halt::Stopped)));
    });
    assert_eq!((server.texts(), cache.len()), (["0", "1", "2", "3"].map(String::from).to_vec(), 2));
}

#[test]
fn a_server_that_asks_for_a_pause_is_asked_again_after_it() {
    let server = Server::start(|request, earlier, stream| match earlier {
        0 if request.text() == "0" => reply(stream, 429, "retry-after: 0.02\r\n", ""),
        _ => good(request, stream),
    });
    let rates = Rates { requests_per_minute: Some(60_000), tokens_per_minute: Some(60_000_000) };
    let endpoint = endpoint(Settings { rates, concurrency: 2, ..settings(&server.url) });
    let (results, ended) = ask(&endpoint, &requests(0..6));
    assert!(ended.is_ok() && results.into_iter().all(|result| result.unwrap().is_ok()));
    let spent = Spending { calls: 7, prompt_tokens: 60, answer_tokens: 30 };
    assert_eq!(endpoint.tally(), Tally { calls: 7, answered: 6, retried: 1, failed: 0, spent });
}

#[test]
fn an_engine_of_another_kind_is_cached_in_the_same_way() {
    /// Answers by itself, backwards, and not all of it.
    struct Own(AtomicBool);
    impl LanguageModel for Own {
        fn name(&self) -> &str {
            "own"
        }
        fn answer(
            &self,
            requests: &[Request],
            _: &AtomicBool,
            deliver: &octo_endpoint::Deliver<'_>,
        ) -> Result<(), Halt> {
            for (index, request) in requests.iter().enumerate().rev() {
                let Prompt::Chat(messages) = &request.prompt else { unreachable!("only chats are asked") };
                let usage = Usage { prompt_tokens: 1, answer_tokens: 1 };
                if index == 0 && !self.0.swap(true, Ordering::Relaxed) {
                    return Err(Halt::Engine("no memory".into()));
                }
                deliver(index, Ok(Answer::of_engine(&messages[0].content, Finish::Stop, usage)))?;
            }
            Ok(())
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), "test").unwrap();
    let own = Own(AtomicBool::new(false));
    let desk = Desk::new(&own, &cache);
    let stop = AtomicBool::new(false);
    let asked = requests(["x", "y", "z"]);
    assert_eq!(desk.answers(&asked, &stop).unwrap_err().to_string(), "no memory");
    assert_eq!(cache.len(), 2);
    let texts: Vec<String> = desk.answers(&asked, &stop).unwrap().into_iter().map(|a| a.unwrap().text).collect();
    assert_eq!(texts, ["x", "y", "z"]);
    assert_eq!(desk.from_cache(), 2);
}
