//! Packs that are mostly dead are emptied, and nobody sees anything of it but the room that comes back.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt as _;

use anonicloud_e2e::content::{self, Generated};
use anonicloud_e2e::device::Device;
use anonicloud_e2e::wire::{Kind, Moment};
use anonicloud_e2e::world::World;
use serde_json::Value;

use crate::reclaim::{reclaim_now, stored};
use crate::transfer::{MIB, assert_content};
use crate::watch::Watching;

/// Folders that the files are spread over.
const FOLDERS: u64 = 7;

fn path_of(number: u64) -> String {
    format!("{}/file-{number}", number % FOLDERS)
}

fn is_removed(number: u64) -> bool {
    (1..4).contains(&(number % 5))
}

/// A folder with `files` small files of some `size` bytes and the beginnings of two large ones in packs with the ends of them,
/// all sent by `device`; six of ten and one of the large ones are then removed everywhere.
pub(crate) fn fill_and_thin(world: &World, device: &Device, files: u64, size: u64) {
    let folder = world.folder("folder");
    for number in 0..FOLDERS {
        fs_err::create_dir(folder.join(number.to_string())).unwrap();
    }
    for number in 0..files {
        let file = folder.join(path_of(number));
        content::write(&file, number, size + number % 97);
        let mode = if number % 3 == 0 { 0o640 } else { 0o755 };
        fs_err::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    content::write(&folder.join("0/large-gone"), files, 8 * MIB + 600_000);
    content::write(&folder.join("0/large-left"), files + 1, 8 * MIB + 100_000);
    device.json(&[&"put", &folder, &"/"]);
    let mut gone: Vec<String> = (0..files).filter(|number| is_removed(*number)).map(path_of).collect();
    gone.push("0/large-gone".to_owned());
    let remote: Vec<String> = gone.iter().map(|path| format!("/folder/{path}")).collect();
    for some in remote.chunks(500) {
        let mut arguments: Vec<&dyn AsRef<OsStr>> = vec![&"rm"];
        arguments.extend(some.iter().map(|path| path as &dyn AsRef<OsStr>));
        device.json(&arguments);
    }
    for path in &gone {
        fs_err::remove_file(folder.join(path)).unwrap();
    }
    // The folders' times are those after the removals.
    device.json(&[&"put", &folder, &"/"]);
}

/// What is at `/folder` is what is in the folder of this machine, with times and rights.
fn assert_folder(world: &World, device: &Device) {
    let back = world.folder("back").join(world.wire().requests().len().to_string());
    device.json(&[&"get", &"/folder", &back]);
    anonicloud_e2e::tree::assert_same(&world.path("folder"), &back);
    fs_err::remove_dir_all(back).unwrap();
}

/// Content bytes in the folder of this machine.
fn live(world: &World) -> u64 {
    let folders = (0..FOLDERS).map(|sub| world.path("folder").join(sub.to_string()));
    let files = folders.flat_map(|folder| anonicloud_e2e::tree::list(&folder).into_values());
    files.map(|file| fs_err::metadata(file).unwrap().len()).sum()
}

pub(crate) fn number_of(answer: &Value, field: &str) -> u64 {
    answer[field].as_u64().unwrap_or_else(|| panic!("no {field} in {answer}"))
}

/// Reclaims all, and sees that no more is left than what is needed.
fn assert_reclaimed(world: &World, device: &Device) {
    reclaim_now(world, device);
    let (after, live) = (stored(world), live(world));
    assert!(after < live + live / 4, "{after} are stored for {live}");
    let again = device.json(&[&"reclaim"]);
    assert_eq!((number_of(&again, "repacked"), number_of(&again, "released")), (0, 0), "{again}");
    assert_eq!((device.waiting(), device.reserved()), (0, 0));
    device.json(&[&"check"]);
    assert_folder(world, device);
}

pub(crate) fn direct(world: &World, name: &str) -> Device {
    world.log_in(name, "alice").at(format!("http://{}", world.server().address()))
}

#[test]
fn what_is_left_of_many_small_files_takes_no_more_room_than_it_needs() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    fill_and_thin(&world, &laptop, 2000, 8000);
    let full = stored(&world);
    let would = laptop.json(&[&"reclaim", &"--dry-run"]);
    let packs = number_of(&would, "repacked");
    assert!(packs > 15_000_000, "{would}");
    // A device that reads all records comes to the same.
    let tablet = world.log_in("tablet", "alice");
    assert_eq!(tablet.json(&[&"reclaim", &"--dry-run"])["repacked"], packs);
    let told = laptop.json(&[&"reclaim"]);
    assert_eq!((number_of(&told, "repacked"), number_of(&told, "left_files")), (packs, 0), "{told}");
    let moved = number_of(&told, "moved");
    assert!(moved <= number_of(&would, "moved") && moved < packs, "{would} {told}");
    assert!(moved < live(&world) - 7 * MIB, "full segments stay where they are: {told}");
    assert!(number_of(&told, "released") >= packs, "{told}");
    assert!(stored(&world) >= full, "released is not freed");
    assert_folder(&world, &tablet);
    assert_reclaimed(&world, &laptop);
    assert_folder(&world, &world.log_in("phone", "alice"));
}

