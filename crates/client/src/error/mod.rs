//! Why an operation of the client did not end well: a stable code, a sentence, a hint.

mod texts;

use std::io;
use std::path::{Path, PathBuf};

use anonicloud_core::crypto::recovery::ParseRecoveryWordsError;
use anonicloud_core::crypto::rejected::Rejected;
use anonicloud_core::space::verify::{VerifyHeadError, VerifyNextError};
use anonicloud_core::tree::edit::EditError;
use anonicloud_core::tree::name::{DEPTH_MAX, RemotePath};
use anonicloud_core::tree::store::ReadTreeError;
use anonicloud_proto::api::ErrorCode;
use thiserror::Error;

use crate::remote::RemoteError;
use crate::state::StateError;

/// What kind of failure it is; it decides the exit code of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request makes no sense as it is.
    Usage,
    /// Who asks is not known, or not believed.
    Auth,
    /// A path or thing is not there.
    NotFound,
    /// Something else is in the way.
    Conflict,
    /// The quota is used up.
    Quota,
    /// A disk or file of this device failed.
    LocalDisk,
    /// The server cannot be reached.
    Network,
    /// What the server gave does not verify.
    Integrity,
    /// The server refused or failed.
    Server,
    /// Another process is at it.
    Busy,
    /// The system does not do what it was asked for.
    Failure,
}

