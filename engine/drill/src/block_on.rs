//! The door from plain threads, on which drills run, to what is asynchronous.

/// Runs what is asynchronous on a runtime of its own.
pub fn block_on<T>(future: impl Future<Output = T>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map(|runtime| runtime.block_on(future)).map_err(|error| format!("no threads can be started: {error}"))
}
