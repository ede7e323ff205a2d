"""Functions of dates, timestamps, times of day and intervals."""

from calls import Constant, of_types, spread, unique, wrong_types
from values import NUMERIC, TIMES, VALUES, null, text, texts, usual

SOURCES = ["date", "timestamp", "timestamp_ntz"]
DATE_TEXTS = texts("2024-02-29", "2023-02-29", "2024", "x", "", "2024-02-29 12:34:56")
DAYS = ["DATE'2024-02-29'", "DATE'2024-01-31'", "DATE'2023-12-31'", "DATE'1969-12-31'", "DATE'0001-01-01'", "DATE'9999-12-31'", "DATE'1582-10-04'", "DATE'2021-01-03'", "DATE'2024-12-30'", null("DATE")]
MOMENTS = ["TIMESTAMP'2024-02-29 12:34:56.789012'", "TIMESTAMP'1969-12-31 23:59:59.999999'", "TIMESTAMP'0001-01-01 00:00:00'", "TIMESTAMP'9999-12-31 23:59:59.999999'", "TIMESTAMP'1582-10-15 00:00:00'", "TIMESTAMP'2024-03-31 01:30:00'", null("TIMESTAMP")]
FIELDS = "YEAR Y YEARS YR YRS YEAROFWEEK QUARTER QTR MONTH MON MONS MONTHS WEEK W WEEKS DAY D DAYS DAYOFWEEK DOW DAYOFWEEK_ISO DOW_ISO DOY HOUR H HOURS HR HRS MINUTE M MIN MINS MINUTES SECOND S SEC SECONDS SECS EPOCH MILLENNIUM CENTURY DECADE MILLISECONDS MICROSECONDS ISODOW x".split()
UNITS = "YEAR YYYY YY QUARTER MONTH MM MON WEEK DAY DD HOUR MINUTE SECOND MILLISECOND MICROSECOND".split()
PATTERNS = ["yyyy-MM-dd HH:mm:ss", "yyyy", "yy", "yyy", "y", "uuuu", "G", "M", "MM", "MMM", "MMMM", "MMMMM", "L", "LLL", "LLLL", "d", "dd", "D", "DDD", "E", "EEE", "EEEE", "EEEEE", "e", "u", "Q", "q", "QQQ", "QQQQ", "w", "W", "YYYY", "F", "H", "HH", "h", "hh", "K", "k", "kk", "a", "m", "mm", "s", "ss", "S", "SSS", "SSSSSS", "SSSSSSSSS", "SSSSSSSSSS", "V", "VV", "z", "zzzz", "O", "OOOO", "X", "XX", "XXX", "XXXXX", "x", "xx", "xxx", "Z", "ZZZZ", "ZZZZZ",
            "'T'HH", "''", "yyyy'x''y'", "[yyyy]", "yyyy.MM.dd G 'at' HH:mm:ss z", "h:mm a", "B", "n", "N", "A", "c", "p", "ppH", "", "{", "#", "yyyyyyy", "MMMMMM", "dd/MM/yyyy", "EEE, d MMM yyyy", "HHmmss", "T", "-yyyy-"]


