//! Steps Compute and Stage for what has memory: operator after operator takes in what the lanes collected and emits what is due.

use epoch::Step;
use operators::operator::{Operator, Task};
use state::Checkpoint;

use crate::compute::Compute;
use crate::error::{RunError, of_table};
use crate::lanes::side_by_side;
use crate::step::Steps;
use crate::topology::{Epoch, Topology};

/// An operator with its state.
pub struct Running {
    /// Its node in the topology.
    pub node: usize,
    /// Its state.
    pub operator: Box<dyn Operator>,
}

/// Runs every operator of an epoch, each after those that feed it.
///
/// # Errors
/// If state cannot be read, a query fails, or a file cannot be written.
pub fn operate(
    operators: &mut [Running],
    computes: &mut [Compute],
    topology: &Topology,
    committed: &Checkpoint,
    epoch: &Epoch<'_>,
    steps: &Steps,
) -> Result<(), RunError> {
    let lanes = (epoch.plan.lanes as usize).clamp(1, computes.len());
    for running in operators {
        let name = &topology.tables[topology.nodes[running.node].table].plan.name;
        let time = &epoch.times[running.node];
        let tasks = steps.at(Step::Compute, epoch.number(), || {
            for (lane, compute) in computes[..lanes].iter_mut().enumerate() {
                if let Some(part) = compute.finish_operator(running.node)? {
                    running.operator.absorb(time, part, lane as u16).map_err(of_table(name))?;
                }
            }
            running.operator.tasks(time).map_err(of_table(name))
        })?;
        let work = Work { node: running.node, operator: running.operator.as_ref(), name, committed, epoch, steps };
        work.spread(&tasks, &mut computes[..lanes])?;
    }
    Ok(())
}

/// The tasks of one operator's epoch.
struct Work<'a> {
    node: usize,
    operator: &'a dyn Operator,
    name: &'a str,
    committed: &'a Checkpoint,
    epoch: &'a Epoch<'a>,
    steps: &'a Steps,
}

impl Work<'_> {
    /// Tasks go to the lanes in turn, so each lane's rows are the same on every run.
    fn spread(&self, tasks: &[Task], computes: &mut [Compute]) -> Result<(), RunError> {
        let lanes = computes.len().min(tasks.len());
        let work: Vec<_> = computes[..lanes].iter_mut().enumerate().collect();
        let of_lane = |lane: usize| tasks.iter().copied().skip(lane).step_by(lanes);
        let who = format!("a thread that computes {}", self.name);
        side_by_side(work, &who, |(lane, compute)| self.run(of_lane(lane), compute)).into_iter().collect()
    }

    fn run(&self, tasks: impl Iterator<Item = Task>, compute: &mut Compute) -> Result<(), RunError> {
        let number = self.epoch.number();
        let time = &self.epoch.times[self.node];
        for task in tasks {
            let changes = self
                .steps
                .at(Step::Compute, number, || self.operator.run(task, time, self.committed))
                .map_err(of_table(self.name))?;
            for change in changes {
                compute.emit(self.node, change.sign, &change.rows, self.epoch, self.steps)?;
            }
            compute.finish_buckets(number, self.steps)?;
        }
        Ok(())
    }
}
