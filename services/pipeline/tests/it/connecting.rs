//! Sources are connected by a command, against simulated providers.

use super::{Server, pipeline, text};

#[test]
fn a_source_is_connected_by_a_command() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let server = Server::start_with(folder, &["--no-demo"]);
    let run = |line: &[&str], input: &str| {
        let output = pipeline(folder, line, input);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        (output.status.success(), out, err)
    };
    let (is_done, _, err) = run(&["tenant", "create", "acme", "--name", "Acme"], "");
    assert!(is_done, "{err}");
    let add = ["office", "add", "--name", "Austin"];
    let zone = ["--zone", "America/Chicago"];
    let (is_done, _, err) = run(&[add.as_slice(), &zone].concat(), "");
    assert!(is_done, "{err}");

    let (is_done, out, err) = run(&["source", "providers"], "");
    assert!(is_done && out.contains("calendly"), "{out}{err}");
    let calendly = ["source", "connect", "calendly"];
    let (is_done, out, err) = run(&calendly, "a token of nobody");
    assert!(!is_done && out.contains("FAILED"), "{out}{err}");
    let (is_done, out, err) = run(&calendly, "simulated-calendly-token");
    assert!(is_done, "{out}{err}");
    for what in ["credentials", "webhooks", "signing_key", "it is stored"] {
        assert!(out.contains(what), "{what}: {out}");
    }

    // Where a person enters the URL, the command says which, and how to go on.
    let (is_done, out, err) = run(
        &["source", "connect", "intercom"],
        "simulated-intercom-token",
    );
    assert!(!is_done, "{out}");
    for what in [
        "TO DO",
        "/v1/hooks/",
        "1. In Intercom",
        "pipeline source add-key",
    ] {
        assert!(out.contains(what), "{what}: {out}");
    }
    assert!(err.contains("run this again"), "{err}");
    drop(server);
}

#[test]
fn the_help_says_which_providers_one_call_connects() {
    let folder = tempfile::tempdir().unwrap();
    let help = pipeline(folder.path(), &["source", "connect", "--help"], "");
    let help = text(&help.stdout);
    let (by_call, by_hand) = help
        .split_once("Examples, where the URLs are entered")
        .expect("two kinds");
    for (slug, is_by_call) in [("calendly", true), ("zendesk", true), ("intercom", false)] {
        let line = format!("source connect {slug}");
        assert_eq!(by_call.contains(&line), is_by_call, "{slug}: {help}");
        assert_eq!(by_hand.contains(&line), !is_by_call, "{slug}: {help}");
    }
}
