//! A site as the settings of a connection describe it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::driver::{Encrypt, Login, Place, Trust};
use super::site::{Parts, Site};
use super::tds::Tds;
use super::way::{Way, shown};
use crate::core::context::Context;
use crate::core::state::State;
use crate::error::Result;
use crate::secret::Secret;
use crate::services::sp::catalogue::Catalogue;
use crate::settings::Settings;

impl Site {
    /// The site of a connection; connects to nothing. Errors: a setting is wrong (`config.wrong_value`), the catalogue has
    /// mistakes (`sp.catalogue`, with a fault for each) or cannot be read (`sp.catalogue_file`).
    pub fn open(settings: &Settings, context: &Context) -> Result<Site> {
        let catalogue = match settings.text("catalogue") {
            Some(path) => Arc::new(Catalogue::load(Path::new(path))?),
            None => Catalogue::shipped(),
        };
        let way = Way::read(settings)?;
        let state = match settings.text("state") {
            Some(path) => State::at(PathBuf::from(path)).for_journals(),
            None => context.state().for_journals(),
        };
        Ok(Site::with(Parts {
            name: name(&catalogue, &way),
            catalogue,
            driver: Arc::new(Tds),
            over: Arc::new(move |place| way.over(place)),
            state,
            read_only: settings.flag("read_only"),
            context: context.clone(),
        }))
    }
}

/// What tells the runs of this site from those of another one in the same history: the catalogue, and the server that the
/// settings put in the place of its own.
fn name(catalogue: &Catalogue, way: &Way) -> String {
    let nowhere = Place {
        host: String::new(),
        port: None,
        instance: None,
        database: None,
        login: Login::User { user: String::new(), password: Secret::new("") },
        encrypt: Encrypt::default(),
        trust: Trust::default(),
        connect_timeout: std::time::Duration::ZERO,
        program: String::new(),
        read_only: false,
    };
    let place = way.over(nowhere);
    match place.host.is_empty() {
        true => catalogue.name.clone(),
        false => format!("{}@{}", catalogue.name, shown(&place)),
    }
}
