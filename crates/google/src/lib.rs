//! Google's services that are called over REST: tokens, Speech-to-Text, Gemini, Document AI, Secret Manager and Maps.
//!
//! Each client says of a failure what to do next ([`domain::Classify`]); none retries by itself what the retry lanes
//! can repeat. Nothing here prints a token, a prompt or what somebody said.
#![warn(missing_docs)]

mod auth;
mod call;
mod document_ai;
mod gemini;
mod maps;
mod secret_manager;
mod speech;

pub use auth::{TokenError, Tokens};
pub use call::CallError;
pub use document_ai::{
    DocumentAi, DocumentAiConfig, DocumentAiError, ProcessorName, ProcessorNameError, ReadDocument,
};
pub use gemini::{Answer, Gemini, GeminiConfig, GeminiError, GeminiFault, Prompt, Spent};
pub use maps::{Maps, MapsConfig};
pub use secret_manager::{SecretManager, SecretManagerConfig, SecretManagerError};
pub use speech::{
    BatchProgress, OperationName, OperationNameError, Recognized, Speech, SpeechConfig, SpeechError,
};

/// The Google Cloud project that is billed, for every client.
fn project(reader: &mut settings::Reader<'_>) -> String {
    reader.required(
        "GOOGLE_PROJECT",
        "The Google Cloud project whose Speech-to-Text and Gemini are used and billed.",
    )
}

/// A base URL without the slash at its end.
fn base(url: &http_client::Url) -> &str {
    url.as_str().trim_end_matches('/')
}
