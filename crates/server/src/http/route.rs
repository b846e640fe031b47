//! What a route is: how it is called, what it takes and answers, and what serves it.

use std::sync::Arc;

use anonicloud_proto::api::schema::{Components, Schema};
use anonicloud_proto::capability::Right;
use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};
use serde_json::Value;

use super::App;

/// Gives a schema, adding what it refers to.
pub(super) type Describe = fn(&mut Components) -> Value;

/// What travels in a body.
#[derive(Debug, Clone, Copy)]
pub(super) enum Payload {
    /// Nothing.
    Nothing,
    /// An object without fields.
    Empty,
    /// JSON of a wire type.
    Json(Describe),
    /// Bytes, described here.
    Raw(&'static str),
}

/// Who may call.
#[derive(Debug, Clone, Copy)]
pub(super) enum Session {
    /// Anybody.
    None,
    /// An account's session.
    Account,
    /// A session of the space with one of these rights.
    Space(&'static [Right]),
}

/// The methods of the API.
#[derive(Debug, Clone, Copy)]
pub(super) enum Method {
    Get,
    Post,
    Put,
    Delete,
}

impl Method {
    /// As OpenAPI writes it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Put => "put",
            Self::Delete => "delete",
        }
    }

    const fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
            Self::Put => MethodFilter::PUT,
            Self::Delete => MethodFilter::DELETE,
        }
    }
}

/// One route.
pub(super) struct Route {
    pub(super) method: Method,
    /// With parameters in braces.
    pub(super) path: &'static str,
    /// What it does, in a few words.
    pub(super) about: &'static str,
    pub(super) session: Session,
    pub(super) query: Vec<(&'static str, bool, Describe)>,
    pub(super) body: Payload,
    /// Status and body of success.
    pub(super) answer: (u16, Payload),
    /// Whether it may also answer 204.
    pub(super) may_be_nothing: bool,
    pub(super) handler: MethodRouter<Arc<App>>,
}

impl Route {
    /// A route that anybody may call, takes nothing and answers 204.
    pub(super) fn new<H, T>(method: Method, path: &'static str, about: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        Self {
            method,
            path,
            about,
            session: Session::None,
            query: Vec::new(),
            body: Payload::Nothing,
            answer: (204, Payload::Nothing),
            may_be_nothing: false,
            handler: on(method.filter(), handler),
        }
    }

    /// It takes JSON.
    pub(super) const fn takes<T: Schema>(mut self) -> Self {
        self.body = Payload::Json(T::describe);
        self
    }

    /// It takes bytes.
    pub(super) const fn takes_raw(mut self, what: &'static str) -> Self {
        self.body = Payload::Raw(what);
        self
    }

    /// It answers JSON.
    pub(super) const fn answers<T: Schema>(mut self) -> Self {
        self.answer = (200, Payload::Json(T::describe));
        self
    }

    /// It answers bytes.
    pub(super) const fn answers_raw(mut self, what: &'static str) -> Self {
        self.answer = (200, Payload::Raw(what));
        self
    }

    /// It answers 204 when there is nothing to say.
    pub(super) const fn or_nothing(mut self) -> Self {
        self.may_be_nothing = true;
        self
    }

    /// It answers 201 with an empty object.
    pub(super) const fn creates(mut self) -> Self {
        self.answer = (201, Payload::Empty);
        self
    }

    /// It needs a session.
    pub(super) const fn within(mut self, session: Session) -> Self {
        self.session = session;
        self
    }

    /// It has a parameter in its query.
    pub(super) fn asks<T: Schema>(mut self, name: &'static str) -> Self {
        self.query.push((name, !T::OPTIONAL, T::describe));
        self
    }
}
