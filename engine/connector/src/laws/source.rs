//! The laws of sources: what was planned is read, the same again after a crash, and nothing is skipped in silence.

use std::collections::BTreeMap;
use std::sync::Arc;

use epoch::{Positions, SourcePlan, Split, SplitRange};

use super::broken::{Broken, Law, fails, hold};
use crate::source::{PlanRequest, ReadLimit, ReaderOptions, Source, SourcePlanner, SourceReader};

/// A source that the laws can send records to.
pub trait SourceUnderTest {
    /// Opens the source anew over the same place, as a process that has just started does.
    ///
    /// # Errors
    /// What the place says.
    fn open(&self) -> Result<Arc<dyn Source>, String>;

    /// Appends records to one of two splits (0 and 1), which are there from the beginning; returns once they can be read.
    ///
    /// # Errors
    /// What the place says.
    fn append(&self, split: i32, values: &[String]) -> Result<(), String>;
}

const BUFFER_BYTES: usize = 8 << 20;

fn planner(law: &'static str, place: &dyn SourceUnderTest) -> Result<Box<dyn SourcePlanner>, Broken> {
    place.open().map_err(fails(law))?.planner(&Arc::default()).map_err(fails(law))
}

fn reader(law: &'static str, place: &dyn SourceUnderTest) -> Result<Box<dyn SourceReader>, Broken> {
    let options = ReaderOptions { lane: 0, buffer_bytes: BUFFER_BYTES, stop: Arc::default() };
    place.open().map_err(fails(law))?.reader(&options).map_err(fails(law))
}

fn plan(
    law: &'static str,
    planner: &mut dyn SourcePlanner,
    position: Option<&Positions>,
    records_max: Option<u64>,
) -> Result<SourcePlan, Broken> {
    planner
        .plan(&PlanRequest { position, identity: None, reported: &[], records_max, is_bounded: false })
        .map_err(fails(law))
}

fn end(plan: &SourcePlan) -> Positions {
    plan.ranges.iter().map(|(split, range)| (split, range.until.clone())).collect()
}

/// The values that a plan reads, by split; `records_max` at a time.
fn read(
    law: &'static str,
    reader: &mut dyn SourceReader,
    plan: &SourcePlan,
    records_max: u64,
) -> Result<BTreeMap<Split, Vec<(i64, String)>>, Broken> {
    read_within(law, reader, plan, ReadLimit::records(records_max))
}

/// The values that a plan reads, by split; so many at a time as the limit says.
fn read_within(
    law: &'static str,
    reader: &mut dyn SourceReader,
    plan: &SourcePlan,
    limit: ReadLimit,
) -> Result<BTreeMap<Split, Vec<(i64, String)>>, Broken> {
    let ranges: Vec<(Split, SplitRange)> = plan.ranges.iter().map(|(split, range)| (split, range.clone())).collect();
    reader.assign(&ranges).map_err(fails(law))?;
    let mut all: BTreeMap<Split, Vec<(i64, String)>> = BTreeMap::new();
    for (split, _) in &ranges {
        let values = all.entry(split.clone()).or_default();
        loop {
            let progress = reader
                .read(split, limit, &mut |record| {
                    let value = String::from_utf8_lossy(record.value.unwrap_or_default()).into_owned();
                    values.push((record.offset, value));
                })
                .map_err(fails(law))?;
            hold(law, progress.gaps.is_empty(), || format!("records are gone: {:?}", progress.gaps))?;
            if progress.is_complete {
                break;
            }
        }
        let is_ordered = values.windows(2).all(|pair| pair[0].0 < pair[1].0);
        hold(law, is_ordered, || format!("{split} is not read in order: {values:?}"))?;
    }
    Ok(all)
}

fn values(read: &BTreeMap<Split, Vec<(i64, String)>>) -> Vec<String> {
    let mut values: Vec<String> = read.values().flatten().map(|(_, value)| value.clone()).collect();
    values.sort();
    values
}

fn numbered(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}{number:04}")).collect()
}

/// Runs all laws over a source without records.
///
/// # Errors
/// The first law that does not hold.
pub fn all(place: &dyn SourceUnderTest) -> Law {
    let mut sent = an_empty_source_is_planned(place)?;
    sent.extend(what_is_planned_is_read_once(place)?);
    a_plan_is_read_again_alike(place)?;
    a_reader_reads_in_small_steps(place)?;
    a_limit_is_kept_and_nothing_is_skipped(place, &sent)?;
    positions_outlive_the_process(place)?;
    a_bounded_run_ends(place)
}

fn an_empty_source_is_planned(place: &dyn SourceUnderTest) -> Result<Vec<String>, Broken> {
    let law = "a source without records has a plan without records, which holds its positions";
    let mut planner = planner(law, place)?;
    let empty = plan(law, planner.as_mut(), None, None)?;
    hold(law, !empty.has_records() && empty.ranges.len() == 2, || format!("the plan is {empty:?}"))?;
    hold(law, planner.span(&empty) == 0 && planner.lag(&empty) == 0, || "it spans records".to_string())?;
    let read = read(law, reader(law, place)?.as_mut(), &empty, 10)?;
    hold(law, values(&read).is_empty(), || format!("it gives {read:?}"))?;
    Ok(Vec::new())
}

