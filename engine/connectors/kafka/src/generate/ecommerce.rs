//! The e-commerce events of pipeline 1: fields, weights and domains of the original generator, plus late, broken and repeated ones.

use super::json::{cents, hex, instant, number, padded, uuid};
use super::random::Random;

/// The shortest and longest time that a late event is behind the others, seconds.
const LATE_S: (u32, u32) = (600, 1200);
/// Events come out of order by up to this much, microseconds.
const JITTER_US: u32 = 2_000_000;
/// A repeated event is one of the last so many.
const REPEAT_WITHIN: u32 = 1000;

/// Numbers of the kind of an event, and of its content, come from streams of their own.
const STREAM_KIND: u64 = 1;
const STREAM_CONTENT: u64 = 2;
const STREAM_MALFORMED: u64 = 3;

const DEVICES: [&[u8]; 3] = [b"mobile", b"desktop", b"tablet"];
const LOCATIONS: [&[u8]; 8] = [b"US", b"UK", b"CA", b"DE", b"FR", b"JP", b"AU", b"BR"];
const CATEGORIES: [&[u8]; 6] = [b"electronics", b"clothing", b"books", b"home", b"sports", b"toys"];
const PAGES: [&[u8]; 6] = [b"home", b"product", b"category", b"search", b"cart", b"checkout"];
const REFERRERS: [&[u8]; 4] = [b"search", b"direct", b"social", b"email"];
const LOGIN_METHODS: [&[u8]; 3] = [b"email", b"social", b"sso"];
const PAYMENT_METHODS: [&[u8]; 3] = [b"credit_card", b"paypal", b"apple_pay"];
const SEARCHES: [&[u8]; 6] = [b"laptop", b"shoes", b"book", b"phone", b"watch", b"bag"];

/// What the stream of events is made of. The same mix gives the same bytes, event by event.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mix {
    /// Seed of all random numbers.
    pub seed: u64,
    /// Share of events whose event time is 10 to 20 minutes behind, 0 to 1.
    pub late: f64,
    /// Share of records that no decoder can accept, 0 to 1.
    pub malformed: f64,
    /// Share of records that repeat one of the last 1,000 events byte for byte, 0 to 1.
    pub duplicates: f64,
    /// Event time of the first event, microseconds since 1970 UTC.
    pub start_us: i64,
    /// Events that make one second of event time.
    pub events_per_event_second: u32,
}

impl Mix {
    /// The `start_us` with which `total` events end at `end_us` (microseconds since 1970 UTC).
    pub fn start_us_to_end_at(end_us: i64, total: u64, events_per_event_second: u32) -> i64 {
        let span_us = i128::from(total) * 1_000_000 / i128::from(events_per_event_second.max(1));
        end_us.saturating_sub(i64::try_from(span_us).unwrap_or(i64::MAX))
    }
}

/// What one record of the stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// An event in time.
    Good,
    /// An event 10 to 20 minutes behind.
    Late,
    /// Bytes that must be rejected.
    Malformed,
    /// The same bytes as the event of this number.
    DuplicateOf(u64),
}

/// Makes event `n` of a mix, any `n` at any time.
#[derive(Debug, Clone)]
pub struct EventWriter {
    mix: Mix,
}

impl EventWriter {
    /// A writer for a mix.
    pub fn new(mix: Mix) -> EventWriter {
        EventWriter { mix }
    }

    /// What record `n` is.
    pub fn kind(&self, n: u64) -> EventKind {
        match self.own_kind(n) {
            Some(kind) => kind,
            None => self.repeated(n).map_or(EventKind::Good, EventKind::DuplicateOf),
        }
    }

    /// Writes record `n`: its value and its key (the user) replace what is in the two buffers.
    pub fn write(&self, n: u64, value: &mut Vec<u8>, key: &mut Vec<u8>) -> EventKind {
        value.clear();
        key.clear();
        let kind = self.kind(n);
        match kind {
            EventKind::Good => self.event(n, false, value, key),
            EventKind::Late => self.event(n, true, value, key),
            EventKind::Malformed => self.malformed(n, value, key),
            EventKind::DuplicateOf(original) => {
                self.event(original, self.own_kind(original) == Some(EventKind::Late), value, key)
            }
        }
        kind
    }

