//! Who may begin an account, and puzzles.

use std::collections::BTreeMap;
use std::time::Duration;

use anonicloud_client::clock::Clock as _;
use anonicloud_proto::api::{Base64, ErrorCode, Puzzle, PuzzlePurpose, PuzzleStart, SolvedPuzzle};
use anonicloud_proto::limits::INVITE_LEN;
use anonicloud_proto::puzzle::is_solved;

use super::tries::Solved;
use super::{Answer, MemoryRemote, Server};
use crate::remote::{Operator, SignUp};

/// Zero bits of a puzzle to register.
const REGISTER_BITS: u32 = 20;
/// How long a puzzle is good.
const LIFE: Duration = Duration::from_mins(1);

/// The door, and what was drawn at it.
pub(super) struct Door {
    pub(super) mode: SignUp,
    /// Good invites, and the bytes of the account if an invite says so, by their numbers.
    pub(super) invites: BTreeMap<u64, (Vec<u8>, Option<u64>)>,
    made: u64,
    puzzles: BTreeMap<Vec<u8>, Drawn>,
}

/// A puzzle that was drawn and not used.
struct Drawn {
    purpose: PuzzlePurpose,
    handle: String,
    bits: u32,
    at: Duration,
}

impl Door {
    /// A door that is open.
    pub(super) const fn new() -> Self {
        Self { mode: SignUp::Open, invites: BTreeMap::new(), made: 0, puzzles: BTreeMap::new() }
    }

    fn number_of(&self, invite: &Base64) -> Option<u64> {
        self.invites.iter().find(|(_, (bytes, _))| bytes == invite.as_bytes()).map(|(number, _)| *number)
    }
}

impl Operator for MemoryRemote {
    fn set_sign_up(&self, mode: SignUp) {
        self.lock().door.mode = mode;
    }

    fn make_invite(&self, quota: Option<u64>) -> (String, Vec<u8>) {
        let (number, invite) = self.lock().make_invite(quota);
        (number.to_string(), invite)
    }

    fn revoke_invite(&self, id: &str) {
        let number: u64 = id.parse().expect("the id of an invite");
        self.lock().door.invites.remove(&number);
    }
}

impl Server {
    fn make_invite(&mut self, quota: Option<u64>) -> (u64, Vec<u8>) {
        let bytes = self.random.bytes(INVITE_LEN);
        self.door.made += 1;
        self.door.invites.insert(self.door.made, (bytes.clone(), quota));
        (self.door.made, bytes)
    }

    pub(super) fn puzzle(&mut self, start: &PuzzleStart) -> Puzzle {
        let bits = match start.purpose {
            PuzzlePurpose::Login => {
                let (bucket, _) = self.bucket_of(&start.handle);
                self.tries.bits(bucket)
            }
            _ if self.door.mode == SignUp::Puzzle => REGISTER_BITS,
            _ => 0,
        };
        let puzzle = self.random.bytes(32);
        let drawn = Drawn { purpose: start.purpose, handle: start.handle.clone(), bits, at: self.clock.now() };
        self.door.puzzles.insert(puzzle.clone(), drawn);
        Puzzle { puzzle: Base64::new(puzzle), bits }
    }

    /// What is asked for at the door, before anything else is looked at; gives the number of the invite to use up.
    pub(super) fn admit(
        &mut self,
        handle: &str,
        invite: Option<&Base64>,
        puzzle: Option<&SolvedPuzzle>,
    ) -> Answer<Option<u64>> {
        if self.door.mode == SignUp::Closed {
            return Err(ErrorCode::SignUpClosed);
        }
        if let Some(invite) = invite {
            return self.door.number_of(invite).map(Some).ok_or(ErrorCode::InviteInvalid);
        }
        match self.door.mode {
            SignUp::Invite => return Err(ErrorCode::InviteRequired),
            SignUp::Puzzle => {
                let solved = self.solved(PuzzlePurpose::Register, handle, puzzle);
                let solved = solved.filter(|solved| solved.bits >= REGISTER_BITS).ok_or(ErrorCode::PuzzleRequired)?;
                self.use_puzzle(&solved);
            }
            SignUp::Open | SignUp::Closed => {}
        }
        Ok(None)
    }

    /// The puzzle that is shown, if it was drawn for this, is solved, and was not used.
    pub(super) fn solved(&self, purpose: PuzzlePurpose, handle: &str, shown: Option<&SolvedPuzzle>) -> Option<Solved> {
        let SolvedPuzzle { puzzle, solution } = shown?;
        let drawn = self.door.puzzles.get(puzzle.as_bytes())?;
        let is_for_this = drawn.purpose == purpose && drawn.handle == handle;
        let is_young = self.clock.now().saturating_sub(drawn.at) < LIFE;
        let holds = is_for_this && is_young && is_solved(&self.realm, puzzle.as_bytes(), drawn.bits, *solution);
        holds.then(|| Solved { puzzle: puzzle.as_bytes().to_vec(), bits: drawn.bits })
    }

    /// A puzzle is used once.
    pub(super) fn use_puzzle(&mut self, solved: &Solved) {
        self.door.puzzles.remove(&solved.puzzle);
    }
}
