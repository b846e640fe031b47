//! The table of routes.

use std::sync::Arc;

use axum::routing::{MethodRouter, delete, get, post, put};

use super::{App, accounts, blobs, spaces};

/// One route.
pub(crate) struct Route {
    /// Its path, with parameters in braces.
    pub(crate) path: &'static str,
    /// What serves it.
    pub(crate) handler: MethodRouter<Arc<App>>,
}

/// Every route.
pub(crate) fn table() -> Vec<Route> {
    let route = |path, handler| Route { path, handler };
    vec![
        route("/v1/realm", get(accounts::realm)),
        route("/v1/register/start", post(accounts::register_start)),
        route("/v1/register/finish", post(accounts::register_finish)),
        route("/v1/login/start", post(accounts::login_start)),
        route("/v1/login/finish", post(accounts::login_finish)),
        route("/v1/login/device/start", post(accounts::device_login_start)),
        route(
            "/v1/login/device/finish",
            post(accounts::device_login_finish),
        ),
        route("/v1/logout", post(accounts::logout)),
        route("/v1/account", get(accounts::account)),
        route("/v1/account/sigchain", get(accounts::sigchain)),
        route("/v1/account/devices", post(accounts::add_device)),
        route("/v1/account/devices/remove", post(accounts::remove_device)),
        route(
            "/v1/spaces/{space}/sessions/start",
            post(spaces::session_start),
        ),
        route(
            "/v1/spaces/{space}/sessions/finish",
            post(spaces::session_finish),
        ),
        route("/v1/spaces/{space}/head", get(spaces::head)),
        route("/v1/spaces/{space}/log", get(spaces::log)),
        route("/v1/spaces/{space}/commits", post(spaces::commit)),
        route("/v1/spaces/{space}/uploads", post(spaces::open_upload)),
        route("/v1/spaces/{space}/uploads", get(spaces::uploads)),
        route(
            "/v1/spaces/{space}/uploads/{upload}",
            get(spaces::upload_state),
        ),
        route(
            "/v1/spaces/{space}/uploads/{upload}",
            delete(spaces::end_upload),
        ),
        route(
            "/v1/spaces/{space}/uploads/{upload}/ticket",
            put(spaces::set_ticket),
        ),
        route(
            "/v1/spaces/{space}/uploads/{upload}/blobs/{blob}",
            put(blobs::put),
        ),
        route(
            "/v1/spaces/{space}/uploads/{upload}/blobs/{blob}",
            delete(blobs::remove),
        ),
        route("/v1/spaces/{space}/blobs/{blob}", get(blobs::get)),
    ]
}
