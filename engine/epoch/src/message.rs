//! What an error says to its reader, and the errors below it.

use std::error::Error;
use std::fmt;

/// The text of an error, and what a library below it had said.
///
/// The text is whole without the causes: it names the place and the remedy. The causes are for who looks into a log or decides by more
/// than the text; they are copies, so that an error can be cloned, compared and sent to other threads.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    text: String,
    cause: Option<Box<Cause>>,
}

/// One error of a chain, as its own text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    text: String,
    below: Option<Box<Cause>>,
}

impl Message {
    /// A text with the error that it reports, and all errors below that.
    pub fn caused_by(text: impl Into<String>, error: &(dyn Error + 'static)) -> Message {
        Message { text: text.into(), cause: Some(Box::new(Cause::of(error, &str::to_string))) }
    }

    /// The same for an error that may repeat what nobody may print, such as the id of a key: `clean` makes of each text what may be kept.
    pub fn caused_by_cleaned(
        text: impl Into<String>,
        error: &(dyn Error + 'static),
        clean: &dyn Fn(&str) -> String,
    ) -> Message {
        Message { text: text.into(), cause: Some(Box::new(Cause::of(error, clean))) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The error that this one reports.
    pub fn cause(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }

    /// The message with another text, made of this one; the causes stay.
    #[must_use]
    pub fn reworded(self, reword: impl FnOnce(&str) -> String) -> Message {
        Message { text: reword(&self.text), cause: self.cause }
    }
}

impl Cause {
    fn of(error: &(dyn Error + 'static), clean: &dyn Fn(&str) -> String) -> Cause {
        let below = error.source().map(|below| Box::new(Cause::of(below, clean)));
        Cause { text: clean(&error.to_string()), below }
    }
}

impl From<String> for Message {
    fn from(text: String) -> Message {
        Message { text, cause: None }
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Message {
        text.to_string().into()
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The text alone, as a quoted string: what a failing test shows stays short.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Cause {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.below.as_deref().map(|below| below as &(dyn Error + 'static))
    }
}

/// The texts of all errors below `error`, the nearest first. One that only repeats what the one above says is left out.
pub fn causes_of(error: &dyn Error) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    let mut above = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if text != above {
            texts.push(text.clone());
        }
        above = text;
        next = cause.source();
    }
    texts
}

#[cfg(test)]
mod tests;
