//! Each format has its decoder, and the decoder gives the columns that the source is planned with.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::sync::Arc;

use job::{ConnectorSettings, DataType, OnError, Source};

use crate::schema::source_schema;

use super::*;

#[derive(Debug)]
struct NoSettings;

impl ConnectorSettings for NoSettings {
    fn is_bounded(&self) -> bool {
        true
    }

    fn equals(&self, other: &dyn ConnectorSettings) -> bool {
        other.downcast::<NoSettings>().is_some()
    }
}

fn source(format: Format, columns: &[(&str, DataType)]) -> Source {
    let column = |(name, data_type): &(&str, DataType)| Column {
        name: (*name).to_owned(),
        field: (*name).to_owned(),
        data_type: data_type.clone(),
        required: false,
    };
    Source {
        name: "events".to_owned(),
        was: None,
        connector: "none".to_owned(),
        settings: Arc::new(NoSettings),
        records_per_epoch_max: None,
        format,
        on_error: OnError::Drop,
        watermark: None,
        schema: columns.iter().map(column).collect(),
        computed: Vec::new(),
        times: Default::default(),
    }
}

fn source_times() -> BTreeMap<String, ReadTime> {
    BTreeMap::new()
}

#[test]
fn a_decoder_gives_the_columns_of_the_source() {
    let typed = [("at", DataType::Timestamp), ("items", DataType::Array(Box::new(DataType::Int)))];
    for source in [
        source(Format::Json, &typed),
        source(Format::Raw, &[]),
        source(Format::Raw, &[("value", DataType::Binary)]),
        source(Format::Raw, &[("value", DataType::String)]),
    ] {
        let mut decoder = decoder(source.format, &source.schema, None, &source_times());
        assert_eq!(decoder.schema(), source_schema(&source), "{source:?}");
        decoder.push(b"{}").unwrap();
        let types: Vec<_> = decoder.flush().unwrap().iter().map(|array| array.data_type().clone()).collect();
        let expected: Vec<_> = source_schema(&source).fields().iter().map(|field| field.data_type().clone()).collect();
        assert_eq!(types, expected, "{source:?}");
    }
}

#[test]
fn the_newest_event_time_is_followed_where_there_is_one() {
    let columns = source(Format::Json, &[("n", DataType::Int), ("at", DataType::Timestamp)]).schema;
    let mut following = decoder(Format::Json, &columns, Some(1), &source_times());
    for record in [r#"{"at": "1970-01-01T00:00:02Z"}"#, r#"{"at": "1970-01-01T00:00:01Z"}"#, r#"{"n": 1}"#] {
        following.push(record.as_bytes()).unwrap();
    }
    assert_eq!((following.event_time_max_us(), following.rows()), (Some(2_000_000), 3));
    let mut not_following = decoder(Format::Json, &columns, None, &source_times());
    not_following.push(br#"{"at": 1}"#).unwrap();
    assert_eq!(not_following.event_time_max_us(), None);
}
