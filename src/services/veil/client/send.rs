//! One request, sent until it has an answer or an outcome. What may have been carried out is sent again only with the key
//! by which the controller knows a repetition.

use std::sync::atomic::Ordering;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER};

use super::call::How;
use super::controller::Controller;
use crate::core::retry::Schedule;
use crate::error::{Error, Kind, Result, Retry};
use crate::secret::Secret;
use crate::services::veil::table::Verb;
use crate::services::veil::wire::answer::Answer;
use crate::services::veil::wire::errors;
use crate::services::veil::wire::request::Request;

/// One answer, unpacked; ten thousand full machines are some tens of megabytes.
const LARGEST_ANSWER: usize = 1 << 30;
/// A server may ask for a pause; not for any pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
const MOST_MOVES: u32 = 3;
/// What an answer takes beside the work that it tells of.
const BESIDE_WORK: Duration = Duration::from_secs(30);

/// What stands in an answer of a controller's proxy while the controller itself is not there.
const PASSING: &[u16] = &[408, 418, 429, 500, 502, 503, 504, 599];
/// Of these, those after which nothing was carried out for sure.
const NOT_CARRIED_OUT: &[u16] = &[418, 429, 503];
const UNAUTHORIZED: u16 = 401;

impl Controller {
    /// A good answer. An error tells by [`Retry`] whether the request may have been carried out.
    pub(super) async fn ask(&self, what: &str, request: &Request, how: &How, assumed: bool) -> Result<Answer> {
        let (answer, lost) = self.deliver(what, request, how).await?;
        if answer.is_page_of_a_proxy() {
            return Err(no_controller(what, request));
        }
        if answer.success() {
            return Ok(answer);
        }
        let error = errors::error(what, request, &answer, assumed);
        let error = match self.runs_out() {
            Some(at) if answer.status == UNAUTHORIZED => error.detail("expires", at).hint(about_token(at)),
            _ => error,
        };
        Err(if lost { perhaps_done(request, error) } else { error })
    }

    /// The last answer, of whatever status, and whether an earlier one was lost on its way.
    pub(super) async fn deliver(&self, what: &str, request: &Request, how: &How) -> Result<(Answer, bool)> {
        let cached = self.cache_key(request);
        if let Some(answer) = cached.as_ref().and_then(|key| self.0.cache.get(key)) {
            return Ok((answer, false));
        }
        let age = self.0.cache.age();
        let answer = self.insist(what, request, how).await;
        match cached {
            Some(key) => {
                if let Ok((answer, _)) = &answer {
                    self.0.cache.keep(key, answer, age);
                }
            }
            None if request.verb != Verb::Get => self.0.cache.forget(),
            None => {}
        }
        answer
    }

    async fn insist(&self, what: &str, request: &Request, how: &How) -> Result<(Answer, bool)> {
        let (mut failed, mut lost, mut renewed) = (0, false, false);
        let mut token = self.token().await?;
        loop {
            let tried = self.once(request, Some(&token)).await;
            let pause = match &tried {
                Ok(answer) if answer.status == UNAUTHORIZED && !renewed => {
                    renewed = true;
                    match self.renewed(&token).await {
                        Ok(Some(fresh)) => {
                            token = fresh;
                            continue;
                        }
                        Ok(None) => {}
                        Err(error) => return Err(if lost { perhaps_done(request, error) } else { error }),
                    }
                    self.pause_after(answer, request, failed + 1, how)
                }
                Ok(answer) => self.pause_after(answer, request, failed + 1, how),
                Err(error) => {
                    lost |= error.may_retry() == Retry::Unknown;
                    let again = error.may_retry() == Retry::Safe
                        || (error.may_retry() == Retry::Unknown && request.may_repeat());
                    if again { self.schedule(how).pause(failed + 1) } else { None }
                }
            };
            let Some(pause) = pause else {
                return match tried {
                    Ok(answer) => Ok((answer, lost)),
                    Err(error) if lost => Err(perhaps_done(request, named(what, request, error))),
                    Err(error) => Err(named(what, request, error)),
                };
            };
            lost |=
                tried.as_ref().is_ok_and(|answer| answer.status >= 500 && !NOT_CARRIED_OUT.contains(&answer.status));
            failed += 1;
            self.0.counters.repeats.add(1);
            tokio::time::sleep(pause).await;
        }
    }

