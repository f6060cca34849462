//! The whole of a `vault` phase: wait, initialise, unseal, configure, and leave no token behind.

use std::borrow::Cow;

use trueup_manifest::Diagnostic;

use super::{
    client::Client,
    configure::{configure, knows_too_much, leave_unmanaged},
    error::{ErrorKind, VaultError},
    exclusive,
    file::{LoginBy, RootToken},
    init::{Condition, Init, Vault},
    journal::{Journal, Stage},
    keys::Keys,
    ledger::{Digester, Ledger},
    login::{self, login},
    observe::observe,
    phase::{Depth, Kept, Phase, read},
    plan::{Action, Holds, Kind, plan},
    raft,
    reach::Found,
    rekey,
    report::{Shown, Step, VaultReport},
    seal::{Unsealed, seal_status, unseal},
    store::Slot,
    token::{generate_root, revoke},
    verify::verify,
};

/// One run over the servers that were found for it.
pub(super) struct Run<'a> {
    pub(super) phase: &'a Phase,
    pub(super) found: Found,
    depth: Depth,
    pub(super) only_looks: bool,
}

impl<'a> Run<'a> {
    /// A run.
    pub(super) fn new(phase: &'a Phase, found: Found, depth: Depth, only_looks: bool) -> Self {
        Self {
            phase,
            found,
            depth,
            only_looks,
        }
    }

    /// Goes as far as it is to go.
    pub(super) async fn advance(&self, report: &mut VaultReport) -> Result<(), VaultError> {
        let keys = if self.only_looks {
            self.foresee(report).await?
        } else {
            self.bring_up(report).await?
        };
        if self.depth == Depth::Everything {
            self.configure(keys, report).await?;
        }
        // What is there is done; the rest is waited for by whoever asked for all of it.
        if self.found.missing.is_empty() || self.only_looks || self.depth == Depth::Unseal {
            for missing in &self.found.missing {
                let warning = Diagnostic::warning("vault/missing", missing);
                report.warnings.push(warning);
            }
            return Ok(());
        }
        let missing = self.found.missing.join("; ");
        Err(VaultError::new(ErrorKind::Unreachable, missing))
    }

    async fn configure(
        &self,
        keys: Option<Keys>,
        report: &mut VaultReport,
    ) -> Result<(), VaultError> {
        let Some(server) = self.active().await? else {
            return self.guess(report).await;
        };
        let (client, whose) = self.authorised(server, keys.as_ref()).await?;
        let time = client.renewed_within();
        let work = self.bring_about(&client, report);
        let mut result = login::renewing(&client, time, work).await;
        let mut good = result.is_ok() && !report.errors.has_errors() && !self.only_looks;
        if good && whose != Whose::Own {
            result = self.equip(&client).await;
            good = result.is_ok();
        }
        if good && report.changes() {
            verify(server, &self.phase.bootstrap.verify, report).await;
        }
        let done = match (whose, self.phase.bootstrap.root_token) {
            (Whose::Own, _) => revoke(&client).await,
            (Whose::Given, _) | (Whose::Kept, RootToken::Store) => Ok(()),
            // While something is left to do, the first token is kept for the next run.
            (Whose::Kept, RootToken::Revoke) if !good => Ok(()),
            (Whose::Made, _) if !good => revoke(&client).await,
            (Whose::Kept | Whose::Made, _) => self.forget_root(&client, keys).await,
        };
        result.and(done)
    }

    /// A plan for a Vault that cannot be read: all of it, as far as anybody can tell.
    async fn guess(&self, report: &mut VaultReport) -> Result<(), VaultError> {
        if let Some(kept) = &self.phase.kept {
            let mut ledger = Ledger::default();
            let digester = ledger.digester(&kept.sealer).await?;
            let wanted = &self.phase.bootstrap.wanted;
            let actions = plan(wanted, &Holds::default(), &ledger, &digester);
            report.actions = actions.iter().map(Shown::from).collect();
        }
        report.tentative = true;
        Ok(())
    }

