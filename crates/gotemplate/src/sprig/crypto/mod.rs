//! Sprig's keys, certificates, passwords and ciphers.

mod aes;
mod certificate;
mod der;
mod dsa;
pub(crate) mod keys;
mod password;
mod pem;
#[cfg(test)]
mod tests;

use std::{any::Any, borrow::Cow, net::IpAddr, sync::Arc};

use certificate::{Issuer, Template};
use keys::{KeyKind, PrivateKey};

use super::{
    bind::{INT, STRING, print},
    encoding::base64_decode,
    outside::Outside,
};
use crate::{
    error::Error,
    function::{Call, Functions, Signature},
    value::{Kind, Object, Str, Type, Value},
};

const CERTIFICATE: &str = "sprig.certificate";
const CA: Type = Type::Named(CERTIFICATE);
const LIST: Type = Type::LIST;

/// Sprig's certificate with its key, both as PEM.
#[derive(Clone)]
struct Certificate {
    cert: Str,
    key: Str,
}

impl Object for Certificate {
    fn type_name(&self) -> Cow<'static, str> {
        Cow::Borrowed(CERTIFICATE)
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("Cert", Value::Str(self.cert.clone())),
            ("Key", Value::Str(self.key.clone())),
        ]
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other
            .as_any()
            .downcast_ref::<Self>()
            .is_some_and(|other| self.cert == other.cert && self.key == other.key)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// What `genCA` and its like give, from a certificate and a key as PEM.
pub fn certificate(cert: &str, key: &str) -> Value {
    Value::object(Certificate {
        cert: cert.into(),
        key: key.into(),
    })
}

pub(super) fn add(functions: &mut Functions, outside: &Arc<dyn Outside>) {
    add_passwords(functions, outside);
    add_ciphers(functions, outside);
    add_keys(functions, outside);
    add_authorities(functions, outside);
    add_certificates(functions, outside);
    functions.add(
        "buildCustomCert",
        Signature::of(&[STRING, STRING]),
        |call| build_custom(call.bytes(0), call.bytes(1)),
    );
}

/// Adds a function that draws; its body is given the source, which has been told.
fn add_drawing(
    functions: &mut Functions,
    outside: &Arc<dyn Outside>,
    name: &'static str,
    signature: Signature,
    body: impl Fn(&mut Call<'_, '_>, &dyn Outside) -> Result<Value, Error> + Send + Sync + 'static,
) {
    let outside = Arc::clone(outside);
    functions.add(name, signature, move |call| {
        outside.drawn(name);
        body(call, &*outside)
    });
}

fn drawn<const N: usize>(outside: &dyn Outside) -> Result<[u8; N], String> {
    let mut bytes = [0; N];
    outside.fill(&mut bytes)?;
    Ok(bytes)
}

fn add_passwords(functions: &mut Functions, outside: &Arc<dyn Outside>) {
    add_drawing(
        functions,
        outside,
        "bcrypt",
        Signature::of(&[STRING]),
        |call, outside| {
            call.context().spend(100_000)?;
            Ok(Value::from(password::bcrypt(
                call.bytes(0),
                drawn(outside)?,
            )))
        },
    );
    add_drawing(
        functions,
        outside,
        "htpasswd",
        Signature::of(&[STRING, STRING]),
        |call, outside| {
            call.context().spend(100_000)?;
            let user = call.bytes(0);
            let bytes = if user.contains(&b':') {
                [b"invalid username: ", user].concat()
            } else {
                [
                    user,
                    b":",
                    password::bcrypt(call.bytes(1), drawn(outside)?).as_bytes(),
                ]
                .concat()
            };
            Ok(Value::Str(Str::from_bytes(bytes)))
        },
    );
    let signature = Signature::of(&[Type::Number(Kind::Uint32), STRING, STRING, STRING, STRING]);
    functions.add("derivePassword", signature, |call| {
        call.context().spend(200_000)?;
        let counter = call
            .value(0)
            .as_uint()
            .and_then(|counter| u32::try_from(counter).ok())
            .unwrap_or_default();
        let (kind, password, user, site) =
            (call.bytes(1), call.bytes(2), call.bytes(3), call.bytes(4));
        Ok(Value::Str(Str::from_bytes(password::derive(
            counter, kind, password, user, site,
        ))))
    });
}

