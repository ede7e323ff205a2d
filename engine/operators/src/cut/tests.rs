//! Rows are cut by bytes, in order, none twice, none left out.
#![allow(clippy::unwrap_used, reason = "tests")]

use arrow::array::{
    DictionaryArray, FixedSizeListBuilder, Int64Array, LargeListBuilder, LargeStringArray, ListBuilder, ListViewArray,
    MapBuilder, StringArray, StringBuilder, StringViewArray, StructArray,
};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{Field, Fields, Int32Type, Schema};

use super::*;

const MIB: usize = 1 << 20;

/// A number and a text of so many bytes for each row.
fn texts(first: i64, sizes: &[usize]) -> RecordBatch {
    let fields = vec![Field::new("n", DataType::Int64, false), Field::new("text", DataType::Utf8, false)];
    let numbers = Int64Array::from_iter_values((0..sizes.len()).map(|row| first + row as i64));
    let texts = StringArray::from_iter_values(sizes.iter().map(|size| "x".repeat(*size)));
    RecordBatch::try_new(Arc::new(Schema::new(fields)), vec![Arc::new(numbers), Arc::new(texts)]).unwrap()
}

fn numbers(parts: &[RecordBatch]) -> Vec<Vec<i64>> {
    parts.iter().map(|part| part.column(0).as_primitive::<arrow::datatypes::Int64Type>().values().to_vec()).collect()
}

#[test]
fn a_slice_counts_what_is_in_it_and_nothing_else() {
    let rows = texts(0, &[10, 20, 30]);
    assert_eq!(batch_bytes(&rows), 60 + 3 * 4 + 3 * 8);
    assert_eq!(batch_bytes(&rows.slice(1, 1)), 20 + 4 + 8);
    assert_eq!((RowBytes::new(&rows).of(2), RowBytes::new(&rows.slice(1, 2)).of(0)), (30 + 12, 20 + 12));
    let mut lists = ListBuilder::new(StringBuilder::new());
    lists.append_value([Some("abc"), None]);
    lists.append_value([Some("defgh")]);
    let lists: ArrayRef = Arc::new(lists.finish());
    let schema = Schema::new(vec![Field::new("list", lists.data_type().clone(), true)]);
    let rows = RecordBatch::try_new(Arc::new(schema), vec![lists]).unwrap();
    assert_eq!(batch_bytes(&rows), 8 + 3 * 4 + 2 * 4);
    assert_eq!(RowBytes::new(&rows).of(1), 5 + 4 + 4);
}

#[test]
fn runs_end_at_bytes_and_at_rows_and_a_huge_row_stands_alone() {
    let third = PART_BYTES / 3;
    assert_eq!(runs([third; 7].into_iter(), usize::MAX), [0..3, 3..6, 6..7]);
    assert_eq!(runs([1; 7].into_iter(), 3), [0..3, 3..6, 6..7]);
    assert_eq!(runs([1, PART_BYTES * 2, 1, 1].into_iter(), 10), [0..1, 1..2, 2..4]);
    assert_eq!(runs(std::iter::empty(), 3), Vec::<Range<usize>>::new());
}

#[test]
fn what_is_put_together_stays_below_the_limit_and_in_order() {
    let (one, other) = (texts(0, &[40 * MIB; 3]), texts(3, &[40 * MIB, 1, 1]));
    let joined = joined(&one.schema(), &[one.clone(), other.clone()]).unwrap();
    assert_eq!(numbers(&joined), [vec![0, 1, 2], vec![3, 4, 5]]);
    let places = [(1, 2), (0, 0), (1, 0), (0, 2), (0, 1), (1, 1)];
    let parts = interleaved(&[&one, &other], &places, 100).unwrap();
    assert_eq!(numbers(&parts), [vec![5, 0, 3, 2], vec![1, 4]]);
    assert!(parts.iter().all(|part| batch_bytes(part) <= PART_BYTES));
}

