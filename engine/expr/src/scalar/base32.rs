//! Base32 (RFC 4648).

const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Bytes as text.
pub fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for chunk in bytes.chunks(5) {
        let group = chunk.iter().fold(0_u64, |group, byte| group << 8 | u64::from(*byte)) << (8 * (5 - chunk.len()));
        let letters = (chunk.len() * 8).div_ceil(5);
        for place in 0..8 {
            match place < letters {
                true => out.push(char::from(LETTERS[(group >> (35 - 5 * place)) as usize & 31])),
                false => out.push('='),
            }
        }
    }
    out
}

/// Text as bytes, as Spark reads it: letters of any case, what is no letter of the alphabet is passed over, all ends at a `=`. One letter
/// too many is a byte of its own, as in the library that Spark has it from.
pub fn decode(text: &[u8]) -> Vec<u8> {
    let (mut group, mut bits, mut count) = (0_u64, 0, 0);
    let mut out = Vec::with_capacity(text.len() / 8 * 5);
    for letter in text.iter().take_while(|letter| **letter != b'=') {
        let upper = letter.to_ascii_uppercase();
        let Some(at) = LETTERS.iter().position(|other| *other == upper) else { continue };
        group = group << 5 | at as u64;
        bits += 5;
        count += 1;
        if bits >= 8 {
            bits -= 8;
            out.push((group >> bits) as u8);
        }
    }
    if count % 8 == 1 {
        out.push((group >> 2) as u8);
    }
    out
}

#[cfg(test)]
mod tests;
