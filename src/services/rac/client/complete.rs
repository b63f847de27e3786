//! What a call leaves out, and names in the place of ids.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Mutex;

use super::call::Call;
use super::server::Inner;
use crate::error::{Error, Kind, Result, did_you_mean};
use crate::services::rac::table::{self, Opt, Takes, Thing, Who, credentials};
use crate::services::rac::wire::codec::Uuid;
use crate::services::rac::wire::shape::Given;

/// Names of candidates that a message shows.
const SHOWN: usize = 10;

/// A thing with a name.
#[derive(Clone, Debug)]
pub struct Named {
    pub id: Uuid,
    pub name: String,
}

/// Lists of names that were asked for, so that a thousand names of one call of a script are one list.
#[derive(Default)]
pub struct Names(Mutex<HashMap<Listed, Arc<[Named]>>>);

/// The kind of things on a list, and their cluster.
type Listed = (Thing, Option<Uuid>);

impl Names {
    /// The names of a kind of thing in the call's cluster. Those who want the same list meanwhile wait for it.
    async fn of(&self, server: &Inner, call: &Call, thing: Thing) -> Result<Arc<[Named]>> {
        let cluster = match call.given("cluster") {
            Some(Given::Id(cluster)) => Some(*cluster),
            _ => None,
        };
        let mut known = self.0.lock().await;
        if let Some(names) = known.get(&(thing, cluster)) {
            return Ok(names.clone());
        }
        let names: Arc<[Named]> = server.named(call, thing).await?.into();
        known.insert((thing, cluster), names.clone());
        Ok(names)
    }
}

impl Inner {
    /// Fills in what the connection knows, and finds the ids behind names.
    pub async fn complete(&self, call: &mut Call, names: &Names) -> Result<()> {
        self.add_credentials(call);
        if call.has_cluster() {
            self.add_cluster(call, names).await?;
        }
        self.find_infobase(call, names).await?;
        self.find_named(call, names).await?;
        let missing =
            call.mode.options(call.command).find(|option| option.is_required && call.given(option.called).is_none());
        match missing {
            None => Ok(()),
            Some(option) => {
                let (name, wanted) = (option.script_name(), crate::services::rac::wire::shape::wanted(option.takes));
                Err(Error::input("rac.missing_option", format!("rac::{}: `{name}` is not given", call.name()))
                    .hint(format!("add {name}: {wanted}")))
            }
        }
    }

    /// Those of the connection, where the call has none of the kind.
    fn add_credentials(&self, call: &mut Call) {
        for (who, user, password) in &self.credentials {
            if !call.knows(*who) || call.credentials(*who).is_some() {
                continue;
            }
            for (option, value) in credentials(*who).iter().zip([user, password]) {
                if let Some(value) = value {
                    call.give(option, Given::Text(value.clone()));
                }
            }
        }
    }

    /// The cluster that is meant: given, or the connection's, or the only one.
    async fn add_cluster(&self, call: &mut Call, names: &Names) -> Result<()> {
        let option = call.option("cluster")?;
        if call.given("cluster").is_none() && option.is_required {
            // A cluster is not removed by having been the only one.
            if call.command.words == ["remove"] && call.mode.name == "cluster" {
                return Ok(());
            }
            let given = match &self.cluster {
                Some(cluster) => cluster.parse().map_or_else(|()| Given::Text(cluster.clone()), Given::Id),
                None => Given::Id(self.only_cluster(call).await?),
            };
            call.give(option, given);
        }
        if let Some(Given::Text(name)) = call.given("cluster").cloned() {
            let id = self.find(call, Thing::Cluster, &name, names).await?;
            call.give(option, Given::Id(id));
        }
        Ok(())
    }

    async fn only_cluster(&self, call: &Call) -> Result<Uuid> {
        let clusters = self.clusters(call, true).await?;
        match &clusters[..] {
            [only] => Ok(only.id),
            [] => Err(Error::new(Kind::NotFound, "rac.no_cluster", format!("{} has no cluster", self.address))
                .hint("rac::cluster_insert(#{ host: …, port: 1541 }) registers one")),
            several => Err(Error::input(
                "rac.which_cluster",
                format!("rac::{}: `cluster` is not given, and {} has {}", call.name(), self.address, several.len()),
            )
            .hint(format!("add cluster: with one of {}", listed(several.iter().map(|cluster| &*cluster.name))))),
        }
    }

