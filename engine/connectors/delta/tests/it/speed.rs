//! What a commit costs: an idle epoch must not wait for its tables.

use std::process::Command;
use std::time::{Duration, Instant};

use delta::Warehouse;

use crate::fixture::{added, open, publish_after, stage};

const COMMITS: u64 = 500;

/// Resident memory of this process, MiB.
fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    status.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 4096 / (1024 * 1024)
}

/// In a process of its own: memory is counted by process, and other tests take some beside it.
#[test]
fn commits_stay_cheap_as_the_log_grows() {
    let mut measured = Command::new(std::env::current_exe().unwrap());
    let said = measured.args(["--exact", "speed::commits_measured", "--ignored", "--nocapture"]).output().unwrap();
    let text = String::from_utf8_lossy(&said.stdout);
    assert!(said.status.success() && text.contains("1 passed"), "{text}{}", String::from_utf8_lossy(&said.stderr));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by another test"]
async fn commits_measured() {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = Warehouse::open(folder.path().to_str().unwrap()).await.unwrap();
    let table = open(&warehouse).await;
    let (mut times, mut staging) = (Vec::new(), Vec::new());
    let mut before_mib = 0;
    for epoch in 0..COMMITS {
        let start = Instant::now();
        let file = stage(&table, epoch, 0, &[(epoch.cast_signed(), 1)]).await;
        staging.push(start.elapsed());
        let start = Instant::now();
        publish_after(&table, epoch.checked_sub(1), epoch, &added(&[&file])).await.unwrap();
        times.push(start.elapsed());
        if epoch == 150 {
            before_mib = resident_mib();
        }
    }
    table.wait_idle().await;
    let after_mib = resident_mib();
    let quantile = |times: &[Duration], part: usize| {
        let mut sorted = times.to_vec();
        sorted.sort_unstable();
        sorted[sorted.len() * part / 100]
    };
    let (early, late) = (quantile(&times[..100], 50), quantile(&times[400..], 50));
    println!(
        "commit median {:?}, 99 % {:?}; first 100 {early:?}, last 100 {late:?}; stage median {:?}, 99 % {:?}; memory {before_mib} -> {after_mib} MiB",
        quantile(&times, 50),
        quantile(&times, 99),
        quantile(&staging, 50),
        quantile(&staging, 99)
    );
    // Generous, for a busy machine; what must not be is a cost that grows with the log.
    assert!(late < early * 3 + Duration::from_millis(2), "{early:?} -> {late:?}");
    assert!(after_mib < before_mib + 200, "{before_mib} -> {after_mib} MiB");
}
