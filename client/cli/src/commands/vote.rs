//! `phat vote`.

use crate::{context, output::Output};
use anyhow::{Context, Result, bail, ensure};
use clap::Subcommand;
use client::{
    Account, Chain, Transaction,
    governance::{CONVICTION_MAX, Referendum, Stage, Track, VoteOf},
};
use primitives::{AccountId, Balance, units};
use serde_json::{Value, json};

/// Take part in what holders of PHA decide: see, vote, delegate, propose.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the tracks: what a proposal of each costs, takes, and how long it lasts.
    Tracks,
    /// List referenda, the newest first.
    List {
        /// Those that have ended too.
        #[arg(long)]
        all: bool,
    },
    /// Show one referendum: what it would do in words, how it stands, and what it still takes.
    Show {
        /// Its number.
        referendum: u32,
        /// Shows this account's vote too.
        #[arg(long = "as", value_name = "ACCOUNT")]
        account: Option<String>,
    },
    /// Vote; a vote before is replaced. What votes is locked, wherever it lies, and never spent.
    Cast {
        /// The referendum's number.
        referendum: u32,
        /// For or against.
        #[arg(value_enum)]
        side: Side,
        /// With how much PHA: free, held, or delegated to pools.
        amount: String,
        /// 0: a tenth of the weight, locked only while the vote stands; 1 to 6: so many times the weight, and
        /// locked for 1, 2, 4, 8, 16 or 32 periods after its side has won.
        #[arg(long, default_value_t = 1)]
        conviction: u8,
        /// The account that votes.
        #[arg(long = "as", value_name = "ACCOUNT")]
        account: String,
    },
    /// Take a vote back.
    Remove {
        /// The referendum's number.
        referendum: u32,
        /// Its track; asked from the chain while the referendum goes on.
        #[arg(long)]
        track: Option<String>,
        /// The account that voted.
        #[arg(long = "as", value_name = "ACCOUNT")]
        account: String,
    },
    /// Let somebody vote for you on a track.
    Delegate {
        /// The track's name.
        track: String,
        /// Who votes.
        to: String,
        /// With how much of your PHA.
        amount: String,
        /// As for a vote.
        #[arg(long, default_value_t = 1)]
        conviction: u8,
        /// The account that delegates.
        #[arg(long = "as", value_name = "ACCOUNT")]
        account: String,
    },
    /// Take a delegation back.
    Undelegate {
        /// The track's name.
        track: String,
        /// The account that delegated.
        #[arg(long = "as", value_name = "ACCOUNT")]
        account: String,
    },
    /// Free what votes on a track no longer keep.
    Unlock {
        /// The track's name.
        track: String,
        /// The account whose PHA it is.
        #[arg(long = "as", value_name = "ACCOUNT")]
        account: String,
    },
    /// Propose a call, to be made in a track's name.
    Propose {
        /// The track's name, or root.
        track: String,
        /// The call, as Pallet.call.
        call: String,
        /// Its arguments, as JSON or text, by place.
        arguments: Vec<String>,
        /// Only submits it: somebody else puts the decision's deposit down.
        #[arg(long)]
        undecided: bool,
        /// Prints what would be proposed, and proposes nothing.
        #[arg(long)]
        dry_run: bool,
        /// The account that proposes.
        #[arg(long = "as", value_name = "ACCOUNT")]
        account: String,
    },
    /// Put the deposit of a referendum down, so that it is decided.
    Deposit {
        /// The referendum's number.
        referendum: u32,
        /// The account that pays.
        #[arg(long = "as", value_name = "ACCOUNT")]
        account: String,
    },
    /// Give the deposits of a referendum that has ended back to who put them down.
    Refund {
        /// The referendum's number.
        referendum: u32,
        /// The account that asks for it.
        #[arg(long = "as", value_name = "ACCOUNT")]
        account: String,
    },
}

/// For or against.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Side {
    /// For.
    Aye,
    /// Against.
    Nay,
}

