//! Ctrl-C and SIGTERM: the first asks for an orderly end, the second ends the process at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

use crate::ending::{Failure, INTERRUPTED, Outcome};

/// The two signals, or Ctrl-C alone, caught from when this is made.
struct Signals {
    runtime: Runtime,
    interrupt: Signal,
    terminate: Option<Signal>,
}

impl Signals {
    fn catch() -> Result<Signals, Failure> {
        let mut signals = Signals::catch_interrupts()?;
        let caught = {
            let _entered = signals.runtime.enter();
            signal(SignalKind::terminate())
        };
        signals.terminate = Some(caught.map_err(refused)?);
        Ok(signals)
    }

    fn catch_interrupts() -> Result<Signals, Failure> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(refused)?;
        let caught = {
            let _entered = runtime.enter();
            signal(SignalKind::interrupt())
        };
        Ok(Signals { runtime, interrupt: caught.map_err(refused)?, terminate: None })
    }

    fn wait(&mut self) {
        let Signals { runtime, interrupt, terminate } = self;
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = async {
                    match terminate {
                        Some(terminate) => drop(terminate.recv().await),
                        None => std::future::pending().await,
                    }
                } => {}
            }
        });
    }
}

fn refused(error: std::io::Error) -> Failure {
    Failure::Failed(format!("signals cannot be caught: {error}"))
}

/// A flag that the first signal sets. `on_signal` is called then, from another thread.
///
/// # Errors
/// If the system does not let signals be caught.
pub fn stop_flag(on_signal: impl FnOnce() + Send + 'static) -> Result<Arc<AtomicBool>, Failure> {
    let mut signals = Signals::catch()?;
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    spawned(move || {
        signals.wait();
        flag.store(true, Ordering::SeqCst);
        on_signal();
        signals.wait();
        end_at_once();
    })?;
    Ok(stop)
}

/// Ctrl-C while a query of the prompt runs. Who waits for it is woken from a thread of its own: those of the query may be too busy to
/// look.
///
/// # Errors
/// If the system does not let signals be caught.
pub fn interrupts() -> Result<Arc<Notify>, Failure> {
    let mut signals = Signals::catch_interrupts()?;
    let interrupted = Arc::new(Notify::new());
    let told = Arc::clone(&interrupted);
    spawned(move || {
        loop {
            signals.wait();
            told.notify_waiters();
        }
    })?;
    Ok(interrupted)
}

fn spawned(watch: impl FnOnce() + Send + 'static) -> Outcome {
    let watching = thread::Builder::new().name("signals".to_owned()).spawn(watch);
    watching
        .map(|_| ())
        .map_err(|error| Failure::Failed(format!("no thread can be started: {error}; is the system out of memory?")))
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
