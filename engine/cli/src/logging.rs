//! Log lines, to stderr: `ENGINE_LOG` says which.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::time::SystemTime;

use crate::terminal::{self, LogWriter};

/// Environment variable with the filter: `debug`, or `warn,runtime=debug`.
const VARIABLE: &str = "ENGINE_LOG";

/// Our own crates, by which their log lines are known. (`engine` is the binary, crate `cli`.)
const OURS: &[&str] = &[
    "batch",
    "connector",
    "delta",
    "drill",
    "engine",
    "epoch",
    "expr",
    "files",
    "formats",
    "job",
    "kafka",
    "memory",
    "operators",
    "plan",
    "query",
    "runtime",
    "state",
    "storage",
    "testkit",
];

/// What libraries may say. Those named have a name that begins as one of ours, and a filter goes by beginnings; and the Delta library's
/// kernel, which logs every error that it returns: those of a damaged table would stand beside each answer about others.
const LIBRARIES: &str = "warn,deltalake=warn,delta_kernel=warn,buoyant_kernel=off";

/// Starts logging at `level`, unless `ENGINE_LOG` says otherwise. Lines carry the time where they go to a file.
pub fn start(level: &str) {
    let from_user = std::env::var(VARIABLE).ok().filter(|text| !text.trim().is_empty());
    let filter = EnvFilter::try_new(directives(from_user.as_deref().unwrap_or(level))).unwrap_or_else(|error| {
        terminal::line(&format!("warning: {VARIABLE} is not understood ({error}); write for example {VARIABLE}=debug"));
        EnvFilter::new(directives(level))
    });
    let to_terminal = io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| LogWriter)
        .with_ansi(terminal::has_color())
        .with_target(false)
        .log_internal_errors(false);
    if to_terminal {
        lines.without_time().init();
    } else {
        lines.with_timer(SystemTime).init();
    }
}

/// A plain level is meant for the engine, not for its libraries; anything else is taken as it is.
fn directives(filter: &str) -> String {
    if filter.parse::<LevelFilter>().is_err() {
        return filter.to_owned();
    }
    OURS.iter().fold(LIBRARIES.to_owned(), |all, ours| format!("{all},{ours}={filter}"))
}

#[cfg(test)]
mod tests;
