//! Arguments of the utility: what is asked, or which of them is not understood.

use std::ffi::{OsStr, OsString};

use crate::secret::MASK;
use crate::services::rac::client::{Call, address};
use crate::services::rac::table::{Command, MODES, Mode, NEWEST, Opt, Takes, Way, Wire, commands, message};
use crate::services::rac::wire::shape::{self, Given};

/// What the utility is asked for.
#[derive(Debug)]
pub enum Asked {
    Version,
    /// General, or of a mode.
    Help(Option<&'static Mode>),
    Call {
        /// `host:port`.
        address: String,
        call: Box<Call>,
    },
}

/// Why arguments are refused: what the utility says after its colon. Passwords are masked in it.
#[derive(Debug, PartialEq)]
pub struct Fault(pub String);

/// The server that is meant when none is named.
const HERE: &str = "localhost:1545";

/// Options of which a command takes one or the other, and says the first when there is none.
const EITHER: &[(&str, &str)] = &[("infobase", "name"), ("storage", "name")];

/// Options that need another one, by command.
const TOGETHER: &[(&str, &[&str], &str, &str)] = &[("connection", &["list"], "process", "infobase")];

pub fn parse(args: &[OsString]) -> Result<Asked, Fault> {
    let mut scan = Scan::default();
    let texts: Vec<&str> = args.iter().map(|arg| arg.to_str().ok_or_else(|| no_text(arg))).collect::<Result<_, _>>()?;
    let mut rest = texts.into_iter().peekable();
    while let Some(arg) = rest.next() {
        match arg {
            "-v" | "--version" => return Ok(Asked::Version),
            "-h" | "-?" | "--help" => scan.help = true,
            _ if arg.starts_with('-') => {
                let option = Written::new(arg, || rest.next_if(|next| !next.starts_with("--")));
                scan.options.push(option);
            }
            _ => scan.word(arg),
        }
    }
    scan.asked()
}

/// Of an argument that is no text only the name is told: the rest may be a password.
fn no_text(arg: &OsStr) -> Fault {
    let arg = arg.to_string_lossy();
    let name = arg.strip_prefix("--").and_then(|option| option.split('=').next());
    Fault(name.unwrap_or("?").into())
}

/// An option as it was written.
#[derive(Debug)]
struct Written<'a> {
    name: &'a str,
    value: Option<&'a str>,
}

impl<'a> Written<'a> {
    /// `next` takes the argument behind, if that can be a value.
    fn new(arg: &'a str, next: impl FnOnce() -> Option<&'a str>) -> Written<'a> {
        let Some(name) = arg.strip_prefix("--") else { return Written { name: arg, value: None } };
        match name.split_once('=') {
            Some((name, value)) => Written { name, value: Some(value) },
            None if takes_value(name) => Written { name, value: next() },
            None => Written { name, value: None },
        }
    }

    /// The whole argument, for a message.
    fn whole(&self) -> Fault {
        let dashes = if self.name.starts_with('-') { "" } else { "--" };
        Fault(match self.value {
            Some(_) if self.is_secret() => format!("{dashes}{}={MASK}", self.name),
            Some(value) => format!("{dashes}{}={value}", self.name),
            None => format!("{dashes}{}", self.name),
        })
    }

    /// Whether the value is a password, also when the command does not know the option.
    fn is_secret(&self) -> bool {
        let name = self.name.to_lowercase();
        ["pwd", "pass", "secret"].iter().any(|word| name.contains(word))
    }

    fn given(&self, opt: &'static Opt, command: &'static Command) -> Result<Given, Fault> {
        let bare = || Fault(opt.name.into());
        match (opt.takes, self.value) {
            (Takes::Flag, None) => Ok(Given::Flag),
            (Takes::Flag, Some(_)) => Err(self.whole()),
            (_, None) => Err(bare()),
            (_, Some("")) if !may_be_empty(opt) => Err(bare()),
            (_, Some(value)) => {
                let given = shape::given(opt, value, false).filter(|given| fits(command, opt, given));
                given.ok_or_else(|| if opt.is_required { bare() } else { self.whole() })
            }
        }
    }
}

