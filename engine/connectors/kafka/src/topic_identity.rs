//! What a partition is besides its offsets: the id that its topic got when it was made, and the epoch of its leader.
//!
//! librdkafka knows both and rust-rdkafka wraps neither, so there is unsafe code here, as in [`crate::batch`].

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{CStr, CString, c_char};
use std::ptr::NonNull;
use std::time::{Duration, Instant};

use epoch::{PerSplit, Split, SplitIdentity};
use rdkafka::TopicPartitionList;
use rdkafka::bindings as native;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr};
use serde_json::{Map, Value};

use super::context::Consumer;

/// What is known of a partition. A broker before Kafka 2.8 gives its topics no ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PartitionIdentity {
    /// The topic's id, new whenever it is made anew.
    pub(crate) topic_id: Option<String>,
    /// How often the partition has got a leader; begins anew with the topic.
    pub(crate) leader_epoch: Option<i32>,
}

impl PartitionIdentity {
    /// What a plan has of it; nothing is known of what is not there, or is not of this connector.
    pub(crate) fn of(identity: Option<&SplitIdentity>) -> PartitionIdentity {
        let field = |name: &str| identity.and_then(|SplitIdentity(value)| value.get(name));
        PartitionIdentity {
            topic_id: field("topic_id").and_then(Value::as_str).map(str::to_owned),
            leader_epoch: field("leader_epoch").and_then(Value::as_i64).and_then(|epoch| epoch.try_into().ok()),
        }
    }

    /// For the plan; `None` if nothing is known.
    pub(crate) fn to_identity(&self) -> Option<SplitIdentity> {
        let mut fields = Map::new();
        fields.extend(self.topic_id.as_ref().map(|id| ("topic_id".to_owned(), Value::from(id.as_str()))));
        fields.extend(self.leader_epoch.map(|epoch| ("leader_epoch".to_owned(), Value::from(epoch))));
        (!fields.is_empty()).then_some(SplitIdentity(Value::Object(fields)))
    }
}

/// A topic as a broker describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Described {
    /// Its id.
    pub(crate) id: String,
    /// Its partitions.
    pub(crate) partitions: BTreeSet<i32>,
}

/// Topics that exist; those to which the broker gives no id are left out. `broker`: whom to ask; without one it is the
/// controller, which not every cluster names.
///
/// # Errors
/// No answer in time; a broker that does not know the question is no error.
pub(crate) fn describe_topics<'a>(
    consumer: &Consumer,
    topics: impl Iterator<Item = &'a str>,
    broker: Option<i32>,
    timeout: Duration,
) -> Result<BTreeMap<String, Described>, KafkaError> {
    let names: Vec<CString> = topics.filter_map(|topic| CString::new(topic).ok()).collect();
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let client = consumer.client().native_ptr();
    // SAFETY: the client lives as long as `consumer`. Every handle made here is destroyed once, by the guards, before it returns;
    // the names outlive the collection, which copies them.
    unsafe {
        let failed = || KafkaError::AdminOp(RDKafkaErrorCode::Fail);
        let queue =
            Guard::new(native::rd_kafka_queue_new(client), native::rd_kafka_queue_destroy).ok_or_else(failed)?;
        let op = native::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS;
        let options = native::rd_kafka_AdminOptions_new(client, op);
        let options = Guard::new(options, native::rd_kafka_AdminOptions_destroy).ok_or_else(failed)?;
        let (mut error, timeout_ms) = ([0 as c_char; 128], i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX));
        native::rd_kafka_AdminOptions_set_request_timeout(options.get(), timeout_ms, error.as_mut_ptr(), error.len());
        if let Some(broker) = broker {
            native::rd_kafka_AdminOptions_set_broker(options.get(), broker, error.as_mut_ptr(), error.len());
        }
        let mut pointers: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
        let collection = native::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len());
        let collection = Guard::new(collection, native::rd_kafka_TopicCollection_destroy).ok_or_else(failed)?;
        native::rd_kafka_DescribeTopics(client, collection.get(), options.get(), queue.get());
        // The answer comes in time or says that there was none; the second is for a client that says nothing.
        let begun = Instant::now();
        while begun.elapsed() < timeout + Duration::from_secs(1) {
            let event = native::rd_kafka_queue_poll(queue.get(), 100);
            if let Some(event) = Guard::new(event, native::rd_kafka_event_destroy) {
                return described(event.get());
            }
        }
        Err(KafkaError::AdminOp(RDKafkaErrorCode::OperationTimedOut))
    }
}

