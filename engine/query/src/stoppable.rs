//! Queries that end when nobody waits for them any more, however long they would go on.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};
use futures::StreamExt;

/// Batches that are computed before the reader has taken the first.
const BATCHES_AHEAD: usize = 2;

/// The plan with a pause where rows multiply. What reads a join goes on without one as long as there are rows, and a task can only
/// be given up at a pause; DataFusion sees to those that read files.
pub(crate) fn plan(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let paused = plan.transform_up(|node| {
        if node.children().len() < 2 {
            return Ok(Transformed::no(node));
        }
        Ok(Transformed::yes(Arc::new(CooperativeExec::new(node)) as Arc<dyn ExecutionPlan>))
    });
    Ok(paused?.data)
}

/// The same rows, computed by a task of its own: the one that waits for them is free to look for Ctrl-C. The task ends with the stream.
pub(crate) fn beside(mut batches: SendableRecordBatchStream) -> SendableRecordBatchStream {
    let mut stream = RecordBatchReceiverStream::builder(batches.schema(), BATCHES_AHEAD);
    let rows = stream.tx();
    stream.spawn(async move {
        while let Some(batch) = batches.next().await {
            if rows.send(batch).await.is_err() {
                break;
            }
        }
        Ok(())
    });
    stream.build()
}
