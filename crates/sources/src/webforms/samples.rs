//! What is posted to the door: by browsers, by scripts, and by the tools that make forms. The signatures were made
//! elsewhere.

use crate::{ReadAs, Recorded, Sample};

macro_rules! body {
    ($name:literal, $ending:literal) => {
        include_bytes!(concat!("fixtures/", $name, ".", $ending))
    };
}

const KEY: &str = "form-hmac-key-0001";

/// Signed as GitHub signs.
const fn by_github(headers: &'static [(&'static str, &'static str)]) -> Recorded {
    Recorded {
        key: KEY,
        headers,
        at: 1_773_758_178,
    }
}

const MULTIPART: &str = "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW";
const JOTFORM: &str = "multipart/form-data; boundary=----JotBoundary7";

pub(super) static SAMPLES: &[Sample] = &[
    Sample::json(
        "json",
        body!("json", "json"),
        ReadAs::News(&[
            "4b0911a0810c71ae5fc56f1a251b7fd5-0",
            "4b0911a0810c71ae5fc56f1a251b7fd5-1",
        ]),
    )
    .signed(by_github(&[(
        "x-hub-signature-256",
        "sha256=bd2eab9da6397c803e329f9df340059b73ebf4728d470bd15de76d323c53a0cf",
    )])),
    Sample::form(
        "urlencoded",
        body!("urlencoded", "txt"),
        ReadAs::News(&[
            "332591cb9522aed1e72c7ee34cfeb6f8-0",
            "332591cb9522aed1e72c7ee34cfeb6f8-1",
        ]),
    )
    .signed(by_github(&[(
        "x-hub-signature-256",
        "sha256=b8b056981244af19f4303955ca59234315dcd7bc073bde6c7cbb2a933c5f36f2",
    )])),
    Sample {
        content_type: MULTIPART,
        ..Sample::form(
            "multipart",
            body!("multipart", "txt"),
            ReadAs::News(&[
                "e9be85b402abac50be38f021fbed3191-0",
                "e9be85b402abac50be38f021fbed3191-1",
            ]),
        )
    }
    .signed(by_github(&[(
        "x-hub-signature-256",
        "sha256=30f65d1d87a9f73200d006e26469b6d88cd30d93538834b0351f9de87f469842",
    )])),
    Sample::form(
        "honeypot-tripped",
        body!("honeypot-tripped", "txt"),
        ReadAs::News(&[
            "apart-5433ec30b77e01d4e4a83576e03202fe-0",
            "apart-5433ec30b77e01d4e4a83576e03202fe-1",
        ]),
    ),
    Sample::form(
        "contact-form-7",
        body!("contact-form-7", "txt"),
        ReadAs::News(&[
            "32557b6e26cccf05006923ae3e7d13ef-0",
            "32557b6e26cccf05006923ae3e7d13ef-1",
        ]),
    ),
    Sample::json(
        "gravity-forms",
        body!("gravity-forms", "json"),
        ReadAs::News(&[
            "e46eee0cd12f24565a3864662c2ab5c7-0",
            "e46eee0cd12f24565a3864662c2ab5c7-1",
        ]),
    ),
    Sample::form(
        "elementor",
        body!("elementor", "txt"),
        ReadAs::News(&[
            "26304bf442347a3db66504211c650d4e-0",
            "26304bf442347a3db66504211c650d4e-1",
        ]),
    ),
    Sample::json(
        "webflow",
        body!("webflow", "json"),
        ReadAs::News(&[
            "6321ca84df3949bfc6752327-c7fac6f12d2a7e05",
            "6321ca84df3949bfc6752327-501aa641ad817478",
        ]),
    ),
    Sample::json(
        "typeform",
        body!("typeform", "json"),
        ReadAs::News(&[
            "a3a12ec67a1365927098a606107fac15-3225a58a2fb9883d",
            "a3a12ec67a1365927098a606107fac15-df7bc23abb77f651",
        ]),
    )
    .signed(Recorded {
        key: "typeform-secret-0001",
        headers: &[(
            "typeform-signature",
            "sha256=fncR4TAnHpPoLucf4eMXqHVGihLfWQexyKLWRUqpi5s=",
        )],
        at: 1_773_758_178,
    }),
    Sample {
        content_type: JOTFORM,
        ..Sample::form(
            "jotform",
            body!("jotform", "txt"),
            ReadAs::News(&["5839392012-9ce6e8f4845ee895", "5839392012-7bf21daf4213bbbd"]),
        )
    },
];
