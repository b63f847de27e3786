//! XLSX in constant memory: the sheet goes straight into the container while rows come.
//!
//! Written by hand, because a sheet is a plain text (ECMA-376, part 1, chapter 18) and this way needs neither a second
//! file nor a table of all texts. What Excel cannot hold is split over sheets, or cut and told of.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::mem::take;

use jiff::civil::Date;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::columns::{Column, Holds, Places, Value};
use super::{Form, Writer, synced};
use crate::core::clock;
use crate::core::rows::{Field, Row, Rows};
use crate::core::stats::grouped;

/// Rows of a sheet, the one with the names among them.
const MOST_ROWS: u32 = 1_048_576;
const MOST_COLUMNS: usize = 16_384;
/// Units of UTF-16 in a cell.
const LONGEST: usize = 32_767;
/// Whole numbers beyond this have more digits than Excel keeps.
const EXACT: u64 = 999_999_999_999_999;
/// Beyond it a container would need an extension before which Excel warns.
const LARGEST: u64 = 4_000_000_000;
const PORTION: usize = 1 << 17;
/// Days before 1970 to the day that Excel counts as 0, and the first day from which on its calendar is the real one.
const BEFORE_1970: f64 = 25_569.0;
const FIRST: f64 = 61.0;

/// The places in [`STYLES`].
const HEADER: &str = "1";
const DAY: &str = "2";
const MOMENT: &str = "3";
const WHOLE: &str = "4";

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const DOCUMENT: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
const KIND: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml";
const STYLES: &str = "<numFmts count=\"2\"><numFmt numFmtId=\"164\" formatCode=\"yyyy\\-mm\\-dd\"/>\
    <numFmt numFmtId=\"165\" formatCode=\"yyyy\\-mm\\-dd\\ hh:mm:ss\"/></numFmts>\
    <fonts count=\"2\"><font><sz val=\"11\"/><name val=\"Calibri\"/></font><font><b/><sz val=\"11\"/><name val=\"Calibri\"/></font></fonts>\
    <fills count=\"2\"><fill><patternFill patternType=\"none\"/></fill><fill><patternFill patternType=\"gray125\"/></fill></fills>\
    <borders count=\"1\"><border><left/><right/><top/><bottom/><diagonal/></border></borders>\
    <cellStyleXfs count=\"1\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\"/></cellStyleXfs>\
    <cellXfs count=\"5\"><xf numFmtId=\"0\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\"/>\
    <xf numFmtId=\"0\" fontId=\"1\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyFont=\"1\"/>\
    <xf numFmtId=\"164\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/>\
    <xf numFmtId=\"165\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/>\
    <xf numFmtId=\"1\" fontId=\"0\" fillId=\"0\" borderId=\"0\" xfId=\"0\" applyNumberFormat=\"1\"/></cellXfs>\
    <cellStyles count=\"1\"><cellStyle name=\"Normal\" xfId=\"0\" builtinId=\"0\"/></cellStyles>";

/// A workbook under way.
pub(super) struct Book {
    zip: ZipWriter<BufWriter<File>>,
    name: String,
    columns: Vec<Column>,
    /// `A`, `B`, … `AA`.
    letters: Vec<String>,
    places: Places,
    sheet: Sheet,
    sheets: u32,
    most_rows: u32,
    /// Cells that were longer than Excel's.
    cut: u64,
}

/// The sheet under way.
#[derive(Default)]
struct Sheet {
    text: Vec<u8>,
    /// Bytes that are written already.
    written: u64,
    rows: u32,
    /// The number of the row under way, as digits.
    row: String,
}

impl Book {
    pub fn begin(file: BufWriter<File>, form: &Form, columns: Vec<Column>) -> io::Result<Book> {
        Book::with_sheets_of(MOST_ROWS, file, form, columns)
    }

