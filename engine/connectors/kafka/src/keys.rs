//! Kafka in the job file: the keys of a source with `connector = "kafka"`, and how they are read.

use std::fmt::Write;
use std::sync::Arc;

use job::reference::Key;
use job::{ConnectorKeys, Keys, Problems, RECORDS_PER_EPOCH_MAX, ReadSource};

use crate::settings::{KafkaSettings, OnDataLoss};

mod brokers;
mod client_options;
mod offsets;
mod table;
mod topics;

/// Kafka, for the parser of the job file.
#[derive(Debug, Clone, Copy)]
pub struct KafkaConnector;

impl ConnectorKeys for KafkaConnector {
    fn name(&self) -> &'static str {
        "kafka"
    }

    fn title(&self) -> &'static str {
        "Kafka"
    }

    fn keys(&self) -> &'static [Key] {
        table::KEYS
    }

    fn foreign_names(&self) -> &'static [(&'static str, &'static str)] {
        table::FOREIGN_NAMES
    }

    fn dotted_sections(&self) -> &'static [&'static str] {
        &["kafka"]
    }

    fn appendix(&self) -> String {
        let mut out =
            String::from("## Kafka settings that are refused\n\n| setting | why, and what to write |\n|---|---|\n");
        for (name, reason) in client_options::REFUSED {
            let _ = writeln!(out, "| `{name}` | {reason} |");
        }
        out
    }

    fn read(&self, keys: &Keys<'_>, problems: &mut Problems) -> ReadSource {
        let topics = topics::read(keys, problems);
        let settings = KafkaSettings {
            brokers: brokers::read(keys, problems),
            starting_offsets: offsets::starting(keys, &topics, problems),
            ending_offsets: offsets::ending(keys, &topics, problems),
            topics: topics.topics,
            on_data_loss: keys
                .choice("on_data_loss", &[("stop", OnDataLoss::Stop), ("continue", OnDataLoss::Continue)], problems)
                .unwrap_or(OnDataLoss::Stop),
            options: client_options::read(keys, problems),
        };
        let records_per_epoch_max = keys.count("max_offsets_per_trigger", problems).or(Some(RECORDS_PER_EPOCH_MAX));
        ReadSource { settings: Arc::new(settings), records_per_epoch_max }
    }
}

#[cfg(test)]
mod tests;
