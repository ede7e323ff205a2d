//! What an operator emits of an epoch, and when.

/// What an operator emits, and when. Not every operator can emit in every way; the spec says which it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Emission {
    /// Each result once, when the watermark has reached its end.
    Append,
    /// After each epoch what it changed: the old rows retracted, the new ones added. The results of state that is evicted stand.
    Changes,
    /// Every window or hash bucket that an epoch touched, whole, in the place of what was there.
    Replace,
    /// Both [`Emission::Replace`] for the table and [`Emission::Changes`] for those that read it.
    ReplaceAndChanges,
    /// Everything in one task whenever an epoch touched anything; nothing is late and nothing is evicted.
    Complete,
}
