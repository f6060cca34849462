//! The report for the person on call: what was done, what went wrong and what to do about it, and one
//! line that says it all.

use std::fmt::{self, Write as _};

use super::{ActionResult, Counts, Outcome, PhaseResult, Report};

/// How many objects of a sort are named one by one before the rest is counted.
const NAMED: usize = 50;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_changes(f)?;
        self.write_prune(f)?;
        self.write_phases(f)?;
        for warning in &self.warnings {
            writeln!(f, "{warning}")?;
            write_help(f, warning.help.as_deref())?;
        }
        self.write_errors(f)?;
        self.write_skipped(f)?;
        if let Some(hold) = &self.hold {
            writeln!(f, "held: {}\n  help: {}", hold.why, hold.help)?;
        }
        writeln!(f, "{}", self.summary())
    }
}

impl Report {
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
        write_rest(f, count)
    }

    fn write_prune(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for prune in self.pruned.iter().take(NAMED) {
            let because = prune.because.as_deref().unwrap_or_default();
            match prune.result {
                ActionResult::Done => writeln!(f, "  - {}", prune.object)?,
                ActionResult::Skipped => writeln!(f, "    {} stays: {because}", prune.object)?,
                ActionResult::Failed | ActionResult::Unhealthy => {}
            }
        }
        write_rest(f, self.pruned.len())?;
        for kept in &self.kept {
            writeln!(f, "    {} stays: {}", kept.target, kept.why)?;
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

    fn write_errors(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for error in self.all_errors() {
            writeln!(f, "{error}")?;
            if !error.chain.is_empty() {
                writeln!(f, "  through: {}", error.chain.join(" → "))?;
            }
            write_help(f, error.help.as_deref())?;
        }
        Ok(())
    }

    fn write_skipped(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let skipped = self
            .actions
            .iter()
            .filter(|action| action.result == ActionResult::Skipped);
        let count = skipped.clone().count();
        for action in skipped.take(NAMED) {
            let because = action.because.as_deref().unwrap_or_default();
            writeln!(f, "skipped {}: {because}", action.object)?;
        }
        write_rest(f, count)
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

fn write_rest(f: &mut fmt::Formatter<'_>, count: usize) -> fmt::Result {
    match count.checked_sub(NAMED) {
        Some(rest) if rest > 0 => writeln!(f, "    … and {rest} more"),
        _ => Ok(()),
    }
}
