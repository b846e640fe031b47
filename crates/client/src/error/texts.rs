//! The stable code, kind and hint of each failure.

use std::io;

use anonicloud_core::tree::edit::EditError;
use anonicloud_proto::api::ErrorCode;

use super::{ErrorKind, OperationError};
use crate::remote::RemoteError;
use crate::state::StateError;

impl OperationError {
    /// The stable code for programs; it is never renamed.
    pub fn code(&self) -> &'static str {
        self.row().0
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.row().1
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Remote(RemoteError::Refused { hint, .. }) => hint.clone(),
            _ => self.row().2.to_owned(),
        }
    }

    fn row(&self) -> (&'static str, ErrorKind, &'static str) {
        match self {
            Self::Tree(error) => tree_row(error),
            Self::Local { failure, .. } | Self::Stream(failure) => io_row(failure),
            Self::State(error) => state_row(error),
            Self::Remote(error) => remote_row(error),
            _ => self
                .account_row()
                .or_else(|| self.device_key_row())
                .or_else(|| self.integrity_row())
                .unwrap_or_else(|| self.transfer_row()),
        }
    }

    /// Of failures that are about the account.
    const fn account_row(&self) -> Option<(&'static str, ErrorKind, &'static str)> {
        use ErrorKind::{Auth, Conflict, Server, Usage};
        Some(match self {
            Self::NotSignedIn => ("not_signed_in", Auth, "sign in with `login`, or make an account with `signup`"),
            Self::AlreadySignedIn => {
                ("already_signed_in", Conflict, "`logout` first, or use another folder with `--state-dir`")
            }
            Self::LoginFailed => (
                "login_failed",
                Auth,
                "check both, and the account key if the account has one; nobody can reset a password",
            ),
            Self::DeviceUnknown => (
                "device_unknown",
                Auth,
                "it was removed by another device, or the server was put back to before it came: `logout`, then `login` again",
            ),
            Self::WeakPassword => {
                ("weak_password", Usage, "use a longer one, or six random words with `--generate-password`")
            }
            Self::RecoveryWords(_) => {
                ("recovery_words_wrong", Usage, "write down all 24 words, in their order; no account was made")
            }
            Self::HandleInvalid => {
                ("handle_invalid", Usage, "use 3 to 32 of a-z, 0-9, `.`, `_`, `-`; first and last a letter or digit")
            }
            Self::AccountKeyMalformed => ("account_key_malformed", Usage, "copy it exactly as it was shown at sign-up"),
            Self::InviteMalformed => ("invite_malformed", Usage, "copy it exactly as the operator gave it"),
            Self::PuzzleTooHard => ("puzzle_too_hard", Server, "ask its operator what happened, or use another server"),
            _ => return None,
        })
    }

    /// Of failures that are about the server's honesty.
    const fn integrity_row(&self) -> Option<(&'static str, ErrorKind, &'static str)> {
        use ErrorKind::{Conflict, Integrity};
        Some(match self {
            Self::Rejected(_) => (
                "rejected",
                Integrity,
                "nothing was changed or shown; keep this device's state and ask the operator what happened",
            ),
            Self::RolledBack => (
                "rolled_back",
                Integrity,
                "the operator may have restored a backup, or lies; nothing was written: see what was shown, and how to go on, with `anonicloud halt`",
            ),
            Self::AccountRolledBack => (
                "account_rolled_back",
                Integrity,
                "devices of the account are lost at the server: keep `halt --output FILE`, then `logout`, `login` again, and send anew what is missing",
            ),
            Self::SpaceHalted => (
                "space_halted",
                Integrity,
                "see what it showed with `halt`, and ask the operator; `halt --accept-loss` goes on from what it shows now",
            ),
            Self::NotHalted => (
                "not_halted",
                Conflict,
                "go on: this device writes as ever; if it was told `rolled_back`, that was of the account, or proved nothing",
            ),
            Self::ContentMissing(_) => (
                "content_missing",
                Integrity,
                "nothing was freed; see which files cannot be fetched any more, and ask the operator what happened",
            ),
            Self::HistorySplit => (
                "history_split",
                Integrity,
                "the server showed it another history than the others: `logout`, `login` again, send anew what is missing, and ask the operator",
            ),
            _ => return None,
        })
    }

    /// Of failures that are about what opens the device key.
    const fn device_key_row(&self) -> Option<(&'static str, ErrorKind, &'static str)> {
        use ErrorKind::{Auth, Conflict, Failure, Usage};
        Some(match self {
            Self::WeakPassphrase => {
                ("weak_passphrase", Usage, "use a longer one: who has the disk can try as many as they like")
            }
            Self::PassphraseWrong => (
                "passphrase_wrong",
                Auth,
                "try again; if it is forgotten, or right and the file is damaged, move the state folder away, `login` again, and `resume --from FILE` what was cut",
            ),
            Self::KeyChanged => ("key_changed", Conflict, "nothing was changed; run it again"),
            Self::KeyringUnavailable(_) => (
                "keyring_unavailable",
                Auth,
                "see that the keyring of your desktop runs; only if it is gone for good with the key of this device, move the state folder away, `login` again, and `resume --from FILE` what was cut",
            ),
            Self::KeyringLocked => {
                ("keyring_locked", Auth, "open it where you are signed in to the desktop, and try again")
            }
            Self::KeyringUnfit => (
                "keyring_unfit",
                Failure,
                "nothing was changed; make a default keyring that stays when you sign out, or lock it under a passphrase with `lock`",
            ),
            Self::KeyringEntryGone => (
                "keyring_entry_gone",
                Auth,
                "bring the keyring back from a backup; without one, move the state folder away, `login` again, and `resume --from FILE` what was cut",
            ),
            Self::KernelKeyring(_) => {
                ("kernel_keyring_unavailable", Failure, "the key stays locked; give the passphrase with every command")
            }
            _ => return None,
        })
    }

    /// Of failures that are about files on their way.
    const fn transfer_row(&self) -> (&'static str, ErrorKind, &'static str) {
        use ErrorKind::{Busy, Conflict, Network, NotFound, Usage};
        match self {
            Self::TargetExists(_) => ("target_exists", Conflict, "choose another target, or replace it with `--force`"),
            Self::IsSymlink(_) => {
                ("is_symlink", Conflict, "name a file, or a target other than `-`: links are made, not followed")
            }
            Self::FileTooLarge => ("file_too_large", Usage, "split it; one file holds up to about 1.9 TiB"),
            Self::NothingToResume(_) => {
                ("nothing_to_resume", NotFound, "see `status`; or send the file anew with `put`")
            }
            Self::SeveralToResume(_) => (
                "resume_unclear",
                Conflict,
                "nothing was sent; resume them on their own devices, or send the file with `put` to its path",
            ),
            Self::UnknownTransfer(_) => ("unknown_transfer", NotFound, "see `status` for the ids"),
            Self::NotKept => {
                ("not_kept", Network, "ask again without `--offline`, so that this device keeps the answer")
            }
            Self::TreeTooDeep => ("tree_too_deep", Conflict, "move a folder on the way further up with `mv`"),
            Self::Contended => ("contended", Busy, "try again when they are done"),
            _ => ("busy", Busy, "wait for it to end; `status` shows what is queued"),
        }
    }
}