def fields():
    for function in ["year", "quarter", "month", "day", "dayofmonth", "dayofweek", "weekday", "dayofyear", "weekofyear", "last_day", "dayname", "monthname", "unix_date"]:
        yield from spread(function, DAYS)
        yield from of_types(function, ["timestamp", "timestamp_ntz"])
        yield from spread(function, DATE_TEXTS[:4])
        yield from wrong_types(function, ["int", "double", "boolean", "void", "binary", "days", "time"])
    for function in ["hour", "minute", "second"]:
        yield from spread(function, MOMENTS)
        yield from of_types(function, ["date", "timestamp_ntz", "time"])
        yield from spread(function, texts("2024-02-29 12:34:56.7", "12:34:56", "x", ""))
        yield from wrong_types(function, ["int", "void", "boolean", "days"])
    for field in FIELDS:
        yield from spread("extract(" + field + " FROM {})", ["TIMESTAMP'2024-02-29 12:34:56.789012'", "DATE'2021-01-03'"])
    for field in ["YEAR", "WEEK", "DOW", "SECOND", "x", "MONTH", "MICROSECONDS"]:
        for function in ["date_part", "datepart"]:
            yield from spread(function, Constant(texts(field)), MOMENTS[:4] if function == "date_part" else MOMENTS[:2])
    for field in ["YEAR", "YEARS", "MONTH", "MONTHS", "DAY", "DAYS", "HOUR", "MINUTE", "SECOND", "SECONDS", "WEEK", "MICROSECOND"]:
        yield from spread("extract(" + field + " FROM {})", ["INTERVAL '5-7' YEAR TO MONTH", "INTERVAL '5 03:04:05.6' DAY TO SECOND", "make_interval(1, 2, 3, 4, 5, 6, 7.8)", "TIME'12:34:56.789'", "TIMESTAMP_NTZ'2024-02-29 12:34:56.7'"])
    yield from ["extract(DAY FROM INTERVAL -36 HOURS)", "extract(SECOND FROM INTERVAL -1.5 SECONDS)", "extract(YEAR FROM '2024-01-01')", "extract(HOUR FROM '10:11:12')", "date_part('YEAR', NULL)", "date_part(NULL, DATE'2024-01-01')", "date_part('doy', DATE'2024-12-31')", "extract(YEAR FROM NULL)", "extract(YEAR FROM 5)"]


def adding():
    amounts = ["1", "-1", "0", "40", "366", null("INT"), "1Y", "1S", "'2'"]
    for function in ["date_add", "dateadd", "date_sub"]:
        yield from spread(function, DAYS, amounts, most=18, pairs=4)
        yield from [f"{function}(DATE'2024-01-01', 1L)", f"{function}(DATE'2024-01-01', 1.5)", f"{function}(DATE'2024-01-01', '1.5')", f"{function}('2024-01-31', 1)", f"{function}('x', 1)", f"{function}(TIMESTAMP'2024-01-31 10:00:00', 1)", f"{function}(DATE'2024-01-01', 2147483647)", f"{function}(DATE'2024-01-01', NULL)", f"{function}(NULL, 1)", f"{function}(5, 1)"]
    yield from spread("add_months", DAYS, ["1", "-1", "0", "12", "-25", null("INT"), "2147483647", "1Y", "'1'", "1L"], most=18, pairs=6)
    yield from ["add_months('2016-08-31', 1)", "add_months(TIMESTAMP'2024-01-31 10:00:00', 1)", "add_months('x', 1)", "add_months(NULL, 1)"]
    for unit in "MICROSECOND MILLISECOND SECOND MINUTE HOUR DAY DAYOFYEAR WEEK MONTH QUARTER YEAR X".split():
        yield from spread("timestampadd(" + unit + ", {}, {})", ["1", "-13", null("INT")], [usual("timestamp"), "DATE'2024-01-31'", usual("timestamp_ntz")], most=5)
        yield from spread("dateadd(" + unit + ", {}, {})", ["5"], ["TIMESTAMP'2024-01-31 10:00:00'"])
        yield from spread("timestampdiff(" + unit + ", {}, {})", ["TIMESTAMP'2024-01-31 10:00:00'", "DATE'2024-02-29'"], ["TIMESTAMP'2025-02-28 09:59:59.999999'", "TIMESTAMP'1969-01-01 00:00:00'", null("TIMESTAMP")], most=4)
        yield from spread("datediff(" + unit + ", {}, {})", ["TIMESTAMP'2024-01-31 10:00:00'"], ["TIMESTAMP'2024-03-01 00:00:00'"])
    for function in ["datediff", "date_diff"]:
        yield from spread(function, DAYS, DAYS[:4] + [null("DATE")], most=14, pairs=3)
        yield from [f"{function}('2009-07-31', '2009-07-30')", f"{function}(TIMESTAMP'2024-01-02 00:00:00', TIMESTAMP'2024-01-01 23:59:59')", f"{function}('x', '2009-07-30')", f"{function}(NULL, DATE'2024-01-01')"]
    yield from spread("months_between", MOMENTS, ["TIMESTAMP'1996-10-30 00:00:00'", "TIMESTAMP'2024-01-31 10:00:00'", "DATE'2024-03-29'", null("TIMESTAMP")], most=14, pairs=6)
    yield from ["months_between('1997-02-28 10:30:00', '1996-10-30')", "months_between('1997-02-28 10:30:00', '1996-10-30', false)", "months_between(DATE'2024-01-31', DATE'2024-02-29')", "months_between(DATE'2024-01-31', DATE'2024-02-29', NULL)", "months_between('x', '1996-10-30')"]
    yield from spread("next_day", DAYS[:6], Constant(texts("MON", "TU", "Friday", "sunday", "x", "")), most=10, pairs=6)
    yield from ["next_day(DATE'2024-01-01', NULL)", "next_day('2015-07-27', 'Sunday')", "next_day(NULL, 'MON')", "next_day(DATE'2024-01-01', 'ﬆ')", "next_day(TIMESTAMP'2024-01-01 10:00:00', 'WE')", "next_day(DATE'2024-01-01', ' MON')", "next_day(DATE'2024-01-01', 'MO')", "next_day(DATE'2024-01-01', 'ſUN')"]


