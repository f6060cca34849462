//! Initialises a Vault so that no crash, time-out or lost answer loses its keys.
//!
//! The order is the whole point, and each step is written down before it is taken:
//!
//! 1. the key store is shown to keep what it is given, and the identity to open it
//! 2. no server of the Vault is initialised
//! 3. the journal says that `sys/init` is about to be sent
//! 4. `sys/init`, once
//! 5. its answer goes into the journal, sealed, before anything reads it
//! 6. the keys go into the store and are read back from there
//!
//! Whoever begins again finds in the journal where to go on.

use serde_json::json;
use zeroize::Zeroizing;

use super::{
    client::Client,
    error::{ErrorKind, VaultError},
    guard::Guard,
    journal::{Journal, Stage},
    keys::Keys,
    seal::{SealStatus, seal_status},
    sealer::Sealer,
    store::{KeyStore, Slot},
};

/// How to initialise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Init {
    /// How many shares the key is split into.
    pub shares: u64,
    /// How many of them open it.
    pub threshold: u64,
    /// The `OpenPGP` keys of those who hold the shares, in base64, one a share; none where trueup holds them.
    pub holders: Vec<String>,
}

impl Init {
    /// The body of the request. Where the seal opens by itself, the shares only recover.
    fn body(&self, opens_itself: bool) -> serde_json::Value {
        let (shares, threshold, keys) = if opens_itself {
            ("recovery_shares", "recovery_threshold", "recovery_pgp_keys")
        } else {
            ("secret_shares", "secret_threshold", "pgp_keys")
        };
        let mut body = json!({shares: self.shares, threshold: self.threshold});
        if let (Some(body), false) = (body.as_object_mut(), self.holders.is_empty()) {
            body.insert(keys.to_owned(), json!(self.holders));
        }
        body
    }
}

/// One Vault and where its keys are kept.
pub(super) struct Vault<'a> {
    /// Its servers, each by itself, the one to initialise first.
    pub servers: &'a [Client],
    /// Where its keys are kept.
    pub store: &'a dyn KeyStore,
    /// What seals and opens them.
    pub sealer: &'a Sealer,
    /// What keeps others away meanwhile.
    pub guard: &'a Guard,
}

/// What a Vault is like before anything is done to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// It was never initialised, and nobody began to.
    Empty,
    /// A bootstrap was begun and can go on.
    Begun(Stage),
    /// It is initialised, and its keys are kept.
    Kept,
    /// It is initialised, and its keys are not here: others keep them.
    Foreign,
    /// It is initialised by us, and its keys are gone.
    Lost,
}

