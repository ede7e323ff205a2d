"""Functions of texts and binaries, without regular expressions."""

from calls import Constant, of_types, spread, unique, wrong_types
from values import ATOMIC, EVERY, NUMERIC, VALUES, null, text, texts

SUBJECTS = texts("Spark SQL", "", "abc", "  x  ", "Grüße", "日本語", "a😀b", "ÀÉÎ ñ ß", "aXbXc", "123", "a\tb\nc", "ŉ ﬁ İ ı ǅ", "e\u0301x", "\u00a0x\u3000") + [null("STRING")]
FEW = texts("Spark SQL", "", "日本😀", "aXbXc") + [null("STRING")]
COUNTS = ["2", "0", "-1", "1", "3", "100", "-3", "2147483647", "-2147483648", null("INT")]
NOT_TEXT = ["int", "double", "decimal", "boolean", "date", "timestamp", "binary", "void", "days"]


def of_one_text():
    for function in ["ascii", "base64", "bit_length", "char_length", "character_length", "hex", "initcap", "lcase", "len", "length", "lower", "ltrim", "md5", "octet_length", "quote", "reverse", "rtrim", "sha", "sha1", "soundex", "trim", "btrim", "ucase", "unbase64", "unhex", "upper", "crc32", "is_valid_utf8", "make_valid_utf8", "validate_utf8", "try_validate_utf8",
                     "luhn_check", "url_encode", "url_decode", "try_url_decode", "to_base32", "from_base32"]:
        yield from spread(function, SUBJECTS, most=12)
        yield from wrong_types(function, NOT_TEXT)
        yield from spread(function, "binary", values=4)
        yield from wrong_types(function, ["array<int>"])
    for function in ["char", "chr"]:
        yield from spread(function, ["65", "0", "255", "256", "321", "-1", "128", "9731", "65L", "'65'", "65.9", null("INT"), "9223372036854775807L", "NULL"])
    yield from spread("space", ["3", "0", "-1", null("INT"), "'2'", "2.9", "2L"])
    yield from spread("luhn_check", texts("8112189876", "79927398713", "79927398714", "", " ", "0", "x1", "1 2", "-18", "４"))
    yield from spread("unhex", texts("537061726B", "F", "0x1F", "zz", "00ff", "FF ", "", "ABC"))
    yield from spread("unbase64", texts("U3BhcmsgU1FM", "U3Bhcms=", "U3Bhcm", "!!!!", "YQ==", "YQ", "Y", "YQ==YQ==", " YQ== ", "YWJj\nZGVm", "_-8="))
    yield from spread("initcap", texts("sPark sql", "foo-bar baz", "a.b c_d", "ß", "ǆ", "é è", "1a b2", "o'neil", "\tx y", "ÀB ÇD", "σας ΣΑΣ"))
    yield from spread("upper", texts("ß", "ŉ", "ﬁ", "i", "ı", "σς", "ǆ"))
    yield from spread("lower", texts("İ", "ΣΑΣ", "I", "ẞ", "Ǆ", "K"))
    yield from spread("soundex", texts("Miller", "Robert", "Rupert", "Tymczak", "Pfister", "Honeyman", "Ashcraft", "1a", "é", "a1b", " a"))
    yield from ["is_valid_utf8(X'C328')", "make_valid_utf8(X'C328')", "validate_utf8(X'C328')", "try_validate_utf8(X'C328')", "reverse(X'0102')", "reverse(array(1, NULL, 2))", "reverse('')", "reverse(map('a', 1))", "length(X'C3A9')", "char_length(X'C3A9')", "lower(X'41')", "trim(X'2041')", "ascii('')", "ascii(X'E697A5')", "ascii('日')", "base64(X'FFEF')", "base64('Spark SQL Spark SQL Spark SQL Spark SQL Spark SQL Spark SQL Spark SQL')", "crc32('Spark')", "crc32(X'')"]
    yield from spread("url_encode", texts("https://spark.apache.org", "a b+c", "é/?&=", "~*-_.", "%"))
    yield from spread("url_decode", texts("https%3A%2F%2Fspark.apache.org", "a+b", "%C3%A9", "%", "%zz", "%2", "a%20b", "%E6%97"))
    yield from spread("try_url_decode", texts("a+b", "%", "%zz", "%C3%A9"))


