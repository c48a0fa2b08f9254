//! A price oracle.
//!
//! Its owner lists sources: URLs, and where in their JSON the price stands. [`oracle::Oracle::price`], a query,
//! asks all of them at once, leaves out those that fail, takes the median of the rest and signs it with a
//! key that only this contract has. Whoever knows that key can check a price offline, and pass it on.
//!
//! # Who must lie for a wrong price
//! With a quorum of 2f + 1, a price lies between two honest answers as long as at most f sources lie:
//! fewer answers than the quorum give no price at all. The worker cannot lie, as it fetches over TLS inside of
//! the TEE; sources without TLS are for development.
//!
//! # What is signed
//! [`oracle::signed_message`] says which bytes. A signature holds for one pair, one price and one block; the
//! block's time is in it, so that a reader can refuse an old price.

#![cfg_attr(not(feature = "std"), no_std, no_main)]
#![deny(missing_docs)]

#[ink::contract]
mod oracle {
    use contract_sdk::http::{self, Request};
    use contract_sdk::signing::{Kind, SigningKey};
    use contract_sdk::{info, json, warn};
    use ink::prelude::string::String;
    use ink::prelude::vec::Vec;

    /// Most sources: what a batch of requests may have.
    pub const SOURCES_MAX: usize = 16;
    /// Least answers for a price: two of three are honest if one lies.
    pub const QUORUM_MIN: u32 = 3;
    /// Longest pair, URL and pointer, bytes.
    pub const TEXT_BYTES_MAX: usize = 255;
    /// Decimal places of a price.
    pub const PLACES: u8 = 8;
    /// How long the sources have, milliseconds.
    pub const TIMEOUT_MS: u64 = 3_000;
    /// Before every message that this contract signs.
    pub const LABEL: &[u8] = b"phat-example/oracle/price/v1";
    /// What the contract's key is derived from.
    const KEY_SALT: &[u8] = b"oracle/price";

    /// Where a price is to be had.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    #[cfg_attr(feature = "std", derive(ink::storage::traits::StorageLayout))]
    pub struct Source {
        /// What to fetch, with `GET`.
        pub url: String,
        /// Where the price stands in the answer: a JSON pointer such as `/data/0/price`.
        pub pointer: String,
    }

