//! Doubles that are one value, also inside of structs, arrays and maps.
#![allow(clippy::unwrap_used, reason = "tests")]

use arrow::array::{
    Float32Array, Float64Array, Int32Builder, Int64Array, ListArray, MapArray, MapBuilder, StringArray, StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{Field, Fields};

use super::*;

/// A NaN as `inf - inf` gives it on x86: with a sign.
const OTHER_NAN: u64 = 0xfff8_0000_0000_0000;

fn doubles() -> ArrayRef {
    Arc::new(Float64Array::from(vec![
        Some(-0.0),
        Some(0.0),
        Some(f64::from_bits(OTHER_NAN)),
        Some(f64::NAN),
        None,
        Some(1.5),
    ]))
}

fn bits(column: &ArrayRef) -> Vec<Option<u64>> {
    column.as_primitive::<Float64Type>().iter().map(|value| value.map(f64::to_bits)).collect()
}

fn wanted() -> Vec<Option<u64>> {
    let (zero, nan) = (Some(0), Some(f64::NAN.to_bits()));
    vec![zero, zero, nan, nan, None, Some(1.5_f64.to_bits())]
}

#[test]
fn zeros_and_nans_are_one_value_each() {
    assert_eq!(bits(&normalized(&doubles())), wanted());
    let narrow: ArrayRef = Arc::new(Float32Array::from(vec![-0.0_f32, -f32::NAN]));
    let narrow = normalized(&narrow);
    let narrow: Vec<u32> = narrow.as_primitive::<Float32Type>().values().iter().map(|value| value.to_bits()).collect();
    assert_eq!(narrow, [0, f32::NAN.to_bits()]);
}

#[test]
fn so_are_those_in_structs_arrays_and_maps() {
    let field = Arc::new(Field::new_list_field(DataType::Float64, true));
    let list: ArrayRef = Arc::new(ListArray::new(field, OffsetBuffer::from_lengths([2, 4]), doubles(), None));
    // A part of a column, as readers make them.
    let part = normalized(&list.slice(1, 1));
    assert_eq!(bits(&part.as_list::<i32>().value(0)), wanted()[2..]);
    let fields = Fields::from(vec![Field::new("n", DataType::Int64, true), Field::new("x", DataType::Float64, true)]);
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3, 4, 5, 6]));
    let structs: ArrayRef = Arc::new(StructArray::new(fields, vec![numbers, doubles()], None));
    let structs = normalized(&structs.slice(2, 3));
    assert_eq!(bits(structs.as_struct().column(1)), wanted()[2..5]);
    assert_eq!(structs.as_struct().column(0).as_primitive::<Int64Type>().values(), &[3, 4, 5]);
    let fields =
        Fields::from(vec![Field::new("key", DataType::Utf8, false), Field::new("value", DataType::Float64, true)]);
    let keys: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "c", "d", "e", "f"]));
    let entries = StructArray::new(fields.clone(), vec![keys, doubles()], None);
    let field = Arc::new(Field::new("entries", DataType::Struct(fields), false));
    let maps: ArrayRef = Arc::new(MapArray::new(field, OffsetBuffer::from_lengths([6]), entries, None, false));
    assert_eq!(bits(normalized(&maps).as_map().values()), wanted());
}

type Entries<'a> = &'a [(i32, Option<i32>)];

/// Maps of whole numbers; none where there is no list of entries.
fn maps(rows: &[Option<Entries<'_>>]) -> ArrayRef {
    let mut builder = MapBuilder::new(None, Int32Builder::new(), Int32Builder::new());
    for row in rows {
        for (key, value) in row.iter().flat_map(|entries| entries.iter()) {
            builder.keys().append_value(*key);
            builder.values().append_option(*value);
        }
        builder.append(row.is_some()).unwrap();
    }
    Arc::new(builder.finish())
}

#[test]
fn maps_with_the_same_entries_are_one_key_in_whatever_order() {
    let written = maps(&[Some(&[(2, None), (1, Some(5))]), None, Some(&[]), Some(&[(3, Some(1)), (-1, Some(2))])]);
    let sorted = maps(&[Some(&[(1, Some(5)), (2, None)]), None, Some(&[]), Some(&[(-1, Some(2)), (3, Some(1))])]);
    assert_eq!(&normalized(&written), &sorted);
    assert_eq!(&normalized(&sorted), &sorted);
    // Of a part of a column, too, and inside of other values.
    assert_eq!(&normalized(&written.slice(3, 1)), &sorted.slice(3, 1));
    let field = Arc::new(Field::new("element", written.data_type().clone(), true));
    let lists = |maps: ArrayRef| -> ArrayRef {
        Arc::new(ListArray::new(Arc::clone(&field), OffsetBuffer::from_lengths([3, 1]), maps, None))
    };
    assert_eq!(&normalized(&lists(Arc::clone(&written))), &lists(Arc::clone(&sorted)));
    assert_eq!(key_hashes(&[written], 4).unwrap(), key_hashes(&[sorted], 4).unwrap());
}

#[test]
fn keys_that_are_one_value_have_one_hash() {
    let fields = Fields::from(vec![Field::new("x", DataType::Float64, true)]);
    let structs: ArrayRef = Arc::new(StructArray::new(fields, vec![doubles()], None));
    for keys in [doubles(), structs] {
        let hashes = key_hashes(&[keys], 6).unwrap();
        assert_eq!(hashes[0], hashes[1]);
        assert_eq!(hashes[2], hashes[3]);
        assert_ne!(hashes[0], hashes[5]);
    }
}

#[test]
fn what_has_no_doubles_is_not_touched() {
    let column: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    assert!(Arc::ptr_eq(&column, &normalized(&column)));
    assert!(
        !has_several_forms(&DataType::Utf8)
            && has_several_forms(&DataType::Struct(vec![Field::new("x", DataType::Float32, true)].into()))
    );
}
