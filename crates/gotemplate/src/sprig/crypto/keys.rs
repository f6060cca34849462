//! Private keys: made, read from PEM and written to it as Go's `crypto/x509` does, and signing with them.

use aws_lc_rs::{
    digest,
    encoding::AsDer,
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING,
        ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair,
        KeyPair as _, RSA_PKCS1_SHA256,
    },
};

use super::{der, dsa, pem};

const RSA_OID: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const SHA256_WITH_RSA_OID: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b];
const EC_OID: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const ED25519_OID: &[u8] = &[0x2b, 0x65, 0x70];

/// The kinds of keys that templates ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA with so many bits: 2048 for certificates, 4096 for `genPrivateKey`.
    Rsa(u16),
    /// ECDSA on P-256.
    Ecdsa,
    /// Ed25519.
    Ed25519,
}

/// A new key of `kind` as PKCS#8, from the system's randomness.
pub(crate) fn generate(kind: KeyKind) -> Result<Vec<u8>, String> {
    let failed = |_| "the system's cryptography failed".to_owned();
    let document = match kind {
        KeyKind::Rsa(bits) => {
            let size = if bits > 2048 {
                KeySize::Rsa4096
            } else {
                KeySize::Rsa2048
            };
            return Ok(RsaKeyPair::generate(size)
                .and_then(|key| key.as_der())
                .map_err(failed)?
                .as_ref()
                .to_vec());
        }
        KeyKind::Ecdsa => {
            EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).and_then(|key| key.to_pkcs8v1())
        }
        KeyKind::Ed25519 => Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()),
    };
    Ok(document.map_err(failed)?.as_ref().to_vec())
}

/// A named curve of NIST.
pub(super) struct Curve {
    oid: &'static [u8],
    signing: &'static EcdsaSigningAlgorithm,
    signature_oid: &'static [u8],
    /// Bytes of a private key.
    size: usize,
}

static CURVES: [Curve; 3] = [
    Curve {
        oid: &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
        signing: &ECDSA_P256_SHA256_ASN1_SIGNING,
        signature_oid: &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
        size: 32,
    },
    Curve {
        oid: &[0x2b, 0x81, 0x04, 0x00, 0x22],
        signing: &ECDSA_P384_SHA384_ASN1_SIGNING,
        signature_oid: &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03],
        size: 48,
    },
    Curve {
        oid: &[0x2b, 0x81, 0x04, 0x00, 0x23],
        signing: &ECDSA_P521_SHA512_ASN1_SIGNING,
        signature_oid: &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04],
        size: 66,
    },
];

/// A private key that was read or made.
pub(super) enum PrivateKey {
    /// Its PKCS#1 form and the pair.
    Rsa(Vec<u8>, Box<RsaKeyPair>),
    /// The curve, the private number at its full length, and the pair.
    Ecdsa(&'static Curve, Vec<u8>, Box<EcdsaKeyPair>),
    /// The seed and the pair.
    Ed25519(Vec<u8>, Box<Ed25519KeyPair>),
    /// The whole DER; such a key signs no certificate.
    Dsa(Vec<u8>),
}

impl PrivateKey {
    /// Reads the PKCS#8 form, with Go's errors.
    pub(super) fn from_pkcs8(bytes: &[u8]) -> Result<Self, String> {
        let Some((algorithm, key)) = pkcs8_parts(bytes) else {
            return Err(misread(bytes, "PKCS8"));
        };
        let mut algorithm = der::Reader(algorithm);
        let oid = algorithm
            .expect(der::OID)
            .map(|oid| oid.contents)
            .unwrap_or_default();
        match oid {
            RSA_OID => Self::from_pkcs1(key).map_err(|error| {
                format!("x509: failed to parse RSA private key embedded in PKCS#8: {error}")
            }),
            EC_OID => {
                let curve = algorithm.expect(der::OID).map(|oid| oid.contents);
                Self::from_sec1(key, curve).map_err(|error| {
                    format!("x509: failed to parse EC private key embedded in PKCS#8: {error}")
                })
            }
            ED25519_OID => {
                let seed = der::Reader(key)
                    .expect(der::OCTET_STRING)
                    .map(|seed| seed.contents)
                    .unwrap_or_default();
                let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| {
                    format!("x509: invalid Ed25519 private key length: {}", seed.len())
                })?;
                Ok(Self::Ed25519(seed.to_vec(), Box::new(pair)))
            }
            other => Err(format!(
                "x509: PKCS#8 wrapping contained private key with unknown algorithm: {}",
                dotted(other)
            )),
        }
    }

