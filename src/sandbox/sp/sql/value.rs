//! Values and types of T-SQL.

use std::fmt;

/// A value, with as much of its type as is needed to send it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bit(bool),
    TinyInt(u8),
    SmallInt(i16),
    Int(i32),
    BigInt(i64),
    Real(f32),
    Float(f64),
    /// `digits` / 10^`scale`.
    Decimal {
        digits: i128,
        precision: u8,
        scale: u8,
    },
    /// Ten-thousandths.
    Money(i64),
    SmallMoney(i32),
    /// nvarchar, nchar.
    Text(String),
    /// varchar, char: code page 1251.
    Char(String),
    Binary(Vec<u8>),
    /// In the order of its text.
    Guid([u8; 16]),
    /// Days since 0001-01-01.
    Date(i32),
    /// Ticks are of 100 ns, since midnight.
    Time {
        ticks: u64,
        scale: u8,
    },
    /// Days since 1900-01-01, ticks of 1/300 s.
    DateTime {
        days: i32,
        ticks: u32,
    },
    /// Days since 1900-01-01.
    SmallDateTime {
        days: u16,
        minutes: u16,
    },
    /// Days since 0001-01-01, ticks of 100 ns.
    DateTime2 {
        days: i32,
        ticks: u64,
        scale: u8,
    },
    /// Day and time are of UTC, as on the wire; `minutes` is the offset.
    DateTimeOffset {
        days: i32,
        ticks: u64,
        scale: u8,
        minutes: i16,
    },
    Xml(String),
    Variant(Box<Value>),
}

/// A type with its length. Lengths of texts are in characters, `None` is `max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Bit,
    TinyInt,
    SmallInt,
    Int,
    BigInt,
    Real,
    Float,
    Decimal { precision: u8, scale: u8 },
    Money,
    SmallMoney,
    NVarChar(Option<u16>),
    NChar(u16),
    NText,
    VarChar(Option<u16>),
    Char(u16),
    Text,
    VarBinary(Option<u16>),
    Binary(u16),
    Image,
    Guid,
    Date,
    Time(u8),
    DateTime,
    SmallDateTime,
    DateTime2(u8),
    DateTimeOffset(u8),
    Xml,
    Variant,
}

/// What kind of thing a type holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    Integer,
    Exact,
    Approximate,
    Text,
    Binary,
    Moment,
    Guid,
    Xml,
    Variant,
}

impl Type {
    /// What people write when they mean any text: `nvarchar(4000)`.
    pub const TEXT: Type = Type::NVarChar(Some(4000));
    /// A name of something in a database.
    pub const NAME: Type = Type::NVarChar(Some(128));

    pub fn family(self) -> Family {
        match self {
            Type::Bit | Type::TinyInt | Type::SmallInt | Type::Int | Type::BigInt => Family::Integer,
            Type::Decimal { .. } | Type::Money | Type::SmallMoney => Family::Exact,
            Type::Real | Type::Float => Family::Approximate,
            Type::NVarChar(_) | Type::NChar(_) | Type::NText => Family::Text,
            Type::VarChar(_) | Type::Char(_) | Type::Text => Family::Text,
            Type::VarBinary(_) | Type::Binary(_) | Type::Image => Family::Binary,
            Type::Guid => Family::Guid,
            Type::Date | Type::Time(_) | Type::DateTime | Type::SmallDateTime => Family::Moment,
            Type::DateTime2(_) | Type::DateTimeOffset(_) => Family::Moment,
            Type::Xml => Family::Xml,
            Type::Variant => Family::Variant,
        }
    }

    pub fn is_text(self) -> bool {
        self.family() == Family::Text
    }

    pub fn is_number(self) -> bool {
        matches!(self.family(), Family::Integer | Family::Exact | Family::Approximate)
    }

    /// Whether a text of this type has the characters of Unicode.
    pub fn is_unicode(self) -> bool {
        matches!(self, Type::NVarChar(_) | Type::NChar(_) | Type::NText | Type::Xml)
    }

