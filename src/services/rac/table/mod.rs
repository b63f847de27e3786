//! The one table of what can be administered: modes, commands, options, record fields, messages and their layouts.
//!
//! Everything else reads it: the client over the protocol, the wrapper of the utility, `pult rac`, the simulator, the
//! bindings, completion and the reference. Sources: `rac` 8.3.21 and 8.5 as recorded, and the public clients of the
//! protocol; what is inferred says so.

mod commands;
mod messages;
mod options;
mod records;
mod rules;
mod words;

pub use commands::{MODES, command, commands};
pub use messages::*;
pub use options::credentials;
pub use records::*;
pub use rules::*;
pub use words::*;

/// The major number of an endpoint's version. It decides how records lie, not which messages there are.
pub type Version = u8;

/// Those that are asked for when nothing special is wanted, the first wish first: every server since 8.3.21 has 11.0.
pub const VERSIONS: &[Version] = &[11, 10, 9, 8, 7, 6, 5, 4, 3];
/// The newest whose layouts are known.
pub const NEWEST: Version = 16;
/// Those that are asked for to write a record back: a server fills what an older version does not carry with defaults.
pub const WRITING: &[Version] = &[16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3];
/// For fields that no later version has dropped.
const EVER: Version = Version::MAX;

/// How a value lies in a message. Integers are big-endian.
#[derive(Clone, Copy, Debug)]
pub enum Wire {
    Bool,
    Byte,
    Short,
    Int,
    Long,
    Double,
    /// Ticks of 0.1 ms since the year 1, by the server's clock on the wall; 0 is no date.
    Time,
    Uuid,
    Text,
    /// A list of (high, low), each a short.
    Ports,
    /// A list of uuids.
    Uuids,
    /// Two bools: by password, by the operating system.
    Auth,
    /// A list of records.
    Many(&'static Record),
    /// A record in place.
    One(&'static Record),
}

/// One value of a record or of a request, where it lies.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    /// The name of the option that gives it, or of the line that shows it.
    pub name: &'static str,
    pub wire: Wire,
    /// The endpoint versions that carry it, both included.
    pub since: Version,
    pub until: Version,
    /// What a new record holds where nothing was said.
    pub first: i64,
}

impl Slot {
    const fn since(self, since: Version) -> Slot {
        Slot { since, ..self }
    }

    const fn first(self, first: i64) -> Slot {
        Slot { first, ..self }
    }

    pub fn is_in(&self, version: Version) -> bool {
        (self.since..=self.until).contains(&version)
    }
}

const fn slot(name: &'static str, wire: Wire) -> Slot {
    Slot { name, wire, since: 0, until: EVER, first: 0 }
}

/// How a value reads: in the utility's output, and in a script.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// Free text.
    Text,
    /// Free text that the utility puts between quotes when there is any.
    Quoted,
    Uuid,
    /// Several, joined by commas.
    Uuids,
    Number,
    /// Three decimals.
    Decimal,
    Date,
    /// `low:high`, several joined by commas.
    Ports,
    /// `pwd`, `os`, `pwd|os` or nothing.
    Auth,
    /// A number, with one word for zero.
    OrZero(&'static str),
    /// A word for each number.
    Words(&'static Words),
}

/// Words that stand for numbers.
#[derive(Debug, PartialEq)]
pub struct Words {
    pub words: &'static [(i64, &'static str)],
    /// Scripts see true and false: the second word is true.
    pub is_flag: bool,
}

impl Words {
    pub fn word(&self, number: i64) -> Option<&'static str> {
        let known = self.words.iter().find(|(known, _)| *known == number);
        // What is not nothing is true, whatever number a server has for it.
        known.or(self.words.get(1).filter(|_| self.is_flag)).map(|(_, word)| *word)
    }

    pub fn number(&self, word: &str) -> Option<i64> {
        self.words.iter().find(|(_, known)| *known == word).map(|(number, _)| *number)
    }

    /// As help and messages show them: `yes|no`.
    pub fn listed(&self) -> String {
        let mut words: Vec<&str> = Vec::new();
        for (_, word) in self.words {
            if !words.contains(word) {
                words.push(word);
            }
        }
        words.join("|")
    }
}