    fn with_sheets_of(most_rows: u32, file: BufWriter<File>, form: &Form, columns: Vec<Column>) -> io::Result<Book> {
        if columns.len() > MOST_COLUMNS {
            let message = format!("{} columns, and a sheet of Excel has {MOST_COLUMNS}", columns.len());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let letters = (0..columns.len()).map(letters).collect();
        let mut book = Book {
            zip: ZipWriter::new(file),
            name: form.table.clone(),
            columns,
            letters,
            places: Places::default(),
            sheet: Sheet::default(),
            sheets: 0,
            most_rows,
            cut: 0,
        };
        book.begin_sheet()?;
        Ok(book)
    }

    fn part(&mut self, name: &str) -> io::Result<()> {
        let how =
            SimpleFileOptions::default().compression_method(CompressionMethod::Deflated).compression_level(Some(1));
        Ok(self.zip.start_file(name, how)?)
    }

    fn whole_part(&mut self, name: &str, text: &str) -> io::Result<()> {
        self.part(name)?;
        self.zip.write_all(HEAD.as_bytes())?;
        self.zip.write_all(text.as_bytes())
    }

    fn begin_sheet(&mut self) -> io::Result<()> {
        self.sheets += 1;
        self.part(&format!("xl/worksheets/sheet{}.xml", self.sheets))?;
        self.sheet = Sheet { text: take(&mut self.sheet.text), ..Sheet::default() };
        let selected = if self.sheets == 1 { " tabSelected=\"1\"" } else { "" };
        let mut text = format!(
            "{HEAD}<worksheet xmlns=\"{MAIN}\"><sheetViews><sheetView{selected} workbookViewId=\"0\"><pane ySplit=\"1\" \
             topLeftCell=\"A2\" activePane=\"bottomLeft\" state=\"frozen\"/></sheetView></sheetViews>\
             <sheetFormatPr defaultRowHeight=\"15\"/>"
        );
        if !self.columns.is_empty() {
            text.push_str("<cols>");
            for (at, column) in self.columns.iter().enumerate() {
                let (n, width) = (at + 1, width(column));
                text.push_str(&format!("<col min=\"{n}\" max=\"{n}\" width=\"{width}\" customWidth=\"1\"/>"));
            }
            text.push_str("</cols>");
        }
        text.push_str("<sheetData>");
        self.sheet.text.extend_from_slice(text.as_bytes());
        if !self.columns.is_empty() {
            self.sheet.begin_row();
            for (column, letters) in self.columns.iter().zip(&self.letters) {
                self.cut += u64::from(self.sheet.words(letters, HEADER, &column.name));
            }
            self.sheet.end_row();
        }
        Ok(())
    }

    fn end_sheet(&mut self) -> io::Result<()> {
        self.sheet.text.extend_from_slice(b"</sheetData></worksheet>");
        self.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        self.zip.write_all(&self.sheet.text)?;
        self.sheet.written += self.sheet.text.len() as u64;
        self.sheet.text.clear();
        Ok(())
    }

    fn row(&mut self, row: &Row) -> io::Result<()> {
        if self.sheet.rows >= self.most_rows || self.sheet.written >= LARGEST {
            self.end_sheet()?;
            self.begin_sheet()?;
        }
        let places = self.places.of(row, &self.columns);
        self.sheet.begin_row();
        for ((column, letters), place) in self.columns.iter().zip(&self.letters).zip(&*places) {
            if let Some(place) = place {
                self.cut += u64::from(self.sheet.cell(letters, column, row.at(*place)));
            }
        }
        self.sheet.end_row();
        if self.sheet.text.len() >= PORTION { self.flush() } else { Ok(()) }
    }

    fn name_of(&self, sheet: u32) -> String {
        let ending = if sheet == 1 { String::new() } else { format!(" ({sheet})") };
        let name: String = self.name.chars().take(31 - ending.len()).chain(ending.chars()).collect();
        let mut escaped = Vec::new();
        escape(&mut escaped, &name);
        String::from_utf8(escaped).unwrap_or_default()
    }

    fn close(&mut self) -> io::Result<()> {
        self.end_sheet()?;
        let sheets = |each: &dyn Fn(u32) -> String| (1..=self.sheets).map(each).collect::<String>();
        let listed = sheets(&|n| format!("<sheet name=\"{}\" sheetId=\"{n}\" r:id=\"rId{n}\"/>", self.name_of(n)));
        let relations = sheets(&|n| relation(n, "worksheet", &format!("worksheets/sheet{n}.xml")));
        let kinds = sheets(&|n| kind(&format!("/xl/worksheets/sheet{n}.xml"), "worksheet"));
        let styles = relation(self.sheets + 1, "styles", "styles.xml");
        let parts = [
            (
                "xl/workbook.xml",
                format!(
                    "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{DOCUMENT}\"><bookViews><workbookView/></bookViews><sheets>{listed}</sheets></workbook>"
                ),
            ),
            (
                "xl/_rels/workbook.xml.rels",
                format!("<Relationships xmlns=\"{PACKAGE}/relationships\">{relations}{styles}</Relationships>"),
            ),
            ("xl/styles.xml", format!("<styleSheet xmlns=\"{MAIN}\">{STYLES}</styleSheet>")),
            (
                "_rels/.rels",
                format!(
                    "<Relationships xmlns=\"{PACKAGE}/relationships\">{}</Relationships>",
                    relation(1, "officeDocument", "xl/workbook.xml")
                ),
            ),
            (
                "[Content_Types].xml",
                format!(
                    "<Types xmlns=\"{PACKAGE}/content-types\"><Default Extension=\"rels\" \
                     ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Default Extension=\"xml\" \
                     ContentType=\"application/xml\"/>{}{kinds}{}</Types>",
                    kind("/xl/workbook.xml", "sheet.main"),
                    kind("/xl/styles.xml", "styles")
                ),
            ),
        ];
        parts.iter().try_for_each(|(name, text)| self.whole_part(name, text))
    }
}

fn relation(n: u32, what: &str, target: &str) -> String {
    format!("<Relationship Id=\"rId{n}\" Type=\"{DOCUMENT}/{what}\" Target=\"{target}\"/>")
}

fn kind(part: &str, what: &str) -> String {
    format!("<Override PartName=\"{part}\" ContentType=\"{KIND}.{what}+xml\"/>")
}

impl Writer for Book {
    fn write(&mut self, rows: &Rows) -> io::Result<()> {
        rows.iter().try_for_each(|row| self.row(&row))
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.close()?;
        synced(self.zip.finish()?)
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.cut > 0 {
            warnings.push(format!("{} cells are cut: Excel takes {LONGEST} characters in one", grouped(self.cut)));
        }
        if self.sheets > 1 {
            warnings.push(format!(
                "the rows stand on {} sheets, since Excel takes {} on one",
                self.sheets,
                grouped(u64::from(self.most_rows))
            ));
        }
        warnings
    }
}

/// `A` for 0, `AA` for 26.
fn letters(mut at: usize) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(char::from(b'A' + (at % 26) as u8));
        match at / 26 {
            0 => return letters.into_iter().rev().collect(),
            more => at = more - 1,
        }
    }
}

