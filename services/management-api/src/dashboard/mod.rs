//! The dashboard's files, served under `/dashboard`. They are built by `make dashboard` and embedded in the program; where
//! they were not built, a page says how to get them.

mod answer;

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use http::HeaderMap;
use rust_embed::RustEmbed;
use sha2::{Digest as _, Sha256};

use crate::docs;

/// Where the dashboard is.
pub const HOME: &str = "/dashboard/";
/// The page of the app, which has every path below [`HOME`] that is no file.
const INDEX: &str = "index.html";
/// What is shown where the dashboard was not built.
const NOT_BUILT: &str = include_str!("not_built.html");

#[derive(RustEmbed)]
#[folder = "../../dashboard/dist"]
#[allow_missing = true]
struct Dist;

/// A file with the hash that tells it from others.
#[derive(Debug)]
struct File {
    bytes: Cow<'static, [u8]>,
    sha256: [u8; 32],
}

/// The files of the dashboard by their paths, with their compressed twins: `index.html`, `index.html.br`.
#[derive(Debug, Default)]
pub struct Files(BTreeMap<String, File>);

impl Files {
    /// Those that this program was built with. There are none where the dashboard was not built.
    pub fn embedded() -> Self {
        let files = Dist::iter().filter(|path| !path.starts_with('.'));
        let files = files.filter_map(|path| {
            let file = Dist::get(&path)?;
            let sha256 = file.metadata.sha256_hash();
            let bytes = file.data;
            Some((path.into_owned(), File { bytes, sha256 }))
        });
        Self(files.collect())
    }

    /// Others, by their paths.
    pub fn of(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        let files = files.into_iter().map(|(path, bytes)| {
            let sha256 = Sha256::digest(&bytes).into();
            let bytes = bytes.into();
            (path, File { bytes, sha256 })
        });
        Self(files.collect())
    }

    /// Whether the dashboard was built.
    pub fn is_built(&self) -> bool {
        self.0.contains_key(INDEX)
    }
}

#[derive(Clone)]
struct Pages {
    files: Arc<Files>,
    is_https: bool,
}

/// The dashboard's routes; `is_https` says that browsers reach the server by TLS alone.
pub fn routes(files: Arc<Files>, is_https: bool) -> Router {
    Router::new()
        .route("/", get(go_home))
        .route("/dashboard", get(go_home))
        .route(HOME, get(show_index))
        .route("/dashboard/{*path}", get(show_file))
        .with_state(Pages { files, is_https })
}

async fn go_home() -> Redirect {
    Redirect::temporary(HOME)
}

async fn show_index(State(pages): State<Pages>, headers: HeaderMap) -> Response {
    pages.answer(INDEX, &headers)
}

/// A file, or the app for one of its own paths: those have no dot in their last part, all files have one.
async fn show_file(
    State(pages): State<Pages>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Response {
    let last = path.rsplit('/').next().unwrap_or_default();
    let path = if last.contains('.') { &path } else { INDEX };
    pages.answer(path, &headers)
}

impl Pages {
    fn answer(&self, path: &str, asked: &HeaderMap) -> Response {
        let answer = if path == INDEX && !self.files.is_built() {
            answer::page(NOT_BUILT.replace("{{ style }}", docs::STYLE))
        } else {
            answer::file(&self.files, path, asked)
        };
        match answer {
            Ok(answer) => answer::guarded(answer, self.is_https),
            Err(problem) => problem.into_response(),
        }
    }
}
