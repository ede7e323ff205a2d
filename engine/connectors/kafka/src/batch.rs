//! Unsafe code (as in `topic_identity` and nowhere else): records of one partition, taken from librdkafka many at a time.
//!
//! `rd_kafka_consume_batch_queue` costs half of what polling record by record does, and a queue per partition lets
//! the caller decide in which order partitions are read. rust-rdkafka wraps neither the one nor both together.

use std::collections::VecDeque;
use std::ffi::CString;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::time::Duration;

use connector::Record;
use rdkafka::bindings as native;
use rdkafka::consumer::Consumer as _;
use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr};

use super::context::Consumer;

/// Records taken at once at most.
pub(crate) const BATCH_MAX: usize = 10_000;

/// The queue into which librdkafka puts the records of one partition.
pub(crate) struct PartitionQueue {
    queue: NonNull<native::rd_kafka_queue_t>,
    // The queue must not outlive its client: fields drop in order, after `drop` below has given the queue back.
    consumer: Arc<Consumer>,
}

// SAFETY: librdkafka's handles may be used from any thread; `&mut self` on every use keeps it to one at a time.
unsafe impl Send for PartitionQueue {}

impl PartitionQueue {
    /// The queue of a partition, cut off from the consumer's common queue.
    ///
    /// Must be called before the partition is assigned: librdkafka forwards a partition to the common queue when it
    /// starts to fetch it, unless the application has set a forward (here: to nothing) before.
    /// `None` if the topic's name holds a NUL or librdkafka has no such handle.
    pub(crate) fn open(consumer: &Arc<Consumer>, topic: &str, partition: i32) -> Option<PartitionQueue> {
        let topic = CString::new(topic).ok()?;
        // SAFETY: the client handle is valid as long as `consumer` lives, and the name is NUL-terminated.
        let queue =
            unsafe { native::rd_kafka_queue_get_partition(consumer.client().native_ptr(), topic.as_ptr(), partition) };
        let queue = NonNull::new(queue)?;
        // SAFETY: the queue was just handed out to us; a null destination means "do not forward".
        unsafe { native::rd_kafka_queue_forward(queue.as_ptr(), ptr::null_mut()) };
        Some(PartitionQueue { queue, consumer: Arc::clone(consumer) })
    }

    /// Takes up to `count_max` messages (at most [`BATCH_MAX`]) and appends them to `batch`; returns how many.
    ///
    /// Waits until there are `count_max` or the time is up: ask for one with a timeout, or for many without.
    ///
    /// # Errors
    /// librdkafka's code if the queue cannot be read at all.
    pub(crate) fn take(
        &mut self,
        batch: &mut Batch,
        count_max: usize,
        timeout: Duration,
    ) -> Result<usize, RDKafkaErrorCode> {
        let count_max = count_max.clamp(1, BATCH_MAX);
        let timeout_ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        batch.scratch.clear();
        batch.scratch.reserve(count_max);
        // SAFETY: `scratch` has room for `count_max` pointers, and librdkafka writes no more than that many.
        let taken = unsafe {
            native::rd_kafka_consume_batch_queue(self.queue.as_ptr(), timeout_ms, batch.scratch.as_mut_ptr(), count_max)
        };
        let Ok(taken) = usize::try_from(taken) else {
            // SAFETY: reads a thread-local number that the call above has set.
            return Err(unsafe { native::rd_kafka_last_error() }.into());
        };
        // SAFETY: the first `taken` pointers were written by the call above; pointers have no drop.
        unsafe { batch.scratch.set_len(taken) };
        let consumer = &self.consumer;
        batch.messages.extend(batch.scratch.drain(..).filter_map(NonNull::new).map(|message| Message { message }));
        if batch.consumer.is_none() {
            batch.consumer = Some(Arc::clone(consumer));
        }
        Ok(taken)
    }
}

impl Drop for PartitionQueue {
    fn drop(&mut self) {
        // SAFETY: the handle is ours, is given back once, and the client is still alive: `consumer` drops after this.
        unsafe { native::rd_kafka_queue_destroy(self.queue.as_ptr()) };
    }
}

/// Messages that were taken and not yet handed over, oldest first.
#[derive(Default)]
pub(crate) struct Batch {
    messages: VecDeque<Message>,
    scratch: Vec<*mut native::rd_kafka_message_t>,
    // Messages must not outlive their client; this field drops after them.
    consumer: Option<Arc<Consumer>>,
}

// SAFETY: the pointers are owned by the batch, and librdkafka lets any thread read and destroy a message.
unsafe impl Send for Batch {}

impl Batch {
    /// The oldest message.
    pub(crate) fn front(&self) -> Option<&Message> {
        self.messages.front()
    }

    /// Gives the oldest message back to librdkafka.
    pub(crate) fn drop_front(&mut self) {
        self.messages.pop_front();
    }
}

/// One message of librdkafka: a record, or word about the partition. Given back when dropped.
pub(crate) struct Message {
    message: NonNull<native::rd_kafka_message_t>,
}

/// What a message is.
pub(crate) enum Kind {
    /// A record.
    Record,
    /// There is nothing before this offset any more, and nothing behind it yet.
    End(i64),
    /// The offset asked for is not there, and `auto.offset.reset` is `error`.
    OutOfRange,
    /// The partition cannot be fetched.
    Failed(RDKafkaErrorCode),
}

impl Message {
    /// What the message is.
    #[inline]
    pub(crate) fn kind(&self) -> Kind {
        let message = self.raw();
        match message.err {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR => Kind::Record,
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__PARTITION_EOF => Kind::End(message.offset),
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET
            | RDKafkaRespErr::RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE => Kind::OutOfRange,
            other => Kind::Failed(other.into()),
        }
    }

    /// Offset of a record.
    #[inline]
    pub(crate) fn offset(&self) -> i64 {
        self.raw().offset
    }

    /// librdkafka's text about an error.
    pub(crate) fn error_text(&self) -> String {
        let message = self.raw();
        // SAFETY: for a message with an error librdkafka puts its text into `payload`, `len` bytes long.
        unsafe { bytes(message.payload, message.len) }
            .map(|text| String::from_utf8_lossy(text).into_owned())
            .unwrap_or_default()
    }

    /// The record, borrowed from the message.
    #[inline]
    pub(crate) fn record(&self) -> Record<'_> {
        let message = self.raw();
        let mut timestamp_type = native::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message is valid while `self` lives, and so are the bytes it points to: the record's lifetime is
        // bound to `self`. A null key or payload means none.
        unsafe {
            let timestamp_ms = native::rd_kafka_message_timestamp(self.message.as_ptr(), &mut timestamp_type);
            Record {
                key: bytes(message.key, message.key_len),
                value: bytes(message.payload, message.len),
                offset: message.offset,
                timestamp_ms: (timestamp_ms >= 0).then_some(timestamp_ms),
            }
        }
    }

    #[inline]
    fn raw(&self) -> &native::rd_kafka_message_t {
        // SAFETY: the pointer came from librdkafka, is not null, and is destroyed only when `self` is dropped.
        unsafe { self.message.as_ref() }
    }
}

impl Drop for Message {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the message is ours and is given back once.
        unsafe { native::rd_kafka_message_destroy(self.message.as_ptr()) };
    }
}

/// # Safety
/// `start` is null or points to `length` bytes that live as long as `'a`.
#[inline]
unsafe fn bytes<'a>(start: *const std::ffi::c_void, length: usize) -> Option<&'a [u8]> {
    if start.is_null() {
        None
    } else {
        // SAFETY: promised by the caller.
        Some(unsafe { std::slice::from_raw_parts(start.cast::<u8>(), length) })
    }
}