fn add_ciphers(functions: &mut Functions, outside: &Arc<dyn Outside>) {
    add_drawing(
        functions,
        outside,
        "encryptAES",
        Signature::of(&[STRING, STRING]),
        |call, outside| {
            if call.bytes(1).is_empty() {
                return Ok(Value::from(""));
            }
            Ok(Value::from(aes::encrypt(
                call.bytes(0),
                call.bytes(1),
                drawn(outside)?,
            )?))
        },
    );
    functions.add("decryptAES", Signature::of(&[STRING, STRING]), |call| {
        if call.bytes(1).is_empty() {
            return Ok(Value::from(""));
        }
        let bytes = base64_decode(call.bytes(1))?;
        Ok(Value::Str(Str::from_bytes(aes::decrypt(
            call.bytes(0),
            &bytes,
            call.bytes(1).len() / 4 * 3,
        )?)))
    });
}

fn add_keys(functions: &mut Functions, outside: &Arc<dyn Outside>) {
    add_drawing(
        functions,
        outside,
        "genPrivateKey",
        Signature::of(&[STRING]),
        |call, outside| {
            call.context().spend(1_000_000)?;
            let kind = match call.bytes(0) {
                b"" | b"rsa" => KeyKind::Rsa(4096),
                b"ecdsa" => KeyKind::Ecdsa,
                b"ed25519" => KeyKind::Ed25519,
                b"dsa" => {
                    let mut failure = None;
                    let key = dsa::generate(&mut |bytes| {
                        if let Err(error) = outside.fill(bytes) {
                            failure = Some(error);
                        }
                        failure.is_none()
                    });
                    return match (key, failure) {
                        (Some(key), None) => Ok(Value::from(PrivateKey::Dsa(key).to_pem())),
                        (_, error) => Err(error.unwrap_or_default().into()),
                    };
                }
                other => {
                    return Ok(Value::Str(Str::from_bytes(
                        [b"Unknown type ", other].concat(),
                    )));
                }
            };
            Ok(Value::from(new_key(outside, kind)?.to_pem()))
        },
    );
}

fn new_key(outside: &dyn Outside, kind: KeyKind) -> Result<PrivateKey, String> {
    PrivateKey::from_pkcs8(&outside.private_key(kind)?)
        .map_err(|error| format!("error generating rsa key: {error}"))
}

/// The key that an argument has as PEM, or a new one of RSA.
fn key_of(pem: Option<&[u8]>, outside: &dyn Outside) -> Result<PrivateKey, String> {
    match pem {
        Some(pem) => {
            PrivateKey::from_pem(pem).map_err(|error| format!("parsing private key: {error}"))
        }
        None => new_key(outside, KeyKind::Rsa(2048)),
    }
}

fn issued(
    template: &Template,
    key: &PrivateKey,
    issuer: Option<(&Issuer, &PrivateKey)>,
) -> Result<Value, Error> {
    let cert = certificate::create(template, key, issuer)?.into();
    Ok(Value::object(Certificate {
        cert,
        key: key.to_pem().into(),
    }))
}

