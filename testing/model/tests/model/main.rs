//! The model, explored: with all checks every property holds, and with any check taken out one of them fails.

#[cfg(test)]
mod broken;
#[cfg(test)]
mod whole;
#[cfg(test)]
mod worlds;
