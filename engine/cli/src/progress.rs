//! A line of progress for what takes longer than two seconds.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::terminal;

/// How long nothing is said.
const QUIET: Duration = Duration::from_secs(2);
/// Time between two lines where they cannot be redrawn.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// Time between two changes of a line in a terminal.
const DRAW_EVERY: Duration = Duration::from_millis(200);

/// Tells how far something is: in a terminal one live line, elsewhere a line every five seconds.
#[derive(Debug)]
pub struct Progress {
    begun: Instant,
    told: Option<Instant>,
    live: bool,
}

impl Progress {
    /// Begins now.
    pub fn begin() -> Progress {
        Progress { begun: Instant::now(), told: None, live: terminal::is_live() }
    }

    /// Tells `text`, which gets the time so far, if it is time to. Call it as often as you like.
    pub fn tell(&mut self, text: impl FnOnce(Duration) -> String) {
        if !is_due(self.begun.elapsed(), self.told.map(|told| told.elapsed()), self.live) {
            return;
        }
        self.told = Some(Instant::now());
        let text = text(self.begun.elapsed());
        if self.live {
            terminal::draw(&[text]);
        } else {
            terminal::line(&text);
        }
    }

    /// Takes the live line away.
    pub fn end(&mut self) {
        if self.live && self.told.take().is_some() {
            terminal::clear();
        }
    }
}

/// True if a line is to be told: `since` is the time since the one before.
fn is_due(running: Duration, since: Option<Duration>, live: bool) -> bool {
    let every = if live { DRAW_EVERY } else { LINE_EVERY };
    running >= QUIET && since.is_none_or(|since| since >= every)
}

/// Runs `work`, which cannot tell how far it is, and tells how long it has been running.
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
            progress.tell(|running| format!("{what}: {} s", running.as_secs()));
        }
        progress.end();
        // A panic has been reported where it happened; it goes on here.
        worker.join().unwrap_or_else(|fault| std::panic::resume_unwind(fault))
    })
}

#[cfg(test)]
mod tests;
