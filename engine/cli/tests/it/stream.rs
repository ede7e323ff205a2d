//! From the generator over the embedded broker to tables, as a user types it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::{Broker, Said, engine, finish, run, signal, start, text};

const TOPIC: &str = "streaming-events";

fn main_job() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    text(&root.join("jobs/ecommerce.toml")).to_owned()
}

/// A broker, a folder, and the engine's commands over them.
struct Place {
    broker: Broker,
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        Place { broker: Broker::start(&[&format!("{TOPIC}:4")]), folder: tempfile::tempdir().unwrap() }
    }

    fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = engine(arguments);
        command.current_dir(self.folder.path());
        command.env("KAFKA_BROKERS", &self.broker.address).env("WAREHOUSE", "lake").env("CHECKPOINTS", "check points");
        command
    }

    fn run(&self, arguments: &[&str]) -> Said {
        run(&mut self.command(arguments))
    }

    /// Sends events and returns how many of them are malformed.
    fn generate(&self, more: &[&str]) -> u64 {
        let said = run(self.command(&["generate", "ecommerce"]).args(more)).succeeded();
        number_before(&said, " malformed")
    }

    /// The one number that a query gives.
    fn number(&self, query: &str) -> u64 {
        let said = self.run(&["sql", "--format", "csv", query]).succeeded();
        said.lines().nth(1).unwrap_or_else(|| panic!("{query}: {said}")).parse().unwrap()
    }
}

