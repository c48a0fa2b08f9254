//! Commands, sealed in each way.

use crate::support::{GENESIS, Seeded, account_id};
use codec::{Decode, Encode};
use primitives::{AccountId, ContractId, GenesisHash, HpkePublicKey};
use secrets::{
    HpkeSecret, Sr25519Secret,
    command::{CommandKeys, CommandRoute, OpenCommandError, open_command, seal_command},
    compat,
};
use wire::command::{CommandPayload, InkCommand};

pub fn command(nonce: usize) -> InkCommand {
    InkCommand::InkMessage {
        nonce: vec![1; nonce],
        message: vec![0xca, 0xfe],
        transfer: 2,
        gas_limit: 3,
        storage_deposit_limit: Some(4),
    }
}

pub fn route() -> CommandRoute {
    CommandRoute {
        genesis: GENESIS,
        contract: ContractId([30; 32]),
        sender: account_id(),
    }
}

pub fn contract_keys() -> (HpkeSecret, Sr25519Secret) {
    (
        HpkeSecret::from_seed(&[31; 32]),
        Sr25519Secret::from_seed(&[32; 32]),
    )
}

fn open(route: &CommandRoute, payload: &CommandPayload) -> Result<InkCommand, OpenCommandError> {
    let (hpke, sr25519) = contract_keys();
    open_command(
        &CommandKeys {
            hpke: &hpke,
            sr25519: &sr25519,
        },
        route,
        payload,
    )
}

fn sealed() -> CommandPayload {
    seal_command(
        &contract_keys().0.public(),
        &route(),
        &command(16),
        &mut Seeded(1),
    )
    .unwrap()
}

#[test]
fn a_sealed_command_opens_for_its_route_alone() {
    assert_eq!(open(&route(), &sealed()), Ok(command(16)));
    for other in [
        CommandRoute {
            genesis: GenesisHash([0; 32]),
            ..route()
        },
        CommandRoute {
            contract: ContractId([0; 32]),
            ..route()
        },
        CommandRoute {
            sender: AccountId([0; 32]),
            ..route()
        },
    ] {
        assert_eq!(open(&other, &sealed()), Err(OpenCommandError::DoesNotOpen));
    }
    let unusable = HpkePublicKey([0; 32]);
    assert!(seal_command(&unusable, &route(), &command(1), &mut Seeded(1)).is_err());
}

#[test]
fn a_damaged_command_never_opens_as_the_same() {
    let bytes = sealed().encode();
    for damaged in crate::support::damaged(&bytes) {
        if let Ok(payload) = CommandPayload::decode(&mut &damaged[..]) {
            if damaged.starts_with(&bytes) {
                continue;
            }
            assert!(open(&route(), &payload).is_err());
        }
    }
}

#[test]
fn the_original_networks_commands_open() {
    let (_, sr25519) = contract_keys();
    let client = Sr25519Secret::from_seed(&[33; 32]);
    let seal = |plaintext: &[u8]| {
        let data = compat::seal(&client, &sr25519.public(), [9; 12], plaintext).unwrap();
        CommandPayload::Encrypted(data)
    };
    assert_eq!(
        open(&route(), &seal(&command(32).encode())),
        Ok(command(32))
    );
    assert_eq!(
        open(&route(), &CommandPayload::Plain(command(0))),
        Ok(command(0))
    );
    assert_eq!(
        open(&route(), &seal(b"\xff")),
        Err(OpenCommandError::Malformed)
    );
    let trailing = [command(1).encode(), vec![0]].concat();
    assert_eq!(
        open(&route(), &seal(&trailing)),
        Err(OpenCommandError::Malformed)
    );
    assert_eq!(
        open(&route(), &seal(&command(33).encode())),
        Err(OpenCommandError::NonceTooLong)
    );
    let plain = CommandPayload::Plain(command(33));
    assert_eq!(open(&route(), &plain), Err(OpenCommandError::NonceTooLong));
    let mut other = compat::seal(&client, &sr25519.public(), [9; 12], b"x").unwrap();
    other.iv[0] ^= 1;
    assert_eq!(
        open(&route(), &CommandPayload::Encrypted(other)),
        Err(OpenCommandError::DoesNotOpen)
    );
}
