//! The oracle against five sources: two honest, one lying, one dead, one that hangs.

use codec::{Decode, Encode};
use examples::{Behaviour, Source};

use crate::world::{BLOCK, BLOCK_MS, OWNER, Refused, STRANGER, World};

#[derive(Encode)]
struct Listed<'a> {
    url: &'a str,
    pointer: &'a str,
}

#[derive(Debug, Decode)]
struct SignedPrice {
    pair: String,
    price: u128,
    places: u8,
    answers: u8,
    block: u32,
    time_ms: u64,
    public_key: Vec<u8>,
    signature: Vec<u8>,
}

impl SignedPrice {
    /// As the tutorial says: what is signed, and by whom; nothing of the contract's code is used.
    fn is_signed(&self) -> bool {
        let mut message = b"phat-example/oracle/price/v1".to_vec();
        message.push(self.pair.len() as u8);
        message.extend(self.pair.as_bytes());
        message.extend(self.price.to_le_bytes());
        message.extend([self.places, self.answers]);
        message.extend(self.block.to_le_bytes());
        message.extend(self.time_ms.to_le_bytes());
        let key = schnorrkel::PublicKey::from_bytes(&self.public_key).unwrap();
        let signature = schnorrkel::Signature::from_bytes(&self.signature).unwrap();
        key.verify_simple(b"substrate", &message, &signature).is_ok()
    }
}

fn says(price: &str) -> Behaviour {
    Behaviour::Says(format!(r#"{{"data":[{{"price":{price}}}]}}"#))
}

fn oracle(behaviours: Vec<Behaviour>) -> (World, primitives::ContractId, Vec<Source>) {
    let mut world = World::new();
    let contract = world.deploy("oracle", "DOT/USD");
    let sources: Vec<Source> =
        behaviours.into_iter().map(|behaviour| Source::start(behaviour).unwrap()).collect();
    let list: Vec<Listed<'_>> = sources
        .iter()
        .map(|source| Listed { url: source.url(), pointer: "/data/0/price" })
        .collect();
    world.command::<()>(OWNER, contract, "set_sources", (list, 3_u32)).unwrap();
    (world, contract, sources)
}

#[test]
fn the_price_is_honest_though_one_source_lies_one_is_dead_and_one_hangs() {
    let (world, contract, sources) = oracle(vec![
        says("6.49"),
        says("\"6.51\""),
        says("999999"),
        Behaviour::Dead,
        Behaviour::Hangs,
    ]);
    let (price, lines) = world.query_with_logs::<SignedPrice>(STRANGER, contract, "price", ());
    let mut price = price.unwrap();
    assert_eq!((price.price, price.places, price.answers), (651_000_000, 8, 3));
    assert_eq!((price.block, price.time_ms), (BLOCK, BLOCK_MS));
    assert!(price.is_signed());
    price.price = 999_999;
    assert!(!price.is_signed());
    let asked: Vec<usize> = sources.iter().map(Source::asked).collect();
    assert_eq!(asked, [1, 1, 1, 0, 1], "each is asked once, in one batch");
    assert_eq!(lines.last().unwrap(), "3 of 5 sources answered");
    assert!(lines.iter().any(|line| line == "source 4: Timeout"), "{lines:?}");
}

#[test]
fn without_enough_sources_there_is_no_price() {
    let (world, contract, _sources) = oracle(vec![
        says("6.49"),
        says("6.51"),
        Behaviour::Fails(503),
        Behaviour::Says("<html>".into()),
    ]);
    let price = world.query::<SignedPrice>(STRANGER, contract, "price", ());
    // NoQuorum, with the number of answers.
    assert_eq!(price.map(|price| price.price), Err(Refused(vec![3, 2])));
}
