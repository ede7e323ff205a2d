//! Which log lines a filter lets through.
use super::*;

#[test]
fn a_level_is_for_the_engine_and_a_filter_for_everybody() {
    assert!(directives("debug").starts_with(LIBRARIES));
    for ours in [",engine=debug", ",kafka=debug", ",runtime=debug"] {
        assert!(directives("debug").contains(ours), "{ours}");
    }
    assert_eq!(directives("warn,rdkafka=trace"), "warn,rdkafka=trace");
    assert!(EnvFilter::try_new(directives("info")).is_ok());
}

#[test]
fn every_crate_of_the_workspace_is_one_of_ours() {
    let manifest = include_str!("../../../../Cargo.toml");
    let members = manifest.lines().find_map(|line| line.strip_prefix("members = [")).unwrap_or_default();
    let folders: Vec<&str> = members.split('"').skip(1).step_by(2).collect();
    assert!(folders.len() > 10, "{members}");
    for folder in folders {
        let name = folder.rsplit('/').next().unwrap_or(folder).replace("cli", "engine");
        assert!(OURS.contains(&name.as_str()), "log lines of {folder} are taken for those of a library");
    }
}
