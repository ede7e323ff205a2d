//! Sections `[[test]]` and `[[test.step]]`.

use std::collections::BTreeMap;
use std::ops::Range;

use epoch::Step;
use serde_json::{Map, Value as Json};

use crate::instant;
use crate::keys::{Keys, missing, wrong_type};
use crate::model::{Job, KillPoint, Test, TestRecord, TestStep};
use crate::problem::{Problem, Problems};
use crate::reference::Part;
use crate::tree::{Section, Text, Value};

use super::{checks, rows, test_expect};

/// Reads all tests.
pub(super) fn read_all(keys: &Keys<'_>, job: &Job, problems: &mut Problems) -> Vec<Test> {
    let mut tests: Vec<Test> = Vec::new();
    for (section, at) in sections(keys, "test", problems) {
        let keys = Keys::of_part(section, at.clone(), "[[test]]", Part::Test, problems);
        let name = keys.text("name", problems);
        if let Some(name) = name.filter(|name| tests.iter().any(|test| test.name == name.value)) {
            let problem = Problem::new(name.content.clone(), "two tests have the same name").label("there already");
            problems.push(problem.help("give each test a name of its own"));
        }
        let steps = sections(&keys, "step", problems);
        let steps: Vec<TestStep> = steps.into_iter().map(|(section, at)| step(section, at, job, problems)).collect();
        let expect_error = keys.text("expect_error", problems).map(|text| text.value.clone());
        if steps.is_empty() && expect_error.is_none() && !keys.has("expect_error") && !keys.has("step") {
            problems.push(
                missing(at.clone(), "the test has no step")
                    .help("add [[test.step]] with input.SOURCE = [{ … }] and expect.\"SCHEMA.TABLE\" = [{ … }]"),
            );
        }
        let place = name.map_or(at, |name| name.content.clone());
        let name = name.map(|name| name.value.clone()).unwrap_or_default();
        tests.push(Test { name, place, steps, expect_error });
    }
    tests
}

/// The sections of a list of sections, with their places.
fn sections<'a>(keys: &Keys<'a>, name: &str, problems: &mut Problems) -> Vec<(&'a Section, Range<usize>)> {
    let Some(entry) = keys.get(name, problems) else { return Vec::new() };
    let Value::List(items) = &entry.node.value else {
        keys.wrong_type(entry, problems);
        return Vec::new();
    };
    let mut sections = Vec::new();
    for item in items {
        match &item.value {
            Value::Section(section) => sections.push((section, item.span.clone())),
            _ => wrong_type(item, name, "a section", keys.example(name), problems),
        }
    }
    sections
}

fn step(section: &Section, at: Range<usize>, job: &Job, problems: &mut Problems) -> TestStep {
    let keys = Keys::of_part(section, at.clone(), "[[test.step]]", Part::TestStep, problems);
    let mut step = TestStep { place: at.clone(), ..TestStep::default() };
    step.restart = keys.flag("restart", problems).unwrap_or(false);
    step.time_us = keys
        .get("time", problems)
        .and_then(|entry| instant::read_us(&entry.node, "time", "time = \"2026-01-01T00:00:00Z\"", problems));
    step.statics = statics(&keys, job, problems);
    step.input = input(&keys, job, problems);
    step.empty_epoch = keys.flag("empty_epoch", problems).unwrap_or(false);
    step.kill = keys.text("kill", problems).and_then(|text| kill_point(text, problems));
    test_expect::read(&keys, job, &mut step, problems);
    if section.entries.is_empty() {
        let problem = Problem::new(at, "the step does nothing and expects nothing").label("nothing is in it");
        problems.push(problem.help("add input.SOURCE = [{ … }] or expect.\"SCHEMA.TABLE\" = [{ … }]"));
    } else if step.kill.is_some() && !keys.has("input") && !step.empty_epoch {
        let place = keys.get("kill", problems).map_or(at, |entry| entry.node.span.clone());
        let problem = Problem::new(place, "`kill` needs an epoch of this step").label("the step has no input");
        problems.push(problem.help("add input.SOURCE = [{ … }] or empty_epoch = true to the step"));
    }
    step
}

fn input(keys: &Keys<'_>, job: &Job, problems: &mut Problems) -> BTreeMap<String, Vec<TestRecord>> {
    let mut input = BTreeMap::new();
    let Some((section, _)) = keys.section("input", problems) else { return input };
    for entry in &section.entries {
        match job.sources.get(&entry.name) {
            Some(source) => {
                input.insert(entry.name.clone(), rows::records(entry, source, problems));
            }
            None => problems.push(checks::unknown(entry, "source", job.sources.keys())),
        }
    }
    input
}

fn statics(keys: &Keys<'_>, job: &Job, problems: &mut Problems) -> BTreeMap<String, Vec<Map<String, Json>>> {
    let mut statics = BTreeMap::new();
    let Some((section, _)) = keys.section("static", problems) else { return statics };
    for entry in &section.entries {
        if !job.statics.contains_key(&entry.name) {
            problems.push(checks::unknown(entry, "static table", job.statics.keys()));
        }
        statics.insert(entry.name.clone(), rows::static_rows(entry, problems));
    }
    statics
}

/// `before commit`, `after read`.
fn kill_point(text: &Text, problems: &mut Problems) -> Option<KillPoint> {
    let mut words = text.value.split_whitespace();
    let after = match words.next() {
        Some("after") => Some(true),
        Some("before") => Some(false),
        _ => None,
    };
    let step = words.next().and_then(Step::from_name);
    if let (Some(after), Some(step), None) = (after, step, words.next()) {
        return Some(KillPoint { step, after });
    }
    let names: Vec<&str> = Step::ALL.into_iter().map(Step::name).collect();
    problems.push(
        Problem::new(text.content.clone(), format!("`kill` cannot be {}", text.shown()))
            .label("not a place in an epoch")
            .help(format!("write before or after and a step: {}; as kill = \"before commit\"", names.join(", "))),
    );
    None
}
