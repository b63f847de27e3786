//! `@@ROWCOUNT` and its like.

use crate::sandbox::sp::sql::ast::Name;
use crate::sandbox::sp::sql::eval::Env;
use crate::sandbox::sp::sql::failure::{self, Answer};
use crate::sandbox::sp::sql::own::What;
use crate::sandbox::sp::sql::value::{Type, Value};

/// What `@@VERSION` tells.
pub const VERSION: &str = "Microsoft SQL Server 2019 (RTM-CU25) (KB5033688) - 15.0.4355.3 (X64) \n\tSandbox of pult: a \
                           simulator, not the product of Microsoft";

/// A global, by its name without `@@`.
///
/// # Errors
/// 137 for one that does not exist.
pub fn global(env: &Env, name: &str) -> Answer<Value> {
    let own = env.own;
    let options = &own.options;
    let text = |text: &str| Value::Text(text.to_owned());
    Ok(match name.to_ascii_uppercase().as_str() {
        "ERROR" => Value::Int(own.error),
        "ROWCOUNT" => Value::Int(own.row_count as i32),
        "TRANCOUNT" => Value::Int(own.transactions() as i32),
        "SPID" => Value::SmallInt(own.spid as i16),
        "VERSION" => text(VERSION),
        "SERVERNAME" => text("SANDBOX"),
        "SERVICENAME" => text("MSSQLSERVER"),
        "LANGUAGE" => text(&options.language),
        "LANGID" => Value::SmallInt(if options.language == "us_english" { 0 } else { 21 }),
        "NESTLEVEL" => Value::Int(own.nest_level() as i32),
        "PROCID" => Value::Int(match own.frame().map(|frame| &frame.what) {
            Some(What::Procedure { id, .. }) => *id,
            _ => 0,
        }),
        "IDENTITY" => identity(own.identity),
        "LOCK_TIMEOUT" => Value::Int(options.lock_timeout),
        "TEXTSIZE" => Value::Int(options.text_size),
        "DATEFIRST" => Value::TinyInt(options.date_first),
        "MAX_PRECISION" => Value::TinyInt(38),
        "MAX_CONNECTIONS" => Value::Int(32767),
        "MICROSOFTVERSION" => Value::Int(0x0F00_1103),
        "OPTIONS" => Value::Int(option_bits(env)),
        "FETCH_STATUS" => Value::Int(0),
        "CURSOR_ROWS" => Value::Int(0),
        "DBTS" => Value::Binary(vec![0, 0, 0, 0, 0, 0, 7, 208]),
        other => return Err(failure::undeclared(&format!("@@{other}"))),
    })
}

pub fn identity(number: Option<i128>) -> Value {
    number.map_or(Value::Null, |digits| Value::Decimal { digits, precision: 38, scale: 0 })
}

fn option_bits(env: &Env) -> i32 {
    const BITS: [(&str, i32); 13] = [
        ("IMPLICIT_TRANSACTIONS", 2),
        ("ANSI_WARNINGS", 8),
        ("ANSI_PADDING", 16),
        ("ANSI_NULLS", 32),
        ("ARITHABORT", 64),
        ("ARITHIGNORE", 128),
        ("QUOTED_IDENTIFIER", 256),
        ("NOCOUNT", 512),
        ("ANSI_NULL_DFLT_ON", 1024),
        ("ANSI_NULL_DFLT_OFF", 2048),
        ("CONCAT_NULL_YIELDS_NULL", 4096),
        ("NUMERIC_ROUNDABORT", 8192),
        ("XACT_ABORT", 16384),
    ];
    BITS.iter().filter(|(name, _)| env.own.options.is_on(name)).map(|(_, bit)| bit).sum()
}

/// Number of an object that a name means; temporary tables are looked up as `tempdb..#t`.
pub fn object_id(env: &Env, name: &Name) -> Option<i32> {
    if name.name.starts_with('#') {
        return env.own.temporary(&name.name).map(|temporary| temporary.object.id);
    }
    env.state.find(name, env.own.database).map(|(_, object)| object.id)
}

/// The type of SCOPE_IDENTITY() and @@IDENTITY.
pub const IDENTITY: Type = Type::Decimal { precision: 38, scale: 0 };
