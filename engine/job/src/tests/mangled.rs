//! Text that nobody would write: parsing it must end, and without a panic.

use super::*;

const GOOD: &str = include_str!("whole/large.toml");

fn try_it(text: &str, overrides: &[(String, String)]) {
    if let Err(problems) = parse("job.toml", text, overrides, &variable) {
        assert!(!problems.is_empty());
        let shown = problems.render(false);
        assert!(shown.contains("problem"));
        assert!(!shown.contains(SECRET), "{shown}");
        problems.render(true);
    }
}

fn char_floor(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at % (text.len() + 1))
}

const FRAGMENTS: &[&str] = &[
    "[",
    "]",
    "{",
    "}",
    "\"",
    "\"\"\"",
    "'",
    "'''",
    "=",
    ".",
    "\n",
    "\r\n",
    "#",
    "${",
    "${SECRET}",
    "${A:-",
    "}",
    "\\",
    "<",
    ">",
    "array<",
    "struct<a:",
    "-",
    "99999999999999999999",
    "[table.a.b]\n",
    "[source.events]\n",
    "é",
    "\u{0}",
    "\u{feff}",
    "🦀",
    "= 1e400\n",
    "2026-01-01",
    "true",
    "_",
    "kafka.",
    "a.b.c.d.e = 1\n",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in "\\PC{0,200}", key in "\\PC{0,20}", value in "\\PC{0,20}") {
        try_it(&text, &[(key, value)]);
    }

    #[test]
    fn fragments_of_toml(fragments in prop::collection::vec(prop::sample::select(FRAGMENTS), 0..40)) {
        let text: String = fragments.concat();
        try_it(&text, &[("job.name".to_owned(), text.clone()), (text.clone(), "x".to_owned())]);
    }

    #[test]
    fn a_good_file_with_faults(
        faults in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..6, prop::sample::select(FRAGMENTS)), 1..6)
    ) {
        let mut text = GOOD.to_owned();
        for (at, gone, fragment) in faults {
            let start = char_floor(&text, at.index(text.len() + 1));
            let end = char_floor(&text, start + gone).max(start);
            text.replace_range(start..end, fragment);
        }
        try_it(&text, &[]);
    }

    #[test]
    fn a_file_cut_off_anywhere(at in any::<prop::sample::Index>()) {
        try_it(&GOOD[..char_floor(GOOD, at.index(GOOD.len() + 1))], &[]);
    }

    #[test]
    fn any_type(text in "[a-z<>(),: 0-9é]{0,60}") {
        let file = format!("[source.events.schema]\na = \"{text}\"\n");
        try_it(&file, &[]);
    }
}

#[test]
fn nesting_without_end() {
    let arrays = format!("x = {}1{}", "[".repeat(50_000), "]".repeat(50_000));
    let inline = format!("{}1", "x = {a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a".replacen("x =", "", 0).repeat(70));
    let header = format!("[{}a]\nb = 1\n", "a.".repeat(70));
    let long_header = format!("[{}a]\n", "a.".repeat(100_000));
    let dotted = format!("[a]\n{}", format!("{}a = {{ {}a = 1 }}\n", "a.".repeat(70), "b.".repeat(70)).repeat(3));
    let mut nested = "1".to_owned();
    for _ in 0..70 {
        nested = format!("{{ {}a = {nested} }}", "a.".repeat(70));
    }
    let nested = format!("x = {nested}\n");
    let types = format!("[source.e.schema]\na = \"{}\"\n", "array<".repeat(100_000));
    for text in [arrays, inline, header, long_header, dotted, nested.clone(), types] {
        try_it(&text, &[]);
    }
    let value = nested.trim_start_matches("x = ").trim().to_owned();
    try_it("", &[("job.name".to_owned(), value), ("a.".repeat(100_000), "1".to_owned())]);
}
