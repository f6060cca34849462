//! The report for the person on call: what was done, what went wrong and what to do about it, and one
//! line that says it all.

use std::fmt::{self, Write as _};

use trueup_manifest::{Alike, Diagnostic, ObjectId};

use super::{ActionReport, ActionResult, Cause, Counts, Outcome, PhaseResult, Report};

/// How many objects of a sort are named one by one before the rest is counted.
const NAMED: usize = 50;
/// How many of those of which the same is said.
const LISTED: usize = 20;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_changes(f)?;
        self.write_rest(f)
    }
}

/// A report for whoever has seen what was done as it was done: the rest of it.
pub struct AfterProgress<'a>(pub &'a Report);

impl fmt::Display for AfterProgress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write_rest(f)
    }
}

impl Cause {
    fn is_of(&self, action: &ActionReport) -> bool {
        action.cause.as_ref() == Some(&self.cause)
    }
}

impl Report {
    /// What was done.
    fn write_changes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tried = |result| matches!(result, ActionResult::Done | ActionResult::Unhealthy);
        let changes = self
            .actions
            .iter()
            .filter(|action| action.action.is_change() && tried(action.result));
        let count = changes.clone().count();
        for action in changes.take(NAMED) {
            writeln!(f, "{:>3} {}", action.action.sign(), action.object)?;
        }
        write_more(f, count, NAMED)?;
        let pruned = self
            .pruned
            .iter()
            .filter(|prune| prune.result == ActionResult::Done);
        let count = pruned.clone().count();
        for prune in pruned.take(NAMED) {
            writeln!(f, "  - {}", prune.object)?;
        }
        write_more(f, count, NAMED)
    }

    /// What was not done, what went wrong and what to do about it.
    fn write_rest(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_cleaned_up(f)?;
        self.write_kept(f)?;
        self.write_works(f)?;
        self.write_phases(f)?;
        for warning in Alike::group(&self.warnings) {
            writeln!(f, "{}", warning.first)?;
            write_help(f, warning.first.help.as_deref())?;
            for line in warning.places() {
                writeln!(f, "  {line}")?;
            }
        }
        self.write_errors(f)?;
        self.write_skipped(f)?;
        if let Some(hold) = &self.hold {
            writeln!(f, "held: {}\n  help: {}", hold.why, hold.help)?;
        }
        writeln!(f, "{}", self.summary())
    }

    /// What was made in vain.
    fn write_cleaned_up(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let with = |result| {
            self.cleaned_up
                .iter()
                .filter(move |one| one.result == result)
        };
        let because = "this run had made it, and its release failed";
        let gone = with(ActionResult::Done).map(|one| (because.to_owned(), one.object.clone()));
        write_groups(f, ["is deleted again", "are deleted again"], gone)?;
        let stays = with(ActionResult::Skipped).map(|one| {
            let because = one.because.as_deref().unwrap_or_default();
            let because = format!("its release failed, and {because}");
            (because, one.object.clone())
        });
        write_groups(f, ["stays", "stay"], stays)
    }

    /// What left the desired set and is there still, by the reason.
    fn write_kept(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let skipped = self
            .pruned
            .iter()
            .filter(|prune| prune.result == ActionResult::Skipped)
            .map(|prune| {
                let because = prune.because.as_deref().unwrap_or_default();
                (because.to_owned(), prune.object.clone())
            });
        let kept = self
            .kept
            .iter()
            .map(|kept| (kept.why.clone(), kept.target.id()));
        write_groups(f, ["stays", "stay"], skipped.chain(kept))
    }

    /// What phases did that is more than objects.
    fn write_works(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for work in self.works.iter().filter(|work| work.changed > 0) {
            writeln!(f, "phase `{}`, {}:", work.phase, work.about)?;
            for line in &work.lines {
                writeln!(f, "  {line}")?;
            }
        }
        Ok(())
    }

    /// Phases are worth a line each only where one of them failed.
    fn write_phases(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self
            .phases
            .iter()
            .any(|phase| phase.result == PhaseResult::Failed)
        {
            return Ok(());
        }
        for phase in &self.phases {
            let word = match phase.result {
                PhaseResult::Done => "done",
                PhaseResult::Failed => "failed",
                PhaseResult::Skipped => "skipped",
            };
            writeln!(f, "phase `{}`: {word}", phase.name)?;
        }
        Ok(())
    }

    /// Every error; those that say the same of many objects together.
    fn write_errors(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_works = self.works.iter().flat_map(|work| work.errors.iter());
        for error in self.errors.iter().chain(of_works) {
            write_error(f, error)?;
        }
        for cause in &self.causes {
            self.write_cause(f, cause)?;
        }
        let mut groups: Vec<(String, &Diagnostic, Vec<String>)> = Vec::new();
        let of_actions = self
            .actions
            .iter()
            .filter(|action| !self.causes.iter().any(|cause| cause.is_of(action)))
            .filter_map(|action| Some((&action.object, action.error.as_ref()?)));
        let of_prune = self
            .cleaned_up
            .iter()
            .chain(&self.pruned)
            .filter_map(|prune| Some((&prune.object, prune.error.as_ref()?)));
        for (object, error) in of_actions.chain(of_prune) {
            let alike = about_any(&error.message, object);
            match groups.iter_mut().find(|(other, ..)| *other == alike) {
                Some((.., others)) => others.push(placed(object, error)),
                None => groups.push((alike, error, Vec::new())),
            }
        }
        for (_, first, others) in groups {
            write_error(f, first)?;
            if !others.is_empty() {
                let noun = if others.len() == 1 {
                    "object"
                } else {
                    "objects"
                };
                writeln!(f, "  the same for {} more {noun}:", others.len())?;
                write_list(f, others.iter(), LISTED)?;
            }
        }
        Ok(())
    }

    /// What many objects failed for: the reason, one of them in full, and the names of the first.
    fn write_cause(&self, f: &mut fmt::Formatter<'_>, cause: &Cause) -> fmt::Result {
        const FIRST: usize = 5;
        let failed = self.actions.iter().filter(|action| cause.is_of(action));
        let errors = failed.filter_map(|action| Some((&action.object, action.error.as_ref()?)));
        let Some((_, first)) = errors.clone().next() else {
            return Ok(());
        };
        writeln!(f, "error[{}]: {}", first.code, cause.says())?;
        let place = first.location().map(|place| format!("{place}: "));
        let place = place.unwrap_or_default();
        writeln!(f, "  one of them: {place}{}", first.message)?;
        write_help(f, first.help.as_deref())?;
        let placed: Vec<String> = errors
            .map(|(object, error)| placed(object, error))
            .collect();
        write_list(f, placed.iter(), FIRST)
    }

    fn write_skipped(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let skipped = self
            .actions
            .iter()
            .filter(|action| action.result == ActionResult::Skipped)
            .map(|action| {
                let because = action.because.as_deref().unwrap_or_default();
                (because.to_owned(), action.object.clone())
            });
        write_groups(f, ["skipped"; 2], skipped)
    }

    /// One line: how it ended, and what was done.
    pub fn summary(&self) -> String {
        let revision = self
            .revision
            .as_deref()
            .map(|revision| format!(" at {revision}"));
        let word = match self.outcome {
            Outcome::Converged => "converged",
            Outcome::Pending => "has pending changes",
            Outcome::Failed => "failed",
            Outcome::Held => "waits for confirmation",
            Outcome::Superseded => "was superseded",
            Outcome::Stopped => "was stopped",
        };
        format!(
            "environment `{}`{} {word}: {} ({:.1} s)",
            self.environment,
            revision.unwrap_or_default(),
            self.counts,
            self.duration.as_secs_f64()
        )
    }
}

