//! Accounts, devices and their sessions.

use serde::{Deserialize, Serialize};

use super::Base64;
use crate::hash::ChainHash;
use crate::ids::{AccountId, DeviceId, RealmId, SpaceId};

macro_rules! wire {
    ($($(#[doc = $doc:literal])+ $name:ident { $($(#[doc = $field_doc:literal])+ $field:ident: $kind:ty,)* })+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
            #[serde(deny_unknown_fields)]
            #[expect(clippy::exhaustive_structs, reason = "a wire struct: its fields are its format")]
            pub struct $name { $($(#[doc = $field_doc])+ pub $field: $kind,)* }

            #[cfg(feature = "openapi")]
            impl $crate::api::schema::Schema for $name {
                fn describe(components: &mut $crate::api::schema::Components) -> serde_json::Value {
                    let mut object = $crate::api::schema::Object::new(concat!($($doc),+));
                    $(object.field::<$kind>(components, stringify!($field), concat!($($field_doc),+));)*
                    object.finish(components, stringify!($name))
                }
            }
        )+
    };
}
pub(super) use wire;

/// What a puzzle is solved for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PuzzlePurpose {
    /// Each half of a registration.
    Register,
    /// A login by password.
    Login,
}

wire! {
    /// `GET /v1/realm`.
    RealmAnswer {
        /// The installation.
        realm: RealmId,
        /// API versions spoken.
        api_versions: Vec<String>,
        /// Bytes a new account may store.
        quota: u64,
    }
    /// `POST /v1/puzzle`.
    PuzzleStart {
        /// What is to be tried with it.
        purpose: PuzzlePurpose,
        /// Of or for which handle; whether somebody has it does not matter.
        handle: String,
    }
    /// Its answer: work to do before the try, which is good for it alone, once, soon.
    Puzzle {
        /// What is hashed with the solution.
        puzzle: Base64,
        /// Zero bits that the hash begins with; 0 when the try needs no puzzle.
        bits: u32,
    }
    /// A puzzle with its solution.
    SolvedPuzzle {
        /// As answered.
        puzzle: Base64,
        /// The number that gives the zeros.
        solution: u64,
    }
    /// `POST /v1/register/start`.
    RegisterStart {
        /// Drawn by the client; the OPAQUE credential identifier.
        account: AccountId,
        /// The wanted handle, so that a taken one is refused before the password is worked on.
        handle: String,
        /// OPAQUE registration request.
        request: Base64,
        /// An invite, which opens a door that is not closed, and does instead of a puzzle.
        invite: Option<Base64>,
        /// A puzzle to register, where the server asks for one.
        puzzle: Option<SolvedPuzzle>,
    }
    /// Its answer.
    RegisterStarted {
        /// OPAQUE registration response.
        response: Base64,
    }
    /// `POST /v1/register/finish`: the whole account at once.
    RegisterFinish {
        /// As in the start.
        account: AccountId,
        /// As in the start.
        handle: String,
        /// OPAQUE registration upload.
        record: Base64,
        /// The wrapped keys.
        boxes: AccountBoxes,
        /// The composite public key that recovery words sign in with.
        recovery_public_key: Base64,
        /// The genesis link and the link of the first device, in order.
        sigchain: Vec<Base64>,
        /// The first device.
        device: NewDevice,
        /// The encoded `CapabilityKeys` of the private space.
        space_keys: Base64,
        /// The encoded `PostedCommit` that begins the private space.
        genesis: Base64,
        /// As in the start; used up with the account that it makes.
        invite: Option<Base64>,
        /// Another puzzle to register, where the server asks for one.
        puzzle: Option<SolvedPuzzle>,
    }
    /// A wrapped object and the version that its context names.
    SealedBox {
        /// Counts up by one at each replacement.
        version: u64,
        /// The wrap.
        sealed: Base64,
    }
    /// The wrapped objects of an account, each opaque to the server.
    AccountBoxes {
        /// UMK under the password's key.
        password_slot: SealedBox,
        /// UMK under the recovery key.
        recovery_slot: SealedBox,
        /// Identity seeds under the UMK.
        identity: SealedBox,
        /// Keys of the private space under the UMK.
        space: SealedBox,
    }
    /// `POST /v1/login/start`.
    LoginStart {
        /// Who.
        handle: String,
        /// OPAQUE KE1.
        ke1: Base64,
        /// A puzzle to log in, where the server asks for one.
        puzzle: Option<SolvedPuzzle>,
    }
    /// Its answer, of the same size and cost for a handle that nobody has.
    LoginStarted {
        /// Names the pending login.
        login: Base64,
        /// OPAQUE KE2.
        ke2: Base64,
    }
    /// `POST /v1/login/finish`.
    LoginFinish {
        /// As answered.
        login: Base64,
        /// OPAQUE KE3.
        ke3: Base64,
    }
    /// `POST /v1/login/device/start`; the answer is a [`Challenge`].
    DeviceLoginStart {
        /// Who.
        account: AccountId,
        /// On which device.
        device: DeviceId,
    }
    /// `POST /v1/login/device/finish`.
    DeviceLoginFinish {
        /// As in the start.
        account: AccountId,
        /// As in the start.
        device: DeviceId,
        /// As answered.
        challenge: Base64,
        /// Over `device_login_message`.
        signature: Base64,
    }
    /// 32 random bytes to sign once, soon.
    Challenge {
        /// The bytes.
        challenge: Base64,
    }
    /// The answer to a finished login, and all that is ever released of an account.
    LoginAnswer {
        /// Bearer token of the account session, 32 bytes.
        token: Base64,
        /// Seconds until it ends.
        expires_in: u64,
        /// The account.
        account: AccountId,
        /// Its private space.
        space: SpaceId,
        /// Its wrapped objects.
        boxes: AccountBoxes,
    }
    /// `GET /v1/account`.
    AccountAnswer {
        /// The account.
        account: AccountId,
        /// Its public name.
        handle: String,
        /// Its private space.
        space: SpaceId,
        /// Bytes it may store.
        quota: u64,
        /// Padded bytes stored, released ones too until they are freed, and those of commits.
        used: u64,
        /// Padded bytes promised to open uploads.
        reserved: u64,
        /// Its devices.
        devices: Vec<DeviceId>,
    }
    /// `GET /v1/account/released?space=SPACE&through=SEQ`: what sweeps released and is not freed yet.
    ReleasedAnswer {
        /// Padded bytes, which count as used.
        bytes: u64,
        /// The day, counted from 1970-01-01, of the oldest release; when there are none, nothing.
        since: Option<u32>,
        /// The day, counted from 1970-01-01, from which on none of them counts, if the server runs each day; when there are
        /// none, nothing.
        free_from: Option<u32>,
    }
    /// `DELETE /v1/account/released?space=SPACE&through=SEQ`: frees some of it now.
    FreedAnswer {
        /// Padded bytes that count no more.
        freed: u64,
        /// Whether there is more to free.
        more: bool,
    }
    /// `GET /v1/account/sigchain?from=SEQ`.
    SigchainAnswer {
        /// A page of links from the one asked for on, the oldest first; none past the newest.
        links: Vec<Base64>,
    }
    /// A device's sign-in key.
    NewDevice {
        /// Drawn by the device.
        device: DeviceId,
        /// Ed25519 public key, 32 bytes.
        auth_public_key: Base64,
    }
    /// `POST /v1/account/devices`: the device and its link, at once.
    AddDevice {
        /// The device.
        device: NewDevice,
        /// SHA-512/256 of the link before.
        prev: ChainHash,
        /// The link.
        link: Base64,
    }
    /// `POST /v1/account/devices/remove`: ends the device's sessions.
    RemoveDevice {
        /// The device.
        device: DeviceId,
        /// SHA-512/256 of the link before.
        prev: ChainHash,
        /// The link.
        link: Base64,
    }
}
