//! Memory passes the laws of sources.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use connector::Source;
use connector::laws::{self, SourceUnderTest};

use super::MemorySource;
use crate::topic::{MemoryRecord, MemoryTopic};

struct Place(MemoryTopic);

impl SourceUnderTest for Place {
    fn open(&self) -> Result<Arc<dyn Source>, String> {
        Ok(Arc::new(MemorySource::new(self.0.clone())))
    }

    fn append(&self, split: i32, values: &[String]) -> Result<(), String> {
        let partition = u16::try_from(split).map_err(|error| error.to_string())?;
        self.0.append(partition, values.iter().map(|value| MemoryRecord::of(value.as_str())));
        Ok(())
    }
}

#[test]
fn memory_passes_the_laws_of_sources() {
    let place = Place(MemoryTopic::new("laws"));
    // Both splits are there from the beginning.
    place.0.append(1, []);
    laws::source::all(&place).unwrap();
}
