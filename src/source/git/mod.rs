//! A Git repository as a source.
//!
//! Flows in: [`GitConfig`] and what a Git server sends. Flows out: [`Snapshot`]s read straight from
//! the object database of a bare local copy.
//! It must never trust a host that is not vouched for, send credentials to another one, or leave a
//! local copy in use that is damaged.

mod authorities;
mod cache;
mod classify;
mod known_hosts;
mod link;
mod login;
mod refs;
mod store;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use git2::{Oid, Repository};
use jiff::Timestamp;
use tokio::{sync::Mutex, time};
use trueup_manifest::TreePath;

pub(super) use self::store::{ObjectTree, Objects};
use self::{
    cache::{Cache, Copy, local},
    link::Link,
    refs::Target,
};
use super::{
    Polled, Source,
    config::{GitConfig, Reference},
    deadline::{self, Cancel},
    error::SourceError,
    revision::{Commit, Note, Revision},
    snapshot::Snapshot,
};

/// How long libgit2 waits for a connection, and for each answer on one. The deadline of a poll is
/// kept apart from these; they end the thread of a poll that was given up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// A Git repository: follows a branch, tag, version range or commit of it.
pub struct GitSource {
    config: Arc<GitConfig>,
    /// Held by the one poll that runs, on whose thread it stays until that has truly ended.
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    cache: Option<Cache>,
    copy: Option<Copy>,
    last: Option<Last>,
}

struct Last {
    snapshot: Snapshot,
    /// Whether the local copy that it reads from is sound.
    reusable: bool,
}

impl GitSource {
    /// The repository that `config` names. Nothing is fetched before the first poll.
    pub fn open(config: GitConfig) -> Result<Self, SourceError> {
        config.validate()?;
        trueup_git_timeouts::set_once(CONNECT_TIMEOUT, ANSWER_TIMEOUT)
            .map_err(SourceError::Internal)?;
        Ok(Self {
            config: Arc::new(config),
            state: Arc::default(),
        })
    }

    /// Runs `work` with the state on a thread of its own, all within the time limit.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut State, &GitConfig, &Cancel) -> Result<T, SourceError> + Send + 'static,
    ) -> Result<T, SourceError> {
        let after = self.config.timeout;
        let url = || self.config.url.to_string();
        let started = Instant::now();
        let held = time::timeout(after, Arc::clone(&self.state).lock_owned()).await;
        let mut state = held.map_err(|_| SourceError::Busy { url: url() })?;
        let config = Arc::clone(&self.config);
        let left = after.saturating_sub(started.elapsed());
        let late = || SourceError::TimedOut { url: url(), after };
        deadline::run(left, late, move |cancel| work(&mut state, &config, cancel)).await
    }
}

impl Source for GitSource {
    async fn poll(&self) -> Result<Polled, SourceError> {
        self.run(State::poll).await
    }

    async fn recall(&self) -> Option<Snapshot> {
        self.run(|state, config, _| state.recall(config))
            .await
            .ok()
            .flatten()
    }

    fn describe(&self) -> String {
        self.config.url.to_string()
    }
}

impl State {
    fn poll(&mut self, config: &GitConfig, cancel: &Cancel) -> Result<Polled, SourceError> {
        let mut notes = Vec::new();
        self.prepare(config, &mut notes)?;
        if let (Reference::Commit(id), Some(last)) = (&config.reference, &self.last)
            && last.reusable
            && last.snapshot.revision().id.eq_ignore_ascii_case(id)
        {
            // A commit never changes, so there is nothing to ask.
            return Ok(Polled {
                snapshot: last.snapshot.clone(),
                notes,
            });
        }
        let link = Link::new(config, cancel)?;
        let snapshot = match self.follow(config, &link, &mut notes) {
            Err(SourceError::CacheDamaged { reason, .. }) => {
                self.discard(reason, &mut notes);
                self.prepare(config, &mut notes)?;
                self.follow(config, &link, &mut notes)
            }
            outcome => outcome,
        }?;
        Ok(Polled { snapshot, notes })
    }

    /// Sees to it that there is a sound local copy.
    fn prepare(&mut self, config: &GitConfig, notes: &mut Vec<Note>) -> Result<(), SourceError> {
        if self
            .copy
            .as_ref()
            .is_some_and(|copy| copy.objects.is_damaged())
        {
            self.discard("an object is missing or broken".to_owned(), notes);
        }
        if self.copy.is_some() {
            return Ok(());
        }
        let cache = match self.cache.take() {
            Some(cache) => cache,
            None => Cache::open(config)?,
        };
        let found = match self.last {
            // Whatever was there before has just been thrown away.
            Some(_) => None,
            None => cache.newest(),
        };
        let copy = match found {
            Some(Err(SourceError::CacheDamaged { reason, .. })) => {
                notes.push(Note::CacheRebuilt { reason });
                cache.fresh()
            }
            Some(other) => other,
            None => cache.fresh(),
        };
        self.cache = Some(cache);
        self.copy = Some(copy?);
        Ok(())
    }

    fn discard(&mut self, reason: String, notes: &mut Vec<Note>) {
        if let Some(copy) = self.copy.take() {
            copy.retire();
            notes.push(Note::CacheRebuilt { reason });
        }
        if let Some(last) = &mut self.last {
            last.reusable = false;
        }
    }

