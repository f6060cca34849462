//! A Vault asked by hand, with a token made of the kept shares.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
};

use base64::Engine;
use serde_json::{Value, json};

use crate::world::{Server, World};

/// A server and a token that may do everything.
pub(crate) struct Vault {
    address: String,
    token: String,
}

impl Vault {
    /// With a token that is known.
    pub(crate) fn at(url: &str, token: &str) -> Self {
        Self {
            address: url.replace("http://", ""),
            token: token.to_owned(),
        }
    }
}

impl World {
    /// Does something by hand, as root.
    pub(crate) fn with_root<T>(&self, server: &Server, work: impl FnOnce(&Vault) -> T) -> T {
        let mut vault = Vault {
            address: server.address(),
            token: String::new(),
        };
        let _ = vault.ask("DELETE", "sys/generate-root/attempt", None);
        let begun = vault
            .ask("PUT", "sys/generate-root/attempt", Some(&json!({})))
            .1;
        let mut encoded = String::new();
        for share in self.kept()["keys"].as_array().unwrap() {
            let body = json!({"key": share, "nonce": begun["nonce"]});
            let (_, answer) = vault.ask("PUT", "sys/generate-root/update", Some(&body));
            if answer["complete"] == true {
                answer["encoded_token"]
                    .as_str()
                    .unwrap()
                    .clone_into(&mut encoded);
                break;
            }
        }
        let bytes = base64::engine::general_purpose::STANDARD_NO_PAD
            .decode(encoded.trim_end_matches('='))
            .unwrap();
        let otp = begun["otp"].as_str().unwrap().as_bytes();
        let token = bytes.iter().zip(otp).map(|(a, b)| a ^ b).collect();
        vault.token = String::from_utf8(token).unwrap();
        let done = work(&vault);
        vault.ask("POST", "auth/token/revoke-self", None);
        done
    }

    /// The keys as they are kept.
    pub(crate) fn kept(&self) -> Value {
        let identity: age::x25519::Identity = self.identity.parse().unwrap();
        Self::opened(&identity, &fs::read(self.path("keys.age")).unwrap())
    }

    /// What is in a sealed text.
    pub(crate) fn opened(identity: &age::x25519::Identity, sealed: &[u8]) -> Value {
        let decryptor = age::Decryptor::new(age::armor::ArmoredReader::new(sealed)).unwrap();
        let mut clear = String::new();
        let identities = std::iter::once(identity as &dyn age::Identity);
        decryptor
            .decrypt(identities)
            .unwrap()
            .read_to_string(&mut clear)
            .unwrap();
        serde_json::from_str(&clear).unwrap()
    }
}

impl Vault {
    /// What is at a path.
    pub(crate) fn read(&self, path: &str) -> Value {
        let (status, answer) = self.ask("GET", path, None);
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// Writes to a path.
    pub(crate) fn write(&self, path: &str, body: &Value) {
        let (status, answer) = self.ask("POST", path, Some(body));
        assert!(status < 300, "{path}: {status} {answer}");
    }

    /// The status that writing to a path has.
    pub(crate) fn status(&self, path: &str, body: &Value) -> u16 {
        self.ask("POST", path, Some(body)).0
    }

    /// A request: the status of its answer, and the answer.
    pub(crate) fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let body = body.map(Value::to_string).unwrap_or_default();
        write!(
            stream,
            "{method} /v1/{path} HTTP/1.1\r\nhost: vault\r\nconnection: close\r\nx-vault-request: true\r\n\
             x-vault-token: {}\r\ncontent-length: {}\r\n\r\n{body}",
            self.token,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let chunked = head.to_lowercase().contains("transfer-encoding: chunked");
        let body = if chunked {
            unchunked(body)
        } else {
            body.to_owned()
        };
        (status, serde_json::from_str(&body).unwrap_or_default())
    }
}

fn unchunked(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((length, rest)) = body.split_once("\r\n") {
        let length = usize::from_str_radix(length.trim(), 16).unwrap();
        if length == 0 {
            break;
        }
        whole.push_str(&rest[..length]);
        body = &rest[length + 2..];
    }
    whole
}
