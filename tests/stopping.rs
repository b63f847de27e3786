//! Whatever a script does, it ends when it is told to, and `try` does not hold it.

mod common;

use std::path::Path;
use std::time::{Duration, Instant};

use pult::error::Kind;
use pult::sandbox::Settings;
use pult::script::session::on_deep_stack;

const SOON: Duration = Duration::from_millis(200);

/// Stops the script after a while; how long it took from then on.
fn stopped_within(script: &str) -> Duration {
    stopped_on(&common::stage(Path::new("."), &[]), script, "")
}

/// The same, not before this was printed.
fn stopped_on(stage: &common::Stage, script: &str, printed: &str) -> Duration {
    let stopper = stage.session.host().stopper.clone();
    let (ended, told) = std::thread::scope(|threads| {
        let running = threads.spawn(|| on_deep_stack(|| (stage.session.run("test", script), Instant::now())).unwrap());
        std::thread::sleep(Duration::from_millis(100));
        while !running.is_finished() && !stage.written.text().contains(printed) {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(!running.is_finished(), "{script} did not wait to be stopped");
        let told = Instant::now();
        stopper.stop();
        (running.join().unwrap(), told)
    });
    let (result, at) = ended;
    assert_eq!(result.err().map(|report| report.kind), Some(Kind::Stopped), "{script}");
    at - told
}

#[test]
fn a_stop_ends_loops_and_waits() {
    for script in [
        "loop {}",
        "try { loop {} } catch { }",
        "loop { try { loop {} } catch { } }",
        "sleep(60)",
        "loop { try { sleep(60) } catch { } }",
        "parallel([1, 2, 3], 3, |x| sleep(60))",
        "parallel([1, 2, 3], 3, |x| { loop {} })",
        "parallel([1, 2, 3], 2, |x| { try { loop {} } catch { } })",
        "timeout(60, || sleep(60))",
        "try { timeout(60, || { loop {} }) } catch { }",
        "fn f(n) { loop { f2(n) } } fn f2(n) { n + 1 } [1, 2].map(|x| f(x))",
        "let r = rows([#{a: 1}]); loop { r.filter(|row| row.a == 1).map(|row| row.a) }",
    ] {
        let took = stopped_within(script);
        assert!(took <= SOON, "{script} took {took:?}");
    }
}

#[test]
fn what_is_to_be_done_in_the_end_is_done_after_a_stop_too() {
    let stage = common::stage(Path::new("."), &[]);
    let script = r#"
        import "stdlib/rac" as admin;
        admin::maintenance(rac, "ЗУП", #{ message: "Обновление" }, || { print("works"); loop { try { sleep(60) } catch { } } });
        print("never");
    "#;
    stopped_on(&stage, script, "works");
    assert_eq!(stage.written.text(), "works\n");
    let ended = stage.session.run("test", r#"print(rac::infobase_info("ЗУП").sessions_deny)"#);
    assert!(ended.is_ok() && stage.written.text().ends_with("false\n"), "{}", stage.written.text());
}

#[test]
fn a_deadline_is_an_error_that_can_be_caught() {
    for work in ["loop {}", "sleep(60)", "try { loop {} } catch { }", "parallel([1, 2], 2, |x| sleep(60))"] {
        let stage = common::stage(Path::new("."), &[]);
        let script = format!(
            "let code = (); try {{ timeout(0.1, || {{ {work} }}) }} catch (err) {{ code = err.error; }} \
             if code != \"timeout\" {{ throw code }}"
        );
        let began = Instant::now();
        let ended = stage.session.run("test", &script);
        assert!(ended.is_ok(), "{work}: {}", ended.err().unwrap().draw(Default::default()));
        assert!(began.elapsed() <= Duration::from_millis(100) + SOON, "{work} took {:?}", began.elapsed());
    }
}

#[test]
fn the_outer_deadline_is_not_taken_for_the_inner_one() {
    let stage = common::stage(Path::new("."), &[]);
    let script = "let inner = false;
        let code = ();
        try {
            timeout(0.1, || { try { timeout(60, || sleep(60)) } catch { inner = true; } });
        } catch (err) { code = err.error; }
        if inner || code != \"timeout\" { throw `${inner} ${code}` }";
    let ended = stage.session.run("test", script);
    assert!(ended.is_ok(), "{}", ended.err().unwrap().draw(Default::default()));
}

#[test]
fn a_script_after_a_stopped_one_runs() {
    let stage = common::stage(Path::new("."), &[]);
    stage.session.host().stopper.stop();
    assert!(stage.session.run("test", "1 + 1").is_ok());
}

#[test]
fn exit_gives_its_code_and_cannot_be_caught() {
    for (script, code) in [
        ("exit(3)", Some(3)),
        ("exit()", Some(0)),
        ("try { exit(4) } catch { exit(5) }", Some(4)),
        ("fn f() { exit(6) } [1].map(|x| f()); exit(7)", Some(6)),
        ("parallel([1], 1, |x| exit(8)); exit(9)", Some(8)),
        ("timeout(5, || exit(10)); exit(11)", Some(10)),
        ("1", None),
    ] {
        let stage = common::stage(Path::new("."), &[]);
        let ended = stage.session.run("test", script);
        assert!(ended.is_ok(), "{script}: {}", ended.err().unwrap().draw(Default::default()));
        assert_eq!(stage.session.host().exit_code(), code, "{script}");
    }
}

#[test]
fn a_log_is_masked_and_its_trace_needs_verbose() {
    pult::secret::hide("s3cret-word");
    let stage = common::stage(Path::new("."), &[]);
    let script = r#"print("out"); log::info("token s3cret-word", #{deal: 7}); log::trace("never")"#;
    assert!(stage.session.run("test", script).is_ok());
    let written = stage.written.text();
    assert!(written.starts_with("out\n") && written.ends_with(" info  token *** deal=7\n"), "{written}");
    assert_eq!(written.lines().count(), 2, "{written}");
}

#[test]
fn a_lock_of_which_nobody_knows_whether_it_was_set_is_taken_back() {
    let lost = ["rac.faults.message=40", "rac.faults.close_after.next=1"].map(str::to_owned);
    let switches = Settings::parse(&lost).unwrap();
    let stage = common::stage_with(Path::new("."), &[], &switches, |sandbox| sandbox.config().unwrap());
    let script = r#"
        import "stdlib/rac" as admin;
        assert_throws(|| admin::maintenance(rac, "УТ", #{ code: "new" }, || 1), "rac.connection_lost");
        let info = rac::infobase_info("УТ");
        assert_eq([info.sessions_deny, info.permission_code], [false, ""]);
    "#;
    let outcome = stage.session.run("test", script);
    assert!(outcome.is_ok(), "{}", stage.written.text());
}
