"""Measures the six tables of pipeline 1 as whole processes over one pre-filled topic of a real Kafka, and prints a table.

Started by scripts/bench, which builds, starts Kafka and gives: KAFKA_BROKERS, ENGINE_BIN, BENCH_DIR, and for --spark SPARK_PYTHON and SPARK_JARS.
"""
import argparse
import datetime as dt
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

import fill
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
JOB = ROOT / "jobs" / "ecommerce.toml"
BENCH_DIR = Path(os.environ["BENCH_DIR"])
ENGINE = os.environ["ENGINE_BIN"]
BROKERS = os.environ["KAFKA_BROKERS"]
EVENTS_PER_SECOND = 1000
IDLE_ROWS = 1000
# durationMs of what happens before an epoch's plan is on disk.
PLANNING = ("latestOffset", "queryPlanning", "walCommit")


def say(text):
    print(text, file=sys.stderr, flush=True)


def fail(message, remedy):
    sys.exit(f"error: {message}\n  {remedy}")


# ---------------------------------------------------------------- the topic


def records_in(topic):
    """Records of the topic by its end offsets; None if there is no such topic."""
    consumer = Consumer({"bootstrap.servers": BROKERS, "group.id": str(uuid.uuid4())})
    try:
        found = consumer.list_topics(timeout=20).topics.get(topic)
        if found is None or found.error is not None:
            return None
        ends = [consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=20)[1] for number in found.partitions]
        return sum(ends)
    finally:
        consumer.close()


def delete_topic(topic):
    admin = AdminClient({"bootstrap.servers": BROKERS})
    admin.delete_topics([topic])[topic].result()
    deadline = time.time() + 30
    while records_in(topic) is not None:
        if time.time() > deadline:
            fail(f"Kafka does not delete the topic '{topic}'.", "Delete the bench's Kafka data: rm -r .services/bench")


