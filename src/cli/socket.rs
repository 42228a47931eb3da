//! The running daemon, asked through its socket.

use std::io::ErrorKind;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow};
use reqwest::{Client, Method, RequestBuilder, StatusCode, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::say;
use crate::base::text::printable;
use crate::config::{Environment, Setup};
use crate::inspect::Unanswered;
use crate::inspect::status::{Status, build_info, place};
use crate::store::Location;

/// How long the daemon may take to say who it is. It has readers of its own, so it is not the work that it has.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(30);
/// Where a daemon under the service manager listens, as `systemd/supplywatch.service` has it.
const SYSTEM: &str = "/run/supplywatch/supplywatch.sock";

/// A daemon that runs.
pub struct Daemon {
    client: Client,
    /// What it said of itself.
    pub status: Status,
}

impl Daemon {
    /// The one that has this setup's store, and is of this version; where one listens and does not answer, that is said.
    pub async fn of(setup: &Setup) -> Option<Self> {
        Self::that(setup, |status| status.state == place(&setup.state)).await
    }

    /// The one that has this setup's store, or runs with its file and another store.
    pub async fn running(setup: &Setup) -> Option<Self> {
        let file = setup.path.canonicalize().ok();
        let has_file = |status: &Status| file.is_some() && Path::new(&status.config).canonicalize().ok() == file;
        Self::that(setup, |status| status.state == place(&setup.state) || has_file(status)).await
    }

    async fn that(setup: &Setup, is_it: impl Fn(&Status) -> bool) -> Option<Self> {
        for path in candidates(setup) {
            if let Some(daemon) = Self::at(&path).await.filter(|daemon| is_it(&daemon.status)) {
                return Some(daemon);
            }
        }
        None
    }

    /// The service, where it runs with this config: it can be asked without the config's secrets, and its store need
    /// not be seen. Not where the environment names another store.
    pub async fn of_config(config: &Path, environment: &Environment) -> Option<Self> {
        if environment.variable("STATE_DIRECTORY").is_some() {
            return None;
        }
        let daemon = Self::at(&service(environment)).await?;
        let theirs = Path::new(&daemon.status.config);
        // A relative path is another file in another folder.
        let is_same = theirs.is_absolute() && theirs.canonicalize().ok()? == config.canonicalize().ok()?;
        is_same.then_some(daemon)
    }

    /// Whoever listens at a socket, if it is of this version.
    async fn at(path: &Path) -> Option<Self> {
        let client = client(path).ok()?;
        match tokio::time::timeout(PATIENCE, get::<Status>(&client, &["status"], &[])).await {
            Ok(Ok(status)) if status.version == build_info().version => Some(Self { client, status }),
            // Nobody listens any more.
            Ok(_) => None,
            Err(_) => {
                say(&format!(
                    "note: the daemon at {} does not answer within {} s: this asks its store instead",
                    printable(&path.display().to_string()),
                    PATIENCE.as_secs()
                ));
                None
            }
        }
    }

    /// What is at a path of the API.
    pub async fn get<T: DeserializeOwned>(&self, path: &[&str], query: &[(&str, String)]) -> anyhow::Result<T> {
        get(&self.client, path, query).await
    }

    /// A list of the API, piece by piece, up to so many members.
    pub async fn list<T: DeserializeOwned>(
        &self,
        name: &str,
        query: &[(&str, String)],
        limit: usize,
    ) -> anyhow::Result<Vec<T>> {
        /// Members at once.
        const PIECE: usize = 1000;
        let (mut all, mut token) = (Vec::new(), None);
        while all.len() < limit {
            let mut query = query.to_vec();
            query.push(("limit", PIECE.min(limit - all.len()).to_string()));
            query.extend(token.map(|token| ("nextToken", token)));
            let mut piece: Value = self.get(&[name], &query).await?;
            let members: Vec<T> = serde_json::from_value(piece[name].take()).context(MISUNDERSTOOD)?;
            all.extend(members);
            token = piece["nextToken"].as_str().map(ToOwned::to_owned);
            if token.is_none() {
                break;
            }
        }
        Ok(all)
    }

    /// Brings something to a path of the API.
    pub async fn post<T: DeserializeOwned>(&self, path: &[&str], body: &impl serde::Serialize) -> anyhow::Result<T> {
        let body = serde_json::to_string(body)?;
        let request = self.client.post(url(path)?).header("content-type", "application/json").body(body);
        answer(request).await
    }

    /// Asks for a change that needs no more words.
    pub async fn change<T: DeserializeOwned>(&self, method: Method, path: &[&str]) -> anyhow::Result<T> {
        answer(self.client.request(method, url(path)?)).await
    }
}

async fn get<T: DeserializeOwned>(client: &Client, path: &[&str], query: &[(&str, String)]) -> anyhow::Result<T> {
    let mut url = url(path)?;
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    answer(client.get(url)).await
}

const MISUNDERSTOOD: &str = "the daemon's answer cannot be understood";

/// Where the service listens; a service of another name has a runtime directory of its own.
fn service(environment: &Environment) -> PathBuf {
    let directory = environment.variable("RUNTIME_DIRECTORY");
    directory.map_or_else(|| PathBuf::from(SYSTEM), |directory| Path::new(directory).join("supplywatch.sock"))
}

/// The service's socket, where one may not ask there.
pub fn barred(environment: &Environment) -> Option<PathBuf> {
    let path = service(environment);
    let is_barred = UnixStream::connect(&path).is_err_and(|error| error.kind() == ErrorKind::PermissionDenied);
    is_barred.then_some(path)
}

/// The sockets at which it may listen, those alone that are there.
fn candidates(setup: &Setup) -> Vec<PathBuf> {
    let beside = match &setup.state {
        Location::Sqlite(state) => {
            let mut beside = state.clone().into_os_string();
            beside.push(".sock");
            Some(PathBuf::from(beside))
        }
        Location::Postgres(_) => None,
    };
    let mut paths: Vec<PathBuf> = setup.web.socket.clone().into_iter().chain(beside).collect();
    paths.push(PathBuf::from(SYSTEM));
    paths.dedup();
    let is_socket = |path: &PathBuf| path.metadata().is_ok_and(|data| data.file_type().is_socket());
    paths.into_iter().filter(is_socket).collect()
}

fn client(socket: &Path) -> reqwest::Result<Client> {
    // Another part of the program may have said so before; nothing here speaks TLS.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().unix_socket(socket).retry(reqwest::retry::never()).timeout(ANSWER).build()
}

fn url(path: &[&str]) -> anyhow::Result<Url> {
    // The name means nothing to a socket.
    let mut url = Url::parse("http://localhost/api/v1")?;
    url.path_segments_mut().map_err(|()| anyhow!("an address without a path"))?.extend(path);
    Ok(url)
}

async fn answer<T: DeserializeOwned>(request: RequestBuilder) -> anyhow::Result<T> {
    let response = request.send().await.context("the daemon did not answer")?;
    let status = response.status();
    let body = response.bytes().await.context("the daemon's answer broke off")?;
    let mut told: Value = serde_json::from_slice(&body).context(MISUNDERSTOOD)?;
    if status.is_success() {
        return serde_json::from_value(told["data"].take()).context(MISUNDERSTOOD);
    }
    let detail = told["detail"].as_str().unwrap_or("no reason given").to_owned();
    Err(match status {
        StatusCode::NOT_FOUND => Unanswered::Unknown(detail).into(),
        StatusCode::BAD_REQUEST => Unanswered::Invalid(detail).into(),
        _ => anyhow!("the daemon refused: {}", printable(&detail)),
    })
}
