//! Alerts: which of them there are, how one came to where it is; and that somebody knows of it.

mod shown;

use std::sync::Arc;

use super::deliveries::{DeliveriesWanted, deliveries};
use super::given::{line, not_a_token, one, optional_line};
use super::matching::Test;
use super::{Inspection, Page, Quiet, Unanswered};
use crate::alert::{Acknowledgement, Alert, Transition};
use crate::outbox::Message;
use crate::rule::Severity;
use crate::store::{AlertPlace, AlertQuery, Store, StoreError};
use shown::known_labels;
pub(super) use shown::show;

pub use shown::{AlertKind, AlertShown, AlertState, Alerts, Known, Story, TransitionShown};

/// Deliveries that are told with their alert, at most: the newest.
const DELIVERIES_MAX: usize = 1000;

/// Which alerts are asked for.
#[derive(Default)]
pub struct AlertsWanted {
    /// Where they stand; without it, those that fire or are held.
    pub standing: Option<Standing>,
    /// How bad they are.
    pub severity: Option<Severity>,
    /// Of which rule.
    pub rule: Option<String>,
    /// Of which kind.
    pub kind: Option<AlertKind>,
    /// What must hold of their labels.
    pub tests: Arc<[Test]>,
}

/// Where alerts stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// They fire.
    Firing,
    /// They wait for a figure, firing or not.
    Held,
    /// They do not fire.
    Ok,
    /// Anywhere.
    All,
}

impl AlertsWanted {
    /// The lists that come one after the other: of what fires or does not, and is held or is not.
    const fn lists(&self) -> &'static [(Option<bool>, Option<bool>)] {
        match self.standing {
            None => &[(Some(true), None), (Some(false), Some(true))],
            Some(Standing::Firing) => &[(Some(true), None)],
            Some(Standing::Held) => &[(None, Some(true))],
            Some(Standing::Ok) => &[(Some(false), None)],
            Some(Standing::All) => &[(None, None)],
        }
    }

    fn query(&self, (firing, held): (Option<bool>, Option<bool>)) -> AlertQuery {
        let tests = self.tests.clone();
        let holds = move |alert: &Alert| {
            let labels = known_labels(alert);
            tests.iter().all(|test| test.holds(&labels))
        };
        AlertQuery {
            firing,
            held,
            data: self.kind.map(|kind| kind == AlertKind::Data),
            rule: self.rule.clone(),
            severity: self.severity,
            only: if self.tests.is_empty() { None } else { Some(Arc::new(holds)) },
            ..AlertQuery::default()
        }
    }
}

/// The alerts that are asked for.
pub async fn alerts(asked: Inspection<'_>, wanted: &AlertsWanted, page: &Page) -> Result<Alerts, Unanswered> {
    let read = |token: &String| AlertPlace::parse(token).ok_or_else(|| not_a_token(token));
    let from = page.after.as_ref().map(read).transpose()?;
    let (alerts, next) = find(asked.store, wanted, page.limit, from).await?;
    let newest = asked.store.newest(alerts.iter().map(|alert| (alert.rule.as_str(), &alert.labels))).await?;
    let quiet = Quiet::read(asked.setup, asked.store, asked.now).await?;
    let shown = alerts
        .into_iter()
        .zip(&newest)
        .map(|(alert, newest)| show(asked, &quiet, alert, newest.as_ref().map(|(_, message)| message)));
    Ok(Alerts { alerts: shown.collect(), next_token: next.map(|next| next.to_string()) })
}

/// So many alerts behind a place, and the place behind which there are more.
async fn find(
    store: &Store,
    wanted: &AlertsWanted,
    limit: usize,
    from: Option<AlertPlace>,
) -> Result<(Vec<Alert>, Option<AlertPlace>), StoreError> {
    /// Before all that do not fire.
    const FIRED_NO_MORE: (i64, i64) = (0, i64::MAX);
    let mut found = Vec::new();
    // A place among those that do not fire has all that do behind it.
    let is_past = |(firing, _): &&(Option<bool>, Option<bool>)| {
        *firing == Some(true) && from.as_ref().is_some_and(|from| from.gravity == 0)
    };
    for list in wanted.lists().iter().filter(|list| !is_past(list)) {
        let left = limit.saturating_sub(found.len());
        let part =
            store.find_alerts(AlertQuery { from: from.clone(), limit: left.max(1), ..wanted.query(*list) }).await?;
        if left == 0 && !part.items.is_empty() {
            let (gravity, since) = FIRED_NO_MORE;
            return Ok((found, Some(AlertPlace { gravity, since, id: String::new() })));
        }
        found.extend(part.items);
        if part.next.is_some() {
            return Ok((found, part.next));
        }
    }
    Ok((found, None))
}

/// How the alert came to where it is whose id begins so.
pub async fn alert(asked: Inspection<'_>, id: &str) -> Result<Story, Unanswered> {
    let alert = one(asked.store.alerts_by_id(id).await?, "alert", id)?;
    let transitions = asked.store.transitions(&alert.rule, &alert.labels).await?;
    let mut hushed = asked.store.hushed(&alert.rule, &alert.labels).await?;
    let quiet = Quiet::read(asked.setup, asked.store, asked.now).await?;
    let of_alert = DeliveriesWanted { alert: Some(alert.id()), ..DeliveriesWanted::default() };
    let told = deliveries(asked, &of_alert, &Page { limit: DELIVERIES_MAX, after: None }).await?;
    let shown = show(asked, &quiet, alert, transitions.last().map(|(_, message)| message));
    let step = |(step, message): (Transition, Message)| TransitionShown {
        number: step.number,
        episode: step.episode,
        at: step.at,
        transition: step.kind,
        severity: step.severity,
        cause: step.cause,
        period: step.period,
        message,
        suppressed: hushed.remove(&step.number),
    };
    let transitions = transitions.into_iter().map(step).collect();
    Ok(Story { alert: shown, transitions, deliveries: told.deliveries })
}

/// What somebody says who knows of an alert.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Remark {
    /// What is done about it: a line.
    #[schema(min_length = 1, max_length = 500, pattern = "^[!-~]([ -~]*[!-~])?$", example = "asked the mill")]
    pub comment: String,
    /// Who knows: a line; may be left out.
    #[serde(default)]
    #[schema(max_length = 500, pattern = "^([!-~]([ -~]*[!-~])?)?$", example = "ada")]
    pub author: String,
}

/// Notes that somebody knows of the firing alert whose id begins so.
pub async fn acknowledge(asked: Inspection<'_>, id: &str, said: &Remark) -> Result<Known, Unanswered> {
    let (comment, author) = (line("comment", &said.comment)?, optional_line("author", &said.author)?);
    let beginning = id.to_owned();
    let only = Arc::new(move |alert: &Alert| alert.id().starts_with(&beginning));
    let query = AlertQuery { firing: Some(true), only: Some(only), limit: 2, ..AlertQuery::default() };
    let alert = one(asked.store.find_alerts(query).await?.items, "firing alert", id)?;
    let known = Acknowledgement {
        rule: alert.rule,
        labels: alert.labels,
        episode: alert.episode,
        at: asked.now,
        note: comment,
        author,
    };
    if !asked.store.acknowledge(known.clone()).await? {
        let id = crate::alert::alert_id(&known.rule, &known.labels);
        return Err(Unanswered::Unknown(format!("alert {id} no longer fires")));
    }
    Ok(known.into())
}
