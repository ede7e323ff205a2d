//! The laws about histories: what a place does when its record is not the one that a commit expects, and when it is away or set back.

use std::collections::BTreeMap;

use epoch::{Commit, CommitId, EpochId, Owner};

use super::bed::{
    add, change, commit, commit_to, definition, has_more, id, owner, publish, seen, sees, staged, staged_by, table,
    wider, writer,
};
use super::place::SinkUnderTest;
use crate::error::{ErrorKind, SinkError};
use crate::laws::broken::{Law, fails, hold};
use crate::sink::{Content, WriterId};

/// Runs these laws over a place.
pub(super) async fn all(place: &dyn SinkUnderTest) -> Law {
    only_the_commit_after_the_record_is_taken(place).await?;
    another_history_is_refused(place).await?;
    a_zombie_is_fenced(place).await?;
    an_owner_that_was_replaced_changes_nothing(place).await?;
    an_owner_that_was_replaced_marks_nothing(place).await?;
    sweeping_spares_what_a_later_owner_has_staged(place).await?;
    a_record_is_adopted(place).await?;
    a_lost_artifact_is_found_out(place).await?;
    an_outage_is_over_when_it_is_over(place).await?;
    a_place_that_was_set_back_says_so_and_is_brought_up(place).await?;
    a_place_that_was_deleted_says_so(place).await
}

/// Refused because something cannot be true, and nothing of it is seen.
fn contradicts<T: std::fmt::Debug>(law: &'static str, result: Result<T, SinkError>) -> Law {
    let kind = result.as_ref().map_err(SinkError::kind).err();
    hold(law, kind == Some(ErrorKind::Contradiction), || format!("it was answered with {result:?}"))
}

async fn only_the_commit_after_the_record_is_taken(place: &dyn SinkUnderTest) -> Law {
    let law = "a commit is taken by a place that holds the one before it, and by no other";
    let table = table(law, place, "before").await?;
    let one = change(staged(law, &table, 1, (0, Content::Added), &[1]).await?.into_iter().collect(), Vec::new());
    contradicts(law, table.publish(owner(1), &commit_to(&table, 1, &one)).await)?;
    sees(law, &table, &[]).await?;
    add(law, &table, 0, &[0]).await?;
    let two = change(staged(law, &table, 2, (0, Content::Added), &[2]).await?.into_iter().collect(), Vec::new());
    contradicts(law, table.publish(owner(1), &commit_to(&table, 2, &two)).await)?;
    publish(law, &table, 1, &one).await?;
    publish(law, &table, 2, &two).await?;
    sees(law, &table, &[0, 1, 2]).await
}

async fn another_history_is_refused(place: &dyn SinkUnderTest) -> Law {
    let law = "an epoch of another history is another commit, whatever its number";
    let table = table(law, place, "history").await?;
    add(law, &table, 0, &[0]).await?;
    add(law, &table, 1, &[1]).await?;
    let of = |id: CommitId, before: Option<CommitId>, change: epoch::TableCommit| -> Commit {
        commit(id, before, BTreeMap::from([(table.name().to_string(), change)]))
    };
    let other = CommitId::new(EpochId(1), 77);
    let file = staged(law, &table, 1, (0, Content::Added), &[9]).await?;
    contradicts(
        law,
        table.publish(owner(2), &of(other, Some(id(0)), change(file.into_iter().collect(), vec![]))).await,
    )?;
    let file = staged(law, &table, 2, (0, Content::Added), &[9]).await?;
    let after = CommitId::new(EpochId(2), 77);
    contradicts(
        law,
        table.publish(owner(2), &of(after, Some(other), change(file.into_iter().collect(), vec![]))).await,
    )?;
    sees(law, &table, &[0, 1]).await
}

