"""Asks DuckDB about Delta tables that the Python deltalake package has read: no code of the engine takes part.

stdin: {"warehouse": …, "tables": [names], "rows": {name: {"schema": [[column, type]…], "rows": [[…]…]}}, "ask": {name: sql},
"epochs": number, "schemas": bool}. stdout: {"answers": {name: rows}} or, for the first so many epochs, {"epochs": [{name: rows}…]}.
"""
import glob
import json
import os
import sys

import duckdb
import pyarrow
from deltalake import DeltaTable

question = json.load(sys.stdin)
kinds = {"bigint": pyarrow.int64(), "string": pyarrow.string(), "int": pyarrow.int32()}


def folder(table):
    return question["warehouse"] + "/" + table.replace(".", "/")


def as_of(name, epoch):
    """A table with everything up to an epoch: its newest version whose transaction is of that epoch or one before."""
    fitting = 0
    for entry in sorted(glob.glob(folder(name) + "/_delta_log/*.json")):
        for action in map(json.loads, open(entry)):
            # The job's own application counts epochs; those below it, after a slash, hold offsets, terms and ids of topics.
            if "txn" in action and "/" not in action["txn"]["appId"] and action["txn"]["version"] <= epoch:
                fitting = int(os.path.basename(entry).split(".")[0])
    return DeltaTable(folder(name), version=fitting)


def load(epoch):
    """A database that holds every table as of one epoch, or its newest."""
    database = duckdb.connect()
    database.execute("SET TimeZone = 'UTC'; SET threads = 1; SET enable_progress_bar = false; SET autoinstall_known_extensions = false")
    for name in question["tables"]:
        found = DeltaTable(folder(name)) if epoch is None else as_of(name, epoch)
        register(database, name, found.to_pyarrow_table())
    for name, given in question.get("rows", {}).items():
        columns = list(zip(*given["rows"])) or [[] for _ in given["schema"]]
        arrays = [pyarrow.array(list(values), kinds[kind]) for values, (_, kind) in zip(columns, given["schema"])]
        register(database, name, pyarrow.table(arrays, names=[column for column, _ in given["schema"]]))
    return database


def register(database, name, rows):
    if "." in name:
        database.execute(f'CREATE SCHEMA IF NOT EXISTS {name.split(".")[0]}')
    database.register("incoming", rows)
    quoted = ".".join(f'"{part}"' for part in name.split("."))
    database.execute(f"CREATE TABLE {quoted} AS SELECT * FROM incoming")
    database.unregister("incoming")


def plain(value):
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).hex()
    return value if isinstance(value, (int, float, str, bool, type(None))) else str(value)


def answers(epoch):
    database = load(epoch)
    return {name: plain(database.execute(sql).fetchall()) for name, sql in question["ask"].items()}


if question.get("schemas"):
    answer = {"schemas": {name: [[field.name, str(field.type)] for field in DeltaTable(folder(name)).to_pyarrow_dataset().schema] for name in question["tables"]}}
elif "epochs" in question:
    answer = {"epochs": [answers(epoch) for epoch in range(question["epochs"])]}
else:
    answer = {"answers": answers(None)}
json.dump(answer, sys.stdout)
sys.stdout.flush()
# DuckDB and Arrow need no time to tear their threads down.
os._exit(0)
