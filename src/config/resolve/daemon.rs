//! `[daemon]`: the store, the zone, whom a publisher may ask.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono_tz::Tz;

use super::address::{self, Leave};
use super::{Context, value};
use crate::base::limits::{REPLICA_LEASE, REPLICA_LEASE_MAX, REPLICA_LEASE_MIN};
use crate::base::proxy::ForwardProxy;
use crate::base::text::shorten;
use crate::config::file::{DaemonTable, DeadManTable};
use crate::config::problem::Finding;
use crate::config::secret::SecretText;
use crate::config::setup::DeadMan;
use crate::config::source::{At, Place};
use crate::store::Location;
use crate::store::postgres::Server;

/// How often it is told that all is well, where the config does not say.
const DEAD_MAN_EVERY: Duration = Duration::from_secs(60);
/// How long deliveries that are over are kept where the config does not say: a receiver's outages of a year can be seen.
const KEEP_ATTEMPTS: Duration = Duration::from_secs(365 * 86_400);
/// The shortest time for which they can be kept: what went wrong of late is told by them.
const KEEP_ATTEMPTS_MIN: Duration = Duration::from_secs(30 * 86_400);
/// The store's file where the config names none.
const FILE: &str = "supplywatch.db";
/// Where it is remembered there on which timeline a server was seen.
const TIMELINE: &str = "timeline";
/// Where `systemd/supplywatch.service` has the config and the store.
const SERVICE_CONFIG: &str = "/etc/supplywatch";
/// See [`SERVICE_CONFIG`].
const SERVICE_STATE: &str = "/var/lib/supplywatch";

/// `[daemon]`, resolved.
pub struct Daemon {
    /// Where the store is.
    pub state: Location,
    /// How long a replica that says nothing keeps its work.
    pub lease: Duration,
    /// The zone of feeds that name none.
    pub zone: Tz,
    /// For the User-Agent.
    pub contact: Option<String>,
    /// The proxy through which public addresses are reached, with its login.
    pub proxy: Option<ForwardProxy>,
    /// Who hears of receivers that fail.
    pub fallback: Vec<String>,
    /// Where its page is to be found, without a slash at the end.
    pub page_url: Option<String>,
    /// Who is told that all is well.
    pub dead_man: Option<DeadMan>,
    /// How long deliveries that are over are kept.
    pub keep_attempts: Duration,
}

/// What `[daemon]` comes to.
pub fn resolve(cx: Context<'_>, table: &DaemonTable, receivers: &[&str]) -> Daemon {
    let state = location(cx, table);
    Daemon {
        lease: table.lease.as_ref().and_then(|at| lease(cx, at, &state)).unwrap_or(REPLICA_LEASE),
        state,
        zone: table.timezone.as_ref().and_then(|at| value::zone(cx, at)).unwrap_or(Tz::UTC),
        contact: table.contact.as_ref().and_then(|at| contact(cx, at)),
        proxy: table.proxy.as_ref().and_then(|at| proxy(cx, at)),
        page_url: table.page_url.as_ref().and_then(|at| page_url(cx, at)),
        dead_man: table.dead_man.as_ref().and_then(|table| dead_man(cx, table)),
        keep_attempts: table.keep_attempts.as_ref().and_then(|at| keep_attempts(cx, at)).unwrap_or(KEEP_ATTEMPTS),
        fallback: value::receivers(cx, table.fallback.as_ref(), receivers),
    }
}

/// Where the store is.
pub fn location(cx: Context<'_>, table: &DaemonTable) -> Location {
    let state = table.state.as_ref().and_then(|at| state(cx, at));
    let default = || default_state(cx.sources.first().base(), cx.environment.variable("STATE_DIRECTORY"));
    state.unwrap_or_else(|| Location::Sqlite(default()))
}

