//! A server that was put back from a backup: each device stops, keeps what it was shown, and goes on when its person says so.

use std::path::Path;

use anonicloud_e2e::device::{Arguments, Device};
use anonicloud_e2e::server::Server;
use anonicloud_e2e::wire::{Kind, Moment};
use anonicloud_e2e::world::World;
use serde_json::Value;

use crate::devices::{copy, make, names};

/// The server with what it had when `backup` was made.
pub(crate) fn put_back(world: &mut World, backup: &Path) {
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
pub(crate) fn refuses_to_write(world: &World, device: &Device) {
    let before = world.wire().requests().len();
    let commands: [Arguments<'_>; 10] = [
        &[&"mkdir", &"/never"],
        &[&"put", &"/dev/null", &"/never"],
        &[&"cp", &"/kept", &"/never"],
        &[&"mv", &"/kept", &"/never"],
        &[&"rm", &"-r", &"/kept"],
        &[&"reclaim"],
        &[&"put", &"-", &"/never"],
        &[&"resume"],
        &[&"resume", &"--from", &"/dev/null"],
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
    // A loss is not accepted when the evidence cannot be written.
    let accept_and_write: Arguments<'_> = &[&"halt", &"--accept-loss", &"--yes", &"--output", &file];
    assert_eq!(laptop.refusal(accept_and_write).code, "evidence_unwritten");
    refuses_to_write(&world, &laptop);
    fs_err::remove_file(&file).unwrap();
    let answer = laptop.json(accept_and_write);
    assert!(!answer["halts"][0]["accepted"].is_null(), "{answer}");
    let evidence: Value = serde_json::from_slice(&fs_err::read(&file).unwrap()).unwrap();
    for part in ["halted", "halts"] {
        assert_eq!(evidence[part], answer[part], "{part}");
    }
    // It names no file.
    assert_eq!((evidence.get("lost"), &answer["lost"]), (None, &serde_json::json!([])));
    make(&laptop, &["/c"]);
    assert_eq!(names(&laptop), ["a", "b", "c"]);
}

/// The laptop has read a change of a tablet that came after the backup, which was put back.
fn without_the_tablet(world: &mut World) -> [Device; 2] {
    let laptop = world.sign_up("laptop", "alice");
    world.kill_server();
    let backup = world.path("backup");
    copy(world.server().data(), &backup);
    world.start_server();
    let tablet = world.log_in("tablet", "alice");
    make(&tablet, &["/lost"]);
    assert_eq!(names(&laptop), ["lost"]);
    put_back(world, &backup);
    [laptop, tablet]
}

/// Neither may go on: a change of theirs would bring the tablet's link, which nobody who is enrolled now could take.
fn sign_in_anew(world: &World, [laptop, tablet]: [Device; 2]) -> [Device; 2] {
    for (device, code) in [(&laptop, "account_rolled_back"), (&tablet, "device_unknown")] {
        assert_eq!(device.refusal(&[&"ls", &"/"]).code, "rolled_back");
        let refusal = device.refusal(&[&"halt", &"--accept-loss", &"--yes"]);
        assert_eq!(refusal.code, code, "{refusal:?}");
        assert!(refusal.hint.contains("`logout`") && refusal.hint.contains("`login`"), "{refusal:?}");
        refuses_to_write(world, device);
        device.json(&[&"logout"]);
    }
    [world.log_in("laptop", "alice"), world.log_in("tablet", "alice")]
}

#[test]
fn who_knows_a_device_that_is_lost_signs_in_anew_before_others_come() {
    let mut world = World::new();
    let devices = without_the_tablet(&mut world);
    let [laptop, tablet] = sign_in_anew(&world, devices);
    make(&laptop, &["/a"]);
    make(&tablet, &["/b"]);
    let phone = world.log_in("phone", "alice");
    make(&phone, &["/c"]);
    for device in [&laptop, &tablet, &phone] {
        assert_eq!(names(device), ["a", "b", "c"]);
    }
}

#[test]
fn who_knows_a_device_that_is_lost_signs_in_anew_after_another_took_its_place() {
    let mut world = World::new();
    let devices = without_the_tablet(&mut world);
    let phone = world.log_in("phone", "alice");
    make(&phone, &["/a"]);
    let [laptop, tablet] = sign_in_anew(&world, devices);
    make(&tablet, &["/b"]);
    make(&laptop, &["/c"]);
    for device in [&laptop, &tablet, &phone] {
        assert_eq!(names(device), ["a", "b", "c"]);
    }
}

/// Nothing contradicts what the tablet read. Its first change would bring its link all the same.
#[test]
fn who_is_lost_and_read_nothing_since_writes_nothing() {
    let mut world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    make(&laptop, &["/a"]);
    world.kill_server();
    let backup = world.path("backup");
    copy(world.server().data(), &backup);
    world.start_server();
    let tablet = world.log_in("tablet", "alice");
    put_back(&mut world, &backup);
    assert_eq!(names(&tablet), ["a"]);
    let refusal = tablet.refusal(&[&"mkdir", &"/never"]);
    assert_eq!(refusal.code, "device_unknown", "{refusal:?}");
    let large = world.path("large");
    fs_err::write(&large, vec![1; 5 << 20]).unwrap();
    let before = world.wire().requests().len();
    assert_eq!(tablet.refusal(&[&"put", &large, &"/never"]).code, "device_unknown");
    // Nothing of it was sent.
    let kinds = world.wire().requests().into_iter().skip(before).map(|seen| seen.kind);
    assert!(kinds.clone().all(|kind| [Kind::Head, Kind::Other].contains(&kind)), "{:?}", kinds.collect::<Vec<_>>());
    assert!(refusal.hint.contains("`logout`") && refusal.hint.contains("`login`"), "{refusal:?}");
    let phone = world.log_in("phone", "alice");
    make(&phone, &["/b"]);
    assert_eq!(tablet.refusal(&[&"mkdir", &"/never"]).code, "device_unknown");
    tablet.json(&[&"logout"]);
    let tablet = world.log_in("tablet", "alice");
    make(&tablet, &["/c"]);
    for device in [&laptop, &tablet, &phone, &world.log_in("watch", "alice")] {
        assert_eq!(names(device), ["a", "b", "c"]);
    }
}

/// An `ls` has an answer on its way while another one of the same device is shown another history.
#[test]
fn two_processes_that_are_shown_two_histories_keep_the_proof() {
    let mut world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let (tablet, phone) = (world.log_in("tablet", "alice"), world.log_in("phone", "alice"));
    make(&tablet, &["/a"]);
    assert_eq!(names(&phone), names(&laptop));
    world.kill_server();
    let folder = world.folder("other");
    copy(world.server().data(), &folder.join("data"));
    world.start_server();
    let other = Server::start(&folder, &["--sign-up", "open"]);
    let there = |device: &Device| device.clone().at(format!("http://{}", other.address()));
    make(&tablet, &["/b"]);
    // After a challenge and a session, what was asked of the log.
    world.wire().hold(Moment::Answer(Kind::Other, 3));
    let mut first = laptop.start(&[&"ls", &"/"]);
    assert!(world.wire().wait_held(&mut first));
    make(&there(&phone), &["/c"]);
    assert_eq!(names(&there(&laptop)), ["a", "c"]);
    world.wire().release();
    assert_eq!(first.refusal().code, "rolled_back");
    let answer = laptop.json(&[&"halt"]);
    assert_eq!((&answer["halted"], &answer["halts"][0]["contradiction"]), (&Value::Bool(true), &"replaced".into()));
    assert_eq!(names(&there(&laptop)), ["a", "c"]);
    refuses_to_write(&world, &laptop);
}