def truncating():
    for unit in [*UNITS, "year", "x", ""]:
        yield from spread("date_trunc", Constant(texts(unit)), MOMENTS[:5] if unit in UNITS else MOMENTS[:1])
    for unit in ["YEAR", "YYYY", "YY", "QUARTER", "MONTH", "MM", "MON", "WEEK", "week", "DAY", "x"]:
        yield from spread("trunc", DAYS[:6], Constant(texts(unit)))
    yield from ["date_trunc(NULL, TIMESTAMP'2024-01-01 00:00:00')", "date_trunc('HOUR', NULL)", "date_trunc('HOUR', '2015-03-05T09:32:05.359')", "date_trunc('MONTH', DATE'2024-02-29')", "date_trunc('DAY', TIMESTAMP_NTZ'2024-02-29 12:34:56')", "trunc('2019-08-04', 'week')", "trunc(NULL, 'week')", "trunc(DATE'2024-01-01', NULL)", "trunc(TIMESTAMP'2024-02-29 12:00:00', 'MM')", "trunc('x', 'MM')"]
    for unit in ["HOUR", "MINUTE", "SECOND", "MILLISECOND", "MICROSECOND", "x"]:
        yield from spread("time_trunc", Constant(texts(unit)), "time")
        yield from spread("time_diff", Constant(texts(unit)), ["TIME'10:00:00'"], ["TIME'12:34:56.789'", "TIME'09:59:59.999999'", null("TIME")])
    yield from ["time_bucket(INTERVAL 5 MINUTES, TIMESTAMP'2024-02-29 12:34:56')", "time_bucket(INTERVAL 1 MONTH, TIMESTAMP'2024-02-29 12:34:56')", "time_bucket(INTERVAL 7 DAYS, DATE'2024-02-29')", "time_bucket(INTERVAL 15 MINUTES, TIMESTAMP'2024-02-29 12:34:56', TIMESTAMP'2024-01-01 00:05:00')", "time_bucket(INTERVAL 0 DAYS, TIMESTAMP'2024-02-29 12:34:56')"]
    for duration, slide in [("10 minutes", ""), ("1 hour", ", '20 minutes'"), ("1 day", ", '1 day', '2 hours'"), ("1 second", ""), ("7 days", ""), ("1 month", ""), ("x", ""), ("-1 hour", ""), ("10 minutes", ", '20 minutes'")]:
        yield f"SELECT window.start, window.end, count(*) FROM VALUES (TIMESTAMP'2024-02-29 12:34:56'), (TIMESTAMP'1969-12-31 23:59:59'), (NULL) AS t(ts) GROUP BY window(ts, '{duration}'{slide})"
        yield f"SELECT window_time(window), count(*) FROM VALUES (TIMESTAMP_NTZ'2024-02-29 12:34:56'), (TIMESTAMP_NTZ'1969-12-31 23:59:59') AS t(ts) GROUP BY window(ts, '{duration}'{slide})"
    for gap in ["'5 minutes'", "'1 hour'", "INTERVAL 10 MINUTES", "'1 month'", "CASE WHEN k = 'a' THEN '1 minute' ELSE '1 hour' END"]:
        yield f"SELECT k, session_window.start, session_window.end, count(*) FROM VALUES ('a', TIMESTAMP'2024-01-01 00:00:00'), ('a', TIMESTAMP'2024-01-01 00:04:00'), ('a', TIMESTAMP'2024-01-01 00:30:00'), ('b', TIMESTAMP'2024-01-01 00:30:00') AS t(k, ts) GROUP BY k, session_window(ts, {gap})"


