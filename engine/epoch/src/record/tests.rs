//! The records: they join, and their JSON stays readable to what was written before.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::offsets::OffsetRange;
use crate::splits::SplitIdentity;
use crate::watermark::PartitionClock;

/// A commit with every field filled. A checkpoint in the field holds this text: never change it, only add another.
const GOLDEN: &str = r#"{"plan":{"format":1,"epoch":7,"batch_time_us":1700000000000000,"watermark_us":1699999700000000,"late_watermark_us":null,"lanes":2,"sources":{"events":{"ranges":{"t":{"0":{"from":10,"until":20},"1":{"from":8,"until":8}}},"latest":{"t":{"0":25,"1":8}},"gaps":[{"topic":"t","partition":0,"from":5,"until":10,"reason":"retention"}]}}},"tables":{"gold.t":{"added":[{"path":"part-00c0ffee-0000000007-00000.parquet","bytes":1234,"rows":3,"bucket":-60000000,"stats":"{\"numRecords\":3}"}],"removed":[{"path":"part-00c0ffee-0000000006-00000.parquet","bytes":99,"rows":1}],"counts":{"read":10,"emitted":4,"rejected":3,"late":2,"filtered":1,"written":3}}},"watermarks":{"events":{"partitions":{"t":{"0":{"event_us_max":1700000000000000,"active_us":5}}},"watermark_us":1699999700000000}},"next_watermark_us":1699999700000000,"sources":{"events":{"read":10,"emitted":7,"rejected":3,"late":0,"filtered":0,"written":0}}}"#;

fn golden() -> Commit {
    let mut events = SourcePlan::default();
    events.ranges.insert(Split::new("t", 0), OffsetRange { from: 10, until: 20 }.into());
    events.ranges.insert(Split::new("t", 1), OffsetRange { from: 8, until: 8 }.into());
    events.latest.insert(Split::new("t", 0), 25.into());
    events.latest.insert(Split::new("t", 1), 8.into());
    events.gaps.push(DataGap {
        stream: "t".into(),
        partition: 0,
        from: 5.into(),
        until: 10.into(),
        reason: "retention".into(),
    });
    let plan = Plan {
        format: 1,
        epoch: EpochId(7),
        batch_time_us: 1_700_000_000_000_000,
        watermark_us: Some(1_699_999_700_000_000),
        late_watermark_us: None,
        times: std::collections::BTreeMap::new(),
        lanes: 2,
        sources: BTreeMap::from([("events".to_string(), events)]),
        statics: BTreeMap::new(),
        clocks: Default::default(),
    };
    let added = StagedFile {
        path: "part-00c0ffee-0000000007-00000.parquet".into(),
        bytes: 1234,
        rows: 3,
        bucket: Some(-60_000_000),
        stats: r#"{"numRecords":3}"#.into(),
        effect: ArtifactEffect::Add,
    };
    let removed = StagedFile {
        path: "part-00c0ffee-0000000006-00000.parquet".into(),
        bytes: 99,
        rows: 1,
        bucket: None,
        stats: String::new(),
        effect: ArtifactEffect::Add,
    };
    let counts = RowCounts { read: 10, emitted: 4, rejected: 3, late: 2, filtered: 1, written: 3 };
    let mut clocks = WatermarkState { watermark_us: Some(1_699_999_700_000_000), ..WatermarkState::default() };
    let clock = PartitionClock { event_us_max: Some(1_700_000_000_000_000), active_us: 5 };
    clocks.partitions.insert(Split::new("t", 0), clock);
    let read = RowCounts { read: 10, emitted: 7, rejected: 3, ..RowCounts::default() };
    Commit {
        nonce: 0,
        owner: Owner::default(),
        renamed: BTreeMap::new(),
        set_aside: BTreeMap::new(),
        set_aside_identities: BTreeMap::new(),
        sinks: BTreeMap::new(),
        definitions: BTreeMap::new(),
        gaps: std::collections::BTreeMap::new(),
        plan,
        tables: BTreeMap::from([("gold.t".into(), TableCommit { added: vec![added], removed: vec![removed], counts })]),
        watermarks: BTreeMap::from([("events".to_string(), clocks)]),
        next_watermark_us: Some(1_699_999_700_000_000),
        sources: BTreeMap::from([("events".to_string(), read)]),
    }
}

#[test]
fn versions_of_static_tables_are_in_the_plan() {
    let mut with = golden().plan;
    with.statics.insert("products".into(), "delta:4".into());
    let text = serde_json::to_string(&with).unwrap();
    assert!(text.ends_with(r#""statics":{"products":"delta:4"}}"#), "{text}");
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), with);
}

