//! Who asks: keys of the process' environment, of a profile, of a pod's role.
//!
//! The order is that of AWS' own clients: variables, a web identity (IRSA), a profile of the credentials file,
//! then the endpoint of a container (EKS Pod Identity).

use std::{fs, path::PathBuf};

use jiff::Timestamp;
use serde_json::Value;

use super::call::{Aws, AwsError};
use crate::source::Secret;

/// Keys that requests are signed with.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The name of the key. It is no secret.
    pub access_key_id: String,
    /// The key.
    pub secret_access_key: Secret,
    /// The token of the session, for keys that run out.
    pub session_token: Option<Secret>,
    /// When they run out.
    pub expires: Option<Timestamp>,
}

/// Where credentials come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provider {
    /// A profile of the credentials file, in place of what the environment says.
    pub profile: Option<String>,
    /// A role to assume with what was found.
    pub assume_role: Option<String>,
}

impl Provider {
    /// Finds credentials.
    pub async fn credentials(&self, region: &str) -> Result<Credentials, AwsError> {
        let found = self.base(region).await?;
        match &self.assume_role {
            Some(role) => assume_role(region, found, role).await,
            None => Ok(found),
        }
    }

    async fn base(&self, region: &str) -> Result<Credentials, AwsError> {
        if let Some(profile) = &self.profile {
            return of_profile(profile);
        }
        if let Some(found) = of_environment() {
            return Ok(found);
        }
        if let (Some(file), Some(role)) = (
            variable("AWS_WEB_IDENTITY_TOKEN_FILE"),
            variable("AWS_ROLE_ARN"),
        ) {
            return web_identity(region, &file, &role).await;
        }
        let profile = variable("AWS_PROFILE");
        if profile.is_some() || credentials_file().is_some_and(|path| path.is_file()) {
            return of_profile(profile.as_deref().unwrap_or("default"));
        }
        if let Some(endpoint) = variable("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
            return of_container(&endpoint).await;
        }
        Err(AwsError::new("there are no credentials of AWS here").help(
            "set `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, name a profile, or give the pod a role",
        ))
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn of_environment() -> Option<Credentials> {
    Some(Credentials {
        access_key_id: variable("AWS_ACCESS_KEY_ID")?,
        secret_access_key: Secret::new(variable("AWS_SECRET_ACCESS_KEY")?),
        session_token: variable("AWS_SESSION_TOKEN").map(Secret::new),
        expires: None,
    })
}

fn credentials_file() -> Option<PathBuf> {
    variable("AWS_SHARED_CREDENTIALS_FILE")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(variable("HOME")?).join(".aws/credentials")))
}

fn of_profile(profile: &str) -> Result<Credentials, AwsError> {
    let path = credentials_file().unwrap_or_default();
    let text = fs::read_to_string(&path)
        .map_err(|error| AwsError::new(format!("cannot read `{}`: {error}", path.display())))?;
    in_file(&text, profile).ok_or_else(|| {
        let message = format!(
            "`{}` has no keys of the profile `{profile}`",
            path.display()
        );
        AwsError::new(message)
            .help("a profile of single sign-on is not supported yet: export its keys")
    })
}

/// The keys of a profile in the text of a credentials file.
fn in_file(text: &str, profile: &str) -> Option<Credentials> {
    let header = format!("[{profile}]");
    let lines = text.lines().map(str::trim);
    let section = lines
        .skip_while(|line| *line != header)
        .skip(1)
        .take_while(|line| !line.starts_with('['));
    let (mut id, mut key, mut token) = (None, None, None);
    for line in section {
        let Some((name, value)) = line.split_once('=') else {
            continue;
        };
        let value = value.trim();
        match name.trim() {
            "aws_access_key_id" => id = Some(value.to_owned()),
            "aws_secret_access_key" => key = Some(Secret::new(value)),
            "aws_session_token" => token = Some(Secret::new(value)),
            _ => {}
        }
    }
    Some(Credentials {
        access_key_id: id?,
        secret_access_key: key?,
        session_token: token,
        expires: None,
    })
}

