//! Stopping: the running epoch may finish, but not for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::clock;
use crate::error::RunError;

/// How long a running epoch may go on after the stop flag is set. Then it is given up; it runs again later.
const GRACE: Duration = Duration::from_secs(3);

/// The flag that ends a job after the running epoch, and the one that gives that epoch up.
pub struct Stop {
    flag: Arc<AtomicBool>,
    abort: Arc<AtomicBool>,
}

impl Stop {
    /// Watches both flags.
    pub fn new(flag: Arc<AtomicBool>, abort: &Abort) -> Stop {
        Stop { flag, abort: Arc::clone(&abort.flag) }
    }

    /// True once the job shall end.
    pub fn is_set(&self) -> bool {
        self.flag.load(Ordering::Acquire)
    }

    /// The flag itself, for what waits on it.
    pub fn flag(&self) -> &Arc<AtomicBool> {
        &self.flag
    }

    /// Ends an epoch that goes on for too long after the job was asked to end.
    ///
    /// # Errors
    /// `Stopped` then.
    pub fn check(&self) -> Result<(), RunError> {
        if self.abort.load(Ordering::Acquire) { Err(RunError::Stopped) } else { Ok(()) }
    }
}

/// Sets a flag some time after the stop flag was set. Ends when dropped.
pub struct Abort {
    /// The flag; what waits for a broker in the middle of an epoch ends when it is set.
    pub flag: Arc<AtomicBool>,
    done: Arc<AtomicBool>,
    watcher: Option<JoinHandle<()>>,
}

impl Abort {
    /// Watches the stop flag.
    pub fn after(stop: &Arc<AtomicBool>) -> Abort {
        let (flag, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (stop, abort, ended) = (Arc::clone(stop), Arc::clone(&flag), Arc::clone(&done));
        let watcher = std::thread::spawn(move || {
            while !stop.load(Ordering::Acquire) && !ended.load(Ordering::Acquire) {
                clock::wait(Duration::from_millis(20), &ended);
            }
            clock::wait(GRACE, &ended);
            abort.store(true, Ordering::Release);
        });
        Abort { flag, done, watcher: Some(watcher) }
    }
}

impl Abort {
    /// A flag that nobody sets.
    pub fn never() -> Abort {
        Abort { flag: Arc::default(), done: Arc::default(), watcher: None }
    }
}

impl Drop for Abort {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Release);
        if let Some(watcher) = self.watcher.take() {
            // A watcher that panicked has nothing left to say.
            let _ = watcher.join();
        }
    }
}

#[cfg(test)]
mod tests;
