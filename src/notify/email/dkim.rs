//! DKIM signatures (RFC 6376, with Ed25519 by RFC 8463) over the mail as the relay gets it.
//!
//! The mail library's own signer is not used: it signs the moment of the attempt, so that a repeat is not the
//! same bytes, goes into a header by one call for each of its letters, and brings a second cryptography, whose RSA
//! tells its key by the time it takes (RUSTSEC-2023-0071). The keys are worked with by what TLS uses already.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::{Signer, SigningKey};
use sha2::{Digest, Sha256};

use crate::base::clock::Timestamp;
use crate::base::secret::Secret;

/// What a signature covers, where the mail has it.
const SIGNED: [&str; 16] = [
    "from",
    "to",
    "cc",
    "reply-to",
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "references",
    "auto-submitted",
    "list-id",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "importance",
    "x-priority",
];

/// What nobody may add to a signed mail (RFC 6376, 8.15): a second one of these would be shown in the first one's place.
const ALONE: [&str; 8] = ["from", "to", "cc", "reply-to", "subject", "date", "mime-version", "content-type"];

/// Letters of a line of the signature's header, at most.
const LINE: usize = 72;

/// Signs the mails of a domain.
#[derive(Clone, Debug)]
pub struct Dkim {
    /// The domain that answers for them, as DNS writes it.
    pub domain: String,
    /// Which of its keys this is.
    pub selector: String,
    /// The key.
    pub key: Key,
}

/// A private key.
#[derive(Clone, Debug)]
pub struct Key {
    key: Arc<dyn SigningKey>,
    algorithm: Algorithm,
}

/// What a key signs by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    Rsa,
    Ed25519,
}

/// Why a key is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No PEM, or nothing private in it.
    #[error("there is no private key in PEM form (-----BEGIN PRIVATE KEY-----)")]
    NotPem,
    /// It asks for a passphrase.
    #[error("the key is encrypted with a passphrase, and nobody is there to type it")]
    Encrypted,
    /// Another algorithm, too short, or damaged.
    #[error("the key is neither RSA of 2048 to 4096 bits nor Ed25519")]
    Unusable,
}

/// The mail could not be signed.
#[derive(Debug, thiserror::Error)]
#[error("the mail cannot be signed")]
pub struct SigningError(#[from] rustls::Error);

impl Algorithm {
    const fn name(self) -> &'static str {
        match self {
            Self::Rsa => "rsa",
            Self::Ed25519 => "ed25519",
        }
    }
}

impl Key {
    /// Reads PEM: PKCS#8, or PKCS#1 for RSA.
    pub fn read(pem: &Secret) -> Result<Self, KeyError> {
        if pem.expose().contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") || pem.expose().contains("\nDEK-Info:") {
            return Err(KeyError::Encrypted);
        }
        let der = PrivateKeyDer::from_pem_slice(pem.expose().as_bytes()).map_err(|_| KeyError::NotPem)?;
        let key = any_supported_type(&der).map_err(|_| KeyError::Unusable)?;
        let algorithm = match key.algorithm() {
            rustls::SignatureAlgorithm::RSA => Algorithm::Rsa,
            rustls::SignatureAlgorithm::ED25519 => Algorithm::Ed25519,
            _ => return Err(KeyError::Unusable),
        };
        Ok(Self { key, algorithm })
    }

    fn signer(&self) -> Result<Box<dyn Signer>, rustls::Error> {
        let scheme = match self.algorithm {
            Algorithm::Rsa => SignatureScheme::RSA_PKCS1_SHA256,
            Algorithm::Ed25519 => SignatureScheme::ED25519,
        };
        self.key.choose_scheme(&[scheme]).ok_or_else(|| rustls::Error::General("no scheme".to_owned()))
    }

    /// The public key, as the record of DNS has it: of RSA with its algorithm around it, of Ed25519 the 32 bytes alone.
    fn public(&self) -> String {
        let whole = self.key.public_key().map(|key| key.to_vec()).unwrap_or_default();
        let start = match self.algorithm {
            Algorithm::Rsa => 0,
            Algorithm::Ed25519 => whole.len().saturating_sub(32),
        };
        STANDARD.encode(&whole[start..])
    }
}