    /// How long to wait before sending again after this answer; `None` when it is the final one.
    fn pause_after(&self, answer: &Answer, request: &Request, failed: u32, how: &How) -> Option<Duration> {
        let wished = self.0.retry_statuses.contains(&answer.status);
        if !wished && (!PASSING.contains(&answer.status) || is_no_address(answer)) {
            return None;
        }
        if !NOT_CARRIED_OUT.contains(&answer.status) && !request.may_repeat() {
            return None;
        }
        let pause = self.schedule(how).pause(failed)?;
        let asked = answer.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(RETRY_AFTER.as_str()));
        let asked = asked.and_then(|(_, value)| value.trim().parse().ok()).map(Duration::from_secs);
        Some(asked.unwrap_or(pause).clamp(pause, LONGEST_PAUSE.max(pause)))
    }

    /// A controller that never answered is given up sooner: its address is likelier to be wrong than its network.
    fn schedule(&self, how: &How) -> Schedule {
        let tries = how.tries.unwrap_or(self.0.tries);
        match self.0.proven.load(Ordering::Relaxed) || how.tries.is_some() {
            true => Schedule { tries, ..Schedule::default() },
            false => Schedule { tries: tries.min(2), ..Schedule::default() },
        }
    }

    /// Reading calls may be answered from memory, where that is wanted; tasks change by themselves.
    fn cache_key(&self, request: &Request) -> Option<String> {
        if request.verb != Verb::Get || request.path.starts_with("tasks/") {
            return None;
        }
        let mut query: Vec<String> = request.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        query.sort();
        Some(format!("{}?{}", request.path, query.join("&")))
    }

    /// One try.
    pub(super) async fn once(&self, request: &Request, token: Option<&Secret>) -> Result<Answer> {
        let mut url = self.url(request)?;
        let mut moves = 0;
        loop {
            let answer = self.exchange(request, url.clone(), token).await?;
            let to = answer.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(LOCATION.as_str()));
            match to.and_then(|(_, to)| self.0.address.told(to)) {
                // Only reading calls: a changing one would lose its body on the way.
                Some(to) if (301..=308).contains(&answer.status) && request.verb == Verb::Get && moves < MOST_MOVES => {
                    moves += 1;
                    url = to;
                }
                _ => return Ok(answer),
            }
        }
    }

    /// Where the request goes.
    pub(super) fn url(&self, request: &Request) -> Result<Url> {
        let mut url = self.0.address.api(&request.path);
        if !request.query.is_empty() || !self.0.params.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.0.params).extend_pairs(&request.query);
        }
        match self.0.longest_url {
            Some(longest) if url.as_str().len() > longest => {
                let message =
                    format!("{}: the address has {} characters, more than {longest}", request.path, url.as_str().len());
                Err(Error::input("veil.url_too_long", message)
                    .hint("ask for fewer ids at once, or raise `url_max_length` in the settings"))
            }
            _ => Ok(url),
        }
    }

    async fn exchange(&self, request: &Request, url: Url, token: Option<&Secret>) -> Result<Answer> {
        let client = self.0.http.client()?;
        let mut sending = match request.verb {
            Verb::Get => client.get(url),
            Verb::Post => client.post(url),
            Verb::Put => client.put(url),
        };
        sending = sending.headers(self.headers(token)?);
        if request.takes > 0 {
            let work = Duration::from_secs(request.takes) + BESIDE_WORK;
            sending = sending.timeout(work.max(self.0.http.timeout()));
        }
        if let Some(body) = &request.body {
            sending = sending.body(body.to_string());
        }
        self.0.counters.requests.add(1);
        let place = self.shown();
        let failed = |error| self.0.http.broken(&request.path, &place, error);
        let mut response = sending.send().await.map_err(failed)?;
        let status = response.status().as_u16();
        let headers = readable(response.headers());
        let mut bytes = Vec::with_capacity(response.content_length().unwrap_or(0).min(1 << 24) as usize);
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if bytes.len() + chunk.len() > LARGEST_ANSWER {
                let message = format!("{}: the answer is too large", request.path);
                return Err(Error::new(Kind::Protocol, "veil.too_large", message)
                    .retry(Retry::Unknown)
                    .hint("ask for fewer `fields`, or narrow the list"));
            }
            bytes.extend_from_slice(&chunk);
        }
        self.0.proven.store(true, Ordering::Relaxed);
        let text =
            String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        Ok(Answer::new(status, headers, text))
    }

    pub(super) fn headers(&self, token: Option<&Secret>) -> Result<HeaderMap> {
        let mut headers = self.0.headers.clone();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(&format!("jwt {}", token.expose())).map_err(|_| {
                Error::new(Kind::Config, "veil.token", "the token cannot be sent: it contains what no header may")
            })?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(headers)
    }
}

