//! Rules: which there are, what one says of its series, and what it would have sent.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use chrono_tz::Tz;
use serde::Deserialize;

use super::words::{day, figure, of_series, picture};
use super::{Chrome, show};
use crate::backtest::Basis;
use crate::base::text::counted;
use crate::chart::Chart;
use crate::inspect::backtest::{BacktestEvent, Backtested, Question, backtest};
use crate::inspect::rules::{JudgedSeries, RuleDetail, RuleSummary, rule, rules};
use crate::inspect::{Level, Unanswered};
use crate::period::Period;
use crate::web::Site;
use crate::web::api::asked::{Asked, Label, pairs};
use crate::web::problem::Problem;

#[derive(Template)]
#[template(path = "rules.html", config = "src/web/askama.toml")]
struct RulesPage {
    chrome: Chrome,
    rules: Vec<RuleSummary>,
}

/// Which there are.
pub async fn list(State(site): State<Site>, chrome: Chrome) -> Result<Response, Problem> {
    let setup = site.setup();
    let rules = rules(site.inspection(&setup)).await?;
    show(&RulesPage { chrome, rules })
}

/// Which series of a rule are looked at.
#[derive(Deserialize)]
pub struct OfRule {
    #[serde(default)]
    label: Vec<Label>,
}

#[derive(Template)]
#[template(path = "rule.html", config = "src/web/askama.toml")]
struct RulePage {
    chrome: Chrome,
    rule: RuleDetail,
    labels: Vec<(String, String)>,
}

impl RulePage {
    fn value(&self, judged: &JudgedSeries) -> String {
        figure(judged.value, judged.unit.as_ref())
    }

    fn explain(&self, judged: &JudgedSeries) -> String {
        of_series("/explain", &[("rule", &self.rule.summary.name)], &judged.labels)
    }

    fn backtest(&self, judged: &JudgedSeries) -> String {
        of_series(&format!("{}/backtest", self.path()), &[], &judged.labels)
    }

    /// How near one severity is; what no figure alone changes is told by its gates.
    fn near(&self, level: &Level) -> String {
        let severity = level.severity.map(|severity| format!("{severity}: ")).unwrap_or_default();
        match &level.nearness {
            Some(_) => format!("{severity}{}", level.in_words),
            None => format!("{severity}{} of {}", level.hold, counted(level.gates, "gate")),
        }
    }

    fn path(&self) -> String {
        path(&self.rule.summary.name)
    }
}

/// The path of a rule's page.
fn path(rule: &str) -> String {
    let name: String = url::form_urlencoded::byte_serialize(rule.as_bytes()).collect();
    format!("/rules/{}", name.replace('+', "%20"))
}

/// What one says.
pub async fn one(
    State(site): State<Site>,
    chrome: Chrome,
    Path(name): Path<String>,
    Asked(asked): Asked<OfRule>,
) -> Result<Response, Problem> {
    let setup = site.setup();
    let labels = pairs(asked.label);
    let rule = rule(site.inspection(&setup), &name, &labels).await?;
    show(&RulePage { chrome, rule, labels })
}

/// What is replayed. A form sends what was left empty, too.
#[derive(Deserialize)]
pub struct Replayed {
    #[serde(default)]
    label: Vec<Label>,
    #[serde(default)]
    basis: Basis,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
}

#[derive(Template)]
#[template(path = "backtest.html", config = "src/web/askama.toml")]
struct BacktestPage {
    chrome: Chrome,
    rule: String,
    labels: Vec<(String, String)>,
    basis: Basis,
    from: String,
    to: String,
    done: Result<Backtested, String>,
}

impl BacktestPage {
    const BASES: [(Basis, &'static str, &'static str); 3] = [
        (Basis::Stored, "stored", "as they became known"),
        (Basis::AsOfRelease, "as-of-release", "as the release calendar has them"),
        (Basis::Latest, "latest", "as they are known now"),
    ];

    fn bases(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> {
        Self::BASES.into_iter().map(|(basis, name, words)| (name, words, basis == self.basis))
    }

    fn path(&self) -> String {
        path(&self.rule)
    }

    fn picture(&self, chart: &Chart) -> String {
        picture(chart)
    }

    /// The publisher's day on which it was known.
    fn day(&self, event: &BacktestEvent, zone: &Tz) -> String {
        day(event.at, *zone)
    }
}

/// What one would have sent about a series.
pub async fn replay(
    State(site): State<Site>,
    chrome: Chrome,
    Path(name): Path<String>,
    Asked(asked): Asked<Replayed>,
) -> Result<Response, Problem> {
    let setup = site.setup();
    let Replayed { label, basis, from, to } = asked;
    let labels = pairs(label);
    let period = |text: &str| match text.trim() {
        "" => Ok(None),
        text => Period::parse(text).map(Some).map_err(|error| error.to_string()),
    };
    let done = match (period(&from), period(&to)) {
        (Ok(from), Ok(to)) => {
            let question = Question { rule: name.clone(), labels: labels.clone(), basis, from, to };
            match backtest(site.inspection(&setup), &question).await {
                Ok(replayed) => Ok(replayed),
                Err(Unanswered::Invalid(why)) => Err(why),
                Err(why) => return Err(why.into()),
            }
        }
        (Err(why), _) | (_, Err(why)) => Err(why),
    };
    show(&BacktestPage { chrome: chrome.still(), rule: name, labels, basis, from, to, done })
}
