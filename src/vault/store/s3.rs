//! Sealed bytes in objects of S3, one a slot.
//!
//! Each write names the version that it replaces, so that of two processes that write at once only one
//! does.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use futures::{FutureExt, future::BoxFuture};

use super::{KeyStore, Slot};
use crate::{
    aws::{Aws, AwsError, Provider},
    vault::error::{ErrorKind, VaultError},
};

/// Keeps each slot in an object: the keys in that of the key, the others beside it.
pub(in crate::vault) struct S3Store {
    bucket: String,
    key: String,
    region: String,
    provider: Provider,
    /// The versions that were seen last; empty for what was not there.
    versions: Mutex<HashMap<&'static str, String>>,
}

impl S3Store {
    /// A store whose keys are in this object.
    pub(in crate::vault) fn new(bucket: &str, key: &str, region: &str, provider: Provider) -> Self {
        Self {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            region: region.to_owned(),
            provider,
            versions: Mutex::default(),
        }
    }

    fn key(&self, slot: Slot) -> String {
        match slot {
            Slot::Keys => self.key.clone(),
            other => format!("{}.{}", self.key, other.name()),
        }
    }

    async fn aws(&self) -> Result<Aws, VaultError> {
        let credentials = self.provider.credentials(&self.region).await;
        let credentials = credentials.map_err(|error| failed(&error))?;
        Ok(Aws::new(&self.region, credentials))
    }

    fn seen(&self, slot: Slot) -> Option<String> {
        let versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        versions.get(slot.name()).cloned()
    }

    fn note(&self, slot: Slot, version: Option<String>) {
        let mut versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        versions.insert(slot.name(), version.unwrap_or_default());
    }

    async fn read(&self, slot: Slot) -> Result<Option<Vec<u8>>, VaultError> {
        let (aws, key) = (self.aws().await?, self.key(slot));
        match aws.object("GET", &self.bucket, &key, &[], Vec::new()).await {
            Ok(object) => {
                self.note(slot, object.version);
                Ok(Some(object.bytes))
            }
            Err(error)
                if error.status == Some(404) && error.code.as_deref() != Some("NoSuchBucket") =>
            {
                self.note(slot, None);
                Ok(None)
            }
            Err(error) => Err(failed(&error)),
        }
    }

    async fn write(&self, slot: Slot, sealed: &[u8]) -> Result<(), VaultError> {
        if self.seen(slot).is_none() {
            self.read(slot).await?;
        }
        let only_if = match self.seen(slot) {
            Some(version) if !version.is_empty() => [("if-match".to_owned(), version)],
            _ => [("if-none-match".to_owned(), "*".to_owned())],
        };
        let (aws, key) = (self.aws().await?, self.key(slot));
        let written = aws.object("PUT", &self.bucket, &key, &only_if, sealed.to_vec());
        match written.await {
            Ok(object) => {
                self.note(slot, object.version);
                Ok(())
            }
            Err(error) if matches!(error.status, Some(409 | 412)) => {
                // An answer that got lost on its way makes our own write look like another's.
                if self.read(slot).await?.as_deref() == Some(sealed) {
                    return Ok(());
                }
                let message = format!(
                    "another process wrote to s3://{}/{key} at the same time",
                    self.bucket
                );
                Err(VaultError::new(ErrorKind::Keys, message)
                    .help("let it finish, then run again: nothing was overwritten"))
            }
            Err(error) => Err(failed(&error)),
        }
    }
}

impl KeyStore for S3Store {
    fn describe(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }

    fn load(&self, slot: Slot) -> BoxFuture<'_, Result<Option<Vec<u8>>, VaultError>> {
        self.read(slot).boxed()
    }

    fn save<'a>(&'a self, slot: Slot, sealed: &'a [u8]) -> BoxFuture<'a, Result<(), VaultError>> {
        self.write(slot, sealed).boxed()
    }

    fn clear(&self, slot: Slot) -> BoxFuture<'_, Result<(), VaultError>> {
        async move {
            let (aws, key) = (self.aws().await?, self.key(slot));
            let deleted = aws.object("DELETE", &self.bucket, &key, &[], Vec::new());
            deleted.await.map_err(|error| failed(&error))?;
            self.note(slot, None);
            Ok(())
        }
        .boxed()
    }
}

fn failed(error: &AwsError) -> VaultError {
    let found = VaultError::new(ErrorKind::Keys, error.message.clone());
    match &error.help {
        Some(help) => found.help(help.clone()),
        None => found,
    }
}
