//! Which packs are worth it: together they give back more than is sent for what lives in them, nodes included.

use std::cmp::Reverse;
use std::collections::HashSet;

use anonicloud_proto::hash::StoredHash;
use anonicloud_proto::ids::BlobId;
use anonicloud_proto::limits::{PACK_FLOOR, PACK_MAX};

use super::survey::{PackUse, Survey};

/// What has to come back beyond what is sent: the commit stays in the log.
const LEAST_GAIN: u64 = 256 << 10;

/// The packs to be emptied, and the nodes that change for that.
#[derive(Debug)]
pub(super) struct Choice {
    packs: HashSet<BlobId>,
    nodes: HashSet<StoredHash>,
    moving: u64,
    cost: u64,
    bytes: u64,
}

impl Choice {
    /// The packs whose live share is under half, less those that bring least until all that is sent is no more than `room` and
    /// well less than what they give back; `None` when none is left.
    pub(super) fn of(survey: &Survey, room: u64) -> Option<Self> {
        let mut chosen: Vec<bool> = survey.packs.iter().map(|(_, pack)| is_sparse(pack)).collect();
        loop {
            let of_chosen = |count: fn(&PackUse) -> u64| {
                let packs = survey.packs.iter().zip(&chosen).filter(|(_, chosen)| **chosen);
                packs.map(|((_, pack), _)| count(pack)).fold(0_u64, u64::saturating_add)
            };
            let (moving, bytes) = (of_chosen(|pack| pack.moving), of_chosen(|pack| pack.size));
            if bytes == 0 {
                return None;
            }
            let touched = touched(survey, &chosen);
            let nodes = survey.nodes.iter().zip(&touched).filter(|(_, touched)| **touched).map(|(node, _)| node);
            let node_bytes = nodes.clone().map(|node| node.length).fold(0_u64, u64::saturating_add);
            let cost = padded(moving.saturating_add(node_bytes));
            if cost.saturating_add(LEAST_GAIN) <= bytes && cost <= room {
                let nodes = nodes.map(|node| node.hash).collect();
                let packs = survey.packs.iter().zip(&chosen).filter(|(_, chosen)| **chosen);
                let packs = packs.map(|((blob, _), _)| *blob).collect();
                return Some(Self { packs, nodes, moving, cost, bytes });
            }
            drop_worst(survey, &mut chosen);
        }
    }

    pub(super) const fn packs(&self) -> &HashSet<BlobId> {
        &self.packs
    }

    /// Whether a node changes.
    pub(super) fn has_node(&self, hash: &StoredHash) -> bool {
        self.nodes.contains(hash)
    }

    /// Bytes that are sent, but for nodes and filler.
    pub(super) const fn moving(&self) -> u64 {
        self.moving
    }

    /// Bytes that are sent at most, and that count until the packs are swept.
    pub(super) const fn cost(&self) -> u64 {
        self.cost
    }

    /// Bytes that the packs give back.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }
}

const fn is_sparse(pack: &PackUse) -> bool {
    let is_pack = pack.size > 0 && pack.size <= PACK_MAX as u64;
    is_pack && !pack.is_pinned && pack.live > 0 && pack.live.saturating_mul(2) < pack.size
}

/// What packs with so many bytes of pieces come to: filler is an eighth at most, but for the shortest of files and of nodes.
const fn padded(bytes: u64) -> u64 {
    bytes.saturating_add(bytes / 8).saturating_add(2 * PACK_FLOOR)
}

/// Which nodes change: those that have to do with a chosen pack, and all above them.
fn touched(survey: &Survey, chosen: &[bool]) -> Vec<bool> {
    let mut touched: Vec<bool> =
        survey.nodes.iter().map(|node| node.packs.iter().any(|pack| is(chosen, *pack))).collect();
    // A node comes after the one above it.
    for (number, node) in survey.nodes.iter().enumerate().rev() {
        if is(&touched, u32::try_from(number).unwrap_or(u32::MAX))
            && let Some(parent) = node.parent.and_then(|parent| touched.get_mut(usize::try_from(parent).ok()?))
        {
            *parent = true;
        }
    }
    touched
}

fn is(flags: &[bool], number: u32) -> bool {
    usize::try_from(number).ok().and_then(|number| flags.get(number)).copied().unwrap_or_default()
}

