"""Functions of numbers."""

from calls import Constant, of_types, spread, unique, wrong_types
from values import INTEGERS, NUMERIC, VALUES, null, texts

DOUBLES = ["0.5D", null("DOUBLE"), "0.0D", "-0.0D", "1.0D", "-1.0D", "2.0D", "-0.5D", "10.0D", "1e-10D", "1e10D", "1000D", "DOUBLE('NaN')", "DOUBLE('Infinity')", "DOUBLE('-Infinity')", "1.7976931348623157E308D", "4.9E-324D"]
ONE_DOUBLE = "acos acosh asin asinh atan atanh cbrt cos cosh cot csc degrees exp expm1 ln log10 log1p log2 radians rint sec sign signum sin sinh sqrt tan tanh".split()
ROUNDED = ["2.5D", "3.5D", "-2.5D", "1.005D", "2.675D", "0.5D", "-0.5D", "1e300D", "DOUBLE('NaN')", "DOUBLE('Infinity')", "-0.0D", "12345.6789D", "0.1F", "2.5F", "1.25F", "2.5", "3.5", "-2.5", "1.005", "12345.6789", "0.00", "99999999999999999999999999999999999999BD", "125", "-125", "2147483647", "127Y", "-128Y", "32767S", "9223372036854775807L", "NULL", "'2.5'"]


def of_doubles():
    for function in ONE_DOUBLE:
        yield from spread(function, DOUBLES)
        yield from of_types(function, ["int", "decimal", "string", "float", "bigint"], values=2)
        yield from wrong_types(function, ["boolean", "date", "array<int>", "void", "tinyint", "smallint"])
    for function in ["atan2", "hypot", "pow", "power", "log"]:
        yield from spread(function, DOUBLES, DOUBLES, most=20, pairs=26)
        yield from spread(function, ["2", "2L", "2.0", "'2'", "2F", "NULL", "0"], ["3", "0.5", "-1", "NULL", "'x'"], most=12)
    yield from ["pow(0, 0)", "pow(2, 10)", "pow(-8, 1D / 3)", "power(2, 0.5)", "pow(2, -1)", "log(2, 8)", "log(10)", "log(0)", "log(-1)", "log(0, 5)", "log(1, 5)", "log(2, 0)", "ln(0)", "e()", "pi()", "factorial(0)", "sqrt(-1)", "sign(-5)", "sign(0.00)", "signum(INTERVAL -1 DAY)", "sign(INTERVAL '0' MONTH)", "exp(710)", "exp(1)", "cbrt(27)", "cbrt(-8)"]


def rounding():
    for function in ["round", "bround", "ceil", "floor"]:
        yield from spread(function, ROUNDED)
        for scale in ["0", "1", "2", "-1", "-2", "38", "-3"]:
            yield from spread(function, ROUNDED, Constant([scale]), most=30 if scale in "2-1" else 14)
        yield from [f"{function}(1.5D, NULL)", f"{function}(1.5, CAST(NULL AS INT))", f"{function}(12.345, 1L)", f"{function}(1.5, 'x')", f"{function}(true)", f"{function}(DATE'2024-01-01')", f"{function}(12.345D, 400)", f"{function}(12.345D, -400)", f"{function}('x')", f"typeof({function}(2.5))", f"typeof({function}(12.345, 1))"]
    yield from of_types("ceiling", NUMERIC)
    yield from spread("ceiling", ["2.1", "-2.1", "2.5D"], Constant(["1"]))
    yield from spread("rint", ROUNDED[:10])


def whole_numbers():
    yield from spread("factorial", ["5", "0", "20", "21", "-1", null("INT"), "5L", "5Y", "3.7", "'5'", "NULL"])
    for function in ["bin", "hex"]:
        yield from of_types(function, INTEGERS, values=6)
        yield from spread(function, ["'Spark'", "''", "X'00FF'", "'日'", "1.5", "1.5D", "true", "NULL", "'13'"])
    yield from spread("conv", texts("100", "-10", "zz", "", "7fffffffffffffff", "ffffffffffffffffff", "1x2", " 11", "-1", "18446744073709551616") + [null("STRING"), "100", "1.5"], ["2", "10", "16", "36", "37", "1", "-10"], ["10", "16", "-10", "-16", "2", "36", null("INT")], most=26, pairs=30)
    for function in ["mod", "pmod", "try_mod"]:
        for one in NUMERIC:
            yield from spread(function, VALUES[one][:5], VALUES[one][:1] + VALUES[one][2:4], most=8)
        yield from [f"{function}(10, -3)", f"{function}(-10, 3)", f"{function}(-10, -3)", f"{function}(-5.5D, 2D)", f"{function}(10, 0)", f"{function}(10D, 0D)", f"{function}(10.0, 0.0)", f"{function}(7.5, 2)", f"{function}(-7.5, 2)", f"{function}(-2147483648, -1)", f"{function}('7', 2)", f"{function}(7, NULL)", f"{function}(DOUBLE('NaN'), 2D)", f"{function}(DOUBLE('Infinity'), 2D)"]
    for function in ["abs", "negative", "positive"]:
        yield from of_types(function, [*NUMERIC, "string", "boolean", "date", "void", "months", "days", "interval"], values=10)
    yield from spread("width_bucket", ["5.35D", "-1D", "100D", "0.024D", "10.06D", null("DOUBLE"), "DOUBLE('NaN')", "DOUBLE('Infinity')"], ["0.024D", "10D", "0D"], ["10.06D", "0D", "10D"], ["5", "0", "-1", "1", "2147483647", null("BIGINT")], most=24, pairs=16)
    yield from ["width_bucket(5, 0, 10, 2)", "width_bucket(5, 10, 0, 2)", "width_bucket(INTERVAL 1 MONTH, INTERVAL '0' MONTH, INTERVAL 10 MONTH, 10)", "width_bucket(INTERVAL 1 DAY, INTERVAL '0' DAY, INTERVAL 10 DAY, 10)", "width_bucket(5.0, 5, 5, 3)", "width_bucket(1.5, 1, 2, 2)"]


def expressions():
    for part in [of_doubles, rounding, whole_numbers]:
        yield from unique(part())
