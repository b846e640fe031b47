//! Requests and answers as they stood on the wire.

use std::collections::BTreeSet;

use anonicloud_e2e::wire::Conversation;
use serde_json::Value;

/// A request and its answer.
pub(super) struct Exchange {
    /// Method and path, with ids replaced by what they name, and the names of the query.
    pub(super) call: String,
    /// The names of its headers.
    pub(super) headers: BTreeSet<String>,
    /// What its body says.
    pub(super) request: Body,
    /// Whether it was granted.
    pub(super) is_granted: bool,
    /// What the answer's body says.
    pub(super) answer: Body,
    /// The bearer token.
    pub(super) token: Option<String>,
}

/// A body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Body {
    Nothing,
    Raw,
    /// The fields of a JSON object, those inside of others after a dot.
    Fields(BTreeSet<String>),
}

struct Message {
    first: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// All requests of a connection that were answered.
pub(super) fn exchanges(conversation: &Conversation) -> Vec<Exchange> {
    let requests = messages(&conversation.to_server);
    let answers = messages(&conversation.to_client);
    requests
        .iter()
        .zip(&answers)
        .map(|(request, answer)| {
            let token = request.header("authorization");
            Exchange {
                call: call(&request.first),
                headers: request.headers.iter().map(|(name, _)| name.clone()).collect(),
                request: request.content(),
                is_granted: answer.first.starts_with("HTTP/1.1 2"),
                answer: answer.content(),
                token: token.and_then(|value| value.strip_prefix("Bearer ")).map(str::to_owned),
            }
        })
        .collect()
}

fn messages(mut bytes: &[u8]) -> Vec<Message> {
    let mut all = Vec::new();
    while let Some(message) = next_message(&mut bytes) {
        all.push(message);
    }
    all
}

/// The next whole message; none at the end, or where the connection was cut.
fn next_message(bytes: &mut &[u8]) -> Option<Message> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8(bytes[..end].to_vec()).expect("a head is text");
    let mut lines = head.split("\r\n");
    let first = lines.next()?.to_owned();
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    *bytes = &bytes[end + 4..];
    let mut message = Message { first, headers, body: Vec::new() };
    let len = message.header("content-length").map_or(0, |len| len.parse().expect("a length"));
    assert!(message.header("transfer-encoding").is_none(), "every length is known");
    message.body = bytes.get(..len)?.to_vec();
    *bytes = &bytes[len..];
    Some(message)
}

impl Message {
    fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(header, _)| header == name)?;
        Some(value)
    }

    fn content(&self) -> Body {
        if self.header("content-type") == Some("application/json") {
            let value = serde_json::from_slice(&self.body).expect("JSON where it says so");
            let mut names = BTreeSet::new();
            fields("", &value, &mut names);
            Body::Fields(names)
        } else if self.body.is_empty() {
            Body::Nothing
        } else {
            Body::Raw
        }
    }
}

fn fields(prefix: &str, value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (name, inner) in object {
                fields(&format!("{prefix}.{name}"), inner, names);
            }
        }
        Value::Array(list) if list.iter().any(Value::is_object) => {
            for inner in list {
                fields(&format!("{prefix}[]"), inner, names);
            }
        }
        _ => {
            names.insert(prefix.trim_start_matches('.').to_owned());
        }
    }
}

fn call(first: &str) -> String {
    let mut words = first.split(' ');
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut above = "";
    let mut pattern = Vec::new();
    for part in path.split('/') {
        pattern.push(match above {
            "spaces" => "{space}",
            "uploads" => "{upload}",
            "blobs" => "{blob}",
            _ => part,
        });
        above = part;
    }
    let names: Vec<_> =
        query.split('&').filter_map(|pair| pair.split('=').next()).filter(|name| !name.is_empty()).collect();
    let query = if names.is_empty() { String::new() } else { format!("?{}", names.join("&")) };
    format!("{method} {}{query}", pattern.join("/"))
}
