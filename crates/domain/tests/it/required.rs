//! Fields that a company wants of every lead.

use domain::{Brief, Channel, Normalized, RequiredField, qualification::qualify};
use testkit::lead;

#[test]
fn what_is_missing_is_listed_and_the_lead_goes_on() {
    let mut office = lead::office();
    office.workflow.required_fields = RequiredField::ALL.to_vec();
    for channel in Channel::ALL {
        let mut request = lead::qualified(channel);
        let missing = |request: &domain::LeadRequest| {
            let document = &request.document;
            let analysis = document.analysis.as_ref().unwrap();
            qualify(document, analysis, &office, None)
        };
        assert_eq!(missing(&request).missing_fields, [].into(), "{channel}");

        request.document.details = None;
        let said = &mut request.document.source.said;
        said.person.email = Some("none".to_owned());
        said.person.phone = Some("anonymous".to_owned());
        said.person.address = None;
        said.consent = None;
        let analysis = request.document.analysis.as_mut().unwrap();
        analysis.address = None;
        let section = missing(&request);
        let expected = [
            RequiredField::Phone,
            RequiredField::Email,
            RequiredField::Address,
            RequiredField::Consent,
        ];
        assert_eq!(section.missing_fields, expected.into(), "{channel}");
        request.document.qualification = Some(section);
        let details = Brief::new(&request, &office).details();
        let line = "Missing: Phone, E-mail, Address, Consent";
        assert!(details.lines().any(|shown| shown == line), "{details}");
    }
}

#[test]
fn an_address_that_says_its_town_lacks_none() {
    let mut office = lead::office();
    office.workflow.required_fields = vec![RequiredField::City, RequiredField::State];
    let mut request = lead::qualified(Channel::Form);
    request.document.details = None;
    let person = &mut request.document.source.said.person;
    (person.city, person.state, person.postal_code) = (None, None, None);
    let missing = |request: &domain::LeadRequest| {
        let document = &request.document;
        let analysis = document.analysis.as_ref().unwrap();
        qualify(document, analysis, &office, None).missing_fields
    };
    assert_eq!(missing(&request).len(), 2);
    let person = &mut request.document.source.said.person;
    person.address = Some("12 Elm St, Round Rock, TX 78664".to_owned());
    assert!(missing(&request).is_empty());
}

#[test]
fn what_a_source_wants_counts_like_what_the_company_wants() {
    let mut office = lead::office();
    office.workflow.required_fields = vec![RequiredField::Email];
    let mut request = lead::qualified(Channel::Form);
    request.document.details = None;
    let said = &mut request.document.source.said;
    (said.person.email, said.consent) = (None, None);
    // A word of a newer build asks for nothing here.
    said.required_fields = ["consent", "name", "fax"].map(str::to_owned).into();
    let document = &request.document;
    let section = qualify(document, document.analysis.as_ref().unwrap(), &office, None);
    let expected = [RequiredField::Email, RequiredField::Consent];
    assert_eq!(section.missing_fields, expected.into());
}

#[test]
fn a_zip_code_tells_the_state_at_every_door() {
    for channel in Channel::ALL {
        let mut request = lead::qualified(channel);
        request.document.details = None;
        let person = &mut request.document.source.said.person;
        *person = domain::PersonFacts {
            postal_code: Some("02139".to_owned()),
            ..domain::PersonFacts::default()
        };
        let document = &mut request.document;
        let normalized = Normalized::of_request(document);
        let state = normalized
            .fields
            .iter()
            .find(|field| field.field == "state");
        let state = state.map(|field| (field.value.as_str(), field.from, field.is_derived));
        assert_eq!(state, Some(("MA", "postal_code", true)), "{channel}");
        assert_eq!(document.facts().contact().state.as_deref(), Some("MA"));
        // Other countries have codes of five digits, too.
        document.source.said.person.country = Some("Germany".to_owned());
        assert_eq!(Normalized::of_request(document).get("state"), None);
        document.source.said.person.country = None;
        document.source.said.person.phone = Some("+49 30 901820".to_owned());
        assert_eq!(document.facts().contact().state, None);
    }
}
