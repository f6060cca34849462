//! trueup keeps Kubernetes clusters true to a Git repository.
