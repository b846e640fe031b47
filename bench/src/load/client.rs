//! The clients: as many threads as processors, each of which runs its share.

use super::counted::Counted;
use anonicloud_client::path::RemotePath;
use anonicloud_client::remote::{HttpRemote, Patience, Retry, ServerAddress};
use anonicloud_client::session::{NewAccount, SignUpDraft};
use anonicloud_client::state::SqliteState;
use anonicloud_client::transfer::{Filter, Progress, PutSource};
use anonicloud_client::{Client, open_state};
use futures::future::join_all;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// Shown, not told apart.
pub(super) type Failed = Box<dyn Error + Send + Sync>;
type LoadClient = Client<Retry<Counted<HttpRemote>>, SqliteState>;

/// Bytes of a file that is sent at once with those of the others.
const SENT: usize = 64 << 10;
/// Bytes of a file that only fills the store.
const FILLING: usize = 1 << 10;
/// How long a client tries again: what a person waits for, and no error is hidden by it.
const PATIENCE: Duration = Duration::from_mins(2);

/// What all clients told of one round.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// How long each file took that is stored.
    pub(super) took: Vec<Duration>,
    /// Requests of all clients.
    pub(super) requests: u64,
    /// Why a file is not.
    pub(super) failures: Vec<String>,
    /// From the first to the last.
    pub(super) whole: Duration,
}

/// All clients: where their folders are, and the server.
pub(super) struct Crowd {
    folder: PathBuf,
    server: ServerAddress,
    clients: u32,
    requests: Arc<AtomicU64>,
    /// Of the files that were made, so that no two are the same.
    files: AtomicU64,
}

/// Nobody looks.
struct Silent;

impl Progress for Silent {
    fn plan(&self, _: u64, _: u64) {}
    fn advance(&self, _: u64) {}
    fn skip(&self, _: u64) {}
    fn file_done(&self, _: &str) {}
}

impl Crowd {
    /// So many clients in `folder`, of the server at `url` whose certificate `authority` signed.
    pub(super) fn new(folder: PathBuf, url: String, authority: PathBuf, clients: u32) -> Self {
        let server = ServerAddress { url, ca_file: Some(authority) };
        Self { folder, server, clients, requests: Arc::default(), files: AtomicU64::new(0) }
    }

    /// Makes the accounts, as many at once as there are processors.
    pub(super) fn sign_up(&self, password: &str) -> Result<(), Failed> {
        self.share(async |numbers| {
            for number in numbers {
                let state = open_state(&self.state(number)).await?;
                let handle = format!("load-{number}");
                let password = Zeroizing::new(password.to_owned());
                let account = NewAccount { handle, password, account_key: false, invite: None };
                let draft = SignUpDraft::begin(&self.remote()?, account).await?;
                let words = draft.recovery_words();
                draft.finish(self.remote()?, state, &self.server, &words).await?;
            }
            Ok(())
        })
        .map(drop)
    }

    /// Stores at least so many more small files, spread over all accounts; gives how many.
    pub(super) fn fill(&self, files: u64) -> Result<u64, Failed> {
        let each = files.div_ceil(u64::from(self.clients));
        if each == 0 {
            return Ok(0);
        }
        let filled = self.share(async |numbers| {
            for number in numbers {
                let folder = self.state(number).join("fill");
                fs_err::create_dir_all(&folder)?;
                for file in 0..each {
                    self.write(&folder.join(file.to_string()), FILLING)?;
                }
                let client = self.open(number).await?;
                let name = format!("/fill-{}", self.files.load(Ordering::Relaxed));
                client.put(source(&folder, &name)?, Filter::everything(), &Silent).await?;
                fs_err::remove_dir_all(folder)?;
            }
            Ok(())
        });
        filled.map(|_| each * u64::from(self.clients))
    }

