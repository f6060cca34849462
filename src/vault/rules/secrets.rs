//! The paths of secrets engines.

use super::{
    FieldKind::{
        Any, Bool, Duration, Int, Json, Lines, List, Pairs, Passing, Set, Text, WriteOnly,
    },
    Rules, data, whole,
};

const AWS_ROLE: Rules = data(&[
    ("credential_type", Text),
    ("role_arns", Set),
    ("policy_arns", Set),
    ("policy_document", Json),
    ("iam_groups", Set),
    ("iam_tags", Any),
    ("session_tags", Any),
    ("external_id", Text),
    ("default_sts_ttl", Duration),
    ("max_sts_ttl", Duration),
    ("user_path", Text),
    ("permissions_boundary_arn", Text),
    ("mfa_serial_number", Text),
]);

const AWS_ROOT: Rules = data(&[
    ("access_key", Text),
    ("secret_key", WriteOnly),
    ("region", Text),
    ("iam_endpoint", Text),
    ("sts_endpoint", Text),
    ("sts_region", Text),
    ("sts_fallback_endpoints", List),
    ("sts_fallback_regions", List),
    ("max_retries", Int),
    ("username_template", Text),
    ("role_arn", Text),
    ("identity_token_audience", Text),
    ("identity_token_ttl", Duration),
    ("rotation_period", Duration),
    ("rotation_schedule", Text),
    ("rotation_window", Duration),
    ("disable_automated_rotation", Bool),
]);

const AWS_LEASE: Rules = whole(&[("lease", Duration), ("lease_max", Duration)]);

const KV2_CONFIG: Rules = data(&[
    ("max_versions", Int),
    ("cas_required", Bool),
    ("delete_version_after", Duration),
]);

/// What can be said of a transit key: what it is, and its settings.
pub(in crate::vault) const TRANSIT: Rules = data(&[
    ("type", Text),
    ("derived", Bool),
    ("convergent_encryption", Bool),
    ("min_decryption_version", Int),
    ("min_encryption_version", Int),
    ("deletion_allowed", Bool),
    ("exportable", Bool),
    ("allow_plaintext_backup", Bool),
    ("auto_rotate_period", Duration),
]);

const TRANSIT_KEY: Rules = Rules {
    fixed: &["type", "derived", "convergent_encryption"],
    ..data(&[
        ("type", Text),
        ("derived", Bool),
        ("convergent_encryption", Bool),
    ])
};

/// What of a transit key can be changed, at a path of its own.
const TRANSIT_SETTINGS: Rules = data(&[
    ("min_decryption_version", Int),
    ("min_encryption_version", Int),
    ("deletion_allowed", Bool),
    ("exportable", Bool),
    ("allow_plaintext_backup", Bool),
    ("auto_rotate_period", Duration),
]);

const TRANSIT_CONFIG: Rules = data(&[("disable_upsert", Bool)]);

/// A certificate authority that the engine makes for itself, once.
const PKI_ROOT: Rules = data(&[
    ("common_name", Passing),
    ("issuer_name", Passing),
    ("key_name", Passing),
    ("alt_names", Passing),
    ("ip_sans", Passing),
    ("uri_sans", Passing),
    ("ttl", Passing),
    ("not_after", Passing),
    ("key_type", Passing),
    ("key_bits", Passing),
    ("signature_bits", Passing),
    ("max_path_length", Passing),
    ("exclude_cn_from_sans", Passing),
    ("permitted_dns_domains", Passing),
    ("ou", Passing),
    ("organization", Passing),
    ("country", Passing),
    ("locality", Passing),
    ("province", Passing),
    ("street_address", Passing),
    ("postal_code", Passing),
]);

const PKI_URLS: Rules = data(&[
    ("issuing_certificates", Set),
    ("crl_distribution_points", Set),
    ("delta_crl_distribution_points", Set),
    ("ocsp_servers", Set),
    ("enable_templating", Bool),
]);

const PKI_CRL: Rules = data(&[
    ("expiry", Duration),
    ("disable", Bool),
    ("ocsp_disable", Bool),
    ("ocsp_expiry", Duration),
    ("auto_rebuild", Bool),
    ("auto_rebuild_grace_period", Duration),
    ("enable_delta", Bool),
    ("delta_rebuild_interval", Duration),
    ("cross_cluster_revocation", Bool),
    ("unified_crl", Bool),
    ("unified_crl_on_existing_paths", Bool),
    ("max_crl_entries", Int),
]);

