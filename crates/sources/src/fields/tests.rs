use super::*;

const NESTED: &[u8] = br#"{"event": "created", "payload": {"uri": "a/1", "uri": "a/2", "skipped": {"uri": [1]},
    "guest": {"name": " Dana ", "is_new": true}, "answers": [{"answer": "spring"}, {"answer": 7}, "x", null]}}"#;

fn read(wanted: Wanted) -> Fields<'static> {
    Fields::read(None, NESTED, wanted).unwrap()
}

#[test]
fn objects_within_objects_are_read() {
    let body = read(|_| true);
    let payload = body.object("payload");
    assert_eq!(payload.id(&["uri"]), Ok("a/1"), "the first counts");
    let guest = payload.object("guest");
    assert_eq!(
        guest.line(&["full_name", "name"], 3).as_deref(),
        Some("Da…")
    );
    assert_eq!(guest.flag("is_new"), Some(true));
    assert_eq!(body.object("event"), &Fields::default());
    assert_eq!(body.object("no-such").object("guest"), &Fields::default());
    let answers = payload.get("answers").unwrap().items().iter();
    let answers: Vec<_> = answers
        .filter_map(|answer| match answer {
            Field::Object(answer) => answer.text("answer"),
            answer => answer.text(),
        })
        .collect();
    assert_eq!(answers, ["spring", "7", "x"]);
}

#[test]
fn what_nobody_wants_is_skipped_at_every_depth() {
    let body = read(|name| ["payload", "guest", "name"].contains(&name));
    assert_eq!(body.get("event"), None);
    let payload = body.object("payload");
    assert_eq!(payload.object("guest").text("name"), Some("Dana"));
    assert_eq!(payload.members.len(), 1);
}

#[test]
fn objects_and_lists_are_cut() {
    let members: Vec<_> = (0..500)
        .map(|n| format!(r#""m{n}": {{"m": [{n}]}}"#))
        .collect();
    let body = format!(
        r#"{{"x": {{{}}}, "y": [{}]}}"#,
        members.join(","),
        "1,".repeat(500) + "1"
    );
    let fields = Fields::read(None, body.as_bytes(), |_| true).unwrap();
    assert_eq!(fields.object("x").members.len(), MAX_FIELDS);
    assert_eq!(fields.get("y").unwrap().items().len(), MAX_ITEMS);
    let list = format!("[{}, 7]", vec!["{}"; 5_000].join(","));
    let list = Fields::read_list(list.as_bytes(), |_| true, 5_000).unwrap();
    assert_eq!(list.len(), 5_000, "what is behind it is skipped");
}

#[test]
fn depth_is_bounded_wherever_it_is() {
    let deep = "[".repeat(10_000);
    for body in [
        format!(r#"{{"id": 7, "x": {deep}"#),
        format!(r#"{{"id": 7, "wanted": {{"x": {deep}"#),
    ] {
        let read = Fields::read(None, body.as_bytes(), |name| name != "x").unwrap();
        assert_eq!((read.id(&["id"]), read.is_cut()), (Ok("7"), true));
    }
    let read = Fields::read(None, deep.as_bytes(), |_| true);
    assert_eq!(
        read,
        Err(ReadError::Shape {
            expected: "a JSON object"
        })
    );
}

#[test]
fn what_is_lost_is_empty_and_named() {
    let body = r#"{"lost": NaN, "half": "Ren\u00e9e \ud83d", "whole": "x", "in": [{"a": "b\ud83d"}], "id": 7}"#;
    let fields = Fields::read(None, body.as_bytes(), |_| true).unwrap();
    assert_eq!(fields.mended(), ["lost", "half", "in"]);
    assert_eq!(fields.text("half"), Some("Renée \u{fffd}"));
    assert!(!fields.has("lost") && !fields.is_cut());
    assert_eq!(fields.id(&["lost", "id"]), Ok("7"));
    let sound = Fields::read(None, b"id=7&name=Ren%C3%A9e", |_| true).unwrap();
    assert_eq!(
        (sound.text("name"), sound.mended().len()),
        (Some("Renée"), 0)
    );
    // A character that nobody asked for is not worth mending.
    let form = b"id=7&name=Ren%E9e&other=%ff";
    let fields = Fields::read(None, form, |name| name != "other").unwrap();
    assert_eq!(fields.text("name"), Some("Renée"));
}

#[test]
fn campaign_tags_leave_room_for_what_counts() {
    let tags: Vec<_> = (0..500).map(|n| format!("utm_{n}=x")).collect();
    let form = format!("{}&id=7", tags.join("&"));
    let fields = Fields::read(None, form.as_bytes(), |_| true).unwrap();
    assert_eq!(fields.id(&["id"]), Ok("7"));
    assert_eq!(fields.members.len(), MAX_CAMPAIGN_TAGS + 1);
}

#[test]
fn an_empty_member_says_nothing() {
    let body = br#"{"a": {}, "b": [], "c": [null, ""], "d": {"other": 1}, "e": [{"x": 0}], "f": false, "g": " "}"#;
    let fields = Fields::read(None, body, |name| name != "other").unwrap();
    let said = ["a", "b", "c", "d", "e", "f", "g"].map(|name| fields.has(name));
    assert_eq!(said, [false, false, false, true, true, true, false]);
}

#[test]
fn a_byte_order_mark_says_nothing() {
    let marked = "\u{feff}{\"id\": 7}";
    let fields = Fields::read(None, marked.as_bytes(), |_| true).unwrap();
    assert_eq!(fields.id(&["id"]), Ok("7"));
    let marked = Fields::read_list("\u{feff}[{}]".as_bytes(), |_| true, 9);
    assert_eq!(marked.map(|list| list.len()), Ok(1));
    let twice = "\u{feff}\u{feff}\u{a0}{\"id\": 7}";
    let fields = Fields::read(None, twice.as_bytes(), |_| true).unwrap();
    assert_eq!(fields.id(&["id"]), Ok("7"));
}

#[test]
fn a_broken_list_is_read_as_far_as_it_goes() {
    let body = r#"[{"id": 1, "at": 1e999}, {"id": 2, "text": "\ud83d"}, {"id": 3, "te"#;
    let objects = Fields::read_list(body.as_bytes(), |_| true, 9).unwrap();
    let ids: Vec<_> = objects
        .iter()
        .filter_map(|object| object.text("id"))
        .collect();
    assert_eq!(ids, ["1", "2", "3"]);
}

#[test]
fn an_id_is_visible_and_short() {
    let error = |body: &str| {
        let fields = Fields::read(None, body.as_bytes(), |_| true).unwrap();
        fields.id(&["uri", "id"]).unwrap_err().to_string()
    };
    assert_eq!(
        error("{}"),
        "the body names nothing: `uri`, `id` are missing or empty"
    );
    for bad in [
        r#"{"uri": "a b"}"#,
        r#"{"uri": "é"}"#,
        r#"{"uri": {"a": 1}}"#,
    ] {
        assert_eq!(
            error(bad),
            "`uri` is not an id: expected 1 to 200 visible ASCII characters"
        );
    }
    let long = format!(r#"{{"uri": "", "id": "{}"}}"#, "7".repeat(201));
    assert!(error(&long).starts_with("`id` is not an id"));
}