    /// A price, and who says so.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub struct SignedPrice {
        /// What is priced, in what.
        pub pair: String,
        /// The price in units of the last decimal place.
        pub price: u128,
        /// Decimal places of the price.
        pub places: u8,
        /// Sources that answered.
        pub answers: u8,
        /// The block after which it was asked.
        pub block: u32,
        /// That block's time, milliseconds since the Unix epoch.
        pub time_ms: u64,
        /// The contract's sr25519 key.
        pub public_key: Vec<u8>,
        /// Its signature over [`signed_message`], context `substrate`.
        pub signature: Vec<u8>,
    }

    /// Why there is no price, or no change.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        /// Only the owner may do this.
        NotOwner,
        /// The set-up is refused: a text is empty or too long, there are too many sources, or the
        /// quorum is below [`QUORUM_MIN`] or above the number of sources.
        BadSetUp,
        /// Prices are asked for by a query: a transaction reaches no network.
        QueryOnly,
        /// Fewer sources than the quorum gave a price.
        NoQuorum {
            /// How many did.
            answers: u8,
        },
    }

    /// The oracle.
    #[ink(storage)]
    pub struct Oracle {
        owner: AccountId,
        pair: String,
        sources: Vec<Source>,
        quorum: u32,
    }

    impl Oracle {
        /// An oracle of the caller's, without sources yet: [`set_sources`](Self::set_sources) is sealed,
        /// a constructor's arguments are public.
        ///
        /// # Errors
        /// [`Error::BadSetUp`].
        #[ink(constructor)]
        pub fn new(pair: String) -> Result<Self, Error> {
            ensure_text(&pair)?;
            Ok(Self {
                owner: Self::env().caller(),
                pair,
                sources: Vec::new(),
                quorum: QUORUM_MIN,
            })
        }

        /// Sets the sources, and how many of them must answer. The owner only.
        ///
        /// # Errors
        /// [`Error::NotOwner`] or [`Error::BadSetUp`].
        #[ink(message)]
        pub fn set_sources(&mut self, sources: Vec<Source>, quorum: u32) -> Result<(), Error> {
            self.ensure_owner()?;
            let enough = usize::try_from(quorum).is_ok_and(|quorum| quorum <= sources.len());
            if sources.len() > SOURCES_MAX || quorum < QUORUM_MIN || !enough {
                return Err(Error::BadSetUp);
            }
            for source in &sources {
                ensure_text(&source.url)?;
                if source.pointer.len() > TEXT_BYTES_MAX {
                    return Err(Error::BadSetUp);
                }
            }
            self.sources = sources;
            self.quorum = quorum;
            Ok(())
        }

        /// The sources, and how many of them must answer. The owner only: a URL may hold an API key.
        ///
        /// # Errors
        /// [`Error::NotOwner`].
        #[ink(message)]
        pub fn sources(&self) -> Result<(Vec<Source>, u32), Error> {
            self.ensure_owner()?;
            Ok((self.sources.clone(), self.quorum))
        }

        /// The sr25519 key that prices are signed with.
        #[ink(message)]
        pub fn public_key(&self) -> Vec<u8> {
            SigningKey::derive(Kind::Sr25519, KEY_SALT).public_key()
        }

        /// Asks all sources now, and signs the median of their answers. A query.
        ///
        /// # Errors
        /// [`Error::QueryOnly`] or [`Error::NoQuorum`].
        #[ink(message)]
        pub fn price(&self) -> Result<SignedPrice, Error> {
            let mut prices = self.ask_all()?;
            let answers = u8::try_from(prices.len()).unwrap_or(u8::MAX);
            info!("{} of {} sources answered", answers, self.sources.len());
            if u32::from(answers) < self.quorum {
                return Err(Error::NoQuorum { answers });
            }
            let price = median(&mut prices).ok_or(Error::NoQuorum { answers })?;
            let key = SigningKey::derive(Kind::Sr25519, KEY_SALT);
            let mut signed = SignedPrice {
                pair: self.pair.clone(),
                price,
                places: PLACES,
                answers,
                block: self.env().block_number(),
                time_ms: self.env().block_timestamp(),
                public_key: key.public_key(),
                signature: Vec::new(),
            };
            signed.signature =
                key.sign(&signed_message(&signed)).map_err(|_| Error::QueryOnly)?;
            Ok(signed)
        }

        /// The prices of the sources that gave one.
        fn ask_all(&self) -> Result<Vec<u128>, Error> {
            let requests = self
                .sources
                .iter()
                .map(|source| Request::get(source.url.as_str()).header("accept", "application/json"))
                .collect();
            let answers = http::batch(requests, TIMEOUT_MS).map_err(|_| Error::QueryOnly)?;
            let mut prices = Vec::new();
            for (number, (source, answer)) in self.sources.iter().zip(answers).enumerate() {
                match answer {
                    Ok(answer) => match read_price(&answer, &source.pointer) {
                        Some(price) => prices.push(price),
                        None => warn!("source {}: no price, status {}", number, answer.status_code),
                    },
                    Err(error) => warn!("source {}: {:?}", number, error),
                }
            }
            Ok(prices)
        }

        fn ensure_owner(&self) -> Result<(), Error> {
            match self.env().caller() == self.owner {
                true => Ok(()),
                false => Err(Error::NotOwner),
            }
        }
    }

    /// The bytes that are signed: [`LABEL`], the pair's length (1 byte), the pair, the price (16 bytes),
    /// places (1), answers (1), block (4), time (8). Numbers are little-endian.
    pub fn signed_message(price: &SignedPrice) -> Vec<u8> {
        let mut message = LABEL.to_vec();
        message.push(u8::try_from(price.pair.len()).unwrap_or(u8::MAX));
        message.extend(price.pair.as_bytes());
        message.extend(price.price.to_le_bytes());
        message.extend([price.places, price.answers]);
        message.extend(price.block.to_le_bytes());
        message.extend(price.time_ms.to_le_bytes());
        message
    }

    /// A positive number at `pointer`.
    fn read_price(answer: &http::Response, pointer: &str) -> Option<u128> {
        if answer.status_code != 200 {
            return None;
        }
        let value = json::parse(&answer.body).ok()?.pointer(pointer)?;
        let price = u128::try_from(value.decimal(PLACES.into())?).ok()?;
        (price > 0).then_some(price)
    }

    /// The middle one, or the mean of the two in the middle: both are honest if fewer than half lie.
    fn median(prices: &mut [u128]) -> Option<u128> {
        prices.sort_unstable();
        let upper = prices.len().checked_div(2)?;
        let high = *prices.get(upper)?;
        if prices.len() % 2 == 1 {
            return Some(high);
        }
        let low = *prices.get(upper.checked_sub(1)?)?;
        Some(low.saturating_add(high.saturating_sub(low) / 2))
    }

    fn ensure_text(text: &str) -> Result<(), Error> {
        match text.is_empty() || text.len() > TEXT_BYTES_MAX {
            true => Err(Error::BadSetUp),
            false => Ok(()),
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use contract_sdk::http::Error as HttpError;
        use contract_sdk::signing::verify;
        use contract_sdk::test::{Worker, response};
        use ink::env::{DefaultEnvironment, test};

        fn source(number: usize) -> Source {
            Source {
                url: format!("https://source-{number}.example/"),
                pointer: "/price".into(),
            }
        }

        fn oracle(sources: usize, quorum: u32) -> Oracle {
            let mut oracle = Oracle::new("DOT/USD".into()).unwrap();
            oracle.set_sources((0..sources).map(source).collect(), quorum).unwrap();
            oracle
        }

        /// The source of each number says this.
        fn answers(worker: &Worker, bodies: &'static [Result<&str, HttpError>]) {
            worker.on_http(move |request| {
                let of = (0..bodies.len()).find(|number| source(*number).url == request.url).unwrap();
                bodies[of].map(|body| response(200, body))
            });
        }

        #[ink::test]
        fn the_median_is_signed_and_anybody_can_check_it() {
            let worker = Worker::new();
            answers(
                &worker,
                &[Ok(r#"{"price":6.51}"#), Ok(r#"{"price":"6.49"}"#), Ok(r#"{"price":65e-1}"#)],
            );
            let oracle = oracle(3, 3);
            let price = oracle.price().unwrap();
            assert_eq!((price.price, price.places, price.answers), (650_000_000, 8, 3));
            assert_eq!(price.public_key, oracle.public_key());
            let message = signed_message(&price);
            assert!(verify(Kind::Sr25519, &price.public_key, &message, &price.signature));
            let forged = SignedPrice { price: 1, ..price.clone() };
            let message = signed_message(&forged);
            assert!(!verify(Kind::Sr25519, &price.public_key, &message, &price.signature));
        }

        #[ink::test]
        fn the_signed_bytes_are_those_of_the_documentation() {
            let price = SignedPrice {
                pair: "A/B".into(),
                price: 258,
                places: 8,
                answers: 3,
                block: 7,
                time_ms: 9,
                public_key: Vec::new(),
                signature: Vec::new(),
            };
            let mut expected = b"phat-example/oracle/price/v1\x03A/B\x02\x01".to_vec();
            expected.extend([0; 14]);
            expected.extend([8, 3, 7, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0]);
            assert_eq!(signed_message(&price), expected);
        }

        #[ink::test]
        fn a_liar_a_dead_and_a_slow_source_do_not_move_the_price_out_of_the_honest_ones() {
            let worker = Worker::new();
            answers(
                &worker,
                &[
                    Ok(r#"{"price":6.51}"#),
                    Ok(r#"{"price":1000000}"#),
                    Err(HttpError::NetworkError),
                    Ok(r#"{"price":6.49}"#),
                    Err(HttpError::Timeout),
                ],
            );
            let price = oracle(5, 3).price().unwrap();
            assert_eq!((price.price, price.answers), (651_000_000, 3));
            let lines: Vec<_> = worker.logs().into_iter().map(|(_, line)| line).collect();
            assert_eq!(
                lines,
                ["source 2: NetworkError", "source 4: Timeout", "3 of 5 sources answered"]
            );
        }

        #[ink::test]
        fn an_even_number_of_answers_gives_the_mean_of_the_middle() {
            let check = |prices: &[u128], expected| {
                assert_eq!(median(&mut prices.to_vec()), expected);
            };
            check(&[], None);
            check(&[4, 1, 3, 100], Some(3));
            check(&[u128::MAX, u128::MAX], Some(u128::MAX));
            check(&[9, 1, 5], Some(5));
        }

        #[ink::test]
        fn without_a_quorum_there_is_no_price() {
            let worker = Worker::new();
            answers(
                &worker,
                &[
                    Ok(r#"{"price":6.51}"#),
                    Ok(r#"{"price":-6.51}"#),
                    Ok(r#"{"cost":6.51}"#),
                    Ok("<html>"),
                ],
            );
            assert_eq!(oracle(4, 3).price(), Err(Error::NoQuorum { answers: 1 }));
            worker.on_http(|_| Ok(response(500, r#"{"price":6.51}"#)));
            assert_eq!(oracle(4, 3).price(), Err(Error::NoQuorum { answers: 0 }));
            worker.enter_transaction();
            assert_eq!(oracle(4, 3).price(), Err(Error::QueryOnly));
        }

        #[ink::test]
        fn only_the_owner_sets_and_sees_the_sources() {
            let mut oracle = oracle(3, 3);
            assert_eq!(oracle.sources(), Ok(((0..3).map(source).collect(), 3)));
            let accounts = test::default_accounts::<DefaultEnvironment>();
            test::set_caller::<DefaultEnvironment>(accounts.bob);
            assert_eq!(oracle.sources(), Err(Error::NotOwner));
            assert_eq!(oracle.set_sources(Vec::new(), 3), Err(Error::NotOwner));
        }

        #[ink::test]
        fn a_bad_set_up_is_refused() {
            assert_eq!(Oracle::new(String::new()).err(), Some(Error::BadSetUp));
            let mut oracle = oracle(3, 3);
            let mut check = |count, quorum| {
                oracle.set_sources((0..count).map(source).collect(), quorum).err()
            };
            assert_eq!(check(16, 16), None);
            assert_eq!(check(17, 3), Some(Error::BadSetUp));
            assert_eq!(check(3, 4), Some(Error::BadSetUp));
            assert_eq!(check(3, 2), Some(Error::BadSetUp));
        }
    }
}
