//! The rest of the Orchestrator: queues, tasks, resources, processes, triggers, storage, messages.

use super::*;

/// The GUID in an answer to something that was made.
#[track_caller]
fn made(said: (u16, Value)) -> String {
    assert_eq!(said.0, 200, "{}", said.1);
    said.1["guid"].as_str().unwrap().to_owned()
}

impl Story {
    async fn task(&self, queue: &str, name: &str, more: &[(&str, &str)]) -> String {
        let fields = [&[("name", name), ("queue_guid", queue)], more].concat();
        made(self.post("task/create", &fields).await)
    }

    async fn read_task(&self, key: &str) -> Value {
        self.get(&format!("task/read/{key}")).await.1
    }

    async fn last(&self, queue: &str) -> Value {
        self.get(&format!("queue/lastTask/{queue}")).await.1
    }
}

#[tokio::test]
async fn the_seeded_queue_is_worked_off_in_two_calls_as_the_published_example_does() {
    let story = story(|_| {}).await;
    let first = story.last("invoices").await;
    // The sixth has a high priority.
    assert_eq!((&first["name"], &first["status"]), (&json!("inv-0006"), &json!(0)));
    let parameters = inner(&first["parameters"]);
    for name in ["number", "sum", "counterparty", "file"] {
        assert!(!parameters[name].is_null(), "{parameters}");
    }
    // It is not reserved.
    assert_eq!(story.last("invoices").await["guid"], first["guid"]);
    let guid = first["guid"].as_str().unwrap();
    assert_eq!(story.put("task/update", &[("guid", guid), ("status", "1")]).await, (200, json!([])));
    assert_ne!(story.last("invoices").await["guid"], first["guid"]);
    assert_eq!(story.put("task/update", &[("Guid", "inv-0006"), ("Status", "2")]).await.0, 200);
    assert_eq!(story.read_task("inv-0006").await["status"], 2);
    for name in 1..=12 {
        story.put("task/update", &[("guid", &format!("inv-{name:04}")), ("status", "2")]).await;
    }
    assert_eq!(story.last("invoices").await, json!([]));
    assert_eq!(story.get("queue/lastTask/nowhere").await.0, 404);
}

#[tokio::test]
async fn what_is_past_its_deadline_goes_before_everything_else() {
    let story = story(|_| {}).await;
    let queue = made(story.post("queue/create", &[("Name", "q")]).await);
    let tomorrow = super::super::clock::date(story.look("state").await["now"].as_f64().unwrap() + 86_400.0);
    story.task(&queue, "low", &[("Priority", "Low")]).await;
    story.task(&queue, "normal", &[("deadline", &tomorrow)]).await;
    story.task(&queue, "high", &[("Priority", "2")]).await;
    assert_eq!(story.last(&queue).await["name"], "high");
    story.advance(90_000.0).await;
    assert_eq!(story.last(&queue).await["name"], "normal");
    assert_eq!(story.put("task/update", &[("guid", "low"), ("deadline", "soon")]).await.0, 422);
}

#[tokio::test]
async fn filters_choose_and_take_at_once() {
    let story = story(|knobs| knobs.tasks = 0).await;
    for (name, tags) in [("a-1", "x;y"), ("a-2", "x"), ("b-1", "y")] {
        story.task("invoices", name, &[("Tags", tags)]).await;
    }
    let names = |said: (u16, Value)| -> Vec<String> {
        said.1.as_array().unwrap().iter().map(|task| task["name"].as_str().unwrap().to_owned()).collect()
    };
    let list = "task/filter/list/invoices";
    assert_eq!(names(story.post(list, &[]).await), ["a-1", "a-2", "b-1"]);
    assert_eq!(names(story.post(list, &[("name", "A-*")]).await), ["a-1", "a-2"]);
    assert_eq!(names(story.post(list, &[("tags", "+x;-y")]).await), ["a-2"]);
    assert_eq!(names(story.post(list, &[("offset", "1"), ("count", "1")]).await), ["a-2"]);
    assert_eq!(names(story.post(&format!("{list}/name=b-%3F&status=0"), &[]).await), ["b-1"]);
    assert_eq!(names(story.post(list, &[("created_from", "01.01.2999 00:00:00")]).await), Vec::<String>::new());
    let read = "task/filter/read/invoices";
    assert_eq!(story.post(read, &[("name", "none")]).await, (200, json!([])));
    assert_eq!(story.post(read, &[("name", "none"), ("error_when_none", "1")]).await.0, 404);
    let taken = story.post(read, &[("take", "1"), ("tags", "y")]).await.1;
    assert_eq!((&taken["name"], &taken["status"], &taken["attempts"]), (&json!("a-1"), &json!(1), &json!(1)));
    assert_eq!(story.post(read, &[("take", "1"), ("tags", "y")]).await.1["name"], "b-1");
    assert_eq!(story.post(read, &[("take", "1"), ("tags", "y")]).await.1, json!([]));
    story.control("knobs", json!({"filters": false})).await;
    assert_eq!(story.post(read, &[]).await.0, 404);
}

