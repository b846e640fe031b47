//! Whole clients, each a device of one account, over a server in memory: what a commit does when its answer is lost, when
//! another device is faster, or when a device appears meanwhile.

#[cfg(test)]
mod tests {
    use core::ops::ControlFlow;
    use std::cell::RefCell;
    use std::path::{Path, PathBuf};
    use std::rc::Rc;
    use std::sync::Arc;
    use std::time::Duration;

    use anonicloud_client::check::{CheckReport, Damage, Finding, Part, Sample};
    use anonicloud_client::path::RemotePath;
    use anonicloud_client::reclaim::PasswordProof;
    use anonicloud_client::remote::{Retry, ServerAddress};
    use anonicloud_client::session::{Credentials, NewAccount, SignUpDraft, login};
    use anonicloud_client::state::{DeviceKey, LocalState as _, SealedState, Table};
    use anonicloud_client::transfer::{Conflict, Filter, GetItem, GetTarget, Progress, PutReport, PutSource};
    use anonicloud_client::watch::{Change, ChangeKind, Watch};
    use anonicloud_client::{Client, OperationError};
    use anonicloud_proto::api::ErrorCode;
    use anonicloud_testkit::clock::FakeClock;
    use anonicloud_testkit::memory_remote::{Line, MemoryRemote};
    use anonicloud_testkit::memory_state::MemoryState;
    use anonicloud_testkit::random::SeededRandom;
    use tempfile::TempDir;
    use zeroize::Zeroizing;

    /// 2026-11-23.
    const DAY: u32 = 20_780;
    const QUOTA: u64 = 1 << 30;
    const PASSWORD: &str = "seven quiet otters juggle warm lanterns";
    /// For the few tries that a test needs.
    const PATIENCE: Duration = Duration::from_mins(1);

    type Device = Client<Retry<MemoryRemote>, MemoryState>;

    struct Quiet;

    impl Progress for Quiet {
        fn plan(&self, _files: u64, _bytes: u64) {}
        fn advance(&self, _bytes: u64) {}
        fn skip(&self, _bytes: u64) {}
        fn file_done(&self, _path: &str) {}
    }

    /// A server, a clock, and a folder for the files of all devices.
    struct World {
        server: MemoryRemote,
        clock: FakeClock,
        folder: TempDir,
    }

    impl World {
        /// `name` is the test's: no two draw the same keys.
        fn new(name: &str) -> Self {
            let clock = FakeClock::at_day(DAY);
            let server = MemoryRemote::new(name, QUOTA, &clock);
            Self { server, clock, folder: tempfile::tempdir().unwrap() }
        }

        fn remote(&self, line: &Line) -> Retry<MemoryRemote> {
            Retry::new(self.server.over(line), PATIENCE)
        }

        /// The device that makes the account.
        async fn first(&self, line: &Line) -> Rc<Device> {
            let remote = self.remote(line);
            let password = Zeroizing::new(PASSWORD.to_owned());
            let new = NewAccount { handle: "alice".to_owned(), password, account_key: false, invite: None };
            let draft = SignUpDraft::begin(&remote, new).await.unwrap().with_clock(Arc::new(self.clock.clone()));
            let words = draft.recovery_words();
            Rc::new(draft.finish(remote, state(1), &nowhere(), &words).await.unwrap())
        }

        /// Another device of the account; each has a number of its own.
        async fn another(&self, number: u8, line: &Line) -> Rc<Device> {
            let device = enrol(self.remote(line), number).await;
            Rc::new(device.with_clock(Arc::new(self.clock.clone())))
        }

        fn file(&self, name: &str, content: &[u8]) -> PathBuf {
            let path = self.folder.path().join(name);
            fs_err::write(&path, content).unwrap();
            path
        }

        async fn content(&self, device: &Device, remote: &str) -> Vec<u8> {
            let target = self.folder.path().join("got");
            let item = GetItem { remote: path(remote), target: GetTarget::Path(target.clone()), overwrite: true };
            device.get(vec![item], &Filter::everything(), &Quiet).await.unwrap();
            fs_err::read(target).unwrap()
        }
    }

    fn state(number: u8) -> SealedState<MemoryState> {
        SealedState::new(MemoryState::default(), &DeviceKey::copy_of(&[number; 32]))
    }

    fn nowhere() -> ServerAddress {
        ServerAddress { url: "https://memory.example".to_owned(), ca_file: None }
    }

