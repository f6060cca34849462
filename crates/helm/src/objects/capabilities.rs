//! `.Capabilities`: what is known of the cluster.

use std::{any::Any, borrow::Cow};

use trueup_gotemplate::{Call, Error, Kind, List, Object, Signature, Str, Type, Value};

use crate::go;

/// The Kubernetes version where none is given: what released builds of Helm 3.22 say.
pub const DEFAULT_KUBE_VERSION: &str = "v1.37.0";
/// The version of Helm whose behaviour this is, as `.Capabilities.HelmVersion` tells.
pub const HELM_VERSION: &str = "v3.22.0";

/// The API versions that Helm 3.22 assumes without a cluster: all that its client library knows.
const DEFAULT_API_VERSIONS: &[&str] = &[
    "v1",
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1",
    "admissionregistration.k8s.io/v1beta1",
    "internal.apiserver.k8s.io/v1alpha1",
    "apps/v1",
    "apps/v1beta1",
    "apps/v1beta2",
    "authentication.k8s.io/v1",
    "authentication.k8s.io/v1alpha1",
    "authentication.k8s.io/v1beta1",
    "authorization.k8s.io/v1",
    "authorization.k8s.io/v1beta1",
    "autoscaling/v1",
    "autoscaling/v2",
    "batch/v1",
    "batch/v1beta1",
    "certificates.k8s.io/v1",
    "certificates.k8s.io/v1beta1",
    "certificates.k8s.io/v1alpha1",
    "coordination.k8s.io/v1alpha2",
    "coordination.k8s.io/v1beta1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1",
    "events.k8s.io/v1beta1",
    "extensions/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "lifecycle.k8s.io/v1alpha1",
    "networking.k8s.io/v1",
    "networking.k8s.io/v1beta1",
    "node.k8s.io/v1",
    "node.k8s.io/v1alpha1",
    "node.k8s.io/v1beta1",
    "policy/v1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1",
    "rbac.authorization.k8s.io/v1beta1",
    "rbac.authorization.k8s.io/v1alpha1",
    "resource.k8s.io/v1",
    "resource.k8s.io/v1beta2",
    "resource.k8s.io/v1beta1",
    "resource.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1beta1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1beta1",
    "storage.k8s.io/v1",
    "storage.k8s.io/v1alpha1",
    "storagemigration.k8s.io/v1",
    "storagemigration.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1",
];

/// What templates may know of the cluster.
#[derive(Clone, Debug)]
pub struct Capabilities {
    kube_version: KubeVersion,
    api_versions: Vec<String>,
}

#[derive(Clone, Debug)]
struct KubeVersion {
    version: String,
    major: String,
    minor: String,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self {
            kube_version: KubeVersion {
                version: DEFAULT_KUBE_VERSION.to_owned(),
                major: "1".to_owned(),
                minor: "37".to_owned(),
            },
            api_versions: DEFAULT_API_VERSIONS
                .iter()
                .map(|v| (*v).to_owned())
                .collect(),
        }
    }
}

impl Capabilities {
    /// What a cluster of today serves, as far as that can be known without it: the APIs of the default
    /// without alpha and beta versions. Charts that ask for those first would otherwise use APIs that were
    /// removed long ago, which `helm install` never does, as it asks the cluster.
    pub fn of_a_cluster() -> Self {
        let mut capabilities = Self::default();
        let is_stable = |version: &String| !version.contains("alpha") && !version.contains("beta");
        capabilities.api_versions.retain(is_stable);
        capabilities
    }

    /// With another Kubernetes version: `1.31`, `v1.31.2-eks-1`. What follows the numbers is dropped,
    /// as `--kube-version` of Helm does.
    pub fn with_kube_version(mut self, text: &str) -> Result<Self, crate::Error> {
        let refuse = |why: String| {
            crate::Error::new(
                "helm/kube-version",
                format!("invalid kube version '{text}': {why}"),
            )
            .help("write it as `1.31` or `v1.31.2`")
        };
        let trimmed = text.trim_start();
        let digits = trimmed.strip_prefix('v').unwrap_or(trimmed);
        let end = digits
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(digits.len());
        let numbers = digits.get(..end).unwrap_or_default().trim_end_matches('.');
        let parts: Vec<&str> = numbers.split('.').collect();
        if parts.iter().any(|part| part.is_empty()) {
            return Err(refuse(format!(
                "could not parse {} as version",
                go::quote(text)
            )));
        }
        let [major, minor, ..] = parts.as_slice() else {
            return Err(refuse(format!(
                "illegal version string {}",
                go::quote(text)
            )));
        };
        if let Some(part) = parts
            .iter()
            .find(|part| part.len() > 1 && part.starts_with('0'))
        {
            return Err(refuse(format!(
                "illegal zero-prefixed version component {} in {}",
                go::quote(part),
                go::quote(text)
            )));
        }
        self.kube_version = KubeVersion {
            version: format!("v{numbers}"),
            major: (*major).to_owned(),
            minor: (*minor).to_owned(),
        };
        Ok(self)
    }

    /// With further API versions: `monitoring.coreos.com/v1`, `apps/v1/Deployment`.
    pub fn with_api_versions<S: Into<String>>(mut self, more: impl IntoIterator<Item = S>) -> Self {
        self.api_versions.extend(more.into_iter().map(Into::into));
        self
    }

