//! The section `[job]`.

use std::ops::Range;
use std::time::Duration;

use crate::connector::Connectors;
use crate::keys::Keys;
use crate::model::{Job, Trigger, Types, WatermarkPolicyKind};
use crate::problem::{Problem, Problems};
use crate::quantity;
use crate::reference::Part;
use crate::tree::{Section, Text};

const STATE_MEMORY_BYTES: u64 = 256 << 20;
const RETAIN_EPOCHS: u64 = 100;

/// Reads the section into the job.
pub(super) fn read(
    section: &Section,
    at: Range<usize>,
    connectors: Connectors<'_>,
    job: &mut Job,
    problems: &mut Problems,
) {
    let keys = Keys::of_part(section, at, "[job]", Part::Job, problems);
    job.name = name(&keys, problems);
    job.trigger = trigger(&keys, problems);
    job.checkpoint = checkpoint(&keys, problems);
    job.warehouse = warehouse(&keys, connectors, problems);
    job.state_memory_bytes = keys.size_bytes("state_memory", problems).unwrap_or(STATE_MEMORY_BYTES);
    job.retain_epochs = keys.count("retain_epochs", problems).unwrap_or(RETAIN_EPOCHS);
    let policies = [("min", WatermarkPolicyKind::Min), ("max", WatermarkPolicyKind::Max)];
    job.watermark_policy = keys.choice("watermark_policy", &policies, problems).unwrap_or_default();
    job.no_data_epochs = keys.flag("no_data_epochs", problems).unwrap_or(true);
    let ansi = keys.flag("ansi", problems);
    job.types = Types::Spark { ansi: ansi.unwrap_or(true) };
    job.types_are_given = ansi.is_some();
    if !job.checkpoint.is_empty() && job.checkpoint.trim_end_matches('/') == job.warehouse.trim_end_matches('/') {
        let place = keys.text("checkpoint", problems).map_or(keys.at(), |text| text.content.clone());
        problems.push(
            Problem::new(place, "checkpoint and warehouse are the same folder")
                .label("the warehouse lies there too")
                .help("give each a folder of its own"),
        );
    }
}

fn name(keys: &Keys<'_>, problems: &mut Problems) -> String {
    let Some(text) = keys.text("name", problems) else { return String::new() };
    let inside = |sign: char| sign.is_ascii_alphanumeric() || sign == '_' || sign == '-';
    let starts_well = text.value.starts_with(|sign: char| sign.is_ascii_alphanumeric());
    if text.value.len() > 100 || !starts_well || !text.value.chars().all(inside) {
        problems.push(
            Problem::new(text.content.clone(), format!("the job's name cannot be {}", text.shown()))
                .label("letters, digits, `_` and `-`, at most 100, a letter or digit first")
                .help("the name is part of folder and group names; write for example name = \"ecommerce\""),
        );
    }
    text.value.clone()
}

fn trigger(keys: &Keys<'_>, problems: &mut Problems) -> Trigger {
    if !keys.has("trigger") {
        return Trigger::Asap;
    }
    let Some(text) = keys.text("trigger", problems) else { return Trigger::Asap };
    match text.value.as_str() {
        "asap" => return Trigger::Asap,
        "available-now" => return Trigger::AvailableNow,
        "once" => return Trigger::Once,
        _ => {}
    }
    match quantity::duration_us(&text.value) {
        // Spark's way to say "as soon as possible".
        Ok(0) => Trigger::Asap,
        Ok(interval_us) => Trigger::Interval(Duration::from_micros(interval_us.unsigned_abs())),
        Err(reason) => {
            let near = if text.hidden {
                None
            } else {
                crate::nearest::nearest(&text.value, ["asap", "available-now", "once"])
            };
            let help = match near {
                Some(word) => format!("write trigger = \"{word}\""),
                None => "write a duration as \"5s\", or \"asap\", \"available-now\" or \"once\"".to_owned(),
            };
            let title = format!("`trigger` cannot be {}", text.shown());
            let label = if near.is_some() { "not one of its words" } else { reason };
            problems.push(Problem::new(text.content.clone(), title).label(label).help(help));
            Trigger::Asap
        }
    }
}

fn checkpoint(keys: &Keys<'_>, problems: &mut Problems) -> String {
    let Some(text) = keys.text("checkpoint", problems) else { return String::new() };
    if let Some((scheme, _)) = text.value.split_once("://") {
        let label =
            if scheme.starts_with("s3") { "not yet: checkpoints on S3 are planned" } else { "not a local folder" };
        problems.push(
            Problem::new(text.content.clone(), "the checkpoint must be a local folder")
                .label(label)
                .help("use a local folder for now, as checkpoint = \"checkpoints/ecommerce\""),
        );
    }
    folder(text, "checkpoint", problems)
}

fn warehouse(keys: &Keys<'_>, connectors: Connectors<'_>, problems: &mut Problems) -> String {
    let Some(text) = keys.text("warehouse", problems) else { return String::new() };
    if text.value.split_once("://").is_some_and(|(scheme, _)| connectors.has_warehouse_scheme(scheme)) {
        return text.value.clone();
    }
    let place = location(text, "warehouse", "warehouse", problems);
    if !place.contains("://") && is_mistaken(&place) {
        problems.push(
            Problem::new(text.content.clone(), "the warehouse cannot lie there")
                .label(
                    "readers of Delta tables take `\\` for `/`, and `%` with two hexadecimal digits for one character",
                )
                .help("give the folder another name"),
        );
    }
    place
}

/// True if a path would be read as another one: it holds a backslash, or looks as if it were encoded.
fn is_mistaken(path: &str) -> bool {
    let is_code = |code: &[u8]| code[0] == b'%' && code[1].is_ascii_hexdigit() && code[2].is_ascii_hexdigit();
    path.contains('\\') || path.as_bytes().windows(3).any(is_code)
}

/// A local path or an address on S3.
pub(super) fn location(text: &Text, key: &str, what: &str, problems: &mut Problems) -> String {
    let example = format!("write {key} = \"s3://bucket/prefix\"");
    let (label, help) = match text.value.split_once("://") {
        None => return folder(text, key, problems),
        Some(("s3", place)) if !place.trim_matches('/').is_empty() && !place.starts_with('/') => {
            if place.contains('@') || place.contains('?') {
                ("only bucket and prefix belong here", "keys for S3 come from the environment: AWS_ACCESS_KEY_ID, …")
            } else {
                return text.value.clone();
            }
        }
        Some(("s3", _)) => ("the bucket is missing", example.as_str()),
        Some(("s3a" | "s3n", _)) => ("Hadoop's name for S3", "write s3:// in its place"),
        Some(("file", _)) => ("not an address but a folder is wanted", "write the folder's path without file://"),
        Some(_) => ("no such kind of place", "use a local folder or s3://bucket/prefix"),
    };
    problems.push(Problem::new(text.content.clone(), format!("the {what} cannot lie there")).label(label).help(help));
    String::new()
}

/// A local folder's path. Line ends and the like in it are slips.
fn folder(text: &Text, key: &str, problems: &mut Problems) -> String {
    if text.value.chars().any(char::is_control) {
        problems.push(
            Problem::new(text.content.clone(), format!("`{key}` is not the path of a folder"))
                .label("holds a line end or another control character")
                .help(format!("write the path in one line, as {key} = \"data/{key}\"")),
        );
    }
    text.value.clone()
}
