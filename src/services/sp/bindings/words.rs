//! What other libraries and the old wrapper call things, and what they are called here.

/// Words of pymssql, pyodbc, SQLAlchemy and of the wrapper over them, and what to write.
const WORDS: &[(&str, &str)] = &[
    ("cursor", "there is no cursor: write sp.query(sql, #{ name: value }), or sp.stream(sql) for many rows"),
    (
        "execute",
        "write sp.query(sql, #{ name: value }) for rows, sp.batch(sql) for changes, sp.exec(\"schema.procedure\", #{…})",
    ),
    (
        "executemany",
        "send the rows as JSON: sp.batch(\"INSERT … SELECT … FROM OPENJSON(@rows) WITH (…)\", #{ rows: json::to_text(rows) })",
    ),
    ("callproc", "write sp.exec(\"schema.procedure\", #{ parameter: value, total: sp.out(0) })"),
    ("call", "write sp.exec(\"schema.procedure\", #{ parameter: value }), or sp.query(sql)"),
    ("call$", "write sp.exec(\"schema.procedure\", #{ parameter: value }), or sp.query(sql)"),
    ("fetchall", "sp.query(sql) gives all rows"),
    ("fetchmany", "write sp.stream(sql).take(100)"),
    ("fetchone", "write sp.query(sql).first(), or sp.value(sql) for one value"),
    ("scalar", "write sp.value(sql)"),
    ("execute_scalar", "write sp.value(sql)"),
    ("execute_query", "write sp.query(sql, #{ name: value })"),
    ("execute_non_query", "write sp.batch(sql): .affected says how many rows were touched"),
    ("execute_row", "write sp.query(sql).first()"),
    ("nextset", "sp.sets(sql) gives all result sets"),
    ("rowcount", "write sp.batch(sql).affected"),
    ("commit", "a statement commits by itself; several together go in one sp.batch(\"BEGIN TRANSACTION … COMMIT\")"),
    (
        "rollback",
        "several statements go in one sp.batch(\"SET XACT_ABORT ON; BEGIN TRANSACTION … COMMIT\"): an error rolls back",
    ),
    (
        "create_engine",
        "write sp.connect(#{ address: \"srv1\", user: …, password: … }), or a section [sp.main] in pult.toml",
    ),
    ("sync_entity", "write sp.entity_sync(name, code, month, year)"),
    ("load_entity", "write sp.entity_sync(name, code, month, year)"),
    ("entity", "write sp.entity_sync(name, code, month, year)"),
    ("sync_data_source", "write sp.data_source_sync(code, month, year)"),
    ("load_data_source", "write sp.data_source_sync(code, month, year)"),
    ("sync_status", "write sp.status(): the runs under way"),
    ("get_valid_codes", "write sp.codes()"),
    ("get_valid_names", "write sp.names(code)"),
    ("check_prep", "write sp.check(name, code)"),
    ("check_crude", "write sp.check(name, code)"),
    ("check_heap", "write sp.check(name, code)"),
    ("datetime", "give a moment: it goes as datetime2"),
    ("decimal", "give decimal(\"10.50\"): it goes as numeric"),
];

/// What is meant by a call of `sp` that nobody knows.
pub fn instead(written: &str) -> Option<String> {
    let (owner, name) = written.rsplit_once("::").or_else(|| written.rsplit_once('.')).unwrap_or(("", written));
    if !matches!(owner, "sp" | "Sp" | "SpResult") {
        return None;
    }
    WORDS.iter().find(|(word, _)| *word == name).map(|(_, write)| (*write).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_other_libraries_lead_to_ours() {
        for (said, expected) in [
            ("Sp.callproc", "sp.exec("),
            ("Sp.cursor", "sp.query("),
            ("SpResult.fetchall", "all rows"),
            ("sp::load_entity", "sp.entity_sync("),
        ] {
            assert!(instead(said).unwrap_or_default().contains(expected), "{said}");
        }
        assert_eq!(instead("Sp.frobnicate"), None);
        assert_eq!(instead("Veil.cursor"), None);
    }
}
