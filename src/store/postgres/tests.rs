//! Servers that say what a test wants, on loopback: what is made of it, and whom TLS lets through.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, duplex};
use tokio::net::TcpListener;
use tokio_postgres::{Config, NoTls};
use tokio_rustls::TlsAcceptor;

use super::fault::{self, When};
use super::timeline::Timeline;
use super::{Server, ServerError};
use crate::base::error::Chain;
use crate::store::StoreError;

fn server(text: &str) -> Server {
    Server::parse(text).unwrap()
}

/// A message of the protocol.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    [&[kind], length.as_slice(), body].concat()
}

/// An error as a server sends it.
fn complaint(severity: &str, code: &str) -> Vec<u8> {
    let fields = format!("S{severity}\0V{severity}\0C{code}\0Mso it is\0\0");
    message(b'E', fields.as_bytes())
}

/// What lets a client in, and answers that it may write.
fn welcome() -> Vec<u8> {
    [message(b'R', &[0; 4]), message(b'Z', b"I")].concat()
}

/// `SHOW transaction_read_only`, answered.
fn shown(is_read_only: bool) -> Vec<u8> {
    let name = b"transaction_read_only\0";
    let column = [&1_u16.to_be_bytes(), name.as_slice(), &[0; 6], &25_u32.to_be_bytes(), &[0xff; 6], &[0; 2]].concat();
    let value: &[u8] = if is_read_only { b"on" } else { b"off" };
    let length = u32::try_from(value.len()).unwrap().to_be_bytes();
    let row = [&1_u16.to_be_bytes(), length.as_slice(), value].concat();
    [message(b'T', &column), message(b'D', &row), message(b'C', b"SHOW\0"), message(b'Z', b"I")].concat()
}

/// What comes of a server that says this to whoever begins, and hangs up.
async fn heard(says: &[u8]) -> tokio_postgres::Error {
    let (here, mut there) = duplex(1 << 10);
    there.write_all(says).await.unwrap();
    there.shutdown().await.unwrap();
    let config = Config::new().user("watch").to_owned();
    config.connect_raw(here, NoTls).await.err().unwrap()
}

/// The name of a variant.
fn variant(error: &StoreError) -> String {
    let text = format!("{error:?}");
    let inner = text.strip_prefix("Server(").unwrap_or(&text);
    inner.split([' ', '{', '(']).next().unwrap().to_owned()
}

#[tokio::test]
async fn every_kind_of_answer_has_its_meaning() {
    let place = server("postgres://watch@db/state");
    for (code, meaning, is_final) in [
        ("28P01", "Password", true),
        ("28000", "NotLetIn", true),
        ("3D000", "NoDatabase", true),
        ("57P04", "NoDatabase", true),
        ("42501", "NoRights", true),
        ("3F000", "NoRights", true),
        ("53300", "Crowded", false),
        ("53100", "Full", false),
        ("53200", "Exhausted", false),
        ("53400", "Exhausted", false),
        ("57P01", "Starting", false),
        ("57P02", "Starting", false),
        ("57P03", "Starting", false),
        ("57P05", "Away", false),
        ("25P03", "Away", false),
        ("25006", "Standby", false),
        ("55P03", "Locked", false),
        ("57014", "Slow", false),
        ("25P04", "Slow", false),
        ("40001", "Conflict", false),
        ("40P01", "Conflict", false),
        ("40003", "Doubtful", false),
        ("08006", "Away", false),
        ("08P01", "Away", false),
        ("58030", "Failed", false),
        ("XX001", "Corrupt", true),
        ("23505", "Statement", true),
        ("42601", "Statement", true),
        ("XX000", "Statement", true),
    ] {
        let error = heard(&complaint("ERROR", code)).await;
        for when in [When::Connecting, When::Working, When::Committing] {
            let told = fault::of(&place, &error, when);
            assert_eq!((variant(&told).as_str(), told.is_final()), (meaning, is_final), "{code}");
        }
        // After FATAL nobody knows what became of a COMMIT.
        let error = heard(&complaint("FATAL", code)).await;
        assert_eq!(variant(&fault::of(&place, &error, When::Working)), meaning, "{code}");
        let told = fault::of(&place, &error, When::Committing);
        assert_eq!((variant(&told).as_str(), told.is_final()), ("Doubtful", false), "{code}");
    }
}

