use domain::{
    AreaBasis, AreaVerdict, Audio, CallFacts, DispatchState, Document, Engine, NoAudio,
    TranscriptState,
};
use notify::{Content, lead_mail};
use proptest::prelude::*;

use crate::{office, request};

fn mail(change: impl FnOnce(&mut Document)) -> Content {
    lead_mail(&request(change), &office()).unwrap()
}

#[test]
fn a_whole_lead_reads_as_it_should() {
    let mail = mail(|document| {
        document.qualification.as_mut().unwrap().area = AreaVerdict::In(AreaBasis::PostalCode);
    });
    assert_eq!(
        mail.subject,
        "Kitchen, score 82: Ann Marie Lee (Round Rock, TX 78664)"
    );
    insta::assert_snapshot!("whole_text", mail.text);
    insta::assert_snapshot!("whole_html", mail.html);
}

#[test]
fn a_lead_with_everything_amiss_says_so() {
    let mail = mail(|document| {
        let call = &mut document.source.call;
        *call = CallFacts {
            caller_number: call.caller_number.clone(),
            started_at: call.started_at,
            is_answered: Some(false),
            ..CallFacts::default()
        };
        document.transcript = None;
        document.recording.as_mut().unwrap().audio = Audio::Absent {
            reason: NoAudio::NeverArrived,
        };
        document.analysis.as_mut().unwrap().engine = Engine::Rules("1".to_owned());
        let dispatch = document.dispatches.values_mut().next().unwrap();
        dispatch.state = DispatchState::Held;
        dispatch.reason = Some("the CRM no longer accepts this tenant's credential".to_owned());
    });
    insta::assert_snapshot!("amiss_text", mail.text);
    insta::assert_snapshot!("amiss_html", mail.html);
}

#[test]
fn a_lead_of_which_nothing_is_known_still_makes_a_mail() {
    let bare = request(|document| {
        document.source.call = CallFacts::default();
        document.recording = None;
        document.transcript = None;
        document.analysis = None;
        document.qualification = None;
        document.dispatches.clear();
    });
    let mail = lead_mail(&bare, &domain::OfficeConfig::default()).unwrap();
    assert_eq!(mail.subject, "Lead: Unknown caller");
    assert!(
        mail.text.starts_with("Unknown caller\nLead\n"),
        "{}",
        mail.text
    );
}

#[test]
fn a_transcript_that_is_silent_or_missing_is_marked() {
    for (state, words) in [
        (TranscriptState::Silent, "Nobody spoke on the recording."),
        (
            TranscriptState::Unavailable {
                reason: "x".to_owned(),
            },
            "no transcript could be made",
        ),
    ] {
        let mail = mail(|document| document.transcript.as_mut().unwrap().state = state.clone());
        assert!(
            mail.html.contains(words) && mail.text.contains(words),
            "{state:?}"
        );
    }
}

/// Puts a text wherever a caller, a provider or the model can put one.
fn everywhere(document: &mut Document, raw: &str) {
    let raw = format!("x{raw}");
    let call = &mut document.source.call;
    for field in [
        &mut call.caller_name,
        &mut call.caller_city,
        &mut call.caller_state,
        &mut call.note,
        &mut call.value,
    ] {
        *field = Some(raw.clone());
    }
    call.tags = Some(vec![raw.clone()]);
    call.marketing = [("source".to_owned(), raw.clone())].into();
    let analysis = document.analysis.as_mut().unwrap();
    analysis.summary.clone_from(&raw);
    analysis.address = Some(raw.clone());
    for reason in &mut analysis.reasons {
        reason.reason.clone_from(&raw);
        reason.quote.clone_from(&raw);
    }
    for turn in &mut document.transcript.as_mut().unwrap().turns {
        turn.speaker.clone_from(&raw);
        turn.text.clone_from(&raw);
    }
    let dispatch = document.dispatches.values_mut().next().unwrap();
    dispatch.state = DispatchState::Parked;
    dispatch.reason = Some(raw);
}

/// All tags of a page, with their attributes.
fn tags(html: &str) -> Vec<&str> {
    html.split('<')
        .skip(1)
        .map(|rest| rest.split_once('>').map_or(rest, |(tag, _)| tag))
        .collect()
}

/// Hostile text makes no tag, no attribute, no line and no control character.
fn assert_harmless(raw: &str) {
    let (plain, hostile) = (
        mail(|document| everywhere(document, "")),
        mail(|document| everywhere(document, raw)),
    );
    assert_eq!(tags(&hostile.html), tags(&plain.html), "{raw:?}");
    assert_eq!(
        hostile.text.lines().count(),
        plain.text.lines().count(),
        "{raw:?}: {}",
        hostile.text
    );
    assert!(
        !hostile.subject.chars().any(char::is_control),
        "{:?}",
        hostile.subject
    );
    assert!(
        hostile.subject.chars().count() <= 120,
        "{:?}",
        hostile.subject
    );
    let is_harmless = |c: char| !c.is_control() || c == '\n';
    assert!(
        hostile
            .text
            .chars()
            .chain(hostile.html.chars())
            .all(is_harmless),
        "{raw:?}"
    );
    assert!(hostile.html.len() < 200_000, "{} bytes", hostile.html.len());
}

#[test]
fn hostile_text_stays_text() {
    for raw in [
        "<script>alert(1)</script>",
        "</title><script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "\"><svg/onload=alert(1)>",
        "' onmouseover='alert(1)",
        "javascript:alert(1)",
        "<a href=\"javascript:alert(1)\">call</a>",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "<!--<img src=\"--><img src=x onerror=alert(1)//\">",
        "<style>@import'http://evil.example'</style>",
        "{{ 7 * 7 }}{% raw %}{{ request }}",
        "Ann\r\nBcc: everybody@example.com\r\n\r\nhello",
        "a\u{0}b\u{1b}[31mred\u{7}",
        "\u{202e}txt.exe\u{202c}",
        "<%asm_group_unsubscribe_raw_url%>",
        "＜script＞alert(1)＜/script＞",
    ] {
        assert_harmless(raw);
    }
    assert_harmless(&"very long ".repeat(50_000));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_text_stays_text(raw in any::<String>()) {
        assert_harmless(&raw);
    }
}

#[test]
fn an_address_cannot_smuggle_anything_into_its_link() {
    let mail = mail(|document| {
        document.source.call.caller_email = Some("ann?cc=evil&x='@example.com".to_owned());
    });
    assert!(
        mail.html
            .contains("mailto:ann%3Fcc%3Devil%26x%3D%27@example.com"),
        "{}",
        mail.html
    );
}