    async fn enrol(remote: Retry<MemoryRemote>, number: u8) -> Device {
        let password = Zeroizing::new(PASSWORD.to_owned());
        let credentials = Credentials { handle: "alice".to_owned(), password, account_key: None };
        login(remote, state(number), &nowhere(), credentials).await.unwrap()
    }

    fn path(text: &str) -> RemotePath {
        RemotePath::parse(text.as_bytes()).unwrap()
    }

    async fn put(device: &Device, local: &Path, remote: &str) -> PutReport {
        let source = PutSource::Path { local: local.to_path_buf(), remote: path(remote) };
        let report = device.put(vec![source], Filter::everything(), &Quiet).await.unwrap();
        assert!(report.skipped.is_empty());
        report
    }

    async fn names(device: &Device) -> Vec<String> {
        let items = device.list(&RemotePath::root()).await.unwrap();
        items.into_iter().map(|item| String::from_utf8(item.name).unwrap()).collect()
    }

    /// Nothing is left to do, and nothing at the server waits for it.
    async fn assert_done(device: &Device) {
        assert!(device.queue().await.unwrap().is_empty());
        assert_eq!(device.quota().await.unwrap().reserved, 0);
    }

    #[tokio::test]
    async fn files_go_up_and_come_down() {
        let world = World::new("files go up and come down");
        let laptop = world.first(&Line::default()).await;
        // Nothing, one piece, a segment of its own, and one and a piece.
        for (name, len) in [("none", 0), ("piece", 5000), ("segment", 2 << 20), ("both", (4 << 20) + 17)] {
            let content = SeededRandom::new(name).bytes(len);
            put(&laptop, &world.file(name, &content), &format!("/{name}")).await;
            assert!(world.content(&laptop, &format!("/{name}")).await == content, "{name}");
        }
        let phone = world.another(2, &Line::default()).await;
        assert_eq!(names(&phone).await, ["both", "none", "piece", "segment"]);
        let both = SeededRandom::new("both").bytes((4 << 20) + 17);
        assert!(world.content(&phone, "/both").await == both);
        assert_done(&laptop).await;
    }

    #[tokio::test]
    async fn a_login_that_the_server_forgets_half_way_begins_again() {
        let world = World::new("a login that is forgotten");
        let line = Line::default();
        world.first(&line).await;
        for (forgotten, works) in [(4, true), (5, false)] {
            let password = Zeroizing::new(PASSWORD.to_owned());
            let credentials = Credentials { handle: "alice".to_owned(), password, account_key: None };
            world.server.forget_logins(forgotten);
            let by_password = login(world.remote(&line), state(2), &nowhere(), credentials).await;
            assert_eq!(by_password.is_ok(), works, "{forgotten}");
            world.server.forget_logins(0);
            let device = world.another(3, &line).await;
            world.server.forget_logins(forgotten);
            assert_eq!(device.list(&RemotePath::root()).await.is_ok(), works, "a space's session, {forgotten}");
            world.server.forget_logins(forgotten);
            assert_eq!(device.quota().await.is_ok(), works, "by the device's key, {forgotten}");
        }
    }

    #[tokio::test]
    async fn a_session_that_the_server_forgets_is_opened_again() {
        let world = World::new("a session that is forgotten");
        let line = Line::default();
        let laptop = world.first(&line).await;
        for (forgotten, works) in [(4, true), (5, false)] {
            line.forget_account_sessions(forgotten);
            assert_eq!(laptop.quota().await.is_ok(), works, "{forgotten}");
        }
    }

    #[tokio::test]
    async fn a_commit_whose_answer_was_lost_stands_once() {
        let world = World::new("a commit whose answer was lost");
        let line = Line::default();
        let laptop = world.first(&line).await;
        line.lose_commits(1);
        let report = put(&laptop, &world.file("note", b"mine"), "/note").await;
        assert_eq!((report.files, report.conflicts), (1, Vec::new()));
        assert_eq!(world.server.commits(), 2, "the genesis and one");
        assert_eq!(names(&laptop).await, ["note"]);
        assert_done(&laptop).await;
    }

