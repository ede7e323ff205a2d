//! A disk that is full when an epoch is committed or staged: the job waits and says so, and completes with equal results once there is room.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::kafka::Topic;
use crate::oracle::{Oracle, assert_books, assert_same};
use crate::run::Job;
use crate::shop::{self, ALL_TABLES, TABLES};

/// A small disk in memory.
struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    fn new(folder: &Path, size: &str) -> SmallDisk {
        std::fs::create_dir_all(folder).unwrap();
        let disk = SmallDisk { folder: folder.to_owned() };
        disk.mount(&["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]);
        disk
    }

    fn grow(&self, size: &str) {
        self.mount(&["-o", &format!("remount,size={size}")]);
    }

    fn mount(&self, arguments: &[&str]) {
        let output = Command::new("mount").args(arguments).arg(&self.folder).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "this test needs a small disk, and the right to mount one (root): {error}");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.folder).output();
    }
}

fn assert_equal(job: &Job, undisturbed: &Job) {
    assert_books(&job.commits());
    let gold: Vec<(&str, String)> = TABLES.iter().map(|table| (table.name, table.ours())).collect();
    let mut queries: Vec<(&str, &str)> = gold.iter().map(|(name, sql)| (*name, sql.as_str())).collect();
    queries.push(("bronze.raw_events", "SELECT event_id, _partition, _offset FROM bronze.raw_events"));
    queries.push(("rejected.events", "SELECT partition, \"offset\", epoch FROM rejected.events"));
    let ours = Oracle::over(&job.warehouse, &ALL_TABLES).ask_all(&queries);
    let theirs = Oracle::over(&undisturbed.warehouse, &ALL_TABLES).ask_all(&queries);
    for (((name, _), ours), theirs) in queries.iter().zip(ours).zip(theirs) {
        assert_same(name, ours, theirs);
    }
}

/// Runs into the full disk, waits there, and goes on when there is room.
fn drill(purpose: &str, place: impl Fn(Job, &Path) -> Job, size: &str, named: &str) {
    let topic = Topic::new(purpose, 4);
    shop::send(&topic, 40_000, 15);
    let undisturbed = Job::ecommerce(&topic, 5_000);
    undisturbed.run().succeeded();
    let folder = tempfile::tempdir().unwrap();
    let disk = SmallDisk::new(&folder.path().join("disk"), size);
    // Nothing is held back: it runs until there is no room at all.
    let job = place(Job::ecommerce(&topic, 5_000), &disk.folder).set("job.min_free_space", "none");
    let mut running = job.start_available();
    running.wait_until_said("waiting, for", 3);
    let said = running.said();
    assert!(said.contains("No space left on device"), "the cause is not named: {said}");
    assert!(said.contains(named), "the place is not named: {said}");
    disk.grow("512m");
    let (code, errors) = running.end();
    assert_eq!(code, Some(0), "{errors}");
    assert!(job.commits().len() >= 8, "{} epochs", job.commits().len());
    assert_equal(&job, &undisturbed);
    drop(job);
}

#[test]
fn a_full_disk_under_the_checkpoint() {
    drill("disk-checkpoint", |job, disk| job.checkpoint_at(disk.join("checkpoint")), "2m", "/disk/checkpoint");
}

#[test]
fn a_full_disk_under_the_warehouse() {
    drill(
        "disk-warehouse",
        |job, disk| job.warehouse_at(disk.join("warehouse").to_str().unwrap().to_owned()),
        "3m",
        "in the warehouse",
    );
}

/// What is held back for commits is never touched: nothing is read that could not be committed.
#[test]
fn a_disk_with_less_than_is_held_back_for_commits_is_waited_for() {
    let topic = Topic::new("disk-held-back", 1);
    shop::send(&topic, 2_000, 15);
    let folder = tempfile::tempdir().unwrap();
    let disk = SmallDisk::new(&folder.path().join("disk"), "16m");
    let job = Job::ecommerce(&topic, 500).checkpoint_at(disk.folder.join("checkpoint"));
    let mut running = job.start_available();
    running.wait_until_said("are held back for commits (min_free_space in [job])", 1);
    assert!(job.commits().is_empty(), "nothing is read");
    disk.grow("512m");
    let (code, errors) = running.end();
    assert_eq!(code, Some(0), "{errors}");
    assert!(job.commits().len() >= 4);
    drop(job);
}
