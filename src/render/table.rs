//! Tables for people: as wide as the terminal, numbers to the right, a count of what is not shown.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};

use crate::core::order::{cell_text, number};
use crate::core::rows::{Field, Rows};
use crate::core::stats::grouped;
use crate::render::is_wild;
use crate::secret;

/// Longer cells are cut when nobody's window limits them.
const LONGEST: usize = 60;
/// More columns than this cannot be read side by side; the rest is named below the table.
const MOST_COLUMNS: usize = 12;

/// The first `most` rows as a table no wider than `width`.
pub fn rows(rows: &Rows, most: usize, width: Option<u16>) -> String {
    if rows.columns().is_empty() {
        return match rows.len() {
            0 => "no rows".into(),
            n => format!("{} rows without a field", grouped(n as u64)),
        };
    }
    let columns: Vec<&str> = rows.columns().iter().map(AsRef::as_ref).collect();
    let fitting = fitting(&columns, width);
    let (shown, hidden) = columns.split_at(fitting);
    let mut table = frame(width);
    table.set_header(shown.iter().map(|name| cut(name)));
    for row in rows.iter().take(most) {
        table.add_row(shown.iter().map(|name| cell(row.get(name).unwrap_or(Field::Null))));
    }
    let mut text = table.to_string();
    for line in notes(rows.len(), most, hidden) {
        text.push('\n');
        text.push_str(&line);
    }
    text
}

/// A two-column table of names and values, for one map.
pub fn pairs<'a>(pairs: impl Iterator<Item = (&'a str, String)>, width: Option<u16>) -> String {
    let mut table = frame(width);
    for (name, value) in pairs {
        table.add_row([Cell::new(cut(name)), Cell::new(cut(&value))]);
    }
    table.to_string()
}

fn frame(width: Option<u16>) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
    if let Some(width) = width {
        table.set_width(width);
    }
    table
}

/// How many columns can stand side by side: a column needs some ten characters to say anything.
fn fitting(columns: &[&str], width: Option<u16>) -> usize {
    let by_width = width.map_or(MOST_COLUMNS, |width| usize::from(width) / 10);
    columns.len().min(by_width.clamp(1, MOST_COLUMNS))
}

fn cell(field: Field<'_>) -> Cell {
    let is_number = match field {
        Field::Integer(_) | Field::Number(_) => true,
        Field::Text(text) => number(text).is_some(),
        _ => false,
    };
    let cell = Cell::new(cut(&cell_text(field)));
    if is_number { cell.set_alignment(CellAlignment::Right) } else { cell }
}

/// One line, of a bearable length. Secrets are masked before they are cut or broken into lines: half a secret would not
/// be known for one later.
fn cut(text: &str) -> String {
    let text = secret::mask(text);
    let mut line: String = text.chars().take(LONGEST).map(|c| if is_wild(c) { ' ' } else { c }).collect();
    if text.chars().nth(LONGEST).is_some() {
        line.push('…');
    }
    line
}

fn notes(total: usize, most: usize, hidden: &[&str]) -> Vec<String> {
    let mut notes = Vec::new();
    if total > most {
        notes.push(format!("… {} more of {} rows", grouped((total - most) as u64), grouped(total as u64)));
    }
    if !hidden.is_empty() {
        notes.push(format!("… and the columns {}", hidden.iter().map(|name| cut(name)).collect::<Vec<_>>().join(", ")));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::json::read_rows;
    use crate::core::rows::Builder;

    #[test]
    fn a_table_shows_some_rows_and_counts_the_rest() {
        let mut builder = Builder::new();
        read_rows(r#"[{"ID":"7","TITLE":"Поставка"},{"ID":"10","TITLE":"Ремонт"},{"ID":"11"}]"#, &mut builder).unwrap();
        let text = rows(&builder.finish().into(), 2, None);
        assert_eq!(
            text,
            "┌────┬──────────┐\n\
             │ ID ┆ TITLE    │\n\
             ╞════╪══════════╡\n\
             │  7 ┆ Поставка │\n\
             │ 10 ┆ Ремонт   │\n\
             └────┴──────────┘\n\
             … 1 more of 3 rows"
        );
    }

    #[test]
    fn a_narrow_window_gets_fewer_columns_and_their_names() {
        let mut builder = Builder::new();
        read_rows(r#"[{"A":1,"B":2,"C":3,"D":4}]"#, &mut builder).unwrap();
        let text = rows(&builder.finish().into(), 5, Some(25));
        assert!(text.ends_with("… and the columns C, D"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 25), "{text}");
    }

    #[test]
    fn a_secret_that_is_cut_is_masked_all_the_same() {
        let long = format!("https://{}.example/rest/1/s3cretOfTheTable/", "portal".repeat(8));
        secret::hide(&long);
        let text = pairs([("address", long)].into_iter(), Some(30));
        assert!(text.contains("***") && !text.contains("portal"), "{text}");
    }

    #[test]
    fn nothing_is_said_to_be_nothing() {
        assert_eq!(rows(&Rows::default(), 5, None), "no rows");
    }
}
