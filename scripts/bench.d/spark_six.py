"""The six tables of pipeline 1 on Spark Structured Streaming, the way its users run them: one query for each table, one read of the topic each.

Environment: BROKERS, TOPIC, OUT (emptied), MAX (maxOffsetsPerTrigger), JARS (comma-separated globs), STATE = hdfs | rocksdb, MEM (driver memory).
Prints one JSON line: session start, run time, CPU of the JVM, its peak memory, rows read by each query. Needs pyspark and Java 17.
"""
import glob
import json
import os
import shutil
import time

from pyspark.sql import SparkSession, functions as F, types as T

COLUMNS = ("event_id event_type user_id timestamp device location session_id login_method success page referrer duration_seconds item_id category"
           " position order_id items quantities total_amount currency payment_method quantity price search_query results_count clicked_position").split()
TYPES = {
    "success": T.BooleanType(), "items": T.ArrayType(T.StringType()), "quantities": T.ArrayType(T.IntegerType()),
    **{name: T.DoubleType() for name in ("total_amount", "price")},
    **{name: T.IntegerType() for name in ("duration_seconds", "position", "quantity", "results_count", "clicked_position")},
}
SCHEMA = T.StructType([T.StructField(name, TYPES.get(name, T.StringType())) for name in COLUMNS])
WINDOW_COLUMNS = ("window.start AS window_start", "window.end AS window_end")


def start_session():
    jars = [jar for pattern in os.environ["JARS"].split(",") for jar in glob.glob(pattern)]
    builder = (SparkSession.builder.master("local[2]").config("spark.sql.shuffle.partitions", "2").config("spark.ui.enabled", "false")
               .config("spark.jars", ",".join(jars)).config("spark.driver.memory", os.environ.get("MEM", "6g"))
               .config("spark.sql.session.timeZone", "UTC").config("spark.ui.showConsoleProgress", "false"))
    if os.environ.get("STATE", "hdfs") == "rocksdb":
        store = "spark.sql.streaming.stateStore"
        builder = (builder.config(f"{store}.providerClass", "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider")
                   .config(f"{store}.rocksdb.changelogCheckpointing.enabled", "true"))
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def events(spark):
    reader = (spark.readStream.format("kafka").option("kafka.bootstrap.servers", os.environ["BROKERS"])
              .option("subscribe", os.environ.get("TOPIC", "streaming-events")).option("startingOffsets", "earliest")
              .option("failOnDataLoss", "false").option("maxOffsetsPerTrigger", os.environ.get("MAX", "500000")))
    decoded = reader.load().select(F.from_json(F.col("value").cast("string"), SCHEMA).alias("event"), F.col("key").cast("string").alias("key"))
    return (decoded.select("event.*", "key").withColumn("event_time", F.to_timestamp("timestamp"))
            .withColumn("processing_time", F.current_timestamp()).withWatermark("event_time", "5 minutes"))


def windowed(source, size, keys, aggregates, columns, slide=None):
    window = F.window("event_time", size, slide) if slide else F.window("event_time", size)
    return source.groupBy(window, *keys).agg(*[F.expr(text) for text in aggregates]).selectExpr(*columns)


def event_counts(source):
    return windowed(source, "1 minute", ["event_type"], ["count(*) AS event_count", "approx_count_distinct(user_id) AS unique_users"],
                    [*WINDOW_COLUMNS, "event_type", "event_count", "unique_users"])


def user_activity(source):
    aggregates = ["count(*) AS event_count", "collect_list(event_type) AS event_types", "min(event_time) AS first_event", "max(event_time) AS last_event"]
    return windowed(source, "5 minutes", ["user_id"], aggregates,
                    [*WINDOW_COLUMNS, "user_id", "event_count", "event_types", "first_event", "last_event"], slide="1 minute")


def purchase_metrics(source):
    aggregates = ["count(*) AS total_orders", "sum(total_amount) AS total_revenue", "avg(total_amount) AS avg_order_value",
                  "max(total_amount) AS max_order_value", "min(total_amount) AS min_order_value", "approx_count_distinct(user_id) AS unique_buyers"]
    names = ["total_orders", "total_revenue", "avg_order_value", "max_order_value", "min_order_value", "unique_buyers"]
    return windowed(source.filter("event_type = 'purchase'"), "10 minutes", [], aggregates, [*WINDOW_COLUMNS, *names])


def session_metrics(source):
    aggregates = ["count(*) AS events_in_session", "collect_list(event_type) AS session_events", "min(event_time) AS session_start",
                  "max(event_time) AS session_end"]
    duration = "CAST(session_end AS BIGINT) - CAST(session_start AS BIGINT) AS session_duration_seconds"
    return windowed(source, "5 minutes", ["session_id"], aggregates,
                    [WINDOW_COLUMNS[0], "session_id", "events_in_session", "session_events", "session_start", "session_end", duration])


def device_stats(source):
    aggregates = ["count(*) AS event_count", "approx_count_distinct(user_id) AS unique_users", "approx_count_distinct(session_id) AS unique_sessions"]
    return windowed(source, "10 minutes", ["device", "location"], aggregates,
                    ["window", "device", "location", "event_count", "unique_users", "unique_sessions"])


def raw_events(source):
    return source


TABLES = [raw_events, event_counts, user_activity, purchase_metrics, session_metrics, device_stats]


def jvm_figures(spark):
    """CPU seconds and peak memory (MiB) of the JVM that did the work."""
    pid = spark.sparkContext._gateway.proc.pid
    with open(f"/proc/{pid}/status") as status:
        peak_kib = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    with open(f"/proc/{pid}/stat") as stat:
        ticks = sum(map(int, stat.read().rsplit(")", 1)[1].split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK"), peak_kib // 1024


def rows_read(query):
    progress = [json.loads(entry.json) if hasattr(entry, "json") else entry for entry in query.recentProgress]
    return sum(entry["numInputRows"] for entry in progress)


def main():
    out = os.environ["OUT"]
    shutil.rmtree(out, ignore_errors=True)
    start = time.time()
    spark = start_session()
    ready = time.time()
    queries = []
    for table in TABLES:
        writer = table(events(spark)).writeStream.format("parquet").outputMode("append").queryName(table.__name__)
        paths = writer.option("path", f"{out}/{table.__name__}").option("checkpointLocation", f"{out}/_checkpoint/{table.__name__}")
        queries.append(paths.trigger(availableNow=True).start())
    for query in queries:
        query.awaitTermination()
    end = time.time()
    cpu_s, peak_mib = jvm_figures(spark)
    print(json.dumps({"spark": spark.version, "session_s": round(ready - start, 2), "run_s": round(end - ready, 2), "cpu_s": round(cpu_s, 1),
                      "peak_mib": peak_mib, "rows_read": {query.name: rows_read(query) for query in queries}}))


if __name__ == "__main__":
    main()
