//! Views of the system: what there is in a database, who is connected, who holds which lock.

use super::ast::Name;
use super::eval::{Env, Field};
use super::functions::{number_of_schema, type_code};
use super::locks::{DESCRIPTION, Lock, Owner, Resource, description};
use super::moment::{Moment, now, of_unix};
use super::query::Rowset;
use super::table::{Row, Table, same_name};
use super::value::{Type, Value};
use crate::sandbox::sp::hub::Client;
use crate::sandbox::sp::world::{Database, Object, Present, Thing};

/// The types that `sys.types` lists.
pub const TYPES: [Type; 29] = [
    Type::Image,
    Type::Text,
    Type::Guid,
    Type::Date,
    Type::Time(7),
    Type::DateTime2(7),
    Type::DateTimeOffset(7),
    Type::TinyInt,
    Type::SmallInt,
    Type::Int,
    Type::SmallDateTime,
    Type::Real,
    Type::Money,
    Type::DateTime,
    Type::Float,
    Type::Variant,
    Type::NText,
    Type::Bit,
    Type::Decimal { precision: 38, scale: 38 },
    Type::SmallMoney,
    Type::BigInt,
    Type::VarBinary(Some(8000)),
    Type::VarChar(Some(8000)),
    Type::Binary(8000),
    Type::Char(8000),
    Type::NVarChar(Some(4000)),
    Type::NChar(4000),
    Type::Xml,
    Type::NAME,
];

