"""The one text that a value has in the recorded answers (engine/query/tests/spark/README.md says which), made from Arrow columns, because they hold Spark's
values as they are: no time, interval or number is out of range in them."""

import math
import struct

import pyarrow as pa


def single(value):
    """A FLOAT, by the fewest digits that give it back."""
    if math.isnan(value) or math.isinf(value):
        return double(value)
    bits = struct.pack("f", value)
    for digits in range(9):
        written = f"{value:.{digits}e}"
        if struct.pack("f", float(written)) == bits:
            return double(float(written))
    raise ValueError(value)


def double(value):
    """A DOUBLE, by the fewest digits that give it back, as Rust's {:?} writes them."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    written = repr(value)
    if "e" in written:
        digits, exponent = written.split("e")
        written = f"{digits.removesuffix('.0')}e{int(exponent)}"
    return written


def date(days):
    """A DATE of any year, without a calendar that ends at 9999."""
    days += 719468
    era, day = divmod(days, 146097)
    year = (day - day // 1460 + day // 36524 - day // 146096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5
    month = month + 3 if month < 10 else month - 9
    year += era * 400 + (month <= 2)
    sign = "-" if year < 0 else ""
    return f"{sign}{abs(year):04}-{month:02}-{day + 1:02}"


def timestamp(micros):
    """A TIMESTAMP in UTC or without a zone, with six digits."""
    days, rest = divmod(micros, 86_400_000_000)
    seconds, fraction = divmod(rest, 1_000_000)
    return f"{date(days)} {seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{fraction:06}"


def time(nanos):
    """A TIME, with nine digits."""
    seconds, fraction = divmod(nanos, 1_000_000_000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{fraction:09}"


def quoted(text):
    """A STRING: a quote and a backslash in it have a backslash before them."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def string(data):
    """A STRING of bytes; one that is no UTF-8 is written in hexadecimal digits."""
    try:
        return quoted(data.decode("utf-8"))
    except UnicodeDecodeError:
        return f"BYTES'{data.hex().upper()}'"


def decimal(value, scale):
    """A DECIMAL, with as many digits behind the point as its type has."""
    return f"{value:.{scale}f}" if value or scale else "0"


def is_variant(kind):
    return pa.types.is_struct(kind) and kind.num_fields == 2 and {kind.field(0).name, kind.field(1).name} == {"value", "metadata"}


def texts(column):
    """The text of each value of a column."""
    kind = column.type
    if pa.types.is_null(kind):
        return ["NULL"] * len(column)
    if is_variant(kind):
        return with_nulls(column, [None if one is None else variant(one) for one in column.to_pylist()])
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        items, offsets = texts(column.values), column.offsets.to_pylist()
        return with_nulls(column, [f"[{', '.join(items[a:b])}]" for a, b in zip(offsets, offsets[1:])])
    if pa.types.is_map(kind):
        keys, values, offsets = texts(column.keys), texts(column.items), column.offsets.to_pylist()
        pairs = [f"{key}: {value}" for key, value in zip(keys, values)]
        return with_nulls(column, [f"{{{', '.join(pairs[a:b])}}}" for a, b in zip(offsets, offsets[1:])])
    if pa.types.is_struct(kind):
        members = [texts(column.field(index)) for index in range(kind.num_fields)]
        rows = zip(*members) if members else [()] * len(column)
        return with_nulls(column, [f"({', '.join(row)})" for row in rows])
    return with_nulls(column, plain(column, kind))


def plain(column, kind):
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return map_some(string, column.cast(pa.binary() if pa.types.is_string(kind) else pa.large_binary()))
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return map_some(lambda data: f"X'{data.hex().upper()}'", column)
    if pa.types.is_boolean(kind):
        return map_some(lambda one: "true" if one else "false", column)
    if pa.types.is_integer(kind):
        return map_some(str, column)
    if pa.types.is_float32(kind):
        return map_some(single, column)
    if pa.types.is_float64(kind):
        return map_some(double, column)
    if pa.types.is_decimal(kind):
        return map_some(lambda one: decimal(one, kind.scale), column)
    if pa.types.is_date32(kind):
        return map_some(date, column.view(pa.int32()))
    if pa.types.is_timestamp(kind) and kind.unit == "us":
        return map_some(timestamp, column.view(pa.int64()))
    if pa.types.is_time64(kind):
        return map_some(lambda one: time(one * (1 if kind.unit == "ns" else 1000)), column.view(pa.int64()))
    if pa.types.is_duration(kind) and kind.unit == "us":
        return map_some(str, column.view(pa.int64()))
    if pa.types.is_interval(kind):
        return map_some(lambda one: f"{one.months}m {one.days}d {one.nanoseconds // 1000}us", column)
    raise TypeError(f"no text for {kind}")


def variant(value):
    from pyspark.sql.types import VariantVal

    return VariantVal(value["value"], value["metadata"]).toJson()


def map_some(form, column):
    return [None if one is None else form(one) for one in column.to_pylist()]


def with_nulls(column, written):
    return ["NULL" if null or one is None else one for one, null in zip(written, column.is_null().to_pylist())]
