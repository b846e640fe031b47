//! A device, in either client. What fails gives its stable code.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anonicloud_adversary::Liar;
use anonicloud_client::OperationError;
use anonicloud_client::check::Finding;
use anonicloud_client::path::RemotePath;
use anonicloud_client::reclaim::PasswordProof;
use anonicloud_client::session::{Credentials, login};
use anonicloud_client::transfer::{Filter, GetItem, GetTarget, Progress, PutSource};
use anonicloud_e2e::device::refused;
use anonicloud_e2e::world::PASSWORD;
use anonicloud_testkit::memory_remote::MemoryRemote;
use anonicloud_testkit::memory_state::MemoryState;
use data_encoding::BASE64;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::world::{nowhere, sign_up_library};

/// What an operation gives, or the stable code of its refusal.
pub(crate) type Outcome<T> = Result<T, String>;

/// A device of the library.
pub(crate) struct Library {
    pub(crate) server: MemoryRemote,
    pub(crate) liar: Liar,
    pub(crate) state: MemoryState,
}

/// A device of the program.
pub(crate) struct Program {
    pub(crate) device: anonicloud_e2e::device::Device,
    pub(crate) password: PathBuf,
    pub(crate) words: PathBuf,
}

/// A device. Each operation is one run of a program.
pub(crate) enum Device {
    Library(Library),
    Program(Program),
}

/// A contradiction that a device keeps.
#[derive(Debug)]
pub(crate) struct Halted {
    pub(crate) contradiction: String,
    /// Signed headers.
    pub(crate) known: Option<Vec<u8>>,
    pub(crate) shown: Option<Vec<u8>>,
    pub(crate) is_accepted: bool,
}

fn listed(answer: &Value) -> Vec<String> {
    let items = answer["items"].as_array().unwrap();
    items.iter().map(|item| item["path"].as_str().unwrap().to_owned()).collect()
}

struct Quiet;

impl Progress for Quiet {
    fn plan(&self, _files: u64, _bytes: u64) {}
    fn advance(&self, _bytes: u64) {}
    fn skip(&self, _bytes: u64) {}
    fn file_done(&self, _path: &str) {}
}

fn code(error: &OperationError) -> String {
    error.code().to_owned()
}

fn path(text: &str) -> RemotePath {
    RemotePath::parse(text.as_bytes()).unwrap()
}

impl Program {
    fn run(&self, arguments: &[&dyn AsRef<OsStr>]) -> Outcome<Value> {
        let output = self.device.command(arguments).arg("--json").output().unwrap();
        if output.status.success() {
            return Ok(serde_json::from_slice(&output.stdout).unwrap_or_default());
        }
        let refusal = refused(&output);
        assert!(!refusal.message.is_empty() && !refusal.hint.is_empty(), "{refusal:?}");
        Err(refusal.code)
    }

    fn write_password(&self, password: &str) {
        fs_err::write(&self.password, password).unwrap();
    }
}

impl Device {
    pub(crate) async fn sign_up(&self, handle: &str, password: &str) -> Outcome<()> {
        match self {
            Self::Library(library) => sign_up_library(library, handle, password).await,
            Self::Program(program) => {
                program.write_password(password);
                let (password, words) = (&program.password, &program.words);
                let signup: &[&dyn AsRef<OsStr>] =
                    &[&"signup", &"--handle", &handle, &"--password-file", password, &"--recovery-file", words];
                program.run(signup).map(drop)
            }
        }
    }

    pub(crate) async fn log_in(&self, handle: &str, password: &str) -> Outcome<()> {
        match self {
            Self::Library(library) => {
                let password = Zeroizing::new(password.to_owned());
                let credentials = Credentials { handle: handle.to_owned(), password, account_key: None };
                let device = login(library.remote(), library.sealed(), &nowhere(), credentials).await;
                device.map(drop).map_err(|error| code(&error))
            }
            Self::Program(program) => {
                program.write_password(password);
                program.run(&[&"login", &"--handle", &handle, &"--password-file", &program.password]).map(drop)
            }
        }
    }

    pub(crate) async fn put(&self, local: &Path, remote: &str) -> Outcome<()> {
        match self {
            Self::Library(library) => {
                let source = PutSource::Path { local: local.to_path_buf(), remote: path(remote) };
                let report = library.open().await?.put(vec![source], Filter::everything(), &Quiet).await;
                report.map(|report| assert!(report.skipped.is_empty())).map_err(|error| code(&error))
            }
            Self::Program(program) => program.run(&[&"put", &local, &remote]).map(drop),
        }
    }

    pub(crate) async fn get(&self, remote: &str, target: &Path) -> Outcome<()> {
        match self {
            Self::Library(library) => {
                let target = GetTarget::Path(target.to_path_buf());
                let item = GetItem { remote: path(remote), target, overwrite: true };
                let fetched = library.open().await?.get(vec![item], &Filter::everything(), &Quiet).await;
                fetched.map(drop).map_err(|error| code(&error))
            }
            Self::Program(program) => program.run(&[&"get", &"--force", &remote, &target]).map(drop),
        }
    }

    /// Names in the root.
    pub(crate) async fn list(&self) -> Outcome<Vec<String>> {
        match self {
            Self::Library(library) => {
                let items = library.open().await?.list(&RemotePath::root()).await.map_err(|error| code(&error))?;
                Ok(items.into_iter().map(|item| String::from_utf8(item.name).unwrap()).collect())
            }
            Self::Program(program) => Ok(listed(&program.run(&[&"ls", &"/"])?)),
        }
    }

    pub(crate) async fn make_directory(&self, remote: &str) -> Outcome<()> {
        match self {
            Self::Library(library) => {
                let made = library.open().await?.make_directory(&path(remote), false).await;
                made.map_err(|error| code(&error))
            }
            Self::Program(program) => program.run(&[&"mkdir", &remote]).map(drop),
        }
    }

