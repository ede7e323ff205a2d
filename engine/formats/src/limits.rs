//! What a record may cost. A record past a limit is rejected and the reason names the limit.

/// Bytes of one record's value.
pub const RECORD_BYTES_MAX: usize = 16 << 20;

/// Objects and arrays inside one another, the record itself included. At most 64: [`crate::scan`] keeps one bit a level.
pub const NESTING_MAX: u32 = 64;

/// Bytes of one number. A double needs 767 digits at most to be distinguished from its neighbours.
pub const NUMBER_BYTES_MAX: usize = 1_000;

/// Elements of one array, or entries of one object, counted with everything nested inside; bounds how far a short text
/// like `[{},{},…]` can swell in a wide schema.
pub const ELEMENTS_MAX: usize = 1_000_000;

/// Bytes of values between two flushes. Text never grows by decoding, so no 32-bit Arrow offset can overflow below it.
pub const BATCH_BYTES_MAX: usize = i32::MAX as usize;

/// Bytes of a reject's reason.
pub const REASON_BYTES_MAX: usize = 300;

/// Bytes of a record's value that a reason quotes.
pub const QUOTED_BYTES_MAX: usize = 60;