pub async fn run(command: Command, network: &context::Network, output: &Output) -> Result<()> {
    match command {
        Command::Tracks => tracks(network, output).await,
        Command::List { all } => list(network, output, all).await,
        Command::Show { referendum, account } => show(network, output, referendum, account).await,
        Command::Cast { referendum, side, amount, conviction, account } => {
            let vote = VoteOf {
                aye: matches!(side, Side::Aye),
                conviction: conviction_of(conviction)?,
                balance: amount_of(&amount)?,
            };
            cast(network, output, referendum, vote, &account).await
        }
        Command::Remove { referendum, track, account } => {
            remove(network, output, referendum, track, &account).await
        }
        Command::Delegate { track, to, amount, conviction, account } => {
            let to = client::parse_address(&to).or_else(|_| context::account_id(&to));
            let to = to.map_err(|error| error.context("whom to delegate to"))?;
            let (conviction, amount) = (conviction_of(conviction)?, amount_of(&amount)?);
            delegate(network, output, &track, to, conviction, amount, &account).await
        }
        Command::Undelegate { track, account } => {
            let (chain, track) = connect(network, &track).await?;
            let done = format!("the delegation on {} is taken back", track.name);
            let transaction = Transaction::undelegate_vote(track.id);
            submit(&chain, output, &account, &transaction, done).await
        }
        Command::Unlock { track, account } => {
            let (chain, track) = connect(network, &track).await?;
            let who = context::account_id(&account)?;
            let done = format!("what votes on {} no longer keep is free", track.name);
            let transaction = Transaction::unlock_votes(track.id, who);
            submit(&chain, output, &account, &transaction, done).await
        }
        Command::Propose { track, call, arguments, undecided, dry_run, account } => {
            let proposal = Proposal { track, call, arguments, undecided, dry_run, account };
            propose(network, output, proposal).await
        }
        Command::Deposit { referendum, account } => {
            let chain = network.connect().await?;
            let done = format!("referendum {referendum} has its deposit and will be decided");
            let transaction = Transaction::place_decision_deposit(referendum);
            submit(&chain, output, &account, &transaction, done).await
        }
        Command::Refund { referendum, account } => {
            refund(network, output, referendum, &account).await
        }
    }
}

fn conviction_of(number: u8) -> Result<u8> {
    ensure!(number <= CONVICTION_MAX, "a conviction is 0 to {CONVICTION_MAX}");
    Ok(number)
}

fn amount_of(text: &str) -> Result<Balance> {
    let amount = units::parse_pha(text).map_err(anyhow::Error::msg)?;
    ensure!(amount > 0, "nothing votes for nothing: name an amount above 0");
    Ok(amount)
}

async fn connect(network: &context::Network, track: &str) -> Result<(Chain, Track)> {
    let chain = network.connect().await?;
    let track = track_of(&chain, track).await?;
    Ok((chain, track))
}

async fn track_of(chain: &Chain, name: &str) -> Result<Track> {
    let tracks = chain.tracks().await?;
    let names = || tracks.iter().map(|track| track.name.as_str()).collect::<Vec<_>>().join(", ");
    let found = tracks.iter().find(|track| track.name == name || track.id.to_string() == name);
    found.cloned().with_context(|| format!("there is no track {name}; there are {}", names()))
}

async fn submit(
    chain: &Chain,
    output: &Output,
    account: &str,
    transaction: &Transaction,
    done: String,
) -> Result<()> {
    let account = context::account(account)?;
    let included = chain.submit_final(&account, transaction).await?;
    output.result(done, &json!({ "block": included.block }));
    Ok(())
}

/// Parts in a billion, as per cent.
fn percent(parts: u32) -> String {
    format!("{}.{:02} %", parts / 10_000_000, parts / 100_000 % 100)
}

async fn tracks(network: &context::Network, output: &Output) -> Result<()> {
    let tracks = network.connect().await?.tracks().await?;
    let text = tracks.iter().map(|track| {
        format!(
            "{:<22} deposit {} PHA; {} blocks prepared, at most {} decided, {} confirmed, {} notice; \
             approval {} to {}, support {} to {}",
            track.name,
            units::to_pha(track.decision_deposit),
            track.prepare,
            track.decision,
            track.confirm,
            track.notice,
            percent(track.approval.from),
            percent(track.approval.to),
            percent(track.support.from),
            percent(track.support.to),
        )
    });
    let value: Vec<Value> = tracks.iter().map(track_json).collect();
    output.result(text.collect::<Vec<_>>().join("\n"), &json!(value));
    Ok(())
}

