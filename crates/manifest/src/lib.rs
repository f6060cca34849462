//! The object model of trueup: object ids, manifests, origins, diagnostics and file trees.
