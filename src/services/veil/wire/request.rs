//! Requests: from a call of the table and what its caller gave.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::value::{checked, in_query};
use crate::error::{Error, Result, did_you_mean};
use crate::services::veil::table::{Call, Entity, Holds, On, Param, Rule, Usual, Verb};

/// The word with which a server knows a repetition.
pub const KEY: &str = "idempotency_key";

/// One request. `path` goes behind `/api/`, unless it begins with a slash.
#[derive(Clone, Debug)]
pub struct Request {
    pub verb: Verb,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub body: Option<Value>,
    /// Whether it changes something.
    pub changes: bool,
    /// Values that are never shown, where they stand in the body.
    pub secrets: Vec<&'static str>,
    /// Seconds that the work itself may take, where the caller says so: the answer comes no sooner.
    pub takes: u64,
    /// It is not sent again once it may have been carried out, key or not.
    pub only_once: bool,
}

/// What a call is about.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    pub id: &'a str,
    pub name: Option<&'a str>,
}

impl Request {
    pub fn get(path: impl Into<String>) -> Request {
        let (path, query, secrets) = (path.into(), Vec::new(), Vec::new());
        Request { verb: Verb::Get, path, query, body: None, changes: false, secrets, takes: 0, only_once: false }
    }

    pub fn with(mut self, name: &str, value: impl Into<String>) -> Request {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    /// A request of the caller's own. A query that stands in the path is read as one.
    pub fn own(verb: Verb, path: &str, query: &Map<String, Value>, body: Option<Value>) -> Request {
        let (path, in_path) = path.split_once('?').unwrap_or((path, ""));
        let in_path = in_path.split('&').filter_map(|pair| pair.split_once('='));
        let mut all: Vec<(String, String)> = in_path.map(|(name, value)| (decoded(name), decoded(value))).collect();
        all.extend(query.iter().filter_map(|(name, value)| Some((name.clone(), in_query(value)?))));
        Request { verb, query: all, body, changes: verb != Verb::Get, ..Request::get(path) }
    }

    /// A change is work that may become a task; a request that is to be answered with the result says so.
    pub fn waits(mut self, at_once: bool) -> Request {
        if self.changes && !self.query.iter().any(|(name, _)| name == "async") {
            self.query.insert(0, ("async".into(), u8::from(!at_once).to_string()));
        }
        self
    }

    /// Adds the key by which the server knows a repetition, where it takes one: in a POST with a body. What lies beside
    /// the API knows nothing of keys.
    pub fn keyed(mut self) -> Request {
        let is_api = !self.path.starts_with('/') || self.path.starts_with("/api/");
        if self.verb == Verb::Post
            && is_api
            && let Some(Value::Object(body)) = &mut self.body
            && !body.contains_key(KEY)
        {
            body.insert(KEY.into(), json!(Uuid::new_v4().to_string()));
        }
        self
    }

    /// Whether it can be sent again although it may have been carried out.
    pub fn may_repeat(&self) -> bool {
        let has_key = self.body.as_ref().is_some_and(|body| body.get(KEY).is_some());
        !self.changes || (has_key && !self.only_once)
    }

    pub fn verb_word(&self) -> &'static str {
        match self.verb {
            Verb::Get => "GET",
            Verb::Post => "POST",
            Verb::Put => "PUT",
        }
    }

    /// Verb, path and body as a dry run tells them, without secrets and without the key.
    pub fn told(&self) -> String {
        let path = if self.path.starts_with('/') { self.path.clone() } else { format!("/api/{}", self.path) };
        let mut told = format!("{} {path}", self.verb_word());
        let Some(body) = &self.body else { return told };
        let mut body = body.clone();
        if let Some(body) = body.as_object_mut() {
            body.shift_remove(KEY);
        }
        for path in &self.secrets {
            if let Some(value) = body.pointer_mut(&format!("/{}", path.replace('.', "/"))) {
                *value = json!(crate::secret::MASK);
            }
        }
        hide_secrets(&mut body);
        told.push_str(&format!(" {body}"));
        told
    }
}

/// A part of a query as it is meant.
fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// Parts of names whose values nobody is shown, in bodies that users write themselves.
const SECRET_NAMES: &[&str] = &["password", "passwd", "secret", "token", "user_data", "private_key", "passphrase"];

