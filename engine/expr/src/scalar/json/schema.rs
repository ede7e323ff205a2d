//! Schemas as Spark writes them: `a INT, b ARRAY<STRING>`, `struct<a: int, b: map<string, double>>`.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields};

use crate::types::{instant, local_time};
use crate::variant::variant;

/// Reads a schema: a list of columns (a struct), or one type.
///
/// # Errors
/// What is wrong with it.
pub fn parse(text: &str) -> Result<DataType, String> {
    let mut reader = Reader { letters: text.chars().collect(), at: 0 };
    if let Ok(kind) = reader.kind()
        && reader.is_at_end()
    {
        return Ok(kind);
    }
    reader.at = 0;
    let fields = reader.fields(None)?;
    if !reader.is_at_end() {
        return Err(reader.problem("the end"));
    }
    Ok(DataType::Struct(fields))
}

struct Reader {
    letters: Vec<char>,
    at: usize,
}

impl Reader {
    fn blank(&mut self) {
        while self.letters.get(self.at).is_some_and(|letter| letter.is_whitespace()) {
            self.at += 1;
        }
    }

    fn is_at_end(&mut self) -> bool {
        self.blank();
        self.at == self.letters.len()
    }

    fn take(&mut self, wanted: char) -> bool {
        self.blank();
        let is_there = self.letters.get(self.at) == Some(&wanted);
        self.at += usize::from(is_there);
        is_there
    }

    fn need(&mut self, wanted: char) -> Result<(), String> {
        if self.take(wanted) { Ok(()) } else { Err(self.problem(&format!("`{wanted}`"))) }
    }

    fn problem(&self, wanted: &str) -> String {
        let rest: String = self.letters[self.at.min(self.letters.len())..].iter().take(20).collect();
        match rest.is_empty() {
            true => format!("the schema ends where {wanted} should be"),
            false => format!("the schema needs {wanted} at `{rest}`"),
        }
    }

    fn word(&mut self) -> Result<String, String> {
        self.blank();
        let start = self.at;
        while self.letters.get(self.at).is_some_and(|letter| letter.is_alphanumeric() || *letter == '_') {
            self.at += 1;
        }
        if start == self.at { Err(self.problem("a name")) } else { Ok(self.letters[start..self.at].iter().collect()) }
    }

    fn name(&mut self) -> Result<String, String> {
        if !self.take('`') {
            return self.word();
        }
        let mut name = String::new();
        loop {
            match self.letters.get(self.at) {
                Some('`') if self.letters.get(self.at + 1) == Some(&'`') => {
                    name.push('`');
                    self.at += 2;
                }
                Some('`') => {
                    self.at += 1;
                    return Ok(name);
                }
                Some(letter) => {
                    name.push(*letter);
                    self.at += 1;
                }
                None => return Err(self.problem("a closing backtick")),
            }
        }
    }

    /// Columns up to `close` (taken), or up to the end.
    fn fields(&mut self, close: Option<char>) -> Result<Fields, String> {
        let mut fields: Vec<Field> = Vec::new();
        loop {
            if let Some(close) = close
                && self.take(close)
            {
                break;
            }
            let name = self.name()?;
            self.take(':');
            let kind = self.kind()?;
            self.ornaments()?;
            if fields.iter().any(|field| *field.name() == name) {
                return Err(format!("the schema has two columns named `{name}`"));
            }
            fields.push(Field::new(name, kind, true));
            if self.take(',') {
                continue;
            }
            if let Some(close) = close {
                self.need(close)?;
            }
            break;
        }
        Ok(fields.into())
    }

    /// `NOT NULL` and `COMMENT '…'`, which change nothing here.
    fn ornaments(&mut self) -> Result<(), String> {
        loop {
            let before = self.at;
            match self.word().unwrap_or_default().to_ascii_uppercase().as_str() {
                "NOT" => {
                    if !self.word()?.eq_ignore_ascii_case("null") {
                        return Err(self.problem("NULL"));
                    }
                }
                "COMMENT" => {
                    self.need('\'')?;
                    while !self.take('\'') {
                        if self.at >= self.letters.len() {
                            return Err(self.problem("a closing quote"));
                        }
                        self.at += 1;
                    }
                }
                _ => {
                    self.at = before;
                    return Ok(());
                }
            }
        }
    }

    fn kind(&mut self) -> Result<DataType, String> {
        let word = self.word()?.to_ascii_lowercase();
        Ok(match word.as_str() {
            "tinyint" | "byte" => DataType::Int8,
            "smallint" | "short" => DataType::Int16,
            "int" | "integer" => DataType::Int32,
            "bigint" | "long" => DataType::Int64,
            "float" | "real" => DataType::Float32,
            "double" => DataType::Float64,
            "boolean" => DataType::Boolean,
            "string" => DataType::Utf8,
            "varchar" | "char" => {
                self.numbers()?;
                DataType::Utf8
            }
            "binary" => DataType::Binary,
            "date" => DataType::Date32,
            "timestamp" | "timestamp_ltz" => instant(),
            "timestamp_ntz" => local_time(),
            "decimal" | "dec" | "numeric" => match self.numbers()?.as_slice() {
                [] => DataType::Decimal128(10, 0),
                [precision] => DataType::Decimal128(*precision, 0),
                [precision, scale, ..] => DataType::Decimal128(*precision, *scale as i8),
            },
            "variant" => variant(),
            "array" => {
                self.need('<')?;
                let element = self.kind()?;
                self.need('>')?;
                DataType::List(Arc::new(Field::new_list_field(element, true)))
            }
            "map" => {
                self.need('<')?;
                let key = self.kind()?;
                self.need(',')?;
                let value = self.kind()?;
                self.need('>')?;
                let fields = vec![Field::new("key", key, false), Field::new("value", value, true)];
                DataType::Map(Arc::new(Field::new("entries", DataType::Struct(fields.into()), false)), false)
            }
            "struct" => {
                self.need('<')?;
                DataType::Struct(self.fields(Some('>'))?)
            }
            other => return Err(format!("there is no type `{other}`")),
        })
    }

    fn numbers(&mut self) -> Result<Vec<u8>, String> {
        let mut numbers = Vec::new();
        if !self.take('(') {
            return Ok(numbers);
        }
        loop {
            let number = self.word()?.parse::<u32>().map_err(|_| self.problem("a number"))?;
            numbers.push(u8::try_from(number).unwrap_or(u8::MAX));
            if !self.take(',') {
                self.need(')')?;
                return Ok(numbers);
            }
        }
    }
}