    /// Asks the server, and fetches what is new.
    fn follow(
        &mut self,
        config: &GitConfig,
        link: &Link<'_>,
        notes: &mut Vec<Note>,
    ) -> Result<Snapshot, SourceError> {
        let (Some(copy), Some(cache)) = (&self.copy, &self.cache) else {
            return Err(SourceError::Internal("there is no local copy".to_owned()));
        };
        let same = |last: &&Last, target: &Target| {
            let revision = last.snapshot.revision();
            last.reusable
                && revision.id == target.commit.to_string()
                && revision.name == target.name
        };
        let grown = copy.fetches() >= config.reclone_after as usize;
        let repository = copy.repository()?;
        let fetched = link.open(&repository, |target, fetch| {
            if let Some(last) = self.last.as_ref().filter(|last| same(last, &target)) {
                return Ok(Some(last.snapshot.clone()));
            }
            if grown {
                return Ok(None);
            }
            receive(config, copy, &repository, &target, fetch).map(Some)
        })?;
        let snapshot = if let Some(snapshot) = fetched {
            snapshot
        } else {
            let successor = cache.fresh()?;
            let repository = successor.repository()?;
            let fetched = link.open(&repository, |target, fetch| {
                receive(config, &successor, &repository, &target, fetch)
            });
            match fetched {
                Ok(_) => self
                    .copy
                    .replace(successor)
                    .into_iter()
                    .for_each(Copy::retire),
                Err(_) => successor.retire(),
            }
            fetched?
        };
        if let Some(last) = &self.last {
            notes.extend(note(
                config,
                &repository,
                last.snapshot.revision(),
                snapshot.revision(),
            ));
        }
        self.last = Some(Last {
            snapshot: snapshot.clone(),
            reusable: true,
        });
        Ok(snapshot)
    }

    /// The last good revision that a process before this one has left.
    fn recall(&mut self, config: &GitConfig) -> Result<Option<Snapshot>, SourceError> {
        if self.last.is_none() {
            self.prepare(config, &mut Vec::new())?;
            let Some(copy) = &self.copy else {
                return Ok(None);
            };
            let Some((commit, name)) = copy.recall() else {
                return Ok(None);
            };
            let target = Target {
                source: String::new(),
                name,
                commit,
            };
            let snapshot = take(config, copy, &copy.repository()?, &target)?;
            self.last = Some(Last {
                snapshot,
                reusable: true,
            });
        }
        Ok(self.last.as_ref().map(|last| last.snapshot.clone()))
    }
}

/// Fetches a commit, and takes its snapshot.
fn receive(
    config: &GitConfig,
    copy: &Copy,
    repository: &Repository,
    target: &Target,
    fetch: &mut dyn FnMut() -> Result<(), SourceError>,
) -> Result<Snapshot, SourceError> {
    fetch()?;
    copy.objects
        .refresh()
        .map_err(|error| local(&error, &copy.path))?;
    take(config, copy, repository, target)
}

/// The snapshot of a commit that has been fetched.
fn take(
    config: &GitConfig,
    copy: &Copy,
    repository: &Repository,
    target: &Target,
) -> Result<Snapshot, SourceError> {
    let missing = |error: git2::Error| match error.code() {
        git2::ErrorCode::NotFound => SourceError::NoReference {
            url: config.url.to_string(),
            reference: config.reference.to_string(),
            nearest: None,
        },
        _ => local(&error, &copy.path),
    };
    let object = repository
        .find_object(target.commit, None)
        .map_err(missing)?;
    let commit = object
        .peel_to_commit()
        .map_err(|error| local(&error, &copy.path))?;
    let path = TreePath::new(&config.path)?;
    let tree = ObjectTree::new(Arc::clone(&copy.objects), commit.tree_id()).below(&path)?;
    let revision = revision_of(&commit, &target.name);
    copy.remember(repository, commit.id(), &target.name)?;
    Ok(Snapshot::new(revision, Arc::new(tree)))
}

/// What a commit says about itself.
pub(super) fn revision_of(commit: &git2::Commit<'_>, name: &str) -> Revision {
    let author = commit.author();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let time = Timestamp::from_second(commit.time().seconds()).unwrap_or(Timestamp::UNIX_EPOCH);
    Revision {
        name: name.to_owned(),
        id: commit.id().to_string(),
        commit: Some(Commit {
            author: text(author.name_bytes()),
            email: text(author.email_bytes()),
            time,
            subject: text(commit.message_bytes())
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned(),
        }),
    }
}

/// What is worth telling about the step from one revision to the next.
fn note(
    config: &GitConfig,
    repository: &Repository,
    old: &Revision,
    new: &Revision,
) -> Option<Note> {
    let follows_tag = matches!(config.reference, Reference::Tag(_) | Reference::Version(_));
    if old.id == new.id {
        return None;
    }
    if follows_tag {
        let moved = old.name == new.name;
        return moved.then(|| Note::TagMoved {
            tag: new.name.clone(),
            from: old.id.clone(),
        });
    }
    let (from, to) = (Oid::from_str(&old.id).ok()?, Oid::from_str(&new.id).ok()?);
    // A shallow copy has no history to look it up in.
    let descends = repository.graph_descendant_of(to, from).ok()?;
    let rewritten = !descends && !repository.is_shallow();
    rewritten.then(|| Note::HistoryRewritten {
        from: old.id.clone(),
    })
}
