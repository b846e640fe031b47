//! Reclaiming while something else goes on: transfers of other devices, cuts, edits.

use std::time::{Duration, Instant};

use anonicloud_e2e::content::{self, Generated};
use anonicloud_e2e::wire::{Kind, Moment};
use anonicloud_e2e::world::World;

use crate::reclaim::{FILM, assert_folder, fill, reclaim_now, stored, used};
use crate::transfer::{MIB, SEGMENT, assert_content};

/// A commit comes at least every two seconds.
const BATCH_PAUSE: Duration = Duration::from_millis(2500);

/// One device is in the midst of fetching when another removes and releases: it ends as it began.
#[test]
fn a_download_under_way_ends_while_another_device_reclaims() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let tablet = world.log_in("tablet", "alice").at(format!("http://{}", world.server().address()));
    content::write(&world.path("film"), 1, FILM);
    laptop.json(&[&"put", &world.path("film"), &"/film"]);
    world.wire().hold(Moment::Answer(Kind::GetBlob, 6));
    let mut run = laptop.start(&[&"get", &"/film", &world.path("back")]);
    assert!(world.wire().wait_held(&mut run));
    tablet.json(&[&"rm", &"/film"]);
    let swept = tablet.json(&[&"reclaim"]);
    assert!(swept["released"].as_u64().unwrap() >= FILM);
    world.wire().release();
    run.json();
    let back = fs_err::File::open(world.path("back")).unwrap();
    assert_eq!(content::compare(Generated::new(1, FILM), back), Ok(()));
    // Freed at once it is gone, and the other device is told so.
    fs_err::remove_file(world.path("back")).unwrap();
    content::write(&world.path("film"), 2, FILM);
    tablet.json(&[&"put", &world.path("film"), &"/film"]);
    world.wire().hold(Moment::Answer(Kind::GetBlob, 6));
    let mut run = laptop.start(&[&"get", &"/film", &world.path("back")]);
    assert!(world.wire().wait_held(&mut run));
    tablet.json(&[&"rm", &"/film"]);
    reclaim_now(&world, &tablet);
    world.wire().release();
    assert_eq!(run.refusal().code, "not_found");
    assert!(!world.path("back").exists());
}

/// What a put counts on may be released, and freed, before it commits.
#[test]
fn a_put_that_races_a_reclaim_loses_nothing() {
    use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
    for free in [false, true] {
        for moment in [Moment::Arrives(Kind::PutBlob, 1), Moment::Arrives(Kind::Commit, 1)] {
            let world = World::new();
            let laptop = world.sign_up("laptop", "alice");
            let tablet = world.log_in("tablet", "alice").at(format!("http://{}", world.server().address()));
            let folder = world.folder("folder");
            let file = folder.join("large");
            content::write(&file, 1, 20 * MIB);
            let rights = folder.join("rights");
            content::write(&rights, 2, 9000);
            laptop.json(&[&"put", &folder, &"/"]);
            fs_err::set_permissions(&rights, std::fs::Permissions::from_mode(0o640)).unwrap();
            let edited = fs_err::OpenOptions::new().write(true).open(&file).unwrap();
            edited.file().write_all_at(b"edited", 6 * MIB).unwrap();
            // The new version keeps four of five segments of the one that goes meanwhile.
            world.wire().hold(moment);
            let mut run = laptop.start(&[&"put", &folder, &"/"]);
            assert!(world.wire().wait_held(&mut run), "{moment:?} never came");
            tablet.json(&[&"rm", &"-r", &"/folder"]);
            if free {
                reclaim_now(&world, &tablet)
            } else {
                tablet.json(&[&"reclaim"])["released"].as_u64().unwrap()
            };
            world.wire().release();
            run.json();
            // Whatever the put has brought back is no longer released.
            tablet.json(&[&"reclaim"]);
            reclaim_now(&world, &tablet);
            assert_folder(&world, &tablet);
            assert_eq!((laptop.waiting(), laptop.reserved()), (0, 0), "{moment:?}");
        }
    }
}

