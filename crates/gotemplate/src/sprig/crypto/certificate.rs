//! Certificates as Sprig has Go's `crypto/x509` make them: the same fields and extensions in the same order.

use std::net::IpAddr;

use super::{
    der,
    keys::{PrivateKey, key_identifier},
    pem,
};
use crate::sprig::dates::moment::Moment;

const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const SUBJECT_KEY_ID: &[u8] = &[0x55, 0x1d, 0x0e];
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const AUTHORITY_KEY_ID: &[u8] = &[0x55, 0x1d, 0x23];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
const SERVER_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01];
const CLIENT_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];

/// What a certificate is to say.
pub(super) struct Template {
    pub(super) common_name: Vec<u8>,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) names: Vec<Vec<u8>>,
    pub(super) days: i64,
    pub(super) authority: bool,
    /// 16 random bytes.
    pub(super) serial: [u8; 16],
    pub(super) now: Moment,
}

/// The certificate that signs another.
pub(super) struct Issuer {
    subject: Vec<u8>,
    key_identifier: Option<Vec<u8>>,
    public_key_info: Vec<u8>,
}

impl Issuer {
    /// Reads a certificate, with Go's errors for what is not one.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let malformed = |what: &str| format!("x509: malformed {what}");
        let mut whole = der::Reader(bytes)
            .sequence()
            .ok_or_else(|| malformed("certificate"))?;
        let mut body = whole
            .sequence()
            .ok_or_else(|| malformed("tbs certificate"))?;
        let _version = body.expect(der::context(0, true));
        body.expect(der::INTEGER)
            .ok_or_else(|| malformed("serial number"))?;
        body.expect(der::SEQUENCE)
            .ok_or_else(|| malformed("signature algorithm identifier"))?;
        body.expect(der::SEQUENCE)
            .ok_or_else(|| malformed("issuer"))?;
        body.expect(der::SEQUENCE)
            .ok_or_else(|| malformed("validity"))?;
        let subject = body
            .expect(der::SEQUENCE)
            .ok_or_else(|| malformed("issuer"))?
            .whole
            .to_vec();
        let key = body
            .expect(der::SEQUENCE)
            .ok_or_else(|| malformed("spki"))?
            .whole
            .to_vec();
        let mut key_identifier = None;
        while let Some(element) = body.next() {
            if element.tag != der::context(3, true) {
                continue;
            }
            let mut extensions = der::Reader(element.contents)
                .sequence()
                .ok_or_else(|| malformed("extensions"))?;
            while let Some(mut extension) = extensions.sequence() {
                let oid = extension
                    .expect(der::OID)
                    .ok_or_else(|| malformed("extension"))?;
                let value = std::iter::from_fn(|| extension.next())
                    .last()
                    .ok_or_else(|| malformed("extension"))?;
                if oid.contents == SUBJECT_KEY_ID {
                    key_identifier = der::Reader(value.contents)
                        .expect(der::OCTET_STRING)
                        .map(|id| id.contents.to_vec());
                }
            }
        }
        Ok(Self {
            subject,
            key_identifier,
            public_key_info: key,
        })
    }
}

/// Makes a certificate for `key`, signed by `issuer` or by itself, in PEM.
pub(super) fn create(
    template: &Template,
    key: &PrivateKey,
    issuer: Option<(&Issuer, &PrivateKey)>,
) -> Result<String, String> {
    let failed = |error: &str| format!("error creating certificate: {error}");
    let signer = issuer.map_or(key, |(_, signer)| signer);
    let (Some(algorithm), Some((_, _))) = (signer.signature_algorithm(), signer.public()) else {
        return Err(failed(
            "x509: certificate private key does not implement crypto.Signer",
        ));
    };
    let Some((key_algorithm, public)) = key.public() else {
        return Err(failed("x509: unsupported public key type: *dsa.PublicKey"));
    };
    let subject = subject(&template.common_name).map_err(|error| failed(&error))?;
    let (issuer_name, authority_id) = match issuer {
        Some((issuer, _)) if issuer.subject != subject => {
            (issuer.subject.clone(), issuer.key_identifier.clone())
        }
        Some((issuer, _)) => (issuer.subject.clone(), None),
        None => (subject.clone(), None),
    };
    if let Some((issuer, signer)) = issuer
        && signer
            .public()
            .is_none_or(|public| issuer.public_key_info != key_info(&public))
    {
        return Err(failed(
            "x509: provided PrivateKey doesn't match parent's PublicKey",
        ));
    }
    let subject_id = template.authority.then(|| key_identifier(&public));
    let no_subject = template.common_name.is_empty();
    let extensions = extensions(template, no_subject, subject_id, authority_id)
        .map_err(|error| failed(&error))?;
    let until = template
        .now
        .plus(template.days.wrapping_mul(86_400_000_000_000));
    let time = |moment: &Moment| {
        time(moment).ok_or_else(|| {
            failed("asn1: structure error: cannot represent time as GeneralizedTime")
        })
    };
    let body = der::sequence(&[
        &der::element(der::context(0, true), &[&der::integer(&[2])]),
        &der::integer(&template.serial),
        &algorithm,
        &issuer_name,
        &der::sequence(&[&time(&template.now)?, &time(&until)?]),
        &subject,
        &key_info(&(key_algorithm, public)),
        &der::element(der::context(3, true), &[&der::sequence(&[&extensions])]),
    ]);
    let signature = signer
        .sign(&body)
        .ok_or_else(|| failed("x509: the key cannot sign"))?;
    Ok(pem::encode(
        "CERTIFICATE",
        &der::sequence(&[&body, &algorithm, &der::bit_string(&signature, 0)]),
    ))
}

