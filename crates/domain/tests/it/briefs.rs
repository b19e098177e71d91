//! What any reader is told of a lead.

use domain::{
    About, Audio, Brief, CallFacts, Channel, Engine, LeadRequest, NoAudio, OfficeConfig, PersonId,
    TranscriptState,
    lead::brief::{self, NoWords, Speaker},
};
use proptest::prelude::*;
use testkit::lead;

fn changed(channel: Channel, change: impl FnOnce(&mut LeadRequest)) -> Brief {
    let mut request = lead::qualified(channel);
    change(&mut request);
    Brief::new(&request, &lead::office())
}

fn told(channel: Channel) -> Brief {
    changed(channel, |_| ())
}

/// The brief of a call with other facts about it.
fn call(change: impl FnOnce(&mut CallFacts)) -> Brief {
    changed(Channel::Phone, |request| {
        if let About::Phone(call) = &mut request.document.source.said.about {
            change(call);
        }
        request.document.details = None;
    })
}

#[test]
fn the_details_of_a_call_read_like_a_note() {
    let expected = "\
Caller: Ann Lee
Phone: +15125550142
E-mail: ann@example.com
Place: Round Rock, TX 78664
Address: 12 Main Street, Round Rock
Call: Mon 2 Nov 2026, 9:04 AM CST, 3:05 min
Wants: Kitchen (Quote request)
Timeline: 1–3 months
Budget: High
Score: 82 of 100, 90 % sure
Sentiment: positive; spam: 2 %
Summary: A homeowner wants a new kitchen before spring.
- clear budget: “about forty thousand”
Recording: call-1.mp3
Tags: kitchen, call back
Note: Wants to be called after five.
Value: $18,500
Lead status: good_lead
Source: Google Ads - Kitchens / cpc / austin-kitchens
Request: req_00000000000000000000000000000007";
    assert_eq!(told(Channel::Phone).details(), expected);
}

#[test]
fn each_channel_is_told_in_its_own_words() {
    let page = "https://demo.example.com/kitchens";
    let form = format!("Form: Mon 2 Nov 2026, 9:04 AM CST, Free estimate, {page}");
    let chat = format!("Chat: Mon 2 Nov 2026, 9:04 AM CST, Kitchen, {page}");
    let booking = "Booking: Mon 9 Nov 2026, 10:00 AM CST, 45 min, Kitchen consultation, 12 Main Street, Round Rock";
    let answer = "Budget: about forty thousand";
    let told_of: [(_, _, _, &[&str]); 6] = [
        (
            Channel::Phone,
            "Caller",
            "phone call",
            &["Recording: call-1.mp3"],
        ),
        (
            Channel::Text,
            "Customer",
            "text message",
            &["Text message: Mon 2 Nov 2026, 9:04 AM CST"],
        ),
        (Channel::Form, "Customer", "website form", &[&form, answer]),
        (Channel::Calendar, "Customer", "booking", &[booking, answer]),
        (Channel::Chat, "Customer", "chat", &[&chat]),
        (
            Channel::Api,
            "Customer",
            "lead",
            &["Lead: Mon 2 Nov 2026, 9:04 AM CST", answer],
        ),
    ];
    for (channel, role, what, lines) in told_of {
        let brief = told(channel);
        assert_eq!(brief.happened.what, what);
        assert!(!brief.happened.is_missed, "{channel}");
        let details = brief.details();
        let mut all: Vec<_> = details.lines().collect();
        assert_eq!(all.remove(0), format!("{role}: Ann Lee"));
        for line in lines {
            assert!(all.contains(line), "{channel}: {details}");
        }
        let has_recording = all.iter().any(|line| line.starts_with("Recording"));
        assert_eq!(has_recording, channel == Channel::Phone);
    }
}

