//! `array_insert`, and `arrays_zip` with the names of Spark.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StructArray, UInt32Array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{cast, concat, take};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Int64Type};
use datafusion::common::{ScalarValue, exec_err, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::type_coercion::binary::type_union_resolution;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::read::{Kind, is_text};
use super::simple::Simple;
use crate::display::type_name;

/// The longest array that is made: what lies between the elements and a place far away is filled up with nulls.
const LONGEST: usize = 1_000_000;

/// The function `array_insert`.
pub fn functions() -> Vec<Simple> {
    vec![Simple {
        name: "array_insert",
        aliases: &[],
        count: (3, 3),
        kinds: &[Kind::Any, Kind::Whole, Kind::Any],
        gives: |types| Ok(list_of(&element_type(&types[0], &types[2])?)),
        body: inserted,
    }]
}

fn list_of(kind: &DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(kind.clone(), true)))
}

/// The type that holds the elements and the new one. A whole number in the query takes the type of the elements.
fn element_type(list: &DataType, new: &DataType) -> Result<DataType> {
    let element = match list {
        DataType::List(field) => field.data_type(),
        DataType::Null => &DataType::Null,
        other => return plan_err!("array_insert takes an array, not {}", type_name(other)),
    };
    match (element, new) {
        (element, DataType::Null) => Ok(element.clone()),
        (DataType::Null, new) => Ok(new.clone()),
        (element, new) if element == new || element.is_integer() && new.is_integer() => Ok(element.clone()),
        (element, new) => match type_union_resolution(&[element.clone(), new.clone()]) {
            Some(wider) if is_text(element) == is_text(new) => Ok(wider),
            _ => plan_err!("array_insert puts {} into an array of {}", type_name(new), type_name(element)),
        },
    }
}

/// Where a new element goes among `length`, and how long the array is then; places count from 1, or from the end.
fn place(at: i64, length: usize) -> Result<(usize, usize, usize)> {
    let far = usize::try_from(at.unsigned_abs()).unwrap_or(usize::MAX);
    if far == 0 {
        return exec_err!("array_insert counts places from 1, or from -1 at the end; 0 is none");
    }
    if far > LONGEST {
        return exec_err!("array_insert at {at} would make an array of more than {LONGEST} elements");
    }
    // The place of the new one, of the first that stood there, and the length.
    Ok(match at > 0 {
        true => (far - 1, 0, (length + 1).max(far)),
        false if far > length => (0, far - length, far),
        false => (length + 1 - far, 0, length + 1),
    })
}

fn inserted(args: &[ArrayRef]) -> Result<ArrayRef> {
    let kind = element_type(args[0].data_type(), args[2].data_type())?;
    let list = cast(&args[0], &list_of(&kind))?;
    let list = list.as_list::<i32>();
    let new = cast(&args[2], &kind)?;
    if new.null_count() > args[2].logical_null_count() {
        return exec_err!("array_insert: the new element is too large for an array of {}", type_name(&kind));
    }
    let places = args[1].as_primitive::<Int64Type>();
    let all = concat(&[list.values().as_ref(), new.as_ref()])?;
    let (starts, first_new) = (list.value_offsets(), list.values().len());
    let (mut chosen, mut lengths, mut valid) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..list.len() {
        let is_valid = list.is_valid(row) && places.is_valid(row);
        valid.push(is_valid);
        if !is_valid {
            lengths.push(0);
            continue;
        }
        let (start, end) = (starts[row] as usize, starts[row + 1] as usize);
        let (at, shift, length) = place(places.value(row), end - start)?;
        let old = |number: usize| {
            let number = (if number > at { number - 1 } else { number }).checked_sub(shift.saturating_sub(1))?;
            (start + number < end).then_some((start + number) as u32)
        };
        chosen
            .extend((0..length).map(|number| if number == at { Some((first_new + row) as u32) } else { old(number) }));
        lengths.push(length);
    }
    let elements = take(&all, &UInt32Array::from(chosen), None)?;
    let field = Arc::new(Field::new_list_field(kind, true));
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(ListArray::try_new(field, offsets, elements, Some(NullBuffer::from(valid)))?))
}

/// `named_zip('a', x, 'b', y)`: what `arrays_zip(x, y)` is rewritten to, with the names of the fields.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct NamedZip {
    signature: Signature,
}

impl Default for NamedZip {
    fn default() -> Self {
        NamedZip { signature: Signature::variadic_any(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for NamedZip {
    fn name(&self) -> &str {
        "named_zip"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("named_zip needs its arguments to know its type")
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs) -> Result<FieldRef> {
        let pairs = arguments.scalar_arguments.chunks(2).zip(arguments.arg_fields.chunks(2));
        let fields = pairs.map(|(names, fields)| match (names.first(), fields.get(1).map(|field| field.data_type())) {
            (Some(Some(ScalarValue::Utf8(Some(name)))), Some(DataType::List(element))) => {
                Ok(Field::new(name, element.data_type().clone(), true))
            }
            (_, Some(DataType::Null)) => plan_err!("arrays_zip takes arrays; CAST the NULL to one"),
            (_, Some(other)) => plan_err!("arrays_zip takes arrays, not {}", type_name(other)),
            _ => internal_err!("named_zip takes pairs of a name and an array"),
        });
        let fields: Fields = fields.collect::<Result<Vec<_>>>()?.into();
        Ok(Arc::new(Field::new("arrays_zip", list_of(&DataType::Struct(fields)), true)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let lists = arguments.args.iter().skip(1).step_by(2).map(|list| list.to_array(rows));
        let lists: Vec<ArrayRef> = lists.collect::<Result<_>>()?;
        let DataType::List(field) = arguments.return_field.data_type() else { return internal_err!("no list") };
        let DataType::Struct(fields) = field.data_type() else { return internal_err!("no structs") };
        let (mut places, mut lengths, mut valid) = (vec![Vec::new(); lists.len()], Vec::new(), Vec::new());
        for row in 0..rows {
            let is_valid = lists.iter().all(|list| list.is_valid(row));
            let longest = lists.iter().map(|list| list.as_list::<i32>().value_length(row) as usize).max();
            let longest = longest.filter(|_| is_valid).unwrap_or(0);
            for (places, list) in places.iter_mut().zip(&lists) {
                let list = list.as_list::<i32>();
                let (start, length) = (list.value_offsets()[row] as usize, list.value_length(row) as usize);
                places.extend((0..longest).map(|number| (number < length).then_some((start + number) as u32)));
            }
            valid.push(is_valid);
            lengths.push(longest);
        }
        let columns = lists.iter().zip(places);
        let columns =
            columns.map(|(list, places)| take(list.as_list::<i32>().values(), &UInt32Array::from(places), None));
        let columns = columns.collect::<std::result::Result<Vec<_>, _>>()?;
        let structs = StructArray::try_new(fields.clone(), columns, None)?;
        let offsets = OffsetBuffer::from_lengths(lengths);
        let nulls = Some(NullBuffer::from(valid));
        Ok(ColumnarValue::Array(Arc::new(ListArray::try_new(Arc::clone(field), offsets, Arc::new(structs), nulls)?)))
    }
}
