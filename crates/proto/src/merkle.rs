//! RFC 6962 trees over SHA-256, one implementation for the commit history and the key log (spec: 3-spaces, "History").

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::codec::{Decode, DecodeError, Encode, Reader, Writer};

/// The root of a Merkle tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MerkleRoot([u8; 32]);

impl MerkleRoot {
    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Encode for MerkleRoot {
    fn encode(&self, out: &mut Writer) {
        out.fixed(&self.0);
    }
}

impl Decode for MerkleRoot {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        input.fixed().map(Self)
    }
}

/// A tree of 2^64 - 1 leaves cannot grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the tree cannot hold another leaf")]
pub struct TreeFull;

/// The roots of the perfect subtrees that make up a tree, largest first: enough to append and to name the root.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    peaks: Vec<[u8; 32]>,
}

impl Frontier {
    /// Leaves in the tree.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Adds the leaf whose data is `leaf`.
    ///
    /// # Errors
    /// [`TreeFull`] at 2^64 - 1 leaves.
    pub fn append(&mut self, leaf: &[u8]) -> Result<(), TreeFull> {
        let grown = self.size.checked_add(1).ok_or(TreeFull)?;
        let mut hash: [u8; 32] = Sha256::new().chain_update([0]).chain_update(leaf).finalize().into();
        // Each trailing one bit of the size is a perfect subtree that the new leaf completes.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = node(&left, &hash);
            }
        }
        self.peaks.push(hash);
        self.size = grown;
        Ok(())
    }

    /// The RFC 6962 tree head; of no leaves, SHA-256 of nothing.
    pub fn root(&self) -> MerkleRoot {
        let folded = self.peaks.iter().rev().copied().reduce(|right, left| node(&left, &right));
        MerkleRoot(folded.unwrap_or_else(|| Sha256::digest([]).into()))
    }
}

fn node(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    let hash = Sha256::new().chain_update([1]).chain_update(left).chain_update(right);
    hash.finalize().into()
}

impl Encode for Frontier {
    fn encode(&self, out: &mut Writer) {
        out.u64(self.size);
        for peak in &self.peaks {
            out.fixed(peak);
        }
    }
}

impl Decode for Frontier {
    fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let size = input.u64()?;
        let mut peaks = Vec::new();
        for _ in 0..size.count_ones() {
            peaks.push(input.fixed()?);
        }
        Ok(Self { size, peaks })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;

    /// Leaves and heads of the certificate-transparency reference tests.
    const LEAVES: [&str; 8] =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    #[test]
    fn roots_are_those_of_the_reference() {
        let mut tree = Frontier::default();
        for (leaf, root) in LEAVES.iter().zip(ROOTS) {
            tree.append(&HEXLOWER.decode(leaf.as_bytes()).unwrap()).unwrap();
            assert_eq!(HEXLOWER.encode(tree.root().as_bytes()), root);
            assert_eq!(Frontier::from_bytes(&tree.to_bytes()), Ok(tree.clone()));
        }
        let empty = HEXLOWER.encode(Frontier::default().root().as_bytes());
        assert_eq!(empty, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