#[tokio::test]
async fn two_robots_that_take_drain_a_queue_without_doing_a_task_twice() {
    let story = story(|knobs| knobs.tasks = 100).await;
    let other = story.look("state").await["robots"][1]["guid"].as_str().unwrap().to_owned();
    let asked = (0..120).map(|number| {
        let guid = if number % 2 == 0 { FIRST } else { &other };
        story.form_of(guid, Method::POST, "task/filter/read/invoices", &[("take", "1")])
    });
    let mut taken: Vec<String> = futures_util::future::join_all(asked)
        .await
        .into_iter()
        .filter_map(|(_, task)| task["guid"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(taken.len(), 100);
    taken.sort();
    taken.dedup();
    assert_eq!(taken.len(), 100);
}

#[tokio::test]
async fn a_taken_task_is_locked_until_its_time_is_over() {
    let story = story(|knobs| knobs.lock_seconds = 60.0).await;
    let other = story.look("state").await["robots"][1]["guid"].as_str().unwrap().to_owned();
    let task = story.post("task/filter/read/invoices", &[("take", "1")]).await.1["guid"].as_str().unwrap().to_owned();
    let fields = [("guid", task.as_str()), ("status", "2")];
    assert_eq!(story.form_of(&other, Method::PUT, "task/update", &fields).await.0, 409);
    let key = story.orchestrator.api_key();
    assert_eq!(story.form_of(&key, Method::PUT, "task/update", &[("guid", &task), ("comment", "x")]).await.0, 200);
    story.advance(61.0).await;
    assert_eq!(story.form_of(&other, Method::PUT, "task/update", &fields).await.0, 200);
}

#[tokio::test]
async fn postponed_tasks_come_back_and_failed_ones_are_tried_again() {
    let story = story(|_| {}).await;
    let queue = [("Name", "q"), ("MaxAttempts", "2"), ("RetryDelay", "30")];
    let queue = made(story.post("queue/create", &queue).await);
    let task = story.task(&queue, "t", &[]).await;
    let later = story.look("state").await["now"].as_f64().unwrap() + 100.0;
    story.put("task/update", &[("guid", &task), ("PostponedUntil", &super::super::clock::date(later))]).await;
    assert_eq!(story.read_task(&task).await["status"], 5);
    assert_eq!(story.last(&queue).await, json!([]));
    story.advance(101.0).await;
    assert_eq!(story.last(&queue).await["guid"], json!(task));
    for (status, then) in [("3", 5), ("3", 3)] {
        story.put("task/update", &[("guid", &task), ("status", "1")]).await;
        story.put("task/update", &[("guid", &task), ("status", status)]).await;
        assert_eq!(story.read_task(&task).await["status"], then);
        story.advance(31.0).await;
    }
    // A business error is final at once.
    let task = story.task(&queue, "u", &[]).await;
    story.put("task/update", &[("guid", &task), ("status", "4")]).await;
    assert_eq!(story.read_task(&task).await["status"], 4);
}

#[tokio::test]
async fn names_are_unique_where_the_queue_says_so_and_tags_come_and_go() {
    let story = story(|_| {}).await;
    assert_eq!(story.post("task/create", &[("Name", "pay-1"), ("QueueGuid", "payments")]).await.0, 409);
    let task = story.task("payments", "pay-9", &[]).await;
    assert_eq!(story.put("task/update", &[("guid", &task), ("name", "pay-1")]).await.0, 409);
    story.post("task/addTag", &[("Guid", &task), ("Tags", "a;b;a")]).await;
    assert_eq!(story.read_task(&task).await["tags"], "a;b");
    story.post("task/removeTag", &[("Guid", &task), ("Tags", "a")]).await;
    assert_eq!(story.read_task(&task).await["tags"], "b");
    assert_eq!(story.form(Method::DELETE, "task/delete", &[("Guid", &task)]).await.0, 200);
    assert_eq!(story.get(&format!("task/read/{task}")).await.0, 404);
    assert_eq!(story.post("task/create", &[("Name", "x")]).await.0, 422);
    assert_eq!(story.put("task/update", &[("guid", "pay-1"), ("status", "7")]).await.0, 422);
}

#[tokio::test]
async fn a_job_that_ends_badly_takes_its_tasks_along_where_the_queue_says_so() {
    let story = story(|_| {}).await;
    story.control("job", json!({"version": "x", "task": {"name": "own", "queue": "payments"}})).await;
    let job = story.taken().await;
    story.update(&job, 8).await;
    assert_eq!(story.read_task("own").await["status"], 1);
    story.post("task/filter/read/payments", &[("take", "1"), ("name", "pay-1")]).await;
    story.post("task/filter/read/invoices", &[("take", "1"), ("name", "inv-0001")]).await;
    story.control("abort", json!({"job": job})).await;
    story.update(&job, 3).await;
    // That queue tries three times: both wait again.
    for (task, status, attempts) in [("own", 0, 1), ("pay-1", 0, 1), ("inv-0001", 1, 1)] {
        let shown = story.read_task(task).await;
        assert_eq!((&shown["status"], &shown["attempts"]), (&json!(status), &json!(attempts)), "{task}");
    }
}

#[tokio::test]
async fn resources_are_seen_by_those_they_are_for() {
    let story = story(|_| {}).await;
    let robots = story.look("state").await["robots"].clone();
    let of = |number: usize| robots[number]["guid"].as_str().unwrap().to_owned();
    let (second, third) = (of(1), of(2));
    let login = story.get("asset/read/1c_login").await.1;
    assert_eq!(
        (&login["type"], &login["text"], &login["password"]),
        (&json!(1), &json!("robot"), &json!("S3cret-Пароль"))
    );
    assert_eq!(inner(&story.get("asset/read/calendar").await.1["text"])["2026-01-01"], "holiday");
    for (guid, name, status) in [
        (FIRST, "bank_login", 200),
        (second.as_str(), "bank_login", 404),
        (&second, "group_note", 200),
        (&third, "group_note", 404),
        (&story.orchestrator.api_key(), "bank_login", 200),
    ] {
        let said = Story::said(story.request(Method::GET, &format!("asset/read/{name}"), guid)).await;
        assert_eq!(said.0, status, "{name}");
    }
    let note = made(story.post("asset/create", &[("Name", "note"), ("Type", "2"), ("Text", "один")]).await);
    assert_eq!(story.put("asset/update", &[("guid", &note), ("text", "два")]).await, (200, json!([])));
    assert_eq!(story.get("asset/read/note").await.1["text"], "два");
    assert_eq!(story.put("asset/update", &[("guid", &note), ("RobotType", "9")]).await.0, 422);
    assert_eq!(story.form(Method::DELETE, &format!("asset/delete/{note}"), &[]).await.0, 200);
    assert_eq!(story.get("asset/read/note").await.0, 404);
    story.control("knobs", json!({"by_name": false})).await;
    assert_eq!(story.get("asset/read/1c_login").await.0, 404);
}

#[tokio::test]
async fn a_version_is_published_in_parts_and_started() {
    let story = story(|_| {}).await;
    let process = made(story.post("process/create", &[("Name", "Ночной"), ("Description", "д")]).await);
    let parts = format!(
        "--b\r\nContent-Disposition: form-data; name=\"Name\"\r\n\r\nnight\r\n--b\r\nContent-Disposition: form-data; \
         name=\"ProcessGuid\"\r\n\r\n{process}\r\n--b\r\nContent-Disposition: form-data; name=\"ProcessFile\"; \
         filename=\"night.robot\"\r\n\r\n\x01\x02\r\n--b--\r\n"
    );
    let request = story.request(Method::POST, "processVersion/create", FIRST);
    let request = request.header("Content-Type", "multipart/form-data; boundary=b").body(parts);
    let version = made(Story::said(request).await);
    let shown = story.get(&format!("processVersion/read/{version}")).await.1;
    assert_eq!((&shown["name"], &shown["process_file_name"]), (&json!("night"), &json!("night.robot")));
    assert_eq!((&shown["process_file_size"], shown.get("process_file")), (&json!(2), None));
    story.control("knobs", json!({"version_files": true})).await;
    assert_eq!(story.get("processVersion/read/night").await.1["process_file"], "AQI=");
    let job = made(story.post("job/create", &[("ProcessGuid", &process), ("RobotGuid", FIRST)]).await);
    let read = story.get(&format!("job/read/{job}")).await.1;
    assert_eq!((&read["status"], &read["process_version_guid"]), (&json!(1), &json!(version)));
    assert_eq!(story.taken().await, job);
    assert_eq!(story.post("job/create", &[("ProcessGuid", &process)]).await.0, 422);
    assert_eq!(story.post("processVersion/create", &[("Name", "x"), ("ProcessGuid", &process)]).await.0, 422);
    assert_eq!(story.form(Method::DELETE, &format!("process/delete/{process}"), &[]).await.0, 200);
    assert_eq!(story.get(&format!("processVersion/read/{version}")).await.0, 404);
}

#[tokio::test]
async fn triggers_make_jobs_by_the_clock_and_again_and_again() {
    let story = story(|_| {}).await;
    let nightly = [
        ("Name", "n"),
        ("ProcessingType", "2"),
        ("CronTab", "30 2 * * *"),
        ("RobotId", FIRST),
        ("ProcessId", "Ночное обслуживание 1С"),
        ("CheckMissedTrigger", "1"),
        ("MaxRuns", "3"),
    ];
    let nightly = made(story.post("schedule/create", &nightly).await);
    assert_eq!(story.beat("2", "").await["HasNewJob"], 0);
    story.advance(2.0 * 86_400.0).await;
    assert_eq!(story.look("state").await["jobs"].as_array().unwrap().len(), 2);
    story.advance(2.0 * 86_400.0).await;
    assert_eq!(story.look("state").await["jobs"].as_array().unwrap().len(), 3);
    assert_eq!(story.get(&format!("schedule/read/{nightly}")).await.1["runs"], 3);
    story.control("reset", json!({"data": true})).await;

    let again = [("Name", "a"), ("ProcessingType", "1"), ("RobotId", "1"), ("ProcessId", "1")];
    let again = made(story.post("schedule/create", &again).await);
    for _ in 0..3 {
        let job = story.taken().await;
        assert_eq!(story.consume().await["ConsumeJobErrorCode"], 102);
        story.update(&job, 8).await;
        story.update(&job, 4).await;
    }
    assert_eq!(story.put("schedule/update", &[("guid", &again), ("Status", "0")]).await.0, 200);
    story.taken().await;
    for wrong in [
        &[("Name", "x"), ("ProcessingType", "2"), ("CronTab", "no"), ("RobotId", "1"), ("ProcessId", "1")][..],
        &[("Name", "x"), ("ProcessingType", "1"), ("ProcessId", "1")],
        &[("Name", "x"), ("ProcessingType", "1"), ("RobotId", "1")],
        &[("Name", "x"), ("RobotId", "1"), ("ProcessId", "1")],
    ] {
        assert_eq!(story.post("schedule/create", wrong).await.0, 422, "{wrong:?}");
    }
}

#[tokio::test]
async fn groups_share_work() {
    let story = story(|_| {}).await;
    let robots = story.look("state").await["robots"].clone();
    let third = robots[2]["guid"].as_str().unwrap().to_owned();
    let group = made(story.post("robotGroup/create", &[("Name", "g"), ("Robots", &format!("{FIRST};{third}"))]).await);
    let job =
        made(story.post("job/create", &[("ProcessVersionGuid", "robot_nightly_1c"), ("RobotGroupGuid", &group)]).await);
    let fields = [("RobotGUID", third.as_str())];
    let said = story.form_of(&third, Method::POST, "robot/consumeNextJob", &fields).await.1;
    assert_eq!(inner(&said["Job"])["GUID"], json!(job));
    assert_eq!(story.consume().await["ConsumeJobErrorCode"], 102);
    assert_eq!(story.get(&format!("robotGroup/read/{group}")).await.1["robots"], json!([FIRST, third]));
}

#[tokio::test]
async fn files_lie_in_folders() {
    let story = story(|_| {}).await;
    let folders = story.get("folders/list").await.1;
    let folder = folders[0]["guid"].as_str().unwrap().to_owned();
    let inside = story.get(&format!("folders/read/{folder}")).await.1;
    assert_eq!(inside["files"][0]["name"], "readme.txt");
    let text = base64::engine::general_purpose::STANDARD.encode("текст");
    let file = made(story.post("files/create", &[("Name", "a.txt"), ("FolderGuid", &folder), ("File", &text)]).await);
    let read = story.request(Method::GET, &format!("files/read/{file}"), FIRST).send().await.unwrap();
    assert!(read.headers()["content-disposition"].to_str().unwrap().contains("a%2Etxt"));
    assert_eq!(read.text().await.unwrap(), "текст");
    assert_eq!(story.form(Method::DELETE, &format!("folders/delete/{folder}"), &[]).await.0, 409);
    assert_eq!(story.form(Method::DELETE, &format!("files/delete/{file}"), &[]).await.0, 200);
    assert_eq!(story.get(&format!("files/read/{file}")).await.0, 404);
}

#[tokio::test]
async fn lists_that_nobody_documented_may_be_absent() {
    let story = story(|_| {}).await;
    for (list, wanted) in [("robot/list", 3), ("process/list", 4), ("queue/list", 2), ("files/list", 1)] {
        assert_eq!(story.get(list).await.1.as_array().unwrap().len(), wanted, "{list}");
    }
    story.control("knobs", json!({"lists": false})).await;
    assert_eq!(story.get("robot/list").await.0, 404);
}

#[tokio::test]
async fn messages_are_kept_and_purged() {
    let story = story(|_| {}).await;
    let job = story.job("x").await;
    let fields = [("RobotGUID", FIRST), ("JobGUID", &job), ("Level", "3"), ("Message", "не вышло")];
    assert_eq!(story.post("log/create", &fields).await, (200, json!([])));
    assert_eq!(story.post("log/create", &[("RobotGUID", FIRST), ("Message", "ещё")]).await.0, 200);
    assert_eq!(story.post("log/create", &[("RobotGUID", FIRST)]).await.0, 422);
    let messages = story.look(&format!("messages?job={job}")).await;
    assert_eq!(messages.as_array().unwrap().len(), 1);
    assert_eq!((&messages[0]["text"], &messages[0]["level"]), (&json!("не вышло"), &json!(3)));
    let guid = messages[0]["guid"].as_str().unwrap().to_owned();
    let read = story.get(&format!("log/read/{guid}")).await.1;
    assert_eq!((&read["Message"], &read["Level"], &read["robot_id"]), (&json!("не вышло"), &json!(3), &json!(1)));
    let key = story.orchestrator.api_key();
    assert_eq!(story.form_of(&key, Method::DELETE, "log/purge", &[("Time", "99999999999")]).await.0, 200);
    assert_eq!(story.look("messages").await, json!([]));
}

#[tokio::test]
async fn robots_are_made_renamed_and_asked_for_their_status() {
    let story = story(|_| {}).await;
    let said = story.post("robot/create", &[("Name", "r9"), ("Description", "d")]).await.1;
    let guid = said["GUID"].as_str().unwrap().to_owned();
    assert_eq!((&said["Name"], &said["Status"]), (&json!("r9"), &json!(0)));
    assert_eq!(story.beat_of(&guid, "2", "").await["HeartbeatErrorCode"], 0);
    assert_eq!(story.get(&format!("robot/getStatus/{guid}")).await.1, json!({"Status": 2}));
    assert_eq!(story.put("robot/setStatus", &[("GUID", &guid), ("Status", "3")]).await.0, 200);
    assert_eq!(story.put("robot/update", &[("GUID", &guid), ("Name", "r10")]).await, (200, json!([])));
    let read = story.get(&format!("robot/read/{guid}")).await.1;
    assert_eq!((&read["name"], &read["status"], &read["description"]), (&json!("r10"), &json!(3), &json!("d")));
    assert_eq!(story.form(Method::DELETE, &format!("robot/delete/{guid}"), &[]).await.0, 200);
    assert_eq!(story.get(&format!("robot/read/{guid}")).await.0, 404);
}
