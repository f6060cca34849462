//! Logs in: by a secret id, by the token of a service account, by a signed request to AWS.
//!
//! What proves who asks is sent to one server and kept nowhere in clear. What comes back is a token that
//! whoever asked revokes when its work is done.

use std::{fs, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{
    client::Client,
    error::{ErrorKind, VaultError},
    file::{LoginAt, LoginBy},
    phase::Kept,
    store::Slot,
};
use crate::{
    aws::{Credentials, Paths, Provider, Request, Scope, sign},
    source::Secret,
};

/// The request whose signature proves who asks.
const IDENTITY: &str = "Action=GetCallerIdentity&Version=2011-06-15";

/// What a login gives.
pub(super) struct Token {
    /// The token.
    pub secret: Secret,
    /// How long it lives unless it is renewed; none where it lives on, or cannot be renewed.
    pub renewed_within: Option<Duration>,
}

impl Token {
    /// What a login or a renewal answers.
    fn of(answer: &Value) -> Option<Self> {
        let auth = answer.get("auth")?;
        let seconds = auth.get("lease_duration").and_then(Value::as_u64);
        let renewable = auth.get("renewable").and_then(Value::as_bool) == Some(true);
        Some(Self {
            secret: Secret::new(auth.get("client_token")?.as_str()?),
            renewed_within: seconds
                .filter(|seconds| renewable && *seconds > 0)
                .map(Duration::from_secs),
        })
    }
}

/// Works with a token, which is renewed after two thirds of its time, again and again, for as long as the work takes.
pub(super) async fn renewing<T>(
    client: &Client,
    renewed_within: Option<Duration>,
    work: impl Future<Output = T>,
) -> T {
    tokio::pin!(work);
    let mut left = renewed_within;
    loop {
        let Some(time) = left else {
            return work.await;
        };
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(time * 2 / 3) => {}
        }
        let nothing = json!({});
        let renewal = client.write("auth/token/renew-self", &nothing);
        tokio::select! {
            done = &mut work => return done,
            answer = renewal => left = match answer {
                Ok(answer) => Token::of(&answer).and_then(|token| token.renewed_within),
                Err(error) => {
                    // It may last until the end; if not, the request that needs it says so.
                    tracing::warn!(%error, "the token cannot be renewed");
                    None
                }
            },
        }
    }
}

/// A token for a login. An `AppRole`'s secret id is in the store, where the bootstrap left it.
pub(super) async fn login(
    client: &Client,
    at: &LoginAt,
    kept: Option<&Kept>,
) -> Result<Token, VaultError> {
    let body = match &at.by {
        LoginBy::AppRole => of_store(at, kept).await?,
        LoginBy::Kubernetes { token_file } => {
            let token = fs::read_to_string(token_file).map_err(|error| {
                let message =
                    format!("cannot read the service account's token `{token_file}`: {error}");
                VaultError::new(ErrorKind::Forbidden, message)
            })?;
            let token = Zeroizing::new(token);
            json!({"role": at.role, "jwt": token.trim()})
        }
        LoginBy::Aws {
            server_id,
            region,
            provider,
        } => {
            let server_id = server_id.as_deref();
            by_aws(&at.role, server_id, region.as_deref(), provider).await?
        }
    };
    let answer = client
        .write(&format!("auth/{}/login", at.mount), &body)
        .await?;
    Token::of(&answer).ok_or_else(|| {
        let message = format!("a login at auth/{} gave no token", at.mount);
        VaultError::new(ErrorKind::Server, message)
    })
}

async fn of_store(at: &LoginAt, kept: Option<&Kept>) -> Result<Value, VaultError> {
    let absent = || {
        let message = format!("there is no secret id for auth/{} yet", at.mount);
        VaultError::new(ErrorKind::NotFound, message)
    };
    let kept = kept.ok_or_else(absent)?;
    let sealed = kept.store.load(Slot::Login).await?.ok_or_else(absent)?;
    let clear = kept.sealer.open(&sealed).await?;
    let value: Value = serde_json::from_slice(&clear).map_err(|_| absent())?;
    let of_this = value.get("mount").and_then(Value::as_str) == Some(&at.mount)
        && value.get("role").and_then(Value::as_str) == Some(&at.role);
    if !of_this {
        return Err(absent());
    }
    Ok(json!({"role_id": value.get("roleId"), "secret_id": value.get("secretId")}))
}