/// One line of the utility's output.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// As the utility spells it.
    pub key: &'static str,
    /// Where its value lies.
    pub slot: &'static str,
    pub shape: Shape,
    pub since: Version,
    pub until: Version,
}

impl Line {
    const fn since(self, since: Version) -> Line {
        Line { since, ..self }
    }

    const fn until(self, until: Version) -> Line {
        Line { until, ..self }
    }

    /// Where the value lies, if not under the line's own name.
    const fn of(self, slot: &'static str) -> Line {
        Line { slot, ..self }
    }

    pub fn is_in(&self, version: Version) -> bool {
        (self.since..=self.until).contains(&version)
    }

    /// Every version prints it.
    pub fn is_always(&self) -> bool {
        self.since == 0 && self.until == EVER
    }
}

const fn line(key: &'static str, shape: Shape) -> Line {
    Line { key, slot: key, shape, since: 0, until: EVER }
}

/// What servers send and the utility prints: its values in the order of the protocol, and in that of the output.
#[derive(Debug)]
pub struct Record {
    pub name: &'static str,
    pub slots: &'static [Slot],
    pub lines: &'static [Line],
}

impl Record {
    pub fn slots(&self, version: Version) -> impl Iterator<Item = &'static Slot> {
        self.slots.iter().filter(move |slot| slot.is_in(version))
    }

    pub fn lines(&self, version: Version) -> impl Iterator<Item = &'static Line> {
        self.lines.iter().filter(move |line| line.is_in(version))
    }

    pub fn slot(&self, name: &str) -> Option<&'static Slot> {
        self.slots.iter().find(|slot| slot.name == name)
    }
}

/// What a message is answered with.
#[derive(Clone, Copy, Debug)]
pub enum Reply {
    Void,
    Text,
    Uuid,
    Bool,
    One(&'static Record),
    Many(&'static Record),
}

/// One request of the protocol.
#[derive(Debug)]
pub struct Message {
    pub id: u8,
    /// The number of the answer, unless that is void.
    pub answer: u8,
    pub name: &'static str,
    pub body: &'static [Slot],
    pub reply: Reply,
}

/// What an option takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Takes {
    /// Nothing: it is there or not.
    Flag,
    /// An id; scripts may say a name where there are names.
    Id(Thing),
    Text,
    /// A text that is never shown.
    Password,
    Number,
    Date,
    Ports,
    /// `pwd`, `os` or both with a comma.
    Auth,
    OrZero(&'static str),
    Words(&'static Words),
    /// One of these texts.
    OneOf(&'static [&'static str]),
}

/// What an id names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Thing {
    Cluster,
    Server,
    Infobase,
    /// What has no name of its own.
    Other,
}

/// Which credentials a group of options is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Agent,
    Cluster,
    Infobase,
}

/// One option of a command or of a mode.
#[derive(Clone, Copy, Debug)]
pub struct Opt {
    /// As the utility spells it.
    pub name: &'static str,
    pub takes: Takes,
    /// What help shows for its value: `<uuid>`. Words show themselves.
    pub shown: &'static str,
    pub is_required: bool,
    /// What scripts call it, where two options of a command share a name.
    pub called: &'static str,
    /// It stands for another option and is never written into a record: an infobase by its name.
    pub selects: bool,
    /// English and Russian, for help.
    pub about: (&'static str, &'static str),
}

impl Opt {
    const fn required(self) -> Opt {
        Opt { is_required: true, ..self }
    }

    const fn called(self, called: &'static str) -> Opt {
        Opt { called, ..self }
    }

    const fn selects(self) -> Opt {
        Opt { selects: true, ..self }
    }

    /// The name in scripts: hyphens are underscores.
    pub fn script_name(&self) -> String {
        self.called.replace('-', "_")
    }
}

