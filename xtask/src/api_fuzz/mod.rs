//! `cargo xtask api-fuzz`: thousands of requests made from the API's own description, none of which may make the server
//! fail.
//!
//! schemathesis draws them by a seed and sends them to a real server over loopback: without a session, with that of an
//! account, and with that of a space whose uploads and blobs have few names, so that requests meet each other. The
//! sessions are those of a real client, taken from the wire.

mod document;
mod recorder;

use crate::{
    TaskError,
    server::{self, Server},
    shell::{self, Shell, ShellError},
    tools, ui,
};
use recorder::{Recorder, Sessions};
use serde_json::Value;
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

const REQUIREMENTS: &str = "xtask/src/api_fuzz/requirements.txt";
const PASSWORD: &str = "seven quiet otters juggle warm lanterns\n";
/// Folders that the client makes, each with a commit: a number that is drawn is hardly that of the head then, which would
/// make the request wait for the next one.
const FOLDERS: usize = 40;
/// Seconds that one run may take, whatever it was to send.
const LONGEST_RUN: &str = "900";
/// Seconds that one request may take.
const LONGEST_REQUEST: &str = "60";
/// Requests of one operation in a run; further ones come with the next seed.
const MOST_OF_ONE: u64 = 200;
/// Operations of the three runs together.
const OPERATIONS: u64 = 44;

