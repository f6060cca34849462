//! The lines of a kustomization file, field by field.

use trueup_yaml::{Document, Kind, NodeId, Source, Style};

/// The fields of a file in block style, each with its lines.
pub(super) struct Fields<'d> {
    doc: &'d Document,
    lines: Vec<&'d str>,
    /// Name and first line of each, in order.
    starts: Vec<(String, usize)>,
}

/// An item of a list as lines, the first of which begins with `- ` and is not indented.
pub type Item = Vec<String>;

impl<'d> Fields<'d> {
    /// None where fields share lines or are indented.
    pub(super) fn of(doc: &'d Document, source: &'d Source) -> Option<Self> {
        let lines: Vec<&str> = source.text().lines().collect();
        let mut starts = Vec::new();
        for (key, _) in doc.entries(doc.root()) {
            let (line, column) = doc.location(key)?.line_col();
            let line = line.checked_sub(1)? as usize;
            let shared = starts.last().is_some_and(|(_, last)| *last >= line);
            if column != 1 || shared {
                return None;
            }
            starts.push((doc.text(key)?.to_owned(), line));
        }
        Some(Self { doc, lines, starts })
    }

    /// The lines of a field, from its key on. Comments and blank lines before the next field, where
    /// they are not indented, belong to that one.
    fn range(&self, field: &str) -> Option<std::ops::Range<usize>> {
        let at = self.starts.iter().position(|(name, _)| name == field)?;
        let start = self.starts.get(at)?.1;
        let mut end = self
            .starts
            .get(at + 1)
            .map_or(self.lines.len(), |(_, line)| *line);
        let loose = |line: &str| line.trim().is_empty() || line.starts_with('#');
        while end > start + 1
            && (self.lines.get(end - 1).is_some_and(|line| loose(line))
                || self
                    .lines
                    .get(end - 1)
                    .is_some_and(|line| line.starts_with("---") || line.starts_with("...")))
        {
            end -= 1;
        }
        Some(start..end)
    }

    fn value(&self, field: &str) -> Option<NodeId> {
        self.doc.get(self.doc.root(), field)
    }

    /// What is written for a node on its one line.
    fn written(&self, node: NodeId) -> Option<String> {
        let place = self.doc.location(node)?;
        let range = place.span.start as usize..place.span.end as usize;
        let text = place.source.text().get(range)?.trim_end();
        (!text.contains('\n')).then(|| text.to_owned())
    }

    /// The items of a list, each with the comments before it.
    pub(super) fn items(&self, field: &str) -> Option<Vec<Item>> {
        let value = self.value(field)?;
        if self.doc.is_null(value) {
            return Some(Vec::new());
        }
        if self.doc.kind(value) != Kind::Sequence {
            return None;
        }
        if self.doc.style(value) == Style::Flow {
            return self
                .doc
                .items(value)
                .map(|item| Some(vec![format!("- {}", self.written(item)?)]))
                .collect();
        }
        let range = self.range(field)?;
        let body = self.lines.get(range.start + 1..range.end)?;
        let indent = body
            .iter()
            .find(|line| line.trim_start().starts_with('-'))?;
        let indent = indent.len() - indent.trim_start().len();
        let mut items: Vec<Item> = Vec::new();
        let mut comments: Item = Vec::new();
        for line in body {
            let own = line.len() - line.trim_start().len();
            let begins = own == indent && line.trim_start().starts_with('-');
            let stripped = line.get(indent.min(own)..).unwrap_or_default().to_owned();
            if begins {
                let mut item = std::mem::take(&mut comments);
                item.push(stripped);
                items.push(item);
            } else if own <= indent && line.trim_start().starts_with('#') {
                comments.push(stripped);
            } else if let Some(item) = items.last_mut() {
                item.append(&mut comments);
                item.push(stripped);
            } else if !line.trim().is_empty() {
                return None;
            }
        }
        if let Some(last) = items.last_mut() {
            last.append(&mut comments);
        }
        (items.len() == self.doc.len(value)).then_some(items)
    }

