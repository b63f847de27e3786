//! Functions that tell about the server, the session, objects and locks.

use super::globals::{IDENTITY, identity, object_id};
use super::texts::of_caught;
use super::{Function, integer, text};
use crate::sandbox::sp::sql::eval::Env;
use crate::sandbox::sp::sql::failure::Answer;
use crate::sandbox::sp::sql::locks::{Mode, Owner, Resource};
use crate::sandbox::sp::sql::parse;
use crate::sandbox::sp::sql::table::same_name;
use crate::sandbox::sp::sql::value::{Type, Value};
use crate::sandbox::sp::world::{DBO, Object, Thing};

const NAME: fn(&[Type]) -> Type = |_| Type::NAME;
const INT: fn(&[Type]) -> Type = |_| Type::Int;
const TEXT: fn(&[Type]) -> Type = |_| Type::TEXT;
const VARIANT: fn(&[Type]) -> Type = |_| Type::NVarChar(Some(128));

pub const FUNCTIONS: &[Function] = &[
    Function { name: "NEWID", arguments: (0, 0), kind: |_| Type::Guid, run: new_id },
    Function { name: "DB_NAME", arguments: (0, 1), kind: NAME, run: database_name },
    Function { name: "DB_ID", arguments: (0, 1), kind: |_| Type::SmallInt, run: database_id },
    Function { name: "ORIGINAL_DB_NAME", arguments: (0, 0), kind: NAME, run: database_name },
    Function { name: "OBJECT_ID", arguments: (1, 2), kind: INT, run: id_of_object },
    Function { name: "OBJECT_NAME", arguments: (1, 2), kind: NAME, run: name_of_object },
    Function { name: "OBJECT_SCHEMA_NAME", arguments: (1, 2), kind: NAME, run: schema_of_object },
    Function { name: "OBJECT_DEFINITION", arguments: (1, 1), kind: |_| Type::NVarChar(None), run: definition },
    Function { name: "OBJECTPROPERTY", arguments: (2, 2), kind: INT, run: object_property },
    Function { name: "COL_LENGTH", arguments: (2, 2), kind: |_| Type::SmallInt, run: column_length },
    Function { name: "SCHEMA_ID", arguments: (0, 1), kind: INT, run: schema_id },
    Function { name: "SCHEMA_NAME", arguments: (0, 1), kind: NAME, run: schema_name },
    Function { name: "TYPE_NAME", arguments: (1, 1), kind: NAME, run: type_name },
    Function { name: "SUSER_SNAME", arguments: (0, 1), kind: NAME, run: login },
    Function { name: "SUSER_NAME", arguments: (0, 1), kind: NAME, run: login },
    Function { name: "ORIGINAL_LOGIN", arguments: (0, 0), kind: NAME, run: login },
    Function { name: "SYSTEM_USER", arguments: (0, 0), kind: NAME, run: login },
    Function { name: "USER_NAME", arguments: (0, 1), kind: NAME, run: user },
    Function { name: "USER", arguments: (0, 0), kind: NAME, run: user },
    Function { name: "CURRENT_USER", arguments: (0, 0), kind: NAME, run: user },
    Function { name: "SESSION_USER", arguments: (0, 0), kind: NAME, run: user },
    Function { name: "IS_SRVROLEMEMBER", arguments: (1, 2), kind: INT, run: |_, _| Ok(Value::Int(1)) },
    Function { name: "IS_MEMBER", arguments: (1, 1), kind: INT, run: |_, _| Ok(Value::Int(1)) },
    Function { name: "HAS_DBACCESS", arguments: (1, 1), kind: INT, run: has_access },
    Function { name: "HAS_PERMS_BY_NAME", arguments: (3, 5), kind: INT, run: |_, _| Ok(Value::Int(1)) },
    Function {
        name: "HOST_NAME",
        arguments: (0, 0),
        kind: NAME,
        run: |env, _| Ok(of_client(env, |client| client.host.clone())),
    },
    Function {
        name: "APP_NAME",
        arguments: (0, 0),
        kind: NAME,
        run: |env, _| Ok(of_client(env, |client| client.program.clone())),
    },
    Function {
        name: "HOST_ID",
        arguments: (0, 0),
        kind: |_| Type::Char(10),
        run: |_, _| Ok(Value::Char("1".to_owned())),
    },
    Function { name: "SERVERPROPERTY", arguments: (1, 1), kind: VARIANT, run: property },
    Function { name: "DATABASEPROPERTYEX", arguments: (2, 2), kind: VARIANT, run: database_property },
    Function { name: "SESSIONPROPERTY", arguments: (1, 1), kind: INT, run: session_property },
    Function { name: "CONNECTIONPROPERTY", arguments: (1, 1), kind: VARIANT, run: connection_property },
    Function { name: "XACT_STATE", arguments: (0, 0), kind: |_| Type::SmallInt, run: transaction_state },
    Function { name: "SCOPE_IDENTITY", arguments: (0, 0), kind: |_| IDENTITY, run: scope_identity },
    Function { name: "IDENT_CURRENT", arguments: (1, 1), kind: |_| IDENTITY, run: current_identity },
    Function {
        name: "ROWCOUNT_BIG",
        arguments: (0, 0),
        kind: |_| Type::BigInt,
        run: |env, _| Ok(Value::BigInt(env.own.row_count)),
    },
    Function { name: "CONTEXT_INFO", arguments: (0, 0), kind: |_| Type::VarBinary(Some(128)), run: context },
    Function {
        name: "ERROR_NUMBER",
        arguments: (0, 0),
        kind: INT,
        run: |env, _| caught(env, |said| Value::Int(said.number)),
    },
    Function {
        name: "ERROR_SEVERITY",
        arguments: (0, 0),
        kind: INT,
        run: |env, _| caught(env, |said| Value::Int(i32::from(said.severity))),
    },
    Function {
        name: "ERROR_STATE",
        arguments: (0, 0),
        kind: INT,
        run: |env, _| caught(env, |said| Value::Int(i32::from(said.state))),
    },
    Function {
        name: "ERROR_LINE",
        arguments: (0, 0),
        kind: INT,
        run: |env, _| caught(env, |said| Value::Int(said.line as i32)),
    },
    Function {
        name: "ERROR_MESSAGE",
        arguments: (0, 0),
        kind: TEXT,
        run: |env, _| caught(env, |said| Value::Text(said.text.clone())),
    },
    Function { name: "ERROR_PROCEDURE", arguments: (0, 0), kind: NAME, run: error_procedure },
    Function { name: "APPLOCK_MODE", arguments: (3, 3), kind: |_| Type::NVarChar(Some(32)), run: lock_mode },
    Function { name: "APPLOCK_TEST", arguments: (4, 4), kind: |_| Type::SmallInt, run: lock_test },
    Function { name: "PARSENAME", arguments: (2, 2), kind: NAME, run: part_of_name },
];

