//! The fields that a lead has, and the names that forms commonly have for them.

use domain::shape::{Member, Shape, Text};

/// A field of ours.
pub(crate) struct Field {
    /// Its name, in settings and in what people are told.
    pub(crate) name: &'static str,
    /// Common names, normalized, the most telling first.
    pub(crate) aliases: &'static [&'static str],
    /// Whether the last part of a path is enough: `contact.email` is an e-mail address, `company.name` is no name of a
    /// person.
    pub(crate) is_telling: bool,
    /// Whether it is an answer about the project.
    pub(crate) is_answer: bool,
    /// Whether it tells how the person found the company.
    pub(crate) is_attribution: bool,
}

/// Names that are taken as answers: not a field of a lead, but mapped beside them.
pub(crate) const ANSWERS: &str = "answers";

const fn field(name: &'static str, aliases: &'static [&'static str]) -> Field {
    Field {
        name,
        aliases,
        is_telling: false,
        is_answer: false,
        is_attribution: false,
    }
}

const fn telling(name: &'static str, aliases: &'static [&'static str]) -> Field {
    Field {
        is_telling: true,
        ..field(name, aliases)
    }
}

const fn answer(name: &'static str, aliases: &'static [&'static str]) -> Field {
    Field {
        is_answer: true,
        ..telling(name, aliases)
    }
}

const fn attribution(name: &'static str, aliases: &'static [&'static str]) -> Field {
    Field {
        is_attribution: true,
        ..telling(name, aliases)
    }
}

/// A member of the mapping, and a name of ours that can be required.
macro_rules! fields {
    ($($make:ident $name:literal: [$($alias:literal),* $(,)?], $about:literal;)+) => {
        /// Every field, in the order in which they are looked for: the earlier one takes a name that two could have.
        pub(crate) const FIELDS: &[Field] = &[$($make($name, &[$($alias),*])),+];

        /// A tenant's own names, as settings have them.
        pub(crate) const MAPPING: Shape = Shape::Object(&[
            $(Member::optional($name, NAMES, $about),)+
            Member::optional(
                ANSWERS,
                NAMES,
                "Further fields that answer a question: they are read as the person's words. The others are kept and shown.",
            ),
        ]);
    };
}

fields! {
    telling "email": ["email", "your_email", "email_address", "e_mail", "mail", "work_email", "contact_email",
        "e_mail_address", "emailaddress", "email_id", "correo", "correo_electronico"],
        "The e-mail address.";
    telling "phone": ["phone", "tel", "telephone", "your_phone", "your_tel", "mobile", "phone_number", "mobile_number",
        "cell", "cell_phone", "phonenumber", "mobilephone", "contact_number", "mobile_phone", "cell_number",
        "cell_phone_number", "contact_phone", "best_phone", "best_phone_number", "primary_phone", "daytime_phone",
        "telephone_number", "phone_no", "home_phone", "work_phone", "business_phone", "telefono", "numero_de_telefono",
        "celular"],
        "The telephone number.";
    telling "first_name": ["first_name", "firstname", "fname", "your_first_name", "given_name", "name.first", "fullname.first",
        "full_name.first", "primer_nombre"],
        "The first name.";
    telling "last_name": ["last_name", "lastname", "lname", "your_last_name", "surname", "family_name", "name.last", "fullname.last",
        "full_name.last", "apellido", "apellidos"],
        "The last name.";
    field "name": ["name", "full_name", "your_name", "fullname", "contact_name", "customer_name", "contact.name",
        "customer.name", "lead.name", "person.name", "name.full", "data.name", "data.full_name", "payload.name",
        "data.contact.name", "data.lead.name", "lead.contact.name", "contact.full_name", "customer.full_name", "person.full_name",
        "lead.full_name", "lead.contact.full_name", "data.contact.full_name", "data.lead.full_name", "your_full_name",
        "first_and_last_name", "name_first_and_last", "nombre", "nombre_completo", "nombre_y_apellido"],
        "The person's whole name.";
    telling "zip": ["zip", "zipcode", "postal", "postal_code", "zip_code", "postcode", "your_zip", "project_zip",
        "zip_postal_code", "postal_zip_code", "zip_code_postal_code", "zip_postal", "property_zip",
        "address_zip_postal_code", "address_zip", "codigo_postal"],
        "The ZIP code.";
    telling "street": ["street", "address", "street_address", "address_line_1", "address1", "addr_line1", "your_address",
        "project_address", "address.line1", "property_address", "home_address", "job_address", "address_1",
        "street_address_1", "address_first_line", "address_street_address", "direccion", "domicilio"],
        "The street address.";
    telling "city": ["city", "town", "your_city", "address_city", "ciudad"], "The town.";
    telling "state": ["state", "province", "region", "your_state", "address_state", "address_state_province"], "The state.";
    telling "country": ["country"], "The country.";
    field "message": ["message", "comments", "your_message", "comment", "description", "details", "project_details",
        "project_description", "how_can_we_help", "tell_us_about_your_project", "notes", "question", "inquiry", "data.message", "lead.message",
        "data.notes", "data.description", "how_can_we_help_you", "what_can_we_help_with", "what_can_we_help_you_with",
        "additional_comments", "additional_details", "additional_information", "comments_questions", "questions_comments",
        "questions_or_comments", "comments_or_questions", "mensaje", "comentarios", "descripcion"],
        "What the person wrote in their own words.";
    answer "project_type": ["project_type", "service", "services", "interested_in", "project", "service_type",
        "type_of_project", "service_needed", "type_of_service", "servicio", "tipo_de_proyecto"],
        "What is to be done.";
    answer "budget": ["budget", "price_range", "your_budget", "budget_range", "estimated_budget", "presupuesto"], "What it may cost.";
    answer "timeline": ["timeline", "start_date", "timeframe", "when", "project_timeline", "desired_start"],
        "When it should begin.";
    answer "square_feet": ["square_feet", "sqft", "size", "square_footage", "sq_ft"], "How large it is.";
    attribution "utm_source": ["utm_source"], "Campaign tag.";
    attribution "utm_medium": ["utm_medium"], "Campaign tag.";
    attribution "utm_campaign": ["utm_campaign"], "Campaign tag.";
    attribution "utm_term": ["utm_term"], "Campaign tag.";
    attribution "utm_content": ["utm_content"], "Campaign tag.";
    attribution "gclid": ["gclid"], "Google's id of the click.";
    attribution "gbraid": ["gbraid"], "Google's id of the click.";
    attribution "wbraid": ["wbraid"], "Google's id of the click.";
    attribution "fbclid": ["fbclid"], "Facebook's id of the click.";
    attribution "msclkid": ["msclkid"], "Microsoft's id of the click.";
    attribution "referrer": ["referrer", "referer", "http_referrer", "referring_url"], "The page that the person came from.";
    attribution "landing_page": ["landing_page", "landing_page_url", "landing_url"],
        "The page on which the visit began.";
    attribution "first_utm_source": ["first_utm_source", "first_source"], "Campaign tag of the first visit.";
    attribution "first_utm_medium": ["first_utm_medium", "first_medium"], "Campaign tag of the first visit.";
    attribution "first_utm_campaign": ["first_utm_campaign", "first_campaign"], "Campaign tag of the first visit.";
    attribution "first_utm_term": ["first_utm_term", "first_term"], "Campaign tag of the first visit.";
    attribution "first_utm_content": ["first_utm_content", "first_content"], "Campaign tag of the first visit.";
    attribution "first_gclid": ["first_gclid"], "Google's id of the first visit's click.";
    attribution "first_gbraid": ["first_gbraid"], "Google's id of the first visit's click.";
    attribution "first_wbraid": ["first_wbraid"], "Google's id of the first visit's click.";
    attribution "first_fbclid": ["first_fbclid"], "Facebook's id of the first visit's click.";
    attribution "first_msclkid": ["first_msclkid"], "Microsoft's id of the first visit's click.";
    attribution "first_referrer": ["first_referrer", "first_referer"], "The page that the person came from the first time.";
    attribution "first_landing_page": ["first_landing_page", "first_landing_page_url", "first_landing_url", "first_page"], "The page on which the first visit began.";
    telling "consent": ["consent", "sms_consent", "tcpa", "tcpa_consent", "acceptance", "gdpr"],
        "The box by which the person agrees to be called or written to.";
    telling "consent_at": ["consent_at", "consent_time", "consent_timestamp"], "When the person agreed.";
    field "form": ["form_id", "form_name", "form", "formid", "form_title", "formtitle", "form.name", "form.id"],
        "The form's name.";
    telling "page_url": ["page_url", "page", "source_url", "page.url", "url", "pageuri", "current_url"],
        "The page that the form is on.";
    field "submitted_at": ["submitted_at", "submittedat", "date_created", "timestamp", "created_at"],
        "When it was submitted.";
    field "submission_id": ["submission_id", "submissionid", "entry_id", "lead_id", "data.lead_id", "data.submission_id"],
        "The sender's own id of the submission: two deliveries with the same are one.";
}

const NAMES: Shape = Shape::List {
    of: &Shape::Text(&FIELD_NAME),
    min: 0,
    max: 20,
};

/// A name of a form's field, or a path into a body.
const FIELD_NAME: Text = name(
    "the name of a field, or a path with dots such as `contact.phones.0`, of 1 to 128 characters",
);

/// A name of a field of somebody else's, or of the place where one stands.
pub(crate) const fn name(about: &'static str) -> Text {
    Text {
        about,
        pattern: r"^[^\u0000-\u001f\u007f-\u009f]+$",
        max: 128,
        is_valid: |text| !text.is_empty() && !text.chars().any(char::is_control),
    }
}
