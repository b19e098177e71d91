//! The mails that bring somebody a link to sign in by.

use std::sync::LazyLock;

use domain::text;
use minijinja::{Environment, UndefinedBehavior, context};

use crate::{Content, TemplateError};

/// The longest name of a company in a subject, in characters.
const MAX_COMPANY: usize = 60;

/// Why somebody gets a link.
#[derive(Debug, Clone, Copy)]
pub enum SignInReason<'a> {
    /// They were invited into a company.
    Invitation {
        /// The company's name.
        company: &'a str,
        /// What they are there, with its article: `an operator`.
        role: &'a str,
        /// Whether the link itself signs them in. Else it leads to where they do.
        is_code: bool,
    },
    /// They asked for it.
    Asked,
}

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    // Else an error would repeat the link.
    templates.set_debug(false);
    for (name, source) in [
        ("sign_in.html", include_str!("templates/sign_in.html")),
        ("sign_in.txt", include_str!("templates/sign_in.txt")),
    ] {
        templates
            .add_template(name, source)
            .expect("a template in the code is one: tests fill each");
    }
    templates
});

/// The mail with a link that signs somebody in once. `lasts` says for how long, in words: `10 minutes`.
///
/// # Errors
/// [`TemplateError`] when a template does not fit what it is filled with.
pub fn sign_in_mail(
    reason: SignInReason<'_>,
    link: &str,
    lasts: &str,
) -> Result<Content, TemplateError> {
    let is_code = !matches!(reason, SignInReason::Invitation { is_code: false, .. });
    let (subject, lead, company) = match reason {
        SignInReason::Invitation { company, role, .. } => {
            // A company names itself: whatever it wrote stays on one line.
            let company = text::line(company, MAX_COMPANY);
            let company = company.unwrap_or_else(|| "a company".to_owned());
            let lead = format!("{company} invites you to see its leads, as {role}.");
            (format!("Your invitation to {company}"), lead, Some(company))
        }
        SignInReason::Asked => (
            "Your link to sign in".to_owned(),
            "You asked for a link to sign in.".to_owned(),
            None,
        ),
    };
    let view = context! { subject => subject.as_str(), lead, link, lasts, is_code, is_invitation => company.is_some() };
    let render = |name| TEMPLATES.get_template(name)?.render(&view);
    Ok(Content {
        text: render("sign_in.txt")?,
        html: render("sign_in.html")?,
        subject,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINK: &str = "https://leads.example/sign-in#code=mFxg8cI1zq0H3n2v";

    #[test]
    fn a_mail_brings_the_link_in_both_parts() {
        for (reason, subject) in [
            (SignInReason::Asked, "Your link to sign in"),
            (
                SignInReason::Invitation {
                    company: "Acme Remodeling",
                    role: "an operator",
                    is_code: true,
                },
                "Your invitation to Acme Remodeling",
            ),
        ] {
            let mail = sign_in_mail(reason, LINK, "10 minutes").unwrap();
            assert_eq!(mail.subject, subject);
            assert!(mail.text.contains(&format!("\n{LINK}\n")), "{}", mail.text);
            assert!(
                mail.html.contains(">Sign in</a>") && mail.html.contains("code=mFxg8cI1zq0H3n2v"),
                "{}",
                mail.html
            );
            for part in [&mail.text, &mail.html] {
                assert!(part.contains("within 10 minutes"), "{part}");
            }
        }
    }

    #[test]
    fn a_companys_name_is_text_on_one_line() {
        let company = "<b>Acme</b>\r\nBcc: eve@example.com";
        let reason = SignInReason::Invitation {
            company,
            role: "a viewer",
            is_code: false,
        };
        let mail = sign_in_mail(reason, LINK, "7 days").unwrap();
        assert!(!mail.subject.contains(['\r', '\n']), "{}", mail.subject);
        assert!(!mail.html.contains("<b>"), "{}", mail.html);
        // Where the link signs nobody in, nobody is told to guard it.
        assert!(!mail.text.contains("pass it on"), "{}", mail.text);
    }
}
