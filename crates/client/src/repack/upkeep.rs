//! Room that comes back in the background: at most once a day on a device, and only when somebody committed since.

use anonicloud_proto::codec::{Decode, DecodeError, Encode, Reader, Writer};

use crate::client::Client;
use crate::error::OperationError;
use crate::progress::Progress;
use crate::remote::Remote;
use crate::space::sweep::SweepReport;
use crate::state::{LocalState, StateChange, Table};

/// Where the last time is noted.
const LAST: &[u8] = b"last";

/// The last time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Last {
    day: u32,
    /// The place of the head when it was done; zero while it is not.
    seq: u64,
}

impl Encode for Last {
    fn encode(&self, out: &mut Writer) {
        out.u32(self.day);
        out.u64(self.seq);
    }
}

impl Decode for Last {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { day: input.u32()?, seq: input.u64()? })
    }
}

/// Says nothing.
#[derive(Debug)]
struct Unseen;

impl Progress for Unseen {
    fn plan(&self, _files: u64, _bytes: u64) {}
    fn advance(&self, _bytes: u64) {}
    fn skip(&self, _bytes: u64) {}
    fn file_done(&self, _path: &str) {}
}

impl<R: Remote, S: LocalState> Client<R, S> {
    /// Repacks and sweeps, unless this device did so today or nothing was committed since; `None` when it is not due. Gives what
    /// the sweep did.
    ///
    /// # Errors
    /// As [`Client::repack`] and [`Client::sweep`]. It is not tried again on the same day.
    pub async fn upkeep(&self) -> Result<Option<SweepReport>, OperationError> {
        self.refuse_halted().await?;
        let today = self.clock().today();
        let last = self.state().read(Table::Upkeep, LAST).await?;
        // What cannot be decoded was not done.
        let last = last.and_then(|row| Last::from_bytes(&row).ok());
        if last.is_some_and(|last| last.day == today) {
            return Ok(None);
        }
        // Noted first: what fails, or is cut, is tried again tomorrow.
        self.note_upkeep(Last { day: today, seq: 0 }).await?;
        self.sync().await?;
        let seq = self.known_head()?.head().seq;
        if last.is_some_and(|last| last.seq == seq) {
            self.note_upkeep(Last { day: today, seq }).await?;
            return Ok(None);
        }
        let repacked = self.repack(&Unseen).await;
        let (swept, seq) = self.sweep_through().await?;
        repacked?;
        self.note_upkeep(Last { day: today, seq }).await?;
        Ok(Some(swept))
    }

    async fn note_upkeep(&self, last: Last) -> Result<(), OperationError> {
        Ok(self.state().apply(vec![StateChange::put(Table::Upkeep, LAST, last.to_bytes())]).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_time_comes_back() {
        let last = Last { day: 20_000, seq: 7 };
        assert_eq!(Last::from_bytes(&last.to_bytes()), Ok(last));
    }
}
