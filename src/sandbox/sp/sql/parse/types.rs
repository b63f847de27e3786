//! Names of types.

use super::Parser;
use crate::sandbox::sp::sql::failure::{self, Answer};
use crate::sandbox::sp::sql::lexer::Kind;
use crate::sandbox::sp::sql::value::Type;

/// What stands in the brackets after a type.
#[derive(Clone, Copy)]
enum Length {
    None,
    Max,
    Of(u32),
    Two(u32, u32),
}

impl Parser<'_> {
    /// A type, with its length; `nvarchar` alone is as long as in a declaration: 1.
    pub(super) fn kind(&mut self) -> Answer<Type> {
        self.kind_of_length(1)
    }

    /// In CAST and CONVERT a text without a length has 30 characters.
    pub(super) fn kind_in_cast(&mut self) -> Answer<Type> {
        self.kind_of_length(30)
    }

    fn kind_of_length(&mut self, usual: u16) -> Answer<Type> {
        let line = self.token().line;
        let mut name = match self.next() {
            Kind::Word(name) | Kind::Quoted(name) => name.to_ascii_lowercase(),
            _ => {
                self.at -= 1;
                return Err(self.wrong());
            }
        };
        if name == "sys" && self.eat_sign(".") {
            name = self.identifier()?.to_ascii_lowercase();
        }
        if name == "national" {
            name = format!("n{}", self.identifier()?.to_ascii_lowercase());
        }
        if name == "double" && self.eat_word("PRECISION") {
            return Ok(Type::Float);
        }
        let varying = matches!(name.as_str(), "char" | "character" | "nchar" | "binary") && self.eat_word("VARYING");
        let length = self.length()?;
        named(&name, varying, length, usual).map_err(|error| error.line(line))
    }

    fn length(&mut self) -> Answer<Length> {
        if !self.eat_sign("(") {
            return Ok(Length::None);
        }
        let length = if self.eat_word("MAX") {
            Length::Max
        } else {
            let first = self.number()?;
            if self.eat_sign(",") { Length::Two(first, self.number()?) } else { Length::Of(first) }
        };
        self.need_sign(")")?;
        Ok(length)
    }

    fn number(&mut self) -> Answer<u32> {
        let number = match self.kind_at(0) {
            Kind::Integer(digits) => digits.parse().ok(),
            _ => None,
        };
        let Some(number) = number else { return Err(self.wrong()) };
        self.next();
        Ok(number)
    }
}

fn named(name: &str, varying: bool, length: Length, usual: u16) -> Answer<Type> {
    let bad_length = |number: u32, most: u16| {
        let text = format!(
            "The size ({number}) given to the type '{name}' exceeds the maximum allowed for any data type ({most})."
        );
        failure::failure(131, 15, 2, text).reach(failure::Reach::Scope)
    };
    let within = |most: u16| match length {
        Length::None => Ok(Some(usual)),
        Length::Max => Ok(None),
        Length::Of(0) => Err(failure::syntax("0")),
        Length::Of(number) if number <= u32::from(most) => Ok(Some(number as u16)),
        Length::Of(number) | Length::Two(number, _) => Err(bad_length(number, most)),
    };
    let fixed = |most: u16| within(most)?.ok_or_else(|| failure::syntax("max"));
    let scale = || match length {
        Length::None => Ok(7),
        Length::Of(number @ 0..=7) => Ok(number as u8),
        _ => Err(failure::failure(1002, 15, 1, "Line 1: Specified scale is invalid.").reach(failure::Reach::Scope)),
    };
    Ok(match name {
        "bit" => Type::Bit,
        "tinyint" => Type::TinyInt,
        "smallint" => Type::SmallInt,
        "int" | "integer" => Type::Int,
        "bigint" => Type::BigInt,
        "real" => Type::Real,
        "float" => match length {
            Length::Of(1..=24) => Type::Real,
            _ => Type::Float,
        },
        "decimal" | "numeric" | "dec" => decimal(length)?,
        "money" => Type::Money,
        "smallmoney" => Type::SmallMoney,
        "char" | "character" if varying => Type::VarChar(within(8000)?),
        "nchar" if varying => Type::NVarChar(within(4000)?),
        "ncharacter" => Type::NChar(fixed(4000)?),
        "binary" if varying => Type::VarBinary(within(8000)?),
        "char" | "character" => Type::Char(fixed(8000)?),
        "varchar" => Type::VarChar(within(8000)?),
        "nchar" => Type::NChar(fixed(4000)?),
        "nvarchar" => Type::NVarChar(within(4000)?),
        "sysname" => Type::NAME,
        "text" => Type::Text,
        "ntext" => Type::NText,
        "image" => Type::Image,
        "binary" => Type::Binary(fixed(8000)?),
        "varbinary" => Type::VarBinary(within(8000)?),
        "timestamp" | "rowversion" => Type::Binary(8),
        "uniqueidentifier" => Type::Guid,
        "date" => Type::Date,
        "time" => Type::Time(scale()?),
        "datetime" => Type::DateTime,
        "smalldatetime" => Type::SmallDateTime,
        "datetime2" => Type::DateTime2(scale()?),
        "datetimeoffset" => Type::DateTimeOffset(scale()?),
        "xml" => Type::Xml,
        "sql_variant" => Type::Variant,
        _ => return Err(failure::no_type(name)),
    })
}

fn decimal(length: Length) -> Answer<Type> {
    let (precision, scale) = match length {
        Length::None => (18, 0),
        Length::Of(precision) => (precision, 0),
        Length::Two(precision, scale) => (precision, scale),
        Length::Max => return Err(failure::syntax("max")),
    };
    if !(1..=38).contains(&precision) {
        let text = format!("The size ({precision}) given to the type 'decimal' exceeds the maximum allowed (38).");
        return Err(failure::failure(2750, 16, 1, text).reach(failure::Reach::Scope));
    }
    if scale > precision {
        let text = "The scale must be less than or equal to the precision.";
        return Err(failure::failure(192, 15, 1, text).reach(failure::Reach::Scope));
    }
    Ok(Type::Decimal { precision: precision as u8, scale: scale as u8 })
}
