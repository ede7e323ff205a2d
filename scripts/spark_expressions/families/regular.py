"""Regular expressions: Java's forms, and the functions that take them."""

from calls import Constant, spread, unique
from values import null, text, texts

SUBJECTS = texts("100-200", "", "abc123def", "a.b.c", "Straße é", "日本語", "AbC", "line\nzwei", "aaa", "foo bar  baz") + [null("STRING")]
PATTERNS = ["(\\d+)-(\\d+)", "\\d+", "", "a", ".", "^a", "c$", "[a-c]+", "(?i)abc", "\\w+", "\\s+", "a|b", "(a)(b)?", "a{2}", "a*", "\\p{L}+", "\\bfoo\\b", "(?=b)", "(?<!a)b", "(a)\\1", "[", "(", "*", "\\", "(?s)line.zwei", "(?m)^z", "[^a]", "\\.", "(?<n>b)", "a+?", "a++", "[[:alpha:]]", "\\Qa.b\\E", "[a&&b]", "\\h", "\\R", "\\u0061", "(?x) a b", "\\pL", "\\d{2,}", "é", "\\S"]


def expressions():
    yield from unique(parts())


def parts():
    for function in ["regexp_like", "rlike", "regexp"]:
        yield from spread(function, SUBJECTS, Constant(texts(*PATTERNS)), most=52 if function == "regexp_like" else 10, pairs=20)
        yield from [f"{function}('a', NULL)", f"{function}(123, '2')", f"{function}('a', 1)"]
    for operator in ["RLIKE", "REGEXP", "NOT RLIKE"]:
        yield from spread("{} " + operator + " {}", SUBJECTS[:5], texts(*PATTERNS[:8]), most=10)
    for function in ["regexp_count", "regexp_instr", "regexp_substr"]:
        yield from spread(function, SUBJECTS, Constant(texts(*PATTERNS)), most=40, pairs=10)
        yield f"{function}('abc', NULL)"
    for group in ["1", "0", "2", "3", "-1"]:
        yield from spread("regexp_extract", SUBJECTS, Constant(texts("(\\d+)-(\\d+)", "([a-z])([0-9])?", "x(y)?", "(a)|(b)")), Constant([group]), most=13, pairs=2)
        yield from spread("regexp_extract_all", [*SUBJECTS[:3], text("100-200, 300-400")], Constant(texts("(\\d+)-(\\d+)", "([a-z])([0-9])?", "(a)|(b)")), Constant([group]), most=7, pairs=2)
    yield from ["regexp_extract('100-200', '(\\\\d+)-(\\\\d+)')", "regexp_extract('abc', 'b')", "regexp_extract('abc', 'b', 0)", "regexp_extract('foo', '', 0)", "regexp_extract('a', NULL)", "regexp_extract(NULL, 'a', 0)", "regexp_extract_all('a1b2', '[a-z]\\\\d', 0)", "regexp_extract_all('abc', 'x', 0)", "regexp_extract_all('', '', 0)", "regexp_instr('a1b2', '\\\\d', 0)", "regexp_instr('日本1', '\\\\d')"]
    replacements = ["num", "", "$1", "$0", "[$1]", "$2", "${n}", "\\$", "\\", "$", "x\\\\y", "$10", "日"]
    for pattern in ["(\\d+)", "a", "(?<n>b)", "", "[aeiou]", "(\\w)(\\w)", "\\s*"]:
        yield from spread("regexp_replace", SUBJECTS, Constant(texts(pattern)), Constant(texts(*replacements)), most=18, pairs=3)
    yield from ["regexp_replace('100-200', '(\\\\d+)', 'num', 4)", "regexp_replace('abcabc', 'a', 'x', 2)", "regexp_replace('abc', 'a', 'x', 0)", "regexp_replace('abc', 'a', 'x', -1)", "regexp_replace('abc', 'a', 'x', 100)", "regexp_replace('abc', NULL, 'x')", "regexp_replace('abc', 'a', NULL)", "regexp_replace(121, 1, 9)", "regexp_replace('aaa', 'a', 'b', CAST(NULL AS INT))"]
    for limit in ["", ", -1", ", 0", ", 1", ", 2", ", 10"]:
        yield from spread("split({}, {}" + limit + ")", texts("oneAtwoBthreeC", "", "a,b,,c,,", ",a", "日,本") + [null("STRING")], Constant(texts("[ABC]", ",", "", "x", "\\W")), most=12 if not limit else 9, pairs=4 if not limit else 2)
    yield from ["split('a.b', '.')", "split('a.b', '\\\\.')", "split('a|b', '|')", "split('a|b', '\\\\|')", "split('abc', NULL)", "split(123, 2)", "split('a1b2', '(?=\\\\d)')", "split('a b  c', ' +')", "split('aXbXc', 'x')", "split('😀a😀', '')", "r'\\d' = '\\\\d'", "'a\\\\d' RLIKE r'\\\\d'", "'5' RLIKE '\\d'", "'5' RLIKE '\\\\d'", "'abc' RLIKE ANY ('a', 'x')", "'ab' LIKE 'a' || '%'"]
