//! What only a checkpoint on a disk has: a folder, a reader beside the owner, kills, and a disk that is full.

use std::process::Command;

use epoch::paths;

use super::*;
use crate::fixture::{self, Other, SMALL, open};

#[test]
fn the_folder_is_made_and_each_has_an_id_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er");
    let checkpoint = open(&path);
    let job_id = checkpoint.job_id().to_string();
    let elsewhere = tempfile::tempdir().unwrap();
    assert_ne!(open(elsewhere.path()).job_id(), job_id, "two checkpoints must not write files of the same names");
}

#[test]
fn a_folder_of_other_things_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("thesis.txt"), "mine").unwrap();
    let error = Checkpoint::open(folder.path(), "shop", &SMALL).err().unwrap();
    assert!(matches!(error, StateError::NotACheckpoint { .. }), "{error}");
    assert!(error.to_string().contains("thesis.txt"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let file = folder.path().join("thesis.txt");
    assert!(matches!(Checkpoint::open(&file, "shop", &SMALL), Err(StateError::NotACheckpoint { .. })));
    assert!(matches!(Checkpoint::open_read_only(folder.path()), Err(StateError::NotACheckpoint { .. })));
    assert!(matches!(Checkpoint::open_read_only(&folder.path().join("no")), Err(StateError::NotACheckpoint { .. })));
}

#[test]
fn a_making_that_was_cut_short_is_finished() {
    let folder = tempfile::tempdir().unwrap();
    // Killed after the lock was made, and again after the database was, before the identity was written.
    std::fs::write(folder.path().join(paths::OWNER), "").unwrap();
    drop(crate::rocksdb::RocksStore::open(folder.path(), SMALL.memory_bytes).unwrap());
    assert!(matches!(Checkpoint::open_read_only(folder.path()), Err(StateError::NotACheckpoint { .. })));
    run(&open(folder.path()), 0, StateChanges::default());
}

#[test]
fn a_dropped_range_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = open(folder.path());
    // 40 MB over 16 MB of memory: some of it is flushed and compacted before it is dropped.
    for epoch in 0..10 {
        let puts = (0..4).map(|bucket| key(bucket, epoch, 0)).map(|at| (at, block(&at, 1 << 20))).collect();
        run(&checkpoint, epoch, StateChanges { puts, ..StateChanges::default() });
    }
    checkpoint.compact().unwrap();
    let full = checkpoint.disk_bytes().unwrap();
    assert!(full > 40 << 20, "{full}");
    run(&checkpoint, 10, changes(vec![], vec![], vec![range(0, 3)]));
    let left: Vec<_> = (0..10).map(|epoch| key(3, epoch, 0)).collect();
    assert_eq!(keys(&checkpoint), left);
    assert_eq!(checkpoint.blocks(operator(), 1).unwrap().count(), 0);
    assert_eq!(checkpoint.read_block(&key(2, 5, 0)).unwrap(), None);
    checkpoint.compact().unwrap();
    assert_eq!(keys(&checkpoint), left);
    assert_sound(&checkpoint);
    drop(checkpoint);
    let checkpoint = open(folder.path());
    assert_eq!(keys(&checkpoint), left, "nothing is resurrected");
    let rest = checkpoint.disk_bytes().unwrap();
    assert!(rest < full / 3, "{rest} of {full} bytes are still on the disk");
}

#[test]
fn a_reader_works_beside_the_owner() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = open(folder.path());
    for epoch in 0..30 {
        run(&checkpoint, epoch, put(key(1, epoch, 0), 400_000));
        let reader = Checkpoint::open_read_only(folder.path()).unwrap();
        assert_eq!(reader.newest_commit().unwrap(), checkpoint.newest_commit().unwrap());
        assert_eq!(reader.job_id(), checkpoint.job_id());
        assert_eq!(reader.verify().unwrap().blocks, epoch + 1);
        assert_sound(&reader);
    }
    // The reader wrote nothing, and the owner goes on.
    run(&checkpoint, 30, StateChanges::default());
}

