//! `pipeline view`.

use http::Method;
use serde_json::json;

use super::session::{TenantSession, segment};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Lists saved views of lists: yours (--as), and those that everybody in the tenant sees.
    #[command(after_help = "Example:\n  pipeline view list --tenant acme")]
    List,
    /// Saves a view, or changes it.
    #[command(
        after_help = "Example:\n  pipeline view save kitchens --name Kitchens --search 'q=kitchen&sort=waiting' --shared"
    )]
    Save {
        /// The view's id, which you choose.
        view: String,
        /// Its name, as people read it.
        #[arg(long)]
        name: String,
        /// The page that it is of.
        #[arg(long, default_value = "leads")]
        page: String,
        /// What is asked for there, as in a URL.
        #[arg(long, default_value = "")]
        search: String,
        /// Everybody in the tenant sees it.
        #[arg(long)]
        shared: bool,
    },
    /// Removes a view.
    #[command(after_help = "Example:\n  pipeline view remove kitchens")]
    Remove {
        /// The view's id.
        view: String,
    },
}

pub(super) async fn run(tenant: &mut TenantSession<'_>, command: Command) -> anyhow::Result<()> {
    match command {
        Command::List => {
            let list = tenant.all("views").await?;
            let columns = [
                ("view", "id"),
                ("name", "name"),
                ("page", "page"),
                ("search", "search"),
                ("shared", "is_shared"),
                ("yours", "is_own"),
                ("changed", "updated_at"),
            ];
            let empty = "No view is saved: save one with `pipeline view save`.";
            tenant.session.show_list(&list, &columns, empty)
        }
        Command::Save {
            view,
            name,
            page,
            search,
            shared,
        } => {
            let path = format!("views/{}", segment(&view));
            let new = json!({ "name": name, "page": page, "search": search, "is_shared": shared });
            let saved = tenant.call(Method::PUT, &path, Some(&new), None).await?;
            tenant.session.show(&saved, |session| {
                session.say(&format!("The view `{view}` is saved."))
            })
        }
        Command::Remove { view } => {
            let path = format!("views/{}", segment(&view));
            let removed = tenant.call(Method::DELETE, &path, None, None).await?;
            tenant.session.show(&removed, |session| {
                session.say(&format!("The view `{view}` is removed."))
            })
        }
    }
}
