//! A line of progress for what takes longer than two seconds.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::terminal;

/// How long nothing is said: most commands are done by then, and a line that flashes by helps nobody.
const QUIET: Duration = Duration::from_secs(2);
/// Time between two lines where they cannot be redrawn.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// Time between two changes of a line in a terminal.
const DRAW_EVERY: Duration = Duration::from_millis(200);

/// Shows how far something is: in a terminal one live line, elsewhere a line every five seconds.
#[derive(Debug)]
pub struct Progress {
    begun: Instant,
    /// When the last line was shown.
    shown: Option<Instant>,
    live: bool,
}

impl Progress {
    /// Begins now.
    pub fn begin() -> Progress {
        Progress { begun: Instant::now(), shown: None, live: terminal::is_live() }
    }

    /// Shows `text`, made from the time so far, if a line is due. Call it as often as you like.
    pub fn show(&mut self, text: impl FnOnce(Duration) -> String) {
        if !is_due(self.begun.elapsed(), self.shown.map(|shown| shown.elapsed()), self.live) {
            return;
        }
        self.shown = Some(Instant::now());
        let text = text(self.begun.elapsed());
        if self.live {
            terminal::draw(&[text]);
        } else {
            terminal::line(&text);
        }
    }

    /// Takes the live line away.
    pub fn end(&mut self) {
        if self.live && self.shown.take().is_some() {
            terminal::clear();
        }
    }
}

/// True if a line is due: `since` is the time since the one before.
fn is_due(running: Duration, since: Option<Duration>, live: bool) -> bool {
    let every = if live { DRAW_EVERY } else { LINE_EVERY };
    running >= QUIET && since.is_none_or(|since| since >= every)
}

/// Runs `work`, which does not report how far it is, and shows how long it has been running.
pub fn while_running<T: Send>(what: &str, work: impl FnOnce() -> T + Send) -> T {
    let mut progress = Progress::begin();
    thread::scope(|scope| {
        let (done, is_done) = mpsc::channel::<()>();
        let worker = scope.spawn(move || {
            let result = work();
            drop(done);
            result
        });
        while is_done.recv_timeout(DRAW_EVERY) == Err(RecvTimeoutError::Timeout) {
            progress.show(|running| format!("{what}: {} s", running.as_secs()));
        }
        progress.end();
        // A panic has been reported where it happened; it goes on here.
        worker.join().unwrap_or_else(|fault| std::panic::resume_unwind(fault))
    })
}

#[cfg(test)]
mod tests;
