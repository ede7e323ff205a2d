//! Measures the source on this machine: making events, sending them, reading them. `figures [BROKERS|-] [EVENTS] [PARTITIONS] [TOPIC]`; `-`: the embedded broker; with a topic, only that is read.

use std::collections::BTreeMap;
use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use connector::log::LogReader;
use kafka::broker::Broker;
use kafka::generate::{Codec, EventWriter, Mix, Settings, run};
use kafka::{KafkaLane, KafkaPlanner};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let brokers = arguments.first().filter(|brokers| brokers.as_str() != "-");
    let events: u64 = arguments.get(1).map_or(Ok(1_000_000), |count| count.parse())?;
    let partitions: i32 = arguments.get(2).map_or(Ok(24), |count| count.parse())?;
    let mix = Mix {
        seed: 7,
        late: 0.01,
        malformed: 0.005,
        duplicates: 0.01,
        start_us: 1_767_225_600_000_000,
        events_per_event_second: 1000,
    };
    if let (Some(brokers), Some(topic)) = (brokers, arguments.get(3)) {
        let (brokers, topic) = (brokers.clone(), topic.clone());
        return read(&Settings {
            brokers,
            topic,
            partitions,
            codec: Codec::Zstd,
            rate: None,
            total: None,
            mix,
            options: BTreeMap::new(),
        });
    }
    make(mix, events);
    for codec in [Codec::Zstd, Codec::Lz4] {
        let topic = format!("figures-{codec:?}-{}", std::process::id()).to_lowercase();
        let embedded = if brokers.is_none() {
            Some(Broker::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), &[(topic.clone(), partitions)])?)
        } else {
            None
        };
        let address = embedded
            .as_ref()
            .map_or_else(|| brokers.cloned().unwrap_or_default(), |broker| broker.address().to_string());
        let settings = Settings {
            brokers: address,
            topic,
            partitions,
            codec,
            rate: None,
            total: Some(events),
            mix,
            options: BTreeMap::new(),
        };
        send(&settings)?;
        read(&settings)?;
    }
    Ok(())
}

fn make(mix: Mix, events: u64) {
    let writer = EventWriter::new(mix);
    let (mut value, mut key) = (Vec::new(), Vec::new());
    let (begun, mut bytes) = (Instant::now(), 0);
    for n in 0..events {
        writer.write(n, &mut value, &mut key);
        bytes += value.len();
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "make: {:.0} ns an event, {:.0} bytes an event",
        seconds * 1e9 / events as f64,
        bytes as f64 / events as f64
    );
}

fn send(settings: &Settings) -> Result<(), Box<dyn Error>> {
    let (begun, cpu) = (Instant::now(), cpu_s());
    let summary = run(settings, &AtomicBool::new(false), &mut |_| {})?;
    let (seconds, cpu) = (begun.elapsed().as_secs_f64(), cpu_s() - cpu);
    println!(
        "send {:?}: {:.0} events/s; {:.0} ns CPU of the process an event = {:.0} events/s on one core",
        settings.codec,
        summary.sent as f64 / seconds,
        cpu * 1e9 / summary.sent as f64,
        summary.sent as f64 / cpu
    );
    Ok(())
}

fn read(settings: &Settings) -> Result<(), Box<dyn Error>> {
    let kafka = kafka::KafkaSettings {
        brokers: settings.brokers.clone(),
        topics: kafka::Topics::Named(vec![settings.topic.clone()]),
        starting_offsets: kafka::StartingOffsets::Earliest,
        ending_offsets: None,
        on_data_loss: kafka::OnDataLoss::Stop,
        options: BTreeMap::new(),
    };
    let begun = Instant::now();
    let mut planner = KafkaPlanner::open("figures", &kafka, "figures")?;
    let available = planner.available()?;
    println!("plan: first answer after {:.1} ms", begun.elapsed().as_secs_f64() * 1e3);
    let begun = Instant::now();
    for _ in 0..20 {
        planner.available()?;
    }
    println!("plan: {:.2} ms each after that", begun.elapsed().as_secs_f64() * 1e3 / 20.0);
    let mut lane = KafkaLane::open("figures", &kafka, "figures", 0)?;
    let (begun, cpu, thread) = (Instant::now(), cpu_s(), thread_cpu_s());
    lane.assign(&available.iter().map(|(at, reach)| (at, reach.low)).collect())?;
    let (mut records, mut bytes) = (0u64, 0);
    for (at, reach) in available.iter() {
        lane.read(&at, reach.high, u64::MAX, &mut |record| {
            records += 1;
            bytes += record.value.map_or(0, <[u8]>::len) + record.timestamp_ms.map_or(0, |_| 1);
        })?;
    }
    let (seconds, cpu, thread) = (begun.elapsed().as_secs_f64(), cpu_s() - cpu, thread_cpu_s() - thread);
    let each = 1e9 / records as f64;
    let idle_cpu = cpu_s();
    std::thread::park_timeout(std::time::Duration::from_secs(3));
    println!("idle: {:.1} ms CPU a second", (cpu_s() - idle_cpu) * 1e3 / 3.0);
    let begun = Instant::now();
    drop(lane);
    let lane_ms = begun.elapsed().as_secs_f64() * 1e3;
    let begun = Instant::now();
    drop(planner);
    println!("close: lane {lane_ms:.1} ms, planner {:.1} ms", begun.elapsed().as_secs_f64() * 1e3);
    println!(
        "read: {records} records, {:.0} records/s; {:.0} ns an event, of CPU {:.0} ns in the process, {:.0} ns on the reading thread; peak memory {} MiB",
        records as f64 / seconds,
        seconds * each,
        cpu * each,
        thread * each,
        peak_mib()
    );
    Ok(())
}

fn cpu_s() -> f64 {
    ticks("/proc/self/stat")
}

fn thread_cpu_s() -> f64 {
    // Nanoseconds on the CPU, waiting, time slices.
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|number| number.parse::<f64>().ok()).unwrap_or(0.0) / 1e9
}

/// User and system time, in hundredths of a second, are the 14th and 15th field; the second may hold spaces.
fn ticks(path: &str) -> f64 {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let after_name = text.rsplit(')').next().unwrap_or_default();
    after_name.split_whitespace().skip(11).take(2).filter_map(|number| number.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn peak_mib() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) / 1024
}
