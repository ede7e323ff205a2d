//! The laws of sinks: nothing is seen before it is published, everything once afterwards, whatever was lost on the way.

use std::collections::BTreeMap;
use std::sync::Arc;

use epoch::{StagedFile, TableCommit};

use super::broken::{Law, fails, hold};
use crate::sink::{Content, Tables};
use bed::{
    add, change, commit, definition, has_more, id, owner, publish, schema, seen, sees, staged, table, wider, writer,
};

pub use place::SinkUnderTest;

mod bed;
mod history;
mod place;

/// Runs all laws over a place.
///
/// # Errors
/// The first law that does not hold.
pub async fn all(place: &dyn SinkUnderTest) -> Law {
    staged_rows_are_not_seen(place).await?;
    what_is_prepared_is_not_seen(place).await?;
    a_published_epoch_is_seen_once(place).await?;
    the_position_is_the_places_own(place).await?;
    sweeping_spares_what_is_published(place).await?;
    attempts_do_not_meet(place).await?;
    a_lost_answer_changes_nothing(place).await?;
    a_crash_at_any_point_is_repaired(place).await?;
    nothing_written_is_no_artifact(place).await?;
    columns_are_added(place).await?;
    buckets_are_replaced_whole(place).await?;
    rows_are_upserted_and_deleted_by_key(place).await?;
    tables_of_one_transaction_come_together(place).await?;
    a_lost_answer_about_several_tables_changes_nothing(place).await?;
    tables_of_an_epoch_are_marked(place).await?;
    history::all(place).await
}

async fn staged_rows_are_not_seen(place: &dyn SinkUnderTest) -> Law {
    let law = "staged rows are not seen";
    let table = table(law, place, "staged").await?;
    let file = staged(law, &table, 0, (0, Content::Added), &[1, 2]).await?;
    hold(law, file.as_ref().is_some_and(|file| file.rows == 2), || format!("two rows were staged as {file:?}"))?;
    sees(law, &table, &[]).await
}

async fn what_is_prepared_is_not_seen(place: &dyn SinkUnderTest) -> Law {
    let law = "what is prepared is not seen, and hinders nothing if its commit never comes to be";
    let first = table(law, place, "prepared").await?;
    add(law, &first, 0, &[1]).await?;
    let never = change(staged(law, &first, 1, (0, Content::Added), &[8]).await?.into_iter().collect(), Vec::new());
    let version = first.prepare_publish(owner(1), &bed::commit_to(&first, 1, &never));
    sees(law, &first, &[1]).await?;
    let second = change(staged(law, &first, 1, (0, Content::Added), &[2]).await?.into_iter().collect(), Vec::new());
    let published = publish(law, &first, 1, &second).await?;
    hold(law, version.is_none_or(|version| version == published), || {
        format!("it said that publishing would make version {version:?}, and it made {published}")
    })?;
    sees(law, &first, &[1, 2]).await
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
    publish(law, &table, 1, &second).await?;
    sees(law, &table, &[1, 2, 3]).await
}

async fn the_position_is_the_places_own(place: &dyn SinkUnderTest) -> Law {
    let law = "the position is the place's own, and never beyond what is seen";
    let first = table(law, place, "position").await?;
    let at = first.position().await.map_err(fails(law))?;
    hold(law, (at.accepted, at.published) == (None, None), || format!("a new table stands at {at:?}"))?;
    for epoch in [0_u64, 1, 2] {
        add(law, &first, epoch, &[i64::try_from(epoch).unwrap_or_default()]).await?;
        let at = first.position().await.map_err(fails(law))?;
        hold(law, at.accepted == Some(id(epoch)), || format!("after epoch {epoch} it stands at {at:?}"))?;
        hold(law, at.published <= at.accepted, || format!("published before it was accepted: {at:?}"))?;
        hold(law, at.owner == owner(1), || format!("published by {}, it says {}", owner(1), at.owner))?;
    }
    let reopened = table(law, place, "position").await?;
    let at = reopened.position().await.map_err(fails(law))?;
    hold(law, at.accepted == Some(id(2)), || format!("opened again it stands at {at:?}"))?;
    let rows = reopened.row_count().await.map_err(fails(law))?;
    hold(law, rows.is_none_or(|rows| rows == 3), || format!("three rows are seen, it counts {rows:?}"))?;
    sees(law, &reopened, &[0, 1, 2]).await
}

