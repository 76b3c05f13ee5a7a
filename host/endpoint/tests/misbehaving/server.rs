//! A server in this process, on a loopback address, that does with each connection what the test says.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// A request as it came.
#[derive(Clone)]
pub struct Seen {
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: Value,
}

impl Seen {
    /// What the last message, or the prompt, says.
    pub fn text(&self) -> String {
        let last = self.body["messages"].as_array().and_then(|messages| messages.last());
        let text = last.map_or(&self.body["prompt"], |message| &message["content"]);
        text.as_str().unwrap_or_default().to_owned()
    }
}

/// What to do with a request: writes whatever it likes to the connection, which is closed when it returns. It is given the
/// number of earlier requests with the same text.
type Behave = dyn Fn(&Seen, usize, &mut TcpStream) + Send + Sync;

pub struct Server {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    at_once: Arc<AtomicUsize>,
    most_at_once: Arc<AtomicUsize>,
    closed: Arc<AtomicBool>,
}

impl Server {
    pub fn start(behave: impl Fn(&Seen, usize, &mut TcpStream) + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let server = Server {
            url,
            seen: Arc::default(),
            at_once: Arc::default(),
            most_at_once: Arc::default(),
            closed: Arc::default(),
        };
        let behave: Arc<Behave> = Arc::new(behave);
        let (seen, at_once, most, closed) = (
            Arc::clone(&server.seen),
            Arc::clone(&server.at_once),
            Arc::clone(&server.most_at_once),
            Arc::clone(&server.closed),
        );
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if closed.load(Ordering::SeqCst) {
                    return;
                }
                let (seen, at_once, most) = (Arc::clone(&seen), Arc::clone(&at_once), Arc::clone(&most));
                let behave = Arc::clone(&behave);
                thread::spawn(move || {
                    let mut stream = stream;
                    let Some(request) = read(&stream) else { return };
                    let earlier = {
                        let mut seen = seen.lock().unwrap();
                        let earlier = seen.iter().filter(|other| other.body == request.body).count();
                        seen.push(request.clone());
                        earlier
                    };
                    most.fetch_max(at_once.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    behave(&request, earlier, &mut stream);
                    at_once.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        server
    }

    /// One that answers every request with its own text in capitals.
    pub fn good() -> Server {
        Server::start(|request, _, stream| good(request, stream))
    }

    /// The texts of all requests so far, sorted.
    pub fn texts(&self) -> Vec<String> {
        let mut texts: Vec<String> = self.seen.lock().unwrap().iter().map(Seen::text).collect();
        texts.sort();
        texts
    }

    pub fn requests(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub fn calls(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    pub fn most_at_once(&self) -> usize {
        self.most_at_once.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::SeqCst);
        // The listener wakes up once more, and goes.
        let _ = TcpStream::connect(self.url.trim_start_matches("http://").trim_end_matches("/v1"));
    }
}

fn read(stream: &TcpStream) -> Option<Seen> {
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = BTreeMap::new();
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_lowercase(), value.to_owned());
    }
    let length: usize = headers.get("content-length")?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = serde_json::from_slice(&body).ok()?;
    Some(Seen { path, headers, body })
}

/// The body of a good answer.
pub fn answer(text: &str) -> String {
    json!({
        "choices": [{ "message": { "role": "assistant", "content": text }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 10, "completion_tokens": 5 },
    })
    .to_string()
}

pub fn good(request: &Seen, stream: &mut TcpStream) {
    reply(stream, 200, "", &answer(&request.text().to_uppercase()));
}

/// A whole reply. `headers` end with a line break, where there are some.
pub fn reply(stream: &mut TcpStream, status: u16, headers: &str, body: &str) {
    let head = format!("HTTP/1.1 {status} Words\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
    raw(stream, &[head.as_bytes(), body.as_bytes()].concat());
}

pub fn raw(stream: &mut TcpStream, bytes: &[u8]) {
    // The client may have had enough.
    let _ = stream.write_all(bytes);
    let _ = stream.flush();
}

/// Keeps the connection open and says nothing, until the client goes.
pub fn silence(stream: &mut TcpStream) {
    let _ = stream.set_read_timeout(None);
    let _ = stream.read(&mut [0; 64]);
}
