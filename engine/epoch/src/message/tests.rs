//! Causes are kept in order, cleaned, and without echoes.

use std::fmt;

use super::*;

#[derive(Debug)]
struct Layer(&'static str, Option<Box<Layer>>);

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Layer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.1.as_deref().map(|below| below as &(dyn Error + 'static))
    }
}

#[derive(Debug)]
struct Outer(Message);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.cause()
    }
}

fn layers() -> Layer {
    Layer("the request failed", Some(Box::new(Layer("key AKIA1 is wrong", Some(Box::new(Layer("eof", None)))))))
}

#[test]
fn every_error_below_is_kept_in_order() {
    let message = Message::caused_by("cannot write a.parquet", &layers());
    let outer = Outer(message.clone());
    assert_eq!(outer.to_string(), "cannot write a.parquet");
    assert_eq!(causes_of(&outer), ["the request failed", "key AKIA1 is wrong", "eof"]);
    assert_eq!(causes_of(&Outer(message.reworded(|text| format!("{text}; free some space")))).len(), 3);
    assert!(causes_of(&Outer("no more than this".into())).is_empty());
}

#[test]
fn what_nobody_may_print_is_not_kept() {
    let clean = |text: &str| text.replace("AKIA1", "(a key)");
    let outer = Outer(Message::caused_by_cleaned("cannot write", &layers(), &clean));
    assert_eq!(causes_of(&outer), ["the request failed", "key (a key) is wrong", "eof"]);
}

#[test]
fn an_error_that_repeats_the_one_above_is_said_once() {
    let echo = Layer("refused", Some(Box::new(Layer("refused", Some(Box::new(Layer("no rights", None)))))));
    assert_eq!(causes_of(&Outer(Message::caused_by("cannot write", &echo))), ["refused", "no rights"]);
}