/// Makes the secret id of an `AppRole` and keeps it, sealed. The one before goes when its time is over.
pub(super) async fn equip(client: &Client, at: &LoginAt, kept: &Kept) -> Result<(), VaultError> {
    if at.by != LoginBy::AppRole {
        return Ok(());
    }
    let role = format!("auth/{}/role/{}", at.mount, at.role);
    let id = client.read(&format!("{role}/role-id")).await?;
    let secret = client
        .write(&format!("{role}/secret-id"), &json!({}))
        .await?;
    let text = |value: &Value, name: &str| {
        let found = value.pointer(&format!("/data/{name}"));
        found.and_then(Value::as_str).map(str::to_owned)
    };
    let (Some(role_id), Some(secret_id)) = (text(&id, "role_id"), text(&secret, "secret_id"))
    else {
        let message = format!("{role} gave no secret id");
        return Err(VaultError::new(ErrorKind::Server, message));
    };
    let clear = json!({
        "mount": at.mount,
        "role": at.role,
        "roleId": role_id,
        "secretId": secret_id,
    });
    let clear = Zeroizing::new(clear.to_string().into_bytes());
    let sealed = kept.sealer.seal(&clear).await?;
    kept.store.save(Slot::Login, &sealed).await
}

async fn by_aws(
    role: &str,
    server_id: Option<&str>,
    region: Option<&str>,
    provider: &Provider,
) -> Result<Value, VaultError> {
    let signing = region.unwrap_or("us-east-1");
    let credentials = provider.credentials(signing).await.map_err(|error| {
        let found = VaultError::new(ErrorKind::Forbidden, error.message.clone());
        match error.help {
            Some(help) => found.help(help),
            None => found,
        }
    })?;
    Ok(signed(
        role,
        server_id,
        region,
        &credentials,
        Timestamp::now(),
    ))
}

/// The body of a login: a request to STS, signed, which the server sends on to learn who signed it.
fn signed(
    role: &str,
    server_id: Option<&str>,
    region: Option<&str>,
    credentials: &Credentials,
    at: Timestamp,
) -> Value {
    let host = match region {
        Some(region) if region.starts_with("cn-") => format!("sts.{region}.amazonaws.com.cn"),
        Some(region) => format!("sts.{region}.amazonaws.com"),
        None => "sts.amazonaws.com".to_owned(),
    };
    let mut headers = vec![
        ("host".to_owned(), host.clone()),
        (
            "content-type".to_owned(),
            "application/x-www-form-urlencoded; charset=utf-8".to_owned(),
        ),
    ];
    if let Some(id) = server_id {
        headers.push(("x-vault-aws-iam-server-id".to_owned(), id.to_owned()));
    }
    let request = Request {
        method: "POST",
        path: "/",
        query: "",
        headers: &headers,
        body: IDENTITY.as_bytes(),
    };
    let scope = Scope {
        region: region.unwrap_or("us-east-1"),
        service: "sts",
        at,
        paths: Paths::EncodedAgain,
        sign_body: false,
    };
    let added = sign(&request, &scope, credentials);
    headers.extend(added);
    let headers: serde_json::Map<String, Value> = headers
        .into_iter()
        .map(|(name, value)| (name, json!([value])))
        .collect();
    json!({
        "role": role,
        "iam_http_request_method": "POST",
        "iam_request_url": STANDARD.encode(format!("https://{host}/")),
        "iam_request_body": STANDARD.encode(IDENTITY),
        "iam_request_headers": STANDARD.encode(Value::Object(headers).to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_by_aws_carries_a_signed_request_and_no_key() {
        let credentials = Credentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            session_token: None,
            expires: None,
        };
        let at = "2015-08-30T12:36:00Z".parse().unwrap();
        let body = signed(
            "dev",
            Some("vault.example.com"),
            Some("us-west-2"),
            &credentials,
            at,
        );
        let text = |name: &str| {
            let bytes = STANDARD.decode(body[name].as_str().unwrap()).unwrap();
            String::from_utf8(bytes).unwrap()
        };
        assert_eq!(
            text("iam_request_url"),
            "https://sts.us-west-2.amazonaws.com/"
        );
        let headers: Value = serde_json::from_str(&text("iam_request_headers")).unwrap();
        let authorization = headers["authorization"][0].as_str().unwrap();
        assert!(
            authorization
                .contains("SignedHeaders=content-type;host;x-amz-date;x-vault-aws-iam-server-id"),
            "{authorization}"
        );
        assert!(!body.to_string().contains("wJalr"));
    }
}
