//! The vault against an S3 server that checks signatures, and an IPFS node.

use std::path::Path;

use codec::Encode;
use examples::{S3_BUCKET, S3_KEY, Stores};
use primitives::ContractId;

use crate::world::{MEMBER, OWNER, Refused, STRANGER, World};

#[derive(Encode)]
struct S3<'a> {
    endpoint: &'a str,
    region: &'a str,
    bucket: &'a str,
    access_key: &'a str,
    secret_key: &'a str,
}

fn configure(world: &mut World, contract: ContractId, stores: &Stores, secret_key: &str) {
    let s3 = S3 {
        endpoint: stores.s3(),
        region: "us-east-1",
        bucket: S3_BUCKET,
        access_key: S3_KEY.0,
        secret_key,
    };
    world.command::<()>(OWNER, contract, "configure_s3", s3).unwrap();
}

#[test]
fn files_go_to_real_stores_and_come_back_and_only_their_owner_reads_them() {
    let stores = Stores::start(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap();
    let mut world = World::new();
    let contract = world.deploy("vault", ());
    configure(&mut world, contract, &stores, S3_KEY.1);
    world.command::<()>(OWNER, contract, "configure_ipfs", stores.ipfs()).unwrap();
    world.command::<()>(OWNER, contract, "admit", MEMBER.0).unwrap();

    // Larger than ink!'s usual buffer of 16 KiB.
    let letter = b"Dear diary, nobody shall ever read this. ".repeat(1_000);
    let put = ("diary.txt", &letter);
    world.query::<()>(MEMBER, contract, "put_s3", put).unwrap();
    let cid: String = world.query(MEMBER, contract, "put_ipfs", put).unwrap();
    assert!(cid.starts_with("bafkrei"), "a raw block's id: {cid}");
    let back: Vec<u8> = world.query(MEMBER, contract, "get_s3", "diary.txt").unwrap();
    assert_eq!(back, letter);
    let back: Vec<u8> = world.query(MEMBER, contract, "get_ipfs", ("diary.txt", &cid)).unwrap();
    assert_eq!(back, letter);

    let get = |who| world.query::<Vec<u8>>(who, contract, "get_s3", "diary.txt");
    assert_eq!(get(STRANGER), Err(Refused(vec![1])), "not a member");
    assert_eq!(get(OWNER), Err(Refused(vec![6])), "not found: the owner's name for it is another");
    let by_owner = world.query::<Vec<u8>>(OWNER, contract, "get_ipfs", ("diary.txt", &cid));
    assert_eq!(by_owner, Err(Refused(vec![9])), "the owner has another key");

    let files = stores.files().unwrap();
    let stored = files.iter().filter(|(_, bytes)| bytes.len() > letter.len()).count();
    assert_eq!(stored, 2, "each store has it");
    for (path, bytes) in &files {
        assert!(!path.to_string_lossy().contains("diary"), "{}", path.display());
        let readable = bytes.windows(10).any(|part| part == b"Dear diary");
        assert!(!readable, "{}", path.display());
    }
}

#[test]
fn the_s3_server_refuses_another_key() {
    let stores = Stores::start(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap();
    let mut world = World::new();
    let contract = world.deploy("vault", ());
    configure(&mut world, contract, &stores, "another");
    let put = world.query::<()>(OWNER, contract, "put_s3", ("a", vec![1_u8]));
    // Refused(403).
    assert_eq!(put, Err(Refused([vec![8], 403_u16.encode()].concat())));
}
