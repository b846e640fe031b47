//! Refusals: what went wrong, what to do, and the exit code.
//!
//! Enters: errors of the client library and of the command line. Leaves: a stable code, a sentence, a hint, an exit
//! code by kind. Never: a secret.

use core::error::Error;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use anonicloud_client::remote::ConnectError;
use anonicloud_client::state::StateError;
use anonicloud_client::transfer::FilterError;
use anonicloud_client::{ErrorKind, OperationError};
use serde::Serialize;
use thiserror::Error;

use crate::escape;
use crate::paths::PathError;
use crate::report::counted;
use crate::secrets::SecretError;

/// Why a command failed.
#[derive(Debug, Error)]
pub(crate) enum CliError {
    #[error(transparent)]
    Operation(#[from] OperationError),
    #[error(transparent)]
    Path(#[from] PathError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error("the server's address cannot be used")]
    Address(#[source] ConnectError),
    #[error("no server is named")]
    ServerMissing,
    #[error("{0}")]
    Arguments(String),
    #[error("the config file {} cannot be used: {reason}", escape::name(path.as_os_str().as_encoded_bytes()))]
    Config { path: PathBuf, reason: String },
    #[error(transparent)]
    Filter(#[from] FilterError),
    #[error("the patterns in {} cannot be read", escape::name(path.as_os_str().as_encoded_bytes()))]
    PatternsUnreadable {
        path: PathBuf,
        #[source]
        error: io::Error,
    },
    #[error("no folder is known to keep the local state in")]
    StateDirectoryUnknown,
    #[error("this device is not signed in")]
    NotSignedIn,
    #[error("this device is signed in already")]
    AlreadySignedIn,
    #[error("the device key is locked, and nobody is there to ask for the passphrase")]
    Locked,
    #[error("the new passphrase is missing")]
    NewPassphraseMissing,
    #[error("the handle is missing")]
    HandleMissing,
    #[error("nobody is there to confirm the recovery words")]
    WordsUnconfirmed,
    #[error("nobody is there to confirm that it is freed for good")]
    FreeingUnconfirmed,
    #[error("nobody is there to confirm that the loss is accepted")]
    LossUnconfirmed,
    #[error("cannot write the evidence")]
    EvidenceUnwritten(#[source] io::Error),
    #[error("these are not the words asked for")]
    WordsWrong,
    #[error("{} not finished", counted(*.0, "transfer"))]
    TransfersWaiting(u64),
    #[error("{} skipped", counted(*.0, "file"))]
    Partial(u64),
    #[error("{} not as stored", counted(*.0, "path"))]
    Damaged(u64),
    #[error("there was no answer")]
    NoAnswer,
    #[error("interrupted{}", done.as_ref().map(|done| format!(": {done}")).unwrap_or_default())]
    Interrupted { done: Option<String>, hint: Option<String> },
    #[error("cannot read the answer")]
    Input(#[source] io::Error),
    #[error("cannot write the output")]
    Output(#[source] io::Error),
    #[error("cannot start")]
    Start(#[source] io::Error),
    #[error("no randomness from the operating system")]
    Randomness(#[from] getrandom::Error),
}

impl From<StateError> for CliError {
    fn from(error: StateError) -> Self {
        Self::Operation(error.into())
    }
}

impl CliError {
    /// Stable, for programs.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Operation(error) => error.code(),
            Self::Path(error) => error.code(),
            Self::Secret(error) => error.code(),
            Self::Address(_) => "server_address_invalid",
            Self::ServerMissing => "server_missing",
            Self::Arguments(_) => ARGUMENTS,
            Self::Config { .. } => "config_invalid",
            Self::Filter(_) => "pattern_invalid",
            Self::PatternsUnreadable { .. } => "patterns_unreadable",
            Self::StateDirectoryUnknown => "state_directory_unknown",
            Self::NotSignedIn => "not_signed_in",
            Self::AlreadySignedIn => "already_signed_in",
            Self::Locked => "locked",
            Self::NewPassphraseMissing => "new_passphrase_missing",
            Self::HandleMissing => "handle_missing",
            Self::WordsUnconfirmed => "recovery_words_unconfirmed",
            Self::FreeingUnconfirmed => "freeing_unconfirmed",
            Self::LossUnconfirmed => "loss_unconfirmed",
            Self::EvidenceUnwritten(_) => "evidence_unwritten",
            Self::WordsWrong => "recovery_words_wrong",
            Self::TransfersWaiting(_) => "transfers_waiting",
            Self::Partial(_) => "partial",
            Self::Damaged(_) => "damaged",
            Self::NoAnswer => "no_answer",
            Self::Interrupted { .. } => "interrupted",
            Self::Input(_) => "input_failed",
            Self::Output(_) => "output_failed",
            Self::Start(_) => "start_failed",
            Self::Randomness(_) => "randomness_failed",
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Operation(error) => return Some(error.hint()).filter(|hint| !hint.is_empty()),
            Self::Path(error) => error.hint(),
            Self::Secret(error) => error.hint(),
            Self::Address(_) => "an address looks like https://cloud.example.org; see also --ca-file",
            Self::ServerMissing => "name it with --server URL or in ANONICLOUD_SERVER",
            Self::Arguments(_) => "see `anonicloud --help`",
            Self::Config { .. } => {
                "it holds server, ca_file, state_dir, retry_for, limit_rate and exclude, and [profile.NAME] with the same"
            }
            Self::Filter(_) => "patterns are those of .gitignore, as in --exclude '*.tmp'",
            Self::PatternsUnreadable { .. } => "the file holds one pattern a line, in UTF-8, and has at most 1 MiB",
            Self::StateDirectoryUnknown => "name one with --state-dir DIR or in ANONICLOUD_STATE_DIR",
            Self::NotSignedIn => "run `anonicloud login` or `anonicloud signup`",
            Self::AlreadySignedIn => "run `anonicloud logout` first, or use another --profile",
            Self::Locked => "name a file that holds it with --passphrase-file FILE or in ANONICLOUD_PASSPHRASE_FILE",
            Self::NewPassphraseMissing => "name a file that holds it with --new-passphrase-file FILE",
            Self::HandleMissing => "name it with --handle HANDLE",
            Self::WordsUnconfirmed => "have them written with --recovery-file FILE, or sign up in a terminal",
            Self::FreeingUnconfirmed | Self::LossUnconfirmed => "run it in a terminal, or say so with --yes",
            Self::EvidenceUnwritten(_) => "name a file that is not there yet, in a folder where you may write",
            Self::WordsWrong => "nothing was made; write the words down and sign up again",
            Self::TransfersWaiting(_) => {
                "finish them with `anonicloud resume`, or give them up with `anonicloud logout --force`"
            }
            Self::Partial(_) => "they are listed above with the reasons; all others are done",
            Self::Damaged(_) => {
                "they are named above; ask the operator what happened, and send again what another device or a backup has"
            }
            Self::Interrupted { hint, .. } => return hint.clone(),
            Self::Output(_) => "see whether the disk or the reading program has ended",
            Self::NoAnswer | Self::Input(_) | Self::Start(_) | Self::Randomness(_) => return None,
        };
        Some(hint.to_owned())
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Operation(OperationError::Stream(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
                Exit::BrokenPipe
            }
            Self::Operation(error) => Exit::of(error.kind()),
            Self::Secret(error) if error.is_disk() => Exit::LocalDisk,
            Self::Path(_)
            | Self::Secret(_)
            | Self::Address(_)
            | Self::ServerMissing
            | Self::Arguments(_)
            | Self::Config { .. }
            | Self::Filter(_)
            | Self::PatternsUnreadable { .. }
            | Self::StateDirectoryUnknown
            | Self::NewPassphraseMissing
            | Self::HandleMissing
            | Self::WordsUnconfirmed
            | Self::FreeingUnconfirmed
            | Self::LossUnconfirmed
            | Self::WordsWrong
            | Self::NoAnswer => Exit::Usage,
            Self::NotSignedIn | Self::Locked => Exit::Auth,
            Self::AlreadySignedIn | Self::TransfersWaiting(_) => Exit::Conflict,
            Self::Partial(_) => Exit::Partial,
            Self::Damaged(_) => Exit::Integrity,
            Self::Interrupted { .. } => Exit::Interrupted,
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::BrokenPipe,
            Self::EvidenceUnwritten(_) | Self::Output(_) => Exit::LocalDisk,
            Self::Input(_) | Self::Start(_) | Self::Randomness(_) => Exit::Failure,
        }
    }

    /// What to print, and how the process ends.
    pub(crate) fn report(&self) -> ErrorReport {
        ErrorReport {
            exit: self.exit(),
            error: ErrorDetail { code: self.code(), message: with_causes(self), hint: self.hint() },
        }
    }
}

/// The code of [`CliError::Arguments`].
const ARGUMENTS: &str = "usage";

/// How the process ends, as the help text of the program lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    Failure = 1,
    Usage = 2,
    Auth = 3,
    NotFound = 4,
    Conflict = 5,
    Quota = 6,
    LocalDisk = 7,
    Network = 8,
    Integrity = 9,
    Server = 10,
    Busy = 11,
    Partial = 12,
    Interrupted = 130,
    BrokenPipe = 141,
}

impl Exit {
    const fn of(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Usage => Self::Usage,
            ErrorKind::Auth => Self::Auth,
            ErrorKind::NotFound => Self::NotFound,
            ErrorKind::Conflict => Self::Conflict,
            ErrorKind::Quota => Self::Quota,
            ErrorKind::LocalDisk => Self::LocalDisk,
            ErrorKind::Network => Self::Network,
            ErrorKind::Integrity => Self::Integrity,
            ErrorKind::Server => Self::Server,
            ErrorKind::Busy => Self::Busy,
            _ => Self::Failure,
        }
    }
}

/// A refusal as it is printed; with `--json` `{"error":{"code","message","hint"}}`.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorReport {
    error: ErrorDetail,
    #[serde(skip)]
    exit: Exit,
}

#[derive(Debug, Serialize)]
struct ErrorDetail {
    code: &'static str,
    message: String,
    hint: Option<String>,
}

impl ErrorReport {
    /// `error:` what, a blank line, `hint:` what to do.
    pub(crate) fn text(&self, color: bool) -> String {
        let (red, blue, plain) = if color { ("\x1b[1;31m", "\x1b[1;34m", "\x1b[0m") } else { ("", "", "") };
        // What is wrong with how a command was typed may take several lines.
        let shown = if self.error.code == ARGUMENTS { escape::lines } else { escape::sentence };
        let what = format!("{red}error:{plain} {}\n", shown(&self.error.message));
        match &self.error.hint {
            Some(hint) => format!("{what}\n{blue}hint:{plain} {}\n", escape::sentence(hint)),
            None => what,
        }
    }

    /// Whether nobody reads any more, so that nothing need be said.
    pub(crate) fn is_silent(&self) -> bool {
        self.exit == Exit::BrokenPipe
    }

    /// The exit code of the process.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.exit as u8)
    }
}

/// The sentence and those of its causes, each once.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.contains(&text) {
            message.push_str(": ");
            message.push_str(&text);
        }
        cause = error.source();
    }
    message
}

