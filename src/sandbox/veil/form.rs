//! The file inside a `multipart/form-data` body.

use bytes::Bytes;

/// What the part named `file` holds.
pub fn file(body: &Bytes, content_type: &str) -> Option<Bytes> {
    let boundary = content_type.split_once("boundary=")?.1.split(';').next()?.trim_matches('"');
    let mark = format!("--{boundary}");
    let mut from = find(body, 0, mark.as_bytes())? + mark.len();
    loop {
        let end = find(body, from, mark.as_bytes())?;
        let head_end = find(body, from, b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(body.get(from..head_end)?);
        if head.contains("name=\"file\"") || head.contains("name=file") {
            // The line end before the boundary belongs to the boundary.
            return body.get(head_end + 4..end.checked_sub(2)?).map(|content| body.slice_ref(content));
        }
        from = end + mark.len();
    }
}

fn find(in_: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    memchr::memmem::find(in_.get(from..)?, what).map(|at| at + from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_found_among_other_parts() {
        let body = "--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; \
                    name=\"file\"; filename=\"a\"\r\n\r\nab\r\ncd\r\n--b--\r\n";
        let kind = "multipart/form-data; boundary=b";
        assert_eq!(file(&Bytes::from(body), kind).as_deref(), Some(&b"ab\r\ncd"[..]));
        for cut in 0..body.len() {
            file(&Bytes::copy_from_slice(&body.as_bytes()[..cut]), kind);
        }
        assert_eq!(file(&Bytes::from(body), "text/plain"), None);
    }
}
