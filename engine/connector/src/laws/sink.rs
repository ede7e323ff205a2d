//! The laws of sinks: nothing is seen before it is published, everything once afterwards, whatever was lost on the way.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use async_trait::async_trait;
use epoch::{EpochId, RowCounts, StagedFile, TableCommit};

use super::broken::{Broken, Law, fails, hold};
use crate::error::SinkError;
use crate::sink::{Content, Sink, SinkTable, TableDefinition, Tables, WriterId};

/// A sink that can be opened again and again over one place, and disturbed. The place must not have tables of an earlier run of
/// the laws, whose names are fixed (`laws.rows_…`): give each run a folder, a prefix, a database of its own.
#[async_trait]
pub trait SinkUnderTest: Send + Sync {
    /// Opens the sink anew over the same place, as a process that has just started does.
    ///
    /// # Errors
    /// The place's.
    async fn open(&self) -> Result<Arc<dyn Sink>, SinkError>;

    /// The next call that would change what readers see is done, but its answer is lost. Returns false if the place has no
    /// answers that could be lost (memory); the laws about them are passed over then.
    fn lose_next_answer(&self) -> bool;

    /// Number of answers that were lost.
    fn answers_lost(&self) -> u32;
}

const TABLE: &str = "laws.rows";

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, true), Field::new("name", DataType::Utf8, true)]))
}

fn rows(ids: &[i64]) -> RecordBatch {
    let names = StringArray::from_iter_values(ids.iter().map(|id| format!("row {id}")));
    let columns = vec![Arc::new(Int64Array::from(ids.to_vec())) as _, Arc::new(names) as _];
    RecordBatch::try_new(schema(), columns).unwrap_or_else(|_| RecordBatch::new_empty(schema()))
}

fn writer() -> WriterId {
    WriterId { job: "laws".to_string(), job_id: "1a2b3c4d".to_string() }
}

fn definition(name: &str, schema: SchemaRef) -> TableDefinition {
    TableDefinition { name: format!("{TABLE}_{name}"), schema, key: vec!["id".to_string()] }
}

/// A table with a name of its own, so that laws do not meet each other's rows.
async fn table(law: &'static str, place: &dyn SinkUnderTest, name: &str) -> Result<Arc<dyn SinkTable>, Broken> {
    let sink = place.open().await.map_err(fails(law))?;
    let definition = definition(name, schema());
    sink.open_table(&definition, &writer()).await.map_err(fails(law))
}

/// Stages rows. On a thread of its own: a sink may wait for its uploads there.
async fn staged(
    law: &'static str,
    table: &Arc<dyn SinkTable>,
    epoch: u64,
    (number, content): (u32, Content),
    ids: &[i64],
) -> Result<Option<StagedFile>, Broken> {
    let (table, ids) = (Arc::clone(table), ids.to_vec());
    let stage = move || -> Result<Option<StagedFile>, SinkError> {
        let mut writer = table.stage(EpochId(epoch), number, content)?;
        if !ids.is_empty() {
            writer.write(&rows(&ids))?;
        }
        writer.finish()
    };
    let (send, receive) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        // The law waits for it.
        let _ = send.send(stage());
    });
    // Looked at in between, so that a runtime of one thread can serve the upload.
    let result = loop {
        match receive.try_recv() {
            Ok(result) => break result,
            Err(std::sync::mpsc::TryRecvError::Empty) => yield_now().await,
            Err(std::sync::mpsc::TryRecvError::Disconnected) => {
                return Err(Broken { law, seen: "staging ended without a result".to_string() });
            }
        }
    };
    // It has sent its last word.
    let _ = thread.join();
    result.map_err(fails(law))
}

