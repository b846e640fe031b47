//! The local state of a device: every store does the same, and nothing in one can be read or altered unseen.

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;
    use std::sync::Mutex;
    use std::thread;

    use anonicloud_client::state::{
        Change, DeviceKey, LocalState as _, SealedState, SqliteState, StateChange, StateError, Table,
    };
    use anonicloud_testkit::local_state::conforms;
    use anonicloud_testkit::memory_state::MemoryState;
    use zeroize::Zeroizing;

    const NAME: &[u8] = b"/Photos/a-name-to-look-for.jpg";
    const VALUE: &[u8] = b"a-value-to-look-for";

    fn put(table: Table, key: &[u8], value: &[u8]) -> StateChange {
        StateChange::Put { table, key: key.to_vec(), value: Zeroizing::new(value.to_vec()) }
    }

    fn contains(bytes: &[u8], part: &[u8]) -> bool {
        bytes.windows(part.len()).any(|window| window == part)
    }

    #[tokio::test]
    async fn a_memory_state_conforms() {
        let stores: Mutex<BTreeMap<&str, MemoryState>> = Mutex::default();
        conforms(async |name| stores.lock().unwrap().entry(name).or_default().clone()).await;
    }

    #[tokio::test]
    async fn an_sqlite_state_conforms() {
        let dir = tempfile::tempdir().unwrap();
        conforms(async |name| SqliteState::open(&dir.path().join(name)).await.unwrap()).await;
    }

    #[tokio::test]
    async fn sealed_entries_come_back_and_go() {
        let state = SealedState::new(MemoryState::default(), &DeviceKey::copy_of(&[7; 32]));
        let same_key = [put(Table::Jobs, NAME, VALUE), put(Table::Tickets, NAME, b""), put(Table::Jobs, b"", b"2")];
        state.apply(same_key.into()).await.unwrap();
        assert_eq!(state.read(Table::Jobs, NAME).await.unwrap().unwrap().as_slice(), VALUE);
        assert_eq!(state.read(Table::Tickets, NAME).await.unwrap().unwrap().as_slice(), b"");
        assert_eq!(state.read(Table::Heads, NAME).await.unwrap(), None);
        let mut jobs = state.scan(Table::Jobs).await.unwrap();
        jobs.sort_by(|(one, _), (other, _)| one.cmp(other));
        let expected = [(b"".to_vec(), b"2".to_vec().into()), (NAME.to_vec(), VALUE.to_vec().into())];
        assert_eq!(jobs, expected);
        let changes = vec![
            StateChange::Delete { table: Table::Jobs, key: NAME.to_vec() },
            StateChange::Clear { table: Table::Tickets },
        ];
        state.apply(changes).await.unwrap();
        assert_eq!(state.scan(Table::Jobs).await.unwrap().len(), 1);
        assert_eq!(state.scan(Table::Tickets).await.unwrap(), []);
    }

    #[tokio::test]
    async fn a_key_or_value_is_in_no_file_of_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        // The canary: what is not sealed is found by the same search.
        let plain = SqliteState::open(&dir.path().join("plain")).await.unwrap();
        let stored = anonicloud_client::state::StoredKey::from_bytes([1; 32]);
        plain.apply(&[Change::Put(Table::Jobs, stored, [NAME, VALUE].concat())]).await.unwrap();
        let sealed = SealedState::open(&dir.path().join("sealed")).await.unwrap();
        sealed.apply(vec![put(Table::Jobs, NAME, VALUE)]).await.unwrap();
        let found_in = |folder: &str, part: &[u8]| {
            let entries = fs_err::read_dir(dir.path().join(folder)).unwrap();
            entries.filter(|entry| contains(&fs_err::read(entry.as_ref().unwrap().path()).unwrap(), part)).count()
        };
        for part in [NAME, VALUE] {
            assert!(found_in("plain", part) > 0);
            assert_eq!(found_in("sealed", part), 0);
        }
    }

    #[tokio::test]
    async fn a_value_altered_or_moved_is_refused() {
        let store = MemoryState::default();
        let key = DeviceKey::copy_of(&[7; 32]);
        let state = SealedState::new(store.clone(), &key);
        state.apply(vec![put(Table::Jobs, NAME, VALUE), put(Table::Jobs, b"other", VALUE)]).await.unwrap();
        let entries = store.scan(Table::Jobs).await.unwrap();
        let [(first, first_value), (second, second_value)] = entries.as_slice() else {
            panic!("two entries");
        };
        let restore = Change::Put(Table::Jobs, *first, first_value.clone());
        for at in 0..first_value.len() {
            let mut altered = first_value.clone();
            altered[at] ^= 0x10;
            store.apply(&[Change::Put(Table::Jobs, *first, altered)]).await.unwrap();
            assert!(matches!(state.scan(Table::Jobs).await, Err(StateError::Corrupt)), "byte {at}");
        }
        for len in 0..first_value.len() {
            store.apply(&[Change::Put(Table::Jobs, *first, first_value[..len].to_vec())]).await.unwrap();
            assert!(matches!(state.scan(Table::Jobs).await, Err(StateError::Corrupt)), "length {len}");
        }
        store.apply(&[Change::Put(Table::Jobs, *first, second_value.clone())]).await.unwrap();
        assert!(matches!(state.scan(Table::Jobs).await, Err(StateError::Corrupt)), "under another key");
        let to_heads = Change::Put(Table::Heads, *second, second_value.clone());
        store.apply(&[restore, to_heads]).await.unwrap();
        assert!(matches!(state.scan(Table::Heads).await, Err(StateError::Corrupt)), "in another table");
        assert_eq!(state.scan(Table::Jobs).await.unwrap().len(), 2);
    }

    #[tokio::test]
    async fn another_device_opens_nothing() {
        let store = MemoryState::default();
        let state = SealedState::new(store.clone(), &DeviceKey::copy_of(&[7; 32]));
        state.apply(vec![put(Table::Jobs, NAME, VALUE)]).await.unwrap();
        let stranger = SealedState::new(store, &DeviceKey::copy_of(&[8; 32]));
        assert!(matches!(stranger.scan(Table::Jobs).await, Err(StateError::Corrupt)));
        assert_eq!(stranger.read(Table::Jobs, NAME).await.unwrap(), None);
    }

    async fn filled_folder(dir: &Path) {
        let state = SealedState::open(dir).await.unwrap();
        let entries = (0..20_u8).map(|number| put(Table::Jobs, &[number], &[number; 50]));
        state.apply(entries.collect()).await.unwrap();
        state.close().await;
    }

    #[tokio::test]
    async fn another_key_of_the_right_length_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let state = SealedState::open(dir.path()).await.unwrap();
        let account = put(Table::Account, NAME, b"keys");
        state.apply(vec![account]).await.unwrap();
        state.close().await;
        fs_err::write(dir.path().join("device.key"), [7; 32]).unwrap();
        assert!(matches!(SealedState::open(dir.path()).await, Err(StateError::Corrupt)));
    }

    #[tokio::test]
    async fn a_state_opens_again_only_with_its_key() {
        let dir = tempfile::tempdir().unwrap();
        filled_folder(dir.path()).await;
        let state = SealedState::open(dir.path()).await.unwrap();
        assert_eq!(state.scan(Table::Jobs).await.unwrap().len(), 20);
        let key_file = dir.path().join("device.key");
        let key = fs_err::read(&key_file).unwrap();
        for broken in [&key[..31], &[], &[0; 33]] {
            fs_err::write(&key_file, broken).unwrap();
            assert!(matches!(SealedState::open(dir.path()).await, Err(StateError::Corrupt)));
        }
        fs_err::remove_file(&key_file).unwrap();
        assert!(matches!(SealedState::open(dir.path()).await, Err(StateError::Corrupt)));
        assert!(!key_file.exists(), "no new key is made over a state that it would not open");
    }

    #[tokio::test]
    async fn an_emptied_database_takes_a_new_key() {
        let dir = tempfile::tempdir().unwrap();
        filled_folder(dir.path()).await;
        let state = SealedState::open(dir.path()).await.unwrap();
        state.apply(vec![StateChange::Clear { table: Table::Jobs }]).await.unwrap();
        state.close().await;
        // What is left when signing out was cut between the key and the database.
        fs_err::remove_file(dir.path().join("device.key")).unwrap();
        let state = SealedState::open(dir.path()).await.unwrap();
        assert_eq!(state.scan(Table::Jobs).await.unwrap(), []);
        state.apply(vec![put(Table::Jobs, NAME, VALUE)]).await.unwrap();
        assert_eq!(state.read(Table::Jobs, NAME).await.unwrap().unwrap().as_slice(), VALUE);
    }

    #[tokio::test]
    async fn a_damaged_database_is_corrupt() {
        let dir = tempfile::tempdir().unwrap();
        filled_folder(dir.path()).await;
        let file = dir.path().join("state.db");
        let whole = fs_err::read(&file).unwrap();
        let garbage = vec![b'x'; whole.len()];
        let mut half_garbage = whole.clone();
        half_garbage[4096..].fill(0xa5);
        for (name, damaged) in [("garbage", &garbage[..]), ("cut", &whole[..4096 + 7]), ("half", &half_garbage)] {
            fs_err::write(&file, damaged).unwrap();
            let read = match SealedState::open(dir.path()).await {
                Ok(state) => state.scan(Table::Jobs).await.map(|entries| entries.len()),
                Err(error) => Err(error),
            };
            assert!(matches!(read, Err(StateError::Corrupt)), "{name}: {read:?}");
        }
    }

    #[tokio::test]
    async fn no_damaged_byte_of_the_database_gives_a_wrong_value() {
        let dir = tempfile::tempdir().unwrap();
        filled_folder(dir.path()).await;
        let file = dir.path().join("state.db");
        let whole = fs_err::read(&file).unwrap();
        let mut refused = 0;
        for at in (0..whole.len()).step_by(61) {
            let mut damaged = whole.clone();
            damaged[at] ^= 0xff;
            fs_err::write(&file, &damaged).unwrap();
            let read = match SealedState::open(dir.path()).await {
                Ok(state) => state.scan(Table::Jobs).await,
                Err(error) => Err(error),
            };
            match read {
                Ok(entries) => {
                    let is_true = |(key, value): &(Vec<u8>, Zeroizing<Vec<u8>>)| value[..] == [key[0]; 50];
                    assert!(entries.iter().all(is_true), "byte {at}");
                }
                Err(_) => refused += 1,
            }
        }
        assert!(refused > 0);
    }

    #[tokio::test]
    async fn devices_that_start_at_once_agree_on_one_key() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        let keys: Mutex<Vec<DeviceKey>> = Mutex::default();
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let key = DeviceKey::load_or_make(&path).unwrap();
                    keys.lock().unwrap().push(key);
                });
            }
        });
        let keys = keys.into_inner().unwrap();
        assert_eq!(keys.len(), 8);
        let store = MemoryState::default();
        SealedState::new(store.clone(), &keys[0]).apply(vec![put(Table::Jobs, NAME, VALUE)]).await.unwrap();
        for key in &keys {
            let read = SealedState::new(store.clone(), key).read(Table::Jobs, NAME).await;
            assert_eq!(read.unwrap().unwrap().as_slice(), VALUE);
        }
        let left: Vec<_> = fs_err::read_dir(&path).unwrap().collect();
        assert_eq!(left.len(), 1, "drafts of the key are gone");
        assert_eq!(format!("{:?}", keys[0]), "DeviceKey(..)");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_key_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        SealedState::open(dir.path()).await.unwrap().close().await;
        let mode = fs_err::metadata(dir.path().join("device.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
