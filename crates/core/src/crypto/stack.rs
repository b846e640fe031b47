//! What primitives leave on the stack: copies of what they were given, where a value was moved or a frame ended.

use zeroize::zeroize_stack;

/// More bytes than a derivation of keys, or the hash of a short input, uses.
pub const SHALLOW: usize = 8 << 10;
/// More bytes than a signature, a key encapsulation or a step of OPAQUE uses; what takes more memory takes it from the heap.
pub(super) const DEEP: usize = 256 << 10;

/// What `work` gives, after up to `DEPTH` bytes of the stack that it used were overwritten. What is moved out of it is not secret,
/// or lies on the heap.
pub fn swept<const DEPTH: usize, T>(work: impl FnOnce() -> T) -> T {
    let value = apart(work);
    zeroize_stack::<DEPTH>();
    value
}

/// Its frame lies where that of `zeroize_stack` lies afterwards.
#[inline(never)]
fn apart<T>(work: impl FnOnce() -> T) -> T {
    work()
}
