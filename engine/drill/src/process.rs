//! The user's job as a process of its own: started, watched, killed.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use runtime::{FAIL_POINT_VARIABLE, Fault, PlaceFault};

/// A run that reports nothing for so long hangs. Far above any epoch: a slow store must not look like a hang.
const SILENCE_MAX: Duration = Duration::from_secs(180);
/// How often it is asked whether the drill is to end.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Lines of a failed run's errors that are shown.
const ERROR_LINES: usize = 12;

/// How a run is disturbed, unless it ends before.
#[derive(Debug, Clone)]
pub enum Disturbance {
    /// Not at all.
    Nothing,
    /// It kills itself, or a place of it fails.
    Fault(Fault),
    /// It is killed so long after its start.
    KilledAfter(Duration),
}

/// An epoch as the run reported it.
#[derive(Debug, Clone, Copy)]
pub struct EpochReport {
    /// Its number.
    pub epoch: u64,
    /// Records read.
    pub records: u64,
    /// When it was reported, since the start of the process.
    pub after: Duration,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    /// True if it was killed with SIGKILL; else it ended by itself, in order.
    pub killed: bool,
    /// Epochs reported.
    pub epochs: Vec<EpochReport>,
    /// How long it ran.
    pub took: Duration,
}

impl Ended {
    /// The longest time between two epochs.
    pub fn longest_ms(&self) -> u64 {
        let times = self.epochs.iter().zip(self.epochs.iter().skip(1)).map(|(one, next)| next.after - one.after);
        times.max().map_or_else(|| self.first_ms(), |longest| u64::try_from(longest.as_millis()).unwrap_or(u64::MAX))
    }

    /// How long it took to finish the first epoch, or to end without one.
    pub fn first_ms(&self) -> u64 {
        let first = self.epochs.first().map_or(self.took, |epoch| epoch.after);
        u64::try_from(first.as_millis()).unwrap_or(u64::MAX)
    }
}

/// Who hears a line.
#[derive(Clone)]
pub struct Said(pub Arc<dyn Fn(&str) + Send + Sync>);

impl std::fmt::Debug for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Said")
    }
}

/// A job in its scratch place, to be run again and again.
#[derive(Debug)]
pub struct Process {
    /// The engine binary.
    pub engine: PathBuf,
    /// The job file.
    pub job_file: PathBuf,
    /// All values put over the file.
    pub sets: Vec<(String, String)>,
    /// Where its errors go.
    pub log: PathBuf,
    /// A checkpoint whose epochs it runs again.
    pub replayed: Option<PathBuf>,
    /// Gets what it says of places that it waits for, which is then no silence; `None`: nobody wants to know.
    pub waiting: Option<Said>,
    /// The lock of its scratch folder, which it holds as well: what it works in is not taken away under it.
    pub lock: Arc<File>,
    /// Set: it is killed, and its run is an error.
    pub stop: Arc<AtomicBool>,
}

impl Process {
    /// Runs the job from where it stands.
    ///
    /// # Errors
    /// What the job said, if it ended neither in order nor by SIGKILL.
    pub fn run(&self, disturbance: &Disturbance) -> Result<Ended, String> {
        let begun = Instant::now();
        let mut started = Started(self.start(disturbance)?);
        let child = &mut started.0;
        let lines = lines_of(child)?;
        let kill_at = if let Disturbance::KilledAfter(time) = disturbance { Some(begun + *time) } else { None };
        let epochs = self.watch(child, &lines, begun, kill_at);
        let status = child.wait().map_err(|error| format!("the job's end cannot be waited for: {error}"))?;
        let ended = Ended { killed: status.signal() == Some(libc::SIGKILL), epochs: epochs?, took: begun.elapsed() };
        if ended.killed || status.success() {
            return Ok(ended);
        }
        Err(format!("the job failed ({status}):\n{}", last_lines(&self.log)))
    }

    /// How often a place did not answer in the last run, as its log says.
    pub fn unanswered(&self, fault: &PlaceFault) -> u32 {
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        // Each try is said once where it is refused; who waits for the place says it again.
        let tries = log.lines().filter(|line| line.ends_with(&fault.line()) && !line.contains("waiting, for "));
        u32::try_from(tries.count()).unwrap_or(u32::MAX)
    }