#[test]
fn a_closed_checkpoint_opens_without_a_log_to_replay() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = open(folder.path());
    run(&checkpoint, 0, put(key(1, 0, 0), 100_000));
    checkpoint.close().unwrap();
    for entry in std::fs::read_dir(folder.path().join(paths::DATABASE)).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "log") {
            assert!(std::fs::metadata(&path).unwrap().len() < 100_000, "{}", path.display());
        }
    }
    let checkpoint = open(folder.path());
    assert_eq!(checkpoint.newest_commit().unwrap(), Some(commit(0)));
    assert_eq!(keys(&checkpoint), [key(1, 0, 0)]);
}

/// What each epoch of the killed writer does: it adds two blocks, deletes the one of the epoch before, and drops the
/// bucket of the epoch before that.
fn changes_of(epoch: u64) -> StateChanges {
    let bucket = i64::try_from(epoch).unwrap();
    let puts = [key(bucket, epoch, 0), key(bucket, epoch, 1)].map(|at| (at, block(&at, 200_000))).into();
    let deletes = (epoch > 0).then(|| key(bucket - 1, epoch - 1, 0)).into_iter().collect();
    let drop_buckets = (epoch > 1).then(|| range(bucket - 2, bucket - 1)).into_iter().collect();
    StateChanges { puts, deletes, drop_buckets, manifest: Some(epoch.to_string().into_bytes()) }
}

/// Run by the test below in a process of its own: commits one epoch after the other until killed.
#[test]
#[ignore = "run by another test"]
fn child_commits_until_killed() {
    let Ok(folder) = std::env::var(fixture::FOLDER) else { return };
    let checkpoint = open(Path::new(&folder));
    let mut epoch = checkpoint.newest_commit().unwrap().map_or(0, |commit| commit.plan.epoch.0 + 1);
    fixture::say("ready");
    loop {
        checkpoint.begin_attempt(&Attempt { epoch: EpochId(epoch), records: None, tries: 0 }).unwrap();
        fixture::say("begun");
        checkpoint.commit(&commit(epoch), changes_of(epoch)).unwrap();
        fixture::say(epoch);
        epoch += 1;
    }
}

#[test]
fn a_commit_is_whole_or_not_there_whenever_the_process_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut unacknowledged = 0;
    let mut last = None;
    for round in 0..40 {
        let mut other = Other::start("checkpoint::tests::disk::child_commits_until_killed", folder.path());
        assert_eq!(other.line(), "ready");
        for _ in 0..4 + round % 2 {
            last = other.line().parse::<u64>().ok().or(last);
        }
        // The child goes on; the kill is aimed at another time of its epoch in each round.
        let aimed = std::time::Instant::now();
        while aimed.elapsed().as_micros() < round * 400 {}
        other.kill();
        let checkpoint = open(folder.path());
        let found = checkpoint.newest_commit().unwrap();
        let committed = found.as_ref().map(|commit| commit.plan.epoch.0);
        assert!(committed >= last, "acknowledged {last:?}, found {committed:?}");
        unacknowledged += u64::from(committed > last);
        if let Some(epoch) = committed {
            let bucket = i64::try_from(epoch).unwrap();
            let mut expected = vec![key(bucket, epoch, 0), key(bucket, epoch, 1)];
            if epoch > 0 {
                expected.insert(0, key(bucket - 1, epoch - 1, 1));
            }
            assert_eq!(keys(&checkpoint), expected, "state is that of epoch {epoch}, no more and no less");
            for at in &expected {
                assert_eq!(checkpoint.read_block(at).unwrap(), Some(block(at, 200_000)));
            }
            assert_eq!(checkpoint.manifest().unwrap(), Some(epoch.to_string().into_bytes()));
        }
        assert_sound(&checkpoint);
        last = committed;
    }
    assert!(last.unwrap() >= 50, "{last:?} epochs in all");
    println!("kills that landed after an unacknowledged commit: {unacknowledged} of 40");
}

