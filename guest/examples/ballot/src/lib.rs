//! An election by districts.
//!
//! A chair sets up the candidates and the districts; each district has one officer, who alone may
//! report its votes, once. While the election is open only the chair sees the running tally. Once the
//! chair closes it, anybody may read the tally and every report, and nothing changes any more.
//!
//! The **weighting rule** is part of the contract ([`ballot::WEIGHTING_RULE`]) and is returned with
//! every tally: the sums of votes decide who leads in the city, and next to them stand the districts
//! that each candidate won by plurality; a district with a tie at the top has no winner.
//!
//! Once it is closed, anybody may also have the key that opens every command, and execute the whole election
//! again (`may_audit`, `phat replay`).
//!
//! Nothing is put into events, because an event tells more people than the message that made it.
//! A mistake is corrected by the chair's `reopen`, which drops the report so that the officer can send
//! it again.

#![cfg_attr(not(feature = "std"), no_std, no_main)]
#![deny(missing_docs)]

#[ink::contract]
mod ballot {
    use ink::prelude::string::String;
    use ink::prelude::vec::Vec;
    use ink::storage::Mapping;

    /// How votes and districts are weighed, in words; returned with every tally.
    pub const WEIGHTING_RULE: &str =
        "Every vote counts once: a candidate's votes are the sum over all \
        reported districts. A district is won by the candidate with strictly the most votes in it; \
        a tie at the top gives the district to nobody.";

    /// Most candidates in one election.
    pub const CANDIDATES_MAX: usize = 16;
    /// Most districts in one election.
    pub const DISTRICTS_MAX: usize = 256;
    /// Longest name of a candidate, bytes.
    pub const NAME_BYTES_MAX: usize = 64;
    /// Most votes for one candidate in one district; keeps every sum far below overflow.
    pub const VOTES_MAX: u64 = u32::MAX as u64;

