//! The engine of runs as the web service needs it. What reads or writes the history does so beside the threads that
//! answer requests.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::broadcast;

use super::desk::{Desk, Filter, Planned, Unknown, Work};
use crate::error::{Error, Result};
use crate::services::sp::catalogue::Catalogue;
use crate::services::sp::client::engine::Running;
use crate::services::sp::client::run::{Check, Happened, Order, Run};
use crate::services::sp::client::{history, site};

/// A site of stored procedures behind the service.
pub struct SiteDesk(pub site::Site);

impl SiteDesk {
    /// Does something that may wait for the disk.
    fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce(&site::Site) -> Result<T> + Send + 'static,
    ) -> BoxFuture<'_, Result<T>> {
        let site = self.0.clone();
        let done = tokio::task::spawn_blocking(move || work(&site));
        async move { done.await.unwrap_or_else(|_| Err(Error::stopped())) }.boxed()
    }
}

struct Begun(Running);

impl Work for Begun {
    fn run(&self) -> Run {
        self.0.run()
    }

    fn drive(self: Box<Self>) -> BoxFuture<'static, Run> {
        async move { self.0.drive().await }.boxed()
    }
}

impl Desk for SiteDesk {
    fn catalogue(&self) -> &Catalogue {
        self.0.catalogue()
    }

    fn plan(&self, order: Order) -> BoxFuture<'_, Result<Planned>> {
        self.apart(move |site| {
            let plan = site.plan(&order)?;
            Ok(Planned { steps: plan.steps, estimate: plan.estimate, notes: plan.notes })
        })
    }

    fn run(&self, order: Order, by: String) -> BoxFuture<'_, Result<Box<dyn Work>>> {
        self.apart(move |site| Ok(Box::new(Begun(site.run(order, &by)?)) as Box<dyn Work>))
    }

    fn resume(&self, id: String, by: String, unknown: Unknown) -> BoxFuture<'_, Result<Box<dyn Work>>> {
        let unknown = match unknown {
            Unknown::Refuse => site::Unknown::Refuse,
            Unknown::Repeat => site::Unknown::Repeat,
            Unknown::Skip => site::Unknown::Skip,
        };
        self.apart(move |site| Ok(Box::new(Begun(site.resume(&id, &by, unknown)?)) as Box<dyn Work>))
    }

    fn cancel(&self, id: String) -> BoxFuture<'_, Result<()>> {
        self.apart(move |site| site.cancel(&id))
    }

    fn under_way(&self) -> BoxFuture<'_, Result<Vec<Run>>> {
        self.apart(site::Site::status)
    }

    fn find(&self, id: String) -> BoxFuture<'_, Result<Option<Run>>> {
        self.apart(move |site| site.find(&id))
    }

    fn history(&self, filter: Filter) -> BoxFuture<'_, Result<Vec<Run>>> {
        let Filter { limit, name, code, state, before, without_steps } = filter;
        self.apart(move |site| site.history(&history::Filter { limit, name, code, state, before, without_steps }))
    }

    fn check(&self, name: String, code: String) -> BoxFuture<'_, Result<Vec<Check>>> {
        async move { self.0.check(&name, &code).await }.boxed()
    }

    fn follow(&self) -> broadcast::Receiver<(u64, Arc<Happened>)> {
        self.0.follow()
    }

    fn is_ready(&self) -> BoxFuture<'_, Result<()>> {
        self.apart(site::Site::is_ready)
    }

    fn reach(&self) -> BoxFuture<'_, Result<()>> {
        self.0.reach().boxed()
    }
}
