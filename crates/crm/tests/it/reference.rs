//! The reference of mappings in the documentation.
#![expect(clippy::disallowed_methods, reason = "the file is renewed on request")]

use std::{fs, path::Path};

const MARK: &str = "\n<!-- reference:";

#[test]
fn the_reference_for_people_is_what_the_code_says() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/user/crm-integration.md");
    let shown = fs::read_to_string(&page).unwrap();
    let (written, rest) = shown.split_once(MARK).unwrap();
    let mark = rest.lines().next().unwrap();
    let wanted = format!(
        "{written}{MARK}{mark}\n\n{}",
        crm::mapping::reference::markdown()
    );
    if std::env::var_os("UPDATE_EXAMPLES").is_some() {
        fs::write(&page, wanted).unwrap();
        return;
    }
    assert!(
        shown == wanted,
        "{} is out of date: run UPDATE_EXAMPLES=1 cargo nextest run -p crm -E 'test(reference)'",
        page.display()
    );
}
