//! What an epoch's aggregates give out: complete windows in append mode, changed buckets in update mode, all of it in complete mode.

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use epoch::{Plan, StagedFile, Step, TableCommit};
use job::OutputMode;
use operators::aggregate::{BlockSource, MergeItem};
use operators::{Aggregate, OperatorError};
use plan::{AggregateStage, TablePlan};
use sink::Table;

use crate::error::{RunError, of_table};
use crate::files::OpenFiles;
use crate::step::Steps;

/// Numbers of emitted data files begin here; those below belong to the lanes.
const FIRST_FILE: u32 = 1_000;

/// One aggregated table, ready to give out.
pub struct Emission<'a> {
    /// Its plan.
    pub plan: &'a TablePlan,
    /// The part of it with memory.
    pub stage: &'a AggregateStage,
    /// Where it is written.
    pub sink: &'a Table,
    /// Its state, the running epoch's deltas included.
    pub aggregate: &'a Aggregate,
    /// Where committed blocks are.
    pub committed: &'a dyn BlockSource,
    /// True if other tables read it, so that its rows are wanted back.
    pub wants_rows: bool,
}

/// What a table gave out.
#[derive(Debug, Default)]
pub struct Emitted {
    /// Its commit, without the books.
    pub change: TableCommit,
    /// Rows written.
    pub written: u64,
    /// The rows, if they are wanted back.
    pub rows: Vec<RecordBatch>,
}

impl Emission<'_> {
    /// Gives out what the epoch makes final or has changed.
    ///
    /// # Errors
    /// If state cannot be read, a query fails, or a file cannot be written.
    pub fn run(&self, epoch: &Plan, files: Option<&mut OpenFiles>, steps: &Steps) -> Result<Emitted, RunError> {
        match (self.plan.mode, files) {
            (OutputMode::Update, Some(files)) => self.update(epoch, files, steps),
            (OutputMode::Complete, Some(files)) => self.complete(epoch, files, steps),
            _ => self.append(epoch, steps),
        }
    }

    /// The windows that became complete, each row once. Pieces go to the lanes in turn, so the files are the same on every run.
    fn append(&self, epoch: &Plan, steps: &Steps) -> Result<Emitted, RunError> {
        let windows = self.aggregate.complete_windows(epoch);
        let items = self.aggregate.merge_items(&windows);
        if items.is_empty() {
            return Ok(Emitted::default());
        }
        let lanes = (epoch.lanes as usize).clamp(1, items.len());
        let parts = std::thread::scope(|scope| {
            let running: Vec<_> = (0..lanes)
                .map(|lane| {
                    let items: Vec<MergeItem> = items.iter().copied().skip(lane).step_by(lanes).collect();
                    scope.spawn(move || self.append_lane(epoch, lane as u32, &items, steps))
                })
                .collect();
            running
                .into_iter()
                .map(|lane| lane.join().unwrap_or_else(|_| Err(panicked(&self.plan.name))))
                .collect::<Vec<_>>()
        });
        let mut emitted = Emitted::default();
        for part in parts {
            let (file, written, rows) = part?;
            emitted.change.added.extend(file);
            emitted.written += written;
            emitted.rows.extend(rows);
        }
        Ok(emitted)
    }

    fn append_lane(
        &self,
        epoch: &Plan,
        lane: u32,
        items: &[MergeItem],
        steps: &Steps,
    ) -> Result<(Option<StagedFile>, u64, Vec<RecordBatch>), RunError> {
        let mut writer = None;
        let mut kept = Vec::new();
        for item in items {
            let rows = steps.at(Step::Compute, epoch.epoch, || self.result(*item))?;
            if rows.num_rows() == 0 {
                continue;
            }
            steps.at(Step::Stage, epoch.epoch, || -> Result<(), RunError> {
                if writer.is_none() {
                    writer = Some(self.sink.stage(epoch.epoch, FIRST_FILE + lane, None)?);
                }
                if let Some(writer) = &mut writer {
                    writer.write(&rows)?;
                }
                Ok(())
            })?;
            if self.wants_rows {
                kept.push(rows);
            }
        }
        let Some(writer) = writer else { return Ok((None, 0, kept)) };
        let written = writer.rows();
        let file = steps.at(Step::Stage, epoch.epoch, || writer.finish())?;
        Ok((file, written, kept))
    }

    /// The buckets that the epoch changed, each in a file of its own that takes the place of the one before.
    fn update(&self, epoch: &Plan, files: &mut OpenFiles, steps: &Steps) -> Result<Emitted, RunError> {
        let mut emitted = Emitted::default();
        for (number, group) in self.aggregate.touched_groups(epoch).into_iter().enumerate() {
            let items = self.aggregate.merge_items(&[group]);
            let parts = steps.at(Step::Compute, epoch.epoch, || {
                items.into_iter().map(|item| self.result(item)).collect::<Result<Vec<_>, _>>()
            })?;
            self.replace(epoch, group, number as u32, parts, files, &mut emitted, steps)?;
        }
        if let Some(window) = self.stage.spec.window {
            files.close(|start| window.is_complete(start, epoch.watermark_us));
        }
        Ok(emitted)
    }

    /// The whole result, in one file that takes the place of the one before; sorting and limiting see all of it at once.
    fn complete(&self, epoch: &Plan, files: &mut OpenFiles, steps: &Steps) -> Result<Emitted, RunError> {
        let groups = self.aggregate.all_groups(epoch);
        let mut emitted = Emitted::default();
        if !self.aggregate.is_touched() && epoch.epoch.0 > 0 || groups.is_empty() {
            return Ok(emitted);
        }
        let rows = steps.at(Step::Compute, epoch.epoch, || {
            let merged =
                self.aggregate.merge_items(&groups).into_iter().map(|item| self.aggregate.merge(self.committed, item));
            let merged = merged.collect::<Result<Vec<_>, _>>()?;
            let all = concat_batches(&self.stage.spec.output, &merged)?;
            Ok(self.stage.back.run(&all)?.rows)
        });
        let rows = rows.map_err(of_table(&self.plan.name))?;
        self.replace(epoch, 0, 0, vec![rows], files, &mut emitted, steps)?;
        Ok(emitted)
    }

    #[expect(clippy::too_many_arguments, reason = "one step of two loops over the same seven things")]
    fn replace(
        &self,
        epoch: &Plan,
        bucket: i64,
        number: u32,
        parts: Vec<RecordBatch>,
        files: &mut OpenFiles,
        emitted: &mut Emitted,
        steps: &Steps,
    ) -> Result<(), RunError> {
        let file = steps.at(Step::Stage, epoch.epoch, || -> Result<Option<StagedFile>, RunError> {
            let mut writer = self.sink.stage(epoch.epoch, FIRST_FILE + number, Some(bucket))?;
            for rows in parts.iter().filter(|rows| rows.num_rows() > 0) {
                writer.write(rows)?;
            }
            emitted.written += writer.rows();
            Ok(writer.finish()?)
        })?;
        emitted.change.added.extend(file.clone());
        emitted.change.removed.extend(files.replace(bucket, file));
        Ok(())
    }

    fn result(&self, item: MergeItem) -> Result<RecordBatch, RunError> {
        let rows = || -> Result<RecordBatch, OperatorError> {
            let merged = self.aggregate.merge(self.committed, item)?;
            Ok(self.stage.back.run(&merged)?.rows)
        };
        rows().map_err(of_table(&self.plan.name))
    }
}

fn panicked(table: &str) -> RunError {
    RunError::Internal(format!("a thread that merges {table} ended early"))
}
