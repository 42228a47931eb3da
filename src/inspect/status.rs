//! What runs here: the program, its config as written, its store.

use super::replicas::{ReplicaShown, replicas};
use super::{Inspection, Unanswered};
use crate::base::clock::Timestamp;
use crate::config::Outline;
use crate::metrics::{LOOPS, Metrics, Reload};
use crate::store::{Facts, Location};

/// The program.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct BuildInfo {
    /// Its version.
    #[schema(example = "0.1.0")]
    pub version: String,
    /// The revision that it was built from, where the build said so (`SUPPLYWATCH_REVISION`).
    pub revision: Option<String>,
}

/// The program that runs.
pub fn build_info() -> BuildInfo {
    BuildInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        revision: option_env!("SUPPLYWATCH_REVISION").map(ToOwned::to_owned),
    }
}

/// The config as it is written.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct ConfigText {
    /// All of it in one text; each file begins with a comment that names it. In the place of each secret stands
    /// `<secret>`.
    #[serde(rename = "toml")]
    pub text: String,
    /// The same item by item and key by key, to be held against another.
    pub items: Outline,
}

/// The config of the moment.
pub fn config(asked: Inspection<'_>) -> ConfigText {
    let file = |written: &crate::config::Written| {
        format!("# {}\n{}", crate::base::text::printable(&written.path.display().to_string()), written.text)
    };
    ConfigText {
        text: asked.setup.written.iter().map(file).collect::<Vec<_>>().join("\n"),
        items: asked.setup.outline.clone(),
    }
}

/// How the program is.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProgramStatus)]
pub struct Status {
    /// The program's version.
    pub version: String,
    /// What its clock shows.
    pub now: Timestamp,
    /// The time zone of the config.
    #[schema(example = "Asia/Shanghai")]
    pub timezone: String,
    /// The config's file.
    pub config: String,
    /// The store's file, or the address of its database without the password.
    pub state: String,
    /// How many feeds, rules and receivers the config has.
    pub watching: Watching,
    /// How large the store is.
    pub store: Facts,
    /// Who works on the store: the replicas that share a database; of a file nobody is listed, since one process has it.
    pub replicas: Vec<ReplicaShown>,
    /// The daemon's loops.
    pub loops: Vec<Loop>,
    /// The last reload since the start, whether or not it stood.
    pub last_reload: Option<Reload>,
}

/// What the config has.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Watching {
    /// Feeds.
    pub feeds: usize,
    /// Rules.
    pub rules: usize,
    /// Receivers.
    pub receivers: usize,
}

/// One of the daemon's loops.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Loop {
    /// Which: `poll`, `evaluate` or `deliver`.
    pub name: String,
    /// For how many seconds it has not come round; `null` before the first time. Idle, it comes round every few seconds.
    pub idle_seconds: Option<f64>,
}

/// How the program is now.
pub async fn status(asked: Inspection<'_>, metrics: &Metrics) -> Result<Status, Unanswered> {
    let setup = asked.setup;
    Ok(Status {
        version: build_info().version,
        now: asked.now,
        timezone: setup.zone.name().to_owned(),
        config: setup.path.display().to_string(),
        state: place(&setup.state),
        watching: Watching { feeds: setup.feeds.len(), rules: setup.rules.len(), receivers: setup.receivers.len() },
        store: asked.store.facts().await?,
        replicas: replicas(asked.store).await?,
        loops: LOOPS.map(|name| come_round(metrics, name, asked.now)).into(),
        last_reload: metrics.last_reload(),
    })
}

fn come_round(metrics: &Metrics, name: &str, now: Timestamp) -> Loop {
    Loop { name: name.to_owned(), idle_seconds: metrics.tick(name).age(now).map(|age| age.as_secs_f64()) }
}

/// Where the store is, the same by whatever way it is named.
pub fn place(state: &Location) -> String {
    match state {
        Location::Sqlite(path) => path.canonicalize().unwrap_or_else(|_| path.clone()).display().to_string(),
        Location::Postgres(server) => server.shown(),
    }
}
