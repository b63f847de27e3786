//! Texts with placeholders: `crude.sp_load_datasource_{name}`.

use std::fmt;

use crate::error::did_you_mean;

/// What may stand in braces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placeholder {
    /// The entity as the group calls it.
    Entity,
    /// The entity's own name.
    Name,
    Code,
    Stage,
    /// The key of the step's database.
    Database,
    PrepDatabase,
}

use Placeholder::{Code, Database, Entity, Name, PrepDatabase, Stage};

const WORDS: &[(Placeholder, &str)] = &[
    (Entity, "entity"),
    (Name, "name"),
    (Code, "code"),
    (Stage, "stage"),
    (Database, "database"),
    (PrepDatabase, "prep_database"),
];

impl Placeholder {
    pub fn word(self) -> &'static str {
        WORDS[self as usize].1
    }
}

/// What to put where there are braces.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filling<'a> {
    pub entity: &'a str,
    pub name: &'a str,
    pub code: &'a str,
    pub stage: &'a str,
    pub database: &'a str,
    pub prep_database: &'a str,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Hole(Placeholder),
}

/// A text with placeholders, taken apart. `{{` and `}}` are braces themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

impl Template {
    /// Takes a text apart, or says what is wrong and how to put it right.
    pub fn parse(text: &str, allowed: &[Placeholder]) -> Result<Template, (String, Option<String>)> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            let (brace, behind) = rest[at..].split_at(1);
            if behind.starts_with(brace) {
                plain.push_str(brace);
                rest = &behind[1..];
                continue;
            }
            let end = behind.find('}').filter(|_| brace == "{");
            let Some(end) = end else {
                let hint = "write {{ or }} for a brace that is meant as such".to_owned();
                return Err((format!("`{brace}` has no other half"), Some(hint)));
            };
            let hole = known(&behind[..end], allowed)?;
            if !plain.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
            }
            pieces.push(Piece::Hole(hole));
            rest = &behind[end + 1..];
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Template(pieces))
    }

    pub fn fill(&self, filling: &Filling) -> String {
        let mut filled = String::new();
        for piece in &self.0 {
            filled.push_str(match piece {
                Piece::Text(text) => text,
                Piece::Hole(Entity) => filling.entity,
                Piece::Hole(Name) => filling.name,
                Piece::Hole(Code) => filling.code,
                Piece::Hole(Stage) => filling.stage,
                Piece::Hole(Database) => filling.database,
                Piece::Hole(PrepDatabase) => filling.prep_database,
            });
        }
        filled
    }

    pub fn has(&self, hole: Placeholder) -> bool {
        self.0.contains(&Piece::Hole(hole))
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|piece| match piece {
            Piece::Text(text) => f.write_str(&text.replace('{', "{{").replace('}', "}}")),
            Piece::Hole(hole) => write!(f, "{{{}}}", hole.word()),
        })
    }
}

fn known(word: &str, allowed: &[Placeholder]) -> Result<Placeholder, (String, Option<String>)> {
    let words = || allowed.iter().map(|hole| hole.word());
    if let Some(hole) = allowed.iter().find(|hole| hole.word() == word) {
        return Ok(*hole);
    }
    let hint = did_you_mean(word, words()).unwrap_or_else(|| {
        let words: Vec<String> = words().map(|word| format!("{{{word}}}")).collect();
        format!("known here: {}", words.join(", "))
    });
    let message = match WORDS.iter().any(|(_, known)| *known == word) {
        true => format!("the placeholder {{{word}}} has no meaning here"),
        false => format!("unknown placeholder {{{word}}}"),
    };
    Err((message, Some(hint)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_filled_and_shown_as_it_was() {
        let text = "heap.{entity}_{{x}}_{name}";
        let template = Template::parse(text, &[Entity, Name]).unwrap();
        assert_eq!(template.fill(&Filling { entity: "a", name: "b", ..Filling::default() }), "heap.a_{x}_b");
        assert_eq!(template.to_string(), text);
        assert!(template.has(Name) && !template.has(Code));
    }

    #[test]
    fn an_unknown_placeholder_is_named_with_a_near_one() {
        let wrong = |text| Template::parse(text, &[Entity, Name]).unwrap_err();
        assert_eq!(wrong("{entiti}").1.unwrap(), "did you mean `entity`?");
        assert_eq!(wrong("{code}").0, "the placeholder {code} has no meaning here");
        assert_eq!(wrong("{zzz}").1.unwrap(), "known here: {entity}, {name}");
        for text in ["{name", "name}", "{", "}"] {
            assert!(wrong(text).0.ends_with("has no other half"), "{text}");
        }
    }

    #[test]
    fn placeholders_stand_in_their_own_order() {
        for (place, (hole, _)) in WORDS.iter().enumerate() {
            assert_eq!(*hole as usize, place);
        }
    }
}
