//! The paths of auth methods.

use super::{
    FieldKind::{Any, Bool, Duration, Int, Json, List, LowerName, Pairs, Set, Text, WriteOnly},
    Rules, data, tokens, whole,
};

const AWS_ROLE: Rules = Rules {
    fixed: &["auth_type"],
    stays_true: &["resolve_aws_unique_ids"],
    ..tokens(&[
        ("auth_type", Text),
        ("resolve_aws_unique_ids", Bool),
        ("bound_ami_id", Set),
        ("bound_account_id", Set),
        ("bound_region", Set),
        ("bound_vpc_id", Set),
        ("bound_subnet_id", Set),
        ("bound_iam_role_arn", Set),
        ("bound_iam_instance_profile_arn", Set),
        ("bound_ec2_instance_id", Set),
        ("bound_iam_principal_arn", Set),
        ("role_tag", Text),
        ("inferred_entity_type", Text),
        ("inferred_aws_region", Text),
        ("allow_instance_migration", Bool),
        ("disallow_reauthentication", Bool),
    ])
};

const AWS_CLIENT: Rules = data(&[
    ("access_key", Text),
    ("secret_key", WriteOnly),
    ("endpoint", Text),
    ("iam_endpoint", Text),
    ("sts_endpoint", Text),
    ("sts_region", Text),
    ("use_sts_region_from_client", Bool),
    ("iam_server_id_header_value", Text),
    ("allowed_sts_header_values", Set),
    ("max_retries", Int),
    ("role_arn", Text),
    ("identity_token_audience", Text),
    ("identity_token_ttl", Duration),
]);

const AWS_IDENTITY: Rules = data(&[
    ("iam_alias", Text),
    ("iam_metadata", Set),
    ("ec2_alias", Text),
    ("ec2_metadata", Set),
]);

const AWS_STS: Rules = whole(&[("sts_role", Text), ("external_id", Text)]);

const APPROLE_ROLE: Rules = Rules {
    fixed: &["local_secret_ids"],
    ..tokens(&[
        ("bind_secret_id", Bool),
        ("secret_id_bound_cidrs", Set),
        ("secret_id_num_uses", Int),
        ("secret_id_ttl", Duration),
        ("local_secret_ids", Bool),
    ])
};

const KUBERNETES_CONFIG: Rules = whole(&[
    ("kubernetes_host", Text),
    ("kubernetes_ca_cert", Text),
    ("token_reviewer_jwt", WriteOnly),
    ("pem_keys", List),
    ("disable_local_ca_jwt", Bool),
    ("disable_iss_validation", Bool),
    ("issuer", Text),
    ("use_annotations_as_alias_metadata", Bool),
]);

const KUBERNETES_ROLE: Rules = tokens(&[
    ("bound_service_account_names", Set),
    ("bound_service_account_namespaces", Set),
    ("bound_service_account_namespace_selector", Json),
    ("audience", Text),
    ("alias_name_source", Text),
]);

const USERPASS_USER: Rules = tokens(&[("password", WriteOnly)]);

const JWT_CONFIG: Rules = whole(&[
    ("oidc_discovery_url", Text),
    ("oidc_discovery_ca_pem", Text),
    ("oidc_client_id", Text),
    ("oidc_client_secret", WriteOnly),
    ("oidc_response_mode", Text),
    ("oidc_response_types", Set),
    ("jwks_url", Text),
    ("jwks_ca_pem", Text),
    ("jwks_pairs", Any),
    ("default_role", LowerName),
    ("jwt_validation_pubkeys", List),
    ("jwt_supported_algs", Set),
    ("bound_issuer", Text),
    ("provider_config", Any),
    ("namespace_in_state", Bool),
    ("unsupported_critical_cert_extensions", Set),
]);

const JWT_ROLE: Rules = tokens(&[
    ("role_type", Text),
    ("expiration_leeway", Duration),
    ("not_before_leeway", Duration),
    ("clock_skew_leeway", Duration),
    ("bound_subject", Text),
    ("bound_audiences", Set),
    ("bound_claims_type", Text),
    ("bound_claims", Any),
    ("claim_mappings", Pairs),
    ("user_claim", Text),
    ("user_claim_json_pointer", Bool),
    ("groups_claim", Text),
    ("oidc_scopes", Set),
    ("allowed_redirect_uris", Set),
    ("verbose_oidc_logging", Bool),
    ("max_age", Duration),
]);

const CERT_CONFIG: Rules = data(&[
    ("disable_binding", Bool),
    ("enable_identity_alias_metadata", Bool),
    ("enable_metadata_on_failures", Bool),
    ("ocsp_cache_size", Int),
    ("role_cache_size", Int),
]);

const CERT_ROLE: Rules = tokens(&[
    ("certificate", Text),
    ("display_name", Text),
    ("allowed_names", Set),
    ("allowed_common_names", Set),
    ("allowed_dns_sans", Set),
    ("allowed_email_sans", Set),
    ("allowed_uri_sans", Set),
    ("allowed_organizational_units", Set),
    ("allowed_organizations", Set),
    ("required_extensions", Set),
    ("allowed_metadata_extensions", Set),
    ("ocsp_enabled", Bool),
    ("ocsp_ca_certificates", Text),
    ("ocsp_servers_override", Set),
    ("ocsp_fail_open", Bool),
    ("ocsp_query_all_servers", Bool),
    ("ocsp_this_update_max_age", Duration),
    ("ocsp_max_retries", Int),
]);

/// The rules of the paths under an auth mount of a type: by what follows the mount's path.
pub(in crate::vault) fn auth(kind: &str, rest: &str) -> Option<Rules> {
    let (first, tail) = rest.split_once('/').unwrap_or((rest, ""));
    match (kind, first, tail) {
        ("aws", "config", "client") => Some(AWS_CLIENT),
        ("aws", "config", "identity") => Some(AWS_IDENTITY),
        ("aws", "config", sts) if sts.starts_with("sts/") => Some(AWS_STS),
        ("kubernetes", "config", "") => Some(KUBERNETES_CONFIG),
        ("jwt" | "oidc", "config", "") => Some(JWT_CONFIG),
        ("cert", "config", "") => Some(CERT_CONFIG),
        (_, folder, name) if !name.is_empty() && role_folder(kind) == Some(folder) => {
            Some(match kind {
                "aws" => AWS_ROLE,
                "approle" => APPROLE_ROLE,
                "cert" => CERT_ROLE,
                "jwt" | "oidc" => JWT_ROLE,
                "kubernetes" => KUBERNETES_ROLE,
                _ => USERPASS_USER,
            })
        }
        _ => None,
    }
}

/// What stands for the roles of an auth method in its paths.
pub(in crate::vault) fn role_folder(kind: &str) -> Option<&'static str> {
    match kind {
        "aws" | "approle" | "kubernetes" | "jwt" | "oidc" => Some("role"),
        "userpass" => Some("users"),
        "cert" => Some("certs"),
        _ => None,
    }
}