const fn tree_row(error: &EditError) -> (&'static str, ErrorKind, &'static str) {
    use ErrorKind::{Conflict, NotFound, Usage};
    match error {
        EditError::NotFound(_) => ("not_found", NotFound, "see what is there with `ls`"),
        EditError::IsDirectory(_) => ("is_directory", Conflict, "name a file"),
        EditError::NotDirectory(_) => ("not_directory", Conflict, "name a folder"),
        EditError::Exists(_) => ("exists", Conflict, "choose another name, or remove what is there first"),
        EditError::NotEmpty(_) => ("not_empty", Conflict, "remove it with everything in it by `rm -r`"),
        EditError::NameCollision { .. } => ("name_collision", Conflict, "rename one of the two"),
        EditError::IntoItself { .. } => ("into_itself", Usage, "choose a target outside of it"),
        EditError::Root => ("is_root", Usage, "name something inside of it"),
        EditError::TooDeep(_) => ("path_too_long", Usage, "use fewer folders"),
        _ => ("not_representable", Usage, "links need a target of 1 to 4,095 bytes"),
    }
}

fn io_row(source: &io::Error) -> (&'static str, ErrorKind, &'static str) {
    use ErrorKind::{LocalDisk, NotFound};
    match source.kind() {
        io::ErrorKind::NotFound => ("local_not_found", NotFound, "check the path on this device"),
        io::ErrorKind::PermissionDenied => ("local_denied", LocalDisk, "check the permissions on this device"),
        io::ErrorKind::StorageFull => ("disk_full", LocalDisk, "free space on this device, then `resume`"),
        _ => ("local_io", LocalDisk, "check the disk of this device"),
    }
}

