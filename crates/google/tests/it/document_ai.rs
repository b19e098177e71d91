//! Document AI.

use domain::{Classify, Disposition, DocumentReader};
use google::{CallError, DocumentAi, DocumentAiConfig, DocumentAiError, Tokens};
use simulators::{
    Fault, Simulators,
    document_ai::{EXTRACTOR, FORM_PARSER, paper},
};

use crate::{bad_token, good_token, http, start};

fn client(simulators: &Simulators, tokens: Tokens) -> DocumentAi {
    let config = DocumentAiConfig {
        base_url: simulators.document_ai().base_url().parse().unwrap(),
        form_parser: FORM_PARSER.parse().ok(),
        extractor: format!("{EXTRACTOR}/processorVersions/v1").parse().ok(),
    };
    DocumentAi::new(http(), tokens, config)
}

fn scan() -> Vec<u8> {
    paper(&[
        "Näme: Zoë Ortiz",
        "[x] Kitchen",
        "[ ] Bath",
        "~Phone: 512 555 0142",
        "Office: info@company.example",
    ])
}

const PDF: &str = "application/pdf";

#[tokio::test]
async fn both_readers_tell_what_stands_on_a_paper_and_how_sure_they_are() {
    let simulators = start().await;
    let client = client(&simulators, good_token());
    for (reader, expected) in [
        (
            DocumentReader::FormParser,
            [
                ("Näme", "Zoë Ortiz", 97),
                ("Kitchen", "yes", 97),
                ("Phone", "512 555 0142", 31),
                ("Office", "info@company.example", 97),
            ],
        ),
        (
            DocumentReader::Extractor,
            [
                ("näme", "Zoë Ortiz", 97),
                ("kitchen", "yes", 97),
                ("phone", "512 555 0142", 31),
                ("office", "info@company.example", 97),
            ],
        ),
    ] {
        let read = client.process(reader, PDF, &scan()).await.unwrap();
        let values = read.values.iter();
        let values: Vec<_> = values
            .map(|value| {
                (
                    value.name.as_str(),
                    value.value.as_str(),
                    value.percent_sure,
                )
            })
            .collect();
        assert_eq!(
            (read.pages, values.as_slice()),
            (1, &expected[..]),
            "{reader}"
        );
    }
    let photo = client
        .process(
            DocumentReader::FormParser,
            "image/jpeg",
            b"\xff\xd8\xff\xe0",
        )
        .await;
    assert_eq!(photo.unwrap().values, []);
}

#[tokio::test]
async fn failures_say_what_to_do_next() {
    let simulators = start().await;
    let good = client(&simulators, good_token());
    let reader = DocumentReader::FormParser;
    let refused = good.process(reader, PDF, b"no PDF").await.unwrap_err();
    assert_eq!(refused.disposition(), Disposition::Park);
    assert!(refused.answer().unwrap().contains("corrupt") && !refused.is_for_operators());

    let bad = client(&simulators, bad_token())
        .process(reader, PDF, &scan())
        .await;
    let bad = bad.unwrap_err();
    assert!(bad.is_for_operators() && bad.disposition() == Disposition::Retry { after: None });

    let document_ai = simulators.document_ai();
    document_ai.answer_next(Fault::RateLimit);
    let busy = good.process(reader, PDF, &scan()).await.unwrap_err();
    assert!(
        matches!(busy, DocumentAiError::Call(CallError::Throttled { .. })),
        "{busy}"
    );
    document_ai.answer_next(Fault::Malformed);
    let broken = good.process(reader, PDF, &scan()).await.unwrap_err();
    assert_eq!(broken.disposition(), Disposition::Retry { after: None });

    let config = DocumentAiConfig {
        base_url: document_ai.base_url().parse().unwrap(),
        form_parser: "projects/p/locations/us/processors/gone".parse().ok(),
        extractor: None,
    };
    let unset = DocumentAi::new(http(), good_token(), config);
    let gone = unset.process(reader, PDF, &scan()).await.unwrap_err();
    assert!(gone.is_for_operators(), "{gone}");
    let none = unset
        .process(DocumentReader::Extractor, PDF, &scan())
        .await
        .unwrap_err();
    assert!(matches!(none, DocumentAiError::NotSetUp), "{none}");
}
