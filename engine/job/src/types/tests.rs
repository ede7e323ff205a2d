//! Types, valid and invalid.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use super::*;
use DataType::*;

#[test]
fn types_and_their_other_names() {
    for (text, expected) in [
        ("string", String),
        ("TEXT", String),
        (" bigint ", BigInt),
        ("long", BigInt),
        ("integer", Int),
        ("bool", Boolean),
        ("float64", Double),
        ("real", Float),
        ("binary", Binary),
        ("date", Date),
        ("Timestamp", Timestamp),
        ("decimal", Decimal(10, 0)),
        ("decimal(5)", Decimal(5, 0)),
        ("decimal ( 38 , 18 )", Decimal(38, 18)),
        ("array<string>", Array(Box::new(String))),
        ("map < string , array<int> >", Map(Box::new(Array(Box::new(Int))))),
        (
            "array<struct<a:int, b string,c:struct<d:date>>>",
            Array(Box::new(Struct(vec![
                ("a".into(), Int),
                ("b".into(), String),
                ("c".into(), Struct(vec![("d".into(), Date)])),
            ]))),
        ),
    ] {
        assert_eq!(parse(text), Ok(expected), "{text}");
    }
}

#[test]
fn faults_have_their_place() {
    for (text, place, label) in [
        ("", "", "a type must stand here"),
        ("strng", "strng", "no such type"),
        ("array<strng>", "strng", "no such type"),
        ("array", "", "`<` must follow here"),
        ("array(int)", "(", "`<` must follow here"),
        ("array<int", "", "`>` must follow here"),
        ("int int", "int", "nothing may follow the type"),
        ("map<int,int>", "int", "the key of a map must be a string"),
        ("map<string>", ">", "`,` must follow here"),
        ("struct<>", ">", "a field's name must stand here"),
        ("struct<a:int,A:int>", "A", "this field is there twice"),
        ("decimal(39,0)", "decimal(39,0)", "no such decimal"),
        ("decimal(0)", "decimal(0)", "no such decimal"),
        ("decimal(5,6)", "decimal(5,6)", "no such decimal"),
        ("decimal(5,-2)", "decimal(5,-2)", "no such decimal"),
        ("decimal(a)", "decimal(a)", "no such decimal"),
        ("array<é>", "é", "no such type"),
    ] {
        let fault = parse(text).unwrap_err();
        assert_eq!((&text[fault.range], fault.label), (place, label), "{text}");
        assert!(!fault.help.is_empty());
    }
}

#[test]
fn names_of_other_systems_are_translated() {
    for (text, help) in
        [("uuid", "write string"), ("tinyint", "write int"), ("datetime", "write timestamp"), ("bigin", "write bigint")]
    {
        assert_eq!(parse(text).unwrap_err().help, help);
    }
}

#[test]
fn nesting_has_an_end() {
    let nested = |depth: usize| format!("{}int{}", "array<".repeat(depth), ">".repeat(depth));
    assert!(parse(&nested(DEPTH_MAX)).is_ok());
    assert_eq!(parse(&nested(DEPTH_MAX + 1)).unwrap_err().label, "nested too deeply");
    assert_eq!(parse(&nested(1_000_000)).unwrap_err().label, "nested too deeply");
}
