//! Log lines, to stderr: `ENGINE_LOG` says which.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::time::SystemTime;

use crate::terminal::LogWriter;

/// Environment variable with the filter: `debug`, or `warn,runtime=debug`.
const VARIABLE: &str = "ENGINE_LOG";

/// Libraries that say more at `info` than an operator wants to read.
const QUIET: &str = "datafusion=warn,deltalake_core=warn,delta_kernel=warn,object_store=warn,hyper=warn,rustyline=warn";

/// Starts logging at `level`, unless `ENGINE_LOG` says otherwise. Lines carry the time where they go to a file.
pub fn start(level: &str) {
    let filter = std::env::var(VARIABLE).ok().filter(|text| !text.trim().is_empty());
    let filter = match filter.map(|text| EnvFilter::try_new(format!("{QUIET},{text}"))) {
        Some(Ok(filter)) => filter,
        Some(Err(error)) => {
            crate::terminal::line(&format!("warning: {VARIABLE} is not understood ({error}); write for example {VARIABLE}=debug"));
            EnvFilter::new(format!("{QUIET},{level}"))
        }
        None => EnvFilter::new(format!("{QUIET},{level}")),
    };
    let to_terminal = io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| LogWriter)
        .with_ansi(to_terminal && std::env::var_os("NO_COLOR").is_none())
        .with_target(false)
        .log_internal_errors(false);
    if to_terminal {
        lines.without_time().init();
    } else {
        lines.with_timer(SystemTime).init();
    }
}
