//! The programs the peers are made of, and their versions.

use super::Kind;
use crate::ui;
use serde::Serialize;
use std::{path::Path, process::Command};

/// A program that takes part.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    /// The first line of what it says about itself, without what stands in parentheses.
    pub(crate) version: String,
}

/// A program that is not there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MissingProgramError {
    #[error("{program} is missing: install it (`apt-get install {package}`), or leave its peers out with --only")]
    Package { program: &'static str, package: &'static str },
    #[error("{program} is not in {folder}: build it, or leave our own runs out with --only")]
    Ours { program: &'static str, folder: String },
}

/// Checks that everything these peers need is there, and asks for the versions.
///
/// # Errors
/// For the first that is missing.
pub(crate) fn programs(peers: &[Kind], binaries: &Path) -> Result<Vec<Program>, MissingProgramError> {
    let mut found = Vec::new();
    for need in NEEDS {
        if need.peers.iter().any(|peer| peers.contains(peer)) {
            let missing = MissingProgramError::Package { program: need.name, package: need.package };
            let mut command = Command::new(need.path);
            found.push(version(need.name, command.arg(need.ask)).ok_or(missing)?);
        }
    }
    let nginx = found.iter().any(|program| program.name == "nginx");
    if nginx && !Path::new(DAV_MODULE).exists() {
        return Err(MissingProgramError::Package {
            program: "the WebDAV module of nginx",
            package: "libnginx-mod-http-dav-ext",
        });
    }
    for program in OURS.into_iter().filter(|_| peers.contains(&Kind::Anonicloud)) {
        let missing = || MissingProgramError::Ours { program, folder: binaries.display().to_string() };
        let mut command = Command::new(binaries.join(program));
        found.push(version(program, command.arg("--version")).ok_or_else(missing)?);
    }
    Ok(found)
}

fn version(name: &'static str, command: &mut Command) -> Option<Program> {
    let output = command.output().ok()?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let version = said.lines().next()?.split(" (").next()?.to_owned();
    ui::step(&version);
    Some(Program { name, version })
}

struct Need {
    name: &'static str,
    path: &'static str,
    package: &'static str,
    ask: &'static str,
    peers: &'static [Kind],
}

/// Their folder is not on everyone's path.
pub(super) const NGINX: &str = "/usr/sbin/nginx";
pub(super) const CLIENT: &str = "anonicloud";
pub(crate) const SERVER: &str = "anonicloud-server";

const OURS: [&str; 2] = [CLIENT, SERVER];
/// Named in `nginx.conf.in` too.
const DAV_MODULE: &str = "/usr/lib/nginx/modules/ngx_http_dav_ext_module.so";
const NEEDS: [Need; 4] = [
    Need { name: "curl", path: "curl", package: "curl", ask: "--version", peers: &[Kind::Curl] },
    Need { name: "nginx", path: NGINX, package: "nginx", ask: "-v", peers: &[Kind::Curl, Kind::Rclone] },
    Need { name: "rclone", path: "rclone", package: "rclone", ask: "version", peers: &[Kind::Rclone, Kind::Restic] },
    Need { name: "restic", path: "restic", package: "restic", ask: "version", peers: &[Kind::Restic] },
];
