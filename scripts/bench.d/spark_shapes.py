"""One query shape of shapes/*.toml on Spark Structured Streaming, written as its users would.

Environment as for spark_six.py, and SHAPE. Prints one JSON line: session start, run time, CPU of the JVM, its peak memory, rows read and written.
"""
import json
import os
import shutil
import time

from pyspark.sql import functions as F

import spark_six

COLUMNS = {
    "sessions": "session_id string, event_type string, total_amount double, timestamp string",
    "join": "event_id string, event_type string, user_id string, item_id string, timestamp string",
    "duplicates": "event_id string, timestamp string",
    "chain": "event_type string, user_id string, timestamp string",
}


def events(spark, shape):
    reader = (spark.readStream.format("kafka").option("kafka.bootstrap.servers", os.environ["BROKERS"]).option("subscribe", os.environ["TOPIC"])
              .option("startingOffsets", "earliest").option("maxOffsetsPerTrigger", os.environ.get("MAX", "500000")))
    decoded = reader.load().select(F.from_json(F.col("value").cast("string"), COLUMNS[shape]).alias("event")).select("event.*")
    return decoded.withColumn("event_time", F.to_timestamp("timestamp")).drop("timestamp").withWatermark("event_time", "5 minutes")


def sessions(source):
    grouped = source.groupBy(F.session_window("event_time", "5 minutes"), "session_id")
    counted = grouped.agg(F.count("*").alias("events"), F.count("total_amount").alias("purchases"), F.sum("total_amount").alias("revenue"))
    return counted.selectExpr("session_window.start AS session_start", "session_window.end AS session_end", "session_id", "events", "purchases", "revenue")


def join(source):
    cart, click = source.filter("event_type = 'cart_add'").alias("cart"), source.filter("event_type = 'item_click'").alias("click")
    condition = ("cart.user_id = click.user_id AND cart.item_id = click.item_id AND"
                 " click.event_time BETWEEN cart.event_time - INTERVAL 10 MINUTES AND cart.event_time")
    return cart.join(click, F.expr(condition)).selectExpr("cart.event_id AS cart_id", "click.event_id AS click_id", "cart.user_id", "cart.item_id",
                                                         "cart.event_time", "click.event_time AS clicked")


def duplicates(source):
    return source.dropDuplicates(["event_id"])


def chain(source):
    minutes = source.groupBy(F.window("event_time", "1 minute"), "event_type", "user_id").agg(F.count("*").alias("events"))
    pace = minutes.groupBy(F.window("window", "5 minutes"), "event_type")
    return pace.agg(F.sum("events").alias("events"), F.max("events").alias("most_of_one"), F.count("*").alias("user_minutes")).selectExpr(
        "window.start AS window_start", "event_type", "events", "most_of_one", "user_minutes")


SHAPES = {"sessions": sessions, "join": join, "duplicates": duplicates, "chain": chain}


def main():
    out, shape = os.environ["OUT"], os.environ["SHAPE"]
    shutil.rmtree(out, ignore_errors=True)
    start = time.time()
    spark = spark_six.start_session()
    ready = time.time()
    writer = SHAPES[shape](events(spark, shape)).writeStream.format("parquet").outputMode("append").queryName(shape)
    query = writer.option("path", f"{out}/{shape}").option("checkpointLocation", f"{out}/_checkpoint").trigger(availableNow=True).start()
    query.awaitTermination()
    end = time.time()
    cpu_s, peak_mib = spark_six.jvm_figures(spark)
    print(json.dumps({"spark": spark.version, "session_s": round(ready - start, 2), "run_s": round(end - ready, 2), "cpu_s": round(cpu_s, 1), "peak_mib": peak_mib,
                      "rows_read": spark_six.rows_read(query), "rows_out": spark.read.parquet(f"{out}/{shape}").count()}))


if __name__ == "__main__":
    main()
