use proptest::prelude::*;

use super::*;

const KIND: &str = "multipart/form-data; boundary=b";

fn part(head: &str, content: &[u8]) -> Vec<u8> {
    let head = format!("--b\r\ncontent-disposition: form-data; {head}\r\n\r\n");
    [head.as_bytes(), content, b"\r\n"].concat()
}

fn of(kind: &str, body: Vec<u8>) -> Body {
    Body::of(Some(kind), &body.into()).unwrap()
}

#[test]
fn a_files_type_is_what_its_bytes_say() {
    let body = [
        part(
            "name=\"photo\"; filename=\"a.pdf\"",
            b"\xff\xd8\xff\xe0JFIF",
        ),
        part("name=\"plan\"; filename=\"../../etc/passwd\"", b"%PDF-1.7"),
        part("name=\"empty\"; filename=\"\"", b""),
        part(
            "name=\"scan\"; filename*=UTF-8''K%C3%BCche%E2%80%AEgpj.exe",
            b"GIF89a",
        ),
        part("name=\"name\"", "Ren\u{e9}e".as_bytes()),
        b"--b--\r\n".to_vec(),
    ]
    .concat();
    let read = of(KIND, body);
    let kinds: Vec<_> = read.files.iter().map(|file| file.kind).collect();
    assert_eq!(kinds, ["image/jpeg", "application/pdf", "image/gif"]);
    assert_eq!(read.value("name"), Some("Ren\u{e9}e"));
    let names: Vec<_> = read.files.iter().map(|file| file.name.as_deref()).collect();
    assert_eq!(
        names,
        [
            Some("a.pdf"),
            Some("../../etc/passwd"),
            Some("K\u{fc}chegpj.exe")
        ],
        "kept as text, and nothing follows from it"
    );
}

#[test]
fn a_part_in_another_encoding_is_read_and_what_is_lost_is_told() {
    let typed = |content: &[u8]| {
        let head = "name=\"name\"\r\ncontent-type: text/plain; charset=iso-8859-2";
        [part(head, content), b"--b--\r\n".to_vec()].concat()
    };
    let plain = |content: &[u8]| [part("name=\"name\"", content), b"--b--\r\n".to_vec()].concat();
    let read = of(KIND, plain(b"Ren\xe9e \x80 20k"));
    assert_eq!(read.value("name"), Some("Ren\u{e9}e \u{20ac} 20k"));
    assert!(read.unread.is_empty());
    assert_eq!(of(KIND, typed(b"\xb3uk")).value("name"), Some("\u{142}uk"));
    let read = of(KIND, plain(b"Ren\xc3\xa9e \xc3"));
    assert_eq!(read.value("name"), Some("Ren\u{e9}e"));
    assert_eq!(read.unread, ["name"]);
    let nul = Body::check(Some(KIND), &plain(b"a\0b\0").into());
    assert!(matches!(nul, Err(Unacceptable::Broken(_))), "{nul:?}");
}

