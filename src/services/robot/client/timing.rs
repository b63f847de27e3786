//! All times of the agent, and how fast its clock runs.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::error::Result;
use crate::settings::Settings;

/// Between two heartbeats, and the least of all pauses.
const SPACING: f64 = 10.0;

/// However long an Orchestrator asks to wait. Of the spacing.
const MOST_SPACINGS: u32 = 30;

/// However fast the agent's clock runs, an answer over a real network takes its time.
const QUICKEST: Duration = Duration::from_secs(1);

/// Each as the system's clock measures it: with `test_clock` they are that much shorter than they are called.
#[derive(Clone, Debug, PartialEq)]
pub struct Timing {
    /// How much faster the agent's clock runs than the real one.
    pub speed: f64,
    /// Least time between the sending of two heartbeats.
    pub spacing: Duration,
    /// Added to the spacing, from nothing to this.
    pub jitter: Duration,
    /// Between two questions for work.
    pub poll: Duration,
    /// Longest wait for an answer, and for the answer with a job.
    pub answer: Duration,
    pub take: Duration,
    /// How long it is tried to report that a job begins, and that it has ended.
    pub start_budget: Duration,
    pub end_budget: Duration,
    /// How long things from before are sent at the beginning, and at the end.
    pub drain_budget: Duration,
    pub leave_budget: Duration,
    /// First and longest pause after something could not be sent.
    pub first_pause: Duration,
    pub longest_pause: Duration,
    /// First and longest pause after the credentials were not accepted.
    pub auth_pause: Duration,
    pub longest_auth_pause: Duration,
    /// How long a job may go on when the agent is told to leave.
    pub shutdown_grace: Duration,
    /// How long a job may take to stop.
    pub stop_grace: Option<Duration>,
    pub job_timeout: Option<Duration>,
    /// A job is asked to stop after so long without an answer.
    pub max_offline: Option<Duration>,
    /// How long `--once` tries to reach the Orchestrator.
    pub give_up: Duration,
    /// Between two looks at the wall clock while a job runs: the computer may have slept.
    pub tick: Duration,
    /// So long races with other machines are remembered.
    pub hour: Duration,
    /// How long the supervisor of a job from before may take to end it. Real time.
    pub orphans: Duration,
    /// How long a killed job may take to be gone before it is given up. Real time.
    pub killed: Duration,
}

impl Timing {
    /// Reads the settings. `is_loopback`: whether the Orchestrator is on this computer, where alone the clock may be changed.
    pub fn of(settings: &Settings, is_loopback: bool) -> Result<Timing> {
        let speed = settings.number("test_clock").unwrap_or(1.0);
        if !(speed.is_finite() && (1.0..=1000.0).contains(&speed)) {
            return Err(settings.wrong("test_clock", format!("{speed} is not between 1 and 1000")));
        }
        if speed > 1.0 && !is_loopback {
            let wrong =
                settings.wrong("test_clock", "another clock is for tests against an Orchestrator on this computer");
            return Err(
                wrong.hint("remove `test_clock`: a real Orchestrator must not be asked more often than every 10 s")
            );
        }
        let poll = settings.number("poll").unwrap_or(SPACING);
        if poll < SPACING && speed <= 1.0 {
            let wrong = settings.wrong("poll", format!("{poll} s is less than the {SPACING} s that are allowed"));
            return Err(wrong.hint("leave `poll` out, or set it to 10 or more"));
        }
        Ok(Timing::scaled(speed, poll, settings))
    }

    fn scaled(speed: f64, poll: f64, settings: &Settings) -> Timing {
        let scaled = |seconds: f64| Duration::try_from_secs_f64(seconds / speed).unwrap_or(Duration::MAX / 4);
        let given = |name: &str| settings.number(name).map(scaled);
        let real = |seconds: f64| scaled(seconds).max(QUICKEST.min(Duration::from_secs_f64(seconds)));
        let answer = settings.number("timeout").unwrap_or(15.0).min(1e9);
        Timing {
            speed,
            spacing: scaled(SPACING),
            jitter: scaled(1.0),
            poll: scaled(poll),
            answer: real(answer),
            take: real(answer * 2.0),
            start_budget: real(60.0),
            end_budget: real(60.0),
            drain_budget: real(30.0),
            leave_budget: real(5.0),
            first_pause: scaled(1.0),
            longest_pause: scaled(60.0),
            auth_pause: scaled(60.0),
            longest_auth_pause: scaled(300.0),
            shutdown_grace: given("shutdown_grace").unwrap_or(scaled(30.0)),
            stop_grace: given("stop_grace"),
            job_timeout: given("job_timeout"),
            max_offline: given("max_offline"),
            give_up: given("give_up").unwrap_or(scaled(300.0)),
            tick: scaled(1.0),
            hour: scaled(3600.0),
            orphans: Duration::from_secs(5),
            killed: Duration::from_secs(10),
        }
    }

