//! `verify`, over every store: it finds each kind of untruth, and nothing in a sound checkpoint.
#![allow(clippy::unwrap_used, reason = "tests")]

use epoch::{Split, SplitRange};

use super::*;
use crate::checksum;
use crate::fixture::{Site, commit, key, over_every_store, put, run};
use crate::store::{Store, WriteBatch};

over_every_store!(
    a_sound_checkpoint_is_counted,
    missing_records_are_found,
    records_that_do_not_fit_together_are_found,
    a_source_under_a_new_name_is_the_one_that_it_was,
    falling_watermarks_are_found,
    a_file_listed_twice_and_books_out_of_balance_are_found,
    blocks_and_index_that_differ_are_found,
);

/// Three epochs, and a change made behind the checkpoint's back.
fn problems_after(site: &Site, change: impl FnOnce(&Raw)) -> Vec<String> {
    // A site of its own for each change.
    let site = site.another();
    let checkpoint = site.open();
    (0..3).for_each(|epoch| run(&checkpoint, epoch, put(key(1, epoch, 0), 1000)));
    drop(checkpoint);
    change(&Raw(site.store()));
    site.open().verify().unwrap().problems
}

/// The store, written without the checkpoint's checks.
struct Raw(Box<dyn Store>);

impl Raw {
    fn put(&self, family: Family, key: &[u8], value: Vec<u8>) {
        let mut batch = WriteBatch::default();
        batch.put(family, key, checksum::append_checksum(key, value));
        self.0.write(batch, true).unwrap();
    }

    fn delete(&self, family: Family, key: &[u8]) {
        let mut batch = WriteBatch::default();
        batch.delete(family, key);
        self.0.write(batch, true).unwrap();
    }

    fn commit(&self, commit: &Commit) {
        self.put(Family::Records, &Kind::Commit.key_of(commit.plan.epoch), serde_json::to_vec(commit).unwrap());
    }
}

fn assert_one(problems: &[String], part: &str) {
    assert!(problems.iter().any(|what| what.contains(part)), "{part} is not among {problems:?}");
}

fn a_sound_checkpoint_is_counted(site: &Site) {
    let checkpoint = site.open();
    assert_eq!(checkpoint.verify().unwrap(), Verification::default());
    (0..3).for_each(|epoch| run(&checkpoint, epoch, put(key(1, epoch, 0), 1000)));
    let expected = Verification { problems: Vec::new(), commits: 3, files: 3, blocks: 3, block_bytes: 3000 };
    assert_eq!(checkpoint.verify().unwrap(), expected);
}

fn missing_records_are_found(site: &Site) {
    let gone =
        |kind: Kind, epoch| problems_after(site, |raw| raw.delete(Family::Records, &kind.key_of(EpochId(epoch))));
    assert_one(&gone(Kind::Commit, 1), "the commit of epoch 2 follows that of epoch 0");
    assert_eq!(gone(Kind::Commit, 2).len(), 1, "only the block of the epoch that is then not committed");
}

fn records_that_do_not_fit_together_are_found(site: &Site) {
    let mut gap = commit(2);
    let at = Split::new("t", 1);
    gap.plan.sources.get_mut("events").unwrap().ranges.insert(at, SplitRange { from: 25.into(), until: 30.into() });
    assert_one(&problems_after(site, |raw| raw.commit(&gap)), "the commit of epoch 2 does not join the one before");
    let with_link = |change: fn(&mut epoch::SinkLink)| {
        let mut commit = commit(2);
        change(commit.sinks.get_mut("gold.t").unwrap());
        problems_after(site, |raw| raw.commit(&commit))
    };
    assert_one(&with_link(|link| link.before = Some(link.began)), "epoch 2: gold.t does not go on from epoch 1");
    assert_one(&with_link(|link| link.last = link.began), "epoch 2: gold.t stands at epoch 0");
    let miscounted = with_link(|link| link.rows = Some(epoch::CountedRows { rows: 59, since: None }));
    assert_eq!(miscounted, ["epoch 2: gold.t is said to hold 59 rows; it held 40, and 20 were moved into it"]);
    assert_eq!(with_link(|link| link.rows = None), [""; 0], "an engine of before did not count");
    let anew = |link: &mut epoch::SinkLink| link.rows = Some(epoch::CountedRows { rows: 7, since: Some(EpochId(2)) });
    assert_eq!(with_link(anew), [""; 0], "somebody has decided to go on with what was there");
    let forgotten = Commit { sinks: BTreeMap::new(), ..commit(2) };
    assert_one(&problems_after(site, |raw| raw.commit(&forgotten)), "epoch 2 no longer says where gold.t stands");
}

