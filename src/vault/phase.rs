//! The whole of a `vault` phase: wait, initialise, unseal, configure, and leave no token behind.

use std::{collections::BTreeMap, fs, sync::Arc};

use rustls::pki_types::{CertificateDer, pem::PemObject};
use serde::Serialize;
use trueup_manifest::{Diagnostic, Diagnostics};

use super::{
    client::Client,
    configure::configure,
    error::{ErrorKind, VaultError},
    file::{Address, Bootstrap, Reference, RootToken, Server, Store, Tls},
    init::{Condition, Init, Vault},
    journal::{Journal, Stage},
    keys::Keys,
    ledger::Ledger,
    observe::observe,
    plan::{Action, Change, Holds, Kind, plan},
    seal::{Unsealed, seal_status, unseal},
    sealer::Sealer,
    store::{FileStore, KeyStore, Slot},
    token::{generate_root, revoke},
    wanted::What,
};
use crate::{report::WorkReport, source::Secret};

/// How far to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Unseal what is sealed, and nothing else.
    Unseal,
    /// All of it.
    Everything,
}

/// What a run did, or would do.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VaultReport {
    /// The name of the Vault.
    pub name: String,
    /// What is done to the servers themselves, in order.
    pub steps: Vec<Step>,
    /// What is done with each thing in it.
    pub actions: Vec<Shown>,
    /// Whether the actions are a guess: the Vault cannot be read yet.
    pub tentative: bool,
    /// What failed.
    pub errors: Diagnostics,
    /// What is worth telling.
    pub warnings: Diagnostics,
}

impl VaultReport {
    /// Whether anything was, or would be, written.
    pub fn changes(&self) -> bool {
        !self.steps.is_empty() || self.actions.iter().any(|one| one.kind != Kind::None)
    }
}

impl VaultReport {
    /// The form in which the report of an environment holds it.
    pub fn to_work(&self) -> WorkReport {
        let changes = self.actions.iter().filter(|one| one.kind != Kind::None);
        let changed = changes.clone().count();
        WorkReport {
            phase: String::new(),
            about: format!("vault `{}`", self.name),
            changed: self.steps.len() + changed,
            unchanged: self.actions.len() - changed,
            lines: self
                .steps
                .iter()
                .map(Step::line)
                .chain(changes.flat_map(Shown::lines))
                .collect(),
            errors: self.errors.clone(),
            warnings: self.warnings.iter().cloned().collect(),
        }
    }
}

impl Step {
    /// A line for people.
    pub fn line(&self) -> String {
        let detail = if self.detail.is_empty() {
            String::new()
        } else {
            format!("  ({})", self.detail)
        };
        format!("+ {} {}{detail}", self.what, self.server)
    }
}

impl Shown {
    /// The sign of what is done: `+`, `~`, `-/+` or `-`.
    pub fn sign(&self) -> &'static str {
        match self.kind {
            Kind::Create => "+",
            Kind::Configure => "~",
            Kind::Recreate => "-/+",
            Kind::Prune => "-",
            Kind::None => " ",
        }
    }

    /// Lines for people: what is done, then each field that changes, indented.
    pub fn lines(&self) -> Vec<String> {
        let why = self.why.as_ref().map(|why| format!("  ({why})"));
        let why = why.unwrap_or_default();
        let mut lines = vec![format!("{} {} {}{why}", self.sign(), self.word, self.path)];
        for change in &self.changes {
            let text = |text: &str| text.trim_end().replace('\n', "\n        ");
            let to = change.to.as_deref().map(text).unwrap_or_default();
            lines.push(match &change.from {
                Some(from) => format!("    {}: {} → {to}", change.field, text(from)),
                None => format!("    {}: {to}", change.field),
            });
        }
        lines
    }
}

/// Something that is done to a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// What: `init` or `unseal`.
    pub what: &'static str,
    /// The server.
    pub server: String,
    /// More of it, for people.
    pub detail: String,
}

/// An action as people may see it: without the requests, which may hold secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    /// The path.
    pub path: String,
    /// What is there.
    pub word: &'static str,
    /// What is done.
    pub kind: Kind,
    /// Why, where that says something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What changes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
}

impl From<&Action> for Shown {
    fn from(action: &Action) -> Self {
        Self {
            path: action.path.clone(),
            word: action.word,
            kind: action.kind,
            why: action.why.clone(),
            changes: action.changes.clone(),
        }
    }
}

