//! Referenda, votes and the treasury: what the chain's governance pallets hold, in words.
//!
//! All values are proven from genesis. Their types come from the runtime's metadata, which is the
//! node's word: a node that lies about it can make a value unreadable, or read as another, but cannot make one
//! up. Who votes on something that matters looks at the hash of the call ([`Referendum::call_hash`]), which is proven as it is.

use crate::{
    Chain, ChainError, Transaction,
    text::{self, type_name as describe_type},
};
use codec::{Compact, Encode};
use primitives::{AccountId, Balance, BlockNumber};
use scale_info::form::PortableForm;
use serde_json::{Value as Json, json};
use subxt::{Metadata, client::OnlineClientAtBlock, config::substrate::SubstrateConfig, dynamic};

/// Most referenda that are listed: the newest.
pub const REFERENDA_LISTED_MAX: u32 = 100;
/// Longest call that stands in a referendum itself, bytes; longer ones are preimages.
const INLINE_BYTES_MAX: usize = 128;
/// Parts in a billion: the unit of curves.
const BILLION: u128 = 1_000_000_000;

/// What governance says that this client cannot make sense of.
fn unreadable(what: &'static str, reason: impl Into<String>) -> ChainError {
    ChainError::Unreadable { what, reason: reason.into() }
}

/// What a referendum takes to pass, falling in a line over its decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// At the start, parts in a billion.
    pub from: u32,
    /// At the end.
    pub to: u32,
}

impl Threshold {
    /// What it takes `elapsed` blocks into a decision of `period` blocks.
    pub fn at(self, elapsed: BlockNumber, period: BlockNumber) -> u32 {
        if period == 0 {
            return self.to;
        }
        let (elapsed, period) = (u128::from(elapsed.min(period)), u128::from(period));
        let fall = u128::from(self.from.saturating_sub(self.to)) * elapsed / period;
        // No more than what it falls from.
        self.from.saturating_sub(u32::try_from(fall).unwrap_or(self.from))
    }
}

/// A track, as the chain has it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// Its number.
    pub id: u16,
    /// Its name.
    pub name: String,
    /// What somebody puts down for a decision.
    pub decision_deposit: Balance,
    /// Blocks of preparation.
    pub prepare: BlockNumber,
    /// Blocks of decision, at most.
    pub decision: BlockNumber,
    /// Blocks of confirmation.
    pub confirm: BlockNumber,
    /// Blocks between passing and effect, at least.
    pub notice: BlockNumber,
    /// Ayes among votes.
    pub approval: Threshold,
    /// Ayes among all PHA.
    pub support: Threshold,
}

/// How a referendum's votes stand. All in PHA's smallest unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Ayes, weighted by conviction.
    pub ayes: Balance,
    /// Nays, weighted by conviction.
    pub nays: Balance,
    /// PHA that says aye or abstains, not weighted.
    pub support: Balance,
}

impl Tally {
    /// Ayes among votes, parts in a billion.
    pub fn approval(&self) -> u32 {
        parts(self.ayes, self.ayes.saturating_add(self.nays))
    }

    /// PHA in support among all of `issuance`, parts in a billion.
    pub fn support_of(&self, issuance: Balance) -> u32 {
        parts(self.support, issuance)
    }
}

fn parts(part: Balance, whole: Balance) -> u32 {
    // Balances are below 2^97 on any network of PHA, so the product is below 2^127.
    let scaled = part.saturating_mul(BILLION).checked_div(whole).unwrap_or(0);
    u32::try_from(scaled.min(BILLION)).unwrap_or(0)
}

/// How far a referendum is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nobody has put the decision's deposit down.
    AwaitsDeposit,
    /// It is there to be read.
    Preparing,
    /// As many as can be are being decided on its track: it waits.
    Queued,
    /// It is voted on since a block.
    Deciding {
        /// The block.
        since: BlockNumber,
        /// Where it passes now: it has passed at this block, if it does until then.
        passes_at: Option<BlockNumber>,
    },
    /// It has ended, at a block: `approved`, `rejected`, `cancelled`, `timed out` or `killed`.
    Ended(&'static str, Option<BlockNumber>),
}

