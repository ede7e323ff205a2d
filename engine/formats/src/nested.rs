//! Arrays, maps and structs: columns inside columns. They recurse as deep as the schema, never deeper than a record may nest.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, MapArray, StringArray, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{FieldRef, Fields};
use arrow::error::ArrowError;
use job::DataType;

use crate::byte_values::ByteValues;
use crate::keys::{Keys, UNKNOWN};
use crate::reject::Fault;
use crate::scan;
use crate::schema::{element_field, entries_field, entry_fields, member_fields};
use crate::span::{Kind, Malformed, Span, byte, skip_space};
use crate::string::unescape;

/// A column inside another one, under construction as that one is.
pub(crate) trait NestedColumn {
    /// Puts the value at `row`; rows between the last value and this one become null.
    fn append(&mut self, row: usize, record: &[u8], span: Span) -> Result<(), Box<Fault>>;

    /// Takes everything at `row` and after it away again.
    fn truncate(&mut self, row: usize);

    /// The column with `rows` rows. It is empty afterwards.
    fn finish(&mut self, rows: usize) -> Result<ArrayRef, ArrowError>;
}

/// The values of an `array` column.
pub(crate) struct ListValues<C> {
    field: FieldRef,
    offsets: Vec<i32>,
    elements: Box<C>,
}

impl<C: NestedColumn> ListValues<C> {
    /// `elements` builds the column of all elements, of type `element`.
    pub(crate) fn new(element: &DataType, elements: C) -> ListValues<C> {
        ListValues { field: element_field(element), offsets: vec![0], elements: Box::new(elements) }
    }

    pub(crate) fn append(&mut self, record: &[u8], span: Span) -> Result<(), Box<Fault>> {
        let first = last_offset(&self.offsets);
        let mut count = 0;
        let mut at = skip_space(record, span.start() + 1);
        while byte(record, at) != b']' {
            let (element, after) = scan::value(record, at).map_err(Fault::malformed)?;
            self.elements.append(first + count, record, element).map_err(|fault| fault.in_element(count))?;
            count += 1;
            at = next_item(record, after);
        }
        self.offsets.push((first + count) as i32);
        Ok(())
    }

    pub(crate) fn fill(&mut self, row: usize) {
        self.offsets.resize(row + 1, last_offset(&self.offsets) as i32);
    }

    pub(crate) fn truncate(&mut self, row: usize) {
        self.offsets.truncate(row + 1);
        self.elements.truncate(last_offset(&self.offsets));
    }

    pub(crate) fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        let elements = self.elements.finish(last_offset(&self.offsets))?;
        Ok(Arc::new(ListArray::try_new(Arc::clone(&self.field), take_offsets(&mut self.offsets), elements, nulls)?))
    }
}

/// The values of a `map<string,value>` column. A key that comes twice keeps its first place and its last value.
pub(crate) struct MapValues<C> {
    entries: FieldRef,
    entry: Fields,
    offsets: Vec<i32>,
    keys: ByteValues,
    values: Box<C>,
}

impl<C: NestedColumn> MapValues<C> {
    /// `values` builds the column of all values, of type `value`.
    pub(crate) fn new(value: &DataType, values: C) -> MapValues<C> {
        MapValues {
            entries: entries_field(value),
            entry: entry_fields(value),
            offsets: vec![0],
            keys: ByteValues::new(0, 0),
            values: Box::new(values),
        }
    }

    pub(crate) fn append(&mut self, record: &[u8], span: Span) -> Result<(), Box<Fault>> {
        let first = last_offset(&self.offsets);
        let entries = distinct_entries(record, span).map_err(Fault::malformed)?;
        for (index, (key, value)) in entries.iter().enumerate() {
            self.keys.push(key);
            self.values.append(first + index, record, *value).map_err(|fault| fault.in_entry(key))?;
        }
        self.offsets.push((first + entries.len()) as i32);
        Ok(())
    }

    pub(crate) fn fill(&mut self, row: usize) {
        self.offsets.resize(row + 1, last_offset(&self.offsets) as i32);
    }

    pub(crate) fn truncate(&mut self, row: usize) {
        self.offsets.truncate(row + 1);
        let entries = last_offset(&self.offsets);
        self.keys.truncate(entries);
        self.values.truncate(entries);
    }

