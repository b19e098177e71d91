//! A company is set up on an empty folder, without a demo tenant: by HTTP alone, and by commands alone. Then a signed
//! call ends in the CRM and in a mail, and a person who was invited signs in by a link and sees it.

use std::{fs, path::Path, process::Command, time::Instant};

use domain::Clock as _;
use http_client::{Client, Options, Response};
use runtime::SystemClock;
use serde_json::{Value, json};
use simulators::{Choices, SIMULATORS, SampleDelivery};

use super::{PATIENCE, Server, pipeline, text};

/// The token of an account that the simulated HubSpot has, and a key of the simulated SendGrid.
fn credentials() -> (String, String) {
    let hubspot = simulators::hubspot::Config::default();
    let sendgrid = simulators::sendgrid::Config::default();
    (hubspot.tokens[0].clone(), sendgrid.api_keys[0].clone())
}

/// A call of the company's CallRail, and the key that signs it.
fn call() -> (SampleDelivery, &'static str) {
    let spec = SIMULATORS.iter().find(|spec| spec.slug == "callrail");
    let demo = spec.and_then(|spec| spec.demo).unwrap();
    let sample = demo
        .samples
        .iter()
        .find(|sample| sample.event == "post-call");
    let delivery = sample.unwrap().deliver(&Choices {
        id: Some("CALfromnothing".to_owned()),
        phone: Some("+15125550142".to_owned()),
        recording: None,
        words: None,
        at: SystemClock::default().now(),
    });
    (delivery, demo.signing_key.unwrap())
}

/// An office's configuration: area, rules, CRM, recipients.
fn config() -> Value {
    json!({
        "service_area": {
            "postal_codes": ["786xx", "7870x"],
            "cities": [{ "name": "Round Rock", "state": "TX" }],
            "polygons": [{ "name": "Austin", "ring": [[-98.2, 30.0], [-97.3, 30.0], [-97.3, 30.8], [-98.2, 30.8]] }],
        },
        "spam": { "review_from": 60, "quarantine_above": 90 },
        "destinations": [{ "connector": "hubspot", "connection": "our-crm" }],
        "notifications": { "email": ["sales@acme.example"], "from": "leads@example.com", "connection": "our-mail" },
        "retry": { "fast_ms": [1000, 2000], "slow_lane": false },
        "recording": { "wait_seconds": [1] },
    })
}

fn client() -> Client {
    Client::new(Options {
        allow_loopback: true,
        ..Options::default()
    })
    .unwrap()
}

/// What a running server is reached by.
struct Outside {
    http: Client,
    base: String,
    token: String,
    simulators: Value,
}

impl Outside {
    fn of(folder: &Path) -> Self {
        let announced = fs::read(folder.join("server.json")).unwrap();
        let announced: Value = serde_json::from_slice(&announced).unwrap();
        let token = pipeline(folder, &["token", "--role", "platform_admin"], "");
        assert!(token.status.success(), "{}", text(&token.stderr));
        Self {
            http: client(),
            base: format!("http://{}", announced["address"].as_str().unwrap()),
            token: text(&token.stdout).trim().to_owned(),
            simulators: announced["simulators"].clone(),
        }
    }

    async fn call(&self, method: &str, path: &str, body: &Value, version: &str) -> Response {
        let url = format!("{}{path}", self.base);
        let request = self
            .http
            .request(method.parse().unwrap(), url)
            .header("authorization", format!("Bearer {}", self.token));
        let request = if version.is_empty() {
            request
        } else {
            request.header("if-match", version)
        };
        let request = if body.is_null() {
            request
        } else {
            request.json(body)
        };
        request.send().await.unwrap()
    }

    async fn done(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.call(method, path, body, "").await;
        assert!(
            answer.status.is_success(),
            "{method} {path}: {}",
            answer.text_lossy(2_000)
        );
        answer.json().unwrap()
    }

