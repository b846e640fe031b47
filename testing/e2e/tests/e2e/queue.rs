//! The queue of transfers: what one leaves at the server is not another one's to end, and nothing is left for good.

use std::path::Path;

use anonicloud_e2e::content::{self, Generated};
use anonicloud_e2e::device::{Arguments, Device};
use anonicloud_e2e::wire::{Kind, Moment};
use anonicloud_e2e::world::World;

use crate::transfer::{MIB, assert_content};

const SIZE: u64 = 80 * MIB;

fn cut(world: &World, device: &Device, put: Arguments<'_>, moment: Moment) {
    world.wire().hold(moment);
    let mut run = device.start(put);
    assert!(world.wire().wait_held(&mut run), "{moment:?} never came");
    run.kill();
    world.wire().cut();
}

#[test]
fn the_end_of_a_transfer_leaves_a_nearer_one_alone() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let (film, videos) = (world.path("film"), world.folder("Videos"));
    content::write(&film, 7, SIZE);
    content::write(&videos.join("clip"), 8, 5 * MIB);
    laptop.json(&[&"mkdir", &"/Videos"]);
    cut(&world, &laptop, &[&"put", &film, &"/Videos/"], Moment::Answer(Kind::PutBlob, 13));
    laptop.json(&[&"put", &videos, &"/"]);
    // Nor does giving up another one that covers it.
    cut(&world, &laptop, &[&"put", &videos.join("."), &"/"], Moment::Arrives(Kind::Commit, 1));
    let status = laptop.json(&[&"status"]);
    let transfers = status["transfers"].as_array().unwrap();
    let wide = transfers.iter().find(|transfer| transfer["sources"][0]["remote"] == "/").unwrap();
    laptop.json(&[&"cancel", &wide["id"].as_str().unwrap()]);
    assert_eq!(laptop.waiting(), 1);
    let answer = laptop.json(&[&"resume"]);
    assert!(answer["bytes_transferred"].as_u64().unwrap() <= SIZE - 5 * 4 * MIB, "{answer}");
    assert_content(&laptop, "/Videos/film", Generated::new(7, SIZE));
    assert_eq!((laptop.waiting(), laptop.reserved()), (0, 0));
}

/// Files of a few MiB have blobs of their own in the upload of their job: another job that sends one of them keeps off it.
#[test]
fn a_file_that_is_sent_by_itself_leaves_the_job_that_began_it_alone() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let folder = world.folder("folder");
    for number in 0..3 {
        content::write(&folder.join(number.to_string()), number, 2 * MIB);
    }
    cut(&world, &laptop, &[&"put", &folder, &"/"], Moment::Arrives(Kind::Commit, 1));
    laptop.json(&[&"put", &folder.join("0"), &"/folder/0"]);
    assert_eq!(laptop.waiting(), 1);
    let answer = laptop.json(&[&"resume"]);
    assert!(answer["bytes_transferred"].as_u64().unwrap() < MIB, "{answer}");
    for number in 0..3 {
        assert_content(&laptop, &format!("/folder/{number}"), Generated::new(number, 2 * MIB));
    }
    assert_eq!((laptop.waiting(), laptop.reserved()), (0, 0));
}

#[test]
fn a_stream_that_was_cut_leaves_nothing() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let input = world.path("input");
    content::write(&input, 1, 40 * MIB);
    let cut = || {
        world.wire().hold(Moment::Answer(Kind::PutBlob, 3));
        let file = fs_err::File::open(&input).unwrap().into_file();
        let mut run = laptop.start_reading(&[&"put", &"-", &"/stream"], file);
        assert!(world.wire().wait_held(&mut run));
        run.kill();
        world.wire().cut();
        assert!(laptop.reserved() > 0);
    };
    cut();
    let status = laptop.json(&[&"status"]);
    let id = status["transfers"][0]["id"].as_str().unwrap();
    laptop.json(&[&"cancel", &id]);
    assert_eq!((laptop.waiting(), laptop.reserved()), (0, 0));
    cut();
    laptop.json(&[&"resume"]);
    assert_eq!((laptop.waiting(), laptop.reserved()), (0, 0));
    cut();
    let file = fs_err::File::open(&input).unwrap().into_file();
    laptop.start_reading(&[&"put", &"-", &"/stream"], file).json();
    assert_eq!((laptop.waiting(), laptop.reserved()), (0, 0));
    assert_content(&laptop, "/stream", Generated::new(1, 40 * MIB));
}

#[test]
fn a_stream_over_the_quota_frees_what_it_took() {
    let world = World::with_options(&["--quota", "16MiB"]);
    let laptop = world.sign_up("laptop", "alice");
    let input = world.path("input");
    content::write(&input, 1, 40 * MIB);
    let file = fs_err::File::open(&input).unwrap().into_file();
    let refusal = laptop.start_reading(&[&"put", &"-", &"/stream"], file).refusal();
    assert_eq!(refusal.code, "quota_exceeded");
    assert_eq!((laptop.waiting(), laptop.reserved()), (0, 0));
}

#[test]
fn what_is_committed_is_done_though_the_upload_cannot_be_ended() {
    let mut world = World::new();
    let laptop = world.sign_up("laptop", "alice").with_options(&["--retry-for", "0"]);
    let source = world.path("large");
    content::write(&source, 1, 9 * MIB);
    let commands: [Arguments<'_>; 2] = [&[&"put", &source, &"/large"], &[&"rm", &"/large"]];
    for command in commands {
        world.wire().hold(Moment::Arrives(Kind::EndUpload, 1));
        let mut run = laptop.start(command);
        assert!(world.wire().wait_held(&mut run));
        world.kill_server();
        run.json();
        world.start_server();
        let is_there = laptop.run(&[&"stat", &"/large"]).status.success();
        assert_eq!(is_there, command[0].as_ref() == "put");
        laptop.json(&[&"resume"]);
        assert_eq!(laptop.waiting(), 0);
    }
}

#[test]
fn a_file_that_no_commit_holds_is_refused_before_anything_is_sent() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let folder = world.folder("folder");
    let make = |path: &Path| fs_err::File::create(path).unwrap().set_len((2 << 40) + 1).unwrap();
    make(&folder.join("huge"));
    fs_err::write(folder.join("small"), "small").unwrap();
    let refusal = laptop.refusal(&[&"put", &folder.join("huge"), &"/huge"]);
    assert_eq!((refusal.exit, refusal.code.as_str()), (Some(2), "file_too_large"));
    assert_eq!((laptop.waiting(), laptop.reserved()), (0, 0));
    let output = laptop.run(&[&"put", &folder, &"/", &"--json"]);
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(12), "{answer}");
    assert_eq!(answer["skipped"][0]["code"], "too_large", "{answer}");
    assert_eq!(laptop.stdout(&[&"get", &"/folder/small", &"-"]), b"small");
}