    fn from_pkcs1(bytes: &[u8]) -> Result<Self, String> {
        let pair = RsaKeyPair::from_der(bytes).map_err(|error| {
            let parts = der::Reader(bytes).sequence();
            let numbers =
                |mut parts: der::Reader<'_>| (0..9).all(|_| parts.expect(der::INTEGER).is_some());
            if parts.is_some_and(numbers) {
                format!("crypto/rsa: {error}")
            } else {
                misread(bytes, "PKCS1")
            }
        })?;
        Ok(Self::Rsa(bytes.to_vec(), Box::new(pair)))
    }

    /// Reads RFC 5915; `curve` is the curve's identifier where the wrapping names one.
    fn from_sec1(bytes: &[u8], curve: Option<&[u8]>) -> Result<Self, String> {
        let Some((number, named)) = sec1_parts(bytes) else {
            return Err(format!(
                "x509: failed to parse EC private key: {}",
                misread(bytes, "EC")
            ));
        };
        let curve = curve
            .or(named)
            .and_then(|oid| CURVES.iter().find(|curve| curve.oid == oid));
        let curve = curve.ok_or("x509: unknown elliptic curve")?;
        let zeros = number.len().saturating_sub(curve.size);
        let (extra, number) = number.split_at_checked(zeros).unwrap_or_default();
        if extra.iter().any(|byte| *byte != 0) {
            return Err("x509: invalid private key length".into());
        }
        let mut full = vec![0; curve.size - number.len()];
        full.extend_from_slice(number);
        let plain = der::sequence(&[
            &der::integer(&[1]),
            &der::element(der::OCTET_STRING, &[&full]),
            &der::element(der::context(0, true), &[&der::oid(curve.oid)]),
        ]);
        let pair = EcdsaKeyPair::from_private_key_der(curve.signing, &plain)
            .map_err(|_| "crypto/ecdsa: invalid private key")?;
        Ok(Self::Ecdsa(curve, full, Box::new(pair)))
    }

    /// Sprig's `parsePrivateKeyPEM`.
    pub(super) fn from_pem(text: &[u8]) -> Result<Self, String> {
        let block = pem::decode(text).ok_or("no PEM data in input")?;
        if block.label == "PRIVATE KEY" {
            return Self::from_pkcs8(&block.bytes)
                .map_err(|error| format!("decoding PEM as PKCS#8: {error}"));
        }
        let Some(kind) = block.label.strip_suffix(" PRIVATE KEY") else {
            return Err(format!(
                "no private key data in PEM block of type {}",
                block.label
            ));
        };
        match kind {
            "RSA" => Self::from_pkcs1(&block.bytes)
                .map_err(|error| format!("parsing RSA private key from PEM: {error}")),
            "EC" => Self::from_sec1(&block.bytes, None)
                .map_err(|error| format!("parsing EC private key from PEM: {error}")),
            "DSA" if dsa::is_key(&block.bytes) => Ok(Self::Dsa(block.bytes)),
            "DSA" => Err(
                "parsing DSA private key from PEM: asn1: structure error: tags don't match".into(),
            ),
            kind => Err(format!("invalid private key type {kind}")),
        }
    }

    /// The form in which Sprig prints a key: the traditional one, but PKCS#8 for Ed25519.
    pub(super) fn to_pem(&self) -> String {
        match self {
            Self::Rsa(pkcs1, _) => pem::encode("RSA PRIVATE KEY", pkcs1),
            Self::Ecdsa(curve, number, pair) => pem::encode(
                "EC PRIVATE KEY",
                &der::sequence(&[
                    &der::integer(&[1]),
                    &der::element(der::OCTET_STRING, &[number]),
                    &der::element(der::context(0, true), &[&der::oid(curve.oid)]),
                    &der::element(
                        der::context(1, true),
                        &[&der::bit_string(pair.public_key().as_ref(), 0)],
                    ),
                ]),
            ),
            Self::Ed25519(seed, _) => pem::encode(
                "PRIVATE KEY",
                &der::sequence(&[
                    &der::element(der::INTEGER, &[&[0]]),
                    &der::sequence(&[&der::oid(ED25519_OID)]),
                    &der::element(
                        der::OCTET_STRING,
                        &[&der::element(der::OCTET_STRING, &[seed])],
                    ),
                ]),
            ),
            Self::Dsa(bytes) => pem::encode("DSA PRIVATE KEY", bytes),
        }
    }

