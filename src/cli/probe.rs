//! `feeds probe`: one pull on a copy of the state.

use serde_json::{Value, json};

use super::pulled::{pull_json, say_pulled};
use super::spent::Spent;
use super::{Exit, FAILED, Format, Session};
use crate::config::Setup;
use crate::daemon::{Context, Pulled, pull_all};
use crate::feed::Feed;
use crate::inspect::feeds::Pull;
use crate::series::{AsOf, History, Point, PullId, Vintage};
use crate::store::{PullRecord, Store};

/// Pulls a feed and shows what came of it: so many series at most.
pub async fn run(session: &Session, setup: &Setup, feed: &Feed, limit: usize) -> anyhow::Result<()> {
    let store = session.copy(&setup.state).await?;
    let spent = Spent::before(&store, [feed], session).await?;
    let context = Context::new(store.clone(), session.clock.clone(), setup)?;
    let known = store.pulls(&feed.name, 1).await?;
    let pulled = pull_all(&context, setup, |other| other.name == feed.name).await?;
    spent.pay(&store, session, setup).await?;
    let last = store.pulls(&feed.name, 1).await?.into_iter().find(|last| !known.contains(last));
    let changes = match last.as_ref().and_then(|last| last.appended.pull) {
        Some(pull) => Some(Changes::new(&store, pull, limit).await?),
        None => None,
    };
    match session.format {
        Format::Text => show(session, &pulled, last.as_ref(), changes.as_ref())?,
        Format::Json => {
            let mut told =
                last.clone().map_or_else(|| json!({ "outcome": "not_modified" }), |last| pull_json(&Pull::new(last)));
            told["feed"] = feed.name.clone().into();
            told["notes"] = pulled.iter().filter_map(|pulled| pulled.note.clone()).collect();
            told["changed_series"] = changes.as_ref().map_or(0, |changes| changes.series).into();
            told["series"] = changes.iter().flat_map(Changes::lines).collect();
            session.line(&told)?;
        }
    }
    if pulled.iter().all(Pulled::is_ok) { Ok(()) } else { Err(Exit(FAILED).into()) }
}

fn show(
    session: &Session,
    pulled: &[Pulled],
    last: Option<&PullRecord>,
    changes: Option<&Changes>,
) -> anyhow::Result<()> {
    say_pulled(pulled);
    if let Some(last) = last {
        let status = last.http_status.map(|status| format!(", status {status}")).unwrap_or_default();
        let bytes = last.bytes.map(|bytes| format!(", {bytes} bytes")).unwrap_or_default();
        let from = last.url.as_deref().map(|url| format!(" from {url}")).unwrap_or_default();
        session.print(&format!("{}{from}{status}{bytes}", last.outcome.name()))?;
    }
    let Some(changes) = changes else { return session.print("Nothing would be stored.") };
    session.print(&format!("Would be stored, in {} series:\n", changes.series))?;
    let header = ["series", "figures", "from", "to", "latest", "was", "status", "known since"];
    session.print(&super::table::table(&header, &changes.rows()))?;
    match changes.series - changes.histories.len() {
        0 => Ok(()),
        more => session.print(&format!("… and {more} more series")),
    }
}

/// What a pull changed.
struct Changes {
    pull: PullId,
    /// All series that it changed.
    series: usize,
    /// The first of them.
    histories: Vec<History>,
}

impl Changes {
    async fn new(store: &Store, pull: PullId, limit: usize) -> anyhow::Result<Self> {
        let changed = store.changed(pull).await?;
        let histories = store.histories(&changed[..changed.len().min(limit)], pull).await?;
        Ok(Self { pull, series: changed.len(), histories })
    }

    /// The figures of a series that are new or revised, oldest first.
    fn news(&self, history: &History) -> Vec<Point> {
        let view = history.view(AsOf::Pull(self.pull));
        let is_new = |vintages: &[Vintage]| vintages.iter().any(|vintage| vintage.pull == self.pull);
        let news = history.entries().filter(|(_, vintages)| is_new(vintages));
        news.filter_map(|(span, _)| view.exactly(span)).collect()
    }

    fn rows(&self) -> Vec<Vec<String>> {
        self.histories.iter().map(|history| self.row(history)).collect()
    }

    fn row(&self, history: &History) -> Vec<String> {
        let news = self.news(history);
        let unit = history.unit().map(|unit| format!(" {unit}")).unwrap_or_default();
        let figure = |point: Point| format!("{}{unit}", point.value);
        let (first, latest) = (news.first(), news.last());
        let before = AsOf::Pull(PullId(self.pull.0 - 1));
        let was = latest.and_then(|point| history.view(before).exactly(point.span));
        let text = |point: Option<&Point>, told: fn(&Point) -> String| point.map(told).unwrap_or_default();
        vec![
            history.labels().to_string(),
            news.len().to_string(),
            text(first, |point| point.span.to_string()),
            text(latest, |point| point.span.to_string()),
            latest.copied().map_or_else(|| "withdrawn".to_owned(), figure),
            was.map(figure).unwrap_or_default(),
            text(latest, |point| point.status.to_string()),
            text(latest, |point| point.recorded_at.to_string()),
        ]
    }

    fn lines(&self) -> Vec<Value> {
        let line = |point: Point| {
            json!({
                "period": point.span.to_string(), "value": point.value, "status": point.status,
                "known_since": point.recorded_at,
            })
        };
        let series = self.histories.iter().map(|history| {
            let figures: Vec<Value> = self.news(history).into_iter().map(line).collect();
            json!({ "labels": history.labels(), "unit": history.unit().map(ToString::to_string), "figures": figures })
        });
        series.collect()
    }
}
