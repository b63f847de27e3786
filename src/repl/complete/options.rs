//! Names and values of options: in `#{…}` as the last argument of a function whose comment lists them under `# Options`,
//! each as ``- `name`: what it is for``. A value that can only be one of some words has them in the line: `` `"a"` or
//! `"b"` ``, or as `"a" | "b"`.

use super::{Offer, Place};
use crate::repl::calls::Call;
use crate::repl::names::Names;
use crate::repl::text::{Piece, closes, opener, opens};
use crate::script::catalogue::Function;

/// One line of a list of options.
#[derive(Debug, PartialEq)]
pub struct Known {
    pub name: String,
    /// The words that its value can be, when it is one of some words.
    pub choices: Vec<String>,
}

/// Names of options, or the words of the option whose value stands here; none where no options are expected.
pub fn offers(place: &Place<'_>, names: &Names) -> Option<Vec<Offer>> {
    let previous = place.previous()?;
    if previous.is(":") {
        let choices = choices(&place.pieces, place.at, names)?;
        return Some(choices.iter().map(|word| Offer::plain(format!("\"{word}\""))).collect());
    }
    if !(previous.is("#{") || previous.is(",")) {
        return None;
    }
    let map = opener(&place.pieces, place.at).filter(|&map| place.pieces[map].is("#{"))?;
    let taken = keys(&place.pieces, map, place.at);
    let known = of_map(&place.pieces, map, names)?;
    let open = known.into_iter().filter(|option| !taken.contains(&option.name.as_str()));
    Some(open.map(|option| Offer { written: format!("{}: ", option.name), shown: option.name }).collect())
}

/// The words of the option whose value stands before the piece `at`.
pub fn choices(pieces: &[Piece<'_>], at: usize, names: &Names) -> Option<Vec<String>> {
    let name = at.checked_sub(2).filter(|&name| pieces[name].is_word() && pieces[name + 1].is(":"))?;
    let map = opener(pieces, at).filter(|&map| pieces[map].is("#{"))?;
    let known = of_map(pieces, map, names)?;
    let option = known.into_iter().find(|option| option.name == pieces[name].text)?;
    (!option.choices.is_empty()).then_some(option.choices)
}

/// The options of the call that this map is an argument of.
fn of_map(pieces: &[Piece<'_>], map: usize, names: &Names) -> Option<Vec<Known>> {
    let call = Call::around(pieces, map, names)?;
    let takes_options = |function: &&&Function| {
        let params = call.params(function);
        params.len() == call.argument + 1
            && params.last().is_some_and(|param| matches!(param.holds.as_str(), "map" | ""))
    };
    let described = call.overloads.iter().filter(takes_options);
    let mut known: Vec<Known> = described.flat_map(|function| listed(&function.comment)).collect();
    if call.name == "connect"
        && let Some(service) = names.service_of(&call)
    {
        let of_setting =
            |(name, choices): &(String, Vec<String>)| Known { name: name.clone(), choices: choices.clone() };
        known.extend(service.settings.iter().map(of_setting));
    }
    (!known.is_empty()).then_some(known)
}

/// The names that the map has already.
fn keys<'t>(pieces: &[Piece<'t>], map: usize, at: usize) -> Vec<&'t str> {
    let mut depth = 0usize;
    let mut keys = Vec::new();
    for pair in pieces[map + 1..at].windows(2) {
        match &pair[0] {
            piece if opens(piece) => depth += 1,
            piece if closes(piece) => depth = depth.saturating_sub(1),
            piece if depth == 0 && piece.is_word() && pair[1].is(":") => keys.push(piece.text),
            _ => {}
        }
    }
    keys
}

/// The options that a comment lists.
pub fn listed(comment: &str) -> Vec<Known> {
    let lines = comment.lines().skip_while(|line| line.trim() != "# Options").skip(1);
    let mut items: Vec<String> = Vec::new();
    for line in lines.take_while(|line| !line.starts_with("# ")) {
        match (line.trim_start().strip_prefix("- "), items.last_mut()) {
            (Some(item), _) => items.push(item.to_owned()),
            (None, Some(item)) => {
                item.push(' ');
                item.push_str(line.trim());
            }
            (None, None) => {}
        }
    }
    items.iter().filter_map(|item| option(item)).collect()
}

/// One item of the list, without its dash.
fn option(item: &str) -> Option<Known> {
    let (name, rest) = item.strip_prefix('`')?.split_once('`')?;
    let code = rest.split('`').skip(1).step_by(2);
    let in_code: Vec<String> =
        code.filter_map(|code| Some(code.strip_prefix('"')?.strip_suffix('"')?.to_owned())).collect();
    let choices = match (in_code.len(), rest.contains('|')) {
        // A single word is an example, or what stands there usually.
        (0 | 1, true) => rest.split('|').enumerate().filter_map(|(at, part)| word(part, at == 0)).collect(),
        (0 | 1, false) => Vec::new(),
        _ => in_code,
    };
    Some(Known { name: name.to_owned(), choices })
}

/// The quoted word next to a `|`: the last one before it, or the first one behind it.
fn word(part: &str, before: bool) -> Option<String> {
    let mut quoted = part.split('"').skip(1).step_by(2);
    let word = if before { quoted.last() } else { quoted.next() };
    word.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_from_a_comment() {
        let comment = "Does.\n\n# Options\n- `errors`: `\"throw\"` (usual: together) or\n  `\"return\"`\n\
                       - `id_field`: usually `\"ID\"`\n- `order`: \"asc\" | \"desc\", which first\n- `limit`: how many\n\n\
                       # Errors\n- `none`: none";
        let found: Vec<String> =
            listed(comment).iter().map(|option| format!("{}={}", option.name, option.choices.join("/"))).collect();
        assert_eq!(found, ["errors=throw/return", "id_field=", "order=asc/desc", "limit="]);
    }
}