/// A referendum.
#[derive(Clone, Debug)]
pub struct Referendum {
    /// Its number.
    pub index: u32,
    /// How far it is.
    pub stage: Stage,
    /// What is left of it while it goes on.
    pub ongoing: Option<Ongoing>,
}

/// What is known of a referendum that goes on.
#[derive(Clone, Debug)]
pub struct Ongoing {
    /// Its track's number.
    pub track: u16,
    /// For whom it speaks, in words.
    pub speaker: String,
    /// Who submitted it.
    pub proposer: Option<String>,
    /// The block of its submission.
    pub submitted: BlockNumber,
    /// When it is to be made: `After` so many blocks, or `At` a block.
    pub enactment: Json,
    /// How its votes stand.
    pub tally: Tally,
    /// The call it would make, SCALE, as far as the chain still has it.
    pub call: Option<Vec<u8>>,
    /// Blake2b-256 of the call.
    pub call_hash: String,
}

/// An account's vote on one referendum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VoteOf {
    /// For or against.
    pub aye: bool,
    /// 0 to 6: not locked and a tenth of the weight, or so many times the weight for so long.
    pub conviction: u8,
    /// How much PHA.
    pub balance: Balance,
}

impl VoteOf {
    fn standard(self) -> (u8, u8, Balance) {
        // AccountVote::Standard; the highest bit says aye, the rest is the conviction.
        (0, u8::from(self.aye) << 7 | self.conviction, self.balance)
    }
}

/// The largest conviction.
pub const CONVICTION_MAX: u8 = 6;

impl Transaction {
    /// Votes on a referendum, instead of any vote before.
    pub fn vote(index: u32, vote: VoteOf) -> Self {
        Self::new("ConvictionVoting", "vote", (Compact(index), vote.standard()))
    }

    /// Takes a vote back.
    pub fn remove_vote(track: u16, index: u32) -> Self {
        Self::new("ConvictionVoting", "remove_vote", (Some(track), index))
    }

    /// Lets somebody vote with so much on a track.
    pub fn delegate_vote(track: u16, to: AccountId, conviction: u8, balance: Balance) -> Self {
        Self::new("ConvictionVoting", "delegate", (track, (0u8, to), conviction, balance))
    }

    /// Takes a delegation back.
    pub fn undelegate_vote(track: u16) -> Self {
        Self::new("ConvictionVoting", "undelegate", track)
    }

    /// Frees what votes on a track no longer keep.
    pub fn unlock_votes(track: u16, who: AccountId) -> Self {
        Self::new("ConvictionVoting", "unlock", (track, (0u8, who)))
    }

    /// Stores the bytes of a call for a referendum to name.
    pub fn note_preimage(bytes: &[u8]) -> Self {
        Self::new("Preimage", "note_preimage", bytes)
    }

    /// Puts a referendum's deposit down, so that it is decided.
    pub fn place_decision_deposit(index: u32) -> Self {
        Self::new("Referenda", "place_decision_deposit", index)
    }

    /// Gives both deposits of a referendum back that has ended; the first is the decision's.
    pub fn refund_deposits(index: u32) -> [Self; 2] {
        [
            Self::new("Referenda", "refund_decision_deposit", index),
            Self::new("Referenda", "refund_submission_deposit", index),
        ]
    }

    /// Pays an approved spend out of the treasury. Anybody may ask for it.
    pub fn treasury_payout(index: u32) -> Self {
        Self::new("Treasury", "payout", index)
    }
}

type AtBlock = OnlineClientAtBlock<SubstrateConfig>;

/// A storage item's key and the type of its value.
struct Place {
    key: Vec<u8>,
    kind: u32,
}

