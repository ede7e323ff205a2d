//! What the command line puts over the file.
use super::*;

#[test]
fn overrides_are_split_at_the_first_equals_sign() {
    assert_eq!(key_value("job.trigger=asap"), Ok(("job.trigger".to_owned(), "asap".to_owned())));
    assert_eq!(key_value("a.b={\"0\"=23}"), Ok(("a.b".to_owned(), "{\"0\"=23}".to_owned())));
    assert_eq!(key_value("a="), Ok(("a".to_owned(), String::new())));
    assert!(key_value("=asap").is_err());
    assert!(key_value("job.trigger").is_err());
}