/// `3 created, 1 failed`.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [
            (self.created, "created"),
            (self.configured, "configured"),
            (self.recreated, "recreated"),
            (self.adopted, "adopted"),
            (self.patched, "patched"),
            (self.pruned, "pruned"),
            (self.cleaned_up, "cleaned up"),
            (self.unchanged, "unchanged"),
            (self.kept, "kept"),
            (self.failed, "failed"),
            (self.skipped, "skipped"),
        ];
        let mut text = String::new();
        for (count, word) in all.iter().filter(|(count, _)| *count > 0) {
            let comma = if text.is_empty() { "" } else { ", " };
            write!(text, "{comma}{count} {word}")?;
        }
        f.write_str(if text.is_empty() {
            "nothing to do"
        } else {
            &text
        })
    }
}

fn write_help(f: &mut fmt::Formatter<'_>, help: Option<&str>) -> fmt::Result {
    help.map_or(Ok(()), |help| writeln!(f, "  help: {help}"))
}

fn write_error(f: &mut fmt::Formatter<'_>, error: &Diagnostic) -> fmt::Result {
    writeln!(f, "{error}")?;
    if !error.chain.is_empty() {
        writeln!(f, "  through: {}", error.chain.join(" → "))?;
    }
    write_help(f, error.help.as_deref())
}

