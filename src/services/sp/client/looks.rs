//! Checks: when the data of each stage was changed last. They inform; whatever goes wrong with one is a warning.

use std::collections::{BTreeMap, HashMap};

use futures_util::future::join_all;
use tokio::time::timeout;

use super::driver::{Connection, Param, Request, Value};
use super::engine::Running;
use super::live::leave;
use super::locks::answered;
use super::run::{Check, Order};
use super::site::Site;
use crate::core::rows::Field;
use crate::error::{Error, Result};
use crate::services::sp::catalogue::{Catalogue, CheckSpec};

/// Before the steps, or after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    Before,
    After,
}

/// A question in its place: what is asked, in as many queries as it takes.
struct Look {
    about: Check,
    queries: Vec<CheckSpec>,
}

/// Looks at these entities and codes, and tells the run.
pub(super) async fn all(running: &Running, pairs: &[(String, String)], when: When) {
    let site = &running.site;
    let looks = pairs.iter().flat_map(|(entity, code)| looks(site.catalogue(), entity, code)).collect();
    go(site, looks, &|check, value| {
        let (before, after) = match when {
            When::Before => (value, None),
            When::After => (None, value),
        };
        running.live.check(Check { before, after, ..check });
    })
    .await;
}

/// Looks at one entity of one code. Errors: `sp.order` for what the catalogue does not have.
pub(super) async fn ask(site: &Site, name: &str, code: &str) -> Result<Vec<Check>> {
    let order = Order { name: Some(name.to_owned()), codes: vec![code.to_owned()], ..Order::default() };
    super::order::exists(site.catalogue(), &order)?;
    let looks = looks(site.catalogue(), name, code);
    let order: Vec<String> = looks.iter().map(|look| look.about.check.clone()).collect();
    let answered = std::sync::Mutex::new(Vec::new());
    go(site, looks, &|check, value| {
        let mut answered = answered.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        answered.push(Check { after: value, ..check });
    })
    .await;
    let mut checks = answered.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    checks.sort_by_key(|check: &Check| order.iter().position(|id| *id == check.check));
    Ok(checks)
}

/// The questions about an entity of a code. One that asks for the data of a virtual code is put for each of its members:
/// no data bears the virtual code itself.
fn looks(catalogue: &Catalogue, entity: &str, code: &str) -> Vec<Look> {
    let members = catalogue.code(code).filter(|code| code.is_virtual).map(|code| catalogue.members(code));
    let mut looks = Vec::new();
    for (id, spec) in catalogue.checks(entity, code) {
        let about = Check {
            check: id.to_owned(),
            entity: entity.to_owned(),
            code: Some(code.to_owned()),
            before: None,
            after: None,
            warning: None,
        };
        let queries = match (spec, &members) {
            (Some(spec), Some(members)) if catalogue.is_by_code(&spec) => {
                let of = |member: &str| catalogue.checks(entity, member).into_iter().find(|(other, _)| *other == id);
                members.iter().filter_map(|member| of(&member.key)).filter_map(|(_, spec)| spec).collect()
            }
            (spec, _) => spec.into_iter().collect(),
        };
        looks.push(Look { about, queries });
    }
    looks
}

/// Puts questions: those to one server one after another, servers side by side.
async fn go(site: &Site, looks: Vec<Look>, told: &(dyn Fn(Check, Option<String>) + Send + Sync)) {
    let mut servers: BTreeMap<String, Vec<Look>> = BTreeMap::new();
    for look in looks {
        match look.queries.first() {
            Some(query) => servers.entry(query.server.clone()).or_default().push(look),
            None => told(look.about, None),
        }
    }
    let one = |looks: Vec<Look>| async move {
        let mut sessions = Sessions { site, open: HashMap::new() };
        for look in looks {
            let mut check = look.about;
            let mut newest: Option<String> = None;
            for query in &look.queries {
                match sessions.ask(query).await {
                    Ok(value) => newest = newest.max(value),
                    Err(error) => check.warning = Some(crate::secret::mask(error.message()).into_owned()),
                }
            }
            told(check, newest);
        }
    };
    join_all(servers.into_values().map(one)).await;
}

/// Connections for checks, by database; or why there is none.
struct Sessions<'a> {
    site: &'a Site,
    open: HashMap<String, Result<Box<dyn Connection>>>,
}

impl Sessions<'_> {
    async fn ask(&mut self, query: &CheckSpec) -> Result<Option<String>> {
        let site = self.site;
        let mut session = match self.open.remove(&query.database) {
            Some(Ok(session)) => session,
            Some(Err(error)) => {
                self.open.insert(query.database.clone(), Err(error.clone()));
                return Err(error);
            }
            None => match connect(site, &query.database).await {
                Ok(session) => session,
                // The next check of this database would only wait as long as this one.
                Err(error) => {
                    self.open.insert(query.database.clone(), Err(error.clone()));
                    return Err(error);
                }
            },
        };
        let param = |name: &str| Param { name: name.to_owned(), value: Value::Text(query.code.clone()), out: false };
        let params = query.params.iter().map(|rule| param(&rule.name)).collect();
        let request = Request::Text { sql: query.sql.clone(), params };
        let patience = site.catalogue().timeouts.check;
        match timeout(patience, answered(&mut *session, &request)).await {
            Ok(Ok(answer)) => {
                self.open.insert(query.database.clone(), Ok(session));
                let row = answer.rows.iter().find_map(|rows| rows.get(0));
                Ok(row.as_ref().and_then(|row| row.fields().next()).and_then(|(_, field)| shown(field)))
            }
            Ok(Err(error)) => Err(error),
            Err(_) => {
                leave(&mut *session, false).await;
                let message = format!("the check took longer than {} s", patience.as_secs_f64());
                Err(Error::new(crate::error::Kind::Timeout, "sp.timeout", message))
            }
        }
    }
}

async fn connect(site: &Site, database: &str) -> Result<Box<dyn Connection>> {
    site.0.driver.connect(&site.place(Some(database))?).await
}

fn shown(field: Field) -> Option<String> {
    match field {
        Field::Null => None,
        Field::Text(text) | Field::Json(text) => Some(text.to_owned()),
        Field::Integer(n) => Some(n.to_string()),
        Field::Number(n) => Some(n.to_string()),
        Field::Flag(flag) => Some(flag.to_string()),
        Field::Moment { at, zone } => Some(crate::core::clock::moment(at, zone).datetime().to_string()),
    }
}
