//! What the demo does, in order.

use super::{
    DemoError, compare,
    world::{Device, HANDLE, LARGE_FILE_SIZE, World},
};
use crate::{shell, ui};
use std::{path::Path, process::Command, thread, time::Duration};

/// How many lines of each side are shown.
const SHOWN_LINES: usize = 16;

/// A fresh account on the first device, the same account on the second.
pub(super) fn sign_up(world: &World<'_>) -> Result<(), DemoError> {
    ui::step("signing up on the laptop, logging in on the phone");
    let mut signup = account_command(world, Device::Laptop, "signup");
    signup.arg("--recovery-file").arg(world.path("recovery-words"));
    shell::run(signup)?;
    Ok(shell::run(account_command(world, Device::Phone, "login"))?)
}

fn account_command(world: &World<'_>, device: Device, subcommand: &str) -> Command {
    let mut command = world.client(device);
    command.args([subcommand, "--handle", HANDLE, "--password-file"]).arg(world.path("password"));
    command
}

/// Thousands of small files.
pub(super) fn send_folder(world: &World<'_>) -> Result<(), DemoError> {
    ui::step("sending a folder");
    Ok(shell::run(put(world, &world.sent_folder()))?)
}

fn put(world: &World<'_>, path: &Path) -> Command {
    let mut command = world.client(Device::Laptop);
    command.arg("put").arg(path).arg("/");
    command
}

/// The client, then the server, die at 85 % of the file; both start again and finish.
pub(super) fn send_large_file_through_kills(world: &mut World<'_>) -> Result<(), DemoError> {
    ui::step("sending 1 GiB, killing client and server at 85 %");
    let before = world.bytes_sent();
    let mut client = put(world, &world.sent_large_file()).spawn()?;
    while world.bytes_sent() - before < LARGE_FILE_SIZE / 100 * 85 {
        if let Some(status) = client.try_wait()? {
            return Err(DemoError::NotInterrupted(status));
        }
        thread::sleep(Duration::from_millis(5));
    }
    client.kill()?;
    client.wait()?;
    world.kill_server()?;
    let until_kill = world.bytes_sent() - before;
    ui::line(&format!("both killed after {} MiB", until_kill >> 20));

    world.start_server()?;
    let mut resume = world.client(Device::Laptop);
    resume.arg("resume");
    shell::run(resume)?;
    let total = world.bytes_sent() - before;
    ui::line(&format!("{} MiB sent afterwards", (total - until_kill) >> 20));
    let twice = total.saturating_sub(LARGE_FILE_SIZE);
    ui::line(&format!("{} MiB sent twice, what the protocol itself needs included", twice >> 20));
    Ok(())
}

/// Everything back on a device that never saw the files, compared byte by byte.
pub(super) fn get_on_the_second_device(world: &World<'_>) -> Result<(), DemoError> {
    ui::step("getting everything on the phone");
    for path in ["/Sources", "/large.bin"] {
        let mut get = world.client(Device::Phone);
        get.arg("get").arg(path).arg(world.path("got"));
        shell::run(get)?;
    }
    let same = compare::trees(&world.path("sent"), &world.path("got"))?;
    ui::line(&format!("{} files, {} bytes: every byte is the same", same.files, same.bytes));
    Ok(())
}

/// The same account, as its owner sees it and as the server has it.
pub(super) fn show_both_sides(world: &World<'_>) -> Result<(), DemoError> {
    ui::step("what you see | what the server has");
    let mut tree = world.client(Device::Phone);
    tree.args(["tree", "/"]);
    let seen = String::from_utf8_lossy(&shell::capture(tree)?).into_owned();
    let seen: Vec<String> = seen.lines().take(SHOWN_LINES).map(str::to_owned).collect();
    let mut stored = Vec::new();
    list(&world.data(), &world.data(), &mut stored)?;
    for row in 0..SHOWN_LINES {
        let cell = |side: &[String]| side.get(row).cloned().unwrap_or_default();
        ui::columns(&cell(&seen), &cell(&stored));
    }
    Ok(())
}

/// Adds the size and name of files below a folder, until there are enough to show.
fn list(root: &Path, folder: &Path, lines: &mut Vec<String>) -> Result<(), DemoError> {
    for entry in fs_err::read_dir(folder)? {
        let path = entry?.path();
        if lines.len() == SHOWN_LINES {
            break;
        }
        if path.is_dir() {
            list(root, &path, lines)?;
        } else {
            let size = fs_err::metadata(&path)?.len();
            lines.push(format!("{size:>9} {}", path.strip_prefix(root).unwrap_or(&path).display()));
        }
    }
    Ok(())
}
