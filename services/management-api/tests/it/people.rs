//! Who belongs to a tenant, and what they may do.

use domain::{EmailAddress, UserId};
use management_api::auth::Role::{self, Operator, PlatformAdmin, TenantAdmin, Viewer};
use secrecy::SecretString;
use serde_json::{Value, json};
use store::People as _;

use crate::{
    openapi::assert_is_as_described,
    world::{World, body, created, problem, wrong_fields},
};

const PEOPLE: &str = "/v1/tenants/a/people";
const INVITATIONS: &str = "/v1/tenants/a/invitations";

impl World {
    /// Invites a person as the operator does; their code.
    pub(crate) async fn invited(&self, tenant: &str, email: &str, role: Role) -> String {
        let new = json!({ "email": email, "role": role.as_str() });
        let path = format!("/v1/tenants/{tenant}/invitations");
        let made = created(&self.call_as(PlatformAdmin, "POST", &path, Some(&new)).await);
        assert_is_as_described(&made, "CreatedInvitation");
        made["code"].as_str().unwrap().to_owned()
    }

    /// A person of a tenant, and the first token that they have.
    pub(crate) async fn joined(
        &self,
        tenant: &str,
        email: &str,
        role: Role,
    ) -> (UserId, SecretString) {
        let code = self.invited(tenant, email, role).await;
        let signed_in = self.sign_in(&code).await;
        let token = body(&signed_in)["token"].as_str().unwrap().to_owned();
        let email = EmailAddress::parse(email).unwrap();
        let user = self
            .store
            .user_by_email_across_tenants(&email)
            .await
            .unwrap();
        (user.unwrap().id, token.into())
    }
}

#[tokio::test]
async fn a_person_is_invited_and_may_do_what_their_role_says() {
    let world = World::start().await;
    let code = world.invited("a", "Maria@Example.com", Operator).await;
    let list = body(&world.call_as(TenantAdmin, "GET", INVITATIONS, None).await);
    assert_is_as_described(&list, "InvitationList");
    assert_eq!(list["items"][0]["email"], "maria@example.com");
    assert!(!list.to_string().contains(&code), "the code is shown once");

    let token = body(&world.sign_in(&code).await)["token"]
        .as_str()
        .unwrap()
        .to_owned();
    let token = SecretString::from(token);
    let list = body(&world.call_as(TenantAdmin, "GET", PEOPLE, None).await);
    assert_is_as_described(&list, "TenantPersonList");
    let person = &list["items"][0];
    assert_eq!(
        (&person["email"], &person["role"]),
        (&json!("maria@example.com"), &json!("operator"))
    );
    body(&world.get_with("/v1/tenants/a/requests", &token).await);
    problem(&world.get_with("/v1/tenants/b/requests", &token).await, 404);
    problem(&world.get_with(PEOPLE, &token).await, 403);
    let acts: Vec<_> = world
        .acts()
        .await
        .into_iter()
        .map(|(_, action, _)| action)
        .collect();
    assert_eq!(acts, ["invitation.create", "invitation.accept"]);
}