/// A column of a view.
type Col = (&'static str, Type);

const INT: Type = Type::Int;
const NAME: Type = Type::NAME;
const SHORT: Type = Type::SmallInt;
const TINY: Type = Type::TinyInt;
const BIT: Type = Type::Bit;
const MOMENT: Type = Type::DateTime;
const TEXT: Type = Type::NVarChar(Some(60));
const CODE: Type = Type::Char(2);
const LONG: Type = Type::NVarChar(None);

/// A view: its schema, its name, its columns, its rows in a database.
struct View {
    schema: &'static str,
    name: &'static str,
    columns: &'static [Col],
    rows: fn(&Env, usize) -> Vec<Row>,
}

const VIEWS: &[View] = &[
    View {
        schema: "sys",
        name: "databases",
        columns: &[
            ("name", NAME),
            ("database_id", INT),
            ("create_date", MOMENT),
            ("compatibility_level", TINY),
            ("collation_name", NAME),
            ("state", TINY),
            ("state_desc", TEXT),
            ("recovery_model_desc", TEXT),
            ("is_read_only", BIT),
            ("user_access_desc", TEXT),
            ("is_read_committed_snapshot_on", BIT),
            ("snapshot_isolation_state", TINY),
        ],
        rows: databases,
    },
    View {
        schema: "sys",
        name: "schemas",
        columns: &[("name", NAME), ("schema_id", INT), ("principal_id", INT)],
        rows: schemas,
    },
    View { schema: "sys", name: "objects", columns: OBJECT, rows: |env, at| objects(env, at, |_| true) },
    View { schema: "sys", name: "all_objects", columns: OBJECT, rows: |env, at| objects(env, at, |_| true) },
    View {
        schema: "sys",
        name: "tables",
        columns: OBJECT,
        rows: |env, at| objects(env, at, |object| !object.is_procedure()),
    },
    View { schema: "sys", name: "procedures", columns: OBJECT, rows: |env, at| objects(env, at, Object::is_procedure) },
    View { schema: "sys", name: "views", columns: OBJECT, rows: |_, _| Vec::new() },
    View { schema: "sys", name: "system_views", columns: &[("name", NAME)], rows: |_, _| system_views() },
    View {
        schema: "sys",
        name: "columns",
        columns: &[
            ("object_id", INT),
            ("name", NAME),
            ("column_id", INT),
            ("system_type_id", TINY),
            ("user_type_id", INT),
            ("max_length", SHORT),
            ("precision", TINY),
            ("scale", TINY),
            ("is_nullable", BIT),
            ("is_identity", BIT),
            ("is_computed", BIT),
        ],
        rows: columns,
    },
    View {
        schema: "sys",
        name: "types",
        columns: &[
            ("name", NAME),
            ("system_type_id", TINY),
            ("user_type_id", INT),
            ("max_length", SHORT),
            ("precision", TINY),
            ("scale", TINY),
        ],
        rows: types,
    },
    View { schema: "sys", name: "sql_modules", columns: &[("object_id", INT), ("definition", LONG)], rows: modules },
    View {
        schema: "sys",
        name: "dm_tran_locks",
        columns: &[
            ("resource_type", TEXT),
            ("resource_subtype", TEXT),
            ("resource_database_id", INT),
            ("resource_description", DESCRIPTION),
            ("resource_associated_entity_id", Type::BigInt),
            ("request_mode", TEXT),
            ("request_type", TEXT),
            ("request_status", TEXT),
            ("request_reference_count", SHORT),
            ("request_session_id", INT),
            ("request_owner_type", TEXT),
        ],
        rows: |env, _| locks(env),
    },
    View {
        schema: "sys",
        name: "dm_exec_sessions",
        columns: &[
            ("session_id", SHORT),
            ("login_time", MOMENT),
            ("host_name", NAME),
            ("program_name", NAME),
            ("client_interface_name", TEXT),
            ("login_name", NAME),
            ("original_login_name", NAME),
            ("status", TEXT),
            ("last_request_start_time", MOMENT),
            ("database_id", SHORT),
            ("open_transaction_count", INT),
            ("transaction_isolation_level", SHORT),
            ("lock_timeout", INT),
            ("is_user_process", BIT),
            ("language", NAME),
            ("date_format", Type::NVarChar(Some(3))),
        ],
        rows: |env, _| sessions(env),
    },
    View {
        schema: "sys",
        name: "dm_exec_connections",
        columns: &[
            ("session_id", INT),
            ("connect_time", MOMENT),
            ("net_transport", TEXT),
            ("encrypt_option", TEXT),
            ("auth_scheme", TEXT),
            ("client_net_address", TEXT),
        ],
        rows: |env, _| connections(env),
    },
    View {
        schema: "sys",
        name: "dm_exec_requests",
        columns: &[
            ("session_id", SHORT),
            ("request_id", INT),
            ("start_time", MOMENT),
            ("status", TEXT),
            ("command", TEXT),
            ("database_id", SHORT),
            ("blocking_session_id", SHORT),
            ("wait_type", TEXT),
            ("total_elapsed_time", INT),
            ("open_transaction_count", INT),
            ("sandbox_text", LONG),
        ],
        rows: |env, _| requests(env),
    },
    View {
        schema: "INFORMATION_SCHEMA",
        name: "TABLES",
        columns: &[
            ("TABLE_CATALOG", NAME),
            ("TABLE_SCHEMA", NAME),
            ("TABLE_NAME", NAME),
            ("TABLE_TYPE", Type::VarChar(Some(10))),
        ],
        rows: information_tables,
    },
    View {
        schema: "INFORMATION_SCHEMA",
        name: "COLUMNS",
        columns: &[
            ("TABLE_CATALOG", NAME),
            ("TABLE_SCHEMA", NAME),
            ("TABLE_NAME", NAME),
            ("COLUMN_NAME", NAME),
            ("ORDINAL_POSITION", INT),
            ("IS_NULLABLE", Type::VarChar(Some(3))),
            ("DATA_TYPE", NAME),
            ("CHARACTER_MAXIMUM_LENGTH", INT),
            ("NUMERIC_PRECISION", TINY),
            ("NUMERIC_SCALE", INT),
        ],
        rows: information_columns,
    },
    View {
        schema: "INFORMATION_SCHEMA",
        name: "ROUTINES",
        columns: &[
            ("ROUTINE_CATALOG", NAME),
            ("ROUTINE_SCHEMA", NAME),
            ("ROUTINE_NAME", NAME),
            ("ROUTINE_TYPE", TEXT),
            ("CREATED", MOMENT),
            ("LAST_ALTERED", MOMENT),
            ("ROUTINE_DEFINITION", LONG),
        ],
        rows: information_routines,
    },
    View {
        schema: "INFORMATION_SCHEMA",
        name: "SCHEMATA",
        columns: &[("CATALOG_NAME", NAME), ("SCHEMA_NAME", NAME), ("SCHEMA_OWNER", NAME)],
        rows: information_schemata,
    },
];

const OBJECT: &[Col] = &[
    ("name", NAME),
    ("object_id", INT),
    ("schema_id", INT),
    ("parent_object_id", INT),
    ("type", CODE),
    ("type_desc", TEXT),
    ("create_date", MOMENT),
    ("modify_date", MOMENT),
    ("is_ms_shipped", BIT),
];

/// The rows of a view of the system; none where there is no such view.
pub fn view(env: &Env, name: &Name) -> Option<Rowset> {
    let schema = name.schema.as_deref()?;
    let found = VIEWS.iter().find(|view| same_name(view.schema, schema) && same_name(view.name, &name.name))?;
    let database = env.state.database_of(name, env.own.database)?;
    let field = |(name, kind): &Col| Field {
        table: String::new(),
        name: (*name).to_owned(),
        kind: *kind,
        nullable: true,
        identity: false,
    };
    Some(Rowset { fields: found.columns.iter().map(field).collect(), rows: (found.rows)(env, database) })
}

fn moment(moment: Moment) -> Value {
    moment.as_kind(Type::DateTime).unwrap_or(Value::Null)
}

fn text(text: &str) -> Value {
    Value::text(text)
}

fn bit(bit: bool) -> Value {
    Value::Bit(bit)
}

fn databases(env: &Env, _: usize) -> Vec<Row> {
    let row = |database: &Database| {
        vec![
            text(&database.name),
            Value::Int(i32::from(database.id)),
            moment(database.created),
            Value::TinyInt(150),
            text("Cyrillic_General_CI_AS"),
            Value::TinyInt(0),
            text("ONLINE"),
            text("SIMPLE"),
            bit(false),
            text("MULTI_USER"),
            bit(false),
            Value::TinyInt(0),
        ]
    };
    env.state.databases.iter().map(row).collect()
}

fn schemas(env: &Env, at: usize) -> Vec<Row> {
    let number = |name: &str| number_of_schema(env, at, name).map_or(Value::Null, Value::Int);
    let schemas = env.state.databases[at].schemas.iter();
    schemas.map(|name| vec![text(name), number(name), Value::Int(1)]).collect()
}

/// What the server itself has to look at.
fn system_views() -> Vec<Row> {
    VIEWS.iter().map(|view| vec![text(view.name)]).collect()
}

fn objects(env: &Env, at: usize, wanted: fn(&Object) -> bool) -> Vec<Row> {
    let row = |object: &Object| {
        vec![
            text(&object.name),
            Value::Int(object.id),
            number_of_schema(env, at, &object.schema).map_or(Value::Null, Value::Int),
            Value::Int(0),
            Value::Char(format!("{:<2}", type_code(object))),
            text(if object.is_procedure() { "SQL_STORED_PROCEDURE" } else { "USER_TABLE" }),
            moment(object.created),
            moment(object.modified),
            bit(false),
        ]
    };
    env.state.databases[at].objects().filter(|object| wanted(object)).map(row).collect()
}

fn tables<'a>(env: &Env<'a>, at: usize) -> impl Iterator<Item = (&'a Object, &'a Table)> {
    env.state.databases[at].objects().filter_map(|object| Some((object, object.table()?.as_ref())))
}

