//! `variant_insert`, `variant_set`, `variant_array_append`, `variant_delete`, `variant_strip_nulls`.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::super::read::Kind;
use super::super::simple::Simple;
use super::given::{Paths, needed, variants};
use crate::row_fault::RowFault;
use crate::variant::{
    Edit, Item, Step, appended, changed, check_castable, deleted, items_of, variant, without_nulls, write,
};

/// All of them.
pub fn functions() -> Vec<Simple> {
    let with_value = |name, most, body| Simple {
        name,
        aliases: &[],
        count: (3, most),
        kinds: &[Kind::Any, Kind::Text, Kind::Any, Kind::Flag],
        gives: |types| {
            needed("variant_insert, variant_set and variant_array_append", &types[0])?;
            check_castable(&types[2]).map(|()| variant())
        },
        body,
    };
    vec![
        with_value("variant_insert", 3, |args| strictly(args, "variant_insert", inserted)),
        with_value("try_variant_insert", 3, |args| change(args, inserted, |_| Ok(None))),
        with_value("variant_set", 4, |args| strictly(args, "variant_set", set(args))),
        with_value("try_variant_set", 4, |args| change(args, set(args), |_| Ok(None))),
        with_value("variant_array_append", 3, |args| strictly(args, "variant_array_append", appended)),
        with_value("try_variant_array_append", 3, |args| change(args, appended, |_| Ok(None))),
        Simple {
            name: "variant_delete",
            aliases: &[],
            count: (2, usize::MAX),
            kinds: &[Kind::Any, Kind::Text],
            gives: |types| needed("variant_delete", &types[0]).map(|()| variant()),
            body: delete,
        },
        Simple {
            name: "variant_strip_nulls",
            aliases: &[],
            count: (1, 2),
            kinds: &[Kind::Any, Kind::Flag],
            gives: |types: &[DataType]| needed("variant_strip_nulls", &types[0]).map(|()| variant()),
            body: |args| {
                let items = variants(&args[0])?;
                let stripped = items.into_iter().enumerate().map(|(row, item)| {
                    let also_in_arrays = flag_at(args.get(1), row)?;
                    Some(without_nulls(item?, also_in_arrays))
                });
                let stripped: Vec<Option<Item>> = stripped.collect();
                write(stripped.iter().map(Option::as_ref))
            },
        },
    ]
}

/// A flag of a row: true if it is not given, none if it is NULL.
fn flag_at(flags: Option<&ArrayRef>, row: usize) -> Option<bool> {
    let Some(flags) = flags else { return Some(true) };
    flags.is_valid(row).then(|| flags.as_boolean().value(row))
}

/// One change of a value; the row is that of the arguments.
type Change = fn(&mut Item, &[Step], Item) -> Result<(), String>;

fn inserted(item: &mut Item, steps: &[Step], value: Item) -> Result<(), String> {
    changed(item, steps, value, Edit::Insert)
}

/// What `variant_set` does by its last argument, `create_if_missing`, which is the same for all rows.
fn set(args: &[ArrayRef]) -> Change {
    let creates = args.get(3).is_none_or(|flags| flags.is_empty() || flag_at(Some(flags), 0) == Some(true));
    match creates {
        true => |item, steps, value| changed(item, steps, value, Edit::Set),
        false => |item, steps, value| changed(item, steps, value, Edit::Replace),
    }
}

fn strictly(args: &[ArrayRef], name: &'static str, by: Change) -> Result<ArrayRef> {
    change(args, by, |what| {
        let message = format!("{name}: {what}; try_{name} gives NULL instead");
        Err(RowFault { condition: "INVALID_VARIANT_PATH", message }.into())
    })
}

fn change(args: &[ArrayRef], by: Change, otherwise: impl Fn(String) -> Result<Option<Item>>) -> Result<ArrayRef> {
    let (items, values) = (variants(&args[0])?, items_of(&args[2])?);
    let mut paths = Paths::default();
    let mut all = Vec::with_capacity(items.len());
    for (row, (item, value)) in items.into_iter().zip(values).enumerate() {
        let steps = paths.of(&args[1], row)?;
        all.push(match (item, steps, value) {
            (Some(mut item), Some(steps), Some(value)) => match by(&mut item, steps, value) {
                Ok(()) => Some(item),
                Err(what) => otherwise(what)?,
            },
            _ => None,
        });
    }
    write(all.iter().map(Option::as_ref))
}

fn delete(args: &[ArrayRef]) -> Result<ArrayRef> {
    let mut items = variants(&args[0])?;
    for column in &args[1..] {
        let mut paths = Paths::default();
        for (row, item) in items.iter_mut().enumerate() {
            if let (Some(item), Some(steps)) = (item, paths.of(column, row)?) {
                deleted(item, steps);
            }
        }
    }
    write(items.iter().map(Option::as_ref))
}
