//! After a start: look, ask the protocol what follows, obey.

use epoch::protocol::{Recovery, recover};
use epoch::{Permit, Plan, Step};

use crate::clock;
use crate::error::RunError;
use crate::run::Run;

impl Run {
    /// Brings checkpoint and tables together again. Returns the plan of an epoch that must run again, if there is one.
    ///
    /// # Errors
    /// `Contradiction` if the checkpoint's records cannot all be true; the store's errors while publishing.
    pub fn recover(&mut self, note: &mut dyn FnMut(&str)) -> Result<Option<Plan>, RunError> {
        let (redo, republish) = match recover(self.checkpoint.found()?) {
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
        let now_us = clock::now_us();
        self.watermarks.values_mut().for_each(|watermark| watermark.resume(now_us));
        if let Some(plan) = &redo {
            note(&format!("epoch {} was planned but not committed; running it again from the same plan", plan.epoch));
            self.publisher.discard(plan.epoch)?;
        }
        Ok(redo)
    }
}
