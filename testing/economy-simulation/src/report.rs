//! What a run came to: CSV files, plots, and a summary.

use crate::network::{Network, Worker};
use crate::plot::{self, Line};
use crate::{BLOCKS_PER_DAY, ledger::SUBSIDY};
use anyhow::Context as _;
use economics::Fixed;
use primitives::{Balance, units::PHA};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// A worker counts in distributions when it served for so many days.
const SERVED_DAYS_MIN: f64 = 30.0;
const DAYS_OF_A_YEAR: f64 = 365.0;

fn pha(amount: Balance) -> f64 {
    amount as f64 / PHA as f64
}

fn number(fixed: Fixed) -> f64 {
    fixed.to_bits() as f64 / (1u128 << 64) as f64
}

fn days(worker: &Worker) -> f64 {
    f64::from(worker.blocks) / f64::from(BLOCKS_PER_DAY)
}

/// Values in order, with a place for each part of them.
struct Distribution(Vec<f64>);

impl Distribution {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    fn at(&self, part: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        let place = (last as f64 * part).round() as usize;
        self.0.get(place).copied().unwrap_or(0.0)
    }

    fn mean(&self) -> f64 {
        self.0.iter().sum::<f64>() / self.0.len().max(1) as f64
    }

    /// 0 when all have the same, 1 when one has all.
    fn gini(&self) -> f64 {
        let (count, sum) = (self.0.len() as f64, self.0.iter().sum::<f64>());
        let weighted: f64 = self
            .0
            .iter()
            .enumerate()
            .map(|(place, value)| (place as f64 + 1.0) * value)
            .sum();
        if sum > 0.0 {
            (2.0 * weighted / (count * sum)) - (count + 1.0) / count
        } else {
            0.0
        }
    }

    fn row(&self, what: &str) -> String {
        format!(
            "| {what} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} |",
            self.mean(),
            self.at(0.05),
            self.at(0.25),
            self.at(0.5),
            self.at(0.75),
            self.at(0.95)
        )
    }
}

/// Writes everything into a folder; gives the summary, which is written too.
///
/// # Errors
/// When a file cannot be written.
pub fn write(network: &Network, folder: &Path) -> anyhow::Result<String> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let put = |name: &str, text: String| {
        let file = folder.join(name);
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
    };
    put("days.csv", days_csv(network))?;
    put("workers.csv", workers_csv(network))?;
    put("pools.csv", pools_csv(network))?;
    let served: Vec<&Worker> = network
        .workers
        .iter()
        .filter(|worker| days(worker) >= SERVED_DAYS_MIN)
        .collect();
    let daily = Distribution::of(
        served.iter().map(|worker| pha(worker.earned) / days(worker)).collect(),
    );
    put("income.svg", {
        let title = "Income of a worker's pool, PHA a day";
        plot::histogram(title, "PHA a day, before commission", &daily.0, daily.at(0.995), 60)
    })?;
    put("budget.svg", budget_plot(network))?;
    put("money.svg", money_plot(network))?;
    let summary = summary(network, &served, &daily);
    put("summary.md", summary.clone())?;
    Ok(summary)
}

fn days_csv(network: &Network) -> String {
    let mut text = String::from(
        "day,online,budget_pha,to_pools_pha,to_treasury_pha,pools_value_pha,total_share,challenges,missed\n",
    );
    for (place, day) in network.days.iter().enumerate() {
        let _infallible = writeln!(
            text,
            "{},{},{:.6},{:.6},{:.6},{:.6},{:.3},{},{}",
            place + 1,
            day.online,
            number(day.budget),
            pha(day.to_workers),
            pha(day.to_treasury),
            pha(day.pools),
            number(day.share),
            day.challenges,
            day.missed
        );
    }
    text
}

fn workers_csv(network: &Network) -> String {
    let mut text = String::from(
        "worker,pool,score,level,stake_pha,joined_day,days,earned_pha,payments,silences,pha_per_day,percent_per_year\n",
    );
    for (place, worker) in network.workers.iter().enumerate() {
        let days = days(worker);
        let per_day = if days > 0.0 { pha(worker.earned) / days } else { 0.0 };
        let _infallible = writeln!(
            text,
            "{place},{},{},{:?},{:.6},{:.1},{days:.1},{:.6},{},{},{per_day:.6},{:.3}",
            worker.pool,
            worker.score,
            worker.level,
            pha(worker.stake),
            f64::from(worker.joined) / f64::from(BLOCKS_PER_DAY),
            pha(worker.earned),
            worker.payments,
            worker.silences,
            per_day * DAYS_OF_A_YEAR / pha(worker.stake) * 100.0
        );
    }
    text
}

