//! A server that was put back from a backup: each device stops, keeps what it was shown, and goes on when its person says so.

use std::path::Path;

use anonicloud_e2e::device::{Arguments, Device};
use anonicloud_e2e::wire::{Kind, Moment};
use anonicloud_e2e::world::World;
use serde_json::Value;

use crate::devices::{copy, make, names};

/// The server with what it had when `backup` was made.
fn put_back(world: &mut World, backup: &Path) {
    world.kill_server();
    let data = world.server().data().to_owned();
    fs_err::remove_dir_all(&data).unwrap();
    copy(backup, &data);
    world.start_server();
}

fn accept(device: &Device) -> Value {
    device.json(&[&"halt", &"--accept-loss", &"--yes"])
}

/// A write is refused before anything is sent.
fn refuses_to_write(world: &World, device: &Device) {
    let before = world.wire().requests().len();
    let commands: [Arguments<'_>; 8] = [
        &[&"mkdir", &"/never"],
        &[&"put", &"/dev/null", &"/never"],
        &[&"cp", &"/kept", &"/never"],
        &[&"mv", &"/kept", &"/never"],
        &[&"rm", &"-r", &"/kept"],
        &[&"reclaim"],
        &[&"resume"],
        &[&"watch", &"--upkeep"],
    ];
    for command in commands {
        let refusal = device.refusal(command);
        assert_eq!((refusal.code.as_str(), refusal.exit), ("space_halted", Some(9)), "{refusal:?}");
    }
    assert_eq!(world.wire().requests().len(), before);
}

fn code(device: &Device) -> String {
    device.json(&[&"state-code"])["code"].as_str().unwrap().to_owned()
}

/// The laptop made what is lost and was sending more, the tablet has seen it, the phone has not.
#[test]
fn after_a_backup_was_put_back_each_device_goes_on_when_its_person_accepts_the_loss() {
    let mut world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let (tablet, phone) = (world.log_in("tablet", "alice"), world.log_in("phone", "alice"));
    make(&laptop, &["/kept"]);
    assert_eq!((names(&tablet), names(&phone)), (vec!["kept".to_owned()], vec!["kept".to_owned()]));
    assert_eq!(code(&laptop), code(&phone));
    world.kill_server();
    let backup = world.path("backup");
    copy(world.server().data(), &backup);
    world.start_server();
    let source = world.path("source");
    fs_err::write(&source, "what was lost").unwrap();
    laptop.json(&[&"put", &source, &"/lost"]);
    assert_eq!(names(&tablet), ["kept", "lost"]);
    let unfinished = world.path("unfinished");
    fs_err::write(&unfinished, "what was being sent").unwrap();
    world.wire().hold(Moment::Arrives(Kind::Commit, 1));
    let mut put = laptop.start(&[&"put", &unfinished, &"/unfinished"]);
    assert!(world.wire().wait_held(&mut put));
    put.kill();
    put_back(&mut world, &backup);

    for device in [&laptop, &tablet] {
        let refusal = device.refusal(&[&"ls", &"/"]);
        assert_eq!((refusal.code.as_str(), refusal.exit), ("rolled_back", Some(9)));
        refuses_to_write(&world, device);
        assert_eq!(device.json(&[&"ls", &"--offline", &"/"])["items"].as_array().unwrap().len(), 2);
    }
    // The phone never knew more, and goes on.
    assert_eq!(names(&phone), ["kept"]);
    make(&phone, &["/new"]);
    for device in [&laptop, &tablet] {
        assert_eq!(device.refusal(&[&"halt", &"--accept-loss"]).code, "loss_unconfirmed");
        refuses_to_write(&world, device);
        let answer = accept(device);
        assert_eq!(answer["halted"], false, "{answer}");
        assert_eq!(answer["halts"][0]["contradiction"], "older");
        assert_eq!(names(device), ["kept", "new"]);
    }
    assert_eq!(laptop.json(&[&"resume"])["transfers"], 1);
    laptop.json(&[&"put", &source, &"/lost"]);
    make(&tablet, &["/of the tablet"]);
    for device in [&laptop, &tablet, &phone] {
        assert_eq!(names(device), ["kept", "lost", "new", "of the tablet", "unfinished"]);
        assert_eq!(device.stdout(&[&"get", &"/unfinished", &"-"]), b"what was being sent");
        assert_eq!(device.json(&[&"check"])["findings"].as_array().map(Vec::len), Some(0));
        assert_eq!(code(device), code(&phone));
    }
    laptop.json(&[&"reclaim"]);
    assert_eq!(names(&phone), names(&tablet));
}

#[test]
fn the_evidence_is_kept_when_the_server_is_right_again() {
    let mut world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    make(&laptop, &["/a"]);
    world.kill_server();
    let (before, after) = (world.path("before"), world.path("after"));
    copy(world.server().data(), &before);
    world.start_server();
    make(&laptop, &["/b"]);
    world.kill_server();
    copy(world.server().data(), &after);
    world.start_server();
    put_back(&mut world, &before);
    assert_eq!(laptop.refusal(&[&"ls", &"/"]).code, "rolled_back");
    put_back(&mut world, &after);
    assert_eq!(names(&laptop), ["a", "b"]);
    refuses_to_write(&world, &laptop);
    let file = world.path("evidence.json");
    let answer = laptop.json(&[&"halt", &"--output", &file]);
    assert_eq!((&answer["halted"], &answer["halts"][0]["accepted"]), (&Value::Bool(true), &Value::Null));
    let evidence: Value = serde_json::from_slice(&fs_err::read(&file).unwrap()).unwrap();
    assert_eq!(evidence, answer);
    for seen in ["known", "shown"] {
        // A signed header.
        assert_eq!(evidence["halts"][0][seen]["header"].as_str().map(str::len), Some(320), "{seen}");
    }
    assert_eq!(laptop.refusal(&[&"halt", &"--output", &file]).code, "evidence_unwritten");
    accept(&laptop);
    make(&laptop, &["/c"]);
    assert_eq!(names(&laptop), ["a", "b", "c"]);
}
