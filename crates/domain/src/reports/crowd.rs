//! Who had answered requests in an hour: a few bytes for each user, so that users of a year are counted once, and
//! sorted by what they spent, without looking at their requests.
//!
//! Stores number users in the order in which they first meet them, and keep for each hour a crowd: the numbers of its
//! users, each with requests and credits.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::UserSum;
use crate::credits::Credits;
use crate::ids::UserId;

/// The first byte of an encoded crowd.
const VERSION: u8 = 1;

/// What one user did in an hour, or in many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Visits {
    /// Answered requests.
    pub requests: u64,
    /// Credits charged for them.
    pub credits: u64,
}

impl Visits {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            requests: self.requests.saturating_add(other.requests),
            credits: self.credits.saturating_add(other.credits),
        }
    }
}

/// Bytes that are no crowd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the users of an hour")]
pub struct NotACrowd;

/// The users of an hour by their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Crowd(BTreeMap<u32, Visits>);

impl Crowd {
    /// Adds what a user did.
    pub fn add(&mut self, number: u32, visits: Visits) {
        let known = self.0.entry(number).or_default();
        *known = known.plus(visits);
    }

    /// Adds all that users did who are in the other.
    pub fn join(&mut self, other: &Self) {
        for (number, visits) in &other.0 {
            self.add(*number, *visits);
        }
    }

    /// As bytes: for each user in order, how much the number is above the one before, requests, credits; all in
    /// groups of seven bits, the lowest first.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        let mut before = 0;
        for (number, visits) in &self.0 {
            put(&mut bytes, u64::from(number.saturating_sub(before)));
            put(&mut bytes, visits.requests);
            put(&mut bytes, visits.credits);
            before = *number;
        }
        bytes
    }

    /// From bytes; see [`walk`].
    pub fn decode(bytes: &[u8], people: u32) -> Result<Self, NotACrowd> {
        let mut crowd = Self::default();
        walk(bytes, people, |number, visits| crowd.add(number, visits))?;
        Ok(crowd)
    }
}

/// Looks at each user of an encoded crowd. There are `people` who have a number, all below that: a greater number is
/// an error, lest room be made for millions who never were.
pub fn walk(bytes: &[u8], people: u32, mut look: impl FnMut(u32, Visits)) -> Result<(), NotACrowd> {
    let (version, mut rest) = bytes.split_first().ok_or(NotACrowd)?;
    if *version != VERSION {
        return Err(NotACrowd);
    }
    let mut number: u32 = 0;
    while !rest.is_empty() {
        let more = u32::try_from(take(&mut rest)?).map_err(|_| NotACrowd)?;
        number = number.checked_add(more).filter(|number| *number < people).ok_or(NotACrowd)?;
        let visits = Visits { requests: take(&mut rest)?, credits: take(&mut rest)? };
        look(number, visits);
    }
    Ok(())
}

fn put(bytes: &mut Vec<u8>, mut value: u64) {
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or(0);
        value = value.wrapping_shr(7);
        if value == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

fn take(rest: &mut &[u8]) -> Result<u64, NotACrowd> {
    let (mut value, mut shift) = (0, 0_u32);
    loop {
        let (byte, behind) = rest.split_first().ok_or(NotACrowd)?;
        *rest = behind;
        let part = u64::from(byte & 0x7f);
        let shifted = part.checked_shl(shift).filter(|it| it.wrapping_shr(shift) == part).ok_or(NotACrowd)?;
        value |= shifted;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
        shift = shift.saturating_add(7);
    }
}

/// A user, as far as a store knows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Visitor {
    /// By number.
    Numbered(u32),
    /// One who has no number yet.
    Stranger(UserId),
}

/// Counts users once.
#[derive(Clone, Debug, Default)]
pub struct Heads {
    numbered: Vec<u64>,
    strangers: BTreeSet<UserId>,
}

impl Heads {
    /// Counts a user.
    pub fn count(&mut self, who: Visitor) {
        match who {
            Visitor::Numbered(number) => change(&mut self.numbered, number.wrapping_shr(6), |bits| {
                *bits |= 1_u64.wrapping_shl(number & 63);
            }),
            Visitor::Stranger(user) => {
                self.strangers.insert(user);
            }
        }
    }

    /// How many they are.
    pub fn total(&self) -> u64 {
        let numbered =
            self.numbered.iter().fold(0_u64, |sum, bits| sum.saturating_add(u64::from(bits.count_ones())));
        numbered.saturating_add(u64::try_from(self.strangers.len()).unwrap_or(u64::MAX))
    }
}

/// Adds up what each user spent.
#[derive(Clone, Debug, Default)]
pub struct Spending {
    numbered: Vec<Visits>,
    strangers: BTreeMap<UserId, Visits>,
}

impl Spending {
    /// Adds what a user did.
    pub fn add(&mut self, who: Visitor, visits: Visits) {
        let add = |known: &mut Visits| *known = known.plus(visits);
        match who {
            Visitor::Numbered(number) => change(&mut self.numbered, number, add),
            Visitor::Stranger(user) => add(self.strangers.entry(user).or_default()),
        }
    }

    fn each(&self) -> impl Iterator<Item = (Visitor, Visits)> {
        let numbered =
            self.numbered.iter().enumerate().map(|(number, visits)| {
                (Visitor::Numbered(u32::try_from(number).unwrap_or(u32::MAX)), *visits)
            });
        let strangers = self.strangers.iter().map(|(user, visits)| (Visitor::Stranger(*user), *visits));
        numbered.chain(strangers).filter(|(_, visits)| visits.requests > 0)
    }

    /// How many users they are.
    pub fn users(&self) -> u64 {
        u64::try_from(self.each().count()).unwrap_or(u64::MAX)
    }