def trimming():
    for side in ["LEADING", "TRAILING", "BOTH"]:
        yield from spread("trim(" + side + " {} FROM {})", texts("xy", " ", "", "S", "日") + [null("STRING")], texts("xyabcyx", "  a ", "SSparkSQLS", "", "日本日") + [null("STRING")], most=12, pairs=6)
        yield f"trim({side} FROM ' x ')"
    for function in ["btrim", "ltrim", "rtrim"]:
        yield from spread(function, texts("SSparkSQLS", "  a ", "", "xyx") if function == "btrim" else texts("SL", " ", "", "xy"), texts("SL", "", " ") + [null("STRING")], most=8)
    yield from ["trim('xx', 'axa')", "trim('x' FROM 'xax')", "ltrim('x', 'xa')", "btrim('xax', 'x')", "btrim(X'2041', X'20')", "trim('\\t x \\n')", "trim('\u00a0x')", "trim(NULL)", "ltrim(' x ')", "rtrim(' x ')", "trim(5)"]


def parts():
    for function in ["left", "right"]:
        yield from spread(function, SUBJECTS, COUNTS, most=22, pairs=6)
        yield from [f"{function}(X'010203', 2)", f"{function}(12345, 2)", f"{function}('abc', '2')", f"{function}('abc', 1.9)", f"{function}('abc', 2L)", f"{function}('abc', 'x')", f"{function}(NULL, 1)"]
    for function in ["substr", "substring"]:
        yield from spread(function, SUBJECTS, COUNTS, most=20)
        yield from spread(function, FEW, COUNTS, COUNTS, most=22, pairs=30)
        yield from [f"{function}('Spark SQL' FROM 5)", f"{function}('Spark SQL' FROM -3)", f"{function}('Spark SQL' FROM 5 FOR 1)", f"{function}(X'01020304', 2, 2)", f"{function}(X'01020304', -2)", f"{function}(12345, 2, 2)", f"{function}('abc', '2')", f"{function}('abc', 2, 1.5)", f"{function}('a😀b', 2, 1)", f"{function}(1.5D, 1, 2)", f"{function}('abc', 0, 2)", f"{function}('abc', -5, 3)"]
    for function in ["lpad", "rpad"]:
        yield from spread(function, FEW, ["5", "0", "-1", "12", null("INT")], texts("??", "", "ab", "日") + [null("STRING")], most=16, pairs=8)
        yield from [f"{function}('hi', 5)", f"{function}('hi', 1)", f"{function}(X'01', 3)", f"{function}(X'01', 3, X'FF')", f"{function}('hi', 5, X'41')", f"{function}(5, 3, '0')", f"{function}('hi', '4')", f"{function}('a😀', 4, '😀x')", f"{function}(NULL, 2)", f"{function}('hi', 5L, 'x')"]
    yield from spread("substring_index", texts("www.apache.org", "", "aaa", "a..b", "日x本x語") + [null("STRING")], texts(".", "", "a", "..", "x", "apache") + [null("STRING")], ["2", "0", "-1", "1", "-2", "100", "-100", null("INT")], most=20, pairs=30)
    yield from spread("split_part", texts("11.12.13", "", "abc", "a,b,,c", ",a,") + [null("STRING")], texts(".", "", ",", "b", "abc") + [null("STRING")], ["3", "1", "-1", "0", "4", "-3", "-4", null("INT")], most=20, pairs=24)
    yield from spread("overlay({} PLACING {} FROM {})", FEW, texts("_", "CORE", "", "日") + [null("STRING")], ["6", "1", "0", "-1", "100", null("INT")], most=14, pairs=8)
    yield from spread("overlay({}, {}, {}, {})", FEW, texts("ANSI ", ""), ["7", "1", "-2"], ["0", "2", "-1", "100", null("INT")], most=14, pairs=8)
    yield from ["overlay('Spark SQL' PLACING 'tructured' FROM 2 FOR 4)", "overlay(X'010203', X'FF', 2)", "overlay(X'010203' PLACING X'FF' FROM 2 FOR 0)", "overlay('abc', X'41', 1)", "overlay(123, 4, 2)"]
    yield from spread("elt", ["1", "2", "3", "0", "-1", null("INT"), "'1'", "1L"], texts("scala", "java"), ["'b'", "10", "NULL"], most=11)
    yield from ["elt(1)", "elt(1, X'01', X'02')", "elt(2, 'a', X'62')", "elt(1, NULL, 'x')", "elt(1, array('a'))"]


