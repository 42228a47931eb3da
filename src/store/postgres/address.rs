//! Reads the address of a PostgreSQL store, in libpq's words.
//!
//! What is wrong is said without the parts of the address: where a sign in a password is not written as `%XX`, a part
//! of the password stands where a host, a port or an option is expected. Two things are not libpq's: without a word
//! about it, the way to another machine is protected as `verify-full` has it, and what weakens that has to be written.

use std::net::{IpAddr, Ipv6Addr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::server::{Authorities, Host, PORT, Patience, Place, Server, Tls};
use crate::base::limits::{
    DATABASE_CONNECT, DATABASE_PROBE_AFTER, DATABASE_PROBE_EVERY, DATABASE_PROBES, DATABASE_UNHEARD,
};
use crate::base::secret::Secret;
use crate::base::text::{list, nearest, printable, shorten};

/// What is wrong with an address, and what to write instead. Neither has a part of a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Wrong {
    /// What is wrong.
    pub what: String,
    /// What to write.
    pub help: String,
}

/// The schemes of such an address.
const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

/// The words that an address may have behind its `?`.
const WORDS: [&str; 14] = [
    "host",
    "port",
    "user",
    "password",
    "dbname",
    "sslmode",
    "sslrootcert",
    "target_session_attrs",
    "connect_timeout",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
    "application_name",
];

/// Words of libpq that have no meaning here.
const FOREIGN: [&str; 31] = [
    "channel_binding",
    "client_encoding",
    "fallback_application_name",
    "gssdelegation",
    "gssencmode",
    "gsslib",
    "hostaddr",
    "keepalives",
    "krbsrvname",
    "load_balance_hosts",
    "max_protocol_version",
    "min_protocol_version",
    "options",
    "passfile",
    "replication",
    "require_auth",
    "requirepeer",
    "requiressl",
    "scram_client_key",
    "scram_server_key",
    "service",
    "sslcert",
    "sslcertmode",
    "sslcompression",
    "sslcrl",
    "sslcrldir",
    "sslkey",
    "sslnegotiation",
    "sslpassword",
    "sslsni",
    "ssl_min_protocol_version",
];

/// How an address looks.
pub const EXAMPLE: &str = "write postgres://USER:PASSWORD@HOST:5432/DATABASE";
/// How signs are written that would end a part of it.
const ESCAPES: &str =
    "in a name or a password `%`, `@`, `:`, `/` and `?` are written %25, %40, %3A, %2F and %3F, and blanks %20";
/// How long connecting may take.
const CONNECTION_SECONDS: RangeInclusive<u64> = 1..=60;
/// A name of PostgreSQL, at most (bytes): `NAMEDATALEN` with its end mark.
const NAME_BYTES_MAX: usize = 63;
/// A host's name, at most (bytes).
const HOST_BYTES_MAX: usize = 253;
/// Hosts of one address, at most.
const HOSTS_MAX: usize = 16;

impl Server {
    /// Whether a text is meant as the address of a PostgreSQL database.
    pub fn is_meant(text: &str) -> bool {
        SCHEMES.iter().any(|scheme| text.starts_with(scheme))
    }

    /// Reads `postgres://ROLE:PASSWORD@HOST:PORT,HOST:PORT/DATABASE?WORD=VALUE&…`.
    pub fn parse(text: &str) -> Result<Self, Wrong> {
        let rest = SCHEMES.iter().find_map(|scheme| text.strip_prefix(scheme));
        let rest = rest.ok_or_else(|| wrong("this is no address of a PostgreSQL database", EXAMPLE))?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, hosts) = authority.split_once('@').unwrap_or(("", authority));
        if hosts.contains('@') || path.contains(['/', '@']) || query.contains('@') {
            return Err(wrong("there is an `@` or a `/` too many in the address", ESCAPES));
        }
        let (role, password) = login.split_once(':').map_or((login, None), |(role, password)| (role, Some(password)));
        let mut words = Words::read(query)?;
        let role = words.instead("user", decoded(role)?)?;
        let password = words.instead("password", password.map(decoded).transpose()?.unwrap_or_default())?;
        let database = words.instead("dbname", decoded(path)?)?;
        let hosts = words.hosts(hosts)?;
        let server = Self {
            role: named(role, "user", "postgres://USER@HOST/DATABASE")?,
            password: (!password.is_empty()).then(|| Secret::new(password)),
            database: named(database, "database", "postgres://USER@HOST/DATABASE")?,
            tls: words.tls(&hosts)?,
            hosts,
            patience: words.patience()?,
            application: words.application()?,
            memory: None,
        };
        words.attributes()?;
        Ok(server)
    }
}