    #[tokio::test]
    async fn a_commit_whose_answer_was_lost_is_found_under_the_next_one() {
        let world = World::new("a commit under the next one");
        let line = Line::default();
        let laptop = world.first(&line).await;
        let phone = world.another(2, &Line::default()).await;
        // The first try is applied; before the second one the phone goes on from it.
        line.lose_commits(1);
        line.before_commit(async {});
        let faster = Rc::clone(&phone);
        line.before_commit(async move { faster.make_directory(&path("/phone"), false).await.unwrap() });
        let report = put(&laptop, &world.file("note", b"mine"), "/note").await;
        assert_eq!(report.conflicts, []);
        assert_eq!(names(&laptop).await, ["note", "phone"]);
        assert_eq!(world.content(&phone, "/note").await, b"mine");
        assert_done(&laptop).await;
    }

    #[tokio::test]
    async fn who_loses_three_times_in_a_row_merges_three_times() {
        let world = World::new("who loses three times");
        let line = Line::default();
        let laptop = world.first(&line).await;
        let phone = world.another(2, &Line::default()).await;
        for name in ["/one", "/two", "/three"] {
            let faster = Rc::clone(&phone);
            line.before_commit(async move { faster.make_directory(&path(name), false).await.unwrap() });
        }
        let content = SeededRandom::new("large").bytes(5 << 20);
        let report = put(&laptop, &world.file("large", &content), "/large").await;
        assert_eq!(report.conflicts, []);
        let all = ["large", "one", "three", "two"];
        assert_eq!(
            (names(&laptop).await, names(&phone).await),
            (all.map(str::to_owned).into(), all.map(str::to_owned).into())
        );
        assert!(world.content(&phone, "/large").await == content);
        assert_eq!(world.server.commits(), 5, "the genesis, three and one");
        assert_done(&laptop).await;
    }

    #[tokio::test]
    async fn a_device_that_appears_while_another_commits_reads_and_writes() {
        let world = World::new("a device that appears");
        let line = Line::default();
        let laptop = world.first(&line).await;
        put(&laptop, &world.file("before", b"before"), "/before").await;
        let (remote, note) = (world.remote(&Line::default()), world.file("phone", b"from the phone"));
        line.before_commit(async move {
            // Enrolled by a link that the laptop does not know, it commits before the laptop does.
            let phone = enrol(remote, 2).await;
            assert_eq!(names(&phone).await, ["before"]);
            put(&phone, &note, "/phone").await;
        });
        put(&laptop, &world.file("laptop", b"from the laptop"), "/laptop").await;
        let tablet = world.another(3, &Line::default()).await;
        for device in [&laptop, &tablet] {
            assert_eq!(names(device).await, ["before", "laptop", "phone"]);
            assert_eq!(world.content(device, "/phone").await, b"from the phone");
        }
        assert_done(&laptop).await;
    }

    #[tokio::test]
    async fn conflict_copies_bear_the_day_of_the_clock() {
        let world = World::new("conflict copies bear the day");
        let line = Line::default();
        let laptop = world.first(&line).await;
        let phone = world.another(2, &Line::default()).await;
        put(&laptop, &world.file("note", b"first"), "/note").await;
        world.clock.pass(Duration::from_secs(24 * 60 * 60 - 1));
        let mut dates = Vec::new();
        for number in 0..2 {
            let theirs = world.file("theirs", format!("of the phone {number}").as_bytes());
            let faster = Rc::clone(&phone);
            line.before_commit(async move { drop(put(&faster, &theirs, "/note").await) });
            let ours = world.file("note", format!("of the laptop, at some length {number}").as_bytes());
            let report = put(&laptop, &ours, "/note").await;
            let Conflict { path: kept, copy } = &report.conflicts[0];
            assert_eq!(kept, &path("/note"));
            let copy = copy.to_string();
            dates.push(copy.trim_end_matches(')').rsplit(' ').next().unwrap().to_owned());
            world.clock.pass(Duration::from_secs(1));
        }
        assert_eq!(dates, ["2026-11-23", "2026-11-24"], "midnight lies between them");
        assert_eq!(names(&phone).await.len(), 3);
    }

