//! Faults on purpose: a test says which request is to fail, and how.
//!
//! In: rules and a hook from the test. Out: what is to happen to the request at hand, before it is
//! carried out and after. It must never touch an object.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::log::RequestInfo;

#[cfg(test)]
mod tests;

/// What is to happen to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It is answered that much later.
    Latency(Duration),
    /// It is not carried out; 429 with `Retry-After` in seconds.
    TooManyRequests {
        /// Seconds for `Retry-After`.
        retry_after: u64,
    },
    /// It is not carried out; this status (500, 503 …) is answered.
    Status(u16),
    /// It is not carried out and the connection is cut.
    ResetBefore,
    /// It is carried out, then the connection is cut with no answer.
    ResetAfter,
    /// A watch is cut in the middle after so many events.
    TruncateWatch {
        /// Events let through.
        after_events: usize,
    },
    /// A watch is told its revision is gone (`ERROR` event, 410) after so many events.
    ExpireWatch {
        /// Events let through.
        after_events: usize,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Latency(time) => write!(f, "latency of {} ms", time.as_millis()),
            Self::TooManyRequests { retry_after } => write!(f, "429, retry after {retry_after} s"),
            Self::Status(code) => write!(f, "status {code}"),
            Self::ResetBefore => f.write_str("reset before the request took effect"),
            Self::ResetAfter => f.write_str("reset after the request took effect"),
            Self::TruncateWatch { after_events } => write!(f, "watch cut after {after_events}"),
            Self::ExpireWatch { after_events } => write!(f, "watch expired after {after_events}"),
        }
    }
}

/// Which requests a fault meets. Empty parts match anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    verb: String,
    group: Option<String>,
    resource: String,
    subresource: Option<String>,
    namespace: String,
    name: String,
    skip: u64,
    times: Option<u64>,
    fault: Fault,
}

impl Rule {
    /// The fault for every request; narrow it with the other methods.
    pub fn new(fault: Fault) -> Self {
        Self {
            verb: String::new(),
            group: None,
            resource: String::new(),
            subresource: None,
            namespace: String::new(),
            name: String::new(),
            skip: 0,
            times: None,
            fault,
        }
    }

    /// Only this RBAC verb.
    pub fn verb(mut self, verb: &str) -> Self {
        verb.clone_into(&mut self.verb);
        self
    }

    /// Only this API group.
    pub fn group(mut self, group: &str) -> Self {
        self.group = Some(group.to_owned());
        self
    }

    /// Only this plural resource.
    pub fn resource(mut self, resource: &str) -> Self {
        resource.clone_into(&mut self.resource);
        self
    }

    /// Only this subresource; empty for none.
    pub fn subresource(mut self, subresource: &str) -> Self {
        self.subresource = Some(subresource.to_owned());
        self
    }

    /// Only this namespace.
    pub fn namespace(mut self, namespace: &str) -> Self {
        namespace.clone_into(&mut self.namespace);
        self
    }

    /// Only the object of this name.
    pub fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Only the n-th matching request, counted from 1.
    pub fn nth(mut self, n: u64) -> Self {
        self.skip = n.saturating_sub(1);
        self.times = Some(1);
        self
    }

    /// At most so many matching requests.
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    fn matches(&self, info: &RequestInfo) -> bool {
        let any = |rule: &str, value: &str| rule.is_empty() || rule == value;
        any(&self.verb, &info.verb)
            && self.group.as_ref().is_none_or(|group| *group == info.group)
            && any(&self.resource, &info.resource)
            && self
                .subresource
                .as_ref()
                .is_none_or(|sub| *sub == info.subresource)
            && any(&self.namespace, &info.namespace)
            && any(&self.name, &info.name)
    }
}

/// Where a request is when the hook is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// It has arrived; nothing has been done.
    Before,
    /// It has been carried out; the answer has not been sent.
    After,
}

/// A request at one of its two boundaries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boundary {
    /// Before or after.
    pub moment: Moment,
    /// The request's index in the log.
    pub index: u64,
    /// What it asks for.
    pub info: RequestInfo,
    /// `User-Agent`, to tell the process under test from others.
    pub user_agent: String,
    /// `fieldManager` or what stands in for it.
    pub field_manager: String,
    /// True for `dryRun=All`.
    pub dry_run: bool,
}

/// What a hook wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Continue,
    /// Cut the connection here.
    Cut,
    /// Let this fault happen; only those that fit the moment do.
    Fault(Fault),
}

/// Called at both boundaries of every request, in the request's own task. It may block only
/// briefly.
pub type Hook = Arc<dyn Fn(&Boundary) -> Verdict + Send + Sync>;

/// The faults of a server.
#[derive(Default)]
pub struct Faults(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    rules: Vec<(Rule, u64)>,
    hook: Option<Hook>,
}

impl Faults {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a rule; the first that fires decides.
    pub fn inject(&self, rule: Rule) {
        self.lock().rules.push((rule, 0));
    }

    /// Removes all rules and the hook.
    pub fn clear(&self) {
        let mut inner = self.lock();
        inner.rules.clear();
        inner.hook = None;
    }

    /// Sets the hook called at every request boundary.
    pub fn set_hook(&self, hook: Hook) {
        self.lock().hook = Some(hook);
    }

    pub(crate) fn hook(&self) -> Option<Hook> {
        self.lock().hook.clone()
    }

    /// The fault for a request that has just arrived.
    pub(crate) fn next(&self, info: &RequestInfo) -> Option<Fault> {
        let mut inner = self.lock();
        let mut chosen = None;
        for (rule, seen) in inner
            .rules
            .iter_mut()
            .filter(|(rule, _)| rule.matches(info))
        {
            *seen += 1;
            let fires =
                *seen > rule.skip && rule.times.is_none_or(|times| *seen <= rule.skip + times);
            if fires && chosen.is_none() {
                chosen = Some(rule.fault.clone());
            }
        }
        chosen
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.lock();
        f.debug_struct("Faults")
            .field("rules", &inner.rules)
            .field("hook", &inner.hook.is_some())
            .finish()
    }
}