impl Vault<'_> {
    fn first(&self) -> Result<&Client, VaultError> {
        self.servers
            .first()
            .ok_or_else(|| VaultError::new(ErrorKind::Unreachable, "the Vault has no servers yet"))
    }

    /// What it is like. Nothing is changed.
    pub(super) async fn condition(&self) -> Result<Condition, VaultError> {
        let journal = Journal::load(self.store).await?;
        let kept = self.store.load(Slot::Keys).await?.is_some();
        let initialised = self.any_initialised().await?;
        Ok(match (initialised, journal) {
            (true, Some(journal)) if journal.stage == Stage::Answered => {
                Condition::Begun(Stage::Answered)
            }
            (true, _) if kept => Condition::Kept,
            (true, Some(journal)) if journal.stage == Stage::Intent => Condition::Lost,
            (true, Some(_)) => Condition::Lost,
            (true, None) => Condition::Foreign,
            (false, Some(journal)) if journal.stage == Stage::Intent => {
                Condition::Begun(Stage::Intent)
            }
            (false, _) => Condition::Empty,
        })
    }

    async fn any_initialised(&self) -> Result<bool, VaultError> {
        let mut any = false;
        for server in self.servers {
            let SealStatus { initialised, .. } = seal_status(server).await?;
            any |= initialised;
        }
        self.first()?;
        Ok(any)
    }

    /// Initialises it where it is not, and gives its keys as they are kept: read back from the store,
    /// never from memory.
    pub(super) async fn keys(&self, init: &Init) -> Result<Keys, VaultError> {
        Ok(self.bring_up(init).await?.0)
    }

    /// As [`Self::keys`], and whether it was initialised by this.
    pub(super) async fn bring_up(&self, init: &Init) -> Result<(Keys, bool), VaultError> {
        let mut condition = self.condition().await?;
        // What was seen before it was ours may have been changed by whoever had it: what looks like lost
        // keys may be somebody at work.
        if condition != Condition::Kept && self.guard.ensure().await? {
            condition = self.condition().await?;
        }
        match condition {
            Condition::Kept => Ok((self.read_back().await?, false)),
            Condition::Empty | Condition::Begun(Stage::Intent) => {
                self.begin(init).await?;
                Ok((self.go_on(init).await?, true))
            }
            Condition::Begun(_) => Ok((self.go_on(init).await?, true)),
            Condition::Foreign => Err(self.foreign()),
            Condition::Lost => Err(self.lost().await),
        }
    }

    /// Sends `sys/init`, once, and keeps its answer.
    async fn begin(&self, init: &Init) -> Result<(), VaultError> {
        let server = self.first()?;
        self.prove_store().await?;
        let kept = self.store.load(Slot::Keys).await?;
        if kept.is_some() {
            let message = format!(
                "{} is not initialised, but there are keys in {}",
                server.describe(),
                self.store.describe()
            );
            return Err(VaultError::new(ErrorKind::Keys, message).help(
                "its storage was emptied, or the keys are of another Vault: move them away by hand, \
                 then run again",
            ));
        }
        let mut journal = Journal {
            attempt: attempt(),
            stage: Stage::Intent,
            server: server.describe(),
            answer: None,
        };
        journal.save(self.store).await?;
        self.guard.ensure().await?;
        let status = seal_status(server).await?;
        let body = init.body(status.recovery);
        let answer = server.initialise(&body).await?;
        if !answer.status.is_success() {
            let said = answer.json();
            let said = said
                .get("errors")
                .map(ToString::to_string)
                .unwrap_or_default();
            let message = format!("{} refuses to be initialised: {said}", server.describe());
            return Err(VaultError::new(ErrorKind::Invalid, message));
        }
        // Before anything reads it: from here on a crash loses nothing.
        let sealed = self.sealer.seal(answer.raw()).await?;
        journal.answer = Some(String::from_utf8_lossy(&sealed).into_owned());
        journal.stage = Stage::Answered;
        journal.save(self.store).await
    }

    /// From the answer in the journal to keys in the store.
    async fn go_on(&self, init: &Init) -> Result<Keys, VaultError> {
        let Some(mut journal) = Journal::load(self.store).await? else {
            return Err(self.foreign());
        };
        let Some(answer) = &journal.answer else {
            return Err(self.lost().await);
        };
        let answer = self.sealer.open(answer.as_bytes()).await?;
        let mut keys = Keys::of_answer(&answer, init.threshold)?;
        keys.withheld = !init.holders.is_empty();
        let sealed = self.sealer.seal(&keys.to_bytes()).await?;
        self.store.save(Slot::Keys, &sealed).await?;
        let kept = self.read_back().await?;
        if kept != keys {
            let message = format!(
                "{} gives back other keys than it was given",
                self.store.describe()
            );
            return Err(VaultError::new(ErrorKind::Keys, message)
                .help("they are still in the journal; mend the store and run again"));
        }
        journal.stage = Stage::Saved;
        journal.answer = None;
        journal.save(self.store).await?;
        Ok(kept)
    }

    async fn read_back(&self) -> Result<Keys, VaultError> {
        let sealed = self.store.load(Slot::Keys).await?.ok_or_else(|| {
            let message = format!("there are no keys in {}", self.store.describe());
            VaultError::new(ErrorKind::Keys, message)
        })?;
        Keys::of_bytes(&self.sealer.open(&sealed).await?)
    }

    /// Keys are only ever made once it is certain that they can be kept and read.
    async fn prove_store(&self) -> Result<(), VaultError> {
        let canary: Zeroizing<Vec<u8>> = Zeroizing::new(attempt().into_bytes());
        let sealed = self.sealer.seal(&canary).await?;
        self.store.save(Slot::Canary, &sealed).await?;
        let back = self.store.load(Slot::Canary).await?;
        let opened = self
            .sealer
            .open(back.as_deref().unwrap_or_default())
            .await?;
        if opened != canary {
            let message = format!("{} does not keep what it is given", self.store.describe());
            return Err(VaultError::new(ErrorKind::Keys, message));
        }
        self.store.clear(Slot::Canary).await
    }

    fn foreign(&self) -> VaultError {
        let server = self
            .servers
            .first()
            .map(Client::describe)
            .unwrap_or_default();
        let message = format!(
            "{server} is initialised, and its keys are not in {}",
            self.store.describe()
        );
        VaultError::new(ErrorKind::Keys, message).help(
            "somebody else keeps them: unseal it by hand and set `init.enabled: false`, or put the keys \
             into the store",
        )
    }

    async fn lost(&self) -> VaultError {
        let journal = Journal::load(self.store).await.ok().flatten();
        let was_kept = journal
            .as_ref()
            .is_some_and(|journal| journal.stage >= Stage::Saved);
        let attempt = journal.map(|journal| journal.attempt).unwrap_or_default();
        let server = self
            .servers
            .first()
            .map(Client::describe)
            .unwrap_or_default();
        if was_kept {
            let message = format!(
                "the keys of {server} are not in {} any more, although they were kept there",
                self.store.describe()
            );
            return VaultError::new(ErrorKind::KeysLost, message).help(
                "bring them back from a backup before the Vault is sealed: while it is open nothing in it is \
                 lost, and who still has the shares can rekey it",
            );
        }
        let message = format!(
            "the keys of {server} are lost: it was initialised (attempt {attempt}), and its answer \
             never arrived here"
        );
        VaultError::new(ErrorKind::KeysLost, message).help(
            "nobody can open this Vault any more. It held nothing yet: delete its storage (the \
             PersistentVolumeClaims of its pods) and the journal, then run again",
        )
    }
}

fn attempt() -> String {
    format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..))
}
