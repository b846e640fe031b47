//! Lies about stored bytes.

use anonicloud_adversary::{Kind, Lie};

use crate::rows;
use crate::world::{SEGMENT, World};

rows!(
    a09_flipped_bits_release_no_plaintext,
    a10_segments_reordered,
    a10_segments_doubled,
    a10_segments_cut_or_longer,
    a11_pieces_exchanged_in_a_pack,
);

/// What a client says of bytes that are not what was stored.
const REJECTED: &[&str] = &["rejected"];

async fn a09_flipped_bits_release_no_plaintext(world: &World) {
    let alice = world.sign_up("alice").await;
    let large = world.put(&alice, "large", SEGMENT + 17).await;
    let small = world.put(&alice, "small", 5000).await;
    for place in [0, 1, 5, 250, 500, 999] {
        for (name, content) in [("large", &large), ("small", &small)] {
            world.lie(Lie::Flip(Kind::GetBlob, place));
            world.assert_refused(&alice, name, content, REJECTED).await;
            world.honest();
        }
    }
    world.assert_content(&alice, "large", &large).await;
    world.assert_content(&alice, "small", &small).await;
}

async fn a10_segments_reordered(world: &World) {
    let alice = world.sign_up("alice").await;
    let content = world.put(&alice, "film", 3 * SEGMENT + 17).await;
    world.lie(Lie::BlobsRotated);
    world.assert_refused(&alice, "film", &content, REJECTED).await;
    world.honest();
    world.assert_content(&alice, "film", &content).await;
}

async fn a10_segments_doubled(world: &World) {
    let alice = world.sign_up("alice").await;
    // Of one segment each, so that the server exchanges them between files.
    let (one, two) = (world.put(&alice, "one", SEGMENT).await, world.put(&alice, "two", SEGMENT).await);
    world.lie(Lie::BlobsAlike);
    world.assert_refused(&alice, "two", &two, REJECTED).await;
    world.honest();
    world.assert_content(&alice, "one", &one).await;
    world.assert_content(&alice, "two", &two).await;
}

async fn a10_segments_cut_or_longer(world: &World) {
    let alice = world.sign_up("alice").await;
    let content = world.put(&alice, "film", SEGMENT + 17).await;
    for lie in [
        Lie::Cut(Kind::GetBlob, 1),
        Lie::Cut(Kind::GetBlob, 16 << 10),
        Lie::Cut(Kind::GetBlob, SEGMENT << 1),
        Lie::Longer(Kind::GetBlob, 1),
        Lie::Longer(Kind::GetBlob, 16 << 10),
    ] {
        world.lie(lie);
        world.assert_refused(&alice, "film", &content, &["rejected", "malformed_answer"]).await;
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
    // Pieces of another place of the pack, and packs of another upload in its place.
    for lie in [Lie::PartShifted(1), Lie::PartShifted(5072), Lie::BlobsRotated, Lie::BlobsAlike] {
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
