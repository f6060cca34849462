//! Requests to services of AWS, signed, with what they answer.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use url::Url;

use super::{
    credentials::Credentials,
    sign::{Paths, Request, Scope, sign},
};
use crate::source::Secret;

/// How long a request may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A failure of AWS. It holds no secret.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct AwsError {
    /// What is wrong.
    pub message: String,
    /// The code that the service gave: `AccessDeniedException`.
    pub code: Option<String>,
    /// The status of the answer; none where there was no answer.
    pub status: Option<u16>,
    /// What to do.
    pub help: Option<String>,
}

impl AwsError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: None,
            status: None,
            help: None,
        }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// An object of S3.
#[derive(Clone, Debug)]
pub struct Object {
    /// What is in it.
    pub bytes: Vec<u8>,
    /// Its version: the `ETag`.
    pub version: Option<String>,
}

/// Services of a region.
pub struct Aws {
    region: String,
    credentials: Option<Credentials>,
}

impl Aws {
    /// Asked by these credentials.
    pub fn new(region: &str, credentials: Credentials) -> Self {
        Self {
            region: region.to_owned(),
            credentials: Some(credentials),
        }
    }

    /// Asked by nobody.
    pub(super) fn unsigned(region: &str) -> Self {
        Self {
            region: region.to_owned(),
            credentials: None,
        }
    }

    /// A request of the Query protocol, such as those of STS; gives its XML.
    pub async fn query(
        &self,
        service: &str,
        parameters: &[(&str, &str)],
    ) -> Result<String, AwsError> {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parameters)
            .finish();
        let kind = "application/x-www-form-urlencoded; charset=utf-8";
        let headers = [("content-type".to_owned(), kind.to_owned())];
        let url = endpoint(service, &self.region)?;
        let body = body.into_bytes();
        let answer = self.send("POST", service, url, &headers, body).await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    /// A request of the JSON protocol, such as those of KMS.
    pub async fn json(&self, service: &str, target: &str, body: &Value) -> Result<Value, AwsError> {
        let headers = [
            (
                "content-type".to_owned(),
                "application/x-amz-json-1.1".to_owned(),
            ),
            ("x-amz-target".to_owned(), target.to_owned()),
        ];
        let url = endpoint(service, &self.region)?;
        let body = body.to_string().into_bytes();
        let answer = self.send("POST", service, url, &headers, body).await?;
        serde_json::from_slice(&answer)
            .map_err(|_| AwsError::new(format!("{target} gave an answer that is no JSON")))
    }

    /// A request about an object of S3.
    pub async fn object(
        &self,
        method: &str,
        bucket: &str,
        key: &str,
        headers: &[(String, String)],
        body: Vec<u8>,
    ) -> Result<Object, AwsError> {
        let mut url = endpoint("s3", &self.region)?;
        {
            let invalid = AwsError::new("the endpoint of S3 can hold no path");
            let mut path = url.path_segments_mut().map_err(|()| invalid)?;
            path.pop_if_empty().push(bucket).extend(key.split('/'));
        }
        let (bytes, version) = self.exchange(method, "s3", url, headers, body).await?;
        Ok(Object { bytes, version })
    }

    async fn send(
        &self,
        method: &str,
        service: &str,
        url: Url,
        headers: &[(String, String)],
        body: Vec<u8>,
    ) -> Result<Vec<u8>, AwsError> {
        let (bytes, _) = self.exchange(method, service, url, headers, body).await?;
        Ok(bytes)
    }

    async fn exchange(
        &self,
        method: &str,
        service: &str,
        url: Url,
        headers: &[(String, String)],
        body: Vec<u8>,
    ) -> Result<(Vec<u8>, Option<String>), AwsError> {
        let host = host(&url);
        let mut all = vec![("host".to_owned(), host)];
        all.extend_from_slice(headers);
        if let Some(credentials) = &self.credentials {
            let request = Request {
                method,
                path: url.path(),
                query: url.query().unwrap_or_default(),
                headers: &all,
                body: &body,
            };
            let scope = Scope {
                region: &self.region,
                service,
                at: Timestamp::now(),
                paths: if service == "s3" {
                    Paths::AsSent
                } else {
                    Paths::EncodedAgain
                },
                sign_body: service == "s3",
            };
            all.extend(sign(&request, &scope, credentials));
        }
        let verb: reqwest::Method = method
            .parse()
            .map_err(|_| AwsError::new(format!("`{method}` is no method")))?;
        let mut request = client()?.request(verb, url.clone()).body(body);
        for (name, value) in all.iter().filter(|(name, _)| name != "host") {
            request = request.header(name, value);
        }
        answer(service, &url, request).await
    }
}

