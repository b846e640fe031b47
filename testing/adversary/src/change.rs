//! What each lie does to an answer.

use anonicloud_proto::api::{Base64, BlobProgress, CommitAnswer, ErrorCode};
use anonicloud_proto::codec::{Decode as _, Encode, Reader};
use anonicloud_proto::commit::{LoggedCommit, PostedCommit};
use anonicloud_proto::ids::BlobId;
use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use crate::call::{Answer, Call, Kind};
use crate::forge::forge;
use crate::history::History;
use crate::liar::Mind;
use crate::lie::Lie;

impl Lie {
    /// What is said without asking the honest server.
    pub(crate) fn instead(&self, mind: &Mind, call: &Call, request: &[u8]) -> Option<Answer> {
        match self {
            Self::Acknowledge(kind) if *kind == call.kind => Some(acknowledged(call, request)),
            Self::BlobsSwallowed if call.kind == Kind::PutBlob => Some(acknowledged(call, request)),
            Self::Crumbs if call.kind == Kind::PutBlob => {
                Some(json(&BlobProgress { stored: call.from + 1, complete: false }))
            }
            Self::Fork(_) if call.kind == Kind::Commit => Some(acknowledged(call, request)),
            Self::Refuse(kind, code) if *kind == call.kind => Some(refused(*code)),
            Self::Of(..) | Self::OfLength(..) => self.told(mind, call)?.instead(mind, call, request),
            _ => None,
        }
    }

    /// What is said in place of `answer`; `None` when the lie is not about it.
    pub(crate) fn change(&self, mind: &Mind, call: &Call, answer: &Answer) -> Option<Answer> {
        if let Self::Of(..) | Self::OfLength(..) = self {
            return self.told(mind, call)?.change(mind, call, answer);
        }
        if let Self::Fork(nth) = self {
            return forked(mind, *nth, call, answer);
        }
        if !answer.is_granted() {
            return None;
        }
        self.change_bytes(mind, call, answer).or_else(|| self.change_json(call, answer)).or_else(|| match self {
            Self::BlobsRotated => other_blob(mind, call, answer, |at, len| (at + 1) % len),
            Self::BlobsAlike => other_blob(mind, call, answer, |_, _| 0),
            Self::PartShifted(by) => shifted(mind, call, answer, *by),
            Self::LogReversed if call.kind == Kind::Log => {
                let mut page = page(&answer.body);
                page.reverse();
                Some(answer.with_body(encoded(&page)))
            }
            Self::LogEndsAt(seq) if call.kind == Kind::Log => {
                let mut page = page(&answer.body);
                page.retain(|commit| commit.header.fields().seq < *seq);
                Some(answer.with_body(encoded(&page)))
            }
            Self::Forged(how) if call.kind == Kind::Head => Some(answer.with_body(forge(*how, &answer.body))),
            _ => None,
        })
    }

    /// The lie that is told of some blobs, if this call is about one of them.
    fn told(&self, mind: &Mind, call: &Call) -> Option<&Self> {
        match self {
            Self::Of(blob, lie) => (call.blob == Some(*blob)).then_some(lie),
            Self::OfLength(least, lie) => {
                let whole = stored(mind, call.blob?)?.len() as u64;
                let len = call.range.as_ref().map_or(whole, |range| range.end - range.start);
                (len >= *least).then_some(lie)
            }
            _ => None,
        }
    }

