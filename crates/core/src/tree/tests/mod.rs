mod edits;
mod memory;
mod merges;