    /// Of two types that meet, the one with the higher rank wins.
    pub fn rank(self) -> u8 {
        match self {
            Type::Variant => 30,
            Type::Xml => 29,
            Type::DateTimeOffset(_) => 28,
            Type::DateTime2(_) => 27,
            Type::DateTime => 26,
            Type::SmallDateTime => 25,
            Type::Date => 24,
            Type::Time(_) => 23,
            Type::Float => 22,
            Type::Real => 21,
            Type::Decimal { .. } => 20,
            Type::Money => 19,
            Type::SmallMoney => 18,
            Type::BigInt => 17,
            Type::Int => 16,
            Type::SmallInt => 15,
            Type::TinyInt => 14,
            Type::Bit => 13,
            Type::NText => 12,
            Type::Text => 11,
            Type::Image => 10,
            Type::Guid => 9,
            Type::NVarChar(_) => 8,
            Type::NChar(_) => 7,
            Type::VarChar(_) => 6,
            Type::Char(_) => 5,
            Type::VarBinary(_) => 4,
            Type::Binary(_) => 3,
        }
    }

    /// The name without a length, as messages have it.
    pub fn name(self) -> &'static str {
        match self {
            Type::Bit => "bit",
            Type::TinyInt => "tinyint",
            Type::SmallInt => "smallint",
            Type::Int => "int",
            Type::BigInt => "bigint",
            Type::Real => "real",
            Type::Float => "float",
            Type::Decimal { .. } => "numeric",
            Type::Money => "money",
            Type::SmallMoney => "smallmoney",
            Type::NVarChar(_) => "nvarchar",
            Type::NChar(_) => "nchar",
            Type::NText => "ntext",
            Type::VarChar(_) => "varchar",
            Type::Char(_) => "char",
            Type::Text => "text",
            Type::VarBinary(_) => "varbinary",
            Type::Binary(_) => "binary",
            Type::Image => "image",
            Type::Guid => "uniqueidentifier",
            Type::Date => "date",
            Type::Time(_) => "time",
            Type::DateTime => "datetime",
            Type::SmallDateTime => "smalldatetime",
            Type::DateTime2(_) => "datetime2",
            Type::DateTimeOffset(_) => "datetimeoffset",
            Type::Xml => "xml",
            Type::Variant => "sql_variant",
        }
    }

    /// The length of a text or of bytes; `None` for `max` and for what has none.
    pub fn length(self) -> Option<u16> {
        match self {
            Type::NVarChar(length) | Type::VarChar(length) | Type::VarBinary(length) => length,
            Type::NChar(length) | Type::Char(length) | Type::Binary(length) => Some(length),
            _ => None,
        }
    }

    /// `(precision, scale)` of a number, as `sys.columns` has them.
    pub fn digits(self) -> (u8, u8) {
        match self {
            Type::Bit => (1, 0),
            Type::TinyInt => (3, 0),
            Type::SmallInt => (5, 0),
            Type::Int => (10, 0),
            Type::BigInt => (19, 0),
            Type::Real => (24, 0),
            Type::Float => (53, 0),
            Type::Decimal { precision, scale } => (precision, scale),
            Type::Money => (19, 4),
            Type::SmallMoney => (10, 4),
            Type::DateTime => (23, 3),
            Type::SmallDateTime => (16, 0),
            Type::Date => (10, 0),
            Type::Time(scale) => (if scale == 0 { 8 } else { 9 + scale }, scale),
            Type::DateTime2(scale) => (if scale == 0 { 19 } else { 20 + scale }, scale),
            Type::DateTimeOffset(scale) => (if scale == 0 { 26 } else { 27 + scale }, scale),
            _ => (0, 0),
        }
    }

    /// Bytes in a row, as `sys.columns.max_length` has them; -1 is `max`.
    pub fn bytes(self) -> i16 {
        let long = |length: Option<u16>, width: i16| length.map_or(-1, |length| length as i16 * width);
        match self {
            Type::Bit | Type::TinyInt => 1,
            Type::SmallInt => 2,
            Type::Int | Type::Real | Type::SmallMoney | Type::SmallDateTime => 4,
            Type::BigInt | Type::Float | Type::Money | Type::DateTime => 8,
            Type::Decimal { precision: 0..=9, .. } => 5,
            Type::Decimal { precision: 10..=19, .. } => 9,
            Type::Decimal { precision: 20..=28, .. } => 13,
            Type::Decimal { .. } => 17,
            Type::NVarChar(length) => long(length, 2),
            Type::VarChar(length) | Type::VarBinary(length) => long(length, 1),
            Type::NChar(length) => length as i16 * 2,
            Type::Char(length) | Type::Binary(length) => length as i16,
            Type::NText | Type::Text | Type::Image | Type::Guid => 16,
            Type::Date => 3,
            Type::Time(scale) => [3, 3, 3, 4, 4, 5, 5, 5][scale.min(7) as usize],
            Type::DateTime2(scale) => [6, 6, 6, 7, 7, 8, 8, 8][scale.min(7) as usize],
            Type::DateTimeOffset(scale) => [8, 8, 8, 9, 9, 10, 10, 10][scale.min(7) as usize],
            Type::Xml => -1,
            Type::Variant => 8016,
        }
    }

    /// `system_type_id` of `sys.columns`.
    pub fn id(self) -> u8 {
        match self {
            Type::Image => 34,
            Type::Text => 35,
            Type::Guid => 36,
            Type::Date => 40,
            Type::Time(_) => 41,
            Type::DateTime2(_) => 42,
            Type::DateTimeOffset(_) => 43,
            Type::TinyInt => 48,
            Type::SmallInt => 52,
            Type::Int => 56,
            Type::SmallDateTime => 58,
            Type::Real => 59,
            Type::Money => 60,
            Type::DateTime => 61,
            Type::Float => 62,
            Type::Variant => 98,
            Type::NText => 99,
            Type::Bit => 104,
            Type::Decimal { .. } => 108,
            Type::SmallMoney => 122,
            Type::BigInt => 127,
            Type::VarBinary(_) => 165,
            Type::VarChar(_) => 167,
            Type::Binary(_) => 173,
            Type::Char(_) => 175,
            Type::NVarChar(_) => 231,
            Type::NChar(_) => 239,
            Type::Xml => 241,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match self {
            Type::NVarChar(None) | Type::VarChar(None) | Type::VarBinary(None) => write!(f, "{name}(max)"),
            Type::Decimal { precision, scale } => write!(f, "decimal({precision},{scale})"),
            Type::Time(scale) | Type::DateTime2(scale) | Type::DateTimeOffset(scale) => write!(f, "{name}({scale})"),
            _ => match self.length() {
                Some(length) => write!(f, "{name}({length})"),
                None => f.write_str(name),
            },
        }
    }
}