fn wrong(what: impl Into<String>, help: impl Into<String>) -> Wrong {
    Wrong { what: what.into(), help: help.into() }
}

/// What stands behind the `?`.
struct Words(Vec<(&'static str, String)>);

impl Words {
    /// Reads them; each is a known one, and there once.
    fn read(query: &str) -> Result<Self, Wrong> {
        let mut words = Self(Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').ok_or_else(|| {
                wrong("behind the `?` there is something without a `=`", format!("write `sslmode=…`; {ESCAPES}"))
            })?;
            let known = WORDS.into_iter().find(|word| *word == name).ok_or_else(|| unknown(name))?;
            if words.0.iter().any(|(word, _)| *word == known) {
                return Err(wrong(format!("`{known}` is there twice"), "write it once"));
            }
            words.0.push((known, decoded(value)?));
        }
        Ok(words)
    }

    fn take(&mut self, word: &str) -> Option<String> {
        let at = self.0.iter().position(|(known, _)| *known == word)?;
        Some(self.0.swap_remove(at).1)
    }

    /// What an address has in its beginning, or else behind the `?`.
    fn instead(&mut self, word: &str, early: String) -> Result<String, Wrong> {
        match self.take(word) {
            Some(_) if !early.is_empty() => {
                Err(wrong(format!("`{word}` is there again behind the `?`"), "write it once"))
            }
            late => Ok(late.unwrap_or(early)),
        }
    }

    /// The hosts: before the database, or else by `host` and `port`.
    fn hosts(&mut self, early: &str) -> Result<Vec<Host>, Wrong> {
        let places: Vec<(Place, Option<u16>)> = match (early.is_empty(), self.take("host")) {
            (false, Some(_)) => return Err(wrong("`host` is there again behind the `?`", "write it once")),
            (false, None) => early.split(',').map(host_and_port).collect::<Result<_, _>>()?,
            (true, None) => return Err(wrong("the address names no host", EXAMPLE)),
            (true, Some(names)) => names.split(',').map(|name| Ok((place(name)?, None))).collect::<Result<_, _>>()?,
        };
        if places.len() > HOSTS_MAX {
            return Err(wrong(format!("the address has more than {HOSTS_MAX} hosts"), "name the database's own alone"));
        }
        let host = |((place, early), late): ((Place, Option<u16>), u16)| Host { place, port: early.unwrap_or(late) };
        let Some(ports) = self.take("port") else {
            return Ok(places.into_iter().zip(std::iter::repeat(PORT)).map(host).collect());
        };
        if places.iter().any(|(_, port)| port.is_some()) {
            return Err(wrong("`port` is there again behind the `?`", "write it once"));
        }
        let ports: Vec<u16> = ports.split(',').map(port).collect::<Result<_, _>>()?;
        if ports.len() != 1 && ports.len() != places.len() {
            return Err(wrong("there are not as many ports as hosts", "write one port for all, or one for each"));
        }
        Ok(places.into_iter().zip(ports.into_iter().cycle()).map(host).collect())
    }

    /// How the way there is protected.
    fn tls(&mut self, hosts: &[Host]) -> Result<Tls, Wrong> {
        let (mode, file) = (self.take("sslmode"), self.take("sslrootcert"));
        let file = file.filter(|file| file != "system");
        let is_here = hosts.iter().all(Host::is_here);
        match (mode.as_deref(), file) {
            (Some("verify-full"), None) => Ok(Tls::Full(Authorities::System)),
            (None, None) if !is_here => Ok(Tls::Full(Authorities::System)),
            (Some("verify-full") | None, Some(file)) => Ok(Tls::Full(Authorities::File(authority(file)?))),
            (Some("verify-ca"), Some(file)) => Ok(Tls::Signed(authority(file)?)),
            (Some("verify-ca"), None) => Err(wrong(
                "`sslmode=verify-ca` is no protection with the authorities of the system: they sign for everybody",
                "name your own with `sslrootcert=FILE`, or write `sslmode=verify-full`",
            )),
            (Some("disable"), Some(_)) => {
                Err(wrong("`sslrootcert` has no meaning with `sslmode=disable`", "take one of them away"))
            }
            (Some("disable") | None, None) => Ok(Tls::Off),
            (Some("require" | "prefer" | "allow"), _) => Err(wrong(
                "`sslmode` is one that takes whoever answers for the database: a password could be caught on the way",
                "write `sslmode=verify-full`, with `sslrootcert=FILE` where the authority is your own",
            )),
            (Some(other), _) => Err(choice("sslmode", other, &["verify-full", "verify-ca", "disable"])),
        }
    }

    fn patience(&mut self) -> Result<Patience, Wrong> {
        let seconds = Duration::from_secs;
        Ok(Patience {
            connect: self.number("connect_timeout", CONNECTION_SECONDS)?.map_or(DATABASE_CONNECT, seconds),
            idle: self.number("keepalives_idle", 1..=7200)?.map_or(DATABASE_PROBE_AFTER, seconds),
            interval: self.number("keepalives_interval", 1..=7200)?.map_or(DATABASE_PROBE_EVERY, seconds),
            count: self.number("keepalives_count", 1..=100)?.map_or(DATABASE_PROBES, |count| count as u32),
            unheard: self.number("tcp_user_timeout", 100..=600_000)?.map_or(DATABASE_UNHEARD, Duration::from_millis),
        })
    }

    /// A whole number within bounds; seconds, but for `tcp_user_timeout`, which libpq has in milliseconds.
    fn number(&mut self, word: &str, bounds: RangeInclusive<u64>) -> Result<Option<u64>, Wrong> {
        let Some(text) = self.take(word) else { return Ok(None) };
        let number = text.parse().ok().filter(|number| bounds.contains(number));
        number.map(Some).ok_or_else(|| {
            let unit = match word {
                "tcp_user_timeout" => " of milliseconds",
                "keepalives_count" => "",
                _ => " of seconds",
            };
            let help = format!("write a number{unit} from {} to {}", bounds.start(), bounds.end());
            wrong(format!("`{word}` cannot be `{}`", value(&text)), help)
        })
    }

    fn application(&mut self) -> Result<String, Wrong> {
        let name = self.take("application_name").unwrap_or_else(|| "supplywatch".to_owned());
        let is_plain = name.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !is_plain {
            let help = format!("a name has 1 to {NAME_BYTES_MAX} letters, digits and signs of ASCII");
            return Err(wrong("`application_name` is no name", help));
        }
        Ok(name)
    }

    /// What kind of server will do: only one that takes writes.
    fn attributes(&mut self) -> Result<(), Wrong> {
        match self.take("target_session_attrs").as_deref() {
            None | Some("read-write" | "primary") => Ok(()),
            Some("any" | "read-only" | "standby" | "prefer-standby") => Err(wrong(
                "`target_session_attrs` asks for a server that need not take writes",
                "write `target_session_attrs=read-write`, or leave it out",
            )),
            Some(other) => Err(choice("target_session_attrs", other, &["read-write", "primary"])),
        }
    }
}

