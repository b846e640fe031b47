//! What was removed or replaced gives its room back, and nothing else does.

use std::time::{Duration, Instant};

use anonicloud_e2e::content::{self, Generated};
use anonicloud_e2e::device::Device;
use anonicloud_e2e::wire::{Kind, Moment};
use anonicloud_e2e::world::World;

use crate::devices::change_rows;
use crate::transfer::{MIB, SEGMENT, assert_content};

/// A commit comes at least every two seconds.
const BATCH_PAUSE: Duration = Duration::from_millis(2500);
const FILM: u64 = 64 * MIB;

fn used(device: &Device) -> u64 {
    device.json(&[&"quota"])["used"].as_u64().unwrap()
}

/// Bytes of all stored pieces on the server's disk.
fn stored(world: &World) -> u64 {
    let folders = anonicloud_e2e::tree::list(&world.server().data().join("blobs")).into_values();
    let files = folders.flat_map(|folder| anonicloud_e2e::tree::list(&folder).into_values());
    files.map(|file| fs_err::metadata(file).unwrap().len()).sum()
}

fn reclaim_now(world: &World, device: &Device) -> u64 {
    let answer = device.json(&[&"reclaim", &"--now", &"--yes", &"--password-file", &world.password_file()]);
    answer["freed"].as_u64().unwrap()
}

/// A film, a folder with files of all kinds, and what of it `device` has sent.
fn fill(world: &World, device: &Device) {
    content::write(&world.path("film"), 1, FILM);
    let folder = world.folder("folder");
    content::write(&folder.join("large"), 2, 9 * MIB + 17);
    content::write(&folder.join("middle"), 3, 2 * MIB);
    for number in 0..40 {
        content::write(&folder.join(format!("small-{number}")), 100 + number, 10_000 + number);
    }
    device.json(&[&"put", &folder, &"/"]);
    device.json(&[&"put", &world.path("film"), &"/film"]);
}

fn assert_folder(world: &World, device: &Device) {
    let back = world.folder("back").join(world.wire().requests().len().to_string());
    device.json(&[&"get", &"/folder", &back]);
    anonicloud_e2e::tree::assert_same(&world.path("folder"), &back);
}

#[test]
fn what_was_removed_gives_its_room_back_and_the_rest_stays() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    fill(&world, &laptop);
    let (full, on_disk) = (used(&laptop), stored(&world));
    laptop.json(&[&"rm", &"/film"]);
    assert!(used(&laptop) >= full, "removing alone frees nothing");

    let would = laptop.json(&[&"reclaim", &"--dry-run"]);
    assert!(would["released"].as_u64().unwrap() >= FILM, "{would}");
    assert_eq!(would["waiting"], 0, "a dry run does nothing: {would}");
    // A device that sent nothing of it, and reads all records, comes to the same.
    let tablet = world.log_in("tablet", "alice");
    assert_eq!(tablet.json(&[&"reclaim", &"--dry-run"])["released"], would["released"]);
    let swept = laptop.json(&[&"reclaim"]);
    assert_eq!(swept["released"], would["released"]);
    assert_eq!(swept["waiting"], swept["released"]);
    let quota = laptop.json(&[&"quota"]);
    assert_eq!(quota["released"], swept["released"], "{quota}");
    assert_eq!(quota["released_until"], swept["waiting_until"], "{quota}");
    assert!(stored(&world) >= on_disk, "released is not freed");
    let again = laptop.json(&[&"reclaim"]);
    assert_eq!((again["released"].as_u64(), &again["waiting"]), (Some(0), &swept["waiting"]));

    assert!(reclaim_now(&world, &laptop) >= FILM);
    assert!(used(&laptop) <= full - FILM);
    assert!(stored(&world) <= on_disk - FILM, "the files are gone from the disk");
    assert_eq!(laptop.json(&[&"quota"])["released"], 0);
    assert_folder(&world, &laptop);
    // Also for a device that knows nothing of what was.
    let phone = world.log_in("phone", "alice");
    assert_folder(&world, &phone);

    laptop.json(&[&"rm", &"-r", &"/folder"]);
    reclaim_now(&world, &laptop);
    assert!(stored(&world) < MIB, "nothing is left but the root: {}", stored(&world));
    assert!(used(&laptop) < MIB);
    assert_eq!(phone.json(&[&"ls", &"/"])["items"].as_array().unwrap().len(), 0);
}