/// How a command is carried out over the protocol.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    /// The first of these whose options are all given: (options, message).
    Ask(&'static [(&'static [&'static str], u8)]),
    /// Read the record, put the options into it, write it back.
    Edit { read: u8, write: u8 },
    /// Write a new record made of the options.
    Create { write: u8 },
    /// Start a piece of work on a storage and wait for its end. Its number, and the options whose values, a line each,
    /// are its argument.
    Operate { kind: u8, argument: &'static [&'static str] },
}

/// What the utility prints for a command.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    Nothing,
    /// A bare line.
    Text,
    /// `key : uuid`, without an empty line after it.
    Id(&'static str),
    One(&'static Record),
    Many(&'static Record),
    /// Values in columns, not key by key.
    Columns(&'static Record),
}

/// A number in a request that flags of a command decide: the first flag that is given, else the last.
#[derive(Debug)]
pub struct Pick {
    pub slot: &'static str,
    pub flags: &'static [(&'static str, i64)],
    pub otherwise: i64,
}

/// One command of the utility.
#[derive(Debug)]
pub struct Command {
    /// After the mode: `["summary", "list"]`.
    pub words: &'static [&'static str],
    pub options: &'static [Opt],
    /// Credentials that it takes besides the mode's, as groups of options.
    pub who: &'static [Who],
    pub way: Way,
    pub answer: Answer,
    /// What `--licenses` prints instead.
    pub licenses: Option<&'static Record>,
    pub pick: Option<Pick>,
    /// English and Russian, for help and the reference.
    pub about: (&'static str, &'static str),
}

impl Command {
    pub fn changes(&self) -> bool {
        matches!(self.answer, Answer::Nothing | Answer::Id(_))
    }
}

/// One mode of the utility: a word, what all its commands take, and the commands.
#[derive(Debug)]
pub struct Mode {
    pub name: &'static str,
    pub options: &'static [Opt],
    pub who: &'static [Who],
    pub commands: &'static [&'static [Command]],
    pub about: (&'static str, &'static str),
}

impl Mode {
    pub fn commands(&self) -> impl Iterator<Item = &'static Command> {
        self.commands.iter().copied().flatten()
    }

    /// What this command of the mode takes: credentials, the mode's own options, then the command's.
    pub fn options(&self, command: &Command) -> impl Iterator<Item = &'static Opt> {
        let who = self.who.iter().chain(command.who).copied();
        let who: Vec<&'static Opt> = who.flat_map(credentials).collect();
        self.options.iter().chain(who).chain(command.options)
    }

    /// As scripts call the command: `infobase_summary_list`.
    pub fn script_name(&self, command: &Command) -> String {
        let words: Vec<&str> = std::iter::once(self.name).chain(command.words.iter().copied()).collect();
        words.join("_").replace('-', "_")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn messages_stand_in_the_order_of_their_numbers_and_every_command_knows_its_own() {
        assert!(MESSAGES.windows(2).all(|pair| pair[0].id < pair[1].id));
        for (mode, command) in commands() {
            let ids: Vec<u8> = match command.way {
                Way::Ask(ways) => ways.iter().map(|(_, id)| *id).collect(),
                Way::Edit { read, write } => vec![read, write],
                Way::Create { write } => vec![write],
                Way::Operate { .. } => vec![OPERATE_STORAGE, STORAGE_DONE],
            };
            assert!(ids.iter().all(|id| message(*id).is_some()), "{} {:?}", mode.name, command.words);
        }
    }

    #[test]
    fn every_line_shows_a_value_that_its_record_holds() {
        let records = MESSAGES.iter().filter_map(|message| match message.reply {
            Reply::One(record) | Reply::Many(record) => Some(record),
            _ => None,
        });
        for record in records {
            for line in record.lines {
                assert!(record.slot(line.slot).is_some(), "{}: {}", record.name, line.key);
            }
        }
    }

    #[test]
    fn no_two_commands_share_a_name_nor_two_options_of_a_command() {
        let mut names = HashSet::new();
        for (mode, command) in commands() {
            assert!(names.insert(mode.script_name(command)));
            let mut options = HashSet::new();
            let unique = mode.options(command).all(|option| options.insert(option.called));
            assert!(unique, "{} {:?}", mode.name, command.words);
        }
        assert_eq!(MODES.len(), 16);
    }
}
