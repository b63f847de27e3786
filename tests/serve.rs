//! `pult serve` as a program: killed and resumed, stopped, and silent about secrets.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const TOKEN: &str = "token-of-the-portal-42";
const PASSWORD_VARIABLE: &str = "SERVE_TEST_PASSWORD";

/// A program of ours that announces itself with a line of JSON and ends with its standard input.
struct Program {
    child: Child,
    stdin: Option<ChildStdin>,
    ready: Value,
    /// What it says from then on, both outputs.
    said: Vec<JoinHandle<String>>,
}

impl Program {
    fn start(args: &[&str], environment: &[(&str, &str)]) -> Program {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pult"));
        command.args(args).envs(environment.iter().copied());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let mut errors = child.stderr.take().unwrap();
        let Ok(ready) = serde_json::from_str(&line) else {
            let mut told = String::new();
            errors.read_to_string(&mut told).unwrap();
            panic!("{args:?} said {line}\n{told}");
        };
        let stdin = child.stdin.take();
        let said = vec![std::thread::spawn(move || all(output)), std::thread::spawn(move || all(errors))];
        Program { child, stdin, ready, said }
    }

    fn address(&self) -> &str {
        self.ready["address"].as_str().unwrap()
    }

    /// Ends it without a word of warning.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Closes its input; how it ended, and all that it said.
    fn close(mut self) -> (ExitStatus, String) {
        drop(self.stdin.take());
        let status = self.ended();
        let said = std::mem::take(&mut self.said).into_iter().map(|said| said.join().unwrap());
        (status, said.collect())
    }

