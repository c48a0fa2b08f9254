//! Who makes and finalizes blocks: reading the set, and changing it.

use crate::{Chain, ChainError, Transaction};
use chain_facts::keys;
use primitives::{AccountId, BlockNumber};
use subxt_rpcs::client::RpcParams;

/// Keys of a validator: 32 bytes that make blocks (Aura), 32 that finalize them (GRANDPA).
const SESSION_KEYS_BYTES: usize = 64;

/// Keys that a node has made, and its proof that it has them.
#[derive(Clone, Debug)]
pub struct NewSessionKeys {
    /// The public keys.
    pub keys: [u8; SESSION_KEYS_BYTES],
    /// The node's signatures over the account that the keys are for.
    pub proof: Vec<u8>,
}

/// The validators at a final block, by the node's word.
#[derive(Clone, Debug)]
pub struct Validators {
    /// Those of the session that runs.
    pub now: Vec<AccountId>,
    /// Those of the session after.
    pub queued: Vec<AccountId>,
    /// Those that are named, and queued when this session ends.
    pub wanted: Option<Vec<AccountId>>,
    /// Blocks of a session.
    pub session_blocks: BlockNumber,
    /// How often the set has changed.
    pub set_id: u64,
}

impl Chain {
    /// Has the node make keys for a validator, and keep them. The node must be one's own: it takes such
    /// requests from its own machine alone, unless it is told otherwise.
    ///
    /// # Errors
    /// When the node refuses, or its runtime wants other keys.
    pub async fn new_session_keys(&self, owner: &AccountId) -> Result<NewSessionKeys, ChainError> {
        #[derive(serde::Deserialize)]
        struct Generated {
            keys: String,
            proof: Option<String>,
        }
        let mut params = RpcParams::new();
        params
            .push(format!("0x{}", hex::encode(owner)))
            .map_err(ChainError::node)?;
        let made: Generated = self.call("author_rotateKeysWithOwner", params).await?;
        let raw = |text: &str| hex::decode(text.trim_start_matches("0x")).map_err(ChainError::node);
        let keys = raw(&made.keys)?;
        let keys = keys.try_into().map_err(|keys: Vec<u8>| {
            ChainError::Node(format!(
                "keys of {} bytes, not {SESSION_KEYS_BYTES}",
                keys.len()
            ))
        })?;
        let proof = made.proof.ok_or_else(|| {
            ChainError::Node("the node does not prove that it has the keys".to_owned())
        })?;
        Ok(NewSessionKeys {
            keys,
            proof: raw(&proof)?,
        })
    }

    /// The validators at the newest final block, by the node's word.
    ///
    /// # Errors
    /// When the node fails, or its runtime keeps no such set.
    pub async fn validators(&self) -> Result<Validators, ChainError> {
        let queued: Vec<(AccountId, [u8; SESSION_KEYS_BYTES])> = self
            .unproven("queued validators", keys::queued_validators())
            .await?
            .unwrap_or_default();
        Ok(Validators {
            now: self
                .unproven("validators", keys::validators())
                .await?
                .unwrap_or_default(),
            queued: queued.into_iter().map(|(validator, _)| validator).collect(),
            wanted: self
                .unproven("named validators", keys::wanted_validators())
                .await?,
            session_blocks: self
                .unproven("length of a session", keys::session_blocks())
                .await?
                .ok_or_else(|| ChainError::NotFound("the length of a session".to_owned()))?,
            set_id: self
                .unproven("number of the set", keys::authority_set_id())
                .await?
                .unwrap_or_default(),
        })
    }
}

impl Transaction {
    /// Sets the keys of the sender as a validator. They count from the session after the next.
    pub fn set_session_keys(new: &NewSessionKeys) -> Self {
        Self::new("Session", "set_keys", (new.keys, &new.proof))
    }

    /// Names the validators, from the session after the next. Needs the superuser of a development network.
    pub fn set_validators(validators: &[AccountId]) -> Self {
        Self::new("ValidatorSet", "set", validators)
    }

    /// Takes the sender out of the validators, from the session after the next.
    pub fn leave_validators() -> Self {
        Self::new("ValidatorSet", "leave", ())
    }
}
