"""Runs a job for ten thousand small epochs as a whole process and looks whether memory, checkpoint and state stay as large as they were.

Started by scripts/bench as six.py is, with the same environment. The jobs are jobs/ecommerce.toml and the shapes (shapes/*.toml).
"""
import argparse
import datetime as dt
import json
import shutil
import statistics
import threading
import time
from pathlib import Path

import six
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from six import BENCH_DIR, BROKERS, HERE, JOB, fail, say

JOBS = {"ecommerce": JOB, **{name: HERE / "shapes" / f"{name}.toml" for name in ("sessions", "join", "top", "chain")}}
# What may be more in the last quarter of a run than in the second, as a factor, and what is too little to matter, bytes.
FACTOR, SLACK = 1.3, 8 << 20
# Caches are full after minutes with this, not after hours.
STATE_MEMORY = "64 MiB"
MIB = 1 << 20


class Sampler:
    """Looks at a process and its checkpoint twice a second: (epochs, resident bytes, checkpoint bytes)."""

    def __init__(self, run, checkpoint):
        self.run, self.checkpoint, self.samples = run, Path(checkpoint), []
        self.thread = threading.Thread(target=self._sample, daemon=True)
        self.thread.start()

    def _sample(self):
        while self.run.reader.is_alive():
            resident = self._resident()
            if resident:
                self.samples.append((len(self.run.progress), resident, self._on_disk()))
            time.sleep(0.5)

    def _resident(self):
        try:
            lines = Path(f"/proc/{self.run.process.pid}/status").read_text().splitlines()
        except OSError:
            return None
        return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:")), None)

    def _on_disk(self):
        total = 0
        for path in self.checkpoint.rglob("*"):
            try:
                total += path.stat().st_size
            except OSError:
                pass  # merged away since it was listed
        return total


def quarters(pairs, epochs):
    """The median of each quarter of a run; pairs are (epoch, figure)."""
    parts = [[], [], [], []]
    for epoch, figure in pairs:
        parts[min(3, epoch * 4 // max(1, epochs))].append(figure)
    if not all(parts):
        fail("the run was too short to be looked at in quarters.", "Give more --epochs")
    return [statistics.median(part) for part in parts]


def state_of(progress):
    """Rows, blocks and bytes of all operators together."""
    operators = progress["stateOperators"]
    metrics = [operator["customMetrics"] for operator in operators]
    return (sum(operator.get("numRowsTotal", 0) for operator in operators), sum(metric["stateBlocks"] for metric in metrics),
            sum(metric["stateBytes"] for metric in metrics))


def measure(name, options):
    topic = six.ensure_topic(options.rows)
    scratch, environment = six.environment_of("engine")
    shutil.rmtree(scratch, ignore_errors=True)
    rows = min(options.rows, options.epochs * options.per_epoch)
    settings = ["--set", f"source.events.topic={topic}", "--set", f"source.events.max_offsets_per_trigger={options.per_epoch}",
                "--set", "source.events.starting_offsets=earliest", "--set", "job.trigger=asap", "--set", f"job.state_memory={STATE_MEMORY}",
                *six.settings(options)]
    if rows < options.rows:
        ends = ",".join(f'"{number}" = {end}' for number, end in enumerate(ends_of(topic, rows)))
        settings += ["--set", f"source.events.ending_offsets={{{ends}}}"]
    say(f"{name}: {rows:,} events, {options.per_epoch} an epoch")
    run = six.Run("engine", ["submit", str(JOBS[name]), "--progress", "json", "--available-now", *settings], environment)
    sampler = Sampler(run, environment["CHECKPOINT"])
    wall_s, _ = run.wait()
    sampler.thread.join()
    epochs = len(run.progress)
    progress = [entry for _, entry in run.progress]
    states = [(epoch, state_of(entry)) for epoch, entry in enumerate(progress)]
    result = {"what": name, "epochs": epochs, "rows": run.rows(), "wall_s": round(wall_s, 1),
              "resident": quarters([(epoch, resident) for epoch, resident, _ in sampler.samples], epochs),
              "checkpoint": quarters([(epoch, disk) for epoch, _, disk in sampler.samples], epochs),
              "state_bytes": quarters([(epoch, state[2]) for epoch, state in states], epochs),
              "state_blocks": quarters([(epoch, state[1]) for epoch, state in states], epochs),
              "state_rows": quarters([(epoch, state[0]) for epoch, state in states], epochs),
              "epoch_ms": quarters([(epoch, entry["batchDuration"]) for epoch, entry in enumerate(progress)], epochs)}
    result["grows"] = [what for what in ("resident", "checkpoint", "state_bytes") if result[what][3] > FACTOR * result[what][1] + SLACK]
    return result


def ends_of(topic, rows):
    """Where reading ends in each partition so that it is about so many records in all."""
    partitions = len(AdminClient({"bootstrap.servers": BROKERS}).list_topics(topic, timeout=20).topics[topic].partitions)
    return [rows // partitions] * partitions


def show(results):
    def row(name, what, figures, unit):
        return f"| {name:<10} | {what:<16} | " + " | ".join(f"{figure / unit:,.1f}" for figure in figures) + " |"

    print("\n| job | median of | 1st quarter | 2nd | 3rd | 4th |\n|---|---|---:|---:|---:|---:|")
    for result in results:
        title = result["what"]
        for what, key, unit in [("resident, MiB", "resident", MIB), ("checkpoint, MiB", "checkpoint", MIB), ("state, MiB", "state_bytes", MIB),
                                ("blocks", "state_blocks", 1), ("rows", "state_rows", 1), ("epoch, ms", "epoch_ms", 1)]:
            print(row(title, what, result[key], unit))
            title = ""
    for result in results:
        verdict = f"grows: {', '.join(result['grows'])}" if result["grows"] else "flat"
        print(f"\n{result['what']}: {result['epochs']:,} epochs, {result['rows']:,} events in {result['wall_s']} s: {verdict}", flush=True)


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench long", description="Ten thousand small epochs of a real process: does anything grow?")
    parser.add_argument("--rows", type=int, default=2_000_000, help="events of the topic")
    parser.add_argument("--epochs", type=int, default=10_000, help="epochs with events; those without come on top")
    parser.add_argument("--per-epoch", type=int, default=200, help="events an epoch")
    parser.add_argument("--only", action="append", choices=list(JOBS), help="this job; may be given several times")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="given to `engine submit`")
    options = parser.parse_args()
    BENCH_DIR.mkdir(parents=True, exist_ok=True)
    results = []
    try:
        for name in options.only or JOBS:
            results.append(measure(name, options))
            with open(BENCH_DIR / "results.jsonl", "a") as file:
                file.write(json.dumps({"at": dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"), "long": True, **results[-1]}) + "\n")
    except KafkaException as error:
        fail(f"Kafka at {BROKERS}: {error.args[0].str()}", "Its log is in .services/bench/kafka/kafka.log")
    show(results)
    growing = [result["what"] for result in results if result["grows"]]
    if growing:
        fail(f"the last quarter takes more than the second, by more than {FACTOR} and {SLACK // MIB} MiB: {', '.join(growing)}.",
             f"The figures are in {BENCH_DIR / 'results.jsonl'}")


if __name__ == "__main__":
    main()
