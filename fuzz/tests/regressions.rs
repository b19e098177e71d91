//! Every target on every file of its folder, and on the largest bodies.

use std::{collections::BTreeSet, fs, path::PathBuf, time::Duration};

use fuzz::TARGETS;
use rustix::time::{ClockId, clock_gettime};

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/regressions"))
}

#[test]
fn every_regression_passes() {
    for (name, check) in TARGETS {
        let files: Vec<_> = fs::read_dir(folder().join(name))
            .unwrap()
            .map(|file| file.unwrap().path())
            .collect();
        assert!(!files.is_empty(), "{name} has nothing to begin with");
        for file in files {
            // Shown when it fails.
            println!("{}", file.display());
            check(&fs::read(file).unwrap());
        }
    }
}

#[test]
fn every_folder_has_its_target() {
    let folders: BTreeSet<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let targets: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(folders, targets);
}

/// What the processor has spent on this thread. A busy machine makes a test late, and this no greater.
fn spent() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime))
        .expect("no time before the thread began")
}

/// These take up to a few seconds each, since every source reads them in each of its ways; where time grows faster than
/// size, they take minutes.
#[test]
fn time_grows_no_faster_than_a_body() {
    const LIMIT: usize = 128 * 1024;
    let filled = |head: &str, unit: &str, tail: &str| {
        let units = unit.repeat((LIMIT - head.len() - tail.len()) / unit.len());
        format!("{head}{units}{tail}")
    };
    let numbered = |unit: &dyn Fn(usize) -> String| {
        let mut body = String::from("{");
        for at in 0.. {
            let unit = unit(at);
            if body.len() + unit.len() >= LIMIT {
                break;
            }
            body.push_str(&unit);
        }
        body.push_str("\"x\":0}");
        body
    };
    let bodies = [
        filled("", "[", ""),
        filled("", "{\"x\":", ""),
        filled("{\"company_id\":", "[", ""),
        filled("[", "{\"event\":\"open\",\"message_id\":\"a\"},", "{}]"),
        filled("{", "\"id\":1,", "\"id\":2}"),
        filled("{\"note\":\"", "\\u00e9", "\"}"),
        filled("{\"tags\":[", "\"a\",", "\"b\"]}"),
        filled("{\"said\":[\"", "oh ", "\"]}"),
        filled("{\"said\":[\"", "7 ", "\"]}"),
        filled(
            "{\"reasons\":[",
            "{\"reason\":\"a\",\"quote\":\"b\"},",
            "{}]}",
        ),
        filled("{\"summary\":\"", " \\u0001", "\"}"),
        filled("", "company_id[]=7&", "company_id=7"),
        filled("", "&", "company_id=7"),
        filled("", "a[]=&amp;&", "name=7"),
        filled(
            "",
            "--b\r\ncontent-disposition: form-data; name=\"n\"\r\n\r\nx\r\n",
            "--b--",
        ),
        filled(
            "--b\r\ncontent-disposition: form-data; name=\"n\"\r\n\r\n",
            "--",
            "\r\n--b--",
        ),
        filled("", "%", ""),
        filled("", "9", ""),
        numbered(&|at| format!("\"utm_{at}\":\"{at}\",")),
        numbered(&|at| format!("\"x{at}\":{{\"id\":{at}}},")),
    ];
    let readers = ["delivery", "form", "model_answer", "tenant_hint"];
    for (name, check) in TARGETS {
        if !readers.contains(&name) {
            continue;
        }
        for body in &bodies {
            let before = spent();
            check(body.as_bytes());
            let taken = spent().saturating_sub(before);
            let head: String = body.chars().take(40).collect();
            assert!(taken.as_secs() < 30, "{name} took {taken:?} for {head}");
        }
    }
}