/// What others do while a device repacks stands as they did it, and nothing is there twice.
#[test]
fn edits_moves_and_removals_meanwhile_stand_and_make_no_conflict() {
    for moment in
        [Moment::Arrives(Kind::PutBlob, 1), Moment::Arrives(Kind::Commit, 1), Moment::Arrives(Kind::Commit, 2)]
    {
        for others_sweep in [false, true] {
            let world = World::new();
            let laptop = world.sign_up("laptop", "alice");
            let tablet = direct(&world, "tablet");
            fill_and_thin(&world, &laptop, 300, 8000);
            world.wire().hold(moment);
            let mut run = laptop.start(&[&"reclaim"]);
            assert!(world.wire().wait_held(&mut run), "{moment:?} never came");
            change_all(&world, &tablet);
            if others_sweep {
                tablet.json(&[&"reclaim"]);
            }
            world.wire().release();
            run.json();
            assert_changed(&tablet);
            reclaim_now(&world, &laptop);
            assert_changed(&laptop);
            laptop.json(&[&"check"]);
            assert_eq!((laptop.waiting(), laptop.reserved()), (0, 0), "{moment:?}");
        }
    }
}

/// An edit, a removal, a rename and other rights, each of a file that is worth moving.
fn change_all(world: &World, device: &Device) {
    let edited = world.folder("folder").join("0/file-0");
    content::write(&edited, 9999, 5000);
    device.json(&[&"put", &edited, &"/folder/0/file-0"]);
    device.json(&[&"rm", &"/folder/0/file-35"]);
    fs_err::remove_file(world.path("folder").join("0/file-35")).unwrap();
    device.json(&[&"mv", &"/folder/0/file-70", &"/folder/1/renamed"]);
    device.json(&[&"mv", &"/folder/2", &"/folder/two"]);
}

fn assert_changed(device: &Device) {
    let names = |path: &str| -> Vec<String> {
        let listing = device.json(&[&"ls", &path]);
        let items = listing["items"].as_array().unwrap().iter();
        items.map(|item| item["path"].as_str().unwrap().to_owned()).collect()
    };
    let all: Vec<String> =
        ["/folder", "/folder/0", "/folder/1", "/folder/two"].iter().flat_map(|path| names(path)).collect();
    assert!(all.iter().all(|name| !name.contains("conflict")), "{all:?}");
    assert!(!all.contains(&"/folder/0/file-35".to_owned()) && !all.contains(&"/folder/2".to_owned()), "{all:?}");
    assert_content(device, "/folder/0/file-0", Generated::new(9999, 5000));
    assert_content(device, "/folder/1/renamed", Generated::new(70, 8070));
    assert_content(device, "/folder/two/file-9", Generated::new(9, 8009));
    assert_content(device, "/folder/0/large-left", Generated::new(301, 8 * MIB + 100_000));
    let left = (0..300_u64).filter(|number| !is_removed(*number) && ![35].contains(number)).count() + 1;
    assert_eq!(names("/folder/0").len() + (1..7).map(|sub| names(&folder_of(sub)).len()).sum::<usize>(), left);
}

fn folder_of(sub: u64) -> String {
    if sub == 2 { "/folder/two".to_owned() } else { format!("/folder/{sub}") }
}

/// Who planned an edit before a repack, and commits after it, replaces what was planned.
#[test]
fn an_edit_that_was_planned_before_a_repack_makes_no_conflict() {
    for freed in [false, true] {
        for moment in [Moment::Arrives(Kind::PutBlob, 1), Moment::Arrives(Kind::Commit, 1)] {
            let world = World::new();
            let laptop = world.sign_up("laptop", "alice");
            let tablet = direct(&world, "tablet");
            fill_and_thin(&world, &laptop, 300, 8000);
            let folder = world.path("folder");
            content::write(&folder.join("0/file-0"), 9999, 5000);
            content::write(&folder.join("0/large-left"), 9998, 8 * MIB + 200_000);
            fs_err::set_permissions(folder.join("1/file-15"), std::fs::Permissions::from_mode(0o600)).unwrap();
            world.wire().hold(moment);
            let mut run = laptop.start(&[&"put", &folder, &"/"]);
            assert!(world.wire().wait_held(&mut run), "{moment:?} never came");
            let told = tablet.json(&[&"reclaim"]);
            assert!(number_of(&told, "repacked") > 0, "{told}");
            if freed {
                reclaim_now(&world, &tablet);
            }
            world.wire().release();
            let report = run.json();
            assert_eq!(report["conflicts"].as_array().map(Vec::len), Some(0), "{moment:?}: {report}");
            assert_folder(&world, &tablet);
            reclaim_now(&world, &tablet);
            assert_folder(&world, &tablet);
            assert_eq!((laptop.waiting(), laptop.reserved()), (0, 0), "{moment:?}");
        }
    }
}