/// A Vault that a file describes, connected.
pub struct Phase {
    bootstrap: Bootstrap,
    servers: Vec<Client>,
    store: Option<Box<dyn KeyStore>>,
    sealer: Option<Sealer>,
}

impl Phase {
    /// Reads what the file refers to: certificates, identities, secrets. Nothing is sent yet.
    pub fn open(mut bootstrap: Bootstrap) -> Result<Self, Diagnostics> {
        let servers = clients(&bootstrap.server).map_err(one)?;
        let mut store: Option<Box<dyn KeyStore>> = None;
        let mut sealer = None;
        if let Some(keys) = &bootstrap.keys {
            let Store::File(path) = &keys.store;
            store = Some(Box::new(FileStore::new(path)));
            let identity = keys.identity.as_ref().map(read).transpose().map_err(one)?;
            sealer = Some(Sealer::new(&keys.recipients, identity.as_ref()).map_err(one)?);
        }
        let mut errors = Diagnostics::new();
        for (path, field, reference) in &bootstrap.secrets {
            match read(reference) {
                Ok(secret) => {
                    for wanted in bootstrap.wanted.iter_mut().filter(|one| one.path == *path) {
                        if let What::Data(_, data) = &mut wanted.what {
                            data.secrets.insert(field.clone(), secret.clone());
                        }
                    }
                }
                Err(error) => errors.push(Diagnostic::from(error)),
            }
        }
        for one in &bootstrap.sealed {
            match one.open(sealer.as_ref()) {
                Ok(values) => {
                    for wanted in bootstrap.wanted.iter_mut().filter(|to| to.path == one.path) {
                        if let What::Data(_, data) = &mut wanted.what {
                            data.secrets.extend(values.clone());
                        }
                    }
                }
                Err(error) => errors.push(Diagnostic::from(error)),
            }
        }
        errors.into_result(())?;
        Ok(Self {
            bootstrap,
            servers,
            store,
            sealer,
        })
    }

    /// Takes the Vault to what the file says, or tells what that would take.
    pub async fn run(&self, depth: Depth, dry_run: bool) -> VaultReport {
        let mut report = VaultReport {
            name: self.bootstrap.name.clone(),
            ..VaultReport::default()
        };
        if let Err(error) = self.advance(depth, dry_run, &mut report).await {
            report.errors.push(Diagnostic::from(error));
        }
        report
    }

    async fn advance(
        &self,
        depth: Depth,
        dry_run: bool,
        report: &mut VaultReport,
    ) -> Result<(), VaultError> {
        let keys = if dry_run {
            self.foresee(report).await?
        } else {
            self.bring_up(depth, report).await?
        };
        if depth == Depth::Unseal {
            return Ok(());
        }
        let server = self.active().await?;
        let Some(server) = server else {
            // A plan for a Vault that cannot be read: all of it, as far as anybody can tell.
            let mut ledger = Ledger::default();
            if let Some(sealer) = &self.sealer {
                let digester = ledger.digester(sealer)?;
                let actions = plan(
                    &self.bootstrap.wanted,
                    &Holds::default(),
                    &ledger,
                    &digester,
                );
                report.actions = actions.iter().map(Shown::from).collect();
            }
            report.tentative = true;
            return Ok(());
        };
        let (client, whose) = self.authorised(server, keys.as_ref()).await?;
        let result = self.bring_about(&client, dry_run, report).await;
        let good = result.is_ok() && !report.errors.has_errors() && !dry_run;
        let done = match (whose, self.bootstrap.root_token) {
            (Whose::Given, _) | (Whose::Kept, RootToken::Store) => Ok(()),
            // While something is left to do, the first token is kept for the next run.
            (Whose::Kept, RootToken::Revoke) if !good => Ok(()),
            (Whose::Made, _) if !good => revoke(&client).await,
            (Whose::Kept | Whose::Made, _) => self.forget_root(&client, keys).await,
        };
        result.and(done)
    }

