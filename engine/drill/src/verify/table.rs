//! One table, against the batch answer of its query: all of it, or what the definition in force has made.

use std::collections::BTreeMap;

use connector::{Registry, TableSnapshot};
use epoch::definition::Before;
use epoch::{EpochId, paths};
use job::{Job, OutputMode, StateTtl, Table};
use plan::batch::{Batch, Unanswered};
use plan::{Graph, TablePlan};

use super::Comparison;
use super::compare;
use super::inputs::{Inputs, SourceCopy};
use super::reach::Reach;
use super::sift::{self, Sifted};
use super::snapshot::WarehouseSnapshot;
use crate::definitions::{InForce, is_as_it_came, keeps_state};

/// One table on its way to a verdict.
pub struct Verifier<'a> {
    pub job: &'a Job,
    pub graph: &'a Graph,
    pub connectors: &'a Registry,
    pub table: &'a Table,
    pub plan: &'a TablePlan,
    pub snapshot: &'a WarehouseSnapshot,
    /// What tells the definitions in the job file from others, by table.
    pub fingerprints: &'a BTreeMap<String, String>,
}

/// What came of one comparison.
struct Tried {
    comparison: Comparison,
    notes: Vec<String>,
    /// The tables that stood for sources.
    copies: Vec<SourceCopy>,
}

/// Why rows may be of another definition than that of the job file.
struct Change {
    /// The first epoch of which they are not; `None`: all may be.
    since: Option<EpochId>,
    reason: String,
}

