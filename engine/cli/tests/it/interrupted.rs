//! Ctrl-C and SIGTERM where they must not end, or must not leave anything: a query of the prompt, a drill.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{Broker, engine, finish, run, signal, start, text};

const PATIENCE: Duration = Duration::from_secs(60);

/// A terminal: the side that types, and the side that a program reads.
fn terminal() -> (File, File) {
    // SAFETY: a new descriptor, owned here alone.
    let typing = unsafe { OwnedFd::from_raw_fd(libc::posix_openpt(libc::O_RDWR | libc::O_NOCTTY)) };
    let typing = File::from(typing);
    let mut name = [0; 64];
    // SAFETY: the descriptor is open, and the buffer is as long as it is said to be.
    let named = unsafe {
        let number = std::os::fd::AsRawFd::as_raw_fd(&typing);
        assert_eq!((libc::grantpt(number), libc::unlockpt(number)), (0, 0));
        assert_eq!(libc::ptsname_r(number, name.as_mut_ptr(), name.len()), 0);
        std::ffi::CStr::from_ptr(name.as_ptr())
    };
    let reading = OpenOptions::new().read(true).write(true).open(named.to_str().unwrap()).unwrap();
    (typing, reading)
}

/// What a program has written so far.
fn heard(child: &mut Child) -> Arc<Mutex<String>> {
    let mut out = child.stdout.take().unwrap();
    let all = Arc::new(Mutex::new(String::new()));
    let written = Arc::clone(&all);
    thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = out.read(&mut bytes) {
            written.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    });
    all
}

/// Lets time pass between two looks at another process.
#[expect(clippy::disallowed_methods, reason = "what is waited for is another process, looked at again and again")]
fn pass(time: Duration) {
    thread::sleep(time);
}

/// Tries something every tenth of a second until it holds.
fn wait_until(child: &mut Child, what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        let ended = child.try_wait().unwrap();
        if ended.is_some() || begun.elapsed() > PATIENCE {
            let _ = child.kill();
            panic!("{what} did not come; ended: {ended:?}");
        }
        pass(Duration::from_millis(100));
    }
}

#[test]
fn ctrl_c_gives_up_a_cross_join_and_keeps_the_prompt() {
    let folder = tempfile::tempdir().unwrap();
    let (mut typing, reading) = terminal();
    let mut command = engine(&["sql", "--warehouse", text(folder.path())]);
    command.stdin(Stdio::from(reading)).env("TERM", "dumb").env("XDG_STATE_HOME", folder.path());
    let mut child = start(&mut command);
    let (process, said) = (child.id(), heard(&mut child));
    let has = |part: &str| said.lock().unwrap().contains(part);
    wait_until(&mut child, "the prompt", || has("tables in"));
    typing
        .write_all(b"SELECT count(*) FROM generate_series(1, 3000000) a CROSS JOIN generate_series(1, 3000000) b;\n")
        .unwrap();
    // Between two lines Ctrl-C gives up what is typed, so it may come more than once.
    wait_until(&mut child, "the end of the query", || {
        signal(process, libc::SIGINT);
        has("given up after")
    });
    typing.write_all(b"SELECT 41 + 1 AS answer;\n").unwrap();
    wait_until(&mut child, "the next answer", || has("| 42 "));
    typing.write_all(b"\\q\n").unwrap();
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(begun.elapsed() < PATIENCE, "the prompt did not end: {}", said.lock().unwrap());
        pass(Duration::from_millis(20));
    };
    assert_eq!(status.code(), Some(0), "{}", said.lock().unwrap());
}

const JOB: &str = r#"[job]
name = "shop"
checkpoint = "c"
warehouse = "w"
trigger = "asap"

[source.events]
connector = "kafka"
brokers = "ADDRESS"
topic = "shop"
starting_offsets = "earliest"
schema = { event_id = "string", event_type = "string" }

[table.bronze.raw]
sql = "SELECT * FROM events"
"#;

fn entries(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}

#[test]
fn a_drill_that_is_stopped_takes_away_what_it_made() {
    let broker = Broker::start(&["shop"]);
    let folder = tempfile::tempdir().unwrap();
    let scratch = folder.path().join("scratch");
    fs::create_dir(&scratch).unwrap();
    fs::write(folder.path().join("job.toml"), JOB.replace("ADDRESS", &broker.address)).unwrap();
    let arguments = ["generate", "ecommerce", "--topic", "shop", "--total", "20000", "--brokers", &broker.address];
    run(&mut engine(&arguments)).succeeded();
    for number in [libc::SIGINT, libc::SIGTERM] {
        let mut drill = engine(&["drill", "job.toml", "--records", "20000", "--scratch", text(&scratch)]);
        let mut child = start(drill.current_dir(folder.path()));
        // A run has begun, and many are to come.
        // Besides the file that says whose the folder is.
        let begun = || fs::read_dir(&scratch).unwrap().any(|place| entries(&place.unwrap().path()) > 1);
        wait_until(&mut child, "the first run", begun);
        signal(child.id(), number);
        let said = finish(child);
        assert_eq!(said.code, Some(1), "{said:#?}");
        assert!(said.err.contains("the drill was stopped; what it had made is removed"), "{said:#?}");
        assert_eq!(entries(&scratch), 0, "{said:#?}");
    }
    assert_eq!(broker.stop(), Some(0));
}