    /// What initialising and unsealing would take.
    async fn foresee(&self, report: &mut VaultReport) -> Result<Option<Keys>, VaultError> {
        let mut keys = None;
        if let Some(vault) = self.vault() {
            match vault.condition().await? {
                Condition::Empty | Condition::Begun(_) => {
                    let Some(init) = self.bootstrap.init else {
                        return Err(self.uninitialised());
                    };
                    report
                        .steps
                        .extend(self.servers.first().map(|server| init_step(server, init)));
                }
                Condition::Kept => keys = Some(vault.keys(NO_INIT).await?),
                Condition::Foreign => {}
                Condition::Lost => {
                    return Err(vault
                        .keys(NO_INIT)
                        .await
                        .err()
                        .unwrap_or_else(|| self.uninitialised()));
                }
            }
        }
        for server in &self.servers {
            if seal_status(server).await?.sealed {
                report.steps.push(unseal_step(server));
            }
        }
        Ok(keys)
    }

    /// Initialises where that is ours to do, and unseals each server.
    async fn bring_up(
        &self,
        depth: Depth,
        report: &mut VaultReport,
    ) -> Result<Option<Keys>, VaultError> {
        let Some(vault) = self.vault() else {
            return Ok(None);
        };
        let condition = vault.condition().await?;
        let begins = matches!(condition, Condition::Empty | Condition::Begun(_));
        let keys = match (&condition, self.bootstrap.init) {
            (Condition::Foreign, None) => None,
            (Condition::Empty | Condition::Begun(Stage::Intent), _) if depth == Depth::Unseal => {
                return Err(self.uninitialised());
            }
            (Condition::Empty, None) => return Err(self.uninitialised()),
            (_, init) => Some(vault.keys(init.unwrap_or(NO_INIT)).await?),
        };
        if let (true, Some(init), Some(server)) =
            (begins, self.bootstrap.init, self.servers.first())
        {
            report.steps.push(init_step(server, init));
        }
        if let Some(keys) = &keys {
            for server in &self.servers {
                if unseal(server, keys).await? == Unsealed::Now {
                    report.steps.push(unseal_step(server));
                }
            }
        }
        Ok(keys)
    }

    fn vault(&self) -> Option<Vault<'_>> {
        Some(Vault {
            servers: &self.servers,
            store: self.store.as_deref()?,
            sealer: self.sealer.as_ref()?,
        })
    }

    /// A server that answers; none while all are sealed.
    async fn active(&self) -> Result<Option<&Client>, VaultError> {
        let mut standby = None;
        for server in &self.servers {
            let health = server.answer("sys/health").await?;
            match health.status.as_u16() {
                200 => return Ok(Some(server)),
                429 | 472 | 473 => standby = Some(server),
                _ => {}
            }
        }
        Ok(standby)
    }

    /// A client that may configure, and whose its token is.
    async fn authorised(
        &self,
        server: &Client,
        keys: Option<&Keys>,
    ) -> Result<(Client, Whose), VaultError> {
        if let Some(reference) = &self.bootstrap.token {
            return Ok((server.clone().with_token(read(reference)?), Whose::Given));
        }
        let Some(keys) = keys else {
            let message = format!(
                "there is no token for {}, and no keys to make one of",
                server.describe()
            );
            return Err(VaultError::new(ErrorKind::Forbidden, message)
                .help("name a token in `tokenFrom`, or the keys in `keys`"));
        };
        if let Some(root) = &keys.root {
            let client = server.clone().with_token(root.clone());
            match client.read("auth/token/lookup-self").await {
                Ok(_) => return Ok((client, Whose::Kept)),
                // It was revoked by a run that did not come to forgetting it.
                Err(error) if error.kind == ErrorKind::Forbidden => {}
                Err(error) => return Err(error),
            }
        }
        let token = generate_root(server, keys).await?;
        Ok((server.clone().with_token(token), Whose::Made))
    }

    async fn bring_about(
        &self,
        client: &Client,
        dry_run: bool,
        report: &mut VaultReport,
    ) -> Result<(), VaultError> {
        let (Some(store), Some(sealer)) = (self.store.as_deref(), &self.sealer) else {
            return Err(VaultError::new(
                ErrorKind::Keys,
                "configuring needs `keys`, where the ledger is kept",
            ));
        };
        let mut ledger = Ledger::load(store).await?;
        let digester = ledger.digester(sealer)?;
        let wanted = &self.bootstrap.wanted;
        let holds = observe(client, wanted, &ledger).await?;
        let mut actions = plan(wanted, &holds, &ledger, &digester);
        let prune = &self.bootstrap.prune;
        actions.retain(|action| action.kind != Kind::Prune || prune.takes(action.word));
        report.actions = actions.iter().map(Shown::from).collect();
        if dry_run {
            report
                .errors
                .extend(actions.iter().filter_map(|action| action.blocked.clone()));
            return Ok(());
        }
        let done = configure(client, wanted, &actions, &mut ledger, store).await?;
        report.errors.extend(done.errors);
        report.warnings.extend(done.warnings);
        Ok(())
    }

    /// Revokes the token of a client and forgets it, where it was kept.
    async fn forget_root(&self, client: &Client, keys: Option<Keys>) -> Result<(), VaultError> {
        revoke(client).await?;
        let (Some(store), Some(sealer)) = (self.store.as_deref(), &self.sealer) else {
            return Ok(());
        };
        let forgets = self.bootstrap.root_token == RootToken::Revoke;
        if let Some(mut keys) = keys.filter(|keys| forgets && keys.root.is_some()) {
            keys.root = None;
            store
                .save(Slot::Keys, &sealer.seal(&keys.to_bytes())?)
                .await?;
        }
        if let Some(mut journal) = Journal::load(store).await?
            && journal.stage != Stage::Configured
        {
            journal.stage = Stage::Configured;
            journal.save(store).await?;
        }
        Ok(())
    }

    fn uninitialised(&self) -> VaultError {
        let server = self
            .servers
            .first()
            .map(Client::describe)
            .unwrap_or_default();
        VaultError::new(
            ErrorKind::Uninitialised,
            format!("{server} is not initialised"),
        )
        .help("`init: {}` in its file lets trueup do it")
    }

    /// What each server says of itself.
    pub async fn status(&self) -> BTreeMap<String, Result<super::seal::SealStatus, VaultError>> {
        let mut all = BTreeMap::new();
        for server in &self.servers {
            all.insert(server.describe(), seal_status(server).await);
        }
        all
    }
}