    /// Items of `patchesStrategicMerge` as items of `patches`; `paths` says which are paths.
    pub(super) fn patches(&self, field: &str, paths: &[bool]) -> Option<Vec<Item>> {
        let items = self.items(field)?;
        if items.len() != paths.len() {
            return None;
        }
        items
            .into_iter()
            .zip(paths)
            .map(|(item, is_path)| {
                let key = if *is_path { "path" } else { "patch" };
                let mut out = Item::new();
                let mut begun = false;
                for line in item {
                    if begun {
                        // What a block scalar holds lies deeper than the key it now has.
                        out.push(if line.is_empty() {
                            line
                        } else {
                            format!("  {line}")
                        });
                    } else if let Some(rest) = line.strip_prefix('-') {
                        begun = true;
                        out.push(format!("- {key}: {}", rest.trim_start()));
                    } else {
                        out.push(line);
                    }
                }
                begun.then_some(out)
            })
            .collect()
    }

    /// `commonLabels` as the one item of `labels` that does the same.
    pub(super) fn labels(&self, field: &str) -> Option<Vec<Item>> {
        let value = self.value(field)?;
        if self.doc.is_empty(value) {
            return Some(Vec::new());
        }
        if self.doc.kind(value) != Kind::Mapping {
            return None;
        }
        let mut item = vec!["- includeSelectors: true".to_owned()];
        if self.doc.style(value) == Style::Flow {
            item.push(format!("  pairs: {}", self.written(value)?));
            return Some(vec![item]);
        }
        item.push("  pairs:".to_owned());
        let range = self.range(field)?;
        let body = self.lines.get(range.start + 1..range.end)?;
        let indented =
            |line: &&&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
        let first = body.iter().find(indented)?;
        let indent = first.len() - first.trim_start().len();
        for line in body {
            let own = line.len() - line.trim_start().len();
            let stripped = line.get(indent.min(own)..)?;
            item.push(if stripped.is_empty() {
                String::new()
            } else {
                format!("    {stripped}")
            });
        }
        Some(vec![item])
    }

    /// The text with `items` under `successor`, where `field` was.
    pub(super) fn put(&self, field: &str, successor: &str, items: &[Item]) -> Option<String> {
        let range = self.range(field)?;
        let mut lines: Vec<String> = Vec::new();
        lines.extend(
            self.lines
                .get(..range.start)?
                .iter()
                .map(|line| (*line).to_owned()),
        );
        if !items.is_empty() {
            let first = self.lines.get(range.start)?;
            let comment = self.comment_of(field, first);
            lines.push(format!("{successor}:{comment}"));
            lines.extend(items.iter().flatten().cloned());
        }
        lines.extend(
            self.lines
                .get(range.end..)?
                .iter()
                .map(|line| (*line).to_owned()),
        );
        Some(joined(&lines))
    }

    /// The comment behind a key whose value is on lines of its own.
    fn comment_of(&self, field: &str, line: &str) -> String {
        let rest = line.split_once(':').map_or("", |(_, rest)| rest);
        let block = self
            .value(field)
            .is_some_and(|value| self.doc.style(value) != Style::Flow);
        if block && rest.trim_start().starts_with('#') {
            rest.to_owned()
        } else {
            String::new()
        }
    }

    /// The text with `items` behind those of `successor`, and `field` gone.
    pub(super) fn append(&self, field: &str, successor: &str, items: &[Item]) -> Option<String> {
        let (from, to) = (self.range(field)?, self.range(successor)?);
        let there = self.value(successor)?;
        if self.doc.kind(there) != Kind::Sequence {
            return None;
        }
        let mut target: Vec<String> = Vec::new();
        let indent;
        if self.doc.style(there) == Style::Flow {
            indent = 0;
            target.push(format!("{successor}:"));
            target.extend(self.items(successor)?.into_iter().flatten());
        } else {
            let lines = self.lines.get(to.clone())?;
            let first = lines
                .iter()
                .skip(1)
                .find(|line| line.trim_start().starts_with('-'))?;
            indent = first.len() - first.trim_start().len();
            target.extend(lines.iter().map(|line| (*line).to_owned()));
        }
        let pad = " ".repeat(indent);
        target.extend(items.iter().flatten().map(|line| {
            if line.is_empty() {
                String::new()
            } else {
                format!("{pad}{line}")
            }
        }));
        let mut lines: Vec<String> = Vec::new();
        for (at, line) in self.lines.iter().enumerate() {
            if at == to.start {
                lines.append(&mut target);
            }
            if !from.contains(&at) && !to.contains(&at) {
                lines.push((*line).to_owned());
            }
        }
        Some(joined(&lines))
    }
}

fn joined(lines: &[String]) -> String {
    lines
        .iter()
        .fold(String::new(), |text, line| text + line + "\n")
}
