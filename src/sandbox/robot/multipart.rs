//! Bodies of several parts (`multipart/form-data`).

use bytes::Bytes;

pub struct Part {
    pub name: String,
    /// The name of the file, when the part is one.
    pub file: Option<String>,
    pub content: Bytes,
}

/// The parts of a body; none when it is not what its header says.
pub fn parts(body: &Bytes, content_type: &str) -> Option<Vec<Part>> {
    let boundary = parameter(content_type, "boundary")?;
    let mark = format!("--{boundary}");
    let mut parts = Vec::new();
    let mut from = find(body, 0, mark.as_bytes())? + mark.len();
    loop {
        if body.get(from..)?.starts_with(b"--") {
            return Some(parts);
        }
        let head_end = find(body, from, b"\r\n\r\n")?;
        // The line end before the boundary belongs to the boundary.
        let end = find(body, head_end + 2, format!("\r\n{mark}").as_bytes())?;
        let head = String::from_utf8_lossy(body.get(from..head_end)?).into_owned();
        let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))?;
        let name = parameter(line, "name")?;
        let content = body.get(head_end + 4..end).map(|content| body.slice_ref(content)).unwrap_or_default();
        parts.push(Part { name, file: parameter(line, "filename"), content });
        from = end + 2 + mark.len();
    }
}

/// `name=value` or `name="value"` after a semicolon.
fn parameter(header: &str, name: &str) -> Option<String> {
    header.split(';').skip(1).find_map(|piece| {
        let (key, value) = piece.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"').to_owned())
    })
}

fn find(in_: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    memchr::memmem::find(in_.get(from..)?, what).map(|at| at + from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_apart_and_no_cut_of_a_body_breaks_anything() {
        let body = "--b\r\nContent-Disposition: form-data; name=\"Name\"\r\n\r\nинвойс\r\n--b\r\nContent-Disposition: \
                    form-data; name=\"ProcessFile\"; filename=\"a.robot\"\r\nContent-Type: application/octet-stream\r\n\r\n\
                    ab\r\ncd\r\n--b\r\nContent-Disposition: form-data; name=\"Empty\"\r\n\r\n\r\n--b--\r\n";
        let kind = "multipart/form-data; boundary=b";
        let found = parts(&Bytes::from(body), kind).unwrap();
        assert_eq!(found.len(), 3);
        assert_eq!((found[0].name.as_str(), &found[0].content[..]), ("Name", "инвойс".as_bytes()));
        assert_eq!((found[1].file.as_deref(), &found[1].content[..]), (Some("a.robot"), &b"ab\r\ncd"[..]));
        assert!(found[2].content.is_empty());
        for cut in 0..body.len() {
            parts(&Bytes::copy_from_slice(&body.as_bytes()[..cut]), kind);
        }
        assert!(parts(&Bytes::from(body), "multipart/form-data").is_none());
    }
}
