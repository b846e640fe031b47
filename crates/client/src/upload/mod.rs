//! Sending files (spec: 2-content): scan, compare, cut, seal, pack, send, commit; and going on after a cut.

mod adopt;
mod assembly;
mod away;
mod batch;
mod begun;
mod content;
mod engine;
mod file;
mod finish;
mod jobs;
mod journal;
mod packer;
mod packs;
mod plan;
mod request;
pub(crate) mod reservation;
mod resume;
mod run;
mod segment;
mod send;
mod small;
mod staged;
mod stream;
mod tickets;
mod under_way;

pub(crate) use batch::{path_of, refused_by};
pub use jobs::{Job, JobSource};
pub(crate) use plan::{Plan, plan};
pub(crate) use request::FILE_MAX;
pub use request::{AdoptReport, PutReport, PutSource, ResumeReport};
pub(crate) use run::look_at;
pub(crate) use segment::SealedBlob;
