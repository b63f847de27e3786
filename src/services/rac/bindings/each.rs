//! Several servers at once.

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use rhai::{Dynamic, FnPtr, ImmutableString, Map, NativeCallContext, Position};

use super::Rac;
use super::calls::value;
use super::given;
use super::spec::{self, AT_ONCE};
use crate::error::{Error, Kind, Result, did_you_mean};
use crate::script::bridge::{Thrown, error_map, host, throw, wait};
use crate::script::closures::with_own_handles;
use crate::script::convert;
use crate::script::gathered::{Answer, Gathered};
use crate::script::report;
use crate::script::threads::{self, Failing};
use crate::services::rac::client::{Reply, Server};

/// So many servers at once where nobody said so.
const USUALLY: i64 = 32;
const AT_MOST: i64 = 64;

/// Who is asked, and what it is called in the answer.
struct Asked {
    address: String,
    rac: Rac,
}

/// Calls a function of the script with each.
pub fn with_function(call: &NativeCallContext<'_>, servers: &[Dynamic], f: &FnPtr, options: &Map) -> Thrown<Gathered> {
    let (asked, at_once) = prepared(call, servers, options, &[AT_ONCE]).or_else(|error| throw(call, error))?;
    let f = with_own_handles(f);
    let items: Vec<Dynamic> = asked.iter().map(|asked| Dynamic::from(asked.rac.clone())).collect();
    let done = threads::each(call, &items, at_once, Failing::Stays, |_, rac| {
        f.call_within_context::<Dynamic>(call, (rac.clone(),))
    })?;
    let answers = asked.into_iter().zip(done).map(|(asked, value)| Answer {
        address: asked.address,
        value: value.map_err(|error| report::thrown_map(&error)),
    });
    Ok(Gathered::new(answers.collect()))
}

/// Sends one command to each, all from one thread.
pub fn with_command(
    call: &NativeCallContext<'_>,
    servers: &[Dynamic],
    command: &str,
    options: &Map,
) -> Thrown<Gathered> {
    let spec = spec::named(command).ok_or_else(|| unknown(command)).or_else(|error| throw(call, error))?;
    let names: Vec<String> = options.keys().map(ToString::to_string).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (asked, at_once) = prepared(call, servers, options, &names).or_else(|error| throw(call, error))?;
    let mut options = options.clone();
    options.remove(AT_ONCE);
    let mut jobs: Vec<(Arc<Server>, Result<_>)> = Vec::new();
    for asked in &asked {
        let server = asked.rac.server(call)?;
        let described = given::call(spec, &asked.rac.with_usual(spec, &options), server.zone());
        jobs.push((server, described));
    }
    // A slip in the options would fail everywhere.
    if let Some((_, Err(error))) = jobs.iter().find(|(_, described)| described.is_err()) {
        return throw(call, error.clone());
    }
    let bar = &host(call).context.progress().start(command.replace('_', " "), Some(jobs.len() as u64));
    let replies: Vec<Result<Reply>> = wait(call, async {
        let asking = jobs.into_iter().map(|(server, described)| async move {
            let reply = server.run(described?).await;
            bar.add(1);
            reply
        });
        Ok(stream::iter(asking).buffered(at_once).collect().await)
    })?;
    let answers = asked.into_iter().zip(replies).map(|(asked, reply)| Answer {
        address: asked.address,
        value: reply.map(value).map_err(|error| error_map(&error, Position::NONE)),
    });
    Ok(Gathered::new(answers.collect()))
}

fn unknown(command: &str) -> Error {
    let names: Vec<String> = spec::all().map(|spec| spec.name()).collect();
    let hint = super::instead(&format!("rac::{command}"));
    let hint = hint.or_else(|| did_you_mean(command, names.iter().map(String::as_str)));
    let error = Error::input("rac.no_command", format!("there is no command `{command}`"));
    error.hint(hint.unwrap_or_else(|| "name it as its function is called: \"session_list\"".into()))
}

/// The servers, and how many at once. Connections are opened here, which sends nothing.
fn prepared(
    call: &NativeCallContext<'_>,
    servers: &[Dynamic],
    options: &Map,
    known: &[&str],
) -> Result<(Vec<Asked>, usize)> {
    let options = crate::script::options::Options::read(options, known)?;
    let at_once = options.integer(AT_ONCE)?.unwrap_or(USUALLY);
    let at_once = usize::try_from(at_once).ok().filter(|_| (1..=AT_MOST).contains(&at_once)).ok_or_else(|| {
        Error::input("options.type", format!("the option `{AT_ONCE}` takes a whole number from 1 to {AT_MOST}"))
    })?;
    let asked = servers.iter().map(|server| one(call, server)).collect::<Result<Vec<Asked>>>()?;
    Ok((asked, at_once))
}

fn one(call: &NativeCallContext<'_>, server: &Dynamic) -> Result<Asked> {
    let host = host(call);
    if let Some(text) = server.read_lock::<ImmutableString>() {
        return Ok(Asked { address: text.to_string(), rac: super::at(&host, &text)? });
    }
    let rac = match (server.read_lock::<Rac>(), server.read_lock::<Map>()) {
        (Some(rac), _) => rac.clone(),
        (_, Some(settings)) => super::described(&host, &settings)?,
        _ => {
            let message = format!("{} is no server", convert::type_name(server));
            return Err(Error::new(Kind::Input, "rac.servers", message)
                .hint("write \"host\", \"host:port\", a name in pult.toml, #{address: …} or a connection"));
        }
    };
    let address = match &rac.server {
        Some(server) => server.address().to_owned(),
        None => {
            host.connections.open(super::NAME, None, |settings| super::opened(&host, settings))?.address().to_owned()
        }
    };
    Ok(Asked { address, rac })
}
