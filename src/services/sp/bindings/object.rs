//! What `sp` itself can do with plain SQL.

use rhai::plugin::*;
use rhai::{Array, Dynamic, ImmutableString, Map, NativeCallContext};

use super::given;
use super::result::SpResult;
use super::value;
use crate::core::rows::Rows;
use crate::error::{Error, Result};
use crate::script::bridge::{Thrown, host, throw};
use crate::script::convert;
use crate::script::modules::time;
use crate::script::values::Moment;
use crate::services::sp::NAME;
use crate::services::sp::client::driver::{Request, Value};
use crate::services::sp::client::sql::{self, Outcome};

/// Runs what a script gave.
fn run(call: &NativeCallContext<'_>, sp: &super::Sp, request: Result<Request>, options: &Map) -> Thrown<Outcome> {
    let (how, database) = given::how(options).or_else(|error| throw(call, error))?;
    let request = request.or_else(|error| throw(call, error))?;
    sp.run(call, request, &how, database.as_deref())
}

/// The only result set.
fn one(call: &NativeCallContext<'_>, mut outcome: Outcome, what: &str) -> Thrown<Rows> {
    match outcome.sets.len() {
        0 => Ok(Rows::default()),
        1 => Ok(outcome.sets.remove(0)),
        _ => throw(call, sql::several(what)),
    }
}

/// A day or a moment of a script, or a text in one of the usual forms.
fn clock(given: &Dynamic) -> Result<jiff::Zoned> {
    if let Some(moment) = given.read_lock::<Moment>() {
        return Ok(moment.0.clone());
    }
    match given.read_lock::<ImmutableString>() {
        Some(text) => time::parsed(&text),
        None => Err(Error::input("sp.value", format!("{} is no moment", convert::type_name(given)))
            .hint("give a moment, such as time::parse(\"2019-07-12\"), or a text")),
    }
}

#[export_module]
pub mod sp {
    pub type Sp = super::super::Sp;
    pub type SpValue = super::super::value::SpValue;
    pub type Stream = crate::script::rows::Stream;