def searching():
    needles = texts("SQL", "", "a", "X", "日", " ", "sql") + [null("STRING")]
    for function in ["contains", "startswith", "endswith", "instr"]:
        yield from spread(function, SUBJECTS[:9] + [null("STRING")], needles, most=18, pairs=10)
        yield from [f"{function}(X'010203', X'02')", f"{function}(X'010203', X'')", f"{function}('a1b', 1)", f"{function}(123, '2')", f"{function}('abc', X'62')", f"{function}(NULL, 'a')", f"{function}(array(1), 1)"]
    for function in ["locate", "position"]:
        yield from spread(function, needles, SUBJECTS[:9], most=14, pairs=6)
        yield from spread(function, needles[:4], FEW, ["1", "0", "-1", "5", "100", null("INT")], most=16, pairs=8)
    yield from ["position('bar' IN 'foobarbar')", "position('' IN 'abc')", "position(NULL IN 'abc')", "charindex('b', 'abc')", "instr('abcabc', 'bc', 3)", "instr('abcabc', 'b', 1, 2)", "instr('abcabc', 'b', -1)", "instr('abcabc', 'b', 0)", "instr('aaa', 'a', 1, 4)", "instr('aaa', 'a', 1, 0)"]
    yield from spread("find_in_set", texts("ab", "", "b", "a,b", "c", "日") + [null("STRING")], texts("abc,b,ab,c,def", "", ",", "a,,b", "日,ab") + [null("STRING")], most=14, pairs=8)
    yield from spread("levenshtein", texts("kitten", "", "日本", "a😀", "same") + [null("STRING")], texts("sitting", "", "日", "same") + [null("STRING")], most=12, pairs=6)
    yield from spread("levenshtein", texts("kitten"), texts("sitting", "kitten", ""), ["2", "3", "4", "0", "-1", null("INT")], most=9)
    yield from spread("jaro_winkler_similarity", texts("MARTHA", "", "abc") + [null("STRING")], texts("MARHTA", "", "abc"), most=7)
    yield from spread("replace", FEW, texts("X", "", "SQL", "日") + [null("STRING")], texts("-", "", "XX") + [null("STRING")], most=12, pairs=6)
    yield from ["replace('ABCabc', 'abc')", "replace('aaa', 'aa', 'b')", "replace(121, 1, 9)", "replace('abc', '')", "replace('abc', '', 'x')"]
    yield from spread("translate", FEW, texts("aS", "", "aa", "日b") + [null("STRING")], texts("12", "", "1", "x😀y") + [null("STRING")], most=12, pairs=6)
    yield from ["translate('AaBbCc', 'abc', '123')", "translate('abcabc', 'abca', '1234')", "translate('a😀b', '😀', 'x')"]
    yield from spread("repeat", FEW, ["2", "0", "-1", null("INT"), "'2'", "1.9"], most=9)
    yield from ["repeat(12, 2)", "repeat(X'01', 2)", "repeat('x', 2L)"]
    yield from spread("mask", texts("AbCD123-@$#", "", "日本é", "abcd-EFGH-8765-4321") + [null("STRING")])
    yield from ["mask('AbCD123-@$#', 'Q')", "mask('AbCD123-@$#', 'Q', 'q')", "mask('AbCD123-@$#', 'Q', 'q', 'd')", "mask('AbCD123-@$#', 'Q', 'q', 'd', 'o')", "mask('AbCD123-@$#', NULL, 'q', 'd', 'o')", "mask('AbCD123-@$#', NULL, NULL, NULL, 'o')", "mask('AbCD123-@$#', NULL, NULL, NULL, NULL)", "mask('a', 'QQ')", "mask('a', '')", "mask(NULL, NULL, 'q')", "mask(12)", "mask('Ab1', lowerChar => 'y')", "mask('Ab1', digitChar => 'd', upperChar => 'U')"]


