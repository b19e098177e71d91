//! An invented form tool. It posts what a person entered, as JSON or as the browser would, to a URL that the page shows.

use domain::{About, Channel, Facts, FormFacts, PersonFacts, Reading};
use sources::{ReadAs, ReadError, Sample, Source, SourceSpec, Verification, Verified};

pub(super) struct Form;

static SPEC: SourceSpec = SourceSpec {
    slug: "form",
    name: "Form",
    channels: &[Channel::Form],
    verification: Verification::PublicFormKey,
    is_resent: false,
    set_up: "Enter the URL as the form's action.",
    samples: &[
        Sample::json(
            "submission",
            include_bytes!("submission.json"),
            ReadAs::News(&["sub_90211"]),
        ),
        Sample::form(
            "submission-urlencoded",
            include_bytes!("submission.txt"),
            ReadAs::News(&["sub_90212"]),
        ),
    ],
    ..SourceSpec::DEFAULT
};

impl Source for Form {
    fn spec(&self) -> &'static SourceSpec {
        &SPEC
    }

    fn read(&self, delivery: &Verified, _: Option<&str>) -> Result<Reading, ReadError> {
        let form = delivery.fields(|_| true)?;
        let facts = Facts {
            person: PersonFacts {
                name: form.line(&["name", "full_name"], 200),
                email: form.line(&["email"], 254),
                phone: form.line(&["phone", "tel"], 64),
                postal_code: form.line(&["zip"], 20),
                ..PersonFacts::default()
            },
            attribution: form.lines(|name| name.starts_with("utm_"), 500),
            about: About::Form(FormFacts {
                form: form.line(&["form"], 200),
                message: form.line(&["message"], 5_000),
                answers: form.lines(|name| ["square_feet", "contact_by"].contains(&name), 500),
                ..FormFacts::default()
            }),
            ..Facts::default()
        };
        let news = delivery.news("submission", &[form.id(&["submission_id"])?], facts);
        Ok(Reading::News(news))
    }
}
