//! Commits on their way in. None holds up others by coming slowly: a long one waits on the disk until it is whole.

use core::fmt;
use std::sync::Arc;

use anonicloud_proto::api::{CommitAnswer, ErrorCode};
use anonicloud_proto::limits::COMMIT_REQUEST_MAX;
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use futures::stream::BoxStream;

use super::commits::COMMITTERS;
use super::{Permit, Service, ServiceError, SpaceAccess};
use crate::store::blob::Spill;

/// A body that did not come whole.
#[derive(Debug, Clone, Copy)]
pub(crate) enum BodyBroken {
    /// Its connection or stream ended.
    Cut,
    /// It came too slowly.
    Stalled,
}

impl BodyBroken {
    /// What its sender is told, if it still hears: one that clients try again after, when the line was slow.
    pub(crate) const fn code(self) -> ErrorCode {
        match self {
            Self::Stalled => ErrorCode::Unavailable,
            Self::Cut => ErrorCode::BadRequest,
        }
    }
}

/// The bytes of a body as they arrive.
pub(crate) type BodyPieces = BoxStream<'static, Result<Bytes, BodyBroken>>;

/// A commit request up to this many bytes is small.
const SMALL_COMMIT: usize = 1 << 20;

/// A commit request that came whole, with its permit.
pub(crate) enum Arrived {
    /// In memory.
    Small(Bytes, Permit),
    /// On the disk.
    Long(Box<dyn Spill>, Permit),
}

impl fmt::Debug for Arrived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Small(..) => "Small",
            Self::Long(..) => "Long",
        })
    }
}

impl Service {
    /// Reads a commit request of a session that may commit. `length` is what it announces, if it does.
    pub(crate) async fn receive_commit(
        &self,
        access: &SpaceAccess,
        length: Option<usize>,
        body: BodyPieces,
    ) -> Result<Arrived, ServiceError> {
        access.may(COMMITTERS)?;
        match length {
            Some(length) if length > COMMIT_REQUEST_MAX => Err(ErrorCode::TooLarge.into()),
            Some(length) if length <= SMALL_COMMIT => {
                let permit = self.small_commits.acquire(access.space()).await?;
                Ok(Arrived::Small(gather(body, &permit).await?, permit))
            }
            _ => self.receive_long_commit(access, body).await,
        }
    }

    async fn receive_long_commit(&self, access: &SpaceAccess, mut body: BodyPieces) -> Result<Arrived, ServiceError> {
        let coming = self.long_commits.acquire(access.space()).await?;
        let mut spill = self.blobs.spill().await?;
        let mut len = 0;
        while let Some(piece) = next(&mut body, &coming).await? {
            len += piece.len();
            if len > COMMIT_REQUEST_MAX {
                return Err(ErrorCode::TooLarge.into());
            }
            spill.append(piece).await?;
        }
        Ok(Arrived::Long(spill, coming))
    }

    /// Applies what came. From here on nothing depends on the sender: a task of its own, so that who hangs up gives back
    /// no permit while the request is kept.
    pub(crate) async fn take_commit(
        self: &Arc<Self>,
        access: SpaceAccess,
        arrived: Arrived,
    ) -> Result<CommitAnswer, ServiceError> {
        let service = Arc::clone(self);
        let taking = tokio::spawn(async move {
            let (request, permit) = match arrived {
                Arrived::Small(request, permit) => (request, permit),
                Arrived::Long(spill, coming) => {
                    let checked = service.checked_commits.acquire(access.space()).await?;
                    let request = spill.read().await?;
                    drop(coming);
                    (request, checked)
                }
            };
            let answer = service.commit(&access, request).await;
            drop(permit);
            answer
        });
        taking.await.map_err(|_| ServiceError::Task)?
    }
}

async fn gather(mut body: BodyPieces, permit: &Permit) -> Result<Bytes, ErrorCode> {
    let mut whole = BytesMut::new();
    while let Some(piece) = next(&mut body, permit).await? {
        if whole.len() + piece.len() > SMALL_COMMIT {
            return Err(ErrorCode::TooLarge);
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

/// The next piece, unless the place of this body is wanted.
async fn next(body: &mut BodyPieces, permit: &Permit) -> Result<Option<Bytes>, ErrorCode> {
    let piece = tokio::select! {
        biased;
        () = permit.displaced() => return Err(ErrorCode::Unavailable),
        piece = body.next() => piece.transpose(),
    };
    let piece = piece.map_err(BodyBroken::code)?;
    if let Some(piece) = &piece {
        permit.moved(piece.len());
    }
    Ok(piece)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::Permits;
    use futures::stream;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_comes_slowly_makes_room_for_another() {
        let permits = Permits::new(1, 1);
        let first = permits.acquire('a').await.unwrap();
        let begun = stream::iter([Ok(Bytes::from_static(b"a"))]);
        let slow = tokio::spawn(async move { gather(begun.chain(stream::pending()).boxed(), &first).await });
        let second = permits.acquire('b').await.unwrap();
        assert_eq!(slow.await.unwrap(), Err(ErrorCode::Unavailable));
        let whole = stream::iter([Ok(Bytes::from_static(b"a")), Ok(Bytes::from_static(b"b"))]);
        assert_eq!(gather(whole.boxed(), &second).await, Ok(Bytes::from_static(b"ab")));
        let long = stream::iter([1, SMALL_COMMIT]).map(|len| Ok(Bytes::from(vec![0; len])));
        assert_eq!(gather(long.boxed(), &second).await, Err(ErrorCode::TooLarge));
    }
}