/// A file system of its own of few bytes, unmounted at the end.
struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    fn mount(size: &str) -> SmallDisk {
        let folder = tempfile::tempdir().unwrap();
        let options = format!("size={size}");
        let status = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(folder.path()).status();
        assert!(status.unwrap().success(), "this test mounts a small tmpfs, so it must run as root");
        SmallDisk { folder }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        Command::new("umount").arg("--lazy").arg(self.folder.path()).status().unwrap();
    }
}

#[test]
fn a_full_disk_at_commit_is_named_and_closes_the_checkpoint_until_it_is_opened_again() {
    let disk = SmallDisk::mount("24m");
    let folder = disk.folder.path().join("checkpoint");
    let checkpoint = open(&folder);
    run(&checkpoint, 0, put(key(0, 0, 0), 1000));
    let big = StateChanges {
        puts: (0..40).map(|sequence| key(1, 1, sequence)).map(|at| (at, block(&at, 1 << 20))).collect(),
        drop_buckets: vec![range(0, 1)],
        ..StateChanges::default()
    };
    let error = checkpoint.commit(&commit(1), big).expect_err("40 MB do not fit into 24 MB");
    assert!(matches!(error, StateError::Io { .. }), "{error:?}");
    assert!(error.to_string().contains("No space left on device"), "{error}");
    assert!(error.to_string().contains(folder.to_str().unwrap()), "{error}");
    // Nothing is written or answered any more, even what would fit.
    let poisoned = |result: Result<(), StateError>| match result {
        Err(error @ StateError::Poisoned { .. }) => assert!(error.to_string().contains("No space left"), "{error}"),
        other => panic!("{other:?}"),
    };
    poisoned(checkpoint.commit(&commit(1), StateChanges::default()).map(|_| ()));
    poisoned(checkpoint.claim(0).map(|_| ()));
    poisoned(checkpoint.retire(2, None));
    poisoned(checkpoint.note_losses(&Losses::new()));
    poisoned(checkpoint.set_published(EpochId(0), &BTreeMap::new()));
    poisoned(checkpoint.newest_commit().map(|_| ()));
    poisoned(checkpoint.read_block(&key(0, 0, 0)).map(|_| ()));
    drop(checkpoint);
    // The user makes room: a smaller epoch passes, and nothing of the failed one is there.
    let status = Command::new("mount").args(["-o", "remount,size=96m"]).arg(disk.folder.path()).status().unwrap();
    assert!(status.success());
    let checkpoint = open(&folder);
    assert_eq!(checkpoint.newest_commit().unwrap(), Some(commit(0)));
    assert_eq!(keys(&checkpoint), [key(0, 0, 0)]);
    checkpoint.commit(&commit(1), put(key(1, 1, 0), 1000)).unwrap();
    assert_eq!(keys(&checkpoint), [key(0, 0, 0), key(1, 1, 0)]);
    assert_sound(&checkpoint);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let disk = SmallDisk::mount("24m");
    let status = Command::new("mount").args(["-o", "remount,ro"]).arg(disk.folder.path()).status().unwrap();
    assert!(status.success());
    let folder = disk.folder.path().join("checkpoint");
    let error = Checkpoint::open(&folder, "shop", &SMALL).err().unwrap();
    assert!(matches!(&error, StateError::Io { place, .. } if *place == folder), "{error:?}");
    assert!(error.to_string().contains("Read-only file system"), "{error}");
}

