//! What goes over the wire.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::text;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{BatchProgress, DIARIZED, Recognized, SpeechConfig, turns::turns};
use crate::call::{Status, millis};

/// `RecognitionConfig`.
pub(super) fn recognition(config: &SpeechConfig, word_offsets: bool) -> Value {
    let mut features = json!({
        "enableAutomaticPunctuation": true,
        "enableWordTimeOffsets": word_offsets,
    });
    if DIARIZED.contains(&config.language.as_str()) {
        features["diarizationConfig"] = json!({});
    }
    json!({
        "model": config.model,
        "languageCodes": [config.language],
        "autoDecodingConfig": {},
        "features": features,
        // Telephone lines are noisy. A threshold would drop quiet speech.
        "denoiserConfig": { "denoiseAudio": true, "snrThreshold": 0.0 },
    })
}

/// The body of `recognize`. Written here, because a serializer would look through megabytes of base64 for characters to
/// escape.
pub(super) fn with_content(config: &Value, content: &[u8]) -> String {
    let mut body = format!(r#"{{"config":{config},"content":""#);
    body.reserve(content.len().div_ceil(3) * 4 + 2);
    STANDARD.encode_string(content, &mut body);
    body.push_str("\"}");
    body
}

/// A long-running operation.
#[derive(Deserialize)]
pub(super) struct Operation {
    pub(super) name: String,
    #[serde(default)]
    done: bool,
    #[serde(default)]
    metadata: OperationMetadata,
    response: Option<BatchResponse>,
    error: Option<Status>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct OperationMetadata {
    progress_percent: i64,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct BatchResponse {
    results: std::collections::BTreeMap<String, FileResult>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct FileResult {
    error: Option<Status>,
    metadata: Metadata,
    inline_result: Option<InlineResult>,
    /// Where the transcript stood before `inlineResult` came.
    transcript: Option<Transcript>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct InlineResult {
    transcript: Transcript,
}

/// `RecognizeResponse`, and `BatchRecognizeResults` of a file.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Transcript {
    results: Vec<SpeechResult>,
    metadata: Metadata,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    total_billed_duration: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct SpeechResult {
    pub(super) alternatives: Vec<Alternative>,
    pub(super) result_end_offset: Option<String>,
    language_code: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Alternative {
    pub(super) transcript: String,
    pub(super) words: Vec<Word>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Word {
    pub(super) word: String,
    pub(super) start_offset: Option<String>,
    pub(super) end_offset: Option<String>,
    pub(super) speaker_label: Option<String>,
}

impl From<Operation> for BatchProgress {
    fn from(operation: Operation) -> Self {
        let Operation {
            done,
            metadata,
            response,
            error,
            ..
        } = operation;
        if let Some(status) = error {
            return Self::Failed {
                code: status.code,
                message: status.words(),
            };
        }
        if !done {
            let percent = metadata.progress_percent.clamp(0, 100);
            return Self::Running {
                percent: u8::try_from(percent).unwrap_or(100),
            };
        }
        // One file was asked for, so there is one result.
        let Some(file) = response.and_then(|response| response.results.into_values().next()) else {
            return Self::Failed {
                code: 13,
                message: "the operation ended without a result".to_owned(),
            };
        };
        if let Some(status) = file.error {
            return Self::FileFailed {
                code: status.code,
                message: status.words(),
            };
        }
        // A transcript of silence is empty, and what is empty may be omitted.
        let mut transcript = file
            .inline_result
            .map(|inline| inline.transcript)
            .or(file.transcript)
            .unwrap_or_default();
        if transcript.metadata.total_billed_duration.is_none() {
            transcript.metadata = file.metadata;
        }
        Self::Finished(transcript.into())
    }
}

impl From<Transcript> for Recognized {
    fn from(transcript: Transcript) -> Self {
        let billed_ms = transcript
            .metadata
            .total_billed_duration
            .as_deref()
            .and_then(millis)
            .unwrap_or_default();
        let language = transcript
            .results
            .iter()
            .find_map(|result| result.language_code.as_deref());
        Self {
            turns: turns(&transcript.results),
            language: language.and_then(|code| text::line(code, 35)),
            billed_seconds: u32::try_from(billed_ms.div_ceil(1_000)).unwrap_or(u32::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: serde_json::Value) -> Recognized {
        serde_json::from_value::<Transcript>(json).unwrap().into()
    }

    fn shape(recognized: &Recognized) -> Vec<(&str, u64, u64, &str)> {
        let turns = recognized.turns.iter();
        turns
            .map(|turn| {
                (
                    turn.speaker.as_str(),
                    turn.start_ms,
                    turn.end_ms,
                    turn.text.as_str(),
                )
            })
            .collect()
    }

    #[test]
    fn words_of_one_speaker_become_one_turn_also_across_results() {
        let recognized = read(json!({
            "results": [
                { "alternatives": [{ "transcript": "Hello there. Hi,", "words": [
                    { "endOffset": "0.480s", "word": "Hello", "speakerLabel": "1" },
                    { "startOffset": "0.480s", "endOffset": "0.900s", "word": "there.", "speakerLabel": "1" },
                    { "startOffset": "2.400s", "endOffset": "2.640s", "word": "Hi,", "speakerLabel": "2" },
                ] }, { "transcript": "a worse guess" }], "resultEndOffset": "3s", "languageCode": "en-US" },
                { "alternatives": [{ "words": [
                    { "startOffset": "3.1s", "endOffset": "3.4s", "word": "my", "speakerLabel": "2" },
                    { "startOffset": "3.4s", "endOffset": "3.8s", "word": "roof" },
                    { "startOffset": "4s", "endOffset": "4.2s", "word": "Yes?", "speakerLabel": "1" },
                ] }] },
            ],
            "metadata": { "totalBilledDuration": "4.200s" },
        }));
        let expected = [
            ("1", 0, 900, "Hello there."),
            ("2", 2_400, 3_800, "Hi, my roof"),
            ("1", 4_000, 4_200, "Yes?"),
        ];
        assert_eq!(shape(&recognized), expected);
        assert_eq!(recognized.language.as_deref(), Some("en-US"));
        assert_eq!(recognized.billed_seconds, 5);
    }

    #[test]
    fn without_word_times_a_turn_has_the_times_of_its_results() {
        let recognized = read(json!({ "results": [
            { "alternatives": [{ "words": [{ "word": "One", "speakerLabel": "1" }] }], "resultEndOffset": "5s" },
            { "alternatives": [{ "words": [{ "word": "two", "speakerLabel": "2" }] }], "resultEndOffset": "9s" },
        ] }));
        assert_eq!(
            shape(&recognized),
            [("1", 0, 5_000, "One"), ("2", 5_000, 9_000, "two")]
        );
    }

    #[test]
    fn without_words_the_text_counts() {
        let recognized = read(json!({ "results": [
            { "alternatives": [{ "transcript": " One  two. " }], "resultEndOffset": "5s" },
            { "alternatives": [{ "transcript": "Three." }], "resultEndOffset": "9s" },
            { "alternatives": [] },
        ] }));
        assert_eq!(shape(&recognized), [("1", 0, 9_000, "One two. Three.")]);
    }

    #[test]
    fn silence_has_no_turns() {
        for json in [
            json!({}),
            json!({ "results": [] }),
            json!({ "results": [{ "alternatives": [{}] }] }),
        ] {
            assert_eq!(
                read(json),
                Recognized {
                    turns: Vec::new(),
                    language: None,
                    billed_seconds: 0
                }
            );
        }
    }

    fn progress(json: serde_json::Value) -> BatchProgress {
        serde_json::from_value::<Operation>(json).unwrap().into()
    }

    #[test]
    fn an_operation_is_read_in_each_of_its_states() {
        let name = "projects/1/locations/us/operations/2";
        let running = json!({ "name": name, "metadata": { "progressPercent": 40 } });
        assert_eq!(progress(running), BatchProgress::Running { percent: 40 });
        assert_eq!(
            progress(json!({ "name": name })),
            BatchProgress::Running { percent: 0 }
        );

        let done = |file| json!({ "name": name, "done": true, "response": { "results": { "gs://b/a.mp3": file } } });
        let transcript = json!({ "results": [{ "alternatives": [{ "transcript": "Hi" }] }] });
        let billed = json!({ "totalBilledDuration": "61s" });
        for file in [
            json!({ "metadata": billed, "inlineResult": { "transcript": transcript } }),
            json!({ "metadata": billed, "transcript": transcript }),
        ] {
            let BatchProgress::Finished(recognized) = progress(done(file)) else {
                panic!("not finished")
            };
            assert_eq!((recognized.turns.len(), recognized.billed_seconds), (1, 61));
        }
        let silent = progress(done(json!({ "metadata": billed })));
        assert!(matches!(silent, BatchProgress::Finished(heard) if heard.turns.is_empty()));

        let error = json!({ "code": 3, "message": "Audio could not be decoded." });
        let message = "Audio could not be decoded.".to_owned();
        assert_eq!(
            progress(done(json!({ "error": error }))),
            BatchProgress::FileFailed {
                code: 3,
                message: message.clone()
            }
        );
        assert_eq!(
            progress(json!({ "name": name, "done": true, "error": error })),
            BatchProgress::Failed { code: 3, message }
        );
        let empty = progress(json!({ "name": name, "done": true }));
        assert!(matches!(empty, BatchProgress::Failed { code: 13, .. }));
    }
}
