//! Reading: the text is taken apart by [`Reader`], and what it names is put into [`Table`]s here.

use trueup_gotemplate::{List, Map, Str, Type, Value};

use super::read::Reader;

/// `toml.Unmarshal` into a `map[string]interface {}`; the error is Go's: `toml: line 1: …`.
pub(crate) fn decode(text: &[u8]) -> Result<Map, String> {
    let mut reader = Reader::new(text);
    let mut root = Table::default();
    reader.document(&mut root)?;
    Ok(root.into_map())
}

/// What a key holds while the text is read.
pub(super) enum Node {
    Value(Value),
    Table(Table),
    /// `[[name]]`, one table each.
    Tables(Vec<Table>),
}

/// A table that is being filled.
#[derive(Default)]
pub(super) struct Table {
    entries: Vec<(String, Node)>,
    /// It stands only in longer names so far, and may be opened once.
    implicit: bool,
}

/// Why a name cannot be used.
pub(super) enum Clash {
    /// `Key 'a.b' has already been defined.`
    Defined,
    /// `Key 'a' was already created as a hash.`
    NoTable(usize),
    /// `Key 'a' was already created and cannot be used as an array.`
    NoArray,
}

impl Table {
    fn get(&mut self, name: &str) -> Option<&mut Node> {
        self.entries
            .iter_mut()
            .find(|(key, _)| key == name)
            .map(|(_, node)| node)
    }

    /// The table of a name, made if it is not there; of an array of tables the last.
    fn step(&mut self, name: &str) -> Option<&mut Self> {
        if self.get(name).is_none() {
            let table = Self {
                entries: Vec::new(),
                implicit: true,
            };
            self.entries.push((name.to_owned(), Node::Table(table)));
        }
        match self.get(name) {
            Some(Node::Table(table)) => Some(table),
            Some(Node::Tables(tables)) => tables.last_mut(),
            _ => None,
        }
    }

    /// The table that a path leads to; an error counts the steps that could be taken.
    pub(super) fn walk(&mut self, path: &[String]) -> Result<&mut Self, Clash> {
        let mut table = self;
        for (at, name) in path.iter().enumerate() {
            table = table.step(name).ok_or(Clash::NoTable(at + 1))?;
        }
        Ok(table)
    }

    /// `[a.b]`: opens a table, which must not have been opened before.
    pub(super) fn open(&mut self, path: &[String]) -> Result<(), Clash> {
        let Some((name, parents)) = path.split_last() else {
            return Ok(());
        };
        let parent = self.walk(parents)?;
        match parent.get(name) {
            None => {
                parent
                    .entries
                    .push((name.clone(), Node::Table(Self::default())));
                Ok(())
            }
            Some(Node::Table(table)) if table.implicit => {
                table.implicit = false;
                Ok(())
            }
            Some(_) => Err(Clash::Defined),
        }
    }

    /// `[[a.b]]`: adds a table to an array of them.
    pub(super) fn open_array(&mut self, path: &[String]) -> Result<(), Clash> {
        let Some((name, parents)) = path.split_last() else {
            return Ok(());
        };
        let parent = self.walk(parents)?;
        match parent.get(name) {
            None => {
                parent
                    .entries
                    .push((name.clone(), Node::Tables(vec![Self::default()])));
                Ok(())
            }
            Some(Node::Tables(tables)) => {
                tables.push(Self::default());
                Ok(())
            }
            Some(_) => Err(Clash::NoArray),
        }
    }

    /// `a.b = …` in this table.
    pub(super) fn set(&mut self, path: &[String], value: Value) -> Result<(), Clash> {
        let Some((name, parents)) = path.split_last() else {
            return Ok(());
        };
        let table = self.walk(parents)?;
        if table.get(name).is_some() {
            return Err(Clash::Defined);
        }
        table.entries.push((name.clone(), Node::Value(value)));
        Ok(())
    }

    pub(super) fn into_map(self) -> Map {
        let value = |node| match node {
            Node::Value(value) => value,
            Node::Table(table) => Value::Map(table.into_map()),
            Node::Tables(tables) => {
                let items = tables
                    .into_iter()
                    .map(|table| Value::Map(table.into_map()))
                    .collect();
                Value::List(List::typed(Type::MAP, items))
            }
        };
        self.entries
            .into_iter()
            .map(|(key, node)| (Str::from(key), value(node)))
            .collect()
    }
}