const fn state_row(error: &StateError) -> (&'static str, ErrorKind, &'static str) {
    use ErrorKind::LocalDisk;
    match error {
        StateError::Corrupt => (
            "state_corrupt",
            LocalDisk,
            "your files on the server are safe: move the state folder away, `login` again, and `resume --from FILE` what was cut",
        ),
        StateError::Newer => (
            "state_unusable",
            LocalDisk,
            "update this program; if it is the newest, that is damaged: move the state folder away, `login` again, and `resume --from FILE` what was cut",
        ),
        StateError::KeyIsLink => (
            "state_unusable",
            LocalDisk,
            "put the file that the link `device.key` in the state folder leads to in the link's place",
        ),
        StateError::Locked => {
            ("locked", ErrorKind::Auth, "name a file that holds the passphrase with `--passphrase-file FILE`")
        }
        StateError::Full => ("disk_full", LocalDisk, "free space on this device, then `resume`"),
        _ => ("state_unusable", LocalDisk, "check the state folder's disk and permissions"),
    }
}

const fn remote_row(error: &RemoteError) -> (&'static str, ErrorKind, &'static str) {
    use ErrorKind::{Auth, Conflict, Network, Quota, Server};
    match error {
        RemoteError::Unreachable(_) | RemoteError::Cut { .. } => {
            ("unreachable", Network, "check the address and the connection; a cut transfer goes on with `resume`")
        }
        RemoteError::Certificate(_) => (
            "certificate_untrusted",
            Network,
            "do not go on unless you know why; for a server of your own, name its certificate with `--ca-file`",
        ),
        RemoteError::Malformed { .. } => ("malformed_answer", Server, "is this the address of an AnoniCloud server?"),
        RemoteError::Refused { code, .. } => match code {
            ErrorCode::LoginFailed => ("login_failed", Auth, ""),
            ErrorCode::SessionExpired => ("session_expired", Auth, ""),
            ErrorCode::HandleTaken => ("handle_taken", Conflict, ""),
            ErrorCode::HandleInvalid => ("handle_invalid", ErrorKind::Usage, ""),
            ErrorCode::SignUpClosed => ("sign_up_closed", Auth, ""),
            ErrorCode::InviteRequired => ("invite_required", Auth, ""),
            ErrorCode::InviteInvalid => ("invite_invalid", Auth, ""),
            ErrorCode::PuzzleRequired => ("puzzle_required", Server, ""),
            ErrorCode::QuotaExceeded => ("quota_exceeded", Quota, ""),
            ErrorCode::StorageFull => ("server_storage_full", Server, ""),
            ErrorCode::ApiVersionUnsupported => ("api_version_unsupported", Server, ""),
            ErrorCode::TooManyRequests => ("too_many_requests", Server, ""),
            ErrorCode::Unavailable => ("unavailable", Network, ""),
            ErrorCode::NotFound => (
                "server_not_found",
                Server,
                "if another device gives back room just now, run this again; otherwise see what is lost with `check`",
            ),
            ErrorCode::BlobConflict => ("blob_conflict", Server, ""),
            _ => ("server_refused", Server, ""),
        },
    }
}