async fn sweeping_spares_what_is_published(place: &dyn SinkUnderTest) -> Law {
    let law = "sweeping takes away what attempts staged that were never committed, and spares what is published";
    let first = table(law, place, "sweep").await?;
    add(law, &first, 0, &[1]).await?;
    let kept = staged(law, &first, 1, (0, Content::Added), &[2]).await?;
    staged(law, &first, 2, (0, Content::Added), &[8]).await?;
    staged(law, &first, 2, (1, Content::Added), &[9]).await?;
    let table = table(law, place, "sweep").await?;
    table.sweep(owner(1), Some(id(1).epoch)).await.map_err(fails(law))?;
    table.sweep(owner(1), Some(id(1).epoch)).await.map_err(fails(law))?;
    sees(law, &table, &[1]).await?;
    // Epoch 1 was committed, and was still to be published.
    publish(law, &table, 1, &change(kept.into_iter().collect(), Vec::new())).await?;
    add(law, &table, 2, &[3]).await?;
    sees(law, &table, &[1, 2, 3]).await
}

async fn attempts_do_not_meet(place: &dyn SinkUnderTest) -> Law {
    let law = "two attempts at an epoch do not meet: each has artifacts of its own";
    let first = table(law, place, "again").await?;
    let before = staged(law, &first, 0, (0, Content::Added), &[1, 2, 3]).await?;
    let second = table(law, place, "again").await?;
    let after = staged(law, &second, 0, (0, Content::Added), &[4]).await?;
    let names = |file: &Option<StagedFile>| file.as_ref().map(|file| file.path.clone());
    hold(law, names(&before) != names(&after), || format!("{before:?}, then {after:?}"))?;
    publish(law, &second, 0, &change(after.into_iter().collect(), Vec::new())).await?;
    sees(law, &second, &[4]).await
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
    if table.publish(owner(1), &bed::commit_to(&table, 1, &second)).await.is_err() {
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
    // The chain of the table begins with the first commit that changes it.
    let tables = BTreeMap::from([(table.name().to_string(), one)]);
    table.publish(owner(1), &commit(id(1), None, tables)).await.map_err(fails(law))?;
    sees(law, &table, &[1]).await
}

async fn columns_are_added(place: &dyn SinkUnderTest) -> Law {
    let law =
        "new columns are added when the table is defined and not before, and rows that were there have NULL in them";
    let before = table(law, place, "columns").await?;
    let first = change(staged(law, &before, 0, (0, Content::Added), &[1]).await?.into_iter().collect(), Vec::new());
    publish(law, &before, 0, &first).await?;
    let sink = place.open().await.map_err(fails(law))?;
    let definition = definition("columns", wider());
    let after = sink.open_table(&definition, &writer()).await.map_err(fails(law))?;
    let early = before.rows().await.map_err(fails(law))?;
    hold(law, !has_more(&early), || "the column is there before it was defined".to_string())?;
    after.define(owner(1)).await.map_err(fails(law))?;
    after.define(owner(1)).await.map_err(fails(law))?;
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
        let failed = sink.publish(&writer(), owner(1), &tables, &commit(id(0), None, of([&first, &lost]))).await;
        hold(law, failed.is_err(), || "an artifact is lost, and nothing was said".to_string())?;
        sees(law, &one, &[]).await?;
    }
    for _ in 0..2 {
        sink.publish(&writer(), owner(1), &tables, &commit(id(0), None, of([&first, &second])))
            .await
            .map_err(fails(law))?;
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
        let commit = commit(id(epoch), epoch.checked_sub(1).map(id), changes);
        if sink.publish(&writer(), owner(1), &tables, &commit).await.is_err() {
            sink.publish(&writer(), owner(1), &tables, &commit).await.map_err(fails(law))?;
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
    let versions = BTreeMap::from([(definition("once", schema()).name, 1)]);
    for _ in 0..2 {
        let commit = commit(id(1), None, BTreeMap::new());
        sink.mark_published(&writer(), owner(1), &commit, &versions).await.map_err(fails(law))?;
    }
    Ok(())
}
