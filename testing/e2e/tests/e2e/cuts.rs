//! An upload that is cut, by SIGKILL of either side at every step, goes on.

use std::os::unix::fs::FileExt as _;

use anonicloud_e2e::wire::{Kind, Moment};

use crate::transfer::{MIB, SEGMENTS, Transfer, moments};

#[test]
fn a_killed_client_goes_on_by_resume() {
    let mut transfer = Transfer::new();
    for moment in moments() {
        transfer = transfer.anew();
        transfer.kill_client_at(moment);
        transfer.laptop.json(&[&"resume"]);
        transfer.assert_whole(moment);
    }
}

#[test]
fn a_killed_client_goes_on_by_the_same_command() {
    let mut transfer = Transfer::new();
    for moment in moments().into_iter().step_by(4) {
        transfer = transfer.anew();
        transfer.kill_client_at(moment);
        transfer.laptop.json(&[&"put", &transfer.source, &"/large"]);
        transfer.assert_whole(moment);
    }
}

#[test]
fn a_client_waits_for_a_killed_server() {
    let mut transfer = Transfer::new();
    for moment in moments() {
        transfer = transfer.anew();
        let run = transfer.until(moment);
        transfer.world.kill_server();
        transfer.world.start_server();
        run.json();
        transfer.assert_whole(moment);
    }
}

#[test]
fn both_killed_and_the_journal_lost() {
    for moment in [
        Moment::Body(Kind::PutBlob, 30, MIB),
        Moment::Answer(Kind::PutBlob, SEGMENTS),
        Moment::Body(Kind::PutBlob, SEGMENTS + 1, 100),
        Moment::Arrives(Kind::Commit, 1),
    ] {
        let mut transfer = Transfer::new();
        transfer.until(moment).kill();
        transfer.world.kill_server();
        transfer.laptop.lose_state();
        transfer.world.start_server();
        transfer.laptop = transfer.world.log_in("laptop", "alice");
        transfer.laptop.json(&[&"put", &transfer.source, &"/large"]);
        // What only the lost journal knew stays reserved until it expires: room for packs, not for the file.
        let reserved = transfer.laptop.reserved();
        assert!(reserved <= 65 * MIB, "{moment:?}: {reserved}");
        transfer.assert_sent(moment);
    }
}

#[test]
fn another_device_goes_on_from_its_own_copy() {
    let moment = Moment::Body(Kind::PutBlob, 40, MIB);
    let transfer = Transfer::new();
    let before = transfer.kill_client_at(moment);
    let copy = transfer.world.path("copy");
    fs_err::copy(&transfer.source, &copy).unwrap();
    let tablet = transfer.world.log_in("tablet", "alice");
    tablet.json(&[&"resume", &"--from", &copy]);
    assert!(before > 100 * MIB);
    transfer.assert_sent(moment);
    // The first device finds nothing left to send.
    let sent = transfer.blob_bytes();
    transfer.laptop.json(&[&"resume"]);
    assert!(transfer.blob_bytes() - sent < MIB);
    transfer.assert_whole(moment);
}

#[test]
fn a_byte_edited_meanwhile_costs_one_segment() {
    let moment = Moment::Answer(Kind::PutBlob, 40);
    let transfer = Transfer::new();
    transfer.kill_client_at(moment);
    let file = fs_err::OpenOptions::new().write(true).open(&transfer.source).unwrap();
    file.file().write_all_at(b"!", 17).unwrap();
    transfer.laptop.json(&[&"resume"]);
    // All segments, the edited one a second time, and the packs with the record and with the folder.
    assert_eq!(transfer.distinct_blobs(), SEGMENTS as usize + 3);
    assert_eq!((transfer.laptop.waiting(), transfer.laptop.reserved()), (0, 0));
    let phone = transfer.world.log_in("phone", "alice");
    let back = transfer.world.path("back");
    phone.json(&[&"get", &"/large", &back]);
    let open = |path| fs_err::File::open(path).unwrap();
    assert_eq!(anonicloud_e2e::content::compare(open(&transfer.source), open(&back)), Ok(()));
}

#[test]
fn a_changed_byte_of_a_sent_file_sends_one_segment() {
    let transfer = Transfer::new();
    transfer.laptop.json(&[&"put", &transfer.source, &"/large"]);
    let before = transfer.puts().len();
    let again = transfer.laptop.json(&[&"put", &transfer.source, &"/large"]);
    assert_eq!((again["unchanged"].as_u64(), again["bytes_transferred"].as_u64()), (Some(1), Some(0)));
    assert_eq!(transfer.puts().len(), before);
    let file = fs_err::OpenOptions::new().write(true).open(&transfer.source).unwrap();
    file.file().write_all_at(b"!", 100 * MIB + 1).unwrap();
    transfer.laptop.json(&[&"put", &transfer.source, &"/large"]);
    // The segment, and the packs with the record and with the folder.
    assert_eq!(transfer.puts().len(), before + 3);
    let phone = transfer.world.log_in("phone", "alice");
    let back = transfer.world.path("back");
    phone.json(&[&"get", &"/large", &back]);
    let open = |path| fs_err::File::open(path).unwrap();
    assert_eq!(anonicloud_e2e::content::compare(open(&transfer.source), open(&back)), Ok(()));
}
