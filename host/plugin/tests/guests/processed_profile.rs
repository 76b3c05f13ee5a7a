//! The form of a profile that profiler.firefox.com opens: its "processed profile format", whose tables are columns of one
//! length that point into one another by index.
//!
//! What the format asks for is in the profiler's `docs-developer/CHANGELOG-formats.md` and `src/types/profile.ts`. That
//! the profiler itself takes such a file was seen with its command-line tool, which shares the web page's own reader:
//! `npx @firefox-devtools/profiler-cli@0.10.0 load FILE`, then `profile info` and `thread samples`.

use serde_json::Value;

/// Checks every table of every thread, and returns the number of samples.
pub fn samples(profile: &Value) -> u64 {
    let meta = &profile["meta"];
    assert!(meta["preprocessedProfileVersion"].as_u64().is_some_and(|version| version >= 55), "{meta}");
    assert!(meta["interval"].as_f64().is_some_and(|interval| interval > 0.0), "{meta}");
    assert!(meta["startTime"].as_f64().is_some_and(f64::is_finite), "{meta}");
    assert!(meta["processType"].is_number() && meta["product"].is_string(), "{meta}");
    let categories = list(&meta["categories"]);
    for category in categories {
        assert!(category["name"].is_string() && category["color"].is_string(), "{category}");
        assert!(!list(&category["subcategories"]).is_empty(), "{category}");
    }
    let threads = list(&profile["threads"]);
    assert!(!threads.is_empty());
    threads.iter().map(|thread| of_thread(thread, list(&profile["libs"]).len(), categories.len())).sum()
}

fn of_thread(thread: &Value, libraries: usize, categories: usize) -> u64 {
    for key in ["name", "processName", "processType", "pid", "tid"] {
        assert!(thread[key].is_string(), "{key} is {}", thread[key]);
    }
    let start = thread["processStartupTime"].as_f64().expect("a time");
    let end = thread["processShutdownTime"].as_f64().expect("a time");
    let strings = list(&thread["stringArray"]);
    assert!(strings.iter().all(Value::is_string));
    let table = |name| Table { name, value: &thread[name] };
    let [frames, functions, stacks] = ["frameTable", "funcTable", "stackTable"].map(table);
    let [resources, symbols, samples, markers] = ["resourceTable", "nativeSymbols", "samples", "markers"].map(table);

    resources.points("lib", libraries, true);
    resources.points("name", strings.len(), false);
    symbols.points("libIndex", libraries, false);
    symbols.points("name", strings.len(), false);
    functions.points("name", strings.len(), false);
    functions.points("resource", resources.length(), true);
    functions.column("isJS").iter().for_each(|is| assert!(is.is_boolean()));
    frames.points("func", functions.length(), false);
    frames.points("nativeSymbol", symbols.length(), true);
    frames.points("category", categories, true);
    frames.column("address").iter().for_each(|address| assert!(address.as_i64().is_some_and(|address| address >= -1)));
    stacks.points("frame", frames.length(), false);
    for (index, prefix) in stacks.column("prefix").iter().enumerate() {
        let before = prefix.as_u64().is_some_and(|prefix| prefix < index as u64);
        assert!(prefix.is_null() || before, "stack {index} stands on {prefix}");
    }
    samples.points("stack", stacks.length(), true);
    samples.column("weight").iter().for_each(|weight| assert!(weight.is_number()));
    markers.points("name", strings.len(), false);

    // Times, or the times between them: older readers know the former.
    let mut time = 0.0;
    let times = samples.value.get("time").is_some();
    for value in samples.column(if times { "time" } else { "timeDeltas" }) {
        let value = value.as_f64().expect("a number");
        let next = if times { value } else { time + value };
        assert!(next.is_finite() && next >= time, "time goes from {time} to {next}");
        time = next;
    }
    assert!(start <= time && time <= end, "{time} is not between {start} and {end}");
    samples.length() as u64
}

/// A table of columns.
struct Table<'p> {
    name: &'static str,
    value: &'p Value,
}

impl Table<'_> {
    fn length(&self) -> usize {
        self.value["length"].as_u64().and_then(|length| usize::try_from(length).ok()).expect(self.name)
    }

    /// A column, which has as many rows as the table.
    fn column(&self, column: &str) -> &[Value] {
        let rows = self.value[column].as_array().unwrap_or_else(|| panic!("{}.{column}", self.name));
        assert_eq!(rows.len(), self.length(), "{}.{column}", self.name);
        rows
    }

    /// A column of indexes into a table of `length` rows; where it may, a row may point at nothing.
    fn points(&self, column: &str, length: usize, or_nothing: bool) {
        for row in self.column(column) {
            let nothing = row.is_null() || row.as_i64() == Some(-1);
            let points = row.as_u64().is_some_and(|index| index < length as u64);
            assert!(points || nothing && or_nothing, "{}.{column} has {row} of {length}", self.name);
        }
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("{value} is not a list"))
}
