//! Shows that what was configured works: somebody logs in as a role and reads what they should, and nothing
//! that they should not.
//!
//! What is read is never kept or shown; the token, and with it the leases that the reading gave, is revoked.

use trueup_manifest::Diagnostic;

use super::{
    client::Client,
    error::{ErrorKind, VaultError},
    file::Check,
    login::login,
    report::VaultReport,
    token::revoke,
};

/// Carries out the checks of a file, each by itself.
pub(super) async fn verify(server: &Client, checks: &[Check], report: &mut VaultReport) {
    for check in checks {
        if let Err(error) = one(server, check, report).await {
            let diagnostic = Diagnostic::from(error);
            report
                .errors
                .push(diagnostic.at(check.login.location.clone()));
        }
    }
}

/// What the checks of a file would try.
pub(super) fn tries(checks: &[Check]) -> Vec<String> {
    let mut all = Vec::new();
    for check in checks {
        let role = check.login.role.as_str();
        all.push(format!("a login at auth/{} as `{role}`", check.login.mount));
        let reads = check
            .reads
            .iter()
            .map(|path| format!("`{role}` reads {path}"));
        let refused = check
            .refused
            .iter()
            .map(|path| format!("`{role}` may not read {path}"));
        all.extend(reads.chain(refused));
    }
    all
}

async fn one(server: &Client, check: &Check, report: &mut VaultReport) -> Result<(), VaultError> {
    let role = check.login.role.as_str();
    let token = login(server, &check.login, None).await.map_err(|error| {
        let message = format!("nobody can log in as `{role}`: {}", error.message);
        let help = error.help.unwrap_or_else(|| {
            "is the principal that runs trueup the one that the role is bound to?".to_owned()
        });
        VaultError::new(error.kind, message).help(help)
    })?;
    report
        .verified
        .push(format!("a login at auth/{} as `{role}`", check.login.mount));
    let client = server.clone().with_login(token);
    let read = reads(&client, check, report).await;
    let revoked = revoke(&client).await;
    read.and(revoked)
}

async fn reads(client: &Client, check: &Check, report: &mut VaultReport) -> Result<(), VaultError> {
    let role = check.login.role.as_str();
    for path in &check.reads {
        client.read(path).await.map_err(|error| {
            let message = format!("`{role}` cannot read {path}: {}", error.message);
            VaultError::new(error.kind, message)
        })?;
        report.verified.push(format!("`{role}` reads {path}"));
    }
    for path in &check.refused {
        match client.read(path).await {
            Err(error) if error.kind == ErrorKind::Forbidden => {
                report
                    .verified
                    .push(format!("`{role}` may not read {path}"));
            }
            Err(error) => return Err(error),
            Ok(_) => {
                let message = format!("`{role}` can read {path}, which is to be refused");
                return Err(VaultError::new(ErrorKind::Invalid, message)
                    .help("one of its policies allows it"));
            }
        }
    }
    Ok(())
}