async fn a_zombie_is_fenced(place: &dyn SinkUnderTest) -> Law {
    let law = "an owner that came later fences off the earlier ones, and two runs of one term each other";
    let zombie = table(law, place, "zombie").await?;
    add(law, &zombie, 0, &[0]).await?;
    let later = table(law, place, "zombie").await?;
    let stage = async |epoch, id| -> Result<_, _> {
        let file = staged(law, &later, epoch, (0, Content::Added), &[id]).await?;
        Ok(change(file.into_iter().collect(), Vec::new()))
    };
    let one = stage(1, 1).await?;
    later.publish(owner(3), &commit_to(&later, 1, &one)).await.map_err(fails(law))?;
    let two = stage(2, 2).await?;
    contradicts(law, zombie.publish(owner(2), &commit_to(&zombie, 2, &two)).await)?;
    contradicts(law, zombie.publish(twin_of(owner(3)), &commit_to(&zombie, 2, &two)).await)?;
    sees(law, &later, &[0, 1]).await?;
    later.publish(owner(3), &commit_to(&later, 2, &two)).await.map_err(fails(law))?;
    sees(law, &later, &[0, 1, 2]).await
}

/// Another run of the same term: two copies of a machine.
fn twin_of(owner: Owner) -> Owner {
    Owner { run: 1, ..owner }
}

async fn an_owner_that_was_replaced_changes_nothing(place: &dyn SinkUnderTest) -> Law {
    let law = "an owner that was replaced neither claims, nor defines, nor sweeps";
    let zombie = table(law, place, "replaced").await?;
    add(law, &zombie, 0, &[0]).await?;
    let sink = place.open().await.map_err(fails(law))?;
    let widening = sink.open_table(&definition("replaced", wider()), &writer()).await.map_err(fails(law))?;
    let later = table(law, place, "replaced").await?;
    let one = change(staged(law, &later, 1, (0, Content::Added), &[1]).await?.into_iter().collect(), Vec::new());
    later.publish(owner(3), &commit_to(&later, 1, &one)).await.map_err(fails(law))?;
    let two = change(staged(law, &later, 2, (0, Content::Added), &[2]).await?.into_iter().collect(), Vec::new());
    for replaced in [owner(2), twin_of(owner(3))] {
        contradicts(law, zombie.adopt(replaced, id(0)).await)?;
        contradicts(law, widening.define(replaced).await)?;
        contradicts(law, zombie.sweep(replaced, Some(id(0).epoch)).await)?;
    }
    let at = later.position().await.map_err(fails(law))?;
    hold(law, (at.published, at.owner) == (Some(id(1)), owner(3)), || format!("it stands at {at:?}"))?;
    let rows = later.rows().await.map_err(fails(law))?;
    hold(law, !has_more(&rows), || "it has the column of an owner that was replaced".to_string())?;
    later.publish(owner(3), &commit_to(&later, 2, &two)).await.map_err(fails(law))?;
    sees(law, &later, &[0, 1, 2]).await?;
    later.sweep(owner(3), Some(id(2).epoch)).await.map_err(fails(law))?;
    widening.define(owner(3)).await.map_err(fails(law))
}

async fn an_owner_that_was_replaced_marks_nothing(place: &dyn SinkUnderTest) -> Law {
    let law = "an epoch is marked by no owner that was replaced";
    // The mark is a job's, and the other laws are of another job.
    let writer = WriterId { job: "laws_marked".to_string(), ..writer() };
    let sink = place.open().await.map_err(fails(law))?;
    let mark = async |owner: Owner, epoch: u64| {
        let commit = commit(id(epoch), None, BTreeMap::new());
        sink.mark_published(&writer, owner, &commit, &BTreeMap::new()).await
    };
    mark(owner(1), 1).await.map_err(fails(law))?;
    mark(owner(3), 2).await.map_err(fails(law))?;
    for replaced in [owner(1), owner(2), twin_of(owner(3))] {
        contradicts(law, mark(replaced, 9).await)?;
    }
    mark(owner(3), 3).await.map_err(fails(law))
}

async fn sweeping_spares_what_a_later_owner_has_staged(place: &dyn SinkUnderTest) -> Law {
    let law = "sweeping spares what an owner that came later has staged, which may have published nothing yet";
    let zombie = table(law, place, "spared").await?;
    add(law, &zombie, 0, &[0]).await?;
    let later = table(law, place, "spared").await?;
    let file = staged_by(owner(3), law, &later, 1, (0, Content::Added), &[1]).await?;
    staged(law, &zombie, 1, (1, Content::Added), &[9]).await?;
    zombie.sweep(owner(2), Some(id(0).epoch)).await.map_err(fails(law))?;
    let one = change(file.into_iter().collect(), Vec::new());
    later.publish(owner(3), &commit_to(&later, 1, &one)).await.map_err(fails(law))?;
    sees(law, &later, &[0, 1]).await
}

