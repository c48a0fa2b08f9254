//! Shamir's sharing: polynomials over the scalars, their commitments, and interpolation at zero.

use crate::{element::Element, hash::random_scalar, sharing::HolderIndex};
use alloc::vec::Vec;
use curve25519_dalek::{ristretto::RistrettoPoint, scalar::Scalar, traits::Identity};
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

/// A secret polynomial, the constant term first. Wiped when dropped.
pub(crate) struct SecretPolynomial(Zeroizing<Vec<Scalar>>);

impl SecretPolynomial {
    /// A random polynomial with `threshold` coefficients, the first of which is `constant`.
    pub(crate) fn random(
        constant: &Scalar,
        threshold: u8,
        rng: &mut (impl CryptoRng + RngCore),
    ) -> Self {
        // The room is reserved at once: a vector that grew would leave a copy behind.
        let mut coefficients = Zeroizing::new(Vec::with_capacity(threshold.into()));
        coefficients.push(*constant);
        for _ in 1..threshold {
            coefficients.push(*random_scalar(rng));
        }
        Self(coefficients)
    }

    /// The share of one holder.
    pub(crate) fn share(&self, index: HolderIndex) -> Zeroizing<Scalar> {
        let x = index.scalar();
        let value = self.0.iter().rev().fold(Scalar::ZERO, |sum, a| sum * x + a);
        Zeroizing::new(value)
    }

    /// Feldman's commitments: each coefficient times the generator. Nothing if one is zero, which
    /// does not happen.
    pub(crate) fn commitments(&self) -> Option<Vec<Element>> {
        self.0
            .iter()
            .map(|a| Element::new(RistrettoPoint::mul_base(a)))
            .collect()
    }
}

/// The share of `index`, times the generator, from the commitments. All of it is public.
pub(crate) fn committed_share(commitments: &[Element], index: HolderIndex) -> RistrettoPoint {
    commitments
        .iter()
        .rev()
        .fold(RistrettoPoint::identity(), |sum, commitment| {
            small_multiple(&sum, index.get()) + commitment.point()
        })
}

/// Double and add: ten times cheaper than a full multiplication for the small numbers that indices
/// are.
fn small_multiple(point: &RistrettoPoint, factor: u8) -> RistrettoPoint {
    let mut product = RistrettoPoint::identity();
    for bit in (0..u8::BITS - factor.leading_zeros()).rev() {
        product = product + product;
        if factor >> bit & 1 == 1 {
            product += point;
        }
    }
    product
}

/// By what to multiply the shares of `indices`, all different, so that they add up to the shared
/// secret.
pub(crate) fn lagrange_at_zero(indices: &[HolderIndex]) -> Vec<Scalar> {
    let others = |own: HolderIndex| indices.iter().copied().filter(move |other| *other != own);
    let mut denominators: Vec<Scalar> = indices
        .iter()
        .map(|own| {
            others(*own)
                .map(|other| other.scalar() - own.scalar())
                .product()
        })
        .collect();
    Scalar::batch_invert(&mut denominators);
    indices
        .iter()
        .zip(denominators)
        .map(|(own, inverse)| others(*own).map(HolderIndex::scalar).product::<Scalar>() * inverse)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    fn interpolate(points: &[(HolderIndex, Scalar)]) -> Scalar {
        let indices: Vec<HolderIndex> = points.iter().map(|(index, _)| *index).collect();
        let weights = lagrange_at_zero(&indices);
        points.iter().zip(weights).map(|((_, y), w)| y * w).sum()
    }

    #[test]
    fn fewer_shares_than_the_threshold_fit_every_secret() {
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        let secret = random_scalar(&mut rng);
        let polynomial = SecretPolynomial::random(&secret, 3, &mut rng);
        let points: Vec<(HolderIndex, Scalar)> = HolderIndex::all(5)
            .map(|index| (index, *polynomial.share(index)))
            .collect();
        assert_eq!(interpolate(&points[1..4]), *secret);
        assert_ne!(interpolate(&points[1..3]), *secret);
        // Whatever the secret should be, there is a third share that makes it so.
        for wanted in [Scalar::ZERO, *random_scalar(&mut rng)] {
            let third = points[3].0;
            let indices = vec![points[1].0, points[2].0, third];
            let weights = lagrange_at_zero(&indices);
            let given = points[1].1 * weights[0] + points[2].1 * weights[1];
            let share = (wanted - given) * weights[2].invert();
            let chosen = [points[1], points[2], (third, share)];
            assert_eq!(interpolate(&chosen), wanted);
        }
    }

    #[test]
    fn shares_are_what_the_commitments_say() {
        let mut rng = ChaCha20Rng::from_seed([2; 32]);
        let polynomial = SecretPolynomial::random(&random_scalar(&mut rng), 4, &mut rng);
        let commitments = polynomial.commitments().unwrap();
        for index in HolderIndex::all(crate::HOLDERS_MAX) {
            assert_eq!(
                committed_share(&commitments, index),
                RistrettoPoint::mul_base(&polynomial.share(index))
            );
        }
    }
}
