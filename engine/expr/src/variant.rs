//! Spark's VARIANT: a value whose type stands in it. Inside the engine it is a struct of Parquet's two parts (`stored`).

mod columns;
mod convert;
mod edit;
mod item;
mod json;
mod parsed;
mod path;
mod shape;
mod shown;
mod stored;

pub use columns::{check_castable, items_of};
pub use convert::{Casting, column};
pub use edit::{Edit, appended, changed, deleted, without_nulls};
pub use item::Item;
pub use json::text_of;
pub use parsed::{item_of, item_of_json};
pub use path::{Step, find, parse as parse_path};
pub use shape::{Shape, quoted, shape_of};
pub use shown::{type_with_json, with_json};
pub use stored::{has_variant, is_variant, read, variant, write};

#[cfg(test)]
mod tests;
