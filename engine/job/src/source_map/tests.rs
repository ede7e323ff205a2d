//! From places in SQL to places in the file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use crate::Table;
use crate::tests::parse;

use super::*;

/// A file with this text as the SQL of its table, quotes included, and that table.
fn file(sql: &str) -> (SourceMap, Table) {
    let text = include_str!("../tests/whole/small.toml").replace("\"SELECT * FROM events\"", sql);
    let job =
        parse("job.toml", &text, &[], &|name| Some(name.repeat(2))).unwrap_or_else(|problems| panic!("{problems}"));
    (SourceMap::new("job.toml", &text), job.tables[0].clone())
}

#[test]
fn plain_strings_map_letter_for_letter() {
    for sql in [
        "\"SELECT é, abc FROM events\"",
        "'SELECT é, abc FROM events'",
        "\"\"\"SELECT é, abc FROM events\"\"\"",
        "\"\"\"\nSELECT é, abc FROM events\n\"\"\"",
        "'''\r\nSELECT é, abc FROM events'''",
    ] {
        let (map, table) = file(sql);
        assert_eq!(map.slice(&map.sql_span(&table, 1, 11)), "abc", "{sql}");
        assert_eq!(map.slice(&map.sql_span(&table, 1, 9)), ",", "{sql}");
        assert_eq!(map.slice(&map.sql_word(&table, "ABC")), "abc", "{sql}");
        let start = table.sql.find("FROM").unwrap();
        assert_eq!(map.slice(&map.sql_bytes(&table, start..start + 4)), "FROM", "{sql}");
    }
}

#[test]
fn a_line_with_escapes_or_variables_falls_back_and_others_do_not() {
    let sql = "\"\"\"\nSELECT a, '\\t',\n  b, '${NAME}',\n  c\nFROM events\n\"\"\"";
    let (map, table) = file(sql);
    assert!(table.sql.contains("'NAMENAME'"));
    assert_eq!(map.slice(&map.sql_span(&table, 3, 3)), "c");
    for (line, column) in [(1, 8), (2, 3), (9, 1), (0, 0), (3, 0)] {
        let whole = map.slice(&map.sql_span(&table, line, column));
        assert!(whole.starts_with("SELECT a") && whole.ends_with("FROM events"), "{line}:{column} {whole}");
    }
    // A line that goes on behind `\` shifts all lines after it.
    let (map, table) = file("\"\"\"\nSELECT a, \\\n  b,\n  c\nFROM events\"\"\"");
    assert_eq!(map.sql_offset(&table, 2, 3), None);
}

#[test]
fn columns_behind_the_end_of_a_line_are_its_end() {
    let (map, table) = file("\"\"\"\nSELECT\nFROM\n\"\"\"");
    let end = map.sql_offset(&table, 1, 99).unwrap();
    assert_eq!(map.line_column(end), (17, 7));
    assert_eq!(map.sql_span(&table, 1, 99), end..end);
}

#[test]
fn words_are_whole_words() {
    let (map, table) = file("\"SELECT user_id_2, user_id FROM events\"");
    let span = map.sql_word(&table, "user_id");
    assert_eq!(map.line_column(span.start), (16, 26));
    assert_eq!(map.slice(&map.sql_word(&table, "nowhere")), table.sql);
    assert_eq!(map.slice(&map.sql_word(&table, "")), table.sql);
}

#[test]
fn sql_from_the_command_line_has_its_place_there() {
    let text = include_str!("../tests/whole/small.toml");
    let overrides = [("table.bronze.all.sql".to_owned(), "SELECT x FROM events".to_owned())];
    let job = parse("job.toml", text, &overrides, &|_| None).unwrap();
    let map = SourceMap::with_overrides("job.toml", text, &overrides);
    let span = map.sql_span(&job.tables[0], 1, 8);
    assert_eq!(map.slice(&span), "x");
    assert_eq!((map.shown_text(span.start).name, map.line_column(span.start)), ("command line", (1, 35)));
}
