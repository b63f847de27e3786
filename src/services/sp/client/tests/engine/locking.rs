//! Application locks against other installations.

use super::fake::End;
use super::*;

use StepState as S;

#[tokio::test(start_paused = true)]
async fn a_lock_that_another_has_is_waited_for_and_its_holder_named() {
    let fake = Fake::quick();
    let site = site(&fake, &[]);
    fake.other_takes("pult:sp:crude:payment");
    let running = site.run(dated("payment", &["0c06"]), "ivan").unwrap();
    let look = async {
        tokio::time::sleep(ms(20_000)).await;
        let note = running.run().steps[1].note.clone();
        fake.other_gives_back("pult:sp:crude:payment");
        note
    };
    let (run, note) = beside(&running, look).await;
    ok(&run);
    assert_eq!(
        note.as_deref(),
        Some(
            "waits for the lock pult:sp:crude:payment, held by session 99 (sync at SRV2, pult 20260101-000000000-beef olga)"
        )
    );
    assert!(run.seconds.unwrap() >= 20.0 && run.steps[1].seconds == Some(0.01), "waiting is not the procedure's time");
    assert_eq!(run.steps[1].note, None);
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_stays_taken_fails_the_step() {
    for blind in [false, true] {
        let fake = Fake::quick();
        fake.state().blind = blind;
        let site = site(&fake, &[("lock      = 600", "lock = 60")]);
        fake.other_takes("pult:sp:prep:hcs:payment");
        let run = drive(&site, dated("payment", &["0c06"])).await;
        assert_eq!(states(&run), [S::Failed, S::Skipped, S::Skipped]);
        let error = run.steps[0].error.clone().unwrap();
        assert_eq!(error.code, "sp.locked");
        let expected = match blind {
            false => "held by session 99 (sync at SRV2, pult 20260101-000000000-beef olga)",
            true => "held by a session that cannot be named without the permission VIEW SERVER STATE",
        };
        let message = format!("the lock pult:sp:prep:hcs:payment was not free within 60 s: {expected}");
        assert_eq!(error.message, message);
        assert!(fake.calls().is_empty() && run.steps[0].attempts == 0);
    }
}

#[tokio::test(start_paused = true)]
async fn the_steps_of_one_run_share_a_lock() {
    let fake = Fake::new(|_, _| Act::takes(1000));
    let site = site(&fake, &[("max_parallel = 1 ", "max_parallel = 3 ")]);
    let running = site.run(dated("payment", &["0c01", "0c05", "0c06"]), "ivan").unwrap();
    let look = async {
        tokio::time::sleep(ms(500)).await;
        let locks: Vec<String> = fake.state().locks.keys().cloned().collect();
        tokio::time::sleep(ms(1000)).await;
        (locks, fake.state().locks.keys().cloned().collect::<Vec<_>>())
    };
    let (run, (first, then)) = beside(&running, look).await;
    ok(&run);
    assert_eq!((first, then), (vec!["pult:sp:prep:hcs:payment".to_owned()], vec!["pult:sp:crude:payment".to_owned()]));
    assert_eq!(fake.most_at_once("export"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_lost_lock_undoes_the_step_which_is_tried_again_where_that_does_no_harm() {
    let cases =
        [("in the middle", 60_000, false), ("just before the commit", 1000, false), ("in the middle", 60_000, true)];
    for (when, takes, repeatable) in cases {
        let fake = Fake::new(move |call, nth| match call.starts_with("crude") && nth == 1 {
            true => Act::takes(takes),
            false => Act::takes(10),
        });
        let manner = format!("repeatable = {repeatable}\nshare = 6");
        let site = site(&fake, &[("repeatable  = true               # assumed\nshare       = 6", &manner)]);
        let running = site.run(dated("payment", &["0c06"]), "ivan").unwrap();
        let cut = async {
            tokio::time::sleep(ms(900)).await;
            fake.kill_lock_holders();
        };
        let (run, ()) = beside(&running, cut).await;
        assert!(fake.all().contains(&"rollback".to_owned()), "{when}");
        match repeatable {
            true => {
                ok(&run);
                assert_eq!(run.steps[1].attempts, 2);
            }
            false => {
                assert_eq!(states(&run), [S::Ok, S::Failed, S::Skipped], "{when}");
                assert_eq!(run.steps[1].error.as_ref().unwrap().code, "sp.lock_lost", "{when}");
                assert!(run.seconds.unwrap() < 10.0, "{when}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_cannot_be_reached_for_its_locks_is_tried_again() {
    let fake = Fake::quick();
    fake.state().refuses = 2;
    ok(&drive(&site(&fake, &[]), dated("payment", &["0c06"])).await);
}

#[tokio::test(start_paused = true)]
async fn locks_can_be_left_out() {
    let fake = Fake::quick();
    let site = site(&fake, &[("enabled       = true", "enabled = false")]);
    fake.other_takes("pult:sp:crude:payment");
    ok(&drive(&site, dated("payment", &["0c06"])).await);
    assert_eq!(fake.state().sessions, 2);
}

#[tokio::test(start_paused = true)]
async fn a_run_can_be_cancelled_while_it_waits_for_a_lock_or_a_pause() {
    let fake = Fake::new(|_, _| Act::ends(End::Raises { number: 1205, severity: 13 }));
    let site = site(&fake, &[("backoff       = \"5s\"", "backoff = \"100s\"")]);
    for wait in ["lock", "pause"] {
        if wait == "lock" {
            fake.other_takes("pult:sp:prep:hcs:payment");
        } else {
            fake.other_gives_back("pult:sp:prep:hcs:payment");
        }
        let running = site.run(dated("payment", &["0c06"]), "ivan").unwrap();
        let cancel = async {
            tokio::time::sleep(ms(5000)).await;
            site.cancel(running.id()).unwrap();
        };
        let (run, ()) = beside(&running, cancel).await;
        assert_eq!(
            (run.state, run.steps[0].state, run.seconds),
            (RunState::Cancelled, S::Cancelled, Some(5.0)),
            "{wait}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_lock_or_a_pause_leaves_the_place_to_others() {
    for retry in [false, true] {
        // The first prep has to wait; the server does one thing at once.
        let fake = Fake::new(move |call, times| match call.contains("payment") && call.contains("prep") {
            true if retry && times == 1 => Act::raises(1205),
            _ => Act::takes(10),
        });
        if !retry {
            fake.other_takes("pult:sp:prep:hcs:payment");
        }
        let site = site(&fake, &[]);
        let other = site.run(order("meter", "0c06"), "olga").unwrap();
        let running = site.run(dated("payment", &["0c06"]), "ivan").unwrap();
        let look = async {
            tokio::time::sleep(ms(200)).await;
            let other = other.drive().await;
            fake.other_gives_back("pult:sp:prep:hcs:payment");
            other
        };
        let (run, other) = beside(&running, look).await;
        ok(&run);
        ok(&other);
        assert!(other.seconds.unwrap() < 1.0, "it took {:?} s, retry: {retry}", other.seconds);
    }
}
