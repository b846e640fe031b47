//! What a device keeps while it is signed in, read as the device itself reads it. That a part of an encoding is the key that it is
//! taken for is checked by what the key does.

use std::path::Path;

use anonicloud_client::open_state;
use anonicloud_client::state::Table;
use anonicloud_core::account::keys::{DeviceSeeds, SpaceKeys};
use anonicloud_core::account::sigchain::Sigchain;
use anonicloud_core::content::reference::{Source, Totals};
use anonicloud_core::crypto::kdf::{
    derive_body_key, derive_device_login, derive_names_key, derive_read_token, derive_record_key, derive_root_wrap_key,
};
use anonicloud_core::crypto::secret::{CompositeSeed, DeviceSeed, FileKey, MasterKey, SecretBytes, SpaceKey};
use anonicloud_core::crypto::segment::segment_hash;
use anonicloud_core::space::state::LogPlace;
use anonicloud_core::tree::node::{ChildRef, DirectoryNode, EntryContent, TreeRoot};
use anonicloud_core::tree::store::Wanted;
use anonicloud_proto::codec::{Decode as _, Encode as _, Reader, Writer};
use anonicloud_proto::context::context;
use anonicloud_proto::ids::{AccountId, RealmId, SpaceId};
use anonicloud_proto::label::Label;
use hkdf::Hkdf;
use sha2::Sha512;

use super::search::Secret;
use super::secrets::{part, secret};

/// More than any part of the record.
const CAP: usize = 1 << 16;

/// The account and the tree on a device.
pub(super) struct Kept {
    device_key: [u8; 32],
    pub(super) master: MasterKey,
    pub(super) chain: Sigchain,
    realm: RealmId,
    seeds: SecretBytes,
    space_keys: SecretBytes,
    /// Of the root, then of the one folder in it.
    directories: Vec<Wanted>,
    /// Of the one file in that.
    file: Source,
}

impl Kept {
    /// In the folder `state`, of a tree of one folder with one file.
    pub(super) async fn read(state: &Path) -> Self {
        let device_key: [u8; 32] = fs_err::read(state.join("device.key")).unwrap().try_into().unwrap();
        let opened = open_state(state).await.unwrap();
        let record = opened.read(Table::Account, b"account").await.unwrap().unwrap();
        let mut input = Reader::new(&record);
        let (realm, account) = (RealmId::decode(&mut input).unwrap(), AccountId::decode(&mut input).unwrap());
        for _ in ["handle", "address", "certificates"] {
            input.bytes(CAP).unwrap();
        }
        let master = MasterKey::read(&mut input).unwrap();
        let seeds = SecretBytes::from_vec(input.bytes(CAP).unwrap().to_vec());
        let space = SpaceId::decode(&mut input).unwrap();
        let space_keys = SecretBytes::from_vec(input.bytes(CAP).unwrap().to_vec());
        let links: Vec<_> = (0..input.count(CAP).unwrap()).map(|_| input.bytes(CAP).unwrap()).collect();
        let chain = Sigchain::verify(&realm, &account, &links).unwrap();

        let root = opened.read(Table::Heads, &[b"root", space.as_bytes().as_slice()].concat()).await.unwrap().unwrap();
        let mut directories = vec![Wanted::root(&root_of(&root))];
        let mut file = None;
        while file.is_none() {
            let wanted = directories.last().unwrap();
            let row = opened.read(Table::Nodes, &wanted.place_key()).await.unwrap().unwrap();
            let piece = row.strip_prefix(wanted.child().hash.as_bytes().as_slice()).unwrap();
            let node = wanted.open(&realm, &space, piece).unwrap();
            file = file_of(&node);
            directories.extend(node.children());
        }
        opened.close().await;
        let file = file.unwrap();
        Self { device_key, master, chain, realm, seeds, space_keys, directories, file }
    }

    pub(super) fn secrets(&self) -> Vec<Secret> {
        let of_rows = blake3::derive_key("AnoniCloud/1 local state keys", &self.device_key);
        let mut secrets = vec![secret("device key", &self.device_key), secret("key of rows", &of_rows)];
        secrets.push(secret("master key", self.master.expose_bytes()));
        secrets.extend(self.of_device());
        secrets.extend(self.of_space());
        let names = ["root key", "directory key"];
        let keys = self.directories.iter().map(|wanted| wanted.child().key.expose_bytes());
        secrets.extend(names.into_iter().zip(keys).map(|(name, key)| secret(name, key)));
        assert_eq!(self.directories.len(), names.len());
        secrets.extend(self.of_file());
        secrets
    }

