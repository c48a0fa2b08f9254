//! The votes: `guest/examples/ballot/data`, where their origin is told.

use anyhow::{Context, Result, ensure};

/// The file, as the example has it.
const CSV: &str = include_str!("../../../guest/examples/ballot/data/montreal-2013-mayoral.csv");

/// One district's result.
#[derive(Clone, Debug)]
pub struct District {
    /// Its number.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Votes, in the order of [`Votes::candidates`].
    pub votes: Vec<u64>,
    /// Who won it, by the file's own word.
    pub winner: String,
}

/// An election's results.
#[derive(Clone, Debug)]
pub struct Votes {
    /// The candidates.
    pub candidates: Vec<String>,
    /// The districts.
    pub districts: Vec<District>,
}

impl Votes {
    /// Reads the file: district, one column for each candidate, total, winner, result, district id.
    pub fn read() -> Result<Self> {
        let mut lines = CSV.lines();
        let header: Vec<&str> = lines.next().context("the file is empty")?.split(',').collect();
        let [_, candidates @ .., _, _, _, _] = header.as_slice() else {
            anyhow::bail!("the file has other columns than expected");
        };
        let mut districts = Vec::new();
        for line in lines.filter(|line| !line.is_empty()) {
            let cells: Vec<&str> = line.split(',').collect();
            ensure!(cells.len() == header.len(), "{line}: {} cells", cells.len());
            let votes: Vec<u64> = cells[1..=candidates.len()]
                .iter()
                .map(|cell| cell.parse().with_context(|| format!("{line}: {cell}")))
                .collect::<Result<_>>()?;
            let total: u64 = cells[candidates.len() + 1].parse()?;
            ensure!(votes.iter().sum::<u64>() == total, "{line}: the total is another");
            districts.push(District {
                id: cells[cells.len() - 1].parse().with_context(|| line.to_owned())?,
                name: cells[0].to_owned(),
                votes,
                winner: cells[candidates.len() + 2].to_owned(),
            });
        }
        let candidates = candidates.iter().map(|&name| name.to_owned()).collect();
        Ok(Self { candidates, districts })
    }

    /// City-wide votes of each candidate.
    pub fn totals(&self) -> Vec<u64> {
        (0..self.candidates.len())
            .map(|place| self.districts.iter().map(|district| district.votes[place]).sum())
            .collect()
    }

    /// Districts that each candidate won, by the file's own column of winners.
    pub fn districts_won(&self) -> Vec<u32> {
        self.candidates
            .iter()
            .map(|name| {
                self.districts.iter().filter(|district| district.winner == *name).count() as u32
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_sums_to_what_is_known_of_the_election() {
        let votes = Votes::read().unwrap();
        assert_eq!(votes.candidates, ["Coderre", "Bergeron", "Joly"]);
        assert_eq!(votes.districts.len(), 58);
        assert_eq!(votes.totals(), [149_467, 118_637, 123_062]);
        assert_eq!(votes.districts_won(), [29, 15, 14]);
    }
}
