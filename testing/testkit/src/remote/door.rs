//! Who is let in to make an account, and to try a password.

use anonicloud_client::remote::Remote;
use anonicloud_proto::api::{
    Base64, ErrorCode, LoginStart, PuzzlePurpose, RegisterFinish, RegisterStart, SolvedPuzzle,
};
use anonicloud_proto::limits::INVITE_LEN;

use super::Suite;
use super::actor::Actor;

/// Who runs a server.
pub trait Operator {
    /// Says who may sign up from now on.
    fn set_sign_up(&self, mode: SignUp);
    /// Makes an invite, for an account with `quota` bytes if it says so; gives its id and its bytes.
    fn make_invite(&self, quota: Option<u64>) -> (String, Vec<u8>);
    /// Ends an invite.
    fn revoke_invite(&self, id: &str);
}

/// Who may sign up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "an operator knows them all")]
pub enum SignUp {
    /// Anybody.
    Open,
    /// Anybody whose device does some work for it.
    Puzzle,
    /// Who has an invite.
    Invite,
    /// Nobody.
    Closed,
}

/// Registrations under a free handle and under one that somebody has: both halves of both.
struct Attempts {
    free: Actor,
    owner: Actor,
    starts: [RegisterStart; 2],
    finishes: [RegisterFinish; 2],
}

impl<R: Remote> Suite<R> {
    /// Draws both registrations while the door is open.
    async fn attempts(&self, operator: &impl Operator, name: &str) -> Attempts {
        operator.set_sign_up(SignUp::Open);
        let remote = &self.remote;
        let owner = Actor::registered(remote, &format!("{name}-owner")).await;
        let free = Actor::new(remote, &format!("{name}-free")).await;
        let mut thief = Actor::new(remote, &format!("{name}-thief")).await;
        let finish = free.registration(remote).await;
        let taken = RegisterFinish { handle: owner.handle.clone(), ..thief.registration(remote).await };
        thief.handle.clone_from(&owner.handle);
        let starts = [free.registration_start().0, thief.registration_start().0];
        Attempts { free, owner, starts, finishes: [finish, taken] }
    }

    /// Nothing of it is let in, and nothing tells which of the handles somebody has.
    async fn all_refused(
        &self,
        attempts: &Attempts,
        invite: Option<&Base64>,
        puzzle: Option<&SolvedPuzzle>,
        code: ErrorCode,
    ) {
        for start in attempts.starts.clone() {
            let start = RegisterStart { invite: invite.cloned(), puzzle: puzzle.cloned(), ..start };
            self.refused(self.remote.register_start(&start).await, code);
        }
        for finish in attempts.finishes.clone() {
            let finish = RegisterFinish { invite: invite.cloned(), puzzle: puzzle.cloned(), ..finish };
            self.refused(self.remote.register_finish(&finish).await, code);
        }
    }

    /// Nobody gets through a closed door, invite or not, and nobody sees through it.
    pub(super) async fn closed_door(&self, operator: &impl Operator) {
        let remote = &self.remote;
        let attempts = self.attempts(operator, "closed").await;
        let made = Actor::new(remote, "closed-made").await.registration(remote).await;
        remote.register_finish(&made).await.expect("an account");
        let invite = Base64::new(operator.make_invite(None).1);
        operator.set_sign_up(SignUp::Closed);
        self.all_refused(&attempts, None, None, ErrorCode::SignUpClosed).await;
        self.all_refused(&attempts, Some(&invite), None, ErrorCode::SignUpClosed).await;
        remote.register_finish(&made).await.expect("the same request again, whose answer may have been lost");
        attempts.owner.login(remote).await;
    }

    /// A puzzle is good for its handle and purpose, once, with its solution.
    pub(super) async fn puzzles_to_register(&self, operator: &impl Operator) {
        let remote = &self.remote;
        let attempts = self.attempts(operator, "puzzles").await;
        let Attempts { free, owner, starts, finishes } = &attempts;
        let easy = free.solve(remote, PuzzlePurpose::Register).await;
        operator.set_sign_up(SignUp::Puzzle);
        self.all_refused(&attempts, None, None, ErrorCode::PuzzleRequired).await;
        // Drawn when none was needed; for a login; for somebody else's handle; of nobody.
        self.all_refused(&attempts, None, Some(&easy), ErrorCode::PuzzleRequired).await;
        let login = free.solve(remote, PuzzlePurpose::Login).await;
        self.all_refused(&attempts, None, Some(&login), ErrorCode::PuzzleRequired).await;
        let other = Actor::new(remote, "puzzles-other").await.solve(remote, PuzzlePurpose::Register).await;
        self.all_refused(&attempts, None, Some(&other), ErrorCode::PuzzleRequired).await;
        let nobodys = SolvedPuzzle { puzzle: Base64::new(vec![1; 40]), solution: 0 };
        self.all_refused(&attempts, None, Some(&nobodys), ErrorCode::PuzzleRequired).await;

        let start = |puzzle: &SolvedPuzzle| RegisterStart { puzzle: Some(puzzle.clone()), ..starts[0].clone() };
        let solved = free.solve(remote, PuzzlePurpose::Register).await;
        // The least solution was found; the one before it is none.
        let wrong = SolvedPuzzle { solution: solved.solution.wrapping_sub(1), ..solved.clone() };
        self.refused(remote.register_start(&start(&wrong)).await, ErrorCode::PuzzleRequired);
        remote.register_start(&start(&solved)).await.expect("a registration begins");
        self.refused(remote.register_start(&start(&solved)).await, ErrorCode::PuzzleRequired);
        let used = RegisterFinish { puzzle: Some(solved), ..finishes[0].clone() };
        self.refused(remote.register_finish(&used).await, ErrorCode::PuzzleRequired);

        let puzzle = Some(owner.solve(remote, PuzzlePurpose::Register).await);
        let taken = RegisterStart { puzzle, ..starts[1].clone() };
        self.refused(remote.register_start(&taken).await, ErrorCode::HandleTaken);
        let puzzle = Some(free.solve(remote, PuzzlePurpose::Register).await);
        let finish = RegisterFinish { puzzle, ..finishes[0].clone() };
        remote.register_finish(&finish).await.expect("an account");
        remote.register_finish(&finish).await.expect("the same request again");
        free.login(remote).await;
    }

