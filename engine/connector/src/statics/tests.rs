//! Static tables whose kind the job file leaves open: who is asked, and who reads a version that is on record.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use arrow::datatypes::Schema;

use super::*;

/// A kind that owns the versions that begin with its name.
struct Kind {
    name: &'static str,
    recognises: Result<bool, StaticError>,
    keeps: bool,
}

impl Kind {
    fn rows(&self, version: &str) -> StaticRows {
        let version = format!("{version}, read by {}", self.name);
        StaticRows { version, batch: RecordBatch::new_empty(Arc::new(Schema::empty())) }
    }
}

#[async_trait]
impl StaticTable for Kind {
    async fn recognises(&self) -> Result<bool, StaticError> {
        self.recognises.clone()
    }

    fn owns(&self, version: &str) -> bool {
        version.starts_with(self.name)
    }

    fn keeps_versions(&self) -> bool {
        self.keeps
    }

    async fn current(&self) -> Result<String, StaticError> {
        Ok(format!("{}:9", self.name))
    }

    async fn load_current(&self) -> Result<StaticRows, StaticError> {
        Ok(self.rows("newest"))
    }

    async fn load(&self, version: &str) -> Result<StaticRows, StaticError> {
        Ok(self.rows(version))
    }
}

/// A kind that keeps its versions, before one that takes all and keeps nothing.
fn of_two(recognises: Result<bool, StaticError>) -> OneOf {
    let first = Kind { name: "log", recognises, keeps: true };
    let last = Kind { name: "files", recognises: Ok(true), keeps: false };
    OneOf { kinds: vec![Arc::new(first), Arc::new(last)] }
}

#[tokio::test]
async fn the_first_that_recognises_what_lies_there_is_asked_and_else_the_last() {
    for (recognises, name) in [(true, "log"), (false, "files")] {
        let table = of_two(Ok(recognises));
        assert_eq!(table.current().await.unwrap(), format!("{name}:9"));
        assert_eq!(table.load_current().await.unwrap().version, format!("newest, read by {name}"));
    }
    let refused = StaticError::Settings("write format = \"log\"".to_string().into());
    let table = of_two(Err(refused.clone()));
    assert_eq!(table.current().await, Err(refused.clone()));
    assert_eq!(table.load_current().await, Err(refused));
}

#[tokio::test]
async fn a_version_on_record_is_read_by_its_kind_whatever_lies_there_now() {
    let table = of_two(Ok(true));
    assert_eq!(table.load("log:1").await.unwrap().version, "log:1, read by log");
    assert_eq!(table.load("files:1").await.unwrap().version, "files:1, read by files");
    assert_eq!(table.load("other:1").await.unwrap().version, "other:1, read by log", "by what lies there");
    assert!(table.owns("files:1") && !table.owns("other:1"));
}

#[test]
fn only_versions_of_a_place_that_keeps_them_need_no_copy() {
    let table = of_two(Ok(true));
    assert!(table.keeps("log:1") && !table.keeps("files:1") && !table.keeps("other:1"));
    assert!(!table.keeps_versions(), "not all of its kinds do");
}
