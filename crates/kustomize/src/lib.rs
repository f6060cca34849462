//! Kustomize, natively: builds a kustomization into manifests.