#[tokio::test]
async fn a_role_is_one_tenants() {
    let world = World::start().await;
    let (user, _) = world.joined("a", "ann@example.com", Viewer).await;
    let (same, token) = world.joined("b", "ANN@example.com", TenantAdmin).await;
    assert_eq!(user, same);
    let new = json!({ "name": "x", "scopes": ["read"] });
    let post = async |tenant: &str| {
        let path = format!("/v1/tenants/{tenant}/api-keys");
        world.call_by(&token, "POST", &path, &new).await
    };
    created(&post("b").await);
    problem(&post("a").await, 403);
    body(&world.get_with("/v1/tenants/a/requests", &token).await);

    let me = body(&world.get_with("/v1/me", &token).await);
    assert_is_as_described(&me, "Me");
    assert_eq!(
        (&me["subject"], &me["role"]),
        (&json!(user.to_string()), &json!("tenant_admin"))
    );
    assert_eq!(me["email"], "ann@example.com");
    let roles: Vec<_> = me["tenants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| &t["role"])
        .collect();
    assert_eq!(roles, ["viewer", "tenant_admin"]);
    assert_eq!(me["product"]["sign_in"], "code");
}

#[tokio::test]
async fn roles_are_changed_and_people_removed_but_for_the_last_administrator() {
    let world = World::start().await;
    let (ann, token) = world.joined("a", "ann@example.com", TenantAdmin).await;
    let (bob, _) = world.joined("a", "bob@example.com", Viewer).await;
    let call = async |method: &str, user: UserId, body: &Value| {
        world
            .call_by(&token, method, &format!("{PEOPLE}/{user}"), body)
            .await
    };
    let role = |role: &str| json!({ "role": role });
    for answer in [
        call("DELETE", ann, &Value::Null).await,
        call("PUT", ann, &role("viewer")).await,
    ] {
        let shown = problem(&answer, 409);
        assert!(
            shown["detail"]
                .as_str()
                .unwrap()
                .contains("last administrator"),
            "{shown}"
        );
    }
    let changed = body(&call("PUT", bob, &role("tenant_admin")).await);
    assert_is_as_described(&changed, "TenantPerson");
    assert_eq!(changed["role"], "tenant_admin");
    assert_eq!(
        body(&call("DELETE", bob, &Value::Null).await)["user_id"],
        bob.to_string()
    );
    problem(&call("DELETE", bob, &Value::Null).await, 404);
    for wrong in ["platform_admin", "owner", ""] {
        assert_eq!(
            wrong_fields(&call("PUT", ann, &role(wrong)).await),
            ["role"]
        );
    }
    let acts = world.acts().await;
    let of_bob = (ann.to_string(), "person.remove".to_owned(), bob.to_string());
    assert_eq!(acts.last(), Some(&of_bob));
}

#[tokio::test]
async fn only_the_operator_has_the_code_of_an_invitation() {
    let world = World::start().await;
    let new = json!({ "email": "ann@example.com", "role": "viewer" });
    let answer = world
        .call_as(TenantAdmin, "POST", INVITATIONS, Some(&new))
        .await;
    let shown = problem(&answer, 403);
    assert!(
        shown["detail"]
            .as_str()
            .unwrap()
            .contains("pipeline user invite"),
        "{shown}"
    );
    let wrong = json!({ "email": "ann", "role": "platform_admin" });
    let answer = world
        .call_as(PlatformAdmin, "POST", INVITATIONS, Some(&wrong))
        .await;
    assert_eq!(wrong_fields(&answer), ["email", "role"]);

    let code = world.invited("a", "ann@example.com", Viewer).await;
    let list = body(&world.call_as(TenantAdmin, "GET", INVITATIONS, None).await);
    let path = format!(
        "{INVITATIONS}/{}",
        list["items"][0]["invitation_id"].as_str().unwrap()
    );
    let gone = body(&world.call_as(TenantAdmin, "DELETE", &path, None).await);
    assert_is_as_described(&gone, "Invitation");
    problem(
        &world.call_as(TenantAdmin, "DELETE", &path, None).await,
        404,
    );
    problem(&world.sign_in(&code).await, 404);
}

#[tokio::test]
async fn people_have_pages() {
    let world = World::start().await;
    let mut joined = Vec::new();
    for name in ["ann", "bob", "cid"] {
        joined.push(
            world
                .joined("a", &format!("{name}@example.com"), Viewer)
                .await
                .0
                .to_string(),
        );
    }
    let first = body(
        &world
            .call_as(TenantAdmin, "GET", &format!("{PEOPLE}?limit=2"), None)
            .await,
    );
    let cursor = first["next_cursor"].as_str().unwrap();
    let path = format!("{PEOPLE}?limit=2&cursor={cursor}");
    let rest = body(&world.call_as(TenantAdmin, "GET", &path, None).await);
    let pages = [&first, &rest]
        .into_iter()
        .flat_map(|page| page["items"].as_array().unwrap());
    let ids: Vec<_> = pages
        .map(|person| person["user_id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids, joined);
    assert_eq!(rest["next_cursor"], Value::Null);
}
