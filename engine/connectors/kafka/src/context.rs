//! What librdkafka reports in the background: log lines go to `tracing`, the last error is kept for error texts.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientContext, TopicPartitionList};

use connector::SourceError;

use super::error::needs_settings;

/// A consumer of this crate.
pub(crate) type Consumer = BaseConsumer<Context>;

/// A client that cannot connect logs several lines a second; one in this time is enough.
const QUIET: Duration = Duration::from_secs(5);

/// Context of one client.
pub(crate) struct Context {
    source: String,
    events: Mutex<ClientEvents>,
}

#[derive(Default)]
struct ClientEvents {
    last: Option<(RDKafkaErrorCode, String)>,
    warned: Option<Instant>,
}

impl Context {
    pub(crate) fn new(source: &str) -> Context {
        Context { source: source.to_string(), events: Mutex::default() }
    }

    /// What the client said last about its connections, if it said anything.
    pub(crate) fn last_error(&self) -> Option<String> {
        self.events().last.as_ref().map(|(_, text)| text.clone())
    }

    /// The error that waiting will not end, if the client has one: wrong password, wrong certificate, missing rights.
    pub(crate) fn settings_error(&self) -> Option<SourceError> {
        let events = self.events();
        let (code, text) = events.last.as_ref()?;
        needs_settings(*code).then(|| SourceError::Settings {
            source: self.source.clone(),
            what: text.as_str().into(),
            remedy: format!(
                "check security.protocol, sasl.* and ssl.* in [source.{}.kafka] and the rights of the user",
                self.source
            ),
        })
    }

    /// Forgets errors of the past once the broker has answered.
    pub(crate) fn answered(&self) {
        self.events().last = None;
    }

    fn events(&self) -> MutexGuard<'_, ClientEvents> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True if nothing was warned about in the last few seconds.
    fn may_warn(&self) -> bool {
        let mut events = self.events();
        let due = events.warned.is_none_or(|at| at.elapsed() >= QUIET);
        if due {
            events.warned = Some(Instant::now());
        }
        due
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical | RDKafkaLogLevel::Error
                if self.may_warn() =>
            {
                tracing::warn!(source = self.source, facility, "{message}");
            }
            _ => tracing::debug!(source = self.source, facility, "{message}"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
        tracing::debug!(source = self.source, %error, "{reason}");
        let mut events = self.events();
        // "All brokers are down" follows the line that says why; the why is what the reader needs.
        if code != RDKafkaErrorCode::AllBrokersDown || events.last.is_none() {
            events.last = Some((code, reason.to_string()));
        }
    }
}

impl ConsumerContext for Context {
    fn commit_callback(&self, result: KafkaResult<()>, _offsets: &TopicPartitionList) {
        if let Err(error) = result
            && self.may_warn()
        {
            tracing::warn!(source = self.source, %error, "offsets for lag tools were not committed to the consumer group; the job's own offsets are not affected");
        }
    }
}
