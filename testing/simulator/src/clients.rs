//! Clients: they send commands through the chain, and ask workers.

use crate::{
    Broken, Sabotage,
    chain::Caller,
    checks::{Answered, hold},
    executor::Value,
    machine::STALE_MS,
    model::Sealed,
    world::{World, account},
};
use chain_facts::keys;
use codec::{Decode, Encode};
use polkadot_sdk::{sp_core::H256, sp_keyring::Sr25519Keyring};
use primitives::{AccountId, ContractId, HpkePublicKey};
use rand_core::RngCore;
use secrets::{
    client::{WorkerAddress, seal_query},
    command::{CommandRoute, seal_command},
    receipt::{sign_batch, verify_receipt_signature},
};
use wire::{
    command::{CommandPayload, InkCommand},
    query::{QueryError, QueryRequest, QueryTarget},
};
use worker_core::ServingState;

/// Accounts that send commands.
const SENDERS: [Sr25519Keyring; 3] =
    [Sr25519Keyring::Alice, Sr25519Keyring::Charlie, Sr25519Keyring::Dave];

fn ink(message: Vec<u8>) -> InkCommand {
    InkCommand::InkMessage {
        nonce: vec![1],
        message,
        transfer: 0,
        gas_limit: 0,
        storage_deposit_limit: None,
    }
}

impl World {
    /// What clients do in a round.
    pub(crate) fn client_round(&mut self) -> Result<(), Broken> {
        let at = self.chain.final_number();
        let key = keys::contract_hpke_key(&self.contracts[0]);
        if self.chain.finals().value(at, &key).is_none() {
            return Ok(());
        }
        let rate = match (self.is_silent, self.is_calm) {
            (true, _) => 0,
            (false, true) => 100,
            (false, false) => self.weather.commands,
        };
        for _ in 0..3 {
            if self.chance.happens(rate) {
                self.command()?;
            }
        }
        for _ in 0..2 {
            if self.chance.happens(self.weather.queries)
                && let Some(place) = self.chance.place(self.machines.len())
            {
                self.ask(place)?;
            }
        }
        Ok(())
    }

    fn command(&mut self) -> Result<(), Broken> {
        let place = self.chance.place(self.contracts.len()).unwrap_or_default();
        let contract = self.contracts[place];
        let sender = SENDERS[self.chance.below(3) as usize];
        let sender_id = AccountId(account(sender).into());
        let token = self.chance.next_u64();
        let message = match self.chance.below(20) {
            0 => b"nonsense".to_vec(),
            _ => [b"set:", &token.to_le_bytes()[..]].concat(),
        };
        let payload = match self.chance.below(10) {
            0..4 => CommandPayload::Plain(ink(message)).encode(),
            4..9 => {
                // One in a while is sent by somebody for whom it was not sealed.
                let sealed_for = match self.chance.happens(50) {
                    true => AccountId([9; 32]),
                    false => sender_id,
                };
                let at = self.chain.final_number();
                let key: Option<HpkePublicKey> =
                    self.chain.finals().read(at, &keys::contract_hpke_key(&contract));
                let key = key.ok_or(Broken::new("a contract's key has gone"))?;
                let route =
                    CommandRoute { genesis: self.chain.genesis(), contract, sender: sealed_for };
                let payload = seal_command(&key, &route, &ink(message.clone()), &mut self.chance)
                    .map_err(|error| Broken::new(error.to_string()))?
                    .encode();
                let rotation = keys::contract_key_rotation(&contract);
                let rotation = self.chain.finals().read(at, &rotation).unwrap_or_default();
                let sealed = Sealed { sender: sealed_for, contract, rotation, message };
                self.model.seal(payload.clone(), sealed);
                payload
            }
            _ => token.to_le_bytes().to_vec(),
        };
        let call = pallet_phat_contracts::Call::push_contract_message {
            contract_id: H256(contract.0),
            payload,
            deposit: 0,
        };
        self.events.note(self.round, "command", format!("{token:x}"));
        self.call(Caller::Account(account(sender)), call);
        Ok(())
    }

    fn request(&mut self, contract: ContractId) -> QueryRequest {
        let mut nonce = [0; 16];
        self.chance.fill_bytes(&mut nonce);
        let newest = self.chain.final_number();
        QueryRequest {
            target: QueryTarget::Call { contract },
            input: b"get".to_vec(),
            value: 0,
            gas_limit: 0,
            estimate: false,
            minimum_block: if self.chance.happens(200) { newest } else { 0 },
            expires_at_ms: self.now_ms + 60_000,
            nonce,
            receipt: self.chance.happens(100),
        }
    }