#[cfg(test)]
mod tests {
    use std::io;

    use std::path::PathBuf;

    use anonicloud_client::OperationError;
    use anonicloud_client::remote::RemoteError;

    use super::{CliError, Exit, StateError};

    fn every_error() -> Vec<CliError> {
        let refused = || io::Error::from(io::ErrorKind::PermissionDenied);
        vec![
            CliError::ServerMissing,
            CliError::Arguments("unexpected argument '--x' found".to_owned()),
            CliError::StateDirectoryUnknown,
            CliError::NotSignedIn,
            CliError::AlreadySignedIn,
            CliError::Locked,
            CliError::NewPassphraseMissing,
            CliError::HandleMissing,
            CliError::WordsUnconfirmed,
            CliError::FreeingUnconfirmed,
            CliError::LossUnconfirmed,
            CliError::EvidenceUnwritten(refused()),
            CliError::WordsWrong,
            CliError::TransfersWaiting(2),
            CliError::Partial(3),
            CliError::Damaged(1),
            CliError::NoAnswer,
            CliError::Interrupted {
                done: Some("1 file and 700 B done, 2 files and 300 B left".to_owned()),
                hint: Some("go on with: anonicloud put 'My Files' /".to_owned()),
            },
            CliError::Interrupted { done: None, hint: None },
            CliError::Input(refused()),
            CliError::Output(refused()),
            CliError::Start(refused()),
        ]
    }

