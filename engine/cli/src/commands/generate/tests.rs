//! From the command line to the generator's settings.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use clap::Parser;

use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    arguments: Ecommerce,
}

fn settings(words: &[&str]) -> Settings {
    let line = Line::try_parse_from(["engine"].iter().chain(words)).map_err(|error| error.to_string()).unwrap();
    line.arguments.settings(1_000_000_000_000_000)
}

#[test]
fn a_fixed_number_of_events_ends_now_and_a_stream_begins_now() {
    let fixed = settings(&["--total", "300000"]);
    assert_eq!(fixed.mix.start_us, 1_000_000_000_000_000 - 3_000 * 1_000_000, "3,000 seconds of 100 events");
    assert_eq!(settings(&[]).mix.start_us, 1_000_000_000_000_000);
    let paced = settings(&["--total", "300000", "--rate", "14.4"]);
    assert_eq!((paced.mix.start_us, paced.mix.events_per_event_second), (1_000_000_000_000_000, 14));
    let given = settings(&["--total", "10", "--start", "1970-01-01T00:00:01Z", "--events-per-second", "7"]);
    assert_eq!((given.mix.start_us, given.mix.events_per_event_second), (1_000_000, 7));
}

#[test]
fn a_slow_rate_still_makes_time_go_on() {
    assert_eq!(settings(&["--rate", "0.1"]).mix.events_per_event_second, 1);
}

#[test]
fn wrong_shares_and_rates_are_refused() {
    for words in [
        ["--late", "1.5"],
        ["--malformed", "-0.1"],
        ["--duplicates", "NaN"],
        ["--rate", "0"],
        ["--rate", "inf"],
        ["--kafka", "x"],
    ] {
        assert!(Line::try_parse_from(["engine"].iter().chain(&words)).is_err(), "{words:?}");
    }
}

#[test]
fn the_summary_counts_everything() {
    let summary = Summary {
        sent: 300_000,
        late: 3000,
        malformed: 1500,
        duplicates: 2999,
        bytes: 81_000_000,
        event_time_us: Some((0, 1_000_000)),
        elapsed: std::time::Duration::from_millis(1500),
    };
    assert_eq!(
        summed_up(&summary, "events"),
        "300,000 events sent to events in 1.5 s (200,000/s, 77.2 MiB)\nof these 3,000 late, 1,500 malformed, 2,999 sent twice\n\
         event time 1970-01-01 00:00:00 to 1970-01-01 00:00:01 UTC"
    );
}
