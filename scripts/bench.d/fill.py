"""Fill a Kafka topic with e-commerce events (pipeline 1), the same ones for the same seed.

The order of the random draws is fixed: a topic filled with seed 7 holds the events that the figures in docs/benchmark.md were measured with.
Prints one JSON line: rows, seconds, bytes of values. Needs confluent-kafka and orjson (scripts/test-requirements.txt).
"""
import argparse
import datetime as dt
import json
import random
import sys
import time

import orjson
from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic

WEIGHTS = [("user_login", 0.25), ("page_view", 0.30), ("item_click", 0.20), ("purchase", 0.10), ("cart_add", 0.10), ("search", 0.05)]
CATEGORIES = ["electronics", "clothing", "books", "home", "sports", "toys"]
PAGES = ["home", "product", "category", "search", "cart", "checkout"]
DEVICES = ["mobile", "desktop", "tablet"]
LOCATIONS = ["US", "UK", "CA", "DE", "FR", "JP", "AU", "BR"]
QUERIES = ["laptop", "shoes", "book", "phone", "watch", "bag"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--brokers", required=True)
    parser.add_argument("--topic", default="streaming-events")
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--partitions", type=int, default=4)
    parser.add_argument("--events-per-second", type=int, default=1000, help="of event time, not of sending")
    parser.add_argument("--codec", default="zstd")
    parser.add_argument("--late", type=float, default=0.0, help="share of events dated 10 to 20 minutes back")
    parser.add_argument("--malformed", type=float, default=0.0, help="share of values cut in half")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--start", default="2026-01-01T00:00:00")
    parser.add_argument("--sessions-per-user", type=int, default=9000)
    return parser.parse_args()


def create_topic(options):
    admin = AdminClient({"bootstrap.servers": options.brokers})
    topic = NewTopic(options.topic, num_partitions=options.partitions, replication_factor=1)
    try:
        admin.create_topics([topic])[options.topic].result()
    except KafkaException as error:
        sys.exit(f"fill.py: the topic '{options.topic}' could not be created: {error.args[0].str()}")


def details(event, event_type, draw):
    """Adds the fields of the event's type. `draw` is the random source; the order of its calls is part of the data set."""
    below, unit = draw.randrange, draw.random
    if event_type == "user_login":
        event["login_method"] = ("email", "social", "sso")[below(3)]
        event["success"] = unit() < 0.95
    elif event_type == "page_view":
        event["page"] = PAGES[below(6)]
        event["referrer"] = ("search", "direct", "social", "email")[below(4)]
        event["duration_seconds"] = 5 + below(296)
    elif event_type == "item_click":
        event["item_id"] = "item_%04d" % (1 + below(500))
        event["category"] = CATEGORIES[below(6)]
        event["position"] = 1 + below(20)
    elif event_type == "purchase":
        count = 1 + below(5)
        event["order_id"] = "order_%08x" % draw.getrandbits(32)
        event["items"] = ["item_%04d" % (1 + below(500)) for _ in range(count)]
        event["quantities"] = [1 + below(3) for _ in range(count)]
        event["total_amount"] = round(10 + unit() * 490, 2)
        event["currency"] = "USD"
        event["payment_method"] = ("credit_card", "paypal", "apple_pay")[below(3)]
    elif event_type == "cart_add":
        event["item_id"] = "item_%04d" % (1 + below(500))
        event["quantity"] = 1 + below(3)
        event["category"] = CATEGORIES[below(6)]
        event["price"] = round(5 + unit() * 195, 2)
    else:
        event["search_query"] = QUERIES[below(6)]
        event["results_count"] = below(101)
        event["clicked_position"] = None if unit() < 0.3 else below(11)


def records(options):
    """Key and value of every record, in order."""
    draw = random.Random(options.seed)
    types = [name for name, _ in WEIGHTS]
    cumulative, total = [], 0
    for _, weight in WEIGHTS:
        total += weight
        cumulative.append(total)
    base = dt.datetime.fromisoformat(options.start).replace(tzinfo=dt.timezone.utc).timestamp()
    for index in range(options.rows):
        event_type = draw.choices(types, cum_weights=cumulative)[0]
        user = "user_%04d" % (1 + draw.randrange(1000))
        seconds = base + index / options.events_per_second - draw.random() * 2.0
        if options.late and draw.random() < options.late:
            seconds -= 600 + draw.random() * 600
        event = {
            "event_id": "%032x" % draw.getrandbits(128),
            "event_type": event_type,
            "user_id": user,
            "timestamp": dt.datetime.fromtimestamp(round(seconds, 6), dt.timezone.utc).isoformat(timespec="microseconds"),
            "device": DEVICES[draw.randrange(3)],
            "location": LOCATIONS[draw.randrange(8)],
            "session_id": "session_%s_%d" % (user, 1000 + draw.randrange(options.sessions_per_user)),
        }
        details(event, event_type, draw)
        value = orjson.dumps(event)
        if options.malformed and draw.random() < options.malformed:
            value = value[: len(value) // 2]
        yield user, value


def main():
    options = arguments()
    create_topic(options)
    failures = []
    producer = Producer({
        "bootstrap.servers": options.brokers, "compression.type": options.codec, "linger.ms": 50, "batch.size": 1_000_000,
        "queue.buffering.max.messages": 2_000_000, "queue.buffering.max.kbytes": 1_000_000, "enable.idempotence": True,
        "error_cb": failures.append,
    })
    start = shown = time.time()
    size = 0
    for index, (key, value) in enumerate(records(options)):
        size += len(value)
        while True:
            try:
                producer.produce(options.topic, value, key=key)
                break
            except BufferError:
                producer.poll(0.1)
        if index % 10_000 == 0:
            producer.poll(0)
            if time.time() - shown > 2:
                shown = time.time()
                print(f"  filling: {index:,} of {options.rows:,} events", file=sys.stderr)
    if producer.flush(120):
        sys.exit(f"fill.py: not everything was acknowledged: {failures[-1] if failures else 'no answer within 120 s'}")
    print(json.dumps({"rows": options.rows, "seconds": round(time.time() - start, 1), "value_bytes": size}))


if __name__ == "__main__":
    main()
