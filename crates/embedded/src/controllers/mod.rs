//! What a real cluster does by itself: CRDs get established, namespaces empty, owners take their
//! dependants with them.
//!
//! In: changes of the store. Out: writes to it, through the same rules as requests. One task does
//! all of it, woken by writes.

use std::sync::Arc;

use serde_json::json;

use crate::meta;
use crate::registry::GroupResource;
use crate::server::core::Core;
use crate::store::Key;
use crate::verbs::finish_if_free;

/// Brings an empty or loaded store to what a fresh cluster has.
pub(crate) fn prepare(core: &Core) {
    let namespaces = GroupResource::new("", "namespaces");
    for name in ["default", "kube-node-lease", "kube-public", "kube-system"] {
        let object = json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": name,
                "uid": core.ids.uid(),
                "creationTimestamp": core.now(),
                "labels": {"kubernetes.io/metadata.name": name},
            },
            "spec": {"finalizers": ["kubernetes"]},
            "status": {"phase": "Active"},
        });
        // Loaded from a snapshot already, mostly.
        let _ = core.store.insert(&namespaces, Key::new("", name), object);
    }
}

/// Runs until the server stops.
pub(crate) async fn run(core: Arc<Core>) {
    let mut stop = core.stopping();
    let mut writes = core.store.subscribe();
    loop {
        empty_namespaces(&core);
        tokio::select! {
            changed = writes.changed() => if changed.is_err() { return },
            _ = stop.changed() => return,
        }
    }
}

/// Empties and removes namespaces that are on their way out.
fn empty_namespaces(core: &Core) {
    let namespaces = GroupResource::new("", "namespaces");
    let (_, all) = core.store.list(&namespaces, "");
    for namespace in all
        .iter()
        .filter(|namespace| meta::deleting(&namespace.value))
    {
        let name = meta::name(&namespace.value);
        let mut empty = true;
        for collection in core.store.collections() {
            let (_, objects) = core.store.list(&collection, name);
            for object in objects.iter().filter(|o| meta::namespace(&o.value) == name) {
                let key = Key::new(name, meta::name(&object.value));
                let removed = meta::finalizers(&object.value).is_empty()
                    && core
                        .store
                        .remove(&collection, key, object.revision, object.value.clone())
                        .is_ok();
                empty &= removed;
            }
        }
        if empty && meta::finalizers(&namespace.value).is_empty() {
            let mut last = namespace.value.clone();
            meta::section(&mut last, "spec").remove("finalizers");
            let key = Key::new("", name);
            let _ = core
                .store
                .replace(&namespaces, key.clone(), namespace.revision, last);
            finish_if_free(core, &namespaces, &key);
        }
    }
}
