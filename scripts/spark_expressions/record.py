#!/usr/bin/env python3
"""Asks a Spark in this process for the answer to every generated expression, and writes engine/query/tests/spark/*.jsonl.

    record.py [--all] [FAMILY…]

Takes some minutes. --all keeps also what says nothing new (see `few`). README.md says how to set it up.
"""

import datetime
import json
import logging
import os
import pathlib
import re
import sys
import time

os.environ["TZ"] = "UTC"

import pyarrow as pa
import pyspark.errors
from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.sql import SparkSession, functions
from pyspark.sql.types import ArrayType, IntegerType, MapType, StructField, StructType, YearMonthIntervalType

import canonical
import generate
from families import examples

FOLDER = pathlib.Path(__file__).parents[2] / "engine/query/tests/spark"
BATCH = 16
# Of expressions that say the same thing again, so many are kept for each form.
KEPT_REFUSED, KEPT_FAILING, KEPT_NULL = 2, 8, 3


def session():
    builder = SparkSession.builder.master("local[2]")
    settings = {
        "spark.sql.session.timeZone": "UTC", "spark.sql.ansi.enabled": "true", "spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1", "spark.driver.extraJavaOptions": "-Duser.timezone=UTC -Duser.language=en -Duser.country=US",
        # One partition: rows keep their order, so first, last and collect_list are always the same.
        "spark.default.parallelism": "1", "spark.driver.memory": "3g", "spark.sql.shuffle.partitions": "1", "spark.sql.leafNodeDefaultParallelism": "1", "spark.sql.execution.arrow.maxRecordsPerBatch": "10000", "spark.ui.showConsoleProgress": "false",
        # The type TIME, which is not switched on in 4.3.
        "spark.sql.timeType.enabled": "true",
    }
    for key, value in settings.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    logging.disable(logging.CRITICAL)
    return spark


def without_months(column, kind):
    """Months as numbers: pyarrow has no intervals of months."""
    months, numbers = replaced(kind, YearMonthIntervalType(1, 1)), replaced(kind, IntegerType())
    return column if months == kind and numbers == kind else column.cast(months).cast(numbers)


def replaced(kind, other):
    """A type with `other` where it has intervals of months."""
    if isinstance(kind, YearMonthIntervalType):
        return other
    if isinstance(kind, ArrayType):
        return ArrayType(replaced(kind.elementType, other), kind.containsNull)
    if isinstance(kind, MapType):
        return MapType(replaced(kind.keyType, other), replaced(kind.valueType, other), kind.valueContainsNull)
    if isinstance(kind, StructType):
        return StructType([StructField(field.name, replaced(field.dataType, other), field.nullable) for field in kind])
    return kind


def is_query(expression):
    """True of whole queries, which are asked as they stand."""
    return re.match(r"(?i)\s*(select|with|from|values)\b", expression) is not None


def is_ordered(query):
    """True if the order of a query's rows is part of its answer: ORDER BY stands outside of all parentheses."""
    depth, outside = 0, []
    for character in query:
        depth += (character == "(") - (character == ")")
        outside.append(character if depth == 0 else " ")
    return "ORDER BY" in "".join(outside).upper()


def condition(error):
    """The name of an error condition, or of the exception where Spark has none for it."""
    name = error.getCondition() if isinstance(error, pyspark.errors.PySparkException) else None
    if name:
        return name
    cause = error.java_exception if isinstance(error, Py4JJavaError) else getattr(error, "_origin", None)
    simple = type(error).__name__
    while cause is not None:
        simple = cause.getClass().getSimpleName()
        try:
            name = cause.getCondition()
        except Py4JError:
            name = None
        if name:
            return name
        cause = cause.getCause()
    return simple


FAILURES = (pyspark.errors.PySparkException, Py4JJavaError)
# What this program cannot ask, although Spark can answer it.
OURS = {"DUPLICATED_FIELD_NAME_IN_ARROW_STRUCT", "CANNOT_PARSE_DATATYPE", "UNSUPPORTED_DATATYPE", "UNSUPPORTED_ARROWTYPE", "UNSUPPORTED_DATA_TYPE_FOR_ARROW_CONVERSION", "TypeError", "ValueError", "ArrowInvalid", "ArrowNotImplementedError", "PySparkValueError", "PySparkTypeError", "KeyError", "UnicodeDecodeError"}
# Spark itself breaks.
BROKEN = {"ClassCastException", "NullPointerException", "MatchError", "NoSuchElementException", "ArrayIndexOutOfBoundsException", "StringIndexOutOfBoundsException", "NegativeArraySizeException", "AssertionError", "OutOfMemoryError", "StackOverflowError"}