#[test]
fn a_replaced_file_gives_its_pack_back_once_nothing_else_is_in_it() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let folder = world.folder("folder");
    content::write(&folder.join("a"), 1, 700_000);
    content::write(&folder.join("b"), 2, 700_000);
    laptop.json(&[&"put", &folder, &"/"]);
    let both = stored(&world);
    content::write(&folder.join("a"), 3, 700_000);
    laptop.json(&[&"put", &folder, &"/"]);
    reclaim_now(&world, &laptop);
    // The pack of both stays for the sake of the other file.
    assert!(stored(&world) >= both, "{} {both}", stored(&world));
    assert_folder(&world, &laptop);
    content::write(&folder.join("b"), 4, 700_000);
    laptop.json(&[&"put", &folder, &"/"]);
    reclaim_now(&world, &laptop);
    assert!(stored(&world) < both + 300_000, "{} {both}", stored(&world));
    assert_folder(&world, &laptop);
}

#[test]
fn an_edited_file_keeps_the_segments_that_it_shares_with_its_predecessor() {
    use std::os::unix::fs::FileExt as _;
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let folder = world.folder("folder");
    let file = folder.join("large");
    content::write(&file, 1, 20 * MIB);
    laptop.json(&[&"put", &folder, &"/"]);
    let before = stored(&world);
    for round in 0..3 {
        let edited = fs_err::OpenOptions::new().write(true).open(&file).unwrap();
        edited.file().write_all_at(b"edited", round * 5 * MIB).unwrap();
        laptop.json(&[&"put", &folder, &"/"]);
        reclaim_now(&world, &laptop);
        assert!(stored(&world) <= before + MIB, "{} {before}", stored(&world));
        assert_folder(&world, &laptop);
    }
}

#[test]
fn a_wrong_password_changes_nothing() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    content::write(&world.path("film"), 1, 5 * MIB);
    laptop.json(&[&"put", &world.path("film"), &"/film"]);
    laptop.json(&[&"rm", &"/film"]);
    let wrong = world.path("wrong");
    fs_err::write(&wrong, "five loud weasels ignore cold lanterns").unwrap();
    let before = (used(&laptop), stored(&world));
    let refusal = laptop.refusal(&[&"reclaim", &"--now", &"--yes", &"--password-file", &wrong]);
    assert_eq!((refusal.code.as_str(), refusal.exit), ("login_failed", Some(3)));
    assert_eq!((used(&laptop), stored(&world)), before);
    // Nor does the right one, when nobody says that it is meant.
    let refusal = laptop.refusal(&[&"reclaim", &"--now", &"--password-file", &world.password_file()]);
    assert_eq!((refusal.code.as_str(), refusal.exit), ("freeing_unconfirmed", Some(2)));
    assert_eq!((used(&laptop), stored(&world)), before);
    assert_eq!(laptop.json(&[&"quota"])["released"], 0, "not even released");
    assert!(reclaim_now(&world, &laptop) >= 5 * MIB);
}

/// Removing and sweeping pass when nothing else does.
#[test]
fn what_fills_the_quota_can_be_removed() {
    let world = World::with_options(&["--quota", "24MiB"]);
    let laptop = world.sign_up("laptop", "alice");
    let folder = world.folder("folder");
    for number in 0..5 {
        content::write(&folder.join(number.to_string()), number, 4 * MIB);
    }
    laptop.json(&[&"put", &folder, &"/"]);
    let small = world.path("small");
    // What small things may take beyond the quota is used up.
    let refusal = (0..).find_map(|number| {
        content::write(&small, 100 + number, 200_000);
        let output = laptop.run(&[&"put", &small, &format!("/small-{number}"), &"--json"]);
        (!output.status.success()).then(|| anonicloud_e2e::device::refused(&output))
    });
    assert_eq!(refusal.unwrap().code, "quota_exceeded");
    // Nor is there room for names.
    while laptop.run(&[&"mkdir", &format!("/{}", world.wire().requests().len())]).status.success() {}
    laptop.json(&[&"rm", &"/folder/3"]);
    laptop.json(&[&"rm", &"-r", &"/folder"]);
    let left = laptop.json(&[&"ls", &"/"])["items"].as_array().unwrap().len();
    assert!(reclaim_now(&world, &laptop) >= 20 * MIB);
    // What is left of the small ones is under the quota.
    content::write(&small, 9, MIB);
    laptop.json(&[&"put", &small, &"/new"]);
    assert_content(&laptop, "/new", Generated::new(9, MIB));
    assert_content(&laptop, "/small-0", Generated::new(100, 200_000));
    assert_eq!(laptop.json(&[&"ls", &"/"])["items"].as_array().unwrap().len(), left + 1);
}

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
    assert_eq!(run.refusal().code, "server_not_found");
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

