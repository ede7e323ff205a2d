//! The part that has memory: takes in rows, runs the plan over the partitions that they belong to, before and after.

use std::ops::Range;
use std::sync::Arc;

use super::port::{Port, PortShard, StoredRows};
use super::spec::RecomputeSpec;
use crate::OperatorError;
use crate::block_changes::BlockChanges;
use crate::block_source::BlockSource;
use crate::by_hash::ByHash;
use crate::change::{Change, Sign};
use crate::cut::{batch_bytes, runs};
use crate::emission::Emission;
use crate::epoch_time::EpochTime;
use crate::first_emission::FirstEmission;
use crate::keyed::{KeyedInput, ShardInput, shard_of_key};
use crate::metrics::StateMetrics;
use crate::multiset::{changes, count, row_hashes, take_out};
use crate::operator::{LanePart, Operator, Task};
use crate::store::Store;
use crate::stored::Stored;
use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use state::KeyPartitioning;

/// The operator with its state.
#[derive(Debug)]
pub(super) struct Recompute {
    spec: Arc<RecomputeSpec>,
    ports: Vec<Port>,
    partitioning: KeyPartitioning,
    /// Only if the plan has a result over no rows.
    first_emission: Option<FirstEmission>,
    input: KeyedInput,
}

/// One shard of a task: its rows at every port, and the partitions that the epoch brought rows for, in order of their first row.
struct Work<'a> {
    number: u8,
    ports: Vec<PortShard<'a>>,
    touched: Vec<u128>,
}

impl Recompute {
    pub(super) fn open(spec: Arc<RecomputeSpec>, stored: Stored) -> Recompute {
        let Stored { blocks, partitioning, budget, .. } = stored;
        let mut blocks = blocks.into_iter();
        let open = |(port, store)| {
            let store = Store::open(store, blocks.next().unwrap_or_default(), Arc::clone(&budget));
            Port::new(port, spec.forgotten_after_us, store)
        };
        let ports = spec.ports.iter().zip(spec.store_specs()).map(open).collect();
        let first_emission = spec.emits_when_empty.then(|| {
            FirstEmission::open(&spec.name, blocks.next().unwrap_or_default(), partitioning, Arc::clone(&budget))
        });
        Recompute { spec, ports, partitioning, first_emission, input: KeyedInput::default() }
    }

    /// True until a result over no rows was emitted.
    fn is_first(&self) -> bool {
        self.first_emission.as_ref().is_some_and(|first_emission| !first_emission.has_emitted())
    }

    fn any_due(&self, time: &EpochTime) -> bool {
        self.ports.iter().any(|port| port.store.any_due(time))
    }