/// Drops the half of the chosen packs that gives back the least beyond what it costs, nodes shared among the packs they
/// change for.
fn drop_worst(survey: &Survey, chosen: &mut [bool]) {
    let mut costs: Vec<u64> = survey.packs.iter().map(|(_, pack)| pack.moving).collect();
    for node in &survey.nodes {
        let packs = node.packs.iter().filter(|pack| is(chosen, **pack));
        let share = node.length / (packs.clone().count().max(1) as u64);
        for pack in packs {
            if let Some(cost) = usize::try_from(*pack).ok().and_then(|pack| costs.get_mut(pack)) {
                *cost = cost.saturating_add(share);
            }
        }
    }
    let mut order: Vec<usize> =
        (0..chosen.len()).filter(|number| chosen.get(*number).copied().unwrap_or_default()).collect();
    let gain = |number: &usize| {
        let size = survey.packs.get(*number).map(|(_, pack)| pack.size).unwrap_or_default();
        i128::from(size) - i128::from(costs.get(*number).copied().unwrap_or_default())
    };
    order.sort_by_key(|number| Reverse(gain(number)));
    for number in order.split_off(order.len() / 2) {
        if let Some(chosen) = chosen.get_mut(number) {
            *chosen = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::survey::tests::survey_of;
    use super::*;

    const MIB: u64 = 1 << 20;

    fn numbers(choice: Option<Choice>) -> Vec<u8> {
        let packs = choice.into_iter().flat_map(|choice| choice.packs);
        let mut numbers: Vec<u8> = packs.map(|pack| pack.as_bytes()[0]).collect();
        numbers.sort_unstable();
        numbers
    }

    #[test]
    fn packs_under_half_are_chosen_and_no_others() {
        let half = (4 * MIB, 2 * MIB);
        let packs = [(4 * MIB, 3 * MIB), (4 * MIB, MIB), half, (4 * MIB, 2 * MIB - 1), (4 * MIB, 0), (5 * MIB, MIB)];
        let survey = survey_of(&packs, &[(None, 1000, &[0, 1, 2, 3, 4, 5])]);
        let choice = Choice::of(&survey, u64::MAX).unwrap();
        assert!(choice.cost() < choice.bytes());
        assert!(choice.has_node(&StoredHash::of(&[0])));
        assert_eq!(numbers(Some(choice)), [1, 3]);
    }

    #[test]
    fn what_is_to_stay_is_not_chosen() {
        let mut survey = survey_of(&[(4 * MIB, MIB), (4 * MIB, MIB), (4 * MIB, MIB)], &[(None, 1000, &[0, 1, 2])]);
        survey.packs[0].1.is_pinned = true;
        survey.packs[1].1.size = 0;
        assert_eq!(numbers(Choice::of(&survey, u64::MAX)), [2]);
    }

    /// A small file in a large folder is not worth the folder's node; enough of them are.
    #[test]
    fn never_is_more_sent_than_comes_back() {
        let small = (PACK_FLOOR, 1000);
        let folder = MIB / 2;
        assert_eq!(numbers(Choice::of(&survey_of(&[small], &[(None, folder, &[0])]), u64::MAX)), [0_u8; 0]);
        let many: Vec<u32> = (0..64).collect();
        let survey = survey_of(&vec![small; 64], &[(None, 1000, &[]), (Some(0), folder, &many)]);
        let choice = Choice::of(&survey, u64::MAX).unwrap();
        assert!(choice.cost() < choice.bytes() && choice.cost() > folder);
        assert!([0, 1].iter().all(|number| choice.has_node(&StoredHash::of(&[*number]))), "with the one above it");
        assert_eq!(choice.packs().len(), 64);
    }

    /// The packs that are worth it are not held up by those that are not.
    #[test]
    fn what_is_not_worth_it_is_left() {
        let packs = [(PACK_FLOOR, 1000), (4 * MIB, MIB), (PACK_FLOOR, 1000)];
        let nodes: [(Option<u32>, u64, &[u32]); 4] =
            [(None, 1000, &[]), (Some(0), 4 * MIB, &[0]), (Some(0), 1000, &[1]), (Some(0), 4 * MIB, &[2])];
        let choice = Choice::of(&survey_of(&packs, &nodes), u64::MAX).unwrap();
        assert!(!choice.has_node(&StoredHash::of(&[1])) && choice.has_node(&StoredHash::of(&[2])));
        assert_eq!(numbers(Some(choice)), [1]);
    }

    #[test]
    fn what_is_sent_fits_the_room_there_is() {
        let survey = survey_of(&[(4 * MIB, MIB); 8], &[(None, 1000, &[0, 1, 2, 3, 4, 5, 6, 7])]);
        assert_eq!(Choice::of(&survey, u64::MAX).unwrap().packs().len(), 8);
        let few = Choice::of(&survey, 3 * MIB).unwrap();
        assert!(few.cost() <= 3 * MIB && few.packs().len() == 2, "{few:?}");
        assert_eq!(numbers(Choice::of(&survey, MIB)), [0_u8; 0]);
    }
}