    /// Event time of record `n`, microseconds since 1970 UTC; that of a malformed record is the one it would have had.
    pub fn event_time_us(&self, n: u64) -> i64 {
        let kind = self.kind(n);
        let n = if let EventKind::DuplicateOf(original) = kind { original } else { n };
        let mut random = Random::at(self.mix.seed, STREAM_CONTENT, n);
        self.time_us(n, self.own_kind(n) == Some(EventKind::Late), &mut random)
    }

    /// The kind that the record's own numbers give it; `None`: it repeats another, if there is one to repeat.
    fn own_kind(&self, n: u64) -> Option<EventKind> {
        let mut random = Random::at(self.mix.seed, STREAM_KIND, n);
        if random.chance(self.mix.duplicates) {
            None
        } else if random.chance(self.mix.malformed) {
            Some(EventKind::Malformed)
        } else if random.chance(self.mix.late) {
            Some(EventKind::Late)
        } else {
            Some(EventKind::Good)
        }
    }

    /// The event that record `n` repeats: the nearest well-formed one at or before a random place.
    fn repeated(&self, n: u64) -> Option<u64> {
        let mut random = Random::at(self.mix.seed, STREAM_KIND, n);
        random.next();
        let place = n.checked_sub(u64::from(random.between(1, REPEAT_WITHIN)))?;
        (0..=place).rev().find(|at| matches!(self.own_kind(*at), Some(EventKind::Good | EventKind::Late)))
    }

    /// Must be the first to draw from the content's numbers.
    fn time_us(&self, n: u64, late: bool, random: &mut Random) -> i64 {
        let step_us = i128::from(n) * 1_000_000 / i128::from(self.mix.events_per_event_second.max(1));
        let on_time = self.mix.start_us + step_us as i64 - i64::from(random.below(JITTER_US));
        let behind_s = random.between(LATE_S.0, LATE_S.1 - 1);
        let behind_us = i64::from(behind_s) * 1_000_000 + i64::from(random.below(1_000_000));
        if late { on_time - behind_us } else { on_time }
    }

    fn event(&self, n: u64, late: bool, out: &mut Vec<u8>, key: &mut Vec<u8>) {
        let mut random = Random::at(self.mix.seed, STREAM_CONTENT, n);
        let time_us = self.time_us(n, late, &mut random);
        // Weights in percent: 25, 30, 20, 10, 10, 5.
        let kind = match random.below(100) {
            0..25 => Event::UserLogin,
            25..55 => Event::PageView,
            55..75 => Event::ItemClick,
            75..85 => Event::Purchase,
            85..95 => Event::CartAdd,
            _ => Event::Search,
        };
        base(kind.name(), time_us, &mut random, out, key);
        kind.fields(&mut random, out);
        out.push(b'}');
    }

    /// Eight ways to be wrong, each of which every decoder must refuse.
    fn malformed(&self, n: u64, out: &mut Vec<u8>, key: &mut Vec<u8>) {
        let mut random = Random::at(self.mix.seed, STREAM_MALFORMED, n);
        let way = random.below(8);
        if let 4..8 = way {
            let time_us = self.time_us(n, false, &mut Random::at(self.mix.seed, STREAM_CONTENT, n));
            base(b"page_view", time_us, &mut random, out, key);
        } else {
            self.event(n, false, out, key);
        }
        match way {
            0 => out.truncate(out.len() / 2),
            1 => out.extend_from_slice(b"}]"),
            2 => replace(out, b"connection reset by peer"),
            3 => out.clear(),
            4 => out.extend_from_slice(b",\"page\":\"home\",\"duration_seconds\":\"long\"}"),
            5 => out.extend_from_slice(b",\"items\":\"item_0001\"}"),
            6 => out.extend_from_slice(b",\"success\":\"perhaps\"}"),
            _ => out.extend_from_slice(b",\"page\":\"\xff\xfe\"}"),
        }
    }
}

fn replace(out: &mut Vec<u8>, with: &[u8]) {
    out.clear();
    out.extend_from_slice(with);
}

