//! What a server that keeps everything sees, and one that keeps nothing: lengths, salts, ids, and blobs that are gone.

use std::collections::{BTreeMap, BTreeSet};

use anonicloud_adversary::{Exchange, Kind, Lie};
use anonicloud_proto::api::ErrorCode;
use anonicloud_proto::ids::BlobId;
use bytes::Bytes;
use serde_json::json;

use crate::device::Device;
use crate::rows;
use crate::world::{CANARY, SEGMENT, World, remote};

rows!(
    a23_interrupted_uploads_use_no_salt_twice,
    a25_a26_files_of_one_length_look_alike_and_share_nothing,
    a27_nothing_is_compressed,
    a28_every_blob_is_of_a_padded_length,
    a37_what_was_thrown_away_is_missed,
    a37_a_list_of_blobs_that_lies_frees_nothing,
    p10_every_lie_is_told_with_a_code_a_sentence_and_a_hint,
);

/// Blobs that were sent since `begin` calls had passed.
fn sent(world: &World, begin: usize) -> Vec<(BlobId, Bytes)> {
    let put =
        |exchange: Exchange| (exchange.call.kind == Kind::PutBlob).then_some((exchange.call.blob?, exchange.request));
    world.since(begin).into_iter().filter_map(put).collect()
}

/// Every upload is refused somewhere, and the file is another one each time.
async fn a23_interrupted_uploads_use_no_salt_twice(world: &World) {
    let alice = world.sign_up("alice").await;
    let attempts = if world.is_library() { 50 } else { 8 };
    let mut content = world.content("film", SEGMENT + 17);
    for attempt in 0..attempts {
        content[1000 + attempt % 3] ^= 1;
        // The commit, or every blob, finds the server busy.
        let kind = if attempt % 2 == 0 { Kind::Commit } else { Kind::PutBlob };
        world.lie(Lie::Refuse(kind, ErrorCode::Unavailable));
        assert_eq!(world.put_content(&alice, "film", &content).await.unwrap_err(), "unavailable");
        world.honest();
    }
    world.put_content(&alice, "film", &content).await.unwrap();
    world.assert_content(&alice, "film", &content).await;
    let mut by_salt: BTreeMap<Vec<u8>, Bytes> = BTreeMap::new();
    let mut again = 0;
    for (_, bytes) in sent(world, 0).into_iter().filter(|(_, bytes)| bytes.len() > SEGMENT) {
        if let Some(before) = by_salt.insert(bytes[..24].to_vec(), bytes.clone()) {
            assert!(before == bytes, "one salt for two ciphertexts");
            again += 1;
        }
    }
    assert!(by_salt.len() > 2 && again > 0, "{} salts, {again} blobs sent again", by_salt.len());
}

/// What a server can tell of the calls since `begin`: which, and how long they are.
fn shape(world: &World, begin: usize) -> Vec<(Kind, usize, usize)> {
    let shape = |exchange: Exchange| (exchange.call.kind, exchange.request.len(), exchange.honest.body.len());
    let mut shape: Vec<_> = world.since(begin).into_iter().map(shape).collect();
    // Segments are under way together.
    shape.sort_by_key(|(kind, request, answer)| (format!("{kind:?}"), *request, *answer));
    shape
}

async fn shape_of_put(world: &World, device: &Device, name: &str, content: &[u8]) -> Vec<(Kind, usize, usize)> {
    let begin = world.heard();
    world.put_content(device, name, content).await.unwrap();
    shape(world, begin)
}

async fn a25_a26_files_of_one_length_look_alike_and_share_nothing(world: &World) {
    let (alice, bob) = (world.sign_up("alice").await, world.sign_up("bobby").await);
    let (len, begin) = (2 * SEGMENT + 70_000, world.heard());
    let (film, other) = (world.content("film", len), world.content("other", len));
    // Of the same account in a tree of the same size, and of two accounts: the same content and another one.
    let first = shape_of_put(world, &alice, "film", &film).await;
    let second = shape_of_put(world, &bob, "film", &other).await;
    assert_eq!(first, second, "the content shows in the lengths");
    shape_of_put(world, &alice, "again", &film).await;
    let blobs = sent(world, begin);
    let distinct: BTreeSet<_> = blobs.iter().map(|(id, _)| *id).collect();
    assert_eq!(distinct.len(), blobs.len(), "an id came twice");
    assert!(blobs.len() >= 9, "two full segments and a pack each: {}", blobs.len());
    for (at, (_, one)) in blobs.iter().enumerate() {
        let shared = blobs[..at].iter().any(|(_, two)| one[..32] == two[..32] || one[1000..1032] == two[1000..1032]);
        assert!(!shared, "the same bytes stand in two blobs");
    }
}

async fn a27_nothing_is_compressed(world: &World) {
    let (alice, bob) = (world.sign_up("alice").await, world.sign_up("bobby").await);
    let random = world.content("random", SEGMENT + 70_000);
    let mut zeros = vec![0; random.len()];
    zeros[..CANARY.len()].copy_from_slice(CANARY.as_bytes());
    let of_random = shape_of_put(world, &alice, "file", &random).await;
    let of_zeros = shape_of_put(world, &bob, "file", &zeros).await;
    assert_eq!(of_random, of_zeros);
}