fn what_is_planned_is_read_once(place: &dyn SourceUnderTest) -> Result<Vec<String>, Broken> {
    let law = "what is planned is read, once";
    let sent = numbered("a", 40);
    place.append(0, &sent[..30]).and_then(|()| place.append(1, &sent[30..])).map_err(fails(law))?;
    let mut planner = planner(law, place)?;
    let first = plan(law, planner.as_mut(), None, None)?;
    hold(law, planner.span(&first) >= 40, || format!("{} records are 40", planner.span(&first)))?;
    let got = values(&read(law, reader(law, place)?.as_mut(), &first, 1_000)?);
    hold(law, got == sent, || format!("{} values are read: {got:?}", got.len()))?;
    let next = plan(law, planner.as_mut(), Some(&end(&first)), None)?;
    hold(law, !next.has_records(), || format!("after all was read there is {next:?}"))?;
    let later = numbered("b", 5);
    place.append(1, &later).map_err(fails(law))?;
    let next = plan(law, planner.as_mut(), Some(&end(&first)), None)?;
    let got = values(&read(law, reader(law, place)?.as_mut(), &next, 1_000)?);
    hold(law, got == later, || format!("what came later is read as {got:?}"))?;
    Ok(sent.into_iter().chain(later).collect())
}

fn a_plan_is_read_again_alike(place: &dyn SourceUnderTest) -> Law {
    let law = "a plan that is read again gives the same records in the same order";
    let stored = plan(law, planner(law, place)?.as_mut(), None, Some(17))?;
    // The plan as a restart finds it, after more has come.
    place.append(0, &["late".to_string()]).map_err(fails(law))?;
    let before = read(law, reader(law, place)?.as_mut(), &stored, 1_000)?;
    let after = read(law, reader(law, place)?.as_mut(), &stored, 1_000)?;
    hold(law, before == after, || format!("{before:?}, then {after:?}"))?;
    let mut same = reader(law, place)?;
    let first = read(law, same.as_mut(), &stored, 1_000)?;
    let second = read(law, same.as_mut(), &stored, 1_000)?;
    hold(law, first == second && first == before, || "one reader gives another answer the second time".to_string())
}

fn a_reader_reads_in_small_steps(place: &dyn SourceUnderTest) -> Law {
    let law = "how much is read at a time changes nothing";
    let all = plan(law, planner(law, place)?.as_mut(), None, None)?;
    let at_once = read(law, reader(law, place)?.as_mut(), &all, u64::MAX)?;
    let in_steps = read(law, reader(law, place)?.as_mut(), &all, 3)?;
    hold(law, at_once == in_steps, || format!("{at_once:?} at once, {in_steps:?} in steps"))?;
    let limit = ReadLimit { records: u64::MAX, bytes: 1 };
    let by_bytes = read_within(law, reader(law, place)?.as_mut(), &all, limit)?;
    hold(law, at_once == by_bytes, || format!("{at_once:?} at once, {by_bytes:?} one by one"))
}

fn a_limit_is_kept_and_nothing_is_skipped(place: &dyn SourceUnderTest, sent: &[String]) -> Law {
    let law = "epochs with a limit read everything, bit by bit";
    let mut expected: Vec<String> = sent.iter().cloned().chain(["late".to_string()]).collect();
    expected.sort();
    let (mut planner, mut reader) = (planner(law, place)?, reader(law, place)?);
    let (mut position, mut got) = (None, Vec::new());
    for _ in 0..expected.len() + 1 {
        let next = plan(law, planner.as_mut(), position.as_ref(), Some(7))?;
        // A split never starves, so a plan may pass the limit by less than one record a split.
        hold(law, planner.span(&next) < 7 + 2, || format!("a limit of 7 gives {}", planner.span(&next)))?;
        if !next.has_records() {
            break;
        }
        got.extend(values(&read(law, reader.as_mut(), &next, 1_000)?));
        position = Some(end(&next));
    }
    got.sort();
    hold(law, got == expected, || format!("{} of {} values are read", got.len(), expected.len()))
}

fn positions_outlive_the_process(place: &dyn SourceUnderTest) -> Law {
    let law = "a position goes on where it stood, in another process";
    let first = plan(law, planner(law, place)?.as_mut(), None, Some(9))?;
    let text = format!("{:?}", end(&first));
    let rest = plan(law, planner(law, place)?.as_mut(), Some(&end(&first)), None)?;
    for (split, range) in first.ranges.iter() {
        let next = rest.ranges.get(&split);
        let joins = next.is_some_and(|next| next.from == range.until);
        hold(law, joins, || format!("{split} goes on at {next:?} after {text}"))?;
    }
    planner(law, place)?.acknowledge(&end(&first));
    let again = plan(law, planner(law, place)?.as_mut(), None, Some(9))?;
    hold(law, again.ranges == first.ranges, || "what was acknowledged was read back".to_string())
}

fn a_bounded_run_ends(place: &dyn SourceUnderTest) -> Law {
    let law = "a bounded run reads what was there when it began";
    let mut planner = planner(law, place)?;
    let request =
        |position| PlanRequest { position, identity: None, reported: &[], records_max: None, is_bounded: true };
    let first = planner.plan(&request(None)).map_err(fails(law))?;
    place.append(0, &numbered("c", 3)).map_err(fails(law))?;
    let position = end(&first);
    let next = planner.plan(&request(Some(&position))).map_err(fails(law))?;
    hold(law, !next.has_records(), || format!("it goes on with {next:?}"))
}
