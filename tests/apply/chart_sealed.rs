//! Values of charts out of files that SOPS sealed: they reach the cluster, and nothing that the program says or writes down
//! holds what was sealed.

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use age::{
    Encryptor, Recipient,
    armor::{ArmoredWriter, Format},
    secrecy::ExposeSecret as _,
    x25519::Identity,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    charts::repository,
    harness::{World, on_embedded},
};

const SEALED: [&str; 2] = ["swordfish-of-the-file", "mackerel-of-the-file"];
/// The key of the values of the golden file.
const KEY: [u8; 32] = [7; 32];

const ENVIRONMENT: &str = "\
apiVersion: trueup.dev/v1
kind: Environment
metadata: {name: charts}
spec:
  cluster: {embedded: {}}
  phases:
    - name: web
      helm:
        chart: chart
        release: web
        namespace: TAG
        createNamespace: true
        valuesFrom:
          - {sops: secrets/values.enc.yaml}
          - {sops: secrets/values.enc.yaml, key: token, targetPath: given.token}
          - {sops: secrets/values.enc.yaml, key: web, optional: true}
          - {sops: secrets/none.enc.yaml, optional: true}
";

const TEMPLATE: &str = r#"apiVersion: v1
kind: ConfigMap
metadata: {name: leaky, namespace: {{ .Release.Namespace }}}
data:
  given: {{ .Values.given.token }}
  coded: {{ .Values.token | default "none" | b64enc }}
  all: {{ toJson .Values.web | quote }}
  top: {{ .Values.password | default "none" }}
  mode: {{ .Values.mode | default "none" }}
"#;

/// The golden file, its key sealed to an identity.
fn sealed_to(identity: &Identity) -> String {
    let golden = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/sops/golden/values.enc.yaml"
    );
    let golden = fs::read_to_string(golden).unwrap();
    let recipient = identity.to_public();
    let encryptor = Encryptor::with_recipients([&recipient as &dyn Recipient].into_iter()).unwrap();
    let mut armour = Vec::new();
    let armoured = ArmoredWriter::wrap_output(&mut armour, Format::AsciiArmor).unwrap();
    let mut writer = encryptor.wrap_output(armoured).unwrap();
    writer.write_all(&KEY).unwrap();
    writer.finish().unwrap().finish().unwrap();
    let armour = serde_json::Value::from(String::from_utf8(armour).unwrap());
    golden.replace(
        "    age: []",
        &format!("    age: [{{recipient: {recipient}, enc: {armour}}}]"),
    )
}

struct Program<'p> {
    folder: &'p Path,
    identity: Option<&'p Identity>,
}

impl Program<'_> {
    /// What a run says, all of it, which is nothing of what was sealed.
    fn run(&self, args: &[&str], code: i32) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trueup"));
        command
            .current_dir(self.folder)
            .args(args)
            .arg("--kubeconfig=kubeconfig")
            .env("RUST_LOG", "trace,hyper_util=debug")
            .env("NO_COLOR", "1")
            .env("XDG_CONFIG_HOME", self.folder)
            .env_remove("SOPS_AGE_KEY_FILE")
            .stdin(Stdio::null());
        match self.identity {
            Some(identity) => {
                command.env("SOPS_AGE_KEY", identity.to_string().expose_secret());
            }
            None => {
                command.env_remove("SOPS_AGE_KEY");
            }
        }
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        self.check(&said);
        said
    }

    fn check(&self, said: &str) {
        let identity = self.identity.map(Identity::to_string);
        let identity = identity.as_ref().map(|one| one.expose_secret().to_owned());
        let sealed = SEALED.map(str::to_owned).into_iter().chain(identity);
        for secret in sealed {
            for form in [STANDARD.encode(&secret), secret] {
                assert!(!said.contains(&form), "it says a secret:\n{said}");
            }
        }
    }
}

fn prepare(world: &World, url: &str) -> tempfile::TempDir {
    let environment = ENVIRONMENT.replace("TAG", &world.tag);
    let chart = "{apiVersion: v2, name: leaky, version: 1.0.0}";
    let files = [
        ("chart/Chart.yaml", chart),
        ("chart/templates/leaky.yaml", TEMPLATE),
        ("secrets/README", "sealed"),
    ];
    let folder = repository(&environment, &files);
    let kubeconfig = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{{name: c, cluster: {{server: '{url}'}}}}]\n\
         contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\nusers: [{{name: u, user: {{}}}}]\n"
    );
    fs::write(folder.path().join("kubeconfig"), kubeconfig).unwrap();
    folder
}

#[test]
fn what_sops_sealed_reaches_the_cluster_and_is_said_nowhere() {
    on_embedded(async |world, server| {
        let folder = prepare(&world, &server.url());
        let (identity, other) = (Identity::generate(), Identity::generate());
        let file = folder.path().join("secrets/values.enc.yaml");
        fs::write(&file, sealed_to(&identity)).unwrap();
        let path = folder.path().to_owned();
        let tag = world.tag.clone();
        let ran = tokio::task::spawn_blocking(move || {
            let ours = Program {
                folder: &path,
                identity: Some(&identity),
            };
            // Without a cluster nothing is opened.
            let said = ours.run(&["render", "charts"], 0);
            assert!(
                said.contains("given: REDACTED") && said.contains("is not opened"),
                "{said}"
            );
            for format in ["text", "json", "yaml", "markdown"] {
                ours.run(&["diff", "charts", "-o", format], 1);
            }
            ours.run(&["plan", "charts", "-o", "plan.json"], 0);
            ours.check(&fs::read_to_string(path.join("plan.json")).unwrap());
            ours.run(&["reconcile", "charts"], 0);
            ours.run(&["diff", "charts"], 0);

            for (identity, says) in [
                (None, "there is no age identity here"),
                (
                    Some(&other),
                    "none of the age identities here is that of one",
                ),
            ] {
                let folder = &path;
                let said = Program { folder, identity }.run(&["diff", "charts"], 2);
                assert!(said.contains(says), "{says}: {said}");
            }
            let changed = fs::read_to_string(&file).unwrap();
            let changed = changed.replace("open-to-all", "changed-by-hand");
            fs::write(&file, changed).unwrap();
            let said = ours.run(&["diff", "charts"], 2);
            assert!(said.contains("its MAC does not fit"), "{said}");
        });
        ran.await.unwrap();
        let leaky = world
            .live(&format!("v1 ConfigMap {tag}/leaky"))
            .await
            .unwrap();
        assert_eq!(leaky.text(&["data", "given"]), SEALED[0]);
        assert_eq!(leaky.text(&["data", "coded"]), STANDARD.encode(SEALED[0]));
        assert_eq!(leaky.text(&["data", "top"]), SEALED[1]);
        assert_eq!(leaky.text(&["data", "mode"]), "open-to-all");
        assert_eq!(
            leaky.text(&["data", "all"]),
            format!(
                "{{\"mode\":\"open-to-all\",\"password\":\"{}\",\"replicas\":3}}",
                SEALED[1]
            )
        );
    });
}
