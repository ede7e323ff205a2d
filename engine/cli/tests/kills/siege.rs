//! Kills, one after the other, of a job that is started again each time.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use epoch::Step;

use crate::kafka::pass;
use crate::run::Job;

/// A job under fire.
pub struct Siege<'a> {
    job: &'a Job,
    random: u64,
    /// One kill in so many comes at a random moment, the others at a fail point.
    random_every: u32,
    /// Kills so far.
    pub kills: u32,
    aimed: usize,
    /// Fail points that killed.
    hit: BTreeSet<String>,
    /// Kills of a restarted job before it had committed anything.
    in_recovery: u32,
    /// From the start of the process to its first own epoch, as far as is known.
    start: Duration,
}

impl Siege<'_> {
    pub fn new(job: &Job, seed: u64, random_every: u32) -> Siege<'_> {
        eprintln!("random moments from seed {seed}");
        let start = Duration::from_millis(250);
        Siege { job, random: seed, random_every, kills: 0, aimed: 0, hit: BTreeSet::new(), in_recovery: 0, start }
    }

    /// Has the job die behind its first commit, which is no kill of the siege: from then on every start has something to recover, however
    /// quick the machine is.
    pub fn begin(&self) {
        self.job.run_to("commit:after:0");
    }

    /// The next kill: at a fail point, or at a random moment.
    pub fn attack(&mut self) {
        let before = self.next_epoch();
        self.kills += 1;
        if self.kills.is_multiple_of(self.random_every) {
            self.at_random();
        } else {
            self.at_a_point(before);
        }
        self.in_recovery += u32::from(before > 0 && self.next_epoch() == before);
    }

    /// Every fail point of every step fired, and recovery itself was hit.
    pub fn assert_covered(&self) {
        let all: BTreeSet<String> = points().collect();
        assert_eq!(self.hit, all, "not every fail point was reached");
        assert!(
            self.in_recovery >= self.kills / 10,
            "only {} of {} kills hit a recovery",
            self.in_recovery,
            self.kills
        );
    }

    /// Records read by the epochs that happened.
    pub fn records(&self) -> u64 {
        self.job.commits().iter().flat_map(|commit| commit.sources.values()).map(|counts| counts.read).sum()
    }

    fn at_a_point(&mut self, next_epoch: u64) {
        let point = points().nth(self.aimed % 16).unwrap();
        self.aimed += 1;
        // Every other round, publishing is cut short in the recovery: the process before it died behind the commit.
        if point.starts_with("publish") && self.aimed / 16 % 2 == 1 {
            self.job.run_to(&format!("commit:after:{next_epoch}"));
            self.kills += 1;
        }
        let armed = format!("{point}:{next_epoch}");
        let begun = Instant::now();
        self.job.run_to(&armed);
        if point.starts_with("read") {
            // One slow start (a log that is summarised, a busy machine) does not make the next process live long enough to read everything.
            self.start = begun.elapsed().min(self.start.mul_f64(1.5));
        }
        self.hit.insert(point);
    }

    fn at_random(&mut self) {
        let time = match self.number() % 3 {
            0 => self.within(self.start),
            _ => self.start + self.within(Duration::from_millis(200)),
        };
        let mut child =
            self.job.command(&["--available-now"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        pass(time);
        child.kill().unwrap();
        let status = child.wait().unwrap();
        assert_eq!(status.signal(), Some(libc::SIGKILL), "killed after {time:?}, the job had ended: {status}");
    }

    /// The epoch that is not committed yet.
    fn next_epoch(&self) -> u64 {
        if !self.job.checkpoint.join("db/CURRENT").exists() {
            return 0;
        }
        match state::Checkpoint::open_read_only(&self.job.checkpoint) {
            Ok(reader) => reader.newest_commit().unwrap().map_or(0, |commit| commit.plan.epoch.0 + 1),
            // Killed while the checkpoint was being made.
            Err(state::StateError::NotACheckpoint { .. }) => 0,
            Err(error) => panic!("{error}"),
        }
    }

    fn within(&mut self, time: Duration) -> Duration {
        time.mul_f64((self.number() % 1000) as f64 / 1000.0)
    }

    /// xorshift64*: the same seed gives the same times.
    fn number(&mut self) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        self.random.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 20
    }
}

/// `step:side`, all sixteen in protocol order.
fn points() -> impl Iterator<Item = String> {
    Step::ALL.into_iter().flat_map(|step| ["before", "after"].map(|side| format!("{}:{side}", step.name())))
}