    /// Another connection, by its name in `pult.toml`. Nothing is sent before the first call.
    ///
    /// ```rhai
    /// assert_eq(sp.connect("main").address, sp.address);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn connect(call: NativeCallContext, _sp: &mut Sp, name: &str) -> Thrown<Sp> {
        Sp::named(&host(&call), name).or_else(|error| throw(&call, error))
    }

    /// A connection described here, with the settings of `pult.toml`.
    ///
    /// ```rhai
    /// let other = sp.connect(#{ address: "10.0.0.5,1433", database: "bill_ab", user: "sync", password: "of the vault" });
    /// assert_eq(other.address, "10.0.0.5:1433");
    /// ```
    #[rhai_fn(name = "connect", return_raw, pure)]
    pub fn connect_with(call: NativeCallContext, _sp: &mut Sp, settings: Map) -> Thrown<Sp> {
        Sp::described(&host(&call), &settings).or_else(|error| throw(&call, error))
    }

    /// The names of the connections in `pult.toml`.
    ///
    /// ```rhai
    /// assert("main" in sp.connections());
    /// ```
    #[rhai_fn(pure)]
    pub fn connections(call: NativeCallContext, _sp: &mut Sp) -> Array {
        let host = host(&call);
        host.connections.config().connections(NAME).map(|name| ImmutableString::from(name).into()).collect()
    }

    /// The server of plain SQL: `host:port` or `host\instance`.
    #[rhai_fn(get = "address", return_raw, pure)]
    pub fn address(call: NativeCallContext, sp: &mut Sp) -> Thrown<String> {
        let place = sp.opened(&call)?.place(None).or_else(|error| throw(&call, error))?;
        Ok(sql::server(&place))
    }

    /// The rows of a query.
    ///
    /// Columns without a name are `column_1` by their place, the second `id` is `id_2`. Exact numbers (`decimal`, `money`)
    /// are texts with every digit, `decimal(text)` computes with them; moments are texts as SQL Server shows them,
    /// `time::parse(text)` computes with those; bytes are `0x…`; NULL is `()`. Several result sets are thrown
    /// (`sp.several_sets`): `sp.sets` gives all.
    ///
    /// ```rhai
    /// let rows = sp.query("SELECT 7 AS number, N'семь' AS word");
    /// assert_eq(rows[0].word, "семь");
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn query(call: NativeCallContext, sp: &mut Sp, sql: &str) -> Thrown<Rows> {
        query_options(call, sp, sql, Dynamic::UNIT, Map::new())
    }

    /// The rows of a query with parameters: a map for `@name`, a list for `@P1`, `@P2`. They travel beside the text.
    ///
    /// Moments go as `datetime2` by what their clock shows, decimals as `numeric`, whole numbers as `int` or `bigint`, texts
    /// as `nvarchar`; `sp.date`, `sp.zoned` and `sp.binary` make the other types. A text such as "2019-07-12" is read
    /// by the server in the order of the login's language: give moments instead. Settings that the text makes end with
    /// it.
    ///
    /// ```rhai
    /// let rows = sp.query("SELECT @a + @b AS sum", #{ a: 2, b: 3 });
    /// assert_eq(rows[0].sum, 5);
    /// assert_eq(sp.query("SELECT @P1 AS word", ["да"])[0].word, "да");
    /// ```
    #[rhai_fn(name = "query", return_raw, pure)]
    pub fn query_with(call: NativeCallContext, sp: &mut Sp, sql: &str, params: Dynamic) -> Thrown<Rows> {
        query_options(call, sp, sql, params, Map::new())
    }

    /// The same with options.
    ///
    /// # Options
    /// - `database`: another database: its key in the catalogue, or its name at the same server
    /// - `timeout`: seconds after which the server is told to stop; usually as the connection says
    #[rhai_fn(name = "query", return_raw, pure)]
    pub fn query_options(
        call: NativeCallContext,
        sp: &mut Sp,
        sql: &str,
        params: Dynamic,
        options: Map,
    ) -> Thrown<Rows> {
        let outcome = run(&call, sp, given::text(sql, &params), &options)?;
        one(&call, outcome, "sp.query")
    }

    /// All result sets of a text: a list of Rows.
    ///
    /// ```rhai
    /// let sets = sp.sets("SELECT 1 AS a; SELECT 2 AS b");
    /// assert_eq(sets[1][0].b, 2);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn sets(call: NativeCallContext, sp: &mut Sp, sql: &str) -> Thrown<Array> {
        sets_options(call, sp, sql, Dynamic::UNIT, Map::new())
    }

    /// The same with parameters, as `sp.query` takes them.
    #[rhai_fn(name = "sets", return_raw, pure)]
    pub fn sets_with(call: NativeCallContext, sp: &mut Sp, sql: &str, params: Dynamic) -> Thrown<Array> {
        sets_options(call, sp, sql, params, Map::new())
    }

    /// The same with options: `database`, `timeout`.
    #[rhai_fn(name = "sets", return_raw, pure)]
    pub fn sets_options(
        call: NativeCallContext,
        sp: &mut Sp,
        sql: &str,
        params: Dynamic,
        options: Map,
    ) -> Thrown<Array> {
        let outcome = run(&call, sp, given::text(sql, &params), &options)?;
        Ok(outcome.sets.into_iter().map(Dynamic::from).collect())
    }

    /// The first value of the first row, or `()` when there is none.
    ///
    /// ```rhai
    /// assert_eq(sp.value("SELECT CAST(12.5 AS decimal(18, 2))"), "12.50");
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn value(call: NativeCallContext, sp: &mut Sp, sql: &str) -> Thrown<Dynamic> {
        value_options(call, sp, sql, Dynamic::UNIT, Map::new())
    }

    /// The same with parameters, as `sp.query` takes them.
    #[rhai_fn(name = "value", return_raw, pure)]
    pub fn value_with(call: NativeCallContext, sp: &mut Sp, sql: &str, params: Dynamic) -> Thrown<Dynamic> {
        value_options(call, sp, sql, params, Map::new())
    }

    /// The same with options: `database`, `timeout`.
    #[rhai_fn(name = "value", return_raw, pure)]
    pub fn value_options(
        call: NativeCallContext,
        sp: &mut Sp,
        sql: &str,
        params: Dynamic,
        options: Map,
    ) -> Thrown<Dynamic> {
        let outcome = run(&call, sp, given::text(sql, &params), &options)?;
        let first = one(&call, outcome, "sp.value")?.get(0);
        let value = first.as_ref().and_then(|row| row.fields().next()).map(|(_, field)| convert::from_field(field));
        Ok(value.unwrap_or_default())
    }

    /// The rows of a query one by one, read while they are used: for results that need not be held whole.
    ///
    /// Whoever leaves early closes the connection, and the server stops.
    ///
    /// ```rhai
    /// let sum = 0;
    /// for row in sp.stream("SELECT TOP (5000) id FROM sandbox.rows") { sum += row.id; }
    /// assert(sum > 0);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn stream(call: NativeCallContext, sp: &mut Sp, sql: &str) -> Thrown<Stream> {
        stream_options(call, sp, sql, Dynamic::UNIT, Map::new())
    }

    /// The same with parameters, as `sp.query` takes them.
    #[rhai_fn(name = "stream", return_raw, pure)]
    pub fn stream_with(call: NativeCallContext, sp: &mut Sp, sql: &str, params: Dynamic) -> Thrown<Stream> {
        stream_options(call, sp, sql, params, Map::new())
    }

    /// The same with options.
    ///
    /// # Options
    /// - `database`: another database: its key in the catalogue, or its name at the same server
    /// - `timeout`: seconds without any row after which it is given up
    #[rhai_fn(name = "stream", return_raw, pure)]
    pub fn stream_options(
        call: NativeCallContext,
        sp: &mut Sp,
        sql: &str,
        params: Dynamic,
        options: Map,
    ) -> Thrown<Stream> {
        let opened = sp.opened(&call)?;
        let started = given::how(&options).and_then(|(how, database)| {
            let request = given::text(sql, &params)?;
            opened.sql.stream(&opened.place(database.as_deref())?, request, &how)
        });
        Ok(Stream::new(host(&call), started.or_else(|error| throw(&call, error))?))
    }

    /// Calls a procedure that needs no parameters.
    #[rhai_fn(return_raw, pure)]
    pub fn exec(call: NativeCallContext, sp: &mut Sp, procedure: &str) -> Thrown<SpResult> {
        exec_options(call, sp, procedure, Map::new(), Map::new())
    }

    /// Calls a procedure by its name, with parameters by theirs: a result with `rows`, `sets`, `out`, `return_code`,
    /// `affected` and `messages`.
    ///
    /// A parameter that is to come back is `sp.out(value)`, with a value of its type. What it says is shown while it works.
    ///
    /// ```rhai
    /// sp.batch(`CREATE OR ALTER PROCEDURE dbo.twice @n int, @doubled int OUTPUT AS
    /// BEGIN
    ///     SET @doubled = @n * 2;
    ///     SELECT @n AS n;
    ///     RETURN 3;
    /// END`);
    /// let done = sp.exec("dbo.twice", #{ n: 21, doubled: sp.out(0) });
    /// assert_eq([done.out.doubled, done.return_code, done.rows[0].n], [42, 3, 21]);
    /// ```
    #[rhai_fn(name = "exec", return_raw, pure)]
    pub fn exec_with(call: NativeCallContext, sp: &mut Sp, procedure: &str, params: Map) -> Thrown<SpResult> {
        exec_options(call, sp, procedure, params, Map::new())
    }

    /// The same with options: `database`, `timeout`.
    #[rhai_fn(name = "exec", return_raw, pure)]
    pub fn exec_options(
        call: NativeCallContext,
        sp: &mut Sp,
        procedure: &str,
        params: Map,
        options: Map,
    ) -> Thrown<SpResult> {
        run(&call, sp, given::procedure(procedure, &params.into()), &options).map(SpResult::new)
    }

    /// Runs a text as it stands, several statements if need be, in a session of its own: settings, temporary tables and
    /// transactions of it end with it. Gives what `sp.exec` gives.
    ///
    /// ```rhai
    /// let done = sp.batch("CREATE TABLE #t (id int); INSERT INTO #t VALUES (1), (2); SELECT COUNT(*) AS n FROM #t");
    /// assert_eq([done.affected, done.rows[0].n], [2, 2]);
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn batch(call: NativeCallContext, sp: &mut Sp, sql: &str) -> Thrown<SpResult> {
        batch_options(call, sp, sql, Dynamic::UNIT, Map::new())
    }

    /// The same with parameters, as `sp.query` takes them.
    #[rhai_fn(name = "batch", return_raw, pure)]
    pub fn batch_with(call: NativeCallContext, sp: &mut Sp, sql: &str, params: Dynamic) -> Thrown<SpResult> {
        batch_options(call, sp, sql, params, Map::new())
    }

    /// The same with options: `database`, `timeout`.
    #[rhai_fn(name = "batch", return_raw, pure)]
    pub fn batch_options(
        call: NativeCallContext,
        sp: &mut Sp,
        sql: &str,
        params: Dynamic,
        options: Map,
    ) -> Thrown<SpResult> {
        run(&call, sp, given::batch(sql, &params), &options).map(SpResult::new)
    }

    /// An OUT parameter of `sp.exec`: a value of the type that it has, which is what goes in. `sp.out(0)` for whole numbers,
    /// `sp.out("")` for texts and moments, `sp.out(decimal("0"))`, `sp.out(0.0)`, `sp.out(false)`, `sp.out(sp.binary("0x"))`.
    ///
    /// ```rhai
    /// sp.batch("CREATE OR ALTER PROCEDURE dbo.greet @word nvarchar(50) OUTPUT AS SET @word = N'Привет, ' + @word");
    /// assert_eq(sp.exec("dbo.greet", #{ word: sp.out("мир") }).out.word, "Привет, мир");
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn out(call: NativeCallContext, _sp: &mut Sp, value: Dynamic) -> Thrown<SpValue> {
        if value.is_unit() {
            let error = Error::input("sp.out", "an OUT parameter needs a value of the type that it has");
            return throw(&call, error.hint("write sp.out(0), sp.out(\"\"), sp.out(false) or sp.out(decimal(\"0\"))"));
        }
        let value = value::value("out", &value).or_else(|error| throw(&call, error))?;
        Ok(SpValue { value, out: true })
    }

    /// A parameter of the type `date`: of a moment, or of a text that says the day.
    ///
    /// ```rhai
    /// assert_eq(sp.value("SELECT @day", #{ day: sp.date("12.07.2019") }), "2019-07-12");
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn date(call: NativeCallContext, _sp: &mut Sp, day: Dynamic) -> Thrown<SpValue> {
        let day = clock(&day).or_else(|error| throw(&call, error))?;
        Ok(SpValue::new(Value::Date(day.date())))
    }

    /// A parameter of the type `datetimeoffset`: a moment with its zone, where otherwise only what its clock shows is sent.
    ///
    /// ```rhai
    /// let at = sp.zoned("2019-07-12T15:43:09.943+03:00");
    /// assert_eq(sp.value("SELECT @at", #{ at: at }), "2019-07-12 15:43:09.9430000 +03:00");
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn zoned(call: NativeCallContext, _sp: &mut Sp, moment: Dynamic) -> Thrown<SpValue> {
        let moment = clock(&moment).or_else(|error| throw(&call, error))?;
        Ok(SpValue::new(Value::Zoned(moment)))
    }

    /// A parameter of the type `varbinary`: bytes written as `0x…`.
    ///
    /// ```rhai
    /// assert_eq(sp.value("SELECT @raw", #{ raw: sp.binary("0x00ff") }), "0x00FF");
    /// ```
    #[rhai_fn(return_raw, pure)]
    pub fn binary(call: NativeCallContext, _sp: &mut Sp, text: &str) -> Thrown<SpValue> {
        match Value::binary(text) {
            Some(value) => Ok(SpValue::new(value)),
            None => {
                let error = Error::input("sp.value", "these are no bytes as SQL Server writes them");
                throw(&call, error.hint("write 0x and an even number of hexadecimal digits: \"0x00FF\""))
            }
        }
    }

    #[rhai_fn(name = "to_string", name = "to_debug", pure)]
    pub fn shown(sp: &mut Sp) -> String {
        match &sp.0 {
            Some(opened) => {
                opened.place(None).map_or_else(|_| NAME.into(), |place| format!("sp at {}", sql::server(&place)))
            }
            None => NAME.into(),
        }
    }
}
