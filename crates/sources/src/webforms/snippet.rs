//! What a web designer pastes: a plain form, and a small script that it works without.

use super::{
    door::PAGE_TOKEN_FIELD,
    settings::{Service, Settings},
};

/// The form for this URL. Everything that a tenant sets is escaped.
pub(super) fn of(settings: &Settings, url: &str) -> String {
    let url = escaped(url);
    let honeypot = settings.first_honeypot().map_or_else(String::new, |name| {
        let name = escaped(name);
        format!(
            "  <div style=\"position:absolute;left:-9999px\" aria-hidden=\"true\">\n    <label>Leave this empty \
             <input name=\"{name}\" type=\"text\" tabindex=\"-1\" autocomplete=\"off\"></label>\n  </div>\n"
        )
    });
    let consent = settings.consent_text.as_deref().map_or_else(String::new, |text| {
        let text = escaped(text);
        format!(
            "  <p><label><input name=\"consent\" type=\"checkbox\" value=\"{text}\"> {text}</label></p>\n"
        )
    });
    let check = match settings
        .bot_check
        .as_ref()
        .map(|check| (check.service, &check.action))
    {
        Some((Service::Turnstile, action)) => {
            let action = action.as_deref().map_or_else(String::new, |action| {
                format!(" data-action=\"{}\"", escaped(action))
            });
            format!(
                "  <script src=\"https://challenges.cloudflare.com/turnstile/v0/api.js\" async defer></script>\n  <div \
                 class=\"cf-turnstile\" data-sitekey=\"YOUR-SITE-KEY\"{action}></div>\n"
            )
        }
        Some((Service::Recaptcha, _)) => {
            "  <script src=\"https://www.google.com/recaptcha/api.js\" async \
             defer></script>\n  <div class=\"g-recaptcha\" data-sitekey=\"YOUR-SITE-KEY\"></div>\n"
                .to_owned()
        }
        None => String::new(),
    };
    let required = |field: &str| {
        let is_required = settings.required_fields.iter().any(|name| name == field);
        if is_required { " required" } else { "" }
    };
    let (name, email, phone, zip) = (
        required("name"),
        required("email"),
        required("phone"),
        required("postal_code"),
    );
    format!(
        r#"<form class="lead-form" action="{url}" method="post">
  <p><label>Name <input name="name" autocomplete="name" maxlength="200"{name}></label></p>
  <p><label>E-mail <input name="email" type="email" autocomplete="email" maxlength="254"{email}></label></p>
  <p><label>Phone <input name="phone" type="tel" autocomplete="tel" maxlength="40"{phone}></label></p>
  <p><label>ZIP code <input name="zip" autocomplete="postal-code" maxlength="10"{zip}></label></p>
  <p><label>Project
    <select name="project_type">
      <option value="">Please choose</option>
      <option>Kitchen</option><option>Bathroom</option><option>Whole home</option><option>Other</option>
    </select></label></p>
  <p><label>Your message <textarea name="message" rows="5" maxlength="5000"></textarea></label></p>
{consent}{honeypot}{check}  <input type="hidden" name="form_id" value="website">
  <input type="hidden" name="{PAGE_TOKEN_FIELD}" value="">
  <button type="submit">Send</button>
</form>
<script>
(function () {{
  "use strict";
  var form = document.currentScript.previousElementSibling;
  function put(name, value) {{
    var field = form.elements[name];
    if (!field) {{
      field = document.createElement("input");
      field.type = "hidden";
      field.name = name;
      form.appendChild(field);
    }}
    field.value = value;
  }}
  var query = new URLSearchParams(location.search);
  ["utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "gclid", "gbraid", "wbraid", "fbclid",
    "msclkid"].forEach(function (name) {{
    if (query.get(name)) put(name, query.get(name).slice(0, 500));
  }});
  put("page_url", location.href.slice(0, 500));
  put("referrer", document.referrer.slice(0, 500));
  fetch(form.action + "/page-token").then(function (answer) {{ return answer.json(); }})
    .then(function (answer) {{ put("{PAGE_TOKEN_FIELD}", answer.page_token); }}).catch(function () {{}});
  form.addEventListener("submit", function () {{ form.querySelector("button").disabled = true; }});
}})();
</script>
"#
    )
}

/// A text as it stands in HTML, within quotes too.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_tenant_sets_breaks_out_of_no_quotes() {
        let evil = "\"><script>alert('x')</script>";
        let settings = Settings::of(&json!({
            "honeypots": [evil], "consent_text": evil, "required_fields": ["phone"],
            "bot_check": { "service": "turnstile", "action": evil },
        }));
        let html = of(
            &settings,
            &format!("https://leads.example/v1/forms/src_1?{evil}"),
        );
        assert!(
            !html.contains("alert('x')") && !html.contains("\"><script>alert"),
            "{html}"
        );
        assert_eq!(html.matches("&lt;script&gt;").count(), 5, "{html}");
        assert!(html.contains("type=\"tel\" autocomplete=\"tel\" maxlength=\"40\" required"));
        assert!(html.contains("tabindex=\"-1\""));
    }

    #[test]
    fn a_plain_form_has_no_more_than_it_needs() {
        let html = of(&Settings::default(), "https://leads.example/v1/forms/src_1");
        assert!(html.contains("action=\"https://leads.example/v1/forms/src_1\""));
        assert!(
            html.contains("name=\"website\""),
            "the field that nobody sees"
        );
        assert!(!html.contains("turnstile") && !html.contains("type=\"checkbox\""));
    }
}
