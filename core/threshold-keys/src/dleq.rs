//! Proofs that two points have the same discrete logarithm, to the generator and to another base:
//! Chaum-Pedersen, with the bytes of RFC 9497, 2.2.

use crate::{
    element::{Element, FieldElement},
    hash::Context,
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use curve25519_dalek::{
    ristretto::RistrettoPoint,
    scalar::Scalar,
    traits::{Identity, VartimeMultiscalarMul},
};
use scale_info::TypeInfo;
use sha2::{Digest, Sha512};

/// A proof that `public` is to the generator as an image is to its base. 64 bytes.
///
/// It is sound whoever made it, also if many did together: there is none for a false statement, but
/// with a probability of about 2⁻²⁵² for each try.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Encode,
    Decode,
    DecodeWithMemTracking,
    MaxEncodedLen,
    TypeInfo,
)]
pub struct DleqProof {
    pub(crate) challenge: FieldElement,
    pub(crate) response: FieldElement,
}

/// What is proven: the images are the bases times the discrete logarithm of `public`.
pub(crate) struct DleqStatement<'a> {
    pub context: Context<'a>,
    pub public: &'a Element,
    pub pairs: &'a [(Element, Element)],
}

/// All pairs of a statement as one: random multiples of the bases and of the images, added up.
pub(crate) struct Composite {
    pub base: RistrettoPoint,
    pub image: RistrettoPoint,
    /// By what each pair was multiplied.
    pub weights: Vec<Scalar>,
}

impl DleqStatement<'_> {
    /// `ComputeComposites` of RFC 9497, 2.2.1.
    pub(crate) fn composite(&self) -> Composite {
        let seed = Sha512::new()
            .chain_update(prefix(self.public.as_bytes()))
            .chain_update(self.public.as_bytes())
            .chain_update(((5 + self.context.0.len()) as u16).to_be_bytes())
            .chain_update(b"Seed-")
            .chain_update(self.context.0)
            .finalize();
        let weight = |(position, (base, image)): (usize, &(Element, Element))| {
            self.context.hash_to_scalar(&[
                &prefix(&seed),
                &seed,
                &(position as u16).to_be_bytes(),
                &prefix(base.as_bytes()),
                base.as_bytes(),
                &prefix(image.as_bytes()),
                image.as_bytes(),
                b"Composite",
            ])
        };
        let weights: Vec<Scalar> = self.pairs.iter().enumerate().map(weight).collect();
        Composite {
            base: sum(&weights, self.pairs.iter().map(|(base, _)| base)),
            image: sum(&weights, self.pairs.iter().map(|(_, image)| image)),
            weights,
        }
    }

    /// The challenge for two commitments: to the generator and to the composite base.
    pub(crate) fn challenge(
        &self,
        composite: &Composite,
        to_generator: &RistrettoPoint,
        to_base: &RistrettoPoint,
    ) -> Scalar {
        let parts = [
            *self.public.as_bytes(),
            composite.base.compress().to_bytes(),
            composite.image.compress().to_bytes(),
            to_generator.compress().to_bytes(),
            to_base.compress().to_bytes(),
        ];
        let length = prefix(&parts[0]);
        let [public, base, image, first, second] = &parts;
        self.context.hash_to_scalar(&[
            &length,
            public,
            &length,
            base,
            &length,
            image,
            &length,
            first,
            &length,
            second,
            b"Challenge",
        ])
    }

    /// Proves it, with a nonce that is never used for another statement.
    pub(crate) fn prove(&self, secret: &Scalar, nonce: &Scalar) -> DleqProof {
        let composite = self.composite();
        let challenge = self.challenge(
            &composite,
            &RistrettoPoint::mul_base(nonce),
            &(composite.base * nonce),
        );
        DleqProof {
            challenge: FieldElement(challenge),
            response: FieldElement(nonce - challenge * secret),
        }
    }

    /// Whether the proof holds.
    pub(crate) fn verify(&self, proof: &DleqProof) -> bool {
        let (challenge, response) = (&proof.challenge.0, &proof.response.0);
        let composite = self.composite();
        let to_generator = RistrettoPoint::vartime_double_scalar_mul_basepoint(
            challenge,
            self.public.point(),
            response,
        );
        let to_base = RistrettoPoint::vartime_multiscalar_mul(
            [response, challenge],
            [composite.base, composite.image],
        );
        self.challenge(&composite, &to_generator, &to_base) == *challenge
    }
}

/// A length as RFC 9497 writes it; all that is hashed here is shorter than 65536 bytes.
fn prefix(bytes: &[u8]) -> [u8; 2] {
    (bytes.len() as u16).to_be_bytes()
}