    fn change_bytes(&self, mind: &Mind, call: &Call, answer: &Answer) -> Option<Answer> {
        let (Self::Flip(kind, _)
        | Self::FlipBit(kind, _)
        | Self::Cut(kind, _)
        | Self::Longer(kind, _)
        | Self::Replay(kind, _)
        | Self::Redirect(kind, _)
        | Self::Endless(kind)) = self
        else {
            return None;
        };
        if *kind != call.kind {
            return None;
        }
        let mut body = answer.body.to_vec();
        match self {
            Self::Flip(_, place) => flip(&mut body, *place),
            Self::FlipBit(_, bit) if !body.is_empty() => {
                let at = bit / 8 % body.len();
                body[at] ^= 1 << (bit % 8);
            }
            Self::Cut(_, count) => body.truncate(body.len().saturating_sub(*count)),
            Self::Longer(_, count) => body.resize(body.len() + count, 0),
            Self::Replay(_, nth) => {
                return mind
                    .tape
                    .iter()
                    .filter(|exchange| exchange.call.kind == *kind)
                    .nth(*nth)
                    .map(|old| old.honest.clone());
            }
            Self::Redirect(_, to) => {
                let mut elsewhere = Answer::new(307, "");
                elsewhere.headers.push(("location", to.clone()));
                return Some(elsewhere);
            }
            _ => {
                return Some(Answer { is_endless: true, body: Bytes::from(vec![b' '; 64 << 10]), ..answer.clone() });
            }
        }
        Some(answer.with_body(body))
    }

    fn change_json(&self, call: &Call, answer: &Answer) -> Option<Answer> {
        let (Self::Set(kind, field, _)
        | Self::Drop(kind, field)
        | Self::Exchange(kind, field, _)
        | Self::FlipField(kind, field, _)
        | Self::CutField(kind, field, _)
        | Self::Emptied(kind, field)
        | Self::Doubled(kind, field)
        | Self::Reversed(kind, field)
        | Self::Shortened(kind, field, _)) = self
        else {
            return None;
        };
        if *kind != call.kind {
            return None;
        }
        let mut json: Value = serde_json::from_slice(&answer.body).ok()?;
        // A later page of what a lie has changed ends it.
        if call.from > 0 {
            json.pointer_mut(field)?.as_array_mut()?.clear();
            return Some(answer.with_body(json.to_string()));
        }
        match self {
            Self::Set(_, _, value) => set(&mut json, field, value.clone()),
            Self::Drop(..) => remove(&mut json, field),
            Self::Exchange(_, _, other) => {
                let (one, two) = (json.pointer(field)?.clone(), json.pointer(other)?.clone());
                set(&mut json, field, two);
                set(&mut json, other, one);
            }
            Self::FlipField(_, _, place) => edit_bytes(json.pointer_mut(field)?, |bytes| flip(bytes, *place)),
            Self::CutField(_, _, count) => {
                edit_bytes(json.pointer_mut(field)?, |bytes| bytes.truncate(bytes.len().saturating_sub(*count)));
            }
            _ => self.change_list(json.pointer_mut(field)?.as_array_mut()?),
        }
        Some(answer.with_body(json.to_string()))
    }

    fn change_list(&self, list: &mut Vec<Value>) {
        match self {
            Self::Emptied(..) => list.clear(),
            Self::Doubled(..) => *list = list.iter().flat_map(|item| [item.clone(), item.clone()]).collect(),
            Self::Reversed(..) => list.reverse(),
            Self::Shortened(_, _, count) => list.truncate(list.len().saturating_sub(*count)),
            _ => {}
        }
    }
}

fn refused(code: ErrorCode) -> Answer {
    Answer::refused(code, "no".to_owned(), "ask again".to_owned())
}

fn flip(bytes: &mut [u8], place: usize) {
    let at = bytes.len() * place / 1000;
    let last = bytes.len().saturating_sub(1);
    if let Some(byte) = bytes.get_mut(at.min(last)) {
        *byte ^= 1;
    }
}

fn set(json: &mut Value, field: &str, value: Value) {
    if let Some(place) = json.pointer_mut(field) {
        *place = value;
    } else if let Some((parent, name)) = field.rsplit_once('/')
        && let Some(Value::Object(object)) = json.pointer_mut(parent)
    {
        object.insert(name.to_owned(), value);
    }
}

fn remove(json: &mut Value, field: &str) {
    if let Some((parent, name)) = field.rsplit_once('/')
        && let Some(Value::Object(object)) = json.pointer_mut(parent)
    {
        object.remove(name);
    }
}

