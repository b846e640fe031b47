//! The commands that arrange what is there.

use anonicloud_e2e::content;
use anonicloud_e2e::device::{Arguments, Device};
use anonicloud_e2e::wire::Kind;
use anonicloud_e2e::world::World;

fn names(device: &Device, arguments: Arguments<'_>) -> Vec<String> {
    let listing = device.json(arguments);
    let items = listing["items"].as_array().unwrap();
    items.iter().map(|item| item["path"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_is_there_is_arranged_without_sending_it_again() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let folder = world.folder("Photos");
    content::write(&folder.join("a.jpg"), 1, 5 << 20);
    content::write(&folder.join("b.jpg"), 2, 1000);
    laptop.json(&[&"put", &folder, &"/"]);
    let large_puts = || {
        let seen = world.wire().requests().into_iter();
        seen.filter(|seen| seen.kind == Kind::PutBlob && seen.body > 1 << 20).count()
    };
    let before = large_puts();

    laptop.json(&[&"mkdir", &"/Old"]);
    laptop.json(&[&"cp", &"/Photos", &"/Copy"]);
    laptop.json(&[&"mv", &"/Photos/a.jpg", &"/Old/"]);
    laptop.json(&[&"mv", &"/Old", &"/New"]);
    laptop.json(&[&"rm", &"/Photos/b.jpg"]);
    assert_eq!(laptop.refusal(&[&"rm", &"/Copy"]).code, "not_empty");
    assert_eq!(large_puts(), before);

    assert_eq!(
        names(&laptop, &[&"ls", &"-R", &"/"]),
        ["Copy", "Copy/a.jpg", "Copy/b.jpg", "New", "New/a.jpg", "Photos"]
    );
    let copied = laptop.stdout(&[&"get", &"/Copy/a.jpg", &"-"]);
    assert_eq!(copied, laptop.stdout(&[&"get", &"/New/a.jpg", &"-"]));
    assert_eq!(copied, content::bytes(1, 5 << 20));

    let stat = laptop.json(&[&"stat", &"/Copy"]);
    assert_eq!(
        (stat["kind"].as_str(), stat["size"].as_u64(), stat["files"].as_u64()),
        (Some("folder"), Some((5 << 20) + 1000), Some(2))
    );
    let usage = laptop.json(&[&"du", &"/Copy", &"/New"]);
    assert_eq!(
        (usage["totals"][0]["bytes"].as_u64(), usage["totals"][1]["bytes"].as_u64()),
        (Some((5 << 20) + 1000), Some(5 << 20))
    );
    let tree = String::from_utf8(laptop.stdout(&[&"tree", &"/"])).unwrap();
    assert!(tree.contains("a.jpg") && tree.contains("Copy"), "{tree}");

    laptop.json(&[&"rm", &"-r", &"/Copy"]);
    assert_eq!(laptop.refusal(&[&"get", &"/Copy", &folder]).code, "not_found");
    // Another device sees all of it.
    let phone = world.log_in("phone", "alice");
    assert_eq!(names(&phone, &[&"ls", &"/"]), ["New", "Photos"]);
}