fn new_id(env: &Env, _: &[Value]) -> Answer<Value> {
    let (high, low) = (env.world.hub.draw(), env.world.hub.draw());
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&high.to_be_bytes());
    bytes[8..].copy_from_slice(&low.to_be_bytes());
    bytes[6] = bytes[6] & 0x0F | 0x40;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    Ok(Value::Guid(bytes))
}

fn or_null(text: Option<String>) -> Value {
    text.map_or(Value::Null, Value::Text)
}

fn database_name(env: &Env, values: &[Value]) -> Answer<Value> {
    let place = match values.first() {
        None => Some(env.own.database),
        Some(id) => {
            integer(env, id)?.and_then(|id| env.state.databases.iter().position(|known| i64::from(known.id) == id))
        }
    };
    Ok(or_null(place.and_then(|place| env.state.databases.get(place)).map(|database| database.name.clone())))
}

fn database_id(env: &Env, values: &[Value]) -> Answer<Value> {
    let place = match values.first() {
        None => Some(env.own.database),
        Some(name) => text(env, name)?.and_then(|name| env.state.database(&name)),
    };
    Ok(place
        .and_then(|place| env.state.databases.get(place))
        .map_or(Value::Null, |database| Value::SmallInt(database.id)))
}

fn id_of_object(env: &Env, values: &[Value]) -> Answer<Value> {
    let Some(written) = text(env, &values[0])? else { return Ok(Value::Null) };
    let Ok(name) = parse::name(&written) else { return Ok(Value::Null) };
    let id = object_id(env, &name);
    let kind = values.get(1).map_or(Ok(None), |kind| text(env, kind))?;
    let fits = |id: &i32| match (&kind, env.state.by_id(*id)) {
        (Some(kind), Some(object)) => type_code(object).eq_ignore_ascii_case(kind.trim()),
        (Some(kind), None) => kind.trim().eq_ignore_ascii_case("U"),
        _ => true,
    };
    Ok(id.filter(fits).map_or(Value::Null, Value::Int))
}

