//! DSA keys: an algorithm of the past that `genPrivateKey "dsa"` still offers (L = 2048, N = 256).

use num_bigint::BigUint;

use super::der;

/// Odd primes below 2^11, which sort out most candidates before the costly test.
fn small_primes() -> Vec<u64> {
    (3..2048)
        .step_by(2)
        .filter(|n| {
            (3..=46)
                .step_by(2)
                .take_while(|d| d * d <= *n)
                .all(|d| n % d != 0)
        })
        .collect()
}

/// A new key in the form of OpenSSL: version, p, q, g, y, x. `fill` draws random bytes and says
/// whether it could; nothing if it could not.
pub(super) fn generate(fill: &mut dyn FnMut(&mut [u8]) -> bool) -> Option<Vec<u8>> {
    let primes = small_primes();
    let one = BigUint::from(1_u8);
    loop {
        let mut bytes = [0; 32];
        if !fill(&mut bytes) {
            return None;
        }
        bytes[0] |= 0x80;
        bytes[31] |= 1;
        let q = BigUint::from_bytes_be(&bytes);
        if !is_prime(&q, &primes, fill) {
            continue;
        }
        let Some(p) = modulus(&q, &primes, fill) else {
            continue;
        };
        let exponent = (&p - &one) / &q;
        let generator = generator(&exponent, &p);
        fill(&mut bytes);
        let private = BigUint::from_bytes_be(&bytes) % (&q - &one) + &one;
        let public = generator.modpow(&private, &p);
        let numbers: Vec<u8> = [&p, &q, &generator, &public, &private]
            .into_iter()
            .flat_map(|number| der::integer(&number.to_bytes_be()))
            .collect();
        let version = der::element(der::INTEGER, &[&[0]]);
        return Some(der::sequence(&[&version, &numbers]));
    }
}

/// An element of the subgroup: the first base whose power is not 1.
fn generator(exponent: &BigUint, p: &BigUint) -> BigUint {
    let one = BigUint::from(1_u8);
    let mut base = BigUint::from(2_u8);
    loop {
        let power = base.modpow(exponent, p);
        if power != one {
            return power;
        }
        base += &one;
    }
}

/// A prime of 2048 bits that is 1 modulo 2q; nothing after as many tries as FIPS 186 grants one q.
fn modulus(
    q: &BigUint,
    primes: &[u64],
    fill: &mut dyn FnMut(&mut [u8]) -> bool,
) -> Option<BigUint> {
    for _ in 0..4 * 2048 {
        let mut bytes = [0; 256];
        if !fill(&mut bytes) {
            return None;
        }
        bytes[0] |= 0x80;
        bytes[255] |= 1;
        let candidate = BigUint::from_bytes_be(&bytes);
        let p = &candidate - (&candidate % (q * 2_u8)) + 1_u8;
        if p.bits() == 2048 && is_prime(&p, primes, fill) {
            return Some(p);
        }
    }
    None
}

/// Trial division, then 40 rounds of Miller and Rabin's test with random bases.
fn is_prime(n: &BigUint, primes: &[u64], fill: &mut dyn FnMut(&mut [u8]) -> bool) -> bool {
    if primes.iter().any(|prime| n % *prime == BigUint::ZERO) {
        return false;
    }
    let one = BigUint::from(1_u8);
    let less = n - &one;
    let twos = less.trailing_zeros().unwrap_or_default();
    let odd = &less >> twos;
    (0..40).all(|_| {
        let mut bytes = [0; 32];
        fill(&mut bytes);
        let base = BigUint::from_bytes_be(&bytes) % (&less - &one) + 2_u8;
        let mut power = base.modpow(&odd, n);
        if power == one || power == less {
            return true;
        }
        (1..twos).any(|_| {
            power = &power * &power % n;
            power == less
        })
    })
}

/// Whether bytes have the form of such a key.
pub(super) fn is_key(bytes: &[u8]) -> bool {
    der::Reader(bytes)
        .sequence()
        .is_some_and(|mut parts| (0..6).all(|_| parts.expect(der::INTEGER).is_some()))
}