fn place<K>(
    at: &AtBlock,
    pallet: &str,
    item: &str,
    parts: Vec<K>,
) -> Result<Place, ChainError>
where
    K: subxt::ext::scale_encode::EncodeAsType + subxt::ext::scale_decode::IntoVisitor,
{
    let metadata = at.metadata_ref();
    let missing = || ChainError::NotFound(format!("{pallet}.{item} (does the network have a DAO?)"));
    let kind = metadata
        .pallet_by_name(pallet)
        .and_then(|pallet| pallet.storage()?.entry_by_name(item).map(|entry| entry.value_ty()))
        .ok_or_else(missing)?;
    let address = dynamic::storage::<Vec<K>, dynamic::Value>(pallet, item);
    let key = at
        .storage()
        .entry(address)
        .and_then(|entry| entry.fetch_key(parts))
        .map_err(ChainError::node)?;
    Ok(Place { key, kind })
}

fn number(value: &Json) -> Option<u128> {
    match value {
        Json::Number(number) => number.as_u64().map(u128::from),
        Json::String(digits) => digits.parse().ok(),
        _ => None,
    }
}

fn small<T: TryFrom<u128>>(value: &Json) -> Option<T> {
    T::try_from(number(value)?).ok()
}

impl Chain {
    /// The tracks of this network; proven only as far as its metadata is.
    ///
    /// # Errors
    /// When the network has none, or they are of another kind than this client knows.
    pub async fn tracks(&self) -> Result<Vec<Track>, ChainError> {
        let at = self.current().await?;
        let metadata = at.metadata_ref();
        let constant = metadata
            .pallet_by_name("Referenda")
            .and_then(|pallet| pallet.constant_by_name("Tracks"))
            .ok_or_else(|| ChainError::NotFound("referenda".to_owned()))?;
        let list = text::decode(constant.value(), constant.ty(), metadata.types())
            .map_err(|reason| unreadable("list of tracks", reason))?;
        let tracks = list.as_array().map(|list| list.iter().map(track).collect::<Option<Vec<_>>>());
        tracks.flatten().ok_or_else(|| unreadable("list of tracks", list.to_string()))
    }

    /// The newest referenda, newest first, at most [`REFERENDA_LISTED_MAX`].
    ///
    /// # Errors
    /// When the network has none, or the node fails.
    pub async fn referenda(&self) -> Result<Vec<Referendum>, ChainError> {
        let at = self.current().await?;
        let count = place::<u32>(&at, "Referenda", "ReferendumCount", Vec::new())?;
        let count: u32 = self
            .proven(std::slice::from_ref(&count.key))
            .await?
            .read("count of referenda", &count.key)?
            .unwrap_or_default();
        let first = count.saturating_sub(REFERENDA_LISTED_MAX);
        self.referenda_of(&at, (first..count).rev().collect()).await
    }

    /// One referendum.
    ///
    /// # Errors
    /// When there is no such referendum, or the node fails.
    pub async fn referendum(&self, index: u32) -> Result<Referendum, ChainError> {
        let at = self.current().await?;
        let mut found = self.referenda_of(&at, vec![index]).await?;
        found.pop().ok_or_else(|| ChainError::NotFound(format!("referendum {index}")))
    }

    async fn referenda_of(
        &self,
        at: &AtBlock,
        indices: Vec<u32>,
    ) -> Result<Vec<Referendum>, ChainError> {
        let types = at.metadata_ref().types();
        let places = indices
            .iter()
            .map(|index| place(at, "Referenda", "ReferendumInfoFor", vec![*index]))
            .collect::<Result<Vec<_>, _>>()?;
        let keys: Vec<_> = places.iter().map(|place| place.key.clone()).collect();
        let proven = self.proven(&keys).await?;
        let mut found = Vec::new();
        for (index, place) in indices.iter().zip(&places) {
            let Some(bytes) = proven.state.read(&place.key)? else { continue };
            let info = text::decode(&bytes, place.kind, types)
                .map_err(|reason| unreadable("referendum", reason))?;
            let mut referendum = referendum(*index, &info)
                .ok_or_else(|| unreadable("referendum", info.to_string()))?;
            if let Some(ongoing) = &mut referendum.ongoing {
                let (call, hash) = self.proposal(at, &info["Ongoing"]["proposal"]).await?;
                (ongoing.call, ongoing.call_hash) = (call, hash);
            }
            found.push(referendum);
        }
        Ok(found)
    }

