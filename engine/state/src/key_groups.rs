//! The one space of everything that is partitioned by key: the group of a key, and the ranges of groups that lie together.

/// Number of key groups. A key is of the same group in every operator and for ever, however many lanes or machines there are: they own
/// ranges of groups. So it is part of the format of checkpoints.
pub const KEY_GROUPS: u16 = 256;

/// How a checkpoint spreads keys over blocks, tasks and buckets of tables. Settled when the checkpoint is made, since it says where all
/// that is kept lies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum KeyPartitioning {
    /// By key group: whatever lies or is done together is a range of groups.
    #[default]
    KeyGroups,
    /// As checkpoints that were made before there were key groups: each kind of state by a hash of its own, which has nothing to do with
    /// the others'.
    PerOperator,
}

/// The group of the key with this hash, less than [`KEY_GROUPS`].
pub fn key_group(hash: u64) -> u16 {
    // The highest bits: nothing else is made of them, and a range of groups is a range of hashes.
    (hash >> (u64::BITS - KEY_GROUPS.ilog2())) as u16
}

/// Which of `parts` equal ranges a group of `groups` is in.
///
/// # Panics
/// If the groups cannot be parted so: both are constants of the program.
pub fn range_of(group: u16, groups: u16, parts: u16) -> u16 {
    assert!(parts > 0 && groups.is_multiple_of(parts), "{groups} groups are not {parts} ranges of one size");
    debug_assert!(group < groups, "group {group} of {groups}");
    group / (groups / parts)
}

#[cfg(test)]
mod tests;
