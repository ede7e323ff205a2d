"""Answers questions in DuckDB: a line of JSON in, a line of JSON out, until the input ends."""

import decimal
import json
import sys

import duckdb

connection = duckdb.connect(":memory:", config={"threads": 1})
# A query of more than two seconds would write how far it is between the answers.
connection.execute("SET enable_progress_bar = false")
# The tables are of some hundred rows: planning them well takes longer than running them anyhow.
connection.execute("PRAGMA disable_optimizer")


def plain(value):
    return float(value) if isinstance(value, decimal.Decimal) else str(value)


for line in sys.stdin:
    asked = json.loads(line)
    answers = []
    for text in asked["statements"]:
        try:
            connection.execute(text)
            answers.append({"rows": []})
        except Exception as error:  # reported to the test, which names the statement
            answers.append({"error": str(error)})
    for text in asked["queries"]:
        try:
            answers.append({"rows": connection.execute(text).fetchall()})
        except Exception as error:
            answers.append({"error": str(error)})
    sys.stdout.write(json.dumps(answers, default=plain) + "\n")
    sys.stdout.flush()