fn track_json(track: &Track) -> Value {
    json!({
        "id": track.id,
        "name": track.name,
        "decisionDeposit": track.decision_deposit.to_string(),
        "prepareBlocks": track.prepare,
        "decisionBlocks": track.decision,
        "confirmBlocks": track.confirm,
        "noticeBlocks": track.notice,
        "approval": [track.approval.from, track.approval.to],
        "support": [track.support.from, track.support.to],
    })
}

fn stage_in_words(stage: &Stage) -> String {
    let at = |block: &Option<u32>| block.map_or(String::new(), |block| format!(" at block {block}"));
    match stage {
        Stage::AwaitsDeposit => "awaits its decision's deposit".to_owned(),
        Stage::Preparing => "being prepared".to_owned(),
        Stage::Queued => "waits for a place on its track".to_owned(),
        Stage::Deciding { since, passes_at: None } => format!("being decided since block {since}"),
        Stage::Deciding { passes_at: Some(block), .. } => {
            format!("passes at block {block}, if nothing changes")
        }
        Stage::Ended(how, block) => format!("{how}{}", at(block)),
    }
}

/// A call's name and arguments, or why there is no saying.
async fn call_in_words(chain: &Chain, call: Option<&[u8]>) -> (String, Value) {
    let Some(bytes) = call else {
        return ("a call that the chain does not have yet, by its hash alone".to_owned(), Value::Null);
    };
    match chain.call_in_words(bytes).await {
        Ok((name, arguments)) => (name, arguments),
        Err(error) => (format!("a call that cannot be read ({error})"), Value::Null),
    }
}

async fn list(network: &context::Network, output: &Output, all: bool) -> Result<()> {
    let chain = network.connect().await?;
    let tracks = chain.tracks().await?;
    let mut referenda = chain.referenda().await?;
    referenda.retain(|referendum| all || referendum.ongoing.is_some());
    let (mut lines, mut values) = (Vec::new(), Vec::new());
    for referendum in &referenda {
        let mut line = format!("{:>4}  {}", referendum.index, stage_in_words(&referendum.stage));
        let mut value = json!({
            "referendum": referendum.index,
            "stage": stage_in_words(&referendum.stage),
        });
        if let (Some(ongoing), Some(object)) = (&referendum.ongoing, value.as_object_mut()) {
            let track = tracks.iter().find(|track| track.id == ongoing.track);
            let track = track.map_or("?", |track| track.name.as_str());
            let (call, _) = call_in_words(&chain, ongoing.call.as_deref()).await;
            line = format!("{line}; {track}: {call}; ayes {}", percent(ongoing.tally.approval()));
            object.insert("track".to_owned(), json!(track));
            object.insert("call".to_owned(), json!(call));
            object.insert("approval".to_owned(), json!(ongoing.tally.approval()));
        }
        lines.push(line);
        values.push(value);
    }
    if lines.is_empty() {
        let hint = if all { "" } else { "; --all lists those that have ended" };
        lines.push(format!("no referendum goes on{hint}"));
    }
    output.result(lines.join("\n"), &json!(values));
    Ok(())
}

async fn show(
    network: &context::Network,
    output: &Output,
    index: u32,
    account: Option<String>,
) -> Result<()> {
    let chain = network.connect().await?;
    let account = account.as_deref().map(context::account).transpose()?;
    let referendum = chain.referendum(index).await?;
    let mut lines = vec![format!("referendum  {index}: {}", stage_in_words(&referendum.stage))];
    let mut value =
        json!({ "referendum": index, "stage": stage_in_words(&referendum.stage) });
    if referendum.ongoing.is_some() {
        let (more, fields) = show_ongoing(&chain, &referendum, account.as_ref()).await?;
        lines.extend(more);
        if let (Some(object), Value::Object(fields)) = (value.as_object_mut(), fields) {
            object.extend(fields);
        }
    }
    output.result(lines.join("\n"), &value);
    Ok(())
}

