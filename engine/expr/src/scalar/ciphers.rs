//! `aes_encrypt`, `aes_decrypt`, `try_aes_decrypt` and `hmac`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{
    self, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::hmac;
use datafusion::common::plan_err;
use datafusion::error::Result;

use super::read::{Kind, is_text};
use super::result_types::bytes_type;
use super::simple::{Body, Simple};
use crate::display::type_name;
use crate::row_fault::RowFault;

/// Bytes before what GCM and CBC encrypt.
const GCM_START: usize = 12;
const CBC_START: usize = 16;

/// All of them.
pub fn functions() -> Vec<Simple> {
    vec![
        of_bytes("aes_encrypt", (2, 6), |args| each_row(args, false, encrypted)),
        of_bytes("aes_decrypt", (2, 5), |args| each_row(args, false, decrypted)),
        of_bytes("try_aes_decrypt", (2, 5), |args| each_row(args, true, decrypted)),
        of_bytes("hmac", (2, 3), |args| each_row(args, false, signed)),
    ]
}

fn of_bytes(name: &'static str, count: (usize, usize), body: Body) -> Simple {
    Simple {
        name,
        aliases: &[],
        count,
        kinds: &[Kind::Any],
        gives: |types| {
            let is_wrong = |kind: &&DataType| !is_text(kind) && !matches!(kind, DataType::Binary | DataType::Null);
            match types.iter().find(is_wrong) {
                Some(kind) => plan_err!("bytes or texts are needed, not {}; cast to STRING or BINARY", type_name(kind)),
                None => bytes_type(types),
            }
        },
        body,
    }
}

/// The arguments of a row, as bytes.
type RowArguments<'a> = [Option<&'a [u8]>];

fn each_row(
    args: &[ArrayRef],
    is_trying: bool,
    change: fn(&RowArguments<'_>) -> Result<Vec<u8>, RowFault>,
) -> Result<ArrayRef> {
    let columns = args.iter().map(|column| cast(column, &DataType::Binary)).collect::<Result<Vec<_>, _>>()?;
    let columns: Vec<&BinaryArray> = columns.iter().map(|column| column.as_binary::<i32>()).collect();
    let mut all: Vec<Option<Vec<u8>>> = Vec::with_capacity(args[0].len());
    for row in 0..args[0].len() {
        let given: Vec<Option<&[u8]>> =
            columns.iter().map(|column| column.is_valid(row).then(|| column.value(row))).collect();
        if given.iter().any(Option::is_none) {
            all.push(None);
            continue;
        }
        match change(&given) {
            Ok(bytes) => all.push(Some(bytes)),
            Err(_) if is_trying => all.push(None),
            Err(fault) => return Err(fault.into()),
        }
    }
    Ok(Arc::new(all.iter().map(Option::as_deref).collect::<BinaryArray>()))
}

fn fault(message: String) -> RowFault {
    RowFault { condition: "INVALID_PARAMETER_VALUE", message }
}

fn word(given: &RowArguments<'_>, at: usize, default: &str) -> String {
    let bytes = given.get(at).copied().flatten().unwrap_or(default.as_bytes());
    String::from_utf8_lossy(bytes).to_uppercase()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Ecb,
    Cbc,
    Gcm,
}

fn mode(given: &RowArguments<'_>) -> Result<Mode, RowFault> {
    let (mode, padding) = (word(given, 2, "GCM"), word(given, 3, "DEFAULT"));
    match (mode.as_str(), padding.as_str()) {
        ("ECB", "PKCS" | "DEFAULT") => Ok(Mode::Ecb),
        ("CBC", "PKCS" | "DEFAULT") => Ok(Mode::Cbc),
        ("GCM", "NONE" | "DEFAULT") => Ok(Mode::Gcm),
        _ => {
            Err(fault(format!("AES has the modes ECB and CBC with PKCS, and GCM with NONE, not {mode} with {padding}")))
        }
    }
}

fn bytes_at<'a>(given: &RowArguments<'a>, at: usize) -> &'a [u8] {
    given.get(at).copied().flatten().unwrap_or_default()
}

fn wrong_key(length: usize) -> RowFault {
    fault(format!("a key of AES has 16, 24 or 32 bytes, not {length}"))
}

fn gcm_key(key: &[u8]) -> Result<LessSafeKey, RowFault> {
    let algorithm = match key.len() {
        16 => &aead::AES_128_GCM,
        24 => &aead::AES_192_GCM,
        32 => &aead::AES_256_GCM,
        length => return Err(wrong_key(length)),
    };
    UnboundKey::new(algorithm, key).map(LessSafeKey::new).map_err(|_| wrong_key(key.len()))
}

fn block_key(key: &[u8]) -> Result<UnboundCipherKey, RowFault> {
    let algorithm = match key.len() {
        16 => &cipher::AES_128,
        24 => &cipher::AES_192,
        32 => &cipher::AES_256,
        length => return Err(wrong_key(length)),
    };
    UnboundCipherKey::new(algorithm, key).map_err(|_| wrong_key(key.len()))
}

