use super::{Inputs, hex};
use crate::account::boxes::BoxOwner;
use crate::account::keys::{DeviceSeeds, Identity, SpaceKeys};
use crate::account::sigchain::Sigchain;
use crate::content::reference::{PieceRef, Totals};
use crate::crypto::secret::{ExportKey, MasterKey, RecoveryEntropy, RootKey};
use crate::space::body::{BodyPlace, RootRef};
use crate::space::build::{Sweep, TreeChange};
use crate::space::private::PrivateSpace;
use crate::space::tests::sweeps::duplicate;
use crate::space::verify::Step;
use anonicloud_proto::api::{Base64, SealedBox};
use anonicloud_proto::codec::{Decode as _, Encode as _};
use anonicloud_proto::commit::{AddedBlob, HeadAnswer, PostedCommit};
use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::BlobId;
use anonicloud_proto::merkle::Frontier;
use serde_json::{Value, json};

pub(super) fn boxes(inputs: &Inputs) -> Value {
    let owner = BoxOwner { realm: inputs.realm(), account: inputs.account() };
    let master = MasterKey::from_bytes(inputs.array("master_key"));
    let export = ExportKey::from_bytes(inputs.array("export_key"));
    let words = RecoveryEntropy::from_bytes(inputs.array("recovery_entropy"));
    let identity = Identity::from_encoded(&inputs.secret("identity")).unwrap();
    let keys = SpaceKeys::from_encoded(&inputs.secret("space_keys")).unwrap();
    let capability = keys.capability_keys(&owner.realm);
    let (chain, version) = (inputs.chain(), inputs.number("version"));
    let space = PrivateSpace::new(owner.realm, inputs.space(), keys, chain.clone());
    let mut random = inputs.random();
    let sealed = [
        owner.seal_password_slot(version, &export, &master, &mut random),
        owner.seal_recovery_slot(version, &words, &master, &mut random),
        owner.seal_identity(version, &master, &identity, &mut random),
        owner.seal_space(version, &master, &space, &mut random),
    ];
    random.finish();
    let again = |sealed: &SealedBox| SealedBox { version, sealed: Base64::new(sealed.sealed.as_bytes().to_vec()) };
    assert!(owner.open_password_slot(&export, &again(&sealed[0])).is_ok());
    assert!(owner.open_recovery_slot(&words, &again(&sealed[1])).is_ok());
    assert!(owner.open_identity(&master, &again(&sealed[2]), &chain).is_ok());
    assert!(owner.open_space(&space.id(), &master, &again(&sealed[3])).is_ok());
    let [password, recovery, identity, keys] = sealed.map(|sealed| hex(sealed.sealed.as_bytes()));
    json!({
        "password_slot": password,
        "recovery_slot": recovery,
        "identity_box": identity,
        "space_box": keys,
        "capability_keys": hex(capability.to_bytes()),
    })
}

/// Genesis, two devices, the second removed.
pub(super) fn sigchain(inputs: &Inputs) -> Value {
    let (realm, account) = (inputs.realm(), inputs.account());
    let identity = Identity::from_encoded(&inputs.secret("identity")).unwrap();
    let handle = inputs.text("handle").parse().unwrap();
    let genesis = Sigchain::sign_genesis(&realm, &account, &identity, &handle);
    let mut chain = Sigchain::verify(&realm, &account, &[genesis]).unwrap();
    let devices = ["device", "second_device"].map(|name| DeviceSeeds::from_encoded(&inputs.secret(name)).unwrap());
    for device in &devices {
        let link = chain.sign_add_device(&realm, &identity, device).unwrap();
        chain.append(&realm, &link).unwrap();
    }
    let [_, second] = devices;
    let link = chain.sign_remove_device(&realm, &identity, second.device()).unwrap();
    chain.append(&realm, &link).unwrap();
    json!({
        "links": chain.links().iter().map(hex).collect::<Vec<_>>(),
        "head": chain.head().to_string(),
        "identity_key_hash": chain.identity_key().hash(&realm).to_string(),
    })
}

