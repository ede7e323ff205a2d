//! The answers to the statements of a text, written as they come, with a line of progress while there is none.

use std::io::Write;
use std::time::Duration;

use futures::StreamExt;
use query::{Answer, Session};

use super::output::{Format, Output};
use crate::ending::Failure;
use crate::progress::Progress;

/// Time between two looks at how long a query has been running.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Runs all statements of a text, and returns how many rows came out.
///
/// # Errors
/// The first statement that is wrong or fails; the output cannot be written.
pub async fn write(session: &Session, text: &str, format: Format, out: &mut impl Write) -> Result<u64, Failure> {
    let mut rows = 0;
    for statement in session.statements(text)? {
        let answer = session.stream(session.plan(statement).await?).await?;
        rows += write_one(answer, Output::new(format, out)).await?;
    }
    Ok(rows)
}

async fn write_one(mut answer: Answer, mut output: Output<'_>) -> Result<u64, Failure> {
    let schema = answer.schema();
    let mut progress = Progress::begin();
    loop {
        match tokio::time::timeout(LOOK_EVERY, answer.next()).await {
            Err(_) => progress.show(|running| format!("the query is running: {} s", running.as_secs())),
            Ok(Some(batch)) => {
                progress.end();
                output.write(&batch?)?;
            }
            Ok(None) => break,
        }
    }
    progress.end();
    output.end(&schema)
}
