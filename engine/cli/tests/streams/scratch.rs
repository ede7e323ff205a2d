//! What a drill makes goes with it, however it ends: stopped, killed, failed. The real binary, its runs on a local disk and on MinIO.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Instant;

use crate::kafka::{PATIENCE, Topic, event, pass, unique};
use crate::run::{Job, KEEP_ALL, engine, run, signal};

/// A job with a few thousand records, and a folder for what its drills make.
fn small_job(purpose: &str) -> (Job, PathBuf) {
    let topic = Topic::new(purpose, 1);
    topic.send(0, (0..2_000).map(|id| event(id, "a", id % 3_000, 1)));
    let job = Job::new(&topic, "", KEEP_ALL);
    let scratch = job.beside("scratch");
    fs::create_dir(&scratch).unwrap();
    (job, scratch)
}

fn command(job: &Job, scratch: &Path) -> Command {
    let mut command = engine(&["drill", job.path.to_str().unwrap(), "--scratch", scratch.to_str().unwrap()]);
    command.args(job.sets()).args(["--records", "2000", "--kills", "4"]);
    command
}

/// A drill beside the test; it is killed if the test leaves it.
struct Drill(Option<Child>);

impl Drill {
    /// Starts one, and waits until one of its runs has opened its checkpoint.
    fn at_work(job: &Job, scratch: &Path) -> Drill {
        let before = folders(scratch);
        let child = command(job, scratch).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let drill = Drill(Some(child));
        let is_at_work = |folder: &PathBuf| !before.contains(folder) && folder.join("undisturbed/checkpoint").exists();
        wait_until("a run", || folders(scratch).iter().any(is_at_work));
        drill
    }

    fn process(&self) -> u32 {
        self.0.as_ref().unwrap().id()
    }

    /// Sends it a signal, and waits for its end.
    fn end_by(mut self, number: i32) -> Output {
        signal(self.process(), number);
        self.0.take().unwrap().wait_with_output().unwrap()
    }
}

impl Drop for Drill {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "{what} did not come");
        pass(std::time::Duration::from_millis(20));
    }
}

fn folders(scratch: &Path) -> Vec<PathBuf> {
    fs::read_dir(scratch).unwrap().map(|entry| entry.unwrap().path()).collect()
}

/// Objects below a folder of the bucket that tests share.
fn objects(folder: &str) -> usize {
    let python = std::env::var("ENGINE_TEST_PYTHON").expect("ENGINE_TEST_PYTHON is not set: run scripts/test");
    let program = "import os, sys, pyarrow.fs as fs
url = os.environ['AWS_ENDPOINT_URL']
s3 = fs.S3FileSystem(access_key=os.environ['AWS_ACCESS_KEY_ID'], secret_key=os.environ['AWS_SECRET_ACCESS_KEY'],
    endpoint_override=url.split('://')[1], scheme=url.split('://')[0], region='us-east-1')
found = s3.get_file_info(fs.FileSelector('warehouse/' + sys.argv[1], recursive=True, allow_not_found=True))
print(sum(info.is_file for info in found))";
    let said = run(Command::new(python).args(["-c", program, folder])).succeeded();
    said.out.trim().parse().unwrap()
}

#[test]
fn a_drill_that_is_stopped_takes_everything_away() {
    let (job, scratch) = small_job("drill-stopped");
    for number in [libc::SIGTERM, libc::SIGINT] {
        let said = Drill::at_work(&job, &scratch).end_by(number);
        let errors = String::from_utf8(said.stderr).unwrap();
        assert_eq!(said.status.code(), Some(1), "{errors}");
        assert!(errors.contains("the drill was stopped; what it had made is removed"), "{errors}");
        assert!(folders(&scratch).is_empty(), "{errors}");
    }
}

#[test]
fn what_a_killed_drill_leaves_the_next_one_takes_away() {
    let (job, scratch) = small_job("drill-killed");
    let said = Drill::at_work(&job, &scratch).end_by(libc::SIGKILL);
    assert_eq!(said.status.signal(), Some(libc::SIGKILL));
    let left = folders(&scratch);
    assert_eq!(left.len(), 1, "{left:?}");
    // Its run ends with it: then nobody holds the lock any more.
    let owner = left[0].join("OWNER");
    wait_until("the end of its run", || File::open(&owner).unwrap().try_lock().is_ok());
    // Folders of others are nobody's business.
    fs::create_dir(scratch.join("engine-drill-kept")).unwrap();
    let next = Drill::at_work(&job, &scratch);
    assert!(!left[0].exists(), "the next drill has not taken it away");
    // While it is at work, a third one leaves it alone.
    let third = Drill::at_work(&job, &scratch);
    assert_eq!(folders(&scratch).len(), 3);
    for drill in [third, next] {
        let errors = String::from_utf8(drill.end_by(libc::SIGTERM).stderr).unwrap();
        assert!(errors.contains("the drill was stopped"), "{errors}");
    }
    assert_eq!(folders(&scratch), [scratch.join("engine-drill-kept")]);
}

#[test]
fn what_a_killed_drill_leaves_in_an_object_store_goes_too() {
    let (job, scratch) = small_job("drill-killed-s3");
    let folder = unique("drilled");
    let job = job.warehouse_at(format!("s3://warehouse/{folder}"));
    let drill = Drill::at_work(&job, &scratch);
    wait_until("a table in the store", || objects(&format!("{folder}/_drill")) > 0);
    drill.end_by(libc::SIGKILL);
    let left = folders(&scratch);
    let owner = left[0].join("OWNER");
    wait_until("the end of its run", || File::open(&owner).unwrap().try_lock().is_ok());
    assert!(objects(&format!("{folder}/_drill")) > 0);
    let errors = Drill::at_work(&job, &scratch).end_by(libc::SIGTERM);
    let errors = String::from_utf8(errors.stderr).unwrap();
    assert!(errors.contains(&format!("what a killed drill had left in {} is removed", left[0].display())), "{errors}");
    assert!(folders(&scratch).is_empty(), "{errors}");
    assert_eq!(objects(&folder), 0, "{errors}");
}

#[test]
fn a_drill_that_fails_takes_everything_away_and_says_why() {
    let topic = Topic::new("drill-failed", 1);
    topic.send(0, ["this is no event".to_owned()]);
    let job = Job::new(&topic, "on_error = \"fail\"\n", KEEP_ALL);
    let scratch = job.beside("scratch");
    fs::create_dir(&scratch).unwrap();
    let error = run(&mut command(&job, &scratch)).failed();
    assert!(error.contains("the job failed"), "{error}");
    assert!(folders(&scratch).is_empty(), "{error}");
}
