//! How a command ends: the exit codes, and the one message of a failure.

use std::io::{self, Write};
use std::panic;
use std::process::ExitCode;

/// The command failed.
const FAILED: u8 = 1;

/// What the user gave was wrong: arguments, job file, query. (`clap` uses the same code.)
const WRONG_INPUT: u8 = 2;

/// A second Ctrl-C: 128 and the number of SIGINT, as shells have it.
pub const INTERRUPTED: i32 = 130;

/// Why a command ended before it was done. Texts name the place and the remedy.
#[derive(Debug)]
pub enum Failure {
    /// It could not be done.
    Failed(String),
    /// What the user gave was wrong.
    WrongInput(String),
    /// As `WrongInput`, with the message laid out already: the problems of a job file.
    Problems(String),
    /// As `Failed`, and everything about it has been reported.
    Reported,
    /// Nobody reads the output any more (`engine … | head`): no failure.
    ReaderGone,
}

/// What a command returns.
pub type Outcome = Result<(), Failure>;

impl From<io::Error> for Failure {
    /// An error of writing the output.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::ReaderGone,
            _ => Failure::Failed(format!("the output cannot be written: {error}; look where it is sent to")),
        }
    }
}

impl From<query::QueryError> for Failure {
    fn from(error: query::QueryError) -> Self {
        match error {
            query::QueryError::WrongInput(text) => Failure::WrongInput(text),
            query::QueryError::Failed(text) => Failure::Failed(text),
        }
    }
}

/// Prints what failed, if anything did, and returns the exit code.
pub fn exit_code(outcome: Outcome) -> ExitCode {
    let (code, text) = match outcome {
        Ok(()) | Err(Failure::ReaderGone) => return ExitCode::SUCCESS,
        Err(Failure::Reported) => return ExitCode::from(FAILED),
        Err(Failure::Failed(text)) => (FAILED, format!("error: {text}")),
        Err(Failure::WrongInput(text)) => (WRONG_INPUT, format!("error: {text}")),
        Err(Failure::Problems(text)) => (WRONG_INPUT, text),
    };
    // If nobody reads the errors, the exit code still says it.
    let _ = writeln!(io::stderr().lock(), "{}", text.trim_end());
    ExitCode::from(code)
}

/// Makes a panic, which is always a fault of ours, one line that can be reported.
pub fn report_faults() {
    panic::set_hook(Box::new(|fault| {
        let place = fault.location().map_or_else(String::new, |place| format!(" at {place}"));
        let text = fault.payload_as_str().unwrap_or("no message");
        let _ = writeln!(
            io::stderr().lock(),
            "error: a fault of the engine{place}: {text}\n  please report it with the command that led to it"
        );
    }));
}
