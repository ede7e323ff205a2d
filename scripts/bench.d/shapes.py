"""Measures one query shape a job (shapes/*.toml) as whole processes over one pre-filled topic of a real Kafka, beside Spark where Spark can run it.

Started by scripts/bench as six.py is, with the same environment.
"""
import argparse
import datetime as dt
import json
import os
import shutil
import statistics
import subprocess

import six
from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic
from six import BENCH_DIR, BROKERS, ENGINE, HERE, fail, say

# The job and its table; what reads the topic of ids instead of the events.
SHAPES = {"sessions": "gold.sessions", "join": "gold.carts", "duplicates": "silver.once", "top": "gold.busiest", "chain": "gold.pace",
          "spill": "gold.sessions"}
NOT_IN_SPARK = {"spill": "The same job twice, with and without a cap of memory for its state",
                "top": "Spark refuses ROW_NUMBER on a stream (NON_TIME_WINDOW_NOT_SUPPORTED_IN_STREAMING)"}
# Memory for state: more than it could need, and the cap that it has to live with.
STATE_MEMORY = ("16 GiB", "1 GiB")
# One id in eleven comes a second time, a million records later.
AGAIN_EVERY, AGAIN_AFTER = 11, 1_000_000


def id_records(rows):
    """An id a record, as keys of a hash would look; those that come again are late by AGAIN_AFTER records."""
    base = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
    stamps = {}
    for number in range(rows):
        source = number - AGAIN_AFTER if number % AGAIN_EVERY == 0 and number >= AGAIN_AFTER else number
        second = number // 10_000
        if second not in stamps:
            stamps = {second: (base + dt.timedelta(seconds=second)).isoformat()}
        mixed = (source * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
        yield b'{"event_id":"%016x","timestamp":"%s"}' % (mixed, stamps[second].encode())



def ensure_ids(rows):
    """A topic with these ids; an earlier one is used again."""
    topic = f"bench-ids-{rows}"
    found = six.records_in(topic)
    if found == rows:
        say(f"topic {topic}: {rows:,} ids are there from an earlier run")
        return topic
    if found is not None:
        six.delete_topic(topic)
    say(f"filling topic {topic} with {rows:,} ids (about {rows // 300_000 + 1} s, once)")
    admin = AdminClient({"bootstrap.servers": BROKERS})
    admin.create_topics([NewTopic(topic, num_partitions=4, replication_factor=1)])[topic].result()
    producer = Producer({"bootstrap.servers": BROKERS, "compression.type": "zstd", "linger.ms": 50, "batch.size": 1_000_000,
                         "queue.buffering.max.messages": 2_000_000, "queue.buffering.max.kbytes": 1_000_000, "enable.idempotence": True})
    for number, value in enumerate(id_records(rows)):
        while True:
            try:
                producer.produce(topic, value, partition=number % 4)
                break
            except BufferError:
                producer.poll(0.1)
        if number % 10_000 == 0:
            producer.poll(0)
    if producer.flush(120):
        fail("not every id was acknowledged.", "The log of Kafka: .services/bench/kafka/kafka.log")
    return topic


def rows_of(warehouse, table):
    command = [ENGINE, "sql", "--warehouse", warehouse, "--format", "csv", f"SELECT count(*) FROM {table}"]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


def measure_engine(shape, topic, rows, settings):
    scratch, environment = six.environment_of("engine")
    shutil.rmtree(scratch, ignore_errors=True)
    job = HERE / "shapes" / f"{shape}.toml"
    run = six.Run("engine", ["submit", str(job), "--set", f"source.events.topic={topic}", "--progress", "json", "--available-now", *settings], environment)
    wall_s, usage = run.wait()
    if run.rows() != rows:
        fail(f"the engine read {run.rows():,} of {rows:,} records.", f"Its log: {run.log}")
    cpu_s = usage.ru_utime + usage.ru_stime
    return {"what": "engine", "rows": rows, "wall_s": round(wall_s, 2), "events_per_s": round(rows / wall_s), "cpu_us_per_event": round(cpu_s / rows * 1e6, 2),
            "peak_mib": usage.ru_maxrss // 1024, "planned_after_ms": round(six.planned_after_ms(run)), "rows_out": rows_of(environment["WAREHOUSE"], SHAPES[shape])}


def measure_spark(shape, topic, rows):
    say(f"Spark: {shape}")
    environment = {**os.environ, "BROKERS": BROKERS, "TOPIC": topic, "OUT": str(BENCH_DIR / "spark"), "JARS": os.environ["SPARK_JARS"], "SHAPE": shape}
    log = BENCH_DIR / "spark.log"
    with open(log, "w") as errors:
        done = subprocess.run([os.environ["SPARK_PYTHON"], HERE / "spark_shapes.py"], stdout=subprocess.PIPE, stderr=errors, text=True, env=environment)
    if done.returncode != 0:
        say(f"  Spark ended with status {done.returncode}; its log: {log}")
        return None
    figures = json.loads(done.stdout.splitlines()[-1])
    if figures["rows_read"] != rows:
        say(f"  note: Spark read {figures['rows_read']:,} of {rows:,} records")
    return {"what": f"spark {figures['spark']}", "rows": rows, "wall_s": figures["run_s"], "events_per_s": round(rows / figures["run_s"]),
            "cpu_us_per_event": round(figures["cpu_s"] / rows * 1e6, 2), "peak_mib": figures["peak_mib"],
            "planned_after_ms": round(figures["session_s"] * 1000), "rows_out": figures["rows_out"]}


def measure_spill(options):
    """The same sessions with all the memory they want and under a cap that they do not fit in."""
    topic, results = ensure_ids(options.spill_ids), []
    for memory in STATE_MEMORY * options.runs:
        say(f"spill: engine, state_memory = {memory}")
        result = measure_engine("spill", topic, options.spill_ids, [*six.settings(options), "--set", f"job.state_memory={memory}"])
        results.append({**result, "what": f"engine, {memory}"})
    return results


def measure(shape, options):
    if shape == "spill":
        return measure_spill(options)
    topic, rows = (ensure_ids(options.ids), options.ids) if shape == "duplicates" else (six.ensure_topic(options.rows), options.rows)
    results = []
    for number in range(options.runs):
        say(f"{shape}: engine, run {number + 1} of {options.runs}")
        results.append(measure_engine(shape, topic, rows, six.settings(options)))
    if options.spark and shape not in NOT_IN_SPARK and (spark := measure_spark(shape, topic, rows)):
        results.append(spark)
    return results


def show(shape, results):
    lines = ["", f"### {shape}", f"| {'':<14} | wall s | events/s | CPU µs/event | peak MiB | rows out |", "|---|---:|---:|---:|---:|---:|"]
    for result in results:
        lines.append(f"| {result['what']:<14} | {result['wall_s']} | {result['events_per_s']:,} | {result['cpu_us_per_event']} | {result['peak_mib']:,} | {result['rows_out']:,} |")
    engines = [result for result in results if result["what"] == "engine"]
    if shape == "spill":
        free, capped = (statistics.median(result["events_per_s"] for result in results if result["what"].endswith(memory)) for memory in STATE_MEMORY)
        lines.append(f"\nunder the cap {capped / free:.2f} × the speed without it (this run)")
    sparks = [result for result in results if result["what"].startswith("spark")]
    if sparks:
        rate = statistics.median(result["events_per_s"] for result in engines) / sparks[0]["events_per_s"]
        cpu = sparks[0]["cpu_us_per_event"] / statistics.median(result["cpu_us_per_event"] for result in engines)
        lines.append(f"\n{rate:.1f} × Spark's events per second, 1/{cpu:.1f} of its CPU per event (this run, this machine, same topic)")
        if any(result["rows_out"] != sparks[0]["rows_out"] for result in engines):
            lines.append("**the numbers of rows differ**")
    elif shape in NOT_IN_SPARK:
        lines.append(f"\n{NOT_IN_SPARK[shape]}")
    print("\n".join(lines), flush=True)


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench shapes", description="One query shape a job, as whole processes over one topic of a real Kafka.")
    parser.add_argument("--rows", type=int, default=2_000_000, help="events of the topic")
    parser.add_argument("--ids", type=int, default=11_000_000, help="records of the topic for duplicates: ten keys of eleven records")
    parser.add_argument("--spill-ids", type=int, default=22_000_000, help="records of the topic for spill: twenty million keys")
    parser.add_argument("--runs", type=int, default=2, help="runs of the engine; all are shown")
    parser.add_argument("--spark", action="store_true", help="the same on Spark 4.0, and the ratio")
    parser.add_argument("--only", action="append", choices=list(SHAPES), help="this shape; may be given several times")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="given to `engine submit`")
    options = parser.parse_args()
    BENCH_DIR.mkdir(parents=True, exist_ok=True)
    load = os.getloadavg()[0]
    if load > 0.7:
        say(f"note: load average {load:.1f}: something else is using this machine, so the figures do not count")
    try:
        for shape in options.only or SHAPES:
            results = measure(shape, options)
            with open(BENCH_DIR / "results.jsonl", "a") as file:
                for result in results:
                    file.write(json.dumps({"at": dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"), "shape": shape, **result}) + "\n")
            show(shape, results)
    except KafkaException as error:
        fail(f"Kafka at {BROKERS}: {error.args[0].str()}", "Its log is in .services/bench/kafka/kafka.log")
    say(f"(also as JSON lines in {BENCH_DIR / 'results.jsonl'})")


if __name__ == "__main__":
    main()
