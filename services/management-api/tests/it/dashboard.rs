//! The dashboard's files, as browsers ask for them.

use std::{net::Ipv4Addr, sync::Arc};

use http_client::{Client, Options, Response};
use management_api::dashboard::{Files, routes};
use runtime::{Endpoint, Listener, ServeOptions};

use crate::world::{World, problem};

const BIG: &str = "assets/app-1a2b3c.js";

struct Site {
    client: Client,
    base: String,
}

impl Site {
    /// With these files, and whether browsers come by TLS.
    async fn serve(files: &[(&str, &str)], is_https: bool) -> Self {
        let files = files.iter();
        let files =
            Files::of(files.map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())));
        let listener = Listener::bind((Ipv4Addr::LOCALHOST, 0).into())
            .await
            .unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let endpoint = Endpoint::new("pages", listener, routes(Arc::new(files), is_https));
        tokio::spawn(async move {
            let options = ServeOptions::default();
            runtime::run(vec![endpoint], Vec::new(), options, std::future::pending()).await
        });
        let client = Client::new(Options {
            allow_loopback: true,
            ..Options::default()
        });
        Self {
            client: client.unwrap(),
            base,
        }
    }

    async fn built() -> Self {
        let files = [
            ("index.html", "<!doctype html>the app"),
            ("theme.js", "1"),
            (BIG, "plain"),
            ("assets/app-1a2b3c.js.br", "smallest"),
            ("assets/app-1a2b3c.js.gz", "small"),
        ];
        Self::serve(&files, false).await
    }

    async fn get(&self, path: &str, headers: &[(&'static str, &str)]) -> Response {
        let url = format!("{}{path}", self.base);
        let mut request = self.client.request(http::Method::GET, url);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        request.send().await.unwrap()
    }

    async fn asset(&self, accepts: &str) -> (Option<String>, String) {
        let answer = self
            .get(
                &format!("/dashboard/{BIG}"),
                &[("accept-encoding", accepts)],
            )
            .await;
        let encoding = answer.header("content-encoding").map(str::to_owned);
        (encoding, String::from_utf8(answer.body.to_vec()).unwrap())
    }
}

fn text(answer: &Response) -> &str {
    std::str::from_utf8(&answer.body).unwrap()
}

#[tokio::test]
async fn the_root_leads_to_the_dashboard() {
    let site = Site::built().await;
    for path in ["/", "/dashboard"] {
        let answer = site.get(path, &[]).await;
        assert_eq!(answer.status, 307);
        assert_eq!(answer.header("location"), Some("/dashboard/"));
    }
}

#[tokio::test]
async fn the_apps_own_paths_are_the_app_and_lost_files_are_not() {
    let site = Site::built().await;
    for path in [
        "/dashboard/",
        "/dashboard/t/acme/leads",
        "/dashboard/index.html",
    ] {
        let answer = site.get(path, &[]).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(text(&answer), "<!doctype html>the app");
        assert_eq!(answer.header("cache-control"), Some("no-cache"));
        assert_eq!(
            answer.header("content-type"),
            Some("text/html; charset=utf-8")
        );
    }
    for path in [
        "/dashboard/assets/gone-9f.js",
        "/dashboard/assets/app-1a2b3c.js.br",
        "/dashboard/../Cargo.toml",
        "/dashboard/%2e%2e/Cargo.toml",
        "/dashboard/.gitignore",
    ] {
        problem(&site.get(path, &[]).await, 404);
    }
}

#[tokio::test]
async fn a_page_may_load_nothing_from_elsewhere() {
    let site = Site::built().await;
    let answer = site.get("/dashboard/", &[]).await;
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self';"));
    assert!(
        !policy.contains("unsafe") && !policy.contains("http"),
        "{policy}"
    );
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    assert!(
        answer
            .header("permissions-policy")
            .unwrap()
            .contains("camera=()")
    );
    assert_eq!(answer.header("strict-transport-security"), None);
    let secure = Site::serve(&[("index.html", "x")], true).await;
    let answer = secure.get("/dashboard/", &[]).await;
    assert_eq!(
        answer.header("strict-transport-security"),
        Some("max-age=31536000")
    );
}

#[tokio::test]
async fn the_smallest_form_that_a_browser_takes_is_sent() {
    let site = Site::built().await;
    for (accepts, encoding, body) in [
        ("gzip, deflate, br, zstd", Some("br"), "smallest"),
        ("GZIP", Some("gzip"), "small"),
        ("br;q=0, gzip;q=0.5", Some("gzip"), "small"),
        ("identity", None, "plain"),
    ] {
        let got = site.asset(accepts).await;
        assert_eq!(
            got,
            (encoding.map(str::to_owned), body.to_owned()),
            "{accepts}"
        );
    }
}

#[tokio::test]
async fn what_a_browser_has_is_not_sent_again() {
    let site = Site::built().await;
    let first = site.get("/dashboard/", &[]).await;
    let tag = first.header("etag").unwrap();
    let again = site.get("/dashboard/", &[("if-none-match", tag)]).await;
    assert_eq!((again.status.as_u16(), again.body.len()), (304, 0));
    let weak = format!("\"other\", W/{tag}");
    assert_eq!(
        site.get("/dashboard/", &[("if-none-match", &weak)])
            .await
            .status,
        304
    );
    assert_eq!(
        site.get("/dashboard/", &[("if-none-match", "\"other\"")])
            .await
            .status,
        200
    );
    let hashed = site.get(&format!("/dashboard/{BIG}"), &[]).await;
    assert_eq!(
        hashed.header("cache-control"),
        Some("public, max-age=31536000, immutable")
    );
    assert_eq!(hashed.header("vary"), Some("accept-encoding"));
}

#[tokio::test]
async fn where_it_is_not_built_a_page_says_what_to_do() {
    let site = Site::serve(&[], false).await;
    for path in ["/dashboard/", "/dashboard/t/acme"] {
        let answer = site.get(path, &[]).await;
        assert_eq!(answer.status, 200);
        assert!(text(&answer).contains("make run"));
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"));
    }
    problem(&site.get("/dashboard/theme.js", &[]).await, 404);
}

#[tokio::test]
async fn the_service_has_the_dashboard_beside_its_api() {
    let world = World::start().await;
    let page = world.get_openly("/dashboard/").await;
    assert_eq!(page.status, 200);
    problem(&world.get_openly("/v1/me").await, 401);
}