fn columns(env: &Env, at: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    let temporary = env.own.temporary.iter().filter_map(|found| Some((&found.object, found.object.table()?.as_ref())));
    for (object, table) in tables(env, at).chain(temporary) {
        for (number, column) in table.columns.iter().enumerate() {
            let (precision, scale) = column.kind.digits();
            rows.push(vec![
                Value::Int(object.id),
                text(&column.name),
                Value::Int(number as i32 + 1),
                Value::TinyInt(column.kind.id()),
                Value::Int(i32::from(column.kind.id())),
                Value::SmallInt(column.kind.bytes()),
                Value::TinyInt(precision),
                Value::TinyInt(scale),
                bit(column.nullable),
                bit(column.identity.is_some()),
                bit(false),
            ]);
        }
    }
    rows
}

fn types(_: &Env, _: usize) -> Vec<Row> {
    let row = |kind: &Type| {
        let (precision, scale) = kind.digits();
        let name = if *kind == Type::NAME { "sysname" } else { kind.name() };
        let id = if *kind == Type::NAME { 256 } else { i32::from(kind.id()) };
        let bytes = Value::SmallInt(kind.bytes());
        vec![
            text(name),
            Value::TinyInt(kind.id()),
            Value::Int(id),
            bytes,
            Value::TinyInt(precision),
            Value::TinyInt(scale),
        ]
    };
    TYPES.iter().map(row).collect()
}

