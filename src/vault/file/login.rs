//! `spec.auth` and `spec.verify`: how trueup logs in on later runs, and how it shows that others can.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use trueup_yaml::Location;

use crate::{
    aws::Provider,
    config::{Field, Fields, Shape, Type, Value},
    vault::{
        normal::normal,
        rules::{self, Rules},
        wanted::{Class, Data, Mount, Wanted, What},
    },
};

/// How somebody logs in.
#[derive(Clone, Debug)]
pub struct LoginAt {
    /// Where the auth method is mounted, below `auth/`.
    pub mount: String,
    /// The role.
    pub role: String,
    /// What proves who asks.
    pub by: LoginBy,
    /// Where it is written.
    pub location: Option<Location>,
}

/// What proves who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginBy {
    /// A secret id, which is made by the bootstrap and kept sealed beside the keys.
    AppRole,
    /// The token of a service account.
    Kubernetes {
        /// The file that holds it.
        token_file: String,
    },
    /// A signed request to AWS.
    Aws {
        /// The value of `X-Vault-AWS-IAM-Server-ID`; none where the server asks for none.
        server_id: Option<String>,
        /// The region whose STS is asked; none for the global one.
        region: Option<String>,
        /// Whose keys sign it.
        provider: Provider,
    },
}

/// Something that has to work once everything is configured.
#[derive(Clone, Debug)]
pub struct Check {
    /// Who logs in.
    pub login: LoginAt,
    /// What they read.
    pub reads: Vec<String>,
    /// What they must not be able to read.
    pub refused: Vec<String>,
}

/// The policy of trueup's own login.
const POLICY: &str = "trueup";

/// What it allows: to bring about whatever a file may declare.
const POLICY_TEXT: &str = "path \"*\" {\n  capabilities = [\"create\", \"read\", \"update\", \"delete\", \"list\", \"sudo\"]\n}\n";

/// Where a pod finds the token of its service account.
const TOKEN_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";

const MOUNT: Field = Field::default(
    "mount",
    Type::Text("a path below `auth/`"),
    "trueup",
    "Where the auth method is mounted, below `auth/`.",
);

const ROLE: Field = Field::default("role", Type::Text("a name"), "trueup", "The role.");

pub(super) const AUTH: Shape = Shape {
    name: "`auth`",
    title: "Auth",
    about: "How trueup logs in on later runs. The bootstrap makes the auth method, the role and the policy \
            `trueup`, where the file does not declare them itself. Exactly one of the fields is given. The token \
            is revoked at the end of each run; where the login does not work, one is made of the shares.",
    fields: &[
        Field::optional(
            "approle",
            Type::Shape(&APPROLE),
            "By a secret id that the bootstrap makes and keeps, sealed, beside the keys.",
        ),
        Field::optional(
            "kubernetes",
            Type::Shape(&KUBERNETES),
            "By the token of the service account that trueup runs as.",
        ),
        Field::optional(
            "aws",
            Type::Shape(&AWS),
            "By a signed request to AWS. `authMethods` configures how the server asks AWS.",
        ),
    ],
    one_of: &["approle", "kubernetes", "aws"],
    example: "approle: {}",
};

const APPROLE: Shape = Shape {
    name: "`approle`",
    title: "AuthAppRole",
    about: "",
    fields: &[MOUNT, ROLE],
    one_of: &[],
    example: "{mount: trueup, role: trueup}",
};

const KUBERNETES: Shape = Shape {
    name: "`kubernetes`",
    title: "AuthKubernetes",
    about: "",
    fields: &[
        MOUNT,
        ROLE,
        Field::required(
            "serviceAccount",
            Type::Shape(&ACCOUNT),
            "The service account that trueup runs as.",
        ),
        Field::default(
            "host",
            Type::Text("a URL"),
            "https://kubernetes.default.svc",
            "Where the Vault asks whether a token is good. Another configuration of the method is declared in \
             `authMethods`.",
        ),
        Field::default(
            "tokenFile",
            Type::Text("a path on the machine that runs trueup"),
            TOKEN_FILE,
            "The file that holds its token.",
        ),
    ],
    one_of: &[],
    example: "serviceAccount: {namespace: trueup-system, name: trueup}",
};

