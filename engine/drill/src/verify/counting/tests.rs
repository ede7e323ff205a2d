//! Tables held against commits that were written by hand.
#![allow(clippy::unwrap_used, reason = "tests")]

use epoch::{CommitId, StagedFile, TableCommit};

use super::*;

const JOB: &str = "00c0ffee";

fn name(epoch: u64) -> String {
    format!("part-{JOB}-{epoch:010}-1-000000000000beef-1-00000.parquet")
}

fn file(epoch: u64, rows: u64) -> StagedFile {
    StagedFile { path: name(epoch), rows, ..serde_json::from_str(r#"{"path":"","bytes":1,"rows":0}"#).unwrap() }
}

/// Epochs 0 to 3: ten rows each, but epoch 3 takes the file of epoch 1 out and puts four rows in.
fn commits() -> BTreeMap<EpochId, Commit> {
    let mut commits: BTreeMap<EpochId, Commit> = BTreeMap::new();
    for epoch in 0..4_u64 {
        let rows = if epoch == 3 { 4 } else { 10 };
        let removed = if epoch == 3 { vec![file(1, 10)] } else { Vec::new() };
        let change = TableCommit { added: vec![file(epoch, rows)], removed, ..TableCommit::default() };
        let mut commit = Commit::bare(CommitId::new(EpochId(epoch), epoch + 1));
        commit.tables.insert("gold.t".to_owned(), change);
        let earlier = commits.last_key_value().map(|(_, before)| before.sinks.clone()).unwrap_or_default();
        commit.link(earlier, &BTreeMap::new());
        commits.insert(EpochId(epoch), commit);
    }
    commits
}

fn present(files: &[(String, u64)]) -> Present {
    let by_file: BTreeMap<String, u64> = files.iter().cloned().collect();
    Present { rows: by_file.values().sum(), files: by_file.len() as u64, by_file: Some(by_file) }
}

/// What lies there if nothing happened.
fn whole() -> Vec<(String, u64)> {
    vec![(name(0), 10), (name(2), 10), (name(3), 4)]
}

fn compared(commits: &BTreeMap<EpochId, Commit>, files: &[(String, u64)]) -> Counted {
    Books::of("gold.t", commits.iter(), JOB).unwrap().compare(&present(files))
}

fn breach(files: &[(String, u64)]) -> Vec<String> {
    match compared(&commits(), files) {
        Counted::Breach(lines) => lines,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_committed_agrees() {
    assert_eq!(compared(&commits(), &whole()), Counted::Agrees { rows: 24, files: 3, notes: Vec::new() });
    let commits = commits();
    let never = Books::of("gold.never", commits.iter(), JOB).unwrap();
    assert_eq!(never.rows(), Some(0));
    let nothing = Present { by_file: Some(BTreeMap::new()), ..Present::default() };
    assert_eq!(never.compare(&nothing), Counted::Agrees { rows: 0, files: 0, notes: Vec::new() });
}

#[test]
fn every_file_and_row_that_is_missing_or_too_many_is_named_with_its_epoch() {
    let lines = breach(&whole()[1..]);
    assert_eq!(lines[0], "it holds 14 rows, its commits up to epoch 3 say 24: 10 missing");
    assert_eq!(lines[1], format!("epoch 0: {} with 10 rows is not among its files", name(0)));
    assert_eq!(lines.len(), 2);

    let mut short = whole();
    short[1].1 = 7;
    let lines = breach(&short);
    assert_eq!(lines[0], "it holds 21 rows, its commits up to epoch 3 say 24: 3 missing");
    assert_eq!(lines[1], format!("epoch 2: {} holds 7 rows, 10 were committed", name(2)));

    let again = [whole(), vec![(name(1), 10)]].concat();
    let lines = breach(&again);
    assert_eq!(lines[0], "it holds 34 rows, its commits up to epoch 3 say 24: 10 too many");
    assert_eq!(lines[1], format!("epoch 3: it took {} out, which is still there with 10 rows", name(1)));

    let stray = name(2).replace("-00000.", "-00001.");
    let lines = breach(&[whole(), vec![(stray.clone(), 1)]].concat());
    assert_eq!(lines[1], format!("epoch 2: {stray} with 1 row is there and was not committed"));

    // As many rows, and not the same files.
    let other = vec![(name(0), 10), (stray.clone(), 10), (name(3), 4)];
    let lines = breach(&other);
    assert_eq!(lines[0], format!("epoch 2: {stray} with 10 rows is there and was not committed"));
    assert_eq!(lines[1], format!("epoch 2: {} with 10 rows is not among its files", name(2)));
}

#[test]
fn rows_that_another_program_put_into_other_files_are_counted() {
    let foreign = |rows| ("part-00001-c000.zstd.parquet".to_owned(), rows);
    let Counted::Agrees { rows: 24, files: 2, notes } = compared(&commits(), &[foreign(20), (name(3), 4)]) else {
        panic!("{:?}", compared(&commits(), &[foreign(20), (name(3), 4)]))
    };
    assert!(notes[0].contains("another program wrote 1 of its files"), "{notes:?}");
    let lines = breach(&[foreign(19), (name(3), 4)]);
    assert_eq!(lines[0], "it holds 23 rows, its commits up to epoch 3 say 24: 1 missing");
    assert!(lines.last().unwrap().contains("another program wrote 1 of its files"), "{lines:?}");
    let lines = breach(&[whole(), vec![foreign(5)]].concat());
    assert_eq!(lines[0], "it holds 29 rows, its commits up to epoch 3 say 24: 5 too many");
    // All of it rewritten, and its names are gone: the number decides.
    assert!(matches!(compared(&commits(), &[foreign(24)]), Counted::Agrees { rows: 24, .. }));
}

#[test]
fn rows_without_files_are_counted_by_their_number() {
    let commits = commits();
    let books = Books::of("gold.t", commits.iter(), JOB).unwrap();
    let counted = |rows| books.compare(&Present { rows, files: 3, by_file: None });
    let Counted::Agrees { rows: 24, files: 3, notes } = counted(24) else { panic!("{:?}", counted(24)) };
    assert!(notes[0].contains("its rows alone are counted"), "{notes:?}");
    assert_eq!(
        counted(23),
        Counted::Breach(vec!["it holds 23 rows, its commits up to epoch 3 say 24: 1 missing".to_owned()])
    );
}

#[test]
fn epochs_that_are_no_longer_on_record_count_by_what_the_newest_commit_says() {
    let mut kept = commits();
    kept.pop_first();
    kept.pop_first();
    assert_eq!(compared(&kept, &whole()), Counted::Agrees { rows: 24, files: 3, notes: Vec::new() });
    let Counted::Breach(lines) = compared(&kept, &whole()[1..]) else { panic!("a file of epoch 0 is missing") };
    assert_eq!(lines, ["it holds 14 rows, its commits up to epoch 3 say 24: 10 missing"]);
}

#[test]
fn what_nobody_counted_is_not_counted_and_its_files_still_are() {
    let mut old = commits();
    old.values_mut().flat_map(|commit| commit.sinks.values_mut()).for_each(|link| link.rows = None);
    let Counted::Unknown(reason) = compared(&old, &whole()) else { panic!("{:?}", compared(&old, &whole())) };
    assert!(
        reason.contains("not on record") && reason.contains("epochs 0 to 3 are as they were committed"),
        "{reason}"
    );
    let Counted::Breach(lines) = compared(&old, &whole()[..2]) else { panic!("a file of epoch 3 is missing") };
    assert_eq!(lines, [format!("epoch 3: {} with 4 rows is not among its files", name(3))]);
    let rewritten = [("part-00001-c000.parquet".to_owned(), 24)];
    let Counted::Unknown(reason) = compared(&old, &rewritten) else { panic!("nothing says how many") };
    assert!(reason.contains("another program wrote 1 of its files"), "{reason}");
}

#[test]
fn what_was_there_before_and_what_others_wrote_is_said() {
    let taken = |rows: u64| {
        let mut taken = commits();
        for link in taken.values_mut().flat_map(|commit| commit.sinks.values_mut()) {
            link.rows = link.rows.map(|own| CountedRows { rows: own.rows + rows, since: Some(EpochId(0)) });
        }
        taken
    };
    let before = ("part-00007-c000.parquet".to_owned(), 100);
    let other = (name(9).replace(JOB, "0badcafe"), 50);
    let files = [whole(), vec![before, other.clone()]].concat();
    let Counted::Agrees { rows: 174, files: 5, notes } = compared(&taken(150), &files) else {
        panic!("{:?}", compared(&taken(150), &files))
    };
    assert_eq!(notes[0], "the rows that it held before epoch 0 are taken as they were");
    // It may have gone on writing; it has not taken anything away.
    assert!(matches!(compared(&taken(100), &files), Counted::Unknown(reason) if reason.contains("another checkpoint")));
    assert!(matches!(compared(&taken(151), &files), Counted::Breach(_)));
    // That hides no file of ours which is wrong.
    let short: Vec<(String, u64)> =
        files.iter().map(|(file, rows)| (file.clone(), if *file == name(2) { 7 } else { *rows })).collect();
    let Counted::Breach(lines) = compared(&taken(100), &short) else { panic!("three rows of epoch 2 are lost") };
    assert_eq!(lines[0], format!("epoch 2: {} holds 7 rows, 10 were committed", name(2)));
    // One that came later is nobody's business here.
    let Counted::Agrees { rows: 24, notes, .. } = compared(&commits(), &[whole(), vec![other]].concat()) else {
        panic!("they are not counted")
    };
    assert_eq!(notes, ["50 rows that another checkpoint wrote are not counted"]);
}

#[test]
fn only_a_few_lines_of_each_kind_are_shown() {
    let files: Vec<(String, u64)> =
        (0..9).map(|number| (name(2).replace("-00000.", &format!("-1{number:04}.")), 1)).collect();
    let lines = breach(&[whole(), files].concat());
    assert_eq!(lines.len(), 1 + SHOWN + 1, "{lines:?}");
    assert_eq!(lines[SHOWN + 1], "and 4 more of this kind");
}
