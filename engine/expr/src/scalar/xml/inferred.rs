//! `schema_of_xml(text)`: the schema that a document shows.

use std::collections::BTreeMap;

use super::super::inferred::{Inferred, of_word};
use super::super::options::Options;
use super::document::{Document, Place};

/// The schema, in Spark's words.
pub fn schema(document: &Document, options: &Options) -> String {
    let without_attributes = options.is_on("excludeattribute");
    match element(document, document.top(), without_attributes) {
        kind @ Inferred::Struct(_) => kind.text(),
        plain => Inferred::Struct(vec![("_VALUE".to_string(), plain)]).text(),
    }
}

fn element(document: &Document, place: Place, without_attributes: bool) -> Inferred {
    let mut members: BTreeMap<String, Inferred> = BTreeMap::new();
    if !without_attributes {
        for attribute in document.attributes(place) {
            let (name, value) = (document.name(*attribute).unwrap_or_default(), document.value(*attribute));
            members.insert(format!("_{name}"), of_word(value.unwrap_or_default().trim(), false));
        }
    }
    let mut texts = String::new();
    for child in document.children(place) {
        let Some(name) = document.name(child) else {
            texts.push_str(&document.value(child).unwrap_or_default());
            continue;
        };
        let kind = element(document, child, without_attributes);
        let kind = match members.remove(name) {
            None => kind,
            Some(Inferred::Array(before)) => Inferred::Array(Box::new(before.with(kind))),
            Some(before) => Inferred::Array(Box::new(joined(before, kind))),
        };
        members.insert(name.to_string(), kind);
    }
    let text = texts.trim();
    if members.is_empty() {
        return if text.is_empty() { Inferred::Null } else { of_word(text, false) };
    }
    if !text.is_empty() {
        members.insert("_VALUE".to_string(), of_word(text, false));
    }
    Inferred::Struct(members.into_iter().collect())
}

/// A plain element beside one with attributes is the text of such a one.
fn joined(left: Inferred, right: Inferred) -> Inferred {
    match (left, right) {
        (plain, Inferred::Struct(members)) | (Inferred::Struct(members), plain)
            if !matches!(plain, Inferred::Struct(_) | Inferred::Null) =>
        {
            Inferred::Struct(members).with(Inferred::Struct(vec![("_VALUE".to_string(), plain)]))
        }
        (left, right) => left.with(right),
    }
}
