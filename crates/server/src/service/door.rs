//! Who may begin an account, and the work that strangers do first.
//!
//! What is asked for at the door is looked at before anything else is, so that nobody learns from a registration that is
//! not let in which handles exist.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anonicloud_proto::api::{Base64, ErrorCode, Puzzle, PuzzlePurpose, PuzzleStart, SolvedPuzzle};
use anonicloud_proto::hash::ChainHash;
use anonicloud_proto::puzzle::is_solved;

use super::tries::Solved;
use super::vouchers::{LIFE, Name, Purpose};
use super::{Service, ServiceError};
use crate::clock::Clock;
use crate::store::meta::SignUp;

/// Zero bits of a puzzle to register: a part of a second of work.
const REGISTER_BITS: u32 = 20;
/// Puzzles to register that may be used up within their life; when there are more, registrations wait.
const SPENT_MAX: usize = 1 << 16;

/// What a registration shows at the door.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a> {
    pub(super) handle: &'a str,
    pub(super) invite: Option<&'a Base64>,
    pub(super) puzzle: Option<&'a SolvedPuzzle>,
}

impl Service {
    /// Draws a puzzle for what is to be tried, as hard as it has to be now; for a handle that nobody has as for any other.
    pub(crate) async fn puzzle(&self, start: &PuzzleStart) -> Result<Puzzle, ServiceError> {
        let PuzzleStart { purpose, handle } = start;
        let bits = match purpose {
            PuzzlePurpose::Login => {
                let (account, is_there) = self.bucket_of(handle).await?;
                self.password_tries.bits(account, is_there)
            }
            _ => match self.meta.sign_up().await? {
                SignUp::Puzzle => REGISTER_BITS,
                SignUp::Open | SignUp::Invite | SignUp::Closed => 0,
            },
        };
        let puzzle = self.vouchers.make(Purpose::Puzzle(*purpose, handle), &bits.to_le_bytes());
        Ok(Puzzle { puzzle: Base64::new(puzzle), bits })
    }

    /// Lets a registration in, or says what is missing. Gives the hash of the invite that it is to use up.
    pub(super) async fn admit(&self, shown: Shown<'_>) -> Result<Option<ChainHash>, ServiceError> {
        let mode = self.meta.sign_up().await?;
        if mode == SignUp::Closed {
            return Err(ErrorCode::SignUpClosed.into());
        }
        if let Some(invite) = shown.invite {
            let hash = ChainHash::of(invite.as_bytes());
            let is_good = self.meta.has_invite(hash).await?;
            return if is_good { Ok(Some(hash)) } else { Err(ErrorCode::InviteInvalid.into()) };
        }
        match mode {
            SignUp::Invite => return Err(ErrorCode::InviteRequired.into()),
            SignUp::Puzzle => {
                let solved = self.solved(PuzzlePurpose::Register, shown.handle, shown.puzzle);
                let solved = solved.filter(|solved| solved.bits >= REGISTER_BITS).ok_or(ErrorCode::PuzzleRequired)?;
                self.spent_puzzles.spend(solved.name)?;
            }
            SignUp::Open | SignUp::Closed => {}
        }
        Ok(None)
    }

    /// The puzzle that was shown, if it was made for this and is solved.
    pub(super) fn solved(&self, purpose: PuzzlePurpose, handle: &str, shown: Option<&SolvedPuzzle>) -> Option<Solved> {
        let SolvedPuzzle { puzzle, solution } = shown?;
        let puzzle = puzzle.as_bytes();
        let content = self.vouchers.open(Purpose::Puzzle(purpose, handle), puzzle)?;
        let bits = u32::from_le_bytes(content.as_slice().try_into().ok()?);
        let name = *puzzle.first_chunk()?;
        is_solved(self.realm_id(), puzzle, bits, *solution).then_some(Solved { name, bits })
    }
}

/// Puzzles to register that were used. None is forgotten while it could be used again: when there are too many, more are
/// refused.
#[derive(Debug)]
pub(super) struct SpentPuzzles {
    clock: Arc<dyn Clock>,
    spent: Mutex<Spent>,
}

#[derive(Debug, Default)]
struct Spent {
    names: HashSet<Name>,
    order: VecDeque<(Instant, Name)>,
}

impl SpentPuzzles {
    /// None was used.
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, spent: Mutex::default() }
    }

    fn spend(&self, name: Name) -> Result<(), ErrorCode> {
        let now = self.clock.now();
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        spent.forget_over(now);
        if spent.order.len() >= SPENT_MAX {
            return Err(ErrorCode::TooManyRequests);
        }
        if !spent.names.insert(name) {
            return Err(ErrorCode::PuzzleRequired);
        }
        spent.order.push_back((now, name));
        Ok(())
    }
}

impl Spent {
    fn forget_over(&mut self, now: Instant) {
        // A second more than the life, since a voucher counts whole seconds.
        let over = LIFE + Duration::from_secs(1);
        while let Some((used, name)) = self.order.front().copied()
            && now.saturating_duration_since(used) >= over
        {
            self.names.remove(&name);
            self.order.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::manual::ManualClock;

    fn name(number: usize) -> Name {
        let mut name = Name::default();
        name[..8].copy_from_slice(&number.to_le_bytes());
        name
    }

    #[test]
    fn a_full_table_of_used_puzzles_takes_no_more_and_gives_none_back() {
        let clock = Arc::new(ManualClock::new());
        let spent = SpentPuzzles::new(Arc::clone(&clock) as Arc<dyn Clock>);
        for number in 0..SPENT_MAX {
            spent.spend(name(number)).unwrap();
        }
        assert_eq!(spent.spend(name(SPENT_MAX)), Err(ErrorCode::TooManyRequests));
        clock.pass_seconds(60);
        assert_eq!(spent.spend(name(0)), Err(ErrorCode::TooManyRequests));
        clock.pass_seconds(1);
        spent.spend(name(SPENT_MAX)).unwrap();
        assert_eq!(spent.spend(name(SPENT_MAX)), Err(ErrorCode::PuzzleRequired));
        let spent = spent.spent.lock().unwrap();
        assert_eq!((spent.names.len(), spent.order.len()), (1, 1));
    }
}