const PKI_CLUSTER: Rules = data(&[("path", Text), ("aia_path", Text)]);

const PKI_ACME: Rules = data(&[
    ("enabled", Bool),
    ("allowed_issuers", Set),
    ("allowed_roles", Set),
    ("allow_role_ext_key_usage", Bool),
    ("default_directory_policy", Text),
    ("dns_resolver", Text),
    ("eab_policy", Text),
    ("max_ttl", Duration),
]);

const PKI_ROLE: Rules = whole(&[
    ("ttl", Duration),
    ("max_ttl", Duration),
    ("allow_token_displayname", Bool),
    ("allow_localhost", Bool),
    ("allowed_domains", Set),
    ("allowed_domains_template", Bool),
    ("allow_bare_domains", Bool),
    ("allow_subdomains", Bool),
    ("allow_glob_domains", Bool),
    ("allow_wildcard_certificates", Bool),
    ("allow_any_name", Bool),
    ("enforce_hostnames", Bool),
    ("allow_ip_sans", Bool),
    ("allowed_uri_sans", Set),
    ("allowed_uri_sans_template", Bool),
    ("allowed_other_sans", Set),
    ("allowed_serial_numbers", Set),
    ("allowed_user_ids", Set),
    ("server_flag", Bool),
    ("client_flag", Bool),
    ("code_signing_flag", Bool),
    ("email_protection_flag", Bool),
    ("key_type", Text),
    ("key_bits", Int),
    ("signature_bits", Int),
    ("use_pss", Bool),
    ("key_usage", Set),
    ("ext_key_usage", Set),
    ("ext_key_usage_oids", Set),
    ("use_csr_common_name", Bool),
    ("use_csr_sans", Bool),
    ("serial_number_source", Text),
    ("ou", Set),
    ("organization", Set),
    ("country", Set),
    ("locality", Set),
    ("province", Set),
    ("street_address", Set),
    ("postal_code", Set),
    ("generate_lease", Bool),
    ("no_store", Bool),
    ("require_cn", Bool),
    ("cn_validations", Set),
    ("policy_identifiers", Set),
    ("basic_constraints_valid_for_non_ca", Bool),
    ("not_before_duration", Duration),
    ("not_after", Text),
    ("issuer_ref", Text),
]);

/// A connection of the database engine. What is its plugin's own lies in the answer's
/// `connection_details`; the names are those of the SQL plugins.
const DATABASE_CONNECTION: Rules = Rules {
    fixed: &["plugin_name"],
    reads: &[
        ("connection_url", "connection_details.connection_url"),
        ("username", "connection_details.username"),
        ("username_template", "connection_details.username_template"),
        (
            "max_open_connections",
            "connection_details.max_open_connections",
        ),
        (
            "max_idle_connections",
            "connection_details.max_idle_connections",
        ),
        (
            "max_connection_lifetime",
            "connection_details.max_connection_lifetime",
        ),
        (
            "password_authentication",
            "connection_details.password_authentication",
        ),
        ("tls_ca", "connection_details.tls_ca"),
        ("disable_escaping", "connection_details.disable_escaping"),
        (
            "root_rotation_statements",
            "root_credentials_rotate_statements",
        ),
    ],
    ..data(&[
        ("plugin_name", Text),
        ("plugin_version", Text),
        ("verify_connection", Passing),
        ("allowed_roles", Set),
        ("root_rotation_statements", Lines),
        ("password_policy", Text),
        ("connection_url", Text),
        ("username", Text),
        ("password", WriteOnly),
        ("private_key", WriteOnly),
        ("username_template", Text),
        ("max_open_connections", Int),
        ("max_idle_connections", Int),
        ("max_connection_lifetime", Duration),
        ("password_authentication", Text),
        ("tls_ca", Text),
        ("tls_certificate", WriteOnly),
        ("disable_escaping", Bool),
        ("rotation_period", Duration),
        ("rotation_schedule", Text),
        ("rotation_window", Duration),
        ("disable_automated_rotation", Bool),
    ])
};

