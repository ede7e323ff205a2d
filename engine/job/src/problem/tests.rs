//! How problems look.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::*;

#[test]
fn problems_come_in_the_order_of_their_places() {
    let mut problems = Problems::new("a.toml", "one = 1\ntwo = 2\n");
    assert!(problems.is_empty());
    assert_eq!(problems.render(false), "");
    problems.push(Problem::new(8..11, "second").label("here").help("do that").code("SOME_CODE"));
    problems.push(Problem::new(0..3, "first"));
    problems.push(Problem::new(0..3, "first"));
    let expected = "\
error: first
 --> a.toml:1:1
  |
1 | one = 1
  | ^^^

error[SOME_CODE]: second
 --> a.toml:2:1
  |
2 | two = 2
  | ^^^ here
  |
  = help: do that

2 problems
";
    assert_eq!(problems.render(false), expected);
    assert_eq!(problems.len(), 2);
    problems.sort();
    assert_eq!(problems.iter().map(|problem| problem.title.as_str()).collect::<Vec<_>>(), ["first", "second"]);
    assert!(problems.render(true).contains("\u{1b}["));
}

#[test]
fn places_outside_the_text_do_no_harm() {
    for span in [0..0, 5..900, 900..901, 4..5, 3..4, Range { start: 6, end: 2 }] {
        let mut problems = Problems::new("a.toml", "a = é");
        problems.push(Problem::new(span, "somewhere").label("there").help("that"));
        assert!(problems.render(false).starts_with("error: somewhere"));
    }
    let mut problems = Problems::new("a.toml", "");
    problems.push(Problem::new(0..0, "nothing"));
    assert!(problems.render(false).contains("a.toml:1:1"), "{}", problems.render(false));
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let text = "a = \"\u{1b}[31m\"\n";
    let mut problems = Problems::new("a\u{1b}.toml", text);
    problems.push(Problem::new(0..5, "\u{1b}[2J title").label("\u{1b}[2J label").help("\u{1b}[2J help"));
    assert!(!problems.render(false).contains('\u{1b}'));
}

#[test]
fn secrets_are_stars_of_the_same_length() {
    for (text, expected) in [
        ("\"sasl.password\" = \"hünter\" # no\n", "\"sasl.password\" = \"*******\" * **\n"),
        ("kafka = { \"sasl.password\" = 'x', a = 1 }", "kafka = { \"sasl.password\" = '*'* * * * *"),
        ("\"sasl.password\" = \"${PASS}\"", "\"sasl.password\" = \"${PASS}\""),
        ("\"sasl.password\" = \"${PASS:-x}\"", "\"sasl.password\" = \"**********\""),
        ("ssl.key.pem = \"k\"\nname = \"n\"\n", "ssl.key.pem = \"*\"\nname = \"n\"\n"),
        ("# password", "# password"),
    ] {
        assert_eq!(secret::starred(text), expected);
        assert_eq!(secret::starred(text).len(), text.len());
    }
}
