//! Variables, set, unset, empty and misspelt.

use super::*;

fn variable(name: &str) -> Option<String> {
    match name {
        "A" => Some("alpha".to_owned()),
        "EMPTY" => Some(String::new()),
        "NESTED" => Some("${A}".to_owned()),
        _ => None,
    }
}

#[test]
fn values_are_put_in() {
    for (written, expected) in [
        ("plain $ and } and {", "plain $ and } and {"),
        ("${A}", "alpha"),
        ("x${A}y${A:-b}z", "xalphayalphaz"),
        ("${NO:-default value}", "default value"),
        ("${NO:-}", ""),
        ("${EMPTY:-b}", "b"),
        ("${EMPTY}", ""),
        ("$${A} ${A}", "${A} alpha"),
        ("$$", "$$"),
        ("${NESTED}", "${A}"),
        ("é${A}é", "éalphaé"),
    ] {
        let resolved = resolve(written, &variable);
        assert_eq!(resolved.value, expected, "{written}");
        assert_eq!(resolved.faults, [], "{written}");
    }
    assert!(!resolve("$${A}", &variable).used);
    assert!(resolve("${A}", &variable).used);
}

#[test]
fn faults_have_their_place() {
    for (written, range, kind) in [
        ("x${NO}", 1..6, FaultKind::Unset("NO".to_owned())),
        ("é${NO}", 2..7, FaultKind::Unset("NO".to_owned())),
        ("${A", 0..3, FaultKind::Unclosed),
        ("${}", 0..3, FaultKind::NotAName),
        ("${1A}", 0..5, FaultKind::NotAName),
        ("${A B}", 0..6, FaultKind::NotAName),
        ("${NO:-${A}}", 0..10, FaultKind::Nested),
        ("${A:-${A}}", 0..9, FaultKind::Nested),
    ] {
        assert_eq!(resolve(written, &variable).faults, [Fault { range, kind }], "{written}");
    }
}