fn sum<'a>(weights: &[Scalar], points: impl Iterator<Item = &'a Element>) -> RistrettoPoint {
    weights
        .iter()
        .zip(points)
        .fold(RistrettoPoint::identity(), |sum, (weight, element)| {
            sum + element.point() * weight
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    const RFC: Context<'static> = Context(b"OPRFV1-\x01-ristretto255-SHA512");
    const SECRET: &str = "e6f73f344b79b379f1a0dd37e07ff62e38d9f71345ce62ae3a9bc60b04ccd909";
    const PUBLIC: &str = "c803e2cc6b05fc15064549b5920659ca4a77b2cca6f04f6b357009335476ad4e";

    fn bytes(text: &str) -> [u8; 32] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    fn scalar(text: &str) -> Scalar {
        FieldElement::from_bytes(&bytes(text)).unwrap().0
    }

    /// RFC 9497, A.1.2: blinded element, evaluation element and proof, from input, blind and nonce.
    fn check(inputs: &[(&str, &str, &str, &str)], nonce: &str, proof: &str) {
        let secret = scalar(SECRET);
        let public = Element::from_bytes(&bytes(PUBLIC)).unwrap();
        assert_eq!(
            Element::new(RistrettoPoint::mul_base(&secret)),
            Some(public)
        );
        let mut pairs = vec![];
        for (input, blind, blinded, evaluated) in inputs {
            let hashed = RFC.hash_to_group(&hex::decode(input).unwrap());
            let base = Element::new(hashed * scalar(blind)).unwrap();
            let image = Element::new(base.point() * secret).unwrap();
            assert_eq!(base.as_bytes(), &bytes(blinded));
            assert_eq!(image.as_bytes(), &bytes(evaluated));
            pairs.push((base, image));
        }
        let statement = DleqStatement {
            context: RFC,
            public: &public,
            pairs: &pairs,
        };
        let made = statement.prove(&secret, &scalar(nonce));
        assert_eq!(hex::encode(made.encode()), proof);
        assert!(statement.verify(&made));
        pairs[0].1 = pairs[0].0;
        let other = DleqStatement {
            context: RFC,
            public: &public,
            pairs: &pairs,
        };
        assert!(!other.verify(&made));
    }

    const FIRST: (&str, &str, &str, &str) = (
        "00",
        "64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706",
        "863f330cc1a1259ed5a5998a23acfd37fb4351a793a5b3c090b642ddc439b945",
        "aa8fa048764d5623868679402ff6108d2521884fa138cd7f9c7669a9a014267e",
    );

    #[test]
    fn rfc_9497_vector_1() {
        check(
            &[FIRST],
            "222a5e897cf59db8145db8d16e597e8facb80ae7d4e26d9881aa6f61d645fc0e",
            "ddef93772692e535d1a53903db24367355cc2cc78de93b3be5a8ffcc6985dd06\
             6d4346421d17bf5117a2a1ff0fcb2a759f58a539dfbe857a40bce4cf49ec600d",
        );
    }

    #[test]
    fn rfc_9497_vector_2() {
        check(
            &[(
                "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a",
                "64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706",
                "cc0b2a350101881d8a4cba4c80241d74fb7dcbfde4a61fde2f91443c2bf9ef0c",
                "60a59a57208d48aca71e9e850d22674b611f752bed48b36f7a91b372bd7ad468",
            )],
            "222a5e897cf59db8145db8d16e597e8facb80ae7d4e26d9881aa6f61d645fc0e",
            "401a0da6264f8cf45bb2f5264bc31e109155600babb3cd4e5af7d181a2c9dc0a\
             67154fabf031fd936051dec80b0b6ae29c9503493dde7393b722eafdf5a50b02",
        );
    }

    #[test]
    fn rfc_9497_vector_3() {
        check(
            &[
                FIRST,
                (
                    "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a",
                    "222a5e897cf59db8145db8d16e597e8facb80ae7d4e26d9881aa6f61d645fc0e",
                    "90a0145ea9da29254c3a56be4fe185465ebb3bf2a1801f7124bbbadac751e654",
                    "cc5ac221950a49ceaa73c8db41b82c20372a4c8d63e5dded2db920b7eee36a2a",
                ),
            ],
            "419c4f4f5052c53c45f3da494d2b67b220d02118e0857cdbcf037f9ea84bbe0c",
            "cc203910175d786927eeb44ea847328047892ddf8590e723c37205cb74600b0a\
             5ab5337c8eb4ceae0494c2cf89529dcf94572ed267473d567aeed6ab873dee08",
        );
    }
}
