//! Files of the library and images: sent, fetched, kept on this computer.

use std::path::Path;

use rhai::{Dynamic, Map, NativeCallContext};

use super::calls;
use super::given;
use super::thing::Thing;
use crate::error::{Error, Kind};
use crate::script::bridge::{Thrown, host, throw, wait};
use crate::script::options::Options;
use crate::services::veil::table::entity;

/// Sends a file to a data pool; a handle of it, or `()` where that was only told of.
pub fn upload(
    call: &NativeCallContext<'_>,
    thing: &Thing,
    datapool: &Dynamic,
    path: &str,
    options: &Map,
) -> Thrown<Dynamic> {
    let name = Options::read(options, &["name"]).and_then(|options| options.text("name"));
    let name = name.or_else(|error| throw(call, error))?.map(|name| name.to_string());
    let full = host(call).folders.resolve(path).or_else(|error| throw(call, error))?;
    let name = name.or_else(|| full.file_name().map(|name| name.to_string_lossy().into_owned()));
    let Some(name) = name else {
        return throw(call, Error::new(Kind::File, "veil.file", format!("`{path}` names no file")));
    };
    let pool = pool(call, thing, datapool)?;
    let controller = thing.veil().controller(call)?;
    let made = wait(call, async {
        let pool = pool.found(&controller).await?.id;
        controller.upload(thing.entity(), &pool, &full, &name).await
    })?;
    handle(call, thing, made)
}

/// Has the controller fetch a file from an address.
pub fn fetch(call: &NativeCallContext<'_>, thing: &Thing, datapool: &Dynamic, from: &str) -> Thrown<Dynamic> {
    let pool = pool(call, thing, datapool)?;
    let controller = thing.veil().controller(call)?;
    let made = wait(call, async {
        let pool = pool.found(&controller).await?.id;
        controller.fetch(thing.entity(), &pool, from).await
    })?;
    handle(call, thing, made)
}

/// Keeps a file on this computer; its size.
pub fn download(call: &NativeCallContext<'_>, thing: &Thing, path: &str) -> Thrown<i64> {
    let full = host(call).folders.resolve(path).or_else(|error| throw(call, error))?;
    let controller = thing.veil().controller(call)?;
    let size = wait(call, async {
        let id = thing.found(&controller).await?.id;
        controller.download(thing.entity(), &id, Path::new(&full)).await
    })?;
    Ok(size as i64)
}

fn pool(call: &NativeCallContext<'_>, thing: &Thing, datapool: &Dynamic) -> Thrown<Thing> {
    let about = given::about(call, thing.veil(), Some("data_pool"), datapool)?;
    match entity("data_pool") {
        Some(pool) => Ok(Thing::new(thing.veil(), pool, Some(about))),
        None => throw(call, Error::new(Kind::Protocol, "veil.table", "there are no data pools")),
    }
}

fn handle(call: &NativeCallContext<'_>, thing: &Thing, made: Option<String>) -> Thrown<Dynamic> {
    match made {
        Some(text) => calls::made(thing.veil(), thing.entity().word, &text).or_else(|error| throw(call, error)),
        None => Ok(Dynamic::UNIT),
    }
}