    /// A proposal's call, where the chain has it, and its hash.
    async fn proposal(
        &self,
        at: &AtBlock,
        proposal: &Json,
    ) -> Result<(Option<Vec<u8>>, String), ChainError> {
        if let Some(inline) = proposal["Inline"].as_str() {
            let bytes = hex::decode(inline.trim_start_matches("0x"))
                .map_err(|error| unreadable("proposal", error.to_string()))?;
            let hash = blake2b_256(&bytes);
            return Ok((Some(bytes), format!("0x{}", hex::encode(hash))));
        }
        let (hash, length) = (&proposal["Lookup"]["hash"], &proposal["Lookup"]["len"]);
        let (Some(text), Some(length)) = (hash.as_str(), small::<u32>(length)) else {
            return Ok((None, proposal["Legacy"]["hash"].as_str().unwrap_or("unknown").to_owned()));
        };
        let bytes: [u8; 32] = hex::decode(text.trim_start_matches("0x"))
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| unreadable("proposal", text))?;
        let metadata = at.metadata_ref();
        let known = metadata
            .pallet_by_name("Preimage")
            .and_then(|pallet| pallet.storage()?.entry_by_name("PreimageFor").map(|_| ()));
        if known.is_none() {
            return Ok((None, text.to_owned()));
        }
        let mut key = chain_facts::keys::plain("Preimage", "PreimageFor");
        // Its hasher is the identity.
        key.extend((bytes, length).encode());
        let call = self.proven(std::slice::from_ref(&key)).await?.read::<Vec<u8>>("preimage", &key)?;
        // What does not hash to the name it has is not the proposal, whoever says so.
        let call = call.filter(|call| blake2b_256(call) == bytes);
        Ok((call, text.to_owned()))
    }

    /// All PHA that there is.
    ///
    /// # Errors
    /// When the node fails.
    pub async fn issuance(&self) -> Result<Balance, ChainError> {
        let key = chain_facts::keys::plain("Balances", "TotalIssuance");
        let inactive = chain_facts::keys::plain("Balances", "InactiveIssuance");
        let proven = self.proven(&[key.clone(), inactive.clone()]).await?;
        let total: Balance = proven.read("issuance", &key)?.unwrap_or_default();
        let inactive: Balance = proven.read("issuance", &inactive)?.unwrap_or_default();
        Ok(total.saturating_sub(inactive))
    }

    /// What an account votes and delegates on a track, as the chain has it.
    ///
    /// # Errors
    /// When the network has no votes, or the node fails.
    pub async fn votes_of(&self, account: &AccountId, track: u16) -> Result<Json, ChainError> {
        let at = self.current().await?;
        let parts = vec![
            dynamic::Value::from_bytes(account.as_bytes()),
            dynamic::Value::u128(track.into()),
        ];
        let place = place(&at, "ConvictionVoting", "VotingFor", parts)?;
        let proven = self.proven(std::slice::from_ref(&place.key)).await?;
        match proven.state.read(&place.key)? {
            None => Ok(Json::Null),
            Some(bytes) => text::decode(&bytes, place.kind, at.metadata_ref().types())
                .map_err(|reason| unreadable("votes of an account", reason)),
        }
    }

    /// Approved spends of the treasury: number and what the chain has of each.
    ///
    /// # Errors
    /// When the network has no treasury, or the node fails.
    pub async fn treasury_spends(&self) -> Result<Vec<(u32, Json)>, ChainError> {
        let at = self.current().await?;
        let count = place::<u32>(&at, "Treasury", "SpendCount", Vec::new())?;
        let proven = self.proven(std::slice::from_ref(&count.key)).await?;
        let count: u32 = proven.read("count of spends", &count.key)?.unwrap_or_default();
        let first = count.saturating_sub(REFERENDA_LISTED_MAX);
        let places = (first..count)
            .map(|index| place(&at, "Treasury", "Spends", vec![index]))
            .collect::<Result<Vec<_>, _>>()?;
        let keys: Vec<_> = places.iter().map(|place| place.key.clone()).collect();
        let proven = self.proven(&keys).await?;
        let mut spends = Vec::new();
        for (index, place) in (first..count).zip(&places) {
            let Some(bytes) = proven.state.read(&place.key)? else { continue };
            let spend = text::decode(&bytes, place.kind, at.metadata_ref().types())
                .map_err(|reason| unreadable("spend", reason))?;
            spends.push((index, spend));
        }
        Ok(spends)
    }

    /// A call's SCALE bytes, from its name, `Pallet.call`, and arguments as people write them: by
    /// place.
    ///
    /// # Errors
    /// When the runtime has no such call, or an argument is not of its type; the text names the
    /// argument.
    pub async fn call_bytes(&self, name: &str, arguments: &[String]) -> Result<Vec<u8>, ChainError> {
        let at = self.current().await?;
        call_bytes(at.metadata_ref(), name, arguments).map_err(ChainError::Call)
    }

    /// What a call says: its name, and its arguments by name.
    ///
    /// # Errors
    /// When the bytes are no call of this runtime.
    pub async fn call_in_words(&self, bytes: &[u8]) -> Result<(String, Json), ChainError> {
        let at = self.current().await?;
        let metadata = at.metadata_ref();
        let kind = metadata.outer_enums().call_enum_ty();
        let call = text::decode(bytes, kind, metadata.types())
            .map_err(|reason| unreadable("call", reason))?;
        let words = || {
            let (pallet, call) = call.as_object()?.iter().next()?;
            match call {
                Json::String(name) => Some((format!("{pallet}.{name}"), Json::Null)),
                Json::Object(object) => {
                    let (name, arguments) = object.iter().next()?;
                    Some((format!("{pallet}.{name}"), arguments.clone()))
                }
                _ => None,
            }
        };
        words().ok_or_else(|| unreadable("call", call.to_string()))
    }

    /// Submits a call as a referendum that speaks for `track`; gives the referendum's number. Where `decide` is
    /// set, the decision's deposit is put down as well.
    ///
    /// # Errors
    /// When there is no such track, or the chain refuses.
    pub async fn propose(
        &self,
        account: &crate::Account,
        track: &Track,
        call: &[u8],
        decide: bool,
    ) -> Result<u32, ChainError> {
        let at = self.current().await?;
        let proposal = if call.len() <= INLINE_BYTES_MAX {
            json!({ "Inline": format!("0x{}", hex::encode(call)) })
        } else {
            self.submit(account, &Transaction::note_preimage(call)).await?;
            let hash = format!("0x{}", hex::encode(blake2b_256(call)));
            json!({ "Lookup": { "hash": hash, "len": call.len() } })
        };
        let arguments = [speaker(track), proposal, json!({ "After": 0 })];
        let texts: Vec<String> = arguments.iter().map(Json::to_string).collect();
        let bytes = call_bytes(at.metadata_ref(), "Referenda.submit", &texts)
            .map_err(ChainError::Call)?;
        let submit = Transaction::encoded("Referenda", "submit", &bytes);
        let included = self.submit_final(account, &submit).await?;
        let index = included
            .first_u32("Referenda", "Submitted")
            .ok_or_else(|| unreadable("event", "the referendum's number is missing"))?;
        if decide {
            self.submit_final(account, &Transaction::place_decision_deposit(index)).await?;
        }
        Ok(index)
    }
}

