//! The connectors of this binary. The one place that knows them all: another one is a line here.

use std::sync::Arc;

use connector::Registry;
use job::Connectors;
use kafka::KafkaConnector;

/// What each adds to the job file, in the order of docs/job-file.md.
pub const CONNECTORS: Connectors<'static> = Connectors::new(&[&KafkaConnector]);

/// All of them, under the names of the job file.
pub fn registry() -> Registry {
    Registry::new(Arc::new(delta::DeltaConnector))
        .with_source(Arc::new(KafkaConnector))
        .with_static(Arc::new(delta::DeltaStatics))
        .with_static(Arc::new(files::FilesStatics))
}