impl Dkim {
    /// The mail with a signature before it. `at` becomes the signature's time: the same mail is the same bytes each time.
    pub fn sign(&self, mail: &[u8], at: Timestamp) -> Result<Vec<u8>, SigningError> {
        let (head, body) = halves(mail);
        let fields: Vec<(String, String)> = fields(head).filter(|(name, _)| SIGNED.contains(&name.as_str())).collect();
        // Of fields of one name a verifier takes the last first.
        let names: Vec<&str> = fields.iter().rev().map(|(name, _)| name.as_str()).chain(ALONE).collect();
        let hash = STANDARD.encode(body_hash(body));
        let value = format!(
            "v=1; a={}-sha256; c=relaxed/relaxed; d={};\r\n s={}; t={};\r\n h={};\r\n bh={hash};\r\n b=",
            self.key.algorithm.name(),
            self.domain,
            self.selector,
            at.seconds(),
            folded(names.join(":").split_inclusive(':')),
        );
        let mut data: String = fields.iter().rev().map(|(name, value)| format!("{name}:{value}\r\n")).collect();
        data.push_str(&format!("dkim-signature:{}", relaxed(&value)));
        let signer = self.key.signer()?;
        let signature = match self.key.algorithm {
            Algorithm::Rsa => signer.sign(data.as_bytes())?,
            Algorithm::Ed25519 => signer.sign(&Sha256::digest(data.as_bytes()))?,
        };
        let signature = STANDARD.encode(signature);
        let letters = signature.as_bytes().chunks(LINE).map(|chunk| std::str::from_utf8(chunk).unwrap_or_default());
        let header = format!("DKIM-Signature: {value}{}\r\n", folded(letters));
        Ok([header.as_bytes(), mail].concat())
    }

    /// Where the record stands in DNS.
    pub fn record_name(&self) -> String {
        format!("{}._domainkey.{}", self.selector, self.domain)
    }

    /// What the record says (RFC 6376, 3.6.1).
    pub fn record(&self) -> String {
        format!("v=DKIM1; k={}; p={}", self.key.algorithm.name(), self.key.public())
    }
}

/// Pieces one after the other, on lines that are not too long.
fn folded<'a>(pieces: impl Iterator<Item = &'a str>) -> String {
    let (mut text, mut length) = (String::new(), 0);
    for piece in pieces {
        if length + piece.len() > LINE && length > 0 {
            text.push_str("\r\n ");
            length = 0;
        }
        text.push_str(piece);
        length += piece.len();
    }
    text
}

/// The headers, with the line end of the last one, and the body.
fn halves(mail: &[u8]) -> (&[u8], &[u8]) {
    match mail.windows(4).position(|window| window == b"\r\n\r\n") {
        Some(at) => (&mail[..at + 2], &mail[at + 4..]),
        None => (mail, &[]),
    }
}

/// Names and values, canonical ("relaxed": RFC 6376, 3.4.2).
fn fields(head: &[u8]) -> impl Iterator<Item = (String, String)> {
    let lines = String::from_utf8_lossy(head).replace("\r\n ", " ").replace("\r\n\t", " ");
    let lines: Vec<String> = lines.split("\r\n").map(ToOwned::to_owned).collect();
    lines.into_iter().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.trim_end().to_lowercase(), relaxed(value)))
    })
}

/// A header's value: unfolded, its blanks single, none around it.
fn relaxed(value: &str) -> String {
    let words = value.split([' ', '\t', '\r', '\n']).filter(|word| !word.is_empty());
    words.collect::<Vec<&str>>().join(" ")
}

/// The hash of a body whose blanks are single, with none at the end of a line and no empty line at the end ("relaxed":
/// RFC 6376, 3.4.4).
fn body_hash(body: &[u8]) -> impl AsRef<[u8]> {
    let (mut hash, mut empty) = (Sha256::new(), 0);
    for line in body.split(|byte| *byte == b'\n') {
        let line = single_blanks(line.strip_suffix(b"\r").unwrap_or(line));
        if line.is_empty() {
            empty += 1;
            continue;
        }
        std::iter::repeat_n(b"\r\n", std::mem::take(&mut empty)).for_each(|end| hash.update(end));
        hash.update(&line);
        hash.update(b"\r\n");
    }
    hash.finalize()
}