/// The origin of a track, as the runtime names it.
fn speaker(track: &Track) -> Json {
    if track.name == "root" {
        return json!({ "system": "Root" });
    }
    // `small_spender` is `SmallSpender`.
    let name: String = track
        .name
        .split('_')
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
        })
        .collect();
    json!({ "GovernanceOrigins": name })
}

fn blake2b_256(bytes: &[u8]) -> [u8; 32] {
    use blake2::{Blake2b, Digest, digest::consts::U32};
    Blake2b::<U32>::digest(bytes).into()
}

fn track(entry: &Json) -> Option<Track> {
    let (id, info) = match entry {
        Json::Array(pair) => (pair.first()?, pair.get(1)?),
        object => (object.get("id")?, object.get("info")?),
    };
    let name = match &info["name"] {
        // Bytes, padded with zeros.
        Json::String(text) if text.starts_with("0x") => {
            let bytes = hex::decode(text.trim_start_matches("0x")).ok()?;
            String::from_utf8(bytes).ok()?
        }
        Json::String(text) => text.clone(),
        _ => return None,
    };
    Some(Track {
        id: small(id)?,
        name: name.trim_end_matches('\0').to_owned(),
        decision_deposit: number(&info["decision_deposit"])?,
        prepare: small(&info["prepare_period"])?,
        decision: small(&info["decision_period"])?,
        confirm: small(&info["confirm_period"])?,
        notice: small(&info["min_enactment_period"])?,
        approval: threshold(&info["min_approval"])?,
        support: threshold(&info["min_support"])?,
    })
}