/// A copy and a move of what another device removes, sweeps and frees meanwhile are refused, and bring nothing back by half.
#[test]
fn a_copy_that_races_a_reclaim_is_whole_or_refused() {
    for command in ["cp", "mv"] {
        let world = World::new();
        let laptop = world.sign_up("laptop", "alice");
        let tablet = world.log_in("tablet", "alice").at(format!("http://{}", world.server().address()));
        content::write(&world.path("file"), 1, 5 * MIB);
        laptop.json(&[&"put", &world.path("file"), &"/file"]);
        world.wire().hold(Moment::Arrives(Kind::Commit, 1));
        let mut run = laptop.start(&[&command, &"/file", &"/other"]);
        assert!(world.wire().wait_held(&mut run));
        tablet.json(&[&"rm", &"/file"]);
        reclaim_now(&world, &tablet);
        world.wire().release();
        assert_eq!(run.refusal().code, "not_found", "{command}");
        assert_eq!(tablet.json(&[&"ls", &"/"])["items"].as_array().unwrap().len(), 0, "{command}");
    }
}

#[test]
fn a_reclaim_killed_anywhere_hurts_nothing_and_the_next_one_finishes() {
    let moments = [
        Moment::Arrives(Kind::Commit, 1),
        Moment::Answer(Kind::Commit, 1),
        Moment::Arrives(Kind::Free, 1),
        Moment::Answer(Kind::Free, 1),
    ];
    for moment in moments {
        for is_server in [false, true] {
            let mut world = World::new();
            let laptop = world.sign_up("laptop", "alice");
            fill(&world, &laptop);
            laptop.json(&[&"rm", &"/film"]);
            world.wire().hold(moment);
            let arguments: [&dyn AsRef<std::ffi::OsStr>; 5] =
                [&"reclaim", &"--now", &"--yes", &"--password-file", &world.password_file()];
            let mut run = laptop.start(&arguments);
            assert!(world.wire().wait_held(&mut run), "{moment:?} never came");
            if is_server {
                world.kill_server();
                world.start_server();
                run.json();
            } else {
                run.kill();
                world.wire().cut();
            }
            assert_folder(&world, &laptop);
            reclaim_now(&world, &laptop);
            assert!(stored(&world) < FILM, "{moment:?}");
            assert!(used(&laptop) < FILM, "{moment:?}");
            assert_folder(&world, &world.log_in("phone", "alice"));
        }
    }
}

/// How a put goes on whose pack is committed before a file that has a piece in it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Meanwhile {
    Released,
    Freed,
    KilledAndFreed,
}

/// A pack with the end of a file is committed before the file is: a sweep between the two sees that nothing refers to it.
#[test]
fn a_pack_that_is_committed_before_its_file_is_named_again_by_the_file() {
    for meanwhile in [Meanwhile::Released, Meanwhile::Freed, Meanwhile::KilledAndFreed] {
        let world = World::new();
        let laptop = world.sign_up("laptop", "alice");
        let tablet = world.log_in("tablet", "alice").at(format!("http://{}", world.server().address()));
        // The folder is ready at once; its first file is under way when two seconds are over.
        let folder = world.folder("folder");
        content::write(&folder.join("a"), 1, 3 * SEGMENT + 1000);
        content::write(&folder.join("z"), 2, 12 * SEGMENT);
        let begun = Instant::now();
        world.wire().hold(Moment::Arrives(Kind::PutBlob, 2));
        let mut run = laptop.start(&[&"put", &folder, &"/"]);
        assert!(world.wire().wait_held(&mut run));
        while begun.elapsed() < BATCH_PAUSE {
            tablet.json(&[&"ls", &"/"]);
        }
        world.wire().release();
        world.wire().hold(Moment::Arrives(Kind::Commit, 2));
        assert!(world.wire().wait_held(&mut run), "{meanwhile:?}: there was no second commit");
        if meanwhile == Meanwhile::KilledAndFreed {
            run.kill();
            world.wire().cut();
            assert!(reclaim_now(&world, &tablet) > 0, "the pack was committed already");
            laptop.json(&[&"resume"]);
        } else {
            if meanwhile == Meanwhile::Released {
                assert_eq!(tablet.json(&[&"reclaim"])["released_blobs"], 1, "the pack was committed already");
            } else {
                assert!(reclaim_now(&world, &tablet) > 0, "the pack was committed already");
            }
            world.wire().release();
            run.json();
        }
        reclaim_now(&world, &tablet);
        assert_folder(&world, &tablet);
        assert_eq!((laptop.waiting(), laptop.reserved()), (0, 0), "{meanwhile:?}");
    }
}

