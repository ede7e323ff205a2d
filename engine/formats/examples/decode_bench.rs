//! How fast e-commerce events (26 columns, six shapes) are decoded: `cargo run --release -p formats --example decode_bench`.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Instant;

use formats::{Decoder, JsonDecoder};
use job::{Column, DataType};

const EVENTS: usize = 200_000;
const BATCH_ROWS: usize = 16_384;
const RUNS: usize = 9;

fn main() {
    let events: Vec<String> = (0..EVENTS as u64).map(event).collect();
    let spaced: Vec<String> = events.iter().map(|event| event.replace("\":", "\": ").replace(",\"", ", \"")).collect();
    let malformed: Vec<String> = events
        .iter()
        .enumerate()
        .map(|(index, event)| if index % 200 == 0 { event[..event.len() / 2].to_owned() } else { event.clone() })
        .collect();
    println!("one event: {}\n", events[9]);
    measure("all 26 columns", &events, &columns(), 0);
    measure("all 26 columns, 0.5 % malformed", &malformed, &columns(), EVENTS / 200);
    measure("all 26 columns, spaces after ',' and ':'", &spaced, &columns(), 0);
    measure("7 columns that every event has", &events, &columns()[..7], 0);
    measure("3 columns", &events, &[column("user_id"), column("timestamp"), column("total_amount")], 0);
}

/// Best of several runs: other processes only ever slow one down.
fn measure(name: &str, events: &[String], columns: &[Column], rejected: usize) {
    let bytes: usize = events.iter().map(String::len).sum();
    let mut decoder = JsonDecoder::new(columns);
    let mut best_s = f64::MAX;
    for _ in 0..RUNS {
        let start = Instant::now();
        let mut rejects = 0;
        for event in events {
            rejects += usize::from(decoder.push(event.as_bytes()).is_err());
            if decoder.rows() == BATCH_ROWS {
                black_box(decoder.flush().is_ok());
            }
        }
        black_box(decoder.flush().is_ok());
        assert_eq!(rejects, rejected, "{name}");
        best_s = best_s.min(start.elapsed().as_secs_f64());
    }
    let (rows, mean) = (events.len() as f64, bytes / events.len());
    println!(
        "{name:<44} {:>5.0} ns/row {:>6.0} MB/s   ({mean} bytes a row)",
        best_s * 1e9 / rows,
        bytes as f64 / best_s / 1e6
    );
}

/// The schema of the e-commerce pipeline.
fn columns() -> Vec<Column> {
    let names = [
        "event_id",
        "event_type",
        "user_id",
        "timestamp",
        "device",
        "location",
        "session_id",
        "login_method",
        "success",
        "page",
        "referrer",
        "duration_seconds",
        "item_id",
        "category",
        "position",
        "order_id",
        "items",
        "quantities",
        "total_amount",
        "currency",
        "payment_method",
        "quantity",
        "price",
        "search_query",
        "results_count",
        "clicked_position",
    ];
    names.into_iter().map(column).collect()
}

fn column(name: &str) -> Column {
    let data_type = match name {
        "timestamp" => DataType::Timestamp,
        "success" => DataType::Boolean,
        "total_amount" | "price" => DataType::Double,
        "duration_seconds" | "position" | "quantity" | "results_count" | "clicked_position" => DataType::Int,
        "items" => DataType::Array(Box::new(DataType::String)),
        "quantities" => DataType::Array(Box::new(DataType::Int)),
        _ => DataType::String,
    };
    Column { name: name.to_owned(), field: name.to_owned(), data_type, required: false }
}

/// Numbers that look random and are the same on every machine (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len() as u64) as usize]
    }
}

/// Event number `index`, as shared/bench/ecommerce_fill.py makes them.
fn event(index: u64) -> String {
    let mut random = Random(index.wrapping_mul(0xD134_2543_DE82_EF95));
    let (event_type, body) = match random.below(100) {
        0..25 => ("user_login", login(&mut random)),
        25..55 => ("page_view", page_view(&mut random)),
        55..75 => ("item_click", item_click(&mut random)),
        75..85 => ("purchase", purchase(&mut random)),
        85..95 => ("cart_add", cart_add(&mut random)),
        _ => ("search", search(&mut random)),
    };
    let user = 1 + random.below(1000);
    let (minute, second) = (index / 60_000 % 60, index / 1000 % 60);
    format!(
        "{{\"event_id\":\"{:016x}{:016x}\",\"event_type\":\"{event_type}\",\"user_id\":\"user_{user:04}\",\
         \"timestamp\":\"2026-01-01T00:{minute:02}:{second:02}.{:06}+00:00\",\"device\":\"{}\",\"location\":\"{}\",\
         \"session_id\":\"session_user_{user:04}_{}\",{body}}}",
        random.next(),
        random.next(),
        random.below(1_000_000),
        random.pick(&["mobile", "desktop", "tablet"]),
        random.pick(&["US", "UK", "CA", "DE", "FR", "JP", "AU", "BR"]),
        1000 + random.below(9000),
    )
}

fn login(random: &mut Random) -> String {
    let method = random.pick(&["email", "social", "sso"]);
    format!("\"login_method\":\"{method}\",\"success\":{}", random.below(100) < 95)
}

fn page_view(random: &mut Random) -> String {
    format!(
        "\"page\":\"{}\",\"referrer\":\"{}\",\"duration_seconds\":{}",
        random.pick(&["home", "product", "category", "search", "cart", "checkout"]),
        random.pick(&["search", "direct", "social", "email"]),
        5 + random.below(296)
    )
}

fn item_click(random: &mut Random) -> String {
    let (item, category) = (1 + random.below(500), category(random));
    format!("\"item_id\":\"item_{item:04}\",\"category\":\"{category}\",\"position\":{}", 1 + random.below(20))
}

fn purchase(random: &mut Random) -> String {
    let (mut items, mut quantities) = (String::new(), String::new());
    for place in 0..1 + random.below(5) {
        let comma = if place > 0 { "," } else { "" };
        let _ = write!(items, "{comma}\"item_{:04}\"", 1 + random.below(500));
        let _ = write!(quantities, "{comma}{}", 1 + random.below(3));
    }
    format!(
        "\"order_id\":\"order_{:08x}\",\"items\":[{items}],\"quantities\":[{quantities}],\"total_amount\":{}.{},\
         \"currency\":\"USD\",\"payment_method\":\"{}\"",
        random.below(1 << 32),
        10 + random.below(490),
        random.below(100),
        random.pick(&["credit_card", "paypal", "apple_pay"])
    )
}

fn cart_add(random: &mut Random) -> String {
    let (item, quantity) = (1 + random.below(500), 1 + random.below(3));
    let (category, units) = (category(random), 5 + random.below(195));
    format!(
        "\"item_id\":\"item_{item:04}\",\"quantity\":{quantity},\"category\":\"{category}\",\"price\":{units}.{}",
        random.below(100)
    )
}

fn search(random: &mut Random) -> String {
    let query = random.pick(&["laptop", "shoes", "book", "phone", "watch", "bag"]);
    let clicked = if random.below(10) < 3 { "null".to_owned() } else { random.below(11).to_string() };
    format!("\"search_query\":\"{query}\",\"results_count\":{},\"clicked_position\":{clicked}", random.below(101))
}

fn category(random: &mut Random) -> &'static str {
    random.pick(&["electronics", "clothing", "books", "home", "sports", "toys"])
}