fn key_info((algorithm, public): &(Vec<u8>, Vec<u8>)) -> Vec<u8> {
    der::sequence(&[algorithm, &der::bit_string(public, 0)])
}

/// A name with nothing but the common name, which is a `PrintableString` where it can be.
fn subject(common_name: &[u8]) -> Result<Vec<u8>, String> {
    if common_name.is_empty() {
        return Ok(der::sequence(&[]));
    }
    let printable = |byte: &u8| byte.is_ascii_alphanumeric() || b" '()+,-./:=?".contains(byte);
    let tag = if common_name.iter().all(printable) {
        der::PRINTABLE_STRING
    } else if std::str::from_utf8(common_name).is_ok() {
        der::UTF8_STRING
    } else {
        return Err("asn1: structure error: asn1: string not valid UTF-8".into());
    };
    let pair = der::sequence(&[&der::oid(COMMON_NAME), &der::element(tag, &[common_name])]);
    Ok(der::sequence(&[&der::element(der::SET, &[&pair])]))
}

fn extension(oid: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &der::TRUE } else { &[] };
    der::sequence(&[
        &der::oid(oid),
        critical,
        &der::element(der::OCTET_STRING, &[value]),
    ])
}

fn extensions(
    template: &Template,
    no_subject: bool,
    subject_id: Option<Vec<u8>>,
    authority_id: Option<Vec<u8>>,
) -> Result<Vec<u8>, String> {
    // Digital signature and key encipherment; an authority also signs certificates.
    let (usage, unused) = if template.authority {
        (0xa4, 2)
    } else {
        (0xa0, 5)
    };
    let mut out = extension(KEY_USAGE, true, &der::bit_string(&[usage], unused));
    let purposes = der::sequence(&[&der::oid(SERVER_AUTH), &der::oid(CLIENT_AUTH)]);
    out.extend(extension(EXTENDED_KEY_USAGE, false, &purposes));
    let authority: &[u8] = if template.authority { &der::TRUE } else { &[] };
    out.extend(extension(
        BASIC_CONSTRAINTS,
        true,
        &der::sequence(&[authority]),
    ));
    if let Some(id) = subject_id {
        out.extend(extension(
            SUBJECT_KEY_ID,
            false,
            &der::element(der::OCTET_STRING, &[&id]),
        ));
    }
    if let Some(id) = authority_id {
        let id = der::sequence(&[&der::element(der::context(0, false), &[&id])]);
        out.extend(extension(AUTHORITY_KEY_ID, false, &id));
    }
    let mut names = Vec::new();
    for name in &template.names {
        if !name.is_ascii() {
            let name = crate::sprig::bind::quote(name);
            return Err(format!("x509: {name} cannot be encoded as an IA5String"));
        }
        names.extend(der::element(der::context(2, false), &[name]));
    }
    for address in &template.addresses {
        names.extend(match address.to_canonical() {
            IpAddr::V4(address) => der::element(der::context(7, false), &[&address.octets()]),
            IpAddr::V6(address) => der::element(der::context(7, false), &[&address.octets()]),
        });
    }
    if !names.is_empty() {
        out.extend(extension(
            SUBJECT_ALT_NAME,
            no_subject,
            &der::sequence(&[&names]),
        ));
    }
    Ok(out)
}

/// A time to the second: two-digit years up to 2049, four-digit ones to 9999.
fn time(moment: &Moment) -> Option<Vec<u8>> {
    let parts = moment.parts();
    let rest = format!(
        "{:02}{:02}{:02}{:02}{:02}Z",
        parts.month, parts.day, parts.hour, parts.minute, parts.second
    );
    match parts.year {
        1950..=2049 => Some(der::element(
            der::UTC_TIME,
            &[format!("{:02}{rest}", parts.year % 100).as_bytes()],
        )),
        0..=9999 => Some(der::element(
            der::GENERALIZED_TIME,
            &[format!("{:04}{rest}", parts.year).as_bytes()],
        )),
        _ => None,
    }
}
