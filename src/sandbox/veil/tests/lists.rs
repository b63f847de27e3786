//! Lists, single objects, and what is refused on the way to them.

use super::*;

#[tokio::test]
async fn lists_are_cut_into_pages() {
    let story = story(|knobs| (knobs.domains, knobs.templates) = (230, 0)).await;
    let first = story.good("domains/?name=VM-&async=1").await;
    assert_eq!((&first["count"], first["results"].as_array().unwrap().len()), (&json!(230), 100));
    assert_eq!(first["previous"], Value::Null);
    let mut names = Vec::new();
    let mut next = Some(format!("{}/api/domains/?limit=90&fields=verbose_name&ordering=-verbose_name", story.base));
    while let Some(url) = next {
        let (_, page) = story.get(url.strip_prefix(&story.base).unwrap()).await;
        let rows = page["results"].as_array().unwrap();
        assert!(rows.iter().all(|row| row.as_object().unwrap().len() == 1));
        names.extend(rows.iter().map(|row| row["verbose_name"].as_str().unwrap().to_owned()));
        next = page["next"].as_str().map(str::to_owned);
    }
    assert_eq!((names.len(), names[0].as_str(), names[229].as_str()), (230, "vm-0230", "vm-0001"));
    let past = story.good("domains/?offset=500").await;
    assert_eq!((&past["count"], &past["results"], &past["next"]), (&json!(230), &json!([]), &Value::Null));
    assert!(past["previous"].as_str().unwrap().contains("offset=400"));
}

#[tokio::test]
async fn filters_hold_what_they_say() {
    let story = story(|_| ()).await;
    assert_eq!(story.ids("domains/?template=1").await.len(), 2);
    assert_eq!(story.ids("domains/?template=0&power_state=ON").await.len(), 6);
    assert_eq!(story.ids("domains/?no_such_filter=1").await.len(), 14);
    let node = story.ids("nodes/?limit=1").await.remove(0);
    let here = story.ids(&format!("domains/?node={node}")).await.len();
    let rest = story.good("domains/").await["results"].as_array().unwrap().len() - here;
    assert!(here > 0 && rest > 0);
    let off = story.off().await;
    assert_eq!(story.ids(&format!("domains/?ids={off},{node}")).await, std::slice::from_ref(&off));
    assert_eq!(story.ids(&format!("vdisks/?domain={off}")).await.len(), 1);
    assert_eq!(story.ids("domains/?with_vdisks=0").await.len(), 0);
    let tag = story.ids("tags/?name=OFFICE").await.remove(0);
    let tagged = story.good(&format!("tags/{tag}/")).await["ui_entities"][0].clone();
    let path = format!("tags/?entity_uuid={}&entity_class=domain", tagged["entity_uuid"].as_str().unwrap());
    assert_eq!(story.ids(&path).await, [tag]);
    let all = story.good("domains/?all_content=1&limit=1").await["results"][0].clone();
    assert!(all["cpu_topology"].is_object() && all["permissions"].is_array());
}

#[tokio::test]
async fn every_kind_has_a_list_and_single_objects() {
    let story = story(|knobs| knobs.permission_flags = true).await;
    let (_, start) = story.post(&format!("domains/{}/start/?async=1", story.off().await), json!({})).await;
    story.over(&start).await;
    story.done("snapshots/", json!({"domain": story.on().await, "verbose_name": "s"})).await;
    for about in super::super::kind::KINDS {
        let rows = story.good(&format!("{}/?limit=1", about.prefix)).await["results"].clone();
        let row = rows[0].as_object().unwrap_or_else(|| panic!("no {}", about.prefix));
        let id = row["id"].as_str().map_or_else(|| row["id"].to_string(), str::to_owned);
        let full = story.good(&format!("{}/{id}/", about.prefix)).await;
        for name in row.keys() {
            assert!(full.get(name).is_some(), "{} {name}", about.prefix);
        }
        assert!(full.get("permissions").is_none_or(Value::is_object), "{}", about.prefix);
        let (status, missing) = story.get(&format!("{}/00000000-0000-4000-8000-000000000000/", about.prefix)).await;
        assert_eq!((status, &missing["errors"][0]["code"]), (404, &json!("50002")));
    }
}

