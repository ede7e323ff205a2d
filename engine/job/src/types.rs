//! Column types as Spark's users write them: `bigint`, `array<struct<id:int,name:string>>`, `decimal(10,2)`.

use std::ops::Range;

use crate::model::DataType;

/// How deeply types may be nested.
const DEPTH_MAX: usize = 32;

/// The plain types: Spark's name first, then the other names that are taken.
pub(crate) const PLAIN: &[(DataType, &[&str])] = &[
    (DataType::Boolean, &["boolean", "bool"]),
    (DataType::Int, &["int", "integer", "int32"]),
    (DataType::BigInt, &["bigint", "long", "int64"]),
    (DataType::Float, &["float", "real", "float32"]),
    (DataType::Double, &["double", "float64"]),
    (DataType::String, &["string", "text"]),
    (DataType::Binary, &["binary", "bytes"]),
    (DataType::Date, &["date"]),
    (DataType::Timestamp, &["timestamp", "timestamp_ltz"]),
];

/// Names that other systems use, with the one to write here.
const FOREIGN: &[(&str, &str)] = &[
    ("tinyint", "int"),
    ("byte", "int"),
    ("smallint", "int"),
    ("short", "int"),
    ("int16", "int"),
    ("uint64", "decimal(20,0)"),
    ("varchar", "string"),
    ("char", "string"),
    ("str", "string"),
    ("uuid", "string"),
    ("json", "string"),
    ("object", "struct<…>"),
    ("list", "array<…>"),
    ("datetime", "timestamp"),
    ("timestamptz", "timestamp"),
    ("timestamp_ntz", "timestamp"),
    ("number", "double"),
    ("numeric", "decimal(18,6)"),
    ("interval", "bigint"),
];

/// What is wrong with a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TypeFault {
    /// Bytes of the type's text.
    pub range: Range<usize>,
    /// What stands under them.
    pub label: &'static str,
    /// What to write instead.
    pub help: String,
}

