//! TLS to the server of a store: which certificates are taken, and how `tokio-postgres` comes by its stream.
//!
//! What an error of it means is `fault`'s to say.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use sha2::{Digest, Sha256, Sha384, Sha512};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::Socket;
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_rustls::TlsConnector;

use super::ServerError;
use super::server::{Authorities, Server, Tls};
use crate::store::error::Cause;

/// Makes TLS streams to the hosts of a server.
#[derive(Clone)]
pub struct Maker(Arc<ClientConfig>);

impl Maker {
    /// As the server's address has it; `None` where it has no TLS. Files are read anew, so that a new authority counts
    /// from the next connection on.
    pub fn of(server: &Server) -> Result<Option<Self>, ServerError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier: Arc<dyn ServerCertVerifier> = match &server.tls {
            Tls::Off => return Ok(None),
            Tls::Full(Authorities::File(file)) => by_file(file, &provider)?,
            Tls::Signed(file) => Arc::new(AnyName(by_file(file, &provider)?)),
            Tls::Full(Authorities::System) => {
                let system = rustls_platform_verifier::Verifier::new(provider.clone());
                Arc::new(system.map_err(|error| untrusted(server, NO_SYSTEM, error))?)
            }
        };
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| untrusted(server, NO_VERSIONS, error))?;
        let config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
        Ok(Some(Self(Arc::new(config))))
    }
}

/// Without any authority nobody can be trusted.
const NO_SYSTEM: &str = "this system trusts no authority: install the package ca-certificates, or name a file with \
                         `sslrootcert=FILE`";
/// The TLS library knows no version of the protocol.
const NO_VERSIONS: &str = "this program was built without TLS";

fn untrusted(server: &Server, advice: &'static str, error: rustls::Error) -> ServerError {
    ServerError::Untrusted { store: server.shown(), advice, source: Box::new(error) }
}

/// What is signed by an authority of a file.
fn by_file(file: &Path, provider: &Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>, ServerError> {
    let failed = |source: Cause| ServerError::NoAuthorities { path: file.to_owned(), source };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| failed(error.into()))? {
        let certificate = certificate.map_err(|error| failed(error.into()))?;
        roots.add(certificate).map_err(|error| failed(error.into()))?;
    }
    if roots.is_empty() {
        return Err(failed("it has no certificate (-----BEGIN CERTIFICATE-----)".into()));
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build();
    verifier.map_err(|error| failed(error.into()))
}

/// Takes a certificate for whatever name it is. That it is signed is looked at before its name is.
#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match self.0.verify_server_cert(end_entity, intermediates, name, ocsp, now) {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

impl MakeTlsConnect<Socket> for Maker {
    type Stream = Stream;
    type TlsConnect = Handshake;
    type Error = io::Error;

    fn make_tls_connect(&mut self, host: &str) -> io::Result<Handshake> {
        let name = ServerName::try_from(host.to_owned());
        let name = name.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        Ok(Handshake { name, connector: TlsConnector::from(self.0.clone()) })
    }
}

/// A handshake with one host.
pub struct Handshake {
    name: ServerName<'static>,
    connector: TlsConnector,
}

impl TlsConnect<Socket> for Handshake {
    type Stream = Stream;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Stream>> + Send>>;

    fn connect(self, socket: Socket) -> Self::Future {
        Box::pin(async move { Ok(Stream(Box::new(self.connector.connect(self.name, socket).await?))) })
    }
}

/// What is said under TLS.
pub struct Stream(Box<tokio_rustls::client::TlsStream<Socket>>);

impl TlsStream for Stream {
    /// With it the proof of a password counts for this certificate alone.
    fn channel_binding(&self) -> ChannelBinding {
        let certificates = self.0.get_ref().1.peer_certificates();
        let binding = certificates.and_then(|chain| end_point(chain.first()?));
        binding.map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// A certificate's `tls-server-end-point` (RFC 5929): its hash, by the function with which it is signed, or SHA-256 in
/// the place of MD5 and SHA-1. `None` where it is signed without one of these (Ed25519, RSA-PSS).
fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    /// The beginning of the names of RSA signatures: 1.2.840.113549.1.1.
    const RSA: [u8; 8] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
    /// The beginning of the names of ECDSA signatures with SHA-2: 1.2.840.10045.4.3.
    const ECDSA: [u8; 7] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03];
    let (certificate_parts, _) = element(certificate)?;
    let (_, behind_content) = element(certificate_parts)?;
    let (algorithm, _) = element(behind_content)?;
    let (name, _) = element(algorithm)?;
    let (last, family) = name.split_last()?;
    match (family, last) {
        (family, 4 | 5 | 11) if family == RSA => Some(Sha256::digest(certificate).to_vec()),
        (family, 12) if family == RSA => Some(Sha384::digest(certificate).to_vec()),
        (family, 13) if family == RSA => Some(Sha512::digest(certificate).to_vec()),
        (family, 2) if family == ECDSA => Some(Sha256::digest(certificate).to_vec()),
        (family, 3) if family == ECDSA => Some(Sha384::digest(certificate).to_vec()),
        (family, 4) if family == ECDSA => Some(Sha512::digest(certificate).to_vec()),
        _ => None,
    }
}

/// The content of the first element of DER, and what stands behind it.
fn element(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.get(1..)?.split_first()?;
    if *length < 0x80 {
        return rest.split_at_checked(usize::from(*length));
    }
    let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
    let length =
        digits.iter().try_fold(0_usize, |sum, digit| sum.checked_mul(256)?.checked_add(usize::from(*digit)))?;
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RELAY: &[u8] = include_bytes!("../../notify/testdata/relay.pem");

    #[test]
    fn a_certificate_is_bound_by_the_hash_of_its_signature() {
        let certificate = CertificateDer::from_pem_slice(RELAY).unwrap();
        assert_eq!(end_point(&certificate), Some(Sha256::digest(&certificate).to_vec()));
        for end in 0..40 {
            assert_eq!(end_point(&certificate[..end]), None, "{end}");
        }
        // Of a signature: the parts that matter, with nothing signed. The last is Ed25519.
        let signed = |name: &[u8]| {
            let algorithm = [&[0x06, name.len() as u8], name].concat();
            let parts = [&[0x30, 0, 0x30, algorithm.len() as u8], algorithm.as_slice()].concat();
            end_point(&[&[0x30, parts.len() as u8], parts.as_slice()].concat()).map(|hash| hash.len())
        };
        assert_eq!(signed(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 5]), Some(32));
        assert_eq!(signed(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 13]), Some(64));
        assert_eq!(signed(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 10]), None);
        assert_eq!(signed(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 3]), Some(48));
        assert_eq!(signed(&[0x2b, 0x65, 0x70]), None);
    }

    #[test]
    fn a_file_without_certificates_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        std::fs::write(path("empty.pem"), "# nothing\n").unwrap();
        std::fs::write(path("bad.pem"), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
        for name in ["none.pem", "empty.pem", "bad.pem"] {
            let server = Server::parse(&format!("postgres://w@db/s?sslrootcert={name}")).unwrap();
            let made = Maker::of(&server.with_authorities(|file| directory.path().join(file))).map(|_| ());
            let Err(ServerError::NoAuthorities { path: told, source }) = made else { panic!("{name}: {made:?}") };
            assert_eq!(told, path(name));
            assert!(!source.to_string().is_empty());
        }
    }
}
