//! Why a rule does or does not fire, part by part.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::rules::CHART_WIDTH;
use super::words::{figure, line};
use super::{Chrome, show};
use crate::base::limits::EXPLAINED_MAX;
use crate::base::moment;
use crate::chart::Chart;
use crate::inspect::explain::{Explainer, Explanation, Look, Unexplained};
use crate::inspect::{ExplainedFigure, ExplainedPart, meant};
use crate::period::Period;
use crate::series::{Labels, Unit};
use crate::web::Site;
use crate::web::api::asked::{Asked, Label, pairs};
use crate::web::problem::Problem;

/// What is explained. A form sends what was left empty, too.
#[derive(Deserialize)]
pub struct Explained {
    rule: String,
    #[serde(default)]
    label: Vec<Label>,
    #[serde(default)]
    period: String,
    #[serde(default)]
    as_of: String,
}

#[derive(Template)]
#[template(path = "explain.html", config = "src/web/askama.toml")]
struct ExplainPage {
    chrome: Chrome,
    rule: String,
    labels: Vec<(String, String)>,
    period: String,
    as_of: String,
    /// Why it cannot be asked so.
    wrong: Option<String>,
    explained: Vec<(Explanation, Chart)>,
    unexplained: Vec<(Labels, String)>,
    left_out: usize,
}

impl ExplainPage {
    /// The latest period, where another is judged.
    fn later(&self, explanation: &Explanation) -> Option<Period> {
        explanation.latest.filter(|latest| *latest != explanation.period)
    }

    fn tree(&self, part: &ExplainedPart, explanation: &Explanation) -> String {
        tree(part, explanation.unit.as_ref())
    }

    fn figure(&self, figure: &ExplainedFigure, explanation: &Explanation) -> String {
        line(&figure.in_words(explanation.unit.as_ref()))
    }
}

/// A part of an expression with all below it.
#[derive(Template)]
#[template(path = "part.html", config = "src/web/askama.toml")]
struct PartOfPage<'a> {
    part: &'a ExplainedPart,
    unit: Option<&'a Unit>,
}

impl PartOfPage<'_> {
    fn value(&self, figure: &ExplainedFigure) -> String {
        super::words::figure(Some(figure.value), self.unit)
    }

    fn was(&self, value: &Option<f64>) -> String {
        figure(*value, self.unit)
    }

    fn below(&self, part: &ExplainedPart) -> String {
        tree(part, self.unit)
    }
}

fn tree(part: &ExplainedPart, unit: Option<&Unit>) -> String {
    // Writing into memory cannot fail.
    PartOfPage { part, unit }.render().unwrap_or_default()
}

/// Explains a rule on its series.
pub async fn explain(
    State(site): State<Site>,
    chrome: Chrome,
    Asked(asked): Asked<Explained>,
) -> Result<Response, Problem> {
    let setup = site.setup();
    let Explained { rule: name, label, period, as_of } = asked;
    let labels = pairs(label);
    let rule = meant::rule(&setup, &name)?;
    let explainer = Explainer::new(site.inspection(&setup)).await?;
    let subjects = meant::subjects(explainer.catalogue(), rule, &labels)?;
    let look = look(&period, &as_of);
    let left_out = subjects.len().saturating_sub(EXPLAINED_MAX);
    let mut page = ExplainPage {
        chrome,
        rule: name,
        labels,
        period,
        as_of,
        wrong: look.as_ref().err().cloned(),
        explained: Vec::new(),
        unexplained: Vec::new(),
        left_out,
    };
    let Ok(look) = look else { return show(&page) };
    for subject in subjects.iter().take(EXPLAINED_MAX) {
        match explainer.case(rule, subject, look).await {
            Ok(case) => page.explained.push((explainer.explain(&case), case.chart())),
            Err(Unexplained::Nothing(why) | Unexplained::Misfit(why)) => {
                page.unexplained.push((subject.labels.clone(), why));
            }
            Err(Unexplained::Frequency(why)) => {
                page.wrong = Some(why);
                break;
            }
            Err(Unexplained::Store(error)) => return Err(error.into()),
        }
        tokio::task::yield_now().await;
    }
    show(&page)
}

fn look(period: &str, as_of: &str) -> Result<Look, String> {
    let period = Some(period.trim()).filter(|text| !text.is_empty());
    let as_of = Some(as_of.trim()).filter(|text| !text.is_empty());
    Ok(Look {
        period: period.map(Period::parse).transpose().map_err(|error| error.to_string())?,
        as_of: as_of.map(moment::read).transpose()?,
    })
}
