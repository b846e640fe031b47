//! What a device keeps of the tree: it asks the server for the head alone while nothing changed, and answers without it.

use anonicloud_e2e::device::{Arguments, Device};
use anonicloud_e2e::wire::Kind;
use anonicloud_e2e::world::World;

const LOOKS: &[&[&str]] = &[
    &["ls", "-l", "/"],
    &["ls", "-R", "-0", "/Photos"],
    &["tree"],
    &["find", "--type", "f", "--larger", "1K"],
    &["find", "/Photos", "--name", "*.jp{g,eg}"],
    &["find", "/Photos/a.jpg"],
    &["find", "--newer", "2001-09-08", "--type", "l"],
    &["stat", "/Photos/Old"],
    &["du", "/", "/Photos"],
    &["ls", "--json", "/Photos"],
    &["find", "--json"],
];

fn look(device: &Device, look: &[&str], more: Arguments<'_>) -> String {
    let words: Vec<&dyn AsRef<std::ffi::OsStr>> = look.iter().map(|word| word as _).collect();
    String::from_utf8(device.stdout(&[&*words, more].concat())).unwrap()
}

fn looks(device: &Device, more: Arguments<'_>) -> Vec<String> {
    LOOKS.iter().map(|words| look(device, words, more)).collect()
}

/// A device that put a few folders.
fn filled(world: &World) -> Device {
    let laptop = world.sign_up("laptop", "alice");
    let photos = world.folder("Photos");
    fs_err::create_dir_all(photos.join("Old")).unwrap();
    fs_err::write(photos.join("a.jpg"), vec![7; 3000]).unwrap();
    fs_err::write(photos.join("Old/b.jpeg"), "b").unwrap();
    fs_err::write(photos.join("Old/c.txt"), "c").unwrap();
    std::os::unix::fs::symlink("a.jpg", photos.join("link")).unwrap();
    laptop.json(&[&"put", &photos, &"/"]);
    laptop
}

#[test]
fn a_device_answers_without_the_server_as_it_did_with_it() {
    let mut world = World::new();
    let laptop = filled(&world);
    let phone = world.log_in("phone", "alice");
    let (of_laptop, of_phone) = (looks(&laptop, &[]), looks(&phone, &[]));
    assert_eq!(of_laptop, of_phone);
    assert_eq!(of_laptop[3], "/Photos/a.jpg\n");
    assert_eq!(of_laptop[4], "/Photos/Old/b.jpeg\n/Photos/a.jpg\n");
    assert_eq!(of_laptop[5], "/Photos/a.jpg\n");
    assert_eq!(of_laptop[6], "/Photos/link\n");
    let requests = world.wire().requests().len();
    assert_eq!(looks(&laptop, &[&"--offline"]), of_laptop);
    assert_eq!(world.wire().requests().len(), requests, "nothing is asked");
    world.kill_server();
    assert_eq!(looks(&laptop, &[&"--offline"]), of_laptop);
    assert_eq!(looks(&phone, &[&"--offline"]), of_laptop);
    let refusal = laptop.refusal(&[&"ls", &"/none", &"--offline"]);
    assert_eq!(refusal.code, "not_found");
}

#[test]
fn what_a_device_never_saw_it_does_not_answer_without_the_server() {
    let mut world = World::new();
    let laptop = filled(&world);
    let phone = world.log_in("phone", "alice");
    phone.json(&[&"ls", &"/"]);
    laptop.json(&[&"mkdir", &"/New"]);
    world.kill_server();
    let names = String::from_utf8(phone.stdout(&[&"ls", &"--offline"])).unwrap();
    assert_eq!(names, "Photos\n", "as of when it looked");
    let refusal = phone.refusal(&[&"tree", &"--offline"]);
    assert_eq!((&*refusal.code, refusal.exit), ("not_kept", Some(8)), "{}", refusal.message);
}

#[test]
fn a_look_asks_for_the_head_and_nothing_else_when_nothing_changed() {
    let world = World::new();
    let laptop = filled(&world);
    let phone = world.log_in("phone", "alice");
    phone.json(&[&"tree"]);
    for device in [&laptop, &phone] {
        let before = world.wire().requests().len();
        device.json(&[&"tree"]);
        device.json(&[&"ls", &"/Photos/Old"]);
        let requests = world.wire().requests().split_off(before);
        let lines: Vec<_> = requests.iter().map(|seen| seen.line.rsplit('/').next().unwrap_or_default()).collect();
        let once = ["start", "finish", "head"];
        assert_eq!(lines, [once, once].concat(), "{requests:?}");
    }
    // What another device changed is fetched, and only that.
    laptop.json(&[&"mv", &"/Photos/Old/c.txt", &"/Photos/Old/d.txt"]);
    let before = world.wire().requests().len();
    phone.json(&[&"tree"]);
    let requests = world.wire().requests().split_off(before);
    let blobs = requests.iter().filter(|seen| seen.kind == Kind::GetBlob).count();
    assert_eq!(blobs, 3, "the root, Photos and Old: {requests:?}");
}
