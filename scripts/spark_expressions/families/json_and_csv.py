"""JSON, CSV, XML and variants."""

from calls import Constant, of_types, spread, unique
from values import EVERY, VALUES, null, text, texts

DOCUMENTS = texts('{"a":1,"b":{"c":[10,{"d":"x"},null]}}', '{"a":"text"}', '{"a":null}', "{}", "[]", '[{"a":1},{"a":2}]', "null", "", "x", '{"a":1.50}', '{"a":1e2}', '{"a":12345678901234567890}', '{"a":true,"a":false}', "{'a':1}", '{"a":1} x', '{"a":"\\u00e9\\n\\"q"}', '{"A":1}', '{"a b":1,"c.d":2}', ' {"a" : [ 1 , 2 ] } ', '"str"', "5", '{"a":', '{"a":NaN}', '{a:1}', '{"a":[[1,2],[3]]}', '{"a":1e400}') + [null("STRING")]
PATHS = ["$.a", "$", "$.b.c", "$.b.c[0]", "$.b.c[1].d", "$.b.c[*]", "$.b.c[5]", "$.b.c[2]", "$['a']", "$.*", "$[0]", "$[*].a", "$.a.b", "a", "", "$.", "$..a", "$.b['c']", "$['a b']", "$.a b", "$[0].a", "$.a[0][1]", "$.a[*]", "$.A", "$[-1]", "$.a.*"]


def reading_paths():
    yield from spread("get_json_object", DOCUMENTS, Constant(texts(*PATHS)), most=60, pairs=60)
    yield from ["get_json_object(NULL, '$.a')", "get_json_object('{\"a\":1}', NULL)", "get_json_object(5, '$')", "get_json_object('[1,2,3]', '$[*]')", "get_json_object('[[1],[2,3]]', '$[*][0]')", "get_json_object('{\"a\":[{\"b\":1},{\"b\":2}]}', '$.a[*].b')", "get_json_object('{\"a\":[{\"b\":1}]}', '$.a[*].b')", "get_json_object('{\"a\":0.10}', '$.a')", "get_json_object('{\"a\":\"b\"}', '$')"]
    for function in ["json_array_length", "json_object_keys", "schema_of_json"]:
        yield from spread(function, DOCUMENTS if function != "schema_of_json" else Constant([d for d in DOCUMENTS if "CAST" not in d]))
        yield from [f"{function}(NULL)", f"{function}(5)"]
    yield from ["json_array_length('[1,2,3,{\"f1\":1}]')", "json_array_length('[1,2')", "json_object_keys('{\"f1\":\"abc\",\"f2\":{\"f3\":\"a\"}}')", "schema_of_json('[{\"col\":01}]', map('allowNumericLeadingZeros', 'true'))", "schema_of_json('{\"a\":1.5,\"b\":[1,2.5],\"c\":{\"d\":null}}')", "schema_of_json('[1,\"a\"]')", "schema_of_json('{\"a\":\"2024-01-01\"}')"]
    for keys in ["'a'", "'a', 'b'", "'z'", "'A', 'a'", "NULL", "'b.c'"]:
        yield from (f"SELECT json_tuple({document}, {keys})" for document in DOCUMENTS[:8:2])


