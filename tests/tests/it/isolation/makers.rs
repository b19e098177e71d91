//! What the parameters of paths name: how a tenant comes to have one, and what nobody has.
//!
//! A new parameter needs its line in [`MAKERS`]; then every route with it is tested.

use domain::EmailAddress;
use futures::future::BoxFuture;
use http::{Method, StatusCode};
use management_api::auth::Role;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tests::CallBody;
use uuid::Uuid;

use super::{Api, Tenant, description::Objects};

/// Makes, through the API, what a parameter of this name names; `objects` are those of the makers before.
type Make = for<'a> fn(&'a Api<'a>, &'a Tenant, &'a Objects) -> BoxFuture<'a, String>;

/// How a tenant comes to have something.
pub(super) struct Maker {
    /// The parameter's name in paths, which queries and bodies use for the same thing.
    pub(super) parameter: &'static str,
    /// A well-formed name that nobody has; of ids the prefix.
    pub(super) nobodys: Nobodys,
    /// Makes one. Its name in the tenant's objects is the parameter's.
    pub(super) make: Make,
}

/// What nobody has.
pub(super) enum Nobodys {
    /// An id with this prefix.
    Id(&'static str),
    /// This name.
    Name(&'static str),
}

impl Maker {
    pub(super) fn of_nobody(&self) -> String {
        match self.nobodys {
            Nobodys::Id(prefix) => format!("{prefix}_{}", nobodys_id()),
            Nobodys::Name(name) => name.to_owned(),
        }
    }
}

pub(super) fn nobodys_id() -> String {
    Uuid::from_u128(0x0199_f3a1_0000_7000_8000_0000_dead_beef)
        .simple()
        .to_string()
}

/// Every parameter of paths but the tenant's id, in the order in which its things are made.
pub(super) const MAKERS: &[Maker] = &[
    Maker {
        parameter: "request_id",
        nobodys: Nobodys::Id("req"),
        make: |api, tenant, objects| {
            Box::pin(async move {
                // A form with a file, which a person has to decide about.
                let new = json!({ "provider": "webforms" });
                let created = tenant.call(api, Method::POST, "sources", Some(&new)).await;
                let url = text(&created.body["webhooks"][0]["url"]);
                let (_, path) = url.split_once("/v1/").unwrap();
                let path = format!("/v1/{path}");
                let mark = &objects["mark"];
                let parts = [
                    part("name=\"name\"", mark),
                    part("name=\"phone\"", "(512) 555-0142"),
                    part("name=\"message\"", "unsuremark"),
                    part("name=\"plan\"; filename=\"plan.pdf\"", &plan(mark)),
                    "--b--\r\n".to_owned(),
                ];
                let kind = [("content-type", "multipart/form-data; boundary=b")];
                let taken = api.world.post(&path, &kind, parts.concat()).await;
                let in_review = text(&taken.body["lead_id"]);
                api.world.rest().await;
                in_review
            })
        },
    },
    Maker {
        parameter: "document",
        nobodys: Nobodys::Name("file-00000000deadbeef"),
        make: |_, _, objects| {
            let hash = Sha256::digest(plan(&objects["mark"]));
            Box::pin(async move { format!("file-{}", hex::encode(hash.split_at(8).0)) })
        },
    },
    Maker {
        parameter: "other_id",
        nobodys: Nobodys::Id("req"),
        make: |api, tenant, objects| {
            Box::pin(async move {
                let mark = &objects["mark"];
                let body = CallBody::post_call(&format!("CAL{mark}5"))
                    .with("customer_name", json!(mark))
                    .with("tags", json!(["kitchen"]));
                let other = tenant.deliver(api, "post-call", &body).await;
                api.world.rest().await;
                other
            })
        },
    },
    Maker {
        parameter: "event_id",
        nobodys: Nobodys::Id("evt"),
        make: |api, tenant, objects| {
            Box::pin(async move {
                let path = format!("requests/{}", objects["request_id"]);
                let shown = tenant.call(api, Method::GET, &path, None).await;
                text(&shown.body["source"]["last_event_id"])
            })
        },
    },
    Maker {
        parameter: "source_id",
        nobodys: Nobodys::Id("src"),
        make: |api, tenant, objects| {
            Box::pin(async move {
                let mark = &objects["mark"];
                let new = json!({ "provider": "webforms", "accounts": [mark] });
                let created = tenant.call(api, Method::POST, "sources", Some(&new)).await;
                assert_eq!(created.status, StatusCode::CREATED, "{created:?}");
                text(&created.body["source"]["source_id"])
            })
        },
    },
    Maker {
        parameter: "key",
        nobodys: Nobodys::Name("signing_key_0199f3a1000070008000@1"),
        make: |api, tenant, objects| {
            Box::pin(async move {
                let sources = tenant.list(api, "sources").await;
                let is_it = |source: &&Value| source["source_id"] == json!(objects["source_id"]);
                text(&sources.iter().find(is_it).unwrap()["keys"][0])
            })
        },
    },
    Maker {
        parameter: "connection",
        nobodys: Nobodys::Name("crmofnobody"),
        make: |api, tenant, objects| {
            Box::pin(async move {
                let mark = &objects["mark"];
                let connection = mark.replace("markof", "crmof");
                let path = format!("connections/{connection}/secret");
                let crm = json!({ "secret": format!("{mark}-secret"), "provider": "hubspot" });
                let set = tenant.call(api, Method::PUT, &path, Some(&crm)).await;
                assert_eq!(set.status, StatusCode::OK, "{set:?}");
                // Two versions of its mapping, so that their list has a second page.
                for (field, expected) in [("city", None), ("state", Some(1))] {
                    let json = json!({ "fields": { "contacts": { field: { "value": mark } } } });
                    let mapping = store::NewConfig {
                        tenant: tenant.id().clone(),
                        kind: store::ConfigKind::Mapping,
                        name: connection.clone(),
                        json,
                        expected,
                        note: mark.clone(),
                    };
                    let act = store::AuditAction::new("set-up", "mapping.save", &connection);
                    api.world.store.put_config(&mapping, &act).await.unwrap();
                }
                connection
            })
        },
    },
    Maker {
        parameter: "job_id",
        nobodys: Nobodys::Id("job"),
        make: |api, tenant, _| {
            Box::pin(async move {
                let mut ids = Vec::new();
                // Two, so that their list has a second page; nothing stopped there.
                for _ in 0..2 {
                    let new = json!({ "kind": "redrive", "filter": { "stage": "reading" } });
                    let created = tenant.call(api, Method::POST, "jobs", Some(&new)).await;
                    assert_eq!(created.status, StatusCode::ACCEPTED, "{created:?}");
                    ids.push(text(&created.body["job_id"]));
                    api.world.rest().await;
                }
                ids.remove(0)
            })
        },
    },
    Maker {
        parameter: "office_id",
        nobodys: Nobodys::Id("ofc"),
        make: |api, tenant, objects| {
            Box::pin(async move {
                let store = &api.world.store;
                let mark = &objects["mark"];
                let mut office = store.offices(tenant.id()).await.unwrap().remove(0);
                let number = Uuid::from_u128(u128::from(mark.as_bytes()[6]) << 64);
                office.id = domain::OfficeId::from_uuid(number);
                office.name.clone_from(mark);
                store.put_office(&office).await.unwrap();
                // Another version, so that their list has a second page.
                office.config.spam.review_from -= 1.0;
                store.put_office(&office).await.unwrap();
                office.id.to_string()
            })
        },
    },
    Maker {
        parameter: "version",
        nobodys: Nobodys::Name(NO_VERSION),
        make: |_, _, objects| {
            // Ann's configuration has this version.
            let version = if objects["mark"].ends_with("ann") {
                "1"
            } else {
                NO_VERSION
            };
            Box::pin(async move { version.to_owned() })
        },
    },
    Maker {
        parameter: "user_id",
        nobodys: Nobodys::Id("usr"),
        make: |api, tenant, objects| {
            Box::pin(async move {
                let mut ids = Vec::new();
                // Two, so that their list has a second page.
                for number in ["", "1"] {
                    let email = format!("{}{number}@example.com", objects["mark"]);
                    invite(api, tenant, &email).await;
                    let email = EmailAddress::parse(&email).unwrap();
                    let store = &api.world.store;
                    let accepted = store.accept_invitations_across_tenants(&email, "").await;
                    ids.push(accepted.unwrap().unwrap().id.to_string());
                }
                ids.remove(0)
            })
        },
    },
    Maker {
        parameter: "invitation_id",
        nobodys: Nobodys::Id("inv"),
        make: |api, tenant, objects| {
            Box::pin(async move {
                let email = format!("{}2@example.com", objects["mark"]);
                invite(api, tenant, &email).await
            })
        },
    },
    Maker {
        parameter: "key_id",
        nobodys: Nobodys::Id("key"),
        make: |api, tenant, objects| {
            Box::pin(async move {
                let new = json!({ "name": objects["mark"], "scopes": ["read"] });
                let created = tenant.call(api, Method::POST, "api-keys", Some(&new)).await;
                assert_eq!(created.status, StatusCode::CREATED, "{created:?}");
                text(&created.body["api_key"]["key_id"])
            })
        },
    },
    Maker {
        parameter: "view_id",
        nobodys: Nobodys::Name("viewofnobody"),
        make: |api, tenant, objects| {
            Box::pin(async move {
                let mark = &objects["mark"];
                let view = mark.replace("markof", "viewof");
                let saved =
                    json!({ "name": mark, "page": "leads", "search": "", "is_shared": true });
                let path = format!("views/{view}");
                let put = tenant.call(api, Method::PUT, &path, Some(&saved)).await;
                assert!(put.status.is_success(), "{put:?}");
                view
            })
        },
    },
];

/// The file of a tenant's form: each another one.
fn plan(mark: &str) -> String {
    format!("%PDF-1.4 the plan of {mark}")
}

/// A part of a multipart form.
fn part(of: &str, content: &str) -> String {
    format!("--b\r\nContent-Disposition: form-data; {of}\r\n\r\n{content}\r\n")
}

/// A version that no configuration has.
const NO_VERSION: &str = "4000000001";

/// Invites somebody; the invitation's id.
async fn invite(api: &Api<'_>, tenant: &Tenant, email: &str) -> String {
    let operator = api.token(Role::PlatformAdmin, &[], api.world.now());
    let path = format!("/v1/tenants/{}/invitations", tenant.id());
    let new = json!({ "email": email, "role": "viewer" });
    let invited = api
        .call(Some(&operator), &Method::POST, &path, Some(&new))
        .await;
    text(&invited.body["invitation"]["invitation_id"])
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