def joining():
    for one in EVERY:
        value = VALUES[one][0]
        yield from spread("concat", [value], [value, "'x'"], most=2)
        yield from spread("concat_ws", texts("-"), [value], ["'x'", "NULL"], most=3)
    yield from ["concat()", "concat('a')", "concat('a', NULL)", "concat(1, 2)", "concat('a', 1, true, 1.5D)", "concat(X'01', X'02')", "concat(X'41', 'b')", "concat(array(1), array(2, 3))", "concat(array(1), array('a'))", "concat(array(1), NULL)", "concat(array(1), array(2L))", "concat(array(), array(1))", "concat('', '')", "concat(map('a', 1), map('b', 2))", "concat(DATE'2024-01-01', 'x')", "concat(NULL)", "concat_ws('s')", "concat_ws('/', 'foo', NULL, 'bar')", "concat_ws(NULL, 'a')", "concat_ws(',', array('a', NULL, 'b'), 'c')", "concat_ws(',', array())", "concat_ws(',', NULL)", "concat_ws(1, 'a', 'b')", "concat_ws('', 'a', '', 'b')", "concat_ws(',', array(1, 2))", "concat_ws()"]
    yield from spread("str_to_map", texts("a:1,b:2,c:3", "a", "", "a:1,a:2", "a:,:b", "a::b", "x") + [null("STRING")], most=9)
    yield from ["str_to_map('a=1&b=2', '&', '=')", "str_to_map('a:1;b:2', ';')", "str_to_map('a1b2', '', '')", "str_to_map('a:1|b:2', '|', ':')", "str_to_map('a:1,b:2', NULL)", "str_to_map('a.1,b.2', ',', '.')", "str_to_map(NULL, ',', ':')"]
    yield from spread("sentences", texts("Hi there! Good morning.", "", "a b. c", "日本") + [null("STRING")])


def formats():
    numbers = ["12332.123456D", "5", "1234567", "0.5D", "-0.5D", "1.5", "2.5", "-1234.567", "DOUBLE('NaN')", "DOUBLE('Infinity')", "9223372036854775807L", "0", "-0.0D", "1e20D", "99999999999999999999.99", null("DOUBLE"), "12Y", "0.1F", "'12'", "true"]
    for scale in ["4", "2", "0", "-1"]:
        yield from spread("format_number", numbers, Constant([scale]), most=21 if scale in "42" else 9)
    yield from ["format_number(12332.123456D, '##################.###')", "format_number(1234.5D, '#,###.00')", "format_number(0.5D, '000.0')", "format_number(1234.5D, '')", "format_number(1234.5D, NULL)", "format_number(NULL, 2)", "format_number(0.125D, 2)", "format_number(0.375D, 2)", "format_number(1.005D, 2)"]
    arguments = [("%d", "42"), ("%5d|%-5d|%05d", "42, 42, 42"), ("%s", "NULL"), ("%s %s", "'a', true"), ("%.2f", "1.005D"), ("%e", "12345.678D"), ("%g", "0.0001D"), ("%x %X %o", "255, 255, 8"), ("%c", "65"), ("%%", "1"), ("%,d", "1234567"), ("%+d", "5"), ("% d", "5"), ("%(d", "-5"), ("%10s|%-10s|", "'x', 'y'"), ("%.3s", "'abcdef'"), ("%b", "true"), ("%S", "'a'"), ("%h", "'a'"),
                 ("%1$s %1$s", "'a'"), ("%2$s %1$s", "'a', 'b'"), ("%d", "'x'"), ("%d", "1.5D"), ("%d", "1.5"), ("%f", "1.5"), ("%f", "1"), ("%s", "1.50"), ("%s", "1.0D"), ("%s", "DATE'2024-01-01'"), ("%s", "array(1, 2)"), ("%q", "1"), ("%s %s", "'a'"), ("", "1"), ("%d", "9223372036854775807L"), ("%d", "CAST(NULL AS INT)"), ("%5.1f|%-8.3f|%08.2f", "1.25D, 1.25D, -1.25D"), ("%n", "1"), ("%tY", "TIMESTAMP'2024-01-01 00:00:00'"), ("%a", "1D"), ("%#x", "255"), ("%s", "X'61'"), ("%.0f", "0.5D"), ("%.0f", "1.5D"), ("%.1f", "0.25D"), ("%s", "1e20D")]
    for function in ["format_string", "printf"]:
        yield from (f"{function}({text(form)}, {values})" for form, values in (arguments if function == "format_string" else arguments[::5]))
    yield from ["format_string('x')", "format_string(NULL, 1)", "printf()", "format_string('%s', 1, 2)"]