#[tokio::test]
async fn who_may_come_in() {
    let mut story = story(|_| ()).await;
    let token = story.token.clone();
    for wrong in ["", "jwt", "jwt nothing", &token.replacen("jwt", "Bearer", 1)] {
        story.token = wrong.to_owned();
        assert_eq!(story.get("no/such/").await.0, 401, "{wrong}");
    }
    story.token = token.replacen("jwt", "JWT", 1);
    assert_eq!(story.get("domains/").await.0, 200);
    story.token = story.controller.read_only_token();
    assert_eq!(story.get("domains/").await.0, 200);
    assert_eq!(story.post("tags/", json!({"verbose_name": "t"})).await.0, 403);
    let (status, said) = story.post("/auth/", json!({"username": "admin", "password": "no", "ldap": false})).await;
    assert_eq!((status, said["detail"].is_string()), (400, true));
    let (_, said) = story.post("/auth/", json!({"username": "admin", "password": "sandbox", "ldap": false})).await;
    assert!(said["expires_on"].as_str().unwrap().ends_with("UTC"));
    story.token = format!("jwt {}", said["token"].as_str().unwrap());
    assert_eq!(story.get("domains/").await.0, 200);
    assert_eq!(story.post("/_sandbox/expire-tokens", json!({})).await.0, 200);
    let (status, said) = story.get("domains/").await;
    assert_eq!((status, &said["errors"][0]["code"], error(&said)), (401, &json!("invalid"), "Signature has expired."));
}

#[tokio::test]
async fn addresses_that_lead_nowhere() {
    let story = story(|_| ()).await;
    let (status, said) = story.get("no/such/").await;
    assert_eq!((status, &said["errors"][0]["code"]), (500, &json!("50004")));
    story.knobs(json!({"unknown_url_status": 404})).await;
    assert_eq!(story.get("no/such/").await.0, 404);
    assert_eq!(story.get("domains/multi-manager/").await.0, 404);
    assert_eq!(story.put("domains/", json!({})).await.0, 405);
    let answer = story.request(Method::GET, "domains?limit=1").send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 301);
    assert_eq!(answer.headers()["location"], "/api/domains/?limit=1");
    assert_eq!(story.post("domains/backup", json!({})).await.0, 404);
    let (status, said) = Story::said(story.request(Method::POST, "tags/").body("{")).await;
    assert_eq!((status, &said["errors"][0]["code"]), (400, &json!("parse_error")));
    let counters = story.counters().await;
    assert_eq!(counters["requests_by_path"]["GET (unknown)"], json!(3));
    assert_eq!(counters["statuses"]["405"], json!(1));
}

#[tokio::test]
async fn the_document_has_every_address() {
    let story = story(|_| ()).await;
    let document = story.good("swagger/?format=openapi").await;
    let paths = document["paths"].as_object().unwrap();
    assert!(paths["/domains/{id}/start/"]["post"].is_object() && paths["/vdisks/{id}/"]["put"].is_object());
    let names: Vec<&str> = paths
        .values()
        .flat_map(|path| path.as_object().unwrap().values())
        .filter_map(|operation| operation["operationId"].as_str())
        .collect();
    let different: std::collections::HashSet<&&str> = names.iter().collect();
    assert_eq!(names.len(), different.len());
    assert!(names.len() > 100, "{}", names.len());
}

#[tokio::test]
async fn the_same_seed_makes_the_same_ids() {
    let (one, two) = (story(|_| ()).await, story(|_| ()).await);
    let other = story(|knobs| knobs.seed = 2).await;
    assert_eq!(one.ids("domains/").await, two.ids("domains/").await);
    assert_ne!(one.ids("domains/").await, other.ids("domains/").await);
    one.done("tags/", json!({"verbose_name": "new"})).await;
    assert_eq!(one.ids("tags/").await.len(), 4);
    one.post("/_sandbox/reset", json!({"data": true})).await;
    assert_eq!(one.ids("tags/").await, two.ids("tags/").await);
}
