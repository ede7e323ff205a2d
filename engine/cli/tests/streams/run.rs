//! Running the binary: a job in a folder of its own, to its end or beside the test.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use epoch::{Commit, EpochId};
use serde_json::Value;
use tempfile::TempDir;

use crate::kafka::{PATIENCE, Topic, pass};

/// No command of these tests may take longer.
const DEADLINE: Duration = Duration::from_secs(100);

/// Columns of the small jobs; the values are [`crate::kafka::event`]'s.
pub const EVENT_SCHEMA: &str =
    "id = { type = \"bigint\", required = true }\nkey = \"string\"\nmoment = \"timestamp\"\namount = \"bigint\"\n";

/// A table that keeps every record with its place.
pub const KEEP_ALL: &str = "[table.bronze.everything]\nsql = \"SELECT *, _topic, _partition, _offset FROM events\"\n";

/// What a command said and how it ended.
#[derive(Debug)]
pub struct Said {
    pub out: String,
    pub err: String,
    pub code: Option<i32>,
}

impl Said {
    /// A command that must have succeeded.
    pub fn succeeded(self) -> Said {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self
    }

    /// The errors of a command that must have failed with code 1, without a fault of the engine.
    pub fn failed(self) -> String {
        assert_eq!(self.code, Some(1), "{self:#?}");
        assert!(!self.err.contains("fault of the engine"), "{self:#?}");
        self.err
    }
}

/// A job file with its checkpoint and warehouse in a folder of its own.
pub struct Job {
    pub path: PathBuf,
    pub checkpoint: PathBuf,
    pub warehouse: String,
    settings: Vec<String>,
    folder: TempDir,
}

impl Job {
    /// A job over [`EVENT_SCHEMA`]; `source` stands in `[source.events]`, `tables` are whole sections.
    pub fn new(topic: &Topic, source: &str, tables: &str) -> Job {
        Job::with_schema(topic, source, EVENT_SCHEMA, tables)
    }

    /// A job over any schema.
    pub fn with_schema(topic: &Topic, source: &str, schema: &str, tables: &str) -> Job {
        let folder = tempfile::tempdir().unwrap();
        let job = Job::at(folder.path().join("job.toml"), folder);
        let named = if source.contains("topic") { String::new() } else { format!("topic = \"{}\"\n", topic.name) };
        let starting = if source.contains("starting_offsets") { "" } else { "starting_offsets = \"earliest\"\n" };
        let text = format!(
            "[job]\nname = \"small\"\ntrigger = \"asap\"\ncheckpoint = \"{}\"\nwarehouse = \"{}\"\n\n\
             [source.events]\nconnector = \"kafka\"\nbrokers = \"{}\"\n{named}{starting}{source}\n\n\
             [source.events.schema]\n{schema}\n{tables}",
            job.checkpoint.display(),
            job.warehouse,
            topic.brokers
        );
        fs::write(&job.path, text).unwrap();
        job
    }

    /// The main job, its file unchanged, over a topic of its own.
    pub fn ecommerce(topic: &Topic, limit: u64) -> Job {
        let folder = tempfile::tempdir().unwrap();
        let path = repository().join("jobs/ecommerce.toml");
        let job = Job::at(path, folder);
        let job = job.set("source.events.topic", &topic.name).set("source.events.brokers", &topic.brokers);
        job.set("source.events.max_offsets_per_trigger", &limit.to_string())
    }

    /// A job file as it is, with its checkpoint and warehouse elsewhere.
    pub fn of_file(path: PathBuf) -> Job {
        Job::at(path, tempfile::tempdir().unwrap())
    }

    fn at(path: PathBuf, folder: TempDir) -> Job {
        let checkpoint = folder.path().join("checkpoint");
        let warehouse = folder.path().join("warehouse").to_str().unwrap().to_owned();
        let mut job = Job { path, checkpoint, warehouse, settings: Vec::new(), folder };
        job.place();
        job
    }

