//! What every command is given, and how it comes to a signed-in client.

use std::path::Path;
use std::sync::Arc;

use anonicloud_client::remote::{HttpRemote, Patience, RateLimit, Retry, ServerAddress};
use anonicloud_client::state::{DeviceKey, KeyFile, PassphraseLock, SealedState, SqliteState};
use anonicloud_client::{Client, open_state, open_state_with, stored_server};
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use crate::args::GlobalOptions;
use crate::config::{self, Settings};
use crate::error::CliError;
use crate::passphrase::{KeyPlace, PassphraseSource};
use crate::progress::{Bar, Tally};
use crate::ui::{self, Ui};

/// The server as the command line reaches it.
pub(crate) type NativeRemote = Retry<HttpRemote>;
/// The client on this machine.
pub(crate) type NativeClient = Client<NativeRemote, SqliteState>;

/// What every command is given.
#[derive(Debug)]
pub(crate) struct Context {
    /// Where it prints.
    pub(crate) ui: Ui,
    /// How far it is.
    pub(crate) tally: Arc<Tally>,
    settings: Settings,
    passphrase: PassphraseSource,
    /// What the passphrase opened, for a command that opens the local state again.
    opened: OnceCell<DeviceKey>,
}

/// What signing up and logging in start from.
pub(crate) struct Beginning {
    /// The server that was named.
    pub(crate) address: ServerAddress,
    /// A connection to it.
    pub(crate) remote: NativeRemote,
    /// The local state, with no account in it.
    pub(crate) state: SealedState<SqliteState>,
}

impl Context {
    /// Reads the options of the run.
    pub(crate) async fn new(options: &GlobalOptions) -> Result<Self, CliError> {
        Ok(Self {
            ui: config::ui(options),
            tally: Arc::default(),
            settings: Settings::from_options(options)?,
            passphrase: PassphraseSource::from_options(options).await?,
            opened: OnceCell::new(),
        })
    }

    /// A progress bar.
    pub(crate) fn bar(&self) -> Bar {
        Bar::new(self.ui, &self.tally)
    }

    /// The client of the account that this device is signed in to. A server that was named stands before the stored one.
    pub(crate) async fn client(&self) -> Result<NativeClient, CliError> {
        let state = self.open_state().await?;
        let stored = stored_server(&state).await?.ok_or(CliError::NotSignedIn)?;
        let address = self.settings.server_over(stored);
        let client = Client::open(self.connect(&address)?, state).await?;
        let ui = self.ui;
        // Where not even a line can be written to stderr, the command itself will fail to answer.
        let client = client.with_notices(move |notice| drop(ui.tell(&notice.to_string())));
        Ok(client.with_folder(&self.settings.state_directory))
    }

    /// What a new account on this device starts from; refused when there is one.
    pub(crate) async fn beginning(&self) -> Result<Beginning, CliError> {
        let address = self.settings.server_to_begin().ok_or(CliError::ServerMissing)?;
        let state = self.open_state().await?;
        if stored_server(&state).await?.is_some() {
            return Err(CliError::AlreadySignedIn);
        }
        if self.passphrase.is_given() && matches!(KeyPlace::of(self.state_directory())?, KeyPlace::File) {
            self.ui.tell("The device key is not locked, so no passphrase was needed; `anonicloud lock` locks it.")?;
        }
        let remote = self.connect(&address)?;
        Ok(Beginning { address, remote, state })
    }

    /// The folder of the local state.
    pub(crate) fn state_directory(&self) -> &Path {
        &self.settings.state_directory
    }

    /// Where a passphrase comes from.
    pub(crate) const fn passphrase(&self) -> &PassphraseSource {
        &self.passphrase
    }

    /// The local state, with whatever it takes to open it.
    async fn open_state(&self) -> Result<SealedState<SqliteState>, CliError> {
        let folder = self.state_directory();
        let state = match KeyFile::read(folder)? {
            Some(KeyFile::Passphrase(lock)) => {
                let key = self.opened.get_or_try_init(|| self.open_key(lock)).await?;
                open_state_with(folder, key).await?
            }
            Some(KeyFile::Keyring(lock)) => open_state_with(folder, &lock.open(folder).await?).await?,
            _ => open_state(folder).await?,
        };
        // A command may run for days from here on.
        self.passphrase.forget();
        Ok(state)
    }

    async fn open_key(&self, lock: PassphraseLock) -> Result<DeviceKey, CliError> {
        match lock.open_remembered() {
            Some(key) => Ok(key),
            None => self.passphrase.open(self.ui, &lock).await,
        }
    }

    /// Asks a person for a line, without holding Ctrl-C back.
    pub(crate) async fn ask(&self, question: &str) -> Result<Zeroizing<String>, CliError> {
        let question = question.to_owned();
        let asked = tokio::task::spawn_blocking(move || ui::ask(&question));
        asked.await.unwrap_or(Err(CliError::NoAnswer))
    }

    /// The patterns that are left out of every `put`.
    pub(crate) fn usual_exclude(&self) -> &[String] {
        &self.settings.exclude
    }

    /// Whether `watch` gives back room.
    pub(crate) const fn wants_upkeep(&self) -> bool {
        self.settings.upkeep
    }

    fn connect(&self, address: &ServerAddress) -> Result<NativeRemote, CliError> {
        let mut remote = HttpRemote::new(address, Patience::default()).map_err(CliError::Address)?;
        if let Some(rate) = self.settings.limit_rate {
            remote = remote.with_limit(&RateLimit::new(rate));
        }
        Ok(Retry::new(remote, self.settings.patience))
    }
}