async fn web_identity(region: &str, file: &str, role: &str) -> Result<Credentials, AwsError> {
    // The kubelet replaces it from time to time, so it is read each time.
    let token = fs::read_to_string(file)
        .map(Secret::new)
        .map_err(|error| AwsError::new(format!("cannot read `{file}`: {error}")))?;
    let parameters = [
        ("Action", "AssumeRoleWithWebIdentity"),
        ("Version", "2011-06-15"),
        ("RoleArn", role),
        ("RoleSessionName", "trueup"),
        ("WebIdentityToken", token.expose().trim()),
    ];
    let answer = Aws::unsigned(region).query("sts", &parameters).await?;
    of_answer(&answer, "AssumeRoleWithWebIdentity")
}

async fn assume_role(
    region: &str,
    credentials: Credentials,
    role: &str,
) -> Result<Credentials, AwsError> {
    let parameters = [
        ("Action", "AssumeRole"),
        ("Version", "2011-06-15"),
        ("RoleArn", role),
        ("RoleSessionName", "trueup"),
    ];
    let answer = Aws::new(region, credentials)
        .query("sts", &parameters)
        .await?;
    of_answer(&answer, "AssumeRole")
}

fn of_answer(answer: &str, action: &str) -> Result<Credentials, AwsError> {
    let element = |name: &str| {
        let (_, rest) = answer.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>"))
            .map(|(text, _)| text.trim().to_owned())
    };
    let (Some(id), Some(key)) = (element("AccessKeyId"), element("SecretAccessKey")) else {
        return Err(AwsError::new(format!("{action} gave no credentials")));
    };
    Ok(Credentials {
        access_key_id: id,
        secret_access_key: Secret::new(key),
        session_token: element("SessionToken").map(Secret::new),
        expires: element("Expiration").and_then(|time| time.parse().ok()),
    })
}

async fn of_container(endpoint: &str) -> Result<Credentials, AwsError> {
    let authorization = match variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
        Some(file) => Some(
            fs::read_to_string(&file)
                .map(|text| Secret::new(text.trim()))
                .map_err(|error| AwsError::new(format!("cannot read `{file}`: {error}")))?,
        ),
        None => variable("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(Secret::new),
    };
    let answer = super::call::get(endpoint, authorization.as_ref()).await?;
    let value: Value = serde_json::from_slice(&answer)
        .map_err(|_| AwsError::new(format!("{endpoint} gave no credentials")))?;
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let (Some(id), Some(key)) = (text("AccessKeyId"), text("SecretAccessKey")) else {
        return Err(AwsError::new(format!("{endpoint} gave no credentials")));
    };
    Ok(Credentials {
        access_key_id: id,
        secret_access_key: Secret::new(key),
        session_token: text("Token").map(Secret::new),
        expires: text("Expiration").and_then(|time| time.parse().ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_found_among_others() {
        let text = "[default]\naws_access_key_id = A\naws_secret_access_key=one\n\n\
                    [prod]\naws_access_key_id=B\naws_secret_access_key = two\naws_session_token = three\n";
        let found = in_file(text, "prod").unwrap();
        assert_eq!(found.access_key_id, "B");
        assert_eq!(found.secret_access_key.expose(), "two");
        assert_eq!(found.session_token.unwrap().expose(), "three");
        assert_eq!(in_file(text, "default").unwrap().access_key_id, "A");
        assert!(in_file(text, "dev").is_none());
    }

    #[test]
    fn the_answer_of_sts_holds_keys_and_their_end() {
        let answer = "<AssumeRoleResponse><Credentials><AccessKeyId>ASIA</AccessKeyId>\
                      <SecretAccessKey>key</SecretAccessKey><SessionToken>session</SessionToken>\
                      <Expiration>2026-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResponse>";
        let found = of_answer(answer, "AssumeRole").unwrap();
        assert_eq!(found.access_key_id, "ASIA");
        assert!(found.expires.is_some());
        assert!(of_answer("<Error/>", "AssumeRole").is_err());
    }
}
