//! Which cluster an environment is kept true on.

use super::decode::Spanned;

/// The cluster of an environment.
#[derive(Clone, Debug, PartialEq)]
pub enum ClusterRef {
    /// A context of a kubeconfig file.
    Kubeconfig {
        /// The file; `$KUBECONFIG` or `~/.kube/config` where it is not set.
        path: Option<Spanned<String>>,
        /// The context; the file's current one where it is not set.
        context: Option<Spanned<String>>,
    },
    /// The cluster in which trueup runs, by the service account of its pod.
    InCluster,
    /// The API server inside trueup.
    Embedded,
    /// A cluster of Amazon EKS.
    Eks(Box<Eks>),
}

/// A cluster of Amazon EKS. Not built yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Eks {
    /// The name of the cluster.
    pub name: Spanned<String>,
    /// The region it is in.
    pub region: Spanned<String>,
    /// The profile of the AWS configuration to use.
    pub profile: Option<Spanned<String>>,
    /// The role to assume.
    pub role_arn: Option<Spanned<String>>,
}
