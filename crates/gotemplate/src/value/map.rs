//! Maps with string keys.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::release::{is_collection, release};
use super::yaml::Node;
use super::{Str, Type, Value};

/// A Go map with string keys, kept in the order of its keys.
///
/// A reference: what is set through one clone is seen through all, as templates that call `set` expect.
#[derive(Clone)]
pub struct Map(Arc<Data>);

struct Data {
    elem: Type,
    is_nil: bool,
    state: RwLock<State>,
}

enum State {
    /// Sorted by key, no key twice.
    Ready(Vec<(Str, Value)>),
    /// Not looked at yet.
    Lazy(Node),
}

impl Default for Map {
    fn default() -> Self {
        Self::new()
    }
}

impl Map {
    /// An empty `map[string]interface {}`.
    pub fn new() -> Self {
        Self::typed(Type::Any, Vec::new())
    }

    /// A map of a type; the caller answers for its values being of that type. Of equal keys the last
    /// wins.
    pub fn typed(elem: Type, mut entries: Vec<(Str, Value)>) -> Self {
        if !entries.is_sorted_by(|a, b| a.0 < b.0) {
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            // `dedup_by` drops the later one.
            entries.dedup_by(|later, first| {
                let equal = later.0 == first.0;
                if equal {
                    std::mem::swap(&mut later.1, &mut first.1);
                }
                equal
            });
        }
        Self::of(elem, false, State::Ready(entries))
    }

    /// The nil map of a type: empty, `null` in JSON.
    pub fn nil(elem: Type) -> Self {
        Self::of(elem, true, State::Ready(Vec::new()))
    }

    pub(super) fn lazy(node: Node) -> Self {
        Self::of(Type::Any, false, State::Lazy(node))
    }

    fn of(elem: Type, is_nil: bool, state: State) -> Self {
        let state = RwLock::new(state);
        Self(Arc::new(Data {
            elem,
            is_nil,
            state,
        }))
    }

    /// The type of the values.
    pub fn elem(&self) -> Type {
        self.0.elem
    }

    /// Whether this is the nil map.
    pub fn is_nil(&self) -> bool {
        self.0.is_nil
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<Value> {
        self.with(|entries| find(entries, key.as_bytes()).cloned())
    }

    /// The value of a key of any bytes.
    pub fn get_bytes(&self, key: &[u8]) -> Option<Value> {
        self.with(|entries| find(entries, key).cloned())
    }

    /// Whether the map has a key.
    pub fn contains_key(&self, key: &str) -> bool {
        self.with(|entries| find(entries, key.as_bytes()).is_some())
    }

    /// Looks at the value of a key, without copying it. The map must not be changed meanwhile.
    pub fn look<T>(&self, key: &[u8], look: impl FnOnce(Option<&Value>) -> T) -> T {
        self.with(|entries| look(find(entries, key)))
    }

    /// Looks at the entries in order, without copying them. The map must not be changed meanwhile.
    pub fn with<T>(&self, look: impl FnOnce(&[(Str, Value)]) -> T) -> T {
        let guard = self.read();
        if let State::Ready(entries) = &*guard {
            return look(entries);
        }
        drop(guard);
        // Read it, and look at it with the lock shared: what looks may come by here again.
        ready(&mut self.write());
        match &*self.read() {
            State::Ready(entries) => look(entries),
            State::Lazy(_) => look(&[]),
        }
    }

    /// The entries in order, as they are now.
    pub fn entries(&self) -> Vec<(Str, Value)> {
        self.with(<[(Str, Value)]>::to_vec)
    }

    /// The keys in order.
    pub fn keys(&self) -> Vec<Str> {
        self.with(|entries| entries.iter().map(|(key, _)| key.clone()).collect())
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.with(<[(Str, Value)]>::len)
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sets a key, for all who hold the map.
    pub fn insert(&self, key: impl Into<Str>, value: Value) {
        let key = key.into();
        let mut state = self.write();
        let entries = ready(&mut state);
        match entries.binary_search_by(|entry| entry.0.cmp(&key)) {
            Ok(at) => {
                if let Some(entry) = entries.get_mut(at) {
                    // The old value is dropped when the lock is free: it may hold this map.
                    let old = std::mem::replace(&mut entry.1, value);
                    drop(state);
                    drop(old);
                }
            }
            Err(at) => entries.insert(at, (key, value)),
        }
    }

    /// Removes a key, for all who hold the map.
    pub fn remove(&self, key: &str) -> Option<Value> {
        let mut state = self.write();
        let entries = ready(&mut state);
        let at = entries
            .binary_search_by(|entry| entry.0.as_bytes().cmp(key.as_bytes()))
            .ok()?;
        Some(entries.remove(at).1)
    }

    /// Whether both are the same map, not only equal ones.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// A map with the same entries that can be changed without changing this one; the values in it are
    /// shared.
    pub fn copy(&self) -> Self {
        Self::of(self.0.elem, false, State::Ready(self.entries()))
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.0.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Map {
    /// Moves the values out, if nobody else holds them.
    pub(super) fn take_values(self, into: &mut Vec<Value>) {
        if let Some(mut data) = Arc::into_inner(self.0) {
            into.extend(data.take_values());
        }
    }
}

impl Data {
    fn take_values(&mut self) -> Vec<Value> {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        match state {
            State::Ready(entries) if !entries.is_empty() => {
                let entries = std::mem::take(entries).into_iter();
                entries.map(|(_, value)| value).collect()
            }
            _ => Vec::new(),
        }
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let State::Ready(entries) = state
            && entries.iter().any(|(_, value)| is_collection(value))
        {
            release(self.take_values());
        }
    }
}

/// The entries, read from their node if they have not been yet.
fn ready(state: &mut State) -> &mut Vec<(Str, Value)> {
    if let State::Lazy(node) = state {
        let map = Map::typed(Type::Any, node.entries());
        *state = State::Ready(map.entries());
    }
    match state {
        State::Ready(entries) => entries,
        State::Lazy(_) => unreachable!("it was just read"),
    }
}

fn find<'e>(entries: &'e [(Str, Value)], key: &[u8]) -> Option<&'e Value> {
    let at = entries
        .binary_search_by(|entry| entry.0.as_bytes().cmp(key))
        .ok()?;
    entries.get(at).map(|entry| &entry.1)
}

impl FromIterator<(Str, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (Str, Value)>>(entries: I) -> Self {
        Self::typed(Type::Any, entries.into_iter().collect())
    }
}
