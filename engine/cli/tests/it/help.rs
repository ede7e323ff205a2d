//! Every command says what it is for and shows an example; wrong arguments end with code 2.

use crate::support::{engine, run};

const COMMANDS: &[&[&str]] = &[
    &[],
    &["submit"],
    &["check"],
    &["test"],
    &["explain"],
    &["sql"],
    &["generate"],
    &["generate", "ecommerce"],
    &["broker"],
    &["checkpoint"],
    &["drill"],
    &["replay"],
    &["verify"],
    &["checkpoint", "show"],
    &["checkpoint", "verify"],
    &["checkpoint", "rebuild"],
];

#[test]
fn every_command_shows_an_example() {
    for command in COMMANDS {
        let help = run(engine(command).arg("--help")).succeeded();
        let examples = help.split_once("Example").unwrap_or_else(|| panic!("no example for {command:?}:\n{help}")).1;
        let prefix = format!("  engine {}", command.join(" "));
        assert!(examples.contains(prefix.trim_end()), "no example of {command:?} itself:\n{help}");
    }
}

#[test]
fn every_command_of_the_list_is_tried_here() {
    let help = run(&mut engine(&["--help"])).succeeded();
    let list = help.split_once("Commands:").unwrap().1.split_once("Options:").unwrap().0;
    let listed = list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names: Vec<&str> =
        listed.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help").collect();
    assert!(names.len() >= 7, "{names:?}");
    for name in names {
        assert!(COMMANDS.contains(&[name].as_slice()), "{name} is not tried");
    }
}

#[test]
fn the_broker_says_what_it_cannot_do() {
    let help = run(&mut engine(&["broker", "--help"])).succeeded();
    for limit in ["5 MiB", "100,000 batches", "no aborted transactions", "no offsets by time", "memory"] {
        assert!(help.contains(limit), "{limit}:\n{help}");
    }
}

#[test]
fn wrong_arguments_end_with_code_2_and_say_what_to_write() {
    let wrong: &[(&[&str], &str)] = &[
        (&["sumbit"], "submit"),
        (&["submit"], "<JOB>"),
        (&["submit", "job.toml", "--set", "trigger"], "key=value"),
        (&["broker", "--topic", "events:none"], "name:partitions"),
        (&["broker", "--listen", "here"], "--listen"),
        (&["generate", "ecommerce", "--late", "7"], "0 to 1"),
        (&["generate", "ecommerce", "--start", "yesterday"], "1970-01-01T00:00:00Z"),
        (&["sql", "--format", "xml", "SELECT 1"], "table, csv, json"),
        (&["sql", "--job", "a.toml", "--warehouse", "b", "SELECT 1"], "cannot be used with"),
        (&["checkpoint", "show", "/tmp", "--epochs", "0"], "--epochs"),
    ];
    for (arguments, said) in wrong {
        let error = run(&mut engine(arguments)).failed_with(2);
        assert!(error.contains(said), "{arguments:?} does not say {said}:\n{error}");
    }
}

#[test]
fn what_is_not_there_is_named_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let inside = |arguments: &[&str]| run(engine(arguments).current_dir(folder.path())).failed_with(2);
    for command in ["check", "explain", "submit", "drill"] {
        let error = inside(&[command, "jobs/none.toml"]);
        assert!(
            error.contains("jobs/none.toml cannot be read") && error.contains("give the path of a job file"),
            "{error}"
        );
    }
    let error = inside(&["sql", "SELECT 1"]);
    assert!(error.contains("no warehouse folder warehouse") && error.contains("--job JOB"), "{error}");
    let error = inside(&["sql", "--warehouse", "lake", "SELECT 1"]);
    assert!(error.contains("no warehouse folder lake"), "{error}");
    assert!(!folder.path().join("lake").exists(), "looking must not make a warehouse");
    let error = inside(&["checkpoint", "show", "none"]);
    assert!(error.contains("none is not a checkpoint") && error.contains("name the folder"), "{error}");
    assert!(inside(&["checkpoint", "verify", "none"]).contains("none is not a checkpoint"));
    assert!(inside(&["sql", "-f", "none.sql"]).contains("none.sql cannot be read"));
}

#[test]
fn generate_without_a_broker_says_how_to_start_one() {
    // Port 1 of the own machine: nothing listens there.
    let error = run(&mut engine(&["generate", "ecommerce", "--total", "1", "--brokers", "127.0.0.1:1"])).failed_with(1);
    assert!(error.contains("no answer from Kafka at 127.0.0.1:1") && error.contains("engine broker"), "{error}");
}