    /// Locks the shards of a task in which there is something to do.
    fn work(&self, task: Task, time: &EpochTime, committed: &dyn BlockSource) -> Result<Vec<Work<'_>>, OperatorError> {
        let mut work = Vec::new();
        for number in KeyedInput::shards_of(task) {
            let mut seen = ByHash::default();
            let mut touched = Vec::new();
            for key in self.input.of_shard(number).flat_map(|part| part.keys) {
                if seen.insert(*key, ()).is_none() {
                    touched.push(*key);
                }
            }
            if !touched.is_empty() || self.ports.iter().any(|port| port.store.is_due(number, time)) {
                let ports =
                    self.ports.iter().map(|port| port.shard(number, time, committed)).collect::<Result<_, _>>()?;
                work.push(Work { number, ports, touched });
            }
        }
        Ok(work)
    }

    /// Shards of a task whose rows can be put together: all of them, unless rows are huge. What a partition's rows come to does not depend
    /// on those of others.
    fn groups(&self, work: &[Work<'_>], time: &EpochTime) -> Result<Vec<Range<usize>>, OperatorError> {
        let mut sizes = Vec::with_capacity(work.len());
        for shard in work {
            let arriving: usize = self.input.of_shard(shard.number).map(|part| batch_bytes(&part.rows)).sum();
            let kept = shard.ports.iter().map(|port| port.bytes(&shard.touched, time)).sum::<Result<usize, _>>()?;
            sizes.push(arriving + kept);
        }
        let mut groups = runs(sizes.into_iter(), usize::MAX);
        // A plan that has a result over no rows has it once, also if no shard has anything to do.
        if groups.is_empty() {
            groups.push(0..0);
        }
        Ok(groups)
    }

    /// Takes in the rows of a shard, all that are added before any that is retracted; returns what its partitions have then.
    fn take_in(&self, work: &mut Work<'_>, time: &EpochTime) -> Result<Vec<StoredRows>, OperatorError> {
        let parts: Vec<ShardInput<'_>> = self.input.of_shard(work.number).collect();
        for port in &mut work.ports {
            port.renew(&work.touched, time)?;
        }
        for part in &parts {
            match part.sign {
                Sign::Add => work.ports[part.port].add(&part.rows, part.keys, time)?,
                Sign::Retract if self.is_add_only() => return Err(self.spec.fault("a row is retracted from it")),
                Sign::Retract => {}
                Sign::Replace { .. } => return Err(self.spec.fault("whole buckets reach it")),
            }
        }
        let mut stored = Vec::with_capacity(work.ports.len());
        for (number, port) in work.ports.iter_mut().enumerate() {
            let mut retracted = Vec::new();
            for part in parts.iter().filter(|part| part.port == number && part.sign == Sign::Retract) {
                retracted.extend(row_hashes(&part.rows)?);
            }
            let rows = port.of_keys(&work.touched)?;
            stored.push(self.retract(port, rows, &retracted)?);
        }
        Ok(stored)
    }

    fn retract(
        &self,
        port: &mut PortShard<'_>,
        rows: StoredRows,
        retracted: &[u128],
    ) -> Result<StoredRows, OperatorError> {
        if retracted.is_empty() {
            return Ok(rows);
        }
        let (rows, found) = port.retract(rows, &mut count(retracted.iter().copied()))?;
        // A partition that was evicted has rows no more that it had; what was emitted of them stands.
        match found == retracted.len() || self.spec.forgotten_after_us.is_some() {
            true => Ok(rows),
            false => Err(self.spec.fault("a row is retracted that was never added")),
        }
    }

    fn is_add_only(&self) -> bool {
        self.spec.emission == Emission::Append || self.spec.prune.is_some()
    }

    /// Leaves out what no later result needs.
    fn prune(&self, work: &mut [Work<'_>], stored: &mut [Vec<StoredRows>]) -> Result<(), OperatorError> {
        let Some(prune) = &self.spec.prune else { return Ok(()) };
        let rows = self.together(0, stored)?;
        let kept = prune.run(&[&rows], rows.schema_ref())?;
        if kept.num_rows() == rows.num_rows() {
            return Ok(());
        }
        let mut left = count(row_hashes(&kept)?);
        for (shard, stored) in work.iter_mut().zip(stored) {
            let (Some(port), Some(rows)) = (shard.ports.first_mut(), stored.first_mut()) else { continue };
            let stays = take_out(&mut left, &row_hashes(&rows.rows)?);
            let all = std::mem::replace(rows, StoredRows { positions: Vec::new(), rows: self.ports[0].no_rows() });
            *rows = port.keep(all, &stays)?;
        }
        match left.into_values().all(|count| count == 0) {
            true => Ok(()),
            false => Err(self.spec.fault("the plan that prunes makes rows that it did not read")),
        }
    }

    /// The rows of one port in all shards of a task.
    fn together(&self, port: usize, shards: &[Vec<StoredRows>]) -> Result<RecordBatch, OperatorError> {
        let none = self.ports[port].no_rows();
        Ok(concat_batches(none.schema_ref(), shards.iter().map(|stored| &stored[port].rows))?)
    }

    /// The plan's result over these rows.
    fn result(&self, shards: &[Vec<StoredRows>]) -> Result<RecordBatch, OperatorError> {
        let ports = (0..self.ports.len()).map(|port| self.together(port, shards)).collect::<Result<Vec<_>, _>>()?;
        if !self.spec.emits_when_empty && ports.iter().all(|rows| rows.num_rows() == 0) {
            return Ok(RecordBatch::new_empty(Arc::clone(&self.spec.output)));
        }
        Ok(self.spec.plan.run(&ports.iter().collect::<Vec<_>>(), &self.spec.output)?)
    }

    fn run_changes(&self, work: &mut [Work<'_>], begins: bool, time: &EpochTime) -> Result<Vec<Change>, OperatorError> {
        let (mut before, mut now) = (Vec::new(), Vec::new());
        for shard in work.iter_mut() {
            before.push(shard.ports.iter().map(|port| port.of_keys(&shard.touched)).collect::<Result<Vec<_>, _>>()?);
            now.push(self.take_in(shard, time)?);
        }
        self.prune(work, &mut now)?;
        if work.iter().all(|shard| shard.touched.is_empty()) && !begins {
            return Ok(Vec::new());
        }
        let before = match begins {
            true => RecordBatch::new_empty(Arc::clone(&self.spec.output)),
            false => self.result(&before)?,
        };
        changes(&before, &self.result(&now)?)
    }

    fn run_append(&self, work: &mut [Work<'_>], time: &EpochTime) -> Result<Vec<Change>, OperatorError> {
        let mut now = Vec::new();
        for shard in work.iter_mut() {
            now.push(self.take_in(shard, time)?);
        }
        self.prune(work, &mut now)?;
        let mut due = Vec::new();
        for shard in work.iter() {
            due.push(shard.ports.iter().map(|port| port.due(time)).collect::<Result<Vec<_>, _>>()?);
        }
        let rows = self.result(&due)?;
        Ok(if rows.num_rows() > 0 { vec![Change::add(rows)] } else { Vec::new() })
    }
}

impl Operator for Recompute {
    fn absorb(&mut self, _: &EpochTime, part: LanePart, _: u16) -> Result<(), OperatorError> {
        self.input.absorb(part)
    }

    fn tasks(&mut self, time: &EpochTime) -> Result<Vec<Task>, OperatorError> {
        Ok(self.input.tasks(self.is_first() || self.any_due(time)))
    }

    fn run(&self, task: Task, time: &EpochTime, committed: &dyn BlockSource) -> Result<Vec<Change>, OperatorError> {
        let shards = KeyedInput::shards_of(task);
        // A result over no rows has no key: the task with that key's shard emits it.
        let begins = self.is_first() && shards.contains(&shard_of_key(&[], self.partitioning)?);
        let mut work = self.work(task, time, committed)?;
        if self.spec.forgotten_after_us.is_some() {
            // A partition whose time has passed begins anew with the rows of this epoch, whether or not one has run in between.
            work.iter_mut().flat_map(|shard| &mut shard.ports).for_each(|port| port.evict(time));
        }
        let mut changes = Vec::new();
        for group in self.groups(&work, time)? {
            let begins = begins && group.start == 0;
            changes.extend(match self.spec.emission {
                Emission::Append => self.run_append(&mut work[group], time)?,
                _ => self.run_changes(&mut work[group], begins, time)?,
            });
        }
        for shard in &mut work {
            shard.ports.iter_mut().for_each(|port| port.evict(time));
        }
        drop(work);
        for port in &self.ports {
            port.store.finish(shards.clone(), time)?;
        }
        if let Some(first_emission) = self.first_emission.as_ref().filter(|_| begins) {
            first_emission.note(time, committed)?;
        }
        Ok(changes)
    }

    fn prepare_commit(&mut self, time: &EpochTime, committed: &dyn BlockSource) -> Result<BlockChanges, OperatorError> {
        self.input.clear();
        let mut all = BlockChanges::default();
        for port in &mut self.ports {
            all.extend(port.store.prepare_commit(time, committed)?);
        }
        if let Some(first_emission) = &mut self.first_emission {
            all.extend(first_emission.prepare_commit(time, committed)?);
        }
        Ok(all)
    }

    fn committed(&mut self) {
        self.ports.iter_mut().for_each(|port| port.store.committed());
        self.first_emission.iter_mut().for_each(FirstEmission::committed);
    }

    fn has_pending_output(&self, next: &EpochTime) -> bool {
        self.is_first() || self.any_due(next)
    }

    fn count_rows(&self, committed: &dyn BlockSource) -> Result<u64, OperatorError> {
        self.ports.iter().map(|port| port.store.count_rows(committed)).sum()
    }

    fn metrics(&self) -> StateMetrics {
        self.ports.iter().map(|port| port.store.metrics()).reduce(StateMetrics::and).unwrap_or_default()
    }
}