/// Of a word that is none only what is near a known one is told: it may be the end of a password.
fn unknown(name: &str) -> Wrong {
    if FOREIGN.contains(&name) {
        return wrong(
            format!("`{name}` is a word of libpq that has no meaning here"),
            format!("leave it out: behind the `?` may stand {}", list(WORDS)),
        );
    }
    let is_word = name.len() <= 40 && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    match nearest(name, WORDS).filter(|_| is_word) {
        Some(near) => wrong(format!("`{name}` is unknown"), format!("did you mean `{near}`?")),
        None => wrong("behind the `?` there is a word that is unknown", format!("{} may stand there", list(WORDS))),
    }
}

/// A value that is none of those which may stand there.
fn choice(word: &str, found: &str, known: &[&str]) -> Wrong {
    let help = match nearest(found, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("write one of {}", list(known)),
    };
    wrong(format!("`{word}` cannot be `{}`", value(found)), help)
}

/// A value as it may be shown.
fn value(text: &str) -> String {
    printable(&shorten(text, 40))
}

/// A host with its port, as they stand before the database: `db.example:5433`, `[2001:db8::1]`.
fn host_and_port(text: &str) -> Result<(Place, Option<u16>), Wrong> {
    let (name, number) = match text.strip_prefix('[') {
        None => text.split_once(':').map_or((text, None), |(name, number)| (name, Some(number))),
        Some(rest) => {
            let (address, rest) =
                rest.split_once(']').ok_or_else(|| wrong("a host has a `[` without a `]`", EXAMPLE))?;
            if address.parse::<Ipv6Addr>().is_err() {
                return Err(wrong("within `[` and `]` there is no IPv6 address", EXAMPLE));
            }
            match rest.strip_prefix(':') {
                None if !rest.is_empty() => return Err(wrong("a `]` is not followed by a port", ESCAPES)),
                number => (address, number),
            }
        }
    };
    Ok((place(&decoded(name)?)?, number.map(port).transpose()?))
}

