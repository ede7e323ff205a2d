//! Which decoder a format of the job file has. A new format is named here.

use std::collections::BTreeMap;

use job::{Column, Format};

use crate::decoder::Decoder;
use crate::json::JsonDecoder;
use crate::raw::RawDecoder;
use crate::time_form::ReadTime;

/// A decoder of a source's records into its columns. `event_time`: the column whose newest value is followed, a timestamp; `times`:
/// how the times of columns are written that the job file says it of, by name.
#[must_use]
pub fn decoder(
    format: Format,
    columns: &[Column],
    event_time: Option<usize>,
    times: &BTreeMap<String, ReadTime>,
) -> Box<dyn Decoder> {
    match (format, event_time) {
        (Format::Json, Some(column)) => Box::new(JsonDecoder::new(columns).with_times(times).with_event_time(column)),
        (Format::Json, None) => Box::new(JsonDecoder::new(columns).with_times(times)),
        // Its only column is the value itself, which is no timestamp.
        (Format::Raw, _) => Box::new(RawDecoder::new(columns)),
    }
}

#[cfg(test)]
mod tests;
