//! The real server and the real client: one test per promise.

#[cfg(test)]
mod round_trip;