    pub(crate) async fn remove(&self, remote: &str) -> Outcome<()> {
        match self {
            Self::Library(library) => {
                library.open().await?.remove(&[path(remote)], true).await.map_err(|error| code(&error))
            }
            Self::Program(program) => program.run(&[&"rm", &"-r", &remote]).map(drop),
        }
    }

    pub(crate) async fn rename(&self, from: &str, to: &str) -> Outcome<()> {
        match self {
            Self::Library(library) => {
                library.open().await?.rename(&path(from), &path(to)).await.map_err(|error| code(&error))
            }
            Self::Program(program) => program.run(&[&"mv", &from, &to]).map(drop),
        }
    }

    /// Asks for what an account session is needed for.
    pub(crate) async fn quota(&self) -> Outcome<()> {
        match self {
            Self::Library(library) => library.open().await?.quota().await.map(drop).map_err(|error| code(&error)),
            Self::Program(program) => program.run(&[&"quota"]).map(drop),
        }
    }

    /// Releases what nothing needs.
    pub(crate) async fn reclaim(&self) -> Outcome<()> {
        match self {
            Self::Library(library) => library.open().await?.sweep().await.map(drop).map_err(|error| code(&error)),
            Self::Program(program) => program.run(&[&"reclaim"]).map(drop),
        }
    }

    /// Frees for good what nothing needs.
    pub(crate) async fn reclaim_now(&self) -> Outcome<()> {
        match self {
            Self::Library(library) => {
                let client = library.open().await?;
                let password = Zeroizing::new(PASSWORD.to_owned());
                let proof = PasswordProof { password, account_key: None };
                let freeing = client.prepare_to_free(proof).await.map_err(|error| code(&error))?;
                client.free(freeing).await.map(drop).map_err(|error| code(&error))
            }
            Self::Program(program) => {
                let password = &program.password;
                program.run(&[&"reclaim", &"--now", &"--yes", &"--password-file", password]).map(drop)
            }
        }
    }

    /// What contradicted what this device knew, the oldest first.
    pub(crate) async fn halts(&self) -> Vec<Halted> {
        match self {
            Self::Library(library) => {
                let halts = library.open().await.unwrap().halts().await.unwrap();
                let halted = halts.iter().map(|halt| Halted {
                    contradiction: halt.contradiction().code().to_owned(),
                    known: halt.known().header,
                    shown: halt.shown().header,
                    is_accepted: halt.accepted().is_some(),
                });
                halted.collect()
            }
            Self::Program(program) => {
                let answer = program.run(&[&"halt"]).unwrap();
                let header = |of: &Value| Some(BASE64.decode(of["header"].as_str()?.as_bytes()).unwrap());
                let halted = answer["halts"].as_array().unwrap().iter().map(|halt| Halted {
                    contradiction: halt["contradiction"].as_str().unwrap().to_owned(),
                    known: header(&halt["known"]),
                    shown: header(&halt["shown"]),
                    is_accepted: !halt["accepted"].is_null(),
                });
                halted.collect()
            }
        }
    }

    /// Takes what the server shows now for the newest.
    pub(crate) async fn accept_loss(&self) -> Outcome<()> {
        match self {
            Self::Library(library) => {
                let client = library.open().await?;
                let acceptance = client.prepare_to_accept().await.map_err(|error| code(&error))?;
                client.accept(acceptance).await.map_err(|error| code(&error))
            }
            Self::Program(program) => program.run(&[&"halt", &"--accept-loss", &"--yes"]).map(drop),
        }
    }

    /// The digits that its person reads to that of another device.
    pub(crate) async fn state_code(&self) -> String {
        match self {
            Self::Library(library) => library.open().await.unwrap().state_code().await.unwrap().1.to_string(),
            Self::Program(program) => program.run(&[&"state-code"]).unwrap()["code"].as_str().unwrap().to_owned(),
        }
    }

    /// Names in the root as this device keeps them.
    pub(crate) async fn list_offline(&self) -> Outcome<Vec<String>> {
        match self {
            Self::Library(library) => {
                let items = library.open().await?.offline().list(&RemotePath::root()).await;
                let items = items.map_err(|error| code(&error))?;
                Ok(items.into_iter().map(|item| String::from_utf8(item.name).unwrap()).collect())
            }
            Self::Program(program) => Ok(listed(&program.run(&[&"ls", &"--offline", &"/"])?)),
        }
    }

    /// Looks at everything; gives what is wrong as `damage part`, each once.
    pub(crate) async fn check(&self) -> Outcome<Vec<String>> {
        let mut found = match self {
            Self::Library(library) => {
                let (report, found) = (RefCell::default(), RefCell::new(Vec::new()));
                let tell = |finding: &Finding| {
                    found.borrow_mut().push(format!("{:?} {:?}", finding.damage, finding.part).to_lowercase());
                };
                let client = library.open().await?;
                let checked = client.check(&RemotePath::root(), None, &Quiet, &tell, &report).await;
                checked.map_err(|error| code(&error))?;
                found.into_inner()
            }
            Self::Program(program) => {
                let output = program.device.command(&[&"check", &"--json"]).output().unwrap();
                let Ok(answer) = serde_json::from_slice::<Value>(&output.stdout) else {
                    return Err(refused(&output).code);
                };
                let text = |finding: &Value, field| finding[field].as_str().unwrap().to_owned();
                let findings = answer["findings"].as_array().into_iter().flatten();
                findings.map(|found| format!("{} {}", text(found, "damage"), text(found, "part"))).collect()
            }
        };
        found.sort();
        found.dedup();
        Ok(found)
    }
}