    fn place(&mut self) {
        self.settings
            .retain(|setting| !setting.starts_with("job.checkpoint=") && !setting.starts_with("job.warehouse="));
        self.settings.push(format!("job.checkpoint={}", self.checkpoint.display()));
        self.settings.push(format!("job.warehouse={}", self.warehouse));
    }

    /// A path in the job's own folder.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The same job with its checkpoint elsewhere.
    pub fn checkpoint_at(mut self, checkpoint: PathBuf) -> Job {
        self.checkpoint = checkpoint;
        self.place();
        self
    }

    /// The same job with its warehouse elsewhere.
    pub fn warehouse_at(mut self, warehouse: String) -> Job {
        self.warehouse = warehouse;
        self.place();
        self
    }

    /// One more value put over that of the file.
    pub fn set(mut self, key: &str, value: &str) -> Job {
        self.settings.push(format!("{key}={value}"));
        self
    }

    /// Rewrites the file.
    pub fn edit(&self, from: &str, to: &str) {
        let text = fs::read_to_string(&self.path).unwrap();
        assert!(text.contains(from), "{from} is not in\n{text}");
        fs::write(&self.path, text.replace(from, to)).unwrap();
    }

    /// `engine submit` of this job.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = engine(&["submit", self.path.to_str().unwrap()]);
        command.args(self.sets()).args(arguments);
        command
    }

    /// What is put over the file, as arguments.
    pub fn sets(&self) -> Vec<String> {
        self.settings.iter().flat_map(|setting| ["--set".to_owned(), setting.clone()]).collect()
    }

    /// Runs it until all that is there is done.
    pub fn run(&self) -> Said {
        run(&mut self.command(&["--available-now"]))
    }

    /// Runs it until it kills itself at a fail point, `step:before|after:epoch`.
    pub fn run_to(&self, point: &str) -> Said {
        let mut command = self.command(&["--available-now", "--fail-points"]);
        let said = run(command.env("ENGINE_FAIL_POINT", point));
        assert_eq!(said.code, None, "{point} was not reached: {said:#?}");
        said
    }

    /// Runs it beside the test.
    pub fn start(&self) -> Running {
        Running::start(&mut self.command(&["--progress", "json"]))
    }

    /// Runs it beside the test until all that is there is done.
    pub fn start_available(&self) -> Running {
        Running::start(&mut self.command(&["--available-now", "--progress", "json"]))
    }

    /// Runs it beside the test, with variables of the environment.
    pub fn start_with(&self, variables: &[(&str, &str)]) -> Running {
        Running::start(self.command(&["--progress", "json"]).envs(variables.iter().copied()))
    }

    /// All epochs that the checkpoint has on record.
    pub fn commits(&self) -> Vec<Commit> {
        let checkpoint = state::Checkpoint::open_read_only(&self.checkpoint).unwrap();
        checkpoint.commits(EpochId(0)..=EpochId(u64::MAX)).unwrap().map(Result::unwrap).collect()
    }

    /// `engine sql --format json`: the rows of each statement, one object a row. Queries that list a thousand epochs are longer than
    /// an argument may be, so it is a file.
    pub fn sql(&self, query: &str) -> Vec<Value> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(query.as_bytes()).unwrap();
        let path = file.path().to_str().unwrap();
        let said =
            run(&mut engine(&["sql", "--warehouse", &self.warehouse, "--format", "json", "-f", path])).succeeded();
        said.out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{}", said.out))).collect()
    }
}

/// The clone that these tests belong to.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap()
}

/// The engine with these arguments, without the settings of whoever runs the tests.
pub fn engine(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_engine"));
    command.args(arguments).stdin(Stdio::null());
    for variable in ["ENGINE_LOG", "ENGINE_FAIL_POINT", "KAFKA_BROKERS", "WAREHOUSE", "CHECKPOINTS", "RUST_BACKTRACE"] {
        command.env_remove(variable);
    }
    command
}

/// Runs a command to its end; one that takes too long is killed and the test fails.
pub fn run(command: &mut Command) -> Said {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let process = child.id();
    let (done, is_done) = mpsc::channel::<Output>();
    let waiting = thread::spawn(move || done.send(child.wait_with_output().unwrap()));
    let Ok(output) = is_done.recv_timeout(DEADLINE) else {
        signal(process, libc::SIGKILL);
        panic!("the command did not end within {DEADLINE:?}: {command:?}");
    };
    waiting.join().unwrap().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { out: text(output.stdout), err: text(output.stderr), code: output.status.code() }
}