#[test]
fn fault_5_rows_that_come_to_too_much_text_are_run_half_by_half() {
    let rows = texts(0, &[10; 9]);
    // A query that makes each row 500 MB long.
    let long = |rows: &RecordBatch| match rows.num_rows() {
        0..=4 => Ok(numbers(std::slice::from_ref(rows)).concat()),
        more => Err(ArrowError::OffsetOverflowError(more * 500_000_000).into()),
    };
    assert_eq!(in_halves(&rows, &long).unwrap(), [vec![0, 1, 2, 3], vec![4, 5], vec![6, 7, 8]]);
    let never = |_: &RecordBatch| -> Result<(), _> { Err(ArrowError::OffsetOverflowError(usize::MAX).into()) };
    assert!(matches!(in_halves(&rows, &never), Err(OperatorError::TooLong(_))));
    let other = |_: &RecordBatch| -> Result<(), _> { Err(OperatorError::Compute("division by zero".to_string())) };
    assert!(matches!(in_halves(&rows, &other), Err(OperatorError::Compute(_))));
}

/// A thousand bytes in each of three rows.
const ROW: usize = 1_000;

/// Columns of every kind that can hold text, with [`ROW`] bytes of it a row.
fn kinds() -> Vec<ArrayRef> {
    let text = "x".repeat(ROW);
    let half = "x".repeat(ROW / 2);
    let plain: ArrayRef = Arc::new(StringArray::from(vec![text.as_str(); 3]));
    let mut lists = ListBuilder::new(StringBuilder::new());
    let mut large = LargeListBuilder::new(StringBuilder::new());
    let mut fixed = FixedSizeListBuilder::new(StringBuilder::new(), 2);
    let mut maps = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for _ in 0..3 {
        lists.append_value([Some(half.as_str()), Some(half.as_str())]);
        large.append_value([Some(half.as_str()), Some(half.as_str())]);
        fixed.values().append_value(&half);
        fixed.values().append_value(&half);
        fixed.append(true);
        maps.keys().append_value(&half);
        maps.values().append_value(&half);
        maps.append(true).unwrap();
    }
    let field = Arc::new(Field::new("item", DataType::Utf8, true));
    let views = ListViewArray::new(
        field,
        ScalarBuffer::from(vec![0, 1, 2]),
        ScalarBuffer::from(vec![1, 1, 1]),
        Arc::clone(&plain),
        None,
    );
    let fixed: ArrayRef = Arc::new(fixed.finish());
    let fields = Fields::from(vec![Field::new("inner", fixed.data_type().clone(), true)]);
    vec![
        Arc::clone(&plain),
        Arc::new(LargeStringArray::from(vec![text.as_str(); 3])),
        Arc::new(StringViewArray::from(vec![text.as_str(); 3])),
        Arc::new(lists.finish()),
        Arc::new(large.finish()),
        Arc::clone(&fixed),
        Arc::new(maps.finish()),
        Arc::new(views),
        Arc::new(StructArray::new(fields, vec![fixed], None)),
        Arc::new([text.as_str(); 3].into_iter().collect::<DictionaryArray<Int32Type>>()),
    ]
}

/// Lists of a fixed size, large lists, views of lists and dictionaries of text counted a few bytes a row, whatever was in them: parts
/// "of 128 MiB" could hold more than a column can.
#[test]
fn fault_text_inside_of_nested_columns_counts() {
    for column in kinds() {
        let kind = column.data_type().clone();
        let schema = Schema::new(vec![Field::new("c", kind.clone(), true)]);
        let rows = RecordBatch::try_new(Arc::new(schema), vec![column]).unwrap();
        let sizes = RowBytes::new(&rows);
        for (from, count) in [(0, 3), (1, 1), (2, 1), (1, 0)] {
            let bytes = batch_bytes(&rows.slice(from, count));
            assert!((count * ROW..=count * (ROW + 100)).contains(&bytes), "{kind}: {bytes} bytes in {count} rows");
            assert_eq!((from..from + count).map(|row| sizes.of(row)).sum::<usize>(), bytes, "{kind}, row by row");
        }
    }
}

#[test]
fn fault_too_long_names_a_remedy() {
    let text = OperatorError::from(ArrowError::OffsetOverflowError(2_200_000_000)).to_string();
    assert!(text.contains("more than 2 GiB") && text.contains("shorten them with substr(…)"), "{text}");
}