    fn of_device(&self) -> [Secret; 4] {
        let seeds = DeviceSeeds::from_encoded(&self.seeds).unwrap();
        let signing: [u8; 64] = part(&self.seeds, 16);
        let certified = self.chain.device(&seeds.device()).unwrap();
        assert!(*certified.key() == CompositeSeed::from_bytes(signing).public());
        let login_seed = DeviceSeed::from_bytes(part(&self.seeds, 80));
        let login = derive_device_login(&login_seed, &self.realm);
        assert_eq!(login.expose_bytes(), seeds.login_seed(&self.realm).expose_bytes());
        let (ed25519, ml_dsa) = signing.split_at(32);
        [
            secret("device's Ed25519 seed", ed25519),
            secret("device's ML-DSA seed", ml_dsa),
            secret("device's login seed", login_seed.expose_bytes()),
            secret("device's login key", login.expose_bytes()),
        ]
    }

    fn of_space(&self) -> [Secret; 8] {
        let (keys, realm) = (SpaceKeys::from_encoded(&self.space_keys).unwrap(), &self.realm);
        let key = SpaceKey::from_bytes(part(&self.space_keys, 4));
        let token = derive_read_token(&key, realm);
        assert_eq!(token.expose_bytes(), keys.read_token(realm).expose_bytes());
        [
            secret("space key", key.expose_bytes()),
            secret("append seed", keys.append().expose_bytes()),
            secret("write seed", keys.write().expose_bytes()),
            secret("admin seed", keys.admin().expose_bytes()),
            secret("K_body", derive_body_key(&key, realm).expose_bytes()),
            secret("K_root", derive_root_wrap_key(&key, realm).expose_bytes()),
            secret("read token", token.expose_bytes()),
            secret("key of names", derive_names_key(&key, realm).expose_bytes()),
        ]
    }

    fn of_file(&self) -> [Secret; 6] {
        let (suite, version) = (self.file.suite(), self.file.version());
        let mut encoded = Writer::default();
        self.file.encode(&mut encoded);
        let key = FileKey::from_bytes(part(&SecretBytes::from_vec(encoded.into_bytes()), 18));
        let derive = |label| {
            let mut out = [0; 32];
            let info = context(label, &self.realm, &[&suite.number().to_le_bytes(), version.as_bytes()]);
            Hkdf::<Sha512>::new(None, key.expose_bytes()).expand(&info, &mut out).unwrap();
            out
        };
        let record = derive_record_key(&key, suite, &version, &self.realm);
        assert_eq!(record.expose_bytes(), &derive(Label::FileRecord));
        let siv = derive(Label::FileSiv);
        let hash = segment_hash(&self.file.segment_keys(&self.realm), 0, b"");
        assert_eq!(hash.as_bytes(), blake3::keyed_hash(&siv, &[0; 12]).as_bytes());
        [
            secret("file key", key.expose_bytes()),
            secret("key of the record", record.expose_bytes()),
            secret("K_siv", &siv),
            secret("K_enc", &derive(Label::FileEncrypt)),
            secret("K_addr", &derive(Label::FileAddress)),
            secret("K_meta", &derive(Label::FileMeta)),
        ]
    }
}

fn root_of(row: &[u8]) -> TreeRoot {
    let mut input = Reader::new(row);
    LogPlace::decode(&mut input).unwrap();
    assert_eq!(input.u8(), Ok(1), "the tree is not empty");
    let (totals, child) = (Totals::decode(&mut input).unwrap(), ChildRef::decode(&mut input).unwrap());
    input.finish().unwrap();
    TreeRoot { totals, child }
}

fn file_of(node: &DirectoryNode) -> Option<Source> {
    node.entries().unwrap().iter().find_map(|entry| match &entry.content {
        EntryContent::File { version, .. } => Some(version.source().duplicate()),
        EntryContent::Directory { .. } | EntryContent::Symlink { .. } => None,
    })
}
