//! Disks, images, files, backups, snapshots.

use super::*;

#[tokio::test]
async fn disks_are_made_grown_moved_and_removed() {
    let story = story(|_| ()).await;
    let pool = story.ids("data-pools/?limit=1").await.remove(0);
    let body = json!({"verbose_name": "d", "datapool": pool, "size": 5.5});
    let (status, said) = story.post("vdisks/?async=1", body.clone()).await;
    assert_eq!(status, 202);
    story.over(&said).await;
    let id = said["entity"].as_str().unwrap();
    assert_eq!(story.good(&format!("vdisks/{id}/")).await["size"], 5.5);
    assert_eq!(story.post("vdisks/", body).await.0, 400, "the name is taken");
    assert_eq!(story.post(&format!("vdisks/{id}/extend/"), json!({"size": 3})).await.0, 400);
    assert_eq!(story.done(&format!("vdisks/{id}/extend/"), json!({"size": 8})).await["size"], 8.0);
    let vm = story.off().await;
    let said = story.done(&format!("domains/{vm}/attach-vdisk/"), json!({"vdisk": id, "target_bus": "scsi"})).await;
    assert_eq!(said["vdisks_count"], 2);
    assert_eq!(story.post(&format!("domains/{vm}/attach-vdisk/"), json!({"vdisk": id})).await.0, 400);
    assert_eq!(story.done(&format!("domains/{vm}/detach-vdisk/"), json!({"vdisk": id})).await["vdisks_count"], 1);
    story.done(&format!("vdisks/{id}/remove/"), json!({})).await;
    assert_eq!(story.get(&format!("vdisks/{id}/")).await.0, 404);
    let all = story.good(&format!("domains/{vm}/all-content/")).await;
    assert_eq!((all["vdisks"][0]["size"].clone(), all["cdroms"].as_array().unwrap().len()), (json!(20.0), 1));
    let iso = story.ids("iso/?limit=1").await.remove(0);
    let cdrom = all["cdroms"][0]["id"].clone();
    story.done(&format!("domains/{vm}/attach-iso/"), json!({"iso": iso, "cdrom": cdrom})).await;
    assert_eq!(story.good(&format!("iso/{iso}/")).await["domains"][0]["id"], json!(vm));
    assert_eq!(story.post(&format!("iso/{iso}/remove/"), json!({})).await.0, 400);
    story.done(&format!("domains/{vm}/detach-iso/"), json!({"cdrom": cdrom})).await;
    story.done(&format!("iso/{iso}/remove/"), json!({})).await;
}

#[tokio::test]
async fn files_are_uploaded_fetched_downloaded_and_imported() {
    let story = story(|_| ()).await;
    let pool = story.ids("data-pools/?limit=1").await.remove(0);
    let (status, file) = story.put("library/", json!({"datapool": pool, "filename": "a.qcow2"})).await;
    assert_eq!((status, &file["status"]), (200, &json!("CREATING")));
    let form =
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.qcow2\"\r\n\r\nthe disk\r\n--b--\r\n";
    let upload = story.request(Method::POST, file["upload_url"].as_str().unwrap());
    let upload = upload.header("Content-Type", "multipart/form-data; boundary=b").body(form);
    let (status, said) = Story::said(upload).await;
    assert_eq!((status, &said["status"], &said["size"]), (200, &json!("ACTIVE"), &json!(8)));
    let id = file["id"].as_str().unwrap();
    let (_, said) = story.put(&format!("library/{id}/download/"), json!({})).await;
    // Nobody sends a token here.
    let url = format!("{}{}", story.base, said["download_url"].as_str().unwrap());
    assert_eq!(story.client.get(url).send().await.unwrap().text().await.unwrap(), "the disk");
    let (_, said) = story.post(&format!("library/{id}/import-file/?async=1"), json!({"verbose_name": "i"})).await;
    let task = story.over(&said).await;
    let disk = story.good(&format!("tasks/{}/response/", task["id"].as_str().unwrap())).await;
    assert_eq!((&disk["entity_type"], &disk["id"]), (&json!("vdisk"), &said["entity"]));
    let (_, iso) = story.put("iso/", json!({"datapool": pool, "url": "http://example.com/x.iso"})).await;
    assert_eq!((&iso["filename"], &iso["status"]), (&json!("x.iso"), &json!("CREATING")));
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(story.good(&format!("iso/{}/", iso["id"].as_str().unwrap())).await["status"], "ACTIVE");
}

#[tokio::test]
async fn backups_come_back_as_machines() {
    let story = story(|_| ()).await;
    let (vm, node) = (story.off().await, story.ids("nodes/?limit=1").await.remove(0));
    story.done("domains/backup/", json!({"domain": vm, "can_be_incremental": true})).await;
    let files = story.good(&format!("library/?domain={vm}")).await;
    assert_eq!((&files["count"], &files["results"][0]["assignment_type"]), (&json!(1), &json!("backup")));
    let file = &files["results"][0]["id"];
    assert_eq!(story.done("domains/show-backup/", json!({"file": file})).await["domain"]["id"], json!(vm));
    let restored = story.done("domains/automated-restore/", json!({"file": file, "node": node})).await;
    assert!(restored["verbose_name"].as_str().unwrap().ends_with("-restored"));
}

#[tokio::test]
async fn snapshots_make_a_tree() {
    let story = story(|_| ()).await;
    let vm = story.off().await;
    let take = |name: &str| story.done("snapshots/", json!({"domain": vm, "verbose_name": name}));
    let (first, second) = (take("first").await, take("second").await);
    assert_eq!((&second["parent"], &second["with_memory"]), (&first["id"], &json!(false)));
    let info = story.good(&format!("domains/{vm}/snapshots-info/")).await;
    assert_eq!((&info["count"], info["size"].as_i64().unwrap() > 0), (&json!(2), true));
    let tree = story.good(&format!("domains/{vm}/snapshots-tree/")).await;
    assert_eq!(tree[0]["children"][0]["verbose_name"], "second");
    story.put(&format!("domains/{vm}/"), json!({"cpu_count": 31})).await;
    let id = first["id"].as_str().unwrap();
    story.done(&format!("snapshots/{id}/revert/"), json!({})).await;
    let domain = story.good(&format!("domains/{vm}/")).await;
    assert_ne!(domain["cpu_count"], 31);
    assert_eq!((&domain["applied_snapshot"], &domain["current_state"]), (&first["id"], &first["id"]));
    story.done(&format!("snapshots/{id}/remove/"), json!({})).await;
    assert_eq!(story.good(&format!("snapshots/?domain={vm}")).await["results"][0]["parent"], Value::Null);
    story.done(&format!("domains/{vm}/start/"), json!({})).await;
    let second = second["id"].as_str().unwrap();
    assert_eq!(story.post(&format!("snapshots/{second}/revert/"), json!({})).await.0, 400);
    assert_eq!(story.done("snapshots/", json!({"domain": vm, "verbose_name": "on"})).await["with_memory"], true);
}
