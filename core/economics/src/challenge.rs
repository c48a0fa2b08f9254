//! How often workers are challenged.

use crate::{Fixed, Parameters};

/// How many challenges a block should make: [`Parameters::challenges`], but no worker more than
/// twice an hour on average.
pub fn challenges_per_block(parameters: &Parameters, workers: u32) -> Fixed {
    let twice = u128::from(workers) << 65;
    let hour = u128::from(parameters.blocks_per_hour);
    let most = twice.checked_div(hour).map_or(Fixed::MAX, Fixed::from_bits);
    Fixed::from_int(parameters.challenges.into()).min(most)
}

/// Blocks between two challenges of the same worker, on average; at least 1.
pub fn challenge_interval(parameters: &Parameters, workers: u32) -> Fixed {
    Fixed::from_int(workers.into())
        .checked_div(challenges_per_block(parameters, workers))
        .unwrap_or(Fixed::ONE)
        .max(Fixed::ONE)
}

/// The bound that hits so many of all workers on average: a worker is hit when the hash of its key,
/// combined with the block's seed by exclusive or, is at most this, as a big-endian number. The
/// part of all workers is rounded down to 24 bits.
pub fn challenge_target(challenges: Fixed, workers: u32) -> [u8; 32] {
    let part = challenges
        .checked_div(Fixed::from_int(workers.into()))
        .unwrap_or(Fixed::ZERO);
    let part = (part.min(Fixed::ONE).to_bits() >> 40) as u32;
    // (2^232 − 1) · part, which is (part − 1) · 2^232 + 2^232 − part.
    let Some(high) = part.checked_sub(1) else {
        return [0; 32];
    };
    let mut target = [0xff; 32];
    target[..3].copy_from_slice(&high.to_be_bytes()[1..]);
    target[28..].copy_from_slice(&(!high).to_be_bytes());
    target
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_workers_are_challenged_less() {
        let check = |workers, challenges: u64, interval: u64| {
            let parameters = Parameters::GENESIS;
            let expect = (Fixed::from_int(challenges), Fixed::from_int(interval));
            let found = (
                challenges_per_block(&parameters, workers),
                challenge_interval(&parameters, workers),
            );
            assert_eq!(found, expect);
        };
        check(300, 2, 150);
        check(3_000, 20, 150);
        check(20_000, 20, 1_000);
        check(0, 0, 1);
    }

    #[test]
    fn targets_are_parts_of_all_hashes() {
        assert_eq!(challenge_target(Fixed::from_int(20), 0), [0; 32]);
        assert_eq!(challenge_target(Fixed::ZERO, 9), [0; 32]);
        let all = challenge_target(Fixed::from_int(20), 20);
        assert_eq!(
            (&all[..28], &all[28..]),
            (&[0xff; 28][..], &[0xff, 0, 0, 0][..])
        );
        let half = challenge_target(Fixed::from_int(10), 20);
        assert_eq!(
            (&half[..4], &half[28..]),
            (&[0x7f, 0xff, 0xff, 0xff][..], &[0xff, 0x80, 0, 0][..])
        );
    }
}