    fn every_error_of_the_client() -> Vec<CliError> {
        let path = || PathBuf::from("/home/alice/a.txt");
        let refused = || io::Error::from(io::ErrorKind::PermissionDenied);
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let errors = vec![
            OperationError::NotSignedIn,
            OperationError::AlreadySignedIn,
            OperationError::LoginFailed,
            OperationError::DeviceUnknown,
            OperationError::WeakPassword,
            OperationError::WeakPassphrase,
            OperationError::PassphraseWrong,
            OperationError::KeyChanged,
            OperationError::KeyringUnavailable("no bus".into()),
            OperationError::KeyringLocked,
            OperationError::KeyringUnfit,
            OperationError::KeyringEntryGone,
            OperationError::KernelKeyring(refused()),
            OperationError::HandleInvalid,
            OperationError::AccountKeyMalformed,
            OperationError::RolledBack,
            OperationError::AccountRolledBack,
            OperationError::SpaceHalted,
            OperationError::NotHalted,
            OperationError::HistorySplit,
            OperationError::NotKept,
            OperationError::ContentMissing(2),
            OperationError::TreeTooDeep,
            OperationError::Local { path: path(), failure: refused() },
            OperationError::Local { path: path(), failure: full() },
            OperationError::TargetExists(path()),
            OperationError::FileTooLarge,
            OperationError::Stream(full()),
            OperationError::NothingToResume(path()),
            OperationError::SeveralToResume(path()),
            OperationError::UnknownTransfer("7f3a".to_owned()),
            OperationError::Busy,
            OperationError::State(StateError::Corrupt),
            OperationError::State(StateError::Newer),
            OperationError::State(StateError::KeyIsLink),
            OperationError::State(StateError::Locked),
            OperationError::State(StateError::Full),
            OperationError::Remote(RemoteError::Malformed { what: "a head" }),
        ];
        errors.into_iter().map(CliError::from).collect()
    }