    /// A person comes in by this link, as the page does, and may do what an operator may.
    async fn comes_in(&self, link: &str, email: &str) {
        let (page, code) = link.split_once("#code=").unwrap();
        assert_eq!(page, format!("{}/sign-in", self.base));
        let shown = self.http.get(page).send().await.unwrap();
        assert_eq!(shown.status, 200);
        let sign_in = format!("{}/v1/sign-in", self.base);
        let call = self.http.post(&sign_in).json(&json!({ "code": code }));
        let signed_in = call.send().await.unwrap();
        assert_eq!(signed_in.status, 200, "{}", signed_in.text_lossy(500));
        let cookie = signed_in.header("set-cookie").unwrap().split(';').next();
        let call = self.http.post(format!("{sign_in}/refresh"));
        let call = call.header("cookie", cookie.unwrap());
        let refreshed: Value = call.send().await.unwrap().json().unwrap();
        let hers = Self {
            http: client(),
            base: self.base.clone(),
            token: refreshed["token"].as_str().unwrap().to_owned(),
            simulators: Value::Null,
        };
        let me = hers.done("GET", "/v1/me", &Value::Null).await;
        assert_eq!(
            (&me["email"], &me["role"]),
            (&json!(email), &json!("operator"))
        );
        assert_eq!(me["tenants"][0]["tenant_id"], "acme");
        let count = hers.done("GET", "/v1/tenants/acme/requests/count", &Value::Null);
        assert_eq!(count.await["count"], 1);
        let refused = hers.call("GET", "/v1/tenants/acme/people", &Value::Null, "");
        assert_eq!(refused.await.status, 403);
        let again = self.http.post(&sign_in).json(&json!({ "code": code }));
        assert_eq!(again.send().await.unwrap().status, 409);
    }

    /// The link that was mailed to an address.
    async fn link_to(&self, email: &str) -> String {
        let url = format!(
            "{}/_sim/mails",
            self.simulators["sendgrid"].as_str().unwrap()
        );
        let mails: Value = self.http.get(url).send().await.unwrap().json().unwrap();
        let mails = mails["mails"].as_array().unwrap();
        let mail = mails.iter().find(|mail| mail["to"][0] == email).unwrap();
        let text = mail["text"].as_str().unwrap();
        let link = text.lines().find(|line| line.contains("#code="));
        link.unwrap_or_else(|| panic!("{text}")).to_owned()
    }

    async fn simulated(&self, provider: &str) -> String {
        let url = format!("{}/_sim/view", self.simulators[provider].as_str().unwrap());
        self.http.get(url).send().await.unwrap().text_lossy(100_000)
    }