const ACCOUNT: Shape = Shape {
    name: "`serviceAccount`",
    title: "ServiceAccount",
    about: "",
    fields: &[
        Field::required("namespace", Type::Text("a namespace"), "The namespace."),
        Field::required("name", Type::Text("a name"), "The name."),
    ],
    one_of: &[],
    example: "{namespace: trueup-system, name: trueup}",
};

const SERVER_ID: Field = Field::optional(
    "serverId",
    Type::Text("the value of a header"),
    "The value of `X-Vault-AWS-IAM-Server-ID`, where the method has `iam_server_id_header_value`.",
);

const REGION: Field = Field::optional(
    "region",
    Type::Text("a region"),
    "The region whose STS is asked; the global one where it is not set.",
);

const PROFILE: Field = Field::optional(
    "profile",
    Type::Text("a profile"),
    "A profile of the credentials file. Without it: variables, the role of a pod, the default profile.",
);

const ASSUME: Field = Field::optional(
    "assumeRole",
    Type::Text("the ARN of a role"),
    "A role to assume first.",
);

const AWS: Shape = Shape {
    name: "`aws`",
    title: "AuthAws",
    about: "",
    fields: &[
        MOUNT,
        ROLE,
        Field::required(
            "principal",
            Type::Text("an ARN"),
            "The role or user in AWS that trueup runs as.",
        ),
        SERVER_ID,
        REGION,
        PROFILE,
        ASSUME,
    ],
    one_of: &[],
    example: "{principal: \"arn:aws:iam::111122223333:role/trueup\", serverId: vault.example.com}",
};

pub(super) const CHECK: Shape = Shape {
    name: "a check",
    title: "Check",
    about: "Shows that somebody else can log in and read what they should, after something was configured and \
            by `trueup vault verify`. What is read is never shown.",
    fields: &[
        Field::required("aws", Type::Shape(&CHECK_AWS), "Who logs in, by AWS."),
        Field::default(
            "reads",
            Type::List(&Type::Text("a path below `/v1/`")),
            "[]",
            "What they must be able to read.",
        ),
        Field::default(
            "refused",
            Type::List(&Type::Text("a path below `/v1/`")),
            "[]",
            "What they must not be able to read.",
        ),
    ],
    one_of: &[],
    example: "{aws: {role: daft-service-role}, reads: [aws/sts/userrole-jay@example.com]}",
};

const CHECK_AWS: Shape = Shape {
    name: "`aws`",
    title: "CheckAws",
    about: "",
    fields: &[
        Field::default(
            "mount",
            Type::Text("a path below `auth/`"),
            "aws",
            "Where the auth method is mounted, below `auth/`.",
        ),
        Field::required("role", Type::Text("a name"), "The role."),
        SERVER_ID,
        REGION,
        PROFILE,
        ASSUME,
    ],
    one_of: &[],
    example: "{role: daft-service-role, serverId: vault.example.com}",
};

fn text(fields: &Fields<'_>, name: &'static str) -> Option<String> {
    let value = fields.optional(name).and_then(Value::text)?;
    Some(value.value)
}

fn by_aws(fields: &Fields<'_>) -> LoginBy {
    LoginBy::Aws {
        server_id: text(fields, "serverId"),
        region: text(fields, "region"),
        provider: Provider {
            profile: text(fields, "profile"),
            assume_role: text(fields, "assumeRole"),
        },
    }
}