fn a_source_under_a_new_name_is_the_one_that_it_was(site: &Site) {
    let renamed = |says_so: bool| {
        let mut commit = commit(2);
        commit.rename_source("events", "clicks");
        commit.renamed.extend(says_so.then(|| ("clicks".to_string(), "events".to_string())));
        problems_after(site, |raw| raw.commit(&commit))
    };
    assert_eq!(renamed(true), Vec::<String>::new());
    assert_one(&renamed(false), "source events is neither in the plan of epoch 2 nor set aside");
}

fn falling_watermarks_are_found(site: &Site) {
    let with = |change: fn(&mut Commit)| {
        let mut commit = commit(2);
        change(&mut commit);
        problems_after(site, |raw| raw.commit(&commit))
    };
    assert_one(&with(|c| c.next_watermark_us = None), "the watermark after epoch 2 falls from 20 to none");
    assert_one(&with(|c| c.plan.watermark_us = Some(19)), "the watermark of epoch 2 falls from 20 to 19");
    assert_one(&with(|c| c.watermarks.clear()), "the watermark of source events after epoch 2 falls from 20 to none");
    let mut late = commit(1);
    late.plan.late_watermark_us = Some(11);
    assert_one(&problems_after(site, |raw| raw.commit(&late)), "the late watermark of epoch 2 falls from 11 to 10");
}

fn a_file_listed_twice_and_books_out_of_balance_are_found(site: &Site) {
    let mut twice = commit(2);
    twice.tables = commit(1).tables;
    assert_one(
        &problems_after(site, |raw| raw.commit(&twice)),
        "epoch 2: gold.t lists file part-00c0ffee-0000000001-1-000000000000beef-0-00000.parquet a second time",
    );
    let mut books = commit(2);
    books.tables.get_mut("gold.t").unwrap().counts.late += 1;
    assert_one(&problems_after(site, |raw| raw.commit(&books)), "epoch 2: the books of gold.t do not balance");
}

fn blocks_and_index_that_differ_are_found(site: &Site) {
    let at = key(1, 1, 0);
    let found = problems_after(site, |raw| raw.delete(Family::Blocks, &at.to_bytes()));
    assert_eq!(found, [format!("the block of {at} stands in the index but is not there")]);
    let found = problems_after(site, |raw| raw.delete(Family::Index, &at.to_bytes()));
    assert_eq!(found, [format!("the block of {at} does not stand in the index")]);
    let found = problems_after(site, |raw| raw.put(Family::Blocks, &at.to_bytes(), vec![0; 7]));
    assert_eq!(found, [format!("the block of {at} has 7 bytes, its index entry says 1000")]);
    let found = problems_after(site, |raw| {
        raw.put(Family::Blocks, &key(1, 3, 0).to_bytes(), vec![0; 7]);
        raw.put(Family::Index, &key(1, 3, 0).to_bytes(), 7u64.to_le_bytes().to_vec());
    });
    assert_eq!(found, [format!("the block of {} is of an epoch that is not committed", key(1, 3, 0))]);
    assert_one(&problems_after(site, |raw| raw.put(Family::Blocks, b"short", vec![0; 7])), "a key of 5 bytes");
}