/// Who removes a folder, and loses to an edit in it and a sweep, removes all but what was edited; nothing, when what was known
/// of the folder is gone.
#[test]
fn an_edit_wins_over_a_removal_that_loses_to_a_sweep() {
    for (whole, free) in [(false, true), (true, false), (true, true)] {
        let world = World::new();
        let laptop = world.sign_up("laptop", "alice");
        let tablet = world.log_in("tablet", "alice").at(format!("http://{}", world.server().address()));
        let folder = world.folder("folder");
        content::write(&folder.join("edited"), 1, 5 * MIB);
        content::write(&folder.join("other"), 2, 9000);
        laptop.json(&[&"put", &folder, &"/"]);
        world.wire().hold(Moment::Arrives(Kind::Commit, 1));
        let mut run = if whole {
            laptop.start(&[&"rm", &"-r", &"/folder"])
        } else {
            laptop.start(&[&"rm", &"/folder/edited", &"/folder/other"])
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
        let left = if whole && free {
            assert_eq!(run.refusal().code, "contended");
            2
        } else {
            run.json();
            1
        };
        assert_content(&tablet, "/folder/edited", Generated::new(3, 6 * MIB));
        assert_eq!(tablet.json(&[&"ls", &"/folder"])["items"].as_array().unwrap().len(), left);
        reclaim_now(&world, &laptop);
        assert_content(&laptop, "/folder/edited", Generated::new(3, 6 * MIB));
    }
}

/// What is removed, released or freed comes up again as if it had never been there.
#[test]
fn what_was_removed_is_put_again() {
    for free in [false, true] {
        let world = World::new();
        let laptop = world.sign_up("laptop", "alice");
        fill(&world, &laptop);
        laptop.json(&[&"rm", &"-r", &"/folder"]);
        if free {
            reclaim_now(&world, &laptop)
        } else {
            laptop.json(&[&"reclaim"])["released"].as_u64().unwrap()
        };
        laptop.json(&[&"put", &world.path("folder"), &"/"]);
        reclaim_now(&world, &laptop);
        assert_folder(&world, &laptop);
    }
}

/// What a sweep has released by mistake or by malice is kept by the next device that sweeps, and its person is told.
#[test]
fn what_is_needed_and_was_released_all_the_same_is_kept() {
    let mut world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let tablet = world.log_in("tablet", "alice");
    fill(&world, &laptop);
    world.kill_server();
    let database = world.server().data().join("metadata.sqlite");
    let released = change_rows(&database, "UPDATE blobs SET released_day = 20000 WHERE upload IS NULL");
    change_rows(
        &database,
        "INSERT INTO counted_days SELECT 1, 20000, 20000 WHERE NOT EXISTS (SELECT 1 FROM counted_days)",
    );
    change_rows(&database, "UPDATE counted_days SET counted_day = 20000");
    world.start_server();
    assert!(laptop.json(&[&"quota"])["released"].as_u64().unwrap() > FILM);
    let would = tablet.json(&[&"reclaim", &"--dry-run"]);
    let kept = would["kept_blobs"].as_u64().unwrap();
    assert!(kept > 16 && kept <= released, "{would}");
    let swept = tablet.json(&[&"reclaim"]);
    assert_eq!((&swept["kept_blobs"], &swept["missing_blobs"]), (&would["kept_blobs"], &would["missing_blobs"]));
    assert_eq!(tablet.json(&[&"reclaim"])["kept_blobs"], 0);
    reclaim_now(&world, &tablet);
    assert_folder(&world, &laptop);
    assert_content(&laptop, "/film", Generated::new(1, FILM));
}

/// Where the server has lost something, nothing is freed at once.
#[test]
fn nothing_is_freed_while_something_that_is_needed_is_gone() {
    let mut world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    fill(&world, &laptop);
    laptop.json(&[&"rm", &"/folder/middle"]);
    world.kill_server();
    let database = world.server().data().join("metadata.sqlite");
    let lose = "DELETE FROM blobs WHERE id = (SELECT id FROM blobs WHERE upload IS NULL AND size > 4000000 ORDER BY size DESC LIMIT 1)";
    assert_eq!(change_rows(&database, lose), 1);
    world.start_server();
    let refusal = laptop.refusal(&[&"reclaim", &"--now", &"--yes", &"--password-file", &world.password_file()]);
    assert_eq!((refusal.code.as_str(), refusal.exit), ("content_missing", Some(9)));
    assert!(laptop.json(&[&"quota"])["released"].as_u64().unwrap() > 0, "it waits");
    assert_eq!(laptop.json(&[&"reclaim"])["missing_blobs"], 1);
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