    /// Those who spent the most, `most` of them; and all who spent as much as the last of these, for only their ids
    /// say who goes first.
    pub fn top(&self, most: usize) -> Top {
        let mut credits: Vec<u64> = self.each().map(|(_, visits)| visits.credits).collect();
        credits.sort_unstable_by(|a, b| b.cmp(a));
        let least = credits.get(most.saturating_sub(1)).or(credits.last()).copied().unwrap_or_default();
        Top { most, all: self.each().filter(|(_, visits)| visits.credits >= least).collect() }
    }
}

/// Those who spent the most, not all by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Top {
    most: usize,
    all: Vec<(Visitor, Visits)>,
}

impl Top {
    /// The numbers whose users are to be named.
    pub fn numbers(&self) -> impl Iterator<Item = u32> {
        self.all.iter().filter_map(|(who, _)| match who {
            Visitor::Numbered(number) => Some(*number),
            Visitor::Stranger(_) => None,
        })
    }

    /// Sorted by credits, the most first, then by id.
    pub fn named(&self, names: &BTreeMap<u32, UserId>) -> Result<Vec<UserSum>, NotACrowd> {
        let sum = |(who, visits): &(Visitor, Visits)| {
            let user = match who {
                Visitor::Stranger(user) => *user,
                Visitor::Numbered(number) => *names.get(number)?,
            };
            let credits = Credits::new(i64::try_from(visits.credits).ok()?).ok()?;
            Some(UserSum { user, requests: visits.requests, credits })
        };
        let mut sums: Vec<UserSum> = self.all.iter().map(sum).collect::<Option<_>>().ok_or(NotACrowd)?;
        sums.sort_by_key(|sum| (Reverse(sum.credits), sum.user));
        sums.truncate(self.most);
        Ok(sums)
    }
}

/// Changes what there is for a number, after room was made for it.
fn change<T: Clone + Default>(all: &mut Vec<T>, number: u32, change: impl FnOnce(&mut T)) {
    let number = usize::try_from(number).unwrap_or(usize::MAX);
    let room = all.len().max(number.saturating_add(1));
    all.resize(room, T::default());
    if let Some(known) = all.get_mut(number) {
        change(known);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visits(requests: u64, credits: u64) -> Visits {
        Visits { requests, credits }
    }

    #[test]
    fn a_crowd_is_read_as_it_was_written() {
        let mut crowd = Crowd::default();
        for (number, credits) in [(0, 5), (7, u64::MAX), (8, 0), (200_000, 127), (u32::MAX - 1, 128)] {
            crowd.add(number, visits(1, credits));
        }
        crowd.add(7, visits(2, 9));
        let mut other = Crowd::default();
        other.add(8, visits(1, 0));
        other.join(&crowd);
        crowd.add(8, visits(1, 0));
        assert_eq!(other, crowd);
        assert_eq!(Crowd::decode(&crowd.encode(), u32::MAX), Ok(crowd));
        assert_eq!(Crowd::default().encode(), [VERSION]);
        let usual = (0..1000).fold(Crowd::default(), |mut crowd, number| {
            crowd.add(number * 18, visits(1, 25));
            crowd
        });
        assert_eq!(usual.encode().len(), 3001, "three bytes for each user");
    }

    #[test]
    fn other_bytes_are_no_crowd() {
        let cut = [&[][..], &[1, 5], &[1, 0x80], &[1, 1, 1]];
        for bytes in cut.into_iter().chain([&[2][..]]) {
            assert_eq!(Crowd::decode(bytes, 9), Err(NotACrowd), "{bytes:?}");
        }
        let too_wide = [&[1, 1][..], &[0xff; 9], &[0x7f, 1]].concat();
        assert_eq!(Crowd::decode(&too_wide, 9), Err(NotACrowd));
        let (last, nobody) = ([1, 8, 1, 1], [1, 9, 1, 1]);
        assert!(Crowd::decode(&last, 9).is_ok());
        assert_eq!(Crowd::decode(&nobody, 9), Err(NotACrowd), "nobody has that number");
    }

    #[test]
    fn users_are_counted_once() {
        let mut heads = Heads::default();
        for number in [0, 63, 64, 64, 1_000_000] {
            heads.count(Visitor::Numbered(number));
        }
        for byte in [1, 1, 2] {
            heads.count(Visitor::Stranger(UserId::from_bytes([byte; 16])));
        }
        assert_eq!(heads.total(), 6);
        assert_eq!(Heads::default().total(), 0);
    }

    #[test]
    fn of_those_who_spent_equally_the_first_by_id_are_named() {
        let user = |byte| UserId::from_bytes([byte; 16]);
        let mut spending = Spending::default();
        for (number, credits) in [(3, 10), (5, 20), (6, 10), (7, 9), (7, 0)] {
            spending.add(Visitor::Numbered(number), visits(1, credits));
        }
        spending.add(Visitor::Stranger(user(4)), visits(1, 10));
        assert_eq!(spending.users(), 5);
        let top = spending.top(3);
        assert_eq!(top.numbers().collect::<Vec<_>>(), [3, 5, 6]);
        let mut names = BTreeMap::from([(3, user(9)), (5, user(8)), (6, user(3))]);
        let named: Vec<_> =
            top.named(&names).unwrap().iter().map(|sum| (sum.user, sum.credits.get())).collect();
        assert_eq!(named, [(user(8), 20), (user(3), 10), (user(4), 10)]);
        names.remove(&6);
        assert_eq!(top.named(&names), Err(NotACrowd), "somebody has no name");
        assert_eq!(spending.top(99).numbers().count(), 4);
        assert_eq!(Spending::default().top(3).named(&names), Ok(vec![]));
    }
}