def from_json():
    schemas = ["a INT", "a STRING", "a BIGINT", "a DOUBLE", "a DECIMAL(10,2)", "a DECIMAL(38,18)", "a BOOLEAN", "a ARRAY<INT>", "a MAP<STRING,INT>", "a STRUCT<b: INT>", "a DATE", "a TIMESTAMP", "a BINARY", "a TINYINT", "a FLOAT", "b INT", "a INT, _corrupt_record STRING", "A INT", "a TIMESTAMP_NTZ", "a VARIANT", "a SMALLINT"]
    values = ["1", "1.5", "-1e2", '"1"', '"x"', "true", "null", "[1,2]", '["1",null]', '{"b":1}', '{"b":1,"c":2}', '"2024-02-29"', '"2024-02-29T12:34:56Z"', '"2024-02-29 12:34:56.5"', "128", "2147483648", "9223372036854775808", "12345678901234567890123456789012345678.5", "1e400", '"NaN"', '"Infinity"', "NaN", '"YWJj"', '"!!"', "[]", "{}", '"2023-02-29"', "19000", '"1,5"', '""', "0.1", "1.0"]
    for schema in schemas:
        yield from spread("from_json", texts(*(f'{{"a":{value}}}' for value in values)), Constant(texts(schema)), most=32 if schema in ["a INT", "a STRING", "a DOUBLE", "a DECIMAL(10,2)", "a TIMESTAMP", "a DATE"] else 14)
    for document in DOCUMENTS:
        yield from spread("from_json", [document], Constant(texts("a INT, b STRUCT<c: ARRAY<STRING>>", "STRUCT<a: STRING>")), most=2)
    for document, schema in [("[1,2,3]", "ARRAY<INT>"), ("[1,null,\"x\"]", "ARRAY<INT>"), ("{\"a\":1,\"b\":2}", "MAP<STRING,INT>"), ("{\"a\":1,\"a\":2}", "MAP<STRING,INT>"), ("[{\"a\":1},{\"a\":2}]", "ARRAY<STRUCT<a: INT>>"), ("{\"a\":1}", "ARRAY<STRUCT<a: INT>>"), ("[{\"a\":1}]", "a INT"), ("[{\"a\":1},{\"a\":2}]", "a INT"), ("{\"1\":2}", "MAP<INT,INT>"), ("5", "INT"), ("[]", "a INT"), ("{\"a\":1}", "x"), ("{\"a\":1}", ""), ("{\"a\":{\"x\":1,\"y\":[true]}}", "a STRING"), ("{\"a\":[1, 2]}", "a STRING"), ("{\"a\":1.50}", "a STRING"), ("{\"a\":1,\"b\":\"x\"}", "a INT, b INT, _corrupt_record STRING"), ("{\"a\":1", "a INT, _corrupt_record STRING"), ("{\"a\":1}{\"a\":2}", "a INT"), ("{\"a\":1} x", "a INT")]:
        yield from spread("from_json", texts(document), Constant(texts(schema)))
    for document, schema, options in [("{\"time\":\"26/08/2015\"}", "time TIMESTAMP", "'timestampFormat', 'dd/MM/yyyy'"), ("{\"d\":\"26/08/2015\"}", "d DATE", "'dateFormat', 'dd/MM/yyyy'"), ("{\"a\":\"x\"}", "a INT", "'mode', 'FAILFAST'"), ("{\"a\":\"x\"}", "a INT", "'mode', 'DROPMALFORMED'"), ("{'a':1}", "a INT", "'allowSingleQuotes', 'false'"), ("{a:1}", "a INT", "'allowUnquotedFieldNames', 'true'"), ("{\"a\":01}", "a INT", "'allowNumericLeadingZeros', 'true'"), ("{\"a\":1.5}", "a STRING", "'primitivesAsString', 'true'"), ("{/*c*/\"a\":1}", "a INT", "'allowComments', 'true'"), ("{\"a\":NaN}", "a DOUBLE", "'allowNonNumericNumbers', 'false'"), ("{\"a\":\"x\",\"b\":1}", "a INT, b INT, c STRING", "'columnNameOfCorruptRecord', 'c'"), ("{\"a\":1}", "a INT", "'x', 'y'")]:
        yield f"from_json({text(document)}, {text(schema)}, map({options}))"
    yield from ["from_json(NULL, 'a INT')", "from_json('{\"a\":1}', NULL)", "from_json('{\"a\":1}', 'a INT').a", "from_json('{\"a\":1}', schema_of_json('{\"a\":1}'))", "from_json(5, 'INT')", "typeof(from_json('{}', 'a INT, b STRING'))", "from_json('{\"a\":1}', 'a INT', map())"]


def to_json():
    for one in EVERY:
        for value in VALUES[one][:3]:
            yield f"to_json(named_struct('v', {value}))"
        yield f"to_json({VALUES[one][0]})"
    yield from ["to_json(named_struct('a', DOUBLE('NaN')))", "to_json(named_struct('a', DOUBLE('Infinity')))", "to_json(named_struct('a', -0.0D))", "to_json(named_struct('a', 1e20D))", "to_json(named_struct('a', 1.0D, 'b', 0.1F, 'c', 1.50))", "to_json(named_struct('a', 'q\"\\\\/\\n\\t\\u0001é😀'))", "to_json(named_struct('a', NULL, 'b', 1))", "to_json(named_struct('a', NULL), map('ignoreNullFields', 'false'))", "to_json(array(1, NULL))", "to_json(map('a', NULL))", "to_json(map(1, 2))", "to_json(map(DATE'2024-01-01', 1))", "to_json(map(array(1), 1))", "to_json(array(named_struct('a', 1)))", "to_json(named_struct('t', TIMESTAMP'2024-02-29 12:34:56.789'), map('timestampFormat', 'dd/MM/yyyy'))", "to_json(named_struct('d', DATE'2024-02-29'), map('dateFormat', 'dd/MM/yyyy'))", "to_json(named_struct('t', TIMESTAMP'2024-02-29 12:34:56'))", "to_json(named_struct('t', TIMESTAMP'2024-02-29 12:34:56.789012'))", "to_json(struct())", "to_json(NULL)", "to_json(array())", "to_json(map())", "to_json(named_struct('a', X'00FF'))", "to_json(struct(1, 'a'))", "to_json(map(named_struct('a', 1), 2))", "to_json(named_struct('a', array(array(1), NULL)))", "to_json(named_struct('a', 1), map('pretty', 'true'))", "to_json(from_json('{\"a\":1}', 'a BIGINT'))", "to_json(from_json('{\"a\":1}', 'MAP<STRING,STRING>'))", "to_json(5)", "to_json('x')"]


