//! OpenAPI knowledge for Kubernetes kinds: list types, merge keys, scope, and structured merge.
