//! Many jobs over a network that fails at random and an agent that dies at random: what the robot and the Orchestrator
//! know of each job agrees in the end.

use std::time::Duration;

use super::world::Fault;
use super::yard::{Script, Site, seconds, serve, until_death};
use crate::services::robot::client::shapes::JobStatus;
use crate::services::robot::client::trouble::code;
use crate::services::robot::client::work::How;

const JOBS: u64 = 60;

/// The same numbers in each run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }

    fn fault(&mut self) -> Fault {
        match self.roll(7) {
            0 => Fault::Fails(code::UNREACHABLE),
            1 => Fault::Fails(code::BUSY),
            2 => Fault::Fails(code::ANSWER),
            3 => Fault::Busy(self.roll(40) as f64),
            4 => Fault::Lost,
            5 => Fault::Hangs,
            _ => Fault::Slow(Duration::from_secs(self.roll(20))),
        }
    }

    fn script(&mut self) -> Script {
        let works = Script::works(self.roll(400) as f64 / 10.0);
        match self.roll(4) {
            0 => Script { how: How::Exited(1), ..works },
            1 => Script::obeying(3.0),
            2 => Script { says: vec!["one".into(), "two".into()], ..works },
            _ => works,
        }
    }
}

/// Test 85, this layer's part.
#[tokio::test(start_paused = true)]
async fn whatever_happens_both_sides_agree_in_the_end() {
    let site = Site::new();
    let mut dice = Dice(42);
    for n in 0..JOBS {
        site.job(&format!("job-{n}"), dice.script());
    }
    let is_over = || (0..JOBS).all(|n| site.world.is_over(&format!("job-{n}")));
    let mut deaths = 0;
    while !is_over() {
        let agent = site.agent();
        let life = 20.0 + dice.roll(300) as f64;
        let trouble = async {
            loop {
                seconds(dice.roll(20) as f64).await;
                let route = ["heartbeat", "consume", "update", "log", "read"][dice.roll(5) as usize];
                let fault = dice.fault();
                site.world.fault(route, fault, 1);
                // The operator has wishes as well; endless jobs need them.
                let wish = if dice.roll(2) == 0 { JobStatus::Stopping } else { JobStatus::Aborting };
                site.world.ask_one_that_runs(wish);
            }
        };
        tokio::select! {
            died = until_death(serve(&agent), life) => deaths += usize::from(died),
            () = trouble => {}
        }
        drop(agent);
        assert!(deaths < 1000, "it does not come to an end: {:?}", site.world.words().len());
    }
    // What is left in the outbox goes out.
    for route in ["heartbeat", "consume", "update", "log", "read"] {
        site.world.clear(route);
    }
    let agent = site.agent();
    agent.recover().await.unwrap();
    assert_eq!(agent.flush(Duration::from_secs(600)).await.unwrap(), 0);
    let journal = site.journal();
    assert!(journal.unfinished().unwrap().is_empty() && deaths > 3);
    let mut lost = 0;
    for n in 0..JOBS {
        let guid = format!("job-{n}");
        let begun = site.yard.happened().iter().filter(|what| **what == format!("begin {guid}")).count();
        assert!(begun <= 1, "{guid} ran twice");
        match journal.finished(&guid).unwrap() {
            Some(closed) => assert_eq!(site.world.history(&guid).last(), Some(&closed.status.word()), "{guid}"),
            None => lost += 1,
        }
    }
    let orphans = site.world.lines().iter().filter(|line| line.contains("possible orphan")).count();
    assert!(lost == 0 || orphans > 0, "{lost} jobs were lost and nobody was told");
    site.world.check();
}