fn definition(object: &Object) -> Value {
    match &object.what {
        Thing::Procedure(procedure) => text(&procedure.text),
        _ => Value::Null,
    }
}

fn modules(env: &Env, at: usize) -> Vec<Row> {
    let procedures = env.state.databases[at].objects().filter(|object| object.is_procedure());
    procedures.map(|object| vec![Value::Int(object.id), definition(object)]).collect()
}

fn locks(env: &Env) -> Vec<Row> {
    let held = env.state.locks.held.iter().map(|lock| (lock, "GRANT"));
    let waiting = env.state.locks.waiting.iter().map(|lock| (lock, "WAIT"));
    held.chain(waiting).map(|(lock, status)| lock_row(env, lock, status)).collect()
}

fn lock_row(env: &Env, lock: &Lock, status: &str) -> Row {
    let (kind, database, shown, entity) = match &lock.resource {
        Resource::Application { database, name } => ("APPLICATION", *database, description(name), 0),
        Resource::Table(id) => {
            let owns = |database: &&Database| database.objects().any(|object| object.id == *id);
            let database = env.state.databases.iter().find(owns).map_or(0, |database| database.id);
            ("OBJECT", database, text(""), i64::from(*id))
        }
    };
    vec![
        text(kind),
        text(""),
        Value::Int(i32::from(database)),
        shown,
        Value::BigInt(entity),
        text(lock.mode.short()),
        text("LOCK"),
        text(status),
        Value::SmallInt(lock.times as i16),
        Value::Int(i32::from(lock.spid)),
        text(if lock.owner == Owner::Session { "SESSION" } else { "TRANSACTION" }),
    ]
}

/// Everybody who is connected, with what is known of the session.
fn present(env: &Env) -> Vec<(Option<Client>, u16, Present)> {
    let clients = env.world.hub.clients();
    let of = |spid: u16| clients.iter().find(|client| client.spid == spid).cloned();
    env.state.present.iter().map(|(spid, present)| (of(*spid), *spid, present.clone())).collect()
}

fn database_id(env: &Env, present: &Present) -> i16 {
    env.state.databases.get(present.database).map_or(1, |database| database.id)
}

fn sessions(env: &Env) -> Vec<Row> {
    let row = |(client, spid, present): (Option<Client>, u16, Present)| {
        let of_client = |tell: fn(&Client) -> &str| client.as_ref().map_or(Value::Null, |client| text(tell(client)));
        let since = client.as_ref().map_or_else(now, |client| of_unix(client.since));
        let own = (spid == env.own.spid).then_some(env.own);
        let isolation = own.map_or(present.isolation, |own| own.options.isolation);
        vec![
            Value::SmallInt(spid as i16),
            moment(since),
            of_client(|client| &client.host),
            of_client(|client| &client.program),
            text("TDS"),
            text(&present.login),
            text(&present.login),
            text(if present.request.is_some() { "running" } else { "sleeping" }),
            moment(present.request_since.unwrap_or(since)),
            Value::SmallInt(database_id(env, &present)),
            Value::Int(own.map_or(present.open_transactions, |own| own.transactions()) as i32),
            Value::SmallInt(isolation),
            Value::Int(own.map_or(present.lock_timeout, |own| own.options.lock_timeout)),
            bit(true),
            text(own.map_or(present.language.as_str(), |own| &own.options.language)),
            text(own.map_or(present.date_format.as_str(), |own| own.options.date_format.name())),
        ]
    };
    present(env).into_iter().map(row).collect()
}

