//! What the fields of Vault's own paths hold.
//!
//! Vault takes unknown parameters without a word and forgets them (204, measured on 1.21.0 and on
//! `OpenBao` 2.7.2), so a typing error would look like success. These tables are what makes it an
//! error. They follow the path schemas of the engines, and the forms in which the server reads
//! values back.

use super::normal::FieldKind::{self, Any, Bool, Duration, Int, Json, List, Set, Text, WriteOnly};

/// The fields that a kind of path knows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// Its fields.
    pub fields: &'static [(&'static str, FieldKind)],
    /// Older names and the ones that stand for them now.
    pub aliases: &'static [(&'static str, &'static str)],
    /// Fields that cannot be changed: another value means delete and create.
    pub fixed: &'static [&'static str],
    /// Whether token fields (`token_ttl` and the like) are known too.
    pub tokens: bool,
}

impl Rules {
    /// What a field holds; none where there is no such field.
    pub(super) fn field(&self, name: &str) -> Option<FieldKind> {
        let own = self.fields.iter();
        let tokens = if self.tokens { TOKENS } else { &[] };
        let mut all = own.chain(tokens);
        all.find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }

    /// The name of today for a field.
    pub(super) fn canonical<'a>(&self, name: &'a str) -> &'a str {
        let own = self.aliases.iter();
        let tokens: &[(&str, &str)] = if self.tokens { TOKEN_ALIASES } else { &[] };
        let mut all = own.chain(tokens);
        all.find(|(alias, _)| *alias == name)
            .map_or(name, |(_, canonical)| canonical)
    }

    /// The names of all fields, for suggestions.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        let tokens = if self.tokens { TOKENS } else { &[] };
        self.fields.iter().chain(tokens).map(|(name, _)| *name)
    }
}

/// Fields of every role that gives tokens.
const TOKENS: &[(&str, FieldKind)] = &[
    ("token_ttl", Duration),
    ("token_max_ttl", Duration),
    ("token_period", Duration),
    ("token_explicit_max_ttl", Duration),
    ("token_policies", Set),
    ("token_bound_cidrs", Set),
    ("token_no_default_policy", Bool),
    ("token_num_uses", Int),
    ("token_type", Text),
    ("alias_metadata", Any),
];

const TOKEN_ALIASES: &[(&str, &str)] = &[
    ("policies", "token_policies"),
    ("ttl", "token_ttl"),
    ("max_ttl", "token_max_ttl"),
    ("period", "token_period"),
    ("bound_cidrs", "token_bound_cidrs"),
    ("num_uses", "token_num_uses"),
];

const fn data(fields: &'static [(&'static str, FieldKind)]) -> Rules {
    Rules {
        fields,
        aliases: &[],
        fixed: &[],
        tokens: false,
    }
}

const AWS_AUTH_ROLE: Rules = Rules {
    fields: &[
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
    ],
    aliases: &[],
    fixed: &["auth_type", "resolve_aws_unique_ids"],
    tokens: true,
};

