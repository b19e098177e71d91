use domain::{
    About, Audio, BookingFacts, BookingStatus, CallFacts, Channel, ContactSection, DispatchState,
    Document, Engine, Facts, NoAudio, TranscriptState,
};
use notify::Content;
use proptest::prelude::*;
use testkit::lead;

use crate::mail;

fn dispatched(document: &mut Document) {
    let dispatched = lead::dispatched(document);
    document
        .dispatches
        .values_mut()
        .for_each(|section| section.clone_from(&dispatched));
}

#[test]
fn each_channel_has_a_mail_in_its_own_words() {
    for (channel, happened, first_fact) in [
        (
            Channel::Phone,
            "Phone call",
            "Call: Mon 2 Nov 2026, 9:04 AM CST, 3:05 min",
        ),
        (
            Channel::Text,
            "Text message",
            "Text message: Mon 2 Nov 2026, 9:04 AM CST",
        ),
        (
            Channel::Form,
            "Website form",
            "Form: Mon 2 Nov 2026, 9:04 AM CST, Free estimate",
        ),
        (
            Channel::Calendar,
            "Booking",
            "Booking: Mon 9 Nov 2026, 10:00 AM CST, 45 min",
        ),
        (
            Channel::Chat,
            "Chat",
            "Chat: Mon 2 Nov 2026, 9:04 AM CST, Kitchen",
        ),
        (Channel::Api, "Lead", "Lead: Mon 2 Nov 2026, 9:04 AM CST"),
    ] {
        let mail = mail(channel, dispatched);
        let subject = "Kitchen, score 82, Ann Lee (Round Rock, TX 78664)";
        assert_eq!(mail.subject, format!("{happened}: {subject}"));
        assert!(
            mail.html
                .contains(&format!("Demo Company &middot; {happened}\n")),
            "{channel}"
        );
        let lines = [
            first_fact,
            "Note: Wants to be called after five.",
            "Lead status: Good lead",
            "CRM: in The CRM",
        ];
        for line in lines {
            assert!(
                mail.text.contains(&format!("\n{line}")),
                "{channel}: no {line} in {}",
                mail.text
            );
        }
        let is_about_a_call = ["call:", "Speaker", "recording"]
            .iter()
            .any(|word| mail.text.contains(word));
        assert_eq!(is_about_a_call, channel == Channel::Phone, "{}", mail.text);
    }
}

#[test]
fn a_call_reads_as_it_should() {
    let mail = mail(Channel::Phone, dispatched);
    insta::assert_snapshot!("call_text", mail.text);
    insta::assert_snapshot!("call_html", mail.html);
}

#[test]
fn a_booking_reads_as_it_should() {
    let mail = mail(Channel::Calendar, dispatched);
    insta::assert_snapshot!("booking_text", mail.text);
    insta::assert_snapshot!("booking_html", mail.html);
}

#[test]
fn a_lead_with_everything_amiss_says_so() {
    let mail = mail(Channel::Phone, |document| {
        let said = &mut document.source.said;
        let phone = said.person.phone.take();
        *said = Facts::nothing(Channel::Phone);
        said.person.phone = phone;
        said.about = About::Phone(CallFacts {
            is_answered: Some(false),
            started_at: Some(lead::at()),
            ..CallFacts::default()
        });
        document.transcript = None;
        document.recording.as_mut().unwrap().audio = Audio::Absent {
            reason: NoAudio::NeverArrived,
        };
        document.analysis.as_mut().unwrap().engine = Engine::Rules("1".to_owned());
        document.qualification.as_mut().unwrap().area = domain::AreaVerdict::Unknown;
        let dispatch = document.dispatches.values_mut().next().unwrap();
        dispatch.state = DispatchState::Held;
        dispatch.reason = Some("the CRM no longer accepts this tenant's credential".to_owned());
    });
    assert!(
        mail.subject
            .starts_with("Missed call: Kitchen, score 82, (512) 555-0142"),
        "{}",
        mail.subject
    );
    insta::assert_snapshot!("amiss_text", mail.text);
    insta::assert_snapshot!("amiss_html", mail.html);
}

#[test]
fn what_became_of_a_call_or_a_booking_begins_the_subject() {
    let booking = |status| {
        About::Calendar(BookingFacts {
            status: Some(status),
            ..BookingFacts::default()
        })
    };
    let voicemail = About::Phone(CallFacts {
        is_voicemail: Some(true),
        ..CallFacts::default()
    });
    for (channel, about, begin) in [
        (
            Channel::Calendar,
            booking(BookingStatus::Canceled),
            "Canceled booking: ",
        ),
        (
            Channel::Calendar,
            booking(BookingStatus::NoShow),
            "Missed appointment: ",
        ),
        (Channel::Phone, voicemail, "Voicemail: "),
    ] {
        let mail = mail(channel, |document| document.source.said.about = about);
        assert!(mail.subject.starts_with(begin), "{}", mail.subject);
    }
}

