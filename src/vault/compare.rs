//! What another revision of a file would change in a Vault that is as the first one says: no Vault is
//! asked, so it can be told where there is none.

use serde_json::{Map, Value, json};

use super::{
    file::Bootstrap,
    ledger::{Digester, Ledger},
    normal::FieldKind,
    plan::{Holds, Kind, plan},
    report::{Shown, VaultReport},
    wanted::{Data, Mount, Wanted, What},
};
use crate::report::WorkReport;

/// Tells what changes from one file to another; either may not be there.
pub fn compare(before: Option<&Bootstrap>, after: Option<&Bootstrap>) -> WorkReport {
    let (was, wanted) = (before.map(named), after.map(named));
    let (was, wanted) = (was.unwrap_or_default(), wanted.unwrap_or_default());
    let ledger = Ledger {
        made: was
            .iter()
            .map(|one| (one.path.clone(), one.what.ledger_word()))
            .collect(),
        fields: was
            .iter()
            .filter_map(|one| Some((one.path.clone(), one.what.field_names()?)))
            .collect(),
        ..Ledger::default()
    };
    let mut actions = plan(&wanted, &holding(&was), &ledger, &Digester::passing());
    // A file that is gone says nothing of what becomes of its things: nobody looks after them any more.
    actions.retain(|action| {
        action.kind != Kind::Prune || after.is_some_and(|file| file.prune.takes(action.word))
    });
    let name = after.or(before).map(|file| file.name.clone());
    let report = VaultReport {
        name: name.unwrap_or_default(),
        actions: actions.iter().map(Shown::from).collect(),
        errors: actions
            .iter()
            .filter_map(|action| action.blocked.clone())
            .collect(),
        ..VaultReport::default()
    };
    report.to_work()
}

/// What a file wants, with where each secret comes from in place of the secret.
fn named(file: &Bootstrap) -> Vec<Wanted> {
    let mut wanted = file.wanted.clone();
    for (path, field, reference) in &file.secrets {
        for one in wanted.iter_mut().filter(|one| one.path == *path) {
            if let What::Data(_, data) = &mut one.what {
                let from = format!("(from {})", reference.describe());
                data.fields
                    .insert(field.clone(), (FieldKind::Text, from.into()));
            }
        }
    }
    wanted
}

/// A Vault that is as a file says.
fn holding(wanted: &[Wanted]) -> Holds {
    let mut holds = Holds::default();
    for one in wanted {
        let name = |path: &str| {
            format!(
                "{}/",
                path.rsplit_once("sys/audit/")
                    .map_or(path, |(_, name)| name)
            )
        };
        match &one.what {
            What::Audit(mount) => {
                holds.audit.insert(name(&one.path), mounted(mount));
            }
            What::Auth(mount) => {
                let bare = one.path.strip_prefix("auth/").unwrap_or(&one.path);
                holds.auth.insert(name(bare), mounted(mount));
            }
            What::Secrets(mount) => {
                holds.secrets.insert(name(&one.path), mounted(mount));
            }
            What::Policy(text) => {
                let name = one.path.rsplit('/').next().unwrap_or_default();
                holds.policies.insert(name.to_owned(), text.clone());
            }
            What::Data(_, data) => {
                holds.data.insert(one.path.clone(), given_back(data));
            }
        }
    }
    holds
}

fn mounted(mount: &Mount) -> Value {
    let config: Map<String, Value> = mount
        .tune
        .iter()
        .map(|(name, (_, value))| (name.clone(), value.clone()))
        .collect();
    json!({
        "type": mount.kind,
        "description": mount.description.clone().unwrap_or_default(),
        "options": mount.options,
        "config": config,
    })
}

/// Fields as a server gives them back.
fn given_back(data: &Data) -> Value {
    let mut all = json!({});
    let reads = data.rules.map(|rules| rules.reads).unwrap_or_default();
    for (name, (_, value)) in &data.fields {
        let path = reads.iter().find(|(field, _)| field == name);
        let path = path.map_or(name.as_str(), |(_, path)| path);
        let mut place = &mut all;
        for part in path.split('.') {
            if !place.is_object() {
                *place = json!({});
            }
            let Value::Object(entries) = place else {
                break;
            };
            place = entries.entry(part).or_insert(Value::Null);
        }
        *place = value.clone();
    }
    if let (Some(field), Value::Object(entries)) = (data.there_if, &mut all) {
        entries.insert(field.to_owned(), "there".into());
    }
    all
}

#[cfg(test)]
mod tests {
    use trueup_manifest::{MemoryTree, TreePath};

    use super::*;
    use crate::vault::file::load;

    fn file(spec: &str) -> Bootstrap {
        let recipient = age::x25519::Identity::generate().to_public();
        let text = format!(
            "apiVersion: trueup.dev/v1\nkind: VaultBootstrap\nmetadata: {{name: v}}\nspec:\n  \
             server: {{addresses: [\"http://a:8200\"]}}\n  \
             keys: {{age: {{path: k, recipients: [{recipient}]}}}}\n{spec}"
        );
        let mut tree = MemoryTree::new();
        tree.add("v.yaml", text).unwrap();
        load(&tree, &TreePath::new("v.yaml").unwrap()).unwrap()
    }

    #[test]
    fn what_a_revision_changes_is_told_without_a_vault() {
        let before = "  secretsEngines: [{type: database, config: {d: {plugin_name: p, connection_url: u, password: {env: A}}}}, {type: pki, config: {root: {common_name: x}}}]
  authMethods: [{type: approle, roles: {r: {ttl: 1h}, gone: {}}}]
  policies: {p: 'path \"a\" { capabilities = [\"read\"] }'}
";
        let same = before.replace("ttl: 1h", "token_ttl: 3600");
        let work = compare(Some(&file(before)), Some(&file(&same)));
        assert_eq!((work.changed, work.lines), (0, vec![]));
        let after = before
            .replace("ttl: 1h", "ttl: 2h")
            .replace(", gone: {}", "")
            .replace("env: A", "env: B")
            .replace("[\"read\"]", "[\"list\"]");
        let work = compare(Some(&file(before)), Some(&file(&after)));
        assert_eq!(
            work.lines,
            [
                "~ policy sys/policies/acl/p",
                "    policy: path \"a\" { capabilities = [\"read\"] } → path \"a\" { capabilities = [\"list\"] }",
                "~ connection database/config/d",
                "    password: (from the variable `A`) → (from the variable `B`)",
                "~ role auth/approle/role/r",
                "    token_ttl: 3600s → 7200s",
                "- role auth/approle/role/gone  (the file no longer names it)",
            ]
        );
        let all = compare(None, Some(&file(before)));
        assert_eq!(all.changed, 8);
        assert!(
            all.lines
                .iter()
                .any(|line| line == "+ auth method auth/approle")
        );
    }
}