def formatting():
    for pattern in PATTERNS:
        yield from spread("date_format", ["TIMESTAMP'2024-02-09 03:04:05.067089'", "TIMESTAMP'0001-12-31 23:59:59'"], Constant(texts(pattern)))
    yield from spread("date_format", [*MOMENTS[1:], "DATE'2024-02-29'", usual("timestamp_ntz"), "'2024-02-29'", "'x'", "5"], Constant(texts("yyyy-MM-dd HH:mm:ss.SSSSSS EEEE")))
    yield from ["date_format(NULL, 'y')", "date_format(DATE'2024-01-01', NULL)", "date_format(TIMESTAMP'2024-01-01 00:30:00', 'hh:mm a')", "date_format(TIMESTAMP'2024-01-01 12:30:00', 'hh:mm a KK kk')", "date_format(TIMESTAMP'12024-01-01 12:30:00', 'yyyy')"]
    for pattern in ["", "yyyy-MM-dd", "HH:mm:ss.SSS", "x"]:
        form = "from_unixtime({})" if not pattern else "from_unixtime({}, " + text(pattern) + ")"
        yield from spread(form, ["0", "1709210096", "-1", "253402300799", "9223372036854775807L", "1.9", "'10'", null("BIGINT"), "1.5D"], most=10 if not pattern else 4)


