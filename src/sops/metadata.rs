//! What SOPS writes beside the values: whom their key is sealed to, which values are sealed, and the MAC.

use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use super::Error;

/// What is sealed where nothing else is said: all but the values below such a name.
const UNENCRYPTED_SUFFIX: &str = "_unencrypted";

/// What stands beside the values.
pub(super) struct Metadata {
    /// The key, sealed to one age recipient each.
    pub age: Vec<String>,
    /// When the file was sealed, as it is written there: the MAC is bound to it.
    pub last_modified: String,
    /// The MAC, sealed.
    pub mac: String,
    /// Whether the MAC is of the sealed values alone.
    pub mac_only_encrypted: bool,
    /// Which values are sealed.
    pub selection: Selection,
}

/// Which values are sealed, by the names on the way to them.
pub(super) enum Selection {
    /// All but those below a name with this end.
    AllBut(String),
    /// Those below a name with this end.
    Only(String),
    /// All but those below a name that matches.
    AllButMatches(Regex),
    /// Those below a name that matches.
    OnlyMatches(Regex),
}

impl Selection {
    /// Whether the value at a path is sealed.
    pub(super) fn takes(&self, path: &[String]) -> bool {
        match self {
            Self::AllBut(suffix) => !path.iter().any(|name| name.ends_with(suffix)),
            Self::Only(suffix) => path.iter().any(|name| name.ends_with(suffix)),
            Self::AllButMatches(regex) => !path.iter().any(|name| regex.is_match(name)),
            Self::OnlyMatches(regex) => path.iter().any(|name| regex.is_match(name)),
        }
    }
}

/// As it is written. Keys of services that are not asked here are no matter.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Written {
    age: Option<Vec<Recipient>>,
    key_groups: Option<Vec<Value>>,
    shamir_threshold: Option<Value>,
    lastmodified: String,
    mac: String,
    mac_only_encrypted: Option<Value>,
    unencrypted_suffix: Option<String>,
    encrypted_suffix: Option<String>,
    unencrypted_regex: Option<String>,
    encrypted_regex: Option<String>,
    unencrypted_comment_regex: Option<String>,
    encrypted_comment_regex: Option<String>,
}

#[derive(Deserialize)]
struct Recipient {
    enc: String,
}

impl Metadata {
    /// Reads what stands under `sops`.
    pub(super) fn of(written: &Value) -> Result<Self, Error> {
        let written: Written = serde_json::from_value(written.clone()).map_err(|error| {
            Error::NotSops(format!("what stands under `sops` is wrong: {error}"))
        })?;
        let groups = written
            .key_groups
            .as_ref()
            .is_some_and(|groups| !groups.is_empty());
        // Forms that are made of lines write numbers as texts.
        let threshold = written.shamir_threshold.as_ref().map(text_of);
        if groups || threshold.is_some_and(|threshold| !["0", "1"].contains(&threshold.as_str())) {
            return Err(Error::Unread("a key in several groups".to_owned()));
        }
        if written.mac.is_empty() {
            return Err(Error::NotSops("it has no MAC".to_owned()));
        }
        let age = written.age.unwrap_or_default().into_iter();
        let age: Vec<String> = age.map(|one| one.enc).collect();
        let only = written.mac_only_encrypted.as_ref().map(text_of);
        Ok(Self {
            age,
            last_modified: written.lastmodified,
            mac: written.mac,
            mac_only_encrypted: only.is_some_and(|only| only == "true"),
            selection: selection([
                written.unencrypted_suffix,
                written.encrypted_suffix,
                written.unencrypted_regex,
                written.encrypted_regex,
                written.unencrypted_comment_regex,
                written.encrypted_comment_regex,
            ])?,
        })
    }
}

fn text_of(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Exactly one rule may be given.
fn selection(rules: [Option<String>; 6]) -> Result<Selection, Error> {
    let given = rules
        .iter()
        .flatten()
        .filter(|rule| !rule.is_empty())
        .count();
    if given > 1 {
        return Err(Error::NotSops(
            "it says in two ways which values are sealed".to_owned(),
        ));
    }
    let regex = |text: &str| {
        Regex::new(text).map_err(|_| Error::Unread(format!("the regular expression `{text}`")))
    };
    let [
        unsuffixed,
        suffixed,
        unmatched,
        matched,
        uncommented,
        commented,
    ] = rules.map(|rule| rule.filter(|rule| !rule.is_empty()));
    if uncommented.is_some() || commented.is_some() {
        return Err(Error::Unread("a choice of values by comments".to_owned()));
    }
    Ok(match (suffixed, unmatched, matched) {
        (Some(suffix), _, _) => Selection::Only(suffix),
        (_, Some(text), _) => Selection::AllButMatches(regex(&text)?),
        (_, _, Some(text)) => Selection::OnlyMatches(regex(&text)?),
        _ => Selection::AllBut(unsuffixed.unwrap_or_else(|| UNENCRYPTED_SUFFIX.to_owned())),
    })
}