/// Reads `auth`, and adds what it takes to what is wanted, where the file does not declare it.
pub(super) fn auth(value: Value<'_>, wanted: &mut Vec<Wanted>) -> Option<LoginAt> {
    let fields = value.fields(&AUTH)?;
    let (which, at) = fields.choice()?;
    let shape = match which {
        "approle" => &APPROLE,
        "kubernetes" => &KUBERNETES,
        _ => &AWS,
    };
    let fields = at.fields(shape)?;
    let name = |name: &'static str| text(&fields, name).unwrap_or_else(|| "trueup".to_owned());
    let (mount, role) = (name("mount"), name("role"));
    let mount = mount.trim_matches('/').to_owned();
    let folder = rules::auth_role_folder(which).unwrap_or("role");
    let mut needs = Needs {
        mount: format!("auth/{mount}"),
        kind: which,
        role: format!("auth/{mount}/{folder}/{role}"),
        config: None,
        fields: BTreeMap::new(),
    };
    needs.fields.insert("token_policies", json!([POLICY]));
    needs.fields.insert("token_ttl", json!("20m"));
    needs.fields.insert("token_max_ttl", json!("1h"));
    let by = match which {
        "approle" => LoginBy::AppRole,
        "kubernetes" => {
            let account = fields.required("serviceAccount")?.fields(&ACCOUNT)?;
            let namespace = account.required("namespace").and_then(Value::text)?;
            let name = account.required("name").and_then(Value::text)?;
            let mut bound = |field, value: String| needs.fields.insert(field, json!([value]));
            bound("bound_service_account_namespaces", namespace.value);
            bound("bound_service_account_names", name.value);
            let host = text(&fields, "host");
            let host = host.unwrap_or_else(|| "https://kubernetes.default.svc".to_owned());
            needs.config = Some(("kubernetes_host", json!(host)));
            LoginBy::Kubernetes {
                token_file: text(&fields, "tokenFile").unwrap_or_else(|| TOKEN_FILE.to_owned()),
            }
        }
        _ => {
            let principal = fields.required("principal").and_then(Value::text)?;
            needs.fields.insert("auth_type", json!("iam"));
            let bound = json!([principal.value]);
            needs.fields.insert("bound_iam_principal_arn", bound);
            // trueup may run before the Vault has a way to ask IAM.
            needs.fields.insert("resolve_aws_unique_ids", json!(false));
            by_aws(&fields)
        }
    };
    let location = at.location();
    needs.add(wanted, location.as_ref());
    Some(LoginAt {
        mount,
        role,
        by,
        location,
    })
}

/// What a login takes.
struct Needs {
    mount: String,
    kind: &'static str,
    role: String,
    config: Option<(&'static str, Json)>,
    fields: BTreeMap<&'static str, Json>,
}

impl Needs {
    fn add(self, wanted: &mut Vec<Wanted>, location: Option<&Location>) {
        let mut add = |path: String, what: What| {
            if !wanted.iter().any(|one| one.path == path) {
                wanted.push(Wanted {
                    path,
                    what,
                    location: location.cloned(),
                });
            }
        };
        add(
            format!("sys/policies/acl/{POLICY}"),
            What::Policy(POLICY_TEXT.to_owned()),
        );
        add(
            self.mount.clone(),
            What::Auth(Mount {
                kind: self.kind.to_owned(),
                description: Some("trueup's own login".to_owned()),
                ..Mount::default()
            }),
        );
        if let (Some((name, value)), Some(rules)) = (self.config, rules::auth(self.kind, "config"))
        {
            let data = data(&rules, BTreeMap::from([(name, value)]));
            add(
                format!("{}/config", self.mount),
                What::Data(Class::Config, data),
            );
        }
        let folder = rules::auth_role_folder(self.kind).unwrap_or("role");
        if let Some(rules) = rules::auth(self.kind, &format!("{folder}/{POLICY}")) {
            let data = data(&rules, self.fields);
            add(self.role, What::Data(Class::Role, data));
        }
    }
}

/// Fields in their one form.
fn data(rules: &Rules, fields: BTreeMap<&'static str, Json>) -> Data {
    let mut data = Data::of(*rules);
    for (name, value) in fields {
        if let Some(kind) = rules.field(name)
            && let Ok(value) = normal(kind, &value)
        {
            data.fields.insert(name.to_owned(), (kind, value));
        }
    }
    data
}

/// Reads a check of `verify`.
pub(super) fn check(value: Value<'_>) -> Option<Check> {
    let fields = value.fields(&CHECK)?;
    let at = fields.required("aws")?;
    let aws = at.fields(&CHECK_AWS)?;
    let role = aws.required("role").and_then(Value::text)?;
    let mount = text(&aws, "mount").unwrap_or_else(|| "aws".to_owned());
    let paths = |name: &'static str| -> Option<Vec<String>> {
        let Some(value) = fields.optional(name) else {
            return Some(Vec::new());
        };
        let texts = value.texts()?.into_iter();
        Some(
            texts
                .map(|path| path.value.trim_matches('/').to_owned())
                .collect(),
        )
    };
    Some(Check {
        login: LoginAt {
            mount: mount.trim_matches('/').to_owned(),
            role: role.value,
            by: by_aws(&aws),
            location: at.location(),
        },
        reads: paths("reads")?,
        refused: paths("refused")?,
    })
}
