//! Where the verbs ask about alerts, silences and deliveries, and bring what a person has to say of them: the daemon
//! that has the store, or else the store itself. Both say the same.

use std::cell::OnceCell;
use std::path::PathBuf;

use anyhow::bail;
use chrono_tz::Tz;
use reqwest::Method;

use super::socket::{self, Daemon};
use super::{Exit, FAILED, Session, say};
use crate::base::text::printable;
use crate::config::Setup;
use crate::inspect::alerts::{self, AlertShown, AlertsWanted, Known, Remark, Standing, Story};
use crate::inspect::deliveries::{self, Course, DeliveriesWanted, DeliveryShown};
use crate::inspect::silences::{self, NewSilence, SilenceAdded, SilenceShown};
use crate::inspect::status::place;
use crate::inspect::{Inspection, Page, Unanswered};
use crate::store::{Location, Store};

/// Who answers.
pub struct Desk<'a> {
    session: &'a Session,
    config: PathBuf,
    /// Read where the store has to be asked, or to find out who has it.
    setup: OnceCell<Setup>,
    daemon: Option<Daemon>,
}

impl<'a> Desk<'a> {
    /// Who answers for the config that the session finds. The service is known by the config's path alone: whoever may
    /// ask it need not be able to read the config's secrets.
    pub async fn open(session: &'a Session) -> anyhow::Result<Self> {
        let config = session.find()?;
        let daemon = Daemon::of_config(&config, &session.environment).await;
        let desk = Self { session, config, setup: OnceCell::new(), daemon };
        Ok(match desk.daemon {
            Some(_) => desk,
            None => Self { daemon: Daemon::of(desk.setup()?).await, ..desk },
        })
    }

    fn setup(&self) -> anyhow::Result<&Setup> {
        if let Some(setup) = self.setup.get() {
            return Ok(setup);
        }
        let read = self.session.read(&self.config)?;
        Ok(self.setup.get_or_init(|| read))
    }

    /// The time zone of the config.
    pub fn zone(&self) -> anyhow::Result<Tz> {
        match &self.daemon {
            Some(daemon) => Ok(daemon.status.timezone.parse().unwrap_or_default()),
            None => Ok(self.setup()?.zone),
        }
    }

    /// The alerts that fire or are held, or all of them.
    pub async fn alerts(&self, all: bool) -> anyhow::Result<Vec<AlertShown>> {
        if let Some(daemon) = &self.daemon {
            let query: &[(&str, String)] = if all { &[("state", "all".to_owned())] } else { &[] };
            return daemon.list("alerts", query, usize::MAX).await;
        }
        let wanted = AlertsWanted { standing: all.then_some(Standing::All), ..AlertsWanted::default() };
        self.look(async |asked| alerts::alerts(asked, &wanted, &Page::ALL).await).await.map(|found| found.alerts)
    }

    /// How an alert came to where it is.
    pub async fn alert(&self, id: &str) -> anyhow::Result<Story> {
        match self.daemon_for(id) {
            Some(daemon) => daemon.get(&["alerts", id], &[]).await,
            None => self.look(async |asked| alerts::alert(asked, id).await).await,
        }
    }

    /// That somebody knows of a firing alert.
    pub async fn acknowledge(&self, id: &str, said: &Remark) -> anyhow::Result<Known> {
        match self.daemon_for(id) {
            Some(daemon) => daemon.post(&["alerts", id, "acknowledge"], said).await,
            None => self.change(async |asked| alerts::acknowledge(asked, id, said).await).await,
        }
    }

    /// Every silence, oldest first.
    pub async fn silences(&self) -> anyhow::Result<Vec<SilenceShown>> {
        if let Some(daemon) = &self.daemon {
            return daemon.list("silences", &[], usize::MAX).await;
        }
        self.look(async |asked| silences::silences(asked, None, &Page::ALL).await).await.map(|found| found.silences)
    }

    /// Adds a silence.
    pub async fn add_silence(&self, wish: NewSilence) -> anyhow::Result<SilenceAdded> {
        match &self.daemon {
            Some(daemon) => daemon.post(&["silences"], &wish).await,
            None => self.change(async |asked| silences::add_silence(asked, wish).await).await,
        }
    }