def csv():
    for line, schema in [("1, 0.8", "a INT, b DOUBLE"), ("1,x", "a INT, b STRING"), ("1", "a INT, b STRING"), ("1,2,3", "a INT, b STRING"), ("", "a INT"), ("\"a,b\",c", "a STRING, b STRING"), ("\"a\"\"b\"", "a STRING"), ("a\\\"b", "a STRING"), (" x , y ", "a STRING, b STRING"), ("x", "a INT"), ("26/08/2015", "a DATE"), ("2024-02-29", "a DATE"), ("2024-02-29T12:34:56Z", "a TIMESTAMP"), ("2024-02-29 12:34:56", "a TIMESTAMP"), ("true", "a BOOLEAN"), ("1.505", "a DECIMAL(10,2)"), ("NaN,Inf,-Inf", "a DOUBLE, b DOUBLE, c DOUBLE"), ("1e3", "a INT"), ("128", "a TINYINT"), ("\"\",", "a STRING, b STRING"), ("a\nb", "a STRING"), ("x,1", "a INT, b INT, _corrupt_record STRING"), ("abc", "a BINARY"), ("1", "a ARRAY<INT>"), ("1", "x"), ("'a,b'", "a STRING, b STRING"), ("1;2", "a INT, b INT"), ("", "a STRING"), ("#1", "a STRING"), (",", "a STRING, b STRING"), ("1,000", "a INT, b INT"), ("\"1\"", "a INT")]:
        yield from spread("from_csv", texts(line), Constant(texts(schema)))
    yield from ["from_csv('26/08/2015', 'time TIMESTAMP', map('timestampFormat', 'dd/MM/yyyy'))", "from_csv('1;2', 'a INT, b INT', map('sep', ';'))", "from_csv('1|2', 'a INT, b INT', map('delimiter', '|'))", "from_csv('''a,b'',c', 'a STRING, b STRING', map('quote', '\\''))", "from_csv('-', 'a INT', map('nullValue', '-'))", "from_csv('x', 'a INT', map('mode', 'FAILFAST'))", "from_csv(' 1 ', 'a INT', map('ignoreLeadingWhiteSpace', 'true', 'ignoreTrailingWhiteSpace', 'true'))", "from_csv(NULL, 'a INT')", "from_csv('1', NULL)", "from_csv(5, 'a INT')", "schema_of_csv('1,abc')", "schema_of_csv('1|abc', map('sep', '|'))", "schema_of_csv('1.5,true,2024-01-01')", "schema_of_csv('')"]
    for one in EVERY:
        yield f"to_csv(named_struct('v', {VALUES[one][0]}, 'w', {VALUES[one][min(1, len(VALUES[one]) - 1)]}))"
    yield from ["to_csv(named_struct('a', 1, 'b', 'x'))", "to_csv(named_struct('a', 'x,y', 'b', 'q\"r'))", "to_csv(named_struct('a', '', 'b', NULL))", "to_csv(named_struct('a', ' x '))", "to_csv(named_struct('a', 'l\\nm'))", "to_csv(named_struct('t', TIMESTAMP'2024-02-29 12:34:56.789'))", "to_csv(named_struct('d', DATE'2024-02-29'), map('dateFormat', 'dd/MM/yyyy'))", "to_csv(named_struct('a', 1, 'b', 2), map('sep', ';'))", "to_csv(named_struct('a', NULL), map('nullValue', '-'))", "to_csv(named_struct('a', 'x'), map('quoteAll', 'true'))", "to_csv(named_struct('a', 1.50, 'b', 1.0D, 'c', 1e20D, 'd', DOUBLE('NaN')))", "to_csv(struct(1, 2))", "to_csv(NULL)", "to_csv(1)", "to_csv(named_struct('a', '#x'))", "to_csv(named_struct('a', 'a\\\\b'))"]