async fn a_record_is_adopted(place: &dyn SinkUnderTest) -> Law {
    let law = "a record that is adopted is gone on from, and the rows stay";
    let first = table(law, place, "adopt").await?;
    add(law, &first, 0, &[0]).await?;
    add(law, &first, 1, &[1]).await?;
    let table = table(law, place, "adopt").await?;
    table.adopt(owner(2), id(0)).await.map_err(fails(law))?;
    let at = table.position().await.map_err(fails(law))?;
    hold(law, (at.published, at.owner) == (Some(id(0)), owner(2)), || format!("it stands at {at:?}"))?;
    let file = staged(law, &table, 1, (0, Content::Added), &[5]).await?;
    let tables = BTreeMap::from([(table.name().to_string(), change(file.into_iter().collect(), Vec::new()))]);
    let other = commit(CommitId::new(EpochId(1), 77), Some(id(0)), tables);
    table.publish(owner(2), &other).await.map_err(fails(law))?;
    sees(law, &table, &[0, 1, 5]).await
}

async fn a_lost_artifact_is_found_out(place: &dyn SinkUnderTest) -> Law {
    let law = "an artifact that is lost before a restart is found out when its commit is published again";
    let before = table(law, place, "artifact").await?;
    add(law, &before, 0, &[0]).await?;
    let file = staged(law, &before, 1, (0, Content::Added), &[1]).await?;
    if let Some(file) = &file {
        place.lose_artifact(before.name(), &file.path).await.map_err(fails(law))?;
    }
    let after = table(law, place, "artifact").await?;
    let lost = change(file.into_iter().collect(), Vec::new());
    contradicts(law, after.publish(owner(2), &commit_to(&after, 1, &lost)).await)?;
    sees(law, &after, &[0]).await
}

async fn an_outage_is_over_when_it_is_over(place: &dyn SinkUnderTest) -> Law {
    let law = "while the place is away calls are unavailable and nothing is lost; afterwards they do what they should";
    let table = table(law, place, "away").await?;
    add(law, &table, 0, &[0]).await?;
    let one = change(staged(law, &table, 1, (0, Content::Added), &[1]).await?.into_iter().collect(), Vec::new());
    if !place.set_away(true) {
        return Ok(());
    }
    let away = table.publish(owner(1), &commit_to(&table, 1, &one)).await;
    let kind = away.as_ref().map_err(SinkError::kind).err();
    place.set_away(false);
    hold(law, kind == Some(ErrorKind::Unavailable), || format!("while it was away it answered {away:?}"))?;
    publish(law, &table, 1, &one).await?;
    add(law, &table, 2, &[2]).await?;
    sees(law, &table, &[0, 1, 2]).await
}

async fn a_place_that_was_set_back_says_so_and_is_brought_up(place: &dyn SinkUnderTest) -> Law {
    let law = "a place that was set back, rows and record together, says where it stands and takes what follows";
    let before = table(law, place, "back").await?;
    add(law, &before, 0, &[0]).await?;
    let one = change(staged(law, &before, 1, (0, Content::Added), &[1]).await?.into_iter().collect(), Vec::new());
    place.back_up().await.map_err(fails(law))?;
    publish(law, &before, 1, &one).await?;
    drop(before);
    place.restore().await.map_err(fails(law))?;
    let table = table(law, place, "back").await?;
    let at = table.position().await.map_err(fails(law))?;
    hold(law, at.published == Some(id(0)), || format!("it stands at {at:?}"))?;
    publish(law, &table, 1, &one).await?;
    sees(law, &table, &[0, 1]).await
}

async fn a_place_that_was_deleted_says_so(place: &dyn SinkUnderTest) -> Law {
    let law = "a table that was deleted and made anew has no record";
    place.back_up().await.map_err(fails(law))?;
    let before = table(law, place, "deleted").await?;
    add(law, &before, 0, &[0]).await?;
    drop(before);
    // The backup is older than the table.
    place.restore().await.map_err(fails(law))?;
    let table = table(law, place, "deleted").await?;
    let at = table.position().await.map_err(fails(law))?;
    hold(law, at.published.is_none(), || format!("it stands at {at:?}"))?;
    hold(law, seen(law, &table).await?.is_empty(), || "its rows are still seen".to_string())
}