    #[tokio::test]
    async fn folders_that_are_gone_do_not_stay_in_the_local_state() {
        const FOLDERS: usize = 600;
        let world = World::new("folders that are gone");
        world.first(&Line::default()).await;
        let memory = MemoryState::default();
        let state = || SealedState::new(memory.clone(), &DeviceKey::copy_of(&[2; 32]));
        let password = Zeroizing::new(PASSWORD.to_owned());
        let credentials = Credentials { handle: "alice".to_owned(), password, account_key: None };
        let phone = login(world.remote(&Line::default()), state(), &nowhere(), credentials).await.unwrap();
        let folder = world.folder.path().join("many");
        for number in 0..FOLDERS {
            fs_err::create_dir_all(folder.join(number.to_string())).unwrap();
        }
        let mut most = 0;
        for round in 0..5 {
            let remote = format!("/{round}");
            put(&phone, &folder, &remote).await;
            most = most.max(memory.scan(Table::Nodes).await.unwrap().len());
            let again = Client::open(world.remote(&Line::default()), state()).await.unwrap().offline();
            let mut met = 0;
            again
                .walk(&path(&remote), &mut |_, _| {
                    met += 1;
                    ControlFlow::Continue(())
                })
                .await
                .unwrap();
            assert_eq!(met, FOLDERS, "what is there is kept");
            phone.remove(&[path(&remote)], true).await.unwrap();
        }
        assert!(most <= 3 * FOLDERS + 300, "{most} nodes were kept");
    }

    /// Sweeps and frees at once; gives the bytes that were freed.
    async fn free(device: &Device) -> u64 {
        let proof = PasswordProof { password: Zeroizing::new(PASSWORD.to_owned()), account_key: None };
        let freeing = device.prepare_to_free(proof).await.unwrap();
        assert_eq!((freeing.swept().kept, freeing.swept().missing), (0, 0));
        let shown = freeing.released().bytes;
        let freed = device.free(freeing).await.unwrap();
        assert_eq!(freed, shown);
        freed
    }

    #[tokio::test]
    async fn what_is_removed_is_released_and_gone_thirty_days_later() {
        let world = World::new("what is removed is released");
        let laptop = world.first(&Line::default()).await;
        let content = SeededRandom::new("kept").bytes((4 << 20) + 17);
        put(&laptop, &world.file("kept", &content), "/kept").await;
        let used = laptop.quota().await.unwrap().used;
        put(&laptop, &world.file("gone", &SeededRandom::new("gone").bytes(9 << 20)), "/gone").await;
        laptop.remove(&[path("/gone")], false).await.unwrap();
        let found = laptop.find_unused().await.unwrap();
        let swept = laptop.sweep().await.unwrap();
        assert_eq!((swept, swept.missing), (found, 0));
        assert!(swept.bytes > 9 << 20);
        let released = laptop.quota().await.unwrap().released;
        assert_eq!((released.bytes, released.since.as_deref()), (swept.bytes, Some("2026-11-23")));
        assert_eq!(released.free_from.as_deref(), Some("2026-12-24"));
        assert_eq!(laptop.sweep().await.unwrap().blobs, 0);
        for _ in 0..31 {
            assert_eq!(laptop.quota().await.unwrap().released.bytes, swept.bytes);
            world.clock.pass(Duration::from_hours(24));
            names(&laptop).await;
        }
        let quota = laptop.quota().await.unwrap();
        assert_eq!((quota.released.bytes, quota.released.since), (0, None));
        assert!(quota.used < used + (1 << 20), "{} {used}", quota.used);
        assert!(world.content(&laptop, "/kept").await == content);
    }

    /// Between what is shown and the answer of who is asked, another device may release what nobody has looked at.
    #[tokio::test]
    async fn what_is_released_after_the_look_is_not_freed_with_the_rest() {
        let world = World::new("what is released after the look");
        let laptop = world.first(&Line::default()).await;
        let phone = world.another(2, &Line::default()).await;
        put(&laptop, &world.file("gone", &SeededRandom::new("gone").bytes(9 << 20)), "/gone").await;
        put(&laptop, &world.file("late", &SeededRandom::new("late").bytes(5 << 20)), "/late").await;
        laptop.remove(&[path("/gone")], false).await.unwrap();
        let proof = PasswordProof { password: Zeroizing::new(PASSWORD.to_owned()), account_key: None };
        let freeing = laptop.prepare_to_free(proof).await.unwrap();
        phone.remove(&[path("/late")], false).await.unwrap();
        let late = phone.sweep().await.unwrap().bytes;
        assert!(late > 5 << 20);
        let shown = freeing.released().bytes;
        assert_eq!(laptop.free(freeing).await.unwrap(), shown);
        assert_eq!(laptop.quota().await.unwrap().released.bytes, late);
        assert_eq!(free(&phone).await, late);
    }

