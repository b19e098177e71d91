//! Where the carriers of messages are.

use http_client::Url;

/// Where the carriers of messages are.
#[derive(Debug, Clone)]
pub struct Config {
    /// Base URL of SendGrid's API.
    pub sendgrid_url: Url,
}

impl Config {
    /// Reads the base URLs; the real ones where nothing is set.
    pub fn read(reader: &mut settings::Reader<'_>) -> Self {
        let about = "Base URL of SendGrid's API. Subusers in the EU: https://api.eu.sendgrid.com.";
        Self {
            sendgrid_url: reader.url("SENDGRID_BASE_URL", "https://api.sendgrid.com", about),
        }
    }
}