fn connections(env: &Env) -> Vec<Row> {
    let row = |client: Client| {
        vec![
            Value::Int(i32::from(client.spid)),
            moment(of_unix(client.since)),
            text("TCP"),
            text(if client.encrypted { "TRUE" } else { "FALSE" }),
            text("SQL"),
            text("127.0.0.1"),
        ]
    };
    env.world.hub.clients().into_iter().map(row).collect()
}

fn requests(env: &Env) -> Vec<Row> {
    let mut rows = Vec::new();
    for (_, spid, present) in present(env) {
        let Some(request) = &present.request else { continue };
        let since = present.request_since.unwrap_or_else(now);
        let (blocker, current) = (env.state.locks.blocker(spid), now());
        let ticks =
            i64::from(current.days - since.days) * 86_400_000 + (current.ticks as i64 - since.ticks as i64) / 10_000;
        let word = request.split_whitespace().next().unwrap_or_default().to_uppercase();
        rows.push(vec![
            Value::SmallInt(spid as i16),
            Value::Int(0),
            moment(since),
            text(if blocker == 0 { "running" } else { "suspended" }),
            text(&word.chars().take(32).collect::<String>()),
            Value::SmallInt(database_id(env, &present)),
            Value::SmallInt(blocker as i16),
            if blocker == 0 { Value::Null } else { text("LCK_M_X") },
            Value::Int(ticks.clamp(0, i64::from(i32::MAX)) as i32),
            Value::Int(present.open_transactions as i32),
            text(request),
        ]);
    }
    rows
}

fn information_tables(env: &Env, at: usize) -> Vec<Row> {
    let catalog = &env.state.databases[at].name;
    let row = |(object, _): (&Object, &Table)| {
        vec![text(catalog), text(&object.schema), text(&object.name), Value::Char("BASE TABLE".to_owned())]
    };
    tables(env, at).map(row).collect()
}

fn information_columns(env: &Env, at: usize) -> Vec<Row> {
    let catalog = &env.state.databases[at].name;
    let mut rows = Vec::new();
    for (object, table) in tables(env, at) {
        for (number, column) in table.columns.iter().enumerate() {
            let kind = column.kind;
            let (precision, scale) = kind.digits();
            let length = match kind {
                Type::NVarChar(None) | Type::VarChar(None) | Type::VarBinary(None) => Value::Int(-1),
                kind => kind.length().map_or(Value::Null, |length| Value::Int(i32::from(length))),
            };
            rows.push(vec![
                text(catalog),
                text(&object.schema),
                text(&object.name),
                text(&column.name),
                Value::Int(number as i32 + 1),
                Value::Char(if column.nullable { "YES" } else { "NO" }.to_owned()),
                text(if matches!(kind, Type::Decimal { .. }) { "decimal" } else { kind.name() }),
                length,
                if kind.is_number() { Value::TinyInt(precision) } else { Value::Null },
                if kind.is_number() { Value::Int(i32::from(scale)) } else { Value::Null },
            ]);
        }
    }
    rows
}

fn information_routines(env: &Env, at: usize) -> Vec<Row> {
    let catalog = &env.state.databases[at].name;
    let procedures = env.state.databases[at].objects().filter(|object| object.is_procedure());
    let row = |object: &Object| {
        let (created, modified) = (moment(object.created), moment(object.modified));
        let kind = text("PROCEDURE");
        vec![text(catalog), text(&object.schema), text(&object.name), kind, created, modified, definition(object)]
    };
    procedures.map(row).collect()
}

fn information_schemata(env: &Env, at: usize) -> Vec<Row> {
    let database = &env.state.databases[at];
    database.schemas.iter().map(|name| vec![text(&database.name), text(name), text("dbo")]).collect()
}
