//! Connections by commands, on a folder that no server has.

use std::path::Path;

use crate::{pipeline, text};

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