async fn show_ongoing(
    chain: &Chain,
    referendum: &Referendum,
    account: Option<&Account>,
) -> Result<(Vec<String>, Value)> {
    let ongoing = referendum.ongoing.as_ref().context("it has ended")?;
    let track = track_of(chain, &ongoing.track.to_string()).await?;
    let (now, issuance) = (chain.final_number().await?, chain.issuance().await?);
    let elapsed = match referendum.stage {
        Stage::Deciding { since, .. } => now.saturating_sub(since),
        _ => 0,
    };
    let needs = [track.approval, track.support].map(|curve| curve.at(elapsed, track.decision));
    let has = [ongoing.tally.approval(), ongoing.tally.support_of(issuance)];
    let (call, arguments) = call_in_words(chain, ongoing.call.as_deref()).await;
    let shown = serde_json::to_string_pretty(&arguments)?;
    let mut lines = vec![
        format!("track       {} (speaks for {})", track.name, ongoing.speaker),
        format!("would do    {call} {}", if arguments.is_null() { "" } else { &shown }),
        format!("call hash   {}", ongoing.call_hash),
        format!("proposed by {}", ongoing.proposer.as_deref().unwrap_or("somebody")),
        format!(
            "votes       {} PHA for, {} PHA against, by conviction",
            units::to_pha(ongoing.tally.ayes),
            units::to_pha(ongoing.tally.nays)
        ),
        format!("approval    {} of votes; it takes {} now, {} at the end", percent(has[0]), percent(needs[0]), percent(track.approval.to)),
        format!("support     {} of all PHA; it takes {} now, {} at the end", percent(has[1]), percent(needs[1]), percent(track.support.to)),
        format!("then        in force {} blocks after it has passed, at the earliest", track.notice),
    ];
    let mut value = json!({
        "track": track.name,
        "speaker": ongoing.speaker,
        "call": call,
        "arguments": arguments,
        "callHash": ongoing.call_hash,
        "proposer": ongoing.proposer,
        "ayes": ongoing.tally.ayes.to_string(),
        "nays": ongoing.tally.nays.to_string(),
        "support": ongoing.tally.support.to_string(),
        "approvalParts": { "has": has[0], "needs": needs[0], "needsAtEnd": track.approval.to },
        "supportParts": { "has": has[1], "needs": needs[1], "needsAtEnd": track.support.to },
        "noticeBlocks": track.notice,
    });
    if let Some(account) = account {
        let votes = chain.votes_of(&account.id(), track.id).await?;
        let own = vote_on(&votes, referendum.index);
        lines.push(format!("yours       {}", own.as_ref().map_or("none".to_owned(), Value::to_string)));
        if let Some(object) = value.as_object_mut() {
            object.insert("yours".to_owned(), json!(own));
        }
    }
    Ok((lines, value))
}

/// An account's vote on a referendum, among what it has on the track.
fn vote_on(votes: &Value, index: u32) -> Option<Value> {
    if !votes["Delegating"].is_null() {
        return Some(json!({ "delegatedTo": votes["Delegating"]["target"] }));
    }
    let list = votes["Casting"]["votes"].as_array()?;
    list.iter().find(|vote| vote[0] == json!(index)).map(|vote| vote[1].clone())
}

async fn cast(
    network: &context::Network,
    output: &Output,
    index: u32,
    vote: VoteOf,
    account: &str,
) -> Result<()> {
    let chain = network.connect().await?;
    let referendum = chain.referendum(index).await?;
    if let Stage::Ended(how, _) = referendum.stage {
        bail!("referendum {index} has ended: {how}");
    }
    let side = if vote.aye { "for" } else { "against" };
    let done = format!("{} PHA voted {side} referendum {index}", units::to_pha(vote.balance));
    submit(&chain, output, account, &Transaction::vote(index, vote), done).await
}