def reading():
    good = [("2024-02-29", "yyyy-MM-dd"), ("29/02/2024", "dd/MM/yyyy"), ("2024-2-9", "yyyy-M-d"), ("20240229", "yyyyMMdd"), ("Feb 29, 2024", "MMM d, yyyy"), ("29-Feb-24", "dd-MMM-yy"), ("Thursday 29 February 2024", "EEEE d MMMM yyyy"), ("2024-060", "yyyy-DDD"), ("2024 Q1", "yyyy 'Q'Q"), ("2024-02-29 13:14:15.678", "yyyy-MM-dd HH:mm:ss.SSS"), ("2024-02-29T13:14:15Z", "yyyy-MM-dd'T'HH:mm:ssX"), ("2024-02-29 01:14 PM", "yyyy-MM-dd hh:mm a"),
            ("2024-02-29 13:14:15 +0100", "yyyy-MM-dd HH:mm:ss Z"), ("2024-02-29 13:14:15 Europe/Berlin", "yyyy-MM-dd HH:mm:ss VV"), ("13:14:15", "HH:mm:ss"), ("2024-02-30", "yyyy-MM-dd"), ("2024-02-29 x", "yyyy-MM-dd"), ("2024-02-29", "yyyy-MM-dd HH:mm:ss"), ("x", "yyyy"), ("", "yyyy-MM-dd"), ("24-02-29", "yy-MM-dd"), ("99-02-28", "yy-MM-dd"), ("2024-02", "yyyy-MM"), ("2024", "yyyy"), ("12", "MM"), ("02/29/2024", "dd/MM/yyyy"),
            ("2024-02-29 13:14:15.1", "yyyy-MM-dd HH:mm:ss[.S]"), ("2024-02-29 13:14:15", "yyyy-MM-dd HH:mm:ss[.S]"), ("feb 2024", "MMM yyyy"), ("0001-01-01", "yyyy-MM-dd"), ("10000-01-01", "yyyy-MM-dd"), ("+10000-01-01", "yyyy-MM-dd"), ("2024-02-29 24:00:00", "yyyy-MM-dd HH:mm:ss"), (" 2024-02-29", "yyyy-MM-dd"), ("2024-W09", "YYYY-'W'ww"), ("2024-02-29 13:14:15.123456789", "yyyy-MM-dd HH:mm:ss.SSSSSSSSS"), ("2024", ""), ("1", "B")]
    functions = ["to_date", "try_to_date", "to_timestamp", "try_to_timestamp", "to_timestamp_ltz", "to_timestamp_ntz", "unix_timestamp", "to_unix_timestamp"]
    for function in functions:
        chosen = good if function in ["to_date", "to_timestamp"] else good[::3]
        for value, pattern in chosen:
            yield from spread(function, texts(value), Constant(texts(pattern)))
        yield from spread(function, [*texts("2024-02-29", "2024-02-29 12:34:56.789", "2024", "x", "", "2024-02-29T12:34:56+02:00", "12:34"), null("STRING"), "DATE'2024-02-29'", usual("timestamp"), usual("timestamp_ntz"), "5", "1.5D", "true", "NULL"][:6 if function != "to_date" else 99])
        yield from [f"{function}({value})" for value in ["DATE'2024-02-29'", "TIMESTAMP'1969-12-31 23:59:59.5'", "TIMESTAMP_NTZ'2024-02-29 12:34:56'", "5", "NULL", "'2024-01-01', NULL", "DATE'2024-02-29', 'yyyy'"]]
    for function in ["to_time", "try_to_time"]:
        yield from spread(function, texts("12:34:56", "12:34", "x", "", "24:00:00", "1:2:3.4") + [null("STRING")])
        yield from [f"{function}('12.34.56', 'HH.mm.ss')", f"{function}('1 PM', 'h a')", f"{function}('x', 'HH')", f"{function}('12:34', 'yyyy')"]


def making():
    yield from spread("make_date", ["2024", "0", "-1", "9999", "10000", "2023", null("INT"), "'2024'", "2024.9"], ["2", "0", "13", "12", null("INT")], ["29", "0", "31", "1", null("INT")], most=20, pairs=4)
    for function in ["make_timestamp", "make_timestamp_ltz", "make_timestamp_ntz", "try_make_timestamp", "try_make_timestamp_ltz", "try_make_timestamp_ntz"]:
        yield from spread(function, ["2024", "0", "10000", null("INT")], ["2", "13"], ["29", "30", null("INT")], ["12", "24", "-1"], ["34", "60"], ["56.789012", "60", "60.5", "0", "59.9999999", "-1", null("DECIMAL(8,6)"), "56.7D"], most=18)
        zone = "" if function.endswith("ntz") else ", 'Europe/Berlin'"
        yield from [f"{function}(2024, 7, 1, 12, 30, 45.887{zone})", f"{function}(2024, 7, 1, 12, 30, 45.887, 'x')", f"{function}(2024, 7, 1, 12, 30, 45, NULL)", f"{function}(DATE'2024-07-01', TIME'12:30:45.887')", f"{function}(2024, 3, 31, 2, 30, 0{zone})"]
    yield from spread("make_time", ["12", "24", "-1", null("INT")], ["34", "60"], ["56.789", "60", "0"], most=9)
    for function in ["make_interval", "try_make_interval"]:
        yield from [f"{function}()", *spread(function, ["1", "-1", null("INT"), "2147483647"], ["2", "14"], ["3"], ["4"], ["5"], ["6"], ["7.008", "-7.5", "0.0000001"], most=10)]
        yield from [f"{function}(1)", f"{function}(0, 1, 0, 1)", f"{function}(100, 11, 1, 1, 12, 30, 1.001001)"]
    yield from ["make_dt_interval()", "make_dt_interval(1)", "make_dt_interval(106751992)", *spread("make_dt_interval", ["1", "-1", null("INT"), "106751991"], ["2", "25"], ["3", "61"], ["4.5", "-4.5", "61.0000001"], most=10)]
    yield from ["make_ym_interval()", *spread("make_ym_interval", ["1", "-1", "178956970", "178956971", null("INT")], ["2", "0", "-13", "7", "8"], most=10)]