/// A failed operation.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OperationError {
    /// No account is signed in here.
    #[error("nobody is signed in on this device")]
    NotSignedIn,
    /// An account is signed in here already.
    #[error("an account is signed in on this device already")]
    AlreadySignedIn,
    /// Handle, password or account key are wrong; which is not known.
    #[error("handle and password do not match")]
    LoginFailed,
    /// The server does not know this device of the account any more.
    #[error("the server does not know this device")]
    DeviceUnknown,
    /// The password is too weak to protect an account by itself.
    #[error("the password is too easy to guess")]
    WeakPassword,
    /// The passphrase is too weak to protect a device key.
    #[error("the passphrase is too easy to guess")]
    WeakPassphrase,
    /// The passphrase does not open the device key, or its file was damaged.
    #[error("the passphrase does not open the device key")]
    PassphraseWrong,
    /// Another process has replaced the device key since it was read.
    #[error("another process has replaced the device key meanwhile")]
    KeyChanged,
    /// The keyring of the system does not answer.
    #[error("the keyring of the system cannot be used")]
    KeyringUnavailable(#[source] Box<dyn core::error::Error + Send + Sync>),
    /// The keyring of the system is locked, and nobody opened it.
    #[error("the keyring of the system is locked, and nobody opened it")]
    KeyringLocked,
    /// The keyring of the system has no place for what has to outlast the session.
    #[error("the keyring of the system has no place for what has to outlast the session")]
    KeyringUnfit,
    /// The keyring of the system has no entry that opens the device key.
    #[error("the keyring of the system has no entry that opens the device key")]
    KeyringEntryGone,
    /// The kernel does not remember keys for this process.
    #[error("the kernel does not remember keys here")]
    KernelKeyring(#[source] io::Error),
    /// The recovery words that were read back are not the ones that were shown.
    #[error("the recovery words are not the ones that were shown")]
    RecoveryWords(#[source] ParseRecoveryWordsError),
    /// The handle breaks the rules.
    #[error("the handle is not one that can be used")]
    HandleInvalid,
    /// The account key is not one.
    #[error("the account key is malformed")]
    AccountKeyMalformed,
    /// The invite is not one.
    #[error("the invite is malformed")]
    InviteMalformed,
    /// The server asks for more work than is done for any.
    #[error("the server asks for a puzzle that is too hard")]
    PuzzleTooHard,
    /// What the server gave is not what it was given.
    #[error("what the server gave does not verify")]
    Rejected(#[from] Rejected),
    /// The server shows an older or another state than it showed before.
    #[error("the server shows an older state, or another one, than this device has seen before")]
    RolledBack,
    /// The server shows an older list of the account's devices than this device knows, another one, or older keys.
    #[error("the server shows the account as it was before, or with other devices")]
    AccountRolledBack,
    /// The server contradicted what it showed before, and nobody accepted that: nothing is written.
    #[error("the server contradicted what it had shown before, so that this device writes nothing to it")]
    SpaceHalted,
    /// There is no loss to accept.
    #[error("the server did not contradict what this device knows, so that there is nothing to accept")]
    NotHalted,
    /// Other devices read another history of the space than this one: what this device commits is nothing to them.
    #[error("what this device changed is not there for the account's other devices")]
    HistorySplit,
    /// The tree refers to so many blobs that the server does not have any more.
    #[error("the server does not have {0} of the blobs that the files and folders need")]
    ContentMissing(u64),
    /// The tree's own rules.
    #[error(transparent)]
    Tree(EditError),
    /// Without the server, something that this device does not keep was asked for.
    #[error("this device does not keep what it takes to answer without the server")]
    NotKept,
    /// Folders are in each other deeper than a path can tell.
    #[error("folders are in each other more than {DEPTH_MAX} deep")]
    TreeTooDeep,
    /// A file or folder of this device.
    #[error("{}: {}", path.display(), reason_of(failure))]
    Local {
        /// The file.
        path: PathBuf,
        /// What the system said.
        failure: io::Error,
    },
    /// Something else stands where a download should go.
    #[error("{}: something else is there already", .0.display())]
    TargetExists(PathBuf),
    /// A symlink where content was asked for.
    #[error("{0} is a symlink")]
    IsSymlink(RemotePath),
    /// A file is larger than a record can describe.
    #[error("the file is too large")]
    FileTooLarge,
    /// Standard input or output failed.
    #[error("standard input or output failed")]
    Stream(#[source] io::Error),
    /// No interrupted upload is like this file.
    #[error("{}: no interrupted upload has this content", .0.display())]
    NothingToResume(PathBuf),
    /// More than one interrupted upload is like this file.
    #[error("{}: several interrupted uploads are like this file", .0.display())]
    SeveralToResume(PathBuf),
    /// No queued transfer has this id.
    #[error("no queued transfer has the id {0}")]
    UnknownTransfer(String),
    /// Other devices committed first each time.
    #[error("other devices change the same files all the time")]
    Contended,
    /// Another process transfers with this state folder.
    #[error("another process is transferring with this account on this device")]
    Busy,
    /// The local state.
    #[error("the local state cannot be used")]
    State(#[from] StateError),
    /// The server.
    #[error(transparent)]
    Remote(#[from] RemoteError),
}

impl From<EditError> for OperationError {
    fn from(error: EditError) -> Self {
        match error {
            EditError::Read(error) => error.into(),
            other => Self::Tree(other),
        }
    }
}

impl From<ReadTreeError> for OperationError {
    fn from(error: ReadTreeError) -> Self {
        match error {
            ReadTreeError::TooDeep => Self::TreeTooDeep,
            _ => Self::Rejected(Rejected),
        }
    }
}

impl From<VerifyHeadError> for OperationError {
    fn from(_: VerifyHeadError) -> Self {
        Self::Rejected(Rejected)
    }
}

impl From<VerifyNextError> for OperationError {
    fn from(error: VerifyNextError) -> Self {
        match error {
            VerifyNextError::Forked => Self::RolledBack,
            _ => Self::Rejected(Rejected),
        }
    }
}

impl OperationError {
    /// Whether the server says that what was asked for is not there.
    pub(crate) const fn is_not_found(&self) -> bool {
        matches!(self, Self::Remote(RemoteError::Refused { code: ErrorCode::NotFound, .. }))
    }

    /// The failure of `path` on this device.
    pub(crate) fn local(path: &Path, failure: io::Error) -> Self {
        Self::Local { path: path.to_owned(), failure }
    }
}

/// What the system said, without the path that wrappers put before it.
fn reason_of(failure: &io::Error) -> String {
    let wrapped = failure.get_ref().and_then(|wrapper| wrapper.source());
    wrapped.map_or_else(|| failure.to_string(), ToString::to_string)
}