/// Drawn: SEK, append, write and admin seed, the random of the space id, the salt of the body.
pub(super) fn genesis(inputs: &Inputs) -> Value {
    let mut random = inputs.random();
    let made = PrivateSpace::make(inputs.realm(), inputs.chain(), &inputs.device(), inputs.day(), &mut random);
    random.finish();
    let (mut space, posted) = made.unwrap();
    let answer = HeadAnswer { commit: posted.logged.clone(), frontier: Frontier::default() };
    assert!(space.verify_head(&answer).unwrap().0.root().is_none());
    commit_outputs(&space, &posted)
}

/// Drawn: the salt of the root key's wrap, the salt of the body.
pub(super) fn tree(inputs: &Inputs) -> Value {
    let keys = SpaceKeys::from_encoded(&inputs.secret("space_keys")).unwrap();
    let mut space = PrivateSpace::new(inputs.realm(), inputs.space(), keys, inputs.chain());
    let genesis = PostedCommit::from_bytes(&inputs.bytes("genesis")).unwrap();
    let answer = HeadAnswer { commit: genesis.logged, frontier: Frontier::default() };
    let (_, state) = space.verify_head(&answer).unwrap();
    let root = RootRef {
        totals: Totals::from_bytes(&inputs.bytes("totals")).unwrap(),
        piece: PieceRef::from_bytes(&inputs.bytes("root_piece")).unwrap(),
        hash: StoredHash::from_bytes(inputs.array("root_hash")),
        key: RootKey::from_bytes(inputs.array("root_key")),
    };
    let adds = inputs.list("adds").iter().map(|add| AddedBlob::from_bytes(add).unwrap()).collect();
    let change = TreeChange { root: Some(root), adds, day: inputs.day() };
    let mut random = inputs.random();
    let posted = space.make_tree_commit(&state, &inputs.device(), change, &mut random).unwrap();
    random.finish();
    let (step, _) = space.verify_next(&state, &posted.logged).unwrap();
    let Step::Verified(verified) = step else { panic!("skipped") };
    assert_eq!(*verified.root().unwrap().key.expose_bytes(), inputs.array("root_key"));
    commit_outputs(&space, &posted)
}

/// A sweep on top of the tree commit `base`. Drawn: the salt of the root key's wrap, the salt of the body.
pub(super) fn sweep(inputs: &Inputs) -> Value {
    let keys = SpaceKeys::from_encoded(&inputs.secret("space_keys")).unwrap();
    let mut space = PrivateSpace::new(inputs.realm(), inputs.space(), keys, inputs.chain());
    let genesis = PostedCommit::from_bytes(&inputs.bytes("genesis")).unwrap();
    let answer = HeadAnswer { commit: genesis.logged, frontier: Frontier::default() };
    let (_, state) = space.verify_head(&answer).unwrap();
    let base = PostedCommit::from_bytes(&inputs.bytes("base")).unwrap().logged;
    let (step, state) = space.verify_next(&state, &base).unwrap();
    let Step::Verified(verified) = step else { panic!("skipped") };
    let sweep = Sweep {
        root: verified.root().map(duplicate),
        adds: inputs.list("adds").iter().map(|add| AddedBlob::from_bytes(add).unwrap()).collect(),
        releases: inputs.list("releases").iter().map(|blob| BlobId::from_bytes(blob[..].try_into().unwrap())).collect(),
        day: inputs.day(),
    };
    let mut random = inputs.random();
    let posted = space.make_sweep_commit(&state, &inputs.device(), sweep, &mut random).unwrap();
    random.finish();
    let (step, _) = space.verify_next_on(&state, &posted.logged, &base).unwrap();
    assert!(matches!(step, Step::Verified(_)));
    commit_outputs(&space, &posted)
}

fn commit_outputs(space: &PrivateSpace, posted: &PostedCommit) -> Value {
    let place = BodyPlace {
        realm: &space.realm,
        space: &space.space,
        keys: &space.keys,
        seq: posted.logged.header.fields().seq,
    };
    let body = place.open_body(&posted.logged.body).unwrap();
    json!({
        "space": space.id().to_string(),
        "head": posted.logged.header.hash().to_string(),
        "body": hex(body.to_bytes()),
        "posted": hex(posted.to_bytes()),
    })
}
