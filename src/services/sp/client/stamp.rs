//! Moments and names of runs.

/// Now, with milliseconds and zone, as RFC 3339 has it.
pub(super) fn now() -> String {
    jiff::Zoned::now().strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string()
}

/// A name that sorts by time: `20261122-094512345-3fa2`.
pub(super) fn run_id() -> String {
    let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC);
    let unique = uuid::Uuid::new_v4().simple().to_string();
    format!("{}{:03}-{}", now.strftime("%Y%m%d-%H%M%S"), now.millisecond(), &unique[..4])
}

/// Seconds, to a tenth of a millisecond.
pub(super) fn seconds(lasted: std::time::Duration) -> f64 {
    (lasted.as_secs_f64() * 10_000.0).round() / 10_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_a_zone_and_names_sort() {
        let text = now();
        assert!(text.parse::<jiff::Timestamp>().is_ok() && text.contains('.'), "{text}");
        let first = run_id();
        std::thread::sleep(std::time::Duration::from_millis(2));
        assert!(first < run_id() && first.len() == 23, "{first}");
    }
}