    /// The algorithm and the bytes of the public key, as they stand in a certificate; nothing for DSA.
    pub(super) fn public(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        Some(match self {
            Self::Rsa(_, pair) => (
                der::sequence(&[&der::oid(RSA_OID), &der::NULL]),
                pair.public_key().as_ref().to_vec(),
            ),
            Self::Ecdsa(curve, _, pair) => (
                der::sequence(&[&der::oid(EC_OID), &der::oid(curve.oid)]),
                pair.public_key().as_ref().to_vec(),
            ),
            Self::Ed25519(_, pair) => (
                der::sequence(&[&der::oid(ED25519_OID)]),
                pair.public_key().as_ref().to_vec(),
            ),
            Self::Dsa(_) => return None,
        })
    }

    /// The identifier of the algorithm with which this key signs; nothing for DSA.
    pub(super) fn signature_algorithm(&self) -> Option<Vec<u8>> {
        Some(match self {
            Self::Rsa(..) => der::sequence(&[&der::oid(SHA256_WITH_RSA_OID), &der::NULL]),
            Self::Ecdsa(curve, ..) => der::sequence(&[&der::oid(curve.signature_oid)]),
            Self::Ed25519(..) => der::sequence(&[&der::oid(ED25519_OID)]),
            Self::Dsa(_) => return None,
        })
    }

    /// Signs `message`; nothing when the key cannot.
    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(_, pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .ok()?;
                Some(signature)
            }
            Self::Ecdsa(_, _, pair) => pair
                .sign(&random, message)
                .ok()
                .map(|signature| signature.as_ref().to_vec()),
            Self::Ed25519(_, pair) => pair
                .try_sign(message)
                .ok()
                .map(|signature| signature.as_ref().to_vec()),
            Self::Dsa(_) => None,
        }
    }
}

/// The identifier of a public key in a certificate: the left 160 bits of its SHA-256 (RFC 7093, as Go since 1.25).
pub(super) fn key_identifier(public: &[u8]) -> Vec<u8> {
    let hash = digest::digest(&digest::SHA256, public);
    hash.as_ref().iter().take(20).copied().collect()
}

/// The algorithm's contents and the key inside PKCS#8.
fn pkcs8_parts(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut parts = der::Reader(bytes).sequence()?;
    parts.expect(der::INTEGER)?;
    let algorithm = parts.expect(der::SEQUENCE)?.contents;
    Some((algorithm, parts.expect(der::OCTET_STRING)?.contents))
}

/// The private number and the named curve inside RFC 5915.
fn sec1_parts(bytes: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let mut parts = der::Reader(bytes).sequence()?;
    parts
        .expect(der::INTEGER)
        .filter(|version| version.contents == [1])?;
    let number = parts.expect(der::OCTET_STRING)?.contents;
    let curve = parts
        .expect(der::context(0, true))
        .and_then(|named| der::Reader(named.contents).expect(der::OID));
    Some((number, curve.map(|oid| oid.contents)))
}

/// Why bytes are no key of the expected form: Go names the form that they do have.
fn misread(bytes: &[u8], expected: &str) -> String {
    let form = if expected != "EC" && sec1_parts(bytes).is_some() {
        "ParseECPrivateKey"
    } else if expected != "PKCS8" && pkcs8_parts(bytes).is_some() {
        "ParsePKCS8PrivateKey"
    } else if expected != "PKCS1" && RsaKeyPair::from_der(bytes).is_ok() {
        "ParsePKCS1PrivateKey"
    } else if bytes.is_empty() {
        return "asn1: syntax error: sequence truncated".into();
    } else {
        return "asn1: structure error: tags don't match".into();
    };
    format!("x509: failed to parse private key (use {form} instead for this key format)")
}

fn dotted(oid: &[u8]) -> String {
    let mut arcs = Vec::new();
    let mut arc = 0_u64;
    for byte in oid {
        arc = arc << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            if arcs.is_empty() {
                let first = (arc / 40).min(2);
                arcs.push(first.to_string());
                arc -= first * 40;
            }
            arcs.push(arc.to_string());
            arc = 0;
        }
    }
    arcs.join(".")
}