/// Who removes a folder, and loses to an edit in it and a sweep, removes all but what was edited; nothing, when the folder as it
/// was is gone and the device has never read it.
#[test]
fn an_edit_wins_over_a_removal_that_loses_to_a_sweep() {
    for (whole, free, knows) in [(false, true, true), (true, false, false), (true, true, false), (true, true, true)] {
        let world = World::new();
        let laptop = world.sign_up("laptop", "alice");
        let tablet = world.log_in("tablet", "alice").at(format!("http://{}", world.server().address()));
        let folder = world.folder("folder");
        content::write(&folder.join("edited"), 1, 5 * MIB);
        content::write(&folder.join("other"), 2, 9000);
        laptop.json(&[&"put", &folder, &"/"]);
        let remover = if knows { laptop } else { world.log_in("desk", "alice") };
        world.wire().hold(Moment::Arrives(Kind::Commit, 1));
        let mut run = if whole {
            remover.start(&[&"rm", &"-r", &"/folder"])
        } else {
            remover.start(&[&"rm", &"/folder/edited", &"/folder/other"])
        };
        assert!(world.wire().wait_held(&mut run));
        content::write(&world.path("new"), 3, 6 * MIB);
        tablet.json(&[&"put", &world.path("new"), &"/folder/edited"]);
        if free {
            reclaim_now(&world, &tablet)
        } else {
            tablet.json(&[&"reclaim"])["released"].as_u64().unwrap()
        };
        world.wire().release();
        let left = if whole && free && !knows {
            assert_eq!(run.refusal().code, "contended");
            2
        } else {
            run.json();
            1
        };
        assert_content(&tablet, "/folder/edited", Generated::new(3, 6 * MIB));
        assert_eq!(tablet.json(&[&"ls", &"/folder"])["items"].as_array().unwrap().len(), left);
        reclaim_now(&world, &remover);
        assert_content(&remover, "/folder/edited", Generated::new(3, 6 * MIB));
    }
}

/// What a cut transfer of this device refers to stays, whoever released it.
#[test]
fn what_an_unfinished_transfer_needs_is_not_freed_from_here() {
    use std::os::unix::fs::FileExt as _;
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let tablet = world.log_in("tablet", "alice").at(format!("http://{}", world.server().address()));
    let folder = world.folder("folder");
    let file = folder.join("large");
    content::write(&file, 1, 20 * MIB);
    laptop.json(&[&"put", &folder, &"/"]);
    let edited = fs_err::OpenOptions::new().write(true).open(&file).unwrap();
    edited.file().write_all_at(b"edited", 6 * MIB).unwrap();
    world.wire().hold(Moment::Arrives(Kind::Commit, 1));
    let mut run = laptop.start(&[&"put", &folder, &"/"]);
    assert!(world.wire().wait_held(&mut run));
    run.kill();
    world.wire().cut();
    tablet.json(&[&"rm", &"-r", &"/folder"]);
    tablet.json(&[&"reclaim"]);
    let answer = laptop.json(&[&"reclaim", &"--now", &"--yes", &"--password-file", &world.password_file()]);
    assert!(answer["kept_blobs"].as_u64().unwrap() >= 4, "{answer}");
    laptop.json(&[&"resume"]);
    reclaim_now(&world, &tablet);
    assert_folder(&world, &tablet);
    assert_eq!((laptop.waiting(), laptop.reserved()), (0, 0));
}