    #[test]
    fn every_refusal_reads_as_it_did() {
        let text: Vec<String> = every_error()
            .iter()
            .chain(&every_error_of_the_client())
            .map(|error| {
                let report = error.report();
                format!("{} (exit {})\n{}", error.code(), error.exit() as u8, report.text(false))
            })
            .collect();
        insta::assert_snapshot!("refusals", text.join("\n"));
    }

    #[test]
    fn a_refusal_for_programs_is_one_object() {
        let report = CliError::ServerMissing.report();
        assert_eq!(
            serde_json::to_string(&report).unwrap(),
            r#"{"error":{"code":"server_missing","message":"no server is named","hint":"name it with --server URL or in ANONICLOUD_SERVER"}}"#
        );
    }

    #[test]
    fn a_reader_that_left_is_not_told() {
        let gone = CliError::Output(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!(gone.exit(), Exit::BrokenPipe);
        assert!(gone.report().is_silent());
        let gone = io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(CliError::from(OperationError::Stream(gone)).report().is_silent());
        assert!(!CliError::NoAnswer.report().is_silent());
    }

    #[test]
    fn a32_a_refusal_escapes_what_it_quotes() {
        let report = CliError::Arguments("no such file: a\x1b[2J".to_owned()).report();
        assert!(!report.text(false).contains('\x1b'));
    }
}
