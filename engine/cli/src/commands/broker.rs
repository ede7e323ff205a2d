//! `engine broker`: the embedded broker, in the foreground.

use std::io::{self, Write};
use std::net::SocketAddr;

use clap::Args;

use crate::ending::{Failure, Outcome};
use crate::signals;

/// Runs an embedded Kafka broker, to try things out and for tests
#[derive(Debug, Args)]
#[command(after_help = "\
It is librdkafka's mock cluster behind a fixed address, and runs until Ctrl-C. Its limits:
  - everything is in memory and gone when it ends;
  - it keeps 5 MiB or 100,000 batches a partition, compressed as they were sent, and drops the oldest first:
    12 partitions hold millions of events, if they are sent in large batches;
  - no aborted transactions, no offsets by time, no administration (topics are made here, or by writing to them);
  - clients on other machines do not reach it.
For more than that: `docker compose up`, or `scripts/services start kafka`.

Examples:
  engine broker
  engine broker --listen 127.0.0.1:19092 --topic streaming-events:12")]
pub struct Arguments {
    /// Address to listen on; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9092")]
    listen: SocketAddr,

    /// A topic and its number of partitions; others are made with 4 partitions when they are first written to
    #[arg(long = "topic", value_name = "NAME:PARTITIONS", value_parser = topic)]
    topics: Vec<(String, i32)>,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    let mut outcome = Ok(());
    let ready = |address: SocketAddr| {
        // If nobody reads it, the broker runs all the same.
        let _ =
            writeln!(io::stdout().lock(), "The broker listens on {address}; Ctrl-C ends it and forgets its topics.");
    };
    kafka::broker::serve(arguments.listen, &arguments.topics, ready, || outcome = signals::wait())
        .map_err(|error| Failure::Failed(error.to_string()))?;
    outcome
}

/// Reads `name:partitions`, or `name` alone for one partition.
fn topic(text: &str) -> Result<(String, i32), String> {
    let (name, partitions) = text.rsplit_once(':').unwrap_or((text, "1"));
    match partitions.parse() {
        Ok(partitions @ 1..) if !name.is_empty() => Ok((name.to_owned(), partitions)),
        _ => Err("write name:partitions, for example streaming-events:12".to_owned()),
    }
}

#[cfg(test)]
mod tests;
