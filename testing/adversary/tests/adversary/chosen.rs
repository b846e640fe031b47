//! What the client makes of bytes of the server's choice: puzzles, challenges, chains to sign on.

use anonicloud_adversary::{Exchange, Kind, Lie};
use anonicloud_e2e::world::PASSWORD;
use anonicloud_proto::api::{
    AddDevice, Base64, DeviceLoginFinish, ErrorCode, LoginStart, RealmAnswer, RegisterFinish, SolvedPuzzle,
    SpaceSessionFinish,
};
use anonicloud_proto::capability::{
    CapabilityKeys, CapabilityPublicKey, CapabilitySignature, Right, device_login_message, session_message,
};
use anonicloud_proto::codec::Decode as _;
use anonicloud_proto::ids::RealmId;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::rows;
use crate::world::World;

rows!(
    a04_a_device_signs_its_own_text_around_a_challenge,
    a04_a_capability_is_proved_by_its_own_text_around_a_challenge,
    a04_challenges_of_another_length_are_answered_by_nothing,
    a04_a_puzzles_solution_holds_nothing_of_who_solves_it,
    a04_a_link_is_signed_once_however_often_it_is_asked_for,
);

/// What a server would like to have signed: 32 bytes that mean something elsewhere.
const CHOSEN: [u8; 32] = [0x5a; 32];

fn requests<T: DeserializeOwned>(world: &World, begin: usize, kind: Kind) -> Vec<T> {
    let of_kind = |exchange: &Exchange| exchange.call.kind == kind;
    let read = |exchange: Exchange| serde_json::from_slice(&exchange.request).unwrap();
    world.since(begin).into_iter().filter(of_kind).map(read).collect()
}

fn realm(world: &World) -> RealmId {
    let asked = world.since(0).into_iter().find(|exchange| exchange.call.kind == Kind::Realm).unwrap();
    serde_json::from_slice::<RealmAnswer>(&asked.honest.body).unwrap().realm
}

/// What a server that chose the bytes would want to be signed instead of the text that the client builds around them.
fn is_signed(key: &CapabilityPublicKey, message: &[u8], signature: &Base64) -> bool {
    let signature = CapabilitySignature::from_bytes(signature.as_bytes().try_into().unwrap());
    key.verify(message, &signature).is_ok()
}

async fn a04_a_device_signs_its_own_text_around_a_challenge(world: &World) {
    let alice = world.sign_up("alice").await;
    let signed_up: RegisterFinish = requests(world, 0, Kind::RegisterFinish).remove(0);
    let key = signed_up.device.auth_public_key.as_bytes().try_into().unwrap();
    let key = CapabilityPublicKey::from_bytes(key);
    let begin = world.heard();
    world.lie(Lie::Set(Kind::DeviceLoginStart, "/challenge", json!(Base64::new(CHOSEN.to_vec()))));
    alice.quota().await.unwrap_err();
    world.honest();
    let signed: Vec<DeviceLoginFinish> = requests(world, begin, Kind::DeviceLoginFinish);
    assert!(!signed.is_empty());
    for DeviceLoginFinish { account, device, signature, .. } in signed {
        let text = device_login_message(&realm(world), &account, &device, &CHOSEN);
        assert!(is_signed(&key, &text, &signature), "it signs that it signs in, here and now");
        assert!(!is_signed(&key, &CHOSEN, &signature), "it signs what it is given");
    }
    alice.quota().await.unwrap();
}