fn pools_csv(network: &Network) -> String {
    let mut text = String::from(
        "pool,commission_percent,delegated_pha,value_pha,owner_rewards_pha,slashed_pha,gain_percent\n",
    );
    for (place, pool) in network.ledger.pools.iter().enumerate() {
        let value = pha(pool.shares.value());
        let delegated = pha(pool.delegated);
        let _infallible = writeln!(
            text,
            "{place},{:.2},{delegated:.6},{value:.6},{:.6},{:.6},{:.3}",
            f64::from(pool.commission.parts()) / 10_000.0,
            pha(pool.owner_rewards),
            pha(pool.slashed),
            if delegated > 0.0 { (value / delegated - 1.0) * 100.0 } else { 0.0 }
        );
    }
    text
}

fn budget_plot(network: &Network) -> String {
    let line = |name, value: &dyn Fn(&crate::network::Day) -> f64| Line {
        name,
        values: network.days.iter().map(value).collect(),
    };
    plot::lines(
        "PHA a day",
        "day",
        &[
            line("budget", &|day| number(day.budget)),
            line("paid to pools", &|day| pha(day.to_workers)),
            line("to the treasury", &|day| pha(day.to_treasury)),
        ],
    )
}

fn money_plot(network: &Network) -> String {
    let mut treasury = 0.0;
    let mut paid = 0.0;
    let (mut of_treasury, mut of_pools) = (Vec::new(), Vec::new());
    for day in &network.days {
        treasury += pha(day.to_treasury);
        paid += pha(day.to_workers);
        of_treasury.push(treasury);
        of_pools.push(paid);
    }
    let values = network.days.iter().map(|day| pha(day.pools)).collect();
    plot::lines(
        "PHA since the start",
        "day",
        &[
            Line { name: "pools' value", values },
            Line { name: "paid to pools", values: of_pools },
            Line { name: "treasury", values: of_treasury },
        ],
    )
}

fn summary(network: &Network, served: &[&Worker], daily: &Distribution) -> String {
    let spent = SUBSIDY - network.ledger.subsidy;
    let budget: f64 = network.days.iter().map(|day| number(day.budget)).sum();
    let yearly = Distribution::of(
        served
            .iter()
            .map(|worker| {
                pha(worker.earned) / days(worker) * DAYS_OF_A_YEAR / pha(worker.stake) * 100.0
            })
            .collect(),
    );
    let gains = Distribution::of(
        network
            .ledger
            .pools
            .iter()
            .filter(|pool| pool.delegated > 0)
            .map(|pool| (pha(pool.shares.value()) / pha(pool.delegated) - 1.0) * 100.0)
            .collect(),
    );
    let (challenges, missed) = network
        .days
        .iter()
        .fold((0, 0), |sum, day| (sum.0 + day.challenges, sum.1 + day.missed));
    let owners: Balance = network.ledger.pools.iter().map(|pool| pool.owner_rewards).sum();
    let mut text = String::new();
    let _infallible = write!(
        text,
        "{} days, {} workers at the end, {} in all; {} pools.\n\n\
         | PHA | |\n|---|---|\n\
         | budget | {budget:.0} |\n| spent | {:.0} ({:.2} %) |\n| of it to the treasury | {:.0} |\n\
         | of it commission of pools' owners | {:.0} |\n| left of the subsidy | {:.0} |\n| pools' value | {:.0} |\n\n\
         | | mean | 5 % | 25 % | median | 75 % | 95 % |\n|---|---|---|---|---|---|---|\n{}\n{}\n{}\n\n\
         Gini coefficient of income: {:.3}. {challenges} challenges, {missed} of them missed; {} events computed.\n\
         Money was counted after each day: subsidy, treasury, wallets, pools and commissions are what there was, to the last unit.\n",
        network.days.len(),
        network.days.last().map_or(0, |day| day.online),
        network.workers.len(),
        network.ledger.pools.len(),
        pha(spent),
        pha(spent) / budget * 100.0,
        pha(network.ledger.treasury),
        pha(owners),
        pha(network.ledger.subsidy),
        pha(network.ledger.pools.iter().map(|pool| pool.shares.value()).sum()),
        daily.row("a worker's income, PHA a day"),
        yearly.row("the same, % of its stake a year"),
        gains.row("a delegator's gain by pool, %"),
        daily.gini(),
        network.events,
    );
    text
}
