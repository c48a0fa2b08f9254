//! `phat member`.

use crate::{context, output::Output};
use anyhow::{Context as _, Result, bail};
use clap::Subcommand;
use client::{
    Chain,
    member::{self, KeyFacts, MemberSecrets, MemberStep, key_facts, take_part},
};
use primitives::AccountId;
use serde_json::{Value, json};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

/// Pause between two looks at the chain.
const POLL: Duration = Duration::from_millis(500);

/// For members of the DAO, who hold shares of the network's key: take part in ceremonies.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show who holds shares of the network's key, and the ceremony that goes on.
    Show,
    /// Do what the ceremony that goes on wants of a member: send a receiving key, deal, complain of a wrong
    /// share, or show that the share is there.
    TakePart {
        /// The member's account.
        #[arg(long = "as", value_name = "ACCOUNT")]
        account: String,
        /// Where the member's secrets are kept; made where it is missing. Whoever reads a threshold of such
        /// files has the network's key.
        #[arg(long, value_name = "FILE")]
        secrets: PathBuf,
        /// Go on until the ceremony is over, and wait for one where there is none.
        #[arg(long)]
        follow: bool,
    },
}

pub async fn run(command: Command, network: &context::Network, output: &Output) -> Result<()> {
    let chain = network.connect().await?;
    match command {
        Command::Show => {
            let facts = key_facts(&chain).await?;
            output.result(describe(&facts), &value(&facts));
            Ok(())
        }
        Command::TakePart {
            account,
            secrets,
            follow,
        } => take_part_as(&chain, output, &account, &secrets, follow).await,
    }
}

async fn take_part_as(
    chain: &Chain,
    output: &Output,
    account: &str,
    file: &Path,
    follow: bool,
) -> Result<()> {
    let account = context::account(account)?;
    let shown = || file.display().to_string();
    let mut secrets = match fs::read_to_string(file) {
        Ok(text) => {
            let text = zeroize::Zeroizing::new(text);
            MemberSecrets::from_text(&text)
                .with_context(|| format!("{} holds no member's secrets", shown()))?
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            MemberSecrets::new(chain.genesis(), &account)
        }
        Err(error) => return Err(error).with_context(shown),
    };
    let mut steps = Vec::new();
    let mut last = None;
    loop {
        let step = take_part(chain, &account, &mut secrets, |secrets| keep(file, secrets)).await?;
        if last != Some(step) {
            output.progress(&say(step));
            steps.push(step_value(step));
            last = Some(step);
        }
        let is_over = matches!(step, MemberStep::HoldsShare(_) | MemberStep::Over)
            || (step == MemberStep::Nothing && steps.len() > 1);
        if !follow || is_over {
            break;
        }
        tokio::time::sleep(POLL).await;
    }
    let Some(last) = last else {
        bail!("nothing was done")
    };
    let value = json!({
        "steps": steps,
        "holdsEpoch": secrets.share_of().map(|id| id.epoch),
    });
    output.result(say(last), &value);
    Ok(())
}

/// Writes the secrets so that a power cut leaves the old ones or the new ones, for this user alone.
fn keep(file: &Path, secrets: &MemberSecrets) -> io::Result<()> {
    let fresh = file.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = options.open(&fresh)?;
    out.write_all(secrets.to_text().as_bytes())?;
    out.sync_all()?;
    fs::rename(&fresh, file)?;
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn say(step: MemberStep) -> String {
    match step {
        MemberStep::Nothing => "no ceremony wants anything of this member".to_owned(),
        MemberStep::SentReceivingKey(id) => {
            format!("sent a receiving key for the sharing of epoch {}", id.epoch)
        }
        MemberStep::Dealt(id) => format!("dealt the share for the sharing of epoch {}", id.epoch),
        MemberStep::Complained(dealer) => {
            format!("dealer {} sent a wrong share: complained", dealer.get())
        }
        MemberStep::HandedOver(id) => {
            format!(
                "has its share of epoch {}, and has shown it to the chain",
                id.epoch
            )
        }
        MemberStep::Waits(stage) => format!("waits for the others ({stage:?})"),
        MemberStep::HoldsShare(id) => {
            format!(
                "the sharing of epoch {} is in force: keep the file where nobody reads it",
                id.epoch
            )
        }
        MemberStep::Over => "the ceremony is over; this member has no new share".to_owned(),
    }
}

fn step_value(step: MemberStep) -> Value {
    json!(match step {
        MemberStep::Nothing => "nothing",
        MemberStep::SentReceivingKey(_) => "sentReceivingKey",
        MemberStep::Dealt(_) => "dealt",
        MemberStep::Complained(_) => "complained",
        MemberStep::HandedOver(_) => "handedOver",
        MemberStep::Waits(_) => "waits",
        MemberStep::HoldsShare(_) => "holdsShare",
        MemberStep::Over => "over",
    })
}

fn describe(facts: &KeyFacts) -> String {
    let mut lines = Vec::new();
    lines.push(match &facts.sharing {
        Some(sharing) => format!(
            "gatekeepers: epoch {}, any {} of {} open the network",
            sharing.id().epoch,
            sharing.threshold(),
            sharing.holders().len()
        ),
        None => "gatekeepers hold no shares".to_owned(),
    });
    lines.push(match &facts.members_sharing {
        Some(sharing) => format!(
            "members: epoch {}, any {} of {} bring the key back",
            sharing.id().epoch,
            sharing.threshold(),
            sharing.holders().len()
        ),
        None => "members hold no shares".to_owned(),
    });
    if let Some((members, threshold)) = &facts.members {
        lines.push(format!("named as members, {threshold} of them needed:"));
        lines.extend(
            members
                .iter()
                .map(|member| format!("  {}", client::address(&AccountId(*member)))),
        );
    }
    lines.push(match &facts.ceremony {
        Some(ceremony) => format!(
            "a ceremony goes on, for {:?}, epoch {}: {:?} until block {}",
            ceremony.state.target.committee,
            ceremony.state.target.epoch,
            ceremony.state.stage,
            ceremony.state.deadline
        ),
        None => "no ceremony goes on".to_owned(),
    });
    lines.join("\n")
}

fn value(facts: &KeyFacts) -> Value {
    let sharing = |sharing: &member::Sharing| {
        json!({
            "epoch": sharing.id().epoch,
            "threshold": sharing.threshold(),
            "holders": sharing.holders().len(),
        })
    };
    json!({
        "gatekeepers": facts.sharing.as_ref().map(sharing),
        "members": facts.members_sharing.as_ref().map(sharing),
        "named": facts.members.as_ref().map(|(members, threshold)| json!({
            "threshold": threshold,
            "accounts": members.iter().map(|m| client::address(&AccountId(*m))).collect::<Vec<_>>(),
        })),
        "ceremony": facts.ceremony.as_ref().map(|ceremony| json!({
            "committee": format!("{:?}", ceremony.state.target.committee),
            "epoch": ceremony.state.target.epoch,
            "stage": format!("{:?}", ceremony.state.stage),
            "deadline": ceremony.state.deadline,
        })),
    })
}
