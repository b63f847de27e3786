//! `sp` in scripts. Only these files here know Rhai.

mod given;
mod object;
mod result;
mod run;
mod runs;
mod value;
mod words;

use std::sync::Arc;

use rhai::{Dynamic, Engine, Map, Module, NativeCallContext, Shared};

use self::result::SpResult;
use self::value::SpValue;
use super::client::driver::{Place, Request};
use super::client::site::Site;
use super::client::sql::{Call, How, Outcome, Sql};
use super::client::tds::Tds;
use super::{NAME, SETTINGS};
use crate::error::{Error, Kind, Result};
use crate::script::bridge::{Host, Thrown, host, throw, wait_with_farewell};
use crate::script::options::connection;
use crate::settings::Settings;

pub use words::instead;

/// The object: the default connection, or one that `connect` gave.
#[derive(Clone, Default)]
pub struct Sp(Option<Arc<Opened>>);

/// What stands behind one connection.
pub struct Opened {
    sql: Sql,
    site: Site,
    /// Who asks for runs.
    by: String,
    /// Neither a catalogue nor a server is named.
    is_bare: bool,
}

impl Opened {
    /// Opens a connection; what is unwise about it is told once, here.
    fn new(host: &Host, settings: &Settings) -> Result<Opened> {
        let context = &host.context;
        let sql = Sql::open(settings, context, Arc::new(Tds))?;
        if let Some(warning) = sql.way().warning() {
            host.warn(&warning);
        }
        let by = context.variable("USER").or_else(|| context.variable("USERNAME"));
        let is_bare = ["catalogue", "address", "connection_string"].iter().all(|name| !settings.has(name));
        Ok(Opened { sql, site: Site::open(settings, context)?, by: by.unwrap_or_else(|| "script".into()), is_bare })
    }

    /// Where plain SQL goes: the target of the catalogue unless the settings name a database. `database` is a key of the
    /// catalogue, or the name of another database at the same server.
    fn place(&self, database: Option<&str>) -> Result<Place> {
        if self.is_bare {
            return self.sql.way().place();
        }
        let key = database.filter(|name| self.site.catalogue().database(name).is_some());
        let mut place = self.site.place(key)?;
        let named = database.filter(|_| key.is_none()).or(self.sql.way().database().filter(|_| key.is_none()));
        if let Some(name) = named {
            place.database = Some(name.to_owned());
        }
        Ok(place)
    }
}

impl Sp {
    fn opened(&self, call: &NativeCallContext<'_>) -> Thrown<Arc<Opened>> {
        match &self.0 {
            Some(opened) => Ok(opened.clone()),
            None => {
                let host = host(call);
                let opened = host.connections.open(NAME, None, |settings| Opened::new(&host, settings));
                opened.or_else(|error| throw(call, error))
            }
        }
    }

    /// Runs a request to its end. Whoever stops the script ends it at the server as well.
    fn run(
        &self,
        call: &NativeCallContext<'_>,
        request: Request,
        how: &How,
        database: Option<&str>,
    ) -> Thrown<Outcome> {
        let opened = self.opened(call)?;
        let place = opened.place(database).or_else(|error| throw(call, error))?;
        let under_way = Call::default();
        wait_with_farewell(call, opened.sql.query(&under_way, &place, request, how), under_way.leave())
    }

    /// The connection of `pult.toml` that has this name.
    fn named(host: &Host, name: &str) -> Result<Sp> {
        // It may hold a password, so it is not repeated.
        if name.contains(['=', ';', ',', '\\', ':', '@', '/', '.']) {
            let message = "this is no name of a connection in pult.toml";
            let hint = "an address is given as sp.connect(#{ address: …, user: …, password: … }), a connection string as sp.connect(#{ connection_string: … })";
            return Err(Error::new(Kind::Config, "sp.no_connection", message).hint(hint));
        }
        let opened = host.connections.open(NAME, Some(name), |settings| Opened::new(host, settings))?;
        Ok(Sp(Some(opened)))
    }

    fn described(host: &Host, settings: &Map) -> Result<Sp> {
        let opened = connection(SETTINGS, settings).and_then(|settings| Opened::new(host, &settings))?;
        Ok(Sp(Some(Arc::new(opened))))
    }
}

pub fn register(engine: &mut Engine, globals: &mut Module) {
    engine.register_type_with_name::<Sp>("Sp");
    engine.register_type_with_name::<SpResult>("SpResult");
    engine.register_type_with_name::<SpValue>("SpValue");
    engine.register_global_module(Shared::new(rhai::exported_module!(object::sp)));
    engine.register_global_module(Shared::new(rhai::exported_module!(runs::sp)));
    engine.register_global_module(Shared::new(rhai::exported_module!(result::result)));
    engine.register_global_module(Shared::new(rhai::exported_module!(value::values)));
    globals.set_var(NAME, Sp::default());
}

/// What a value of our own types holds.
pub fn plain(value: &Dynamic) -> Option<Dynamic> {
    value.read_lock::<SpResult>().map(|result| result.plain().into())
}