def charsets():
    for charset in ["utf-8", "UTF-8", "utf8", "US-ASCII", "ISO-8859-1", "UTF-16", "UTF-16BE", "UTF-16LE", "UTF-32", "windows-1252", "x"]:
        yield from spread("encode", texts("abc", "é日"), Constant(texts(charset)))
        yield from spread("decode", ["X'616263'", "X'E9'", "X'C3A9'", "X'00610062'"], Constant(texts(charset)), most=4)
    yield from ["encode(NULL, 'utf-8')", "encode('abc', NULL)", "decode(NULL, 'utf-8')", "decode(X'61', NULL)", "encode(1, 'utf-8')", "decode('abc', 'utf-8')", "decode(encode('日本', 'UTF-16LE'), 'UTF-16LE')"]
    forms = ["hex", "utf-8", "utf8", "base64", "HEX", "x"]
    for function in ["to_binary", "try_to_binary"]:
        for form in forms:
            yield from spread(function, texts("616263", "abc", "YWJj", "zz", "", "6") + [null("STRING")], Constant(texts(form)), most=7)
        yield from [f"{function}('616263')", f"{function}('abc', NULL)", f"{function}('zz')", f"{function}(5)", f"{function}('F')", f"{function}('YWJj=', 'base64')"]


def number_formats():
    forms = [("454", "999"), ("454.00", "000.00"), ("12,454", "99,999"), ("$78.12", "$99.99"), ("-12,454.8", "99,999.9S"), ("12454.8-", "99999.9S"), ("<12>", "99PR"), ("-5", "MI9"), ("5-", "9MI"), ("abc", "999"), ("1234", "999"), ("4", "999"), ("0.5", "0.9"), (".5", ".9"), ("", "9"), ("12.345", "99.99"), ("1,2", "9,9"), ("$5", "L9"), ("-5", "S9"), ("+5", "S9"), (" 5 ", "9"), ("454", "9D9"), ("12,454", "99G999"), ("100", "9e9"), ("5", ""), ("00454", "00000")]
    for function in ["to_number", "try_to_number"]:
        for value, form in forms:
            yield from spread(function, texts(value), Constant(texts(form)))
        yield from [f"{function}(NULL, '999')", f"{function}('1', NULL)", f"{function}(12, '99')"]
    for function in ["to_char", "to_varchar"]:
        for value, form in [("454", "999"), ("454.00", "000D00"), ("12454", "99G999"), ("78.12", "$99.99"), ("-12454.8", "99G999D9S"), ("12454.8", "S99,999.9"), ("-12", "99PR"), ("12", "99PR"), ("-5", "MI9"), ("5", "9MI"), ("1234", "999"), ("4", "000"), ("4", "999"), ("0.5", "0.9"), ("0.5", "9.99"), ("12.345", "99.99"), ("12.345D", "99.99"), ("1.5F", "9.9"), ("5L", "99"), ("CAST(NULL AS INT)", "99"), ("0", "9"), ("-0.0", "S9.9"), ("100", "x")]:
            yield from spread(function, [value], Constant(texts(form)))
        yield from [f"{function}(DATE'2024-02-29', 'yyyy/MM/dd')", f"{function}(TIMESTAMP'2024-02-29 12:34:56', 'HH:mm')", f"{function}(X'537061', 'hex')", f"{function}(X'537061', 'base64')", f"{function}(X'537061', 'utf-8')", f"{function}(X'537061', 'x')", f"{function}('12', '99')", f"{function}(true, '9')"]