#[test]
fn the_text_of_a_record_never_changes() {
    assert_eq!(serde_json::to_string(&golden()).unwrap(), GOLDEN);
    assert_eq!(serde_json::from_str::<Commit>(GOLDEN).unwrap(), golden());
}

/// What a split was stands beside its position, and a record without it, as every one before, is read as it was.
#[test]
fn fault_6_identities_stand_beside_positions_and_old_records_have_none() {
    let old = r#"{"ranges":{"t":{"0":{"from":1,"until":2}}},"latest":{"t":{"0":2}}}"#;
    let mut source: SourcePlan = serde_json::from_str(old).unwrap();
    assert!(source.identity.is_empty());
    assert_eq!(serde_json::to_string(&source).unwrap(), old);
    source.identity.insert(Split::new("t", 0), SplitIdentity(serde_json::json!({ "topic_id": "x" })));
    let text = serde_json::to_string(&source).unwrap();
    assert!(text.ends_with(r#","identity":{"t":{"0":{"topic_id":"x"}}}}"#), "{text}");
    assert_eq!(serde_json::from_str::<SourcePlan>(&text).unwrap(), source);
}

#[test]
fn what_is_empty_is_left_out_and_read_back_as_empty() {
    let table = TableCommit { added: Vec::new(), ..TableCommit::default() };
    let text = r#"{"added":[],"counts":{"read":0,"emitted":0,"rejected":0,"late":0,"filtered":0,"written":0}}"#;
    assert_eq!(serde_json::to_string(&table).unwrap(), text);
    assert_eq!(serde_json::from_str::<TableCommit>(text).unwrap(), table);
    let source = SourcePlan::default();
    assert_eq!(serde_json::to_string(&source).unwrap(), r#"{"ranges":{},"latest":{}}"#);
    assert_eq!(serde_json::from_str::<SourcePlan>(r#"{"ranges":{},"latest":{}}"#).unwrap(), source);
}

/// A plan of one source with these ranges of topic `t`.
fn plan(epoch: u64, source: &str, ranges: &[(i32, i64, i64)]) -> Plan {
    let mut plan = SourcePlan::default();
    for (partition, from, until) in ranges {
        plan.ranges.insert(Split::new("t", *partition), OffsetRange { from: *from, until: *until }.into());
    }
    Plan { epoch: EpochId(epoch), sources: BTreeMap::from([(source.to_string(), plan)]), ..golden().plan }
}

#[test]
fn plans_join_end_to_beginning() {
    let before = plan(0, "events", &[(0, 0, 10), (1, 5, 5)]);
    let joins = |ranges: &[(i32, i64, i64)]| plan(1, "events", ranges).joins(&before);
    assert_eq!(joins(&[(0, 10, 20), (1, 5, 9)]), Ok(()));
    assert_eq!(joins(&[(0, 10, 10), (1, 5, 5)]), Ok(()), "empty ranges hold positions");
    assert_eq!(joins(&[(0, 10, 20), (1, 5, 9), (2, 0, 3)]), Ok(()), "a partition found since then");
    assert_eq!(joins(&[(0, 10, 20)]), Err("source events, t [1]: missing".to_string()), "a position is lost");
    assert_eq!(joins(&[(0, 11, 20), (1, 5, 9)]), Err("source events, t [0]: 11 does not follow 10".to_string()));
    assert_eq!(joins(&[(0, 9, 20), (1, 5, 9)]), Err("source events, t [0]: 9 does not follow 10".to_string()));
    let other = plan(1, "orders", &[(0, 10, 20)]).joins(&before);
    assert_eq!(other, Ok(()), "a source may leave: its commit sets the positions aside");
}

#[test]
fn a_gap_joins_only_if_it_is_the_one_recorded() {
    let before = plan(0, "events", &[(0, 0, 10)]);
    let gap = |topic: &str, partition, from: i64, until: i64| DataGap {
        stream: topic.into(),
        partition,
        from: from.into(),
        until: until.into(),
        reason: String::new(),
    };
    let joins = |gaps: Vec<DataGap>| {
        let mut later = plan(1, "events", &[(0, 15, 20)]);
        later.sources.get_mut("events").unwrap().gaps = gaps;
        later.joins(&before).is_ok()
    };
    assert!(joins(vec![gap("t", 0, 10, 15)]));
    assert!(joins(vec![gap("t", 1, 0, 3), gap("t", 0, 10, 15)]));
    for other in
        [gap("u", 0, 10, 15), gap("t", 1, 10, 15), gap("t", 0, 9, 15), gap("t", 0, 10, 14), gap("t", 0, 10, 16)]
    {
        assert!(!joins(vec![other.clone()]), "{other:?}");
    }
    // Two parts that would bridge it together are not how a gap is recorded.
    assert!(!joins(vec![gap("t", 0, 10, 12), gap("t", 0, 12, 15)]));
}

#[test]
fn a_plan_knows_its_end_and_its_span() {
    let plan = plan(3, "events", &[(0, 0, 10), (1, 5, 5), (2, 7, 9)]);
    let ends = plan.end_positions("events");
    let ends: Vec<(i32, Option<i64>)> = ends.iter().map(|(at, end)| (at.partition, end.offset())).collect();
    assert_eq!(ends, [(0, Some(10)), (1, Some(5)), (2, Some(9))]);
    assert!(plan.end_positions("orders").is_empty());
    assert_eq!(crate::offsets::span(&plan), 12);
    assert!(plan.has_records());
}

#[test]
fn a_plan_without_records_still_holds_its_positions() {
    let idle = plan(4, "events", &[(0, 10, 10), (1, 5, 5)]);
    assert!(!idle.has_records());
    assert_eq!(idle.end_positions("events").len(), 2);
}

/// What a source that is no log calls a position is stored and compared as it is.
#[test]
fn positions_need_not_be_offsets() {
    let file = |name: &str| Position(serde_json::json!({ "file": name }));
    let source = |from: &str, until: &str| {
        let mut source = SourcePlan::default();
        source.ranges.insert(Split::new("files", 0), SplitRange { from: file(from), until: file(until) });
        source
    };
    let at = |epoch, from: &str, until: &str| Plan {
        epoch: EpochId(epoch),
        sources: BTreeMap::from([("events".to_string(), source(from, until))]),
        ..golden().plan
    };
    let first = at(0, "a", "b");
    let text = serde_json::to_string(&first).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), first);
    assert_eq!(at(1, "b", "c").joins(&first), Ok(()));
    assert!(at(1, "c", "d").joins(&first).is_err());
    assert_eq!(crate::offsets::span(&first), 0, "no offsets, no span");
}

/// As [`GOLDEN`], with what format 2 added.
const GOLDEN_2: &str = r#","nonce":77,"owner":{"term":3,"run":4660},"sinks":{"gold.t":{"began":{"epoch":2,"nonce":9},"before":{"epoch":5,"nonce":8},"last":{"epoch":7,"nonce":77},"seen":{"epoch":5,"nonce":8}}},"tables":"#;

#[test]
fn the_text_of_format_2_never_changes() {
    let id = |epoch, nonce| CommitId { epoch: EpochId(epoch), nonce };
    let link = SinkLink { began: id(2, 9), before: Some(id(5, 8)), last: id(7, 77), seen: Some(id(5, 8)), rows: None };
    let sinks = BTreeMap::from([("gold.t".to_string(), link)]);
    let mut commit = Commit { nonce: 77, owner: Owner { term: 3, run: 0x1234 }, sinks, ..golden() };
    commit.plan.format = FORMAT;
    let text = GOLDEN.replace(r#""format":1"#, r#""format":2"#).replace(r#","tables":"#, GOLDEN_2);
    assert_eq!(serde_json::to_string(&commit).unwrap(), text);
    assert_eq!(serde_json::from_str::<Commit>(&text).unwrap(), commit);
}

#[test]
fn a_commit_links_the_sinks_that_it_touches_and_carries_the_others() {
    let id = |epoch, nonce| CommitId { epoch: EpochId(epoch), nonce };
    let mut first = Commit { nonce: 5, ..golden() };
    first.link(BTreeMap::new(), &BTreeMap::new());
    let quiet = SinkLink::found(id(1, 1));
    first.sinks.insert("gold.quiet".into(), quiet);
    assert_eq!(first.touch("gold.t"), Some(Touch { id: id(7, 5), before: None }));
    assert_eq!(first.touch("gold.quiet"), None);
    let mut second = Commit { nonce: 6, ..golden() };
    second.plan.epoch = EpochId(8);
    second.tables.insert("gold.books_only".into(), TableCommit::default());
    second.link(first.sinks.clone(), &BTreeMap::new());
    assert_eq!(second.touch("gold.t"), Some(Touch { id: id(8, 6), before: Some(id(7, 5)) }));
    assert_eq!(second.sinks["gold.quiet"], quiet);
    assert_eq!(second.sinks.len(), 2);
}

/// As [`GOLDEN_2`], with how many rows a sink holds. A record without it is read as it was: nobody counted.
#[test]
fn the_text_of_counted_rows_never_changes() {
    let id = |epoch, nonce| CommitId { epoch: EpochId(epoch), nonce };
    let link = SinkLink::touched(None, id(7, 77), Some(CountedRows { rows: 3, since: None }));
    let text = r#"{"began":{"epoch":7,"nonce":77},"last":{"epoch":7,"nonce":77},"rows":{"rows":3}}"#;
    assert_eq!(serde_json::to_string(&link).unwrap(), text);
    assert_eq!(serde_json::from_str::<SinkLink>(text).unwrap(), link);
    let since = SinkLink { rows: Some(CountedRows { rows: 3, since: Some(EpochId(5)) }), ..link };
    let text = text.replace(r#"{"rows":3}"#, r#"{"rows":3,"since":5}"#);
    assert_eq!(serde_json::to_string(&since).unwrap(), text);
    assert_eq!(serde_json::from_str::<SinkLink>(&text).unwrap(), since);
    let before = r#"{"began":{"epoch":7,"nonce":77},"last":{"epoch":7,"nonce":77}}"#;
    assert_eq!(serde_json::from_str::<SinkLink>(before).unwrap(), SinkLink { rows: None, ..link });
}

#[test]
fn a_link_counts_the_rows_of_its_sink() {
    // The golden commit adds three rows and takes one out.
    let rows = |rows, since: Option<u64>| Some(CountedRows { rows, since: since.map(EpochId) });
    let first_with = |found: Option<Option<u64>>| {
        let mut first = Commit { nonce: 5, ..golden() };
        let found = found.map(|rows| ("gold.t".to_string(), rows));
        first.link(BTreeMap::new(), &found.into_iter().collect());
        first
    };
    assert_eq!(first_with(None).sinks["gold.t"].rows, rows(2, None));
    assert_eq!(first_with(Some(Some(0))).sinks["gold.t"].rows, rows(2, None));
    assert_eq!(first_with(Some(Some(10))).sinks["gold.t"].rows, rows(12, Some(7)));
    assert_eq!(first_with(Some(None)).sinks["gold.t"].rows, None, "what it held was not known");
    let after = |first: &Commit, change: fn(&mut TableCommit)| {
        let mut second = Commit { nonce: 6, ..golden() };
        second.plan.epoch = EpochId(8);
        change(second.tables.get_mut("gold.t").unwrap());
        second.link(first.sinks.clone(), &BTreeMap::new());
        second.sinks["gold.t"].rows
    };
    assert_eq!(after(&first_with(None), |_| {}), rows(4, None));
    assert_eq!(after(&first_with(Some(Some(10))), |_| {}), rows(14, Some(7)));
    assert_eq!(after(&first_with(Some(None)), |_| {}), None);
    let by_key = |change: &mut TableCommit| change.added[0].effect = ArtifactEffect::Upsert;
    assert_eq!(after(&first_with(None), by_key), None, "what is there already decides");
    let too_many = |change: &mut TableCommit| change.removed[0].rows = 6;
    assert_eq!(after(&first_with(None), too_many), None, "2 + 3 - 6");
}

/// As [`GOLDEN`], with the definitions of its tables. A record without them is read as it was.
#[test]
fn definitions_stand_beside_tables_and_old_records_have_none() {
    let mut first = golden();
    first.define(&BTreeMap::from([("gold.t".to_string(), "f1".to_string())]), None);
    let text = serde_json::to_string(&first).unwrap();
    let definitions = r#","definitions":{"gold.t":{"fingerprint":"f1","since":7,"before":"nothing"}},"tables":"#;
    assert_eq!(text, GOLDEN.replace(r#","tables":"#, definitions));
    assert_eq!(serde_json::from_str::<Commit>(&text).unwrap(), first);
    let mut second = golden();
    second.plan.epoch = EpochId(8);
    first.link(BTreeMap::new(), &BTreeMap::new());
    second.define(&BTreeMap::from([("gold.t".to_string(), "f2".to_string())]), Some(&first));
    let changed = &second.definitions["gold.t"];
    assert_eq!((changed.since, changed.before), (EpochId(8), crate::definition::Before::Another));
    second.define(&BTreeMap::from([("gold.t".to_string(), "f2".to_string())]), Some(&golden()));
    assert_eq!(second.definitions["gold.t"].before, crate::definition::Before::Unknown);
}
