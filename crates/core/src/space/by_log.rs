//! Commits of devices that no link certifies (spec: 3-spaces, "Commits"): decided by the log, not by the chain that the server shows.
//!
//! A writer whose device was never certified must not stop the readers, and a server that holds links back must not make some
//! of them leave out what others take. Both follow from what commits carry: who has read all of them has every link that an
//! honest author could count on.

use anonicloud_proto::commit::LoggedCommit;
use anonicloud_proto::limits::SIGCHAIN_LINK_MAX;

use super::build::CARRIED_LINKS_MAX;
use super::private::PrivateSpace;
use super::state::SpaceState;
use super::verify::{NoOp, Step, VerifyNextError};

impl PrivateSpace {
    /// [`PrivateSpace::verify_next`] for a reader that has read every commit from the genesis to `state`, and whose chain was
    /// fetched after it got `commit`: one of a device that no link certifies is a no-op.
    ///
    /// # Errors
    /// [`VerifyNextError`] as there. [`VerifyNextError::DeviceUnknown`] only of a commit with so many links that the one that
    /// adds its device may not have fitted beside them.
    pub fn verify_next_by_log(
        &mut self,
        state: &SpaceState,
        commit: &LoggedCommit,
    ) -> Result<(Step, SpaceState), VerifyNextError> {
        match self.verify_next(state, commit) {
            Err(VerifyNextError::DeviceUnknown) if !self.may_lack_links(commit) => {
                Ok((Step::Skipped(NoOp::Invalid), state.step_over(commit)?))
            }
            other => other,
        }
    }

    /// Whether an honest author could have left out links for want of room.
    fn may_lack_links(&self, commit: &LoggedCommit) -> bool {
        let carried = self.open_body(commit).map_or(0, |(signed, _)| signed.body.links.iter().map(Vec::len).sum());
        carried > CARRIED_LINKS_MAX.saturating_sub(SIGCHAIN_LINK_MAX)
    }
}
