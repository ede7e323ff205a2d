//! Running the binary: with a deadline, and without the settings of whoever runs the tests.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// No command of these tests may take longer.
const DEADLINE: Duration = Duration::from_secs(120);

/// What a command said and how it ended.
#[derive(Debug)]
pub struct Said {
    pub out: String,
    pub err: String,
    pub code: Option<i32>,
}

impl Said {
    /// The output of a command that must have succeeded.
    pub fn succeeded(self) -> String {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self.out
    }

    /// The errors of a command that must have ended with this code, having said nothing else.
    pub fn failed_with(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self:#?}");
        assert_eq!(self.out, "", "{self:#?}");
        assert!(!self.err.contains("panicked") && !self.err.contains("backtrace"), "{self:#?}");
        self.err
    }
}

/// The engine with these arguments.
pub fn engine(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_engine"));
    command.args(arguments).stdin(Stdio::null());
    for variable in ["ENGINE_LOG", "ENGINE_FAIL_POINT", "KAFKA_BROKERS", "WAREHOUSE", "CHECKPOINTS", "RUST_BACKTRACE"] {
        command.env_remove(variable);
    }
    command
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Said {
    finish(start(command))
}

/// Runs a command with a text as its input.
pub fn run_with_input(command: &mut Command, input: &str) -> Said {
    let mut child = start(command.stdin(Stdio::piped()));
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    finish(child)
}

/// Starts a command whose output is kept.
pub fn start(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits for a command; one that takes too long is killed and the test fails.
pub fn finish(child: Child) -> Said {
    let process = child.id();
    let (done, is_done) = mpsc::channel::<Output>();
    let waiting = thread::spawn(move || done.send(child.wait_with_output().unwrap()));
    let Ok(output) = is_done.recv_timeout(DEADLINE) else {
        signal(process, libc::SIGKILL);
        panic!("the command did not end within {DEADLINE:?}");
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

/// `engine broker` on a free port; it ends with the test.
pub struct Broker {
    child: Child,
    pub address: String,
}

impl Broker {
    pub fn start(topics: &[&str]) -> Broker {
        let mut command = engine(&["broker", "--listen", "127.0.0.1:0"]);
        topics.iter().for_each(|topic| {
            command.args(["--topic", topic]);
        });
        let mut child = start(&mut command);
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.split_whitespace().find(|word| word.starts_with("127.0.0.1:")).expect(&line);
        Broker { address: address.trim_end_matches(';').to_owned(), child }
    }

    /// Ends it as Ctrl-C does.
    pub fn stop(mut self) -> Option<i32> {
        signal(self.child.id(), libc::SIGINT);
        self.child.wait().unwrap().code()
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A path as text.
pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