#[tokio::test]
async fn a_connection_that_ends_leaves_only_a_commit_in_doubt() {
    let place = server("postgres://watch@db/state");
    let error = heard(&[]).await;
    for (when, meaning) in [(When::Connecting, "Away"), (When::Working, "Away"), (When::Committing, "Doubtful")] {
        let told = fault::of(&place, &error, when);
        assert_eq!((variant(&told).as_str(), told.is_final()), (meaning, false));
    }
    // Something else than PostgreSQL answers.
    let error = heard(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    assert_eq!(variant(&fault::of(&place, &error, When::Connecting)), "Away");
    // A proof is wanted that there is not, and one that is unknown (GSSAPI).
    let error = heard(&message(b'R', &3_u32.to_be_bytes())).await;
    assert_eq!(variant(&fault::of(&place, &error, When::Connecting)), "Password");
    let error = heard(&message(b'R', &7_u32.to_be_bytes())).await;
    assert_eq!(variant(&fault::of(&place, &error, When::Connecting)), "NotLetIn");
}

#[tokio::test]
async fn errors_say_what_where_and_what_to_do() {
    let place = server("postgres://watch:hunter22@db.example/state");
    let told = async |code: &str| {
        let error = heard(&complaint("FATAL", code)).await;
        let error = fault::of(&place, &error, When::Connecting);
        let told = Chain(&error).to_string();
        assert!(!format!("{told} {error:?}").contains("hunter22"));
        told
    };
    insta::assert_snapshot!(told("28P01").await, @"the database postgres://watch@db.example:5432/state refuses the password: see that the address in `daemon.state` has the right one: FATAL: so it is (28P01)");
    insta::assert_snapshot!(told("28000").await, @"the database postgres://watch@db.example:5432/state lets nobody in as watch: see that the role is there and may log in (CREATE ROLE … LOGIN), and that pg_hba.conf on the server lets it in from here, with TLS or without it as `sslmode` says: FATAL: so it is (28000)");
    insta::assert_snapshot!(told("3D000").await, @"the server of postgres://watch@db.example:5432/state has no database state: make it there with `createdb --owner=watch --encoding=UTF8 state`: FATAL: so it is (3D000)");
    insta::assert_snapshot!(told("42501").await, @r#"the role watch may not do what is needed in the database postgres://watch@db.example:5432/state: make it the owner of the database and of what is in it (ALTER DATABASE "state" OWNER TO "watch"): FATAL: so it is (42501)"#);
    insta::assert_snapshot!(told("53300").await, @"the server of the database postgres://watch@db.example:5432/state takes no more connections: end some, raise `max_connections`, or put a pool such as PgBouncer before it: FATAL: so it is (53300)");
    insta::assert_snapshot!(told("53100").await, @"the disk of the database postgres://watch@db.example:5432/state is full: make space there; what was stored before is safe: FATAL: so it is (53100)");
    insta::assert_snapshot!(told("57P03").await, @"the server of the database postgres://watch@db.example:5432/state takes no connection now, or has ended this one: it is starting or stopping, or somebody told it to: FATAL: so it is (57P03)");
    insta::assert_snapshot!(told("25006").await, @"the database postgres://watch@db.example:5432/state takes no writes: it is a standby, or was made read-only; name the primary, or all of its hosts with commas between them: FATAL: so it is (25006)");
    insta::assert_snapshot!(told("40001").await, @"another change was in the way of one to the database postgres://watch@db.example:5432/state: nothing of it is stored; it is to be made anew: FATAL: so it is (40001)");
    insta::assert_snapshot!(told("57014").await, @"the server of the database postgres://watch@db.example:5432/state took too long for a statement: see what else it is busy with: FATAL: so it is (57014)");
    let error = heard(&[]).await;
    insta::assert_snapshot!(Chain(&fault::of(&place, &error, When::Committing)), @"it is unknown whether the last change to the database postgres://watch@db.example:5432/state is stored: the answer was lost on the way: connection closed");
    let store = || place.shown();
    insta::assert_snapshot!(ServerError::OldServer { store: store(), found: "13.23".to_owned() }, @"the server of the database postgres://watch@db.example:5432/state is PostgreSQL 13.23: 14 or a newer one is needed");
    insta::assert_snapshot!(ServerError::NotUtf8 { store: store(), found: "SQL_ASCII".to_owned() }, @"the database postgres://watch@db.example:5432/state is encoded in SQL_ASCII, which has not every sign: make one with `createdb --encoding=UTF8 --template=template0`");
    insta::assert_snapshot!(ServerError::Replaced { store: store(), found: 1, known: 2 }, @"the server of the database postgres://watch@db.example:5432/state is a primary that was replaced (its timeline is 1, the store's 2): stop it, or make it a standby of its successor");
}

/// What a host does with whoever connects.
#[derive(Clone)]
enum Host {
    /// Takes the connection and says nothing.
    Hangs,
    /// Says this and hangs up.
    Says(Vec<u8>),
    /// Lets everybody in; whether it only reads.
    Serves { is_read_only: bool },
    /// The same under TLS.
    Tls,
}

/// A host on loopback, until it is dropped.
struct Played {
    port: u16,
    _tasks: tokio::task::JoinSet<()>,
}

impl Host {
    async fn play(self) -> Played {
        self.play_at("127.0.0.1").await
    }

    async fn play_at(self, address: &str) -> Played {
        let listener = TcpListener::bind((address, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(async move {
            let mut open = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let host = self.clone();
                open.spawn(async move { drop(host.meet(stream).await) });
            }
        });
        Played { port, _tasks: tasks }
    }

    async fn meet(self, mut stream: tokio::net::TcpStream) -> std::io::Result<()> {
        match self {
            Self::Hangs => std::future::pending().await,
            Self::Says(says) => {
                part(&mut stream).await?;
                stream.write_all(&says).await
            }
            Self::Serves { is_read_only } => serve(stream, is_read_only).await,
            Self::Tls => {
                part(&mut stream).await?;
                stream.write_all(b"S").await?;
                serve(acceptor().accept(stream).await?, false).await
            }
        }
    }
}

/// Reads a message but for its kind, which the first ones lack: a request for TLS, the beginning of a session.
async fn part(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<()> {
    let length = stream.read_u32().await? as usize;
    let mut body = vec![0; length - 4];
    stream.read_exact(&mut body).await.map(|_| ())
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, is_read_only: bool) -> std::io::Result<()> {
    part(&mut stream).await?;
    stream.write_all(&welcome()).await?;
    loop {
        let kind = stream.read_u8().await?;
        part(&mut stream).await?;
        if kind == b'Q' {
            stream.write_all(&shown(is_read_only)).await?;
        }
        stream.flush().await?;
    }
}

fn acceptor() -> TlsAcceptor {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let certificate = CertificateDer::from_pem_slice(include_bytes!("../../notify/testdata/relay.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("../../notify/testdata/relay.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap()).into()
}

/// What connecting to an address comes to: nothing where it succeeds.
async fn connected(text: &str) -> Result<(), StoreError> {
    server(text).connect(&Timeline::remembered(None)).await.map(|_| ())
}

#[tokio::test]
async fn the_first_host_that_takes_writes_is_taken() {
    let standby = Host::Serves { is_read_only: true }.play().await;
    let primary = Host::Serves { is_read_only: false }.play().await;
    let refuses = Host::Says(complaint("FATAL", "28P01")).play().await;
    let starts = Host::Says(complaint("FATAL", "57P03")).play().await;
    let gone = Host::Hangs.play().await.port;
    let told = async |ports: &[u16]| {
        let hosts: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        let error = connected(&format!("postgres://watch@{}/state", hosts.join(","))).await.err();
        error.map(|error| (variant(&error), Chain(&error).to_string()))
    };
    assert_eq!(told(&[gone, standby.port, primary.port]).await, None);
    let (meaning, text) = told(&[standby.port]).await.unwrap();
    assert_eq!(meaning, "Standby", "{text}");
    assert_eq!(told(&[gone]).await.unwrap().0, "Away");
    // Who answers says more than who does not; what passes says more than what does not.
    assert_eq!(told(&[gone, refuses.port]).await.unwrap().0, "Password");
    assert_eq!(told(&[refuses.port, starts.port, standby.port, gone]).await.unwrap().0, "Starting");
    let (_, text) = told(&[gone, standby.port]).await.unwrap();
    assert!(text.contains(&format!("127.0.0.1:{gone}: ")) && text.contains("does not allow writes"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_host_that_hangs_does_not_keep_the_others_from_being_asked() {
    let hangs = Host::Hangs.play().await;
    let began = tokio::time::Instant::now();
    let error = connected(&format!("postgres://w@127.0.0.1:{}/s?connect_timeout=3", hangs.port)).await.unwrap_err();
    assert_eq!(variant(&error), "Away");
    assert!(Chain(&error).to_string().ends_with(": no answer within 3 s"), "{}", Chain(&error));
    assert_eq!(began.elapsed().as_secs(), 3);
}

#[tokio::test]
async fn a_host_without_a_name_or_a_socket_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let socket = format!("postgres://watch@/state?host={}", directory.path().display());
    let error = connected(&socket).await.unwrap_err();
    assert_eq!(variant(&error), "Away");
    assert!(error.to_string().contains(directory.path().to_str().unwrap()), "{error}");
    // A name that no resolver may know (RFC 6761).
    let error = connected("postgres://watch@nowhere.invalid/state?sslmode=disable").await.unwrap_err();
    assert_eq!((variant(&error).as_str(), error.is_final()), ("NotFound", false), "{}", Chain(&error));
}

#[tokio::test]
async fn a_certificate_has_to_be_signed_and_for_the_host() {
    let (host, other) = (Host::Tls.play().await, Host::Tls.play_at("127.0.0.2").await);
    let (port, other) = (host.port, format!("127.0.0.2:{}", other.port));
    let directory = tempfile::tempdir().unwrap();
    let ca = directory.path().join("ca.pem");
    std::fs::write(&ca, include_bytes!("../../notify/testdata/ca.pem")).unwrap();
    let ca = ca.display();
    let told = async |rest: &str| {
        connected(&format!("postgres://watch@{rest}")).await.map_err(|error| {
            assert!(error.is_final(), "{error}");
            Chain(&error).to_string()
        })
    };
    for well in [
        format!("127.0.0.1:{port}/s?sslrootcert={ca}"),
        format!("localhost:{port}/s?sslmode=verify-full&sslrootcert={ca}"),
        format!("127.0.0.1:{port}/s?sslmode=verify-ca&sslrootcert={ca}"),
        format!("{other}/s?sslmode=verify-ca&sslrootcert={ca}"),
    ] {
        assert_eq!(told(&well).await, Ok(()), "{well}");
    }
    for (bad, why) in [
        (format!("{other}/s?sslrootcert={ca}"), "its certificate is for another name"),
        (format!("127.0.0.1:{port}/s?sslmode=verify-full"), "signed by an authority that is not known here"),
        (format!("127.0.0.1:{port}/s?sslrootcert=none.pem"), "none.pem (`sslrootcert`) is no file of certificates"),
    ] {
        let told = told(&bad).await.unwrap_err();
        assert!(told.contains(why), "{bad}: {told}");
    }
    // Whatever its name is, another authority must have signed it.
    let another = directory.path().join("another.pem");
    std::fs::write(&another, include_bytes!("testdata/other-ca.pem")).unwrap();
    let bad = format!("{other}/s?sslmode=verify-ca&sslrootcert={}", another.display());
    let told = told(&bad).await.unwrap_err();
    assert!(told.contains("not known here"), "{told}");
}

#[tokio::test]
async fn a_server_without_tls_is_not_spoken_to_in_the_clear() {
    let host = Host::Says(b"N".to_vec()).play().await;
    let error =
        connected(&format!("postgres://watch@127.0.0.1:{}/s?sslmode=verify-full", host.port)).await.unwrap_err();
    assert_eq!((variant(&error).as_str(), error.is_final()), ("NoTls", true));
    // A connection that breaks within the handshake may be made anew.
    let host = Host::Says(b"S".to_vec()).play().await;
    let error =
        connected(&format!("postgres://watch@127.0.0.1:{}/s?sslmode=verify-full", host.port)).await.unwrap_err();
    assert_eq!((variant(&error).as_str(), error.is_final()), ("Away", false), "{}", Chain(&error));
}