/// In `$STATE_DIRECTORY`, of which the service manager may name several, joined by colons: the first is the program's
/// own. Without one, where the service has it, if the config is the service's; else here.
fn default_state(config: &Path, directory: Option<&str>) -> PathBuf {
    let first = folder(directory);
    let of_service = || config.starts_with(SERVICE_CONFIG).then_some(SERVICE_STATE);
    first.or_else(|| of_service().map(Path::new)).map_or_else(|| PathBuf::from(FILE), |directory| directory.join(FILE))
}

/// The program's own of the folders that the service manager names.
fn folder(directory: Option<&str>) -> Option<&Path> {
    directory.and_then(|list| list.split(':').next()).filter(|first| !first.is_empty()).map(Path::new)
}

/// How a store is named.
const STATES: &str = "write \"sqlite:PATH\", such as \"sqlite:/var/lib/supplywatch/supplywatch.db\", or \
                      \"postgres://USER@HOST/DATABASE\"";

fn state(cx: Context<'_>, at: &At<SecretText>) -> Option<Location> {
    // What stands elsewhere, or may hold a password, is a secret: it is named and not told.
    let (text, is_secret) = match &at.value {
        SecretText::Literal(text) if !cx.report.is_hidden(at.place) => (text.clone(), false),
        _ => (cx.keyring.open(at)?.expose().to_owned(), true),
    };
    if Server::is_meant(&text) {
        return server(cx, at.place, &text).map(|server| Location::Postgres(Box::new(server)));
    }
    let told = |limit| if is_secret { "what it names".to_owned() } else { format!("`{}`", shorten(&text, limit)) };
    let Some((scheme, rest)) = text.split_once(':') else {
        let message = format!("`state` does not say which kind of store {} is", told(80));
        cx.error(at.place, message, "expected `sqlite:` before the path", STATES);
        return None;
    };
    if scheme != "sqlite" {
        let kind = if is_secret { String::new() } else { format!(" `{}`", shorten(scheme, 40)) };
        let message = format!("`state` names a store of the unknown kind{kind}");
        cx.error(at.place, message, "expected `sqlite:` or `postgres://`", STATES);
        return None;
    }
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.trim().is_empty() || path.ends_with('/') || path == ":memory:" || path.contains('\0') {
        let message = "`state` must name a file: what was already told is remembered there";
        cx.error(at.place, message, "no file", STATES);
        return None;
    }
    Some(Location::Sqlite(cx.sources.of(at.place).resolve(path)))
}

/// A database and whom it trusts; what leaves it unprotected is warned of.
fn server(cx: Context<'_>, place: Place, text: &str) -> Option<Server> {
    let server = match Server::parse(text) {
        Ok(server) => server
            .with_authorities(|file| cx.sources.of(place).base().join(file))
            .with_memory(folder(cx.environment.variable("STATE_DIRECTORY")).map(|folder| folder.join(TIMELINE))),
        Err(wrong) => {
            let message = format!("`state` is no address of a database: {wrong}");
            cx.error(place, message, "expected postgres://USER@HOST/DATABASE", wrong.help);
            return None;
        }
    };
    if let Some(file) = server.authorities()
        && let Err(error) = server.check_authorities()
    {
        let shown = file.display();
        let message = format!("the authorities of the database (`sslrootcert`) cannot be read from `{shown}`: {error}");
        cx.error(place, message, "named here", "a file of certificates is PEM: -----BEGIN CERTIFICATE-----");
        return None;
    }
    if server.is_exposed() {
        let message = "`state` has `sslmode=disable`: the password and all data can be read, and changed, on the way";
        let help = "leave `sslmode` out, or keep it where the network itself is protected";
        cx.add(Finding::warning(place, message).label("not on this machine, and not encrypted").help(help));
    }
    Some(server)
}

