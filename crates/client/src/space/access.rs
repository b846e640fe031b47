//! The session of a space: opened by proofs of capability, renewed when the server has forgotten it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use anonicloud_core::account::keys::SpaceKeys;
use anonicloud_core::crypto::secret::CapabilitySeed;
use anonicloud_proto::api::{Base64, ErrorCode, SpaceSessionFinish};
use anonicloud_proto::capability::{Right, session_message};
use anonicloud_proto::ids::{RealmId, SpaceId};

use crate::error::OperationError;
use crate::remote::{Remote, RemoteError, RemoteResult, SessionToken, SpaceAccess};
use crate::session::LOGINS;

/// Sessions that a request is tried in: a server that is started again forgets them, and may be between opening one and using it.
const SESSIONS: usize = 5;

/// A space with the keys to prove rights in it.
#[derive(Debug)]
pub(crate) struct SpaceDoor {
    realm: RealmId,
    space: SpaceId,
    keys: SpaceKeys,
    /// Whether the session proves the right to manage.
    manages: Cell<bool>,
    open: RefCell<Option<Rc<SpaceAccess>>>,
}

impl SpaceDoor {
    pub(crate) const fn new(realm: RealmId, space: SpaceId, keys: SpaceKeys) -> Self {
        Self { realm, space, keys, manages: Cell::new(false), open: RefCell::new(None) }
    }

    pub(crate) const fn keys(&self) -> &SpaceKeys {
        &self.keys
    }

    pub(crate) const fn space(&self) -> SpaceId {
        self.space
    }

    /// Proves the right to manage from now on, which takes commits deeper into what the server has to spare when the quota is
    /// full: to remove and to sweep, and for nothing else.
    pub(crate) fn manage(&self) {
        if !self.manages.replace(true) {
            self.open.replace(None);
        }
    }

    /// Sends one request in the space's session; opens the session first, and again when the server let it end.
    pub(crate) async fn request<R: Remote, T>(
        &self,
        remote: &R,
        request: impl AsyncFn(&SpaceAccess) -> RemoteResult<T>,
    ) -> Result<T, OperationError> {
        for _ in 1..SESSIONS {
            let access = self.enter(remote).await?;
            match request(&access).await {
                Err(RemoteError::Refused { code: ErrorCode::SessionExpired, .. }) => self.leave(&access),
                other => return Ok(other?),
            }
        }
        let access = self.enter(remote).await?;
        Ok(request(&access).await?)
    }

    async fn enter<R: Remote>(&self, remote: &R) -> RemoteResult<Rc<SpaceAccess>> {
        if let Some(access) = self.open.borrow().as_ref() {
            return Ok(Rc::clone(access));
        }
        for _ in 1..LOGINS {
            match self.prove(remote).await {
                Err(RemoteError::Refused { code: ErrorCode::LoginFailed, .. }) => {}
                proved => return proved,
            }
        }
        self.prove(remote).await
    }

    async fn prove<R: Remote>(&self, remote: &R) -> RemoteResult<Rc<SpaceAccess>> {
        let challenge = remote.space_challenge(&self.space).await?.challenge;
        let bytes: [u8; 32] = challenge
            .as_bytes()
            .try_into()
            .map_err(|_| RemoteError::Malformed { what: "a challenge that is not 32 bytes" })?;
        let prove = |seed: &CapabilitySeed, right| {
            let message = session_message(&self.realm, &self.space, self.keys.epoch(), right, &bytes);
            Some(Base64::from(seed.sign(&message)))
        };
        let token = self.keys.read_token(&self.realm);
        let proofs = SpaceSessionFinish {
            epoch: self.keys.epoch(),
            read: Some(Base64::new(token.expose_bytes().to_vec())),
            append: None,
            write: prove(self.keys.write(), Right::Write),
            admin: if self.manages.get() { prove(self.keys.admin(), Right::Admin) } else { None },
            challenge,
        };
        let answer = remote.space_session(&self.space, &proofs).await?;
        let token = SessionToken::new(answer.token.as_bytes());
        let access = Rc::new(SpaceAccess { space: self.space, token });
        // Of two requests that opened a session at once, the later one's is kept; the other ends by itself.
        self.open.replace(Some(Rc::clone(&access)));
        Ok(access)
    }

    /// Forgets a session that ended, unless another request has opened a new one meanwhile.
    fn leave(&self, ended: &Rc<SpaceAccess>) {
        let mut open = self.open.borrow_mut();
        if open.as_ref().is_some_and(|access| Rc::ptr_eq(access, ended)) {
            *open = None;
        }
    }
}
