//! The real binary over real connections.

#[cfg(test)]
mod accounts;
#[cfg(test)]
mod actor;
#[cfg(test)]
mod bounds;
#[cfg(test)]
mod check;
#[cfg(test)]
mod commits;
#[cfg(test)]
mod heads;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod lifecycle;
#[cfg(test)]
mod process;
#[cfg(test)]
mod rates;
#[cfg(test)]
mod slow;
#[cfg(test)]
mod space;
#[cfg(test)]
mod spaces;
#[cfg(test)]
mod sweeps;
#[cfg(test)]
mod uploads;