/// # Safety
/// `event` is an event of librdkafka that lives until this returns.
unsafe fn described(event: *mut native::rd_kafka_event_t) -> Result<BTreeMap<String, Described>, KafkaError> {
    let mut found = BTreeMap::new();
    // SAFETY: what the event holds lives as long as it does, which the caller promises; pointers are checked before they are read.
    unsafe {
        match native::rd_kafka_event_error(event) {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR => {}
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE
            | RDKafkaRespErr::RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION => return Ok(found),
            error => return Err(KafkaError::AdminOp(error.into())),
        }
        let result = native::rd_kafka_event_DescribeTopics_result(event);
        if result.is_null() {
            return Ok(found);
        }
        let mut count = 0;
        let topics = native::rd_kafka_DescribeTopics_result_topics(result, &mut count);
        for number in 0..if topics.is_null() { 0 } else { count } {
            let topic = *topics.add(number);
            let error = native::rd_kafka_TopicDescription_error(topic);
            let (name, id) =
                (native::rd_kafka_TopicDescription_name(topic), native::rd_kafka_TopicDescription_topic_id(topic));
            let is_error =
                !error.is_null() && native::rd_kafka_error_code(error) != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR;
            if is_error || name.is_null() || id.is_null() {
                continue;
            }
            let is_none = native::rd_kafka_Uuid_most_significant_bits(id) == 0
                && native::rd_kafka_Uuid_least_significant_bits(id) == 0;
            let id = native::rd_kafka_Uuid_base64str(id);
            if !is_none && !id.is_null() {
                let text = |text| CStr::from_ptr(text).to_string_lossy().into_owned();
                found.insert(text(name), Described { id: text(id), partitions: partitions_of(topic) });
            }
        }
    }
    Ok(found)
}

/// # Safety
/// `topic` is a description of librdkafka that lives until this returns.
unsafe fn partitions_of(topic: *const native::rd_kafka_TopicDescription_t) -> BTreeSet<i32> {
    // SAFETY: what the description holds lives as long as it does, which the caller promises; pointers are checked before they are read.
    unsafe {
        let mut count = 0;
        let partitions = native::rd_kafka_TopicDescription_partitions(topic, &mut count);
        let numbers = 0..if partitions.is_null() { 0 } else { count };
        numbers.map(|number| native::rd_kafka_TopicPartitionInfo_partition(*partitions.add(number))).collect()
    }
}

/// The epochs of the leaders that answered a question about offsets.
pub(crate) fn leader_epochs(answer: &TopicPartitionList) -> PerSplit<i32> {
    let mut epochs = PerSplit::default();
    for (number, element) in answer.elements().iter().enumerate() {
        // SAFETY: the list lives as long as `answer`, and its elements are as many as it says, in the same order.
        let epoch = unsafe { native::rd_kafka_topic_partition_get_leader_epoch((*answer.ptr()).elems.add(number)) };
        if epoch >= 0 {
            epochs.insert(Split::new(element.topic(), element.partition()), epoch);
        }
    }
    epochs
}

/// Says of every offset in a list in which leader's epoch the record before it was written.
pub(crate) fn set_leader_epoch(list: &mut TopicPartitionList, epoch: i32) {
    for number in 0..list.count() {
        // SAFETY: as in `leader_epochs`, and nobody else has the list.
        unsafe { native::rd_kafka_topic_partition_set_leader_epoch((*list.ptr()).elems.add(number), epoch) };
    }
}

/// A handle of librdkafka that is destroyed when it is dropped.
struct Guard<T> {
    handle: NonNull<T>,
    destroy: unsafe extern "C" fn(*mut T),
}

impl<T> Guard<T> {
    /// Takes a handle over; `None` if there is none.
    fn new(handle: *mut T, destroy: unsafe extern "C" fn(*mut T)) -> Option<Guard<T>> {
        NonNull::new(handle).map(|handle| Guard { handle, destroy })
    }

    fn get(&self) -> *mut T {
        self.handle.as_ptr()
    }
}

impl<T> Drop for Guard<T> {
    fn drop(&mut self) {
        // SAFETY: the handle is ours, and is given back once, with the function that belongs to it.
        unsafe { (self.destroy)(self.handle.as_ptr()) };
    }
}

#[cfg(test)]
mod tests;
