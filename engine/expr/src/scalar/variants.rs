//! Functions of VARIANT: `parse_json`, `variant_get`, `schema_of_variant`, `variant_set` and the like.

mod changes;
mod given;
mod rows;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, StringArray};
use arrow::datatypes::DataType;
use datafusion::common::{plan_datafusion_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use given::{Paths, needed, variants};

use super::read::{Kind, texts};
use super::result_types::{flag_type, text_type};
use super::shaped::{Asked, Shaped};
use super::simple::Simple;
use crate::display::type_name;
use crate::row_fault::RowFault;
use crate::variant::{
    Casting, Item, check_castable, column, find, is_variant, item_of_json, items_of, shape_of, type_with_json, variant,
    with_json, write,
};

/// All but casts.
pub fn functions() -> Vec<Simple> {
    let mut all = made();
    all.extend(asked());
    all.extend(changes::functions());
    all.extend(rows::functions());
    all
}

/// Those whose type stands in an argument.
pub fn typed() -> Vec<Shaped> {
    vec![
        Shaped {
            name: "variant_get",
            count: (2, 3),
            kinds: &[Kind::Any, Kind::Text],
            gives: |asked| got_type("variant_get", asked),
            body: |args, kind| get(args, kind, Casting::Strict),
        },
        Shaped {
            name: "try_variant_get",
            count: (2, 3),
            kinds: &[Kind::Any, Kind::Text],
            gives: |asked| got_type("try_variant_get", asked),
            body: |args, kind| get(args, kind, Casting::Trying),
        },
    ]
}

fn made() -> Vec<Simple> {
    let of_text = |name, body| Simple {
        name,
        aliases: &[],
        count: (1, 1),
        kinds: &[Kind::Text],
        gives: |types| match types[0].is_nested() {
            true => plan_err!("parse_json takes a text, not {}", type_name(&types[0])),
            false => Ok(variant()),
        },
        body,
    };
    vec![
        of_text("parse_json", |args| parse_json(&args[0], Casting::Strict)),
        of_text("try_parse_json", |args| parse_json(&args[0], Casting::Trying)),
        Simple {
            name: "to_variant_object",
            aliases: &[],
            count: (1, 1),
            kinds: &[Kind::Any],
            gives: |types| match types[0].is_nested() && !is_variant(&types[0]) {
                true => Ok(variant()),
                false => plan_err!(
                    "to_variant_object takes a struct, a map or an array, not {}; CAST(x AS VARIANT) takes the rest",
                    type_name(&types[0])
                ),
            },
            body: |args| write(items_of(&args[0])?.iter().map(Option::as_ref)),
        },
        Simple {
            name: "__as_json",
            aliases: &[],
            count: (1, 1),
            kinds: &[Kind::Any],
            gives: |types| Ok(type_with_json(&types[0])),
            body: |args| with_json(&args[0]),
        },
        Simple {
            name: "__to_variant",
            aliases: &[],
            count: (1, 1),
            kinds: &[Kind::Any],
            gives: |types| check_castable(&types[0]).map(|()| variant()),
            body: |args| write(items_of(&args[0])?.iter().map(Option::as_ref)),
        },
    ]
}

fn asked() -> Vec<Simple> {
    vec![
        Simple {
            name: "is_variant_null",
            aliases: &[],
            count: (1, 1),
            kinds: &[Kind::Any],
            gives: |types| needed("is_variant_null", &types[0]).and_then(|()| flag_type(types)),
            body: |args| {
                let items = variants(&args[0])?;
                Ok(Arc::new(items.iter().map(|item| Some(*item == Some(Item::Null))).collect::<BooleanArray>()))
            },
        },
        Simple {
            name: "is_valid_variant",
            aliases: &[],
            count: (1, 1),
            kinds: &[Kind::Any],
            gives: |types| needed("is_valid_variant", &types[0]).and_then(|()| flag_type(types)),
            body: |args| {
                let valid = (0..args[0].len())
                    .map(|row| args[0].is_valid(row).then(|| variants(&args[0].slice(row, 1)).is_ok()));
                Ok(Arc::new(valid.collect::<BooleanArray>()))
            },
        },
        Simple {
            name: "schema_of_variant",
            aliases: &[],
            count: (1, 1),
            kinds: &[Kind::Any],
            gives: |types| needed("schema_of_variant", &types[0]).and_then(|()| text_type(types)),
            body: |args| {
                let items = variants(&args[0])?;
                let shapes = items.iter().map(|item| item.as_ref().map(|item| shape_of(item).text()));
                Ok(Arc::new(shapes.collect::<StringArray>()))
            },
        },
    ]
}

fn parse_json(values: &ArrayRef, casting: Casting) -> Result<ArrayRef> {
    let parsed = texts(values).iter().map(|text| match text.map(|text| (text, item_of_json(text))) {
        None => Ok(None),
        Some((_, Ok(item))) => Ok(Some(item)),
        Some(_) if casting == Casting::Trying => Ok(None),
        Some((text, Err(what))) => Err(RowFault {
            condition: "MALFORMED_RECORD_IN_PARSING",
            message: format!("parse_json cannot read '{text}': {what}; try_parse_json gives NULL instead"),
        }
        .into()),
    });
    let parsed = parsed.collect::<Result<Vec<Option<Item>>>>()?;
    write(parsed.iter().map(Option::as_ref))
}

fn got_type(name: &str, asked: &Asked<'_>) -> Result<DataType> {
    needed(name, &asked.kinds[0])?;
    if asked.kinds.len() < 3 {
        return Ok(variant());
    }
    let Some(text) = asked.text(2) else {
        return plan_err!("the type of {name} must be a constant text, such as 'int' or 'array<string>'");
    };
    super::parse_schema(text).map_err(|what| plan_datafusion_err!("{name}: {what}"))
}

fn get(args: &[ArrayRef], kind: &DataType, casting: Casting) -> Result<ArrayRef> {
    let items = variants(&args[0])?;
    let mut paths = Paths::default();
    let mut found: Vec<Option<&Item>> = Vec::with_capacity(items.len());
    for (row, item) in items.iter().enumerate() {
        let steps = paths.of(&args[1], row)?;
        found.push(item.as_ref().zip(steps).and_then(|(item, steps)| find(item, steps)));
    }
    column(kind, &found, casting)
}

/// The expression with each variant in it as its JSON, as a table has it.
pub fn as_json(expr: Expr) -> Option<Expr> {
    let functions = made().into_iter();
    functions.map(Simple::into_udf).find(|function| function.name() == "__as_json").map(|udf| udf.call(vec![expr]))
}

/// A cast to VARIANT.
pub fn to_variant(expr: Expr) -> Option<Expr> {
    let functions = made().into_iter();
    functions.map(Simple::into_udf).find(|function| function.name() == "__to_variant").map(|udf| udf.call(vec![expr]))
}

/// A cast of a variant to another type.
pub fn from_variant(expr: Expr, target: &DataType, is_trying: bool) -> Expr {
    let signature = Signature::any(1, Volatility::Immutable);
    ScalarUDF::new_from_impl(FromVariant { signature, target: target.clone(), is_trying }).call(vec![expr])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct FromVariant {
    signature: Signature,
    target: DataType,
    is_trying: bool,
}

impl ScalarUDFImpl for FromVariant {
    fn name(&self) -> &str {
        if self.is_trying { "try_cast_variant" } else { "cast_variant" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, kinds: &[DataType]) -> Result<DataType> {
        needed("CAST", &kinds[0]).map(|()| self.target.clone())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let items = variants(&arguments.args[0].to_array(arguments.number_rows)?)?;
        let items: Vec<Option<&Item>> = items.iter().map(Option::as_ref).collect();
        let casting = if self.is_trying { Casting::Trying } else { Casting::Strict };
        Ok(ColumnarValue::Array(column(&self.target, &items, casting)?))
    }
}