impl Verifier<'_> {
    /// The verdict, and what to know besides; an error says why there is none.
    pub async fn verify(&self) -> Result<(Comparison, Vec<String>), String> {
        let in_force = self.in_force(&self.table.name)?;
        let shown = self.snapshot.table(&self.table.name)?;
        if self.has_memory() && self.snapshot.commits.is_empty() {
            return Err(format!("nothing says what is final: the checkpoint {} has no epochs", self.job.checkpoint));
        }
        // A table that is new in an epoch gets what its inputs get from then on.
        let is_new = in_force.before == Before::Nothing;
        let reach = Reach { inputs_since: in_force.since.filter(|_| is_new), table_since: None };
        let Tried { comparison, mut notes, copies } = self.compare(shown, reach).await?;
        let changes = self.changes(&in_force, &copies);
        if matches!(comparison, Comparison::Equal { .. }) || changes.is_empty() {
            if in_force.before == Before::Unknown && !matches!(comparison, Comparison::Equal { .. }) {
                notes.extend(in_force.since.map(|since| {
                    format!("what its query was before epoch {since} is not on record: it may be that one which made these rows")
                }));
            }
            return Ok((comparison, notes));
        }
        self.compare_since(shown, &changes).await
    }

    /// Compares what the definitions in force have made, if that can be told from the rest.
    async fn compare_since(
        &self,
        shown: &TableSnapshot,
        changes: &[Change],
    ) -> Result<(Comparison, Vec<String>), String> {
        let reasons: Vec<&str> = changes.iter().map(|change| change.reason.as_str()).collect();
        let reasons = reasons.join("; ");
        let since: Option<Vec<EpochId>> = changes.iter().map(|change| change.since).collect();
        let since = since.and_then(|since| since.into_iter().max()).filter(|_| is_as_it_came(self.graph, self.plan));
        let Some(since) = since else {
            return Err(format!("{reasons}, and a batch cannot tell which of its rows come of that"));
        };
        let tried =
            self.compare(shown, Reach::both_since(since)).await.map_err(|error| format!("{reasons}: {error}"))?;
        let mut notes = tried.notes;
        notes.push(format!("compared from epoch {since} on: {reasons}"));
        Ok((tried.comparison, notes))
    }

    fn in_force(&self, table: &str) -> Result<InForce, String> {
        InForce::of(table, self.snapshot.commits.get(&self.snapshot.epoch), self.fingerprints)
    }

    /// Why a difference may come of another definition, its own or that of a table which keeps records that it reads.
    fn changes(&self, in_force: &InForce, copies: &[SourceCopy]) -> Vec<Change> {
        let own = in_force.changed_in().map(|since| Change {
            since: Some(since),
            reason: format!("its definition was another before epoch {since}"),
        });
        let of_copy = |SourceCopy { source, table }: &SourceCopy| {
            let kept = format!("{table} keeps the records of {source}, and");
            match self.in_force(table) {
                Err(reason) => Some(Change { since: None, reason: format!("{kept} {reason}") }),
                Ok(copy) => {
                    let since = copy.since.filter(|since| copy.before != Before::Unknown && *since > EpochId(0));
                    let is_earlier =
                        |since: EpochId| in_force.before == Before::Nothing && in_force.since >= Some(since);
                    let is_doubtful = |since: &EpochId| !is_earlier(*since) && !self.kept_all(source, table, *since);
                    since.filter(is_doubtful).map(|since| Change {
                        since: Some(since),
                        reason: format!("{kept} did so in another way, or not yet, before epoch {since}"),
                    })
                }
            }
        };
        own.into_iter().chain(copies.iter().filter_map(of_copy)).collect()
    }

    /// True if a table got every record of a source that could be decoded, in all epochs before one.
    fn kept_all(&self, source: &str, table: &str, before: EpochId) -> bool {
        let mut epochs = self.snapshot.commits.range(..before);
        self.snapshot.first_missing().is_none()
            && epochs.all(|(_, commit)| {
                let read = commit.sources.get(source).map_or(0, |counts| counts.read - counts.rejected);
                read == commit.tables.get(table).map_or(0, |change| change.counts.written)
            })
    }

    /// Compares what is in reach.
    async fn compare(&self, shown: &TableSnapshot, reach: Reach) -> Result<Tried, String> {
        let has_memory = self.has_memory();
        let mut batch = Batch::new(self.job, self.graph)?;
        self.snapshot.prepare(batch.context())?;
        let Verifier { job, graph, connectors, plan, snapshot, .. } = *self;
        let inputs = Inputs { job, graph, connectors, table: plan, snapshot, since: reach.inputs_since };
        let copies = inputs.fill(&mut batch).await?;
        let answer = batch.answer(self.table)?;
        if !answer.knows_late && has_memory {
            self.refuse_late()?;
        }
        let mut notes = Vec::new();
        let query = compare::query(&answer.plan, &plan.schema, has_memory)?;
        let expected = match batch.run(&query).await {
            Ok((_, rows)) => rows,
            Err(Unanswered::Row(what)) => {
                let sifted = self.sifted(&mut batch, &what).await?;
                notes.push(sifted.note());
                sifted.rows
            }
            Err(Unanswered::Other(what)) => return Err(what),
        };
        let expected = compare::of(expected, &plan.schema)?;
        let actual = compare::actual(&batch, shown, &plan.schema, has_memory, reach.table_since).await?;
        let due = self.due(has_memory);
        let mut compared = compare::between(&expected, &actual, due.as_ref());
        notes.append(&mut compared.notes);
        let Some(lines) = compared.lines else {
            return Ok(Tried { comparison: Comparison::Equal { rows: compared.equal }, notes, copies });
        };
        if let Some(reason) = self.excuse(&batch, answer.doubtful.as_ref(), has_memory).await? {
            return Err(reason);
        }
        if let (true, Some(first)) = (has_memory, snapshot.first_missing()) {
            notes.push(format!(
                "epochs before {first} are no longer on record (retain_epochs): none of their rows is taken to have been late"
            ));
        }
        Ok(Tried { comparison: Comparison::Differs { equal: compared.equal, lines }, notes, copies })
    }

    /// The answer without the rows that the query has no value for, which the job keeps in another table.
    async fn sifted(&self, batch: &mut Batch<'_>, what: &str) -> Result<Sifted, String> {
        match self.plan.inputs.as_slice() {
            [input] if !self.has_memory() => sift::sifted(batch, self.table, &self.plan.schema, input).await,
            _ => Err(format!(
                "its query has no value for some rows ({what}), which stand in {} if the job has gone on without them, and a batch of \
                 this query cannot leave them out",
                paths::rejected_rows_table(&self.table.name)
            )),
        }
    }

    fn has_memory(&self) -> bool {
        keeps_state(self.graph, self.plan)
    }

    /// Rows that came too late are in what the table reads and not in the table.
    fn refuse_late(&self) -> Result<(), String> {
        match self.snapshot.late_rows(&self.table.name) {
            0 => Ok(()),
            late => Err(format!("{late} rows came too late for it, and a batch of its query cannot tell which")),
        }
    }

    /// When a row of the batch must be there; `None`: all of them now.
    fn due(&self, has_memory: bool) -> Option<compare::Due> {
        let is_append = self.table.mode == OutputMode::Append && has_memory;
        is_append.then(|| compare::Due {
            watermark_us: self.snapshot.last_plan().and_then(|plan| self.time(plan).watermark_us),
            times: self.plan.times.clone(),
        })
    }

    fn time(&self, plan: &epoch::Plan) -> epoch::SourceTime {
        runtime::table_time(self.plan, self.job.watermark_policy, plan)
    }

    /// Why a difference may be none.
    async fn excuse(
        &self,
        batch: &Batch<'_>,
        doubtful: Option<&datafusion::logical_expr::LogicalPlan>,
        has_memory: bool,
    ) -> Result<Option<String>, String> {
        if let (true, Some(StateTtl::After(_))) = (has_memory, self.table.state_ttl) {
            return Ok(Some("its state is forgotten after state_ttl, which a batch does not know of".to_string()));
        }
        let Some(doubtful) = doubtful else { return Ok(None) };
        let (_, rows) = batch.run(doubtful).await?;
        let rows: usize = rows.iter().map(|batch| batch.num_rows()).sum();
        Ok((rows > 0).then(|| {
            format!("{rows} rows came behind the watermark and within a session's gap: which session they are in depends on when they came")
        }))
    }
}
