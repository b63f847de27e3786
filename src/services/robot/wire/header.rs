//! How a caller is known to the Orchestrator.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The value of `Authorization`: the bare key, without a user and without the colon that HTTP libraries put behind it.
pub fn authorization(key: &str) -> String {
    format!("Basic {}", STANDARD.encode(key))
}

/// Every spelling of a key that may be met in an answer or a message: all of them are to be masked.
pub fn spellings(key: &str) -> Vec<String> {
    let mut all = vec![key.to_owned(), key.to_lowercase(), key.to_uppercase(), key.replace('-', "")];
    all.push(STANDARD.encode(key));
    all.dedup();
    all
}

/// Whether a text can be a GUID: 32 hexadecimal digits in their groups, in either case, in braces or not.
pub fn guid(text: &str) -> Option<String> {
    let bare = text.trim().trim_start_matches('{').trim_end_matches('}');
    let groups: Vec<usize> = bare.split('-').map(str::len).collect();
    let is_guid = groups == [8, 4, 4, 4, 12] && bare.chars().all(|c| c == '-' || c.is_ascii_hexdigit());
    is_guid.then(|| bare.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUID: &str = "da8bc2f0-8065-4385-b867-405e66b8e151";

    #[test]
    fn the_header_holds_the_bare_guid() {
        let header = authorization(GUID);
        assert_eq!(header, "Basic ZGE4YmMyZjAtODA2NS00Mzg1LWI4NjctNDA1ZTY2YjhlMTUx");
        assert_eq!(STANDARD.decode(header.trim_start_matches("Basic ")).unwrap(), GUID.as_bytes());
    }

    #[test]
    fn guids_are_known_by_their_shape() {
        for good in [GUID, &GUID.to_uppercase(), &format!(" {{{GUID}}} ")] {
            assert!(guid(good).is_some_and(|guid| guid.eq_ignore_ascii_case(GUID)), "{good}");
        }
        for bad in ["", "1", &GUID[1..], "da8bc2f0_8065-4385-b867-405e66b8e151", "za8bc2f0-8065-4385-b867-405e66b8e151"]
        {
            assert_eq!(guid(bad), None, "{bad}");
        }
    }
}
