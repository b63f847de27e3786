//! Who the caller is: an integration token, or a user who logs in.

use serde_json::json;
use tokio::sync::Mutex;

use super::controller::Controller;
use crate::error::{Error, Kind, Result};
use crate::secret::Secret;
use crate::services::veil::table::Verb;
use crate::services::veil::wire::address::{self, expires};
use crate::services::veil::wire::errors;
use crate::services::veil::wire::request::Request;
use crate::settings::Settings;

pub(super) enum Token {
    Given(Secret),
    Login { user: String, password: Secret, ldap: bool, current: Mutex<Option<Secret>> },
}

impl Token {
    pub fn open(settings: &Settings) -> Result<Token> {
        match (settings.secret("token"), settings.text("user"), settings.secret("password")) {
            (Some(_), Some(_), _) => Err(settings.wrong("user", "there is a token already; give one of the two")),
            (Some(token), ..) => {
                let bare = address::token(token.expose()).map_err(|wrong| {
                    settings.wrong("token", wrong).hint("copy it whole from Security → Users; it looks like `jwt eyJ…`")
                })?;
                Ok(Token::Given(Secret::new(bare)))
            }
            (None, Some(user), Some(password)) => Ok(Token::Login {
                user: user.to_owned(),
                password: password.clone(),
                ldap: settings.flag("ldap"),
                current: Mutex::default(),
            }),
            (None, Some(_), None) => Err(settings.wrong("password", "it is missing")),
            (None, None, _) => Err(settings
                .wrong("token", "it is missing")
                .hint("make one in Security → Users and set it, or set `user` and `password`")),
        }
    }
}

impl Controller {
    /// The token to send, without its word.
    pub(super) async fn token(&self) -> Result<Secret> {
        match &self.0.token {
            Token::Given(token) => Ok(token.clone()),
            Token::Login { current, .. } => {
                let mut current = current.lock().await;
                match &*current {
                    Some(token) => Ok(token.clone()),
                    None => Ok(current.insert(self.login().await?).clone()),
                }
            }
        }
    }

    /// Another token in place of one that was refused; `None` where nobody can log in.
    pub(super) async fn renewed(&self, refused: &Secret) -> Result<Option<Secret>> {
        let Token::Login { current, .. } = &self.0.token else { return Ok(None) };
        let mut current = current.lock().await;
        // Another call may have been quicker.
        if let Some(token) = current.as_ref().filter(|token| token.expose() != refused.expose()) {
            return Ok(Some(token.clone()));
        }
        Ok(Some(current.insert(self.login().await?).clone()))
    }

    /// When the token runs out, in seconds since 1970, where it says so.
    pub(super) fn runs_out(&self) -> Option<i64> {
        match &self.0.token {
            Token::Given(token) => expires(token.expose()),
            Token::Login { .. } => None,
        }
    }

    async fn login(&self) -> Result<Secret> {
        let Token::Login { user, password, ldap, .. } = &self.0.token else {
            return Err(Error::new(Kind::Auth, "veil.login", "there is nobody to log in"));
        };
        let body = json!({ "username": user, "password": password.expose(), "ldap": ldap });
        let request = Request { verb: Verb::Post, body: Some(body), ..Request::get("/auth/") };
        let answer = self.once(&request, None).await?;
        let token = answer.json().get("token").and_then(|token| token.as_str()).map(str::to_owned);
        match token {
            Some(token) if answer.success() => Ok(Secret::new(token)),
            _ if answer.status == 400 || answer.status == 401 => {
                let message = format!("{}: the controller does not accept the user {user}", self.shown());
                Err(Error::new(Kind::Auth, "veil.login", message)
                    .status(answer.status)
                    .hint("check `user`, `password` and `ldap` in the settings"))
            }
            _ => Err(errors::error("logging in", &request, &answer, false)),
        }
    }
}