/// Asserts nothing: prints what an attempt, a commit and an opening cost here.
#[test]
#[ignore = "measures; run by hand with --ignored --nocapture"]
fn measure_an_idle_epoch() {
    let folder = tempfile::tempdir_in(std::env::var("STATE_MEASURE").unwrap_or("/tmp".to_string())).unwrap();
    let mut checkpoint = Checkpoint::open(folder.path(), "shop", &CheckpointSettings::default()).unwrap();
    let (mut attempts, mut commits) = (Vec::new(), Vec::new());
    for epoch in 0..200 {
        let start = std::time::Instant::now();
        checkpoint.begin_attempt(&Attempt { epoch: EpochId(epoch), records: None, tries: 0 }).unwrap();
        attempts.push(start.elapsed());
        let puts = (0..40).map(|s| key(1, epoch, s)).map(|at| (at, block(&at, 2000))).collect();
        let start = std::time::Instant::now();
        checkpoint.commit(&commit(epoch), StateChanges { puts, ..StateChanges::default() }).unwrap();
        commits.push(start.elapsed());
    }
    for how in ["dropped", "closed"] {
        let start = std::time::Instant::now();
        if how == "closed" {
            checkpoint.close().unwrap()
        } else {
            drop(checkpoint)
        }
        let ended = start.elapsed();
        let start = std::time::Instant::now();
        checkpoint = Checkpoint::open(folder.path(), "shop", &CheckpointSettings::default()).unwrap();
        println!("{how} in {ended:?}, opened again in {:?}", start.elapsed());
    }
    let start = std::time::Instant::now();
    let entries = keys(&checkpoint).len();
    let opened = start.elapsed();
    for times in [&mut attempts, &mut commits] {
        times.sort();
    }
    println!(
        "attempt median {:?} p99 {:?}; commit of 40 blocks of 2 kB median {:?} p99 {:?}",
        attempts[100], attempts[198], commits[100], commits[198]
    );
    println!("index of {entries} blocks read in {opened:?}");
    let puts = (0..100).map(|s| key(2, 200, s)).map(|at| (at, block(&at, 1 << 20))).collect();
    let start = std::time::Instant::now();
    checkpoint.commit(&commit(200), StateChanges { puts, ..StateChanges::default() }).unwrap();
    println!("commit of 100 blocks of 1 MiB {:?}, memory {} MiB", start.elapsed(), checkpoint.memory_bytes() >> 20);
}

#[test]
fn a_rebuild_beside_an_engine_that_has_not_committed_yet_is_refused_and_removes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let settings = CheckpointSettings::default();
    let running = Checkpoint::open(folder.path(), "shop", &settings).unwrap();
    let rebuilt = |id| Checkpoint::rebuild(folder.path(), "shop", id, &settings, &commit(3));
    assert!(matches!(rebuilt("0000002a"), Err(StateError::Owned { .. })));
    running.commit(&commit(0), StateChanges::default()).unwrap();
    let job_id = running.job_id().to_string();
    drop(running);
    assert!(matches!(rebuilt("0000002a"), Err(StateError::NotACheckpoint { .. })), "it has an epoch");
    let running = Checkpoint::open(folder.path(), "shop", &settings).unwrap();
    assert_eq!((running.job_id(), running.newest_commit().unwrap()), (job_id.as_str(), Some(commit(0))));
}

#[test]
fn a_checkpoint_without_epochs_gives_way_to_a_rebuilt_one() {
    let folder = tempfile::tempdir().unwrap();
    let settings = CheckpointSettings::default();
    let refused = Checkpoint::open(folder.path(), "shop", &settings).unwrap();
    refused.claim(4).unwrap();
    drop(refused);
    let rebuilt = Checkpoint::rebuild(folder.path(), "shop", "0000002a", &settings, &commit(3)).unwrap();
    assert_eq!((rebuilt.job_id(), rebuilt.newest_commit().unwrap()), ("0000002a", Some(commit(3))));
    let published = rebuilt.published().unwrap().map(|published| published.epoch);
    assert_eq!(published, Some(EpochId(3)), "the tables hold it, and it was reported when they got it");
}