fn single_blanks(line: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(line.len());
    for byte in line {
        match byte {
            b' ' | b'\t' if kept.last() == Some(&b' ') => {}
            b' ' | b'\t' => kept.push(b' '),
            byte => kept.push(*byte),
        }
    }
    if kept.last() == Some(&b' ') {
        kept.pop();
    }
    kept
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A key of 2048 bits, made for these tests.
    pub const RSA: &str = include_str!("../testdata/dkim-rsa.pem");
    /// The key of RFC 8463's example, as PKCS#8.
    pub const ED25519: &str = include_str!("../testdata/dkim-ed25519.pem");

    pub fn dkim(pem: &str) -> Dkim {
        let key = Key::read(&Secret::new(pem)).unwrap();
        Dkim { domain: "example.org".to_owned(), selector: "watch".to_owned(), key }
    }

    const MAIL: &str = "From: Joe <joe@example.org>\r\nTo: a@example.com,\r\n b@example.com\r\nX-Other: x\r\n\
                        Subject:  Is\tdinner \r\n  ready? \r\nDate: Fri, 11 Jul 2003 21:00:37 -0700\r\n\r\n\
                        Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n";
    const AT: Timestamp = Timestamp::from_millis(1_528_637_909_000);

    fn signed(pem: &str, mail: &str) -> String {
        String::from_utf8(dkim(pem).sign(mail.as_bytes(), AT).unwrap()).unwrap()
    }

    /// The hash that the example of RFC 8463 (A.3) has for this body.
    #[test]
    fn the_signature_is_a_header_before_the_mail() {
        let signed = signed(ED25519, MAIL);
        let header = signed.strip_suffix(MAIL).unwrap();
        let (said, signature) = header.split_once(" b=").unwrap();
        insta::assert_snapshot!(said.replace('\r', ""), @r"
        DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=example.org;
         s=watch; t=1528637909;
         h=date:subject:to:from:from:to:cc:reply-to:subject:date:mime-version:
         content-type;
         bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
        ");
        assert_eq!(STANDARD.decode(signature.replace("\r\n", "").replace(' ', "")).unwrap().len(), 64);
        assert!(header.ends_with("\r\n") && header.lines().all(|line| line.len() <= 78), "{header}");
    }

    #[test]
    fn headers_and_bodies_are_canonical() {
        // RFC 6376, 3.4.5, the first example.
        let (head, body) = halves(b"A: X \r\nB : Y\t\r\n\tZ  \r\n\r\n C \r\nD \t E\r\n\r\n\r\n");
        let fields: Vec<(String, String)> = fields(head).collect();
        assert_eq!(fields, [("a".to_owned(), "X".to_owned()), ("b".to_owned(), "Y Z".to_owned())]);
        assert_eq!(body_hash(body).as_ref(), Sha256::digest(b" C\r\nD E\r\n").as_slice());
        assert_eq!(body_hash(b" C\r\nD E").as_ref(), body_hash(b" C\r\nD E\r\n").as_ref());
        assert_eq!(body_hash(b"\r\n\r\n").as_ref(), Sha256::digest(b"").as_slice());
    }

    /// The data that was signed, put together from the mail alone, is held against the signature by the verifier of TLS.
    #[test]
    fn the_signature_is_over_headers_and_body() {
        for (pem, scheme) in [(RSA, SignatureScheme::RSA_PKCS1_SHA256), (ED25519, SignatureScheme::ED25519)] {
            let dkim = dkim(pem);
            let record = dkim.record();
            let public = STANDARD.decode(record.split_once("p=").unwrap().1).unwrap();
            // The key of a record of RSA has 24 bytes around it that the verifier does without.
            let public = if dkim.key.algorithm == Algorithm::Rsa { &public[24..] } else { &public[..] };
            let signed = signed(pem, MAIL);
            let (header, signature) = signed.strip_suffix(MAIL).unwrap().rsplit_once(" b=").unwrap();
            let signature = STANDARD.decode(signature.replace("\r\n", "").replace(' ', "")).unwrap();
            let value = relaxed(header.strip_prefix("DKIM-Signature:").unwrap());
            let data = format!(
                "date:Fri, 11 Jul 2003 21:00:37 -0700\r\nsubject:Is dinner ready?\r\n\
                 to:a@example.com, b@example.com\r\nfrom:Joe <joe@example.org>\r\ndkim-signature:{value} b="
            );
            let data = match dkim.key.algorithm {
                Algorithm::Rsa => data.into_bytes(),
                Algorithm::Ed25519 => Sha256::digest(data.as_bytes()).to_vec(),
            };
            let known = rustls::crypto::ring::default_provider().signature_verification_algorithms;
            let (_, verifiers) = known.mapping.iter().find(|(known, _)| *known == scheme).unwrap();
            let holds = |data: &[u8]| verifiers.iter().any(|v| v.verify_signature(public, data, &signature).is_ok());
            assert!(holds(&data), "{header}");
            assert!(!holds(&[&data[..], b"x"].concat()));
        }
    }

    #[test]
    fn the_same_mail_is_signed_alike() {
        for pem in [RSA, ED25519] {
            assert_eq!(signed(pem, MAIL), signed(pem, MAIL));
            assert_ne!(signed(pem, MAIL), signed(pem, &MAIL.replace("hungry", "Hungry")));
        }
    }

    /// RFC 8463 (A.2) has this record's key.
    #[test]
    fn the_record_has_the_public_key() {
        let dkim = dkim(ED25519);
        assert_eq!(dkim.record_name(), "watch._domainkey.example.org");
        assert_eq!(dkim.record(), "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
    }

    #[test]
    fn keys_that_are_of_no_use_say_why() {
        let error = |pem: &str| Key::read(&Secret::new(pem)).unwrap_err();
        assert_eq!(error("hunter22"), KeyError::NotPem);
        assert_eq!(error("-----BEGIN PUBLIC KEY-----\nMA==\n-----END PUBLIC KEY-----\n"), KeyError::NotPem);
        assert_eq!(error("-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----\n"), KeyError::Unusable);
        let locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMA==\n-----END ENCRYPTED PRIVATE KEY-----\n";
        assert_eq!(error(locked), KeyError::Encrypted);
        assert_eq!(error(include_str!("../testdata/dkim-short.pem")), KeyError::Unusable);
        // A key of an elliptic curve, which TLS would take.
        assert_eq!(error(include_str!("../testdata/relay.key")), KeyError::Unusable);
    }

    #[test]
    fn no_key_is_shown() {
        let shown = format!("{:?}", dkim(RSA));
        assert!(!shown.contains("MII") && shown.len() < 200, "{shown}");
    }
}
