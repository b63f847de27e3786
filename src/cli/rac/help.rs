//! Help of the utility, laid out as the utility lays it out, from the table.

use super::manner::Manner;
use super::parse;
use super::texts::{self as t, Both, Language};
use crate::services::rac::table::{
    ANALYZE, Command, DEDICATE, MODES, Mode, Opt, Takes, USING, Who, Words, credentials,
};

/// General help, which is that of the mode `help`, or help of another mode.
pub fn help(mode: Option<&'static Mode>, manner: &Manner) -> String {
    let mut page = Page { language: manner.language, text: String::new(), level: 0 };
    page.line(&format!("pult {}, {} {}", env!("CARGO_PKG_VERSION"), page.language.of(t::IN_PLACE), manner.version));
    page.line(page.language.of(t::PURPOSE));
    page.section(t::USE);
    let (named, usage) = mode.map_or((t::HELP.0, t::USAGE_HELP), |mode| (mode.name, t::USAGE));
    page.text += &format!("\trac {named} {}\n", page.language.of(usage));
    page.section(t::SHARED_OPTIONS);
    page.items(t::ALWAYS.iter().copied());
    page.section(t::SHARED_ARGUMENTS);
    page.items([t::ADDRESS]);
    page.section(t::MODE);
    match mode {
        None => page.help(),
        Some(mode) => page.mode(mode),
    }
    page.text
}

/// A page in the making. Blocks are parted by an empty line, each level is four blanks further in.
struct Page {
    language: Language,
    text: String,
    level: usize,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.extend(std::iter::repeat_n("    ", self.level));
        self.text += line;
        self.text.push('\n');
    }

    fn gap(&mut self) {
        self.text.push('\n');
    }

    fn section(&mut self, heading: Both) {
        self.gap();
        self.line(self.language.of(heading));
        self.gap();
    }

    /// What `inner` writes, one level further in.
    fn inside(&mut self, inner: impl FnOnce(&mut Page)) {
        self.level += 1;
        inner(self);
        self.level -= 1;
    }

    /// A word, and what it is below it.
    fn item(&mut self, name: &str, about: Both) {
        self.line(name);
        self.inside(|page| page.line(page.language.of(about)));
    }

    fn items(&mut self, items: impl IntoIterator<Item = (&'static str, Both)>) {
        self.inside(|page| {
            for (at, (name, about)) in items.into_iter().enumerate() {
                if at > 0 {
                    page.gap();
                }
                page.item(name, about);
            }
        });
    }

    /// The mode `help` itself, and all the others in two columns.
    fn help(&mut self) {
        self.items([t::HELP_OR_H]);
        self.section(t::ARGUMENTS);
        self.items([t::WHICH_MODE]);
        self.section(t::MODES);
        let modes = || std::iter::once(t::HELP).chain(MODES.iter().map(|mode| (mode.name, mode.about)));
        let width = modes().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, about) in modes() {
            self.line(&format!("{name:width$}  {}", self.language.of(about)));
        }
    }

    fn mode(&mut self, mode: &'static Mode) {
        self.items([(mode.name, mode.about)]);
        let shared = shared(mode);
        if !shared.is_empty() {
            self.section(t::PARAMETERS);
            self.inside(|page| page.options(&shared, &shared));
        }
        self.section(t::COMMANDS);
        let commands: Vec<&'static Command> = mode.commands().collect();
        self.inside(|page| page.commands(&commands, &[]));
    }

    /// The commands that begin with `path`, and the groups among them.
    fn commands(&mut self, commands: &[&'static Command], path: &[&'static str]) {
        for (at, word) in next_words(commands, path).into_iter().enumerate() {
            if at > 0 {
                self.gap();
            }
            let path: Vec<&'static str> = path.iter().copied().chain([word]).collect();
            match commands.iter().find(|command| command.words == path) {
                Some(command) => self.command(word, command),
                None => self.group(word, commands, &path),
            }
        }
    }

    fn command(&mut self, word: &str, command: &'static Command) {
        self.item(word, command.about);
        let (options, all) = (own(command), every(command));
        if !options.is_empty() {
            self.gap();
            self.inside(|page| page.options(&options, &all));
        }
    }

    fn group(&mut self, word: &str, commands: &[&'static Command], path: &[&'static str]) {
        self.item(word, t::group(word));
        self.gap();
        let below: Vec<&'static Command> =
            commands.iter().copied().filter(|command| command.words.starts_with(path)).collect();
        self.inside(|page| {
            page.line(page.language.of(t::ADDITIONAL));
            page.inside(|page| page.commands(&below, path));
            let lifted = below.first().map_or(vec![], |command| lifted(command, path.len()));
            if !lifted.is_empty() {
                page.gap();
                page.options(&lifted, &lifted);
            }
        });
    }

    /// Options with what they take and mean. `all` is what the command takes altogether.
    fn options(&mut self, options: &[&'static Opt], all: &[&'static Opt]) {
        for (at, opt) in options.iter().enumerate() {
            if at > 0 {
                self.gap();
            }
            let words = listed(opt.takes);
            let shown = if words.is_empty() { opt.shown.to_owned() } else { words.join("|") };
            let sign = if shown.is_empty() { "" } else { "=" };
            self.line(&format!("--{}{sign}{shown}", opt.name));
            self.inside(|page| page.about(opt, &words, all));
        }
    }

    fn about(&mut self, opt: &Opt, words: &[&str], all: &[&'static Opt]) {
        let required = match parse::other(opt, all) {
            Some(other) => format!("{} --{other}) ", self.language.of(t::REQUIRED_OR)),
            None if opt.is_required => format!("{} ", self.language.of(t::REQUIRED)),
            None => String::new(),
        };
        self.line(&format!("{required}{}", self.language.of(opt.about)));
        self.inside(|page| {
            for word in words {
                page.line(&format!("{word} - {}", page.language.of(t::meaning(opt.name, word))));
            }
        });
    }
}