    /// Has all clients send a file at the same moment, and so on, each as soon as its last one is stored.
    pub(super) fn send(&self, times: u32) -> Result<Told, Failed> {
        let ready = Barrier::new(threads());
        let begun = self.requests.load(Ordering::Relaxed);
        let told = self.share(async |numbers| {
            let clients = self.open_all(numbers).await;
            // Also after a failure: the other threads wait for this one.
            ready.wait();
            let clients = clients?;
            let start = Instant::now();
            let sending = clients.iter().map(|(number, file, client)| self.send_one(*number, file, client, times));
            let mut told = Told::default();
            for one in join_all(sending).await {
                told.took.extend(one.took);
                told.failures.extend(one.failures);
            }
            told.whole = start.elapsed();
            Ok(told)
        })?;
        let mut all = Told { requests: self.requests.load(Ordering::Relaxed) - begun, ..Told::default() };
        for one in told {
            all.took.extend(one.took);
            all.failures.extend(one.failures);
            all.whole = all.whole.max(one.whole);
        }
        Ok(all)
    }

    async fn open_all(&self, numbers: Vec<u32>) -> Result<Vec<(u32, PathBuf, LoadClient)>, Failed> {
        let mut clients = Vec::new();
        for number in numbers {
            clients.push((number, self.state(number).join("sent"), self.open(number).await?));
        }
        Ok(clients)
    }

    async fn send_one(&self, number: u32, file: &Path, client: &LoadClient, times: u32) -> Told {
        let mut told = Told::default();
        for _ in 0..times {
            let begun = Instant::now();
            let sent = async {
                self.write(file, SENT)?;
                let name = format!("/sent-{}", self.files.load(Ordering::Relaxed));
                let report = client.put(source(file, &name)?, Filter::everything(), &Silent).await?;
                if report.skipped.is_empty() { Ok::<(), Failed>(()) } else { Err("it was skipped".into()) }
            };
            match sent.await {
                Ok(()) => told.took.push(begun.elapsed()),
                Err(failure) => told.failures.push(format!("client {number}: {}", with_causes(failure.as_ref()))),
            }
        }
        told
    }

    /// Runs `work` on each thread with the numbers of its clients.
    fn share<T: Send>(&self, work: impl AsyncFn(Vec<u32>) -> Result<T, Failed> + Sync) -> Result<Vec<T>, Failed> {
        let (threads, work) = (threads(), &work);
        thread::scope(|scope| {
            let shares = (0..threads).map(|share| {
                let numbers: Vec<u32> = (0..self.clients).skip(share).step_by(threads).collect();
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                    runtime.block_on(work(numbers))
                })
            });
            let shares: Vec<_> = shares.collect();
            shares
                .into_iter()
                .map(|share| share.join().unwrap_or_else(|_| Err("a thread ended early".into())))
                .collect()
        })
    }

    async fn open(&self, number: u32) -> Result<LoadClient, Failed> {
        let state = self.state(number);
        Ok(Client::open(self.remote()?, open_state(&state).await?).await?.with_folder(&state))
    }

    fn remote(&self) -> Result<Retry<Counted<HttpRemote>>, Failed> {
        let remote = HttpRemote::new(&self.server, Patience::default())?;
        Ok(Retry::new(Counted::new(remote, Arc::clone(&self.requests)), PATIENCE))
    }

    fn state(&self, number: u32) -> PathBuf {
        self.folder.join(number.to_string())
    }

    /// Writes a file that is like no other.
    fn write(&self, path: &Path, length: usize) -> Result<(), Failed> {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        let mut content = vec![0; length];
        blake3::Hasher::new().update(&number.to_le_bytes()).finalize_xof().fill(&mut content);
        Ok(fs_err::write(path, content)?)
    }
}

fn source(local: &Path, remote: &str) -> Result<Vec<PutSource>, Failed> {
    Ok(vec![PutSource::Path { local: local.to_owned(), remote: RemotePath::parse(remote.as_bytes())? }])
}

fn threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn with_causes(failure: &dyn Error) -> String {
    let mut text = failure.to_string();
    let mut cause = failure.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