fn threshold(curve: &Json) -> Option<Threshold> {
    let line = curve.get("LinearDecreasing")?;
    Some(Threshold { from: small(&line["ceil"])?, to: small(&line["floor"])? })
}

fn referendum(index: u32, info: &Json) -> Option<Referendum> {
    let (state, value) = info.as_object()?.iter().next()?;
    if state != "Ongoing" {
        let ended = match state.as_str() {
            "Approved" => "approved",
            "Rejected" => "rejected",
            "Cancelled" => "cancelled",
            "TimedOut" => "timed out",
            "Killed" => "killed",
            _ => return None,
        };
        let block = match value {
            Json::Array(parts) => parts.first().and_then(small),
            single => small(single),
        };
        return Some(Referendum { index, stage: Stage::Ended(ended, block), ongoing: None });
    }
    let deciding = &value["deciding"];
    let stage = if !deciding.is_null() {
        Stage::Deciding {
            since: small(&deciding["since"])?,
            passes_at: small(&deciding["confirming"]),
        }
    } else if value["decision_deposit"].is_null() {
        Stage::AwaitsDeposit
    } else if value["in_queue"] == Json::Bool(true) {
        Stage::Queued
    } else {
        Stage::Preparing
    };
    let tally = &value["tally"];
    let ongoing = Ongoing {
        track: small(&value["track"])?,
        speaker: match &value["origin"] {
            Json::Object(origin) => origin.values().next()?.as_str().unwrap_or("somebody").to_owned(),
            other => other.to_string(),
        },
        proposer: value["submission_deposit"]["who"].as_str().map(str::to_owned),
        submitted: small(&value["submitted"])?,
        enactment: value["enactment"].clone(),
        tally: Tally {
            ayes: number(&tally["ayes"])?,
            nays: number(&tally["nays"])?,
            support: number(&tally["support"])?,
        },
        call: None,
        call_hash: String::new(),
    };
    Some(Referendum { index, stage, ongoing: Some(ongoing) })
}

fn call_bytes(metadata: &Metadata, name: &str, arguments: &[String]) -> Result<Vec<u8>, String> {
    let (pallet_name, call_name) = name
        .split_once('.')
        .ok_or_else(|| format!("a call is written as Pallet.call, not {name:?}"))?;
    let pallet = metadata.pallet_by_name(pallet_name).ok_or_else(|| {
        let names: Vec<&str> = metadata.pallets().map(|pallet| pallet.name()).collect();
        format!("there is no pallet {pallet_name}; there are {}", names.join(", "))
    })?;
    let call = pallet.call_variant_by_name(call_name).ok_or_else(|| {
        let calls = pallet.call_variants().unwrap_or_default();
        let names: Vec<&str> = calls.iter().map(|call| call.name.as_str()).collect();
        format!("{pallet_name} has no call {call_name}; it has {}", names.join(", "))
    })?;
    if arguments.len() != call.fields.len() {
        return Err(format!(
            "{name} takes {} arguments ({}), not {}",
            call.fields.len(),
            signature(&call.fields, metadata),
            arguments.len()
        ));
    }
    let mut bytes = vec![pallet.call_index(), call.index];
    for (field, argument) in call.fields.iter().zip(arguments) {
        let value = text::argument_to_json(argument);
        text::encode(&value, field.ty.id, metadata.types(), &mut bytes).map_err(|reason| {
            format!(
                "the argument {} ({}): {reason}",
                field.name.as_deref().unwrap_or("without name"),
                describe_type(field.ty.id, metadata.types())
            )
        })?;
    }
    Ok(bytes)
}

