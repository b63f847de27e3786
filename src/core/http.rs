//! HTTP clients of services: built when first used, and what it means when a request gets no answer.

use std::error::Error as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::error::{Error, Kind, Result, Retry};
use crate::settings::Settings;

/// What a service calls its server, and the codes of its errors here.
pub struct Words {
    /// "portal"
    pub server: &'static str,
    pub unusable: &'static str,
    pub certificate: &'static str,
    pub unreachable: &'static str,
    pub timeout: &'static str,
    pub broken_off: &'static str,
}

/// How long is waited, in seconds, where the settings say nothing.
pub struct Waits {
    pub answer: f64,
    pub connect: f64,
}

/// One client with its pool of connections; cheap to clone.
#[derive(Clone)]
pub struct Http(Arc<Inner>);

struct Inner {
    words: &'static Words,
    built: Mutex<Option<reqwest::Client>>,
    timeout: Duration,
    connect_timeout: Duration,
    insecure: bool,
    loopback: bool,
    proxy: Option<reqwest::Proxy>,
    ca: Option<Vec<u8>>,
}

fn certificates(settings: &Settings, path: &str) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| {
        settings
            .wrong("ca", format!("{path} cannot be read: {error}"))
            .hint("give the path of a file with certificates in PEM format")
    })
}

/// The proxy for everything. An address without a scheme is one of HTTP.
fn proxy(settings: &Settings, address: &str) -> Result<reqwest::Proxy> {
    let address = address.trim();
    let whole = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
    let read = reqwest::Proxy::all(whole).ok().filter(|_| !address.is_empty());
    read.ok_or_else(|| settings.wrong("proxy", "it is no address").hint("write it as \"http://proxy:3128\""))
}

fn seconds(settings: &Settings, name: &str, usual: f64) -> Duration {
    Duration::from_secs_f64(settings.number(name).unwrap_or(usual).clamp(0.05, 86_400.0))
}

impl Http {
    /// Reads the settings `timeout`, `connect_timeout`, `insecure`, `proxy` and `ca`. A server on this computer is never
    /// reached through a proxy.
    pub fn new(settings: &Settings, words: &'static Words, usual: Waits, loopback: bool) -> Result<Http> {
        let ca = settings.text("ca").map(|path| certificates(settings, path)).transpose()?;
        if let Some(pem) = &ca {
            let certificates = reqwest::Certificate::from_pem_bundle(pem);
            if certificates.is_ok_and(|certificates| certificates.is_empty()) {
                return Err(settings
                    .wrong("ca", "there is no certificate in the file")
                    .hint("give a file in PEM format"));
            }
        }
        let timeout = seconds(settings, "timeout", usual.answer);
        Ok(Http(Arc::new(Inner {
            words,
            built: Mutex::new(None),
            timeout,
            connect_timeout: timeout.min(seconds(settings, "connect_timeout", usual.connect)),
            insecure: settings.flag("insecure"),
            loopback,
            proxy: settings.text("proxy").map(|address| proxy(settings, address)).transpose()?,
            ca,
        })))
    }

    pub fn timeout(&self) -> Duration {
        self.0.timeout
    }

    pub fn client(&self) -> Result<reqwest::Client> {
        let mut built = self.0.built.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(client) = &*built {
            return Ok(client.clone());
        }
        let client = self.build().map_err(|error| {
            let message = "the HTTP client cannot be made: its certificates cannot be read";
            Error::new(Kind::Config, self.0.words.unusable, message)
                .hint("check `ca` in the settings, and the certificates of this computer")
                .caused_by(error)
        })?;
        Ok(built.insert(client).clone())
    }

    fn build(&self) -> reqwest::Result<reqwest::Client> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("pult/", env!("CARGO_PKG_VERSION")))
            // A redirected POST would lose its parameters; servers that moved are followed by hand.
            .redirect(reqwest::redirect::Policy::none())
            .timeout(self.0.timeout)
            .connect_timeout(self.0.connect_timeout)
            // A connection that the server closes just as a request is sent makes that request's outcome unknown:
            // idle ones are dropped before the server would.
            .pool_idle_timeout(Duration::from_secs(8))
            .pool_max_idle_per_host(64);
        if self.0.insecure {
            builder = builder.tls_danger_accept_invalid_certs(true);
        }
        match &self.0.proxy {
            _ if self.0.loopback => builder = builder.no_proxy(),
            Some(proxy) => builder = builder.proxy(proxy.clone()),
            None => {}
        }
        if let Some(pem) = &self.0.ca {
            builder = builder.tls_certs_merge(reqwest::Certificate::from_pem_bundle(pem)?);
        }
        builder.build()
    }

    /// A request that got no answer, or half of one. Only one that found no connection was surely not carried out.
    pub fn broken(&self, what: &str, place: &str, error: reqwest::Error) -> Error {
        self.broken_within(self.timeout(), what, place, error)
    }

    /// The same for a request that was given another time for its answer.
    pub fn broken_within(&self, timeout: Duration, what: &str, place: &str, error: reqwest::Error) -> Error {
        let words = self.0.words;
        let error = error.without_url();
        let cause = deepest(&error);
        if error.is_connect() {
            if cause.to_lowercase().contains("certificate") {
                let message = format!("{what}: the certificate of {place} cannot be trusted: {cause}");
                return Error::new(Kind::Unavailable, words.certificate, message)
                    .hint(about_certificate(words.server, &cause))
                    .caused_by(error);
            }
            let message = format!("{what}: {place} cannot be reached: {cause}");
            return Error::new(Kind::Unavailable, words.unreachable, message)
                .retry(Retry::Safe)
                .hint(format!("check the {}'s address, the network and the proxy", words.server))
                .caused_by(error);
        }
        if error.is_timeout() {
            let message = format!("{what}: no answer from {place} within {} s", timeout.as_secs_f64());
            return Error::new(Kind::Unavailable, words.timeout, message)
                .retry(Retry::Unknown)
                .hint("ask for less at once, or raise `timeout` in the settings")
                .caused_by(error);
        }
        let message = format!("{what}: the connection to {place} broke before the answer was complete: {cause}");
        Error::new(Kind::Unavailable, words.broken_off, message)
            .retry(Retry::Unknown)
            .hint(format!("the connection to the {} is bad: try again", words.server))
            .caused_by(error)
    }
}

/// What a person does about a certificate, by what the TLS library says of it.
fn about_certificate(server: &str, cause: &str) -> String {
    match cause {
        _ if cause.contains("expired") || cause.contains("not valid yet") => {
            format!("the {server}'s certificate must be renewed; or this computer's clock is wrong")
        }
        _ if cause.contains("not valid for name") => {
            format!("call the {server} by the name that its certificate is made out to")
        }
        _ => "set `ca` to the file of the company's certificates; as a last resort, `insecure = true`".into(),
    }
}

fn deepest(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    let mut text = error.to_string();
    while let Some(inner) = cause {
        text = inner.to_string();
        cause = inner.source();
    }
    text
}