    /// So long by the agent's clock, as the system's clock measures it.
    pub fn scale(&self, seconds: f64) -> Duration {
        Duration::try_from_secs_f64(seconds.max(0.0) / self.speed).unwrap_or(Duration::MAX / 4)
    }

    /// A part of the jitter.
    pub fn some_jitter(&self) -> Duration {
        self.jitter.mul_f64(random())
    }

    /// The pause after `failed` failures: anything from nothing to a bound that doubles.
    pub fn pause(&self, failed: u32) -> Duration {
        let bound = self.first_pause.saturating_mul(1 << failed.min(16)).min(self.longest_pause);
        bound.mul_f64(random())
    }

    /// How long the Orchestrator is left in peace that asks for so much: within bounds, for an operator's request to abort and
    /// the ends of jobs are to arrive some day.
    pub fn asked(&self, after: Duration) -> Duration {
        after.div_f64(self.speed).min(self.spacing * MOST_SPACINGS)
    }

    /// The pause after the credentials were refused so often.
    pub fn pause_for_auth(&self, failed: u32) -> Duration {
        self.auth_pause.saturating_mul(1 << failed.saturating_sub(1).min(16)).min(self.longest_auth_pause)
    }
}

/// A number from 0 to 1 that differs from call to call.
fn random() -> f64 {
    RandomState::new().hash_one(()) as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::robot::SETTINGS;
    use crate::settings::Given;

    fn settings(given: &[(&str, f64)]) -> Settings {
        let mut settings = Settings::new("[robot.main] in pult.toml");
        for (name, value) in given {
            settings.set(SETTINGS, name, Given::Number(*value)).unwrap();
        }
        settings
    }

    #[test]
    fn heartbeats_are_never_nearer_than_ten_seconds_outside_a_test_clock() {
        let timing = Timing::of(&settings(&[]), false).unwrap();
        assert_eq!((timing.spacing, timing.poll), (Duration::from_secs(10), Duration::from_secs(10)));
        let error = Timing::of(&settings(&[("poll", 5.0)]), true).unwrap_err();
        assert!(error.message().contains("poll"), "{error}");
        assert!(Timing::of(&settings(&[("poll", 5.0), ("test_clock", 2.0)]), true).is_ok());
    }

    #[test]
    fn a_test_clock_is_refused_away_from_home() {
        let fast = settings(&[("test_clock", 50.0), ("stop_grace", 5.0)]);
        let error = Timing::of(&fast, false).unwrap_err();
        assert!(error.hint_text().unwrap().contains("10 s"), "{error}");
        let timing = Timing::of(&fast, true).unwrap();
        assert_eq!((timing.spacing, timing.stop_grace), (Duration::from_millis(200), Some(Duration::from_millis(100))));
        assert_eq!(timing.answer, Duration::from_secs(1), "answers take real time");
        assert!(Timing::of(&settings(&[("test_clock", 0.5)]), true).is_err());
    }

    /// Test 49, the pauses.
    #[test]
    fn pauses_grow_at_random_up_to_a_minute() {
        let timing = Timing::of(&settings(&[]), false).unwrap();
        for failed in 0..40 {
            let bound = Duration::from_secs(1 << failed.min(16)).min(Duration::from_secs(60));
            assert!((0..20).all(|_| timing.pause(failed) <= bound));
        }
        let long: Duration = (0..200).map(|_| timing.pause(20)).sum::<Duration>() / 200;
        assert!((20..40).contains(&long.as_secs()), "the middle of many is half a minute: {long:?}");
        assert_eq!([1, 2, 3, 9].map(|failed| timing.pause_for_auth(failed).as_secs()), [60, 120, 240, 300]);
    }

    #[test]
    fn jitter_goes_upwards_alone() {
        let timing = Timing::of(&settings(&[]), false).unwrap();
        assert!((0..100).all(|_| timing.some_jitter() <= Duration::from_secs(1)));
        assert!((0..100).any(|_| timing.some_jitter() > Duration::from_millis(500)));
    }
}