    fn start(&self, disturbance: &Disturbance) -> Result<Child, String> {
        let log =
            File::create(&self.log).map_err(|error| format!("{} cannot be written: {error}", self.log.display()))?;
        let mut command = Command::new(&self.engine);
        command.arg("submit").arg(&self.job_file).args(["--available-now", "--progress", "json"]);
        for (key, value) in &self.sets {
            command.arg("--set").arg(format!("{key}={value}"));
        }
        if let Some(replayed) = &self.replayed {
            command.arg("--replay").arg(replayed);
        }
        let lock = self.lock.try_clone().map_err(|error| format!("no more files can be opened: {error}"))?;
        command.stdin(lock).stdout(Stdio::piped()).stderr(log).env_remove(FAIL_POINT_VARIABLE);
        ends_with_us(&mut command);
        if let Disturbance::Fault(fault) = disturbance {
            command.arg("--fail-points").env(FAIL_POINT_VARIABLE, fault.to_string());
        }
        if let Disturbance::Fault(Fault::Place(_)) = disturbance {
            // What was not answered is read from the log, whatever the user wants to see of it.
            command.env("ENGINE_LOG", "info");
        }
        command.spawn().map_err(|error| format!("{} cannot be started: {error}", self.engine.display()))
    }

    /// Passes on what it has said, since it was last heard, of places that it waits for. True if that was anything.
    fn hear_waiting(&self, heard: &mut usize) -> bool {
        let Some(Said(say)) = &self.waiting else { return false };
        let log = fs::read(&self.log).unwrap_or_default();
        let new = log.get(*heard..).unwrap_or_default();
        // A line that is still being written is heard next time.
        let Some(end) = new.iter().rposition(|byte| *byte == b'\n') else { return false };
        let text = String::from_utf8_lossy(&new[..end]).into_owned();
        *heard += end + 1;
        let said: Vec<&str> = text.lines().filter(|line| line.contains("waiting, for ")).collect();
        said.iter().for_each(|line| say(line));
        !said.is_empty()
    }

    fn watch(
        &self,
        child: &mut Child,
        lines: &Receiver<String>,
        begun: Instant,
        mut kill_at: Option<Instant>,
    ) -> Result<Vec<EpochReport>, String> {
        let mut epochs = Vec::new();
        let (mut silent_since, mut heard) = (Instant::now(), 0);
        loop {
            if self.hear_waiting(&mut heard) {
                silent_since = Instant::now();
            }
            // Looked at before each line: a job of small epochs is never silent for long.
            if self.stop.load(Ordering::SeqCst) {
                let _ = child.kill();
                return Err("it was stopped".to_owned());
            }
            let due = kill_at.unwrap_or(silent_since + SILENCE_MAX).saturating_duration_since(Instant::now());
            match lines.recv_timeout(due.min(LOOK_EVERY)) {
                Ok(line) => {
                    silent_since = Instant::now();
                    epochs.extend(epoch_of(&line, begun.elapsed()));
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(epochs),
                Err(RecvTimeoutError::Timeout) if due > LOOK_EVERY => {}
                // A process that has just ended by itself cannot be killed any more, which its status will show.
                Err(RecvTimeoutError::Timeout) => {
                    let was_due = kill_at.take().is_some();
                    silent_since = Instant::now();
                    let _ = child.kill();
                    if !was_due {
                        return Err(format!("the job said nothing for {} s and was killed", SILENCE_MAX.as_secs()));
                    }
                }
            }
        }
    }
}

/// A run that is killed if nobody waits for its end any more: on the way out of an error, or of a panic.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        // One that has ended was waited for, and is not touched.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A drill that is killed leaves no run at work: the kernel kills it, too, where it can be asked to.
#[cfg(target_os = "linux")]
fn ends_with_us(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    let ask = || {
        // SAFETY: `prctl` with these arguments takes two numbers and touches no memory of ours.
        let asked = unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
        if asked == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
    };
    // SAFETY: between fork and exec nothing is done but that one call, which may be made there.
    unsafe {
        command.pre_exec(ask);
    }
}

#[cfg(not(target_os = "linux"))]
fn ends_with_us(_command: &mut Command) {}

/// The lines that the run writes, as they come; the channel closes when it ends.
fn lines_of(child: &mut Child) -> Result<Receiver<String>, String> {
    let out = child.stdout.take().ok_or("the job has no output")?;
    let (sender, lines) = mpsc::channel();
    std::thread::spawn(move || {
        BufReader::new(out).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    Ok(lines)
}

fn epoch_of(line: &str, after: Duration) -> Option<EpochReport> {
    let progress: serde_json::Value = serde_json::from_str(line).ok()?;
    Some(EpochReport { epoch: progress["batchId"].as_u64()?, records: progress["numInputRows"].as_u64()?, after })
}

fn last_lines(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(ERROR_LINES)..].join("\n")
}