#[test]
fn each_channel_has_its_script() {
    let messages = "\
[Mon 2 Nov 2026, 9:04 AM CST] Customer: Hello, we want a new kitchen.
[Mon 2 Nov 2026, 9:04 AM CST] Bot: Somebody will answer soon.
[Mon 2 Nov 2026, 9:05 AM CST] Company: What is your budget?
[Mon 2 Nov 2026, 9:06 AM CST] Customer: About forty thousand, before spring.";
    let own_words = "Customer: We want a new kitchen before spring.";
    let call = "\
[0:00] Speaker 1: Thanks for calling, how can I help?
[0:03] Speaker 2: We want a new kitchen, about forty thousand, before spring.";
    for (channel, script) in [
        (Channel::Phone, Some(call)),
        (Channel::Text, Some(messages)),
        (Channel::Form, Some(own_words)),
        (Channel::Calendar, Some(own_words)),
        (Channel::Chat, Some(messages)),
        (Channel::Api, Some(own_words)),
    ] {
        let told = told(channel).conversation.script(1_000);
        assert_eq!(told.as_deref(), script, "{channel}");
    }
}

#[test]
fn messages_are_told_in_the_order_of_their_time() {
    let brief = changed(Channel::Chat, |request| {
        let About::Chat(chat) = &mut request.document.source.said.about else {
            panic!("it is a chat")
        };
        for (id, number) in [("msg-1", 4), ("msg-4", 1)] {
            let message = chat.messages.get_mut(id).unwrap();
            message.at = format!("2026-11-02T15:0{number}:00Z").parse().ok();
        }
        chat.messages.get_mut("msg-3").unwrap().at = None;
        request.document.details = None;
    });
    let speakers = brief.conversation.utterances.iter();
    let speakers: Vec<_> = speakers
        .map(|utterance| utterance.speaker.clone())
        .collect();
    let expected = [
        Speaker::Agent,
        Speaker::Customer,
        Speaker::Customer,
        Speaker::Bot,
    ];
    assert_eq!(speakers, expected);
}

#[test]
fn a_call_that_nobody_answered_is_missed() {
    for (is_answered, is_voicemail, what, is_missed, note) in [
        (
            Some(false),
            Some(false),
            "missed call",
            true,
            Some("missed call"),
        ),
        (
            Some(false),
            Some(true),
            "voicemail",
            true,
            Some("voicemail"),
        ),
        (Some(true), Some(true), "voicemail", true, Some("voicemail")),
        (Some(true), None, "phone call", false, None),
        (None, None, "phone call", false, None),
    ] {
        let happened = call(|call| {
            call.duration_seconds = None;
            (call.is_answered, call.is_voicemail) = (is_answered, is_voicemail);
        })
        .happened;
        let notes = happened.notes.first().map(String::as_str);
        assert_eq!(
            (happened.what, happened.is_missed, notes),
            (what, is_missed, note)
        );
    }
}

#[test]
fn a_missed_call_rang_and_was_no_talk() {
    for (seconds, told) in [
        (None, "missed call"),
        (Some(0), "missed call"),
        (Some(19), "missed call, rang 19 s"),
        (Some(119), "missed call, rang 119 s"),
        (Some(130), "missed call, rang 2:10 min"),
    ] {
        let brief = call(|call| {
            (call.started_at, call.duration_seconds) = (None, seconds);
            (call.is_answered, call.is_voicemail) = (Some(false), Some(false));
        });
        assert_eq!(brief.happened.describe(), told);
        assert!(
            brief.details().contains(&format!("Call: {told}")),
            "{seconds:?}"
        );
    }
    let voicemail = call(|call| {
        (call.started_at, call.duration_seconds) = (None, Some(40));
        (call.is_answered, call.is_voicemail) = (Some(false), Some(true));
    });
    assert_eq!(voicemail.happened.describe(), "0:40 min, voicemail");
}