def urls():
    urls_ = texts("https://user:pw@spark.apache.org:8080/path/p.html?query=1&k=v%20w#ref", "http://example.com", "x", "", "ftp://h/p?", "http://a b/c", "mailto:a@b.c", "http://日本.jp/é?q=ü", "//h/p", "http://h?q", "http://[::1]:80/x", "https://h/p#f?x=1") + [null("STRING")]
    for part in ["HOST", "PATH", "QUERY", "REF", "PROTOCOL", "FILE", "AUTHORITY", "USERINFO", "host", "X"]:
        yield from spread("parse_url", urls_, Constant(texts(part)), most=8)
        yield from spread("try_parse_url", urls_, Constant(texts(part)), most=3)
    yield from ["parse_url('http://h/p?query=1&k=v', 'QUERY', 'query')", "parse_url('http://h/p?query=1&k=v', 'QUERY', 'k')", "parse_url('http://h/p?query=1', 'QUERY', 'z')", "parse_url('http://h/p?a=1', 'HOST', 'a')", "parse_url('http://h/p?a=', 'QUERY', 'a')", "parse_url('http://h/p?a.b=1', 'QUERY', 'a.b')", "parse_url(NULL, 'HOST')", "parse_url('http://h', NULL)", "try_parse_url('http://a b', 'HOST')", "try_parse_url('http://h/p?a=1', 'QUERY', 'a')", "parse_url('http://a b', 'HOST')"]


def hashes():
    for bits in ["0", "224", "256", "384", "512", "1", "-1"]:
        yield from spread("sha2", texts("Spark", ""), Constant([bits]))
    yield from ["sha2(NULL, 256)", "sha2(X'00', 256)", "sha2('a', NULL)", "sha2(5, 256)", "md5(5)", "md5(X'')", "crc32(5)", "hash()", "xxhash64()", "hash(1, 'a', NULL)", "xxhash64(1, 'a', NULL)", "hash('Spark', array(123), 2)", "xxhash64('Spark', array(123), 2)"]
    for function in ["hash", "xxhash64"]:
        yield from of_types(function, EVERY, values=4)
        yield from spread(function, [*VALUES["double"], "0.0F", "-0.0F", "FLOAT('NaN')", "''", "'abcdefgh'", "'abcdefghi'", "'日本語日本語日本語日本語日本語日本語'", "1.50", "1.5000", "CAST(1.5 AS DECIMAL(38,10))"])
    yield from ["aes_encrypt('Spark', '0000111122223333', 'ECB')", "hex(aes_encrypt('Spark SQL', '1234567890abcdef', 'ECB', 'PKCS'))", "CAST(aes_decrypt(unbase64('3lmwu+Mw0H3fi5NDvcu9lg=='), '1234567890abcdef', 'ECB', 'PKCS') AS STRING)", "hex(aes_encrypt('Spark', 'abcdefghijklmnop12345678ABCDEFGH', 'CBC', 'DEFAULT', X'00000000000000000000000000000000'))", "hex(aes_encrypt('Spark', 'abcdefghijklmnop12345678ABCDEFGH', 'GCM', 'DEFAULT', X'000000000000000000000000', 'aad'))", "aes_encrypt('a', 'short')", "aes_decrypt(X'00', '0000111122223333')", "try_aes_decrypt(X'00', '0000111122223333')",
                "CAST(aes_decrypt(aes_encrypt('x', '0000111122223333'), '0000111122223333') AS STRING)", "aes_encrypt(NULL, '0000111122223333', 'ECB')", "hmac('key', 'message')", "hmac('key', 'message', 'SHA-512')", "hmac('key', NULL)", "hmac('key', 'message', 'x')"]


def others():
    yield from ["collation('a')", "collate('A', 'UTF8_LCASE') = 'a'", "'A' COLLATE UTF8_LCASE = 'a'", "typeof('a' COLLATE UTF8_LCASE)", "upper('a' COLLATE UNICODE_CI)", "contains('ABC' COLLATE UTF8_LCASE, 'b')", "randstr(3, 0)", "length(randstr(5, 1))", "uniform(1, 10, 0)", "uniform(0.0D, 1.0D, 0)", "typeof(uniform(1Y, 10Y, 0))", "current_timezone()", "current_catalog()", "current_database()", "current_schema()", "typeof(current_date())", "typeof(now())", "typeof(current_timestamp())", "typeof(localtimestamp())", "typeof(current_time())", "typeof(curdate())", "typeof(uuid())", "typeof(rand())", "current_date() = curdate()", "now() = current_timestamp()", "typeof(unix_timestamp())", "typeof(monotonically_increasing_id())", "typeof(user())"]


def expressions():
    for part in [of_one_text, trimming, parts, searching, joining, formats, charsets, number_formats, urls, hashes, others]:
        yield from unique(part())