async fn remove(
    network: &context::Network,
    output: &Output,
    index: u32,
    track: Option<String>,
    account: &str,
) -> Result<()> {
    let chain = network.connect().await?;
    let track = match track {
        Some(name) => track_of(&chain, &name).await?.id,
        None => {
            let referendum = chain.referendum(index).await?;
            let ongoing = referendum.ongoing.with_context(|| {
                format!("referendum {index} has ended, so that its track is not known: name it with --track")
            })?;
            ongoing.track
        }
    };
    let done = format!("the vote on referendum {index} is taken back");
    submit(&chain, output, account, &Transaction::remove_vote(track, index), done).await
}

async fn delegate(
    network: &context::Network,
    output: &Output,
    track: &str,
    to: AccountId,
    conviction: u8,
    amount: Balance,
    account: &str,
) -> Result<()> {
    let (chain, track) = connect(network, track).await?;
    let done = format!(
        "{} votes with {} PHA of yours on {}",
        client::address(&to),
        units::to_pha(amount),
        track.name
    );
    let transaction = Transaction::delegate_vote(track.id, to, conviction, amount);
    submit(&chain, output, account, &transaction, done).await
}

struct Proposal {
    track: String,
    call: String,
    arguments: Vec<String>,
    undecided: bool,
    dry_run: bool,
    account: String,
}

async fn propose(
    network: &context::Network,
    output: &Output,
    proposal: Proposal,
) -> Result<()> {
    let (chain, track) = connect(network, &proposal.track).await?;
    let bytes = chain.call_bytes(&proposal.call, &proposal.arguments).await?;
    let (call, arguments) = chain.call_in_words(&bytes).await?;
    if proposal.dry_run {
        let text = format!(
            "would propose on {}: {call} {}",
            track.name,
            serde_json::to_string_pretty(&arguments)?
        );
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let value = json!({ "track": track.name, "call": call, "arguments": arguments, "bytes": format!("0x{hex}") });
        output.result(text, &value);
        return Ok(());
    }
    let account = context::account(&proposal.account)?;
    let index = chain.propose(&account, &track, &bytes, !proposal.undecided).await?;
    let decided = match proposal.undecided {
        true => format!("phat vote deposit {index} has it decided"),
        false => format!("{} PHA are put down for its decision", units::to_pha(track.decision_deposit)),
    };
    let text = format!("referendum {index} on {}: {call}; {decided}", track.name);
    let value = json!({ "referendum": index, "track": track.name, "call": call, "arguments": arguments });
    output.result(text, &value);
    Ok(())
}

async fn refund(
    network: &context::Network,
    output: &Output,
    index: u32,
    account: &str,
) -> Result<()> {
    let chain = network.connect().await?;
    let account = context::account(account)?;
    let mut given = Vec::new();
    let mut refused = Vec::new();
    for (what, transaction) in
        ["the decision's", "the submission's"].into_iter().zip(Transaction::refund_deposits(index))
    {
        match chain.submit_final(&account, &transaction).await {
            Ok(_) => given.push(what),
            Err(error) => refused.push(format!("{what}: {error}")),
        }
    }
    ensure!(!given.is_empty(), "no deposit comes back: {}", refused.join("; "));
    let text = format!("{} deposit came back", given.join(" and "));
    output.result(text, &json!({ "given": given, "refused": refused }));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_billion_are_shown_as_per_cent() {
        assert_eq!(percent(1_000_000_000), "100.00 %");
        assert_eq!(percent(123_456_789), "12.34 %");
        assert_eq!(percent(0), "0.00 %");
    }

    #[test]
    fn an_own_vote_is_found_among_those_of_its_track() {
        let votes = json!({ "Casting": { "votes": [[3, { "Standard": { "balance": 5 } }]] } });
        assert_eq!(vote_on(&votes, 3), Some(json!({ "Standard": { "balance": 5 } })));
        assert_eq!(vote_on(&votes, 4), None);
        let delegating = json!({ "Delegating": { "target": "45R" } });
        assert_eq!(vote_on(&delegating, 3), Some(json!({ "delegatedTo": "45R" })));
        assert_eq!(vote_on(&Value::Null, 3), None);
    }
}