#[test]
fn an_extension_is_told_beside_the_number() {
    let brief = changed(Channel::Form, |request| {
        request.document.source.said.person.phone = Some("(512) 555-0153 x77".to_owned());
    });
    assert_eq!(
        brief.phone.as_ref().map(domain::E164::as_str),
        Some("+15125550153")
    );
    assert_eq!(brief.extension.as_deref(), Some("77"));
    assert!(brief.details().contains("Phone: +15125550153 ext. 77"));
}

#[test]
fn a_booking_says_what_became_of_it() {
    use domain::BookingStatus::{Booked, Canceled, NoShow, Unrecognized};
    for (status, what, note) in [
        (Some(Booked), "booking", None),
        (Some(Unrecognized), "booking", None),
        (None, "booking", None),
        (Some(Canceled), "canceled booking", Some("canceled")),
        (
            Some(NoShow),
            "missed appointment",
            Some("the customer did not come"),
        ),
    ] {
        let happened = changed(Channel::Calendar, |request| {
            if let About::Calendar(booking) = &mut request.document.source.said.about {
                (booking.status, booking.location) = (status, None);
            }
            request.document.details = None;
        })
        .happened;
        let notes = ["45 min", "Kitchen consultation"].into_iter().chain(note);
        assert_eq!(happened.what, what);
        assert_eq!(happened.notes, notes.collect::<Vec<_>>());
    }
}

#[test]
fn a_recording_without_words_says_why() {
    let unavailable = TranscriptState::Unavailable {
        reason: "the audio\nis broken".to_owned(),
    };
    for (state, no_words, line) in [
        (TranscriptState::Silent, NoWords::Silent, "nobody spoke"),
        (
            unavailable,
            NoWords::Unavailable("the audio is broken".to_owned()),
            "none, it could not be made: the audio is broken",
        ),
    ] {
        let brief = changed(Channel::Phone, |request| {
            request.document.transcript.as_mut().unwrap().state = state;
        });
        assert_eq!(brief.conversation.no_words, Some(no_words));
        assert_eq!(brief.conversation.script(1_000), None);
        let line = format!("Transcript: {line}");
        assert!(brief.details().lines().any(|other| other == line));
    }
}

#[test]
fn words_out_of_silence_are_no_conversation() {
    let looped = vec!["you"; 44].join(" ");
    let brief = changed(Channel::Phone, |request| {
        let turns = vec![
            lead::turn("1", 0, &looped),
            lead::turn("2", 60_000, "Thanks for watching."),
        ];
        request.document.transcript.as_mut().unwrap().turns = turns;
    });
    assert_eq!(brief.conversation.no_words, Some(NoWords::Repeated));
    assert!(brief.conversation.utterances.is_empty());
    let details = brief.details();
    assert!(details.contains("listen to the recording"), "{details}");
    assert!(details.contains("Phone: +15125550142"), "{details}");
}

#[test]
fn a_loop_beside_words_is_told_once() {
    let brief = changed(Channel::Phone, |request| {
        let words = format!("My roof leaks. {}", vec!["um,"; 30].join(" "));
        request.document.transcript.as_mut().unwrap().turns = vec![lead::turn("1", 0, &words)];
    });
    let told = brief.conversation.script(1_000).unwrap();
    assert_eq!(
        told,
        "[0:00] Speaker 1: My roof leaks. um, [repeated 30 times]"
    );
}

#[test]
fn a_call_without_audio_says_why() {
    for (reason, sentence) in [
        (NoAudio::NeverArrived, "none, it never arrived"),
        (NoAudio::NotRecorded, "none, the call was not recorded"),
        (NoAudio::Empty, "none, it was empty"),
        (NoAudio::Unreadable, "none, it could not be read"),
        (NoAudio::TooLarge, "none, it was too large"),
        (
            NoAudio::UnknownCall,
            "none, the call tracker does not know the call",
        ),
        (
            NoAudio::NotConnected,
            "none, no account of the call tracker is connected",
        ),
    ] {
        let details = changed(Channel::Phone, |request| {
            request.document.recording.as_mut().unwrap().audio = Audio::Absent { reason };
        })
        .details();
        assert!(
            details.contains(&format!("Recording: {sentence}\n")),
            "{details}"
        );
    }
}

