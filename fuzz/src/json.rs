//! The JSON of the control plane: what is read is written and read again as the same (spec: 4-http-api).

use anonicloud_proto::api;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What the first byte of an input chooses: bodies that the server reads, then answers that a client reads.
const READERS: [fn(&[u8]); 27] = [
    same::<api::RegisterStart>,
    same::<api::RegisterFinish>,
    same::<api::LoginStart>,
    same::<api::LoginFinish>,
    same::<api::DeviceLoginStart>,
    same::<api::DeviceLoginFinish>,
    same::<api::AddDevice>,
    same::<api::RemoveDevice>,
    same::<api::NewDevice>,
    same::<api::PuzzleStart>,
    same::<api::SolvedPuzzle>,
    same::<api::SpaceSessionFinish>,
    same::<api::OpenUpload>,
    same::<api::RealmAnswer>,
    same::<api::AccountAnswer>,
    same::<api::AccountBoxes>,
    same::<api::Challenge>,
    same::<api::LoginAnswer>,
    same::<api::LoginStarted>,
    same::<api::RegisterStarted>,
    same::<api::Puzzle>,
    same::<api::SigchainAnswer>,
    same::<api::SpaceSessionAnswer>,
    same::<api::BlobsAnswer>,
    same::<api::UploadAnswer>,
    same::<api::UploadsAnswer>,
    same::<api::CommitAnswer>,
];

/// Reads one value.
pub fn run(data: &[u8]) {
    let Some((choice, bytes)) = data.split_first() else { return };
    match READERS.get(usize::from(*choice)) {
        Some(read) => read(bytes),
        None => same::<api::BlobProgress>(bytes),
    }
}

fn same<T: DeserializeOwned + Serialize + PartialEq>(bytes: &[u8]) {
    if let Ok(value) = serde_json::from_slice::<T>(bytes) {
        let text = serde_json::to_vec(&value).expect("what was read can be written");
        let again: T = serde_json::from_slice(&text).expect("what was written can be read");
        assert!(value == again, "{} changes on its way", std::any::type_name::<T>());
    }
}
