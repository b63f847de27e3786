//! Rows into files. A file gets its name only when it is complete.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::core::order::cell_text;
use crate::core::rows::{Field, Row, Rows};

/// Writes a file under a temporary name beside it, and renames it when all is written.
pub fn write_whole(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    let written = std::fs::File::create(&part).and_then(|file| {
        let mut to = BufWriter::new(file);
        write(&mut to)?;
        to.into_inner().map_err(|error| error.into_error())?.sync_all()
    });
    match written.and_then(|()| std::fs::rename(&part, path)) {
        Ok(()) => Ok(()),
        Err(error) => {
            // The fault that matters is the first one; the leftover may be gone already.
            let _ = std::fs::remove_file(&part);
            Err(error)
        }
    }
}

/// One JSON list.
pub fn json(mut to: impl Write, rows: &Rows) -> io::Result<()> {
    to.write_all(b"[")?;
    for (at, row) in rows.iter().enumerate() {
        to.write_all(if at == 0 { b"\n" } else { b",\n" })?;
        json_row(&mut to, &row)?;
    }
    to.write_all(if rows.is_empty() { b"]\n" } else { b"\n]\n" })
}

/// One JSON map a line.
pub fn ndjson(mut to: impl Write, rows: &Rows) -> io::Result<()> {
    for row in rows.iter() {
        json_row(&mut to, &row)?;
        to.write_all(b"\n")?;
    }
    Ok(())
}

fn json_row(mut to: impl Write, row: &Row) -> io::Result<()> {
    to.write_all(b"{")?;
    for (at, (name, field)) in row.fields().enumerate() {
        if at > 0 {
            to.write_all(b",")?;
        }
        serde_json::to_writer(&mut to, name)?;
        to.write_all(b":")?;
        match field {
            Field::Null => to.write_all(b"null")?,
            Field::Flag(flag) => serde_json::to_writer(&mut to, &flag)?,
            Field::Integer(n) => serde_json::to_writer(&mut to, &n)?,
            Field::Number(n) => serde_json::to_writer(&mut to, &n)?,
            Field::Text(text) => serde_json::to_writer(&mut to, text)?,
            Field::Moment { .. } => serde_json::to_writer(&mut to, &cell_text(field))?,
            Field::Json(text) => to.write_all(text.as_bytes())?,
        }
    }
    to.write_all(b"}")
}

/// Comma-separated, with a line of column names.
pub fn csv(to: impl Write, rows: &Rows) -> io::Result<()> {
    separated(to, rows, b',', true)
}

/// The same with any separator, with or without the line of column names.
pub fn separated(to: impl Write, rows: &Rows, separator: u8, header: bool) -> io::Result<()> {
    let mut writer = csv::WriterBuilder::new().delimiter(separator).from_writer(to);
    let columns = rows.columns();
    if columns.is_empty() {
        return Ok(());
    }
    if header {
        writer.write_record(columns.iter().map(|name| name.as_bytes()))?;
    }
    for row in rows.iter() {
        for name in columns {
            let text = row.get(name).map_or("".into(), cell_text);
            writer.write_field(text.as_bytes())?;
        }
        writer.write_record(None::<&[u8]>)?;
    }
    writer.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::json::read_rows;
    use crate::core::rows::Builder;

    fn rows(text: &str) -> Rows {
        let mut builder = Builder::new();
        read_rows(text, &mut builder).unwrap();
        builder.finish().into()
    }

    #[test]
    fn rows_survive_the_way_into_json_and_back() {
        let text = r#"[{"ID":"7","N":1.5,"X":null,"T":"а\"б\n","P":[{"V":1}]},{"ID":"8"}]"#;
        let mut written = Vec::new();
        json(&mut written, &rows(text)).unwrap();
        let (back, sent): (serde_json::Value, serde_json::Value) =
            (serde_json::from_slice(&written).unwrap(), serde_json::from_str(text).unwrap());
        assert_eq!(back, sent);
    }

    #[test]
    fn csv_has_every_column_for_every_row() {
        let mut written = Vec::new();
        csv(&mut written, &rows(r#"[{"ID":"7","T":"а,б"},{"ID":"8","X":true}]"#)).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), "ID,T,X\n7,\"а,б\",\n8,,true\n");
    }

    #[test]
    fn a_file_that_fails_half_way_never_gets_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deals.csv");
        std::fs::write(&path, "old").unwrap();
        let failed = write_whole(&path, |to| {
            to.write_all(b"half")?;
            Err(io::Error::other("broken"))
        });
        assert!(failed.is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