#[test]
fn a_lead_of_which_nothing_is_known_has_a_brief() {
    for channel in Channel::ALL {
        let mut request = lead::request(channel);
        request.document.source.said = domain::Facts::nothing(channel);
        let brief = Brief::new(&request, &OfficeConfig::default());
        let role = brief.role();
        assert_eq!(brief.title(), format!("unknown {role}"));
        assert_eq!((brief.place(), brief.found_by()), (None, None));
        assert_eq!(brief.conversation.script(1_000), None);
        assert_eq!(brief.split_name(), (None, None));
        assert_eq!(brief.details().lines().count(), 2, "{}", brief.details());
    }
}

#[test]
fn the_title_is_the_best_that_tells_leads_apart() {
    let title = |name, phone, email| {
        changed(Channel::Form, |request| {
            let person = &mut request.document.source.said.person;
            let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            (person.name, person.phone, person.email) = (given(name), given(phone), given(email));
        })
        .title()
    };
    let (phone, email) = ("512-555-0142", "ann@example.com");
    assert_eq!(title("Ann Lee", phone, email), "Ann Lee");
    assert_eq!(title("WIRELESS CALLER", phone, email), "+15125550142");
    assert_eq!(title("", "", email), "ann@example.com");
    assert_eq!(title("", "", ""), "unknown customer");
}

#[test]
fn the_last_word_of_a_name_is_the_last_name() {
    for (name, expected) in [
        ("Ann Lee", (Some("Ann"), Some("Lee"))),
        ("Ann Marie van Lee", (Some("Ann Marie van"), Some("Lee"))),
        ("Ann", (Some("Ann"), None)),
        ("WIRELESS CALLER", (None, None)),
        ("Anonymous", (None, None)),
        ("+15125550142", (None, None)),
        ("(512) 555-0142", (None, None)),
        ("", (None, None)),
    ] {
        let brief = changed(Channel::Phone, |request| {
            request.document.source.said.person.name = Some(name.to_owned());
            request.document.details = None;
        });
        assert_eq!(brief.split_name(), expected, "{name}");
    }
}

#[test]
fn the_key_of_a_person_is_ours_or_the_requests() {
    let brief = told(Channel::Form);
    assert_eq!(brief.person_key(), "req_00000000000000000000000000000007");
    let person: PersonId = "per_00000000000000000000000000000002".parse().unwrap();
    assert_eq!(brief.from_person(person).person_key(), person.to_string());
}

#[test]
fn what_was_said_outranks_what_was_typed() {
    let brief = told(Channel::Form);
    assert_eq!(brief.address.as_deref(), Some("12 Main Street, Round Rock"));
    let brief = changed(Channel::Form, |request| {
        let analysis = request.document.analysis.as_mut().unwrap();
        analysis.address = None;
        analysis.postal_code = domain::PostalCode::parse("78701").ok();
    });
    assert_eq!(brief.address.as_deref(), Some("12 Main Street"));
    assert_eq!(brief.postal_code.unwrap().as_str(), "78701");
}

#[test]
fn times_are_the_offices_own() {
    for (zone, time) in [
        ("America/Chicago", "Mon 2 Nov 2026, 9:04 AM CST"),
        ("Nowhere/Else", "Mon 2 Nov 2026, 3:04 PM UTC"),
        ("", "Mon 2 Nov 2026, 3:04 PM UTC"),
    ] {
        let office = OfficeConfig {
            time_zone: zone.to_owned(),
            ..lead::office()
        };
        let brief = Brief::new(&lead::qualified(Channel::Form), &office);
        assert_eq!(brief.happened.at.as_deref(), Some(time));
    }
}

