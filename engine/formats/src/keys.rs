//! Which field a key names. Producers write their keys in the same order again and again, so the key that followed last
//! time is tried first; events of several shapes share most of their successions.

use crate::scan::{self, colon};
use crate::span::{Kind, Malformed, Span, byte};
use crate::string::unescape;

/// Finds the index of a key among the names of an object's fields.
pub(crate) struct Keys {
    names: Vec<Box<[u8]>>,
    /// By index + 1 of the key before (0: none): index of the key that followed it last.
    successors: Vec<u16>,
    /// Open addressing by [`hash`]; `VACANT` ends a probe. At most half full.
    slots: Vec<u16>,
    scratch: Vec<u8>,
}

/// Index of a key that no field has.
pub(crate) const UNKNOWN: u16 = u16::MAX;
const VACANT: u16 = u16::MAX;

impl Keys {
    /// Of names that occur twice the first is found. Names past the 65,534th are not found.
    pub(crate) fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Keys {
        let names: Vec<Box<[u8]>> =
            names.into_iter().take(UNKNOWN as usize - 1).map(|name| name.as_bytes().into()).collect();
        let size = (names.len() * 2 + 1).next_power_of_two();
        let mut keys =
            Keys { names: Vec::new(), successors: Vec::new(), slots: vec![VACANT; size], scratch: Vec::new() };
        for (index, name) in names.into_iter().enumerate() {
            // The first guess is the order of the schema. A second field of the same name is never guessed nor found.
            let first = match keys.probe(&name) {
                Ok(slot) => keys.slots[slot],
                Err(slot) => {
                    keys.slots[slot] = index as u16;
                    index as u16
                }
            };
            keys.names.push(name);
            keys.successors.push(first);
        }
        keys.successors.push(0);
        keys
    }

    /// Reads the key at `at`, which follows the key `before` ([`UNKNOWN`] for none): its index or [`UNKNOWN`], and the
    /// position of its value.
    #[inline]
    pub(crate) fn read(&mut self, record: &[u8], at: usize, before: u16) -> Result<(u16, usize), Malformed> {
        let context = before.wrapping_add(1) as usize;
        if byte(record, at) == b'"'
            && let Some(&expected) = self.successors.get(context)
            && let Some(name) = self.names.get(expected as usize)
            && let Some(rest) = record.get(at + 1..)
            && byte(rest, name.len()) == b'"'
            && rest.starts_with(name)
        {
            return Ok((expected, colon(record, at + 2 + name.len())?));
        }
        let (span, value) = scan::key(record, at)?;
        let index = self.find(record, span);
        if index != UNKNOWN
            && let Some(successor) = self.successors.get_mut(context)
        {
            *successor = index;
        }
        Ok((index, value))
    }

    fn find(&mut self, record: &[u8], span: Span) -> u16 {
        if span.kind == Kind::String {
            return self.index_of(span.text(record));
        }
        let mut name = std::mem::take(&mut self.scratch);
        name.clear();
        unescape(span.text(record), &mut name);
        let index = self.index_of(&name);
        self.scratch = name;
        index
    }

    fn index_of(&self, name: &[u8]) -> u16 {
        self.probe(name).map_or(UNKNOWN, |slot| self.slots[slot])
    }

    /// The slot that holds the name, or else the vacant one where it would go.
    fn probe(&self, name: &[u8]) -> Result<usize, usize> {
        let mask = self.slots.len() - 1;
        let mut slot = hash(name) as usize & mask;
        loop {
            match self.slots[slot] {
                VACANT => return Err(slot),
                index if *self.names[index as usize] == *name => return Ok(slot),
                _ => slot = (slot + 1) & mask,
            }
        }
    }
}

/// Mixes the length and the outer bytes of a name: enough to distinguish the few names of a schema.
fn hash(name: &[u8]) -> u64 {
    let (head, tail) = match (name.first_chunk::<8>(), name.last_chunk::<8>()) {
        (Some(head), Some(tail)) => (u64::from_le_bytes(*head), u64::from_le_bytes(*tail)),
        _ => (name.iter().fold(0, |word, &byte| word << 8 | u64::from(byte)), 0),
    };
    // Multiplied by 2^64 over the golden ratio, which spreads neighbours far apart (Fibonacci hashing); the upper bits are best.
    let mixed = (head ^ tail.rotate_left(29) ^ name.len() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed >> 40 ^ mixed >> 32
}

#[cfg(test)]
mod tests;
