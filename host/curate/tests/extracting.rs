//! `extract` over files of our own: the same bytes for any number of threads, after a stop, and from damaged archives.

use octo_curate::extract::{Columns, ExtractError, ExtractOptions, PageLimits, extract};
use octo_curate::units::Setting;
use octo_record::NoDocument;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// A WARC record of a response.
fn response(url: &str, head: &str, body: &[u8]) -> Vec<u8> {
    let mut http = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n").into_bytes();
    http.extend_from_slice(body);
    record(&format!("WARC-Target-URI: {url}\r\nContent-Type: application/http; msgtype=response"), "response", &http)
}

fn record(headers: &str, kind: &str, block: &[u8]) -> Vec<u8> {
    let mut out = format!(
        "WARC/1.1\r\nWARC-Type: {kind}\r\nWARC-Date: 2021-04-05T06:07:08Z\r\n{headers}\r\nContent-Length: {}\r\n\r\n",
        block.len()
    )
    .into_bytes();
    out.extend_from_slice(block);
    out.extend_from_slice(b"\r\n\r\n");
    out
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("into memory");
    encoder.finish().expect("into memory")
}

fn article(number: usize) -> String {
    format!(
        "<html><head><title>Page {number}</title></head><body><p>This is page {number}, and \\(x_{number}=1\\).</p></body></html>"
    )
}

/// Five archives of four pages each, one of them plain, and a file of HTML.
fn inputs(folder: &Path) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for file in 0..5 {
        let mut bytes = Vec::new();
        for page in 0..4 {
            let html = article(file * 4 + page);
            let one =
                response(&format!("http://example.org/{file}/{page}"), "Content-Type: text/html", html.as_bytes());
            bytes.extend(if file == 0 { one } else { gzip(&one) });
        }
        let path = folder.join(format!("{file}.warc{}", if file == 0 { "" } else { ".gz" }));
        std::fs::write(&path, bytes).expect("writes");
        paths.push(path);
    }
    let path = folder.join("alone.html");
    std::fs::write(&path, article(99)).expect("writes");
    paths.push(path);
    paths
}

fn files(out: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(out)
        .expect("lists")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| {
            (path.file_name().expect("a name").to_string_lossy().into_owned(), std::fs::read(&path).expect("reads"))
        })
        .collect();
    files.sort();
    files
}

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads")
}

#[test]
fn threads_and_stops_change_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let inputs = inputs(folder.path());
    let run = |threads: usize, out: &Path, stop_after: u64| {
        let (stop, seen) = (AtomicBool::new(false), AtomicU64::new(0));
        let progress = |pages: u64, _: u64| {
            seen.fetch_max(pages, Ordering::Relaxed);
            stop.store(pages >= stop_after, Ordering::Relaxed);
        };
        let units = Setting { key: Some("key".to_owned()), unit_bytes: Some(1), ..Setting::default() };
        let options = ExtractOptions { units, ..ExtractOptions::default() };
        pool(threads).install(|| extract(&inputs, out, &options, &stop, &progress))
    };
    let whole = folder.path().join("whole");
    let statistics = run(1, &whole, u64::MAX).expect("is done");
    assert_eq!((statistics.files, statistics.records, statistics.documents, statistics.formulas), (6, 21, 21, 21));
    assert_eq!(statistics.years.into_iter().collect::<Vec<_>>(), [(0, 1), (2021, 20)]);
    let several = folder.path().join("several");
    run(4, &several, u64::MAX).expect("is done");
    let stopped = folder.path().join("stopped");
    let mut stops = 0;
    for after in [3, 7, 12, u64::MAX] {
        match run(1, &stopped, after) {
            Err(ExtractError::Stopped) => stops += 1,
            ended => drop(ended.expect("is done")),
        }
    }
    assert!(stops > 1, "{stops}");
    assert_eq!(files(&whole), files(&several));
    assert_eq!(files(&whole), files(&stopped));
    assert_eq!(files(&whole).len(), 3);
}

#[test]
fn what_gives_no_document_is_counted_and_named_and_the_rest_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let good =
        |number: usize| response("http://example.org/good", "Content-Type: text/html", article(number).as_bytes());
    let bomb = gzip(&vec![b'a'; 4 << 20]);
    let pages = [
        good(1),
        response("http://example.org/picture", "Content-Type: image/png", b"\x89PNG"),
        response("http://example.org/empty", "Content-Type: text/html", b" \n"),
        response("http://example.org/bomb", "Content-Type: text/html\r\nContent-Encoding: gzip", &bomb),
        response(
            "http://example.org/cut",
            "Content-Type: text/html\r\nContent-Encoding: gzip",
            &gzip(article(2).as_bytes())[..40],
        ),
        response("http://example.org/deep", "Content-Type: text/html", "<b><div>".repeat(50_000).as_bytes()),
        response("http://example.org/li\u{7}ne", "Content-Type: text/html", article(3).as_bytes()),
        record("WARC-Target-URI: http://example.org/wet", "conversion", b"text of somebody else"),
        good(4),
    ];
    let mut bytes: Vec<u8> = pages.concat();
    // The last record says that it is longer than the file.
    bytes.extend_from_slice(b"WARC/1.1\r\nWARC-Type: response\r\nContent-Type: application/http\r\nContent-Length: 99999\r\n\r\nHTTP/1.1 200 OK\r\n\r\n<p>cut");
    let path = folder.path().join("pages.warc");
    std::fs::write(&path, bytes).expect("writes");
    let out = folder.path().join("out");
    let stop = AtomicBool::new(false);
    let options = ExtractOptions { limits: PageLimits { bytes: 1 << 20 }, ..ExtractOptions::default() };
    let statistics = extract(&[path], &out, &options, &stop, &|_, _| {}).expect("is done");
    let reasons: Vec<(NoDocument, u64)> = statistics.no_document.into_iter().collect();
    assert_eq!(
        reasons,
        [
            (NoDocument::NotHtml, 1),
            (NoDocument::EmptyBody, 1),
            (NoDocument::BrokenBody, 1),
            (NoDocument::TooLarge, 1),
            (NoDocument::NestedTooDeeply, 1),
            (NoDocument::BrokenFile, 1),
        ]
    );
    assert_eq!(statistics.documents, 4);
    let texts: Vec<String> = octo_data::jsonl::read_documents(&out.join("documents.jsonl.zst"))
        .expect("opens")
        .map(|document| document.expect("reads").text)
        .collect();
    assert_eq!(
        texts,
        [
            "This is page 1, and $x_1=1$.",
            "This is page 3, and $x_3=1$.",
            "text of somebody else",
            "This is page 4, and $x_4=1$."
        ]
    );
}