/// The number in front of these words: `1,457 malformed`.
fn number_before(text: &str, words: &str) -> u64 {
    let before = text.split_once(words).unwrap_or_else(|| panic!("no {words} in {text}")).0;
    let digits: String = before.split([' ', '\n']).next_back().unwrap().chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

#[test]
fn every_record_sent_is_in_exactly_one_place() {
    let place = Place::new();
    let malformed = place.generate(&[
        "--total",
        "30000",
        "--malformed",
        "0.01",
        "--duplicates",
        "0.02",
        "--seed",
        "7",
        "--events-per-second",
        "20",
    ]);
    assert!(malformed > 100, "{malformed}");
    let job = main_job();
    let submit = [
        "submit",
        &job,
        "--available-now",
        "--set",
        "source.events.max_offsets_per_trigger=7000",
        "--progress",
        "json",
    ];
    let progress = place.run(&submit).succeeded();
    let epochs: Vec<serde_json::Value> = progress.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(epochs.len() >= 5, "{} epochs of 7,000", epochs.len());
    assert_eq!(epochs.iter().map(|epoch| epoch["numInputRows"].as_u64().unwrap()).sum::<u64>(), 30_000);
    for (at, epoch) in epochs.iter().enumerate() {
        assert_eq!(epoch["batchId"].as_u64(), Some(at as u64));
        assert_eq!(epoch["name"], "ecommerce");
        for field in
            ["id", "runId", "timestamp", "durationMs", "sources", "sink", "stateOperators", "processedRowsPerSecond"]
        {
            assert!(!epoch[field].is_null(), "{field}: {epoch}");
        }
    }

    let bronze = place.number("SELECT count(*) FROM bronze.raw_events");
    let rejected = place.number("SELECT count(*) FROM rejected.events");
    assert_eq!((bronze + rejected, rejected), (30_000, malformed));
    let positions = "SELECT count(DISTINCT _partition * 1000000000L + _offset) FROM \
                     (SELECT _partition, _offset FROM bronze.raw_events UNION ALL SELECT partition, `offset` FROM rejected.events)";
    assert_eq!(place.number(positions), 30_000);

    // The batch answer over bronze is the oracle of a window table: no event of this run is late.
    let windows = place.number("SELECT count(*) FROM gold.event_counts");
    assert!(windows > 20, "{windows}");
    let differences = "SELECT count(*) FROM gold.event_counts g FULL JOIN \
                       (SELECT date_trunc('minute', event_time) AS minute, event_type, count(*) AS n FROM bronze.raw_events GROUP BY 1, 2) b \
                       ON g.window_start = b.minute AND g.event_type = b.event_type \
                       WHERE (g.event_count IS DISTINCT FROM b.n) AND (g.event_count IS NOT NULL OR b.minute <= (SELECT max(window_start) FROM gold.event_counts))";
    assert_eq!(place.number(differences), 0);
    let revenue =
        "SELECT count(*) FROM gold.purchase_metrics WHERE abs(total_revenue / total_orders - avg_order_value) > 0.001";
    assert_eq!(place.number(revenue), 0);

    // Nothing is new: the same command ends at once and changes nothing.
    let again = place.run(&["submit", &job, "--available-now"]).succeeded();
    assert_eq!(again, "");
    assert_eq!(place.number("SELECT count(*) FROM bronze.raw_events"), bronze);

    checkpoint_is_shown(&place, epochs.len() as u64, malformed);
    assert_eq!(place.broker.stop(), Some(0));
}

fn checkpoint_is_shown(place: &Place, epochs: u64, malformed: u64) {
    let shown = place.run(&["checkpoint", "show", "check points/ecommerce", "--epochs", "1000"]).succeeded();
    assert!(shown.starts_with("job ecommerce, checkpoint id "), "{shown}");
    let rows_after = |title: &str| {
        let section = shown.split_once(title).unwrap_or_else(|| panic!("no {title} in {shown}")).1;
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<String>>();
        section.lines().skip(2).take_while(|line| !line.is_empty()).map(words).collect::<Vec<_>>()
    };
    let shown_epochs = rows_after("newest ");
    assert!(shown_epochs.len() as u64 >= epochs, "{shown}");
    let number = |text: &String| text.replace(',', "").parse::<u64>().unwrap();
    // Epoch, date, time, records, rejected, …
    assert_eq!(shown_epochs.iter().map(|row| number(&row[3])).sum::<u64>(), 30_000);
    assert_eq!(shown_epochs.iter().map(|row| number(&row[4])).sum::<u64>(), malformed);
    let offsets = rows_after("offsets after epoch ");
    assert_eq!(offsets.len(), 4, "{shown}");
    assert_eq!(offsets.iter().map(|row| number(&row[3])).sum::<u64>(), 30_000);
    assert!(offsets.iter().all(|row| row[4] == "0"), "{shown}");
    assert_eq!(rows_after("watermarks after epoch ").len(), 1);
    let tables = rows_after("tables: ");
    assert_eq!(tables.len(), 8, "seven tables and the rejected records: {shown}");
    let bronze = tables.iter().find(|row| row[0] == "bronze.raw_events").expect(&shown);
    // Read, emitted, rejected, late, filtered, written.
    assert_eq!([&bronze[1], &bronze[3], &bronze[6]].map(number), [30_000, malformed, 30_000 - malformed]);
    let sound = place.run(&["checkpoint", "verify", "check points/ecommerce"]).succeeded();
    assert!(sound.starts_with("check points/ecommerce: sound: "), "{sound}");
}

#[test]
fn a_damaged_checkpoint_is_named() {
    let place = Place::new();
    place.generate(&["--total", "2000"]);
    assert_eq!(place.run(&["submit", &main_job(), "--available-now", "--progress", "lines"]).code, Some(0));
    let database = place.folder.path().join("check points/ecommerce/db");
    let mut damaged = 0;
    for entry in std::fs::read_dir(database).unwrap().map(|entry| entry.unwrap().path()) {
        let is_table = entry.extension().is_some_and(|extension| extension == "sst");
        if is_table {
            let mut bytes = std::fs::read(&entry).unwrap();
            let until = bytes.len().min(400);
            bytes[40..until].iter_mut().for_each(|byte| *byte ^= 0x55);
            std::fs::write(&entry, bytes).unwrap();
            damaged += 1;
        }
    }
    assert!(damaged > 0, "a job that ended in order leaves table files");
    let error = place.run(&["checkpoint", "verify", "check points/ecommerce"]).failed_with(1);
    assert!(error.contains("corrupt") && error.contains("restore the checkpoint from a copy"), "{error}");
}

#[test]
fn a_signal_ends_a_running_job_in_order_and_it_goes_on_where_it_stopped() {
    let place = Place::new();
    place.generate(&["--total", "5000"]);
    let job = main_job();
    for (number, sent) in [(libc::SIGINT, 5000), (libc::SIGTERM, 8000)] {
        let mut child = start(&mut place.command(&["submit", &job, "--set", "job.trigger=asap", "--progress", "json"]));
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        if sent > 5000 {
            place.generate(&["--total", "3000", "--seed", "2"]);
        }
        let mut read = sent - if sent > 5000 { 3000 } else { 5000 };
        while read < sent {
            let epoch: serde_json::Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
            read += epoch["numInputRows"].as_u64().unwrap();
        }
        let begun = Instant::now();
        signal(child.id(), number);
        let said = finish(child);
        assert_eq!(said.code, Some(0), "{said:#?}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        assert_eq!(place.number("SELECT count(*) FROM bronze.raw_events"), sent);
    }
}

#[test]
fn a_fail_point_kills_only_with_its_flag_and_the_log_names_it() {
    let place = Place::new();
    place.generate(&["--total", "100"]);
    let job = main_job();
    let submit = |flags: &[&str], point: &str| {
        let mut command = place.command(&["submit", &job, "--available-now"]);
        run(command.args(flags).env("ENGINE_FAIL_POINT", point))
    };
    let killed = submit(&["--fail-points"], "commit:before:0");
    assert!(killed.code.is_none() && killed.err.contains("fail point commit:before:0 is armed"), "{killed:#?}");
    let error = submit(&["--fail-points"], "comit:before:0").failed_with(2);
    assert!(error.contains("such as commit:after:3"), "{error}");
    let ignored = submit(&[], "commit:before:0");
    assert_eq!(ignored.code, Some(0), "{ignored:#?}");
    assert!(ignored.err.contains("ENGINE_FAIL_POINT=commit:before:0 is ignored"), "{ignored:#?}");
    assert_eq!(place.number("SELECT count(*) FROM bronze.raw_events"), 100);
    let unarmed = run(&mut place.command(&["submit", &job, "--available-now", "--fail-points"]));
    assert!(unarmed.code == Some(0) && unarmed.err.contains("no fail point is armed"), "{unarmed:#?}");
    let help = |flag: &str| run(&mut engine(&["submit", flag])).succeeded();
    assert!(!help("-h").contains("--fail-points") && help("--help").contains("--fail-points"));
}

#[test]
fn two_engines_on_one_checkpoint_are_refused() {
    let place = Place::new();
    place.generate(&["--total", "100"]);
    let job = main_job();
    let mut first = start(&mut place.command(&["submit", &job, "--set", "job.trigger=asap", "--progress", "json"]));
    let mut lines = BufReader::new(first.stdout.take().unwrap()).lines();
    lines.next().unwrap().unwrap();
    let second = place.run(&["submit", &job, "--available-now"]).failed_with(1);
    assert!(second.contains(&format!("in use by process {}", first.id())), "{second}");
    assert!(
        place.run(&["checkpoint", "show", "check points/ecommerce"]).succeeded().contains("last epoch: 0"),
        "looking is allowed meanwhile"
    );
    signal(first.id(), libc::SIGINT);
    assert_eq!(finish(first).code, Some(0));
}

#[test]
fn progress_without_a_reader_ends_the_job_in_order() {
    let place = Place::new();
    place.generate(&["--total", "20000"]);
    let job = main_job();
    let submit = [
        "submit",
        &job,
        "--set",
        "source.events.max_offsets_per_trigger=500",
        "--set",
        "job.trigger=asap",
        "--progress",
        "json",
    ];
    let mut child = start(&mut place.command(&submit));
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    drop(reader);
    let said = finish(child);
    assert_eq!(said.code, Some(0), "{said:#?}");
    let rows = place.number("SELECT count(*) FROM bronze.raw_events");
    assert!((500..20_000).contains(&rows), "{rows}");
}
