//! A column of a source or of a static table, and its type.

/// A column of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Name in SQL.
    pub name: String,
    /// Name in the record; the same as `name` unless the file says otherwise.
    pub field: String,
    /// Type of its values.
    pub data_type: DataType,
    /// A record without it is rejected.
    pub required: bool,
}

/// A column type, in Spark's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataType {
    /// `boolean`
    Boolean,
    /// `int`, 32 bits
    Int,
    /// `bigint`, 64 bits
    BigInt,
    /// `float`, 32 bits
    Float,
    /// `double`, 64 bits
    Double,
    /// `decimal(precision,scale)`
    Decimal(u8, i8),
    /// `string`
    String,
    /// `binary` (base64 in JSON)
    Binary,
    /// `date`
    Date,
    /// `timestamp`: an instant, microseconds, UTC
    Timestamp,
    /// `array<element>`
    Array(Box<DataType>),
    /// `map<string,value>`
    Map(Box<DataType>),
    /// `struct<name:type,…>`
    Struct(Vec<(String, DataType)>),
}
