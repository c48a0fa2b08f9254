//! What must be true, whatever went wrong: known from what was sent and from what the chain took, never from the
//! workers' word.
//!
//! A client's commands are known one by one. What the chain accepted of them is what their account's number says
//! (an account of the run sends nothing else), and a command that a final block was seen to have is among
//! them. Each accepted command has one place in its journal, places have no gap, the digest is that of the entries
//! in this order, and an answer from a state after so many mailbox entries has the commands before that
//! number, all of them and no other.

use blake2::{Blake2b, Digest as _, digest::consts::U32};
use codec::Decode;
use std::collections::BTreeMap;

/// A journal's head, as its contract gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Entries.
    pub count: u64,
    /// Their digest.
    pub digest: [u8; 32],
}

impl Head {
    /// Reads a contract's answer: the head inside of ink!'s result.
    pub fn decode(mut data: &[u8]) -> Option<Self> {
        let read: Result<(u64, [u8; 32]), u8> = Decode::decode(&mut data).ok()?;
        let (count, digest) = read.ok().filter(|_| data.is_empty())?;
        Some(Self { count, digest })
    }

    /// The head after one entry more.
    #[must_use]
    pub fn append(&self, entry: u64) -> Self {
        let mut hash = Blake2b::<U32>::new();
        hash.update(self.digest);
        hash.update(entry.to_le_bytes());
        Self {
            count: self.count + 1,
            digest: hash.finalize().into(),
        }
    }

    /// Of an empty journal.
    pub const EMPTY: Self = Self {
        count: 0,
        digest: [0; 32],
    };
}

/// A command that was sent.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// Its entry; no other command has it.
    pub entry: u64,
    /// Its mailbox number, where a final block was seen to have it.
    pub number: Option<u64>,
    /// The place that its outcome told.
    pub place: Option<u64>,
}

/// An answer that was given.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// What it said.
    pub head: Head,
    /// Mailbox entries run before it, by the worker's receipt.
    pub next_number: u64,
}

/// What a client knows at the end.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// Who.
    pub name: String,
    /// What it sent.
    pub sent: Vec<Sent>,
    /// How many transactions of its account the chain has, by the account's number.
    pub accepted: u64,
    /// Where each entry is now, by the journal itself.
    pub places: BTreeMap<u64, u64>,
}

/// What is not as it must be: one line each.
pub fn judge(head: Head, clients: &[Client], answers: &[Answer]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut by_place: BTreeMap<u64, Sent> = BTreeMap::new();
    for client in clients {
        let found = client.places.len() as u64;
        if found != client.accepted {
            wrong.push(format!(
                "{}: the chain took {} commands, {found} are in the journal",
                client.name, client.accepted
            ));
        }
        for sent in &client.sent {
            let place = client.places.get(&sent.entry).copied();
            if sent.number.is_some() && place.is_none() {
                wrong.push(format!(
                    "{}: entry {} was accepted, and lost",
                    client.name, sent.entry
                ));
            }
            if sent.place.is_some() && sent.place != place {
                wrong.push(format!(
                    "{}: entry {} was told place {:?}, and is at {place:?}",
                    client.name, sent.entry, sent.place
                ));
            }
            let Some(place) = place else { continue };
            if by_place.insert(place, *sent).is_some() {
                wrong.push(format!("two entries have place {place}"));
            }
        }
    }
    if by_place.len() as u64 != head.count {
        wrong.push(format!(
            "the journal has {} entries, {} are known: some ran twice, or nobody sent them",
            head.count,
            by_place.len()
        ));
    }
    let mut heads = vec![Head::EMPTY];
    for (expected, (place, sent)) in (1..).zip(&by_place) {
        if *place != expected {
            wrong.push(format!("place {expected} is empty"));
            return wrong;
        }
        heads.push(heads[heads.len() - 1].append(sent.entry));
    }
    if heads.last() != Some(&head) {
        wrong.push("the journal's digest is not that of its entries in their order".to_owned());
    }
    wrong.extend(
        answers
            .iter()
            .filter_map(|answer| judge_answer(answer, &heads, &by_place)),
    );
    wrong
}