fn port(text: &str) -> Result<u16, Wrong> {
    let number = text.parse().ok().filter(|port| *port > 0);
    number.ok_or_else(|| wrong("a port is no number from 1 to 65535", format!("a port is such as 5432; {ESCAPES}")))
}

/// A folder, an address or a name.
fn place(text: &str) -> Result<Place, Wrong> {
    if text.starts_with('/') {
        return Ok(Place::Socket(PathBuf::from(text)));
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(Place::Address(address));
    }
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    match text {
        "" => Err(wrong("a host has no name", EXAMPLE)),
        name if name.len() <= HOST_BYTES_MAX && name.bytes().all(is_part) => Ok(Place::Name(name.to_ascii_lowercase())),
        _ => Err(wrong("a host has a sign that no host's name has", ESCAPES)),
    }
}

/// A name of PostgreSQL that has to be there.
fn named(name: String, what: &str, example: &str) -> Result<String, Wrong> {
    match name.len() {
        0 => Err(wrong(format!("the address names no {what}"), format!("write {example}"))),
        1..=NAME_BYTES_MAX => Ok(name),
        _ => Err(wrong(format!("the name of the {what} is longer than {NAME_BYTES_MAX} bytes"), EXAMPLE)),
    }
}

fn authority(file: String) -> Result<PathBuf, Wrong> {
    if file.is_empty() {
        return Err(wrong("`sslrootcert` names no file", "write `sslrootcert=FILE`, or leave it out"));
    }
    Ok(PathBuf::from(file))
}

