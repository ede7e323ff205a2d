//! Memory passes the laws of sinks, and one that forgets what it has published does not.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use connector::laws::{self, SinkUnderTest};
use connector::{Sink, SinkError};

use super::MemorySink;

struct Place {
    sink: MemorySink,
    /// True if the place forgets which epochs it has whenever it is opened.
    forgets: bool,
    backup: Mutex<MemorySink>,
}

impl Place {
    fn new(forgets: bool) -> Place {
        Place { sink: MemorySink::default(), forgets, backup: Mutex::default() }
    }
}

#[async_trait]
impl SinkUnderTest for Place {
    async fn open(&self) -> Result<Arc<dyn Sink>, SinkError> {
        if self.forgets {
            self.sink.lose_records();
        }
        Ok(Arc::new(self.sink.clone()))
    }

    fn lose_next_answer(&self) -> bool {
        false
    }

    fn answers_lost(&self) -> u32 {
        0
    }

    fn set_away(&self, _is_away: bool) -> bool {
        false
    }

    async fn back_up(&self) -> Result<(), SinkError> {
        *self.backup.lock().unwrap() = self.sink.backup();
        Ok(())
    }

    async fn restore(&self) -> Result<(), SinkError> {
        self.sink.restore(&self.backup.lock().unwrap());
        Ok(())
    }

    async fn lose_artifact(&self, table: &str, path: &str) -> Result<(), SinkError> {
        self.sink.place().tables.get_mut(table).unwrap().artifacts.remove(path);
        Ok(())
    }
}

#[test]
fn memory_passes_the_laws_of_sinks() {
    let place = Place::new(false);
    futures::executor::block_on(laws::sink::all(&place)).unwrap();
    assert_eq!(place.sink.marked("laws").unwrap().epoch.0, 1);
}

#[test]
fn a_sink_that_forgets_its_position_breaks_a_law() {
    let place = Place::new(true);
    let broken = futures::executor::block_on(laws::sink::all(&place)).unwrap_err();
    assert_eq!(broken.law, "the position is the place's own, and never beyond what is seen");
}
