//! Decoders that are not ours must read the same: arrow-json whole batches, serde_json single values.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Float64Type, Int32Type, Int64Type};
use arrow::json::ReaderBuilder;
use arrow::record_batch::RecordBatch;
use job::{Column, DataType};
use proptest::prelude::*;
use serde_json::Value;

use super::rows::{Style, any_value, schema_and_records, written};
use super::{column, decode};
use crate::{Decoder, JsonDecoder, arrow_schema};

fn by_arrow_json(columns: &[Column], records: &[String]) -> RecordBatch {
    let mut decoder = ReaderBuilder::new(arrow_schema(columns)).with_batch_size(1 << 16).build_decoder().unwrap();
    for record in records {
        assert_eq!(decoder.decode(record.as_bytes()).unwrap(), record.len());
    }
    decoder.flush().unwrap().unwrap_or_else(|| RecordBatch::new_empty(arrow_schema(columns)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn batches_equal_those_of_arrow_json((columns, records) in schema_and_records()) {
        let (batch, rejects) = decode(&columns, &records);
        prop_assert_eq!(rejects, vec![], "{:?}", records);
        prop_assert_eq!(batch, by_arrow_json(&columns, &records));
    }

    #[test]
    fn batches_do_not_depend_on_the_ones_before((columns, records) in schema_and_records(), cut in any::<prop::sample::Index>()) {
        let (whole, _) = decode(&columns, &records);
        let cut = cut.index(records.len() + 1);
        let mut decoder = JsonDecoder::new(&columns);
        let parts = [&records[..cut], &records[cut..]].map(|part| {
            part.iter().for_each(|record| decoder.push(record.as_bytes()).unwrap());
            super::flush(&mut decoder)
        });
        prop_assert_eq!(&parts[0], &whole.slice(0, cut));
        prop_assert_eq!(&parts[1], &whole.slice(cut, records.len() - cut));
    }

    #[test]
    fn a_value_of_any_kind_is_taken_or_rejected_by_its_type(value in any_value(), style in any::<u64>()) {
        let text = written(&value, &mut Style(style));
        let record = format!("{{\"x\":{text}}}");
        for (data_type, fits) in [
            (DataType::Boolean, value.is_boolean()),
            (DataType::BigInt, whole(&value).is_some()),
            (DataType::Int, whole(&value).is_some_and(|x| i32::try_from(x).is_ok())),
            (DataType::Double, value.is_number()),
            (DataType::String, true),
            (DataType::Array(Box::new(DataType::String)), value.is_array()),
            (DataType::Map(Box::new(DataType::String)), value.is_object()),
        ] {
            let (batch, rejects) = decode(&[column("x", data_type.clone())], &[&record]);
            prop_assert_eq!(rejects.is_empty(), fits || value.is_null(), "{:?} {}", &data_type, &record);
            let array = batch.column(0);
            if value.is_null() {
                prop_assert!(array.is_null(0));
            } else if fits {
                prop_assert!(array.is_valid(0));
                match data_type {
                    DataType::Boolean => prop_assert_eq!(Some(array.as_boolean().value(0)), value.as_bool()),
                    DataType::BigInt => prop_assert_eq!(Some(array.as_primitive::<Int64Type>().value(0)), whole(&value)),
                    DataType::Int => prop_assert_eq!(Some(i64::from(array.as_primitive::<Int32Type>().value(0))), whole(&value)),
                    DataType::Double => prop_assert_eq!(array.as_primitive::<Float64Type>().value(0), text.trim().parse::<f64>().unwrap()),
                    DataType::String => prop_assert_eq!(array.as_string::<i32>().value(0), value.as_str().unwrap_or(text.trim())),
                    _ => {}
                }
            }
        }
    }
}

/// The integer that a number is, if it is one.
fn whole(value: &Value) -> Option<i64> {
    let exact = |x: &f64| x.fract() == 0.0 && (-9.2e18..9.2e18).contains(x);
    value.as_i64().or_else(|| value.as_f64().filter(exact).map(|x| x as i64))
}
