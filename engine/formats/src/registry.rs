//! Which decoder a format of the job file has. A new format is named here.

use job::{Column, Format};

use crate::decoder::Decoder;
use crate::json::JsonDecoder;
use crate::raw::RawDecoder;

/// A decoder of a source's records into its columns. `event_time`: the column whose newest value is followed, a timestamp.
#[must_use]
pub fn decoder(format: Format, columns: &[Column], event_time: Option<usize>) -> Box<dyn Decoder> {
    match (format, event_time) {
        (Format::Json, Some(column)) => Box::new(JsonDecoder::new(columns).with_event_time(column)),
        (Format::Json, None) => Box::new(JsonDecoder::new(columns)),
        // Its only column is the value itself, which is no timestamp.
        (Format::Raw, _) => Box::new(RawDecoder::new(columns)),
    }
}

#[cfg(test)]
mod tests;
