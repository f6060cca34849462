//! With an AWS: keys under KMS, and the whole estate on a real cluster to a login with the service role.

use std::fs;

use trueup_testbed::ApiServer;

use crate::{
    forward::{access_to, node},
    kubelet::Kubelet,
    moto::{self, ACCOUNT, Moto},
    pods::Pods,
    world::{Server, World, changes, server_program},
};

#[test]
fn keys_are_kept_under_kms_in_a_file_and_in_s3_and_read_back() {
    let (Some(program), Some(aws)) = (server_program(), moto::program()) else {
        return;
    };
    let aws = Moto::start(&aws);
    let target =
        "content-type: application/x-amz-json-1.1\r\nx-amz-target: TrentService.CreateKey\r\n";
    let answer = aws.call("kms", ("POST", "/"), target, "{}");
    let (_, rest) = answer.split_once("\"KeyId\":").unwrap();
    let key = rest
        .trim_start()
        .trim_start_matches('"')
        .split('"')
        .next()
        .unwrap();
    aws.call("s3", ("PUT", "/bucket"), "", "");
    for at in ["path: FILE", "s3: {bucket: bucket, key: vault/keys}"] {
        let world = World::new().with_env(&[
            ("AWS_ENDPOINT_URL", aws.url.clone()),
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE".to_owned()),
            (
                "AWS_SECRET_ACCESS_KEY",
                "a-key-of-aws-that-is-secret".to_owned(),
            ),
        ]);
        let server = Server::start(&program, &world.path("storage"), "127.0.0.1:0");
        let at = at.replace("FILE", &world.path("kms.json").display().to_string());
        world.write_spec(&format!(
            "  server: {{addresses: [\"{}\"]}}\n  init: {{shares: 3, threshold: 2}}\n\
             \x20 keys: {{awsKms: {{keyId: {key}, region: us-east-1, {at}}}}}\n\
             \x20 auth: {{approle: {{}}}}\n  secretsEngines: [{{type: transit}}]\n",
            server.url
        ));
        world.vault("bootstrap", 0);
        assert_eq!(changes(&world.vault("bootstrap", 0)), Vec::<String>::new());
        let address = server.address();
        drop(server);
        let server = Server::start(&program, &world.path("storage"), &address);
        let report = world.vault("unseal", 0);
        assert_eq!(report["steps"][0]["what"], "unseal", "{at}");
        drop(server);
        let kept = if at.starts_with("s3") {
            aws.call("s3", ("GET", "/bucket/vault/keys"), "", "")
        } else {
            fs::read_to_string(world.path("kms.json")).unwrap()
        };
        assert!(
            kept.contains("\"sealed\"") && !kept.contains("\"keys\""),
            "{kept}"
        );
    }
}

const SERVICE: &str = "jay_sandbox_eks_clusterDaftServiceRole";

