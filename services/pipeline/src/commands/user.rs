//! `pipeline user`.

use anyhow::bail;
use http::Method;
use serde_json::{Value, json};
use store::TenantRole;

use super::session::{Paging, TenantSession, link_or_code, segment};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Invites a person: a link signs them in once, within 7 days. It is mailed to them where the server sends mail, and
    /// printed.
    ///
    /// Whoever has the link becomes the person of that address, so hand it over to them alone.
    #[command(
        after_help = "Example:\n  pipeline user invite maria@example.com --tenant acme --role operator"
    )]
    Invite {
        /// The person's e-mail address.
        email: String,
        /// What they may do in the tenant.
        #[arg(long, value_name = "ROLE", default_value = "viewer")]
        role: TenantRole,
    },
    /// Lists the people of a tenant.
    #[command(after_help = "Example:\n  pipeline user list --tenant acme")]
    List(Paging),
    /// Lists the invitations that wait for an answer.
    #[command(after_help = "Example:\n  pipeline user invitations --tenant acme")]
    Invitations,
    /// Withdraws an invitation.
    #[command(
        after_help = "Example:\n  pipeline user uninvite inv_0199f3a100007000800000000000002a --tenant acme"
    )]
    Uninvite {
        /// The invitation's id.
        invitation: String,
    },
    /// Prints a link that signs in a person again, once, within 10 minutes.
    #[command(after_help = "Example:\n  pipeline user link maria@example.com --tenant acme")]
    Link {
        /// The person's e-mail address.
        email: String,
    },
    /// Changes what a person may do in the tenant.
    #[command(
        after_help = "Example:\n  pipeline user role maria@example.com tenant_admin --tenant acme"
    )]
    Role {
        /// The person's id or e-mail address.
        user: String,
        /// What they may do.
        role: TenantRole,
    },
    /// Removes a person from the tenant.
    #[command(after_help = "Example:\n  pipeline user remove maria@example.com --tenant acme")]
    Remove {
        /// The person's id or e-mail address.
        user: String,
    },
}

pub(super) async fn run(tenant: &mut TenantSession<'_>, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Invite { email, role } => {
            let body = json!({ "email": email, "role": role.as_str() });
            let created = tenant
                .call(Method::POST, "invitations", Some(&body), None)
                .await?;
            tenant.session.show(&created, |session| {
                let mailed = match created["mail"].as_str() {
                    Some("sent") => "A mail brings them this link",
                    Some("failed") => {
                        "The mail to them failed, as the server's log says: hand them this link"
                    }
                    _ => "No mail is sent here: hand them this link",
                };
                session.say(&format!(
                    "{} is invited as {role}. {mailed}, which signs them in once, within 7 days:",
                    created["invitation"]["email"].as_str().unwrap_or_default(),
                ))?;
                session.say(link_or_code(&created))
            })
        }
        Command::List(paging) => {
            let page = tenant.get("people", &paging.query()).await?;
            let columns = [
                ("user", "user_id"),
                ("email", "email"),
                ("name", "name"),
                ("role", "role"),
                ("since", "since"),
            ];
            let empty =
                "Nobody belongs to the tenant yet: invite somebody with `pipeline user invite`.";
            tenant.session.show_list(&page, &columns, empty)
        }
        Command::Invitations => {
            let list = tenant.all("invitations").await?;
            let columns = [
                ("invitation", "invitation_id"),
                ("email", "email"),
                ("role", "role"),
                ("by", "invited_by"),
                ("expires", "expires_at"),
            ];
            let empty = "No invitation waits for an answer.";
            tenant.session.show_list(&list, &columns, empty)
        }
        Command::Uninvite { invitation } => {
            let path = format!("invitations/{}", segment(&invitation));
            let gone = tenant.call(Method::DELETE, &path, None, None).await?;
            let said = "The invitation is withdrawn: its code signs nobody in.";
            tenant.session.show(&gone, |session| session.say(said))
        }
        Command::Link { email } => {
            let body = json!({ "email": email });
            let session = &mut tenant.session;
            let created = session
                .api
                .call(Method::POST, "/v1/sign-in/link-codes", Some(&body), None)
                .await?;
            session.show(&created, |session| session.say(link_or_code(&created)))
        }
        Command::Role { user, role } => {
            let id = find(tenant, &user).await?;
            let body = json!({ "role": role.as_str() });
            let path = format!("people/{}", segment(&id));
            let now = tenant.call(Method::PUT, &path, Some(&body), None).await?;
            tenant.session.show(&now, |session| {
                session.say(&format!("{user} is {role} within 10 minutes."))
            })
        }
        Command::Remove { user } => {
            let id = find(tenant, &user).await?;
            let path = format!("people/{}", segment(&id));
            let gone = tenant.call(Method::DELETE, &path, None, None).await?;
            tenant.session.show(&gone, |session| {
                session.say(&format!("{user} is out of the tenant within 10 minutes."))
            })
        }
    }
}

/// A person's id, by id or e-mail address.
async fn find(tenant: &TenantSession<'_>, user: &str) -> anyhow::Result<String> {
    if !user.contains('@') {
        return Ok(user.to_owned());
    }
    let email = user.to_lowercase();
    let mut query = vec![("limit", "200".to_owned())];
    loop {
        let page = tenant.get("people", &query).await?;
        let mut people = page["items"].as_array().into_iter().flatten();
        let is_meant = |person: &&Value| person["email"].as_str() == Some(email.as_str());
        if let Some(id) = people
            .find(is_meant)
            .and_then(|person| person["user_id"].as_str())
        {
            return Ok(id.to_owned());
        }
        let Some(cursor) = page["next_cursor"].as_str() else {
            bail!("nobody of this tenant has the address {user}: see `pipeline user list`");
        };
        query.truncate(1);
        query.push(("cursor", cursor.to_owned()));
    }
}
