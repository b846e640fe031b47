//! Several devices of one account, and uploads that nobody finishes.

use anonicloud_e2e::content::{self, Generated};
use anonicloud_e2e::device::Device;
use anonicloud_e2e::wire::{Kind, Moment};
use anonicloud_e2e::world::World;

use crate::transfer::{MIB, assert_content};

fn names(device: &Device) -> Vec<String> {
    let listing = device.json(&[&"ls", &"/shared"]);
    let items = listing["items"].as_array().unwrap();
    items.iter().map(|item| item["path"].as_str().unwrap().to_owned()).collect()
}

/// An upload that was cut at any step and never taken up again is in nobody's way: another device puts another file there.
#[test]
fn p4_an_abandoned_upload_blocks_no_name() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let tablet = world.log_in("tablet", "alice");
    let (left, right) = (world.path("left"), world.path("right"));
    content::write(&left, 1, 24 * MIB);
    content::write(&right, 2, 12 * MIB + 5);
    let moments = [
        Moment::Arrives(Kind::OpenUpload, 1),
        Moment::Arrives(Kind::Ticket, 1),
        Moment::Answer(Kind::Ticket, 1),
        Moment::Body(Kind::PutBlob, 2, MIB),
        Moment::Answer(Kind::PutBlob, 6),
        Moment::Body(Kind::PutBlob, 7, 10),
        Moment::Arrives(Kind::Commit, 1),
        Moment::Answer(Kind::Commit, 1),
    ];
    for (number, moment) in moments.into_iter().enumerate() {
        let path = format!("/p4-{number}");
        world.wire().hold(moment);
        let mut run = laptop.start(&[&"put", &left, &path]);
        assert!(world.wire().wait_held(&mut run), "{moment:?} never came");
        run.kill();
        world.wire().cut();
        tablet.json(&[&"put", &right, &path]);
        assert_content(&tablet, &path, Generated::new(2, 12 * MIB + 5));
    }
}

#[test]
fn two_devices_write_into_one_folder_at_once() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let tablet = world.log_in("tablet", "alice");
    laptop.json(&[&"mkdir", &"/shared"]);
    tablet.json(&[&"ls", &"/"]);
    let (left, right) = (world.path("left"), world.path("right"));
    content::write(&left, 1, 5 * MIB);
    content::write(&right, 2, 3000);

    // The laptop is about to commit when the tablet does.
    world.wire().hold(Moment::Arrives(Kind::Commit, 1));
    let mut run = laptop.start(&[&"put", &left, &"/shared/left"]);
    assert!(world.wire().wait_held(&mut run));
    let direct = tablet.at(format!("http://{}", world.server().address()));
    direct.json(&[&"put", &right, &"/shared/right"]);
    world.wire().release();
    run.json();

    assert_eq!(names(&direct), ["left", "right"]);
    assert_content(&direct, "/shared/left", Generated::new(1, 5 * MIB));
    assert_content(&laptop, "/shared/right", Generated::new(2, 3000));
}

#[test]
fn two_devices_write_one_file_at_once_and_both_stay() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let tablet = world.log_in("tablet", "alice");
    laptop.json(&[&"mkdir", &"/shared"]);
    let (left, right) = (world.path("left"), world.path("right"));
    content::write(&left, 1, 5 * MIB);
    content::write(&right, 2, 3000);

    world.wire().hold(Moment::Arrives(Kind::Commit, 1));
    let mut run = laptop.start(&[&"put", &left, &"/shared/same.txt"]);
    assert!(world.wire().wait_held(&mut run));
    let direct = tablet.at(format!("http://{}", world.server().address()));
    direct.json(&[&"put", &right, &"/shared/same.txt"]);
    world.wire().release();
    run.json();

    let names = names(&direct);
    assert_eq!(names.len(), 2, "{names:?}");
    let sizes: Vec<usize> =
        names.iter().map(|name| direct.stdout(&[&"get", &format!("/shared/{name}"), &"-"]).len()).collect();
    assert!(sizes.contains(&(5 << 20)) && sizes.contains(&3000), "{names:?} {sizes:?}");
}

/// The second goes on with what the first has sent; the first finds all done, and says nothing of it.
#[test]
fn two_devices_send_one_file_at_once() {
    for moment in
        [Moment::Arrives(Kind::PutBlob, 9), Moment::Answer(Kind::PutBlob, 12), Moment::Arrives(Kind::Commit, 1)]
    {
        let world = World::new();
        let laptop = world.sign_up("laptop", "alice");
        let tablet = world.log_in("tablet", "alice").at(format!("http://{}", world.server().address()));
        let source = world.path("source");
        content::write(&source, 1, 80 * MIB);
        world.wire().hold(moment);
        let mut run = laptop.start(&[&"put", &source, &"/film"]);
        assert!(world.wire().wait_held(&mut run), "{moment:?} never came");
        tablet.json(&[&"put", &source, &"/film"]);
        world.wire().release();
        let answer = run.json();
        assert_eq!(answer["conflicts"].as_array().unwrap().len(), 0, "{moment:?}");
        assert_eq!(tablet.json(&[&"ls", &"/"])["items"].as_array().unwrap().len(), 1, "{moment:?}");
        assert_content(&laptop, "/film", Generated::new(1, 80 * MIB));
        assert_eq!((laptop.waiting(), laptop.reserved()), (0, 0), "{moment:?}");
    }
}