/// Whether there is room for the value in what the command writes: no port is larger than 65535.
fn fits(command: &Command, opt: &Opt, given: &Given) -> bool {
    let (Way::Edit { write, .. } | Way::Create { write }) = command.way else { return true };
    let body = message(write).map_or(&[][..], |message| message.body);
    let mut slots = body.iter().flat_map(|slot| match slot.wire {
        Wire::One(record) => record.slots,
        _ => std::slice::from_ref(slot),
    });
    slots.find(|slot| slot.name == opt.name).is_none_or(|slot| given.value(slot, NEWEST).is_ok())
}

/// Whether any command has an option of this name that takes a value.
fn takes_value(name: &str) -> bool {
    let mut options = commands().flat_map(|(mode, command)| mode.options(command));
    options.any(|opt| opt.name == name && opt.takes != Takes::Flag)
}

/// Texts and dates are cleared by giving nothing; what names something cannot be nothing.
fn may_be_empty(opt: &Opt) -> bool {
    let is_name = opt.is_required || opt.selects || opt.name == "name" || opt.name.ends_with("-user");
    matches!(opt.takes, Takes::Text | Takes::Date) && !is_name
}

/// What has been read of the arguments.
#[derive(Default)]
struct Scan<'a> {
    mode: Option<&'static Mode>,
    /// The words of the command as far as they have come.
    words: Vec<&'a str>,
    help: bool,
    address: Option<&'a str>,
    /// A word that has no place.
    stray: Option<&'a str>,
    options: Vec<Written<'a>>,
}

impl<'a> Scan<'a> {
    /// Takes a word where one is expected; any other is the address.
    fn word(&mut self, word: &'a str) {
        let mode = || MODES.iter().find(|mode| mode.name == word);
        match self.mode {
            None if matches!(word, "help" | "h") && !self.help => self.help = true,
            None if mode().is_some() => self.mode = mode(),
            Some(mode) if !self.help && self.goes_on(mode, word) => self.words.push(word),
            _ if self.address.is_none() => self.address = Some(word),
            _ => self.stray = self.stray.or(Some(word)),
        }
    }

    fn goes_on(&self, mode: &Mode, word: &str) -> bool {
        let at = self.words.len();
        let begins = |command: &Command| command.words.starts_with(&self.words) && command.words.get(at) == Some(&word);
        mode.commands().any(begins)
    }

    fn asked(self) -> Result<Asked, Fault> {
        if self.help {
            return Ok(Asked::Help(self.mode));
        }
        let stray = || self.stray.map_or(Ok(()), |word| Err(Fault(word.into())));
        let Some(mode) = self.mode else { return stray().map(|()| Asked::Help(None)) };
        let Some(command) = mode.commands().find(|command| command.words == self.words) else {
            // `profile acl KIND --access=…` alone changes a profile; help would look as if it had.
            let change = self.options.iter().find(|option| option.name == "access");
            return change.map_or(Ok(Asked::Help(Some(mode))), |option| Err(option.whole()));
        };
        let call = Box::new(self.call(mode, command)?);
        stray()?;
        let address = self.address.map_or(Ok(HERE.into()), |text| address(text).map_err(|_| Fault(text.into())))?;
        Ok(Asked::Call { address, call })
    }

    /// The command with the values of all options, checked.
    fn call(&self, mode: &'static Mode, command: &'static Command) -> Result<Call, Fault> {
        let mut call = Call::new(mode, command);
        let known: Vec<&'static Opt> = mode.options(command).collect();
        for option in &self.options {
            let mut named = known.iter().filter(|opt| opt.name == option.name);
            // Of two options with one name the first stands first: a profile, then an entry of its list. What is given
            // once more replaces what was given.
            let opt = named.clone().find(|opt| call.given(opt.called).is_none()).or_else(|| named.next_back());
            let opt = opt.ok_or_else(|| option.whole())?;
            call.give(opt, option.given(opt, command)?);
        }
        let missing = known.iter().find(|opt| opt.is_required && call.given(opt.called).is_none());
        match missing.map(|opt| opt.name).or_else(|| needed(&call, &known)) {
            Some(name) => Err(Fault(name.into())),
            None => Ok(call),
        }
    }
}