/// Lets other work of the runtime go on.
async fn yield_now() {
    let mut is_done = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut is_done, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

fn change(added: Vec<StagedFile>, removed: Vec<StagedFile>) -> TableCommit {
    TableCommit { added, removed, counts: RowCounts::default() }
}

/// The ids that a reader sees, sorted.
async fn seen(law: &'static str, table: &Arc<dyn SinkTable>) -> Result<Vec<i64>, Broken> {
    let batches = table.rows().await.map_err(fails(law))?;
    let mut ids: Vec<i64> = Vec::new();
    for batch in &batches {
        let column = batch.column_by_name("id").and_then(|column| column.as_primitive_opt::<Int64Type>());
        ids.extend(column.into_iter().flat_map(|column| column.iter().flatten()));
    }
    ids.sort_unstable();
    Ok(ids)
}

async fn sees(law: &'static str, table: &Arc<dyn SinkTable>, expected: &[i64]) -> Law {
    let found = seen(law, table).await?;
    hold(law, found == expected, || format!("readers see {found:?}, not {expected:?}"))
}

async fn publish(
    law: &'static str,
    table: &Arc<dyn SinkTable>,
    epoch: u64,
    change: &TableCommit,
) -> Result<i64, Broken> {
    table.publish(EpochId(epoch), change).await.map_err(fails(law))
}

/// Runs all laws over a place.
///
/// # Errors
/// The first law that does not hold.
pub async fn all(place: &dyn SinkUnderTest) -> Law {
    staged_rows_are_not_seen(place).await?;
    a_published_epoch_is_seen_once(place).await?;
    the_position_is_the_places_own(place).await?;
    discarding_spares_what_is_published(place).await?;
    an_epoch_run_again_replaces_its_own_artifacts(place).await?;
    a_lost_answer_changes_nothing(place).await?;
    a_crash_at_any_point_is_repaired(place).await?;
    nothing_written_is_no_artifact(place).await?;
    columns_are_added(place).await?;
    buckets_are_replaced_whole(place).await?;
    rows_are_upserted_and_deleted_by_key(place).await?;
    tables_of_one_transaction_come_together(place).await?;
    a_lost_answer_about_several_tables_changes_nothing(place).await?;
    tables_of_an_epoch_are_marked(place).await
}

async fn staged_rows_are_not_seen(place: &dyn SinkUnderTest) -> Law {
    let law = "staged rows are not seen";
    let table = table(law, place, "staged").await?;
    let file = staged(law, &table, 0, (0, Content::Added), &[1, 2]).await?;
    hold(law, file.as_ref().is_some_and(|file| file.rows == 2), || format!("two rows were staged as {file:?}"))?;
    sees(law, &table, &[]).await
}

async fn a_published_epoch_is_seen_once(place: &dyn SinkUnderTest) -> Law {
    let law = "a published epoch is seen once, however often it is published";
    let table = table(law, place, "once").await?;
    let first = change(staged(law, &table, 0, (0, Content::Added), &[1, 2]).await?.into_iter().collect(), Vec::new());
    let version = publish(law, &table, 0, &first).await?;
    sees(law, &table, &[1, 2]).await?;
    let again = publish(law, &table, 0, &first).await?;
    hold(law, again == version, || format!("version {again} after {version}"))?;
    let second = change(staged(law, &table, 1, (0, Content::Added), &[3]).await?.into_iter().collect(), Vec::new());
    publish(law, &table, 1, &second).await?;
    publish(law, &table, 0, &first).await?;
    sees(law, &table, &[1, 2, 3]).await
}

async fn the_position_is_the_places_own(place: &dyn SinkUnderTest) -> Law {
    let law = "the position is the place's own, and never beyond what is seen";
    let first = table(law, place, "position").await?;
    let at = first.position().await.map_err(fails(law))?;
    hold(law, (at.accepted, at.published) == (None, None), || format!("a new table stands at {at:?}"))?;
    for epoch in [0_u64, 1, 2] {
        let ids = [i64::try_from(epoch).unwrap_or_default()];
        let added = staged(law, &first, epoch, (0, Content::Added), &ids).await?.into_iter().collect();
        publish(law, &first, epoch, &change(added, Vec::new())).await?;
        let at = first.position().await.map_err(fails(law))?;
        hold(law, at.accepted == Some(EpochId(epoch)), || format!("after epoch {epoch} it stands at {at:?}"))?;
        hold(law, at.published <= at.accepted, || format!("published before it was accepted: {at:?}"))?;
    }
    let reopened = table(law, place, "position").await?;
    let at = reopened.position().await.map_err(fails(law))?;
    hold(law, at.accepted == Some(EpochId(2)), || format!("opened again it stands at {at:?}"))?;
    sees(law, &reopened, &[0, 1, 2]).await
}

async fn discarding_spares_what_is_published(place: &dyn SinkUnderTest) -> Law {
    let law = "discarding takes away what an epoch staged, and spares what is published";
    let first = table(law, place, "discard").await?;
    let kept = change(staged(law, &first, 0, (0, Content::Added), &[1]).await?.into_iter().collect(), Vec::new());
    publish(law, &first, 0, &kept).await?;
    staged(law, &first, 1, (0, Content::Added), &[8]).await?;
    staged(law, &first, 1, (1, Content::Added), &[9]).await?;
    let table = table(law, place, "discard").await?;
    table.discard(EpochId(1)).await.map_err(fails(law))?;
    table.discard(EpochId(0)).await.map_err(fails(law))?;
    table.discard(EpochId(7)).await.map_err(fails(law))?;
    sees(law, &table, &[1]).await?;
    let next = change(staged(law, &table, 1, (0, Content::Added), &[2]).await?.into_iter().collect(), Vec::new());
    publish(law, &table, 1, &next).await?;
    sees(law, &table, &[1, 2]).await
}

async fn an_epoch_run_again_replaces_its_own_artifacts(place: &dyn SinkUnderTest) -> Law {
    let law = "an epoch that is run again gives the same artifacts";
    let first = table(law, place, "again").await?;
    let before = staged(law, &first, 0, (0, Content::Added), &[1, 2, 3]).await?;
    let second = table(law, place, "again").await?;
    let after = staged(law, &second, 0, (0, Content::Added), &[1, 2, 3]).await?;
    hold(law, before == after, || format!("{before:?}, then {after:?}"))?;
    publish(law, &second, 0, &change(after.into_iter().collect(), Vec::new())).await?;
    sees(law, &second, &[1, 2, 3]).await
}

async fn a_lost_answer_changes_nothing(place: &dyn SinkUnderTest) -> Law {
    let law = "an answer that is lost changes nothing";
    let table = table(law, place, "lost").await?;
    let first = change(staged(law, &table, 0, (0, Content::Added), &[1]).await?.into_iter().collect(), Vec::new());
    publish(law, &table, 0, &first).await?;
    let second = change(staged(law, &table, 1, (0, Content::Added), &[2]).await?.into_iter().collect(), Vec::new());
    let before = place.answers_lost();
    if !place.lose_next_answer() {
        return publish(law, &table, 1, &second).await.map(|_| ());
    }
    // Whether the sink looks for itself or says that it does not know: doing it again must do it once.
    if table.publish(EpochId(1), &second).await.is_err() {
        publish(law, &table, 1, &second).await?;
    }
    hold(law, place.answers_lost() > before, || "no answer was lost: the law tested nothing".to_string())?;
    sees(law, &table, &[1, 2]).await?;
    let third = change(staged(law, &table, 2, (0, Content::Added), &[3]).await?.into_iter().collect(), Vec::new());
    publish(law, &table, 2, &third).await?;
    sees(law, &table, &[1, 2, 3]).await
}

async fn a_crash_at_any_point_is_repaired(place: &dyn SinkUnderTest) -> Law {
    let law = "a crash at any point is repaired by what a restart does";
    for (point, name) in ["staged", "staged twice", "published", "published twice"].iter().enumerate() {
        let before = table(law, place, &format!("crash_{point}")).await?;
        let file = staged(law, &before, 0, (0, Content::Added), &[1, 2]).await?;
        let commit = change(file.into_iter().collect(), Vec::new());
        if point == 1 {
            staged(law, &before, 0, (0, Content::Added), &[1, 2]).await?;
        }
        for _ in 1..point {
            publish(law, &before, 0, &commit).await?;
        }
        drop(before);
        // The restart: the commit is on record, so it is published again.
        let after = table(law, place, &format!("crash_{point}")).await?;
        publish(law, &after, 0, &commit).await?;
        let found = seen(law, &after).await?;
        hold(law, found == [1, 2], || format!("after a crash when it was {name}, readers see {found:?}"))?;
    }
    Ok(())
}

async fn nothing_written_is_no_artifact(place: &dyn SinkUnderTest) -> Law {
    let law = "nothing written is no artifact, and an epoch without rows changes nothing";
    let table = table(law, place, "empty").await?;
    let file = staged(law, &table, 0, (0, Content::Added), &[]).await?;
    hold(law, file.is_none(), || format!("no rows were staged as {file:?}"))?;
    publish(law, &table, 0, &TableCommit::default()).await?;
    let one = change(staged(law, &table, 1, (0, Content::Added), &[1]).await?.into_iter().collect(), Vec::new());
    publish(law, &table, 1, &one).await?;
    sees(law, &table, &[1]).await
}

async fn columns_are_added(place: &dyn SinkUnderTest) -> Law {
    let law = "new columns are added, and rows that were there have NULL in them";
    let before = table(law, place, "columns").await?;
    let first = change(staged(law, &before, 0, (0, Content::Added), &[1]).await?.into_iter().collect(), Vec::new());
    publish(law, &before, 0, &first).await?;
    let wider = Schema::new(
        schema()
            .fields()
            .iter()
            .cloned()
            .chain([Arc::new(Field::new("more", DataType::Int64, true))])
            .collect::<Vec<_>>(),
    );
    let sink = place.open().await.map_err(fails(law))?;
    let definition = definition("columns", Arc::new(wider));
    let after = sink.open_table(&definition, &writer()).await.map_err(fails(law))?;
    hold(law, after.schema().index_of("more").is_ok(), || format!("its columns are {:?}", after.schema()))?;
    let second = change(staged(law, &after, 1, (0, Content::Added), &[2]).await?.into_iter().collect(), Vec::new());
    publish(law, &after, 1, &second).await?;
    sees(law, &after, &[1, 2]).await?;
    let batches = after.rows().await.map_err(fails(law))?;
    let all_null = batches
        .iter()
        .all(|batch| batch.column_by_name("more").is_some_and(|column| column.null_count() == column.len()));
    hold(law, all_null, || "the added column is not there, or holds something".to_string())
}

async fn buckets_are_replaced_whole(place: &dyn SinkUnderTest) -> Law {
    let law = "a bucket is replaced whole: no reader sees both, or neither";
    let sink = place.open().await.map_err(fails(law))?;
    if !sink.capabilities().replace_buckets {
        return Ok(());
    }
    let table = table(law, place, "buckets").await?;
    let first = staged(law, &table, 0, (1_000, Content::Bucket(60)), &[1, 2]).await?;
    let other = staged(law, &table, 0, (1_001, Content::Bucket(120)), &[7]).await?;
    let added = first.iter().chain(&other).cloned().collect();
    publish(law, &table, 0, &change(added, Vec::new())).await?;
    sees(law, &table, &[1, 2, 7]).await?;
    let replaced = staged(law, &table, 1, (1_000, Content::Bucket(60)), &[1, 2, 3]).await?;
    let commit = change(replaced.clone().into_iter().collect(), first.into_iter().collect());
    publish(law, &table, 1, &commit).await?;
    publish(law, &table, 1, &commit).await?;
    sees(law, &table, &[1, 2, 3, 7]).await?;
    publish(law, &table, 2, &change(Vec::new(), replaced.into_iter().collect())).await?;
    sees(law, &table, &[7]).await
}

async fn rows_are_upserted_and_deleted_by_key(place: &dyn SinkUnderTest) -> Law {
    let law = "a row that is upserted takes the place of the one with its key, and a key that is deleted goes, once";
    let sink = place.open().await.map_err(fails(law))?;
    let capabilities = sink.capabilities();
    if !(capabilities.upsert && capabilities.delete) {
        return Ok(());
    }
    let table = table(law, place, "upserts").await?;
    let first = staged(law, &table, 0, (0, Content::Upserted), &[1, 2, 3]).await?;
    publish(law, &table, 0, &change(first.into_iter().collect(), Vec::new())).await?;
    sees(law, &table, &[1, 2, 3]).await?;
    let changed = staged(law, &table, 1, (0, Content::Upserted), &[2, 4]).await?;
    let gone = staged(law, &table, 1, (1, Content::Deleted), &[3, 9]).await?;
    let commit = change(changed.into_iter().chain(gone).collect(), Vec::new());
    sees(law, &table, &[1, 2, 3]).await?;
    publish(law, &table, 1, &commit).await?;
    sees(law, &table, &[1, 2, 4]).await?;
    publish(law, &table, 1, &commit).await?;
    sees(law, &table, &[1, 2, 4]).await
}

async fn tables_of_one_transaction_come_together(place: &dyn SinkUnderTest) -> Law {
    let law = "the tables of one transaction become visible together, or none of them";
    let sink = place.open().await.map_err(fails(law))?;
    let (one, other) = (table(law, place, "together_a").await?, table(law, place, "together_b").await?);
    let first = staged(law, &one, 0, (0, Content::Added), &[1]).await?;
    let second = staged(law, &other, 0, (0, Content::Added), &[2]).await?;
    let tables: Tables =
        [&one, &other].map(|table| (table.name().to_string(), Arc::clone(table))).into_iter().collect();
    let of = |files: [&Option<StagedFile>; 2]| -> BTreeMap<String, TableCommit> {
        let changes = files.map(|file| change(file.iter().cloned().collect(), Vec::new()));
        tables.keys().cloned().zip(changes).collect()
    };
    if sink.capabilities().transaction_over_tables {
        // The second table's artifact is lost, so its part of the epoch cannot be published, nor may the first one's be.
        let lost = second.clone().map(|file| StagedFile { path: format!("{}-lost", file.path), ..file });
        let failed = sink.publish(&writer(), EpochId(0), &tables, &of([&first, &lost])).await;
        hold(law, failed.is_err(), || "an artifact is lost, and nothing was said".to_string())?;
        sees(law, &one, &[]).await?;
    }
    for _ in 0..2 {
        sink.publish(&writer(), EpochId(0), &tables, &of([&first, &second])).await.map_err(fails(law))?;
        sees(law, &one, &[1]).await?;
        sees(law, &other, &[2]).await?;
    }
    Ok(())
}

/// As [`a_lost_answer_changes_nothing`], the way that a run publishes: a sink with one transaction has another path for it.
async fn a_lost_answer_about_several_tables_changes_nothing(place: &dyn SinkUnderTest) -> Law {
    let law = "an answer that is lost about several tables changes nothing";
    let sink = place.open().await.map_err(fails(law))?;
    let (one, other) = (table(law, place, "answered_a").await?, table(law, place, "answered_b").await?);
    let tables: Tables =
        [&one, &other].map(|table| (table.name().to_string(), Arc::clone(table))).into_iter().collect();
    for (epoch, loses) in [(0, false), (1, true)] {
        let mut changes = BTreeMap::new();
        for (offset, (name, table)) in tables.iter().enumerate() {
            let id = i64::try_from(epoch * 2).unwrap_or_default() + i64::try_from(offset).unwrap_or_default();
            let file = staged(law, table, epoch, (0, Content::Added), &[id]).await?;
            changes.insert(name.clone(), change(file.into_iter().collect(), Vec::new()));
        }
        let before = place.answers_lost();
        let is_lost = loses && place.lose_next_answer();
        if sink.publish(&writer(), EpochId(epoch), &tables, &changes).await.is_err() {
            sink.publish(&writer(), EpochId(epoch), &tables, &changes).await.map_err(fails(law))?;
        }
        let lost = place.answers_lost() > before;
        hold(law, lost || !is_lost, || "no answer was lost: the law tested nothing".to_string())?;
    }
    sees(law, &one, &[0, 2]).await?;
    sees(law, &other, &[1, 3]).await
}

async fn tables_of_an_epoch_are_marked(place: &dyn SinkUnderTest) -> Law {
    let law = "an epoch is marked as often as one likes";
    let sink = place.open().await.map_err(fails(law))?;
    let versions = BTreeMap::from([(format!("{TABLE}_once"), 1)]);
    for _ in 0..2 {
        sink.mark_published(&writer(), EpochId(1), &versions).await.map_err(fails(law))?;
    }
    Ok(())
}
