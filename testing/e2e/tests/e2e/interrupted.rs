//! Ctrl-C: what was done and what is left is said, and the command that goes on, which is pasted into a shell.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anonicloud_e2e::content::{self, Generated};
use anonicloud_e2e::device::{Device, Refusal, Running};
use anonicloud_e2e::tree::assert_same;
use anonicloud_e2e::wire::{Kind, Moment};
use anonicloud_e2e::world::World;
use serde_json::Value;

use crate::check::put;
use crate::transfer::{MIB, SEGMENT, assert_content};

const SIZE: u64 = 60 * MIB;
const GO_ON: &str = "go on with: ";

/// Stops a run that stands still at `moment`; gives what it said.
fn stopped(world: &World, mut run: Running, moment: Moment, signal: &str) -> Refusal {
    assert!(world.wire().wait_held(&mut run), "{moment:?} never came");
    run.signal(signal);
    let refusal = run.refusal();
    world.wire().cut();
    assert_eq!((refusal.exit, refusal.code.as_str()), (Some(130), "interrupted"), "{refusal:?}");
    refusal
}

/// Runs a line as a person does who pastes it.
fn paste(device: &Device, folder: &Path, line: &str) -> Output {
    let mut shell = Command::new("sh");
    shell.env_clear().env("HOME", device.state()).current_dir(folder);
    let output = shell.arg("-c").arg(line).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn line_of<'a>(refusal: &'a Refusal, before: &str) -> &'a str {
    let line = refusal.hint.split_once(before).map(|(_, line)| line);
    line.unwrap_or_else(|| panic!("no command in {:?}", refusal.hint))
}

/// A folder whose name and whose files a shell would take apart.
fn odd_folder(world: &World) -> PathBuf {
    let folder = world.folder("My $(files) & 'more'");
    content::write(&folder.join("large file"), 5, SIZE);
    fs_err::write(folder.join("left.o"), "out").unwrap();
    folder
}

#[test]
fn a_put_that_is_stopped_goes_on_by_the_line_it_prints() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice").with_options(&["--retry-for", "9", "--limit-rate", "1G"]);
    let folder = odd_folder(&world);
    let moment = Moment::Answer(Kind::PutBlob, 9);
    world.wire().hold(moment);
    let run = laptop.start(&[&"put", &"--exclude", &"*.o", &folder, &"/"]);
    let refusal = stopped(&world, run, moment, "INT");
    assert!(refusal.message.starts_with("interrupted: 0 files and "), "{refusal:?}");
    assert!(refusal.message.contains(" done, 1 file and ") && refusal.message.ends_with(" left"), "{refusal:?}");
    let line = line_of(&refusal, GO_ON);
    for kept in ["--retry-for 9", "--limit-rate 1G", "--exclude '*.o'", "--server http", "--state-dir", "--json"] {
        assert!(line.contains(kept), "{kept} is not in {line}");
    }
    let answer = paste(&laptop, Path::new("/"), line);
    let answer = String::from_utf8(answer.stdout).unwrap();
    assert!(answer.contains("\"files\":1"), "{answer}");
    let name = folder.file_name().unwrap().to_str().unwrap();
    assert_content(&laptop, &format!("/{name}/large file"), Generated::new(5, SIZE));
    assert_eq!((laptop.waiting(), laptop.reserved()), (0, 0));
    // What was sent before is not sent again: eight were under way.
    let puts = world.wire().requests().iter().filter(|seen| seen.kind == Kind::PutBlob).count() as u64;
    assert!(puts <= SIZE.div_ceil(4 * MIB) + 1 + 8, "{puts}");
    let refusal = laptop.refusal(&[&"get", &format!("/{name}/left.o"), &"-"]);
    assert_eq!(refusal.code, "not_found");
}

