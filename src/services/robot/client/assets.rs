//! Resources: texts, credentials, calendars.

use serde_json::{Value, json};

use super::api::Reply;
use super::http::Client;
use super::tasks::options;
use crate::error::{Error, Kind, Result};
use crate::secret::Secret;
use crate::services::robot::wire::answer;
use crate::services::robot::wire::calendar::Calendar;

/// Numbers of the kinds of resources, with what people call them.
const KINDS: [(i64, &str); 3] = [(1, "credentials"), (2, "text"), (3, "calendar")];
const CREDENTIALS: i64 = 1;
const TEXT: i64 = 2;

/// A login and its password.
#[derive(Clone, Debug)]
pub struct Credential {
    pub login: String,
    /// Masked wherever it would be shown, from the moment it was read.
    pub password: Secret,
    /// As the Orchestrator writes it; empty where there is none.
    pub expires: String,
}

impl Client {
    /// The record of a resource by its GUID or name. A password in it is a known secret.
    pub async fn asset(&self, about: &str) -> Result<Value> {
        let record = self.record("asset.read", about).await?;
        let password = answer::words(answer::field(&record, "password"));
        if !password.is_empty() {
            drop(Secret::new(password));
        }
        Ok(record)
    }

    /// The text of a resource, whatever its kind.
    pub async fn asset_text(&self, about: &str) -> Result<String> {
        Ok(answer::words(answer::field(&self.asset(about).await?, "text")))
    }

    pub async fn credential(&self, about: &str) -> Result<Credential> {
        let record = self.asset(about).await?;
        let kind = answer::field(&record, "type").and_then(answer::number);
        if kind.is_some_and(|kind| kind != CREDENTIALS) {
            return Err(self.other_kind(about, kind, "credentials"));
        }
        let text = |name: &str| answer::words(answer::field(&record, name));
        Ok(Credential {
            login: text("text"),
            password: Secret::new(text("password")),
            expires: text("password_expiration"),
        })
    }

    pub async fn calendar(&self, about: &str) -> Result<Calendar> {
        let record = self.asset(about).await?;
        let text = match answer::field(&record, "text") {
            Some(value @ (Value::Object(_) | Value::Array(_))) => value.to_string(),
            value => answer::words(value),
        };
        Calendar::read(&text).map_err(|wrong| {
            let kind = answer::field(&record, "type").and_then(answer::number);
            self.other_kind(about, kind, "calendar").caused_by(std::io::Error::other(wrong))
        })
    }

    fn other_kind(&self, about: &str, kind: Option<i64>, wanted: &str) -> Error {
        let found = KINDS.iter().find(|(number, _)| Some(*number) == kind).map_or("something else", |(_, word)| *word);
        let message = format!("robot.{wanted}: the resource `{about}` cannot be read so: it is {found}");
        Error::new(Kind::Input, "robot.asset_kind", message).hint("robot.asset(name) gives the text of any resource")
    }

    /// Sets the text of a resource, and makes it when there is none. False in a dry run.
    pub async fn set_asset(&self, about: &str, text: &str) -> Result<bool> {
        self.put_asset(about, options(json!({ "text": text })), TEXT).await
    }

    /// The same for login and password.
    pub async fn set_credential(&self, about: &str, login: &str, password: &Secret) -> Result<bool> {
        let change = options(json!({ "text": login, "password": password.expose() }));
        self.put_asset(about, change, CREDENTIALS).await
    }

    async fn put_asset(&self, about: &str, mut change: super::Options, kind: i64) -> Result<bool> {
        match self.record("asset.read", about).await {
            Ok(record) => {
                let guid = answer::words(answer::field(&record, "guid"));
                change.insert("guid".into(), guid.into());
                Ok(self.call("asset.update", None, &change).await? == Reply::Done)
            }
            Err(error) if error.code() == super::trouble::code::NOT_FOUND => {
                // Every robot sees it.
                change.extend(options(json!({ "name": about, "type": kind, "robot_type": 3 })));
                Ok(self.make("asset.create", &change).await?.is_some())
            }
            Err(error) => Err(error),
        }
    }
}
