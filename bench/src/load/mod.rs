//! Many clients at once: `cargo xtask bench --only load`.
//!
//! Each is a whole client of the library with an account and a state folder of its own. All of them send a file of 64 KiB
//! at the same moment, several times over, while the store holds more and more files.

mod client;
mod counted;
mod figures;
mod limits;

use crate::{
    arguments::Arguments,
    identity::Identity,
    peers::{PASSWORD, QUOTA, SERVER, listening_url},
    place::Place,
    service::{self, Service},
    ui,
};
use client::{Crowd, Failed};
use figures::Figures;
use std::{fmt::Write as _, path::Path, process::Command};

/// Prepares the accounts, then measures with each number of stored files. Gives the table.
///
/// # Errors
/// When the server does not come up, or the accounts cannot be made. A file that is not stored is counted, not an error.
pub(crate) fn run(arguments: &Arguments, place: &Place, binaries: &Path) -> Result<String, Failed> {
    limits::raise_for(arguments.clients)?;
    let identity = Identity::make(&place.folder().join("tls"))?;
    let mut command = Command::new(binaries.join(SERVER));
    command.args(["serve", "--listen", "127.0.0.1:0", "--quota", QUOTA, "--sign-up", "open"]);
    command.arg("--data-dir").arg(place.folder().join("store"));
    command.arg("--tls-cert").arg(&identity.certificate).arg("--tls-key").arg(&identity.key);
    let (server, url) = Service::start(command, service::log_in(place.folder()), listening_url)?;
    let crowd = Crowd::new(place.folder().join("clients"), url, identity.authority, arguments.clients);
    ui::step(&format!("making {} accounts, each with Argon2id over 64 MiB", arguments.clients));
    crowd.sign_up(PASSWORD)?;
    let mut table = format!(
        "{} clients at once, each with an account and a device of its own, send a file of 64 KiB {} times.\n\n\
         | Files stored | Errors | p50 | p99 | Slowest | Files a second | Requests a file | Server CPU a request | Server memory |\n\
         |---|---|---|---|---|---|---|---|---|\n",
        arguments.clients, arguments.times
    );
    let mut stored = 0;
    for wanted in &arguments.stored {
        ui::step(&format!("filling the store with {wanted} files"));
        stored += crowd.fill(wanted.saturating_sub(stored))?;
        place.sync()?;
        ui::step(&format!("{} clients at once", arguments.clients));
        server.reset_peak();
        let before = server.processor_seconds();
        let told = crowd.send(arguments.times)?;
        let figures = Figures::of(&told, server.processor_seconds() - before, server.peak());
        writeln!(table, "| {stored} {figures}")?;
        ui::step(&figures.to_string());
        for failure in told.failures.iter().take(5) {
            ui::step(failure);
        }
        stored += told.took.len() as u64;
    }
    Ok(table)
}
