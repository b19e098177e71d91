//! Sources beside the product's own: a chat with endpoints of its own and a shared key, and a form.

use domain::{Channel, Facts, Reading};
use http::Method;
use sources::{
    EndpointSpec, HOOK, Purpose, ReadError, Source, SourceSpec, TenantHint, Verification, Verified,
};

pub(crate) static FURTHER: &[&dyn Source] = &[&Chat, &Form];

struct Chat;

const fn endpoint(method: Method, path: &'static str, purpose: Purpose) -> EndpointSpec {
    EndpointSpec {
        method,
        path,
        purpose,
    }
}

static CHAT: SourceSpec = SourceSpec {
    slug: "chat",
    name: "Chat",
    channels: &[Channel::Chat],
    verification: Verification::SharedKey {
        header: "x-chat-key",
    },
    endpoints: &[
        endpoint(Method::HEAD, HOOK, Purpose::Ping),
        endpoint(Method::PUT, "/v1/chats/{token}", Purpose::Delivery),
        endpoint(Method::GET, "/v1/chats/{token}", Purpose::Ping),
        endpoint(Method::POST, "/v1/chats", Purpose::Delivery),
    ],
    kept_headers: &["x-chat-topic"],
    ..SourceSpec::DEFAULT
};

impl Source for Chat {
    fn spec(&self) -> &'static SourceSpec {
        &CHAT
    }

    fn hint(&self, content_type: Option<&str>, body: &[u8]) -> Option<TenantHint> {
        let fields = sources::Fields::read(content_type, body, |_| true).ok()?;
        Some(TenantHint {
            accounts: Vec::new(),
            tenant: fields.text("tenant")?.parse().ok(),
        })
    }

    fn read(&self, delivery: &Verified, _: Option<&str>) -> Result<Reading, ReadError> {
        let fields = delivery.fields(|_| true)?;
        if fields.text("topic") == Some("ping") {
            return Ok(Reading::Ping);
        }
        let facts = Facts::nothing(Channel::Chat);
        let mut news = delivery.news("conversation", &[fields.id(&["id"])?], facts);
        news.delivery_id = fields.line(&["delivery"], 100);
        Ok(Reading::News(news))
    }
}

struct Form;

static FORM: SourceSpec = SourceSpec {
    slug: "form",
    name: "Form",
    channels: &[Channel::Form],
    verification: Verification::PublicFormKey,
    ..SourceSpec::DEFAULT
};

impl Source for Form {
    fn spec(&self) -> &'static SourceSpec {
        &FORM
    }

    fn read(&self, delivery: &Verified, _: Option<&str>) -> Result<Reading, ReadError> {
        let fields = delivery.fields(|_| true)?;
        let facts = Facts::nothing(Channel::Form);
        let news = delivery.news("submission", &[fields.id(&["id"])?], facts);
        Ok(Reading::News(news))
    }
}
