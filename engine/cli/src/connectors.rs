//! The connectors of this binary. The one place that knows them all: another one is a line here.

use std::sync::Arc;

use connector::Registry;

/// All of them, under the names of the job file.
pub fn registry() -> Registry {
    Registry::new(Arc::new(delta::DeltaConnector))
        .with_source(Arc::new(kafka::KafkaConnector))
        .with_static(Arc::new(delta::DeltaConnector))
        .with_static(Arc::new(files::FilesConnector))
}