/// A message without what names its object, so that those about other objects can be compared.
fn about_any(message: &str, object: &ObjectId) -> String {
    let short = object.short();
    let quoted = format!("\"{}\"", object.name);
    let place = match object.namespace.as_str() {
        "" => object.to_string(),
        namespace => format!("{namespace}/{}", object.name),
    };
    message
        .replace(&object.to_string(), "…")
        .replace(&short, "…")
        .replace(&place, "…")
        .replace(&quoted, "…")
}

/// Objects by what is said of them: on a line where it is said of one, under a heading where of more.
fn write_groups(
    f: &mut fmt::Formatter<'_>,
    [is, are]: [&str; 2],
    all: impl Iterator<Item = (String, ObjectId)>,
) -> fmt::Result {
    let mut groups: Vec<(String, Vec<ObjectId>)> = Vec::new();
    for (why, object) in all {
        match groups.iter_mut().find(|(other, _)| *other == why) {
            Some((_, objects)) => objects.push(object),
            None => groups.push((why, vec![object])),
        }
    }
    for (why, objects) in groups {
        if let [object] = &*objects {
            writeln!(f, "    {object} {is}: {why}")?;
            continue;
        }
        writeln!(f, "{} objects {are}: {why}", objects.len())?;
        write_list(f, objects.iter(), LISTED)?;
    }
    Ok(())
}

/// An object with the place that its error names.
fn placed(object: &ObjectId, error: &Diagnostic) -> String {
    match error.location() {
        Some(place) => format!("{object}  {place}"),
        None => object.to_string(),
    }
}

fn write_list(
    f: &mut fmt::Formatter<'_>,
    objects: impl ExactSizeIterator<Item = impl fmt::Display>,
    most: usize,
) -> fmt::Result {
    let count = objects.len();
    for object in objects.take(most) {
        writeln!(f, "    {object}")?;
    }
    write_more(f, count, most)
}

