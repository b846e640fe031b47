use anonicloud_proto::hash::StoredHash;

use super::SeededRandom;
use crate::content::pack::{AddPieceError, PackBuilder};

#[test]
fn pieces_lie_where_the_references_say_and_nothing_shows_between_them() {
    let random = &mut SeededRandom::new("pack");
    let mut pack = PackBuilder::make(random);
    assert!(pack.is_empty());
    let pieces = [vec![1; 100], vec![2; 5000], vec![3; 1]];
    let places: Vec<_> = pieces.iter().map(|piece| pack.add(piece).unwrap()).collect();
    assert_eq!(pack.len(), 5101);
    let pack = pack.finish(random);
    assert_eq!(pack.bytes().len(), 16 << 10);
    assert_eq!(*pack.hash(), StoredHash::of(pack.bytes()));
    for (piece, place) in pieces.iter().zip(&places) {
        assert_eq!(place.blob, pack.blob());
        let range = place.range();
        let (start, end) = (usize::try_from(range.start).unwrap(), usize::try_from(range.end).unwrap());
        assert_eq!(&pack.bytes()[start..end], piece);
        assert!(place.check(&StoredHash::of(piece), piece).is_ok());
        assert!(place.check(&StoredHash::of(b"other"), piece).is_err());
        assert!(place.check(&StoredHash::of(&piece[1..]), &piece[1..]).is_err());
    }
    let filler = &pack.bytes()[5101..];
    assert!(filler.chunks(32).all(|chunk| chunk.iter().any(|byte| *byte != 0)), "filler is not zeros");
}

#[test]
fn a_pack_takes_four_pieces_of_a_mebibyte_and_then_no_more() {
    let random = &mut SeededRandom::new("full");
    let mut pack = PackBuilder::make(random);
    let piece = vec![5; 1 << 20];
    for _ in 0..4 {
        pack.add(&piece).unwrap();
    }
    assert_eq!(pack.add(&[0]), Err(AddPieceError::PackFull));
    assert_eq!(pack.finish(random).bytes().len(), 4 << 20);
    let large = vec![0; (1 << 20) + 1];
    let error = Err(AddPieceError::PieceTooLarge { len: large.len() });
    assert_eq!(PackBuilder::make(random).add(&large), error);
}

#[test]
fn a28_the_length_of_a_pack_is_padme() {
    let random = &mut SeededRandom::new("length");
    for (used, padded) in [(1, 16 << 10), (16 << 10, 16 << 10), (100_000, 100_352), (1_000_000, 1_015_808)] {
        let mut pack = PackBuilder::make(random);
        pack.add(&vec![0; used]).unwrap();
        assert_eq!(pack.finish(random).bytes().len(), padded, "{used}");
    }
}