    /// Asks a worker, whatever it is doing.
    pub(crate) fn ask(&mut self, place: usize) -> Result<(), Broken> {
        let picked = self.chance.place(self.contracts.len()).unwrap_or_default();
        let contract = self.contracts[picked];
        let request = self.request(contract);
        let minimum_block = request.minimum_block;
        let genesis = self.chain.genesis();
        let Some(process) = self.process(place) else { return Ok(()) };
        let identity = process.core.identity().clone();
        let address = WorkerAddress {
            genesis,
            worker: identity.worker(),
            hpke_public_key: identity.hpke_public_key(),
        };
        let (envelope, pending) = seal_query(&address, None, request, &mut self.chance)
            .map_err(|error| Broken::new(error.to_string()))?;
        let stands = self.options.sabotage == Some(Sabotage::ClockStands);
        let machine = &self.machines[place];
        let now_ms = if stands { self.chain.time_of(1) } else { machine.now_ms() };
        let Some(process) = &machine.process else { return Ok(()) };
        let ServingState::Serving { cluster, .. } = process.core.serving() else {
            self.events.note(self.round, "not serving", machine.name.clone());
            return Ok(());
        };
        let answer = match process.core.queries().answer(&envelope, now_ms) {
            Ok(answer) => answer,
            Err(refusal) => {
                let kind = match refusal {
                    worker_core::Refusal::Stale { .. } => "stale",
                    _ => "query refused",
                };
                self.events.note(self.round, kind, format!("{}: {refusal}", machine.name));
                return Ok(());
            }
        };
        let body = answer.receipt.clone();
        let receipt = match &body {
            Some(body) => sign_batch(identity.signing(), vec![body.clone()])
                .map_err(|_| Broken::new("a receipt is not signed"))?
                .pop(),
            None => None,
        };
        let reply = answer.seal.seal(answer.reply, receipt).map_err(Broken::of)?;
        let reply = pending.open(&reply).map_err(|error| Broken::new(error.to_string()))?;
        let by = Answered {
            machine: &machine.name,
            process: process.id,
            instances: &process.instances,
            worker: identity.worker(),
            cluster,
            block: reply.block_number,
            block_hash: reply.block_hash,
            root: reply.state_root,
            before: process.answered,
            tainted_from: machine.tainted_from(&cluster),
            now_ms: (machine.troubles.skew_ms == 0).then_some(self.now_ms),
            stale_ms: STALE_MS,
        };
        let is_tainted = by.tainted_from.is_some();
        let number = self.checks.on_answer(self.chain.finals(), &by)?;
        let name = machine.name.clone();
        match &reply.result {
            Ok(output) => {
                hold!(
                    reply.block_number >= minimum_block,
                    "no forgotten state: {name} answers from block {}, asked for {minimum_block}",
                    reply.block_number
                );
                let wanted = self.model.value(&cluster, number, &contract).unwrap_or_default();
                let got = Value::decode(&mut &output.data[..]).ok();
                hold!(
                    is_tainted || got == Some(wanted),
                    "answers: {name} says {got:?} after {number} entries, the model {wanted:?}"
                );
            }
            Err(QueryError::BlockNotReached { have }) => {
                hold!(
                    *have < minimum_block,
                    "answers: {name} has block {have}, and says it does not have {minimum_block}"
                );
            }
            Err(QueryError::Expired) => {
                hold!(stands || machine.troubles.skew_ms != 0, "answers: {name}: expired, and its clock is right");
            }
            Err(error) => {
                return Err(Broken::new(format!("answers: {name} gives an error: {error:?}")));
            }
        }
        if let Some(receipt) = &reply.receipt {
            hold!(verify_receipt_signature(receipt), "receipts: {name}'s does not hold");
            let says = body.as_ref().map(|body| (body.block_number, body.state_root, body.next_number));
            hold!(
                says == Some((reply.block_number, reply.state_root, number)),
                "receipts: {name} says {says:?} and answers otherwise"
            );
        }
        let round = self.round;
        let is_replayed = self.chance.happens(100);
        let machine = &mut self.machines[place];
        let Some(process) = &mut machine.process else { return Ok(()) };
        process.answered = reply.block_number;
        if is_replayed
            && let Ok(again) = process.core.queries().answer(&envelope, now_ms)
        {
            let is_run = again.reply.result.is_ok();
            hold!(!(is_run && reply.result.is_ok()), "once: {name} runs one envelope twice");
        }
        self.events.note(round, "answer", format!("{name} from block {}", reply.block_number));
        Ok(())
    }
}