fn add_authorities(functions: &mut Functions, outside: &Arc<dyn Outside>) {
    let cases: [(&'static str, Signature); 2] = [
        ("genCA", Signature::of(&[STRING, INT])),
        ("genCAWithKey", Signature::of(&[STRING, INT, STRING])),
    ];
    for (name, signature) in cases {
        let with_key = name == "genCAWithKey";
        add_drawing(functions, outside, name, signature, move |call, outside| {
            call.context().spend(300_000)?;
            let key = key_of(with_key.then(|| call.bytes(2)), outside)?;
            let template = Template {
                common_name: call.bytes(0).to_vec(),
                addresses: Vec::new(),
                names: Vec::new(),
                days: call.int(1),
                authority: true,
                serial: drawn(outside)?,
                now: outside.now(),
            };
            issued(&template, &key, None)
        });
    }
}

/// The template of a certificate from the arguments that all functions for one begin with.
fn template_of(call: &Call<'_, '_>, outside: &dyn Outside) -> Result<Template, Error> {
    let addresses = call.list(1);
    let addresses = addresses.items().iter().map(|item| match item {
        Value::Str(text) => {
            let shown = text.to_text();
            shown
                .parse::<IpAddr>()
                .map_err(|_| Error::new(format!("error parsing ip: {shown}")))
        }
        other => Err(Error::new(format!(
            "error parsing ip: {} is not a string",
            print(other).to_text()
        ))),
    });
    let addresses = addresses.collect::<Result<_, _>>()?;
    let names = call.list(2);
    let names = names.items().iter().map(|item| match item {
        Value::Str(text) => Ok(text.as_bytes().to_vec()),
        other => {
            let shown = print(other);
            Err(Error::new(format!(
                "error processing alternate dns name: {} is not a string",
                shown.to_text()
            )))
        }
    });
    Ok(Template {
        common_name: call.bytes(0).to_vec(),
        addresses,
        names: names.collect::<Result<_, _>>()?,
        days: call.int(3),
        authority: false,
        serial: drawn(outside)?,
        now: outside.now(),
    })
}

fn add_certificates(functions: &mut Functions, outside: &Arc<dyn Outside>) {
    let own: [(&'static str, Signature); 2] = [
        (
            "genSelfSignedCert",
            Signature::of(&[STRING, LIST, LIST, INT]),
        ),
        (
            "genSelfSignedCertWithKey",
            Signature::of(&[STRING, LIST, LIST, INT, STRING]),
        ),
    ];
    for (name, signature) in own {
        let with_key = name.ends_with("WithKey");
        add_drawing(functions, outside, name, signature, move |call, outside| {
            call.context().spend(300_000)?;
            // Wrong arguments are found before a key is made for nothing, except a wrong key.
            let given = with_key
                .then(|| key_of(Some(call.bytes(4)), outside))
                .transpose()?;
            let template = template_of(call, outside)?;
            let key = given.map_or_else(|| key_of(None, outside), Ok)?;
            issued(&template, &key, None)
        });
    }
    let signed: [(&'static str, Signature); 2] = [
        (
            "genSignedCert",
            Signature::of(&[STRING, LIST, LIST, INT, CA]),
        ),
        (
            "genSignedCertWithKey",
            Signature::of(&[STRING, LIST, LIST, INT, CA, STRING]),
        ),
    ];
    for (name, signature) in signed {
        let with_key = name.ends_with("WithKey");
        add_drawing(functions, outside, name, signature, move |call, outside| {
            call.context().spend(300_000)?;
            let given = with_key
                .then(|| key_of(Some(call.bytes(5)), outside))
                .transpose()?;
            let Value::Object(authority) = call.value(4) else {
                return Err("unable to decode certificate".into());
            };
            let authority = authority
                .as_any()
                .downcast_ref::<Certificate>()
                .ok_or("unable to decode certificate")?;
            let issuer =
                pem::decode(authority.cert.as_bytes()).ok_or("unable to decode certificate")?;
            let issuer = parse_certificate(&issuer.bytes)?;
            let signer = PrivateKey::from_pem(authority.key.as_bytes())
                .map_err(|error| format!("error parsing private key: {error}"))?;
            let template = template_of(call, outside)?;
            let key = given.map_or_else(|| key_of(None, outside), Ok)?;
            issued(&template, &key, Some((&issuer, &signer)))
        });
    }
}

fn parse_certificate(bytes: &[u8]) -> Result<Issuer, String> {
    Issuer::parse(bytes)
        .map_err(|error| format!("error parsing certificate: decodedCert.Bytes: {error}"))
}

fn build_custom(cert: &[u8], key: &[u8]) -> Result<Value, Error> {
    let cert = base64_decode(cert).map_err(|_| "unable to decode base64 certificate")?;
    let key = base64_decode(key).map_err(|_| "unable to decode base64 private key")?;
    let block = pem::decode(&cert).ok_or("unable to decode certificate")?;
    parse_certificate(&block.bytes)?;
    PrivateKey::from_pem(&key).map_err(|error| format!("error parsing private key: {error}"))?;
    Ok(Value::object(Certificate {
        cert: Str::from_bytes(cert),
        key: Str::from_bytes(key),
    }))
}
