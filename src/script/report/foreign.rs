//! Words of other languages, Python and JavaScript above all, and what they are here.

/// Functions.
const FUNCTIONS: &[(&[&str], &str)] = &[
    (&["str", "String", "repr"], "write x.to_string(), or put it into a text: `… ${x} …`"),
    (&["int", "parseInt", "Number"], "parse_int(text) makes an integer of a text; x.to_int() cuts a number"),
    (&["float", "parseFloat"], "parse_float(text) makes a number of a text; x.to_float() of an integer"),
    (&["Decimal"], "write decimal(\"0.10\")"),
    (&["print"], "`print` takes one value: print(`${a} ${b}`)"),
    (&["sum"], "rows.sum(\"COLUMN\") sums rows; list.reduce(|sum, x| sum + x, 0) sums a list"),
    (&["range"], "write 0..3 for 0, 1, 2; range(0, 10, 2) has a step"),
    (
        &["max", "min"],
        "they compare two values; of a list: list.reduce(|a, b| max(a, b), list[0]), of rows: rows.max_by(\"COLUMN\")",
    ),
    (&["sorted"], "list.sort() sorts the list itself; rows.sort_by(\"COLUMN\") gives sorted rows"),
    (&["reversed"], "list.reverse() turns the list itself; rows.reverse() gives other rows"),
    (&["enumerate"], "write for (element, index) in list"),
    (&["zip"], "write a.zip(b, |x, y| …)"),
    (&["any", "all"], "write list.some(|x| …), list.all(|x| …), rows.any(|row| …) or rows.all(|row| …)"),
    (&["type", "typeof", "isinstance"], "type_of(x) gives the type as a text"),
    (&["open"], "fs::read(path) gives the text of a file, fs::write(path, text) writes one"),
    (&["input"], "a script asks nothing; what stands behind its name is in the list `args`"),
    (&["dict"], "a map is written #{name: value}"),
    (&["list", "tuple"], "a list is written [1, 2]; range.to_array() or rows.to_array() make one"),
    (&["set"], "a list loses its repetitions by list.dedup(), rows by rows.distinct(\"COLUMN\")"),
    (&["format"], "values are put into a text by `… ${x} …`"),
    (&["pow"], "write 2 ** 3"),
    (&["quit"], "write exit()"),
    (&["not"], "write !(…)"),
    (&["raise"], "write throw \"what went wrong\""),
    (&["del"], "write map.remove(\"name\"), list.remove(0), or value = ()"),
    (&["sub_string", "substring"], "write text.sub_string(start, length)"),
    (&["setTimeout"], "sleep(seconds) waits"),
    (&["require"], "write import \"file\" as name;"),
    (&["Exception", "Error", "ValueError", "RuntimeError"], "an error is thrown with a text or a map: throw \"…\""),
];

/// Methods and fields, with the type of the value before the dot.
const METHODS: &[(&str, &[&str], &str)] = &[
    ("text", &["upper", "toUpperCase", "uppercase"], "write .to_upper()"),
    ("text", &["lower", "toLowerCase", "lowercase"], "write .to_lower()"),
    ("text", &["strip", "lstrip", "rstrip"], "text.trim() cuts the spaces of the variable itself and gives nothing"),
    ("text", &["startswith", "startsWith"], "write .starts_with(…)"),
    ("text", &["endswith", "endsWith"], "write .ends_with(…)"),
    ("text", &["find", "indexOf", "search"], "write .index_of(…), which gives -1 where there is nothing"),
    ("text", &["join"], "write text::join(list, \", \")"),
    ("text", &["replace_all", "replaceAll"], "text.replace(old, new) changes every place of the variable itself"),
    ("text", &["format"], "values are put into a text by `… ${x} …`"),
    ("text", &["splitlines", "lines"], "write text::lines(text)"),
    ("text", &["substring", "substr", "slice"], "write .sub_string(start, length)"),
    ("text", &["to_int", "toInt", "int"], "write parse_int(text)"),
    ("text", &["to_float", "toFloat", "float"], "write parse_float(text)"),
    ("text", &["to_decimal"], "write decimal(text)"),
    ("text", &["zfill", "padStart", "rjust"], "write text::pad_left(text, width, '0')"),
    ("text", &["ljust", "padEnd"], "write text::pad_right(text, width)"),
    (
        "text",
        &["decode", "encode"],
        "texts are UTF-8 everywhere; text::to_base64 and text::url_encode make others of them",
    ),
    ("list", &["append", "add"], "write .push(element)"),
    ("list", &["count", "size", "length"], "write .len()"),
    ("list", &["includes", "has"], "write x in list"),
    ("list", &["join"], "write text::join(list, \", \")"),
    ("list", &["concat"], "write list + other"),
    ("list", &["forEach", "each"], "write for x in list { … }"),
    ("list", &["slice"], "write .extract(0..2)"),
    ("list", &["sort_by"], "Rows sort by a column: write rows(list).sort_by(\"COLUMN\")"),
    ("list", &["any"], "write .some(|x| …)"),
    ("list", &["every"], "write .all(|x| …)"),
    ("list", &["sum"], "write list.reduce(|sum, x| sum + x, 0)"),
    ("list", &["index", "indexOf", "findIndex"], "write .index_of(x), which gives -1 where there is nothing"),
    ("list", &["items", "enumerate", "entries"], "write for (element, index) in list"),
    ("map", &["items", "entries", "iteritems"], "write for name in map.keys() { map[name] }"),
    ("map", &["has_key", "hasOwnProperty", "has"], "write \"name\" in map"),
    ("map", &["update"], "write map += #{name: value}"),
    ("map", &["pop", "delete"], "write map.remove(\"name\")"),
    ("map", &["size", "length", "count"], "write .len()"),
    ("map", &["setdefault"], "write map.name ??= value, or map[\"name\"] = map.get(\"name\") ?? value"),
    ("Rows", &["count", "size", "length", "shape"], "write .len()"),
    ("Rows", &["push", "append", "extend", "concat"], "rows do not change: write rows + other rows"),
    ("Rows", &["iterrows", "itertuples", "for_each", "forEach"], "write for row in rows { … }"),
    ("Rows", &["head"], "write .take(n)"),
    ("Rows", &["tail"], "write .skip(rows.len() - n)"),
    ("Rows", &["groupby"], "write .group_by(\"COLUMN\")"),
    ("Rows", &["sort", "sort_values"], "write .sort_by(\"COLUMN\")"),
    ("Rows", &["apply"], "write .map(|row| …)"),
    ("Rows", &["unique", "dedup", "drop_duplicates"], "write .distinct(\"COLUMN\")"),
    ("Rows", &["some"], "write .any(|row| …)"),
    ("Rows", &["query", "where"], "write .filter(|row| …)"),
    ("Rows", &["to_list", "tolist", "to_dict"], "write .to_array()"),
    ("Rows", &["extract", "slice"], "write rows.skip(0).take(2)"),
    ("Row", &["set", "insert", "remove", "mixin"], "a row cannot be changed: let own = row.to_map();"),
    ("Row", &["items", "entries"], "write for name in row.keys() { row[name] }"),
    ("Answers", &["show"], "write rows(answers.results).show()"),
    (
        "Answers",
        &["map", "filter", "each", "find", "for_each", "reduce", "some", "all", "any", "sort", "first", "last"],
        "the list of what came back is answers.results: answers.results.map(|result| …)",
    ),
    (
        "Answers",
        &["sort_by", "group_by", "column", "to_csv", "to_json", "index_by"],
        "write rows(answers.results) first",
    ),
    ("Moment", &["strftime"], "write .format(…)"),
    ("Moment", &["timestamp"], "write .unix"),
    ("Moment", &["astimezone"], "write .in_zone(\"…\")"),
    ("any", &["toString", "str"], "write .to_string()"),
    ("any", &["length", "size"], "write .len()"),
];