    #[tokio::test]
    async fn who_keeps_segments_of_what_another_device_frees_sends_them_anew() {
        let world = World::new("who keeps segments");
        let line = Line::default();
        let laptop = world.first(&line).await;
        let phone = world.another(2, &Line::default()).await;
        let mut content = SeededRandom::new("large").bytes((13 << 20) + 17);
        put(&laptop, &world.file("large", &content), "/large").await;
        content[5 << 20] ^= 1;
        let faster = Rc::clone(&phone);
        line.before_commit(async move {
            faster.remove(&[path("/large")], false).await.unwrap();
            assert!(free(&faster).await > 12 << 20);
        });
        world.clock.pass(Duration::from_secs(1));
        let report = put(&laptop, &world.file("large", &content), "/large").await;
        assert_eq!((report.files, report.conflicts), (1, Vec::new()));
        free(&phone).await;
        assert!(world.content(&phone, "/large").await == content);
        assert_done(&laptop).await;
    }

    #[tokio::test]
    async fn a_removal_that_loses_to_a_sweep_leaves_what_was_edited() {
        let world = World::new("a removal that loses");
        let line = Line::default();
        let laptop = world.first(&line).await;
        let phone = world.another(2, &Line::default()).await;
        put(&laptop, &world.file("old", b"old"), "/note").await;
        put(&laptop, &world.file("other", b"other"), "/other").await;
        let (faster, new) = (Rc::clone(&phone), world.file("new", b"new, and longer"));
        line.before_commit(async move {
            put(&faster, &new, "/note").await;
            faster.sweep().await.unwrap();
        });
        laptop.remove(&[path("/note"), path("/other")], false).await.unwrap();
        assert_eq!(names(&phone).await, ["note"]);
        free(&phone).await;
        assert_eq!(world.content(&laptop, "/note").await, b"new, and longer");
    }

    /// What `watch` tells, a line each.
    async fn told(device: &Device, watch: &mut Watch) -> Vec<String> {
        let changes = device.next_changes(watch).await.unwrap();
        let line = |change: &Change| match &change.kind {
            ChangeKind::Added => format!("added {}", change.path),
            ChangeKind::Changed => format!("changed {}", change.path),
            ChangeKind::Removed => format!("removed {}", change.path),
            ChangeKind::Moved { from } => format!("moved {} from {from}", change.path),
            kind => format!("{kind:?} {}", change.path),
        };
        changes.iter().map(line).collect()
    }

    /// A step of a device that another one watches.
    enum Step {
        Make(&'static str),
        Move(&'static str, &'static str),
        Remove(&'static str),
    }

    /// Makes `before`, then does all `steps` between two looks of another device; gives what that one tells.
    async fn told_of(name: &str, before: &[&str], steps: &[Step]) -> Vec<String> {
        let world = World::new(name);
        let laptop = world.first(&Line::default()).await;
        for folder in before {
            laptop.make_directory(&path(folder), true).await.unwrap();
        }
        let phone = world.another(2, &Line::default()).await;
        let mut watch = phone.watch(&RemotePath::root()).await.unwrap();
        for step in steps {
            match step {
                Step::Make(folder) => laptop.make_directory(&path(folder), true).await.unwrap(),
                Step::Move(from, to) => laptop.rename(&path(from), &path(to)).await.unwrap(),
                Step::Remove(folder) => laptop.remove(&[path(folder)], true).await.unwrap(),
            }
        }
        told(&phone, &mut watch).await
    }

    #[tokio::test]
    async fn what_lies_in_a_folder_that_moved_is_neither_gone_nor_new() {
        let deeper = [Step::Make("/N"), Step::Move("/F", "/N/F")];
        let told = told_of("a folder moves deeper", &["/F/c/e"], &deeper).await;
        assert_eq!(told, ["added /N", "moved /N/F from /F"]);
        let up = [Step::Move("/G/F", "/F"), Step::Remove("/G")];
        let told = told_of("a folder moves up", &["/G/F/c/e"], &up).await;
        assert_eq!(told, ["moved /F from /G/F", "removed /G"]);
    }

    #[tokio::test]
    async fn what_changes_in_folders_that_moved_is_told() {
        let changed = [Step::Move("/F", "/X"), Step::Make("/X/d")];
        let told = told_of("a folder moves and changes", &["/F/c"], &changed).await;
        assert_eq!(told, ["moved /X from /F", "added /X/d"]);
        // What is below a folder that moved deeper goes out of it before, and loses something.
        let parted = [Step::Make("/N/M"), Step::Move("/F/d", "/d"), Step::Move("/F", "/N/M/F"), Step::Remove("/d/z")];
        let told = told_of("folders part", &["/F/d/z", "/F/c/e"], &parted).await;
        assert_eq!(told, ["removed /F/d/z", "added /N", "added /N/M", "moved /N/M/F from /F", "moved /d from /F/d"]);
    }

    #[tokio::test]
    async fn a_head_behind_what_was_known_is_told_though_another_process_gets_on_meanwhile() {
        let world = World::new("a head behind");
        world.first(&Line::default()).await;
        let memory = MemoryState::default();
        let state = || SealedState::new(memory.clone(), &DeviceKey::copy_of(&[2; 32]));
        let password = Zeroizing::new(PASSWORD.to_owned());
        let credentials = Credentials { handle: "alice".to_owned(), password, account_key: None };
        let line = Line::default();
        let phone = login(world.remote(&line), state(), &nowhere(), credentials).await.unwrap();
        let other = Rc::new(Client::open(world.remote(&Line::default()), state()).await.unwrap());
        let get_on = |name: &'static str| {
            let other = Rc::clone(&other);
            line.after_head(async move { other.make_directory(&path(name), false).await.unwrap() });
        };
        // Honest: the answer was the newest when it left.
        get_on("/one");
        assert_eq!(names(&phone).await, ["one"]);
        // The answer comes again, which another process knew to be old when it was asked for.
        other.make_directory(&path("/two"), false).await.unwrap();
        line.repeat_head();
        get_on("/three");
        let error = phone.list(&RemotePath::root()).await.err();
        assert!(matches!(error, Some(OperationError::RolledBack)), "{error:?}");
    }