/// The bytes before what is encrypted: those that are given, or else such as follow from key and text. They are never the same for two
/// texts, and a row that is computed again is the same again, which bytes drawn by chance would not be.
fn start(given: &RowArguments<'_>, length: usize) -> Result<Vec<u8>, RowFault> {
    match bytes_at(given, 4) {
        [] => {
            let key = hmac::Key::new(hmac::HMAC_SHA256, bytes_at(given, 1));
            let mut context = hmac::Context::with_key(&key);
            [5, 0].into_iter().for_each(|at| context.update(bytes_at(given, at)));
            Ok(context.sign().as_ref()[..length].to_vec())
        }
        bytes if bytes.len() == length => Ok(bytes.to_vec()),
        bytes => Err(fault(format!("the initialization vector has {} bytes where {length} are needed", bytes.len()))),
    }
}

fn encrypted(given: &RowArguments<'_>) -> Result<Vec<u8>, RowFault> {
    let failed = |_| fault("AES cannot encrypt this".to_string());
    let mode = mode(given)?;
    let (mut text, key) = (bytes_at(given, 0).to_vec(), bytes_at(given, 1));
    if mode != Mode::Gcm && !bytes_at(given, 5).is_empty() || mode == Mode::Ecb && !bytes_at(given, 4).is_empty() {
        return Err(fault("only GCM takes additional data, and ECB no initialization vector".to_string()));
    }
    match mode {
        Mode::Gcm => {
            let mut out = start(given, GCM_START)?;
            let nonce = Nonce::try_assume_unique_for_key(&out).map_err(failed)?;
            gcm_key(key)?.seal_in_place_append_tag(nonce, Aad::from(bytes_at(given, 5)), &mut text).map_err(failed)?;
            out.append(&mut text);
            Ok(out)
        }
        Mode::Cbc => {
            let mut out = start(given, CBC_START)?;
            let start = out.as_slice().try_into().map_err(failed)?;
            let key = PaddedBlockEncryptingKey::cbc_pkcs7(block_key(key)?).map_err(failed)?;
            key.less_safe_encrypt(&mut text, EncryptionContext::Iv128(start)).map_err(failed)?;
            out.append(&mut text);
            Ok(out)
        }
        Mode::Ecb => {
            let key = PaddedBlockEncryptingKey::ecb_pkcs7(block_key(key)?).map_err(failed)?;
            key.encrypt(&mut text).map_err(failed)?;
            Ok(text)
        }
    }
}

fn decrypted(given: &RowArguments<'_>) -> Result<Vec<u8>, RowFault> {
    let failed = |_| {
        fault(
            "these bytes are not what AES makes with this key and mode; try_aes_decrypt gives NULL instead".to_string(),
        )
    };
    let mode = mode(given)?;
    let (all, key) = (bytes_at(given, 0), bytes_at(given, 1));
    let parted = |length: usize| all.split_at_checked(length).ok_or(()).map_err(failed_unit);
    Ok(match mode {
        Mode::Gcm => {
            let (start, text) = parted(GCM_START)?;
            let (mut text, nonce) = (text.to_vec(), Nonce::try_assume_unique_for_key(start).map_err(failed)?);
            let aad = Aad::from(bytes_at(given, 4));
            gcm_key(key)?.open_in_place(nonce, aad, &mut text).map_err(failed)?.to_vec()
        }
        Mode::Cbc => {
            let (start, text) = parted(CBC_START)?;
            let (mut text, start) = (text.to_vec(), start.try_into().map_err(failed)?);
            let key = PaddedBlockDecryptingKey::cbc_pkcs7(block_key(key)?).map_err(failed)?;
            key.decrypt(&mut text, DecryptionContext::Iv128(start)).map_err(failed)?.to_vec()
        }
        Mode::Ecb => {
            let mut text = all.to_vec();
            let key = PaddedBlockDecryptingKey::ecb_pkcs7(block_key(key)?).map_err(failed)?;
            key.decrypt(&mut text, DecryptionContext::None).map_err(failed)?.to_vec()
        }
    })
}

fn failed_unit(_: ()) -> RowFault {
    fault("these bytes are too short for what AES makes; try_aes_decrypt gives NULL instead".to_string())
}

fn signed(given: &RowArguments<'_>) -> Result<Vec<u8>, RowFault> {
    let algorithm = match word(given, 2, "SHA-256").as_str() {
        "SHA-1" | "SHA1" => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        "SHA-224" | "SHA224" => hmac::HMAC_SHA224,
        "SHA-256" | "SHA256" => hmac::HMAC_SHA256,
        "SHA-384" | "SHA384" => hmac::HMAC_SHA384,
        "SHA-512" | "SHA512" => hmac::HMAC_SHA512,
        other => return Err(fault(format!("hmac knows SHA-1, SHA-224, SHA-256, SHA-384 and SHA-512, not {other}"))),
    };
    let key = hmac::Key::new(algorithm, bytes_at(given, 0));
    Ok(hmac::sign(&key, bytes_at(given, 1)).as_ref().to_vec())
}

#[cfg(test)]
mod tests;