    /// What initialising and unsealing would take.
    pub(super) async fn foresee(
        &self,
        report: &mut VaultReport,
    ) -> Result<Option<Keys>, VaultError> {
        let mut keys = None;
        if let Some(vault) = self.vault() {
            match vault.condition().await? {
                Condition::Empty | Condition::Begun(_) => {
                    let Some(init) = &self.phase.bootstrap.init else {
                        return Err(self.uninitialised());
                    };
                    let first = self.found.servers.first();
                    report
                        .steps
                        .extend(first.map(|server| init_step(server, init)));
                }
                Condition::Kept => keys = Some(vault.keys(&NO_INIT).await?),
                Condition::Foreign => {}
                Condition::Lost => {
                    return Err(vault
                        .keys(&NO_INIT)
                        .await
                        .err()
                        .unwrap_or_else(|| self.uninitialised()));
                }
            }
        }
        for server in &self.found.servers {
            if seal_status(server).await?.sealed {
                report.steps.push(step("unseal", server));
            }
        }
        Ok(keys)
    }

    /// Initialises where that is ours to do, and unseals each server.
    pub(super) async fn bring_up(
        &self,
        report: &mut VaultReport,
    ) -> Result<Option<Keys>, VaultError> {
        let Some(vault) = self.vault() else {
            return Ok(None);
        };
        let condition = vault.condition().await?;
        let init = self.phase.bootstrap.init.as_ref();
        let brought = match (&condition, init) {
            (Condition::Foreign, None) => None,
            (Condition::Empty | Condition::Begun(Stage::Intent), _)
                if self.depth == Depth::Unseal =>
            {
                return Err(self.uninitialised());
            }
            (Condition::Empty, None) => return Err(self.uninitialised()),
            (Condition::Empty, _) if !self.found.missing.is_empty() && !self.found.one_by_one => {
                // One of those that are not there yet may be initialised already.
                let missing = self.found.missing.join("; ");
                return Err(VaultError::new(ErrorKind::Unreachable, missing));
            }
            (_, init) => Some(vault.bring_up(init.unwrap_or(&NO_INIT)).await?),
        };
        let Some((keys, made)) = brought else {
            return Ok(None);
        };
        let mut keys = rekey::settle(&vault, keys).await?;
        if let (true, Some(init), Some(server)) = (made, init, self.found.servers.first()) {
            report.steps.push(init_step(server, init));
        }
        // While the first token lives, whoever made it may be at work and will revoke it.
        let revokes = self.phase.bootstrap.root_token == RootToken::Revoke;
        if keys.root.is_some() && revokes && vault.guard.ensure().await? {
            keys = vault.keys(&NO_INIT).await?;
        }
        self.unseal_each(&vault, &keys, report).await?;
        Ok(Some(keys))
    }

    /// Unseals each server; those of a raft that are not in it yet join it first. One that does not answer
    /// keeps nobody else sealed.
    async fn unseal_each(
        &self,
        vault: &Vault<'_>,
        keys: &Keys,
        report: &mut VaultReport,
    ) -> Result<(), VaultError> {
        let mut first_error = None;
        for server in raft::members_first(&self.found.servers).await {
            let result = async {
                let status = seal_status(server).await?;
                if !status.sealed {
                    return Ok(());
                }
                vault.guard.ensure().await?;
                if !status.initialised {
                    raft::join(server, &self.found.servers).await?;
                    report.steps.push(step("join", server));
                }
                match unseal(server, keys).await? {
                    Unsealed::Now => report.steps.push(step("unseal", server)),
                    Unsealed::ByOthers => return Err(others_unseal(server, keys)),
                    Unsealed::Open | Unsealed::ByItself => {}
                }
                Ok(())
            };
            if let Err(error) = result.await {
                first_error.get_or_insert(error);
            }
        }
        first_error.map_or(Ok(()), Err)
    }