/// An option that is missing though none of the table says so by itself.
fn needed(call: &Call, known: &[&'static Opt]) -> Option<&'static str> {
    let is_given = |name: &str| call.given(name).is_some();
    let either = EITHER.iter().find(|pair| is_either(pair, known) && !is_given(pair.0) && !is_given(pair.1));
    let together = TOGETHER.iter().find(|(of, words, has, needs)| {
        *of == call.mode.name && *words == call.command.words && is_given(has) && !is_given(needs)
    });
    either.map(|(first, _)| *first).or(together.map(|(.., needs)| *needs))
}

/// Whether a command with these options wants one of the two.
fn is_either((first, second): &(&str, &str), known: &[&'static Opt]) -> bool {
    let at = known.iter().position(|opt| opt.called == *first && !opt.is_required);
    at.and_then(|at| known.get(at + 1)).is_some_and(|opt| opt.called == *second)
}

/// The other option that would do as well, for help.
pub fn other(opt: &Opt, known: &[&'static Opt]) -> Option<&'static str> {
    let pair = EITHER.iter().filter(|pair| is_either(pair, known));
    pair.fold(None, |found, (first, second)| match opt.called {
        called if called == *first => Some(second),
        called if called == *second => Some(first),
        _ => found,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0";

    /// What a line of the shell asks for, in short. ID stands for an id.
    fn asked(line: &str) -> String {
        let args: Vec<OsString> =
            line.split(' ').filter(|arg| !arg.is_empty()).map(|arg| arg.replace("ID", ID).into()).collect();
        match parse(&args) {
            Ok(Asked::Version) => "version".into(),
            Ok(Asked::Help(mode)) => format!("help {}", mode.map_or("", |mode| mode.name)).trim().into(),
            Ok(Asked::Call { address, call }) => {
                let mut said = format!("{address} {} {}", call.mode.name, call.command.words.join(" "));
                for (opt, given) in call.all_given() {
                    said += &format!(" {}={}", opt.called, given.text(opt.takes).replace(ID, "ID"));
                }
                said
            }
            Err(Fault(fault)) => format!("! {}", fault.replace(ID, "ID")),
        }
    }

    #[test]
    fn command_lines() {
        for (line, expected) in [
            ("", "help"),
            ("--help", "help"),
            ("-?", "help"),
            ("localhost:1545", "help"),
            ("help infobase", "help infobase"),
            ("h service-setting", "help service-setting"),
            ("session list -h", "help session"),
            ("infobase", "help infobase"),
            ("infobase list --cluster=ID", "help infobase"),
            ("infobase list srv2", "help infobase"),
            ("--version", "version"),
            ("session -v", "version"),
            ("sesion list", "! list"),
            // The address anywhere.
            ("cluster list", "localhost:1545 cluster list"),
            ("srv1 cluster list", "srv1:1545 cluster list"),
            ("cluster srv1:2545 list", "srv1:2545 cluster list"),
            ("cluster list server:2545", "server:2545 cluster list"),
            ("cluster list server", "server:1545 cluster list"),
            ("cluster list [fe80::1]:15450", "[fe80::1]:15450 cluster list"),
            ("cluster list ::1", "[::1]:1545 cluster list"),
            ("cluster list srv1:x", "! srv1:x"),
            ("cluster list [::1", "! [::1"),
            ("cluster list :1545", "! :1545"),
            ("cluster list srv1:99999", "! srv1:99999"),
            ("cluster list srv1 srv2", "! srv2"),
            // Options in any place and both forms.
            ("cluster info --cluster=ID", "localhost:1545 cluster info cluster=ID"),
            ("cluster --cluster ID info srv1", "srv1:1545 cluster info cluster=ID"),
            ("--cluster=ID srv1 session list --licenses", "srv1:1545 session list cluster=ID licenses="),
            ("session list --licenses srv1 --cluster=ID", "srv1:1545 session list licenses= cluster=ID"),
            ("session list --licenses=yes --cluster=ID", "! --licenses=yes"),
            ("cluster info --cluster=ID --cluster=ID", "localhost:1545 cluster info cluster=ID"),
            // What is not understood.
            ("cluster list --foo=5", "! --foo=5"),
            ("cluster list --foo", "! --foo"),
            ("cluster list -x", "! -x"),
            ("cluster list --cluster-user=adm", "! --cluster-user=adm"),
            ("cluster update --cluster=ID --cluster-user=cadmin", "! --cluster-user=cadmin"),
            ("cluster update --cluster=ID --cluster-pwd=word", "! --cluster-pwd=***"),
            ("cluster update --cluster=ID --cluster-pwd word", "! --cluster-pwd=***"),
            ("cluster update --cluster=ID --passwort=word", "! --passwort=***"),
            ("cluster update --cluster=ID --kill-problem-processes=maybe", "! --kill-problem-processes=maybe"),
            ("session list --cluster=ID --infobase=demo", "! --infobase=demo"),
            ("cluster update --cluster=ID --lifetime-limit=99999999999", "! --lifetime-limit=99999999999"),
            ("cluster insert --host=h --port=99999", "! port"),
            // What is missing, empty or malformed.
            ("cluster info", "! cluster"),
            ("cluster info --cluster", "! cluster"),
            ("cluster info --cluster --foo", "! cluster"),
            ("cluster info --cluster=", "! cluster"),
            ("cluster info --cluster=demo", "! cluster"),
            ("session list --cluster=ID --cluster-user=", "! cluster-user"),
            ("session list --cluster=ID --cluster-pwd=", "! cluster-pwd"),
            ("session info --cluster=ID", "! session"),
            ("counter info --cluster=ID --counter=", "! counter"),
            // One or the other.
            ("infobase info --cluster=ID", "! infobase"),
            ("infobase info --cluster=ID --infobase-user=u", "! infobase"),
            ("infobase info --cluster=ID --name=demo", "localhost:1545 infobase info cluster=ID name=demo"),
            ("infobase info --cluster=ID --name=", "! name"),
            ("binary-data-storage info --cluster=ID --infobase=ID", "! storage"),
            ("binary-data-storage list --cluster=ID", "! infobase"),
            // One with the other.
            ("connection list --cluster=ID --process=ID", "! infobase"),
            (
                "connection list --cluster=ID --process=ID --infobase=ID",
                "localhost:1545 connection list cluster=ID process=ID infobase=ID",
            ),
            ("connection list --cluster=ID", "localhost:1545 connection list cluster=ID"),
            // What may be cleared.
            (
                "infobase update --cluster=ID --name=demo --denied-from= --denied-message=",
                "localhost:1545 infobase update cluster=ID name=demo denied-from= denied-message=",
            ),
            ("infobase update --cluster=ID --name=demo --sessions-deny=", "! sessions-deny"),
            // Two options of one name.
            (
                "profile acl --name=P com --cluster=ID update --name=C --access=full",
                "localhost:1545 profile acl com update profile=P cluster=ID name=C access=full",
            ),
            ("profile acl --name=P com update --cluster=ID", "! name"),
            ("profile acl --name=P com list --cluster=ID", "localhost:1545 profile acl com list profile=P cluster=ID"),
            ("profile acl --name=P com --cluster=ID --access=full", "! --access=full"),
            // What racpy sends.
            (
                "cluster insert --host=h --port=1541 --security-level=disabled",
                "localhost:1545 cluster insert host=h port=1541 security-level=disabled",
            ),
        ] {
            assert_eq!(asked(line), expected, "{line}");
        }
    }

    #[test]
    fn every_command_is_understood_with_all_its_options() {
        for (mode, command) in commands() {
            let mut args: Vec<OsString> = vec![mode.name.into()];
            args.extend(command.words.iter().map(OsString::from));
            for opt in mode.options(command) {
                let value = match opt.takes {
                    Takes::Flag => None,
                    Takes::Id(_) => Some(ID),
                    Takes::Text => Some("a text"),
                    Takes::Password => Some("a password of this test"),
                    Takes::Number | Takes::OrZero(_) => Some("7"),
                    Takes::Date => Some("2026-02-26T03:32:24"),
                    Takes::Ports => Some("1560:1591,1700:1800"),
                    Takes::Auth => Some("pwd,os"),
                    Takes::Words(words) => Some(words.words[0].1),
                    Takes::OneOf(words) => Some(words[0]),
                };
                args.push(value.map_or(format!("--{}", opt.name), |value| format!("--{}={value}", opt.name)).into());
            }
            match parse(&args) {
                Ok(Asked::Call { call, .. }) => {
                    assert_eq!((call.mode.name, call.command.words), (mode.name, command.words));
                    assert_eq!(call.all_given().len(), mode.options(command).count());
                }
                other => panic!("{args:?}: {other:?}"),
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn an_argument_that_is_no_text_is_refused() {
        use std::os::unix::ffi::OsStringExt;
        let args = ["cluster".into(), "info".into(), OsString::from_vec(b"--cluster=\xff\xfe".to_vec())];
        assert_eq!(parse(&args).unwrap_err(), Fault("cluster".into()));
    }
}
