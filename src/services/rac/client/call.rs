//! What is asked, and what comes back.

use std::fmt;

use crate::core::rows::{Row, Rows};
use crate::error::{Error, Result, did_you_mean};
use crate::services::rac::table::{
    Command, Message, Mode, Opt, Record, Reply as MessageReply, Takes, Thing, Way, Who, credentials, message,
};
use crate::services::rac::wire::shape::{self, Given};

/// A command with what its options were given.
#[derive(Clone)]
pub struct Call {
    pub mode: &'static Mode,
    pub command: &'static Command,
    given: Vec<(&'static Opt, Given)>,
    /// Rows are to hold the utility's own keys and texts.
    pub raw: bool,
}

/// What a command gives back.
#[derive(Clone, Debug)]
pub enum Reply {
    Nothing,
    Text(String),
    /// The id of what was made.
    Id(String),
    Row(Row),
    Rows(Rows),
}

impl Call {
    pub fn new(mode: &'static Mode, command: &'static Command) -> Call {
        Call { mode, command, given: Vec::new(), raw: false }
    }

    /// As scripts call it: `session_list`.
    pub fn name(&self) -> String {
        self.mode.script_name(self.command)
    }

    /// The option of this name in scripts; else what is wrong.
    pub fn option(&self, name: &str) -> Result<&'static Opt> {
        let options: Vec<&'static Opt> = self.mode.options(self.command).collect();
        options.iter().find(|option| option.script_name() == name).copied().ok_or_else(|| {
            let names: Vec<String> = options.iter().map(|option| option.script_name()).collect();
            let hint = did_you_mean(name, names.iter().map(String::as_str)).unwrap_or_else(|| match names.is_empty() {
                true => "it takes no options".into(),
                false => format!("the options are {}", names.join(", ")),
            });
            Error::input("rac.unknown_option", format!("rac::{}: there is no option `{name}`", self.name())).hint(hint)
        })
    }

    /// What this option was given, by its name in the utility.
    pub fn given(&self, name: &str) -> Option<&Given> {
        self.given.iter().find(|(option, _)| option.called == name).map(|(_, given)| given)
    }

    pub fn all_given(&self) -> &[(&'static Opt, Given)] {
        &self.given
    }

    /// Gives an option; what it was given before is forgotten.
    pub fn give(&mut self, option: &'static Opt, given: Given) {
        if let (Takes::Password, Given::Text(text)) = (option.takes, &given) {
            crate::secret::hide(text);
        }
        match self.given.iter_mut().find(|(known, _)| known.called == option.called) {
            Some((_, before)) => *before = given,
            None => self.given.push((option, given)),
        }
    }

    /// Gives an option a text, as it would stand on the utility's command line; names stand for ids.
    pub fn give_text(&mut self, option: &'static Opt, text: &str) -> Result<()> {
        let has_names = option.takes != Takes::Id(Thing::Other);
        let given = shape::given(option, text, has_names).ok_or_else(|| self.wrong(option, &format!("\"{text}\"")))?;
        self.give(option, given);
        Ok(())
    }

    /// The option does not take this.
    pub fn wrong(&self, option: &Opt, found: &str) -> Error {
        let (call, name) = (self.name(), option.script_name());
        let found = if option.takes == Takes::Password { "what it was given" } else { found };
        let message = format!("rac::{call}: `{name}` takes {}, not {found}", shape::wanted(option.takes));
        Error::input("rac.wrong_option", message)
    }

    /// The message that asks for this, where one message does.
    pub fn question(&self) -> Option<&'static Message> {
        let Way::Ask(ways) = self.command.way else { return None };
        let given = |name: &&str| self.given(name).is_some();
        let (_, id) = ways.iter().find(|(options, _)| options.iter().all(given))?;
        message(*id)
    }

    /// The record that comes back, which may depend on what was given.
    pub fn record(&self) -> Option<&'static Record> {
        match (self.question()?.reply, self.command.licenses.filter(|_| self.wants_licenses())) {
            (_, Some(licenses)) => Some(licenses),
            (MessageReply::One(record) | MessageReply::Many(record), None) => Some(record),
            _ => None,
        }
    }

    /// Whether the command is to print licenses instead of their owners.
    pub fn wants_licenses(&self) -> bool {
        self.given("licenses").is_some()
    }

    /// Whether the command has to do with one cluster.
    pub fn has_cluster(&self) -> bool {
        self.mode.options(self.command).any(|option| option.called == "cluster")
    }

    /// Whether it is asked with these credentials.
    pub fn knows(&self, who: Who) -> bool {
        self.mode.who.contains(&who) || self.command.who.contains(&who)
    }

    /// The user and the password that were given.
    pub fn credentials(&self, who: Who) -> Option<(&str, &str)> {
        let [user, password] = credentials(who);
        let text = |option: &Opt| match self.given(option.called) {
            Some(Given::Text(text)) => Some(text.as_str()),
            _ => None,
        };
        match (text(user), text(password)) {
            (None, None) => None,
            (user, password) => Some((user.unwrap_or_default(), password.unwrap_or_default())),
        }
    }

    /// The call as one would write it for the utility, without secrets.
    pub fn shown(&self) -> String {
        let mut line = format!("{} {}", self.mode.name, self.command.words.join(" "));
        for (option, given) in &self.given {
            line.push_str(&match (option.takes, given) {
                (Takes::Flag, _) => format!(" --{}", option.name),
                (Takes::Password, _) => format!(" --{}=***", option.name),
                (takes, given) => format!(" --{}={}", option.name, quoted(&given.text(takes))),
            });
        }
        line
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

fn quoted(text: &str) -> String {
    if text.contains([' ', '"']) || text.is_empty() { format!("\"{text}\"") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::rac::table;

    #[test]
    fn no_form_of_a_call_has_its_passwords() {
        let (mode, command) = table::command(&["session", "list"]).unwrap();
        let mut call = Call::new(mode, command);
        call.give_text(call.option("cluster_user").unwrap(), "Анна К").unwrap();
        call.give_text(call.option("cluster_pwd").unwrap(), "a word of this test").unwrap();
        assert_eq!(call.shown(), "session list --cluster-user=\"Анна К\" --cluster-pwd=***");
        assert_eq!(format!("{call:?}"), call.shown());
    }
}