fn write_more(f: &mut fmt::Formatter<'_>, count: usize, shown: usize) -> fmt::Result {
    match count.checked_sub(shown) {
        Some(rest) if rest > 0 => writeln!(f, "    … and {rest} more"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        plan::ActionKind,
        report::{ActionReport, PruneReport},
    };

    fn id(name: &str) -> ObjectId {
        ObjectId {
            kind: "ConfigMap".to_owned(),
            namespace: "web".to_owned(),
            name: name.to_owned(),
            ..ObjectId::default()
        }
    }

    fn action(name: &str, result: ActionResult) -> ActionReport {
        let forbidden = || {
            let message = format!(
                "cannot apply `{}`: configmaps \"{name}\" is forbidden",
                id(name)
            );
            Diagnostic::error("apply/forbidden", message).help("grant it the right")
        };
        ActionReport {
            object: id(name),
            phase: "app".to_owned(),
            action: ActionKind::Create,
            result,
            health: String::new(),
            error: (result == ActionResult::Failed).then(forbidden),
            cause: None,
            because: (result == ActionResult::Skipped).then(|| "`Namespace web` failed".to_owned()),
            duration: Duration::ZERO,
        }
    }

    fn report() -> Report {
        let mut report = Report::new("dev", None, Outcome::Failed);
        report.actions = vec![
            action("done", ActionResult::Done),
            action("a", ActionResult::Failed),
            action("b", ActionResult::Failed),
            action("c", ActionResult::Skipped),
            action("d", ActionResult::Skipped),
        ];
        let skipped = |name| PruneReport {
            object: id(name),
            result: ActionResult::Skipped,
            error: None,
            because: Some("something in the environment failed".to_owned()),
        };
        report.pruned = vec![skipped("e"), skipped("f")];
        report.count();
        report
    }

    #[test]
    fn what_is_said_of_many_objects_is_said_once() {
        insta::assert_snapshot!(report().to_string(), @r#"
          + ConfigMap web/done
        2 objects stay: something in the environment failed
            ConfigMap web/e
            ConfigMap web/f
        error[apply/forbidden]: cannot apply `ConfigMap web/a`: configmaps "a" is forbidden
          help: grant it the right
          the same for 1 more object:
            ConfigMap web/b
        2 objects skipped: `Namespace web` failed
            ConfigMap web/c
            ConfigMap web/d
        environment `dev` failed: 1 created, 2 failed, 4 skipped (0.0 s)
        "#);
    }

    #[test]
    fn what_many_objects_failed_for_is_one_error_with_its_reason() {
        let mut report = Report::new("dev", None, Outcome::Failed);
        let names = ["a", "b", "c", "d", "e", "f", "g", "other"];
        report.actions = names
            .map(|name| action(name, ActionResult::Unhealthy))
            .to_vec();
        for (at, action) in report.actions.iter_mut().enumerate() {
            let message = format!(
                "`{}` is not healthy after 9 s: pod `{at}`: it waits",
                action.object
            );
            let error = Diagnostic::error("apply/unhealthy", message);
            action.error = Some(error.help(format!("describe {at}")));
            action.cause = Some("the image `i:1` cannot be pulled".to_owned());
        }
        report.actions[7].cause = Some("the image `i:2` cannot be pulled".to_owned());
        report.count();
        insta::assert_snapshot!(AfterProgress(&report).to_string(), @r"
        error[apply/unhealthy]: 7 objects are not healthy for one reason: the image `i:1` cannot be pulled
          one of them: `ConfigMap web/a` is not healthy after 9 s: pod `0`: it waits
          help: describe 0
            ConfigMap web/a
            ConfigMap web/b
            ConfigMap web/c
            ConfigMap web/d
            ConfigMap web/e
            … and 2 more
        error[apply/unhealthy]: `ConfigMap web/other` is not healthy after 9 s: pod `7`: it waits
          help: describe 7
        environment `dev` failed: 8 failed (0.0 s)
        ");
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["causes"].as_array().unwrap().len(), 1);
        assert_eq!(
            json["causes"][0]["cause"],
            "the image `i:1` cannot be pulled"
        );
        assert_eq!(json["causes"][0]["objects"].as_array().unwrap().len(), 7);
        assert_eq!(json["causes"][0]["objects"][6], "ConfigMap web/g");
        assert_eq!(
            json["actions"][7]["cause"],
            "the image `i:2` cannot be pulled"
        );
    }

    #[test]
    fn after_the_progress_what_was_done_is_not_said_again() {
        let text = AfterProgress(&report()).to_string();
        assert!(!text.contains("web/done"), "{text}");
        assert!(text.contains("forbidden"), "{text}");
    }
}
