mod edits;
mod hostile;
mod memory;
mod merges;
mod names;
mod vectors;
