//! The grammar against serde_json, which judges what is well-formed.

use proptest::prelude::*;

use super::*;

/// Texts in the spirit of JSONTestSuite; which of them are JSON is not written here but asked of serde_json.
const TEXTS: &[&[u8]] = &[
    b"0",
    b"-0",
    b"1",
    b"-1",
    b"10",
    b"01",
    b"-01",
    b"00",
    b"-",
    b"+1",
    b"1.",
    b".5",
    b"-.5",
    b"1.5",
    b"1.50",
    b"1..5",
    b"1e5",
    b"1E5",
    b"1e+5",
    b"1e-5",
    b"1e",
    b"1e+",
    b"1ee5",
    b"1e5.5",
    b"1.e5",
    b"0e1",
    b"0.1e1",
    b"0x1",
    b"1_000",
    b"1a",
    b"123456789012345678901234567890",
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"nan",
    b"inf",
    b"true",
    b"false",
    b"null",
    b"True",
    b"tru",
    b"truee",
    b"nul",
    b"nulll",
    b"undefined",
    b"",
    b" ",
    b"\t\n\r",
    b"\x0b1",
    b"\"\"",
    b"\"a\"",
    b"\"a",
    b"a\"",
    b"'a'",
    b"\"\\\"\"",
    b"\"\\\\\"",
    b"\"\\/\"",
    b"\"\\b\\f\\n\\r\\t\"",
    b"\"\\a\"",
    b"\"\\u0041\"",
    b"\"\\u00e9\"",
    b"\"\\u004\"",
    b"\"\\u004g\"",
    b"\"\\u\"",
    b"\"\\U0041\"",
    b"\"\\x41\"",
    b"\"\\uD834\\uDD1E\"",
    b"\"\\uD834\"",
    b"\"\\uDD1E\"",
    b"\"\\uD834\\u0041\"",
    b"\"\\uDD1E\\uD834\"",
    b"\"\\uD834\\\"",
    b"\"\\uD834x\"",
    b"\"\\u0000\"",
    b"\"\\\"",
    b"\"a\nb\"",
    b"\"a\tb\"",
    b"\"a\0b\"",
    b"\"\x1f\"",
    b"\"\x7f\"",
    b"\"12345678\x011\"",
    b"\"\xc3\xa9\"",
    b"[]",
    b"[ ]",
    b"[1]",
    b"[1,]",
    b"[,1]",
    b"[,]",
    b"[1 2]",
    b"[1,,2]",
    b"[1",
    b"[",
    b"]",
    b"[1}",
    b"[1]]",
    b"[[]",
    b"[[],[]]",
    b"[\"a\",1,null,true,{}]",
    b"[1,\n2\t,\r3 ]",
    b"{}",
    b"{ }",
    b"{",
    b"}",
    b"{\"a\":1}",
    b"{\"a\" : 1 }",
    b"{\"a\":1,}",
    b"{,}",
    b"{,\"a\":1}",
    b"{\"a\":1,,\"b\":2}",
    b"{\"a\":1 \"b\":2}",
    b"{\"a\"}",
    b"{\"a\":}",
    b"{\"a\" 1}",
    b"{a:1}",
    b"{'a':1}",
    b"{1:1}",
    b"{null:1}",
    b"{\"a\":1]",
    b"{\"a\":[}",
    b"{\"a\":{\"b\":[1,{\"c\":null}]}}",
    b"{\"a\":1}{\"a\":2}",
    b"{\"a\":1}x",
    b"{\"a\":1} ",
    b" {\"a\":1}",
    b"{\"a\":1}\0",
    b"\0{}",
    b"{\"a\":1}//c",
    b"/**/{}",
    b"{\"a\"::1}",
    b"{\"a\":1:2}",
    b"{\"\":0}",
    b"{\"a\":1,\"a\":2}",
    b"{\"\\u0061\":1}",
    b"{\"\\uD800\":1}",
    b"{\"a\nb\":1}",
    b"[\"\\u00",
    b"[-]",
    b"[1e1000]",
    b"[1,2",
    b"{\"a\":\"b",
    b"{\"a\":tru}",
    b"[nul",
    b"\xef\xbb\xbf{}",
    b"1 1",
    b"[] []",
    b"*",
    b"{*}",
    b"[*]",
];

/// Whether the whole text is one value.
fn accepts(text: &[u8]) -> bool {
    value(text, skip_space(text, 0)).is_ok_and(|(_, end)| skip_space(text, end) == text.len())
}

/// Whether serde_json takes it. It cannot hold 1e1000, which is JSON all the same, if what follows is.
fn judged(text: &[u8]) -> bool {
    match serde_json::from_slice::<serde_json::Value>(text) {
        Ok(_) => true,
        Err(error) if error.to_string().contains("number out of range") => {
            serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
        }
        Err(_) => false,
    }
}

#[test]
fn the_same_texts_are_json_as_for_serde_json() {
    assert!(TEXTS.len() > 130);
    for text in TEXTS {
        assert_eq!(accepts(text), judged(text), "{:?}", String::from_utf8_lossy(text));
    }
}

#[test]
fn the_same_texts_are_json_inside_containers_and_with_space() {
    for text in TEXTS {
        for (before, after) in [("[", "]"), ("{\"k\":", "}"), (" [ 0 , ", " ] "), ("{\"x\":[{\"k\" :", "\n}]}")] {
            let whole = [before.as_bytes(), text, after.as_bytes()].concat();
            assert_eq!(accepts(&whole), judged(&whole), "{:?}", String::from_utf8_lossy(&whole));
        }
    }
}

#[test]
fn nesting_ends_at_the_limit() {
    let nested = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
    assert!(accepts(&nested(NESTING_MAX as usize - 1)));
    assert!(!accepts(&nested(NESTING_MAX as usize)));
    assert!(!accepts(&vec![b'['; 1_000_000]));
    assert!(!accepts("{\"a\":".repeat(1_000_000).as_bytes()));
}

#[test]
fn numbers_and_containers_end_at_their_limits() {
    assert!(accepts("1".repeat(NUMBER_BYTES_MAX).as_bytes()));
    assert!(!accepts("1".repeat(NUMBER_BYTES_MAX + 1).as_bytes()));
    let list = |elements: usize| format!("[{}0]", "0,".repeat(elements - 1));
    assert!(accepts(list(ELEMENTS_MAX).as_bytes()));
    assert!(!accepts(list(ELEMENTS_MAX + 1).as_bytes()));
}

proptest! {
    #[test]
    fn any_tokens_are_judged_as_serde_json_does(tokens in prop::collection::vec(prop::sample::select(vec![
        "{", "}", "[", "]", ",", ":", "\"a\"", "\"\\n\"", "1", "-2.5e3", "null", "true", " ", "\n", "\"", "\\", "0",
    ]), 0..14)) {
        let text = tokens.concat();
        prop_assert_eq!(accepts(text.as_bytes()), judged(text.as_bytes()), "{}", text);
    }

    #[test]
    fn the_end_of_plain_text_is_found(text in prop::collection::vec(prop_oneof![9 => 0x20_u8..=255, 1 => any::<u8>()], 0..80), start in 0_usize..90) {
        let expected = (start..text.len()).find(|&at| text[at] == b'"' || text[at] == b'\\' || text[at] < 0x20);
        prop_assert_eq!(plain_end(&text, start), expected.unwrap_or(text.len().max(start)));
    }
}
