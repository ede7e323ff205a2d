//! Kafka passes the laws of sources: the real one, and the embedded broker.

use std::sync::Arc;
use std::time::Duration;

use connector::Source;
use connector::laws::{self, SourceUnderTest};
use kafka::KafkaSource;
use rdkafka::producer::{BaseRecord, Producer};

use crate::support::{Topic, embedded};

impl SourceUnderTest for Topic {
    fn open(&self) -> Result<Arc<dyn Source>, String> {
        Ok(Arc::new(KafkaSource::new("events", &self.settings(), "laws")))
    }

    fn append(&self, split: i32, values: &[String]) -> Result<(), String> {
        let producer = self.producer(&[]);
        for value in values {
            let record = BaseRecord::<(), str>::to(&self.name).partition(split).payload(value);
            producer.send(record).map_err(|(error, _)| error.to_string())?;
        }
        producer.flush(Duration::from_secs(60)).map_err(|error| error.to_string())
    }
}

#[test]
fn kafka_passes_the_laws_of_sources() {
    let topic = Topic::real("laws", 2);
    laws::source::all(&topic).unwrap();
}

#[test]
fn the_embedded_broker_passes_them_too() {
    let (_broker, topic) = embedded("laws", 2);
    laws::source::all(&topic).unwrap();
}