/// Reads a type.
///
/// # Errors
/// The first thing that is wrong with it, and its place in the text.
pub(crate) fn parse(text: &str) -> Result<DataType, TypeFault> {
    let mut reader = Reader { text, at: 0 };
    let data_type = reader.data_type(0)?;
    if reader.peek().is_some() {
        return Err(reader.fault_to_end("nothing may follow the type", "take this away"));
    }
    Ok(data_type)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn data_type(&mut self, depth: usize) -> Result<DataType, TypeFault> {
        if depth > DEPTH_MAX {
            let help = format!("nest at most {DEPTH_MAX} levels");
            return Err(TypeFault { range: self.at..self.text.len(), label: "nested too deeply", help });
        }
        let (name, range) = self.word();
        match name.to_ascii_lowercase().as_str() {
            "array" => {
                self.expect('<', "array<string>")?;
                let element = self.data_type(depth + 1)?;
                self.expect('>', "array<string>")?;
                Ok(DataType::Array(Box::new(element)))
            }
            "map" => self.map(depth),
            "struct" => self.fields(depth),
            "decimal" | "dec" => self.decimal(range),
            plain => match PLAIN.iter().find(|(_, names)| names.contains(&plain)) {
                Some((data_type, _)) => Ok(data_type.clone()),
                None => Err(unknown(plain, range)),
            },
        }
    }

    fn map(&mut self, depth: usize) -> Result<DataType, TypeFault> {
        self.expect('<', "map<string,int>")?;
        self.skip_space();
        let start = self.at;
        let key = self.data_type(depth + 1)?;
        if key != DataType::String {
            let help = "write map<string,…>: names in a JSON object are strings".to_owned();
            return Err(TypeFault { range: start..self.at, label: "the key of a map must be a string", help });
        }
        self.expect(',', "map<string,int>")?;
        let value = self.data_type(depth + 1)?;
        self.expect('>', "map<string,int>")?;
        Ok(DataType::Map(Box::new(value)))
    }

    fn fields(&mut self, depth: usize) -> Result<DataType, TypeFault> {
        const SHAPE: &str = "struct<id:int,name:string>";
        self.expect('<', SHAPE)?;
        let mut fields: Vec<(String, DataType)> = Vec::new();
        loop {
            let (name, range) = self.word();
            let name = name.to_owned();
            if name.is_empty() {
                return Err(self.fault("a field's name must stand here", format!("write it as {SHAPE}")));
            }
            if fields.iter().any(|(other, _)| other.eq_ignore_ascii_case(&name)) {
                let help = "give each field of a struct a name of its own".to_owned();
                return Err(TypeFault { range, label: "this field is there twice", help });
            }
            if self.peek() == Some(':') {
                self.take();
            }
            fields.push((name, self.data_type(depth + 1)?));
            if self.peek() != Some(',') {
                break;
            }
            self.take();
        }
        self.expect('>', SHAPE)?;
        Ok(DataType::Struct(fields))
    }

    fn decimal(&mut self, name: Range<usize>) -> Result<DataType, TypeFault> {
        if self.peek() != Some('(') {
            return Ok(DataType::Decimal(10, 0));
        }
        self.take();
        let precision = self.word().0.parse::<u8>().ok();
        let mut scale = Some(0);
        if self.peek() == Some(',') {
            self.take();
            scale = self.word().0.parse::<i8>().ok();
        }
        self.expect(')', "decimal(10,2)")?;
        match (precision, scale) {
            (Some(precision @ 1..=38), Some(scale @ 0..)) if scale.unsigned_abs() <= precision => {
                Ok(DataType::Decimal(precision, scale))
            }
            _ => {
                let help = "write decimal(digits,behind_the_point) with at most 38 digits, as decimal(10,2)".to_owned();
                Err(TypeFault { range: name.start..self.at, label: "no such decimal", help })
            }
        }
    }

    fn expect(&mut self, sign: char, shape: &str) -> Result<(), TypeFault> {
        if self.peek() == Some(sign) {
            self.take();
            return Ok(());
        }
        let label = match sign {
            '<' => "`<` must follow here",
            '>' => "`>` must follow here",
            ',' => "`,` must follow here",
            _ => "`)` must follow here",
        };
        Err(self.fault(label, format!("write it as {shape}")))
    }

    /// A fault at the next sign, or behind the last one.
    fn fault(&mut self, label: &'static str, help: String) -> TypeFault {
        let len = self.peek().map_or(0, char::len_utf8);
        TypeFault { range: self.at..self.at + len, label, help }
    }

    fn fault_to_end(&mut self, label: &'static str, help: &str) -> TypeFault {
        TypeFault { range: self.at..self.text.len(), label, help: help.to_owned() }
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn peek(&mut self) -> Option<char> {
        self.skip_space();
        self.rest().chars().next()
    }

    fn take(&mut self) {
        self.at += self.rest().chars().next().map_or(0, char::len_utf8);
    }

    /// The next word and its place; empty if a sign comes next.
    fn word(&mut self) -> (&str, Range<usize>) {
        self.skip_space();
        let belongs = |sign: char| sign.is_alphanumeric() || sign == '_' || sign == '-';
        let len = self.rest().find(|sign| !belongs(sign)).unwrap_or(self.rest().len());
        let range = self.at..self.at + len;
        self.at = range.end;
        (self.text.get(range.clone()).unwrap_or_default(), range)
    }
}

fn unknown(name: &str, range: Range<usize>) -> TypeFault {
    if name.is_empty() {
        let help = "write a type, as string, bigint, double, timestamp, array<string>".to_owned();
        return TypeFault { range, label: "a type must stand here", help };
    }
    let names: Vec<&str> = PLAIN.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    let foreign = FOREIGN.iter().find(|(foreign, _)| *foreign == name).map(|(_, ours)| *ours);
    let help = match foreign.or_else(|| crate::nearest::nearest(name, names.iter().copied())) {
        Some(ours) => format!("write {ours}"),
        None => format!(
            "use {}, decimal(10,2), array<…>, map<string,…> or struct<name:type,…>",
            PLAIN.iter().filter_map(|(_, names)| names.first().copied()).collect::<Vec<_>>().join(", ")
        ),
    };
    TypeFault { range, label: "no such type", help }
}

#[cfg(test)]
mod tests;
