//! Parameters of a call: PHP's bracket notation of queries and forms, multipart parts, JSON.

use percent_encoding::percent_decode;
use serde_json::{Map, Value};

/// PHP reads no deeper (`max_input_nesting_level`) and no more variables (`max_input_vars` as portals set it).
const DEEPEST: usize = 64;
const MOST: usize = 10_000;

/// The body or address could not be read; the text says why.
#[derive(Debug, PartialEq)]
pub struct Unreadable(pub &'static str);

/// Reads `a=1&b[c]=2&d[]=3` from a query or a form. Maps stay maps even when their keys are 0, 1, 2…
pub fn read_query(query: &[u8]) -> Result<Map<String, Value>, Unreadable> {
    let mut all = Map::new();
    for pair in query.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).take(MOST) {
        let cut = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        let name = decode(&pair[..cut])?;
        let value = decode(pair.get(cut + 1..).unwrap_or_default())?;
        insert(&mut all, &name, Value::String(value));
    }
    Ok(all)
}

fn decode(text: &[u8]) -> Result<String, Unreadable> {
    let spaced: Vec<u8> = text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    percent_decode(&spaced).decode_utf8().map(|text| text.into_owned()).map_err(|_| Unreadable("not UTF-8"))
}

/// Puts a variable where its bracketed name says.
fn insert(all: &mut Map<String, Value>, name: &str, value: Value) {
    let name = name.trim_start_matches(' ');
    let (base, rest) = match name.find('[') {
        Some(at) if at > 0 && name[at..].contains(']') => name.split_at(at),
        _ => (name, ""),
    };
    if base.is_empty() {
        return;
    }
    // PHP turns dots and spaces of the outermost name into underscores.
    let mut path = vec![base.replace(['.', ' '], "_")];
    let mut rest = rest;
    while let Some(inside) = rest.strip_prefix('[') {
        let Some(end) = inside.find(']') else { break };
        if path.len() == DEEPEST {
            return;
        }
        path.push(inside[..end].to_owned());
        rest = &inside[end + 1..];
    }
    place(all, &path, value);
}

fn place(map: &mut Map<String, Value>, path: &[String], value: Value) {
    let Some((first, rest)) = path.split_first() else { return };
    let key = if first.is_empty() { next_index(map) } else { first.clone() };
    if rest.is_empty() {
        map.insert(key, value);
        return;
    }
    let inner = map.entry(key).or_insert(Value::Null);
    if !inner.is_object() {
        *inner = Value::Object(Map::new());
    }
    if let Value::Object(inner) = inner {
        place(inner, rest, value);
    }
}

/// The number `a[]` takes: one above the largest. Keys are text, so a huge index costs nothing.
fn next_index(map: &Map<String, Value>) -> String {
    let number = |key: &String| key.parse::<u64>().ok();
    // Lists are usually filled in turn: then the last key tells.
    let in_turn = map.keys().next_back().and_then(number) == (map.len() as u64).checked_sub(1);
    let next = if in_turn {
        map.len() as u64
    } else {
        map.keys().filter_map(number).max().map_or(0, |top| top.saturating_add(1))
    };
    next.to_string()
}

/// Reads the parts of a `multipart/form-data` body; what a file holds becomes the value of its part.
pub fn read_multipart(body: &[u8], content_type: &str) -> Result<Map<String, Value>, Unreadable> {
    let boundary = attribute(content_type, "boundary").filter(|b| !b.is_empty()).ok_or(Unreadable("no boundary"))?;
    let mark = format!("--{boundary}").into_bytes();
    let mut all = Map::new();
    let mut rest = find(body, &mark).map(|at| &body[at + mark.len()..]).ok_or(Unreadable("no part"))?;
    while let Some(end) = find(rest, &mark) {
        let part = rest[..end].strip_suffix(b"\r\n").unwrap_or(&rest[..end]);
        if let Some(cut) = find(part, b"\r\n\r\n") {
            let head = std::str::from_utf8(&part[..cut]).map_err(|_| Unreadable("not UTF-8"))?;
            let value = std::str::from_utf8(&part[cut + 4..]).map_err(|_| Unreadable("not UTF-8"))?;
            if let Some(name) = attribute(head, "name") {
                insert(&mut all, &name, Value::String(value.to_owned()));
            }
        }
        rest = &rest[end + mark.len()..];
    }
    Ok(all)
}

fn find(in_: &[u8], what: &[u8]) -> Option<usize> {
    in_.windows(what.len()).position(|window| window == what)
}

/// `name` of `…; name="value"`; not the end of another word (`filename=`).
fn attribute(head: &str, name: &str) -> Option<String> {
    let mark = format!("{name}=");
    let starts = head.match_indices(&mark).map(|(at, _)| at);
    let at = starts.into_iter().find(|at| *at == 0 || matches!(head.as_bytes()[at - 1], b' ' | b';' | b'\t'))?;
    let value = &head[at + mark.len()..];
    Some(match value.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?.to_owned(),
        None => value.split([';', '\r', ' ']).next()?.to_owned(),
    })
}

