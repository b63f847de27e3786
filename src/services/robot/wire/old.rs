//! The settings file of the framework that came before: three lines.

use super::header;

/// What stood in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Old {
    pub guid: String,
    /// With its scheme.
    pub address: String,
    /// A missing third line means yes.
    pub logoff: bool,
}

/// The GUID is a credential.
impl std::fmt::Debug for Old {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Old").field("address", &self.address).field("logoff", &self.logoff).finish_non_exhaustive()
    }
}

/// Reads the file's bytes: GUID, address with its scheme, 0 or 1 for the log off. The error never quotes the GUID.
pub fn read(bytes: &[u8]) -> Result<Old, String> {
    let text = text(bytes);
    let mut lines = text.lines().map(|line| line.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}'));
    let guid = lines.next().filter(|line| !line.is_empty()).ok_or("line 1 is empty: the robot's GUID belongs there")?;
    let guid = header::guid(guid).ok_or("line 1 is no GUID")?;
    let address = lines.next().filter(|line| !line.is_empty());
    let address = address.ok_or("line 2 is missing: the Orchestrator's address belongs there")?;
    let known = super::address::Address::read(address).map_err(|wrong| format!("line 2: {wrong}"))?;
    let logoff = match lines.next() {
        None | Some("" | "1") => true,
        Some("0") => false,
        Some(_) => return Err("line 3 is neither 0 (stay) nor 1 (log off)".into()),
    };
    if lines.any(|line| !line.is_empty()) {
        return Err("there are more than three lines".into());
    }
    Ok(Old { guid, address: known.text().to_owned(), logoff })
}

/// Windows editors write UTF-16 as well.
fn text(bytes: &[u8]) -> String {
    let wide = |read: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes[2..].chunks_exact(2).map(|pair| read([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xff, 0xfe, ..] => wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] => wide(u16::from_be_bytes),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUID: &str = "da8bc2f0-8065-4385-b867-405e66b8e151";

    #[test]
    fn two_lines_mean_log_off() {
        let two = format!("{GUID}\r\nhttp://192.168.1.111:4500\r\n");
        let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(two.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        for bytes in [two.clone().into_bytes(), format!("\u{feff}{two}").into_bytes(), wide] {
            let old = read(&bytes).unwrap();
            assert_eq!((&*old.guid, &*old.address, old.logoff), (GUID, "http://192.168.1.111:4500", true));
        }
    }

    #[test]
    fn the_third_line_decides() {
        for (line, logoff) in [("1", true), ("0", false), ("", true), (" 0 ", false)] {
            let text = format!("{GUID}\nhttps://rpa\n{line}\n");
            assert_eq!(read(text.as_bytes()).unwrap().logoff, logoff, "{line}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_without_the_guid() {
        for text in [
            "",
            "\n\n",
            &format!("{GUID}1\nhttp://a"),
            GUID,
            &format!("{GUID}\nrpa:4500"),
            &format!("{GUID}\nhttp://a\nyes"),
            &format!("{GUID}\nhttp://a\n1\nmore"),
        ] {
            let wrong = read(text.as_bytes()).unwrap_err();
            assert!(wrong.contains("line") && !wrong.contains(GUID), "{wrong}");
        }
        let old = read(format!("{GUID}\nhttp://a").as_bytes()).unwrap();
        assert!(!format!("{old:?}").contains(GUID));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_break_the_reader(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = read(&bytes);
        }
    }
}