impl Value {
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    pub fn text(text: impl Into<String>) -> Value {
        Value::Text(text.into())
    }

    /// The type that the value itself knows; NULL is an `int`, as in `SELECT NULL`.
    pub fn kind(&self) -> Type {
        let long = |length: usize, most: usize| (length <= most).then(|| length.max(1) as u16);
        match self {
            Value::Null | Value::Int(_) => Type::Int,
            Value::Bit(_) => Type::Bit,
            Value::TinyInt(_) => Type::TinyInt,
            Value::SmallInt(_) => Type::SmallInt,
            Value::BigInt(_) => Type::BigInt,
            Value::Real(_) => Type::Real,
            Value::Float(_) => Type::Float,
            &Value::Decimal { precision, scale, .. } => Type::Decimal { precision, scale },
            Value::Money(_) => Type::Money,
            Value::SmallMoney(_) => Type::SmallMoney,
            Value::Text(text) => Type::NVarChar(long(text.encode_utf16().count(), 4000)),
            Value::Char(text) => Type::VarChar(long(text.chars().count(), 8000)),
            Value::Binary(bytes) => Type::VarBinary(long(bytes.len(), 8000)),
            Value::Guid(_) => Type::Guid,
            Value::Date(_) => Type::Date,
            &Value::Time { scale, .. } => Type::Time(scale),
            Value::DateTime { .. } => Type::DateTime,
            Value::SmallDateTime { .. } => Type::SmallDateTime,
            &Value::DateTime2 { scale, .. } => Type::DateTime2(scale),
            &Value::DateTimeOffset { scale, .. } => Type::DateTimeOffset(scale),
            Value::Xml(_) => Type::Xml,
            Value::Variant(_) => Type::Variant,
        }
    }

    /// The text of a text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) | Value::Char(text) | Value::Xml(text) => Some(text),
            Value::Variant(inner) => inner.as_text(),
            _ => None,
        }
    }

    /// The number of an integer.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            &Value::Bit(bit) => Some(i64::from(bit)),
            &Value::TinyInt(number) => Some(i64::from(number)),
            &Value::SmallInt(number) => Some(i64::from(number)),
            &Value::Int(number) => Some(i64::from(number)),
            &Value::BigInt(number) => Some(number),
            Value::Variant(inner) => inner.as_integer(),
            _ => None,
        }
    }
}

/// A parameter of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// With `@`; empty for one by position.
    pub name: String,
    pub kind: Type,
    pub value: Value,
    pub output: bool,
    /// `DEFAULT` was given in place of a value.
    pub default: bool,
}

impl Parameter {
    /// A parameter that goes in.
    pub fn new(name: impl Into<String>, value: Value) -> Parameter {
        Parameter { name: name.into(), kind: value.kind(), value, output: false, default: false }
    }
}