    /// The ids of what was given by name.
    async fn find_named(&self, call: &mut Call, names: &Names) -> Result<()> {
        let named: Vec<(&'static Opt, Thing, String)> = call.all_given().iter().filter_map(named).collect();
        for (option, thing, name) in named {
            let id = self.find(call, thing, &name, names).await?;
            call.give(option, Given::Id(id));
        }
        Ok(())
    }

    /// An infobase by its name, where the command takes a name in place of the id.
    pub async fn find_infobase(&self, call: &mut Call, names: &Names) -> Result<()> {
        let options: Vec<&'static Opt> = call.mode.options(call.command).collect();
        let by_name = options.iter().find(|option| option.selects);
        let by_id = options.iter().find(|option| option.called == "infobase");
        let (Some(by_name), Some(by_id)) = (by_name, by_id) else { return Ok(()) };
        match (call.given("infobase"), call.given(by_name.called).cloned()) {
            (None, None) => {
                Err(Error::input("rac.missing_option", format!("rac::{}: which infobase is not said", call.name()))
                    .hint("add infobase: with its name or its id"))
            }
            (None, Some(name)) => {
                call.give(by_id, name);
                self.find_named(call, names).await
            }
            (Some(_), _) => Ok(()),
        }
    }

    /// The id of the one that has this name.
    async fn find(&self, call: &Call, thing: Thing, name: &str, names: &Names) -> Result<Uuid> {
        if thing == Thing::Cluster {
            let kept = self.clusters(call, true).await?;
            return match one_of(&kept, thing, name) {
                // It may have been renamed or registered since.
                Err(error) if error.kind() == Kind::NotFound => one_of(&self.clusters(call, false).await?, thing, name),
                found => found,
            };
        }
        one_of(&names.of(self, call, thing).await?, thing, name)
    }

    /// The clusters of the server; they change so seldom that they are asked for once.
    async fn clusters(&self, call: &Call, kept: bool) -> Result<Vec<Named>> {
        let known = || self.clusters.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(clusters) = known().clone().filter(|_| kept) {
            return Ok(clusters);
        }
        let clusters = self.named(call, Thing::Cluster).await?;
        // One that is registered now is to be seen by the next call.
        *known() = Some(clusters.clone()).filter(|clusters| !clusters.is_empty());
        Ok(clusters)
    }
}

/// An option that has the name of what it wants the id of.
fn named((option, given): &(&'static Opt, Given)) -> Option<(&'static Opt, Thing, String)> {
    match (option.takes, given) {
        (Takes::Id(thing), Given::Text(name)) => Some((option, thing, name.clone())),
        _ => None,
    }
}

/// How things of a kind are listed: the command's words, and what people call one.
fn listing(thing: Thing) -> Option<(&'static [&'static str], &'static str)> {
    match thing {
        Thing::Cluster => Some((&["cluster", "list"], "cluster")),
        Thing::Server => Some((&["server", "list"], "working server")),
        Thing::Infobase => Some((&["infobase", "summary", "list"], "infobase")),
        Thing::Other => None,
    }
}

/// The one of this name; names of infobases and clusters are compared as 1C compares them, without case.
fn one_of(known: &[Named], thing: Thing, name: &str) -> Result<Uuid> {
    let (lower, kind) = (name.to_lowercase(), listing(thing).map_or("thing", |(.., kind)| kind));
    let to_the_letter = known.iter().filter(|one| one.name == name).collect::<Vec<_>>();
    let same = match to_the_letter.len() {
        0 => known.iter().filter(|one| one.name.to_lowercase() == lower).collect(),
        _ => to_the_letter,
    };
    match &same[..] {
        [one] => Ok(one.id),
        [] => {
            let hint =
                did_you_mean(name, known.iter().map(|one| &*one.name)).unwrap_or_else(|| match known.is_empty() {
                    true => "there are none".into(),
                    false => format!("there are {}", listed(known.iter().map(|one| &*one.name))),
                });
            Err(Error::new(
                Kind::NotFound,
                format!("rac.{}_not_found", kind.replace(' ', "_")),
                format!("there is no {kind} {name}"),
            )
            .hint(hint))
        }
        several => {
            let ids: Vec<String> = several.iter().map(|one| one.id.to_string()).collect();
            Err(Error::input("rac.ambiguous_name", format!("{} of the {kind}s are called {name}", several.len()))
                .hint(format!("say which by its id: {}", ids.join(", "))))
        }
    }
}

fn listed<'n>(names: impl ExactSizeIterator<Item = &'n str>) -> String {
    let more = names.len().saturating_sub(SHOWN);
    let shown: Vec<&str> = names.take(SHOWN).collect();
    match more {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// What other things need of a call that asks for names: its credentials and its cluster.
pub fn asking(thing: Thing, call: &Call) -> Option<Call> {
    let (words, ..) = listing(thing)?;
    let (mode, command) = table::command(words)?;
    let mut asking = Call::new(mode, command);
    for (option, given) in call.all_given() {
        let of_cluster = credentials(Who::Cluster).iter().any(|known| known.name == option.name);
        if (of_cluster && asking.knows(Who::Cluster)) || (option.called == "cluster" && asking.has_cluster()) {
            asking.give(option, given.clone());
        }
    }
    Some(asking)
}