/// Sends a signal to a process that this test started.
pub fn signal(process: u32, number: i32) {
    // SAFETY: `kill` takes two numbers and touches no memory of ours.
    let sent = unsafe { libc::kill(libc::pid_t::try_from(process).unwrap(), number) };
    assert_eq!(sent, 0, "process {process} is gone");
}

/// A job that runs beside the test; it is killed if the test leaves it.
pub struct Running {
    child: Child,
    progress: Receiver<Value>,
    errors: Arc<Mutex<String>>,
    reading: Option<thread::JoinHandle<()>>,
    /// Every epoch reported so far.
    pub epochs: Vec<Value>,
}

impl Running {
    fn start(command: &mut Command) -> Running {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (sender, progress) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(out).lines() {
                let epoch = serde_json::from_str(&line.unwrap()).unwrap();
                if sender.send(epoch).is_err() {
                    break;
                }
            }
        });
        let errors = Arc::new(Mutex::new(String::new()));
        let heard = Arc::clone(&errors);
        let reading = thread::spawn(move || {
            for line in BufReader::new(err).lines() {
                let mut errors = heard.lock().unwrap();
                errors.push_str(&line.unwrap());
                errors.push('\n');
            }
        });
        Running { child, progress, errors, reading: Some(reading), epochs: Vec::new() }
    }

    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Records read so far.
    pub fn records(&self) -> u64 {
        self.epochs.iter().map(|epoch| epoch["numInputRows"].as_u64().unwrap()).sum()
    }

    /// Waits until the run has reported so many records.
    pub fn wait_for_records(&mut self, records: u64) {
        self.wait(&format!("{records} records"), |run| run.records() >= records);
    }

    /// Waits until what was reported satisfies a condition.
    pub fn wait(&mut self, what: &str, is_enough: impl Fn(&Running) -> bool) {
        let begun = Instant::now();
        while !is_enough(self) {
            let left = PATIENCE.saturating_sub(begun.elapsed());
            match self.progress.recv_timeout(left) {
                Ok(epoch) => self.epochs.push(epoch),
                Err(_) => {
                    let _ = self.child.kill();
                    panic!("waited for {what}; reported: {:#?}\n{}", self.epochs.last(), self.said());
                }
            }
        }
    }

    /// What it has said on stderr so far.
    pub fn said(&self) -> String {
        self.errors.lock().unwrap().clone()
    }

    /// Waits until it has said something so often.
    pub fn wait_until_said(&self, text: &str, times: usize) {
        let begun = Instant::now();
        while self.said().matches(text).count() < times {
            assert!(begun.elapsed() < PATIENCE, "waited for {times} × {text}:\n{}", self.said());
            pass(Duration::from_millis(20));
        }
    }

    /// Takes down what was reported in the meantime.
    pub fn listen(&mut self) {
        while let Ok(epoch) = self.progress.try_recv() {
            self.epochs.push(epoch);
        }
    }

    pub fn signal(&self, number: i32) {
        signal(self.child.id(), number);
    }

    /// Asks it to stop and waits for the end: code, time taken, errors.
    pub fn stop(&mut self) -> (Option<i32>, Duration, String) {
        let begun = Instant::now();
        self.signal(libc::SIGTERM);
        let (code, errors) = self.end();
        (code, begun.elapsed(), errors)
    }

    /// Waits for the end: code and errors.
    pub fn end(&mut self) -> (Option<i32>, String) {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(begun.elapsed() < DEADLINE, "the job did not end within {DEADLINE:?}");
            pass(Duration::from_millis(5));
        };
        if let Some(reading) = self.reading.take() {
            reading.join().unwrap();
        }
        let errors = self.said();
        while let Ok(epoch) = self.progress.recv() {
            self.epochs.push(epoch);
        }
        (status.code(), errors)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
