//! Every source of the product, and the invented ones.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sources::{Sources, Verified, source_contract};

#[expect(
    unreachable_pub,
    reason = "it is a library's module, read here a second time"
)]
#[path = "../../../../tests/src/sources/mod.rs"]
mod invented;

fn all() -> Sources {
    Sources::with(invented::TRIAL)
}

source_contract!(all());

#[test]
fn a_source_is_found_by_its_slug() {
    for source in all().iter() {
        let slug = source.spec().slug;
        assert_eq!(all().get(slug).unwrap().spec().slug, slug);
    }
    assert!(all().get("no-such").is_none());
    assert!(Sources::standard().get("booking").is_none());
    assert!(all().get("form").is_some());
}

proptest! {
    #[test]
    fn no_body_makes_a_source_panic(body in proptest::collection::vec(any::<u8>(), 0..300), json: bool) {
        let content_type = json.then_some("application/json");
        for source in all().iter() {
            drop(source.hint(content_type, &body));
            let headers = content_type.map(|kind| ("content-type".to_owned(), kind.to_owned()));
            let headers: BTreeMap<_, _> = headers.into_iter().collect();
            let name = source.spec().verification.names()[0];
            let delivery = Verified::restored(source.spec(), name, headers, body.clone().into()).unwrap();
            drop(source.read(&delivery, None));
        }
    }
}