    pub(crate) fn finish(&mut self, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        let values = self.values.finish(last_offset(&self.offsets))?;
        let (key_offsets, key_text) = self.keys.take();
        let keys = Arc::new(StringArray::try_new(key_offsets, key_text, None)?);
        let entries = StructArray::try_new(self.entry.clone(), vec![keys, values], None)?;
        let offsets = take_offsets(&mut self.offsets);
        Ok(Arc::new(MapArray::try_new(Arc::clone(&self.entries), offsets, entries, nulls, false)?))
    }
}

/// The entries of the object at `span`, each key once.
fn distinct_entries(record: &[u8], span: Span) -> Result<Vec<(Vec<u8>, Span)>, Malformed> {
    let mut entries: Vec<(Vec<u8>, Span)> = Vec::new();
    let mut places: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut at = skip_space(record, span.start() + 1);
    while byte(record, at) != b'}' {
        let (key_span, value_at) = scan::key(record, at)?;
        let (value, after) = scan::value(record, value_at)?;
        at = next_item(record, after);
        let mut key = Vec::new();
        match key_span.kind {
            Kind::EscapedString => unescape(key_span.text(record), &mut key),
            _ => key.extend_from_slice(key_span.text(record)),
        }
        match places.get(&key) {
            Some(&place) => entries[place].1 = value,
            None => {
                places.insert(key.clone(), entries.len());
                entries.push((key, value));
            }
        }
    }
    Ok(entries)
}

/// The values of a `struct` column.
pub(crate) struct StructValues<C> {
    fields: Fields,
    keys: Keys,
    members: Vec<C>,
    /// Where the members' values lie in the object at hand.
    spans: Vec<Span>,
}

impl<C: NestedColumn> StructValues<C> {
    /// `columns` builds the column of each member.
    pub(crate) fn new(members: &[(String, DataType)], columns: Vec<C>) -> StructValues<C> {
        debug_assert_eq!(members.len(), columns.len(), "a column for each member");
        StructValues {
            fields: member_fields(members),
            keys: Keys::new(members.iter().map(|(name, _)| name.as_str())),
            members: columns,
            spans: vec![Span::ABSENT; members.len()],
        }
    }

    pub(crate) fn append(&mut self, row: usize, record: &[u8], span: Span) -> Result<(), Box<Fault>> {
        self.spans.fill(Span::ABSENT);
        let mut before = UNKNOWN;
        let mut at = skip_space(record, span.start() + 1);
        while byte(record, at) != b'}' {
            let (member, value_at) = self.keys.read(record, at, before).map_err(Fault::malformed)?;
            let (value, after) = scan::value(record, value_at).map_err(Fault::malformed)?;
            if let Some(place) = self.spans.get_mut(member as usize) {
                *place = value;
            }
            before = member;
            at = next_item(record, after);
        }
        for (index, (member, &value)) in self.members.iter_mut().zip(&self.spans).enumerate() {
            member.append(row, record, value).map_err(|fault| fault.in_member(self.fields[index].name()))?;
        }
        Ok(())
    }

    pub(crate) fn truncate(&mut self, row: usize) {
        for member in &mut self.members {
            member.truncate(row);
        }
    }

    pub(crate) fn finish(&mut self, rows: usize, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        let members = self.members.iter_mut().map(|member| member.finish(rows)).collect::<Result<Vec<_>, _>>()?;
        Ok(Arc::new(StructArray::try_new_with_length(self.fields.clone(), members, nulls, rows)?))
    }
}

/// Position of the next item or of the closing bracket, in a container that has been scanned before.
#[inline]
fn next_item(record: &[u8], after: usize) -> usize {
    let at = skip_space(record, after);
    if byte(record, at) == b',' { skip_space(record, at + 1) } else { at }
}

fn last_offset(offsets: &[i32]) -> usize {
    offsets.last().copied().unwrap_or(0) as usize
}

fn take_offsets(offsets: &mut Vec<i32>) -> OffsetBuffer<i32> {
    let mut empty = Vec::with_capacity(offsets.len());
    empty.push(0);
    OffsetBuffer::new(std::mem::replace(offsets, empty).into())
}