/// Whose a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    /// Somebody gave it: it is theirs to revoke.
    Given,
    /// The first one, kept with the keys.
    Kept,
    /// Made of the shares for this run.
    Made,
}

/// Stands for a split that is never asked for: the keys are there already.
const NO_INIT: Init = Init {
    shares: 0,
    threshold: 0,
};

fn init_step(server: &Client, init: Init) -> Step {
    Step {
        what: "init",
        server: server.describe(),
        detail: format!("{} shares, {} open it", init.shares, init.threshold),
    }
}

fn unseal_step(server: &Client) -> Step {
    Step {
        what: "unseal",
        server: server.describe(),
        detail: String::new(),
    }
}

fn one(error: VaultError) -> Diagnostics {
    Diagnostic::from(error).into()
}

fn clients(server: &Server) -> Result<Vec<Client>, VaultError> {
    let tls = tls(&server.tls)?;
    let Address::Urls(urls) = &server.address;
    Ok(urls
        .iter()
        .map(|url| Client::new(url.value.clone(), &tls).in_namespace(&server.namespace))
        .collect())
}

fn tls(tls: &Tls) -> Result<rustls::ClientConfig, VaultError> {
    let failed = |message: String| VaultError::new(ErrorKind::Tls, message);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(error.to_string()))?;
    let mut roots = rustls::RootCertStore::empty();
    if let Some(path) = &tls.ca_file {
        let certificates = CertificateDer::pem_file_iter(&path.value)
            .map_err(|error| failed(format!("cannot read `{}`: {error}", path.value)))?;
        for certificate in certificates {
            let certificate = certificate
                .map_err(|error| failed(format!("`{}` is no PEM: {error}", path.value)))?;
            roots
                .add(certificate)
                .map_err(|error| failed(format!("`{}`: {error}", path.value)))?;
        }
        if roots.is_empty() {
            return Err(failed(format!("`{}` holds no certificate", path.value)));
        }
    } else {
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
    }
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Reads a secret from where a reference says.
fn read(reference: &Reference) -> Result<Secret, VaultError> {
    let found = match reference {
        Reference::Env(name) => std::env::var(name).map_err(|_| "it is not set".to_owned()),
        Reference::File(path) => fs::read_to_string(path).map_err(|error| error.to_string()),
    };
    match found {
        Ok(text) => Ok(Secret::new(text.strip_suffix('\n').unwrap_or(&text))),
        Err(why) => Err(VaultError::new(
            ErrorKind::Keys,
            format!(
                "a secret cannot be read from {}: {why}",
                reference.describe()
            ),
        )),
    }
}
