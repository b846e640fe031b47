//! A server that speaks the real API and lies: what it lies about is a [`Lie`], and what a lie does to an answer is written once.
//!
//! It is used in two ways: [`LyingRemote`] lies to the client library in front of any other remote, [`HttpsLiar`] to whole
//! programs in front of a real server. Both keep all that passes: a lying server replays, exchanges and holds back.
#![forbid(unsafe_code)]
#![expect(clippy::missing_panics_doc, reason = "it panics wherever a test would, and the message says what broke")]

mod call;
mod change;
mod forge;
mod history;
mod https;
mod liar;
mod lie;
mod remote;

pub mod rows;

pub use self::call::{Answer, Call, Kind};
pub use self::https::HttpsLiar;
pub use self::liar::{Exchange, Liar};
pub use self::lie::{Forgery, Lie};
pub use self::remote::LyingRemote;