/// The words that follow `path` in these commands, each once.
fn next_words(commands: &[&'static Command], path: &[&str]) -> Vec<&'static str> {
    let mut next = Vec::new();
    for word in commands.iter().filter_map(|command| command.words.get(path.len())) {
        if !next.contains(word) {
            next.push(*word);
        }
    }
    next
}

/// What all commands of a mode take.
fn shared(mode: &Mode) -> Vec<&'static Opt> {
    mode.options.iter().chain(mode.who.iter().flat_map(|who| credentials(*who))).collect()
}

/// What a command takes besides its mode's: credentials stand behind what is to be named first, those of the agent at
/// the end.
fn every(command: &'static Command) -> Vec<&'static Opt> {
    let (agent, others): (Vec<Who>, Vec<Who>) = command.who.iter().partition(|who| **who == Who::Agent);
    let first = command.options.iter().take_while(|opt| matches!(opt.takes, Takes::Id(_)) || opt.selects).count();
    let (ids, rest) = command.options.split_at(first);
    let of = |who: Vec<Who>| who.into_iter().flat_map(|who| credentials(who).iter());
    ids.iter().chain(of(others)).chain(rest).chain(of(agent)).collect()
}

/// The same without what stands at the groups above it.
fn own(command: &'static Command) -> Vec<&'static Opt> {
    let above: Vec<&str> =
        (1..command.words.len()).flat_map(|depth| lifted(command, depth)).map(|opt| opt.called).collect();
    every(command).into_iter().filter(|opt| !above.contains(&opt.called)).collect()
}

/// What belongs to the group that the first words of a command are: `acl --name=<profile> KIND --access=… COMMAND`.
fn lifted(command: &'static Command, depth: usize) -> Vec<&'static Opt> {
    let called = match (command.words.first(), depth) {
        (Some(&"acl"), 1) => "profile",
        (Some(&"acl"), 2) => "access",
        _ => return vec![],
    };
    command.options.iter().filter(|opt| opt.called == called).collect()
}

/// The words that an option takes: what is so stands before what is not.
fn listed(takes: Takes) -> Vec<&'static str> {
    match takes {
        Takes::OneOf(words) => words.to_vec(),
        Takes::Words(list) => {
            let mut words: Vec<&'static str> = list.words.iter().map(|(_, word)| *word).collect();
            if yes_comes_first(list) {
                words.reverse();
            }
            words
        }
        _ => vec![],
    }
}

fn yes_comes_first(list: &Words) -> bool {
    list.is_flag || [&USING, &DEDICATE, &ANALYZE].contains(&list)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn manner(language: &str) -> Manner {
        let (manner, wrong) = Manner::told([("PULT_RAC_LANG", language), ("PULT_RAC_VERSION", "8.3.27.1936")]);
        assert_eq!(wrong, None);
        manner
    }

    fn of(mode: &str, language: &str) -> String {
        let mode = MODES.iter().find(|known| known.name == mode);
        // The version of this program changes; that of the utility is told here.
        help(mode, &manner(language)).replace(env!("CARGO_PKG_VERSION"), "0.0.0")
    }

    #[test]
    fn help_of_a_mode_is_laid_out_as_the_utility_does() {
        let expected = "\
pult 0.0.0, in place of the utility rac 8.3.27.1936
Administration of 1C:Enterprise server clusters

Use:

\trac lock [command] [options] [arguments]

Shared options:

    --version | -v
        print the version

    --help | -h | -?
        print this help

Shared arguments:

    <host>[:<port>]
        where the administration server listens (localhost:1545 when left out)

Mode:

    lock
        locks

Parameters:

    --cluster=<uuid>
        (required) the cluster

    --cluster-user=<name>
        administrator of the cluster

    --cluster-pwd=<pwd>
        that administrator's password

Commands:

    list
        all locks

        --infobase=<uuid>
            the infobase

        --connection=<uuid>
            the connection

        --session=<uuid>
            the session
";
        assert_eq!(of("lock", "en"), expected);
    }

    #[test]
    fn words_and_groups_stand_further_in() {
        let profile = of("profile", "ru");
        for part in [
            "\n    acl\n        что разрешено профилем, по видам\n\n        Дополнительные команды:\n            directory\n",
            "\n            directory\n                виртуальные каталоги\n\n                Дополнительные команды:\n",
            "\n                    list\n                        список: виртуальные каталоги\n",
            "\n                        --allowedRead=yes|no\n                            чтение разрешено\n",
            "\n                                yes - да\n                                no - нет\n",
            "\n                --access=list|full\n                    разрешено по списку или всё\n",
            "\n\n        --name=<name>\n            (обязательный) профиль\n",
        ] {
            assert!(profile.contains(part), "{part}\nis not in\n{profile}");
        }
        let cluster = of("cluster", "en");
        assert!(
            cluster.contains(
                "\n    remove\n        remove a cluster\n\n        --cluster=<uuid>\n            (required) "
            )
        );
        assert!(!cluster.contains("Parameters:"));
    }

    #[test]
    fn nothing_is_left_unsaid_in_either_language() {
        for mode in MODES {
            for language in ["en", "ru"] {
                let page = of(mode.name, language);
                assert!(page.lines().all(|line| line == line.trim_end()), "{page}");
                assert!(!page.contains(" -\n") && !page.contains("\n\n\n"), "{page}");
                for command in mode.commands() {
                    let mut options = mode.options(command);
                    let unsaid = options.find(|opt| !page.contains(&format!("--{}", opt.name)));
                    assert!(unsaid.is_none(), "{} {:?}: {unsaid:?}", mode.name, command.words);
                }
            }
        }
    }

    #[test]
    fn general_help_names_every_mode() {
        let page = help(None, &manner("ru"));
        assert!(page.contains("\n\trac help [параметры] [аргументы]\n"), "{page}");
        assert!(MODES.iter().all(|mode| page.contains(&format!("\n{:19}  {}\n", mode.name, mode.about.1))), "{page}");
        let asked = parse::parse(&[OsString::from("help")]);
        assert!(matches!(asked, Ok(parse::Asked::Help(None))));
    }
}