    /// With these API versions alone: those of a cluster.
    pub fn with_only_api_versions(mut self, all: Vec<String>) -> Self {
        self.api_versions = all;
        self
    }

    /// What a server says of itself: its whole version (`v1.31.2-eks-7f9249a`), `1`, `31` or `31+`, and all that it
    /// serves, each as `group/version` and as `group/version/Kind`.
    pub fn of_server(version: &str, major: &str, minor: &str, api_versions: Vec<String>) -> Self {
        Self {
            kube_version: KubeVersion {
                version: version.to_owned(),
                major: major.to_owned(),
                minor: minor.to_owned(),
            },
            api_versions,
        }
    }

    /// The Kubernetes version, with its `v`.
    pub fn kube_version(&self) -> &str {
        &self.kube_version.version
    }

    /// `.Capabilities`.
    pub(crate) fn to_value(&self) -> Value {
        let versions = self.api_versions.iter().map(|v| Value::from(v.as_str()));
        let helm = vec![
            ("Version", Value::from(HELM_VERSION)),
            ("GitCommit", Value::from("")),
            ("GitTreeState", Value::from("")),
            ("GoVersion", Value::from("go1.26.8")),
        ];
        Value::object(Struct {
            type_name: "*chartutil.Capabilities",
            fields: vec![
                ("KubeVersion", Value::object(self.kube_version.clone())),
                (
                    "APIVersions",
                    Value::object(VersionSet(List::typed(Type::String, versions.collect()))),
                ),
                (
                    "HelmVersion",
                    Value::object(Struct {
                        type_name: "version.BuildInfo",
                        fields: helm,
                        json: &["version", "git_commit", "git_tree_state", "go_version"],
                    }),
                ),
            ],
            json: &["KubeVersion", "APIVersions", "HelmVersion"],
        })
    }
}

/// A struct of plain fields.
struct Struct {
    type_name: &'static str,
    fields: Vec<(&'static str, Value)>,
    json: &'static [&'static str],
}

impl Object for Struct {
    fn type_name(&self) -> Cow<'static, str> {
        self.type_name.into()
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        self.fields.clone()
    }

    fn json_fields(&self) -> Vec<(&'static str, Value)> {
        let named = self.json.iter().zip(&self.fields);
        named
            .map(|(name, (_, value))| (*name, value.clone()))
            .filter(|(_, value)| value.as_str().is_none_or(|text| !text.is_empty()))
            .collect()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Object for KubeVersion {
    fn type_name(&self) -> Cow<'static, str> {
        "chartutil.KubeVersion".into()
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("Version", Value::from(self.version.as_str())),
            ("Major", Value::from(self.major.as_str())),
            ("Minor", Value::from(self.minor.as_str())),
        ]
    }

    fn method(&self, name: &str) -> Option<Signature> {
        matches!(name, "String" | "GitVersion").then_some(Signature::of(&[]))
    }

    fn call(&self, _name: &str, _call: &mut Call<'_, '_>) -> Result<Value, Error> {
        Ok(Value::from(self.version.as_str()))
    }

    fn text(&self) -> Option<Str> {
        Some(Str::from(self.version.as_str()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// `chartutil.VersionSet`: a list with the method `Has`.
struct VersionSet(List);

impl Object for VersionSet {
    fn type_name(&self) -> Cow<'static, str> {
        "chartutil.VersionSet".into()
    }

    fn kind(&self) -> Kind {
        Kind::Slice
    }

    fn underlying(&self) -> Option<Value> {
        Some(Value::List(self.0.clone()))
    }

    fn with_underlying(&self, value: Value) -> Option<Value> {
        match value {
            Value::List(list) => Some(Value::object(Self(list))),
            _ => None,
        }
    }

    fn method(&self, name: &str) -> Option<Signature> {
        (name == "Has").then_some(Signature::of(&[Type::String]))
    }

    fn call(&self, _name: &str, call: &mut Call<'_, '_>) -> Result<Value, Error> {
        let wanted = call.string(0);
        let has = self
            .0
            .items()
            .iter()
            .any(|item| item.as_str() == Some(&wanted));
        Ok(Value::Bool(has))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_serves_no_api_that_was_removed() {
        let capabilities = Capabilities::of_a_cluster();
        let has = |api: &str| capabilities.api_versions.iter().any(|known| known == api);
        assert!(has("policy/v1") && has("autoscaling/v2") && has("v1"));
        assert!(!has("policy/v1beta1") && !has("extensions/v1beta1"));
    }

    #[test]
    fn a_kube_version_is_read_as_by_helm() {
        for (text, expected) in [
            ("1.31", Ok("v1.31")),
            ("v1.31.2-eks-1", Ok("v1.31.2")),
            ("1.31.2+k3s1", Ok("v1.31.2")),
            (
                "1",
                Err("invalid kube version '1': illegal version string \"1\""),
            ),
            (
                "x",
                Err("invalid kube version 'x': could not parse \"x\" as version"),
            ),
            (
                "1.01",
                Err(
                    "invalid kube version '1.01': illegal zero-prefixed version component \"01\" in \"1.01\"",
                ),
            ),
        ] {
            let read = Capabilities::default().with_kube_version(text);
            let read = read
                .as_ref()
                .map(Capabilities::kube_version)
                .map_err(crate::Error::text);
            assert_eq!(read, expected);
        }
    }
}