    /// Posts the call to this URL; it ends in the CRM and in a mail.
    async fn call_ends_in_crm_and_mail(&self, url: &str) {
        let (call, _) = call();
        let request = call
            .signature
            .into_iter()
            .fold(self.http.post(url), |request, (header, value)| {
                request.header(header, value)
            });
        let posted = request
            .body(call.content_type, call.body)
            .send()
            .await
            .unwrap();
        assert_eq!(posted.status, 200, "{}", posted.text_lossy(500));
        let began = Instant::now();
        loop {
            let list = self
                .done("GET", "/v1/tenants/acme/requests", &Value::Null)
                .await;
            let request = &list["items"][0];
            if request["status"] == "completed" {
                break;
            }
            let is_on_its_way = ["received", "processing"]
                .map(Value::from)
                .contains(&request["status"]);
            let is_patient = began.elapsed() < PATIENCE;
            assert!(is_on_its_way && is_patient, "{request:#}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        // The source names no office, so the lead is the first one's.
        let offices = self
            .done("GET", "/v1/tenants/acme/offices", &Value::Null)
            .await;
        let office = offices["items"][0]["office_id"].as_str().unwrap();
        let path = format!("/v1/tenants/acme/requests?office_id={office}");
        let of_office = self.done("GET", &path, &Value::Null).await;
        assert_eq!(
            of_office["items"].as_array().unwrap().len(),
            1,
            "{of_office}"
        );
        let path = format!("/v1/tenants/acme/metrics/summary?office={office}");
        let summary = self.done("GET", &path, &Value::Null).await;
        let figures = summary.as_array().unwrap().iter();
        let came_in = figures.filter(|figure| figure["key"] == "came_in");
        let came_in: Vec<_> = came_in.map(|figure| &figure["value"]).collect();
        assert_eq!(came_in, [1.0], "{summary}");
        let crm = self.simulated("hubspot").await;
        assert!(crm.contains("+15125550142"), "{crm}");
        let mails = self.simulated("sendgrid").await;
        assert!(mails.contains("sales@acme.example"), "{mails}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_is_set_up_by_http_alone() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_with(folder.path(), &["--no-demo"]);
    let outside = Outside::of(folder.path());
    let tenants = outside.done("GET", "/v1/tenants", &Value::Null).await;
    assert_eq!(tenants["items"], json!([]));

    let acme = json!({ "tenant_id": "acme", "name": "Acme Remodeling" });
    outside.done("POST", "/v1/tenants", &acme).await;
    let of = |path: &str| format!("/v1/tenants/acme/{path}");
    let office = json!({
        "name": "Austin",
        "address": "500 Example Ave, Austin, TX 78701",
        "time_zone": "America/Chicago",
        "business_hours": { "monday": [{ "from": "08:00", "to": "17:00" }] },
    });
    let office = outside.done("POST", &of("offices"), &office).await;
    let config_path = of(&format!(
        "offices/{}/config",
        office["office_id"].as_str().unwrap()
    ));

    // Whoever forgets the connections is told so, and what to do.
    let saved = json!({ "config": config() });
    let too_early = outside.call("PUT", &config_path, &saved, "").await;
    assert_eq!(too_early.status, 422);
    let told = too_early.text_lossy(2_000);
    assert!(
        told.contains("config.destinations.0.connection") && told.contains("our-mail"),
        "{told}"
    );

    let (crm, mail) = credentials();
    for (name, provider, secret) in [("our-crm", "hubspot", crm), ("our-mail", "sendgrid", mail)] {
        let new = json!({ "provider": provider, "secret": secret });
        outside
            .done("PUT", &of(&format!("connections/{name}/secret")), &new)
            .await;
    }
    let saved = outside.done("PUT", &config_path, &saved).await;
    assert_eq!(saved["version"], 1);
    let source = json!({ "provider": "callrail", "signing_key": call().1 });
    let source = outside.done("POST", &of("sources"), &source).await;
    let url = source["webhooks"][0]["url"].as_str().unwrap();
    let id = source["source"]["source_id"].as_str().unwrap();
    let named = json!({ "name": "Main line" });
    let named = outside
        .call("PATCH", &of(&format!("sources/{id}")), &named, "\"1\"")
        .await;
    assert_eq!(named.status, 200, "{}", named.text_lossy(500));
    outside.call_ends_in_crm_and_mail(url).await;

    let invitation = json!({ "email": "Maria@acme.example", "role": "operator" });
    let invited = outside.done("POST", &of("invitations"), &invitation).await;
    assert_eq!(invited["mail"], "sent");
    let link = outside.link_to("maria@acme.example").await;
    assert_eq!(invited["link"], link);
    outside.comes_in(&link, "maria@acme.example").await;
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_is_set_up_by_commands_alone() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let server = Server::start_with(folder, &["--no-demo"]);
    let run = |line: &[&str], input: &str| {
        let output = pipeline(folder, line, input);
        assert!(
            output.status.success(),
            "{line:?}: {}",
            text(&output.stderr)
        );
        text(&output.stdout)
    };
    let refused = |line: &[&str], input: &str| {
        let output = pipeline(folder, line, input);
        assert_eq!(
            output.status.code(),
            Some(1),
            "{line:?}: {}",
            text(&output.stdout)
        );
        text(&output.stderr)
    };
    let told = refused(&["office", "list"], "");
    assert!(told.contains("pipeline tenant create"), "{told}");
    run(
        &["tenant", "create", "acme", "--name", "Acme Remodeling"],
        "",
    );
    let told = refused(&["config", "show"], "");
    assert!(told.contains("pipeline office add"), "{told}");
    let add = [
        "office",
        "add",
        "--name",
        "Austin",
        "--zone",
        "America/Chicago",
    ];
    let hours = ["--hours", "monday-friday=08:00-12:00,13:00-17:30"];
    run(&[add.as_slice(), &hours].concat(), "");
    let told = refused(&["office", "set", "--zone", "America/Austin"], "");
    assert!(
        told.contains("time_zone: a time zone's IANA name"),
        "{told}"
    );
    let shown = run(&["office", "set", "--address", "500 Example Ave"], "");
    assert!(
        shown.contains("friday    08:00-12:00, 13:00-17:30"),
        "{shown}"
    );
    assert!(shown.contains("address   500 Example Ave"), "{shown}");

    let (crm, mail) = credentials();
    let set = ["secret", "set", "our-crm", "--provider", "hubspot"];
    run(&set, "pat-na1-of-nobody");
    for check in [["secret", "test"], ["connection", "check"]] {
        let line = [check.as_slice(), &["our-crm"]].concat();
        let told = refused(&line, "");
        assert!(told.contains("our-crm does not work"), "{told}");
    }
    run(&set, &crm);
    let accepted = run(&["connection", "check", "our-crm"], "");
    assert!(accepted.contains("takes the account"), "{accepted}");
    let told = refused(&["send", "callrail"], "");
    assert!(told.contains("--no-demo"), "{told}");
    let config = config().to_string();
    let told = refused(&["config", "set", "-"], &config);
    assert!(
        told.contains("\n  notifications.connection: a connection that is there"),
        "{told}"
    );
    run(
        &["secret", "set", "our-mail", "--provider", "sendgrid"],
        &mail,
    );
    let wrong = json!({ "spam": { "review_from": "40" }, "service_area": { "postal_codes": ["7"] }, "spma": 1 });
    let told = refused(&["config", "set", "-"], &wrong.to_string());
    for path in [
        "service_area.postal_codes.0: ",
        "spam.review_from: ",
        "spma: ",
    ] {
        assert!(told.contains(&format!("\n  {path}")), "{told}");
    }
    let saved = run(&["config", "set", "-", "--note", "the first"], &config);
    assert!(saved.contains("version 1"), "{saved}");
    let told = refused(&["config", "set", "-", "--upon", "0"], "{}");
    assert!(
        told.contains("Somebody changed it since you read it"),
        "{told}"
    );

    // What was shown is changed and saved; then all is as before.
    let shown: Value = serde_json::from_str(&run(&["config", "show"], "")).unwrap();
    let same = run(&["config", "set", "-"], &shown.to_string());
    assert!(same.starts_with("Nothing has changed"), "{same}");
    let mut changed = shown.clone();
    changed["spam"]["review_from"] = json!(30);
    run(&["config", "set", "-"], &changed.to_string());
    let diff = run(&["config", "diff"], "");
    assert!(diff.contains("spam.review_from  60      30"), "{diff}");
    assert!(run(&["config", "restore", "1"], "").contains("version 3"));
    let now: Value = serde_json::from_str(&run(&["config", "show"], "")).unwrap();
    assert_eq!(now, shown);
    let history = run(&["config", "history"], "");
    assert!(
        history.contains("the first") && history.contains("version 1 again"),
        "{history}"
    );
    let schema: Value = serde_json::from_str(&run(&["config", "schema"], "")).unwrap();
    assert_eq!(schema["additionalProperties"], false);

    let added = run(&["source", "add", "callrail", "--json"], call().1);
    let added: Value = serde_json::from_str(&added).unwrap();
    let url = added["webhooks"][0]["url"].as_str().unwrap();
    let id = added["source"]["source_id"].as_str().unwrap();
    let named = run(&["source", "set", id, "--name", "Main line"], "");
    assert!(named.contains("Name: Main line."), "{named}");
    let again = run(&["source", "set", id, "--name", "Main line"], "");
    assert!(again.contains("Nothing has changed"), "{again}");
    assert!(run(&["source", "list"], "").contains("Main line"));
    let nothing = refused(&["source", "set", id], "");
    assert!(nothing.contains("source set --help"), "{nothing}");
    let outside = Outside::of(folder);
    outside.call_ends_in_crm_and_mail(url).await;

    let invited = run(
        &["user", "invite", "maria@acme.example", "--role", "operator"],
        "",
    );
    assert!(
        invited.contains("A mail brings them this link"),
        "{invited}"
    );
    let link = invited.lines().last().unwrap();
    outside.comes_in(link, "maria@acme.example").await;
    let people = run(&["user", "list"], "");
    assert!(
        people.contains("maria@acme.example") && people.contains("operator"),
        "{people}"
    );
    let again = run(&["user", "link", "maria@acme.example"], "");
    outside.comes_in(again.trim(), "maria@acme.example").await;
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tenants_says_how_to_begin() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (server, greeting) = Server::greets(folder, &["--no-demo"]);
    let lines: Vec<_> = greeting
        .lines()
        .filter(|line| line.contains(" --data-dir "))
        .collect();
    let [create, sign_in] = lines.as_slice() else {
        panic!("{greeting}")
    };
    assert!(create.contains(" tenant create acme "), "{greeting}");
    let in_shell = |line: &str| {
        let output = Command::new("sh").args(["-c", line]).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    in_shell(create);
    let link = in_shell(sign_in);
    let (_, code) = link.trim().split_once("/sign-in#code=").unwrap();
    let base = Outside::of(folder).base;
    let http = client();
    let call = http.post(format!("{base}/v1/sign-in"));
    let signed_in = call.json(&json!({ "code": code })).send().await.unwrap();
    assert_eq!(signed_in.status, 200, "{}", signed_in.text_lossy(500));
    drop(server);

    let (_server, greeting) = Server::greets(folder, &["--no-demo"]);
    assert!(!greeting.contains(" tenant create "), "{greeting}");
    assert!(
        greeting.contains(" sign-in code --tenant acme "),
        "{greeting}"
    );
}
