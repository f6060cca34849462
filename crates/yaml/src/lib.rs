//! Kubernetes YAML: a fast parser with positions and emitters that print what kustomize and helm print.
