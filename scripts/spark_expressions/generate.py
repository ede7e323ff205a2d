#!/usr/bin/env python3
"""All expressions, family by family, always the same ones. Run by itself it prints them, with how many there are in each family on stderr:

    generate.py [FAMILY…]
"""

import sys

from calls import thinned
from families import aggregates, casts, collections_, conditions, dates, json_and_csv, literals, mathematics, not_spark, operators, queries, regular, strings, windows

FAMILIES = {
    "literals": literals, "operators": operators, "conditions": conditions, "casts": casts, "mathematics": mathematics, "strings": strings, "regular": regular, "dates": dates, "json_and_csv": json_and_csv, "collections": collections_, "aggregates": aggregates, "windows": windows, "queries": queries, "not_spark": not_spark,
}

# How many of the expressions that only vary a form's arguments are asked, where there are too many.
MOST_VARIED = {"operators": 2100, "conditions": 2400, "casts": 2300, "mathematics": 1500, "strings": 1700, "dates": 1500, "collections": 1300}


def generated():
    """Expressions by family, without those that an earlier family has."""
    seen = set()
    families = {}
    for name, family in FAMILIES.items():
        kept = []
        for expression in family.expressions():
            plain = expression.replace("«", "").replace("»", "")
            if plain not in seen:
                seen.add(plain)
                kept.append(expression)
        varied = set(thinned([e for e in kept if "«" in e], MOST_VARIED.get(name, len(kept))))
        families[name] = [e for e in kept if "«" not in e or e in varied]
    return families


def main():
    chosen = sys.argv[1:]
    for name, expressions in generated().items():
        if not chosen or name in chosen:
            print(f"{name:14} {len(expressions):6}", file=sys.stderr)
            print("\n".join(expression.replace("\n", "\\n") for expression in expressions))


if __name__ == "__main__":
    main()
