//! XML documents and paths into them.
use super::document::Document;
use super::xpath::{XPathValue, evaluate, parse};

const TEXT: &str = "<p><a>1</a><a>2</a><b x=\"y&amp;z\">te&lt;xt<!-- no --></b><c><a>3</a></c></p>";

fn found(path: &str) -> String {
    let document = Document::parse(TEXT).unwrap();
    match evaluate(&parse(path).unwrap(), &document).unwrap() {
        XPathValue::Nodes(nodes) => nodes.iter().map(|node| document.text_of(*node)).collect::<Vec<_>>().join(","),
        other => other.text(&document),
    }
}

/// By XPath 1.0.
#[test]
fn paths_find_what_they_say() {
    let cases = [
        ("p/a", "1,2"),
        ("/p/a[2]", "2"),
        ("//a", "1,2,3"),
        ("p//a[last()]", "2,3"),
        ("p/b/@x", "y&z"),
        ("p/b/text()", "te<xt"),
        ("p/*[2]", "2"),
        ("p/a[. = '2']/preceding-sibling::a", "1"),
        ("p/c/a/../../b", "te<xt"),
        ("p/a | p/c/a", "1,2,3"),
        ("p/b[@x]", "te<xt"),
        ("p/b[not(@x)]", ""),
        ("p/z", ""),
        ("sum(//a) div count(//a)", "2"),
        ("count(p/*)", "4"),
        ("p/a = 2", "true"),
        ("p/a != 1 and 2 * 3 - 1 >= 5", "true"),
        ("concat(p/a, '-', string-length(p/b))", "1-5"),
        ("substring('12345', 2, 3)", "234"),
        ("normalize-space('  a   b ')", "a b"),
        ("name(p/*[3])", "b"),
        ("-p/a", "-1"),
    ];
    for (path, wanted) in cases {
        assert_eq!(found(path), wanted, "{path}");
    }
}

#[test]
fn what_is_no_path_is_refused() {
    for path in ["((", "p/", "p[", "nothing(", "@", "p/a)", "'x"] {
        assert!(parse(path).is_err(), "{path}");
    }
    let document = Document::parse(TEXT).unwrap();
    assert!(evaluate(&parse("nothing()").unwrap(), &document).unwrap_err().contains("`nothing`"));
    assert!(parse(&"(".repeat(10_000)).is_err());
}

#[test]
fn what_is_no_xml_is_refused() {
    for text in ["", "x", "<a>", "<a></b>", "<a/><b/>", "<a/>x", "<a>&nothing;</a>", "<a x=1/>"] {
        assert!(Document::parse(text).is_err(), "{text}");
    }
    assert!(Document::parse(&"<a>".repeat(10_000)).is_err());
    assert!(Document::parse("<?xml version=\"1.0\"?><a><![CDATA[<x>]]></a>").is_ok());
}
