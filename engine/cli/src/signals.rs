//! Ctrl-C and SIGTERM: the first asks for an orderly end, the second ends the process at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::ending::{Failure, INTERRUPTED, Outcome};

/// The two signals, caught from when this is made.
struct Signals {
    runtime: Runtime,
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn catch() -> Result<Signals, Failure> {
        let refused = |error: std::io::Error| Failure::Failed(format!("signals cannot be caught: {error}"));
        let runtime = Builder::new_current_thread().enable_all().build().map_err(refused)?;
        let caught = {
            let _entered = runtime.enter();
            signal(SignalKind::interrupt()).and_then(|one| Ok((one, signal(SignalKind::terminate())?)))
        };
        let (interrupt, terminate) = caught.map_err(refused)?;
        Ok(Signals { runtime, interrupt, terminate })
    }

    fn wait(&mut self) {
        let Signals { runtime, interrupt, terminate } = self;
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        });
    }
}

/// A flag that the first signal sets. `on_signal` is called then, from another thread.
///
/// # Errors
/// If the system does not let signals be caught.
pub fn stop_flag(on_signal: impl FnOnce() + Send + 'static) -> Result<Arc<AtomicBool>, Failure> {
    let mut signals = Signals::catch()?;
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let watching = thread::Builder::new().name("signals".to_owned()).spawn(move || {
        signals.wait();
        flag.store(true, Ordering::SeqCst);
        on_signal();
        signals.wait();
        end_at_once();
    });
    watching
        .map_err(|error| Failure::Failed(format!("no thread can be started: {error}; is the system out of memory?")))?;
    Ok(stop)
}

/// Waits for a signal.
///
/// # Errors
/// If the system does not let signals be caught.
pub fn wait() -> Outcome {
    Signals::catch().map(|mut signals| signals.wait())
}

/// Ends the process without running the destructors of libraries, which other threads still use.
fn end_at_once() -> ! {
    // SAFETY: `_exit` has no preconditions and does not return.
    unsafe { libc::_exit(INTERRUPTED) }
}
