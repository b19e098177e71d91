//! The nested parts of bodies: another tenant's things in them are as nobody's.

use serde_json::{Value, json};

use super::{
    description::{Objects, Route},
    makers::MAKERS,
    routes::{Scene, neutral},
};

/// What members of a body are like when a nested one of them means something.
fn beside(member: &str) -> Value {
    match member {
        "filter.request_ids.0" => {
            json!({ "kind": "replay", "from_stage": "analysis", "filter": {} })
        }
        "config.destinations.0.connection" => {
            json!({ "config": { "destinations": [{ "connector": "hubspot" }] } })
        }
        _ => json!({}),
    }
}

impl Scene<'_> {
    /// As ann, about her own tenant: bob's things in the parts of the body.
    pub(super) async fn foreign_parts(&self, route: &Route) {
        let (path, Some(body)) = (route.filled(&self.ann.1), &route.body) else {
            return;
        };
        for member in &body.nested {
            let mut names = member.rsplit('.');
            let name = match names.next() {
                Some("0") => names.next(),
                last => last,
            };
            let object = match name.unwrap_or_default() {
                // What the caller's own system calls it.
                "external_id" => continue,
                "connection" => "connection",
                "target" => "connection",
                name if name.ends_with("_id") || name.ends_with("_ids") => {
                    let name = name.trim_end_matches('s');
                    let known = MAKERS.iter().find(|maker| maker.parameter == name);
                    known
                        .unwrap_or_else(|| {
                            panic!(
                                "{}: this test does not know what `{member}` in the body means: add what makes one to \
                                 `MAKERS` in tests/tests/it/isolation/makers.rs",
                                route.name()
                            )
                        })
                        .parameter
                }
                _ => continue,
            };
            let instead = beside(member);
            let with = |objects: &Objects| body.with(&instead, member, &objects[object]);
            let (of_bob, of_nobody) = (with(&self.bob.1), with(&self.nobody));
            let (of_bob, of_nobody) = (
                (path.as_str(), Some(&of_bob)),
                (path.as_str(), Some(&of_nobody)),
            );
            let reply = self.is_as_of_nobody(route, member, of_bob, of_nobody).await;
            // It only narrows down what is hers; and what these tests know is a CRM's, which carries no mail of hers either.
            if reply.status.is_success() || member == "config.notifications.connection" {
                continue;
            }
            let hers = with(&self.ann.1);
            let hers = self.as_ann(route, &path, Some(&hers)).await;
            assert_ne!(
                neutral(&hers, &self.ann.1),
                neutral(&reply, &self.bob.1),
                "{}: {member} was not refused for whose it is",
                route.name()
            );
        }
    }
}