const DATABASE_ROLE: Rules = data(&[
    ("db_name", Text),
    ("default_ttl", Duration),
    ("max_ttl", Duration),
    ("creation_statements", Lines),
    ("revocation_statements", Lines),
    ("rollback_statements", Lines),
    ("renew_statements", Lines),
    ("credential_type", Text),
    ("credential_config", Pairs),
]);

/// The key that signs: made or given once.
const SSH_CA: Rules = data(&[
    ("generate_signing_key", Passing),
    ("key_type", Passing),
    ("key_bits", Passing),
    ("private_key", WriteOnly),
    ("public_key", Passing),
]);

const SSH_ROLE: Rules = Rules {
    fixed: &["key_type"],
    ..whole(&[
        ("key_type", Text),
        ("default_user", Text),
        ("default_user_template", Bool),
        ("cidr_list", Text),
        ("exclude_cidr_list", Text),
        ("port", Int),
        ("allowed_users", Text),
        ("allowed_users_template", Bool),
        ("allowed_domains", Text),
        ("allowed_domains_template", Bool),
        ("ttl", Duration),
        ("max_ttl", Duration),
        ("allowed_critical_options", Text),
        ("allowed_extensions", Text),
        ("default_critical_options", Pairs),
        ("default_extensions", Pairs),
        ("default_extensions_template", Bool),
        ("allow_user_certificates", Bool),
        ("allow_host_certificates", Bool),
        ("allow_bare_domains", Bool),
        ("allow_subdomains", Bool),
        ("allow_user_key_ids", Bool),
        ("key_id_format", Text),
        ("allowed_user_key_lengths", Any),
        ("algorithm_signer", Text),
        ("not_before_duration", Duration),
        ("allow_empty_principals", Bool),
    ])
};

/// The rules of the paths under a secrets mount of a type.
pub(in crate::vault) fn secrets(kind: &str, rest: &str) -> Option<Rules> {
    let (first, tail) = rest.split_once('/').unwrap_or((rest, ""));
    match (kind, first, tail) {
        ("aws", "config", "root") => Some(AWS_ROOT),
        ("aws", "config", "lease") => Some(AWS_LEASE),
        ("kv", "config", "") => Some(KV2_CONFIG),
        ("transit", "config", "keys") => Some(TRANSIT_CONFIG),
        ("transit", "keys", rest) if rest.ends_with("/config") => Some(TRANSIT_SETTINGS),
        ("pki", "root", _) => Some(PKI_ROOT),
        ("pki", "config", "urls") => Some(PKI_URLS),
        ("pki", "config", "crl") => Some(PKI_CRL),
        ("pki", "config", "cluster") => Some(PKI_CLUSTER),
        ("pki", "config", "acme") => Some(PKI_ACME),
        ("database", "config", name) if !name.is_empty() => Some(DATABASE_CONNECTION),
        ("ssh", "config", "ca") => Some(SSH_CA),
        (_, folder, name) if !name.is_empty() && role_folder(kind) == Some(folder) => match kind {
            "aws" => Some(AWS_ROLE),
            "database" => Some(DATABASE_ROLE),
            "pki" => Some(PKI_ROLE),
            "ssh" => Some(SSH_ROLE),
            "transit" => Some(TRANSIT_KEY),
            _ => None,
        },
        _ => None,
    }
}

/// The parts that the configuration of a type falls into, each with a path of its own below the
/// mount. None where it is one.
pub(in crate::vault) fn parts(kind: &str) -> Option<&'static [(&'static str, &'static str)]> {
    match kind {
        "aws" => Some(&[("root", "config/root"), ("lease", "config/lease")]),
        "pki" => Some(&[
            ("root", "root/generate/internal"),
            ("urls", "config/urls"),
            ("crl", "config/crl"),
            ("cluster", "config/cluster"),
            ("acme", "config/acme"),
        ]),
        "ssh" => Some(&[("ca", "config/ca")]),
        "transit" => Some(&[("keys", "config/keys")]),
        _ => None,
    }
}

/// What stands for the roles of a secrets engine in its paths.
pub(in crate::vault) fn role_folder(kind: &str) -> Option<&'static str> {
    match kind {
        "aws" | "database" | "pki" | "ssh" => Some("roles"),
        "transit" => Some("keys"),
        _ => None,
    }
}