/// The API was not tried, or did not stand it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FuzzError {
    /// A program failed; of schemathesis, what it found is above.
    #[error(transparent)]
    Shell(#[from] ShellError),
    /// The server did not come up.
    #[error(transparent)]
    Server(#[from] server::StartServerError),
    /// A file or a connection failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The client opened no session that could be seen.
    #[error("no session of {0} was seen on the wire")]
    NoSession(&'static str),
    /// A document or report is not what it was.
    #[error("{0} is not of the form that is known here")]
    Form(&'static str),
    /// The server ended.
    #[error("the server ended while requests came")]
    ServerEnded,
}

/// Sends about so many requests, drawn from `seed`.
///
/// # Errors
/// When the server fails at one of them, or something is missing.
pub(crate) fn run(shell: &Shell, requests: u64, seed: u64) -> Result<(), TaskError> {
    tools::need_packages(shell, tools::COMPILE)?;
    if !shell::succeeds(shell.command("python3", ["-c", "import ensurepip, venv"])) {
        tools::need_packages(shell, tools::PYTHON)?;
    }
    ui::step("building");
    server::build(shell)?;
    Ok(fuzz(shell, requests, seed)?)
}

fn fuzz(shell: &Shell, requests: u64, seed: u64) -> Result<(), FuzzError> {
    let schemathesis = install(shell)?;
    let stage = Stage::new(shell, schemathesis)?;
    let mut sent = 0;
    for round in seed.. {
        let each = ((requests - sent) / OPERATIONS).clamp(1, MOST_OF_ONE);
        for caller in [Caller::Stranger, Caller::Account, Caller::Space] {
            sent += stage.send(caller, each, round)?;
            ui::line(&format!("{sent} requests so far"));
        }
        if sent >= requests {
            break;
        }
    }
    stage.finish()?;
    ui::step(&format!("{sent} requests and no failure of the server; seed {seed}"));
    Ok(())
}

/// A folder of Python programs under the build output, made once for each list of versions.
fn install(shell: &Shell) -> Result<PathBuf, FuzzError> {
    let folder = shell.target().join("api-fuzz");
    let (installed, programs) = (folder.join("installed.txt"), folder.join("bin"));
    let wanted = fs_err::read_to_string(shell.root().join(REQUIREMENTS))?;
    if fs_err::read_to_string(&installed).is_ok_and(|there| there == wanted) {
        return Ok(programs.join("schemathesis"));
    }
    ui::step("installing schemathesis");
    let mut make = shell.command("python3", ["-m", "venv", "--clear"]);
    make.arg(&folder);
    shell::run(make)?;
    let mut fill = shell.command(programs.join("pip"), ["install", "--quiet", "--disable-pip-version-check"]);
    fill.args(["--no-deps", "--requirement", REQUIREMENTS]);
    shell::run(fill)?;
    fs_err::write(installed, wanted)?;
    Ok(programs.join("schemathesis"))
}

/// Who sends.
#[derive(Debug, Clone, Copy)]
enum Caller {
    /// Nobody: every request, without a session.
    Stranger,
    /// An account: what it may do, but for the end of its session.
    Account,
    /// A space: what it may do, to itself.
    Space,
}

/// The server, the sessions, and where files go meanwhile.
struct Stage<'a> {
    shell: &'a Shell,
    schemathesis: PathBuf,
    server: Server,
    sessions: Sessions,
    // Last, so that it is removed after the server ended.
    folder: TempDir,
}

impl<'a> Stage<'a> {
    fn new(shell: &'a Shell, schemathesis: PathBuf) -> Result<Self, FuzzError> {
        let folder = tempfile::Builder::new().prefix("api-fuzz-").tempdir_in(shell.target())?;
        let data = folder.path().join("data");
        let server = Server::start(shell, &data, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let sessions = sessions(shell, folder.path(), server.address())?;
        let described = shell::capture(shell.command(shell.built("anonicloud-server"), ["openapi"]))?;
        fs_err::write(folder.path().join("api.json"), &described)?;
        let narrowed = document::narrow(&described, sessions.space_id()).ok_or(FuzzError::Form("the OpenAPI file"))?;
        fs_err::write(folder.path().join("space.json"), narrowed)?;
        let headers = "headers = { Authorization = \"Bearer ${API_FUZZ_SESSION}\" }\n";
        fs_err::write(folder.path().join("session.toml"), headers)?;
        Ok(Self { shell, schemathesis, server, sessions, folder })
    }

    /// Sends some requests of each operation; gives how many in all.
    fn send(&self, caller: Caller, each: u64, seed: u64) -> Result<u64, FuzzError> {
        let (report, session) = (self.path("report.json"), self.path("session.toml"));
        let mut command = self.shell.command("timeout", [LONGEST_RUN]);
        command.arg(&self.schemathesis);
        match caller {
            Caller::Stranger => command.arg("run").arg(self.path("api.json")),
            Caller::Account => {
                command.env("API_FUZZ_SESSION", self.sessions.account());
                command.arg("--config-file").arg(session).arg("run").arg(self.path("api.json"));
                command.args(["--include-path-regex", "^/v1/account"])
            }
            Caller::Space => {
                command.env("API_FUZZ_SESSION", self.sessions.space());
                command.arg("--config-file").arg(session).arg("run").arg(self.path("space.json"));
                command.args(["--include-path-regex", "^/v1/spaces"])
            }
        };
        command.args(["--url", &format!("http://{}", self.server.address())]);
        command.args(["--checks", "not_a_server_error", "--phases", "coverage,fuzzing", "--warnings", "off"]);
        // More workers than one make Python 3.11 fail now and then.
        command.args(["--workers", "1", "--continue-on-failure", "--request-timeout", LONGEST_REQUEST]);
        command.args(["--max-examples", &each.to_string(), "--seed", &seed.to_string()]);
        command.args(["--report", "json", "--report-json-path"]).arg(&report);
        command.current_dir(self.folder.path());
        ui::step(&format!("{caller:?}: {each} of each operation, seed {seed}"));
        shell::run(command)?;
        let report: Option<Value> = serde_json::from_slice(&fs_err::read(report)?).ok();
        let count = report.and_then(|report| report.pointer("/test_cases/generated")?.as_u64());
        count.ok_or(FuzzError::Form("the report of schemathesis"))
    }

    /// The server must still be there.
    fn finish(mut self) -> Result<(), FuzzError> {
        if self.server.has_ended()? { Err(FuzzError::ServerEnded) } else { Ok(()) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Signs up over a wire that is read, and uses the account's session and the space's.
fn sessions(shell: &Shell, folder: &Path, server: SocketAddr) -> Result<Sessions, FuzzError> {
    let recorder = Recorder::open(server)?;
    let password = folder.join("password");
    fs_err::write(&password, PASSWORD)?;
    let client = || -> Command {
        let mut command = shell.command(shell.built("anonicloud"), ["--quiet"]);
        command.arg("--server").arg(format!("http://{}", recorder.address()));
        command.arg("--state-dir").arg(folder.join("device"));
        command
    };
    let mut sign_up = client();
    sign_up.args(["signup", "--handle", "fuzz"]).arg("--password-file").arg(password);
    sign_up.arg("--recovery-file").arg(folder.join("words"));
    shell::run(sign_up)?;
    let mut make = client();
    make.arg("mkdir").args((0..FOLDERS).map(|number| format!("/{number}")));
    shell::run(make)?;
    let mut quota = client();
    quota.arg("quota");
    shell::capture(quota)?;
    recorder.sessions()
}
