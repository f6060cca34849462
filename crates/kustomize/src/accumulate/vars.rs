//! Vars: names for fields of objects, gathered on the way up.

use std::collections::BTreeMap;

use trueup_manifest::{Diagnostic, Diagnostics};

use super::Accumulator;
use crate::{
    load::VarSpec,
    resource::{Gvk, ResId},
};

/// The vars of a kustomization and all below it, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vars(BTreeMap<String, VarSpec>);

impl Vars {
    fn add(&mut self, var: VarSpec) -> Result<(), Diagnostic> {
        let name = var.name.value.clone();
        if let Some(first) = self.0.get(&name) {
            return Err(Diagnostic::error(
                "kustomize/duplicate-var",
                format!("the var `{name}` is defined twice"),
            )
            .label(var.name.place, "again here")
            .label(first.name.place.clone(), "first here")
            .help("rename one of them; vars are shared by a kustomization and its bases"));
        }
        self.0.insert(name, var);
        Ok(())
    }

    pub(super) fn merge(&mut self, other: Self) -> Result<(), Diagnostics> {
        let mut complaints = Diagnostics::new();
        for var in other.0.into_values() {
            complaints.keep(self.add(var));
        }
        complaints.into_result(())
    }
}

impl Accumulator {
    /// All vars, by name.
    pub(crate) fn vars(&self) -> impl Iterator<Item = &VarSpec> {
        self.vars.0.values()
    }

    pub(crate) fn has_no_vars(&self) -> bool {
        self.vars.0.is_empty()
    }

    /// Takes in the vars of a kustomization and marks the objects they read from, by the names those
    /// have at this moment.
    pub(super) fn add_vars(&mut self, vars: &[VarSpec]) -> Result<(), Diagnostics> {
        let mut complaints = Diagnostics::new();
        for var in vars {
            let id = ResId {
                gvk: Gvk::new(&var.group, &var.version, &var.kind),
                name: var.object.as_str().into(),
                namespace: var.namespace.as_str().into(),
                // Upstream does not look up the scope of a var's kind.
                cluster_scoped: false,
            };
            // No namespace means any.
            let found = self.resources.find_by_any_id(&id.name, |candidate| {
                if id.namespace.is_empty() {
                    candidate.same_name(&id)
                } else {
                    candidate.equals(&id)
                }
            });
            match found.as_slice() {
                [] => {}
                [at] => {
                    self.resources.edit_at(*at, |resource| {
                        resource.book.vars.push(var.name.as_str().into());
                    });
                }
                several => {
                    let message = format!(
                        "the var `{}` may mean {} objects",
                        var.name.value,
                        several.len()
                    );
                    let diagnostic = Diagnostic::error("kustomize/ambiguous-var", message)
                        .at(var.name.place.clone())
                        .help("add `namespace:` to its `objref`");
                    let places = several
                        .iter()
                        .filter_map(|at| self.resources.get(*at))
                        .take(4);
                    complaints.push(places.fold(diagnostic, |diagnostic, resource| {
                        diagnostic.label(resource.location(), format!("`{}`", resource.id()))
                    }));
                }
            }
        }
        for var in vars {
            complaints.keep(self.vars.add(var.clone()));
        }
        complaints.into_result(())
    }
}