fn documents(out: &Path) -> Vec<octo_data::record::Document> {
    octo_data::jsonl::read_documents(&out.join("documents.jsonl.zst"))
        .expect("opens")
        .map(|document| document.expect("reads"))
        .collect()
}

#[test]
fn a_folder_stands_for_the_pages_in_it_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let site = folder.path().join("site");
    std::fs::create_dir_all(site.join("b/deep")).expect("made");
    for (name, number) in [("z.html", 1), ("b/deep/a.HTM", 2), ("b/c.xhtml", 3), ("b/notes.txt", 4), ("a.html", 5)] {
        std::fs::write(site.join(name), article(number)).expect("writes");
    }
    let run = |inputs: &[PathBuf], out: &Path| {
        extract(inputs, out, &ExtractOptions::default(), &AtomicBool::new(false), &|_, _| {})
    };
    let out = folder.path().join("out");
    let statistics = run(std::slice::from_ref(&site), &out).expect("is done");
    assert_eq!((statistics.files, statistics.documents), (4, 4));
    let ids: Vec<String> = documents(&out).into_iter().map(|document| document.id).collect();
    assert_eq!(ids, ["site/a.html:1", "site/b/c.xhtml:1", "site/b/deep/a.HTM:1", "site/z.html:1"]);
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).expect("made");
    let error = run(&[empty], &out).expect_err("has no pages").to_string();
    assert!(
        error.ends_with(
            "empty: has neither archives (.warc or .wet, with .gz or .zst) nor HTML files; name tables themselves"
        ),
        "{error}"
    );
}

#[test]
fn a_table_has_a_page_in_each_row_and_is_done_in_parts() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("pages.jsonl");
    let mut text = String::new();
    for number in 0..40 {
        text += &match number {
            3 => "{\"body\": null}\n".to_owned(),
            5 => "no row\n".to_owned(),
            7 => "{\"body\": [1]}\n".to_owned(),
            _ => {
                let html = article(number).replace("<html>", "<html lang=\"en-GB\">");
                format!(
                    "{{\"at\": \"2019-0{}-01\", \"where\": \"http://example.org/{number}\", \"body\": {html:?}}}\n",
                    number % 9 + 1
                )
            }
        };
    }
    std::fs::write(&path, text).expect("writes");
    let columns = Columns { html: "body".to_owned(), url: "where".to_owned(), date: "at".to_owned() };
    let run = |unit_bytes: u64, columns: &Columns| {
        let out = folder.path().join(format!("out-{unit_bytes}"));
        let units = Setting { unit_bytes: Some(unit_bytes), ..Setting::default() };
        let options = ExtractOptions { columns: Some(columns.clone()), units, ..ExtractOptions::default() };
        let statistics = extract(std::slice::from_ref(&path), &out, &options, &AtomicBool::new(false), &|_, _| {});
        statistics.map(|statistics| (statistics, documents(&out)))
    };
    let (statistics, whole) = run(1 << 20, &columns).expect("is done");
    assert_eq!((statistics.files, statistics.records, statistics.documents), (1, 40, 37));
    let reasons: Vec<(NoDocument, u64)> = statistics.no_document.clone().into_iter().collect();
    assert_eq!(reasons, [(NoDocument::EmptyBody, 1), (NoDocument::BadRow, 2)]);
    let last = whole.last().expect("a document");
    assert_eq!(
        (last.id.as_str(), last.url.as_deref(), last.year),
        ("pages.jsonl:40", Some("http://example.org/39"), Some(2019))
    );
    assert_eq!((last.text.as_str(), last.fields["html_lang"].as_str()), ("This is page 39, and $x_39=1$.", "en-gb"));
    assert_eq!(run(500, &columns).expect("is done"), (statistics, whole));

    let wrong = Columns { html: "html".to_owned(), ..columns.clone() };
    let error = run(1 << 20, &wrong).expect_err("no such column").to_string();
    assert!(error.ends_with("pages.jsonl: has no column \"html\"; its columns are at, where, body"), "{error}");
    let none = ExtractOptions::default();
    let error =
        extract(std::slice::from_ref(&path), &folder.path().join("none"), &none, &AtomicBool::new(false), &|_, _| {});
    let error = error.expect_err("no columns").to_string();
    assert!(
        error.ends_with("pages.jsonl: is a table; say with `html_column` which of its columns has the pages"),
        "{error}"
    );
}