/// Changes the bytes that a text of JSON stands for.
fn edit_bytes(field: &mut Value, edit: impl FnOnce(&mut Vec<u8>)) {
    let bytes: Base64 = serde_json::from_value(field.clone()).expect("a field of bytes");
    let mut bytes = bytes.as_bytes().to_vec();
    edit(&mut bytes);
    *field = serde_json::to_value(Base64::new(bytes)).expect("a text");
}

fn json(answer: &impl Serialize) -> Answer {
    Answer::new(200, serde_json::to_vec(answer).expect("an answer of the API"))
}

/// What an honest server would say had it done what it was asked to.
fn acknowledged(call: &Call, request: &[u8]) -> Answer {
    match call.kind {
        Kind::PutBlob => json(&BlobProgress { stored: call.from + request.len() as u64, complete: true }),
        Kind::Commit => {
            let header = PostedCommit::from_bytes(request).expect("an honest client posts commits").logged.header;
            json(&CommitAnswer { seq: header.fields().seq, hash: header.hash() })
        }
        _ => Answer::new(204, ""),
    }
}

/// The bytes of another blob, chosen among those of the same length by the place of the right one.
fn other_blob(mind: &Mind, call: &Call, answer: &Answer, choose: impl Fn(usize, usize) -> usize) -> Option<Answer> {
    let (Kind::GetBlob, Some(blob)) = (call.kind, call.blob) else {
        return None;
    };
    let len = stored(mind, blob)?.len();
    let alike: Vec<_> = mind.blobs.iter().filter(|(_, bytes)| bytes.len() == len).collect();
    let at = alike.iter().position(|(id, _)| *id == blob)?;
    let (_, other) = alike.get(choose(at, alike.len()))?;
    Some(answer.with_body(part(other, call)?))
}

/// What a server says that has only the other history.
fn forked(mind: &Mind, nth: usize, call: &Call, answer: &Answer) -> Option<Answer> {
    match call.kind {
        Kind::Head => Some(answer.with_body(History::of(mind, nth)?.head().to_bytes())),
        Kind::Log => Some(Answer::new(200, encoded(History::of(mind, nth)?.from(call.from)))),
        // Who shows a commit that was thrown away gives its blobs too.
        Kind::GetBlob if !answer.is_granted() => {
            let bytes = part(stored(mind, call.blob?)?, call)?;
            Some(Answer::new(if call.range.is_some() { 206 } else { 200 }, bytes))
        }
        _ => None,
    }
}

fn shifted(mind: &Mind, call: &Call, answer: &Answer, by: u64) -> Option<Answer> {
    let (Kind::GetBlob, Some(range)) = (call.kind, &call.range) else {
        return None;
    };
    let bytes = stored(mind, call.blob?)?;
    let mut moved = call.clone();
    let len = range.end - range.start;
    let start = (range.start + by) % (bytes.len() as u64 - len + 1);
    moved.range = Some(start..start + len);
    Some(answer.with_body(part(bytes, &moved)?))
}

fn stored(mind: &Mind, blob: BlobId) -> Option<&Bytes> {
    mind.blobs.iter().find(|(id, _)| *id == blob).map(|(_, bytes)| bytes)
}

fn part(bytes: &Bytes, call: &Call) -> Option<Bytes> {
    let Some(range) = &call.range else {
        return Some(bytes.clone());
    };
    let (start, end) = (usize::try_from(range.start).ok()?, usize::try_from(range.end).ok()?);
    (start <= end && end <= bytes.len()).then(|| bytes.slice(start..end))
}

/// The commits of a page of the log.
pub(crate) fn page(bytes: &[u8]) -> Vec<LoggedCommit> {
    let mut input = Reader::new(bytes);
    let mut commits = Vec::new();
    while input.remaining() > 0 {
        commits.push(LoggedCommit::decode(&mut input).expect("an honest page"));
    }
    commits
}

pub(crate) fn encoded(page: &[LoggedCommit]) -> Vec<u8> {
    page.iter().flat_map(Encode::to_bytes).collect()
}