#[test]
fn json_is_held_to_the_same_bounds_as_a_form() {
    let kind = Some("application/json");
    let fields = |count: usize| {
        let members: Vec<_> = (0..count)
            .map(|number| format!(r#""f{number}":1"#))
            .collect();
        Bytes::from(format!("{{{}}}", members.join(",")))
    };
    assert_eq!(Body::check(kind, &fields(MAX_FIELDS)), Ok(()));
    let many = Body::check(kind, &fields(MAX_FIELDS + 1));
    assert_eq!(
        many,
        Err(Unacceptable::TooMuch("it has more than 128 fields"))
    );
    let long = format!(r#"{{"message":"{}"}}"#, "x".repeat(MAX_VALUE_BYTES + 1));
    let long = Body::check(kind, &long.into());
    assert_eq!(
        long,
        Err(Unacceptable::TooMuch("a field is longer than 16 KiB"))
    );
    assert_eq!(
        Body::check(kind, &Bytes::from_static(b"{\"a\": brok")),
        Ok(())
    );
}

#[test]
fn repeated_names_are_lists_and_commas_are_theirs() {
    let body =
        b"your-budget%5B%5D=%2420%2C000+-+%2430%2C000&your-budget%5B%5D=more&terms=&terms=on"
            .to_vec();
    let read = of("application/x-www-form-urlencoded", body);
    assert_eq!(read.entries[0].values, ["$20,000 - $30,000", "more"]);
    assert_eq!(read.entries[1].values, ["on"]);
}

#[test]
fn a_long_value_is_read_in_part_but_jotforms_whole() {
    let words = "x".repeat(20_000);
    let long = format!("message={words}").into_bytes();
    let kind = "application/x-www-form-urlencoded";
    let checked = Body::check(Some(kind), &long.clone().into());
    assert_eq!(
        checked,
        Err(Unacceptable::TooMuch("a field is longer than 16 KiB"))
    );
    let read = of(kind, long);
    assert_eq!(read.value("message").unwrap().len(), MAX_VALUE_BYTES);
    assert_eq!(read.unread, ["message"]);

    let raw = format!(
        r#"{{"q3_fullName3": {{"first": "Ada", "last": "Fenn"}}, "q4_notes": "{0}", "q5_more": "{0}"}}"#,
        "x".repeat(15_000)
    );
    let parts = [
        part("name=\"rawRequest\"", raw.as_bytes()),
        b"--b--\r\n".to_vec(),
    ];
    let body = parts.concat();
    assert_eq!(Body::check(Some(KIND), &body.clone().into()), Ok(()));
    let read = of(KIND, body);
    assert_eq!(read.value("fullName.first"), Some("Ada"));
    assert_eq!(read.value("notes").map(str::len), Some(15_000));
    assert!(read.unread.is_empty(), "{:?}", read.unread);
}

#[test]
fn what_a_multipart_body_breaks_off_in_is_told() {
    let whole = [part("name=\"a\"", b"1"), part("name=\"b\"", b"2")].concat();
    let read = of(KIND, whole[..whole.len() - 9].to_vec());
    assert_eq!((read.value("a"), read.is_cut), (Some("1"), true));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..300), kind in 0..4_usize) {
        let kinds = [None, Some("application/json"), Some(KIND), Some("multipart/form-data; boundary=\"")];
        let body = Bytes::from(body);
        let read = Body::of(kinds[kind], &body);
        prop_assert_eq!(&read, &Body::of(kinds[kind], &body));
        Body::check(kinds[kind], &body).ok();
        if let Ok(read) = read {
            prop_assert!(read.entries.len() <= MAX_FIELDS && read.files.len() <= MAX_FILES);
        }
    }
}

fn wide(text: &str, is_marked: bool) -> Bytes {
    let mark = is_marked.then_some(0xfeff).into_iter();
    let units = mark.chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect::<Vec<_>>().into()
}

#[test]
fn a_body_in_utf_16_is_read() {
    let form = "name=Ren\u{e9}e&email=a%40b.com&zip=78704";
    let json = r#"{"name": "Renée", "email": "a@b.com", "zip": "78704"}"#;
    for text in [form, json] {
        for is_marked in [true, false] {
            for kind in [
                None,
                Some("application/json"),
                Some("application/x-www-form-urlencoded; charset=utf-16"),
            ] {
                let body = wide(text, is_marked);
                assert_eq!(Body::check(kind, &body), Ok(()), "{kind:?} {text}");
                let read = Body::of(kind, &body).unwrap();
                assert_eq!(read.value("email"), Some("a@b.com"), "{kind:?} {text}");
                assert_eq!(read.value("name"), Some("Ren\u{e9}e"));
            }
        }
    }
    let marked = Bytes::from("\u{feff}name=Ada&zip=78704");
    assert_eq!(Body::of(None, &marked).unwrap().value("name"), Some("Ada"));
}

#[test]
fn what_a_body_is_shows_where_its_type_says_otherwise() {
    let form = b"name=Ada&email=a%40b.com".to_vec();
    let json = br#"{"name": "Ada"}"#.to_vec();
    let twice = serde_json::to_vec(r#"{"name": "Ada"}"#).unwrap();
    let parts = [part("name=\"name\"", b"Ada"), b"--b--\r\n".to_vec()].concat();
    for kind in [
        None,
        Some("application/json"),
        Some("application/octet-stream"),
        Some("multipart/form-data"),
        Some("text/plain;charset=UTF-8"),
    ] {
        for body in [&form, &json, &twice, &parts] {
            let is_multipart = kind == Some("multipart/form-data");
            if is_multipart && body != &parts {
                continue;
            }
            let body = Bytes::from(body.clone());
            let read = Body::of(kind, &body).unwrap();
            assert_eq!(read.value("name"), Some("Ada"), "{kind:?} {body:?}");
            assert!(Body::is_a_form(kind, &body));
        }
    }
    for other in [&b"hello there"[..], b"<xml a=\"b\"/>", b"", b"\x89PNG"] {
        assert!(
            !Body::is_a_form(None, &Bytes::from_static(other)),
            "{other:?}"
        );
    }
}

/// Elementor sends six names for each field.
#[test]
fn a_form_of_forty_fields_is_no_flood() {
    let fields: Vec<_> = (0..40)
        .flat_map(|number| {
            let part =
                |part: &str, value: String| (format!("fields[detail_{number}][{part}]"), value);
            [
                part("id", format!("detail_{number}")),
                part("type", "text".to_owned()),
                part("title", format!("Detail {number}")),
                part("value", format!("value {number}")),
                part("raw_value", format!("value {number}")),
                part("required", "0".to_owned()),
            ]
        })
        .collect();
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    let body = Bytes::from(body);
    let kind = Some("application/x-www-form-urlencoded");
    assert_eq!(Body::check(kind, &body), Ok(()));
    let read = Body::of(kind, &body).unwrap();
    assert_eq!(read.value("detail_39"), Some("value 39"));
    assert_eq!(read.entries.len(), 40);
    let many: Vec<_> = (0..129).map(|number| format!("f{number}=x")).collect();
    let many = Bytes::from(many.join("&"));
    let refused = Unacceptable::TooMuch("it has more than 128 fields");
    assert_eq!(Body::check(kind, &many), Err(refused));
}
