//! The address of a server: what stands in front of every path.

use reqwest::Url;

/// Scheme, host and port, and perhaps a path, which ends with a slash.
#[derive(Clone, Debug)]
pub struct Root(Url);

impl Root {
    /// Reads an address with its scheme. `credentials`: where they belong instead of into it. The error says what is wrong.
    pub fn read(text: &str, credentials: &str) -> Result<Root, String> {
        let mut url = Url::parse(text).map_err(|error| format!("no address: {error}"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(format!("a user and a password do not belong into it: {credentials}"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("it goes on behind the path: leave out everything after `?` and `#`".into());
        }
        let path = url.path().trim_end_matches('/').trim_end_matches("/api").to_owned();
        url.set_path(&format!("{path}/"));
        Ok(Root(url))
    }

    pub fn url(&self) -> &Url {
        &self.0
    }

    /// `host` or `host:port`, as it was meant.
    pub fn shown(&self) -> String {
        let host = self.host();
        match self.0.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// As it is written: `https://host:port`.
    pub fn text(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    pub fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or(80)
    }

    pub fn is_loopback(&self) -> bool {
        let host = self.host().trim_matches(['[', ']']);
        host.eq_ignore_ascii_case("localhost") || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    pub fn is_plain(&self) -> bool {
        self.0.scheme() == "http"
    }
}
