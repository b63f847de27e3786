//! Procedures that nobody has to write: the server's own, those of the sandbox, those of the catalogue.

mod applock;
mod control;
mod steps;

use std::sync::Arc;

use super::ast::{Formal, Name, Procedure, Step};
use super::failure::Answer;
use super::out::Sink;
use super::parse;
use super::session::{Bound, Flow, Session};
use super::table::same_name;
use crate::sandbox::sp::world::CatalogueProcedure;

/// A procedure that is no T-SQL.
#[derive(Clone, Debug)]
pub enum Native {
    ExecuteSql,
    GetAppLock,
    ReleaseAppLock,
    Knobs,
    Calls,
    Forget,
    Sessions,
    DropConnections,
    Step(Arc<CatalogueProcedure>),
}

/// Schema, name, parameters.
type Row = (&'static str, &'static str, &'static str, Native);

const NATIVE: &[Row] = &[
    ("sys", "sp_executesql", "", Native::ExecuteSql),
    (
        "sys",
        "sp_getapplock",
        "@Resource nvarchar(255), @LockMode varchar(32), @LockOwner varchar(32) = 'Transaction', @LockTimeout int = NULL, \
         @DbPrincipal sysname = 'public'",
        Native::GetAppLock,
    ),
    (
        "sys",
        "sp_releaseapplock",
        "@Resource nvarchar(255), @LockOwner varchar(32) = 'Transaction', @DbPrincipal sysname = 'public'",
        Native::ReleaseAppLock,
    ),
    ("sandbox", "knobs", "@changes nvarchar(max) = NULL", Native::Knobs),
    ("sandbox", "calls", "", Native::Calls),
    ("sandbox", "forget", "", Native::Forget),
    ("sandbox", "sessions", "", Native::Sessions),
    ("sandbox", "drop_connections", "", Native::DropConnections),
];

/// Procedures of the server that are T-SQL over its views.
const WRITTEN: &[&str] = &[
    "CREATE PROCEDURE sp_databases AS
SELECT name AS DATABASE_NAME, CAST(8192 AS int) AS DATABASE_SIZE, CAST(NULL AS varchar(254)) AS REMARKS
FROM sys.databases ORDER BY name",
    "CREATE PROCEDURE sp_tables @table_name nvarchar(384) = NULL, @table_owner nvarchar(384) = NULL,
@table_qualifier sysname = NULL, @table_type varchar(100) = NULL, @fUsePattern bit = 1 AS
SELECT TABLE_CATALOG AS TABLE_QUALIFIER, TABLE_SCHEMA AS TABLE_OWNER, TABLE_NAME, CAST('TABLE' AS varchar(32)) AS TABLE_TYPE,
CAST(NULL AS varchar(254)) AS REMARKS FROM INFORMATION_SCHEMA.TABLES
WHERE TABLE_NAME LIKE ISNULL(@table_name, N'%') AND TABLE_SCHEMA LIKE ISNULL(@table_owner, N'%')
ORDER BY TABLE_SCHEMA, TABLE_NAME",
    "CREATE PROCEDURE sp_columns @table_name nvarchar(384), @table_owner nvarchar(384) = NULL,
@table_qualifier sysname = NULL, @column_name nvarchar(384) = NULL, @ODBCVer int = 2 AS
SELECT TABLE_CATALOG AS TABLE_QUALIFIER, TABLE_SCHEMA AS TABLE_OWNER, TABLE_NAME, COLUMN_NAME, DATA_TYPE AS TYPE_NAME,
ISNULL(CAST(NUMERIC_PRECISION AS int), CHARACTER_MAXIMUM_LENGTH) AS [PRECISION], CHARACTER_MAXIMUM_LENGTH AS LENGTH,
CAST(NUMERIC_SCALE AS smallint) AS SCALE, CAST(CASE IS_NULLABLE WHEN 'YES' THEN 1 ELSE 0 END AS smallint) AS NULLABLE,
ORDINAL_POSITION, IS_NULLABLE
FROM INFORMATION_SCHEMA.COLUMNS
WHERE TABLE_NAME LIKE @table_name AND TABLE_SCHEMA LIKE ISNULL(@table_owner, N'%')
AND COLUMN_NAME LIKE ISNULL(@column_name, N'%')
ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION",
    "CREATE PROCEDURE sp_stored_procedures @sp_name nvarchar(390) = NULL, @sp_owner nvarchar(384) = NULL,
@sp_qualifier sysname = NULL, @fUsePattern bit = 1 AS
SELECT ROUTINE_CATALOG AS PROCEDURE_QUALIFIER, ROUTINE_SCHEMA AS PROCEDURE_OWNER, ROUTINE_NAME + N';1' AS PROCEDURE_NAME,
-1 AS NUM_INPUT_PARAMS, -1 AS NUM_OUTPUT_PARAMS, -1 AS NUM_RESULT_SETS, CAST(NULL AS varchar(254)) AS REMARKS,
CAST(2 AS smallint) AS PROCEDURE_TYPE
FROM INFORMATION_SCHEMA.ROUTINES
WHERE ROUTINE_NAME LIKE ISNULL(@sp_name, N'%') AND ROUTINE_SCHEMA LIKE ISNULL(@sp_owner, N'%')
ORDER BY ROUTINE_SCHEMA, ROUTINE_NAME",
    "CREATE PROCEDURE sp_who @loginame sysname = NULL AS
SELECT s.session_id AS spid, CAST(0 AS smallint) AS ecid, s.status, s.login_name AS loginame, s.host_name AS hostname,
CAST(ISNULL(r.blocking_session_id, 0) AS char(5)) AS blk, DB_NAME(s.database_id) AS dbname,
ISNULL(r.command, N'AWAITING COMMAND') AS cmd, ISNULL(r.request_id, 0) AS request_id
FROM sys.dm_exec_sessions AS s LEFT JOIN sys.dm_exec_requests AS r ON r.session_id = s.session_id
WHERE @loginame IS NULL OR s.login_name = @loginame ORDER BY s.session_id",
    "CREATE PROCEDURE sp_helptext @objname nvarchar(776) AS
IF OBJECT_DEFINITION(OBJECT_ID(@objname)) IS NULL
BEGIN
RAISERROR('There is no text for object ''%s''.', 16, 1, @objname)
RETURN 1
END
SELECT CAST(OBJECT_DEFINITION(OBJECT_ID(@objname)) AS nvarchar(4000)) AS [Text]",
    "CREATE PROCEDURE sp_helpdb @dbname sysname = NULL AS
SELECT name, CAST('8.00 MB' AS nvarchar(13)) AS db_size, N'sa' AS owner, CAST(database_id AS smallint) AS dbid,
CONVERT(nvarchar(11), create_date) AS created, N'Status=ONLINE' AS status, compatibility_level
FROM sys.databases WHERE name = ISNULL(@dbname, name) ORDER BY name",
];

/// Whether a schema is where the server's own procedures are: none named, `sys`, `dbo`.
fn is_system(name: &Name) -> bool {
    name.schema.as_deref().is_none_or(|schema| same_name(schema, "sys") || same_name(schema, "dbo"))
}

/// A procedure of the server or the sandbox.
pub fn native(name: &Name) -> Option<Native> {
    let found = NATIVE.iter().find(|(schema, known, _, _)| {
        let fits = match *schema {
            "sys" => is_system(name),
            schema => name.schema.as_deref().is_some_and(|given| same_name(given, schema)),
        };
        fits && same_name(known, &name.name)
    });
    found.map(|(_, _, _, native)| native.clone())
}

/// A procedure of the server that is T-SQL.
pub fn written(name: &Name) -> Option<(&'static str, Arc<Procedure>)> {
    if !is_system(name) {
        return None;
    }
    let called =
        |text: &&&'static str| text.split_whitespace().nth(2).is_some_and(|known| same_name(known, &name.name));
    let text = WRITTEN.iter().find(called)?;
    let program = parse::batch(text, true).ok()?;
    let known = text.split_whitespace().nth(2).unwrap_or_default();
    match &program.code.first()?.step {
        Step::CreateProcedure(definition) => Some((known, definition.procedure.clone())),
        _ => None,
    }
}

impl Native {
    pub fn formals(&self) -> Answer<Vec<Formal>> {
        match self {
            Native::Step(step) => parse::formals(&step.parameters),
            other => parse::formals(other.row().map_or("", |(_, _, formals, _)| formals)),
        }
    }

    fn row(&self) -> Option<&'static Row> {
        NATIVE.iter().find(|(_, _, _, native)| std::mem::discriminant(native) == std::mem::discriminant(self))
    }

    /// As messages name it.
    pub fn name(&self) -> String {
        match self {
            Native::Step(step) => step.name.clone(),
            other => other.row().map_or(String::new(), |(_, name, _, _)| (*name).to_owned()),
        }
    }
}

impl Session {
    /// Does what the procedure does; its return code.
    pub(super) async fn run_native(&mut self, native: &Native, bound: &mut [Bound], sink: &mut dyn Sink) -> Flow<i32> {
        match native {
            Native::ExecuteSql => Ok(0),
            Native::GetAppLock => self.get_applock(bound, sink).await,
            Native::ReleaseAppLock => self.release_applock(bound, sink).await,
            Native::Knobs => self.knobs(bound, sink).await,
            Native::Calls => self.calls(sink).await,
            Native::Forget => {
                self.world.hub.forget();
                Ok(0)
            }
            Native::Sessions => self.clients(sink).await,
            Native::DropConnections => {
                self.world.hub.drop_connections();
                Err(super::out::Stop::Disconnect.into())
            }
            Native::Step(step) => self.run_step(step, bound, sink).await,
        }
    }
}