    /// Why a message is refused.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        /// Only the chair may do this.
        NotChair,
        /// Only the district's officer may do this.
        NotOfficer,
        /// There is no such district.
        UnknownDistrict,
        /// The election is closed; nothing changes any more.
        Closed,
        /// The election is still open; only the chair sees the tally.
        StillOpen,
        /// The district has reported already; the chair can reopen it.
        AlreadyReported,
        /// The district has not reported.
        NotReported,
        /// One number of votes is needed for each candidate, in the order of the candidates.
        WrongNumberOfVotes,
        /// A number of votes is above [`VOTES_MAX`].
        TooManyVotes,
        /// The set-up is refused: no or too many candidates or districts, a name that is empty, too
        /// long or there twice, or a district that is there twice.
        BadSetUp,
    }

    /// A district's report, as it was counted.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    #[cfg_attr(feature = "std", derive(ink::storage::traits::StorageLayout))]
    pub struct Report {
        /// The district.
        pub district: u32,
        /// Votes for each candidate, in the order of the candidates.
        pub votes: Vec<u64>,
        /// Its place among all accepted reports, from 1.
        pub order: u32,
        /// The block whose state it was accepted in.
        pub block: u32,
    }

    /// The result so far, or the final one when `closed`.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub struct Tally {
        /// Votes of each candidate in all reported districts.
        pub votes: Vec<(String, u64)>,
        /// Districts won by each candidate.
        pub districts_won: Vec<(String, u32)>,
        /// Districts that have reported.
        pub reported: u32,
        /// Districts there are.
        pub of: u32,
        /// Whether the election is closed.
        pub closed: bool,
        /// The block at which it was closed.
        pub closed_at: Option<u32>,
        /// How votes and districts are weighed.
        pub weighting_rule: String,
    }

    /// The election.
    #[ink(storage)]
    pub struct Ballot {
        chair: AccountId,
        candidates: Vec<String>,
        district_ids: Vec<u32>,
        officers: Mapping<u32, AccountId>,
        reports: Mapping<u32, Report>,
        accepted: u32,
        closed_at: Option<u32>,
    }

    impl Ballot {
        /// Sets up an election with `districts` as pairs of district id and officer.
        ///
        /// # Errors
        /// [`Error::BadSetUp`] when a bound is broken or a name or id is there twice.
        #[ink(constructor)]
        pub fn new(
            chair: AccountId,
            candidates: Vec<String>,
            districts: Vec<(u32, AccountId)>,
        ) -> Result<Self, Error> {
            check_candidates(&candidates)?;
            if districts.is_empty() || districts.len() > DISTRICTS_MAX {
                return Err(Error::BadSetUp);
            }
            let mut officers = Mapping::new();
            let mut district_ids = Vec::with_capacity(districts.len());
            for (district, officer) in &districts {
                if officers.insert(district, officer).is_some() {
                    return Err(Error::BadSetUp);
                }
                district_ids.push(*district);
            }
            Ok(Self {
                chair,
                candidates,
                district_ids,
                officers,
                reports: Mapping::new(),
                accepted: 0,
                closed_at: None,
            })
        }

        /// Reports a district's votes, one number for each candidate. Its officer only, once.
        ///
        /// # Errors
        /// [`Error::Closed`], [`Error::UnknownDistrict`], [`Error::NotOfficer`],
        /// [`Error::AlreadyReported`], [`Error::WrongNumberOfVotes`] or [`Error::TooManyVotes`].
        #[ink(message)]
        pub fn report(&mut self, district: u32, votes: Vec<u64>) -> Result<(), Error> {
            self.ensure_officer(district)?;
            if self.closed_at.is_some() {
                return Err(Error::Closed);
            }
            if self.reports.contains(district) {
                return Err(Error::AlreadyReported);
            }
            if votes.len() != self.candidates.len() {
                return Err(Error::WrongNumberOfVotes);
            }
            if votes.iter().any(|votes| *votes > VOTES_MAX) {
                return Err(Error::TooManyVotes);
            }
            self.accepted = self.accepted.saturating_add(1);
            let block = self.env().block_number();
            let order = self.accepted;
            self.reports.insert(
                district,
                &Report {
                    district,
                    votes,
                    order,
                    block,
                },
            );
            Ok(())
        }

        /// Drops a district's report, so that its officer can send it again. The chair only.
        ///
        /// # Errors
        /// [`Error::NotChair`], [`Error::Closed`], [`Error::UnknownDistrict`] or
        /// [`Error::NotReported`].
        #[ink(message)]
        pub fn reopen(&mut self, district: u32) -> Result<(), Error> {
            self.ensure_chair()?;
            if self.closed_at.is_some() {
                return Err(Error::Closed);
            }
            if !self.officers.contains(district) {
                return Err(Error::UnknownDistrict);
            }
            self.reports
                .take(district)
                .map(drop)
                .ok_or(Error::NotReported)
        }

        /// Ends the election, at any time. The chair only.
        ///
        /// # Errors
        /// [`Error::NotChair`] or [`Error::Closed`].
        #[ink(message)]
        pub fn close(&mut self) -> Result<(), Error> {
            self.ensure_chair()?;
            if self.closed_at.is_some() {
                return Err(Error::Closed);
            }
            self.closed_at = Some(self.env().block_number());
            Ok(())
        }

        /// Sums and districts won. The chair at any time, anybody once the election is closed.
        ///
        /// # Errors
        /// [`Error::StillOpen`] to anybody but the chair before the election is closed.
        #[ink(message)]
        pub fn tally(&self) -> Result<Tally, Error> {
            if self.closed_at.is_none() && self.env().caller() != self.chair {
                return Err(Error::StillOpen);
            }
            let mut votes: Vec<(String, u64)> = self
                .candidates
                .iter()
                .map(|name| (name.clone(), 0))
                .collect();
            let mut districts_won: Vec<(String, u32)> = self
                .candidates
                .iter()
                .map(|name| (name.clone(), 0))
                .collect();
            let mut reported: u32 = 0;
            for report in self.all_reports() {
                reported = reported.saturating_add(1);
                for ((_, sum), more) in votes.iter_mut().zip(&report.votes) {
                    *sum = sum.saturating_add(*more);
                }
                if let Some((_, won)) = winner(&report.votes).and_then(|i| districts_won.get_mut(i))
                {
                    *won = won.saturating_add(1);
                }
            }
            Ok(Tally {
                votes,
                districts_won,
                reported,
                of: u32::try_from(self.district_ids.len()).unwrap_or(u32::MAX),
                closed: self.closed_at.is_some(),
                closed_at: self.closed_at,
                weighting_rule: WEIGHTING_RULE.into(),
            })
        }

        /// What was counted of a district, as it was sent, with its order number and block, or `None`
        /// while it has not reported. Its officer only, at any time.
        ///
        /// # Errors
        /// [`Error::UnknownDistrict`] or [`Error::NotOfficer`].
        #[ink(message)]
        pub fn my_report(&self, district: u32) -> Result<Option<Report>, Error> {
            self.ensure_officer(district)?;
            Ok(self.reports.get(district))
        }

        /// Every report, in the order of the districts. Anybody, once the election is closed.
        ///
        /// # Errors
        /// [`Error::StillOpen`].
        #[ink(message)]
        pub fn results(&self) -> Result<Vec<Report>, Error> {
            match self.closed_at {
                Some(_) => Ok(self.all_reports().collect()),
                None => Err(Error::StillOpen),
            }
        }

        /// Who may have the key that opens all commands, to execute the election again: anybody, once it
        /// is closed and every report is open anyway; until then nobody, not even the chair.
        #[ink(message)]
        pub fn may_audit(&self, account: AccountId) -> bool {
            let _anybody = account;
            self.closed_at.is_some()
        }

        fn all_reports(&self) -> impl Iterator<Item = Report> + '_ {
            self.district_ids
                .iter()
                .filter_map(|district| self.reports.get(district))
        }

        fn ensure_chair(&self) -> Result<(), Error> {
            match self.env().caller() == self.chair {
                true => Ok(()),
                false => Err(Error::NotChair),
            }
        }

        fn ensure_officer(&self, district: u32) -> Result<(), Error> {
            match self.officers.get(district) {
                None => Err(Error::UnknownDistrict),
                Some(officer) if officer == self.env().caller() => Ok(()),
                Some(_) => Err(Error::NotOfficer),
            }
        }
    }

    fn check_candidates(candidates: &[String]) -> Result<(), Error> {
        if candidates.is_empty() || candidates.len() > CANDIDATES_MAX {
            return Err(Error::BadSetUp);
        }
        for (i, name) in candidates.iter().enumerate() {
            let twice = candidates.iter().take(i).any(|other| other == name);
            if name.is_empty() || name.len() > NAME_BYTES_MAX || twice {
                return Err(Error::BadSetUp);
            }
        }
        Ok(())
    }

    /// Which candidate has strictly the most votes.
    fn winner(votes: &[u64]) -> Option<usize> {
        let most = *votes.iter().max()?;
        let mut leaders = votes
            .iter()
            .enumerate()
            .filter(|(_, votes)| **votes == most);
        match (leaders.next(), leaders.next()) {
            (Some((winner, _)), None) => Some(winner),
            _ => None,
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use ink::env::{test, DefaultEnvironment};

        const CSV: &str = include_str!("../data/montreal-2013-mayoral.csv");
        const CHAIR: [u8; 32] = [0xc0; 32];
        const STRANGER: [u8; 32] = [0xee; 32];

        fn rows() -> Vec<(u32, Vec<u64>)> {
            CSV.lines()
                .skip(1)
                .map(|line| {
                    let fields: Vec<&str> = line.split(',').collect();
                    let votes = fields[1..4]
                        .iter()
                        .map(|votes| votes.parse().unwrap())
                        .collect();
                    (fields[7].parse().unwrap(), votes)
                })
                .collect()
        }

        fn officer(district: u32) -> AccountId {
            let mut account = [0x0f; 32];
            account[..4].copy_from_slice(&district.to_le_bytes());
            account.into()
        }

        fn call_as(caller: impl Into<AccountId>) {
            test::set_caller::<DefaultEnvironment>(caller.into());
        }

        fn names() -> Vec<String> {
            ["Coderre", "Bergeron", "Joly"].map(String::from).to_vec()
        }

        fn montreal() -> Ballot {
            let districts = rows().iter().map(|(id, _)| (*id, officer(*id))).collect();
            Ballot::new(CHAIR.into(), names(), districts).unwrap()
        }

        fn small(districts: &[u32]) -> Ballot {
            let districts = districts.iter().map(|id| (*id, officer(*id))).collect();
            Ballot::new(CHAIR.into(), names(), districts).unwrap()
        }

        #[ink::test]
        fn the_real_election_gives_the_published_sums() {
            let mut ballot = montreal();
            for (district, votes) in rows() {
                call_as(officer(district));
                ballot.report(district, votes).unwrap();
            }
            call_as(CHAIR);
            ballot.close().unwrap();
            call_as(STRANGER);
            let tally = ballot.tally().unwrap();
            let named = |numbers: [u64; 3]| names().into_iter().zip(numbers).collect::<Vec<_>>();
            assert_eq!(tally.votes, named([149_467, 118_637, 123_062]));
            let won = tally
                .districts_won
                .into_iter()
                .map(|(name, n)| (name, n.into()));
            assert_eq!(won.collect::<Vec<_>>(), named([29, 15, 14]));
            assert_eq!((tally.reported, tally.of, tally.closed), (58, 58, true));
            assert_eq!(ballot.results().unwrap().len(), 58);
        }

        #[ink::test]
        fn only_the_districts_officer_reports_and_only_once() {
            let mut ballot = small(&[7, 8]);
            call_as(officer(8));
            assert_eq!(ballot.report(7, vec![1, 2, 3]), Err(Error::NotOfficer));
            assert_eq!(ballot.report(9, vec![1, 2, 3]), Err(Error::UnknownDistrict));
            assert_eq!(ballot.report(8, vec![1, 2]), Err(Error::WrongNumberOfVotes));
            assert_eq!(
                ballot.report(8, vec![1, 2, u64::MAX]),
                Err(Error::TooManyVotes)
            );
            assert_eq!(ballot.report(8, vec![1, 2, 3]), Ok(()));
            assert_eq!(ballot.report(8, vec![1, 2, 3]), Err(Error::AlreadyReported));
        }

        #[ink::test]
        fn before_the_close_only_the_chair_sees_the_tally() {
            let mut ballot = small(&[7]);
            call_as(officer(7));
            ballot.report(7, vec![5, 9, 9]).unwrap();
            assert_eq!(ballot.tally(), Err(Error::StillOpen));
            assert_eq!(ballot.results(), Err(Error::StillOpen));
            assert_eq!(ballot.close(), Err(Error::NotChair));
            call_as(CHAIR);
            let tally = ballot.tally().unwrap();
            assert!(!tally.closed);
            assert_eq!(tally.votes[1], (String::from("Bergeron"), 9));
            assert!(
                tally.districts_won.iter().all(|(_, won)| *won == 0),
                "a tie has no winner"
            );
        }

        #[ink::test]
        fn nobody_gets_the_commands_before_the_close_and_everybody_after() {
            let mut ballot = small(&[7]);
            for account in [CHAIR, STRANGER] {
                assert!(!ballot.may_audit(account.into()));
            }
            call_as(CHAIR);
            ballot.close().unwrap();
            for account in [CHAIR, STRANGER] {
                assert!(ballot.may_audit(account.into()));
            }
        }

        #[ink::test]
        fn an_officer_sees_what_was_counted_and_nobody_elses() {
            let mut ballot = small(&[7, 8]);
            call_as(officer(7));
            assert_eq!(ballot.my_report(7), Ok(None));
            ballot.report(7, vec![5, 6, 7]).unwrap();
            let report = Report {
                district: 7,
                votes: vec![5, 6, 7],
                order: 1,
                block: 0,
            };
            assert_eq!(ballot.my_report(7), Ok(Some(report)));
            assert_eq!(ballot.my_report(8), Err(Error::NotOfficer));
            call_as(CHAIR);
            assert_eq!(ballot.my_report(7), Err(Error::NotOfficer));
        }

        #[ink::test]
        fn the_chair_reopens_a_district_until_the_close() {
            let mut ballot = small(&[7]);
            call_as(officer(7));
            ballot.report(7, vec![1, 1, 1]).unwrap();
            assert_eq!(ballot.reopen(7), Err(Error::NotChair));
            call_as(CHAIR);
            assert_eq!(ballot.reopen(8), Err(Error::UnknownDistrict));
            assert_eq!(ballot.reopen(7), Ok(()));
            assert_eq!(ballot.reopen(7), Err(Error::NotReported));
            call_as(officer(7));
            ballot.report(7, vec![2, 1, 1]).unwrap();
            assert_eq!(ballot.my_report(7).unwrap().unwrap().order, 2);
            call_as(CHAIR);
            ballot.close().unwrap();
            assert_eq!(ballot.close(), Err(Error::Closed));
            assert_eq!(ballot.reopen(7), Err(Error::Closed));
            call_as(officer(7));
            assert_eq!(ballot.report(7, vec![3, 1, 1]), Err(Error::Closed));
        }

        #[ink::test]
        fn a_bad_set_up_is_refused() {
            let check = |candidates: &[&str], districts: &[u32]| {
                let candidates = candidates.iter().map(|name| String::from(*name)).collect();
                let districts = districts.iter().map(|id| (*id, officer(*id))).collect();
                Ballot::new(CHAIR.into(), candidates, districts).err()
            };
            assert_eq!(check(&["A"], &[1]), None);
            assert_eq!(check(&[], &[1]), Some(Error::BadSetUp));
            assert_eq!(check(&["A"], &[]), Some(Error::BadSetUp));
            assert_eq!(check(&["A", "A"], &[1]), Some(Error::BadSetUp));
            assert_eq!(check(&["A", ""], &[1]), Some(Error::BadSetUp));
            assert_eq!(check(&["A"], &[1, 1]), Some(Error::BadSetUp));
        }
    }
}