fn width(column: &Column) -> usize {
    let least = match column.holds {
        Holds::Moment => 20,
        Holds::Text | Holds::Json => 16,
        _ => 11,
    };
    column.name.chars().count().saturating_add(2).clamp(least, 40)
}

/// Excel's number of a moment, in days; none where its calendar is not the real one.
fn serial(at: i64) -> Option<f64> {
    let days = BEFORE_1970 + at as f64 / 86_400_000.0;
    (days >= FIRST).then_some(days)
}

fn day_serial(day: Date) -> Option<f64> {
    serial(clock::of(day.at(0, 0, 0, 0)))
}

impl Sheet {
    fn push(&mut self, text: &str) {
        self.text.extend_from_slice(text.as_bytes());
    }

    fn begin_row(&mut self) {
        self.rows += 1;
        self.row = self.rows.to_string();
        self.push("<row r=\"");
        self.text.extend_from_slice(self.row.as_bytes());
        self.push("\">");
    }

    fn end_row(&mut self) {
        self.push("</row>");
    }

    fn begin_cell(&mut self, letters: &str, style: &str) {
        self.push("<c r=\"");
        self.push(letters);
        self.text.extend_from_slice(self.row.as_bytes());
        if !style.is_empty() {
            self.push("\" s=\"");
            self.push(style);
        }
    }

    /// Whether it had to be cut.
    fn cell(&mut self, letters: &str, column: &Column, field: Field<'_>) -> bool {
        let styled = |days: Option<f64>, style| days.map(|days| (days.to_string(), style));
        let number = match column.value(field) {
            Value::Empty => return false,
            Value::Text(text) if text.is_empty() => return false,
            Value::Text(text) => return self.words(letters, "", &text),
            Value::Flag(flag) => {
                self.begin_cell(letters, "");
                self.push(if flag { "\" t=\"b\"><v>1</v></c>" } else { "\" t=\"b\"><v>0</v></c>" });
                return false;
            }
            Value::Integer(n) => (n.unsigned_abs() <= EXACT).then(|| (n.to_string(), WHOLE)),
            Value::Number(n) => n.is_finite().then(|| (format!("{n:e}"), "")).map(|(text, style)| match n.abs() {
                1e-5..1e15 => (n.to_string(), style),
                _ => (text, style),
            }),
            Value::Day(day) => styled(day_serial(day), DAY),
            Value::Moment { at, .. } => styled(serial(at), MOMENT),
        };
        let Some((number, style)) = number else {
            return self.words(letters, "", &crate::core::order::cell_text(field));
        };
        self.begin_cell(letters, style);
        self.push("\"><v>");
        self.push(&number);
        self.push("</v></c>");
        false
    }

    /// A cell of text. Whether it had to be cut.
    fn words(&mut self, letters: &str, style: &str, text: &str) -> bool {
        let (text, cut) = shortened(text);
        self.begin_cell(letters, style);
        let is_bare = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_whitespace);
        let (first, last) = (text.as_bytes().first(), text.as_bytes().last());
        self.push(match is_bare(first) || is_bare(last) {
            true => "\" t=\"inlineStr\"><is><t xml:space=\"preserve\">",
            false => "\" t=\"inlineStr\"><is><t>",
        });
        escape(&mut self.text, text);
        self.push("</t></is></c>");
        cut
    }
}