/// `U` for a table, `P` for a procedure.
pub fn type_code(object: &Object) -> &'static str {
    if object.is_procedure() { "P" } else { "U" }
}

fn of_object(env: &Env, value: &Value, tell: impl FnOnce(&Object) -> Option<String>) -> Answer<Value> {
    let id = integer(env, value)?.and_then(|id| i32::try_from(id).ok());
    Ok(or_null(id.and_then(|id| env.state.by_id(id)).and_then(tell)))
}

fn name_of_object(env: &Env, values: &[Value]) -> Answer<Value> {
    of_object(env, &values[0], |object| Some(object.name.clone()))
}

fn schema_of_object(env: &Env, values: &[Value]) -> Answer<Value> {
    of_object(env, &values[0], |object| Some(object.schema.clone()))
}

fn definition(env: &Env, values: &[Value]) -> Answer<Value> {
    of_object(env, &values[0], |object| match &object.what {
        Thing::Procedure(procedure) => Some(procedure.text.clone()),
        _ => None,
    })
}

fn object_property(env: &Env, values: &[Value]) -> Answer<Value> {
    let id = integer(env, &values[0])?.and_then(|id| i32::try_from(id).ok());
    let Some(object) = id.and_then(|id| env.state.by_id(id)) else { return Ok(Value::Null) };
    let property = text(env, &values[1])?.unwrap_or_default().to_ascii_lowercase();
    Ok(match property.as_str() {
        "isprocedure" => Value::Int(i32::from(object.is_procedure())),
        "istable" | "isusertable" => Value::Int(i32::from(!object.is_procedure())),
        "isview" | "ismsshipped" => Value::Int(0),
        _ => Value::Null,
    })
}

fn column_length(env: &Env, values: &[Value]) -> Answer<Value> {
    let (Some(table), Some(column)) = (text(env, &values[0])?, text(env, &values[1])?) else { return Ok(Value::Null) };
    let Ok(name) = parse::name(&table) else { return Ok(Value::Null) };
    let table = env.state.find(&name, env.own.database).and_then(|(_, object)| object.table().cloned());
    let kind = table.and_then(|table| table.position(&column).map(|at| table.columns[at].kind));
    Ok(kind.map_or(Value::Null, |kind| Value::SmallInt(kind.bytes())))
}

/// Schemas have numbers in the order of their names; dbo is 1.
pub fn number_of_schema(env: &Env, database: usize, name: &str) -> Option<i32> {
    let schemas = &env.state.databases.get(database)?.schemas;
    if same_name(name, DBO) {
        return Some(1);
    }
    schemas.iter().position(|schema| same_name(schema, name)).map(|at| at as i32 + 5)
}

fn schema_id(env: &Env, values: &[Value]) -> Answer<Value> {
    let name = values.first().map_or(Ok(Some(DBO.to_owned())), |name| text(env, name))?;
    let number = name.and_then(|name| number_of_schema(env, env.own.database, &name));
    Ok(number.map_or(Value::Null, Value::Int))
}

