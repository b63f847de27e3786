//! Bodies of requests: forms, and files with their fields.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The letters that a form leaves as they are.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*');

/// The fields of a request in the order they are sent.
pub type Fields = Vec<(String, String)>;

/// The kind of [`encoded`].
pub const KIND: &str = "application/x-www-form-urlencoded";

/// `Name=value&Other=`: in UTF-8, an empty value as an empty one.
pub fn encoded(fields: &[(String, String)]) -> String {
    let mut body = String::new();
    for (name, value) in fields {
        if !body.is_empty() {
            body.push('&');
        }
        put(&mut body, name);
        body.push('=');
        put(&mut body, value);
    }
    body
}

fn put(body: &mut String, text: &str) {
    for (place, word) in text.split(' ').enumerate() {
        if place > 0 {
            body.push('+');
        }
        body.extend(utf8_percent_encode(word, PLAIN));
    }
}

/// What stands before and behind the bytes of a file in a body of `multipart/form-data`, the fields first.
pub fn around(boundary: &str, fields: &[(String, String)], field: &str, file: &str) -> (Vec<u8>, Vec<u8>) {
    let mut head = String::new();
    for (name, value) in fields {
        let name = quoted(name);
        head.push_str(&format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"));
    }
    let (field, file) = (quoted(field), quoted(file));
    head.push_str(&format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{file}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    ));
    (head.into_bytes(), format!("\r\n--{boundary}--\r\n").into_bytes())
}

/// As browsers write names there.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(given: &[(&str, &str)]) -> Fields {
        given.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    #[test]
    fn empty_values_are_sent_as_empty_ones() {
        assert_eq!(encoded(&fields(&[("JobGUID", ""), ("JobType", "1")])), "JobGUID=&JobType=1");
        assert_eq!(encoded(&[]), "");
    }

    #[test]
    fn cyrillic_goes_as_utf_8() {
        let body = encoded(&fields(&[("JobName", "счёт + НДС&=%")]));
        assert_eq!(body, "JobName=%D1%81%D1%87%D1%91%D1%82+%2B+%D0%9D%D0%94%D0%A1%26%3D%25");
    }

    #[test]
    fn a_file_stands_behind_its_fields() {
        let (head, tail) = around("b", &fields(&[("Name", "v1")]), "ProcessFile", "a\"\r\n.robot");
        assert_eq!(
            String::from_utf8(head).unwrap(),
            "--b\r\nContent-Disposition: form-data; name=\"Name\"\r\n\r\nv1\r\n--b\r\nContent-Disposition: form-data; \
             name=\"ProcessFile\"; filename=\"a%22%0D%0A.robot\"\r\nContent-Type: application/octet-stream\r\n\r\n"
        );
        assert_eq!(tail, b"\r\n--b--\r\n");
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_sent_arrives(given in proptest::collection::vec(("\\PC*", "(?s).*"), 0..5)) {
            let fields: Fields = given.into_iter().filter(|(name, _)| !name.is_empty()).collect();
            let url = reqwest::Url::parse(&format!("http://a/?{}", encoded(&fields))).unwrap();
            let back: Fields = url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
            proptest::prop_assert_eq!(back, fields);
        }
    }
}
