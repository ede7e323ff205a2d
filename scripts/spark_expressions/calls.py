"""Calls of functions over pools of arguments. An argument stands between « and », unless it has to be a constant: the comparer puts what is between
the marks also through a table, so that it is computed over columns."""

import itertools
import zlib

from values import VALUES, usual


def marked(argument):
    """An argument that may come from a column."""
    return f"«{argument}»"


class Constant(list):
    """Arguments that stay where they are."""


class Types(list):
    """Types, each with a few values."""


def pool(argument, most=99):
    """The texts of one argument: a type's name, a list of texts, or constants."""
    if isinstance(argument, Constant):
        return list(argument)
    texts = VALUES[argument][:most] if isinstance(argument, str) else list(argument)
    return [marked(text) for text in texts]


def thinned(expressions, most):
    """At most so many, always the same ones, the first among them."""
    if len(expressions) <= most:
        return expressions
    ranked = sorted(range(1, len(expressions)), key=lambda index: zlib.crc32(expressions[index].encode()))
    return [expressions[index] for index in sorted([0, *ranked[: most - 1]])]


def combinations(pools, pairs):
    """The usual arguments; each argument's other values beside the usual ones; so many of all other combinations."""
    first = tuple(values[0] for values in pools)
    yield first
    for place, values in enumerate(pools):
        for value in values[1:]:
            yield (*first[:place], value, *first[place + 1:])
    others = [c for c in itertools.product(*pools) if sum(a != b for a, b in zip(c, first)) > 1] if pairs else []
    ranked = sorted(others, key=lambda combination: zlib.crc32("|".join(combination).encode()))
    yield from ranked[:pairs]


def spread(form, *arguments, most=40, pairs=0, values=99):
    """A form over its arguments. The form is a function's name, or a text with {} for each argument."""
    pools = [pool(argument, values) for argument in arguments]
    if "{" not in form:
        form = form + "(" + ", ".join("{}" for _ in pools) + ")"
    return thinned([form.format(*chosen) for chosen in combinations(pools, pairs)], most)


def of_types(form, types, *rest, most=40, values=3):
    """A form over a first argument of each of these types."""
    return [e for one in types for e in spread(form, one, *rest, most=most, values=values)]


def wrong_types(form, types, *rest):
    """One call for each type that the function may refuse."""
    constants = [Constant([usual(one)]) for one in types]
    return [e for one in constants for e in spread(form, one, *rest, most=1)]


def unique(expressions):
    """Without repetitions, in order."""
    return list(dict.fromkeys(expressions))