def epochs():
    numbers = ["0", "1", "-1", "1709210096", "1709210096789", "9223372036854775807L", "-9223372036854775808L", "1Y", null("BIGINT"), "1.5", "1.5D", "-0.5D", "1.1234567", "'1'", "DOUBLE('NaN')", "NULL", "1.5F", "253402300800", "9223372036855"]
    for function in ["timestamp_seconds", "timestamp_millis", "timestamp_micros", "date_from_unix_date", "timestamp_nanos", "time_from_seconds", "time_from_millis", "time_from_micros"]:
        yield from spread(function, numbers)
    for function in ["unix_seconds", "unix_millis", "unix_micros", "unix_nanos"]:
        yield from spread(function, [*MOMENTS, "DATE'2024-02-29'", usual("timestamp_ntz"), "'2024-02-29'", "5"])
    for function in ["time_to_seconds", "time_to_millis", "time_to_micros"]:
        yield from spread(function, "time")
    yield from ["date_from_unix_date(2932896)", "date_from_unix_date(2932897)", "date_from_unix_date(-719163)", "typeof(unix_timestamp(DATE'2024-01-01'))", "unix_timestamp('2024-01-01 00:00:00')", "unix_timestamp('2016-04-08', 'yyyy-MM-dd')", "to_unix_timestamp('2016-04-08', 'yyyy-MM-dd')"]


def zones():
    names = texts("Asia/Seoul", "Europe/Berlin", "UTC", "GMT+1", "+01:00", "+1:30", "PST", "CET", "x", "", "America/New_York", "Z", "UTC+2", "-08:00", "Asia/Kolkata", "EST", "+25:00")
    for function in ["from_utc_timestamp", "to_utc_timestamp"]:
        yield from spread(function, ["TIMESTAMP'2024-07-01 12:00:00'", "TIMESTAMP'2024-03-31 02:30:00'", "TIMESTAMP'1900-01-01 00:00:00'", "TIMESTAMP'0001-01-01 00:00:00'", "TIMESTAMP'2024-10-27 02:30:00'", "'2016-08-31'", "DATE'2024-01-01'", "TIMESTAMP_NTZ'2024-07-01 12:00:00'", null("TIMESTAMP"), "'x'"], names, most=26, pairs=14)
        yield f"{function}(TIMESTAMP'2024-07-01 12:00:00', NULL)"
    yield from spread("convert_timezone", texts("Europe/Brussels", "UTC", "x", "America/Los_Angeles"), texts("America/Los_Angeles", "Asia/Tokyo", "x"), ["TIMESTAMP_NTZ'2021-12-06 00:00:00'", "TIMESTAMP'2021-07-06 00:00:00'", "DATE'2021-12-06'", "'2021-12-05 15:00:00'", null("TIMESTAMP_NTZ")], most=12, pairs=4)
    yield from ["convert_timezone('Europe/Brussels', TIMESTAMP_NTZ'2021-12-05 15:00:00')", "convert_timezone('x', TIMESTAMP_NTZ'2021-12-05 15:00:00')", "convert_timezone(NULL, TIMESTAMP_NTZ'2021-12-05 15:00:00')"]


def expressions():
    for part in [fields, adding, truncating, formatting, reading, making, epochs, zones]:
        yield from unique(part())