async fn a28_every_blob_is_of_a_padded_length(world: &World) {
    let alice = world.sign_up("alice").await;
    // A segment sealed: 72 bytes before it, and 16 behind each 16 KiB.
    let full = 72 + SEGMENT + 16 * (SEGMENT >> 14);
    for len in [0, 1, 4999, 16 << 10, 70_001, 1_000_003, SEGMENT + 1] {
        let begin = world.heard();
        world.put(&alice, &format!("of {len}"), len).await;
        let blobs = sent(world, begin);
        assert!(!blobs.is_empty());
        for (_, blob) in blobs {
            assert!(blob.len() == full || is_padded(blob.len()), "a blob of {} bytes for {len}", blob.len());
        }
    }
    // A piece of its own is padded before it is sealed.
    let (one, two) = (3 << 20, (3 << 20) - 1);
    let mut lengths = Vec::new();
    for len in [one, two] {
        let begin = world.heard();
        world.put(&alice, &format!("of {len}"), len).await;
        lengths.push(sent(world, begin).into_iter().map(|(_, blob)| blob.len()).max());
    }
    assert_eq!(lengths[0], lengths[1], "a byte less shows");
}

/// Padmé, by its definition: the last `E - S` bits are zero.
fn is_padded(len: usize) -> bool {
    let exponent = len.ilog2();
    len >= 16 << 10 && len.trailing_zeros() >= exponent - (exponent.ilog2() + 1)
}

async fn a37_what_was_thrown_away_is_missed(world: &World) {
    let alice = world.sign_up("alice").await;
    let content = world.put(&alice, "film", SEGMENT).await;
    assert!(alice.check().await.unwrap().is_empty());
    world.lie(Lie::Refuse(Kind::GetBlob, ErrorCode::NotFound));
    let found = alice.check().await.unwrap();
    world.honest();
    assert_eq!(found, ["missing folder"]);
    world.lie(Lie::Flip(Kind::GetBlob, 900));
    let found = alice.check().await.unwrap();
    world.honest();
    assert!(!found.is_empty() && found.iter().all(|finding| finding.starts_with("altered")), "{found:?}");
    // What is counted as stored and thrown away: the commit that needs it is refused by whoever looks.
    world.lie(Lie::BlobsSwallowed);
    assert!(world.put_content(&alice, "never", &content).await.is_err());
    world.honest();
    assert_eq!(alice.list().await.unwrap().len(), 1);
    world.put_content(&alice, "never", &content).await.unwrap();
    assert!(alice.check().await.unwrap().is_empty());
    world.assert_content(&alice, "never", &content).await;
}

async fn a37_a_list_of_blobs_that_lies_frees_nothing(world: &World) {
    let alice = world.sign_up("alice").await;
    let content = world.put(&alice, "kept", SEGMENT).await;
    world.put(&alice, "gone", SEGMENT).await;
    alice.remove(&remote("gone")).await.unwrap();
    // Each name twice, the other way round, none where one is needed, and one that is none.
    for lie in [
        Lie::Doubled(Kind::Blobs, "/blobs"),
        Lie::Reversed(Kind::Blobs, "/blobs"),
        Lie::Set(Kind::Blobs, "/blobs/0/blob", json!("zz")),
        Lie::Drop(Kind::Blobs, "/more"),
    ] {
        let (about, begin) = (format!("{lie:?}"), world.heard());
        world.lie(lie);
        let refused = alice.reclaim().await.unwrap_err();
        assert!(["malformed_answer", "rejected"].contains(&refused.as_str()), "{about}: {refused}");
        world.honest();
        assert!(!world.kinds_since(begin).contains(&Kind::Commit), "{about}");
    }
    alice.reclaim().await.unwrap();
    world.assert_content(&alice, "kept", &content).await;
}

/// The sentence and the hint are checked wherever a code is.
async fn p10_every_lie_is_told_with_a_code_a_sentence_and_a_hint(world: &World) {
    let alice = world.sign_up("alice").await;
    alice.make_directory("/folder").await.unwrap();
    for code in ErrorCode::ALL {
        // These are answered by trying again.
        if matches!(code, ErrorCode::SessionExpired | ErrorCode::TooManyRequests) {
            continue;
        }
        world.lie(Lie::Refuse(Kind::Head, *code));
        let refused = alice.list().await.unwrap_err();
        assert!(
            !refused.is_empty() && refused.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
            "{refused}"
        );
        world.honest();
    }
    for (lie, code) in [
        (Lie::Cut(Kind::Head, 1), "malformed_answer"),
        (Lie::Longer(Kind::Head, 1), "malformed_answer"),
        (Lie::Redirect(Kind::Head, "https://elsewhere.example/".to_owned()), "malformed_answer"),
        (Lie::Set(Kind::SpaceChallenge, "/challenge", json!("AAAA")), "malformed_answer"),
    ] {
        world.lie(lie);
        assert_eq!(alice.list().await.unwrap_err(), code);
        world.honest();
    }
    assert_eq!(alice.list().await.unwrap(), ["folder"]);
}
