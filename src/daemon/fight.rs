//! Who fights with whom over an object: a pure count of how often each object was brought back.
//!
//! An object that another writer changes again and again is contested. It is named once, and left
//! alone for a while that doubles with each round; what else the environment needs goes on.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use tokio::time::Instant;
use trueup_manifest::ObjectId;

/// So many repairs of one object within [`WINDOW`] are a fight. Config Sync names a fight at the
/// same rate.
const REPAIRS: usize = 5;

/// The time in which repairs of one object are counted together.
const WINDOW: Duration = Duration::from_mins(1);

/// How long a contested object is left alone at first.
const FIRST_REST: Duration = Duration::from_mins(1);

/// How long it is left alone at most.
const LONGEST_REST: Duration = Duration::from_mins(16);

/// The repairs of the last minute and the fights in progress.
#[derive(Debug, Default)]
pub(super) struct Fights {
    objects: BTreeMap<ObjectId, Record>,
}

#[derive(Debug, Default)]
struct Record {
    repairs: VecDeque<Instant>,
    /// How many fights over it there were in a row.
    rounds: u32,
    rests_until: Option<Instant>,
    /// Who wrote it between the repairs.
    writers: BTreeSet<String>,
}

impl Fights {
    /// Until when an object is left alone, if it is.
    pub(super) fn rests(&self, id: &ObjectId, now: Instant) -> Option<Instant> {
        self.objects
            .get(id)?
            .rests_until
            .filter(|until| *until > now)
    }

    /// An object was brought back that these had written to, although no revision asked for it. If that makes a fight, it is
    /// to be named, and the object is left alone until the time given.
    pub(super) fn repaired(
        &mut self,
        id: &ObjectId,
        writers: &[String],
        now: Instant,
    ) -> Option<Instant> {
        self.forget_old(now);
        let record = self.objects.entry(id.clone()).or_default();
        record.writers.extend(writers.iter().cloned());
        if record.rests_until.is_some_and(|until| until > now) {
            return None;
        }
        record.repairs.push_back(now);
        if record.repairs.len() < REPAIRS {
            return None;
        }
        let rest = FIRST_REST
            .saturating_mul(1 << record.rounds.min(10))
            .min(LONGEST_REST);
        let until = now + rest;
        record.rounds += 1;
        record.repairs.clear();
        record.rests_until = Some(until);
        Some(until)
    }

    /// Who fights with us over an object.
    pub(super) fn writers(&self, id: &ObjectId) -> Vec<String> {
        let record = self.objects.get(id);
        record.map_or_else(Vec::new, |record| record.writers.iter().cloned().collect())
    }

    /// The objects that are left alone now, with when each is brought back.
    pub(super) fn contested(&self, now: Instant) -> impl Iterator<Item = (&ObjectId, Instant)> {
        self.objects.iter().filter_map(move |(id, record)| {
            record
                .rests_until
                .filter(|until| *until > now)
                .map(|until| (id, until))
        })
    }

    /// When the next contested object is to be brought back.
    pub(super) fn next_end(&self, now: Instant) -> Option<Instant> {
        self.contested(now).map(|(_, until)| until).min()
    }

    /// A new revision may have ended every fight.
    pub(super) fn forgive(&mut self) {
        self.objects.clear();
    }

    fn forget_old(&mut self, now: Instant) {
        self.objects.retain(|_, record| {
            while record.repairs.front().is_some_and(|at| *at + WINDOW <= now) {
                record.repairs.pop_front();
            }
            // Calm for a whole window after its rest: the next fight is a new one.
            let calm = record.rests_until.is_none_or(|until| until + WINDOW <= now);
            !(record.repairs.is_empty() && calm)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> ObjectId {
        ObjectId {
            kind: "ConfigMap".into(),
            name: name.into(),
            ..ObjectId::default()
        }
    }

    /// Repairs an object every second until it is contested; gives the time and the rest.
    fn fight(fights: &mut Fights, name: &str, mut now: Instant) -> (Instant, Duration) {
        for _ in 1..REPAIRS {
            assert_eq!(fights.repaired(&id(name), &["rival".to_owned()], now), None);
            now += Duration::from_secs(1);
        }
        let until = fights
            .repaired(&id(name), &["rival".to_owned()], now)
            .unwrap();
        (now, until - now)
    }

    #[test]
    fn changes_now_and_then_are_no_fight() {
        let (mut fights, mut now) = (Fights::default(), Instant::now());
        for _ in 0..50 {
            assert_eq!(fights.repaired(&id("a"), &[], now), None);
            now += WINDOW / 4;
        }
    }

    #[test]
    fn an_object_repaired_again_and_again_is_named_once_and_left_alone() {
        let (mut fights, begin) = (Fights::default(), Instant::now());
        let (now, rest) = fight(&mut fights, "a", begin);
        assert_eq!(rest, FIRST_REST);
        let until = now + rest;
        assert_eq!(fights.rests(&id("a"), now), Some(until));
        assert_eq!(
            fights.repaired(&id("a"), &[], now),
            None,
            "it is named once"
        );
        assert_eq!(
            fights.contested(now).collect::<Vec<_>>(),
            [(&id("a"), until)]
        );
        assert_eq!(fights.writers(&id("a")), ["rival"]);
        assert_eq!(fights.next_end(now), Some(until));
        assert_eq!(fights.rests(&id("b"), now), None, "others go on");
        assert_eq!(fights.rests(&id("a"), until), None, "its time comes");
    }

    #[test]
    fn each_round_of_a_fight_rests_twice_as_long() {
        let (mut fights, mut now) = (Fights::default(), Instant::now());
        let mut rests = Vec::new();
        for _ in 0..6 {
            let (end, rest) = fight(&mut fights, "a", now);
            rests.push(rest.as_secs());
            now = end + rest;
        }
        assert_eq!(rests, [60, 120, 240, 480, 960, 960]);
    }

    #[test]
    fn a_calm_minute_after_the_rest_ends_the_fight() {
        let (mut fights, begin) = (Fights::default(), Instant::now());
        let (now, rest) = fight(&mut fights, "a", begin);
        let later = now + rest + WINDOW;
        assert_eq!(fights.contested(later).count(), 0);
        assert_eq!(fight(&mut fights, "a", later).1, FIRST_REST);
    }

    #[test]
    fn a_new_revision_forgives_everything() {
        let (mut fights, begin) = (Fights::default(), Instant::now());
        let (now, _) = fight(&mut fights, "a", begin);
        fights.forgive();
        assert_eq!(fights.rests(&id("a"), now), None);
    }
}
