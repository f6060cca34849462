//! One file over HTTP, of a bounded size and within a bounded time.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use reqwest::{Certificate, Client, ClientBuilder, Identity, redirect};

use super::error::tame;

/// As `curl` and browsers: more hops than this are taken for a circle.
const MOST_REDIRECTS: usize = 10;

/// Whom to trust, and who we are, where a server is not to be asked with what this machine has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// The authorities to trust, in PEM, in place of those that this machine trusts.
    pub authorities: Option<PathBuf>,
    /// Our certificate, in PEM.
    pub certificate: Option<PathBuf>,
    /// The private key of our certificate, in PEM.
    pub key: Option<PathBuf>,
    /// Whether any certificate is taken for the server's.
    pub unverified: bool,
}

/// What is fetched.
pub(crate) struct Download<'a> {
    /// The address. It is in no error.
    pub(crate) url: &'a str,
    /// User and password. They go to the address's host, and nowhere that it leads to.
    pub(crate) login: Option<(String, String)>,
    /// Whom to trust.
    pub(crate) tls: &'a Tls,
    /// The most bytes.
    pub(crate) limit: u64,
    /// How long it may take.
    pub(crate) timeout: Duration,
}

/// Why a file cannot be had.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failed {
    /// What was given for TLS is of no use.
    Tls(String),
    /// No answer in time.
    TimedOut,
    /// No connection.
    Unreachable(String),
    /// The server refused, with this code.
    Refused(u16),
    /// More bytes than the limit.
    TooLarge,
}

impl From<reqwest::Error> for Failed {
    fn from(error: reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::TimedOut;
        }
        Self::Unreachable(tame(&causes(&error.without_url())))
    }
}

impl Download<'_> {
    /// The content of the file.
    pub(crate) async fn fetch(self) -> Result<Vec<u8>, Failed> {
        let client = Client::builder()
            .user_agent(concat!("trueup/", env!("CARGO_PKG_VERSION")))
            .timeout(self.timeout)
            .redirect(redirect::Policy::limited(MOST_REDIRECTS))
            .referer(false);
        let client = self.tls.configure(client).map_err(Failed::Tls)?.build()?;
        let mut request = client.get(self.url);
        if let Some((user, password)) = self.login {
            request = request.basic_auth(user, Some(password));
        }
        let mut response = request.send().await?;
        let status = response.status();
        if !status.is_success() {
            return Err(Failed::Refused(status.as_u16()));
        }
        if response.content_length() > Some(self.limit) {
            return Err(Failed::TooLarge);
        }
        let mut content = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            content.extend_from_slice(&chunk);
            if content.len() as u64 > self.limit {
                return Err(Failed::TooLarge);
            }
        }
        Ok(content)
    }
}

impl Tls {
    /// Whether nothing is said.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// The authorities to trust, in PEM; none where those of this machine are.
    pub(crate) fn authorities(&self) -> Result<Option<Vec<u8>>, String> {
        let Some(file) = &self.authorities else {
            return Ok(None);
        };
        let pem = read(file)?;
        let found = Certificate::from_pem_bundle(&pem).unwrap_or_default();
        if found.is_empty() {
            return Err(format!("`{}` holds no certificates in PEM", file.display()));
        }
        Ok(Some(pem))
    }

    fn configure(&self, mut client: ClientBuilder) -> Result<ClientBuilder, String> {
        if let Some(pem) = self.authorities()? {
            let trusted = Certificate::from_pem_bundle(&pem).map_err(|error| causes(&error))?;
            client = client.tls_certs_only(trusted);
        }
        match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => {
                let mut both = read(certificate)?;
                both.push(b'\n');
                both.extend_from_slice(&read(key)?);
                let identity = Identity::from_pem(&both).map_err(|_| {
                    let (certificate, key) = (certificate.display(), key.display());
                    format!(
                        "`{certificate}` and `{key}` are no certificate and its private key in PEM"
                    )
                })?;
                client = client.identity(identity);
            }
            (None, None) => {}
            (Some(one), None) | (None, Some(one)) => {
                let one = one.display();
                return Err(format!(
                    "`{one}` is of no use alone: a certificate and its private key go together"
                ));
            }
        }
        Ok(client.tls_danger_accept_invalid_certs(self.unverified))
    }
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    fs::read(file).map_err(|error| format!("`{}` cannot be read: {error}", file.display()))
}

/// What went wrong, down to the cause that says most.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
