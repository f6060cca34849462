//! What is done with the keys of a Vault now and then, by somebody who asks for it: other shares, other
//! root credentials, a copy of the keys for somebody else.

use trueup_manifest::Diagnostic;
use zeroize::Zeroizing;

use super::{
    client::Client,
    error::{ErrorKind, VaultError},
    init::Init,
    keys::Keys,
    ledger::Ledger,
    phase::{Depth, Phase},
    rekey,
    report::{Step, VaultReport},
    rotate,
    run::{Run, Whose},
    sealer::Sealer,
    store::Slot,
    token::revoke,
};

/// The keys of a Vault, to be given to somebody.
pub struct Exported(Keys);

impl Exported {
    /// Sealed to age recipients, as armoured text.
    pub async fn sealed_to(&self, recipients: &[String]) -> Result<Vec<u8>, VaultError> {
        let sealer = Sealer::new(recipients, None)?;
        sealer.seal(&self.0.to_bytes()).await
    }

    /// In clear: each share on a line of its own. Shares that are sealed to people come as they are.
    pub fn in_clear(&self) -> Zeroizing<String> {
        let keys = &self.0;
        let shares = keys.shares.iter().chain(&keys.recovery);
        let mut text = Zeroizing::new(String::new());
        for share in shares {
            text.push_str(share.expose());
            text.push('\n');
        }
        text
    }

    /// How many shares there are, and how many are needed.
    pub fn split(&self) -> (usize, u64) {
        let keys = &self.0;
        (keys.shares.len() + keys.recovery.len(), keys.threshold)
    }
}

/// What is done.
enum Task<'a> {
    /// Other shares: how many, and how many of them open it. By default as the file says.
    Rekey(Option<u64>, Option<u64>),
    /// Other root credentials of these mounts; of all where none is named.
    Rotate(&'a [String]),
}

impl Phase {
    /// Gives the Vault other shares and keeps them. Where `split` says nothing it is that of the file.
    pub async fn rekey(&self, split: (Option<u64>, Option<u64>), dry_run: bool) -> VaultReport {
        self.carry_out(&Task::Rekey(split.0, split.1), dry_run)
            .await
    }

    /// Replaces the root credentials of AWS mounts by ones that only the Vault knows: of those mounts, or
    /// of all that the file names.
    pub async fn rotate_root(&self, mounts: &[String], dry_run: bool) -> VaultReport {
        self.carry_out(&Task::Rotate(mounts), dry_run).await
    }

    async fn carry_out(&self, task: &Task<'_>, dry_run: bool) -> VaultReport {
        let mut report = self.report();
        let result = async {
            let found = self.reach.find().await?;
            let run = Run::new(self, found, Depth::Unseal, dry_run);
            match task {
                Task::Rekey(shares, threshold) => run.rekey(*shares, *threshold, &mut report).await,
                Task::Rotate(mounts) => run.rotate(mounts, &mut report).await,
            }
        };
        if let Err(error) = result.await {
            report.errors.push(Diagnostic::from(error));
        }
        if let Some(kept) = &self.kept {
            kept.guard.release().await;
        }
        report
    }

    /// The keys as they are kept. Nothing is sent to the Vault.
    pub async fn exported(&self) -> Result<Exported, VaultError> {
        let kept = self.kept.as_ref().ok_or_else(no_keys)?;
        if kept.store.load(Slot::Next).await?.is_some() {
            return Err(VaultError::new(
                ErrorKind::Keys,
                "other shares were being made when a process ended, and nobody has looked since which are good",
            )
            .help("`trueup vault unseal` finds out; then export"));
        }
        let Some(sealed) = kept.store.load(Slot::Keys).await? else {
            let message = format!("there are no keys in {}", kept.store.describe());
            return Err(VaultError::new(ErrorKind::Keys, message));
        };
        let clear = kept.sealer.open(&sealed).await?;
        Ok(Exported(Keys::of_bytes(&clear)?))
    }
}

