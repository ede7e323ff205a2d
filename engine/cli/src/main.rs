//! The engine command: reads the arguments, runs one command, ends with its exit code.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod commands;
mod connectors;
mod ending;
mod job_file;
mod logging;
mod progress;
mod show;
mod signals;
mod terminal;
mod warehouse;

use commands::{broker, check, checkpoint, drill, explain, generate, replay, sql, submit, test, verify};

/// Threads of the decoder, the operators and the store allocate all the time; this allocator lets them do it side by side, and gives
/// back what they freed: over 3,000 epochs of six tables mimalloc 3 went from 490 to 1,270 MiB, this one stays at 360. RocksDB and
/// librdkafka allocate from it as well.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// How it is set up; read by the allocator before `main`, overridden by the variable `MALLOC_CONF`. Huge pages save a tenth of the CPU
/// of the six tables. Columns of several MiB come and go with every chunk, so they are not given back at once.
#[unsafe(export_name = "malloc_conf")]
pub static ALLOCATOR_SETTINGS: &u8 = &b"oversize_threshold:0,dirty_decay_ms:30000,thp:always,metadata_thp:auto\0"[0];

/// Streams from Kafka to tables, exactly once: one job file, one process.
#[derive(Debug, Parser)]
#[command(name = "engine", version, max_term_width = 110, after_help = EXAMPLES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples, with nothing installed (each broker and job runs until Ctrl-C):
  engine broker &                                      an embedded Kafka broker on 127.0.0.1:9092
  engine generate ecommerce --total 300000             events of a web shop, sent to it
  engine check jobs/ecommerce.toml                     is this job file ok?
  engine test jobs/ecommerce.toml                      do its tables hold what they should?
  engine submit jobs/ecommerce.toml --available-now    from Kafka to tables
  engine sql \"SELECT * FROM gold.event_counts LIMIT 5\"

Exit codes: 0 done, 1 failed, 2 wrong input (arguments, job file, query).
ENGINE_LOG=debug shows more of what goes on; ENGINE_LOG=error less.";

#[derive(Debug, Subcommand)]
enum Command {
    Submit(submit::Arguments),
    Check(check::Arguments),
    Explain(explain::Arguments),
    Test(test::Arguments),
    Sql(sql::Arguments),
    Generate(generate::Arguments),
    Broker(broker::Arguments),
    Checkpoint(checkpoint::Arguments),
    Drill(drill::Arguments),
    Replay(replay::Arguments),
    Verify(verify::Arguments),
}

fn main() -> ExitCode {
    ending::report_faults();
    let arguments = Arguments::parse();
    logging::start(match &arguments.command {
        Command::Submit(submit) => submit.log_level(),
        _ => "warn",
    });
    ending::exit_code(match arguments.command {
        Command::Submit(arguments) => submit::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Test(arguments) => test::run(&arguments),
        Command::Sql(arguments) => sql::run(&arguments),
        Command::Generate(arguments) => generate::run(&arguments),
        Command::Broker(arguments) => broker::run(&arguments),
        Command::Checkpoint(arguments) => checkpoint::run(&arguments),
        Command::Drill(arguments) => drill::run(&arguments),
        Command::Replay(arguments) => replay::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
    })
}
