//! Values of scripts as what the options of a command take.

use jiff::tz::TimeZone;
use rhai::{Array, Dynamic, ImmutableString, Map};

use super::spec::{AT_ONCE, RAW, Spec};
use super::words;
use crate::core::order::cell_text;
use crate::core::rows::{Field, Row};
use crate::error::{Error, Result, did_you_mean};
use crate::script::convert;
use crate::script::modules::time;
use crate::script::values::Moment;
use crate::services::rac::client::{Call, Given};
use crate::services::rac::table::{ALLOW_DENY, ANALYZE, Opt, Takes, Words};

/// How many of many are asked at once where nobody said so.
const USUALLY: usize = 8;
const AT_MOST: i64 = 64;

/// The call that a map of options describes.
pub fn call(spec: Spec, options: &Map, zone: &TimeZone) -> Result<Call> {
    let mut call = spec.call();
    for (name, value) in options.iter().filter(|(_, value)| !value.is_unit()) {
        match name.as_str() {
            RAW if spec.gives_records() => {
                call.raw = value.as_bool().map_err(|_| not("raw", "true or false", value))?;
            }
            AT_ONCE if spec.key.is_some() => {}
            name => {
                let option = call.option(name).map_err(|error| named_elsewhere(error, spec, name))?;
                give(&mut call, option, value, zone)?;
            }
        }
    }
    Ok(call)
}

/// With the name that an option of another library has here.
fn named_elsewhere(error: Error, spec: Spec, name: &str) -> Error {
    let known: Vec<String> = spec.options().map(|option| option.script_name()).collect();
    match words::option(name, &known) {
        Some(known) => error.hint(format!("it is called `{known}` here")),
        None => error,
    }
}

/// How many at once.
pub fn at_once(options: &Map) -> Result<usize> {
    let Some(value) = options.get(AT_ONCE).filter(|value| !value.is_unit()) else { return Ok(USUALLY) };
    let fits = value.as_int().ok().filter(|n| (1..=AT_MOST).contains(n)).and_then(|n| usize::try_from(n).ok());
    fits.ok_or_else(|| not(AT_ONCE, &format!("a whole number from 1 to {AT_MOST}"), value))
}

fn not(name: &str, wanted: &str, value: &Dynamic) -> Error {
    Error::input("options.type", format!("the option `{name}` takes {wanted}, not {}", convert::type_name(value)))
}

/// Gives what a command is about: a text, or a row, which tells whatever else has to be known of the same thing.
pub fn give_key(call: &mut Call, spec: Spec, key: &'static Opt, value: &Dynamic, zone: &TimeZone) -> Result<()> {
    if let Some(row) = value.read_lock::<Row>() {
        for option in spec.options().filter(|option| option.is_required && option.called != key.called) {
            if let Some(field) = row.get(&option.script_name()).filter(|_| call.given(option.called).is_none()) {
                call.give_text(option, &cell_text(field))?;
            }
        }
    }
    give(call, key, value, zone)
}

/// Gives one option. Rows and maps that stand for what they describe are asked for it.
fn give(call: &mut Call, option: &'static Opt, value: &Dynamic, zone: &TimeZone) -> Result<()> {
    if let Some(row) = value.read_lock::<Row>() {
        let text = of_row(&row, option).ok_or_else(|| no_column(call, option, row.shape().names()))?;
        return call.give_text(option, &text);
    }
    if let Some(map) = value.read_lock::<Map>() {
        let inner = map.get(option.script_name().as_str()).filter(|value| value.is_string());
        let inner = inner.ok_or_else(|| no_column(call, option, map.keys().map(|name| name.as_str())))?;
        return call.give_text(option, &inner.to_string());
    }
    if option.takes == Takes::Flag {
        let flag = value.as_bool().map_err(|_| wrong(call, option, value, "true or false"))?;
        if flag {
            call.give(option, Given::Flag);
        }
        return Ok(());
    }
    let text = text(call, option, value, zone)?;
    call.give_text(option, &text).map_err(|error| nearer(error, option, &text))
}

/// The text that a row has for an option: the column of its name or, where the option is a name, the row's own.
pub fn of_row(row: &Row, option: &Opt) -> Option<String> {
    let by_name = || row.get("name").filter(|_| option.takes == Takes::Text);
    let field = row.get(&option.script_name()).or_else(by_name)?;
    (field != Field::Null).then(|| cell_text(field).into_owned())
}

fn no_column<'a>(call: &Call, option: &Opt, names: impl Iterator<Item = &'a str>) -> Error {
    let name = option.script_name();
    let names: Vec<&str> = names.take(12).collect();
    let message = format!("rac::{}: the row has no `{name}`", call.name());
    Error::input("rac.wrong_option", message)
        .hint(format!("it has {}; pass a row that has `{name}`, or the value itself", names.join(", ")))
}