#[test]
fn a_judgment_by_rules_says_so() {
    let brief = changed(Channel::Form, |request| {
        let analysis = request.document.analysis.as_mut().unwrap();
        analysis.engine = Engine::Rules("1".to_owned());
    });
    assert!(brief.judgment.as_ref().unwrap().is_by_rules);
    let line = "Judged by: word rules, because no model was available";
    assert!(brief.details().lines().any(|other| other == line));
    assert!(!told(Channel::Form).judgment.unwrap().is_by_rules);
}

#[test]
fn a_percentage_is_always_one() {
    for (value, expected) in [
        (12.4, 12),
        (-1.0, 0),
        (250.0, 100),
        (f64::NAN, 0),
        (f64::INFINITY, 100),
    ] {
        let brief = changed(Channel::Form, |request| {
            let analysis = request.document.analysis.as_mut().unwrap();
            (analysis.spam_likelihood, analysis.confidence) = (value, value / 100.0);
            analysis.lead_score = 255;
        });
        let judgment = brief.judgment.unwrap();
        assert_eq!(judgment.spam_percent, expected);
        assert_eq!(judgment.confidence_percent, expected);
        assert_eq!(judgment.score, 100);
    }
}

#[test]
fn a_long_script_is_cut_between_utterances_and_marked() {
    const MAX: usize = 64_000;
    let brief = changed(Channel::Phone, |request| {
        let words = |second: u64| format!("é{second}{}", "é".repeat(300));
        let turn = |second: u64| lead::turn("1", second * 1_000, &words(second));
        request.document.transcript.as_mut().unwrap().turns = (0..500).map(turn).collect();
    });
    let script = brief.conversation.script(MAX).unwrap();
    assert!(script.encode_utf16().count() <= MAX);
    assert!(script.ends_with("is in the dashboard]"), "{script}");
    assert!(script.starts_with("[0:00] Speaker 1: é"));
    let lines: Vec<_> = script.lines().collect();
    let (_, whole) = lines.split_last().unwrap();
    assert!(whole.iter().all(|line| line.ends_with('é')));
}

#[test]
fn a_call_heard_as_one_voice_is_told_whole() {
    let words: String = (0..5_000)
        .map(|day| format!("on day {day} my shower leaks "))
        .collect();
    let brief = changed(Channel::Phone, |request| {
        let turns = vec![lead::turn("1", 0, &format!("{words}in 78704."))];
        request.document.transcript.as_mut().unwrap().turns = turns;
    });
    let utterances = &brief.conversation.utterances;
    assert!(utterances.len() > 1);
    assert_eq!(utterances[1].at, None, "nobody knows when");
    let told: Vec<_> = utterances.iter().map(|part| part.text.as_str()).collect();
    assert_eq!(told.join(" "), format!("{words}in 78704."));
}

#[test]
fn words_read_as_people_say_them() {
    assert_eq!(brief::label("whole_home"), "Whole home");
    assert_eq!(brief::label("1_3_months"), "1–3 months");
    for word in domain::Timeline::WORDS {
        assert!(!brief::label(word).contains('_'), "{word}");
    }
}

#[test]
fn debug_shows_no_personal_data() {
    let brief = told(Channel::Phone);
    let shown = format!("{brief:?} {:?} {:?}", brief.judgment, brief.conversation);
    for personal in ["Ann", "512", "Main", "kitchen"] {
        assert!(!shown.contains(personal), "{shown}");
    }
}