    /// Without a good invite nobody gets in, and nobody learns anything.
    pub(super) async fn invites(&self, operator: &impl Operator) {
        let attempts = self.attempts(operator, "invites").await;
        operator.set_sign_up(SignUp::Invite);
        self.all_refused(&attempts, None, None, ErrorCode::InviteRequired).await;
        let puzzle = attempts.free.solve(&self.remote, PuzzlePurpose::Register).await;
        self.all_refused(&attempts, None, Some(&puzzle), ErrorCode::InviteRequired).await;
        for made_up in [vec![7; INVITE_LEN], Vec::new(), vec![7; 1000]] {
            self.all_refused(&attempts, Some(&Base64::new(made_up)), None, ErrorCode::InviteInvalid).await;
        }
        let (id, revoked) = operator.make_invite(None);
        operator.revoke_invite(&id);
        self.all_refused(&attempts, Some(&Base64::new(revoked)), None, ErrorCode::InviteInvalid).await;
    }

    /// An invite makes one account, with its quota, and does instead of a puzzle.
    pub(super) async fn invites_used_up(&self, operator: &impl Operator) {
        let remote = &self.remote;
        for (mode, name) in [(SignUp::Invite, "used-up"), (SignUp::Puzzle, "used-up-2")] {
            let attempts = self.attempts(operator, name).await;
            operator.set_sign_up(mode);
            let quota = 3 << 20;
            let invite = Some(Base64::new(operator.make_invite(Some(quota)).1));
            let [start, taken_start] = attempts.starts.clone();
            let [finish, taken] = attempts.finishes.clone();
            let start = RegisterStart { invite: invite.clone(), ..start };
            remote.register_start(&start).await.expect("a registration begins");
            remote.register_start(&start).await.expect("an invite is not used up by a beginning");
            let taken_start = RegisterStart { invite: invite.clone(), ..taken_start };
            self.refused(remote.register_start(&taken_start).await, ErrorCode::HandleTaken);
            let taken = RegisterFinish { invite: invite.clone(), ..taken };
            self.refused(remote.register_finish(&taken).await, ErrorCode::HandleTaken);
            let finish = RegisterFinish { invite: invite.clone(), ..finish };
            remote.register_finish(&finish).await.expect("an account");
            remote.register_finish(&finish).await.expect("the same request again");
            let without = RegisterFinish { invite: None, ..finish };
            remote.register_finish(&without).await.expect("what let it in does not tell it from another");
            assert_eq!(attempts.free.account(remote).await.quota, quota);
            self.refused(remote.register_start(&taken_start).await, ErrorCode::InviteInvalid);
            self.refused(remote.register_finish(&taken).await, ErrorCode::InviteInvalid);
            let late = self.attempts(operator, &format!("{name}-late")).await;
            operator.set_sign_up(mode);
            self.all_refused(&late, invite.as_ref(), None, ErrorCode::InviteInvalid).await;
        }
    }

    /// From the sixth try of a password on, each needs a puzzle of its own, whether or not somebody has the handle.
    pub(super) async fn puzzles_to_log_in(&self) {
        let remote = &self.remote;
        let known = Actor::registered(remote, "puzzled").await;
        let unknown = Actor::new(remote, "puzzled-nobody").await;
        for actor in [&known, &unknown] {
            let try_with = async |puzzle: Option<&SolvedPuzzle>| {
                let start = LoginStart { puzzle: puzzle.cloned(), ..actor.login_start().0 };
                remote.login_start(&start).await
            };
            let easy = actor.solve(remote, PuzzlePurpose::Login).await;
            for _ in 0..5 {
                try_with(None).await.expect("an answer");
            }
            let other = if actor.handle == known.handle { &unknown } else { &known };
            let others = other.solve(remote, PuzzlePurpose::Login).await;
            let to_register = actor.solve(remote, PuzzlePurpose::Register).await;
            for bad in [None, Some(&easy), Some(&others), Some(&to_register)] {
                self.refused(try_with(bad).await, ErrorCode::PuzzleRequired);
            }
            let early = actor.solve(remote, PuzzlePurpose::Login).await;
            let solved = actor.solve(remote, PuzzlePurpose::Login).await;
            try_with(Some(&solved)).await.expect("an answer");
            for bad in [None, Some(&solved), Some(&early)] {
                self.refused(try_with(bad).await, ErrorCode::PuzzleRequired);
            }
        }
        // The device that is enrolled comes in as ever, and so does the password, with a puzzle.
        let finish = known.device_login(remote, known.device, &known.device_key).await;
        remote.device_login_finish(&finish).await.expect("a login by device");
        known.login(remote).await;
    }
}
