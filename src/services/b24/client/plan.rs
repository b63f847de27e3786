//! What reading a list will cost, told before it is read.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::Params;
use super::batches::BATCH;
use super::calls::no_count;
use super::lists::set;
use super::pieces::whole_list;
use super::portal::Portal;
use super::read::{Query, first_pages};
use super::send::{Body, Request};
use super::sorting::Order;
use crate::core::stats::grouped;
use crate::error::{Error, Kind, Result, Retry};
use crate::services::b24::wire::batch::{self as wire, Answer, MOST, Said};
use crate::services::b24::wire::methods::Pages;
use crate::services::b24::wire::{check, errors, query};

/// The portal's window for the time that a method may use.
const WINDOW: f64 = 600.0;

/// How a list will be read.
#[derive(Clone, Debug, PartialEq)]
pub enum Way {
    /// In parallel by its ids; nothing is lost or doubled while others write.
    Ids,
    /// By offsets, and why.
    Offsets(String),
}

/// What decides how long it takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// Requests a second.
    Rate,
    /// The time that a method may use in ten minutes.
    Time,
    /// How fast the portal answers.
    Answers,
}

impl Limit {
    pub fn name(self) -> &'static str {
        match self {
            Limit::Rate => "rate",
            Limit::Time => "time",
            Limit::Answers => "answers",
        }
    }
}

/// What reading a list takes: at least so many requests and seconds, from now.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub method: String,
    pub rows: u64,
    pub requests: u64,
    pub seconds: f64,
    pub limit: Limit,
    pub way: Way,
}

impl Plan {
    /// In one line.
    pub fn told(&self) -> String {
        let limit = match self.limit {
            Limit::Rate => "the rate of requests",
            Limit::Time => "the method's time at the portal",
            Limit::Answers => "how fast the portal answers",
        };
        let way = match &self.way {
            Way::Ids => String::new(),
            Way::Offsets(why) => format!(" by offsets, since {why}"),
        };
        let many = |n: u64, what: &str| format!("{} {what}{}", grouped(n), if n == 1 { "" } else { "s" });
        let (rows, requests) = (many(self.rows, "row"), many(self.requests, "request"));
        format!("{}: {rows}{way}, {requests}, {:.1} s at least; the limit is {limit}", self.method, self.seconds)
    }
}

impl Portal {
    /// What reading the whole list will take. One request: its rows are counted and one page of them is read.
    pub async fn plan(&self, method: &str, params: Params) -> Result<Plan> {
        let (params, family) = whole_list(method, params)?;
        let (first, unfit) = match (Query::new(method, &params, &family), Order::of(&params, &family)) {
            (Err(why), _) | (_, Err(why)) => (1, Some(why)),
            (Ok(query), _) => (first_pages(&query) as u64, None),
        };
        let (rows, page_seconds, lap) = self.sample(method, params, family.filter_id).await?;
        let page = match family.pages {
            Pages::Start(page) => page.max(1),
            _ => 50,
        };
        let further = rows.saturating_sub(first * page);
        let requests = 1 + match family.pages {
            Pages::Start(_) => further.div_ceil(page * MOST as u64),
            _ => further.div_ceil(page),
        };
        let pages = rows.div_ceil(page).max(1) as f64;
        let budget = self.0.limits.budget.limit();
        // Requests side by side take as long as the longest of them, after the first one.
        let deep = (pages / requests as f64).min(MOST as f64) * page_seconds;
        let rounds = if requests > 1 { 2.0 } else { 1.0 };
        let floors = [
            (Limit::Answers, lap.as_secs_f64() * rounds + deep),
            (Limit::Rate, self.0.limits.bucket.floor(requests).as_secs_f64()),
            (Limit::Time, (pages * page_seconds / budget).floor() * WINDOW),
        ];
        let (limit, seconds) =
            floors.into_iter().reduce(|most, floor| if floor.1 > most.1 { floor } else { most }).unwrap_or(floors[0]);
        let way = unfit.map_or(Way::Ids, Way::Offsets);
        Ok(Plan { method: method.to_owned(), rows, requests, seconds, limit, way })
    }

    /// The number of rows, what a page costs the portal, and how far away it is.
    async fn sample(&self, method: &str, params: Params, id: &str) -> Result<(u64, f64, Duration)> {
        let (mut counted, mut page) = (params.clone(), params);
        if !counted.is_array() {
            if !id.is_empty() && check::parameter(&counted, "select").is_none() {
                set(&mut counted, "select", json!([id]));
            }
            set(&mut page, "start", json!(-1));
        }
        let commands = [("count", query::command(method, &counted)), ("page", query::command(method, &page))];
        let body = wire::body(false, commands.iter().map(|(name, text)| ((*name).into(), text.as_str())));
        let bar = self.bar(method, None);
        let mut request = Request::new(BATCH, Body::Json(&body), &bar);
        request.commands = commands.len();
        let began = Instant::now();
        let envelope = self.ask_with(request, false).await?;
        let took = began.elapsed();
        let answer = Answer::read(envelope.result()).ok_or_else(|| {
            Error::new(Kind::Protocol, "b24.not_json", "batch: the answer is not that of a batch").retry(Retry::Safe)
        })?;
        let rows = match answer.of("count") {
            Said::Done { total, .. } => total.ok_or_else(|| no_count(method))?,
            Said::Failed(fault) => return Err(errors::of_reading(errors::error(method, None, &fault))),
            Said::Nothing => return Err(no_count(method)),
        };
        let seconds = |name: &str| answer.seconds(name).unwrap_or(0.0).max(0.0);
        let worked = Duration::from_secs_f64((seconds("count") + seconds("page")).min(took.as_secs_f64()));
        Ok((rows, seconds("page"), took.saturating_sub(worked)))
    }

    /// In a dry run, what reading this list will take. Nothing when that cannot be told: the reading then says why.
    pub(super) async fn tell_plan(&self, method: &str, params: &Params) {
        if self.0.context.is_dry_run()
            && let Ok(plan) = self.plan(method, params.clone()).await
        {
            self.0.context.foretells(&format!("b24: {}", plan.told()));
        }
    }
}
