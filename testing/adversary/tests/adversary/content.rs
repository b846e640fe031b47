//! Lies about stored bytes.

use anonicloud_adversary::{Kind, Lie};
use anonicloud_proto::api::ErrorCode;
use anonicloud_proto::ids::BlobId;

use crate::device::Device;
use crate::rows;
use crate::world::{SEGMENT, World};

rows!(
    a09_flipped_bits_release_no_plaintext,
    a10_segments_reordered,
    a10_segments_doubled,
    a10_segments_cut_or_longer,
    a10_a_segment_left_out,
    a11_pieces_exchanged_in_a_pack,
);

/// What a client says of bytes that are not what was stored.
const REJECTED: &[&str] = &["rejected"];

/// Sends content of this length to `/NAME`; gives it, and the blobs of full length that it went into.
async fn put_segments(world: &World, device: &Device, name: &str, len: usize) -> (Vec<u8>, Vec<BlobId>) {
    let begin = world.heard();
    let content = world.put(device, name, len).await;
    let sent = world.since(begin).into_iter();
    let sent = sent.filter(|exchange| exchange.call.kind == Kind::PutBlob && exchange.request.len() > SEGMENT);
    (content, sent.filter_map(|exchange| exchange.call.blob).collect())
}

/// The lie of one blob: what tells where and whose it is comes as it should.
fn of(blob: BlobId, lie: Lie) -> Lie {
    Lie::Of(blob, Box::new(lie))
}

/// Longer than any record or directory of these tests, shorter than the content of a small file.
const SMALL: u64 = 4000;

async fn a09_flipped_bits_release_no_plaintext(world: &World) {
    let alice = world.sign_up("alice").await;
    let (large, segments) = put_segments(world, &alice, "large", SEGMENT + 17).await;
    let small = world.put(&alice, "small", 5000).await;
    for place in [0, 1, 5, 250, 500, 999] {
        // In everything that is read, in the content alone, in the piece of a pack alone.
        let lie = || Lie::Flip(Kind::GetBlob, place);
        for (lie, name, content) in [
            (lie(), "large", &large),
            (lie(), "small", &small),
            (of(segments[0], lie()), "large", &large),
            (Lie::OfLength(SMALL, Box::new(lie())), "small", &small),
        ] {
            world.lie(lie);
            world.assert_refused(&alice, name, content, REJECTED).await;
            world.honest();
        }
    }
    world.assert_content(&alice, "large", &large).await;
    world.assert_content(&alice, "small", &small).await;
}

async fn a10_segments_reordered(world: &World) {
    let alice = world.sign_up("alice").await;
    let (content, segments) = put_segments(world, &alice, "film", 3 * SEGMENT + 17).await;
    for segment in segments {
        world.lie(of(segment, Lie::BlobsRotated));
    }
    world.assert_refused(&alice, "film", &content, REJECTED).await;
    world.honest();
    world.assert_content(&alice, "film", &content).await;
}

async fn a10_segments_doubled(world: &World) {
    let alice = world.sign_up("alice").await;
    // Of one segment each, so that the server exchanges them between files.
    let (one, _) = put_segments(world, &alice, "one", SEGMENT).await;
    let (two, segments) = put_segments(world, &alice, "two", SEGMENT).await;
    world.lie(of(segments[0], Lie::BlobsAlike));
    world.assert_refused(&alice, "two", &two, REJECTED).await;
    world.honest();
    world.assert_content(&alice, "one", &one).await;
    world.assert_content(&alice, "two", &two).await;
}

async fn a10_segments_cut_or_longer(world: &World) {
    let alice = world.sign_up("alice").await;
    let (content, segments) = put_segments(world, &alice, "film", SEGMENT + 17).await;
    for lie in [
        Lie::Cut(Kind::GetBlob, 1),
        Lie::Cut(Kind::GetBlob, 16 << 10),
        Lie::Cut(Kind::GetBlob, SEGMENT << 1),
        Lie::Longer(Kind::GetBlob, 1),
        Lie::Longer(Kind::GetBlob, 16 << 10),
    ] {
        for lie in [of(segments[0], lie.clone()), lie] {
            world.lie(lie);
            world.assert_refused(&alice, "film", &content, &["rejected", "malformed_answer"]).await;
            world.honest();
        }
    }
    world.assert_content(&alice, "film", &content).await;
}

async fn a10_a_segment_left_out(world: &World) {
    let alice = world.sign_up("alice").await;
    let (content, segments) = put_segments(world, &alice, "film", 4 * SEGMENT).await;
    assert_eq!(segments.len(), 4);
    for segment in segments {
        // It is not there, or another one stands in its place.
        world.lie(of(segment, Lie::Refuse(Kind::GetBlob, ErrorCode::NotFound)));
        world.assert_refused(&alice, "film", &content, &["server_not_found"]).await;
        world.honest();
        world.lie(of(segment, Lie::BlobsRotated));
        world.assert_refused(&alice, "film", &content, REJECTED).await;
        world.honest();
    }
    world.assert_content(&alice, "film", &content).await;
}

async fn a11_pieces_exchanged_in_a_pack(world: &World) {
    let alice = world.sign_up("alice").await;
    let mut contents = Vec::new();
    for name in ["a", "b", "c"] {
        contents.push((name, world.put(&alice, name, 5000).await));
    }
    let of_content = |lie| Lie::OfLength(SMALL, Box::new(lie));
    // Pieces of another place of the pack, and packs of another upload in its place; of all, and of content alone.
    for lie in [
        Lie::PartShifted(1),
        Lie::PartShifted(5072),
        Lie::BlobsRotated,
        Lie::BlobsAlike,
        of_content(Lie::PartShifted(1)),
        of_content(Lie::PartShifted(5072)),
        of_content(Lie::BlobsRotated),
        of_content(Lie::BlobsAlike),
    ] {
        let tablet = world.log_in("alice", &format!("{lie:?}")).await;
        world.lie(lie);
        let name = "c";
        world.assert_refused(&tablet, name, &contents[2].1, REJECTED).await;
        world.honest();
        for (name, content) in &contents {
            world.assert_content(&tablet, name, content).await;
        }
    }
}
