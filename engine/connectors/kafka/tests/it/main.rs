//! The source against real Kafka (KAFKA_BROKERS must name one) and against the embedded broker where faults are made.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod faults;
mod laws;
mod loss;
mod planning;
mod ranges;
mod sending;
mod support;

/// Planner and lane move to the threads that own them.
#[test]
fn both_sides_can_be_handed_to_a_thread() {
    fn can_move<T: Send + 'static>() {}
    can_move::<kafka::KafkaPlanner>();
    can_move::<kafka::KafkaLane>();
}