/// Names that stand where a variable stands.
const NAMES: &[(&[&str], &str)] = &[
    (&["True"], "write `true`"),
    (&["False"], "write `false`"),
    (&["None", "NULL", "undefined", "Null"], "write `()`"),
    (&["NaN"], "a number that is none is found with x.is_nan"),
    (&["self"], "write `this`"),
    (&["pass"], "an empty block is written { }"),
    (&["end", "endif", "done", "fi"], "a block ends with `}`"),
    (&["console", "logger", "logging"], "write print(…), log::info(…) or log::warn(…)"),
    (&["datetime", "Date", "dayjs", "moment"], "write time::now() or time::parse(…)"),
    (&["os", "process"], "write env(\"NAME\"), exit(1), or fs::… for files"),
    (&["sys"], "write args, or exit(1)"),
    (&["math", "Math"], "mathematics needs no module: sqrt(x), floor(x), abs(x), PI()"),
    (&["JSON"], "write json::parse(text) or json::text(value)"),
    (
        &["requests", "fetch", "axios", "urllib", "httpx"],
        "services are objects such as b24; a method without its own function is b24.call(\"method\", #{…})",
    ),
    (&["Object"], "write map.keys() or map.values()"),
];

/// Functions of modules that are called otherwise here.
const IN_MODULES: &[(&str, &[&str], &str)] = &[
    ("json", &["dumps", "stringify", "dump"], "write json::text(value)"),
    ("json", &["loads", "load"], "write json::parse(text)"),
    ("csv", &["reader", "DictReader"], "write csv::read(path)"),
    ("csv", &["writer", "DictWriter"], "write rows.to_csv(path)"),
    ("time", &["sleep"], "write sleep(seconds)"),
    ("time", &["time"], "write time::now().unix"),
    ("time", &["strftime"], "write time::now().format(…)"),
    ("log", &["warning"], "write log::warn(…)"),
    ("log", &["exception"], "write log::error(…)"),
    ("text", &["upper", "lower"], "write text.to_upper() or text.to_lower()"),
    ("fs", &["open"], "fs::read(path) gives the text of a file, fs::write(path, text) writes one"),
];

fn of(table: &'static [(&[&str], &str)], word: &str) -> Option<&'static str> {
    table.iter().find(|(words, _)| words.contains(&word)).map(|(_, hint)| *hint)
}

pub fn function(name: &str) -> Option<&'static str> {
    of(FUNCTIONS, name)
}

pub fn name(name: &str) -> Option<&'static str> {
    of(NAMES, name)
}

/// A method or a field of a value of this type.
pub fn method(receiver: &str, name: &str) -> Option<&'static str> {
    let fits = |holder: &str| holder == receiver || holder == "any";
    METHODS.iter().find(|(holder, words, _)| fits(holder) && words.contains(&name)).map(|(.., hint)| *hint)
}

/// A method of a value whose type nobody knows: what all types say that have something to say.
pub fn any_method(name: &str) -> Option<String> {
    let mut hints: Vec<&str> =
        METHODS.iter().filter(|(_, words, _)| words.contains(&name)).map(|(.., hint)| *hint).collect();
    hints.dedup();
    (!hints.is_empty() && hints.len() < 3).then(|| hints.join("; or "))
}

pub fn in_module(module: &str, name: &str) -> Option<&'static str> {
    IN_MODULES.iter().find(|(known, words, _)| *known == module && words.contains(&name)).map(|(.., hint)| *hint)
}