    /// Another process of the phone, whose state is `memory`.
    async fn process(world: &World, memory: &MemoryState, line: &Line) -> Rc<Device> {
        let state = SealedState::new(memory.clone(), &DeviceKey::copy_of(&[2; 32]));
        Rc::new(Client::open(world.remote(line), state).await.unwrap())
    }

    /// The phone, over a state that other processes share.
    async fn phone(world: &World) -> MemoryState {
        let memory = MemoryState::default();
        let state = SealedState::new(memory.clone(), &DeviceKey::copy_of(&[2; 32]));
        let password = Zeroizing::new(PASSWORD.to_owned());
        let credentials = Credentials { handle: "alice".to_owned(), password, account_key: None };
        login(world.remote(&Line::default()), state, &nowhere(), credentials).await.unwrap();
        memory
    }

    #[tokio::test]
    async fn a_commit_that_fails_leaves_what_is_kept_of_the_tree() {
        let world = World::new("a commit that fails");
        world.first(&Line::default()).await;
        let (memory, line) = (phone(&world).await, Line::default());
        let device = process(&world, &memory, &line).await;
        device.make_directory(&path("/one"), false).await.unwrap();
        line.refuse_commit(ErrorCode::Forbidden);
        assert!(device.make_directory(&path("/two"), false).await.is_err());
        let Ok(later) = Rc::try_unwrap(process(&world, &memory, &line).await) else { panic!("it is shared") };
        let items = later.offline().list(&RemotePath::root()).await.unwrap();
        assert_eq!(items.map(|item| item.name).collect::<Vec<_>>(), [b"one"]);
    }

    #[tokio::test]
    async fn what_a_faster_process_of_the_device_keeps_is_not_cleared() {
        const FOLDERS: usize = 600;
        let world = World::new("a faster process");
        let laptop = world.first(&Line::default()).await;
        let (memory, line) = (phone(&world).await, Line::default());
        laptop.make_directory(&path("/other"), false).await.unwrap();
        let folder = world.folder.path().join("many");
        for number in 0..FOLDERS {
            fs_err::create_dir_all(folder.join(number.to_string())).unwrap();
        }
        let (slow, fast) = (process(&world, &memory, &line).await, process(&world, &memory, &Line::default()).await);
        // The slow one knows the head and asks for its root when the fast one commits.
        line.before_blob(async move { drop(put(&fast, &folder, "/many").await) });
        assert_eq!(names(&slow).await, ["other"]);
        let kept = memory.keys(Table::Nodes).await.unwrap().len();
        assert!(kept > FOLDERS, "{kept} nodes are left");
    }

