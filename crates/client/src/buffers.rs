//! Buffers of a segment's size that are used again: fresh memory for every segment costs more than sealing it.
//!
//! Enters: nothing. Leaves: buffers with whatever was in them before. Never: content left in memory when the last user is gone.

use core::fmt;
use core::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroize as _;

/// Buffers kept for the next user; those beyond are cleared and given back to the system.
const KEPT: usize = 16;

/// A pool of buffers.
#[derive(Clone, Default)]
pub(crate) struct Buffers(Arc<Pool>);

#[derive(Default)]
struct Pool(Mutex<Vec<Vec<u8>>>);

/// A buffer out of the pool, to which it goes back.
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    pool: Arc<Pool>,
}

impl Buffers {
    /// A buffer with bytes of an earlier use in it, or an empty one.
    pub(crate) fn take(&self) -> Buffer {
        let mut kept = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        Buffer { bytes: kept.pop().unwrap_or_default(), pool: Arc::clone(&self.0) }
    }
}

impl fmt::Debug for Buffers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Buffers(..)")
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let kept = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        for bytes in kept {
            bytes.zeroize();
        }
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} bytes)", self.bytes.len())
    }
}

impl Deref for Buffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut kept = self.pool.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < KEPT {
            kept.push(std::mem::take(&mut self.bytes));
        } else {
            drop(kept);
            self.bytes.zeroize();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_with_its_memory() {
        let buffers = Buffers::default();
        let mut first = buffers.take();
        first.resize(1 << 20, 7);
        let memory = first.as_ptr();
        drop(first);
        let again = buffers.take();
        assert_eq!((again.as_ptr(), again.len()), (memory, 1 << 20));
        assert!(buffers.take().is_empty(), "one that is in use is nobody else's");
    }

    #[test]
    fn no_more_are_kept_than_may_be() {
        let buffers = Buffers::default();
        let taken: Vec<_> = (0..KEPT + 3).map(|_| buffers.take()).collect();
        drop(taken);
        assert_eq!(buffers.0.0.lock().unwrap().len(), KEPT);
    }

    #[test]
    fn nothing_of_it_is_shown() {
        let mut buffer = Buffers::default().take();
        buffer.extend_from_slice(b"diary");
        assert_eq!(format!("{buffer:?}"), "Buffer(5 bytes)");
    }
}
