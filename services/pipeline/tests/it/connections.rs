//! Connections by commands, on a folder that no server has.

use std::{
    io::Read as _,
    net::TcpListener,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use crate::{PATIENCE, PROGRAM, pipeline, text};

fn said(folder: &Path, line: &[&str], input: &str) -> String {
    let output = pipeline(folder, line, input);
    assert!(
        output.status.success(),
        "{line:?}: {}",
        text(&output.stderr)
    );
    text(&output.stdout)
}

#[test]
fn a_chat_is_connected_by_its_name_and_leads_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    said(folder, &["migrate"], "");
    let create = ["tenant", "create", "acme", "--name", "Acme"];
    said(folder, &create, "");
    let none = said(folder, &["connection", "list"], "");
    assert!(none.contains("pipeline connection add"), "{none}");

    let add = ["connection", "add", "slack"];
    for (input, settings, told) in [
        (
            "https://10.0.0.1/services/T1/B1/abc",
            None,
            "hooks.slack.com",
        ),
        ("xoxb-1-abc", None, "settings.channel"),
        ("xoxb-1-abc", Some("channel=#general"), "not its name"),
    ] {
        let setting = settings.map(|setting| ["--setting", setting]);
        let line: Vec<_> = add
            .into_iter()
            .chain(setting.into_iter().flatten())
            .collect();
        let refused = pipeline(folder, &line, input);
        assert_eq!(refused.status.code(), Some(1), "{input}");
        let said = text(&refused.stderr);
        assert!(said.contains(told) && !said.contains(input), "{said}");
    }
    let webhook = "https://hooks.slack.com/services/T1/B1/abcSECRET";
    let added = said(folder, &add, webhook);
    assert!(
        added.contains("slack to slack has its secret, version 1"),
        "{added}"
    );
    let list = said(folder, &["connection", "list"], "");
    assert!(list.contains("slack") && list.contains("active"), "{list}");
    assert!(!list.contains("abcSECRET"), "{list}");
    let nameless = pipeline(folder, &["connection", "add", "our-crm"], "pat-na1-x");
    assert!(
        text(&nameless.stderr).contains("name its provider"),
        "{nameless:?}"
    );
}

#[test]
fn a_simulated_account_goes_to_no_real_provider() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    said(folder, &["migrate"], "");
    said(folder, &["tenant", "create", "acme", "--name", "Acme"], "");
    let office = [
        "office",
        "add",
        "--name",
        "Austin",
        "--zone",
        "America/Chicago",
    ];
    said(folder, &office, "");
    let set = ["secret", "set", "our-crm", "--provider", "hubspot"];
    said(folder, &set, "pat-na1-simulated");
    for line in [
        ["secret", "test", "our-crm"].as_slice(),
        &["connection", "check", "our-crm"],
        &["connection", "schema", "our-crm"],
        &["source", "connect", "calendly"],
        &["live", "watch"],
    ] {
        let refused = pipeline(folder, line, "a token");
        assert_eq!(refused.status.code(), Some(1), "{line:?}: {refused:?}");
        let told = text(&refused.stderr);
        assert!(told.contains("`pipeline run`"), "{line:?}: {told}");
    }
    // What is not there is told as ever.
    let nobody = pipeline(folder, &["secret", "test", "nobody"], "");
    assert!(
        text(&nobody.stderr).contains("no connection `nobody`"),
        "{nobody:?}"
    );

    // Where a setting says where the provider is, it is asked; it does not answer as one.
    let provider = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", provider.local_addr().unwrap());
    provider.set_nonblocking(true).unwrap();
    let mut asking = Command::new(PROGRAM)
        .args(["connection", "check", "our-crm", "--data-dir"])
        .arg(folder)
        .env("HUBSPOT_BASE_URL", url)
        .spawn()
        .unwrap();
    let began = Instant::now();
    let mut asked = loop {
        match provider.accept() {
            Ok((asked, _)) => break asked,
            Err(_) => {
                assert!(began.elapsed() < PATIENCE, "nobody asks the provider");
                thread::sleep(Duration::from_millis(20));
            }
        }
    };
    let mut begin = [0; 4];
    asked.set_nonblocking(false).unwrap();
    asked.read_exact(&mut begin).unwrap();
    asking.kill().unwrap();
    asking.wait().unwrap();
}

#[test]
fn the_only_office_is_the_one_that_is_tried() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    said(folder, &["migrate"], "");
    said(folder, &["tenant", "create", "acme", "--name", "Acme"], "");
    let office = [
        "office",
        "add",
        "--name",
        "Austin",
        "--zone",
        "America/Chicago",
    ];
    said(folder, &office, "");
    let file = folder.join("workflow.json");
    std::fs::write(&file, "{}").unwrap();
    let tried = said(folder, &["job", "dry-run", file.to_str().unwrap()], "");
    assert!(tried.contains("compared  0"), "{tried}");
}