fn hide_secrets(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (name, value) in map.iter_mut() {
                let name = name.to_lowercase();
                match SECRET_NAMES.iter().any(|secret| name.contains(secret)) && !value.is_null() {
                    true => *value = json!(crate::secret::MASK),
                    false => hide_secrets(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(hide_secrets),
        _ => {}
    }
}

/// The request of a call. Names of objects among the options are ids by now.
pub fn request(
    entity: &Entity,
    call: &Call,
    about: Option<About<'_>>,
    options: &Map<String, Value>,
) -> Result<Request> {
    let path = match (call.on, about) {
        (On::One, Some(about)) => format!("{}/{}/{}", entity.path, about.id, call.path),
        (On::One, None) => return Err(no_object(entity, call)),
        (On::All, _) => format!("{}/{}", entity.path, call.path),
        (On::Api, _) => call.path.to_owned(),
    };
    unknown(call.options(), &format!("{}.{}", entity.word, call.name), options)?;
    for rule in call.rules {
        obey(call, *rule, options)?;
    }
    let fields = fields(entity, call, about, options)?;
    let mut request = Request { verb: call.verb, changes: call.changes(), ..Request::get(path) };
    // What a command does inside the machine is its caller's own, and nobody has seen a key honoured there.
    request.only_once = call.runs_inside();
    request.takes = options.get("timeout").filter(|_| request.only_once).and_then(Value::as_u64).unwrap_or(0);
    request.secrets = call.params.iter().filter(|param| param.holds == Holds::Secret).map(|param| param.key).collect();
    match call.verb {
        Verb::Get => {
            request.query = fields.iter().filter_map(|(key, value)| Some((key.clone(), in_query(value)?))).collect()
        }
        _ if call.params.is_empty() => {}
        _ => request.body = Some(nested(fields)),
    }
    Ok(request)
}

/// The query of a list. `ids` is left to the caller, who may have to split it.
pub fn list_query(entity: &Entity, options: &Map<String, Value>) -> Result<Vec<(String, String)>> {
    unknown(entity.list_params(), &format!("the list of {}", entity.plural), options)?;
    let mut query = Vec::new();
    for param in entity.list_params() {
        let Some(value) = options.get(param.name).filter(|value| !value.is_null()) else { continue };
        // The Python client's word for full objects.
        if param.name == "fields" && (*value == json!("__all__") || *value == json!(["__all__"])) {
            query.push(("all_content".to_owned(), "1".to_owned()));
            continue;
        }
        if let Some(text) = in_query(&checked(param, value)?) {
            query.push((param.key.to_owned(), text));
        }
    }
    // An empty list of ids would be left out of the query, and then the list is that of everything.
    if options.get("ids").and_then(Value::as_array).is_some_and(Vec::is_empty) {
        return Err(Error::input("veil.no_ids", "`ids` is an empty list").hint("leave `ids` out to get all"));
    }
    if query.iter().any(|(name, _)| name == "all_content") && query.iter().any(|(name, _)| name == "fields") {
        return Err(Error::input("veil.fields", "`fields` and `all_content` exclude each other")
            .hint("leave one of the two out"));
    }
    Ok(query)
}

fn no_object(entity: &Entity, call: &Call) -> Error {
    let word = entity.word;
    Error::input("veil.no_id", format!("{word}().{} needs to know which: there is no id", call.name))
        .hint(format!("write veil.{word}(id).{}(…), with an id or a name", call.name))
}

/// Refuses an option that nobody knows, with a near one.
fn unknown<'a>(known: impl Iterator<Item = &'a Param> + Clone, what: &str, options: &Map<String, Value>) -> Result<()> {
    let Some(name) = options.keys().find(|name| !known.clone().any(|param| param.name == **name)) else {
        return Ok(());
    };
    let hint = did_you_mean(name, known.clone().map(|param| param.name)).unwrap_or_else(|| {
        let names: Vec<&str> = known.map(|param| param.name).collect();
        match names.is_empty() {
            true => "it takes no options of its own".into(),
            false => format!("its options are {}", names.join(", ")),
        }
    });
    Err(Error::input("veil.unknown_option", format!("{what} has no option `{name}`")).hint(hint))
}

fn is_given(options: &Map<String, Value>, name: &str) -> bool {
    options.get(name).is_some_and(|value| !value.is_null())
}

/// Whether a given option asks for something: one that is sent only when it is set asks for nothing when it is not.
fn asks(call: &Call, options: &Map<String, Value>, name: &str) -> bool {
    let is_off =
        call.option(name).is_some_and(|param| param.holds == Holds::One) && options.get(name) == Some(&json!(false));
    is_given(options, name) && !is_off
}

fn obey(call: &Call, rule: Rule, options: &Map<String, Value>) -> Result<()> {
    let given = |name: &&&str| is_given(options, name);
    let wrong = |message: String, hint: String| Err(Error::input("veil.options", message).hint(hint));
    match rule {
        Rule::Excludes(first, others) if is_given(options, first) => match others.iter().find(given) {
            Some(other) => wrong(
                format!("{}: `{first}` and `{other}` exclude each other", call.name),
                "give one of the two".into(),
            ),
            None => Ok(()),
        },
        Rule::Together(names) if names.iter().any(|name| is_given(options, name)) => {
            match names.iter().find(|name| !is_given(options, name)) {
                Some(missing) => wrong(
                    format!("{}: `{missing}` is missing", call.name),
                    format!("{} belong together", names.join(", ")),
                ),
                None => Ok(()),
            }
        }
        Rule::Needs(first, second) if is_given(options, first) && !is_given(options, second) => wrong(
            format!("{}: `{first}` means nothing without `{second}`", call.name),
            format!("give `{second}`, or leave `{first}` out"),
        ),
        Rule::Any(names) if !names.iter().any(|name| asks(call, options, name)) => wrong(
            format!("{}: there is nothing to do", call.name),
            format!("give at least one of {}", names.join(", ")),
        ),
        _ => Ok(()),
    }
}

/// Every field with its value, in the order of the table.
fn fields(
    entity: &Entity,
    call: &Call,
    about: Option<About<'_>>,
    options: &Map<String, Value>,
) -> Result<Vec<(String, Value)>> {
    let mut fields = Vec::new();
    for param in call.params {
        let given = options.get(param.name).filter(|value| !value.is_null() && !param.is_fixed());
        let value = match (given, param.usual) {
            (Some(value), _) => checked(param, value)?,
            (None, Usual::Absent) => continue,
            (None, Usual::Required) => {
                let what = format!("{}.{}", entity.word, call.name);
                return Err(Error::input("veil.missing_option", format!("{what} needs `{}`", param.name))
                    .hint(format!("`{}` is {}", param.name, param.help)));
            }
            (None, Usual::Flag(flag)) if param.holds == Holds::One => checked(param, &json!(flag))?,
            (None, Usual::Flag(flag)) => json!(flag),
            (None, Usual::Integer(n)) => json!(n),
            (None, Usual::Text(text)) => json!(text),
            (None, Usual::With(other)) if is_given(options, other) => checked(param, &json!(true))?,
            (None, Usual::With(_)) => continue,
            (None, Usual::This) => json!(about.map(|about| about.id).ok_or_else(|| no_object(entity, call))?),
            (None, Usual::Name) => json!(about.and_then(|about| about.name)),
            (None, Usual::Fresh) => fresh(options)?,
        };
        if !value.is_null() {
            fields.push((param.key.to_owned(), value));
        }
    }
    Ok(fields)
}

/// The most machines that one call makes: more is a slip.
const MOST_COPIES: u64 = 1000;

fn fresh(options: &Map<String, Value>) -> Result<Value> {
    let count = options.get("count").map_or(Some(1), Value::as_u64);
    match count {
        Some(count @ 1..=MOST_COPIES) => Ok((0..count).map(|_| json!(Uuid::new_v4().to_string())).collect()),
        _ => {
            Err(Error::input("veil.count", "`count` is a whole number from 1 to 1000")
                .hint("make more in several calls"))
        }
    }
}

/// `a.b` becomes `b` inside the object `a`, `a.0` the first element of a list.
fn nested(fields: Vec<(String, Value)>) -> Value {
    let mut body = Map::new();
    for (key, value) in fields {
        let steps: Vec<&str> = key.split('.').collect();
        put(&mut body, &steps, value);
    }
    Value::Object(body)
}

fn put(into: &mut Map<String, Value>, steps: &[&str], value: Value) {
    match steps {
        [] => {}
        [last] => drop(into.insert((*last).to_owned(), value)),
        [list, place] if place.parse::<usize>().is_ok() => {
            if let Value::Array(list) = into.entry(*list).or_insert_with(|| json!([])) {
                list.push(value);
            }
        }
        [first, rest @ ..] => {
            if let Value::Object(inner) = into.entry(*first).or_insert_with(|| json!({})) {
                put(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::veil::table::entity;

    const ID: &str = "6a1f3c52-0d7e-4d0b-9c2a-51f0a8e3b7d4";

    fn made(word: &str, call: &str, options: Value) -> Result<Request> {
        let entity = entity(word).unwrap();
        let about = About { id: ID, name: Some("vm") };
        request(entity, entity.call(call).unwrap(), Some(about), options.as_object().unwrap())
    }

    fn body(word: &str, call: &str, options: Value) -> String {
        let mut body = made(word, call, options).unwrap().body.unwrap();
        if let Some(ids) = body.get_mut("domains_ids") {
            *ids = json!(ids.as_array().unwrap().len());
        }
        body.to_string()
    }

    #[test]
    fn bodies_are_those_of_the_python_client() {
        assert_eq!(body("domain", "start", json!({})), r#"{"force":false}"#);
        assert_eq!(body("domain", "remove", json!({"force": true})), r#"{"full":true,"force":true}"#);
        assert_eq!(
            body("domain", "create", json!({"verbose_name": "vm", "parent": ID, "count": 3})),
            format!(
                "{{\"verbose_name\":\"vm\",\"parent\":\"{ID}\",\"count\":3,\"thin\":true,\"template\":false,\
                 \"remote_access\":false,\"start_on\":false,\"set_hostname\":false,\"domains_ids\":3}}"
            )
        );
        let joined = json!({"domain_name": "corp", "login": "u", "password": "secret-word", "restart": true});
        assert_eq!(
            body("domain", "prepare", joined),
            r#"{"remote_access":true,"add_to_ad":{"domainname":"corp","login":"u","password":"secret-word","restart":1}}"#
        );
        assert_eq!(
            body("domain", "guest_exec", json!({"path": "cmd", "args": ["/c"], "timeout": 30})),
            r#"{"fargs":{"path":"cmd","arg":["/c"],"capture-output":true},"timeout":30,"qemu_cmd":"guest-exec"}"#
        );
        assert_eq!(
            body("domain", "backup", json!({})),
            format!("{{\"domain\":\"{ID}\",\"can_be_incremental\":false,\"increment\":false,\"exclude_iso\":true}}")
        );
        assert_eq!(
            body("domain", "detach_usb", json!({"controller_order": 0})),
            r#"{"controller_order":0,"action_type":"tcp_usb_device"}"#
        );
        assert!(made("domain", "change_template", json!({})).unwrap().body.is_none());
    }

    #[test]
    fn what_excludes_each_other_is_refused_before_sending() {
        let both = json!({"verbose_name": "vm", "parent": ID, "node": ID, "resource_pool": ID});
        assert!(made("domain", "create", both).unwrap_err().message().contains("exclude each other"));
        assert!(made("domain", "update", json!({})).unwrap_err().message().contains("nothing to do"));
        let half = json!({"verbose_name": "vm", "login": "u"});
        assert!(made("domain", "create", half).unwrap_err().message().contains("`domain_name` is missing"));
        let error = made("domain", "start", json!({"forse": true})).unwrap_err();
        assert_eq!(error.hint_text(), Some("did you mean `force`?"));
    }

    #[test]
    fn a_key_goes_with_posts_that_have_a_body_and_is_not_told() {
        let start = made("domain", "start", json!({})).unwrap().keyed();
        assert!(start.may_repeat());
        assert_eq!(start.told(), format!("POST /api/domains/{ID}/start/ {{\"force\":false}}"));
        assert!(!made("domain", "rename", json!({"verbose_name": "x"})).unwrap().keyed().may_repeat());
        assert!(!made("tag", "remove", json!({})).unwrap().keyed().may_repeat());
        assert!(made("domain", "spice", json!({})).unwrap().keyed().may_repeat());
        let join = json!({"domain": "corp", "login": "u", "password": "secret-word"});
        let told = made("domain", "add_to_ad", join).unwrap().told();
        assert!(told.contains(r#""password":"***""#), "{told}");
    }

    #[test]
    fn lists_leave_out_what_is_empty() {
        let domain = entity("domain").unwrap();
        let options = json!({"name": "", "limit": 10, "template": false, "fields": ["id", "status"], "ordering": ()});
        let query = list_query(domain, options.as_object().unwrap()).unwrap();
        let query: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(query, ["limit=10", "fields=id,status", "template=0"]);
        assert!(list_query(domain, json!({"name": 5}).as_object().unwrap()).is_err());
    }
}
