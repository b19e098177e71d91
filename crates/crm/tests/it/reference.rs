//! The reference of mappings in the documentation.

use std::{fs, path::Path};

const MARK: &str = "<!-- reference:";

#[test]
fn the_reference_for_people_is_what_the_code_says() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/user/crm-integration.md");
    let shown = fs::read_to_string(&page).unwrap();
    let (written, _) = shown.split_once(MARK).unwrap();
    let mark = shown[written.len()..].lines().next().unwrap();
    let wanted = format!("{written}{mark}\n\n{}", crm::mapping::reference::markdown());
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