class Oracle:
    def __init__(self, spark):
        self.spark = spark

    def types(self, sql):
        """The types of a query's columns."""
        schema = self.spark.sql(sql)._jdf.schema()
        return [schema.apply(index).dataType().catalogString() for index in range(schema.size())]

    def columns(self, sql):
        """The columns of a query's answer, as texts."""
        frame = self.spark.sql(sql)
        frame = frame.toDF(*[f"c{index}" for index in range(len(frame.columns))])
        if "interval year" in frame._jdf.schema().catalogString() or "interval month" in frame._jdf.schema().catalogString():
            frame = frame.select([without_months(functions.col(field.name), field.dataType) for field in frame.schema])
        batches = frame._collect_as_arrow()
        batches = [one for one in batches if isinstance(one, pa.RecordBatch)]
        if not batches:
            return [[] for _ in frame.columns]
        table = pa.Table.from_batches(batches)
        return [canonical.texts(one.combine_chunks() if one.num_chunks != 1 else one.chunk(0)) for one in table.columns]

    def query(self, sql):
        """The answer of a whole query: its rows, sorted unless it orders them."""
        columns = self.columns(sql)
        rows = [row[0] if len(row) == 1 else f"({', '.join(row)})" for row in zip(*columns)]
        return "; ".join(rows if is_ordered(sql) else sorted(rows))

    def values(self, expressions):
        """The values of expressions that are asked together; one by one where something fails."""
        try:
            columns = self.columns("SELECT " + ", ".join(expressions))
            return [("value", one[0]) for one in columns]
        except (*FAILURES, TypeError, ValueError, KeyError, pa.ArrowException) as error:
            if len(expressions) == 1:
                return [("error", condition(error))]
            step = max(1, len(expressions) // 4)
            return [one for start in range(0, len(expressions), step) for one in self.values(expressions[start : start + step])]

    def in_batches(self, expressions):
        """The values of any number of expressions."""
        return [one for start in range(0, len(expressions), BATCH) for one in self.values(expressions[start : start + BATCH])]

    def answers(self, expressions):
        """(expression, type, value or None, error or None) for each."""
        kinds = [self.kind(expression) for expression in expressions]
        single = [index for index, (outcome, _) in enumerate(kinds) if outcome == "type" and not is_query(expressions[index])]
        found = dict(zip(single, self.in_batches([expressions[index] for index in single])))
        for index, (outcome, kind) in enumerate(kinds):
            if outcome == "error":
                yield (None, None, kind)
                continue
            if index not in found:
                try:
                    found[index] = ("value", self.query(expressions[index]))
                except (*FAILURES, TypeError, ValueError, KeyError, pa.ArrowException) as error:
                    found[index] = ("error", condition(error))
            outcome, text = found[index]
            yield (kind, text, None) if outcome == "value" else (kind, None, text)

    def over_columns(self, marked):
        """The answers to expressions whose marked arguments come out of a table of one row: what cannot be computed beforehand."""
        arguments, parts = [], []
        for one in marked:
            start = len(arguments)
            arguments += re.findall(r"«([^»]*)»", one)
            names = iter(range(start, len(arguments)))
            parts.append(re.sub(r"«[^»]*»", lambda _: f"a{next(names)}", one))
        names = ", ".join(f"a{index}" for index in range(len(arguments)))
        query = f"SELECT {', '.join(parts)} FROM VALUES ({', '.join(arguments)}) AS arguments({names})"
        if len(marked) == 1:
            return list(self.answers([query]))
        try:
            return [(kind, column[0], None) for kind, column in zip(self.types(query), self.columns(query))]
        except (*FAILURES, TypeError, ValueError, KeyError, pa.ArrowException):
            return [answer for one in marked for answer in self.over_columns([one])]

    def kind(self, expression):
        try:
            types = self.types(expression if is_query(expression) else "SELECT " + expression)
            return ("type", ", ".join(types))
        except FAILURES as error:
            return ("error", condition(error))


def head(expression):
    """The function or operator that an expression is about."""
    plain = re.sub(r"'(?:[^'\\]|\\.)*'|«[^»]*»", "_", expression)
    return re.sub(r"\d+", "0", plain) if len(plain) < 30 else re.sub(r"VALUES.*", "", plain)[:60]


def few(entries):
    """Without what says nothing new: the third and later expressions of a form that are refused for a type alike, the ninth that fails alike unless it is
    over texts (each text is a case of its own), the fourth that is NULL because an argument is."""
    counts = {}
    for expression, kind, value, error in entries:
        most = None
        if error and error.startswith("DATATYPE_MISMATCH"):
            most = KEPT_REFUSED
        elif error and "'" not in expression:
            most = KEPT_FAILING
        elif value == "NULL" and "NULL" in expression:
            most = KEPT_NULL
        key = (head(expression), error)
        counts[key] = counts.get(key, 0) + (most is not None)
        if most is None or counts[key] <= most:
            yield (expression, kind, value, error)


def is_of_today(value):
    """True of a value that another day would change."""
    days = [datetime.datetime.now(datetime.timezone.utc).date() + datetime.timedelta(days=offset) for offset in (-1, 0, 1)]
    return value is not None and any(str(day) in value for day in days)


def unmarked(oracle, entries):
    """Without marks where Spark itself gives another answer over columns: it wants a constant there, or its type depends on the literal."""
    marked = sorted((index for index, entry in enumerate(entries) if "«" in entry[0]), key=lambda index: entries[index][3] is not None)
    entries = list(entries)
    for start in range(0, len(marked), BATCH):
        indexes = marked[start : start + BATCH]
        for index, answer in zip(indexes, oracle.over_columns([entries[index][0] for index in indexes])):
            expression, *recorded = entries[index]
            same = answer[2] == recorded[2] if recorded[2] else list(answer) == recorded
            if not same:
                entries[index] = (expression.replace("«", "").replace("»", ""), *recorded)
    return entries


def is_accident(answer):
    """True if there is no answer because of this program, or because Spark itself breaks."""
    kind, _, error = answer
    return error is not None and (kind is not None and error in OURS or error in BROKEN or error.startswith("INTERNAL_ERROR"))


def record(oracle, name, expressions, keep_all):
    plain = [expression.replace("«", "").replace("»", "") for expression in expressions]
    begun = time.monotonic()
    first = list(oracle.answers(plain))
    # Again, in other company: what depends on the moment, or on chance, is left out.
    again = sorted((index for index, answer in enumerate(first) if answer[2] is None and not is_query(plain[index])), key=lambda index: plain[index][::-1])
    second = dict(zip(again, oracle.in_batches([plain[index] for index in again])))
    entries, left_out = [], []
    for index, (expression, answer) in enumerate(zip(expressions, first)):
        if second.get(index, ("value", answer[1])) != ("value", answer[1]) or is_of_today(answer[1]) or is_accident(answer):
            left_out.append((expression, answer, second.get(index)))
        else:
            entries.append((expression, *answer))
    kept = unmarked(oracle, entries if keep_all else list(few(entries)))
    lines = [json.dumps([e, t, v] if error is None else [e, "error", error], ensure_ascii=False) for e, t, v, error in kept]
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{name}.jsonl").write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    errors = sum(1 for entry in kept if entry[3])
    print(f"{name:14} {len(kept):6} of {len(expressions):6}, {errors:5} errors, {len(left_out):3} left out, {time.monotonic() - begun:5.0f} s", flush=True)
    for one in left_out:
        print("   left out:", one, flush=True)


def main():
    arguments = sys.argv[1:]
    keep_all = "--all" in arguments
    chosen = [argument for argument in arguments if not argument.startswith("--")]
    spark = session()
    oracle = Oracle(spark)
    families = generate.generated()
    families["examples"] = examples.expressions(spark, {e.replace("«", "").replace("»", "") for family in families.values() for e in family})
    for name, expressions in families.items():
        if not chosen or name in chosen:
            record(oracle, name, expressions, keep_all)
    spark.stop()


if __name__ == "__main__":
    main()
