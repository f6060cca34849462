//! The kubeconfig of a server.

/// One cluster, one user, one context, all named `embedded`.
pub(super) fn text(url: &str) -> String {
    format!(
        "apiVersion: v1\n\
         kind: Config\n\
         clusters:\n\
         - name: embedded\n\
         \x20 cluster:\n\
         \x20   server: {url}\n\
         users:\n\
         - name: embedded\n\
         \x20 user: {{}}\n\
         contexts:\n\
         - name: embedded\n\
         \x20 context:\n\
         \x20   cluster: embedded\n\
         \x20   user: embedded\n\
         current-context: embedded\n"
    )
}