    /// Ends a silence.
    pub async fn expire_silence(&self, id: i64) -> anyhow::Result<SilenceShown> {
        match &self.daemon {
            Some(daemon) => daemon.change(Method::DELETE, &["silences", &id.to_string()]).await,
            None => self.change(async |asked| silences::expire_silence(asked, id).await).await,
        }
    }

    /// The newest deliveries; those that failed alone, if so wanted.
    pub async fn deliveries(&self, failed: bool, limit: usize) -> anyhow::Result<Vec<DeliveryShown>> {
        if let Some(daemon) = &self.daemon {
            return daemon.list("deliveries", &[("failed", failed.to_string())], limit).await;
        }
        let wanted = DeliveriesWanted { failed, ..DeliveriesWanted::default() };
        let page = Page { limit, after: None };
        self.look(async |asked| deliveries::deliveries(asked, &wanted, &page).await).await.map(|found| found.deliveries)
    }

    /// A delivery with its attempts.
    pub async fn delivery(&self, id: &str) -> anyhow::Result<Course> {
        match self.daemon_for(id) {
            Some(daemon) => daemon.get(&["deliveries", id], &[]).await,
            None => self.look(async |asked| deliveries::delivery(asked, id).await).await,
        }
    }

    /// Makes a delivery due now.
    pub async fn send_again(&self, id: &str) -> anyhow::Result<DeliveryShown> {
        match self.daemon_for(id) {
            Some(daemon) => daemon.change(Method::POST, &["deliveries", id, "retry"]).await,
            None => self.change(async |asked| deliveries::send_again(asked, id).await).await,
        }
    }

    /// The daemon, where an id can stand in a path; nothing has one that cannot.
    fn daemon_for(&self, id: &str) -> Option<&Daemon> {
        let is_plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        self.daemon.as_ref().filter(|_| is_plain)
    }

    /// Asks a copy of the store.
    async fn look<T>(&self, ask: impl AsyncFnOnce(Inspection<'_>) -> Result<T, Unanswered>) -> anyhow::Result<T> {
        let setup = self.setup()?;
        self.expect(&setup.state)?;
        let store = self.session.copy(&setup.state).await?;
        Ok(ask(Inspection { setup, store: &store, now: self.session.clock.now() }).await?)
    }

    /// Changes the store, beside whoever has it.
    async fn change<T>(&self, ask: impl AsyncFnOnce(Inspection<'_>) -> Result<T, Unanswered>) -> anyhow::Result<T> {
        let (setup, now) = (self.setup()?, self.session.clock.now());
        self.expect(&setup.state)?;
        let store = Store::open_beside(&setup.state, now).await?;
        let done = ask(Inspection { setup, store: &store, now }).await;
        store.close().await?;
        Ok(done?)
    }

    /// A store that is not there knows of nothing. That must not pass for good news where a service has one.
    fn expect(&self, state: &Location) -> anyhow::Result<()> {
        if state.is_there() {
            return Ok(());
        }
        let shown = printable(&place(state));
        if let Some(socket) = socket::barred(&self.session.environment) {
            let socket = printable(&socket.display().to_string());
            bail!(
                "there is no state at {shown}, and the daemon at {socket} may be asked by root and by its group alone \
                 (`adduser NAME supplywatch-operators`, and log in anew)"
            );
        }
        say(&format!("note: there is no state at {shown} yet"));
        Ok(())
    }
}

/// What was asked for; where it was asked for in vain, says why, and which verb shows what there is.
pub fn found<T>(answer: anyhow::Result<T>, listing: &str) -> anyhow::Result<T> {
    answer.map_err(|error| match error.downcast::<Unanswered>() {
        Ok(unanswered @ (Unanswered::Unknown(_) | Unanswered::Invalid(_))) => {
            say(&format!("error: {unanswered}; see `{listing}`"));
            Exit(FAILED).into()
        }
        Ok(Unanswered::Store(error)) => error.into(),
        Err(error) => error,
    })
}