/// A value as it would stand on the utility's command line.
fn text(call: &Call, option: &Opt, value: &Dynamic, zone: &TimeZone) -> Result<String> {
    let refused = |wanted: &str| wrong(call, option, value, wanted);
    if let (Takes::Auth | Takes::Ports, Some(items)) = (option.takes, value.read_lock::<Array>()) {
        let texts: Vec<String> = items.iter().map(ToString::to_string).collect();
        return Ok(texts.join(","));
    }
    if let (Takes::Date, Some(moment)) = (option.takes, value.read_lock::<Moment>()) {
        let shown = moment.0.with_time_zone(zone.clone()).datetime();
        return Ok(shown.strftime("%Y-%m-%dT%H:%M:%S").to_string());
    }
    if let Ok(flag) = value.as_bool() {
        return word_of_flag(option, flag).ok_or_else(|| refused("a value, not true or false"));
    }
    if let Ok(n) = value.as_int() {
        return match option.takes {
            Takes::Date | Takes::Password | Takes::Id(_) | Takes::Auth | Takes::Ports => Err(refused("a text")),
            Takes::Words(words) => Ok(words.word(n).map_or_else(|| n.to_string(), str::to_owned)),
            _ => Ok(n.to_string()),
        };
    }
    let Some(text) = value.read_lock::<ImmutableString>().map(|text| text.to_string()) else {
        return Err(refused("a text"));
    };
    Ok(match option.takes {
        Takes::Date if !text.is_empty() => match time::clock(&text, zone) {
            Ok(shown) => shown.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
            Err(_) => text,
        },
        Takes::Words(words) if words.is_flag && words.number(&text).is_none() => {
            let flag = match text.as_str() {
                "yes" | "on" | "true" | "1" => true,
                "no" | "off" | "false" | "0" => false,
                _ => return Ok(text),
            };
            word_of_flag(option, flag).unwrap_or(text)
        }
        _ => text,
    })
}

/// The word for true or false, where an option has such a pair.
fn word_of_flag(option: &Opt, flag: bool) -> Option<String> {
    let Takes::Words(words) = option.takes else { return None };
    takes_flag(words).then(|| words.word(i64::from(flag))).flatten().map(str::to_owned)
}

/// Whether its two words say no and yes.
pub fn takes_flag(words: &Words) -> bool {
    words.is_flag || *words == ALLOW_DENY || *words == ANALYZE
}

fn wrong(call: &Call, option: &Opt, value: &Dynamic, wanted: &str) -> Error {
    let found = convert::type_name(value);
    let message = format!("rac::{}: `{}` takes {wanted}, not {found}", call.name(), option.script_name());
    Error::input("rac.wrong_option", message)
}

/// With a word that may have been meant.
fn nearer(error: Error, option: &Opt, text: &str) -> Error {
    let near = match option.takes {
        Takes::Words(words) => did_you_mean(text, words.words.iter().map(|(_, word)| *word)),
        Takes::OneOf(words) => did_you_mean(text, words.iter().copied()),
        _ => None,
    };
    match near {
        Some(near) => error.hint(near),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::super::spec::named;
    use super::*;

    fn shown(name: &str, options: &[(&str, Dynamic)]) -> Result<String> {
        let options: Map = options.iter().map(|(name, value)| ((*name).into(), value.clone())).collect();
        call(named(name).unwrap(), &options, &TimeZone::fixed(jiff::tz::offset(3))).map(|call| call.shown())
    }

    #[test]
    fn values_become_the_words_of_the_utility() {
        for (name, option, value, expected) in [
            ("infobase_update", "sessions_deny", true.into(), "--sessions-deny=on"),
            ("infobase_update", "sessions_deny", "yes".into(), "--sessions-deny=on"),
            ("infobase_update", "sessions_deny", 0_i64.into(), "--sessions-deny=off"),
            ("infobase_update", "license_distribution", false.into(), "--license-distribution=deny"),
            ("infobase_update", "denied_from", "26.02.2026 03:32".into(), "--denied-from=2026-02-26T03:32:00"),
            ("infobase_update", "denied_from", "2026-02-26T00:32:00Z".into(), "--denied-from=2026-02-26T03:32:00"),
            ("infobase_update", "denied_from", "".into(), "--denied-from=\"\""),
            ("infobase_update", "permission_code", 12_i64.into(), "--permission-code=12"),
            ("counter_update", "memory", true.into(), "--memory=analyze"),
            ("counter_update", "collection_time", "current-call".into(), "--collection-time=current-call"),
            ("cluster_update", "load_balancing_mode", "memory".into(), "--load-balancing-mode=memory"),
            ("infobase_drop", "drop_database", true.into(), "--drop-database"),
            ("session_list", "licenses", true.into(), "--licenses"),
        ] {
            let found = shown(name, &[(option, value)]).unwrap();
            assert!(found.ends_with(expected), "{found}");
        }
        let moment = Dynamic::from(Moment("2026-02-26T00:32:24Z[UTC]".parse().unwrap()));
        assert!(shown("infobase_update", &[("denied_to", moment)]).unwrap().ends_with("=2026-02-26T03:32:24"));
        let ways = Dynamic::from(Array::from(["pwd".into(), "os".into()]));
        assert!(shown("agent_admin_register", &[("auth", ways)]).unwrap().ends_with("--auth=pwd,os"));
        assert_eq!(
            shown("session_list", &[("licenses", false.into()), ("infobase", ().into())]).unwrap(),
            "session list"
        );
    }

    #[test]
    fn what_an_option_does_not_take_is_refused_with_what_it_takes() {
        for (name, option, value, expected) in [
            ("session_list", "infobas", "x".into(), "did you mean `infobase`?"),
            ("infobase_update", "dbms", "PostgresSQL".into(), "did you mean `PostgreSQL`?"),
            ("limit_update", "action", "interupt-session".into(), "did you mean `interrupt-session`?"),
            ("session_list", "licenses", "yes".into(), "takes true or false"),
            ("cluster_update", "port", 1_i64.into(), "there is no option `port`"),
            ("session_info", "session", 5_i64.into(), "takes a text"),
            ("cluster_update", "lifetime_limit", "soon".into(), "takes a whole number"),
            ("infobase_update", "denied_from", "soon".into(), "2026-02-26T03:32:24"),
        ] {
            let error = shown(name, &[(option, value)]).unwrap_err();
            let said = format!("{error:?}");
            assert!(said.contains(expected), "{said}");
        }
    }
}
