//! OAuth: the pair of tokens, renewed once for everybody who finds it expired.

use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use reqwest::Url;
use serde::Deserialize;

use crate::core::context::Context;
use crate::core::http::Http;
use crate::error::{Error, Kind, Result};
use crate::secret::Secret;
use crate::services::b24::wire::address::Address;
use crate::services::b24::wire::errors::{self, Fault};
use crate::settings::Settings;

const AREA: &str = "b24.tokens";
const SERVER: &str = "https://oauth.bitrix.info";
const LOG_IN: &str = "log in again and set a new access_token and refresh_token";

/// The pair in use. Each renewal has the next number.
#[derive(Clone)]
pub(super) struct Pair {
    number: u64,
    /// Absent when only a refresh token was given: the first call renews.
    access: Option<Secret>,
    refresh: Option<Secret>,
}

impl Pair {
    pub fn access(&self) -> &str {
        self.access.as_ref().map_or("", Secret::expose)
    }
}

type Renewal = Shared<BoxFuture<'static, Result<Pair>>>;

pub(super) struct Tokens {
    application: Arc<Application>,
    state: Mutex<State>,
}

struct State {
    pair: Pair,
    /// Under way; kept here so that a caller who is stopped does not take the new pair away with him. Whoever comes
    /// next carries it on.
    renewal: Option<Renewal>,
}

/// What a renewal needs, apart from the pair.
struct Application {
    id: String,
    secret: Option<Secret>,
    server: Url,
    http: Http,
    context: Context,
    /// The key of the kept pair.
    key: String,
    /// A mark of the refresh token in the settings: a kept pair that began with another one is forgotten.
    origin: String,
}

