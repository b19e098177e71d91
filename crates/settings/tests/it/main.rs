//! Settings through the endpoints that programs use.

use std::{fs, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use settings::{Reader, Settings, SettingsError, WhenUnset};
use url::Url;

#[derive(Debug)]
struct Config {
    port: u16,
    wait: Duration,
    is_on: bool,
    base: Url,
    project: String,
    token: Option<SecretString>,
    area: Option<u32>,
    codes: Vec<u16>,
    colour: char,
}

impl Config {
    fn read(r: &mut Reader<'_>) -> Self {
        Self {
            port: r.get("PORT", 8080, "Port of the listener."),
            wait: r.duration("WAIT", Duration::from_secs(5), "Longest wait."),
            is_on: r.flag("IS_ON", false, "Whether it is on."),
            base: r.url("BASE_URL", "https://api.example.com", "Base of the API."),
            project: r.required("PROJECT", "The project that owns it."),
            token: r.secret("TOKEN", "Opens the API."),
            area: r.optional("AREA", "An area."),
            codes: r.list("CODES", "1,2", "Codes."),
            colour: r.choice("COLOUR", "red", &[("red", 'r'), ("blue", 'b')], "A colour."),
        }
    }
}

fn load(pairs: &[(&str, &str)]) -> Result<Config, SettingsError> {
    Settings::from_pairs(pairs.iter().copied()).load(Config::read)
}

#[test]
fn what_is_not_set_has_its_default() {
    let config = load(&[("PROJECT", "p"), ("PORT", " "), ("TOKEN", "")]).unwrap();
    assert_eq!(
        (config.port, config.wait, config.is_on),
        (8080, Duration::from_secs(5), false)
    );
    assert_eq!(config.base.as_str(), "https://api.example.com/");
    assert!(config.token.is_none() && config.area.is_none());
    assert_eq!((config.codes, config.colour), (vec![1, 2], 'r'));
}

#[test]
fn what_is_set_is_read() {
    let config = load(&[
        ("PROJECT", "p"),
        ("PORT", "9090"),
        ("WAIT", "500ms"),
        ("IS_ON", "Yes"),
        ("BASE_URL", "http://localhost:1/x"),
        ("TOKEN", "t"),
        ("AREA", "3"),
        ("CODES", "7, 8,"),
        ("COLOUR", "blue"),
    ])
    .unwrap();
    assert_eq!(
        (config.port, config.wait, config.is_on),
        (9090, Duration::from_millis(500), true)
    );
    assert_eq!(config.base.as_str(), "http://localhost:1/x");
    assert_eq!(config.token.unwrap().expose_secret(), "t");
    assert_eq!(
        (
            config.project.as_str(),
            config.area,
            config.codes,
            config.colour
        ),
        ("p", Some(3), vec![7, 8], 'b')
    );
}

#[test]
fn every_fault_is_reported_at_once_with_what_to_do() {
    let error = load(&[
        ("PORT", "eighty"),
        ("WAIT", "5"),
        ("IS_ON", "maybe"),
        ("BASE_URL", "ftp://x"),
        ("AREA", "-1"),
        ("CODES", "1,x,y"),
        ("COLOUR", "green"),
    ])
    .unwrap_err();
    let keys: Vec<&str> = error
        .faults
        .iter()
        .map(|fault| fault.key.as_str())
        .collect();
    assert_eq!(
        keys,
        [
            "PORT", "WAIT", "IS_ON", "BASE_URL", "PROJECT", "AREA", "CODES", "CODES", "COLOUR"
        ]
    );
    let text = error.to_string();
    assert!(
        text.starts_with("9 settings need attention:\n  PORT: `eighty` cannot be used"),
        "{text}"
    );
    assert!(
        text.contains("PROJECT: it is required and not set; set it; The project that owns it."),
        "{text}"
    );
    assert!(text.contains("write one of red, blue"), "{text}");
    assert_eq!(text.lines().count(), 10);
}

#[test]
fn no_secret_and_no_url_is_ever_printed() {
    let settings = Settings::from_pairs([("TOKEN", "s3cret-token"), ("BASE_URL", "s3cret-url")]);
    let shown = format!(
        "{settings:?} {:?}",
        settings.load(Config::read).unwrap_err()
    );
    assert!(!shown.contains("s3cret"), "{shown}");
    let config = load(&[("PROJECT", "p"), ("TOKEN", "s3cret-token")]).unwrap();
    assert!(!format!("{config:?}").contains("s3cret"));
}

#[test]
fn a_setting_read_twice_is_one_reference_and_one_fault() {
    let settings = Settings::from_pairs([("PORT", "x")]);
    let mut reader = settings.reader();
    let _: u16 = reader.get("PORT", 1, "Port.");
    let _: u16 = reader.get("PORT", 1, "Port.");
    assert_eq!(reader.references().len(), 1);
    assert_eq!(reader.finish().unwrap_err().faults.len(), 1);
}

#[test]
fn a_problem_between_settings_is_reported_with_the_others() {
    let settings = Settings::from_pairs([("PORT", "x")]);
    let mut reader = settings.reader();
    let _: u16 = reader.get("PORT", 1, "Port.");
    reader.fault("A", "it excludes B", "set one of them");
    assert_eq!(reader.finish().unwrap_err().faults.len(), 2);
}

#[test]
fn the_references_tell_what_can_be_set() {
    let settings = Settings::from_pairs([("PROJECT", "p")]);
    let mut reader = settings.reader();
    let _config = Config::read(&mut reader);
    let by_key = |key: &str| {
        reader
            .references()
            .iter()
            .find(|reference| reference.key == key)
            .unwrap()
            .clone()
    };
    assert_eq!(
        by_key("PORT").when_unset,
        WhenUnset::Value("8080".to_owned())
    );
    assert_eq!(by_key("WAIT").when_unset, WhenUnset::Value("5s".to_owned()));
    assert_eq!(by_key("PROJECT").when_unset, WhenUnset::Required);
    assert_eq!(by_key("TOKEN").when_unset, WhenUnset::Absent);
    assert_eq!(
        by_key("PORT").to_string(),
        "# Port of the listener.\n#PORT=8080"
    );
}

#[test]
fn the_environment_wins_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settings.env");
    // `CARGO_PKG_NAME` is in the environment of every test.
    fs::write(
        &path,
        "CARGO_PKG_NAME=from the file\nONLY_IN_THIS_FILE=yes\n",
    )
    .unwrap();
    let settings = Settings::from_environment(Some(&path)).unwrap();
    let mut reader = settings.reader();
    assert_eq!(reader.required::<String>("CARGO_PKG_NAME", "."), "settings");
    assert!(reader.flag("ONLY_IN_THIS_FILE", false, "."));
    reader.finish().unwrap();
}

#[test]
fn a_missing_or_broken_file_is_a_fault_without_its_content() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settings.env");
    assert!(
        Settings::from_environment(Some(&path))
            .unwrap_err()
            .to_string()
            .contains("cannot be read")
    );
    fs::write(&path, "A=1\ns3cret\n").unwrap();
    let text = Settings::from_environment(Some(&path))
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("settings.env:2") && !text.contains("s3cret"),
        "{text}"
    );
}

#[test]
fn a_secret_is_found_by_a_name_that_only_the_caller_knows() {
    let settings = Settings::from_pairs([("MY_KEY", " s3cret\n"), ("EMPTY", " ")]);
    let found = settings.secret("MY_KEY").unwrap();
    assert_eq!(found.expose_secret(), "s3cret");
    assert!(settings.secret("EMPTY").is_none() && settings.secret("OTHER").is_none());
}
