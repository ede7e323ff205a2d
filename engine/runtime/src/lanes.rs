//! Work of several lanes at the same time, each on a thread of its own.

use std::any::Any;
use std::cell::RefCell;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind, set_hook, take_hook};
use std::sync::Once;

use crate::error::RunError;

thread_local! {
    /// Where the part that runs on this thread panicked: empty while it has not, `None` while no part runs.
    static PANICKED_AT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs each part of the work on a thread of its own and waits for all, also after an error; results are in the order of the
/// parts. A single part stays on this thread: starting one is a good share of what a small epoch costs. A panic becomes the
/// part's error: `who` panicked, where, and with which text.
pub fn side_by_side<W: Send, R: Send>(
    work: Vec<W>,
    who: &(dyn Display + Sync),
    run: impl Fn(W) -> Result<R, RunError> + Sync,
) -> Vec<Result<R, RunError>> {
    watch_panics();
    if work.len() < 2 {
        return work.into_iter().map(|part| guarded(who, || run(part))).collect();
    }
    let run = &run;
    std::thread::scope(|scope| {
        let running: Vec<_> = work.into_iter().map(|part| scope.spawn(move || guarded(who, || run(part)))).collect();
        let ended = || RunError::Internal(format!("{who} ended early").into());
        running.into_iter().map(|part| part.join().unwrap_or_else(|_| Err(ended()))).collect()
    })
}

/// Runs one part. Unwinding without a text is no panic but a fail point that gives the epoch up: it goes on.
fn guarded<R>(who: &dyn Display, run: impl FnOnce() -> Result<R, RunError>) -> Result<R, RunError> {
    let outer = PANICKED_AT.replace(Some(String::new()));
    // What the part has left half done is not looked at again: an error ends the run, and nothing of the epoch is committed.
    let ended = catch_unwind(AssertUnwindSafe(run));
    let place = PANICKED_AT.replace(outer).unwrap_or_default();
    ended.unwrap_or_else(|thrown| match text_of(thrown.as_ref()) {
        Some(text) => Err(RunError::Internal(format!("{who} panicked{place}: {text}").into())),
        None => resume_unwind(thrown),
    })
}

fn text_of(thrown: &(dyn Any + Send)) -> Option<&str> {
    thrown.downcast_ref::<&str>().copied().or_else(|| thrown.downcast_ref::<String>().map(String::as_str))
}

/// Only the hook learns where a panic is. That of a part is reported as its error, and not a second time by the hook before.
fn watch_panics() {
    static WATCHED: Once = Once::new();
    WATCHED.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |panic| {
            let place = panic.location().map_or_else(String::new, |place| format!(" at {place}"));
            // A thread that ends has no part any more.
            let note = |slot: &RefCell<Option<String>>| slot.borrow_mut().as_mut().map(|slot| *slot = place).is_some();
            if !PANICKED_AT.try_with(note).unwrap_or(false) {
                before(panic);
            }
        }));
    });
}

#[cfg(test)]
mod tests;
