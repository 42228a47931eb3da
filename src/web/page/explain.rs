//! Why a rule does or does not fire, part by part.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;

use super::words::{figure, picture};
use super::{Chrome, minute, show};
use crate::base::clock::Timestamp;
use crate::base::limits::CHARTS_MAX;
use crate::base::moment;
use crate::chart::Chart;
use crate::inspect::aside::aside;
use crate::inspect::explain::{Explainer, Explanation, Look, Unexplained};
use crate::inspect::{ExplainedFigure, ExplainedGate, ExplainedPart, meant};
use crate::period::Period;
use crate::series::{Labels, Unit};
use crate::web::Site;
use crate::web::api::asked::{Asked, Label, pairs};
use crate::web::problem::Problem;

/// Figures of a part that are shown without being asked for, at most.
const OPEN_MAX: usize = 6;

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

    /// What is below a gate, which says itself what it comes to.
    fn tree(&self, gate: &ExplainedGate, explanation: &Explanation) -> String {
        let (reading, unit) = (&gate.reading, explanation.unit.as_ref());
        if reading.parts.is_empty() {
            return tree(reading, unit);
        }
        reading.parts.iter().map(|part| tree(part, unit)).collect()
    }

    fn figure(&self, figure: &ExplainedFigure, explanation: &Explanation) -> String {
        figure.in_words(explanation.unit.as_ref())
    }

    fn picture(&self, chart: &Chart) -> String {
        picture(chart)
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
    fn value(&self, value: impl Into<Option<f64>>) -> String {
        figure(value.into(), self.unit)
    }

    fn minute(&self, at: &Timestamp) -> String {
        minute(*at)
    }

    /// More than a few are folded away.
    fn is_short(&self) -> bool {
        self.part.figures.len() <= OPEN_MAX
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
    let left_out = subjects.len().saturating_sub(CHARTS_MAX);
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
    let mut cases = Vec::new();
    for subject in subjects.iter().take(CHARTS_MAX) {
        match explainer.case(rule, subject, look).await {
            Ok(case) => cases.push(case),
            Err(Unexplained::Nothing(why) | Unexplained::Misfit(why)) => {
                page.unexplained.push((subject.labels.clone(), why));
            }
            Err(Unexplained::Frequency(why)) => {
                page.wrong = Some(why);
                break;
            }
            Err(Unexplained::Store(error)) => return Err(error.into()),
        }
    }
    page.explained = aside(move || cases.iter().map(|case| (case.explanation(), case.chart())).collect()).await;
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