    fn ended(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            match self.child.try_wait().unwrap() {
                Some(status) => return status,
                None if start.elapsed() > Duration::from_secs(60) => panic!("it does not end"),
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    #[cfg(unix)]
    fn terminate(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has ended, unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn all(mut output: impl Read) -> String {
    let mut bytes = Vec::new();
    output.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A simulator in a process of its own, and a folder with a configuration for it.
struct Scene {
    server: Program,
    folder: tempfile::TempDir,
}

impl Scene {
    fn new(switches: &[&str], serve: &str) -> Scene {
        let mut args = vec!["sandbox", "--json", "--until-eof"];
        switches.iter().for_each(|switch| args.extend(["--set", switch]));
        let server = Program::start(&args, &[]);
        let folder = tempfile::tempdir().unwrap();
        // Of the exports nobody knows whether they may be repeated: a step must not run twice.
        let catalogue = pult::services::sp::catalogue::SHIPPED.replacen("repeatable  = true", "repeatable  = false", 1);
        std::fs::write(folder.path().join("catalogue.toml"), catalogue).unwrap();
        let quoted = |path: PathBuf| Value::from(path.display().to_string());
        let sp = &server.ready["sp"];
        let config = format!(
            "[sp.main]\naddress = {}\nuser = {}\npassword = {{ env = \"{PASSWORD_VARIABLE}\" }}\ninsecure = true\n\
             catalogue = {}\nstate = {}\n\n[serve]\nlisten = \"127.0.0.1:0\"\n{serve}\n\n\
             [serve.tokens]\nportal = {{ env = \"SERVE_TEST_TOKEN\" }}\n",
            sp["address"],
            sp["user"],
            quoted(folder.path().join("catalogue.toml")),
            quoted(folder.path().join("state.db")),
        );
        std::fs::write(folder.path().join("pult.toml"), config).unwrap();
        Scene { server, folder }
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("pult.toml")
    }

    fn password(&self) -> &str {
        self.server.ready["sp"]["password"].as_str().unwrap()
    }

    fn serve(&self, args: &[&str]) -> Program {
        let config = self.config().display().to_string();
        let args = [&["serve", "--json", "--until-eof", "--config", &config], args].concat();
        Program::start(&args, &[(PASSWORD_VARIABLE, self.password()), ("SERVE_TEST_TOKEN", TOKEN)])
    }

    /// What procedures of the catalogue the server was asked for: name, parameters, outcome.
    fn calls(&self) -> Vec<(String, Value, String)> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pult"));
        command.args(["eval", "--json", "sp.query(\"EXEC sandbox.calls\")", "--config"]).arg(self.config());
        let done = command.env(PASSWORD_VARIABLE, self.password()).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let calls: Vec<Value> = serde_json::from_slice(&done.stdout).unwrap();
        let text = |call: &Value, name: &str| call[name].as_str().unwrap_or_default().replace(['[', ']'], "");
        let of_catalogue =
            calls.iter().filter(|call| text(call, "kind") == "rpc" && text(call, "text").contains(".sp_"));
        let of_catalogue = of_catalogue.filter(|call| !text(call, "text").contains("applock"));
        let told = of_catalogue.map(|call| {
            let parameters =
                call["parameters"].as_str().map_or(call["parameters"].clone(), |text| text.parse().unwrap());
            (text(call, "text"), parameters, text(call, "outcome"))
        });
        told.collect()
    }
}

/// Asks a service; what it answered: status and JSON.
async fn ask(method: &str, place: &str, body: Option<&Value>) -> (u16, Value) {
    let request = reqwest::Client::new().request(method.parse().unwrap(), place).bearer_auth(TOKEN);
    let request = match body {
        Some(body) => request.header("content-type", "application/json").body(body.to_string()),
        None => request,
    };
    let answer = request.send().await.unwrap();
    let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
    (status, serde_json::from_str(&text).unwrap_or(Value::from(text)))
}

/// The run, when it has come so far.
async fn until(program: &Program, id: &str, is_it: impl Fn(&Value) -> bool) -> Value {
    let start = Instant::now();
    loop {
        let (_, run) = ask("GET", &format!("{}/api/runs/{id}", program.address()), None).await;
        if is_it(&run) {
            return run;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "it does not come so far: {run:#}");
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
}

fn steps<'a>(run: &'a Value, state: &'a str) -> impl Iterator<Item = &'a Value> {
    run["steps"].as_array().unwrap().iter().filter(move |step| step["state"] == state)
}

fn order() -> Value {
    json!({ "name": "payment", "codes": ["0c01", "0c05", "0c06", "0c10"], "month": 7, "year": 2019 })
}

#[tokio::test]
async fn a_service_that_is_killed_in_a_run_goes_on_with_it_after_its_restart() {
    let scene = Scene::new(&["sp.durations={\"prep\":400,\"crude\":20,\"heap\":20}"], "");
    let service = scene.serve(&[]);
    let (status, run) = ask("POST", &format!("{}/api/runs", service.address()), Some(&order())).await;
    assert_eq!(status, 202, "{run:#}");
    let id = run["id"].as_str().unwrap().to_owned();
    let begun = |run: &Value| steps(run, "ok").count() == 1 && steps(run, "running").count() == 1;
    until(&service, &id, begun).await;
    service.kill();

    let service = scene.serve(&[]);
    let run = until(&service, &id, |run| run["state"] == "interrupted").await;
    assert_eq!((steps(&run, "ok").count(), steps(&run, "interrupted").count()), (1, 1), "{run:#}");
    let (_, status) = ask("GET", &format!("{}/api/status", service.address()), None).await;
    assert_eq!(status["running"], false);
    let place = format!("{}/api/runs/{id}/resume", service.address());
    let (mut status, mut answer) = ask("POST", &place, Some(&json!({}))).await;
    if status == 409 {
        // Whether the step was done nobody knows but who looks at the server: it was lost there.
        assert_eq!(answer["error"], "sp.unknown_outcome");
        assert_eq!(scene.calls().iter().filter(|(.., outcome)| outcome == "ok").count(), 1);
        (status, answer) = ask("POST", &place, Some(&json!({ "unknown": "repeat" }))).await;
    }
    assert_eq!(status, 202, "{answer:#}");
    let run = until(&service, &id, |run| !matches!(run["state"].as_str(), Some("running" | "waiting"))).await;
    assert_eq!((&run["state"], &run["resumed"]), (&json!("ok"), &json!(1)), "{run:#}");
    assert!(service.close().0.success());

    let calls = scene.calls();
    let done: Vec<_> = calls.iter().filter(|(.., outcome)| outcome == "ok").collect();
    for code in ["0c01", "0c05", "0c06", "0c10"] {
        let times = done.iter().filter(|(name, parameters, _)| {
            name.contains("export") && parameters.to_string().contains(&format!("\"{code}\""))
        });
        assert_eq!(times.count(), 1, "{code}: {calls:#?}");
    }
    for stage in ["crude.sp_load_datasource_payment", "heap.sp_load_to_heap_from_crude_payment"] {
        assert_eq!(done.iter().filter(|(name, ..)| name == stage).count(), 1, "{stage}: {calls:#?}");
    }
    assert_eq!(calls.len(), 7, "four exports, the one that was lost, and two loads: {calls:#?}");
}

#[cfg(unix)]
#[tokio::test]
async fn asked_to_stop_it_cancels_or_finishes_and_asked_again_ends_at_once() {
    let scene = Scene::new(&["sp.durations={\"prep\":1500,\"crude\":1,\"heap\":1}"], "on_stop = \"cancel\"");
    let one = json!({ "name": "payment", "code": "0c06", "month": 7, "year": 2019 });
    let begin = async |service: &Program| {
        let (status, run) = ask("POST", &format!("{}/api/runs", service.address()), Some(&one)).await;
        assert_eq!(status, 202, "{run:#}");
        let id = run["id"].as_str().unwrap().to_owned();
        until(service, &id, |run| steps(run, "running").count() == 1).await;
        id
    };
    let mut service = scene.serve(&[]);
    let cancelled = begin(&service).await;
    service.terminate();
    assert_eq!(service.ended().code(), Some(0));

    let mut service = scene.serve(&["--on-stop", "finish"]);
    assert_eq!(until(&service, &cancelled, |_| true).await["state"], "cancelled");
    let finished = begin(&service).await;
    service.terminate();
    assert_eq!(service.ended().code(), Some(0));

    let mut service = scene.serve(&["--on-stop", "finish"]);
    assert_eq!(until(&service, &finished, |_| true).await["state"], "ok");
    let broken = begin(&service).await;
    service.terminate();
    tokio::time::sleep(Duration::from_millis(200)).await;
    service.terminate();
    assert_eq!(service.ended().code(), Some(130));
    let service = scene.serve(&[]);
    assert_eq!(until(&service, &broken, |_| true).await["state"], "interrupted");
}

#[tokio::test]
async fn nothing_that_it_says_has_a_secret_in_it() {
    let scene = Scene::new(&[&format!("sp.messages=[\"logged in with {TOKEN}\"]")], "access_log = \"-\"");
    let service = scene.serve(&[]);
    let place = |path: &str| format!("{}{path}", service.address());
    let mut heard = String::new();
    for path in [&format!("/api/runs?token={TOKEN}"), &format!("/api/runs/{TOKEN}"), &format!("/{TOKEN}/is_dated")] {
        heard.push_str(&ask("GET", &place(path), None).await.1.to_string());
    }
    let old = json!({ "token": TOKEN, "user": TOKEN, "code": "0c06", "name": TOKEN });
    heard.push_str(&ask("POST", &place("/entity_sync"), Some(&old)).await.1.to_string());
    let (_, run) = ask("POST", &place("/api/runs"), Some(&order())).await;
    let id = run["id"].as_str().unwrap();
    let run = until(&service, id, |run| run["state"] != "running").await;
    assert!(run.to_string().contains("logged in with ***"), "{run:#}");
    heard.push_str(&ask("GET", &place(&format!("/api/runs/{id}/events")), None).await.1.to_string());
    for path in ["/api/status", "/api/runs", "/metrics", "/readyz", "/api/whoami"] {
        heard.push_str(&ask("GET", &place(path), None).await.1.to_string());
    }
    let (status, said) = service.close();
    assert!(status.success());
    assert!(said.contains(" portal \"POST /api/runs\" 202 "), "{said}");
    for secret in [TOKEN, scene.password()] {
        assert!(!said.contains(secret), "{said}");
        assert!(!heard.contains(secret), "{heard}");
    }
}

/// What a service that does not start says, and its exit code.
fn refused(folder: &Path, config: &str, args: &[&str]) -> (Option<i32>, String) {
    std::fs::write(folder.join("pult.toml"), config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_pult"));
    let done = command.arg("serve").args(args).arg("--config").arg(folder.join("pult.toml")).output().unwrap();
    (done.status.code(), String::from_utf8_lossy(&done.stderr).into_owned())
}

#[test]
fn a_service_that_cannot_start_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let sp = "[sp.main]\naddress = \"127.0.0.1:1\"\nuser = \"u\"\npassword = { env = \"PATH\" }\n";
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = format!("listen = \"{}\"", taken.local_addr().unwrap());
    let token = "[serve.tokens]\nann = \"0123456789abcdef\"\n";
    for (config, args, said) in [
        (sp.to_owned(), &[][..], "there is no token"),
        (format!("{sp}[serve]\nlisen = \"x\"\n"), &[][..], "did you mean `listen`?"),
        (format!("{sp}[serve.tokens]\nann = \"0123456789\"\n"), &[][..], "shorter than 16 characters"),
        (format!("{sp}{token}bob = \"0123456789abcdef\"\n"), &[][..], "another user's too"),
        (format!("{sp}[serve]\n{listen}\n{token}"), &[][..], "--listen"),
        (format!("{sp}[serve]\nconnection = \"second\"\n{token}"), &[][..], "[sp.second]"),
        (token.to_owned(), &[][..], "[sp.main]"),
        (format!("{sp}{token}"), &["--dry-run"][..], "nothing to serve"),
    ] {
        let (code, told) = refused(folder.path(), &config, args);
        assert!(code == Some(2) && told.contains(said), "{config}\n{code:?} {told}");
        assert!(!told.contains("0123456789abcdef"), "{told}");
    }
}
