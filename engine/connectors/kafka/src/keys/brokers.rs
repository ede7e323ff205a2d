//! The key `brokers`.

use job::keys::Keys;
use job::{Problem, Problems};

/// Reads it: `host:port`, several with commas between them.
pub(super) fn read(keys: &Keys<'_>, problems: &mut Problems) -> String {
    let Some(text) = keys.text("brokers", problems) else { return String::new() };
    let mut end = 0;
    for part in text.value.split(',') {
        let broker = part.trim();
        let start = end + (part.len() - part.trim_start().len());
        end += part.len() + 1;
        let Some(label) = broker_fault(broker) else { continue };
        let title = if text.hidden {
            "a broker's address is wrong".to_owned()
        } else {
            format!("`{}` is not the address of a broker", broker)
        };
        problems.push(
            Problem::new(text.place(start..start + broker.len()), title)
                .label(label)
                .help("write host:port, several with commas between them, as \"kafka-1:9092,kafka-2:9092\""),
        );
    }
    text.value.clone()
}

fn broker_fault(broker: &str) -> Option<&'static str> {
    // librdkafka takes `SASL_SSL://host:port` too.
    let address = broker.split_once("://").map_or(broker, |(_, address)| address);
    if address.is_empty() {
        return Some("an address is missing between the commas");
    }
    match address.rsplit_once(':') {
        None => Some("the port is missing"),
        Some(("", _)) => Some("the host is missing"),
        Some((host, _)) if host.contains(char::is_whitespace) => Some("a space is in the host's name"),
        Some((_, port)) => match port.parse::<u16>() {
            Ok(1..) => None,
            _ => Some("the port must be a number from 1 to 65535"),
        },
    }
}