    pub(super) fn vault(&self) -> Option<Vault<'_>> {
        let kept = self.phase.kept.as_ref()?;
        Some(Vault {
            servers: &self.found.servers,
            store: &*kept.store,
            sealer: &kept.sealer,
            guard: &kept.guard,
        })
    }

    /// A server that answers; none while all are sealed. One that has just been unsealed is given a moment
    /// to become the active one.
    pub(super) async fn active(&self) -> Result<Option<&Client>, VaultError> {
        let mut tries = 0;
        loop {
            let (mut standby, mut last) = (None, None);
            for server in &self.found.servers {
                match server.answer("sys/health").await {
                    Ok(health) => match health.status.as_u16() {
                        200 => return Ok(Some(server)),
                        429 | 472 | 473 => standby = Some(server),
                        _ => {}
                    },
                    Err(error) => last = Some(error),
                }
            }
            match (standby, last) {
                (None, Some(error)) => return Err(error),
                (None, None) => return Ok(None),
                (standby, _) if tries == ELECTION => return Ok(standby),
                _ => tries += 1,
            }
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        }
    }

    /// A client that may configure, and whose its token is.
    pub(super) async fn authorised(
        &self,
        server: &Client,
        keys: Option<&Keys>,
    ) -> Result<(Client, Whose), VaultError> {
        if let Some(reference) = &self.phase.bootstrap.token {
            return Ok((self.led(server).with_token(read(reference)?), Whose::Given));
        }
        let mut refused = None;
        if let Some(at) = &self.phase.bootstrap.auth {
            match login(server, at, self.phase.kept.as_ref()).await {
                Ok(token) => return Ok((self.led(server).with_login(token), Whose::Own)),
                // The bootstrap has not come to it yet, or somebody took it away: the shares bring it back.
                Err(error) if LOGIN_REFUSED.contains(&error.kind) => refused = Some(error),
                Err(error) => return Err(error),
            }
        }
        let keys = keys.filter(|keys| keys.root.is_some() || !keys.is_withheld());
        let Some(keys) = keys else {
            if let Some(refused) = refused {
                return Err(refused);
            }
            let message = format!(
                "there is no token for {}, and no keys to make one of",
                server.describe()
            );
            return Err(VaultError::new(ErrorKind::Forbidden, message)
                .help("name a token in `tokenFrom`, or the keys in `keys`"));
        };
        if let Some(root) = &keys.root {
            let client = self.led(server).with_token(root.clone());
            match client.read("auth/token/lookup-self").await {
                Ok(_) => return Ok((client, Whose::Kept)),
                // It was revoked by a run that did not come to forgetting it.
                Err(error) if error.kind == ErrorKind::Forbidden => {}
                Err(error) => return Err(error),
            }
        }
        if let Some(kept) = &self.phase.kept {
            // The ceremony of another process would be broken off.
            kept.guard.ensure().await?;
        }
        let token = generate_root(server, keys).await?;
        Ok((self.led(server).with_token(token), Whose::Made))
    }

    /// A client of a server that may send on to the others.
    fn led(&self, server: &Client) -> Client {
        server.clone().among(&self.found.servers)
    }

    /// What is to be done so that the Vault holds what the file wants; with an error where more would be deleted than
    /// may be at once.
    async fn planned(
        &self,
        client: &Client,
        ledger: &Ledger,
        digester: &Digester,
    ) -> Result<(Vec<Action>, Option<Diagnostic>), VaultError> {
        let wanted = &self.phase.bootstrap.wanted;
        let prune = &self.phase.bootstrap.prune;
        let mut owned = Cow::Borrowed(ledger);
        if prune.is_exclusive() {
            let unlisted = exclusive::unlisted(client, wanted).await?;
            owned.to_mut().made.extend(unlisted);
        }
        let holds = observe(client, wanted, &owned).await?;
        let mut actions = plan(wanted, &holds, &owned, digester);
        actions.retain(|action| action.kind != Kind::Prune || prune.takes(action.word));
        let too_much = exclusive::over_the_limit(prune, &actions);
        Ok((actions, too_much))
    }

    async fn bring_about(
        &self,
        client: &Client,
        report: &mut VaultReport,
    ) -> Result<(), VaultError> {
        let Some(Kept {
            store,
            sealer,
            guard,
        }) = &self.phase.kept
        else {
            return Err(VaultError::new(
                ErrorKind::Keys,
                "configuring needs `keys`, where the ledger is kept",
            ));
        };
        let wanted = &self.phase.bootstrap.wanted;
        loop {
            let mut ledger = Ledger::load(&**store).await?;
            let digester = ledger.digester(sealer).await?;
            let (mut actions, too_much) = self.planned(client, &ledger, &digester).await?;
            let left = leave_unmanaged(&mut actions, &ledger, self.only_looks);
            report.warnings.extend(left);
            report.actions = actions.iter().map(Shown::from).collect();
            if self.only_looks {
                let blocked = actions.iter().filter_map(|action| action.blocked.clone());
                report.errors.extend(blocked.chain(too_much));
                return Ok(());
            }
            if too_much.is_some() {
                actions.retain(|action| action.kind != Kind::Prune);
                report.actions.retain(|shown| shown.kind != Kind::Prune);
            }
            let work = report.to_work();
            let expected = self.phase.expected.as_ref();
            if let Some(Err(stale)) =
                expected.map(|expected| expected.check(&work.steps, &work.actions))
            {
                report.actions.clear();
                report.errors.extend(stale);
                return Ok(());
            }
            // What was read before it was ours may have been changed by whoever had it.
            let writes = actions.iter().any(|action| action.kind != Kind::None)
                || knows_too_much(wanted, &actions, &ledger);
            if writes && guard.ensure().await? {
                continue;
            }
            let done = configure(client, wanted, &actions, &mut ledger, &**store, guard).await?;
            // What the server does not let anybody change is no change.
            for shown in &mut report.actions {
                if done.unmanaged.contains(&shown.path) {
                    shown.kind = Kind::None;
                }
            }
            report.errors.extend(done.errors);
            report.errors.extend(too_much);
            report.warnings.extend(done.warnings);
            return Ok(());
        }
    }

    /// Makes trueup's own login usable, and shows that it is.
    async fn equip(&self, client: &Client) -> Result<(), VaultError> {
        let (Some(at), Some(kept)) = (&self.phase.bootstrap.auth, &self.phase.kept) else {
            return Ok(());
        };
        // Somebody's own token may come every time, and a secret id be there already.
        if let Ok(token) = login(client, at, Some(kept)).await {
            return revoke(&client.clone().with_login(token)).await;
        }
        login::equip(client, at, kept).await?;
        match login(client, at, Some(kept)).await {
            Ok(token) => revoke(&client.clone().with_login(token)).await,
            // A service account is at hand only where trueup runs as it.
            Err(error) if at.by != LoginBy::AppRole => {
                tracing::warn!(%error, "trueup's own login does not work from here");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Shows that what was configured works.
    pub(super) async fn verify(&self, report: &mut VaultReport) -> Result<(), VaultError> {
        let Some(server) = self.active().await? else {
            return Err(VaultError::new(
                ErrorKind::Sealed,
                "every server of the Vault is sealed",
            ));
        };
        verify(server, &self.phase.bootstrap.verify, report).await;
        Ok(())
    }

    /// Revokes the token of a client and forgets it, where it was kept.
    async fn forget_root(&self, client: &Client, keys: Option<Keys>) -> Result<(), VaultError> {
        revoke(client).await?;
        let Some(Kept { store, sealer, .. }) = &self.phase.kept else {
            return Ok(());
        };
        let forgets = self.phase.bootstrap.root_token == RootToken::Revoke;
        if let Some(mut keys) = keys.filter(|keys| forgets && keys.root.is_some()) {
            keys.root = None;
            let sealed = sealer.seal(&keys.to_bytes()).await?;
            store.save(Slot::Keys, &sealed).await?;
        }
        if let Some(mut journal) = Journal::load(&**store).await?
            && journal.stage != Stage::Configured
        {
            journal.stage = Stage::Configured;
            journal.save(&**store).await?;
        }
        Ok(())
    }

    fn uninitialised(&self) -> VaultError {
        let first = self.found.servers.first();
        let server = first.map(Client::describe).unwrap_or_default();
        VaultError::new(
            ErrorKind::Uninitialised,
            format!("{server} is not initialised"),
        )
        .help("`init: {}` in its file lets trueup do it")
    }
}

/// The shares are in the hands of people, each sealed to one of them.
fn others_unseal(server: &Client, keys: &Keys) -> VaultError {
    let message = format!(
        "{} is sealed, and its shares are held by people",
        server.describe()
    );
    VaultError::new(ErrorKind::Sealed, message).help(format!(
        "{} of them run `vault operator unseal` with what `trueup vault export-recovery` gave them",
        keys.threshold
    ))
}

/// Whose a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// Of trueup's own login.
    Own,
    /// Somebody gave it: it is theirs to revoke.
    Given,
    /// The first one, kept with the keys.
    Kept,
    /// Made of the shares for this run.
    Made,
}

/// Stands for a split that is never asked for: the keys are there already.
static NO_INIT: Init = Init {
    shares: 0,
    threshold: 0,
    holders: Vec::new(),
};

/// How a login fails that was not made yet, or was taken away.
const LOGIN_REFUSED: [ErrorKind; 4] = [
    ErrorKind::NotFound,
    ErrorKind::Invalid,
    ErrorKind::Forbidden,
    ErrorKind::Unsupported,
];

/// How often servers that all stand by are asked again for one that leads.
const ELECTION: u32 = 60;

fn init_step(server: &Client, init: &Init) -> Step {
    Step {
        detail: format!("{} shares, {} open it", init.shares, init.threshold),
        ..step("init", server)
    }
}

fn step(what: &'static str, server: &Client) -> Step {
    Step {
        what,
        server: server.describe(),
        detail: String::new(),
    }
}
