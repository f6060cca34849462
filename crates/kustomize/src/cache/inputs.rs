//! Every question that a build asked of its tree, with the answer.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use sha2::{Digest as _, Sha256};
use trueup_manifest::{Entry, Found, Tree, TreeError, TreePath};

use crate::parallel;

/// SHA-256.
pub(super) type Digest = [u8; 32];

pub(super) fn digest(bytes: &[u8]) -> Digest {
    Sha256::digest(bytes).into()
}

/// What a build read of its tree: exactly that, and what it found there.
#[derive(Clone, Debug, Default)]
pub struct Inputs(Vec<(Question, Answer)>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Question {
    Content(TreePath),
    Entry(TreePath),
    Find(TreePath),
    Names(TreePath),
    Resolved(TreePath),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    /// What the tree calls the content.
    ContentId(String),
    Content(Digest),
    Entry(Option<Entry>),
    Found(Option<Found>),
    Names(Digest),
    Resolved(TreePath),
    /// It could not be read.
    Failed,
}

impl Inputs {
    /// The files whose content was read, in order.
    pub fn files(&self) -> impl Iterator<Item = &TreePath> {
        self.0.iter().filter_map(|(question, _)| match question {
            Question::Content(path) => Some(path),
            _ => None,
        })
    }

    /// Whether a tree gives the same answers.
    pub(super) fn hold(&self, tree: &dyn Tree) -> bool {
        parallel::all(&self.0, |(question, answer)| question.ask(tree) == *answer)
    }
}

impl Question {
    fn ask(&self, tree: &dyn Tree) -> Answer {
        match self {
            Self::Content(path) => match tree.content_id(path) {
                Some(id) => Answer::ContentId(id),
                None => content(&tree.read(path)),
            },
            Self::Entry(path) => tree.entry(path).map_or(Answer::Failed, Answer::Entry),
            Self::Find(path) => tree.find(path).map_or(Answer::Failed, Answer::Found),
            Self::Names(path) => names(&tree.list(path)),
            Self::Resolved(path) => tree.resolve(path).map_or(Answer::Failed, Answer::Resolved),
        }
    }
}

fn content(read: &Result<Arc<[u8]>, TreeError>) -> Answer {
    match read {
        Ok(bytes) => Answer::Content(digest(bytes)),
        Err(_) => Answer::Failed,
    }
}

fn names(list: &Result<Vec<(String, Entry)>, TreeError>) -> Answer {
    let Ok(list) = list else {
        return Answer::Failed;
    };
    let mut text = String::new();
    for (name, entry) in list {
        text.push_str(name);
        text.push(if *entry == Entry::Dir { '/' } else { '\0' });
    }
    Answer::Names(digest(text.as_bytes()))
}

/// A tree that notes what it is asked.
pub(super) struct Recorder<'t> {
    tree: &'t dyn Tree,
    asked: Mutex<BTreeMap<Question, Answer>>,
}

impl<'t> Recorder<'t> {
    pub(super) fn new(tree: &'t dyn Tree) -> Self {
        Self {
            tree,
            asked: Mutex::default(),
        }
    }

    fn note(&self, question: Question, answer: Answer) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.insert(question, answer);
    }

    pub(super) fn into_inputs(self) -> Inputs {
        let asked = self.asked.into_inner();
        let asked = asked.unwrap_or_else(PoisonError::into_inner);
        Inputs(asked.into_iter().collect())
    }
}

impl Tree for Recorder<'_> {
    fn read(&self, path: &TreePath) -> Result<Arc<[u8]>, TreeError> {
        let read = self.tree.read(path);
        let answer = match self.tree.content_id(path) {
            Some(id) => Answer::ContentId(id),
            None => content(&read),
        };
        self.note(Question::Content(path.clone()), answer);
        read
    }

    fn entry(&self, path: &TreePath) -> Result<Option<Entry>, TreeError> {
        let entry = self.tree.entry(path);
        let answer = entry
            .as_ref()
            .map_or(Answer::Failed, |entry| Answer::Entry(*entry));
        self.note(Question::Entry(path.clone()), answer);
        entry
    }

    fn find(&self, path: &TreePath) -> Result<Option<Found>, TreeError> {
        let found = self.tree.find(path);
        let answer = found
            .as_ref()
            .map_or(Answer::Failed, |found| Answer::Found(found.clone()));
        self.note(Question::Find(path.clone()), answer);
        found
    }

    fn list(&self, path: &TreePath) -> Result<Vec<(String, Entry)>, TreeError> {
        let list = self.tree.list(path);
        self.note(Question::Names(path.clone()), names(&list));
        list
    }

    fn resolve(&self, path: &TreePath) -> Result<TreePath, TreeError> {
        let resolved = self.tree.resolve(path);
        let answer = resolved
            .as_ref()
            .map_or(Answer::Failed, |path| Answer::Resolved(path.clone()));
        self.note(Question::Resolved(path.clone()), answer);
        resolved
    }

    fn display(&self, path: &TreePath) -> String {
        self.tree.display(path)
    }
}
