//! Names of a result's columns, made fit to be names of fields.

use std::collections::HashSet;

/// Each name once: one without a name is `column_1` by its place, the second `id` is `id_2`.
pub fn names<'a>(given: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let given: Vec<&str> = given.into_iter().collect();
    let mut taken: HashSet<String> = HashSet::new();
    // A column that is called so already keeps its name.
    let kept: HashSet<&str> = given.iter().copied().collect();
    let mut names = Vec::with_capacity(given.len());
    for (at, name) in given.iter().enumerate() {
        let wanted = if name.is_empty() { format!("column_{}", at + 1) } else { (*name).to_owned() };
        let is_free = |name: &String| !taken.contains(name) && (*name == wanted || !kept.contains(name.as_str()));
        let name = match is_free(&wanted) {
            true => wanted.clone(),
            false => (2..).map(|n| format!("{wanted}_{n}")).find(is_free).unwrap_or_default(),
        };
        taken.insert(name.clone());
        names.push(name);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn every_column_can_be_named() {
        assert_eq!(names(["id", "", "id", "name", ""]), ["id", "column_2", "id_2", "name", "column_5"]);
        assert_eq!(names(["id", "id", "id_2"]), ["id", "id_3", "id_2"]);
        assert_eq!(names(["", "column_1"]), ["column_1", "column_1_2"]);
        assert!(names([]).is_empty());
    }
}
