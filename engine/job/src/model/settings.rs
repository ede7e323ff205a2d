//! What a connector knows of a source. Only the connector looks inside.

use std::any::Any;
use std::fmt::Debug;

/// The settings of one source, as its connector read them.
pub trait ConnectorSettings: Any + Debug + Send + Sync {
    /// True if reading ends once what is there is read.
    fn is_bounded(&self) -> bool;

    /// The stream that is read, if the settings name one: what stands in the metadata column `_topic`.
    fn stream(&self) -> Option<&str> {
        None
    }

    /// True if the other ones are of the same connector and say the same.
    fn equals(&self, other: &dyn ConnectorSettings) -> bool;
}

impl dyn ConnectorSettings {
    /// The settings as those of one connector; `None` if they are another's.
    pub fn downcast<T: ConnectorSettings>(&self) -> Option<&T> {
        (self as &dyn Any).downcast_ref()
    }
}