fn schema_name(env: &Env, values: &[Value]) -> Answer<Value> {
    let Some(id) = values.first() else { return Ok(Value::text(DBO)) };
    let Some(id) = integer(env, id)? else { return Ok(Value::Null) };
    let Some(database) = env.state.databases.get(env.own.database) else { return Ok(Value::Null) };
    let found =
        database.schemas.iter().find(|name| number_of_schema(env, env.own.database, name).map(i64::from) == Some(id));
    Ok(or_null(found.cloned()))
}

fn type_name(env: &Env, values: &[Value]) -> Answer<Value> {
    let id = integer(env, &values[0])?;
    let found = crate::sandbox::sp::sql::views::TYPES.iter().find(|kind| Some(i64::from(kind.id())) == id);
    Ok(or_null(found.map(|kind| kind.name().to_owned())))
}

fn login(env: &Env, _: &[Value]) -> Answer<Value> {
    Ok(Value::Text(env.own.login.clone()))
}

fn user(_: &Env, _: &[Value]) -> Answer<Value> {
    Ok(Value::text(DBO))
}

fn has_access(env: &Env, values: &[Value]) -> Answer<Value> {
    let name = text(env, &values[0])?;
    Ok(name.and_then(|name| env.state.database(&name)).map_or(Value::Null, |_| Value::Int(1)))
}

fn of_client(env: &Env, tell: impl Fn(&crate::sandbox::sp::hub::Client) -> String) -> Value {
    let clients = env.world.hub.clients();
    or_null(clients.iter().find(|client| client.spid == env.own.spid).map(tell))
}

/// What SERVERPROPERTY tells of a server of 2019.
fn server_property(name: &str) -> Option<&'static str> {
    const PROPERTIES: [(&str, &str); 16] = [
        ("productversion", "15.0.4355.3"),
        ("productlevel", "RTM"),
        ("productmajorversion", "15"),
        ("productminorversion", "0"),
        ("edition", "Developer Edition (64-bit)"),
        ("editionid", "-2117995310"),
        ("engineedition", "3"),
        ("servername", "SANDBOX"),
        ("machinename", "SANDBOX"),
        ("computernamephysicalnetbios", "SANDBOX"),
        ("collation", "Cyrillic_General_CI_AS"),
        ("isclustered", "0"),
        ("issingleuser", "0"),
        ("isintegratedsecurityonly", "0"),
        ("ishadrenabled", "0"),
        ("isfulltextinstalled", "0"),
    ];
    PROPERTIES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
}

fn property(env: &Env, values: &[Value]) -> Answer<Value> {
    let name = text(env, &values[0])?.unwrap_or_default();
    Ok(or_null(server_property(&name).map(str::to_owned)))
}

fn database_property(env: &Env, values: &[Value]) -> Answer<Value> {
    let (Some(database), Some(name)) = (text(env, &values[0])?, text(env, &values[1])?) else { return Ok(Value::Null) };
    if env.state.database(&database).is_none() {
        return Ok(Value::Null);
    }
    const PROPERTIES: [(&str, &str); 5] = [
        ("collation", "Cyrillic_General_CI_AS"),
        ("status", "ONLINE"),
        ("updateability", "READ_WRITE"),
        ("useraccess", "MULTI_USER"),
        ("recovery", "SIMPLE"),
    ];
    let found = PROPERTIES.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name));
    Ok(or_null(found.map(|(_, value)| (*value).to_owned())))
}

fn session_property(env: &Env, values: &[Value]) -> Answer<Value> {
    const KNOWN: [&str; 7] = [
        "ANSI_NULLS",
        "ANSI_PADDING",
        "ANSI_WARNINGS",
        "ARITHABORT",
        "CONCAT_NULL_YIELDS_NULL",
        "NUMERIC_ROUNDABORT",
        "QUOTED_IDENTIFIER",
    ];
    let name = text(env, &values[0])?.unwrap_or_default().to_ascii_uppercase();
    let is_known = KNOWN.contains(&name.as_str());
    Ok(if is_known { Value::Int(i32::from(env.own.options.is_on(&name))) } else { Value::Null })
}

