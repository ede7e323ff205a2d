//! Ciphers, against bytes that Spark made.
use super::{decrypted, encrypted, signed};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// Spark 4.3 says so.
#[test]
fn bytes_are_those_that_spark_makes() {
    let key = Some(&b"abcdefghijklmnop12345678ABCDEFGH"[..]);
    let (zeros, text) = ([0_u8; 16], Some(&b"Spark"[..]));
    let cbc = encrypted(&[text, key, Some(b"CBC"), Some(b"DEFAULT"), Some(&zeros)]).unwrap();
    assert_eq!(hex(&cbc), "00000000000000000000000000000000F49DE265B2319E6686F8E200F4099DF8");
    let gcm = encrypted(&[text, key, Some(b"gcm"), Some(b"none"), Some(&zeros[..12]), Some(b"aad")]).unwrap();
    assert_eq!(hex(&gcm), "000000000000000000000000422622FAC4CD796A57C581C874549AE16DFE791211");
    let sum = signed(&[Some(b"key"), Some(b"message")]).unwrap();
    assert_eq!(hex(&sum), "6E9EF29B75FFFC5B7ABAE527D58FDADB2FE42E7219011976917343065F58ED4A");
}

#[test]
fn what_is_encrypted_comes_back_whole_and_only_with_its_key() {
    for mode in [&b"GCM"[..], b"CBC", b"ECB"] {
        for length in [16, 24, 32] {
            let (key, other, text) = (vec![7_u8; length], vec![8_u8; length], vec![1_u8; 100]);
            let made = encrypted(&[Some(&text), Some(&key), Some(mode)]).unwrap();
            assert_eq!(
                made,
                encrypted(&[Some(&text), Some(&key), Some(mode)]).unwrap(),
                "a row computed again is the same"
            );
            assert_eq!(decrypted(&[Some(&made), Some(&key), Some(mode)]).unwrap(), text);
            assert_ne!(decrypted(&[Some(&made), Some(&other), Some(mode)]).unwrap_or_default(), text);
            assert!(decrypted(&[Some(&made[..7]), Some(&key), Some(mode)]).is_err());
        }
    }
    assert!(encrypted(&[Some(b"x"), Some(b"short")]).is_err());
    assert!(encrypted(&[Some(b"x"), Some(&[0; 16]), Some(b"CTR")]).is_err());
}