/// Killed again and again, wherever it is, a repack hurts nothing, and in the end it is done.
#[test]
fn a_repack_killed_anywhere_hurts_nothing_and_the_next_one_finishes() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    fill_and_thin(&world, &laptop, 600, 8000);
    let kinds = [(Kind::OpenUpload, 1), (Kind::GetBlob, 1), (Kind::PutBlob, 1), (Kind::PutBlob, 2), (Kind::Commit, 1)];
    let moments =
        kinds.iter().flat_map(|(kind, count)| [Moment::Arrives(*kind, *count), Moment::Answer(*kind, *count)]);
    for moment in moments.chain([Moment::Arrives(Kind::EndUpload, 1), Moment::Arrives(Kind::Commit, 1)]) {
        world.wire().hold(moment);
        let mut run = laptop.start(&[&"reclaim"]);
        assert!(world.wire().wait_held(&mut run), "{moment:?} never came");
        run.kill();
        world.wire().cut();
        assert_folder(&world, &laptop);
    }
    laptop.json(&[&"reclaim"]);
    assert_reclaimed(&world, &laptop);
}

/// Who reads an older tree goes on reading it.
#[test]
fn a_download_under_way_ends_while_another_device_repacks() {
    for count in [1, 2, 3] {
        let world = World::new();
        let laptop = world.sign_up("laptop", "alice");
        let tablet = direct(&world, "tablet");
        fill_and_thin(&world, &laptop, 1000, 8000);
        world.wire().hold(Moment::Arrives(Kind::GetBlob, count));
        let mut run = laptop.start(&[&"get", &"/folder", &world.path("fetched")]);
        assert!(world.wire().wait_held(&mut run));
        let told = tablet.json(&[&"reclaim"]);
        assert!(number_of(&told, "repacked") > 0, "{told}");
        world.wire().release();
        run.json();
        anonicloud_e2e::tree::assert_same(&world.path("folder"), &world.path("fetched"));
    }
}

#[test]
fn who_watches_is_told_of_no_repack() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let tablet = world.log_in("tablet", "alice");
    fill_and_thin(&world, &laptop, 300, 8000);
    let mut watching = Watching::begin(&tablet, &[&"watch"]);
    let told = laptop.json(&[&"reclaim"]);
    assert!(number_of(&told, "repacked") > 0, "{told}");
    laptop.json(&[&"mkdir", &"/marker"]);
    assert_eq!(watching.events(1), ["added /marker"]);
}

/// Where nearly all room is taken, no more is repacked than half of what is free, and that is said.
#[test]
fn a_full_quota_is_not_filled_by_repacking() {
    let world = World::with_options(&["--quota", "12MiB"]);
    let laptop = world.sign_up("laptop", "alice");
    let folder = world.folder("folder");
    fs_err::create_dir(folder.join("0")).unwrap();
    for number in 0..1200 {
        content::write(&folder.join(format!("0/file-{number}")), number, 8000);
    }
    laptop.json(&[&"put", &folder, &"/"]);
    let gone: Vec<String> =
        (0..1200_u64).filter(|number| is_removed(*number)).map(|number| format!("/folder/0/file-{number}")).collect();
    let mut arguments: Vec<&dyn AsRef<OsStr>> = vec![&"rm"];
    arguments.extend(gone.iter().map(|path| path as &dyn AsRef<OsStr>));
    laptop.json(&arguments);
    let would = laptop.json(&[&"reclaim", &"--dry-run"]);
    assert_eq!(would["short_of_room"], true, "{would}");
    let quota = laptop.json(&[&"quota"]);
    assert!(number_of(&would, "moved") <= number_of(&quota, "free") / 2, "{would} {quota}");
    laptop.json(&[&"reclaim"]);
    assert_content(&laptop, "/folder/0/file-0", Generated::new(0, 8000));
    assert_content(&laptop, "/folder/0/file-1195", Generated::new(1195, 8000));
}

/// A device that watches gives room back once a day when it was told to once, and tells nothing of it.
#[test]
fn who_watches_gives_room_back_once_a_day() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let tablet = world.log_in("tablet", "alice");
    fill_and_thin(&world, &laptop, 300, 8000);
    let released = || number_of(&laptop.json(&[&"quota"]), "released");
    let marked = |watching: &mut Watching, markers: core::ops::Range<u32>| {
        for marker in markers {
            laptop.json(&[&"mkdir", &format!("/{marker}")]);
            assert_eq!(watching.events(1), [format!("added /{marker}")]);
        }
    };
    let mut watching = Watching::begin(&tablet, &[&"watch"]);
    marked(&mut watching, 0..8);
    assert_eq!(released(), 0, "it was not told to");
    drop(watching);

    let mut watching = Watching::begin(&tablet, &[&"watch", &"--upkeep"]);
    assert!((0..600).any(|_| released() > 0), "nothing came back");
    marked(&mut watching, 8..10);
    drop(watching);
    let first = released();
    assert!(first > 2_000_000, "{first}");
    assert_folder(&world, &laptop);

    // Not again on one day.
    laptop.json(&[&"rm", &"-r", &"/folder/1"]);
    let mut watching = Watching::begin(&tablet, &[&"watch", &"--upkeep"]);
    marked(&mut watching, 10..18);
    assert_eq!(released(), first);
}