/// Reads a JSON body; an empty one is an empty map.
pub fn read_json(body: &[u8]) -> Result<Value, Unreadable> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Object(Map::new()));
    }
    serde_json::from_slice(body).map_err(|_| Unreadable("not JSON"))
}

/// A parameter by name, in any case.
pub fn get<'a>(params: &'a Value, name: &str) -> Option<&'a Value> {
    let Value::Object(map) = params else { return None };
    map.get(name).or_else(|| map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// A parameter by its exact name, for the modules that are strict.
pub fn get_exact<'a>(params: &'a Value, name: &str) -> Option<&'a Value> {
    params.as_object()?.get(name)
}

/// The values of a list or a map in their order.
pub fn children(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Array(items) => Box::new(items.iter()),
        Value::Object(map) => Box::new(map.values()),
        _ => Box::new(std::iter::empty()),
    }
}

/// The n-th parameter of a positional method: by order, whatever the names.
pub fn nth(params: &Value, place: usize) -> Option<&Value> {
    children(params).nth(place)
}

/// A whole number, also from text.
pub fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read(query: &str) -> Value {
        Value::Object(read_query(query.as_bytes()).unwrap())
    }

    #[test]
    fn brackets_nest() {
        let read = read("filter[>ID]=5&select[]=ID&select[]=TITLE&fields[PHONE][0][VALUE]=%2B7+900&x");
        let expected = json!({
            "filter": {">ID": "5"},
            "select": {"0": "ID", "1": "TITLE"},
            "fields": {"PHONE": {"0": {"VALUE": "+7 900"}}},
            "x": "",
        });
        assert_eq!(read, expected);
    }

    #[test]
    fn odd_names_are_read_as_php_reads_them() {
        assert_eq!(read("a[7]=x&a[]=y&a.b=1"), json!({"a": {"7": "x", "8": "y"}, "a_b": "1"}));
        assert_eq!(read("a=1&a[b]=2"), json!({"a": {"b": "2"}}));
        assert_eq!(read("a[b=1&[c]=2&=3&&&"), json!({"a[b": "1", "[c]": "2"}));
        assert_eq!(
            read("f[%3EID]=%24result%5Ba%5D%5B0%5D&g=$result[a][0]"),
            json!({"f": {">ID": "$result[a][0]"}, "g": "$result[a][0]"})
        );
    }

    #[test]
    fn hostile_names_cost_no_memory() {
        assert_eq!(read("a[999999999]=1&a[]=2"), json!({"a": {"999999999": "1", "1000000000": "2"}}));
        assert_eq!(read(&format!("a{}=1&b=2", "[x]".repeat(5000))), json!({"b": "2"}));
        assert_eq!(read_query(b"a=%ff"), Err(Unreadable("not UTF-8")));
        assert_eq!(read_json(&b"[".repeat(100_000)), Err(Unreadable("not JSON")));
    }

    #[test]
    fn multipart_parts_are_variables() {
        let body = b"--B\r\nContent-Disposition: form-data; name=\"fields[TITLE]\"\r\n\r\n\xd0\xaf\r\n--B\r\nContent-Disposition: form-data; filename=\"f\"; name=\"id\"\r\n\r\n5\r\n--B--\r\n";
        let read = read_multipart(body, "multipart/form-data; boundary=B").unwrap();
        assert_eq!(Value::Object(read), json!({"fields": {"TITLE": "Я"}, "id": "5"}));
        assert!(read_multipart(body, "multipart/form-data").is_err());
    }

    /// PHP's `http_build_query`.
    fn build(into: &mut String, name: &str, value: &Value) {
        use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    let key = utf8_percent_encode(key, NON_ALPHANUMERIC).to_string();
                    build(into, &if name.is_empty() { key } else { format!("{name}%5B{key}%5D") }, value);
                }
            }
            value => {
                let text = utf8_percent_encode(value.as_str().unwrap_or(""), NON_ALPHANUMERIC);
                into.push_str(&format!("{name}={text}&"));
            }
        }
    }

    fn tree() -> impl Strategy<Value = Value> {
        let leaf = ".{0,12}".prop_map(Value::String);
        let key = "[^\\[\\]. \u{0}][^\\[\\]. \u{0}]{0,8}";
        leaf.prop_recursive(4, 24, 4, move |inner| {
            proptest::collection::btree_map(key, inner, 1..4).prop_map(|map| Value::Object(map.into_iter().collect()))
        })
    }

    proptest! {
        #[test]
        fn what_php_builds_is_read_back(inner in tree()) {
            let value = json!({"root": inner});
            let mut query = String::new();
            build(&mut query, "", &value);
            prop_assert_eq!(read(&query), value);
        }

        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_query(&bytes);
            let _ = read_multipart(&bytes, "multipart/form-data; boundary=-");
        }
    }
}