#[test]
fn resume_that_is_stopped_goes_on_by_the_line_it_prints() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let folder = odd_folder(&world);
    let moment = Moment::Answer(Kind::PutBlob, 3);
    world.wire().hold(moment);
    let run = laptop.start(&[&"put", &folder.join("large file"), &"/film"]);
    stopped(&world, run, moment, "TERM");
    let moment = Moment::Answer(Kind::PutBlob, 2);
    world.wire().hold(moment);
    let run = laptop.start(&[&"resume"]);
    let refusal = stopped(&world, run, moment, "TERM");
    paste(&laptop, Path::new("/"), line_of(&refusal, GO_ON));
    assert_content(&laptop, "/film", Generated::new(5, SIZE));
    assert_eq!((laptop.waiting(), laptop.reserved()), (0, 0));
}

#[test]
fn a_get_that_is_stopped_goes_on_by_the_line_it_prints() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let folder = odd_folder(&world);
    laptop.json(&[&"put", &folder, &"/odd"]);
    let back = world.folder("back");
    let moment = Moment::Answer(Kind::GetBlob, 12);
    world.wire().hold(moment);
    let mut command = laptop.command(&[&"get", &"/odd", &"here"]);
    // What the environment of this run says is in the line too.
    command.env("ANONICLOUD_RETRY_FOR", "7").current_dir(&back);
    let refusal = stopped(&world, Device::start_command(command), moment, "INT");
    let line = line_of(&refusal, GO_ON);
    assert!(line.contains("--retry-for=7"), "{line}");
    paste(&laptop, &back, line);
    assert_same(&folder, &back.join("here"));
}

#[test]
fn a_check_that_is_stopped_says_how_far_it_came_and_nothing_of_the_rest() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    laptop.json(&[&"put", &odd_folder(&world), &"/odd"]);
    let moment = Moment::Answer(Kind::GetBlob, 12);
    world.wire().hold(moment);
    let run = laptop.start(&[&"check"]);
    let refusal = stopped(&world, run, moment, "INT");
    assert!(refusal.message.contains(" done, ") && refusal.message.ends_with(" left"), "{refusal:?}");
    assert!(!format!("{refusal:?}").contains("as stored"), "{refusal:?}");
    let answer = paste(&laptop, Path::new("/"), line_of(&refusal, "begin again with: "));
    let answer = String::from_utf8(answer.stdout).unwrap();
    assert!(answer.contains("\"findings\":[]") && answer.contains("\"complete\":true"), "{answer}");
}

#[test]
fn a_check_that_is_stopped_tells_a_program_what_it_found_until_then() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice").with_options(&["--retry-for", "0"]);
    let blobs = put(&world, &laptop, "film", SEGMENT);
    laptop.json(&[&"mkdir", &"/folder"]);
    fs_err::remove_file(&blobs[0]).unwrap();
    // The root, the record, the content that is gone; then the folder.
    let moment = Moment::Answer(Kind::GetBlob, 4);
    world.wire().hold(moment);
    let mut run = laptop.start(&[&"check"]);
    assert!(world.wire().wait_held(&mut run), "it never came");
    run.signal("INT");
    let output = run.wait();
    world.wire().cut();
    assert_eq!(output.status.code(), Some(130));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&answer["complete"], &answer["files"]), (&Value::Bool(false), &1.into()), "{answer}");
    let finding = &answer["findings"][0];
    assert_eq!((finding["damage"].as_str(), finding["path"].as_str()), (Some("missing"), Some("/film")), "{answer}");
}

#[test]
fn a_get_to_stdout_that_is_stopped_prints_no_line_that_would_begin_in_the_middle() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    laptop.json(&[&"put", &odd_folder(&world).join("large file"), &"/film"]);
    let moment = Moment::Answer(Kind::GetBlob, 3);
    world.wire().hold(moment);
    let refusal = stopped(&world, laptop.start(&[&"get", &"/film", &"-"]), moment, "INT");
    assert_eq!(refusal.hint, "what went to stdout cannot go on: run the same command again, from its start");
}
