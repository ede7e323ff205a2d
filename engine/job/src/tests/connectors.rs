//! Sources of several connectors, and what is said where it is not known which.

use super::*;

const TWO_SOURCES: &str = r#"
[job]
name = "two"
checkpoint = "c"
warehouse = "w"

[source.events]
connector = "kafka"
brokers = "localhost:9092"
topic = "t"
ends = true
[source.events.schema]
at = "timestamp"

[source.old]
connector = "lines"
folder = "old"
[source.old.schema]
at = "timestamp"

[table.bronze.all]
sql = "SELECT * FROM events"
"#;

fn read(text: &str, overrides: &[(&str, &str)]) -> Result<Job, Problems> {
    let overrides: Vec<_> = overrides.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
    crate::parse("job.toml", text, &overrides, &variable, stand_in::TWO)
}

fn titles(text: &str) -> Vec<String> {
    let problems = read(text, &[]).unwrap_err();
    problems.iter().map(|problem| format!("{} | {} | {}", problem.title, problem.label, problem.help)).collect()
}

#[test]
fn each_source_is_read_by_its_connector() {
    let job = read(TWO_SOURCES, &[]).unwrap_or_else(|problems| panic!("{problems}"));
    let connectors: Vec<&str> = job.sources.values().map(|source| source.connector.as_str()).collect();
    assert_eq!(connectors, ["kafka", "lines"]);
    assert!(job.sources["events"].settings.downcast::<stand_in::Settings>().is_some());
    assert!(job.sources["old"].settings.downcast::<stand_in::Settings>().is_none());
    assert!(job.sources["events"].settings.is_bounded());
    assert!(job.ends());
    assert_eq!(job, read(TWO_SOURCES, &[]).unwrap());
    assert_ne!(job, read(TWO_SOURCES, &[("source.events.topic", "other")]).unwrap());
    assert!(!read(TWO_SOURCES, &[("source.events.ends", "false")]).unwrap().ends());
}

#[test]
fn keys_of_another_connector_are_unknown() {
    let text = TWO_SOURCES.replace("folder = \"old\"", "folder = \"old\"\ntopic = \"t\"");
    assert_eq!(
        titles(&text),
        [
            "unknown key `topic` | not a key of [source.old] | its keys are connector, folder, format, on_error, was, watermark, schema"
        ]
    );
}

#[test]
fn without_a_connector_that_there_is_no_key_is_wrong() {
    for (written, problem) in [
        (
            "connector = \"line\"",
            "`connector` cannot be `line` | no such connector | write one of \"kafka\" or \"lines\"",
        ),
        (
            "connector = \"files\"",
            "`connector` cannot be `files` | not yet: file sources are planned | write one of \"kafka\" or \"lines\"",
        ),
        (
            "connector = 5",
            "`connector` has the wrong type | this is a whole number; expected: \"kafka\" or \"lines\" | write for example connector = \"kafka\"",
        ),
        ("", "`connector` is missing in [source.old] | missing here | add connector = \"kafka\""),
    ] {
        assert_eq!(titles(&TWO_SOURCES.replace("connector = \"lines\"", written)), [problem]);
    }
}

#[test]
fn dotted_names_are_those_of_the_connector_alone() {
    let text = format!("{TWO_SOURCES}[source.events.kafka]\na.b = \"1\"\n\"c.d\" = \"2\"\n");
    let job = read(&text, &[("source.events.kafka.e.f", "3")]).unwrap_or_else(|problems| panic!("{problems}"));
    let settings = job.sources["events"].settings.downcast::<stand_in::Settings>().unwrap();
    let options: Vec<(&str, &str)> = settings.options.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    assert_eq!(options, [("a.b", "1"), ("c.d", "2"), ("e.f", "a whole number")]);
    let problems = read(TWO_SOURCES, &[("source.old.kafka.e.f", "3")]).unwrap_err();
    let titles: Vec<&str> = problems.iter().map(|problem| problem.title.as_str()).collect();
    assert_eq!(titles, ["unknown key `kafka`"]);
}

#[test]
fn a_connector_may_have_sections_with_keys() {
    let with = |tls: &str| read(&TWO_SOURCES.replace("ends = true", &format!("ends = true\ntls = {tls}")), &[]);
    let job = with("{ verify = false }").unwrap_or_else(|problems| panic!("{problems}"));
    assert!(!job.sources["events"].settings.downcast::<stand_in::Settings>().unwrap().verify);
    let problems = with("{ verfy = false }").unwrap_err();
    let problem = problems.iter().next().unwrap();
    assert_eq!((problem.title.as_str(), problem.help.as_str()), ("unknown key `verfy`", "write `verify`"));
}

#[test]
fn the_document_has_a_part_for_each_connector() {
    let document = document(stand_in::TWO);
    let headings: Vec<&str> = document.lines().filter(|line| line.starts_with("## ")).collect();
    let at = headings.iter().position(|heading| *heading == "## `[source.NAME]`").unwrap();
    assert_eq!(
        headings[at + 1..at + 4],
        [
            "## `[source.NAME]` with `connector = \"kafka\"`",
            "## `[source.NAME.tls]` with `connector = \"kafka\"`",
            "## `[source.NAME]` with `connector = \"lines\"`",
        ]
    );
    assert_eq!(headings.last(), Some(&"## More of the stand-in"));
    assert!(document.contains("### `connector`\n\n\"kafka\" or \"lines\" · required"));
}

#[test]
fn a_warehouse_of_another_kind_is_named_by_its_scheme() {
    let text = TWO_SOURCES.replace("warehouse = \"w\"", "warehouse = \"postgres://db.example/shop\"");
    let connectors = stand_in::TWO.with_warehouse_schemes(&["postgres"]);
    let job = crate::parse("job.toml", &text, &[], &variable, connectors).unwrap();
    assert_eq!(job.warehouse, "postgres://db.example/shop");
    assert_eq!(
        titles(&text),
        ["the warehouse cannot lie there | no such kind of place | use a local folder or s3://bucket/prefix"]
    );
}
