//! A call as the arguments of the utility.

use std::fmt;

use crate::secret;
use crate::services::rac::client::Call;
use crate::services::rac::table::{Opt, Takes};
use crate::services::rac::wire::shape::Given;

/// One argument. A password in it is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Argument {
    text: String,
    /// How much of it may be shown; then comes the password.
    shown: usize,
}

impl Argument {
    pub fn plain(text: impl Into<String>) -> Argument {
        let text = text.into();
        Argument { shown: text.len(), text }
    }

    /// `--cluster-pwd=` and the password.
    pub fn secret(name: &str, password: &str) -> Argument {
        let begin = format!("--{name}=");
        Argument { shown: begin.len(), text: begin + password }
    }

    /// The argument itself, for the process alone.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The text with this argument, and the password in it, masked: the utility repeats what it does not understand.
    pub fn mask_in(&self, text: &str) -> String {
        match &self.text[self.shown..] {
            "" => text.to_owned(),
            password => text
                .replace(&self.text, &self.to_string())
                .replace(&format!("={password}"), &format!("={}", secret::MASK)),
        }
    }
}

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text[..self.shown])?;
        if self.shown < self.text.len() { f.write_str(secret::MASK) } else { Ok(()) }
    }
}

impl fmt::Debug for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The mode, the command's words, then the options. Those of an access list stand where the utility looks for them: the
/// profile's name right after `acl`, and which list it is about after its kind.
pub fn arguments(call: &Call) -> Vec<Argument> {
    let mut arguments = vec![Argument::plain(call.mode.name)];
    let mut placed: Vec<&str> = Vec::new();
    for (word, at) in call.command.words.iter().zip(0..) {
        arguments.push(Argument::plain(*word));
        let option = match (call.command.words.first(), at) {
            (Some(&"acl"), 0) => "profile",
            (Some(&"acl"), 1) => "access",
            _ => continue,
        };
        placed.push(option);
        arguments.extend(given(call, |called| called == option));
    }
    arguments.extend(given(call, |called| !placed.contains(&called)));
    arguments
}

/// What these options were given.
fn given(call: &Call, wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = Argument> {
    let all = call.all_given().iter().filter(move |(option, _)| wanted(option.called));
    all.filter_map(|(option, given)| argument(call, option, given))
}

fn argument(call: &Call, option: &Opt, given: &Given) -> Option<Argument> {
    let text = given.text(option.takes);
    if option.takes == Takes::Flag {
        return Some(Argument::plain(format!("--{}", option.name)));
    }
    // A name that stands for an id which is known is not said as well.
    if option.selects && call.given("infobase").is_some() {
        return None;
    }
    // The utility takes a process only together with an infobase; which records are of it is seen in them.
    if option.called == "process" && call.command.words == ["list"] && call.given("infobase").is_none() {
        return None;
    }
    // The utility refuses empty names and passwords; an empty text or date is one that is to be cleared.
    if text.is_empty() && (option.is_required || is_credential(option)) {
        return None;
    }
    Some(match option.takes {
        Takes::Password => Argument::secret(option.name, &text),
        _ => Argument::plain(format!("--{}={text}", option.name)),
    })
}

/// One of those that say who asks.
fn is_credential(option: &Opt) -> bool {
    use crate::services::rac::table::{Who, credentials};
    [Who::Agent, Who::Cluster, Who::Infobase]
        .iter()
        .flat_map(|who| credentials(*who))
        .any(|known| known.name == option.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::rac::table;

    fn call(words: &[&str], options: &[(&str, &str)]) -> Call {
        let (mode, command) = table::command(words).unwrap();
        let mut call = Call::new(mode, command);
        for (name, text) in options {
            let option = call.option(name).unwrap();
            match option.takes {
                Takes::Flag => call.give(option, Given::Flag),
                _ => call.give_text(option, text).unwrap(),
            }
        }
        call
    }

    fn texts(words: &[&str], options: &[(&str, &str)]) -> Vec<String> {
        arguments(&call(words, options)).iter().map(|argument| argument.expose().to_owned()).collect()
    }

    const ID: &str = "1619820a-d36f-4d8a-a716-1516b1dea077";

    #[test]
    fn options_stand_after_the_words() {
        assert_eq!(
            texts(&["session", "list"], &[("cluster", ID), ("licenses", ""), ("cluster_user", "Админ")]),
            ["session", "list", &format!("--cluster={ID}"), "--licenses", "--cluster-user=Админ"]
        );
        assert_eq!(
            texts(
                &["counter", "update"],
                &[("name", "a b"), ("collection_time", "current-call"), ("duration", "analyze")]
            ),
            ["counter", "update", "--name=a b", "--collection-time=current-call", "--duration=analyze"]
        );
        let range = texts(&["server", "update"], &[("port_range", "1560:1591,1600:1610"), ("using", "main")]);
        assert_eq!(range[2..], ["--port-range=1560:1591,1600:1610", "--using=main"]);
    }

    #[test]
    fn the_two_names_of_an_access_list_keep_their_places() {
        assert_eq!(
            texts(
                &["profile", "acl", "com", "update"],
                &[("name", "Excel"), ("access", "list"), ("profile", "p1"), ("descr", "x")]
            ),
            ["profile", "acl", "--name=p1", "com", "--access=list", "update", "--name=Excel", "--descr=x"]
        );
    }

    #[test]
    fn what_is_empty_clears_a_text_and_is_otherwise_left_out() {
        assert_eq!(
            texts(
                &["infobase", "update"],
                &[("infobase", ID), ("denied_from", ""), ("descr", ""), ("cluster_user", ""), ("cluster_pwd", "")]
            ),
            ["infobase", "update", &format!("--infobase={ID}"), "--denied-from=", "--descr="]
        );
        assert_eq!(texts(&["counter", "remove"], &[("name", "")]), ["counter", "remove"]);
    }

    #[test]
    fn a_process_is_named_with_an_infobase_alone() {
        assert_eq!(texts(&["connection", "list"], &[("process", ID)]), ["connection", "list"]);
        assert_eq!(texts(&["connection", "list"], &[("process", ID), ("infobase", ID)]).len(), 4);
    }

    #[test]
    fn an_infobase_is_named_once() {
        let both = texts(&["infobase", "summary", "info"], &[("name", "demo"), ("infobase", ID)]);
        assert_eq!(both, ["infobase", "summary", "info", &format!("--infobase={ID}")]);
        assert_eq!(
            texts(&["infobase", "summary", "info"], &[("name", "demo")]),
            ["infobase", "summary", "info", "--name=demo"]
        );
    }

    #[test]
    fn passwords_are_not_shown() {
        let arguments = arguments(&call(&["cluster", "list"], &[]));
        assert_eq!(format!("{arguments:?}"), "[cluster, list]");
        let secret = Argument::secret("cluster-pwd", "x1");
        assert_eq!(
            (secret.expose(), format!("{secret} {secret:?}").as_str()),
            ("--cluster-pwd=x1", "--cluster-pwd=*** --cluster-pwd=***")
        );
        assert_eq!(secret.mask_in("Error parsing option: --cluster-pwd=x1"), "Error parsing option: --cluster-pwd=***");
        assert_eq!(secret.mask_in("x1"), "x1");
    }
}
