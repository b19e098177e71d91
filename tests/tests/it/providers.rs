//! A provider is one folder and one line: its name stands nowhere else in the product's code.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Where a provider's name may stand, beside a folder or file that bears it.
const LISTS: [&str; 4] = [
    "crates/crm/src/lib.rs",
    "crates/notify/src/lib.rs",
    "crates/simulators/src/lib.rs",
    "crates/sources/src/lib.rs",
];

/// Names on the wire of one provider that have another's in them.
const WIRE: [&str; 1] = ["salesforce_uuid"];

/// Lines of one list that may name one provider: its module, and its entry. An import of the entry is a third.
const LINES_IN_A_LIST: usize = 3;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// Every file of the product's code, with its path from the root.
fn product_code() -> Vec<(String, String)> {
    let mut files = Vec::new();
    for folder in ["crates", "services"] {
        for krate in fs::read_dir(root().join(folder)).unwrap() {
            let source = krate.unwrap().path().join("src");
            if !source.ends_with("testkit/src") {
                collect(&source, &mut files);
            }
        }
    }
    files
}

fn collect(folder: &Path, files: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root()).unwrap().display().to_string();
            files.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The lines that are compiled into the product: without comments, and without tests at a file's end.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate();
    let product = lines.take_while(|(_, line)| *line != "#[cfg(test)]");
    product.filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// Whether a path runs through a folder or file that bears the provider's name.
fn is_own(path: &str, slug: &str) -> bool {
    path.split(['/', '.']).any(|part| part == slug)
}

#[test]
fn a_providers_name_stands_in_its_folder_alone() {
    let providers = catalogue::providers();
    let slugs: Vec<_> = providers.iter().map(|provider| provider.slug).collect();
    let files = product_code();
    assert!(slugs.len() >= 3 && files.len() > 100, "nothing was read");
    let mut faults = Vec::new();
    for (path, text) in &files {
        let is_test = path.ends_with("/tests.rs") || path.contains("/contract");
        for slug in slugs.iter().filter(|slug| !is_test && !is_own(path, slug)) {
            let named: Vec<_> = code(text)
                .filter(|(_, line)| {
                    let line = WIRE
                        .iter()
                        .fold(line.to_lowercase(), |line, name| line.replace(name, ""));
                    line.contains(slug)
                })
                .collect();
            if LISTS.contains(&path.as_str()) && named.len() <= LINES_IN_A_LIST {
                continue;
            }
            let lines = named
                .iter()
                .map(|(at, line)| format!("{path}:{}: {}", at + 1, line.trim()));
            faults.extend(lines);
        }
    }
    assert!(
        faults.is_empty(),
        "a provider's name stands outside its folder; move what it is for there, and loop over the list:\n{}",
        faults.join("\n")
    );
}

#[test]
fn every_provider_is_simulated() {
    for provider in catalogue::providers()
        .iter()
        .filter(|provider| provider.base_url.is_some())
    {
        let is_simulated = simulators::SIMULATORS
            .iter()
            .any(|simulator| simulator.slug == provider.slug);
        assert!(is_simulated, "there is no simulated {}", provider.name);
    }
}