fn judge_answer(answer: &Answer, heads: &[Head], by_place: &BTreeMap<u64, Sent>) -> Option<String> {
    let count = answer.head.count;
    if usize::try_from(count)
        .ok()
        .and_then(|count| heads.get(count))
        != Some(&answer.head)
    {
        return Some(format!(
            "an answer of {count} entries has a digest that no history has"
        ));
    }
    by_place.iter().find_map(|(place, sent)| {
        let has = *place <= count;
        let must = sent.number? < answer.next_number;
        (has != must).then(|| {
            format!(
                "an answer from after {} mailbox entries has {count} places; entry {} at place \
                 {place} has number {:?}",
                answer.next_number, sent.entry, sent.number
            )
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three entries in their order, from numbers 10, 11 and 12; the fate of the last was not seen.
    fn history() -> (Head, Vec<Client>) {
        let head = Head::EMPTY.append(7).append(8).append(9);
        let one = Client {
            name: "one".to_owned(),
            sent: vec![
                Sent {
                    entry: 7,
                    number: Some(10),
                    place: Some(1),
                },
                // Never taken by the chain.
                Sent {
                    entry: 70,
                    number: None,
                    place: None,
                },
                Sent {
                    entry: 9,
                    number: None,
                    place: None,
                },
            ],
            accepted: 2,
            places: BTreeMap::from([(7, 1), (9, 3)]),
        };
        let other = Client {
            name: "other".to_owned(),
            sent: vec![Sent {
                entry: 8,
                number: Some(11),
                place: Some(2),
            }],
            accepted: 1,
            places: BTreeMap::from([(8, 2)]),
        };
        (head, vec![one, other])
    }

    #[track_caller]
    fn found(head: Head, clients: &[Client], answers: &[Answer], expected: &str) {
        let wrong = judge(head, clients, answers);
        assert!(
            wrong.iter().any(|line| line.contains(expected)),
            "{wrong:?}"
        );
    }

    #[test]
    fn a_history_that_holds_holds() {
        let (head, clients) = history();
        let after = |count: usize, next_number| {
            let mut of = Head::EMPTY;
            for entry in [7, 8, 9].iter().take(count) {
                of = of.append(*entry);
            }
            Answer {
                head: of,
                next_number,
            }
        };
        let answers = [
            after(0, 10),
            after(1, 11),
            after(2, 12),
            after(3, 12),
            after(3, 40),
        ];
        assert_eq!(judge(head, &clients, &answers), Vec::<String>::new());
    }

    #[test]
    fn a_lost_a_doubled_and_a_moved_command_are_found() {
        let (_, mut clients) = history();
        clients[0].places.remove(&7);
        found(
            Head::EMPTY.append(8).append(9),
            &clients,
            &[],
            "entry 7 was accepted, and lost",
        );
        let (head, mut clients) = history();
        clients[0].accepted = 3;
        found(
            head,
            &clients,
            &[],
            "the chain took 3 commands, 2 are in the journal",
        );
        let (head, clients) = history();
        found(head.append(9), &clients, &[], "some ran twice");
        let (_, mut clients) = history();
        clients[0].places.insert(9, 2);
        clients[1].places.insert(8, 3);
        found(
            Head::EMPTY.append(7).append(9).append(8),
            &clients,
            &[],
            "entry 8 was told place Some(2), and is at Some(3)",
        );
        let (_, clients) = history();
        found(
            Head {
                count: 3,
                digest: [1; 32],
            },
            &clients,
            &[],
            "the journal's digest",
        );
    }

    #[test]
    fn wrong_old_and_early_answers_are_found() {
        let (head, clients) = history();
        let no_history = Answer {
            head: Head {
                count: 1,
                digest: [3; 32],
            },
            next_number: 11,
        };
        found(
            head,
            &clients,
            &[no_history],
            "a digest that no history has",
        );
        let forgetful = Answer {
            head: Head::EMPTY,
            next_number: 11,
        };
        found(
            head,
            &clients,
            &[forgetful],
            "entry 7 at place 1 has number Some(10)",
        );
        let early = Answer {
            head: Head::EMPTY.append(7).append(8),
            next_number: 11,
        };
        found(
            head,
            &clients,
            &[early],
            "entry 8 at place 2 has number Some(11)",
        );
    }
}