fn connection_property(env: &Env, values: &[Value]) -> Answer<Value> {
    let name = text(env, &values[0])?.unwrap_or_default().to_ascii_lowercase();
    Ok(match name.as_str() {
        "net_transport" => Value::text("TCP"),
        "protocol_type" => Value::text("TSQL"),
        "auth_scheme" => Value::text("SQL"),
        "local_net_address" | "client_net_address" => Value::text("127.0.0.1"),
        _ => Value::Null,
    })
}

fn transaction_state(env: &Env, _: &[Value]) -> Answer<Value> {
    Ok(Value::SmallInt(match &env.own.transaction {
        None => 0,
        Some(transaction) if transaction.is_doomed => -1,
        Some(_) => 1,
    }))
}

fn scope_identity(env: &Env, _: &[Value]) -> Answer<Value> {
    Ok(identity(env.own.frame().and_then(|frame| frame.identity)))
}

fn current_identity(env: &Env, values: &[Value]) -> Answer<Value> {
    let Some(written) = text(env, &values[0])? else { return Ok(Value::Null) };
    let Ok(name) = parse::name(&written) else { return Ok(Value::Null) };
    let table = match env.own.temporary(&name.name) {
        Some(temporary) => temporary.object.table(),
        None => env.state.find(&name, env.own.database).and_then(|(_, object)| object.table()),
    };
    let numbered = table.and_then(|table| Some((table, table.columns.iter().find_map(|column| column.identity)?)));
    Ok(identity(numbered.map(|(table, (seed, step))| match table.next == seed {
        true => i128::from(seed),
        false => i128::from(table.next - step),
    })))
}

fn context(env: &Env, _: &[Value]) -> Answer<Value> {
    let bytes = &env.own.options.context_info;
    Ok(if bytes.is_empty() { Value::Null } else { Value::Binary(bytes.clone()) })
}

fn caught(env: &Env, tell: impl FnOnce(&crate::sandbox::sp::sql::out::Said) -> Value) -> Answer<Value> {
    Ok(of_caught(env, tell).unwrap_or(Value::Null))
}

fn error_procedure(env: &Env, _: &[Value]) -> Answer<Value> {
    caught(env, |said| if said.procedure.is_empty() { Value::Null } else { Value::Text(said.procedure.clone()) })
}

/// The lock that arguments of APPLOCK_MODE and APPLOCK_TEST mean.
fn resource(env: &Env, name: &Value) -> Answer<Option<Resource>> {
    let Some(name) = text(env, name)? else { return Ok(None) };
    let database = env.state.databases.get(env.own.database).map_or(1, |database| database.id);
    Ok(Some(Resource::Application { database, name }))
}

fn owner(env: &Env, value: &Value) -> Answer<Owner> {
    let name = text(env, value)?.unwrap_or_default();
    Ok(if name.eq_ignore_ascii_case("Session") { Owner::Session } else { Owner::Transaction })
}

fn lock_mode(env: &Env, values: &[Value]) -> Answer<Value> {
    let Some(resource) = resource(env, &values[1])? else { return Ok(Value::Null) };
    let mode = env.state.locks.mode_of(env.own.spid, &resource, owner(env, &values[2])?);
    Ok(Value::text(mode.map_or("NoLock", Mode::name)))
}

fn lock_test(env: &Env, values: &[Value]) -> Answer<Value> {
    let Some(resource) = resource(env, &values[1])? else { return Ok(Value::Null) };
    let mode = text(env, &values[2])?.and_then(|mode| Mode::named(&mode));
    Ok(mode
        .map_or(Value::Null, |mode| Value::SmallInt(i16::from(env.state.locks.is_free(env.own.spid, &resource, mode)))))
}

fn part_of_name(env: &Env, values: &[Value]) -> Answer<Value> {
    let (Some(written), Some(part)) = (text(env, &values[0])?, integer(env, &values[1])?) else {
        return Ok(Value::Null);
    };
    let Ok(name) = parse::name(&written) else { return Ok(Value::Null) };
    Ok(or_null(match part {
        1 => Some(name.name),
        2 => name.schema,
        3 => name.database,
        _ => None,
    }))
}