const AWS_AUTH_CLIENT: Rules = data(&[
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

const AWS_AUTH_IDENTITY: Rules = data(&[
    ("iam_alias", Text),
    ("iam_metadata", Set),
    ("ec2_alias", Text),
    ("ec2_metadata", Set),
]);

const AWS_AUTH_STS: Rules = data(&[("sts_role", Text), ("external_id", Text)]);

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

const AWS_LEASE: Rules = data(&[("lease", Duration), ("lease_max", Duration)]);

const APPROLE_ROLE: Rules = Rules {
    fields: &[
        ("bind_secret_id", Bool),
        ("secret_id_bound_cidrs", Set),
        ("secret_id_num_uses", Int),
        ("secret_id_ttl", Duration),
        ("local_secret_ids", Bool),
    ],
    aliases: &[],
    fixed: &["local_secret_ids"],
    tokens: true,
};

const KUBERNETES_CONFIG: Rules = data(&[
    ("kubernetes_host", Text),
    ("kubernetes_ca_cert", Text),
    ("token_reviewer_jwt", WriteOnly),
    ("pem_keys", List),
    ("disable_local_ca_jwt", Bool),
    ("disable_iss_validation", Bool),
    ("issuer", Text),
    ("use_annotations_as_alias_metadata", Bool),
]);

const KUBERNETES_ROLE: Rules = Rules {
    fields: &[
        ("bound_service_account_names", Set),
        ("bound_service_account_namespaces", Set),
        ("bound_service_account_namespace_selector", Json),
        ("audience", Text),
        ("alias_name_source", Text),
    ],
    aliases: &[],
    fixed: &[],
    tokens: true,
};

const USERPASS_USER: Rules = Rules {
    fields: &[("password", WriteOnly)],
    aliases: &[],
    fixed: &[],
    tokens: true,
};

const KV2_CONFIG: Rules = data(&[
    ("max_versions", Int),
    ("cas_required", Bool),
    ("delete_version_after", Duration),
]);

const TRANSIT_KEY: Rules = Rules {
    fields: &[
        ("type", Text),
        ("derived", Bool),
        ("convergent_encryption", Bool),
        ("exportable", Bool),
        ("allow_plaintext_backup", Bool),
    ],
    aliases: &[],
    fixed: &["type", "derived", "convergent_encryption"],
    tokens: false,
};

/// The rules of the paths under an auth mount of a type: by what follows the mount's path.
pub(super) fn auth(kind: &str, rest: &str) -> Option<Rules> {
    let (first, tail) = rest.split_once('/').unwrap_or((rest, ""));
    match (kind, first, tail) {
        ("aws", "role", name) if !name.is_empty() => Some(AWS_AUTH_ROLE),
        ("aws", "config", "client") => Some(AWS_AUTH_CLIENT),
        ("aws", "config", "identity") => Some(AWS_AUTH_IDENTITY),
        ("aws", "config", sts) if sts.starts_with("sts/") => Some(AWS_AUTH_STS),
        ("approle", "role", name) if !name.is_empty() => Some(APPROLE_ROLE),
        ("kubernetes", "config", "") => Some(KUBERNETES_CONFIG),
        ("kubernetes", "role", name) if !name.is_empty() => Some(KUBERNETES_ROLE),
        ("userpass", "users", name) if !name.is_empty() => Some(USERPASS_USER),
        _ => None,
    }
}

/// The rules of the paths under a secrets mount of a type.
pub(super) fn secrets(kind: &str, rest: &str) -> Option<Rules> {
    let (first, tail) = rest.split_once('/').unwrap_or((rest, ""));
    match (kind, first, tail) {
        ("aws", "roles", name) if !name.is_empty() => Some(AWS_ROLE),
        ("aws", "config", "root") => Some(AWS_ROOT),
        ("aws", "config", "lease") => Some(AWS_LEASE),
        ("kv", "config", "") => Some(KV2_CONFIG),
        ("transit", "keys", name) if !name.is_empty() => Some(TRANSIT_KEY),
        _ => None,
    }
}

/// What stands for the roles of an auth method in its paths.
pub(super) fn auth_role_folder(kind: &str) -> Option<&'static str> {
    match kind {
        "aws" | "approle" | "kubernetes" => Some("role"),
        "userpass" => Some("users"),
        _ => None,
    }
}

/// What stands for the roles of a secrets engine in its paths.
pub(super) fn secrets_role_folder(kind: &str) -> Option<&'static str> {
    match kind {
        "aws" => Some("roles"),
        "transit" => Some("keys"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_names_of_token_fields_stand_for_those_of_today() {
        let rules = auth("aws", "role/x").unwrap();
        assert_eq!(rules.canonical("policies"), "token_policies");
        assert_eq!(rules.field("token_policies"), Some(Set));
        assert_eq!(rules.field("bound_iam_principle_arn"), None);
    }
}
