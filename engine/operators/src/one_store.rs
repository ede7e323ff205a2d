//! What every operator does alike that keeps one store and takes its input by key.

/// The methods of [`crate::operator::Operator`] that only pass things on to the fields `input` and `store`.
macro_rules! one_store {
    () => {
        fn absorb(
            &mut self,
            _: &$crate::operator::EpochTime,
            part: $crate::operator::LanePart,
            _: u16,
        ) -> Result<(), $crate::OperatorError> {
            self.input.absorb(part)
        }

        fn prepare_commit(
            &mut self,
            time: &$crate::operator::EpochTime,
            committed: &dyn $crate::operator::BlockSource,
        ) -> Result<$crate::operator::BlockChanges, $crate::OperatorError> {
            self.input.clear();
            self.store.prepare_commit(time, committed)
        }

        fn committed(&mut self) {
            self.store.committed();
        }

        fn count_rows(&self, committed: &dyn $crate::operator::BlockSource) -> Result<u64, $crate::OperatorError> {
            self.store.count_rows(committed)
        }

        fn metrics(&self) -> $crate::operator::StateMetrics {
            self.store.metrics()
        }
    };
}

pub(crate) use one_store;
