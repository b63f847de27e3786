//! Servers of the catalogue: each may take over what another one says.

use std::path::PathBuf;

use super::parse::{Faults, Place, Section, Word};
use super::sections::{Kind, Reader};
use super::{Given, Server};
use crate::secret::Secret;
use crate::services::sp::client::driver::{Encrypt, Trust};

/// A server as it is written, before it takes over what another one says.
pub(super) struct RawServer {
    pub key: Word,
    pub extends: Option<Word>,
    pub place: Place,
    host: Option<String>,
    port: Option<u16>,
    instance: Option<String>,
    encrypt: Option<Encrypt>,
    trust: Option<Trust>,
    user: Option<String>,
    password: Option<String>,
    max_parallel: Option<usize>,
}

impl RawServer {
    /// With everything that is not said here taken from `base`.
    pub fn over(self, base: Option<&RawServer>) -> RawServer {
        let Some(base) = base else { return self };
        // A port and an instance are two ways to say the same.
        let has_way = self.port.is_some() || self.instance.is_some();
        RawServer {
            host: self.host.or_else(|| base.host.clone()),
            port: if has_way { self.port } else { base.port },
            instance: if has_way { self.instance } else { base.instance.clone() },
            encrypt: self.encrypt.or(base.encrypt),
            trust: self.trust.or_else(|| base.trust.clone()),
            user: self.user.or_else(|| base.user.clone()),
            password: self.password.or_else(|| base.password.clone()),
            max_parallel: self.max_parallel.or(base.max_parallel),
            ..self
        }
    }

    pub fn finish(&self, faults: &Faults) -> Option<Server> {
        let Some(host) = &self.host else {
            faults.add(&self.place, format!("the server `{}` has no `host`", self.key.text), None);
            return None;
        };
        Some(Server {
            key: self.key.text.clone(),
            host: given(host),
            port: self.port,
            instance: self.instance.clone(),
            encrypt: self.encrypt.unwrap_or_default(),
            trust: self.trust.clone().unwrap_or_default(),
            user: self.user.as_deref().map(given),
            password: self.password.as_deref().map(|text| match given(text) {
                Given::Here(text) => Given::Here(Secret::new(text)),
                Given::Variable(name) => Given::Variable(name),
            }),
            max_parallel: self.max_parallel.unwrap_or(1),
        })
    }
}

fn given(text: &str) -> Given<String> {
    match text.strip_prefix("${env:").and_then(|rest| rest.strip_suffix('}')) {
        Some(name) => Given::Variable(name.to_owned()),
        None => Given::Here(text.to_owned()),
    }
}

const ENCRYPT: &[(&str, Encrypt)] = &[
    ("off", Encrypt::Off),
    ("login", Encrypt::Login),
    ("on", Encrypt::On),
    ("required", Encrypt::Required),
    ("strict", Encrypt::Strict),
];

impl Reader<'_> {
    pub fn servers(&mut self, root: &Section) -> Vec<RawServer> {
        let Some(servers) = root.section("servers") else { return Vec::new() };
        servers.members().into_iter().map(|(key, section)| self.server(key, &section)).collect()
    }

    fn server(&mut self, key: Word, section: &Section) -> RawServer {
        self.defines(Kind::Server, &key);
        let extends = section.text("extends");
        if let Some(word) = &extends {
            self.uses(Kind::Server, word);
        }
        let text = |key| section.text(key).map(|word| word.text);
        for key in ["host", "user", "password"] {
            self.variable(section.text(key));
        }
        let server = RawServer {
            extends,
            place: key.place.clone(),
            host: text("host"),
            port: section.whole("port", 1..=65535).and_then(|port| u16::try_from(port).ok()),
            instance: text("instance"),
            encrypt: section.choice("encrypt", ENCRYPT),
            trust: section.text("trust").and_then(|word| self.trust(&word)),
            user: text("user"),
            password: text("password"),
            max_parallel: section.whole("max_parallel", 1..=256).and_then(|n| usize::try_from(n).ok()),
            key,
        };
        section.end();
        server
    }

    fn variable(&self, word: Option<Word>) {
        let Some(word) = word else { return };
        if !word.text.starts_with("${") {
            return;
        }
        let is_name = |name: &str| {
            let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
            begins && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        let named = matches!(given(&word.text), Given::Variable(name) if is_name(&name));
        if !named {
            let hint = "write ${env:NAME}".to_owned();
            self.faults.add(&word.place, "this does not name a variable of the environment", hint);
        }
    }

    fn trust(&self, word: &Word) -> Option<Trust> {
        match word.text.as_str() {
            "system" => Some(Trust::System),
            "any" => Some(Trust::Any),
            text => match text.strip_prefix("ca:").map(str::trim).filter(|path| !path.is_empty()) {
                Some(path) => Some(Trust::Ca(PathBuf::from(path))),
                None => {
                    let hint = "write \"system\", \"ca:FILE\" or \"any\"".to_owned();
                    self.faults.add(&word.place, format!("`trust`: \"{text}\" is not known"), hint);
                    None
                }
            },
        }
    }
}