impl Tokens {
    pub fn open(settings: &Settings, address: &Address, http: Http, context: &Context) -> Result<Tokens> {
        let id = settings.text("client_id").unwrap_or_default().to_owned();
        let (access, refresh) = (settings.secret("access_token").cloned(), settings.secret("refresh_token").cloned());
        if access.is_none() && refresh.is_none() {
            return Err(settings
                .wrong("access_token", "a portal without a webhook needs OAuth tokens")
                .hint("set access_token and refresh_token, or use a webhook"));
        }
        if refresh.is_some() && (id.is_empty() || !settings.has("client_secret")) {
            return Err(settings
                .wrong("refresh_token", "a token is renewed with client_id and client_secret")
                .hint("set client_id and client_secret of the application"));
        }
        let server = settings.text("auth_server").unwrap_or(SERVER);
        // The same rules as for a portal: https, but for this computer.
        let server = Address::portal(server, settings.flag("insecure"))
            .map_err(|wrong| settings.wrong("auth_server", wrong))?
            .base()
            .clone();
        let application = Application {
            key: format!("{} {id}", address.host()),
            origin: mark(refresh.as_ref().map_or("", Secret::expose)),
            secret: settings.secret("client_secret").cloned(),
            id,
            server,
            http,
            context: context.clone(),
        };
        let pair = application.kept()?.unwrap_or(Pair { number: 0, access, refresh });
        Ok(Tokens { application: Arc::new(application), state: Mutex::new(State { pair, renewal: None }) })
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Who calls, as long as the tokens in the settings are the same.
    pub fn who(&self) -> String {
        format!("{} {}", self.application.id, self.application.origin)
    }

    /// The pair to call with.
    pub async fn current(&self) -> Result<Pair> {
        let pair = self.state().pair.clone();
        match pair.access {
            Some(_) => Ok(pair),
            None => self.renew(&pair).await,
        }
    }

    /// The pair after `refused`. Everybody who was refused the same one waits for the same renewal, and gets its error.
    pub async fn renew(&self, refused: &Pair) -> Result<Pair> {
        let renewal = {
            let mut state = self.state();
            if state.pair.number != refused.number {
                return Ok(state.pair.clone());
            }
            let begin = || renew(self.application.clone(), state.pair.clone()).boxed().shared();
            let renewal = state.renewal.clone().unwrap_or_else(begin);
            state.renewal = Some(renewal.clone());
            renewal
        };
        let renewed = renewal.clone().await;
        let mut state = self.state();
        if state.renewal.as_ref().is_some_and(|current| current.ptr_eq(&renewal)) {
            state.renewal = None;
            if let Ok(pair) = &renewed {
                state.pair = pair.clone();
            }
        }
        renewed
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: Option<String>,
    refresh_token: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

/// The next pair: one that another process has renewed meanwhile, or a new one from the server.
async fn renew(application: Arc<Application>, pair: Pair) -> Result<Pair> {
    if let Some(newer) = application.newer(&pair) {
        return Ok(newer);
    }
    match ask(&application, &pair).await {
        // Somebody else was quicker by a moment: what he kept is good.
        Err(error) if error.code() == "b24.invalid_grant" => application.newer(&pair).ok_or(error),
        renewed => renewed,
    }
}

async fn ask(application: &Application, pair: &Pair) -> Result<Pair> {
    let (Some(secret), Some(refresh)) = (&application.secret, &pair.refresh) else {
        return Err(Error::new(Kind::Auth, "b24.expired_token", "the access token has expired and cannot be renewed")
            .hint("set client_id, client_secret and refresh_token, or log in again"));
    };
    let mut url = application.server.clone();
    url.set_path("/oauth/token/");
    url.query_pairs_mut()
        .append_pair("grant_type", "refresh_token")
        .append_pair("client_id", &application.id)
        .append_pair("client_secret", secret.expose())
        .append_pair("refresh_token", refresh.expose());
    let place = application.server.as_str();
    let failed = |error| application.http.broken("renewing the token", place, error);
    let response = application.http.client()?.get(url).send().await.map_err(failed)?;
    let status = response.status().as_u16();
    let text = response.text().await.map_err(failed)?;
    let Ok(granted) = serde_json::from_str::<Granted>(&text) else {
        return Err(errors::unreadable("renewing the token", status, &text, false));
    };
    match (granted.access_token, granted.refresh_token) {
        (Some(access), Some(refresh)) => {
            let (access, refresh) = (Secret::new(access), Secret::new(refresh));
            // The old pair is dead from now on: what happens to the file must not cost us the new one.
            if let Err(fault) = application.keep(&access, &refresh) {
                application.context.warn(&format!(
                    "the renewed tokens could not be kept and last for this run only: {}",
                    fault.message()
                ));
            }
            Ok(Pair { number: pair.number + 1, access: Some(access), refresh: Some(refresh) })
        }
        _ => {
            let fault = Fault {
                code: granted.error.unwrap_or_else(|| "invalid_grant".into()),
                text: granted.error_description.unwrap_or_default(),
                fields: Vec::new(),
            };
            let error = errors::error("renewing the token", Some(status), &fault);
            let is_over = matches!(fault.code.as_str(), "invalid_grant" | "expired_token" | "invalid_token");
            Err(if is_over { error.hint(LOG_IN) } else { error })
        }
    }
}

#[derive(serde::Serialize, Deserialize)]
struct Kept {
    access_token: String,
    refresh_token: String,
    origin: String,
}

impl Application {
    /// The pair that an earlier run renewed, if it began with the tokens of the settings.
    fn kept(&self) -> Result<Option<Pair>> {
        let Some(text) = self.context.state().get(AREA, &self.key)? else { return Ok(None) };
        Ok(serde_json::from_str::<Kept>(&text).ok().filter(|kept| kept.origin == self.origin).map(|kept| Pair {
            number: 0,
            access: Some(Secret::new(kept.access_token)),
            refresh: Some(Secret::new(kept.refresh_token)),
        }))
    }

    /// The kept pair, if it is another one than this.
    fn newer(&self, pair: &Pair) -> Option<Pair> {
        let kept = self.kept().ok().flatten()?;
        let is_same = kept.access() == pair.access();
        (!is_same).then(|| Pair { number: pair.number + 1, ..kept })
    }

    fn keep(&self, access: &Secret, refresh: &Secret) -> Result<()> {
        let kept = serde_json::json!({
            "access_token": access.expose(),
            "refresh_token": refresh.expose(),
            "origin": self.origin,
        });
        self.context.state().put(AREA, &self.key, &kept.to_string())
    }
}

/// A short mark of a text (FNV-1a), the same in every version of the program.
pub(super) fn mark(text: &str) -> String {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{hash:016x}")
}
