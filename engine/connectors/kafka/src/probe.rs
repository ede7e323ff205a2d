//! Asks where the records end that were written under a leader: a log that was cut back and has grown again is found so.
//!
//! Kafka answers that question (`OffsetForLeaderEpoch`), and librdkafka asks it when a consumer is put to an offset with the epoch of
//! the record before it. There is no other way to it, so a consumer of its own is made, which reads nothing else.

use std::sync::Arc;
use std::time::{Duration, Instant};

use epoch::Split;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::batch::{Batch, Kind, PartitionQueue};
use super::context::{Consumer, Context};
use super::topic_identity::set_leader_epoch;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a wait for one message lasts.
const WAIT: Duration = Duration::from_millis(100);
/// The words in which librdkafka says where the leader's records end.
const END_WORDS: &str = "broker end offset is ";

/// Where the records of the leaders up to `leader_epoch` end, if that is before `position`; `None` if they reach it.
///
/// # Errors
/// No answer in time.
pub(crate) fn end_before(
    mut config: ClientConfig,
    source: &str,
    at: &Split,
    position: i64,
    leader_epoch: i32,
) -> Result<Option<i64>, KafkaError> {
    // One small answer is all that is wanted of the log itself.
    config
        .set("queued.min.messages", "1")
        .set("queued.max.messages.kbytes", "64")
        .set("fetch.message.max.bytes", "1024");
    let consumer: Consumer = config.create_with_context(Context::new(source))?;
    let consumer = Arc::new(consumer);
    let no_queue = || KafkaError::Subscription(format!("librdkafka has no queue for {at}"));
    let mut queue = PartitionQueue::open(&consumer, &at.stream, at.partition).ok_or_else(no_queue)?;
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&at.stream, at.partition, Offset::Offset(position))?;
    consumer.assign(&list)?;
    let begun = Instant::now();
    let mut batch = Batch::default();
    seek(&consumer, list, leader_epoch, begun)?;
    while begun.elapsed() < PATIENCE {
        consumer.poll(Duration::ZERO);
        queue.take(&mut batch, 1, WAIT).map_err(KafkaError::MessageConsumption)?;
        let Some(message) = batch.front() else { continue };
        match message.kind() {
            Kind::Record | Kind::End(_) => return Ok(None),
            Kind::OutOfRange => {
                // An end that cannot be read is no end: that the records are there may not be guessed.
                let unknown = || KafkaError::MessageConsumption(RDKafkaErrorCode::OffsetOutOfRange);
                let end = end_in(&message.error_text()).ok_or_else(unknown)?;
                return Ok(Some(end).filter(|end| *end < position));
            }
            Kind::Failed(_) => batch.drop_front(),
        }
    }
    Err(KafkaError::MessageConsumption(RDKafkaErrorCode::OperationTimedOut))
}

/// Puts the consumer to its offset once more, with the epoch: only then is it checked. It must have begun to read before.
fn seek(
    consumer: &Consumer,
    mut list: TopicPartitionList,
    leader_epoch: i32,
    begun: Instant,
) -> Result<(), KafkaError> {
    loop {
        set_leader_epoch(&mut list, leader_epoch);
        let answer = consumer.seek_partitions(list.clone(), WAIT);
        let refused = match answer {
            Ok(answer) => answer.elements().iter().find_map(|element| element.error().err()),
            Err(error) => Some(error),
        };
        match refused {
            None => return Ok(()),
            Some(error) if begun.elapsed() >= PATIENCE => return Err(error),
            Some(_) => {
                consumer.poll(WAIT);
            }
        }
    }
}

/// The offset that librdkafka names in its text; it gives it nowhere else.
fn end_in(text: &str) -> Option<i64> {
    let (_, rest) = text.split_once(END_WORDS)?;
    let digits = rest.find(|letter: char| !letter.is_ascii_digit()).map_or(rest, |end| &rest[..end]);
    digits.parse().ok()
}

#[cfg(test)]
mod tests;
