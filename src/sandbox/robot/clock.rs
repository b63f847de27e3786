//! The clock of the simulator: it runs so many times faster than ours, and can be put forward.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use tokio::time::Instant;

pub struct Clock {
    /// When `then` was the time.
    since: Instant,
    then: f64,
    began: f64,
    speed: f64,
}

impl Clock {
    pub fn new(speed: f64) -> Clock {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
        Clock { since: Instant::now(), then: unix, began: unix, speed: usable(speed) }
    }

    /// Unix seconds. It follows tokio's clock, so that tests may stop it.
    pub fn now(&self) -> f64 {
        self.then + self.since.elapsed().as_secs_f64() * self.speed
    }

    /// Since the simulator began.
    pub fn seconds(&self, now: f64) -> f64 {
        now - self.began
    }

    pub fn speed(&self) -> f64 {
        self.speed
    }

    /// From now on.
    pub fn set_speed(&mut self, speed: f64) {
        (self.then, self.since) = (self.now(), Instant::now());
        self.speed = usable(speed);
    }

    /// Puts it forward, never back.
    pub fn advance(&mut self, seconds: f64) {
        if seconds.is_finite() {
            self.then += seconds.max(0.0);
        }
    }

    /// How long so many of its seconds last for us; at most a day.
    pub fn real(&self, seconds: f64) -> Duration {
        const DAY: f64 = 86_400.0;
        let real = seconds / self.speed;
        Duration::from_secs_f64(if real.is_finite() { real.clamp(0.0, DAY) } else { DAY })
    }
}

fn usable(speed: f64) -> f64 {
    if speed.is_finite() && speed > 0.0 { speed } else { 1.0 }
}

/// `YYYY-MM-DD HH:MM:SS`, as the Orchestrator writes dates; by this machine's zone, which is the one of its clients.
pub fn date(unix: f64) -> String {
    civil(unix).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

pub fn civil(unix: f64) -> DateTime {
    Timestamp::from_second(unix as i64).unwrap_or_default().to_zoned(TimeZone::system()).datetime()
}

/// Unix seconds of a date as the Orchestrator writes it, as its Designer does (`dd.MM.yyyy HH:mm:ss`), or with a `T`; the
/// time may be absent.
pub fn read_date(text: &str) -> Option<f64> {
    let text = text.trim();
    let forms = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%d.%m.%Y %H:%M:%S"];
    let whole = forms.iter().find_map(|form| DateTime::strptime(form, text).ok());
    let day = || ["%Y-%m-%d", "%d.%m.%Y"].iter().find_map(|form| jiff::civil::Date::strptime(form, text).ok());
    let read = whole.or_else(|| day().map(|day| day.at(0, 0, 0, 0)))?;
    unix(read)
}

pub fn unix(civil: DateTime) -> Option<f64> {
    civil.to_zoned(TimeZone::system()).ok().map(|zoned| zoned.timestamp().as_second() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_fast_clock_runs_fast_and_can_be_put_forward() {
        let mut clock = Clock::new(10.0);
        let began = clock.now();
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!((clock.now() - began - 20.0).abs() < 0.001);
        clock.set_speed(1.0);
        clock.advance(100.0);
        clock.advance(-50.0);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!((clock.seconds(clock.now()) - 121.0).abs() < 0.001);
        assert_eq!(Clock::new(0.0).speed(), 1.0);
        assert_eq!(Clock::new(100.0).real(20.0), Duration::from_millis(200));
    }

    #[test]
    fn dates_are_read_as_they_are_written() {
        let read = read_date("2023-11-14 22:13:20").unwrap();
        // Wherever this machine stands.
        assert!((read - 1_700_000_000.0).abs() < 86_400.0 && date(read) == "2023-11-14 22:13:20");
        for text in ["14.11.2023 22:13:20", "2023-11-14T22:13:20"] {
            assert_eq!(read_date(text), Some(read), "{text}");
        }
        assert_eq!(read_date("14.11.2023"), read_date("2023-11-14 00:00:00"));
        assert_eq!(read_date("soon"), None);
    }
}