/// How long a replica that says nothing keeps its work.
fn lease(cx: Context<'_>, at: &At<String>, state: &Location) -> Option<Duration> {
    let lease = value::duration(cx, "lease", at)?;
    if !(REPLICA_LEASE_MIN..=REPLICA_LEASE_MAX).contains(&lease) {
        let bounds = format!("{} s to {} min", REPLICA_LEASE_MIN.as_secs(), REPLICA_LEASE_MAX.as_secs() / 60);
        let message = format!("`lease` cannot be `{}`", shorten(&at.value, 60));
        let help = "a shorter one takes work from replicas that are only slow, a longer one leaves it undone";
        cx.error(at.place, message, &format!("expected {bounds}"), help);
        return None;
    }
    if matches!(state, Location::Sqlite(_)) {
        let message = "`lease` has no meaning for a store in a file, which one process has";
        let help = "it is for several replicas on one PostgreSQL: state = \"postgres://…\"";
        cx.add(Finding::warning(at.key, message).label("only for `postgres://`").help(help));
    }
    Some(lease)
}

/// An address on the web to which `/alerts/ID` can be added. Every receiver gets it, so it holds no secret.
fn page_url(cx: Context<'_>, at: &At<String>) -> Option<String> {
    let url = url::Url::parse(at.value.trim()).ok().filter(|url| {
        let is_plain = url.username().is_empty() && url.password().is_none();
        matches!(url.scheme(), "https" | "http") && is_plain && url.query().is_none() && url.fragment().is_none()
    });
    if url.is_none() {
        let help = "write where people find the page: page_url = \"https://watch.example.org\"";
        cx.error(at.place, "`page_url` is no address of a page", "expected an address without a query", help);
    }
    Some(url?.as_str().trim_end_matches('/').to_owned())
}

/// Who is told that all is well; such an address is itself a secret.
fn dead_man(cx: Context<'_>, table: &DeadManTable) -> Option<DeadMan> {
    let every = match &table.every {
        Some(at) => value::duration(cx, "every", at),
        None => Some(DEAD_MAN_EVERY),
    };
    let leave = Leave::read(table.insecure.as_ref(), table.allow_private.as_ref());
    let endpoint = address::endpoint(cx, &table.given, table.url.as_ref(), leave);
    Some(DeadMan { endpoint: endpoint?.0, every: every? })
}

/// The proxy on the way out, with a login where it wants one: a secret.
fn proxy(cx: Context<'_>, at: &At<SecretText>) -> Option<ForwardProxy> {
    let proxy = ForwardProxy::parse(cx.keyring.open(at)?.expose());
    if proxy.is_none() {
        let help = "write proxy = \"http://proxy.example:3128\"; a login stands before the name: `USER:PASSWORD@`";
        cx.error(at.place, "`proxy` is no address of a proxy", "expected http://HOST:PORT", help);
    }
    proxy
}

/// How long deliveries that are over are kept.
fn keep_attempts(cx: Context<'_>, at: &At<String>) -> Option<Duration> {
    let kept = value::duration(cx, "keep_attempts", at)?;
    if kept < KEEP_ATTEMPTS_MIN {
        let help = "alerts on the program's own health look back some days: write \"30d\" or more";
        cx.error(at.place, "`keep_attempts` is less than 30 days", "too short", help);
        return None;
    }
    Some(kept)
}

/// The contact goes into an HTTP header.
fn contact(cx: Context<'_>, at: &At<String>) -> Option<String> {
    let text = value::line(cx, "contact", at)?;
    if !text.is_ascii() {
        let message = "`contact` has characters other than ASCII, which no HTTP header may have";
        cx.error(at.place, message, "not ASCII", "write an e-mail address or a web address");
        return None;
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_services_config_has_the_services_store() {
        let state = |config: &str, directory| default_state(Path::new(config), directory).display().to_string();
        assert_eq!(state("/etc/supplywatch", None), "/var/lib/supplywatch/supplywatch.db");
        assert_eq!(state("/etc/supplywatch", Some("/srv/a:/srv/b")), "/srv/a/supplywatch.db");
        assert_eq!(state("/etc/supplywatch-test", None), "supplywatch.db");
        assert_eq!(state(".", None), "supplywatch.db");
        assert_eq!(state(".", Some(":/srv/b")), "supplywatch.db");
    }
}
