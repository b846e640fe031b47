//! Which files take part, and what would be done before it is.

use std::path::{Path, PathBuf};

use anonicloud_e2e::content;
use anonicloud_e2e::device::{Arguments, Device};
use anonicloud_e2e::tree::list;
use anonicloud_e2e::wire::{Kind, Moment};
use anonicloud_e2e::world::World;
use serde_json::Value;

use crate::transfer::MIB;

/// A project with what nobody wants to keep.
fn project(world: &World) -> PathBuf {
    let folder = world.folder("project");
    for name in ["main.rs", "main.o", "notes.tmp", "keep.tmp", "build/out", "src/lib.rs", "src/build/deep", "src/a.o"] {
        let path = folder.join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, name).unwrap();
    }
    folder
}

fn paths(device: &Device, folder: &str) -> Vec<String> {
    let listing = device.json(&[&"ls", &"-R", &folder]);
    let items = listing["items"].as_array().unwrap();
    let mut paths: Vec<_> = items.iter().map(|item| item["path"].as_str().unwrap().to_owned()).collect();
    paths.sort();
    paths
}

/// The paths of all that is below a folder of this device.
fn below(folder: &Path) -> Vec<String> {
    let mut paths = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for path in list(&next).into_values() {
            paths.push(path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned());
            open.extend(path.is_dir().then_some(path));
        }
    }
    paths.sort();
    paths
}

fn steps(answer: &Value) -> Vec<(String, String)> {
    let steps = answer["steps"].as_array().unwrap();
    let text = |step: &Value, field| step[field].as_str().unwrap().to_owned();
    let mut steps: Vec<_> = steps.iter().map(|step| (text(step, "action"), text(step, "path"))).collect();
    steps.sort();
    steps
}

const LEFT: [&str; 5] = ["keep.tmp", "main.rs", "src", "src/build", "src/build/deep"];

#[test]
fn what_the_patterns_leave_out_is_not_sent() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let folder = project(&world);
    let patterns = world.path("patterns");
    fs_err::write(&patterns, "# made by the compiler\n/build/\n*.o\n").unwrap();
    let answer = laptop.json(&[
        &"put",
        &"--exclude",
        &"*.tmp",
        &"--exclude",
        &"lib.rs",
        &"--include",
        &"keep.tmp",
        &"--exclude-from",
        &patterns,
        &folder,
        &"/",
    ]);
    assert_eq!((answer["files"].as_u64(), answer["skipped"].as_array().map(Vec::len)), (Some(3), Some(0)), "{answer}");
    assert_eq!(paths(&laptop, "/project"), LEFT);
    // A source that is named is sent, whatever it is called.
    laptop.json(&[&"put", &"--exclude", &"*", &folder.join("main.o"), &"/"]);
    assert_eq!(laptop.stdout(&[&"get", &"/main.o", &"-"]), b"main.o");
    let refusal = laptop.refusal(&[&"put", &"--exclude", &"[z-a]", &folder, &"/"]);
    assert_eq!((refusal.exit, refusal.code.as_str()), (Some(2), "pattern_invalid"));
    let refusal = laptop.refusal(&[&"put", &"--exclude-from", &"/nonexistent", &folder, &"/"]);
    assert_eq!((refusal.exit, refusal.code.as_str()), (Some(2), "patterns_unreadable"));
}

#[test]
fn a_cut_transfer_goes_on_with_its_patterns() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let folder = project(&world);
    content::write(&folder.join("large.bin"), 1, 9 * MIB);
    world.wire().hold(Moment::Arrives(Kind::PutBlob, 2));
    let mut run = laptop.start(&[&"put", &"--exclude", &"*.o", &"--exclude", &"build/", &folder, &"/"]);
    assert!(world.wire().wait_held(&mut run));
    run.kill();
    world.wire().cut();
    laptop.json(&[&"resume"]);
    assert_eq!(paths(&laptop, "/project"), ["keep.tmp", "large.bin", "main.rs", "notes.tmp", "src", "src/lib.rs"]);
    assert_eq!((laptop.waiting(), laptop.reserved()), (0, 0));
}

#[test]
fn what_the_patterns_leave_out_is_not_fetched() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    laptop.json(&[&"put", &project(&world), &"/"]);
    let target = world.folder("rust");
    laptop.json(&[&"get", &"--exclude", &"*", &"--include", &"*/", &"--include", &"*.rs", &"/project", &target]);
    assert_eq!(below(&target.join("project")), ["build", "main.rs", "src", "src/build", "src/lib.rs"]);
    let target = world.folder("flat");
    laptop.json(&[&"get", &"--exclude", &"src/", &"--exclude", &"*.o", &"/project", &target]);
    assert_eq!(below(&target.join("project")), ["build", "build/out", "keep.tmp", "main.rs", "notes.tmp"]);
}

#[test]
fn a_dry_run_says_what_would_be_and_does_nothing() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let folder = project(&world);
    let put: Arguments<'_> = &[&"put", &"--exclude", &"*.o", &"--exclude", &"build/", &folder, &"/"];
    let dry = |arguments: Arguments<'_>| laptop.json(&[arguments, &[&"--dry-run"]].concat());
    let before = world.wire().requests().len();
    let would = dry(put);
    let created = |names: &[&str]| -> Vec<(String, String)> {
        names.iter().map(|name| ("create".to_owned(), format!("/{name}"))).collect()
    };
    let all =
        ["project", "project/keep.tmp", "project/main.rs", "project/notes.tmp", "project/src", "project/src/lib.rs"];
    assert_eq!(steps(&would), created(&all));
    assert_eq!((would["files"].as_u64(), would["bytes"].as_u64()), (Some(4), Some(34)), "{would}");
    assert_eq!((paths(&laptop, "/"), laptop.waiting()), (Vec::new(), 0));
    let changing = |line: &str| line.starts_with("PUT") || (line.starts_with("POST") && line.ends_with("commits"));
    let requests = world.wire().requests();
    assert!(!requests[before..].iter().any(|seen| changing(&seen.line)), "{:?}", &requests[before..]);

    laptop.json(put);
    fs_err::write(folder.join("main.rs"), "another text").unwrap();
    let would = dry(put);
    assert_eq!(steps(&would), [("replace".to_owned(), "/project/main.rs".to_owned())], "{would}");
    assert_eq!(would["unchanged"], 3);

    let target = world.path("target");
    let would = dry(&[&"get", &"/project", &target]);
    assert_eq!(would["files"], 4);
    assert!(!target.exists());

    let refusal = laptop.refusal(&[&"rm", &"--dry-run", &"/project"]);
    assert_eq!(refusal.code, "not_empty");
    let would = dry(&[&"rm", &"-r", &"/project"]);
    assert_eq!(steps(&would), [("remove".to_owned(), "/project".to_owned())]);
    assert_eq!(would["files"], 4);
    assert_eq!(paths(&laptop, "/project").len(), 5);
}
