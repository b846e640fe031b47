//! What requests and their headers are for.

pub(super) const CALLS: &[(&str, &str)] = &[
    ("DELETE /v1/spaces/{space}/uploads/{upload}", "ends a transfer"),
    ("GET /v1/account", "what the account uses, and its devices"),
    ("GET /v1/account/sigchain?from", "the history of the account's keys"),
    ("GET /v1/realm", "which installation this is"),
    ("GET /v1/spaces/{space}/blobs/{blob}", "fetches a piece"),
    ("GET /v1/spaces/{space}/head", "the newest commit"),
    ("GET /v1/spaces/{space}/log?from", "the commits since one that the device knows"),
    ("GET /v1/spaces/{space}/uploads", "transfers under way, to go on with one that another device began"),
    ("GET /v1/spaces/{space}/uploads/{upload}", "what arrived of a transfer, to send only the rest"),
    ("POST /v1/account/devices", "adds a device"),
    ("POST /v1/account/devices/remove", "removes a device"),
    ("POST /v1/login/device/finish", "proves the device's key"),
    ("POST /v1/login/device/start", "begins to sign in with a device's key"),
    ("POST /v1/login/finish", "proves the password without telling it (OPAQUE)"),
    ("POST /v1/login/start", "begins to sign in with a password"),
    ("POST /v1/logout", "ends the session that the password opened, once the device has its key"),
    ("POST /v1/puzzle", "asks for work to do before a registration, or before a password is tried for the sixth time"),
    ("POST /v1/register/finish", "makes the account, whole"),
    ("POST /v1/register/start", "begins to make an account"),
    ("POST /v1/spaces/{space}/commits", "changes the tree"),
    ("POST /v1/spaces/{space}/sessions/finish", "proves the rights to a tree, not who has them"),
    ("POST /v1/spaces/{space}/sessions/start", "begins that"),
    ("POST /v1/spaces/{space}/uploads", "opens a transfer, and keeps room for it"),
    ("PUT /v1/spaces/{space}/uploads/{upload}/blobs/{blob}?offset&size&hash", "sends a piece, or the rest of one"),
    ("PUT /v1/spaces/{space}/uploads/{upload}/ticket", "sends what another device needs to go on, sealed"),
];

pub(super) const HEADERS: &[(&str, &str)] = &[
    ("accept", "always `*/*`"),
    ("anonicloud-api", "the version of the requests, always 1"),
    ("authorization", "the token of the session, drawn at random by the server"),
    ("content-length", "length of the body"),
    ("content-type", "JSON or bytes"),
    ("host", "the address of the server"),
    ("range", "which part of a piece is fetched"),
];
