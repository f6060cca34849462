//! What a source keeps from one poll to the next, and the poll itself.

use std::sync::{Arc, OnceLock};

use git2::{Oid, Repository};
use jiff::Timestamp;
use trueup_manifest::TreePath;

use super::{
    cache::{Cache, LocalCopy, local},
    link::Link,
    refs::Target,
    store::ObjectTree,
};
use crate::source::{
    Polled,
    config::{GitConfig, Reference},
    deadline::Cancel,
    error::SourceError,
    identity,
    revision::{Commit, Note, Revision},
    snapshot::Snapshot,
};

/// What one poll after another works with.
#[derive(Default)]
pub(super) struct State {
    /// The folder of the local copies, shared with the states before and after this one.
    cache: Arc<OnceLock<Cache>>,
    copy: Option<LocalCopy>,
    /// Whether the local copies that are there belong to somebody else, or are no good.
    afresh: bool,
    last: Option<Last>,
}

struct Last {
    snapshot: Snapshot,
    /// Whether the local copy that it reads from is sound.
    reusable: bool,
}

impl State {
    /// The first state of a source.
    pub(super) fn new(cache: Arc<OnceLock<Cache>>) -> Self {
        Self {
            cache,
            ..Self::default()
        }
    }

    /// A state to go on with while the one before it is stuck: it touches none of its local copies.
    pub(super) fn beside(cache: Arc<OnceLock<Cache>>) -> Self {
        Self {
            cache,
            afresh: true,
            ..Self::default()
        }
    }

    /// Asks the server for the newest revision and fetches it.
    pub(super) fn poll(
        &mut self,
        config: &GitConfig,
        cancel: &Cancel,
    ) -> Result<Polled, SourceError> {
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
        let cache = self.cache(config)?;
        let found = if self.afresh { None } else { cache.newest() };
        let copy = match found {
            Some(Err(SourceError::CacheDamaged { reason, .. })) => {
                notes.push(Note::CacheRebuilt { reason });
                cache.fresh()
            }
            Some(other) => other,
            None => cache.fresh(),
        };
        self.copy = Some(copy?);
        Ok(())
    }

    fn cache(&self, config: &GitConfig) -> Result<&Cache, SourceError> {
        if let Some(cache) = self.cache.get() {
            return Ok(cache);
        }
        let opened = Cache::open(config)?;
        Ok(self.cache.get_or_init(|| opened))
    }

    fn discard(&mut self, reason: String, notes: &mut Vec<Note>) {
        if let Some(copy) = self.copy.take() {
            copy.retire();
            notes.push(Note::CacheRebuilt { reason });
        }
        self.afresh = true;
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
        let cache = self.cache(config)?;
        let Some(copy) = &self.copy else {
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
                    .for_each(LocalCopy::retire),
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
    pub(super) fn recall(&mut self, config: &GitConfig) -> Result<Option<Snapshot>, SourceError> {
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
    copy: &LocalCopy,
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
    copy: &LocalCopy,
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
    let submodules = tree.submodules();
    let source = identity::with_folder(config.url.identity(), &config.path);
    Ok(Snapshot::new(revision, Arc::new(tree))
        .of(&source)
        .with_submodules(submodules))
}

/// What a commit says about itself.
pub(in crate::source) fn revision_of(commit: &git2::Commit<'_>, name: &str) -> Revision {
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