def ensure_topic(rows):
    """A topic with exactly these events; an earlier one is used again."""
    topic = f"bench-{rows}-seed7"
    found = records_in(topic)
    if found == rows:
        say(f"topic {topic}: {rows:,} events are there from an earlier run")
        return topic
    if found is not None:
        delete_topic(topic)
    say(f"filling topic {topic} with {rows:,} events (about {rows // 40_000 + 1} s, once)")
    command = [sys.executable, HERE / "fill.py", "--brokers", BROKERS, "--topic", topic, "--rows", str(rows), "--seed", "7", "--codec", "zstd"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return topic


# ---------------------------------------------------------------- one process


class Run:
    """One engine process: its progress lines with the moment each arrived, and what it used."""

    def __init__(self, name, arguments, environment, binary=ENGINE):
        self.progress = []
        self.arrived = threading.Condition()
        self.log = BENCH_DIR / f"{name}.log"
        self.started = time.time()
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([binary, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True,
                                            env={**os.environ, **environment}, cwd=ROOT)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        shown = time.time()
        for line in self.process.stdout:
            now = time.time()
            if line.startswith("{"):
                with self.arrived:
                    self.progress.append((now, json.loads(line)))
                    self.arrived.notify_all()
            if now - shown > 2:
                shown = now
                say(f"  epoch {len(self.progress)}: {self.rows():,} events")
        with self.arrived:
            self.arrived.notify_all()

    def rows(self):
        return sum(entry["numInputRows"] for _, entry in self.progress)

    def wait_rows(self, rows, limit_s=60):
        """Waits until epochs with so many rows in all were reported."""
        with self.arrived:
            reached = self.arrived.wait_for(lambda: self.rows() >= rows or not self.reader.is_alive(), limit_s)
        if not reached or self.rows() < rows:
            self.process.kill()
            fail(f"the engine reported {self.rows():,} of {rows:,} rows.", f"Its log: {self.log}")

    def wait(self):
        """Waits for the end; the process's own resource usage."""
        _, status, usage = os.wait4(self.process.pid, 0)
        ended = time.time()
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.reader.join()
        if self.process.returncode != 0:
            fail(f"the engine ended with status {self.process.returncode}: {self.last_words()}", f"Its log: {self.log}")
        return ended - self.started, usage

    def last_words(self):
        lines = [line for line in self.log.read_text().splitlines() if line.strip()]
        return lines[-1] if lines else "(it said nothing)"


def submit_arguments(topic, *more):
    return ["submit", str(JOB), "--set", f"source.events.topic={topic}", "--progress", "json", *more]


def environment_of(name):
    scratch = BENCH_DIR / name
    checkpoints = scratch / "checkpoints"  # the jobs take the folder of all, the shapes one of their own: both mean the same place
    return scratch, {"KAFKA_BROKERS": BROKERS, "WAREHOUSE": str(scratch / "warehouse"), "CHECKPOINTS": str(checkpoints), "CHECKPOINT": str(checkpoints / "ecommerce")}


def settings(options):
    return [word for setting in options.set for word in ("--set", setting)]


# ---------------------------------------------------------------- the measurements


def planned_after_ms(run):
    """From the start of the process to the first planned epoch."""
    _, first = run.progress[0]
    trigger = dt.datetime.fromisoformat(first["timestamp"].replace("Z", "+00:00")).timestamp()
    return (trigger - run.started) * 1000 + sum(first["durationMs"].get(part, 0) for part in PLANNING)


def measure_whole(what, binary, topic, rows, options):
    """The whole job over the whole topic, from an empty warehouse to the end of the process."""
    scratch, environment = environment_of("engine")
    shutil.rmtree(scratch, ignore_errors=True)
    run = Run("engine", submit_arguments(topic, "--available-now", *settings(options)), environment, binary)
    wall_s, usage = run.wait()
    if run.rows() != rows:
        fail(f"the engine read {run.rows():,} of {rows:,} events.", f"Its log: {run.log}")
    counted = subprocess.run([binary, "sql", "--warehouse", environment["WAREHOUSE"], "--format", "csv", "SELECT count(*) FROM bronze.raw_events"],
                             check=True, capture_output=True, text=True).stdout.split()[-1]
    if int(counted) != rows:
        fail(f"bronze.raw_events holds {counted} of {rows} events.", f"The log: {run.log}")
    cpu_s = usage.ru_utime + usage.ru_stime
    return {"what": what, "rows": rows, "wall_s": round(wall_s, 2), "events_per_s": round(rows / wall_s), "cpu_us_per_event": round(cpu_s / rows * 1e6, 2),
            "peak_mib": usage.ru_maxrss // 1024, "planned_after_ms": round(planned_after_ms(run)), "epochs": len(run.progress)}


def idle_events(rows, rounds):
    """Batches of events that follow those of the topic in event time."""
    after = dt.datetime.fromisoformat("2026-01-01T00:00:00") + dt.timedelta(seconds=rows / EVENTS_PER_SECOND)
    options = argparse.Namespace(seed=8, rows=IDLE_ROWS * rounds, start=after.isoformat(), events_per_second=EVENTS_PER_SECOND, late=0, malformed=0, sessions_per_user=9000)
    batch = []
    for record in fill.records(options):
        batch.append(record)
        if len(batch) == IDLE_ROWS:
            yield batch
            batch = []


def measure_idle(what, binary, rows, options):
    """A running job that is given 1,000 rows at a time: how long an epoch takes, and how long from the broker's answer to the published epoch.

    It has a topic of its own, so that the big one stays as it is.
    """
    topic = f"bench-idle-{uuid.uuid4().hex[:8]}"
    rounds, warm_up = 40, 10
    fill_one = [sys.executable, HERE / "fill.py", "--brokers", BROKERS, "--topic", topic, "--rows", "1000"]
    subprocess.run(fill_one, check=True, stdout=subprocess.DEVNULL)
    scratch, environment = environment_of("idle")
    shutil.rmtree(scratch, ignore_errors=True)
    run = Run("idle", submit_arguments(topic, "--set", "job.trigger=asap", *settings(options)), environment, binary)
    run.wait_rows(1000)
    # One batch a round, to one partition, so that a round is one epoch.
    producer = Producer({"bootstrap.servers": BROKERS, "linger.ms": 1000, "batch.size": 1_000_000, "batch.num.messages": IDLE_ROWS, "enable.idempotence": True})
    delays, epochs = [], []
    for number, batch in enumerate(idle_events(1000, rounds)):
        for key, value in batch:
            producer.produce(topic, value, key=key, partition=0)
        producer.flush(30)
        acknowledged = time.time()
        before = len(run.progress)
        run.wait_rows(1000 + IDLE_ROWS * (number + 1))
        if number >= warm_up:
            delays.append((run.progress[-1][0] - acknowledged) * 1000)
            epochs.append(sum(entry["durationMs"]["triggerExecution"] for _, entry in run.progress[before:] or run.progress[-1:]))
    asked = time.time()
    run.process.send_signal(signal.SIGTERM)
    run.wait()
    delete_topic(topic)
    return {"what": f"idle {what}", "rounds": len(epochs), "epoch_ms_median": round(statistics.median(epochs), 1), "epoch_ms_max": round(max(epochs), 1),
            "published_after_ms_median": round(statistics.median(delays), 1), "published_after_ms_max": round(max(delays), 1), "stopped_after_ms": round((time.time() - asked) * 1000)}


def measure_spark(topic, rows):
    """The same six tables on Spark, over the same topic. Its run counts without the session's start, its CPU with it."""
    say("Spark: six queries over the same topic (about two minutes for 2,000,000 events)")
    environment = {**os.environ, "BROKERS": BROKERS, "TOPIC": topic, "OUT": str(BENCH_DIR / "spark"), "JARS": os.environ["SPARK_JARS"]}
    log = BENCH_DIR / "spark.log"
    start = shown = time.time()
    with open(log, "w") as errors:
        process = subprocess.Popen([os.environ["SPARK_PYTHON"], HERE / "spark_six.py"], stdout=subprocess.PIPE, stderr=errors, text=True, env=environment)
        while True:
            try:
                output, _ = process.communicate(timeout=2)
                break
            except subprocess.TimeoutExpired:
                if time.time() - shown > 10:
                    shown = time.time()
                    say(f"  Spark: {shown - start:.0f} s")
    if process.returncode != 0:
        fail(f"Spark ended with status {process.returncode}.", f"Its log: {log}")
    figures = json.loads(output.splitlines()[-1])
    if set(figures["rows_read"].values()) != {rows}:
        say(f"  note: Spark's queries read {figures['rows_read']}")
    return {"what": f"spark {figures['spark']}", "rows": rows, "wall_s": figures["run_s"], "events_per_s": round(rows / figures["run_s"]),
            "cpu_us_per_event": round(figures["cpu_s"] / rows * 1e6, 2), "peak_mib": figures["peak_mib"], "planned_after_ms": round(figures["session_s"] * 1000)}


# ---------------------------------------------------------------- what is shown


def table(results):
    lines = ["", f"| {'':<12} | wall s | events/s | CPU µs/event | peak MiB | start ms |", "|---|---:|---:|---:|---:|---:|"]
    for result in results:
        lines.append(f"| {result['what']:<12} | {result['wall_s']} | {result['events_per_s']:,} | {result['cpu_us_per_event']} | {result['peak_mib']:,} | {result['planned_after_ms']:,} |")
    return "\n".join(lines)


def median_of(results, what, figure):
    return statistics.median(result[figure] for result in results if result["what"] == what)


def show_beside(results, idles):
    """The engine's figures by those of the other binary: above 1 is more."""
    ratios = [f"{figure} {median_of(results, 'engine', figure) / median_of(results, 'beside', figure):.2f}"
              for figure in ("wall_s", "cpu_us_per_event", "peak_mib", "planned_after_ms")]
    if len(idles) == 2:
        ratios.append(f"idle epoch {idles[0]['epoch_ms_median'] / idles[1]['epoch_ms_median']:.2f}")
    print(f"\nengine / beside, by medians of this run: {', '.join(ratios)}")


def show(results, idles):
    engines = [result for result in results if result["what"] == "engine"]
    sparks = [result for result in results if result["what"].startswith("spark")]
    print(table(results))
    print("start: from the start of the process to the first planned epoch; for Spark its session alone")
    for idle in idles:
        print(f"\n{idle['what']}: 1,000 rows given to the running job, {idle['rounds']} times: epoch {idle['epoch_ms_median']} ms median, {idle['epoch_ms_max']} ms worst;"
              f" published {idle['published_after_ms_median']} ms after Kafka acknowledged them (worst {idle['published_after_ms_max']} ms); SIGTERM to exit {idle['stopped_after_ms']} ms")
    if any(result["what"] == "beside" for result in results):
        show_beside(results, idles)
    if sparks:
        rate = statistics.median(result["events_per_s"] for result in engines) / sparks[0]["events_per_s"]
        cpu = sparks[0]["cpu_us_per_event"] / statistics.median(result["cpu_us_per_event"] for result in engines)
        print(f"\n{rate:.1f} × Spark's events per second, 1/{cpu:.1f} of its CPU per event (this run, this machine, same topic)")


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench six", description="The six tables of pipeline 1 as whole processes over one topic of a real Kafka.")
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--runs", type=int, default=3, help="runs of the engine; all are shown")
    parser.add_argument("--spark", action="store_true", help="the same on Spark 4.0, and the ratio")
    parser.add_argument("--beside", metavar="BINARY", help="another engine, an older one say: measured turn by turn with this one")
    parser.add_argument("--no-idle", action="store_true", help="leave out the running job with 1,000 rows at a time")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="given to `engine submit`")
    options = parser.parse_args()
    BENCH_DIR.mkdir(parents=True, exist_ok=True)
    binaries = {"engine": ENGINE, **({"beside": options.beside} if options.beside else {})}
    load = os.getloadavg()[0]
    if load > 0.7:
        say(f"note: load average {load:.1f}: something else is using this machine, so the figures do not count")
    try:
        topic = ensure_topic(options.rows)
        results = []
        for number in range(options.runs):
            for what, binary in binaries.items():
                say(f"{what}, run {number + 1} of {options.runs}")
                results.append(measure_whole(what, binary, topic, options.rows, options))
        idles = [] if options.no_idle else [measure_idle(what, binary, options.rows, options) for what, binary in binaries.items()]
        if options.spark:
            results.append(measure_spark(topic, options.rows))
    except KafkaException as error:
        fail(f"Kafka at {BROKERS}: {error.args[0].str()}", "Its log is in .services/bench/kafka/kafka.log")
    with open(BENCH_DIR / "results.jsonl", "a") as file:
        for result in results + idles:
            file.write(json.dumps({"at": dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"), "load_before": round(load, 2), **result}) + "\n")
    show(results, idles)
    say(f"(also as JSON lines in {BENCH_DIR / 'results.jsonl'})")


if __name__ == "__main__":
    main()
