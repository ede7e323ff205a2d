//! `engine generate`: events to try the engine with.

use std::collections::BTreeMap;
use std::io::{self, Write};

use clap::{Args, Subcommand, ValueEnum};
use kafka::generate::{Codec, GenerateError, Mix, Settings, Summary};

use crate::ending::{Failure, Outcome};
use crate::progress::Progress;
use crate::show::{bytes, count, counted, instant, read_instant, whole};
use crate::signals;

/// Events that make one second of event time, unless a rate says so.
const EVENTS_PER_SECOND: u32 = 100;

/// Sends made-up events to Kafka
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  engine generate ecommerce --total 300000")]
pub struct Arguments {
    #[command(subcommand)]
    kind: Kind,
}

#[derive(Debug, Subcommand)]
enum Kind {
    Ecommerce(Box<Ecommerce>),
}

/// Sends the events of a web shop: logins, page views, clicks, purchases, carts, searches
#[derive(Debug, Args)]
#[command(after_help = "\
The same seed and start make the same events, byte for byte. Without --total it runs until Ctrl-C. It ends when Kafka has confirmed every event, and says how many of them were late, malformed or sent twice.

Examples:
  engine generate ecommerce --total 300000
  engine generate ecommerce --rate 14
  engine generate ecommerce --total 300000 --late 0.01 --malformed 0.005 --duplicates 0.01 --seed 7")]
struct Ecommerce {
    /// Events a second; without it as fast as the broker takes them
    #[arg(long, value_name = "EVENTS", value_parser = rate)]
    rate: Option<f64>,

    /// Events to send; without it until Ctrl-C
    #[arg(long, value_name = "EVENTS")]
    total: Option<u64>,

    /// Seed of all random numbers
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// Share of events that come 10 to 20 minutes late, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    late: f64,

    /// Share of records that no decoder can accept, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    malformed: f64,

    /// Share of records that repeat one of the last 1,000 events, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    duplicates: f64,

    /// Event time of the first event, as 2026-01-01T00:00:00Z; without it they end now (with --total) or begin now
    #[arg(long, value_name = "TIME", value_parser = read_instant)]
    start: Option<i64>,

    /// Events that make one second of event time; without it those of --rate, else 100
    #[arg(long, value_name = "EVENTS", value_parser = clap::value_parser!(u32).range(1..))]
    events_per_second: Option<u32>,

    /// Kafka servers, `host:port` with commas between them
    #[arg(long, env = "KAFKA_BROKERS", default_value = "127.0.0.1:9092")]
    brokers: String,

    /// Topic to send to; made if it does not exist
    #[arg(long, default_value = "streaming-events")]
    topic: String,

    /// Partitions of the topic, if it is made (engine broker makes 4)
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(i32).range(1..))]
    partitions: i32,

    /// Compression of the records
    #[arg(long, value_enum, default_value_t = Compression::Zstd)]
    compression: Compression,

    /// A setting for librdkafka, for example security.protocol=SSL
    #[arg(long = "kafka", value_name = "KEY=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Compression {
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> Outcome {
    let Kind::Ecommerce(arguments) = &arguments.kind;
    let settings = arguments.settings(runtime::now_us());
    let stop = signals::stop_flag(|| {})?;
    let mut progress = Progress::begin();
    let sent = kafka::generate::run(&settings, &stop, &mut |sent| {
        progress.show(|running| sent_so_far(sent, settings.total, running.as_secs_f64()));
    });
    progress.end();
    let summary = sent.map_err(|error| match error {
        GenerateError::Settings(_) => Failure::WrongInput(error.to_string()),
        _ => Failure::Failed(error.to_string()),
    })?;
    writeln!(io::stdout().lock(), "{}", summed_up(&summary, &settings.topic))?;
    Ok(())
}

impl Ecommerce {
    fn settings(&self, now_us: i64) -> Settings {
        let rate = self.rate.map(|rate| rate.round().max(1.0) as u32);
        let events_per_event_second = self.events_per_second.or(rate).unwrap_or(EVENTS_PER_SECOND);
        let start_us = self.start.unwrap_or_else(|| match (self.total, self.rate) {
            (Some(total), None) => Mix::start_us_to_end_at(now_us, total, events_per_event_second),
            _ => now_us,
        });
        Settings {
            brokers: self.brokers.clone(),
            topic: self.topic.clone(),
            partitions: self.partitions,
            codec: match self.compression {
                Compression::None => Codec::None,
                Compression::Gzip => Codec::Gzip,
                Compression::Snappy => Codec::Snappy,
                Compression::Lz4 => Codec::Lz4,
                Compression::Zstd => Codec::Zstd,
            },
            rate: self.rate,
            total: self.total,
            mix: Mix {
                seed: self.seed,
                late: self.late,
                malformed: self.malformed,
                duplicates: self.duplicates,
                start_us,
                events_per_event_second,
            },
            options: self.settings.iter().cloned().collect::<BTreeMap<_, _>>(),
        }
    }
}

/// How far it is.
fn sent_so_far(sent: u64, total: Option<u64>, running_s: f64) -> String {
    let of = total.map_or_else(String::new, |total| format!(" of {}", count(total)));
    format!("{}{of} events sent, {}/s", count(sent), whole(sent as f64 / running_s.max(0.001)))
}

/// What was sent, all of it confirmed.
fn summed_up(summary: &Summary, topic: &str) -> String {
    let seconds = summary.elapsed.as_secs_f64();
    let mut lines = vec![
        format!(
            "{} sent to {topic} in {seconds:.1} s ({}/s, {})",
            counted(summary.sent, "event"),
            whole(summary.sent as f64 / seconds.max(0.001)),
            bytes(summary.bytes)
        ),
        format!(
            "of these {} late, {} malformed, {} sent twice",
            count(summary.late),
            count(summary.malformed),
            count(summary.duplicates)
        ),
    ];
    if let Some((first, last)) = summary.event_time_us {
        lines.push(format!("event time {} to {} UTC", instant(first), instant(last)));
    }
    lines.join("\n")
}

fn share(text: &str) -> Result<f64, String> {
    let share: Option<f64> = text.parse().ok();
    share
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| "write a share from 0 to 1, for example 0.01".to_owned())
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: Option<f64> = text.parse().ok();
    rate.filter(|rate| *rate > 0.0 && rate.is_finite())
        .ok_or_else(|| "write events a second, for example 14".to_owned())
}

fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write key=value, for example security.protocol=SSL".to_owned()),
    }
}

#[cfg(test)]
mod tests;