#[test]
fn a_lead_of_which_nothing_is_known_still_makes_a_mail() {
    for (channel, who) in [(Channel::Phone, "caller"), (Channel::Chat, "customer")] {
        let mail = mail(channel, |document| {
            document.source.said = Facts::nothing(channel);
            document.contact = ContactSection::default();
            document.recording = None;
            document.transcript = None;
            document.analysis = None;
            document.qualification = None;
            document.dispatches.clear();
        });
        let happened = if channel == Channel::Phone {
            "Phone call"
        } else {
            "Chat"
        };
        assert_eq!(mail.subject, format!("{happened}: Unknown {who}"));
        let begin = format!("Unknown {who}\n{happened}: Lead\n");
        assert!(mail.text.starts_with(&begin), "{}", mail.text);
    }
}

#[test]
fn a_transcript_that_is_silent_or_missing_is_marked() {
    let unavailable = TranscriptState::Unavailable {
        reason: "x".to_owned(),
    };
    for (state, words) in [
        (TranscriptState::Silent, "Nobody spoke on the recording."),
        (unavailable, "no transcript could be made"),
    ] {
        let mail = mail(Channel::Phone, |document| {
            document.transcript.as_mut().unwrap().state = state.clone();
        });
        assert!(
            mail.html.contains(words) && mail.text.contains(words),
            "{state:?}"
        );
    }
}

#[test]
fn words_out_of_silence_are_marked() {
    let mail = mail(Channel::Phone, |document| {
        for turn in &mut document.transcript.as_mut().unwrap().turns {
            turn.text = "you ".repeat(20);
        }
    });
    let words = "Little or nothing was said on the recording.";
    assert!(mail.html.contains(words) && mail.text.contains(words));
    assert!(!mail.text.contains("you you"), "{}", mail.text);
}

/// Puts a text wherever a person, a provider or the model can put one.
fn everywhere(document: &mut Document, raw: &str) {
    let raw = format!("x{raw}");
    let said = &mut document.source.said;
    for field in [
        &mut said.person.name,
        &mut said.person.city,
        &mut said.person.state,
        &mut said.person.address,
        &mut said.labels.note,
        &mut said.labels.value,
        &mut said.labels.status,
    ] {
        *field = Some(raw.clone());
    }
    said.labels.tags = Some(vec![raw.clone()]);
    said.attribution = [("source".to_owned(), raw.clone())].into();
    if let About::Calendar(booking) = &mut said.about {
        for field in [
            &mut booking.service,
            &mut booking.location,
            &mut booking.message,
        ] {
            *field = Some(raw.clone());
        }
        booking.answers = [(raw.clone(), raw.clone())].into();
    }
    let analysis = document.analysis.as_mut().unwrap();
    analysis.summary.clone_from(&raw);
    analysis.address = Some(raw.clone());
    for reason in &mut analysis.reasons {
        reason.reason.clone_from(&raw);
        reason.quote.clone_from(&raw);
    }
    for turn in document
        .transcript
        .iter_mut()
        .flat_map(|section| &mut section.turns)
    {
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
    for channel in [Channel::Phone, Channel::Calendar] {
        let with = |raw: &str| mail(channel, |document| everywhere(document, raw));
        let (plain, hostile) = (with(""), with(raw));
        assert_eq!(tags(&hostile.html), tags(&plain.html), "{raw:?}");
        let Content {
            subject,
            text,
            html,
        } = hostile;
        assert_eq!(
            text.lines().count(),
            plain.text.lines().count(),
            "{raw:?}: {text}"
        );
        assert!(!subject.chars().any(char::is_control), "{subject:?}");
        assert!(subject.chars().count() <= 120, "{subject:?}");
        let is_harmless = |c: char| !c.is_control() || c == '\n';
        assert!(text.chars().chain(html.chars()).all(is_harmless), "{raw:?}");
        assert!(html.len() < 200_000, "{} bytes", html.len());
    }
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
    // A longer turn would be told in two parts.
    let long: String = (0..1_000)
        .map(|number| format!("very{number} long "))
        .collect();
    assert_harmless(&long);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn any_text_stays_text(raw in any::<String>()) {
        assert_harmless(&raw);
    }
}

#[test]
fn an_address_cannot_smuggle_anything_into_its_link() {
    let mail = mail(Channel::Form, |document| {
        document.source.said.person.email = Some("ann?cc=evil&x='@example.com".to_owned());
    });
    let link = "mailto:ann%3Fcc%3Devil%26x%3D%27@example.com";
    assert!(mail.html.contains(link), "{}", mail.html);
}