impl Run<'_> {
    async fn rekey(
        &self,
        shares: Option<u64>,
        threshold: Option<u64>,
        report: &mut VaultReport,
    ) -> Result<(), VaultError> {
        let (keys, server) = self.opened(report).await?;
        let vault = self.vault().ok_or_else(no_keys)?;
        let of_file = self.phase.bootstrap.init.as_ref();
        let split = Init {
            shares: shares.unwrap_or_else(|| of_file.map_or(5, |init| init.shares)),
            threshold: threshold.unwrap_or_else(|| of_file.map_or(3, |init| init.threshold)),
            holders: Vec::new(),
        };
        if split.threshold > split.shares {
            let (of, all) = (split.threshold, split.shares);
            let message = format!("{of} of {all} shares can never come together");
            return Err(VaultError::new(ErrorKind::Invalid, message)
                .help("the threshold is at most the number of shares"));
        }
        if keys.is_withheld() || of_file.is_some_and(|init| !init.holders.is_empty()) {
            let message = "the shares of this Vault are held by people";
            return Err(VaultError::new(ErrorKind::Keys, message)
                .help("they give it other ones with `vault operator rekey`"));
        }
        rekey::ready(&vault, server, &keys).await?;
        if !self.only_looks {
            vault.guard.ensure().await?;
            rekey::rekey(&vault, server, &keys, &split).await?;
        }
        report.steps.push(Step {
            what: "rekey",
            server: server.describe(),
            detail: format!("{} shares, {} open it", split.shares, split.threshold),
        });
        Ok(())
    }

    async fn rotate(&self, mounts: &[String], report: &mut VaultReport) -> Result<(), VaultError> {
        let mut targets = rotate::rotatable(&self.phase.bootstrap.wanted);
        let mounts: Vec<&str> = mounts.iter().map(|mount| mount.trim_matches('/')).collect();
        let known: Vec<&str> = targets.iter().map(|target| target.mount.as_str()).collect();
        if let Some(unknown) = mounts.iter().find(|mount| !known.contains(mount)) {
            let message = format!("`{unknown}` is no AWS mount with root credentials of this file");
            return Err(VaultError::new(ErrorKind::Invalid, message)
                .help(format!("those are `{}`", known.join("`, `"))));
        }
        targets.retain(|target| mounts.is_empty() || mounts.contains(&target.mount.as_str()));
        let (keys, server) = self.opened(report).await?;
        let vault = self.vault().ok_or_else(no_keys)?;
        let step = |mount: &str, detail: String| Step {
            what: "rotate-root",
            server: mount.to_owned(),
            detail,
        };
        if self.only_looks {
            let steps = targets
                .iter()
                .map(|target| step(&target.mount, String::new()));
            report.steps.extend(steps);
            return Ok(());
        }
        vault.guard.ensure().await?;
        let (client, whose) = self.authorised(server, Some(&keys)).await?;
        let mut ledger = Ledger::load(vault.store).await?;
        let mut result = Ok(());
        for target in &targets {
            match rotate::rotate(&client, target, &mut ledger, vault.store).await {
                Ok(key) => report
                    .steps
                    .push(step(&target.mount, format!("its access key is {key} now"))),
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        if matches!(whose, Whose::Made | Whose::Own) {
            revoke(&client).await?;
        }
        result
    }

    /// The keys, and a server that is open and leads.
    async fn opened(&self, report: &mut VaultReport) -> Result<(Keys, &Client), VaultError> {
        let keys = if self.only_looks {
            self.foresee(report).await?
        } else {
            self.bring_up(report).await?
        };
        let keys = keys.ok_or_else(no_keys)?;
        let server = self.active().await?.ok_or_else(|| {
            VaultError::new(ErrorKind::Sealed, "every server is sealed")
                .help("`trueup vault unseal` opens them")
        })?;
        Ok((keys, server))
    }
}

fn no_keys() -> VaultError {
    VaultError::new(
        ErrorKind::Keys,
        "the keys of this Vault are not kept by trueup",
    )
    .help("whoever keeps them does this with `vault operator`")
}
