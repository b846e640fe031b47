//! Every type that holds a secret is wiped when it is dropped: what is listed here does not compile without that.
//!
//! Types whose fields are of these types or of core's, and otherwise public, and are not open to this module: `SignUpDraft`,
//! `SealedState`, `SpaceDoor`, `Freeing`, `KeyFile`.

use anonicloud_proto::api::{LoginAnswer, SpaceSessionAnswer, SpaceSessionFinish};
use zeroize::ZeroizeOnDrop;

use crate::remote::{SessionToken, SpaceAccess};
use crate::session::record::AccountRecord;
use crate::session::{Credentials, NewAccount, PasswordProof};
use crate::state::{DeviceKey, StateChange, StateEntry};

const fn wiped<T: ZeroizeOnDrop>(_: &T) {}

const _: fn(&DeviceKey, &SessionToken) = |key, token| {
    wiped(key);
    wiped(token);
};

const _: fn(&SpaceAccess) = |SpaceAccess { space: _, token }| wiped(token);

const _: fn(&StateEntry) = |(_, value)| wiped(value);

const _: fn(&StateChange) = |change| match change {
    StateChange::Put { table: _, key: _, value } => wiped(value),
    StateChange::Delete { table: _, key: _ } | StateChange::Clear { table: _ } => {}
};

const _: fn(&Credentials) = |Credentials { handle: _, password, account_key }| {
    wiped(password);
    wiped(account_key);
};

const _: fn(&PasswordProof) = |PasswordProof { password, account_key }| {
    wiped(password);
    wiped(account_key);
};

const _: fn(&NewAccount) = |NewAccount { handle: _, password, account_key: _, invite }| {
    wiped(password);
    wiped(invite);
};

const _: fn(&AccountRecord) = |record| {
    let AccountRecord {
        realm: _,
        account: _,
        handle: _,
        server: _,
        space: _,
        sigchain: _,
        slots: _,
        master,
        device,
        space_keys,
    } = record;
    wiped(master);
    wiped(device);
    wiped(space_keys);
};

/// What travels: tokens and proofs.
const _: fn(&LoginAnswer, &SpaceSessionAnswer, &SpaceSessionFinish) = |login, space, proofs| {
    wiped(&login.token);
    wiped(&space.token);
    let SpaceSessionFinish { epoch: _, challenge: _, read, append, write, admin } = proofs;
    wiped(read);
    wiped(append);
    wiped(write);
    wiped(admin);
};