/// A good status with a page of HTML: what a starting controller sends, or somebody who stands before it.
fn no_controller(what: &str, request: &Request) -> Error {
    let retry = if request.changes { Retry::Unknown } else { Retry::Safe };
    Error::new(Kind::Unavailable, "veil.starting", format!("{what}: a page for people came instead of an answer"))
        .retry(retry)
        .hint("the controller may be starting, or `address` leads to a proxy or another server: open it in a browser")
}

fn readable(headers: &HeaderMap) -> Vec<(String, String)> {
    let pairs =
        headers.iter().filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())));
    pairs.collect()
}

/// A status of 500 is also how a controller says that it does not know an address.
fn is_no_address(answer: &Answer) -> bool {
    answer.status == 500 && answer.error_code() == 50_004
}

/// An earlier answer to the same request was lost, so that the last error does not tell what has been done.
fn perhaps_done(request: &Request, error: Error) -> Error {
    match request.changes {
        true => error.retry(Retry::Unknown).hint(
            "an earlier answer to the same request was lost, so that it may have been carried out: look before repeating",
        ),
        false => error,
    }
}

/// The error with the call in front, as the user knows it.
fn named(what: &str, request: &Request, error: Error) -> Error {
    let message = error.message().strip_prefix(&format!("{}: ", request.path)).unwrap_or(error.message()).to_owned();
    let retry = match (error.may_retry(), request.changes) {
        (Retry::Unknown, false) => Retry::Safe,
        (retry, _) => retry,
    };
    let mut named = Error::new(error.kind(), own_code(error.code()), format!("{what}: {message}")).retry(retry);
    if let Some(hint) = error.hint_text() {
        named = named.hint(match retry {
            Retry::Unknown => format!("it may have been carried out: look before repeating; {hint}"),
            _ => hint.to_owned(),
        });
    }
    named.caused_by(error)
}

/// The codes that a request without an answer can have.
fn own_code(code: &str) -> &'static str {
    const OWN: &[&str] = &[
        "veil.http",
        "veil.certificate",
        "veil.unreachable",
        "veil.no_answer",
        "veil.broken_off",
        "veil.too_large",
        "veil.url_too_long",
        "veil.token",
    ];
    OWN.iter().find(|own| **own == code).copied().unwrap_or("veil.failed")
}

fn about_token(expires: i64) -> String {
    let now = jiff::Timestamp::now().as_second();
    match jiff::Timestamp::from_second(expires) {
        Ok(at) if expires <= now => {
            format!("the token ran out on {}; make a new one in Security → Users", at.strftime("%Y-%m-%d at %H:%M UTC"))
        }
        _ => "make a new token in Security → Users and put it into the settings".into(),
    }
}