fn signature(fields: &[scale_info::Field<PortableForm>], metadata: &Metadata) -> String {
    let field = |field: &scale_info::Field<PortableForm>| {
        let name = field.name.as_deref().unwrap_or("?");
        format!("{name}: {}", describe_type(field.ty.id, metadata.types()))
    };
    fields.iter().map(field).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_fall_in_a_line_and_stay_at_their_end() {
        let line = Threshold { from: 500_000_000, to: 100_000_000 };
        assert_eq!(line.at(0, 100), 500_000_000);
        assert_eq!(line.at(50, 100), 300_000_000);
        assert_eq!(line.at(100, 100), 100_000_000);
        assert_eq!(line.at(1_000, 100), 100_000_000);
        assert_eq!(line.at(5, 0), 100_000_000);
    }

    #[test]
    fn a_tally_is_read_in_parts_of_a_billion() {
        let tally = Tally { ayes: 3, nays: 1, support: 25 };
        assert_eq!(tally.approval(), 750_000_000);
        assert_eq!(tally.support_of(100), 250_000_000);
        assert_eq!(Tally::default().approval(), 0);
        assert_eq!(tally.support_of(0), 0);
    }

    #[test]
    fn a_vote_has_the_bytes_that_the_pallet_reads() {
        let vote = VoteOf { aye: true, conviction: 3, balance: 7 };
        assert_eq!(vote.standard().encode()[..2], [0, 0x83]);
        let against = VoteOf { aye: false, conviction: 1, balance: 7 };
        assert_eq!(against.standard().encode()[..2], [0, 0x01]);
    }

    #[test]
    fn a_track_names_its_origin() {
        let track = |name: &str| Track {
            id: 0,
            name: name.to_owned(),
            decision_deposit: 0,
            prepare: 0,
            decision: 0,
            confirm: 0,
            notice: 0,
            approval: Threshold { from: 0, to: 0 },
            support: Threshold { from: 0, to: 0 },
        };
        assert_eq!(speaker(&track("root")), json!({ "system": "Root" }));
        assert_eq!(speaker(&track("small_spender")), json!({ "GovernanceOrigins": "SmallSpender" }));
    }

    #[test]
    fn each_stage_of_a_referendum_is_read() {
        let ongoing = |deciding: Json, deposit: Json, in_queue: bool| {
            json!({ "Ongoing": {
                "track": 10, "origin": { "GovernanceOrigins": "Attestation" }, "submitted": 5,
                "submission_deposit": { "who": "45R", "amount": 1 }, "enactment": { "After": 0 },
                "decision_deposit": deposit, "deciding": deciding, "in_queue": in_queue,
                "tally": { "ayes": "36893488147419103232", "nays": 0, "support": 1 },
            }})
        };
        let stage = |info: Json| referendum(1, &info).unwrap().stage;
        assert_eq!(stage(ongoing(Json::Null, Json::Null, false)), Stage::AwaitsDeposit);
        assert_eq!(stage(ongoing(Json::Null, json!({}), false)), Stage::Preparing);
        assert_eq!(stage(ongoing(Json::Null, json!({}), true)), Stage::Queued);
        assert_eq!(
            stage(ongoing(json!({ "since": 9, "confirming": 20 }), json!({}), false)),
            Stage::Deciding { since: 9, passes_at: Some(20) }
        );
        assert_eq!(stage(json!({ "Approved": [7, null, null] })), Stage::Ended("approved", Some(7)));
        assert_eq!(stage(json!({ "Killed": 8 })), Stage::Ended("killed", Some(8)));
        let read = referendum(1, &ongoing(Json::Null, Json::Null, false)).unwrap().ongoing.unwrap();
        assert_eq!(read.tally.ayes, 1 << 65);
        assert_eq!((read.track, read.speaker.as_str()), (10, "Attestation"));
        assert!(referendum(1, &json!({ "Odd": 1 })).is_none());
    }
}
