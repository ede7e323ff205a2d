//! Grouping columns: what they are in the state, and in the result.

use arrow::datatypes::{Field, Schema};
use expr::group_key::has_maps;

/// One grouping column of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupColumn {
    /// The window, as a struct of start and end.
    Window,
    /// The key with this position among the grouping keys.
    Key(usize),
}

/// The columns of grouping keys in a state.
pub(crate) fn key_fields(keys: &[usize], input: &Schema) -> Vec<Field> {
    let key = |(position, column): (usize, &usize)| {
        Field::new(format!("key_{position}"), input.field(*column).data_type().clone(), true)
    };
    keys.iter().enumerate().map(key).collect()
}

/// What the keys of a state must match to be read back. The words are part of every checkpoint: never change them.
pub(crate) fn key_fingerprints<'a>(
    keys: &'a [usize],
    names: &'a [String],
    input: &'a Schema,
) -> impl Iterator<Item = String> + 'a {
    debug_assert_eq!(keys.len(), names.len(), "every key has a name");
    keys.iter().zip(names).map(|(column, name)| {
        let kind = input.field(*column).data_type();
        // An engine of before kept maps as they came: with it the same entries in another order were another key.
        let order = if has_maps(kind) { ", maps in the order of their keys" } else { "" };
        format!("key {name} {kind}{order}")
    })
}

/// The columns of an aggregate's result under the names that the query has for them.
pub(crate) fn result_names(group: &[GroupColumn], window: &str, keys: &[String], calls: &[String]) -> Vec<String> {
    let of_group = group.iter().map(|column| match column {
        GroupColumn::Window => window.to_string(),
        GroupColumn::Key(key) => keys.get(*key).cloned().unwrap_or_default(),
    });
    of_group.chain(calls.iter().cloned()).collect()
}

#[cfg(test)]
mod tests;
