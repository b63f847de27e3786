//! Words for the Orchestrator's numbers: of tasks, priorities, resources.

use super::answer;

/// The states of a task, each at the place of its number.
pub const TASK_STATUSES: [&str; 7] =
    ["new", "in_progress", "success", "failed", "business_failed", "postponed", "abandoned"];

/// Priorities of tasks, each at the place of its number.
pub const PRIORITIES: [&str; 3] = ["low", "normal", "high"];

/// The word of a number, which may be a text; what has no word stays as it is.
pub fn word(words: &[&'static str], value: &serde_json::Value) -> String {
    let number = answer::number(value).and_then(|number| usize::try_from(number).ok());
    match number.and_then(|number| words.get(number)) {
        Some(word) => (*word).to_owned(),
        None => answer::words(Some(value)),
    }
}

/// The number of a word.
pub fn number(words: &[&'static str], word: &str) -> Option<i64> {
    words.iter().position(|known| known.eq_ignore_ascii_case(word)).map(|place| place as i64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_and_numbers_mean_the_same() {
        for (place, known) in TASK_STATUSES.iter().enumerate() {
            assert_eq!(word(&TASK_STATUSES, &json!(place.to_string())), *known);
            assert_eq!(number(&TASK_STATUSES, known), Some(place as i64));
        }
        assert_eq!(word(&TASK_STATUSES, &json!(77)), "77");
        assert_eq!((number(&PRIORITIES, "High"), number(&PRIORITIES, "?")), (Some(2), None));
    }
}
