use super::Inputs;
use crate::space::code::StateCode;
use crate::space::state::LogPlace;
use anonicloud_proto::codec::Decode as _;
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::merkle::MerkleRoot;
use serde_json::{Value, json};

pub(super) fn state(inputs: &Inputs) -> Value {
    let head = LogPlace { seq: inputs.number("seq"), hash: ChainHash::from_bytes(inputs.array("head")) };
    let history = MerkleRoot::from_bytes(&inputs.bytes("history")).unwrap();
    json!({ "code": StateCode::derive(&inputs.realm(), &inputs.space(), head, &history).to_string() })
}
