//! Client puzzles: work that a server asks for before it lets a stranger try something (spec: 1-accounts, "Puzzles").

use crate::context::context;
use crate::ids::RealmId;
use crate::label::Label;

/// The least number that solves a puzzle of `bits` bits, after about 2^`bits` hashes. The caller bounds the bits.
pub fn solve(realm: &RealmId, puzzle: &[u8], bits: u32) -> u64 {
    let mut input = hashed(realm, puzzle, 0);
    let mut solution: u64 = 0;
    loop {
        // The solution is the last field: what is in front of it stays.
        if let Some(last) = input.last_chunk_mut() {
            *last = solution.to_le_bytes();
        }
        if leading_zeros(&input) >= bits {
            return solution;
        }
        solution = solution.wrapping_add(1);
    }
}

/// Whether `solution` solves a puzzle of `bits` bits.
pub fn is_solved(realm: &RealmId, puzzle: &[u8], bits: u32, solution: u64) -> bool {
    leading_zeros(&hashed(realm, puzzle, solution)) >= bits
}

fn hashed(realm: &RealmId, puzzle: &[u8], solution: u64) -> Vec<u8> {
    context(Label::Puzzle, realm, &[puzzle, &solution.to_le_bytes()])
}

/// Zero bits in front of the hash, from the highest bit of its first byte on; no more than 64 are counted.
fn leading_zeros(input: &[u8]) -> u32 {
    let first = blake3::hash(input).as_bytes().first_chunk().copied();
    u64::from_be_bytes(first.unwrap_or_default()).leading_zeros()
}

#[cfg(test)]
mod tests {
    use super::*;

    const REALM: RealmId = RealmId::from_bytes([7; 16]);

    #[test]
    fn what_solve_gives_is_the_least_that_solves() {
        for bits in 0..12 {
            let solution = solve(&REALM, b"puzzle", bits);
            assert!(is_solved(&REALM, b"puzzle", bits, solution), "{bits}");
            assert!((0..solution).all(|less| !is_solved(&REALM, b"puzzle", bits, less)), "{bits}");
        }
    }

    #[test]
    fn a_solution_is_one_of_its_puzzle_and_realm() {
        let solution = solve(&REALM, b"puzzle", 16);
        assert!(!is_solved(&REALM, b"puzzlf", 16, solution));
        assert!(!is_solved(&RealmId::from_bytes([8; 16]), b"puzzle", 16, solution));
        assert!(!is_solved(&REALM, b"puzzle", 64, solution));
    }
}