/// Puts a text wherever the lead, a provider or a model can put one.
fn everywhere(request: &mut LeadRequest, raw: &str) {
    let document = &mut request.document;
    let mut json = serde_json::to_value(&document.source.said).unwrap();
    fill(&mut json, raw);
    document.source.said = serde_json::from_value(json).unwrap();
    document.details = None;
    let said = &mut document.source.said;
    said.attribution.insert(raw.to_owned(), raw.to_owned());
    if let About::Form(form) = &mut said.about {
        form.answers.insert(raw.to_owned(), raw.to_owned());
    }
    let analysis = document.analysis.as_mut().unwrap();
    analysis.summary = raw.to_owned();
    analysis.address = Some(raw.to_owned());
    for reason in &mut analysis.reasons {
        (reason.reason, reason.quote) = (raw.to_owned(), raw.to_owned());
    }
    for turn in document
        .transcript
        .iter_mut()
        .flat_map(|section| &mut section.turns)
    {
        (turn.speaker, turn.text) = (raw.to_owned(), raw.to_owned());
    }
    for dispatch in document.dispatches.values_mut() {
        dispatch.reason = Some(raw.to_owned());
    }
}

/// Replaces each text, but those that name a kind and times.
fn fill(json: &mut serde_json::Value, raw: &str) {
    match json {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                let is_ours = key == "channel" || key == "from" || key == "status";
                if !(value.is_string() && (is_ours || key == "at" || key.ends_with("_at"))) {
                    fill(value, raw);
                }
            }
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(|item| fill(item, raw)),
        serde_json::Value::String(text) => raw.clone_into(text),
        _ => {}
    }
}

/// No text is longer than it may be, has characters that turn or hide text, or more lines than it should have.
fn assert_harmless(channel: Channel, raw: &str) {
    let brief = changed(channel, |request| everywhere(request, raw));
    let line = |text: &str, max: usize| {
        assert!(text.chars().count() <= max, "{channel}: {text:?}");
        let is_bad = |c: char| c.is_control() || "\u{200b}\u{202e}\u{feff}".contains(c);
        assert!(!text.contains(is_bad), "{channel}: {text:?}");
    };
    let Brief {
        name,
        city,
        state,
        address,
        value,
        lead_status,
        ..
    } = &brief;
    for text in [name, city, state, address, value, lead_status]
        .into_iter()
        .flatten()
    {
        line(text, brief::MAX_LINE);
    }
    for text in brief.happened.notes.iter().chain(&brief.tags) {
        line(text, brief::MAX_LINE);
    }
    let attribution = brief.attribution.iter();
    let answers = brief
        .happened
        .answers
        .iter()
        .map(|(question, answer)| (question, answer));
    for (name, value) in attribution.chain(answers) {
        line(name, brief::MAX_LINE);
        line(value, brief::MAX_LINE);
    }
    for utterance in &brief.conversation.utterances {
        line(&utterance.text, 16_000);
    }
    for reason in brief.crms.iter().filter_map(|crm| crm.reason.as_deref()) {
        line(reason, brief::MAX_LINE);
    }
    let judgment = brief.judgment.as_ref().unwrap();
    for text in brief.note.iter().chain([&judgment.summary]) {
        assert!(text.chars().count() <= brief::MAX_TEXT);
    }
    assert!(brief.details().chars().count() <= brief::MAX_DETAILS);
    let script = brief.conversation.script(4_000);
    assert!(script.is_none_or(|script| script.encode_utf16().count() <= 4_000));
    if let Some(found_by) = brief.found_by() {
        line(&found_by, brief::MAX_LINE);
    }
}

#[test]
fn hostile_text_is_bounded_and_visible() {
    let long = "long ".repeat(4_000);
    let raws = ["a\u{202e}b\u{200b}c\u{0}d\ne", "\u{feff}\r\n\t", &long, ""];
    for channel in Channel::ALL {
        for raw in raws {
            assert_harmless(channel, raw);
        }
    }
    let hidden = changed(Channel::Form, |request| {
        everywhere(request, "a\u{202e}b\u{200b}c\u{0}d");
    });
    assert_eq!(hidden.name.as_deref(), Some("abcd"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn any_text_is_bounded_and_visible(
        channel in proptest::sample::select(&Channel::ALL),
        raw in "\\PC{0,40}|[\\s\u{0}-\u{1f}\u{200b}\u{202e}\u{feff}a]{0,40}",
    ) {
        assert_harmless(channel, &raw);
    }
}