    async fn check(device: &Device, sample: Option<Sample>) -> (CheckReport, Vec<Finding>) {
        let (report, found) = (RefCell::default(), RefCell::new(Vec::new()));
        let tell = |finding: &Finding| found.borrow_mut().push(finding.clone());
        device.check(&RemotePath::root(), sample, &Quiet, &tell, &report).await.unwrap();
        (report.into_inner(), found.into_inner())
    }

    /// A device with two files in the root and two in a folder, on a line where nothing is tried again.
    async fn device_with_files(world: &World, line: &Line) -> Device {
        let draft = world.first(&Line::default()).await;
        let folder = world.folder.path().join("folder");
        fs_err::create_dir(&folder).unwrap();
        for name in ["a", "b"] {
            fs_err::write(folder.join(name), name).unwrap();
            put(&draft, &world.file(name, name.as_bytes()), &format!("/{name}")).await;
        }
        put(&draft, &folder, "/folder").await;
        enrol(Retry::new(world.server.over(line), Duration::ZERO), 2).await
    }

    /// The attack: the server shows a folder while pieces are counted, and has none when they are looked at.
    #[tokio::test]
    async fn a_folder_that_does_not_come_again_is_found_by_a_sample() {
        let world = World::new("a folder that does not come again");
        let line = Line::default();
        let device = device_with_files(&world, &line).await;
        let all = Some(Sample::PerMillion(1_000_000));
        let (report, found) = check(&device, all).await;
        let sampled = report.sampled.unwrap();
        assert_eq!((sampled.population, sampled.chosen, found.len()), (8, 8, 0));
        // The root and the folder once, then the root, its files' records and segments, and no folder.
        line.refuse_blobs([None; 7].into_iter().chain([Some(ErrorCode::NotFound)]));
        let (report, found) = check(&device, Some(Sample::Pieces(8))).await;
        let found: Vec<_> =
            found.iter().map(|finding| (finding.path.to_string(), finding.part, finding.damage)).collect();
        assert_eq!(found, [("/folder".to_owned(), Part::Folder, Damage::Missing)]);
        let sampled = report.sampled.unwrap();
        assert_eq!((sampled.population, sampled.chosen, report.pieces), (8, 4, 4), "what was looked at");
        assert!((sampled.probability - 0.5).abs() < 1e-9, "{sampled:?}");
        // What was told while pieces were counted is told once.
        let gone = Some(ErrorCode::NotFound);
        line.refuse_blobs([None, gone, None, None, None, None, None, gone]);
        let (_, found) = check(&device, all).await;
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[tokio::test]
    async fn a_server_that_refuses_for_the_moment_is_asked_again() {
        let world = World::new("a server that refuses for the moment");
        let line = Line::default();
        let device = device_with_files(&world, &line).await;
        let fast = [ErrorCode::TooManyRequests, ErrorCode::Unavailable];
        line.refuse_blobs([Some(fast[0]), None, Some(fast[1]), None, Some(fast[1])]);
        let (report, found) = check(&device, None).await;
        assert_eq!((report.files, found), (4, Vec::new()));
        // Twice is no accident of one request.
        line.refuse_blobs([Some(fast[1]); 2]);
        let (_, found) = check(&device, None).await;
        assert_eq!(found.iter().map(|finding| finding.damage).collect::<Vec<_>>(), [Damage::Withheld]);
        line.refuse_blobs([Some(fast[0]); 2]);
        let refused = device.check(&RemotePath::root(), None, &Quiet, &|_| {}, &RefCell::default()).await;
        assert!(refused.is_err(), "how fast this device asks says nothing of what is stored");
    }

    #[tokio::test]
    async fn a_pack_that_was_fetched_before_is_fetched_again_for_a_check() {
        let world = World::new("a pack that was fetched before");
        let line = Line::default();
        let device = device_with_files(&world, &line).await;
        assert_eq!(check(&device, None).await.1, []);
        // The root, its files' records and segments, the folder; not the pack of its files.
        line.refuse_blobs([None; 6].into_iter().chain([Some(ErrorCode::NotFound); 5]));
        let (_, found) = check(&device, None).await;
        assert!(found.iter().all(|finding| finding.part == Part::Record), "{found:?}");
        assert_eq!(found.len(), 2, "{found:?}");
    }
}