def xml():
    document = "'<p><a>1</a><a>2</a><b x=\"y\">text</b><c/></p>'"
    for function in ["xpath", "xpath_string", "xpath_int", "xpath_long", "xpath_short", "xpath_double", "xpath_float", "xpath_number", "xpath_boolean"]:
        for path in ["p/a", "p/a/text()", "p/b/@x", "sum(p/a)", "p/z", "p/a[1]", "p/b/text()", "count(p/*)"]:
            yield f"{function}({document}, '{path}')"
        yield from [f"{function}(NULL, 'a')", f"{function}('<a>', 'a')", f"{function}('<a/>', NULL)"]
    yield from ["from_xml('<p><a>1</a><b>0.8</b></p>', 'a INT, b DOUBLE')", "from_xml('<p><time>26/08/2015</time></p>', 'time TIMESTAMP', map('timestampFormat', 'dd/MM/yyyy'))", "from_xml('<p><a>x</a></p>', 'a INT')", "from_xml('<p><a>1</a><a>2</a></p>', 'a ARRAY<INT>')", "from_xml('<p i=\"5\"><a>1</a></p>', '_i INT, a INT')", "from_xml('x', 'a INT')", "from_xml(NULL, 'a INT')", "to_xml(named_struct('a', 1, 'b', 2))", "to_xml(named_struct('a', array(1, 2), 'b', NULL))", "to_xml(named_struct('t', TIMESTAMP'2015-08-26 00:00:00'), map('timestampFormat', 'dd/MM/yyyy'))", "schema_of_xml('<p><a>1</a></p>')", "schema_of_xml('<p><a attr=\"2\">1</a><a>3</a></p>', map('excludeAttribute', 'true'))"]


def variants():
    documents = texts('{"a":1,"b":[true,null,"x"]}', "1", "1.50", "1e2", "true", "null", '"x"', "[]", "{}", '[1,"a",{"k":2.5}]', "12345678901234567890", "x", "", '{"a":1,"a":2}', '{"b":1,"a":2}', '"\\u00e9"', "[1,", "128", "3000000000", "0.1") + [null("STRING")]
    for function in ["parse_json", "try_parse_json"]:
        yield from spread(function, documents)
    for form in ["schema_of_variant(parse_json({}))", "is_variant_null(parse_json({}))", "to_json(parse_json({}))", "CAST(parse_json({}) AS STRING)", "typeof(parse_json({}))", "is_valid_variant(parse_json({}))", "variant_strip_nulls(parse_json({}))"]:
        yield from spread(form, documents[:11] + documents[-1:])
    for function in ["variant_get", "try_variant_get"]:
        yield from spread(function + "(parse_json({}), {}, {})", texts('{"a":1,"b":[true,null,"x"],"c d":"2024-01-01"}'), Constant(texts("$.a", "$.b[0]", "$.b[2]", "$.z", "$.b", "$", "$['c d']", "x", "$.b[1]")), Constant(texts("int", "string", "boolean", "double", "date", "decimal(5,2)", "array<string>", "variant", "map<string,string>")), most=18, pairs=20)
        yield f"{function}(parse_json('{{\"a\":5}}'), '$.a')"
    yield from spread("CAST(parse_json({}) AS {})", documents[:10], Constant(["INT", "STRING", "DOUBLE", "BOOLEAN", "DECIMAL(5,1)", "ARRAY<INT>", "MAP<STRING,STRING>", "DATE"]), most=26, pairs=14)
    yield from ["parse_json('{\"a\":{\"b\":5}}'):a.b", "parse_json('{\"a\":[1,2]}'):a[1]::int", "parse_json('{\"a\":1}') = parse_json('{\"a\":1}')", "variant_get(parse_json('{\"a\":\"x\"}'), '$.a', 'int')", "try_variant_get(parse_json('{\"a\":\"x\"}'), '$.a', 'int')", "CAST(1 AS VARIANT)", "CAST(array(1, 2) AS VARIANT)", "to_variant_object(named_struct('a', 1))", "to_variant_object(map('a', array(1)))", "schema_of_variant(CAST(1.5D AS VARIANT))", "schema_of_variant(CAST(DATE'2024-01-01' AS VARIANT))", "to_json(CAST(TIMESTAMP'2024-01-01 00:00:00' AS VARIANT))", "SELECT schema_of_variant_agg(parse_json(j)) FROM VALUES ('1'), ('{\"a\":2}') AS t(j)", "SELECT schema_of_variant_agg(parse_json(j)) FROM VALUES ('1'), ('2.5') AS t(j)", "SELECT pos, key, to_json(value) FROM variant_explode(parse_json('[\"hello\", \"world\"]'))", "SELECT pos, key, to_json(value) FROM variant_explode(parse_json('{\"a\": true, \"b\": 3.14}'))", "SELECT pos, key, to_json(value) FROM variant_explode_outer(parse_json('[]'))", "variant_insert(parse_json('{\"a\":1}'), '$.b', 2)", "variant_set(parse_json('{\"a\":1}'), '$.a', 2)", "variant_delete(parse_json('{\"a\":1,\"b\":2}'), '$.a')", "variant_array_append(parse_json('{\"a\":[1]}'), '$.a', 2)"]


def expressions():
    for part in [reading_paths, from_json, to_json, csv, xml, variants]:
        yield from unique(part())