/// As much of a text as a cell takes.
fn shortened(text: &str) -> (&str, bool) {
    if text.len() <= LONGEST {
        return (text, false);
    }
    let mut units = 0;
    let end = text.char_indices().find(|(_, c)| {
        units += c.len_utf16();
        units > LONGEST
    });
    end.map_or((text, false), |(end, _)| (&text[..end], true))
}

/// A text as XML has it; what XML cannot have is written as `_xHHHH_`, and what looks like that already is not misread.
fn escape(to: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let mut from = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let instead: &[u8] = match byte {
            b'&' => b"&amp;",
            b'<' => b"&lt;",
            b'>' => b"&gt;",
            b'"' => b"&quot;",
            b'\t' | b'\n' => continue,
            0..0x20 => {
                to.extend_from_slice(&bytes[from..at]);
                to.extend_from_slice(format!("_x{byte:04X}_").as_bytes());
                from = at + 1;
                continue;
            }
            b'_' if looks_escaped(&bytes[at..]) => b"_x005F_",
            // U+FFFE and U+FFFF.
            0xef if matches!(bytes[at..], [_, 0xbf, 0xbe | 0xbf, ..]) => {
                to.extend_from_slice(&bytes[from..at]);
                to.extend_from_slice(if bytes[at + 2] == 0xbe { b"_xFFFE_" } else { b"_xFFFF_" });
                from = at + 3;
                continue;
            }
            _ => continue,
        };
        to.extend_from_slice(&bytes[from..at]);
        to.extend_from_slice(instead);
        from = at + 1;
    }
    to.extend_from_slice(&bytes[from..]);
}

fn looks_escaped(bytes: &[u8]) -> bool {
    matches!(bytes, [b'_', b'x', digits @ .., ] if digits.len() >= 5
        && digits[..4].iter().all(u8::is_ascii_hexdigit) && digits[4] == b'_')
}

#[cfg(test)]
mod tests {
    use calamine::Reader;

    use super::*;
    use crate::core::tests::rows::{Made, rows_of};
    use crate::render::export::Format;
    use crate::render::export::columns::Survey;

    #[test]
    fn columns_have_the_letters_of_excel() {
        let names = [0, 25, 26, 51, 52, 701, 702, 16_383].map(letters);
        assert_eq!(names, ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA", "XFD"]);
    }

    #[test]
    fn more_rows_than_a_sheet_takes_go_on_on_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deals.xlsx");
        let table: Vec<_> = (0..7).map(|n| vec![Some(Made::Integer(n))]).collect();
        let rows = rows_of(&table);
        let mut survey = Survey::default();
        survey.see(&rows);
        let form = Form { table: "Сделки".to_owned(), ..Form::new(Format::Xlsx) };
        let file = BufWriter::new(File::create(&path).unwrap());
        let mut book = Box::new(Book::with_sheets_of(4, file, &form, survey.columns()).unwrap());
        book.write(&rows).unwrap();
        assert!(book.warnings()[0].contains("3 sheets"));
        book.finish().unwrap();
        let mut book = calamine::open_workbook_auto(&path).unwrap();
        assert_eq!(book.sheet_names(), ["Сделки", "Сделки (2)", "Сделки (3)"]);
        let last = book.worksheet_range("Сделки (3)").unwrap();
        assert_eq!((last.height(), last.get_value((1, 0))), (2, Some(&calamine::Data::Float(6.0))));
    }

    #[test]
    fn what_xml_cannot_hold_is_written_otherwise() {
        let escaped = |text: &str| {
            let mut to = Vec::new();
            escape(&mut to, text);
            String::from_utf8(to).unwrap()
        };
        assert_eq!(escaped("a<b & \"c\">\n\té"), "a&lt;b &amp; &quot;c&quot;&gt;\n\té");
        assert_eq!(escaped("\0\r_x000D_ _x00_ \u{ffff}\u{fffd}"), "_x0000__x000D__x005F_x000D_ _x00_ _xFFFF_\u{fffd}");
    }

    #[test]
    fn days_are_those_of_excel() {
        let serial_of = |text: &str| day_serial(text.parse().unwrap());
        assert_eq!(serial_of("2026-02-26"), Some(46_079.0));
        assert_eq!(serial_of("1900-03-01"), Some(61.0));
        assert_eq!(serial_of("1900-02-28"), None);
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let long = "й".repeat(LONGEST);
        assert_eq!(shortened(&long), (&*long, false));
        let long = format!("{}😀", "a".repeat(LONGEST - 1));
        let (text, cut) = shortened(&long);
        assert_eq!((text.len(), cut), (LONGEST - 1, true));
    }
}