/// The fields that every event has.
fn base(event_type: &[u8], time_us: i64, random: &mut Random, out: &mut Vec<u8>, key: &mut Vec<u8>) {
    key.extend_from_slice(b"user_");
    padded::<4>(key, random.between(1, 1000));
    out.extend_from_slice(b"{\"event_id\":\"");
    uuid(out, random.next(), random.next());
    text(out, b"event_type", event_type, true);
    text(out, b"user_id", key, false);
    out.extend_from_slice(b",\"timestamp\":\"");
    instant(out, time_us);
    text(out, b"device", random.pick(&DEVICES), true);
    text(out, b"location", random.pick(&LOCATIONS), false);
    out.extend_from_slice(b",\"session_id\":\"session_");
    out.extend_from_slice(key);
    out.push(b'_');
    number(out, random.between(1000, 9999));
    out.push(b'"');
}

/// Appends `,"name":"value"`; with `closes`, the quote that ends the value before comes first.
fn text(out: &mut Vec<u8>, name: &[u8], value: &[u8], closes: bool) {
    if closes {
        out.push(b'"');
    }
    field(out, name);
    out.push(b'"');
    out.extend_from_slice(value);
    out.push(b'"');
}

fn field(out: &mut Vec<u8>, name: &[u8]) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name);
    out.extend_from_slice(b"\":");
}

fn integer(out: &mut Vec<u8>, name: &[u8], value: u32) {
    field(out, name);
    number(out, value);
}

fn amount(out: &mut Vec<u8>, name: &[u8], value: u32) {
    field(out, name);
    cents(out, value);
}

fn item(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(b"\"item_");
    padded::<4>(out, value);
    out.push(b'"');
}

#[derive(Clone, Copy)]
enum Event {
    UserLogin,
    PageView,
    ItemClick,
    Purchase,
    CartAdd,
    Search,
}

impl Event {
    fn name(self) -> &'static [u8] {
        match self {
            Event::UserLogin => b"user_login",
            Event::PageView => b"page_view",
            Event::ItemClick => b"item_click",
            Event::Purchase => b"purchase",
            Event::CartAdd => b"cart_add",
            Event::Search => b"search",
        }
    }

    fn fields(self, random: &mut Random, out: &mut Vec<u8>) {
        match self {
            Event::UserLogin => {
                text(out, b"login_method", random.pick(&LOGIN_METHODS), false);
                field(out, b"success");
                out.extend_from_slice(if random.below(100) < 95 { b"true" } else { b"false" });
            }
            Event::PageView => {
                text(out, b"page", random.pick(&PAGES), false);
                text(out, b"referrer", random.pick(&REFERRERS), false);
                integer(out, b"duration_seconds", random.between(5, 300));
            }
            Event::ItemClick => {
                item_id(random, out);
                text(out, b"category", random.pick(&CATEGORIES), false);
                integer(out, b"position", random.between(1, 20));
            }
            Event::Purchase => purchase(random, out),
            Event::CartAdd => {
                item_id(random, out);
                integer(out, b"quantity", random.between(1, 3));
                text(out, b"category", random.pick(&CATEGORIES), false);
                amount(out, b"price", random.between(500, 20_000));
            }
            Event::Search => {
                text(out, b"search_query", random.pick(&SEARCHES), false);
                integer(out, b"results_count", random.between(0, 100));
                if random.below(100) < 30 {
                    field(out, b"clicked_position");
                    out.extend_from_slice(b"null");
                } else {
                    integer(out, b"clicked_position", random.between(0, 10));
                }
            }
        }
    }
}

fn item_id(random: &mut Random, out: &mut Vec<u8>) {
    field(out, b"item_id");
    item(out, random.between(1, 500));
}

fn purchase(random: &mut Random, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"order_id\":\"order_");
    hex::<8>(out, random.next());
    out.push(b'"');
    let count = random.between(1, 5) as usize;
    let mut items = [0u32; 5];
    let mut chosen = 0;
    while chosen < count {
        let candidate = random.between(1, 500);
        if !items[..chosen].contains(&candidate) {
            items[chosen] = candidate;
            chosen += 1;
        }
    }
    field(out, b"items");
    list(out, &items[..count], item);
    field(out, b"quantities");
    let quantities = items.map(|_| random.between(1, 3));
    list(out, &quantities[..count], number);
    amount(out, b"total_amount", random.between(1_000, 50_000));
    text(out, b"currency", b"USD", false);
    text(out, b"payment_method", random.pick(&PAYMENT_METHODS), false);
}

fn list(out: &mut Vec<u8>, values: &[u32], write: fn(&mut Vec<u8>, u32)) {
    out.push(b'[');
    for (place, value) in values.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        write(out, *value);
    }
    out.push(b']');
}

#[cfg(test)]
mod tests;