/// A part of the address with its `%XX` read; a `+` is a plus, as libpq has it.
fn decoded(part: &str) -> Result<String, Wrong> {
    let bad = || wrong("there is a `%` that is not followed by two hex digits", ESCAPES);
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let (high, low) = (digit().ok_or_else(bad)?, digit().ok_or_else(bad)?);
        bytes.push((high * 16 + low) as u8);
    }
    let text = String::from_utf8(bytes).map_err(|_| wrong("what its `%XX` come to is not UTF-8", ESCAPES))?;
    if text.contains(char::is_control) {
        return Err(wrong("there is a line break or another control character in the address", ESCAPES));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn server(text: &str) -> Server {
        Server::parse(text).unwrap_or_else(|wrong| panic!("{text}: {wrong}; {}", wrong.help))
    }

    #[track_caller]
    fn told(text: &str) -> String {
        let Wrong { what, help } = Server::parse(text).expect_err(text);
        format!("{what}: {help}")
    }

    #[test]
    fn an_address_is_read_and_shown_without_password_and_options() {
        let shown = |text: &str| server(text).shown();
        assert_eq!(shown("postgres://watch:hunter22@db.example/state"), "postgres://watch@db.example:5432/state");
        assert_eq!(shown("postgresql://watch@DB.example:6432/state?"), "postgres://watch@db.example:6432/state");
        assert_eq!(
            shown("postgres://watch:a%3Ab@a.example:5433,10.0.0.2,[2001:db8::1]:5434/state?connect_timeout=3"),
            "postgres://watch@a.example:5433,10.0.0.2:5432,[2001:db8::1]:5434/state"
        );
        assert_eq!(shown("postgres://w%40x@h/%C3%A4"), "postgres://w%40x@h:5432/%C3%A4");
        assert_eq!(
            shown("postgres:///state?host=/run/postgresql&user=watch"),
            "postgres://watch@/state?host=/run/postgresql"
        );
        assert_eq!(
            shown("postgres://watch@%2Frun%2Fpostgresql:5433/state"),
            "postgres://watch@/state?host=/run/postgresql&port=5433"
        );
        assert_eq!(
            shown("postgres://?host=a,b&port=1,2&user=watch&password=hunter22&dbname=state"),
            "postgres://watch@a:1,b:2/state"
        );
        assert_eq!(shown("postgres://watch@a,b/state?port=6432"), "postgres://watch@a:6432,b:6432/state");
        // What is shown is such an address again.
        for text in ["postgres://w%40x@h/%C3%A4", "postgres:///s?host=/run/p&user=w&port=1", "postgres://w@[::1],b/s"] {
            assert_eq!(shown(&shown(text)), shown(text));
        }
    }

    #[test]
    fn the_password_is_read_and_never_shown() {
        let server = server("postgres://watch:hunter22%2F%40%3A+@db.example/state");
        assert_eq!(server.password.as_ref().map(Secret::expose), Some("hunter22/@:+"));
        assert!(!format!("{server:?} {}", server.shown()).contains("hunter22"));
        assert!(server.has_password() && !self::server("postgres://watch@db.example/state").has_password());
        assert_ne!(server, self::server("postgres://watch:other@db.example/state"));
    }

    #[test]
    fn the_way_to_another_machine_is_protected_unless_it_is_said_otherwise() {
        let tls = |text: &str| server(&format!("postgres://watch@{text}")).tls;
        let file = |name: &str| Authorities::File(PathBuf::from(name));
        for here in ["localhost/s", "127.0.0.1/s", "[::1]/s", "/s?host=/run/postgresql", "localhost,127.0.0.2/s"] {
            assert_eq!(tls(here), Tls::Off, "{here}");
        }
        for away in
            ["db/s", "10.0.0.1/s", "localhost,db/s", "db/s?sslrootcert=system", "localhost/s?sslmode=verify-full"]
        {
            assert_eq!(tls(away), Tls::Full(Authorities::System), "{away}");
        }
        assert_eq!(tls("db/s?sslrootcert=ca.pem"), Tls::Full(file("ca.pem")));
        assert_eq!(tls("localhost/s?sslrootcert=ca.pem"), Tls::Full(file("ca.pem")));
        assert_eq!(tls("db/s?sslmode=verify-ca&sslrootcert=/etc/ca%20b.pem"), Tls::Signed("/etc/ca b.pem".into()));
        assert_eq!(tls("db/s?sslmode=disable"), Tls::Off);
        let is_exposed = |text: &str| server(&format!("postgres://watch@{text}")).is_exposed();
        assert!(is_exposed("db/s?sslmode=disable") && is_exposed("localhost,db/s?sslmode=disable"));
        assert!(!is_exposed("localhost/s") && !is_exposed("db/s"));
        let moved =
            server("postgres://w@db/s?sslrootcert=ca.pem").with_authorities(|file| PathBuf::from("/etc").join(file));
        assert_eq!(moved.authorities(), Some(std::path::Path::new("/etc/ca.pem")));
    }

    #[test]
    fn what_weakens_the_protection_is_refused_with_its_reason() {
        let told = |text: &str| told(&format!("postgres://watch@db/s?{text}"));
        insta::assert_snapshot!(told("sslmode=require"), @"`sslmode` is one that takes whoever answers for the database: a password could be caught on the way: write `sslmode=verify-full`, with `sslrootcert=FILE` where the authority is your own");
        insta::assert_snapshot!(told("sslmode=verify-ca"), @"`sslmode=verify-ca` is no protection with the authorities of the system: they sign for everybody: name your own with `sslrootcert=FILE`, or write `sslmode=verify-full`");
        insta::assert_snapshot!(told("sslmode=disable&sslrootcert=ca.pem"), @"`sslrootcert` has no meaning with `sslmode=disable`: take one of them away");
        insta::assert_snapshot!(told("sslmode=verify-fll"), @"`sslmode` cannot be `verify-fll`: did you mean `verify-full`?");
        insta::assert_snapshot!(told("target_session_attrs=any"), @"`target_session_attrs` asks for a server that need not take writes: write `target_session_attrs=read-write`, or leave it out");
    }

    #[test]
    fn an_unknown_word_is_told_with_the_nearest() {
        let told = |text: &str| told(&format!("postgres://watch@db/s?{text}"));
        insta::assert_snapshot!(told("sslmod=disable"), @"`sslmod` is unknown: did you mean `sslmode`?");
        insta::assert_snapshot!(told("passfile=x"), @"`passfile` is a word of libpq that has no meaning here: leave it out: behind the `?` may stand `host`, `port`, `user`, `password`, `dbname`, `sslmode`, `sslrootcert`, `target_session_attrs`, `connect_timeout`, `keepalives_idle`, `keepalives_interval`, `keepalives_count`, `tcp_user_timeout` and `application_name`");
        insta::assert_snapshot!(told("connect_timeout=0"), @"`connect_timeout` cannot be `0`: write a number of seconds from 1 to 60");
        insta::assert_snapshot!(told("tcp_user_timeout=5s"), @"`tcp_user_timeout` cannot be `5s`: write a number of milliseconds from 100 to 600000");
        insta::assert_snapshot!(told("port=1,2"), @"there are not as many ports as hosts: write one port for all, or one for each");
        insta::assert_snapshot!(told("sslmode=disable&sslmode=disable"), @"`sslmode` is there twice: write it once");
        insta::assert_snapshot!(told("host=a"), @"`host` is there again behind the `?`: write it once");
        insta::assert_snapshot!(told("application_name=%F0%9F%90%98"), @"`application_name` is no name: a name has 1 to 63 letters, digits and signs of ASCII");
    }

    #[test]
    fn what_is_missing_is_told() {
        insta::assert_snapshot!(told("postgres://db.example/state"), @"the address names no user: write postgres://USER@HOST/DATABASE");
        insta::assert_snapshot!(told("postgres://watch@db.example"), @"the address names no database: write postgres://USER@HOST/DATABASE");
        insta::assert_snapshot!(told("postgres://watch@/state"), @"the address names no host: write postgres://USER:PASSWORD@HOST:5432/DATABASE");
        insta::assert_snapshot!(told("postgres://watch@a,,b/state"), @"a host has no name: write postgres://USER:PASSWORD@HOST:5432/DATABASE");
        insta::assert_snapshot!(told("mysql://watch@db/state"), @"this is no address of a PostgreSQL database: write postgres://USER:PASSWORD@HOST:5432/DATABASE");
    }

    #[test]
    fn the_defaults_are_those_of_a_database_that_is_watched() {
        let seconds = |patience: Patience| {
            let Patience { connect, idle, interval, count, unheard } = patience;
            (connect.as_secs(), idle.as_secs(), interval.as_secs(), count, unheard.as_millis())
        };
        assert_eq!(seconds(server("postgres://watch@db/s").patience), (5, 5, 2, 3, 10_000));
        let all = "connect_timeout=3&keepalives_idle=60&keepalives_interval=10&keepalives_count=9&tcp_user_timeout=900";
        let given = server(&format!("postgres://watch@db/s?{all}&target_session_attrs=primary&application_name=a%20b"));
        assert_eq!(seconds(given.patience), (3, 60, 10, 9, 900));
        assert_eq!(given.application, "a b");
    }

    /// A sign of a password that is not written as `%XX` moves the rest of it to where something else is expected.
    #[test]
    fn no_part_of_a_password_is_told() {
        for sign in
            ["@", ":", "/", "?", "#", "%", "&", "=", "[", "]", ",", " ", "\n", "@@", "/?", "?sslmode=", "12/", "12?"]
        {
            for password in [format!("hunter{sign}zwei"), format!("{sign}hunterzwei"), format!("hunterzwei{sign}")] {
                let text = format!("postgres://watch:{password}@db.example/state");
                let told = match Server::parse(&text) {
                    Ok(server) => format!("{} {server:?}", server.shown()),
                    Err(wrong) => format!("{wrong} {} {wrong:?}", wrong.help),
                };
                assert!(!told.contains("hunter") && !told.contains("zwei"), "{text}: {told}");
            }
        }
    }
}
