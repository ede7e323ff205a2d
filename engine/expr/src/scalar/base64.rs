//! Base64 (RFC 4648).

use datafusion::error::Result;

use crate::row_fault::RowFault;

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Bytes as text.
pub fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0_u32, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            match place <= chunk.len() {
                true => out.push(char::from(LETTERS[(group >> (18 - 6 * place)) as usize & 63])),
                false => out.push('='),
            }
        }
    }
    out
}

/// Text as bytes; none if it is not Base64.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let letters = text.trim_end_matches('=').bytes().filter(|letter| !letter.is_ascii_whitespace());
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut group, mut bits) = (0_u32, 0);
    for letter in letters {
        group = group << 6 | LETTERS.iter().position(|other| *other == letter)? as u32;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((group >> bits) as u8);
            group &= (1 << bits) - 1;
        }
    }
    Some(out)
}

/// Bytes as text in lines of 76 letters, as Java's encoder for e-mails has them and so Spark's `base64`.
pub fn encode_lines(bytes: &[u8]) -> String {
    let all = encode(bytes);
    let mut out = String::with_capacity(all.len() + all.len() / 38);
    for (at, letter) in all.chars().enumerate() {
        if at > 0 && at.is_multiple_of(76) {
            out.push_str("\r\n");
        }
        out.push(letter);
    }
    out
}

/// Text as bytes, passing over what is no letter of Base64, as Java's decoder for e-mails does.
///
/// # Errors
/// If it ends with a single letter, or goes on behind its end.
pub fn decode_lenient(text: &str) -> Result<Vec<u8>> {
    let wrong = || RowFault {
        condition: "CONVERSION_INVALID_INPUT",
        message: format!("'{text}' is no Base64; try_to_binary(x, 'base64') gives NULL instead"),
    };
    let (letters, padding) = text.split_once('=').unwrap_or((text, ""));
    let letters: String =
        letters.chars().filter(|letter| LETTERS.contains(&(*letter as u32 as u8)) && letter.is_ascii()).collect();
    let goes_on = padding.bytes().any(|letter| LETTERS.contains(&letter));
    if letters.len() % 4 == 1 || goes_on {
        return Err(wrong().into());
    }
    decode(&letters).ok_or_else(|| wrong().into())
}