async fn a04_a_capability_is_proved_by_its_own_text_around_a_challenge(world: &World) {
    let alice = world.sign_up("alice").await;
    let signed_up: RegisterFinish = requests(world, 0, Kind::RegisterFinish).remove(0);
    let keys = CapabilityKeys::from_bytes(signed_up.space_keys.as_bytes()).unwrap();
    let space = anonicloud_proto::commit::PostedCommit::from_bytes(signed_up.genesis.as_bytes()).unwrap();
    let space = space.logged.header.fields().space;
    let begin = world.heard();
    world.lie(Lie::Set(Kind::SpaceChallenge, "/challenge", json!(Base64::new(CHOSEN.to_vec()))));
    alice.list().await.unwrap_err();
    world.honest();
    let proofs: Vec<SpaceSessionFinish> = requests(world, begin, Kind::SpaceSession);
    assert!(!proofs.is_empty());
    for SpaceSessionFinish { epoch, append, write, admin, .. } in proofs {
        let proofs = [
            (Right::Append, &keys.append, append),
            (Right::Write, &keys.write, write),
            (Right::Admin, &keys.admin, admin),
        ];
        let proofs: Vec<_> = proofs.into_iter().filter_map(|(right, key, proof)| Some((right, key, proof?))).collect();
        assert!(!proofs.is_empty(), "nothing is proved");
        for (right, key, proof) in proofs {
            let text = session_message(&realm(world), &space, epoch, right, &CHOSEN);
            assert!(is_signed(key, &text, &proof), "{right:?}: it signs that it opens a session of that space");
            assert!(!is_signed(key, &CHOSEN, &proof), "{right:?}: it signs what it is given");
        }
    }
    alice.make_directory("/folder").await.unwrap();
}

async fn a04_challenges_of_another_length_are_answered_by_nothing(world: &World) {
    let alice = world.sign_up("alice").await;
    for len in [0, 31, 33, 188] {
        let challenge = json!(Base64::new(vec![0x5a; len]));
        for (start, finish) in
            [(Kind::DeviceLoginStart, Kind::DeviceLoginFinish), (Kind::SpaceChallenge, Kind::SpaceSession)]
        {
            let begin = world.heard();
            world.lie(Lie::Set(start, "/challenge", challenge.clone()));
            let refused =
                if start == Kind::SpaceChallenge { alice.list().await.map(drop) } else { alice.quota().await };
            assert_eq!(refused.unwrap_err(), "malformed_answer", "{len}");
            world.honest();
            assert!(!world.kinds_since(begin).contains(&finish), "{len}: something was signed");
        }
    }
    alice.quota().await.unwrap();
}

/// Two people are given one puzzle: what they answer is the same.
async fn a04_a_puzzles_solution_holds_nothing_of_who_solves_it(world: &World) {
    world.sign_up("alice").await;
    let begin = world.heard();
    world.lie(Lie::Refuse(Kind::LoginStart, ErrorCode::PuzzleRequired));
    world.lie(Lie::Set(Kind::Puzzle, "/puzzle", json!(Base64::new(CHOSEN.to_vec()))));
    world.lie(Lie::Set(Kind::Puzzle, "/bits", json!(8)));
    for (handle, password) in [("alice", PASSWORD), ("mallory", "another password, and long")] {
        world.device(handle).log_in(handle, password).await.unwrap_err();
    }
    world.honest();
    let solved: Vec<SolvedPuzzle> =
        requests::<LoginStart>(world, begin, Kind::LoginStart).into_iter().filter_map(|start| start.puzzle).collect();
    assert!(solved.len() >= 2, "{}", solved.len());
    for SolvedPuzzle { puzzle, solution } in &solved {
        assert_eq!((puzzle.as_bytes(), *solution), (&CHOSEN[..], solved[0].solution));
    }
}

/// Who is told again and again that another link came first, and shown none, signs the same bytes each time.
async fn a04_a_link_is_signed_once_however_often_it_is_asked_for(world: &World) {
    world.sign_up("alice").await;
    let begin = world.heard();
    world.lie(Lie::Refuse(Kind::AddDevice, ErrorCode::SigchainMoved));
    world.device("tablet").log_in("alice", PASSWORD).await.unwrap_err();
    world.honest();
    let asked: Vec<AddDevice> = requests(world, begin, Kind::AddDevice);
    assert!(asked.len() > 1, "{}", asked.len());
    assert!(asked.iter().all(|add| *add == asked[0]), "two links with one number");
    world.log_in("alice", "another").await;
}
