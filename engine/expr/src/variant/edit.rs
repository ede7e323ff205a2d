//! Changes of a VARIANT: `variant_insert`, `variant_set`, `variant_delete`, `variant_array_append`, `variant_strip_nulls`.

use super::item::Item;
use super::path::Step;

/// What [`changed`] does where a path ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// A new member or item, never in the place of one.
    Insert,
    /// In the place of what is there, or new.
    Set,
    /// In the place of what is there, or not at all.
    Replace,
}

/// Puts a value where a path leads, or says why not.
///
/// # Errors
/// If the path leads through a value that has no such parts, or an inserted member is there.
pub fn changed(item: &mut Item, steps: &[Step], value: Item, edit: Edit) -> Result<(), String> {
    let Some((step, rest)) = steps.split_first() else {
        return match edit {
            Edit::Insert => Err("there is a value at `$` already".to_string()),
            Edit::Set | Edit::Replace => {
                *item = value;
                Ok(())
            }
        };
    };
    match (step, item) {
        (Step::Name(name), Item::Object(members)) => {
            match members.binary_search_by(|(other, _)| other.as_str().cmp(name)) {
                Ok(_) if rest.is_empty() && edit == Edit::Insert => {
                    Err(format!("there is a member `{name}` already; use variant_set"))
                }
                Ok(at) => changed(&mut members[at].1, rest, value, edit),
                Err(_) if edit == Edit::Replace => Ok(()),
                Err(at) => {
                    members.insert(at, (name.clone(), grown(rest, value)));
                    Ok(())
                }
            }
        }
        (Step::Place(place), Item::Array(items)) => {
            if *place < items.len() {
                if rest.is_empty() && edit == Edit::Insert {
                    items.insert(*place, value);
                    return Ok(());
                }
                return changed(&mut items[*place], rest, value, edit);
            }
            if edit != Edit::Replace {
                items.resize(*place, Item::Null);
                items.push(grown(rest, value));
            }
            Ok(())
        }
        (Step::Name(name), _) => Err(format!("there is no object that `{name}` could be a member of")),
        (Step::Place(place), _) => Err(format!("there is no array that [{place}] could be an item of")),
    }
}

/// The value with the objects and arrays around it that a path needs.
fn grown(steps: &[Step], value: Item) -> Item {
    steps.iter().rev().fold(value, |inner, step| match step {
        Step::Name(name) => Item::Object(vec![(name.clone(), inner)]),
        Step::Place(place) => {
            let mut items = vec![Item::Null; *place];
            items.push(inner);
            Item::Array(items)
        }
    })
}

/// Puts a value behind the last item of the array that a path leads to.
///
/// # Errors
/// If something else is there. (Nothing at all is no error.)
pub fn appended(item: &mut Item, steps: &[Step], value: Item) -> Result<(), String> {
    match place(item, steps) {
        None => Ok(()),
        Some(Item::Array(items)) => {
            items.push(value);
            Ok(())
        }
        Some(_) => Err("there is no array to append to".to_string()),
    }
}

/// Takes away what a path leads to, if there is anything.
pub fn deleted(item: &mut Item, steps: &[Step]) {
    let Some((last, before)) = steps.split_last() else { return };
    match (place(item, before), last) {
        (Some(Item::Object(members)), Step::Name(name)) => members.retain(|(other, _)| other != name),
        (Some(Item::Array(items)), Step::Place(at)) if *at < items.len() => {
            items.remove(*at);
        }
        _ => {}
    }
}

fn place<'a>(item: &'a mut Item, steps: &[Step]) -> Option<&'a mut Item> {
    steps.iter().try_fold(item, |item, step| match (step, item) {
        (Step::Name(name), Item::Object(members)) => {
            members.iter_mut().find(|(other, _)| other == name).map(|(_, value)| value)
        }
        (Step::Place(at), Item::Array(items)) => items.get_mut(*at),
        _ => None,
    })
}

/// The value without members (and items of arrays) that are `null`, at every depth.
pub fn without_nulls(item: Item, also_in_arrays: bool) -> Item {
    match item {
        Item::Object(members) => {
            let kept = members.into_iter().filter(|(_, value)| *value != Item::Null);
            Item::Object(kept.map(|(name, value)| (name, without_nulls(value, also_in_arrays))).collect())
        }
        Item::Array(items) => {
            let kept = items.into_iter().filter(|item| !also_in_arrays || *item != Item::Null);
            Item::Array(kept.map(|item| without_nulls(item, also_in_arrays)).collect())
        }
        other => other,
    }
}
