mod edits;
mod memory;
