//! What patterns leave out is counted, a pattern that matches nothing is named, and a dry run refuses what the real one does.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::process::Output;

use anonicloud_e2e::device::{Arguments, Device};
use anonicloud_e2e::world::World;
use serde_json::Value;

#[test]
fn patterns_say_what_they_did() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let folder = world.folder("folder");
    for name in ["a.o", "b.o", "c", "build/one", "build/two"] {
        let path = folder.join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, name).unwrap();
    }
    let back = world.path("back");
    let put: Arguments<'_> =
        &[&"put", &"--exclude", &"*.o", &"--exclude", &"build/", &"--exclude", &"*.tpm", &folder, &"/"];
    let get: Arguments<'_> = &[&"get", &"--exclude", &"c", &"--exclude", &"/d", &"/folder", &back];
    for (arguments, left_out, unmatched) in [(put, 3, "*.tpm"), (get, 1, "/d")] {
        let dry = laptop.json(&[arguments, &[&"--dry-run"]].concat());
        let done = laptop.json(arguments);
        for answer in [dry, done] {
            assert_eq!(answer["left_out"], left_out, "{answer}");
            assert_eq!(answer["patterns_unmatched"], serde_json::json!([unmatched]), "{answer}");
        }
        let said = String::from_utf8(laptop.run(arguments).stderr).unwrap();
        assert!(said.contains(&format!("{left_out} left out")), "{said}");
        assert!(said.contains(&format!("warning: nothing matches the pattern {unmatched}")), "{said}");
    }
    // Patterns of the config file are for all folders: nobody wants to hear of them each time.
    let config = world.path("config.toml");
    fs_err::write(&config, "exclude = ['*.swp']\n").unwrap();
    let said = laptop.run(&[&"put", &"--config", &config, &folder, &"/"]);
    assert!(!String::from_utf8(said.stderr).unwrap().contains("warning"));
}

/// The paths that a run skips and why, and how it ended.
fn skipped(output: &Output) -> (Option<i32>, BTreeSet<(String, String)>) {
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let text = |one: &Value, field| one[field].as_str().unwrap().to_owned();
    let all = answer["skipped"].as_array().into_iter().flatten();
    (output.status.code(), all.map(|one| (text(one, "path"), text(one, "code"))).collect())
}

fn run(device: &Device, arguments: Arguments<'_>) -> Output {
    device.command(arguments).arg("--json").output().unwrap()
}

#[test]
fn a_dry_run_refuses_what_the_real_one_refuses() {
    let world = World::new();
    let laptop = world.sign_up("laptop", "alice");
    let folder = world.folder("folder");
    // The same name to a person, in two encodings: folders with something in them, then files.
    for name in ["caf\u{e9}", "cafe\u{301}"] {
        fs_err::create_dir(folder.join(name)).unwrap();
        fs_err::write(folder.join(name).join("menu"), name).unwrap();
    }
    fs_err::write(folder.join("whole"), "whole").unwrap();
    let put: Arguments<'_> = &[&"put", &folder, &"/"];
    let (exit, would_skip) = skipped(&run(&laptop, &[put, &[&"--dry-run"]].concat()));
    assert_eq!((exit, would_skip.len()), (Some(12), 2), "{would_skip:?}");
    assert_eq!((exit, would_skip), skipped(&run(&laptop, put)));

    // What is there already counts too, and a file is no folder to put something in.
    let other = world.folder("other");
    fs_err::create_dir(other.join("whole")).unwrap();
    fs_err::write(other.join("whole/below"), "below").unwrap();
    fs_err::write(other.join("new"), "new").unwrap();
    // What is in it, put beside what is in the other.
    let (inside, new) = (other.join("."), other.join("new"));
    let puts: [[&dyn AsRef<OsStr>; 3]; 2] = [[&"put", &inside, &"/folder"], [&"put", &new, &"/folder/whole/new"]];
    for put in puts {
        let dry = run(&laptop, &[put.as_slice(), &[&"--dry-run"]].concat());
        let done = run(&laptop, &put);
        assert_eq!(skipped(&dry), skipped(&done));
        assert_ne!(dry.status.code(), Some(0));
    }
}
