//! After a start: look, ask the protocol what follows, obey.

use epoch::protocol::{Recovery, recover};
use epoch::{Permit, Plan, Step};

use crate::error::RunError;
use crate::run::Run;

impl Run {
    /// Brings checkpoint and tables together again. Returns the plan of an epoch that must run again, if there is one.
    ///
    /// # Errors
    /// `Contradiction` if the checkpoint's records cannot all be true; the store's errors while publishing.
    pub fn recover(&mut self, note: &mut dyn FnMut(&str)) -> Result<Option<Plan>, RunError> {
        if let Some(plan) = self.first.take() {
            self.warn_of_other_rows(note)?;
            return Ok(Some(plan));
        }
        let (redo, republish) = match recover(self.checkpoint.newest_records()?) {
            Recovery::Fresh => (None, None),
            Recovery::Redo { plan, republish } => (Some(plan), republish),
            Recovery::Next { republish } => (None, Some(republish)),
            Recovery::Refuse(contradiction) => return Err(RunError::Contradiction(contradiction)),
        };
        if let Some(commit) = republish {
            let number = commit.plan.epoch;
            note(&format!("epoch {number} is committed; publishing it again in case that was cut short"));
            self.watermarks = commit.watermarks.clone();
            let permit = Permit::for_durable(commit);
            let versions = self.steps.at(Step::Publish, number, || self.publisher.publish(&permit))?;
            self.checkpoint.set_published(number, &versions)?;
            self.last = Some(permit.into_commit());
        }
        for (source, watermark) in &mut self.watermarks {
            let answered_us = self.last.as_ref().map(|last| last.plan.answered_us(source));
            answered_us.into_iter().for_each(|us| watermark.resume(us));
        }
        if let Some(plan) = &redo {
            note(&format!("epoch {} was planned but not committed; running it again from the same plan", plan.epoch));
            self.publisher.discard(plan.epoch)?;
        }
        Ok(redo)
    }

    /// A new checkpoint knows nothing of rows that are already in the tables: reading the topic again doubles them.
    fn warn_of_other_rows(&self, note: &mut dyn FnMut(&str)) -> Result<(), RunError> {
        for table in self.publisher.tables_with_rows()? {
            note(&format!(
                "table {table} already holds rows, written with another checkpoint; this new checkpoint adds to them. Use a new warehouse too if that is not wanted"
            ));
        }
        Ok(())
    }
}
