//! What a server asks of strangers: an invite as a person has it, and puzzles, which are solved without a word.

use anonicloud_proto::api::{Base64, ErrorCode, PuzzlePurpose, PuzzleStart, SolvedPuzzle};
use anonicloud_proto::ids::RealmId;
use anonicloud_proto::limits::{INVITE_LEN, PUZZLE_BITS_MAX, PUZZLE_LEN_MAX};
use anonicloud_proto::puzzle::solve;
use data_encoding::BASE32_NOPAD;
use zeroize::Zeroizing;

use crate::error::OperationError;
use crate::remote::{Remote, RemoteError, RemoteResult};
use crate::work;

/// Puzzles for one request: the next try may need a harder one by the time that this one is solved.
const PUZZLES: u32 = 3;

/// Sends a request that may need a puzzle: without one, and with one that is solved when the server asks for it.
pub(super) async fn with_puzzle<R: Remote, T>(
    remote: &R,
    realm: &RealmId,
    start: PuzzleStart,
    request: impl AsyncFn(Option<SolvedPuzzle>) -> RemoteResult<T>,
) -> Result<T, OperationError> {
    let mut solved = None;
    for _ in 0..PUZZLES {
        match request(solved).await {
            Err(RemoteError::Refused { code: ErrorCode::PuzzleRequired, .. }) => {
                solved = Some(draw_and_solve(remote, *realm, &start).await?);
            }
            other => return Ok(other?),
        }
    }
    Ok(request(solved).await?)
}

/// Begins what has to be asked for a handle.
pub(super) fn puzzle_for(purpose: PuzzlePurpose, handle: &str) -> PuzzleStart {
    PuzzleStart { purpose, handle: handle.to_owned() }
}

async fn draw_and_solve<R: Remote>(
    remote: &R,
    realm: RealmId,
    start: &PuzzleStart,
) -> Result<SolvedPuzzle, OperationError> {
    let drawn = remote.puzzle(start).await?;
    // Each try hashes the whole puzzle.
    if drawn.bits > PUZZLE_BITS_MAX || drawn.puzzle.as_bytes().len() > PUZZLE_LEN_MAX {
        return Err(OperationError::PuzzleTooHard);
    }
    let (puzzle, bits) = (drawn.puzzle.clone(), drawn.bits);
    let solution = work::run(move || solve(&realm, puzzle.as_bytes(), bits)).await;
    Ok(SolvedPuzzle { puzzle: drawn.puzzle, solution })
}

/// Reads an invite as the operator gave it, in any case, with or without the dashes.
pub(super) fn read_invite(text: &str) -> Result<Base64, OperationError> {
    let mut plain = Zeroizing::new(String::with_capacity(text.len()));
    plain.extend(text.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase()));
    let bytes = BASE32_NOPAD.decode(plain.as_bytes()).map_err(|_| OperationError::InviteMalformed)?;
    if bytes.len() == INVITE_LEN { Ok(Base64::new(bytes)) } else { Err(OperationError::InviteMalformed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invite_is_read_as_people_type_it() {
        let shown = "AAAQ-EAYE-AUDA-OCAJ-BIFQ-YDIO-B4IB-CEQT";
        let bytes: Vec<u8> = (0..20).collect();
        for typed in [shown.to_owned(), shown.to_lowercase(), shown.replace('-', " "), format!(" {shown}\n")] {
            assert_eq!(read_invite(&typed).unwrap().as_bytes(), bytes);
        }
        for bad in ["", "AAAQ", "AAAQ-EAYE-AUDA-OCAJ-BIFQ-YDIO-B4IB-CEQ1", "AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQTAAAA"] {
            assert!(matches!(read_invite(bad), Err(OperationError::InviteMalformed)), "{bad}");
        }
    }
}
