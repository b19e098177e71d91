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
