#!/usr/bin/env python3
"""Asks a Spark in this process for the names of the columns of every recorded expression, and prints them: [expression, [name, …]] a line.

    record_names.py > NAMES

A minute. engine/plan/src/rewrite/headings/tests/spark.jsonl is a choice of 1,500 of them of different shape: those whose name does not
come from types that Spark has put in before it names a column.
"""

import json
import re

from pyspark.errors import PySparkException
from py4j.protocol import Py4JJavaError

import record

if __name__ == "__main__":
    ask = record.session()._jsparkSession
    for file in sorted(record.FOLDER.glob("*.jsonl")):
        for line in file.read_text().splitlines():
            expression, kind, _ = json.loads(line)
            expression = expression.replace("«", "").replace("»", "")
            query = expression if re.match(r"(SELECT|WITH|FROM|VALUES)\b", expression) else f"SELECT {expression}"
            if kind == "error":
                continue
            try:
                print(json.dumps([expression, list(ask.sql(query).columns())], ensure_ascii=False))
            except (PySparkException, Py4JJavaError):
                # A function whose switch the recorder has and this question has not.
                continue