#[tokio::test(flavor = "multi_thread")]
async fn from_an_empty_cluster_to_a_login_with_the_service_role_that_reads_the_user_role_in_one_go()
{
    let (Some(program), Some(aws)) = (server_program(), moto::program()) else {
        return;
    };
    let Some(api) = ApiServer::shared_with_nodes() else {
        return;
    };
    let aws = Moto::start(&aws);
    for role in [SERVICE, "eventual"] {
        aws.query(
            "iam",
            &format!("Action=CreateRole&Version=2010-05-08&RoleName={role}&AssumeRolePolicyDocument=%7B%7D"),
        );
    }
    let world = World::new().with_env(&aws.assume(SERVICE));
    fs::copy(api.kubeconfig(), world.path("kubeconfig")).unwrap();
    fs::write(world.path("aws-key"), "a-key-of-aws-that-is-secret").unwrap();

    // An empty cluster with one node, on which an empty Vault will run.
    let kubelet = Kubelet::start().await;
    let cluster = Pods::empty(&access_to(api)).await;
    node(&cluster, "node", &kubelet).await;
    let server = Server::start(&program, &world.path("storage"), "127.0.0.1:0");
    let door = server.address().parse().unwrap();
    kubelet
        .doors
        .lock()
        .unwrap()
        .insert("vault/vault-0".to_owned(), door);

    fs::write(
        world.path("repo/environments/dev.yaml"),
        format!(
            "apiVersion: trueup.dev/v1\nkind: Environment\nmetadata: {{name: dev}}\nspec:\n\
             \x20 cluster: {{kubeconfig: {{path: {}}}}}\n  phases:\n\
             \x20   - {{name: vault-server, manifests: {{path: server.yaml}}}}\n\
             \x20   - {{name: vault, vault: {{path: vault.yaml}}}}\n\
             \x20   - {{name: hub, manifests: {{path: hub.yaml}}}}\n",
            world.path("kubeconfig").display()
        ),
    )
    .unwrap();
    fs::write(world.path("repo/server.yaml"), SERVER).unwrap();
    fs::write(
        world.path("repo/hub.yaml"),
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: hub, namespace: vault}\n",
    )
    .unwrap();
    world.write_spec(&estate(&world, &aws.url));

    let output = world.run(&["reconcile", "dev", "--once"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    let short: Vec<&str> = said
        .lines()
        .filter(|line| !line.contains("DEBUG") && !line.contains("TRACE"))
        .collect();
    assert_eq!(output.status.code(), Some(0), "{}", short.join("\n"));
    for part in [
        "+ init http pod vault/vault-0",
        "+ unseal http pod vault/vault-0",
        "✓ a login at auth/aws as `daft-service-role`",
        "✓ `daft-service-role` reads aws/sts/userrole-jay@eventualcomputing.com",
        "✓ `daft-service-role` may not read aws/roles/userrole-jay@eventualcomputing.com",
    ] {
        assert!(said.contains(part), "{part}: {}", short.join("\n"));
    }
    // Nothing is left to do, and it still works.
    let output = world.run(&["diff", "dev"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let output = world.run(&["vault", "verify", "dev"]);
    let verified = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    // A dry run says the same of what would be tried.
    let output = world.run(&["vault", "verify", "dev", "--dry-run"]);
    let tried = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(tried.replace('·', "✓"), verified);
    assert_eq!(verified.lines().count(), 3, "{verified}");

    // Somebody else is refused, and told apart.
    let stranger = world.with_env(&aws.assume("eventual"));
    let output = stranger.run(&["vault", "verify", "dev"]);
    let refused = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{refused}");
    assert!(
        refused.contains("nobody can log in as `daft-service-role`"),
        "{refused}"
    );

    // Nothing secret was said on the way, at any level of the log.
    let all = format!("{said}{verified}{refused}");
    let mut secrets = vec![
        "a-key-of-aws-that-is-secret".to_owned(),
        stranger.identity.clone(),
    ];
    secrets.extend(stranger.env.iter().skip(1).map(|(_, value)| value.clone()));
    for secret in secrets {
        let at = all
            .find(&secret)
            .map(|at| all.get(at.saturating_sub(200)..at));
        assert_eq!(at, None, "a secret was said after this");
    }
    assert!(!all.contains("hvs."), "a token was said");
}

const SERVER: &str = "apiVersion: v1
kind: Namespace
metadata: {name: vault}
---
apiVersion: v1
kind: Service
metadata: {name: vault-internal, namespace: vault}
spec: {clusterIP: None, publishNotReadyAddresses: true, selector: {app: vault}, ports: [{port: 8200}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: vault, namespace: vault}
spec:
  serviceName: vault-internal
  replicas: 1
  podManagementPolicy: Parallel
  updateStrategy: {type: OnDelete}
  selector: {matchLabels: {app: vault}}
  template:
    metadata: {labels: {app: vault}}
    spec: {containers: [{name: vault, image: vault, ports: [{containerPort: 8200}]}]}
";

/// Estate A's Vault, with its keys in the cluster.
fn estate(world: &World, aws: &str) -> String {
    format!(
        "  server: {{kubernetes: {{namespace: vault, scheme: http}}}}
  init: {{shares: 5, threshold: 3}}
  keys:
    kubernetesSecret: {{name: vault-keys, recipients: [{recipient}]}}
    identityFrom: {{file: {identity}}}
  auth: {{approle: {{}}}}
  audit:
    - {{path: file, type: file, options: {{file_path: {audit}}}}}
  authMethods:
    - type: aws
      tune: {{defaultLeaseTtl: 1h, maxLeaseTtl: 24h}}
      config:
        access_key: AKIAEXAMPLE
        secret_key: {{file: {key}}}
        iam_endpoint: {aws}
        sts_endpoint: {aws}
        sts_region: us-east-1
        iam_server_id_header_value: vault.example.com
      roles:
        daft-service-role:
          auth_type: iam
          policies: [read-all-user-roles]
          bound_iam_principal_arn: arn:aws:iam::{ACCOUNT}:role/{SERVICE}
  secretsEngines:
    - type: aws
      config:
        root: {{access_key: AKIAEXAMPLE, secret_key: {{file: {key}}}, region: us-east-1, iam_endpoint: {aws}, sts_endpoint: {aws}}}
        lease: {{lease: 1h, lease_max: 24h}}
  policies:
    read-all-user-roles: |
      path \"aws/sts/userrole-*\" {{ capabilities = [\"read\", \"update\"] }}
  userRoles:
    users:
      - {{email: jay@eventualcomputing.com, roleArn: \"arn:aws:iam::{ACCOUNT}:role/eventual\"}}
  verify:
    - aws: {{role: daft-service-role, serverId: vault.example.com, region: us-east-1}}
      reads: [aws/sts/userrole-jay@eventualcomputing.com]
      refused: [aws/roles/userrole-jay@eventualcomputing.com]
",
        recipient = world.recipient,
        identity = world.path("age.key").display(),
        audit = world.path("audit.log").display(),
        key = world.path("aws-key").display(),
    )
}
