//! A process that signs in, works, signs out and stays, so that a test can search its memory for what has to be gone from it.
//!
//! Enters: where everything is, as arguments; a canary to keep, a password and the content of a file, masked, on stdin. Leaves:
//! a line on stdout at each halt; after signing up, the recovery words and the account key, masked. Never: a secret of its own making in memory, but
//! for the canary.
#![expect(clippy::print_stdout, reason = "the test reads it")]

use std::hint::black_box;
use std::io::stdin;
use std::path::PathBuf;

use anonicloud_client::path::RemotePath;
use anonicloud_client::remote::{HttpRemote, Patience, ServerAddress};
use anonicloud_client::session::{Credentials, NewAccount, SignUpDraft, login};
use anonicloud_client::state::SqliteState;
use anonicloud_client::transfer::{Filter, GetItem, GetTarget, Progress, PutSource};
use anonicloud_client::{Client, open_state};
use anonicloud_e2e::masked::{mask, unmask};
use clap::Parser;
use tokio::runtime::Builder;
use zeroize::Zeroizing;

/// Signs in, works, signs out and stays
#[derive(Debug, Parser)]
struct Arguments {
    /// The server
    #[arg(long)]
    server: String,
    /// Where the state, the file that goes up and the one that comes down are
    #[arg(long)]
    folder: PathBuf,
    /// Who
    #[arg(long)]
    handle: String,
    /// Make the account first
    #[arg(long)]
    sign_up: bool,
}

type Process = Client<HttpRemote, SqliteState>;

fn main() {
    let arguments = Arguments::parse();
    let canary = unmask(&line());
    // As the program has it.
    let runtime = Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let client = arguments.enter().await;
        arguments.work(&client).await;
        halt("signed in");
        client.logout().await.expect("it can sign out");
    });
    halt("signed out");
    black_box(&canary);
}

impl Arguments {
    async fn enter(&self) -> Process {
        let state = self.folder.join("state");
        let opened = open_state(&state).await.expect("the folder can be written to");
        let server = ServerAddress { url: self.server.clone(), ca_file: None };
        let remote = HttpRemote::new(&server, Patience::default()).expect("the address of a server");
        let (handle, password) = (self.handle.clone(), password());
        let client = if self.sign_up {
            let new = NewAccount { handle, password, account_key: true, invite: None };
            let draft = SignUpDraft::begin(&remote, new).await.expect("an account can be made");
            let words = draft.recovery_words();
            println!("{}", mask(words.as_bytes()));
            let account_key = draft.account_key().expect("one was asked for");
            println!("{}", mask(account_key.as_bytes()));
            drop(account_key);
            draft.finish(remote, opened, &server, &words).await
        } else {
            login(remote, opened, &server, Credentials { handle, password, account_key: None }).await
        };
        client.expect("it can sign in").with_folder(&state)
    }

    async fn work(&self, client: &Process) {
        let folder = RemotePath::parse(b"/papers").expect("a path");
        client.make_directory(&folder, false).await.expect("a folder can be made");
        let remote = RemotePath::parse(b"/papers/diary").expect("a path");
        let source = PutSource::Path { local: self.folder.join("up"), remote: remote.clone() };
        client.put(vec![source], Filter::everything(), &Silent).await.expect("the file goes up");
        let target = GetTarget::Path(self.folder.join("down"));
        let item = GetItem { remote, target, overwrite: false };
        client.get(vec![item], &Filter::everything(), &Silent).await.expect("the file comes down");
    }
}

fn password() -> Zeroizing<String> {
    let bytes = unmask(&line()).to_vec();
    Zeroizing::new(String::from_utf8(bytes).expect("a password is text"))
}

/// Says where it is, and stays there until it is told to go on.
fn halt(place: &str) {
    println!("{place}");
    line();
}

fn line() -> String {
    let mut line = String::new();
    stdin().read_line(&mut line).expect("the test writes to it");
    line.trim().to_owned()
}

struct Silent;

impl Progress for Silent {
    fn plan(&self, _: u64, _: u64) {}
    fn advance(&self, _: u64) {}
    fn skip(&self, _: u64) {}
    fn file_done(&self, _: &str) {}
}