async fn answer(
    service: &str,
    url: &Url,
    request: reqwest::RequestBuilder,
) -> Result<(Vec<u8>, Option<String>), AwsError> {
    let unreachable = |error: reqwest::Error| {
        let error = error.without_url();
        AwsError::new(format!("{} cannot be reached: {error}", host(url)))
    };
    let response = request.send().await.map_err(unreachable)?;
    let status = response.status().as_u16();
    let version = response.headers().get("etag");
    let version = version.and_then(|version| version.to_str().ok().map(str::to_owned));
    let bytes = response.bytes().await.map_err(unreachable)?;
    if (200..300).contains(&status) {
        return Ok((bytes.to_vec(), version));
    }
    let (code, said) = of_failure(&bytes);
    let message = format!(
        "{service} answers {status}{}{}",
        code.as_ref()
            .map(|code| format!(" {code}"))
            .unwrap_or_default(),
        said.map(|said| format!(": {said}")).unwrap_or_default(),
    );
    Err(AwsError {
        code,
        status: Some(status),
        ..AwsError::new(message)
    })
}

/// The code and the text of a failed answer, in JSON or in XML.
fn of_failure(body: &[u8]) -> (Option<String>, Option<String>) {
    if let Ok(value) = serde_json::from_slice::<Value>(body) {
        let text = |names: &[&str]| {
            let mut found = names.iter().filter_map(|name| value.get(name)?.as_str());
            found.next().map(str::to_owned)
        };
        let code = text(&["__type", "code"]);
        let code = code.map(|code| code.rsplit('#').next().unwrap_or_default().to_owned());
        return (code, text(&["message", "Message"]));
    }
    let body = String::from_utf8_lossy(body);
    let element = |name: &str| {
        let (_, rest) = body.split_once(&format!("<{name}>"))?;
        let (text, _) = rest.split_once(&format!("</{name}>"))?;
        Some(text.to_owned())
    };
    (element("Code"), element("Message"))
}

/// What a URL with a token of its own answers.
pub(super) async fn get(url: &str, authorization: Option<&Secret>) -> Result<Vec<u8>, AwsError> {
    let url = Url::parse(url).map_err(|error| AwsError::new(format!("`{url}`: {error}")))?;
    let mut request = client()?.get(url.clone());
    if let Some(token) = authorization {
        request = request.header("authorization", token.expose());
    }
    let (bytes, _) = answer("the endpoint of credentials", &url, request).await?;
    Ok(bytes)
}

fn client() -> Result<reqwest::Client, AwsError> {
    reqwest::Client::builder()
        .timeout(PATIENCE)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| AwsError::new(error.to_string()))
}

fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// Where a service of a region answers: `AWS_ENDPOINT_URL_<SERVICE>`, `AWS_ENDPOINT_URL`, or AWS' own.
fn endpoint(service: &str, region: &str) -> Result<Url, AwsError> {
    let named = [
        format!("AWS_ENDPOINT_URL_{}", service.to_ascii_uppercase()),
        "AWS_ENDPOINT_URL".to_owned(),
    ];
    let url = named
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|url| !url.is_empty())
        .unwrap_or_else(|| {
            let suffix = if region.starts_with("cn-") {
                "amazonaws.com.cn"
            } else {
                "amazonaws.com"
            };
            format!("https://{service}.{region}.{suffix}")
        });
    Url::parse(&url).map_err(|error| AwsError::new(format!("`{url}` is no endpoint: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_a_failure_is_found_in_json_and_in_xml() {
        let json = br#"{"__type":"com.amazonaws.kms#NotFoundException","message":"no key"}"#;
        assert_eq!(
            of_failure(json),
            (Some("NotFoundException".into()), Some("no key".into()))
        );
        let xml = b"<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>";
        assert_eq!(
            of_failure(xml),
            (Some("NoSuchKey".into()), Some("gone".into()))
        );
        assert_eq!(of_failure(b"<html>"), (None, None));
    }
}
