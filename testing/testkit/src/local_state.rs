//! What every [`LocalState`] does, whatever it keeps its values in.

use std::collections::BTreeMap;

use anonicloud_client::state::{Change, LocalState, Seen, StoredKey, Table};

use crate::random::SeededRandom;

const TABLES: [Table; 3] = [Table::Account, Table::Jobs, Table::Staged];

/// Runs the whole suite.
///
/// `open` opens the store of a name, which is empty at first; opened again, it is the same store, as after a restart.
///
/// # Panics
/// Where the store does not do what [`LocalState`] says.
pub async fn conforms<S: LocalState>(open: impl AsyncFn(&'static str) -> S) {
    an_empty_store_has_nothing(&open("empty").await).await;
    tables_are_apart(&open("tables").await).await;
    changes_of_a_group_follow_each_other(&open("groups").await).await;
    several_are_read_in_the_order_they_are_asked_for(&open("several").await).await;
    any_value_comes_back(&open("values").await).await;
    a_second_handle_sees_what_the_first_wrote(&open).await;
    what_was_seen_decides(&open).await;
    any_history_gives_what_a_map_gives(&open).await;
}

const fn key(byte: u8) -> StoredKey {
    StoredKey::from_bytes([byte; 32])
}

async fn read<S: LocalState>(store: &S, table: Table, at: StoredKey) -> Option<Vec<u8>> {
    store.read(table, &at).await.expect("a read")
}

async fn scan<S: LocalState>(store: &S, table: Table) -> Vec<(StoredKey, Vec<u8>)> {
    store.scan(table).await.expect("a scan")
}

async fn apply<S: LocalState>(store: &S, changes: &[Change]) {
    store.apply(changes).await.expect("changes");
}

async fn an_empty_store_has_nothing<S: LocalState>(store: &S) {
    apply(store, &[]).await;
    apply(store, &[Change::Delete(Table::Jobs, key(1)), Change::Clear(Table::Jobs)]).await;
    assert_eq!(read(store, Table::Jobs, key(1)).await, None);
    assert_eq!(scan(store, Table::Jobs).await, []);
}

async fn tables_are_apart<S: LocalState>(store: &S) {
    let put = |table: Table| Change::Put(table, key(1), vec![table.number()]);
    apply(store, &TABLES.map(put)).await;
    apply(store, &[Change::Clear(Table::Jobs)]).await;
    assert_eq!(read(store, Table::Account, key(1)).await, Some(vec![Table::Account.number()]));
    assert_eq!(scan(store, Table::Staged).await, [(key(1), vec![Table::Staged.number()])]);
    assert_eq!(scan(store, Table::Jobs).await, []);
}

async fn changes_of_a_group_follow_each_other<S: LocalState>(store: &S) {
    let put = |at, value: &str| Change::Put(Table::Jobs, key(at), value.into());
    let delete = |at| Change::Delete(Table::Jobs, key(at));
    apply(store, &[put(1, "gone"), put(2, "first"), put(2, "second"), delete(1)]).await;
    assert_eq!(scan(store, Table::Jobs).await, [(key(2), b"second".to_vec())]);
    apply(store, &[put(3, "gone"), Change::Clear(Table::Jobs), put(9, "b"), put(4, "a")]).await;
    let expected = [(key(4), b"a".to_vec()), (key(9), b"b".to_vec())];
    assert_eq!(scan(store, Table::Jobs).await, expected, "by key");
}

async fn several_are_read_in_the_order_they_are_asked_for<S: LocalState>(store: &S) {
    let put = |table, at: u16| {
        let mut key = [0; 32];
        key[..2].copy_from_slice(&at.to_be_bytes());
        (StoredKey::from_bytes(key), Change::Put(table, StoredKey::from_bytes(key), at.to_be_bytes().to_vec()))
    };
    let (keys, changes): (Vec<_>, Vec<_>) = (0..600).map(|at| put(Table::Nodes, at)).unzip();
    apply(store, &changes).await;
    apply(store, &[put(Table::Jobs, 7).1, Change::Delete(Table::Nodes, keys[30])]).await;
    let asked: Vec<_> = keys.iter().rev().copied().chain([key(0xff)]).collect();
    let values = store.read_all(Table::Nodes, &asked).await.expect("a read");
    let expected = (0..600_u16).rev().map(|at| (at != 30).then(|| at.to_be_bytes().to_vec())).chain([None]);
    assert_eq!(values, expected.collect::<Vec<_>>());
    let twice = store.read_all(Table::Nodes, &[keys[3], keys[2], keys[3]]).await.expect("a read");
    assert_eq!(twice, [3_u16, 2, 3].map(|at| Some(at.to_be_bytes().to_vec())), "one key twice");
    let left: Vec<_> = keys.iter().enumerate().filter(|(at, _)| *at != 30).map(|(_, key)| *key).collect();
    assert_eq!(store.keys(Table::Nodes).await.expect("keys"), left);
}

async fn any_value_comes_back<S: LocalState>(store: &S) {
    let large = SeededRandom::new("any value comes back").bytes((4 << 20) + 129);
    for value in [Vec::new(), vec![0], vec![0; 4096], large] {
        apply(store, &[Change::Put(Table::Staged, key(0xff), value.clone())]).await;
        assert!(read(store, Table::Staged, key(0xff)).await == Some(value));
    }
}

async fn a_second_handle_sees_what_the_first_wrote<S: LocalState>(open: &impl AsyncFn(&'static str) -> S) {
    let (first, second) = (open("handles").await, open("handles").await);
    for (writer, reader, value) in [(&first, &second, "1"), (&second, &first, "2"), (&first, &second, "3")] {
        apply(writer, &[Change::Put(Table::Heads, key(1), value.into())]).await;
        assert_eq!(read(reader, Table::Heads, key(1)).await, Some(value.into()));
    }
}

async fn what_was_seen_decides<S: LocalState>(open: &impl AsyncFn(&'static str) -> S) {
    let (store, other) = (open("seen").await, open("seen").await);
    let seen = |at, value: Option<&str>| {
        let value = value.map(|value| value.as_bytes().to_vec());
        Seen { table: Table::Heads, key: key(at), value }
    };
    let put = |at, value: &str| Change::Put(Table::Heads, key(at), value.into());
    let apply_if = async |seen: &[Seen], changes: &[Change]| store.apply_if(seen, changes).await.expect("changes");
    assert!(apply_if(&[seen(1, None)], &[put(1, "a")]).await);
    assert!(!apply_if(&[seen(1, None)], &[put(1, "b")]).await, "there is one");
    apply(&other, &[put(2, "b")]).await;
    assert!(!apply_if(&[seen(1, Some("a")), seen(2, Some("c"))], &[put(1, "d"), put(2, "d")]).await, "another one");
    assert!(
        apply_if(&[seen(1, Some("a")), seen(2, Some("b"))], &[put(2, "e"), Change::Delete(Table::Heads, key(1))]).await
    );
    assert!(!apply_if(&[seen(1, Some("a"))], &[put(1, "f")]).await, "gone");
    assert_eq!(scan(&store, Table::Heads).await, [(key(2), b"e".to_vec())]);
}

/// 200 random groups of changes, the store opened anew after every tenth.
async fn any_history_gives_what_a_map_gives<S: LocalState>(open: &impl AsyncFn(&'static str) -> S) {
    let mut random = SeededRandom::new("any history gives what a map gives");
    let mut model = BTreeMap::new();
    for _ in 0..20 {
        let store = open("history").await;
        for _ in 0..10 {
            let len = random.below(5);
            let changes: Vec<Change> = (0..len).map(|_| random_change(&mut random)).collect();
            for change in &changes {
                follow(&mut model, change);
            }
            apply(&store, &changes).await;
        }
        for table in TABLES {
            let of_table = model.iter().filter(|((of, _), _)| *of == table);
            let expected: Vec<_> = of_table.map(|((_, key), value): (_, &Vec<u8>)| (*key, value.clone())).collect();
            assert_eq!(scan(&store, table).await, expected);
        }
    }
    assert!(!model.is_empty(), "the history ends with entries");
}

fn random_change(random: &mut SeededRandom) -> Change {
    let table = match random.below(3) {
        0 => Table::Account,
        1 => Table::Jobs,
        _ => Table::Staged,
    };
    let at = key(if random.below(2) == 0 { 1 } else { 2 });
    match random.below(10) {
        0 => Change::Clear(table),
        1 | 2 => Change::Delete(table, at),
        _ => {
            let len = usize::try_from(random.below(300)).unwrap_or_default();
            Change::Put(table, at, random.bytes(len))
        }
    }
}

fn follow(model: &mut BTreeMap<(Table, StoredKey), Vec<u8>>, change: &Change) {
    match change {
        Change::Put(table, at, value) => {
            model.insert((*table, *at), value.clone());
        }
        Change::Delete(table, at) => {
            model.remove(&(*table, *at));
        }
        Change::Clear(table) => model.retain(|(of, _), _| of != table),
        _ => unreachable!("the suite makes no other changes"),
    }
}
