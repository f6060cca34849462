//! `replicas`: how many pods of a workload.

use trueup_manifest::{Diagnostic, Diagnostics, nearest};
use trueup_yaml::Kind;

use super::{Specs, Transform, misfit};
use crate::{
    Context,
    load::ReplicaSpec,
    node::{self, Create, Write, each_field},
    resource::ResMap,
};

/// Sets a replica count.
pub(crate) struct Replicas {
    pub(crate) replica: ReplicaSpec,
    pub(crate) specs: Specs,
}

impl Transform for Replicas {
    fn apply(&self, context: &Context<'_>, resources: &mut ResMap) -> Result<(), Diagnostics> {
        let schemas = context.schemas();
        let mut complaints = Diagnostics::new();
        let mut found = false;
        let name = self.replica.name.as_str();
        for spec in self.specs.iter() {
            let targets = resources.find_by_any_id(name, |id| {
                *id.name == *name && id.gvk.selected_by(&spec.gvk)
            });
            found |= !targets.is_empty();
            for at in targets {
                let count = self.replica.count.to_string();
                let create = if spec.create {
                    Create::Yes(Kind::Scalar)
                } else {
                    Create::No
                };
                let result = resources.edit_at(at, |resource| {
                    if !spec.is_for(resource) {
                        return Ok(());
                    }
                    let root = resource.root();
                    let result = each_field(
                        &mut resource.doc,
                        root,
                        &spec.fields,
                        create,
                        &mut |doc, field| node::write_scalar(doc, field, &count, Write::Int),
                    );
                    resource.sync(&schemas);
                    result.map_err(|wrong| misfit(resource, &wrong, "setting the replicas"))
                });
                complaints.keep(result.unwrap_or(Ok(())));
            }
        }
        if !found {
            complaints.push(self.nothing(resources));
        }
        complaints.into_result(())
    }
}

impl Replicas {
    fn nothing(&self, resources: &ResMap) -> Diagnostic {
        let name = self.replica.name.as_str();
        let kinds: Vec<&str> = self.specs.iter().map(|spec| &*spec.gvk.kind).collect();
        let message = format!("no object named `{name}` has replicas to set");
        let names = resources
            .iter()
            .filter(|resource| kinds.contains(&&*resource.gvk().kind))
            .map(crate::resource::Resource::name);
        let diagnostic =
            Diagnostic::error("kustomize/no-target", message).at(self.replica.name.place.clone());
        match nearest(name, names) {
            Some(nearest) => diagnostic.help(format!("did you mean `{nearest}`?")),
            None => diagnostic.help(format!("replicas can be set on: {}", kinds.join(", "))),
        }
    }
}
